"""k-hat of arviz.psislw on fixed log weights, for psis.rs. Needs arviz.

The weights are x ** -k at the stratified points (i - 1/2)/n, so no random numbers are shared.
"""
import arviz
import numpy as np

for k in [0.2, 0.5, 0.7, 1.0]:
    for n in [100, 1000, 5000]:
        u = (np.arange(1, n + 1) - 0.5) / n
        log_weights, khat = arviz.psislw(-k * np.log(u))
        weights = np.exp(log_weights)
        print((k, n, float(khat), float(1 / np.sum(weights**2))))

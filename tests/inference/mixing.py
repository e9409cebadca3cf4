"""Quantiles by SciPy, and R-hat and effective sample sizes by ArviZ, for src/inference/chains.rs."""

import arviz
import numpy as np
from scipy.special import ndtri

print("NDTRI", [(p, float(ndtri(p))) for p in (0.5, 0.3, 0.05, 0.9, 0.999, 1e-5, 1e-12, 1 - 1e-9)])


def chains(phi, shift, length=250, count=4):
    """Autoregressive draws from a congruential generator, so that any language can repeat them."""
    state, out = 12345, np.zeros((count, length))
    for chain in range(count):
        x = 0.0
        for i in range(length):
            noise = 0.0
            for _ in range(12):
                state = (1103515245 * state + 12345) % 2**31
                noise += state / 2**31
            x = phi * x + (noise - 6.0)
            out[chain, i] = x + shift * chain
    return out


for phi, shift in ((0.0, 0.0), (0.6, 0.0), (-0.5, 0.0), (0.9, 0.0), (0.3, 0.5)):
    x = chains(phi, shift)
    mean = x.mean()
    numbers = [
        arviz.rhat(x),
        arviz.ess(x, method="bulk"),
        arviz.ess(x, method="tail"),
        arviz.ess(x, method="mean"),
        arviz.ess((x - mean) ** 2, method="mean"),
    ]
    print((phi, shift), [float(n) for n in numbers])

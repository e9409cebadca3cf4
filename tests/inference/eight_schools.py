"""Posterior moments of the eight schools by quadrature, for targets.rs.

mu ~ N(0, 5), tau ~ half-Cauchy(0, 5), theta_j ~ N(mu, tau), y_j ~ N(theta_j, sigma_j).
Given tau everything is normal, so one integral over tau remains. Prints mean and sd of
theta_1 .. theta_8, mu, tau, then the log evidence.
"""
import numpy as np
from scipy.integrate import quad
from scipy.stats import halfcauchy, norm

y = np.array([28.0, 8, -3, 7, -1, 1, 18, 12])
sigma = np.array([15.0, 10, 16, 11, 9, 11, 10, 18])


def given(tau):
    """log p(y, tau), and mean and second moment of theta and mu given tau."""
    v = sigma**2 + tau**2
    precision = 1 / 25 + np.sum(1 / v)
    mean = np.sum(y / v) / precision
    log_y = np.sum(norm.logpdf(y, 0, np.sqrt(v))) + 0.5 * precision * mean**2
    log_y -= 0.5 * np.log(25 * precision)
    share = tau**2 / v
    theta = share * y + (1 - share) * mean
    theta_variance = share * sigma**2 + (1 - share) ** 2 / precision
    first = np.append(np.append(theta, mean), tau)
    variance = np.append(np.append(theta_variance, 1 / precision), 0.0)
    return log_y + halfcauchy.logpdf(tau, scale=5), first, variance + first**2


def integral(f):
    # tau = exp(u): smooth, with both tails negligible outside the range.
    total = 0.0
    edges = np.linspace(-25, 12, 75)
    for low, high in zip(edges[:-1], edges[1:]):
        g = lambda u: f(np.exp(u)) * np.exp(u + given(np.exp(u))[0])
        total += quad(g, low, high, epsabs=0, epsrel=1e-10)[0]
    return total


evidence = integral(lambda tau: 1.0)
mean = np.array([integral(lambda t: given(t)[1][j]) for j in range(10)]) / evidence
second = np.array([integral(lambda t: given(t)[2][j]) for j in range(10)]) / evidence
print([round(m, 6) for m in mean.tolist()])
print([round(s, 6) for s in np.sqrt(second - mean**2).tolist()])
print(np.log(evidence))

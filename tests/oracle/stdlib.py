"""Reference values of the functions of the standard library.

Writes stdlib.csv beside itself: module, expression, and its value in every row or cell. Needs NumPy,
SciPy and mpmath. The data are those of tests/expand/library.rs.
"""

import csv
import pathlib

import mpmath as mp
import numpy as np
from scipy import integrate, interpolate, stats

HERE = pathlib.Path(__file__).parent
X = np.array([-1.3, -0.2, 0.4, 1.7, 2.9])
Y = np.array([0, 1, 2, 5, 9])
C = np.array([-1.1, 0.3, 2.0])
ROWS = []


def row(module, expression, values):
    values = np.atleast_1d(np.asarray(values, dtype=float)).ravel()
    ROWS.append([module, expression, " ".join(repr(float(v)) for v in values)])


def scalings():
    row("priors", "m.twice_sd(x)", (X - X.mean()) / (2 * X.std(ddof=1)))
    row("priors", "m.z_score(x)", stats.zscore(X, ddof=1))


def counts():
    poisson, size, mean, zero = stats.poisson(2.5), 1.7, 2.5, 0.3
    negative = stats.nbinom(size, size / (size + mean))
    row("counts", "m.log_poisson(y, 2.5)", poisson.logpmf(Y))
    row("counts", "m.log_neg_binomial(y, 2.5, 1.7)", negative.logpmf(Y))
    inflated = np.log(zero * (Y == 0) + (1 - zero) * poisson.pmf(Y))
    row("counts", "m.log_inflated(y, 0.3, -2.5, m.log_poisson(y, 2.5))", inflated)
    hurdle = np.where(Y == 0, zero, (1 - zero) * negative.pmf(Y) / negative.sf(0))
    log_zero = "1.7 * log(1.7 / 4.2)"
    expression = f"m.log_hurdle(y, 0.3, {log_zero}, m.log_neg_binomial(y, 2.5, 1.7))"
    row("counts", expression, np.log(hurdle))


def splines():
    count, low, high = 7, -1.5, 3.0
    step = (high - low) / (count - 3)
    knots = low + step * np.arange(-3, count + 1)
    basis = interpolate.BSpline.design_matrix(X, knots, 3).toarray()
    row("splines", "m.cubic(x, low = -1.5, high = 3, count = 7)", basis)


def seasons():
    k = np.arange(1, 3)
    angle = 2 * np.pi * X[:, None] * k / 1.25
    row("seasonal", "m.fourier(x, period = 1.25, pairs = 2)", np.hstack([np.sin(angle), np.cos(angle)]))


def ordinal():
    cdf = np.concatenate([[0], stats.logistic(0.4).cdf(C), [1]])
    for k in range(4):
        row("ordinal", f"m.cumulative(0.4, c, {k + 1})", cdf[k + 1] - cdf[k])
    stop = stats.logistic.cdf(C - 0.4)
    reached = np.concatenate([[1], np.cumprod(1 - stop)])
    for k in range(4):
        probability = reached[k] * (stop[k] if k < 3 else 1)
        row("ordinal", f"m.continuation(0.4, c, {k + 1})", np.log(probability))
    row("ordinal", "m.adjacent(0.4, c, 3)", (0.4 - C[0]) + (0.4 - C[1]))
    # Change of variables from probabilities to cutpoints, the Jacobian by differences of 50 digits.
    mp.mp.dps = 50

    def probabilities(cut):
        edges = [mp.mpf(0)] + [1 / (1 + mp.exp(-c)) for c in cut] + [mp.mpf(1)]
        return [b - a for a, b in zip(edges, edges[1:])]

    cut = [mp.mpf(float(c)) for c in C]
    jacobian = mp.matrix(3, 3)
    for j in range(3):
        for i in range(3):
            shifted = lambda h: probabilities([c + (h if n == j else 0) for n, c in enumerate(cut)])[i]
            jacobian[i, j] = mp.diff(shifted, 0)
    for alpha in (1, 2.5):
        p = [float(v) for v in probabilities(cut)]
        expected = stats.dirichlet([alpha] * 4).logpdf(np.array(p) / np.sum(p))
        expected += float(mp.log(abs(mp.det(jacobian))))
        row("ordinal", f"m.induced_dirichlet(c, {alpha})", expected)


def items():
    row("item_response", "m.three_parameter(x, 0.3, 1.4, 0.2)", 0.2 + 0.8 * stats.logistic.cdf(1.4 * (X - 0.3)))
    row("item_response", "m.partial_credit(0.4, c, 2)", 2 * 0.4 - C[0] - C[1])


def compartments():
    def rates(t, amounts):
        return [-1.2 * amounts[0], 1.2 * amounts[0] - 0.3 * amounts[1]]

    times = np.array([0.5, 1, 2, 4, 8])
    solved = integrate.solve_ivp(rates, (0, 8), [100, 0], "DOP853", times, rtol=1e-12, atol=1e-12)
    row("dynamics", "m.one_compartment_oral(t, 100, 1.2, 0.3, 20)", solved.y[1] / 20)


def kernels():
    def kernel_52(r):
        return (1 + np.sqrt(5) * r / 0.8 + 5 * r * r / (3 * 0.64)) * np.exp(-np.sqrt(5) * r / 0.8)

    kernels = {
        "squared_exponential": lambda r: np.exp(-0.5 * (r / 0.8) ** 2),
        "matern12": lambda r: np.exp(-r / 0.8),
        "matern32": lambda r: (1 + np.sqrt(3) * r / 0.8) * np.exp(-np.sqrt(3) * r / 0.8),
        "matern52": kernel_52,
    }
    for name, kernel in kernels.items():
        # The spectral density is the Fourier transform of the kernel.
        values = [
            2 * 1.5**2 * mp.quad(lambda r: float(kernel(float(r))) * mp.cos(w * r), mp.linspace(0, 40, 81))
            for w in X
        ]
        row("gaussian_process", f"m.{name}(x, 1.5, 0.8)", [float(v) for v in values])
    k = np.arange(1, 4)
    basis = np.sin(k * np.pi / 8 * (X[:, None] + 4)) / 2
    row("gaussian_process", "m.eigenfunctions(x, 4, 3)", basis)


for part in (scalings, counts, splines, seasons, ordinal, items, compartments, kernels):
    part()
with open(HERE / "stdlib.csv", "w", newline="") as file:
    csv.writer(file, lineterminator="\n").writerows(ROWS)

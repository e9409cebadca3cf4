"""References for the logarithms of the regularised incomplete gamma and beta functions.

Writes incomplete.csv beside itself; needs mpmath. Values by mpmath's own functions with 80 digits;
first and second partial derivatives, in the order of the arguments, by numerical differentiation.
The beta function is at x = 1 / (1 + e^-l).
"""

import csv
import pathlib

import mpmath as mp

mp.mp.dps = 80
HERE = pathlib.Path(__file__).parent


def gamma_lower(a, x):
    return mp.log(mp.gammainc(a, 0, x, regularized=True))


def gamma_upper(a, x):
    return mp.log(mp.gammainc(a, x, regularized=True))


def beta_lower(a, b, l):
    x, y = 1 / (1 + mp.exp(-l)), 1 / (1 + mp.exp(l))
    # The side on which mpmath's series converges fast.
    if x <= mp.mpf(1) / 2:
        return mp.log(mp.betainc(a, b, 0, x, regularized=True))
    return mp.log(1 - mp.betainc(b, a, 0, y, regularized=True))


GAMMA = [(a, x) for a in (0.05, 0.5, 1.0, 2.5, 30.0, 60.0, 900.0) for x in (0.001 * a, 0.3 * a, 0.9 * a, a + 0.5, 1.4 * a, 4.0 * a + 3)]
BETA = [(a, b, l) for a, b in ((0.5, 0.5), (0.5, 2.0), (3.0, 1.0), (2.0, 7.5), (40.0, 25.0), (0.5, 150.0), (300.0, 200.0)) for l in (-9.0, -2.0, -0.25, 0.0, 0.5, 3.0, 8.0)]
ROWS = []


def show(value):
    return repr(float(value))


for name, f, points in (("LnGammaLower", gamma_lower, GAMMA), ("LnGammaUpper", gamma_upper, GAMMA), ("LnBetaLower", beta_lower, BETA)):
    for point in points:
        at = tuple(mp.mpf(v) for v in point)
        value = f(*at)
        if not mp.isfinite(value):
            continue
        n = len(at)
        order = lambda *which: tuple(sum(w == i for w in which) for i in range(n))
        first = [mp.diff(f, at, order(i)) for i in range(n)]
        second = [mp.diff(f, at, order(i, j)) for i in range(n) for j in range(i, n)]
        ROWS.append([name, " ".join(map(repr, point)), show(value), " ".join(map(show, first)), " ".join(map(show, second))])

with open(HERE / "incomplete.csv", "w", newline="") as file:
    out = csv.writer(file, lineterminator="\n")
    out.writerow(["function", "arguments", "value", "first", "second"])
    out.writerows(ROWS)

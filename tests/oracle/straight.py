"""Reference values of the special functions that are written without branches.

Writes straight.csv beside itself; needs mpmath. Arguments are random over the range of each function, with
its awkward places; every value is computed with 50 digits and rounded once to the nearest double.
"""

import csv
import math
import pathlib
import random

import mpmath as mp

mp.mp.dps = 50
HERE = pathlib.Path(__file__).parent
COUNT = 150
draw = random.Random(1)


def power(low, high):
    return 10 ** draw.uniform(low, high)


def cdf(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


# name: (value, ways to draw an argument, awkward arguments)
FUNCTIONS = {
    "exp": (mp.exp, [lambda: draw.uniform(-745, 709.7), lambda: draw.uniform(-1, 1)],
            [-745.1, -708.5, -1e-300, 5e-324, 709.78]),
    "ln": (mp.log, [lambda: math.exp(draw.uniform(-745, 709)), lambda: draw.uniform(0.5, 2)],
           [5e-324, 2.2e-308, 0.9999999999999999, 1.0000000000000002, 0.70710678, 1.7e308]),
    "log1p": (mp.log1p, [lambda: draw.uniform(-0.999, 2), lambda: power(-17, 17), lambda: -power(-17, 0)],
              [-0.9999999999999999, 5e-324, -1e-17, 0.41421356, -0.29289322]),
    "expm1": (mp.expm1, [lambda: draw.uniform(-40, 40), lambda: draw.uniform(-1, 1), lambda: power(-17, 2.8)],
              [-800.0, -37.5, -1e-18, 5e-324, 0.34657, 709.78]),
    "tanh": (mp.tanh, [lambda: draw.uniform(-25, 25), lambda: draw.uniform(-1, 1), lambda: power(-17, 0)],
             [-800.0, 19.9, 20.1, 5e-324, 800.0]),
    "softplus": (lambda x: mp.log1p(mp.exp(x)), [lambda: draw.uniform(-40, 40), lambda: draw.uniform(-745, 760),
                                                 lambda: draw.uniform(-2, 2)], [-745.1, -708.5, -0.8813, 800.0]),
    "sigmoid": (lambda x: 1 / (1 + mp.exp(-x)), [lambda: draw.uniform(-40, 40), lambda: draw.uniform(-745, 760),
                                                 lambda: draw.uniform(-2, 2)], [-745.1, -708.5, -0.8813, 800.0]),
    "ln_gamma": (mp.loggamma, [lambda: draw.uniform(0, 20), lambda: draw.uniform(0.9, 1.1),
                               lambda: draw.uniform(1.9, 2.1), lambda: power(-300, 12), lambda: draw.uniform(0, 2.6)],
                 [1.0000000000000002, 0.9999999999999999, 2.0000000000000004, 0.5, 1.5, 2.5, 7.999999, 8.0, 2.3e-308]),
    "digamma": (mp.digamma, [lambda: draw.uniform(0, 20), lambda: draw.uniform(0.9, 1.1),
                             lambda: draw.uniform(1.9, 2.1), lambda: power(-300, 12), lambda: draw.uniform(0, 2.6)],
                [1.4616321449683622, 0.5, 1.5, 2.5, 7.999999, 8.0, 2.3e-308]),
    "erf": (mp.erf, [lambda: draw.uniform(-6, 6), lambda: draw.uniform(-1, 1)], [5e-324, 0.9999999, 1.0, 27.0, -40.0]),
    "normal_cdf": (cdf, [lambda: draw.uniform(-37, 9), lambda: draw.uniform(-3, 3)],
                   [-37.5, -0.70710678, 0.0, 1e-300, 9.0, 50.0]),
    "ln_normal_cdf": (lambda x: mp.log(cdf(x)) if x < 0 else mp.log1p(-cdf(-x)),
                      [lambda: draw.uniform(-60, 9), lambda: draw.uniform(-3, 3), lambda: -power(0, 8)],
                      [-1e9, -42.5, -0.70710678, 0.0, 1e-300, 9.0, 37.0]),
    "softplus_in_parts": (lambda x: mp.log1p(mp.exp(x)), [lambda: draw.uniform(-40, 40), lambda: draw.uniform(-2, 2),
                                                          lambda: draw.uniform(-800, 800)], [-1e-300, 1e-17, 36.5]),
    "sigmoid_in_parts": (lambda x: 1 / (1 + mp.exp(-x)), [lambda: draw.uniform(-40, 40), lambda: draw.uniform(-2, 2),
                                                          lambda: draw.uniform(-708, 760)], [-708.0, 36.5, 800.0]),
}


def main():
    with open(HERE / "straight.csv", "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["function", "x", "value"])
        for name, (f, ways, awkward) in FUNCTIONS.items():
            for x in awkward + [ways[i % len(ways)]() for i in range(COUNT)]:
                out.writerow([name, repr(x), repr(float(f(mp.mpf(x))))])


main()

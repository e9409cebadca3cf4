"""Reference values of the special functions and the elementwise functions, with derivatives.

Writes unary.csv, binary.csv and elementwise.csv beside itself; needs mpmath.
Every value is computed with 60 digits and rounded once to the nearest double.
"""

import csv
import math
import pathlib

import mpmath as mp

mp.mp.dps = 60
HERE = pathlib.Path(__file__).parent
NAN = mp.nan


def show(value):
    """The shortest text that reads back as the nearest double."""
    if isinstance(value, mp.mpc):
        return "nan"
    return repr(float(value)) if value is not None else "-"


def phi(x):
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def cdf(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def mills(x):
    return phi(x) / cdf(x)


def bessel_ratio(x):
    return mp.besseli(1, x) / mp.besseli(0, x)


def bessel_slope(x):
    return mp.mpf(1) / 2 if x == 0 else 1 - bessel_ratio(x) / x - bessel_ratio(x) ** 2


def bessel_curve(x):
    if x == 0:
        return mp.mpf(0)
    r, s = bessel_ratio(x), bessel_slope(x)
    return -s / x + r / x**2 - 2 * r * s


def lgamma(x):
    return mp.log(abs(mp.gamma(x)))


LINE = [-1e4, -800.0, -745.5, -100.0, -40.0, -38.0, -20.0, -7.3, -5.0, -4.99, -3.0, -1.5, -1.0, -0.7,
        -0.3, -1e-3, -1e-9, -1e-300, -5e-324, 5e-324, 1e-300, 1e-17, 1e-9, 1e-3, 0.1, 0.5, 0.9, 1.0,
        1.2345, 2.0, 3.7, 6.0, 8.3, 20.0, 37.0, 100.0, 709.0, 800.0, 1e4]
HALF = [1e-300, 1e-100, 1e-17, 1e-9, 1e-5, 0.01, 0.1, 0.5, 0.9, 0.99999, 1.0, 1.0000001, 1.4616321449683622,
        1.4616321449683625, 1.5, 1.99999, 2.0, 2.0000001, 2.5, 3.0, 5.5, 7.9, 8.1, 11.9, 12.1, 20.0, 49.5, 171.0,
        1e3, 1e6, 1e10, 1e15, 1e100]
NEGATIVE = [-0.3, -0.5, -0.999, -1.5, -2.7, -10.1, -33.25]
WAVE = [-100.5, -10.0, -3.0, -1.0, -1e-9, 1e-300, 0.3, 1.0, 1.5, 2.5, 3.2, 10.0, 355.0, 1e6]
ARC = [-1.0, -0.999, -0.5, -1e-8, 0.0, 1e-300, 0.1, 0.5, 0.7, 0.99, 0.9999999, 1.0]
ABOVE = [-0.999999, -0.5, -1e-3, -1e-17, 1e-300, 1e-17, 1e-8, 0.5, 1.0, 10.0, 1e10, 1e300]
BESSEL = [0.0, 1e-8, 1e-3, 0.1, 1.0, 3.0, 10.0, 20.0, 29.9, 30.1, 50.0, 100.0, 1e4, 1e8]
MODERATE = [x for x in LINE if abs(x) >= 1e-3 and abs(x) < 700]
LN = lambda x: (mp.log(x), 1 / x, -1 / x**2)

# name: (value, first derivative, second derivative), arguments
UNARY = {
    "Abs": (lambda x: (abs(x), mp.sign(x), mp.mpf(0)), LINE),
    "Exp": (lambda x: (mp.exp(x),) * 3, [x for x in LINE if x <= 709]),
    "Expm1": (lambda x: (mp.expm1(x), mp.exp(x), mp.exp(x)), [x for x in LINE if x <= 709]),
    "Ln": (LN, [x for x in HALF if 1e-100 <= x]),
    "Log1p": (lambda x: (mp.log1p(x), 1 / (1 + x), -1 / (1 + x) ** 2), ABOVE),
    "Softplus": (lambda x: (mp.log1p(mp.exp(x)), sigmoid(x), sigmoid(x) * sigmoid(-x)), LINE),
    "Sigmoid": (lambda x: (sigmoid(x), sigmoid(x) * sigmoid(-x),
                           sigmoid(x) * sigmoid(-x) * (1 - 2 * sigmoid(x))), LINE),
    "Sqrt": (lambda x: (mp.sqrt(x), 0.5 / mp.sqrt(x), -0.25 / mp.sqrt(x) ** 3), [x for x in HALF if 1e-100 <= x]),
    "Square": (lambda x: (x * x, 2 * x, mp.mpf(2)), LINE),
    "Recip": (lambda x: (1 / x, -1 / x**2, 2 / x**3), [x for x in LINE + HALF if abs(x) > 1e-90 and abs(x) < 1e90]),
    "Sin": (lambda x: (mp.sin(x), mp.cos(x), -mp.sin(x)), WAVE),
    "Cos": (lambda x: (mp.cos(x), -mp.sin(x), -mp.cos(x)), WAVE),
    "Atan": (lambda x: (mp.atan(x), 1 / (1 + x * x), -2 * x / (1 + x * x) ** 2), LINE),
    "Asin": (lambda x: (mp.asin(x),) + ((mp.inf, None) if abs(x) == 1 else
             (1 / mp.sqrt(1 - x * x), x / mp.sqrt(1 - x * x) ** 3)), ARC),
    "Tanh": (lambda x: (mp.tanh(x), mp.sech(x) ** 2, -2 * mp.tanh(x) * mp.sech(x) ** 2), LINE),
    "LnGamma": (lambda x: (lgamma(x), mp.psi(0, x), mp.psi(1, x)), [x for x in HALF + NEGATIVE if abs(x) > 1e-150]),
    "Digamma": (lambda x: tuple(mp.psi(k, x) for k in (0, 1, 2)), [x for x in HALF + NEGATIVE if abs(x) > 1e-99]),
    "Trigamma": (lambda x: (mp.psi(1, x), mp.psi(2, x), None), [x for x in HALF + NEGATIVE if abs(x) > 1e-99]),
    "Tetragamma": (lambda x: (mp.psi(2, x), None, None), [x for x in HALF + NEGATIVE if abs(x) > 1e-99]),
    "Erf": (lambda x: (mp.erf(x), 2 / mp.sqrt(mp.pi) * mp.exp(-x * x),
                       -4 * x / mp.sqrt(mp.pi) * mp.exp(-x * x)), LINE),
    "NormalCdf": (lambda x: (cdf(x), phi(x), -x * phi(x)), LINE),
    "LnNormalCdf": (lambda x: (mp.log1p(-cdf(-x)) if x > 0 else mp.log(cdf(x)), mills(x),
                               -mills(x) * (x + mills(x))), LINE),
    "LnBesselI0": (lambda x: (mp.log(mp.besseli(0, x)), bessel_ratio(x), bessel_slope(x)), BESSEL),
    "BesselRatio": (lambda x: (bessel_ratio(x), bessel_slope(x), bessel_curve(x)), [x for x in BESSEL if x <= 100]),
    "Floor": (lambda x: (mp.floor(x), mp.mpf(0), mp.mpf(0)), [-2.5, -2.0, -0.3, 0.4, 3.0, 1e15, 1e300]),
}

INF = math.inf
# name, x, value: signs of zeros are not looked at
EDGES = [
    ("Abs", -INF, INF), ("Abs", -0.0, 0.0),
    ("Exp", -INF, 0.0), ("Exp", INF, INF), ("Exp", 710.0, INF), ("Exp", 0.0, 1.0),
    ("Expm1", -INF, -1.0), ("Expm1", INF, INF), ("Expm1", 0.0, 0.0),
    ("Ln", 0.0, -INF), ("Ln", -0.0, -INF), ("Ln", -1.0, math.nan), ("Ln", INF, INF), ("Ln", 5e-324, math.log(5e-324)),
    ("Log1p", -1.0, -INF), ("Log1p", -1.5, math.nan), ("Log1p", INF, INF), ("Log1p", 0.0, 0.0),
    ("Softplus", -INF, 0.0), ("Softplus", INF, INF), ("Softplus", 0.0, math.log(2)),
    ("Sigmoid", -INF, 0.0), ("Sigmoid", INF, 1.0), ("Sigmoid", 0.0, 0.5),
    ("Sqrt", 0.0, 0.0), ("Sqrt", -0.0, 0.0), ("Sqrt", -1.0, math.nan), ("Sqrt", INF, INF),
    ("Square", -INF, INF), ("Square", 1e200, INF),
    ("Recip", 0.0, INF), ("Recip", -0.0, -INF), ("Recip", INF, 0.0),
    ("Sin", INF, math.nan), ("Cos", -INF, math.nan), ("Sin", 0.0, 0.0), ("Cos", 0.0, 1.0),
    ("Atan", INF, math.pi / 2), ("Atan", -INF, -math.pi / 2),
    ("Asin", 1.5, math.nan), ("Asin", INF, math.nan),
    ("Tanh", INF, 1.0), ("Tanh", -INF, -1.0),
    ("LnGamma", 0.0, INF), ("LnGamma", -0.0, INF), ("LnGamma", -1.0, INF), ("LnGamma", -7.0, INF),
    ("LnGamma", 1.0, 0.0), ("LnGamma", 2.0, 0.0), ("LnGamma", INF, INF), ("LnGamma", -INF, INF),
    ("LnGamma", 5e-324, -math.log(5e-324)), ("LnGamma", 1e306, INF),
    ("Digamma", 0.0, -INF), ("Digamma", -0.0, INF), ("Digamma", -3.0, math.nan), ("Digamma", INF, INF),
    ("Digamma", -INF, math.nan),
    ("Trigamma", 0.0, INF), ("Trigamma", -0.0, INF), ("Trigamma", -3.0, INF), ("Trigamma", INF, 0.0),
    ("Trigamma", -INF, math.nan),
    ("Tetragamma", 0.0, -INF), ("Tetragamma", -0.0, INF), ("Tetragamma", -3.0, math.nan), ("Tetragamma", INF, 0.0),
    ("Tetragamma", -INF, math.nan),
    ("Erf", INF, 1.0), ("Erf", -INF, -1.0), ("Erf", 0.0, 0.0),
    ("NormalCdf", INF, 1.0), ("NormalCdf", -INF, 0.0), ("NormalCdf", 0.0, 0.5),
    ("LnNormalCdf", INF, 0.0), ("LnNormalCdf", -INF, -INF), ("LnNormalCdf", 0.0, -math.log(2)),
    ("LnBesselI0", INF, INF), ("BesselRatio", INF, 1.0), ("BesselRatio", 0.0, 0.0),
    ("Floor", INF, INF), ("Floor", -INF, -INF), ("Floor", -0.0, 0.0),
]

# name: (value and two partial derivatives), pairs
BINARY = {
    "Pow": (lambda a, b: (a**b, b * a ** (b - 1), a**b * mp.log(a)),
            [(0.5, 2.0), (2.0, 0.5), (3.3, -1.7), (1e-5, 3.0), (1e5, 1.5), (1.0, 7.0), (0.9, 100.0), (2.0, 1.0)]),
    "XLogY": (lambda a, b: (a * mp.log(b), mp.log(b), a / b),
              [(1.0, 2.0), (0.0, 3.0), (-2.5, 0.1), (7.0, 1e-300), (1e5, 1e5), (3.0, 1.0)]),
}
BINARY_EDGES = [
    ("Pow", 0.0, 0.0, 1.0, 0.0, 0.0), ("Pow", 0.0, 1.0, 0.0, 1.0, 0.0), ("Pow", 0.0, 2.0, 0.0, 0.0, 0.0),
    ("Pow", 0.0, 0.5, 0.0, INF, 0.0), ("Pow", -2.0, 2.0, 4.0, -4.0, 0.0), ("Pow", -2.0, 3.0, -8.0, 12.0, 0.0),
    ("Pow", -2.0, 0.5, math.nan, math.nan, "-"), ("Pow", -3.0, 0.0, 1.0, 0.0, 0.0),
    ("XLogY", 0.0, 0.0, 0.0, "-", 0.0), ("XLogY", 2.0, 0.0, -INF, "-", INF), ("XLogY", 1.0, -1.0, math.nan, "-", "-"),
    ("XLogY", 0.0, math.inf, 0.0, "-", "-"), ("XLogY", 0.0, math.nan, math.nan, "-", "-"),
]


def ln_choose(n, k):
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


# name: value, points; derivatives are numerical with 60 digits
ELEMENTWISE = {
    "exp": (mp.exp, MODERATE), "log": (mp.log, HALF[5:-1]), "log10": (mp.log10, HALF[5:-1]),
    "log2": (lambda x: mp.log(x, 2), HALF[5:-1]),
    "log1p": (mp.log1p, [-0.9, -0.1, 1e-6, 0.3, 5.0, 1e6]), "log1m": (lambda x: mp.log1p(-x), [-5.0, -0.1, 1e-6, 0.3, 0.99]),
    "expm1": (mp.expm1, MODERATE), "log1p_exp": (lambda x: mp.log1p(mp.exp(x)), MODERATE),
    "log1m_exp": (lambda x: mp.log(-mp.expm1(x)), [-100.0, -10.0, -1.0, -0.7, -0.69, -0.1, -1e-3]),
    "log_add_exp": (lambda a, b: mp.log(mp.exp(a) + mp.exp(b)), [(0.0, 1.0), (-3.0, 2.5), (100.0, 99.0), (-200.0, -300.0)]),
    "sqrt": (mp.sqrt, HALF[5:-1]), "square": (lambda x: x * x, MODERATE), "abs": (abs, MODERATE),
    "sin": (mp.sin, MODERATE), "cos": (mp.cos, MODERATE), "tan": (mp.tan, [-1.5, -0.4, 0.1, 1.0, 1.57, 4.0]),
    "asin": (mp.asin, [-0.99, -0.5, 0.1, 0.7, 0.99]), "acos": (mp.acos, [-0.99, -0.5, 0.1, 0.7, 0.99]),
    "atan": (mp.atan, MODERATE), "tanh": (mp.tanh, [x for x in MODERATE if abs(x) < 10]),
    "logit": (lambda p: mp.log(p / (1 - p)), [1e-3, 0.1, 0.4, 0.5, 0.8, 0.999]),
    "inv_logit": (sigmoid, MODERATE), "log_inv_logit": (lambda x: -mp.log1p(mp.exp(-x)), MODERATE),
    "lgamma": (lgamma, [0.01, 0.5, 1.0, 1.5, 2.0, 3.0, 10.0, 1e4, -0.5, -3.3]),
    "gamma": (mp.gamma, [0.01, 0.5, 1.0, 1.5, 2.0, 3.0, 10.0, 150.0, -0.5, -1.5, -3.3]),
    "digamma": (mp.digamma, [0.01, 0.5, 1.0, 1.5, 2.0, 3.0, 10.0, 1e4, -0.5, -3.3]),
    "lbeta": (lambda a, b: mp.log(mp.beta(a, b)), [(0.5, 0.5), (1.0, 3.0), (20.0, 0.1), (150.0, 90.0)]),
    "lchoose": (ln_choose, [(5.0, 2.0), (10.0, 0.0), (10.0, 10.0), (500.0, 33.0), (7.5, 2.25)]),
    "erf": (mp.erf, [-3.0, -0.5, 1e-3, 0.9, 2.0]), "normal_cdf": (cdf, [-30.0, -3.0, -0.5, 1e-3, 0.9, 2.0]),
    "log_diff_exp": (
        lambda a, b: mp.log(mp.exp(a) - mp.exp(b)),
        [(0.0, -1.0), (-3.0, -3.5), (2.5, -40.0), (700.0, 1.0), (-800.0, -801.0)],
    ),
    "log_normal_cdf": (lambda x: mp.log(cdf(x)), [-30.0, -3.0, -0.5, 1e-3, 0.9, 2.0]),
    "floor": (mp.floor, [-1.5, 0.5, 2.5, 1.49]), "ceil": (mp.ceil, [-1.5, 0.5, 2.5, 1.49]),
    "round": (lambda x: mp.sign(x) * mp.floor(abs(x) + 0.5), [-1.5, -0.49, 0.5, 2.5, 1.49]),
    "max": (max, [(1.0, 2.0), (3.0, -1.0)]), "min": (min, [(1.0, 2.0), (3.0, -1.0)]),
    "is_missing": (lambda x: mp.mpf(0), [-1.5, 0.0, 2.5]),
}


def main():
    with open(HERE / "unary.csv", "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["function", "x", "value", "first", "second"])
        for name, (f, xs) in UNARY.items():
            for x in sorted(set(xs)):
                out.writerow([name, repr(x), *map(show, f(mp.mpf(x)))])
        for name, x, value in EDGES + [(name, math.nan, math.nan) for name in UNARY]:
            out.writerow([name, repr(x), repr(value), "-", "-"])
    with open(HERE / "binary.csv", "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["function", "a", "b", "value", "da", "db"])
        for name, (f, pairs) in BINARY.items():
            for a, b in pairs:
                out.writerow([name, repr(a), repr(b), *map(show, f(mp.mpf(a), mp.mpf(b)))])
        for name, *cells in BINARY_EDGES:
            out.writerow([name, *(c if c == "-" else repr(c) for c in cells)])
    with open(HERE / "elementwise.csv", "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["function", "arguments", "value", "partials"])
        step = {"floor", "ceil", "round", "is_missing"}
        for name, (f, points) in ELEMENTWISE.items():
            for point in points:
                point = point if isinstance(point, tuple) else (point,)
                at = [mp.mpf(x) for x in point]
                slopes = []
                for i in range(len(at)):
                    along = lambda t: f(*at[:i], t, *at[i + 1:])
                    slopes.append(mp.mpf(0) if name in step else mp.diff(along, at[i]))
                out.writerow([name, " ".join(map(repr, point)), show(f(*at)), " ".join(map(show, slopes))])


main()

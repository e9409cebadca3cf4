"""Reference log densities, partial derivatives and tail probabilities of every distribution.

Writes distributions.csv beside itself; needs mpmath, and SciPy as a second opinion on each log
density that it knows. Densities are written from their definitions, not in logarithms, and
differentiated numerically with 60 digits.
"""

import csv
import math
import pathlib

import mpmath as mp
from scipy import stats

mp.mp.dps = 60
HERE = pathlib.Path(__file__).parent


def show(value):
    return repr(float(value))


def phi(z):
    return mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi)


def Phi(z):
    return mp.erfc(-z / mp.sqrt(2)) / 2


def t_pdf(df, z):
    return mp.gamma((df + 1) / 2) / mp.gamma(df / 2) / mp.sqrt(df * mp.pi) * (1 + z * z / df) ** (-(df + 1) / 2)


def t_sf(df, z):
    if z < 0:
        return 1 - t_sf(df, -z)
    return mp.betainc(df / 2, mp.mpf(1) / 2, 0, df / (df + z * z), regularized=True) / 2


def cauchy_sf(z):
    return mp.atan2(1, z) / mp.pi


def gamma_pdf(x, shape, rate):
    return rate**shape / mp.gamma(shape) * x ** (shape - 1) * mp.exp(-rate * x)


def gamma_tails(x, shape, rate):
    return (mp.gammainc(shape, 0, rate * x, regularized=True), mp.gammainc(shape, rate * x, regularized=True))


def beta_pdf(x, a, b):
    return x ** (a - 1) * (1 - x) ** (b - 1) / mp.beta(a, b)


def beta_tails(x, a, b):
    return (mp.betainc(a, b, 0, x, regularized=True), mp.betainc(b, a, 0, 1 - x, regularized=True))


def choose(n, k):
    return mp.gamma(n + 1) / mp.gamma(k + 1) / mp.gamma(n - k + 1)


def binomial_pmf(x, n, p):
    return choose(n, x) * p**x * (1 - p) ** (n - x)


def poisson_pmf(x, rate):
    return rate**x * mp.exp(-rate) / mp.gamma(x + 1)


def negbin_pmf(x, mean, size):
    p = size / (size + mean)
    return mp.gamma(x + size) / mp.gamma(size) / mp.gamma(x + 1) * p**size * (1 - p) ** x


def sigmoid(t):
    return 1 / (1 + mp.exp(-t))


def hyper_pmf(x, total, successes, draws):
    return choose(successes, x) * choose(total - successes, draws - x) / choose(total, draws)


def betabin_pmf(x, n, a, b):
    return choose(n, x) * mp.beta(x + a, n - x + b) / mp.beta(a, b)


def sums(pmf, low, high):
    """Tails of a discrete distribution by adding its masses up."""

    def tails(x, *p):
        start, stop = int(low(*p)), int(high(*p))
        below = mp.fsum(pmf(mp.mpf(k), *p) for k in range(start, int(x) + 1))
        above = mp.fsum(pmf(mp.mpf(k), *p) for k in range(int(x) + 1, stop + 1))
        return below, above

    return tails


def exgauss_cdf(x, m, s, r):
    z = (x - m) / s
    return Phi(z) - mp.exp(r * r * s * s / 2 - r * (x - m)) * Phi(z - r * s)


def exgauss_sf(x, m, s, r):
    z = (x - m) / s
    return Phi(-z) + mp.exp(r * r * s * s / 2 - r * (x - m)) * Phi(z - r * s)


def zero(*_):
    return 0


LOC = [(0.0, 1.0), (3.0, 0.5), (-20.0, 7.5), (0.1, 1e-3), (0.0, 1e4)]
AROUND = lambda p: [p[-2] + p[-1] * z for z in (-40.0, -8.0, -2.5, -1.0, -1e-3, 0.25, 1.0, 3.0, 10.0, 37.0)]
SCALE = [(1.0,), (0.01,), (250.0,)]
OUTWARD = lambda p: [p[-1] * z for z in (1e-6, 0.01, 0.5, 1.0, 2.0, 7.0, 30.0)]
SHAPES = [(1.0, 1.0), (0.5, 2.0), (0.01, 0.3), (3.0, 0.1), (75.0, 40.0), (1000.0, 3.0)]
UNIT = lambda p: [1e-12, 1e-3, 0.1, 0.5, 0.75, 0.99, 0.999999]
SMALL = lambda p: [0.0, 1.0, 2.0, 3.0, 10.0, 45.0, 300.0]
TRIALS = lambda p: [k for k in (0.0, 1.0, 2.0, 7.0, 10.0, 29.0, 30.0, 500.0) if k <= p[0]]
TO_N = (lambda n, *_: 0, lambda n, *_: n)

# density: (pdf, tails or None, parameter sets, points, SciPy or None, which of x and the
# parameters to differentiate)
TABLE = {
    "Flat": (lambda x: mp.mpf(1), None, [()], lambda p: [-1e6, 0.0, 3.0], None),
    "Normal": (lambda x, m, s: phi((x - m) / s) / s, lambda x, m, s: (Phi((x - m) / s), Phi((m - x) / s)),
               LOC, AROUND, lambda m, s: stats.norm(m, s)),
    "HalfNormal": (lambda x, s: 2 * phi(x / s) / s, lambda x, s: (mp.erf(x / s / mp.sqrt(2)), 2 * Phi(-x / s)),
                   SCALE, OUTWARD, lambda s: stats.halfnorm(0, s)),
    "Cauchy": (lambda x, m, s: 1 / (mp.pi * s * (1 + ((x - m) / s) ** 2)),
               lambda x, m, s: (cauchy_sf((m - x) / s), cauchy_sf((x - m) / s)), LOC,
               lambda p: AROUND(p) + [1e9, -1e9], lambda m, s: stats.cauchy(m, s)),
    "HalfCauchy": (lambda x, s: 2 / (mp.pi * s * (1 + (x / s) ** 2)),
                   lambda x, s: (2 * mp.atan(x / s) / mp.pi, 2 * cauchy_sf(x / s)), SCALE,
                   lambda p: OUTWARD(p) + [1e9], lambda s: stats.halfcauchy(0, s)),
    "StudentT": (lambda x, df, m, s: t_pdf(df, (x - m) / s) / s,
                 lambda x, df, m, s: (t_sf(df, (m - x) / s), t_sf(df, (x - m) / s)),
                 [(1.0, 0.0, 1.0), (3.0, 8.0, 10.0), (0.5, -1.0, 2.0), (30.0, 0.0, 0.1), (1000.0, 2.0, 3.0)],
                 lambda p: AROUND(p) + [-1e6], lambda df, m, s: stats.t(df, m, s)),
    "HalfStudentT": (lambda x, df, s: 2 * t_pdf(df, x / s) / s, lambda x, df, s: (1 - 2 * t_sf(df, x / s), 2 * t_sf(df, x / s)),
                     [(3.0, 10.0), (1.0, 1.0), (0.5, 2.0), (40.0, 0.1)], lambda p: OUTWARD(p) + [1e6], None),
    "Laplace": (lambda x, m, s: mp.exp(-abs(x - m) / s) / (2 * s),
                lambda x, m, s: tuple(mp.exp(-abs(x - m) / s) / 2 if side else 1 - mp.exp(-abs(x - m) / s) / 2
                                      for side in (x < m, x >= m)), LOC, AROUND, lambda m, s: stats.laplace(m, s)),
    "Logistic": (lambda x, m, s: sigmoid((x - m) / s) * sigmoid((m - x) / s) / s,
                 lambda x, m, s: (sigmoid((x - m) / s), sigmoid((m - x) / s)), LOC, AROUND, lambda m, s: stats.logistic(m, s)),
    "Gumbel": (lambda x, m, s: mp.exp(-(x - m) / s - mp.exp(-(x - m) / s)) / s,
               lambda x, m, s: (mp.exp(-mp.exp(-(x - m) / s)), -mp.expm1(-mp.exp(-(x - m) / s))), LOC,
               lambda p: AROUND(p)[2:], lambda m, s: stats.gumbel_r(m, s)),
    "SkewNormal": (lambda x, m, s, a: 2 / s * phi((x - m) / s) * Phi(a * (x - m) / s), None,
                   [(0.0, 1.0, 0.0), (1.0, 2.0, 3.0), (-1.0, 0.5, -8.0)],
                   lambda p: [p[0] + p[1] * z for z in (-6.0, -1.0, -0.01, 0.5, 2.0, 7.0)],
                   lambda m, s, a: stats.skewnorm(a, m, s)),
    "ExGaussian": (lambda x, m, s, r: r * mp.exp(r * (m - x) + r * r * s * s / 2) * Phi((x - m) / s - r * s),
                   lambda *a: (exgauss_cdf(*a), exgauss_sf(*a)), [(0.0, 1.0, 1.0), (2.0, 0.5, 0.1), (-1.0, 3.0, 4.0)],
                   lambda p: [p[0] + p[1] * z for z in (-6.0, -1.0, 0.01, 0.5, 2.0, 7.0, 30.0)],
                   lambda m, s, r: stats.exponnorm(1 / (r * s), m, s)),
    "VonMises": (lambda x, m, k: mp.exp(k * mp.cos(x - m)) / (2 * mp.pi * mp.besseli(0, k)), None,
                 [(0.0, 1.0), (2.0, 0.0), (-1.0, 25.0), (0.5, 300.0)], lambda p: [-3.1, -1.0, 0.0, 0.4, 2.5],
                 lambda m, k: stats.vonmises(k, m) if k > 0 else stats.uniform(-math.pi, 2 * math.pi)),
    "LogNormal": (lambda x, m, s: phi((mp.log(x) - m) / s) / (s * x),
                  lambda x, m, s: (Phi((mp.log(x) - m) / s), Phi((m - mp.log(x)) / s)),
                  [(0.0, 1.0), (3.0, 0.1), (-2.0, 4.0)], lambda p: [math.exp(p[0] + p[1] * z) for z in (-8, -2, -0.1, 0.6, 3, 9)],
                  lambda m, s: stats.lognorm(s, 0, math.exp(m))),
    "Uniform": (lambda x, a, b: 1 / (b - a), lambda x, a, b: ((x - a) / (b - a), (b - x) / (b - a)),
                [(0.0, 1.0), (-100.0, 0.5), (3.0, 3.001)], lambda p: [p[0] + (p[1] - p[0]) * u for u in (1e-6, 0.3, 0.5, 0.99)],
                lambda a, b: stats.uniform(a, b - a)),
    "Beta": (beta_pdf, beta_tails, SHAPES, UNIT, lambda a, b: stats.beta(a, b)),
    "BetaMeanSize": (lambda x, m, n: beta_pdf(x, m * n, (1 - m) * n), lambda x, m, n: beta_tails(x, m * n, (1 - m) * n),
                     [(0.5, 2.0), (0.1, 30.0), (0.9, 0.5)], UNIT, lambda m, n: stats.beta(m * n, (1 - m) * n)),
    "GammaShapeRate": (gamma_pdf, gamma_tails, SHAPES, lambda p: [p[0] / p[1] * z for z in (1e-6, 0.1, 0.7, 1.0, 1.3, 4.0, 30.0)],
                       lambda a, b: stats.gamma(a, 0, 1 / b)),
    "GammaShapeScale": (lambda x, a, s: gamma_pdf(x, a, 1 / s), lambda x, a, s: gamma_tails(x, a, 1 / s), SHAPES[:4],
                        lambda p: [p[0] * p[1] * z for z in (1e-6, 0.7, 1.3, 4.0)], lambda a, s: stats.gamma(a, 0, s)),
    "GammaMeanShape": (lambda x, m, a: gamma_pdf(x, a, a / m), lambda x, m, a: gamma_tails(x, a, a / m), SHAPES[:4],
                       lambda p: [p[0] * z for z in (1e-6, 0.7, 1.3, 4.0)], lambda m, a: stats.gamma(a, 0, m / a)),
    "InvGamma": (lambda x, a, s: s**a / mp.gamma(a) * x ** (-a - 1) * mp.exp(-s / x),
                 lambda x, a, s: tuple(reversed(gamma_tails(1 / x, a, s))), [(0.001, 0.001), (1.124909, 0.0177), (3.0, 2.0), (80.0, 10.0)],
                 lambda p: [p[1] * z for z in (0.005, 0.1, 1.0, 10.0, 1e4)], lambda a, s: stats.invgamma(a, 0, s)),
    "ExponentialRate": (lambda x, r: r * mp.exp(-r * x), lambda x, r: (-mp.expm1(-r * x), mp.exp(-r * x)), SCALE,
                        lambda p: [z / p[0] for z in (1e-9, 0.1, 1.0, 50.0, 800.0)], lambda r: stats.expon(0, 1 / r)),
    "ExponentialMean": (lambda x, m: mp.exp(-x / m) / m, lambda x, m: (-mp.expm1(-x / m), mp.exp(-x / m)), SCALE,
                        lambda p: [z * p[0] for z in (1e-9, 0.1, 1.0, 50.0, 800.0)], lambda m: stats.expon(0, m)),
    "ChiSquare": (lambda x, k: gamma_pdf(x, k / 2, mp.mpf(1) / 2), lambda x, k: gamma_tails(x, k / 2, mp.mpf(1) / 2),
                  [(1.0,), (2.0,), (7.5,), (300.0,)], lambda p: [p[0] * z for z in (1e-6, 0.7, 1.3, 4.0)], lambda k: stats.chi2(k)),
    "Weibull": (lambda x, k, s: k / s * (x / s) ** (k - 1) * mp.exp(-((x / s) ** k)),
                lambda x, k, s: (-mp.expm1(-((x / s) ** k)), mp.exp(-((x / s) ** k))), [(1.0, 1.0), (30.0, 8.0), (0.3, 2.0), (2.0, 100.0)],
                lambda p: [p[1] * z for z in (1e-3, 0.5, 0.9, 1.0, 1.1, 1.3)], lambda k, s: stats.weibull_min(k, 0, s)),
    "Frechet": (lambda x, k, s: k / s * (x / s) ** (-k - 1) * mp.exp(-((x / s) ** -k)),
                lambda x, k, s: (mp.exp(-((x / s) ** -k)), -mp.expm1(-((x / s) ** -k))), [(1.0, 1.0), (5.0, 8.0), (0.3, 2.0)],
                lambda p: [p[1] * z for z in (0.4, 0.9, 1.0, 1.1, 30.0, 1e5)], lambda k, s: stats.invweibull(k, 0, s)),
    "Pareto": (lambda x, s, a: a * s**a / x ** (a + 1), lambda x, s, a: (1 - (s / x) ** a, (s / x) ** a),
               [(1.0, 1.0), (0.1, 5.0), (20.0, 0.3)], lambda p: [p[0] * z for z in (1.001, 1.5, 10.0, 1e5)], lambda s, a: stats.pareto(a, 0, s)),
    "BernoulliProbability": (lambda x, p: p if x else 1 - p, lambda x, p: (mp.mpf(1), mp.mpf(0)) if x else (1 - p, p),
                             [(0.5,), (1e-9,), (0.999,), (0.3,)], lambda p: [0.0, 1.0], lambda p: stats.bernoulli(p)),
    "BernoulliLogit": (lambda x, t: sigmoid(t) if x else sigmoid(-t), lambda x, t: (mp.mpf(1), mp.mpf(0)) if x else (sigmoid(-t), sigmoid(t)),
                       [(0.0,), (-3.5,), (20.0,), (-800.0,), (40.0,)], lambda p: [0.0, 1.0], None),
    "BinomialProbability": (binomial_pmf, sums(binomial_pmf, *TO_N), [(1.0, 0.5), (10.0, 0.3), (30.0, 1e-6), (500.0, 0.97)], TRIALS,
                            lambda n, p: stats.binom(n, p)),
    "BinomialLogit": (lambda x, n, t: binomial_pmf(x, n, sigmoid(t)), sums(lambda x, n, t: binomial_pmf(x, n, sigmoid(t)), *TO_N),
                      [(1.0, 0.0), (10.0, -2.0), (30.0, 15.0), (500.0, 3.0)], TRIALS, None),
    "PoissonRate": (poisson_pmf, sums(poisson_pmf, zero, lambda r: 4 * r + 500), [(1.0,), (1e-3,), (30.0,), (250.5,)], SMALL, lambda r: stats.poisson(r)),
    "PoissonLog": (lambda x, t: poisson_pmf(x, mp.exp(t)), sums(lambda x, t: poisson_pmf(x, mp.exp(t)), zero, lambda t: 4 * mp.exp(t) + 500),
                   [(0.0,), (-7.0,), (3.4,), (5.5,)], SMALL, None),
    "NegBinomialMean": (negbin_pmf, sums(negbin_pmf, zero, lambda m, s: 20000 if s < 1 else 3000), [(1.0, 1.0), (30.0, 0.5), (5.0, 1000.0), (1e-3, 2.0)],
                        SMALL, lambda m, s: stats.nbinom(s, s / (s + m))),
    "NegBinomialLog": (lambda x, t, s: negbin_pmf(x, mp.exp(t), s), None,
                       [(0.0, 1.0), (3.4, 0.5), (1.6, 1000.0), (-7.0, 2.0)], SMALL, None),
    "Geometric": (lambda x, p: p * (1 - p) ** x, lambda x, p: (1 - (1 - p) ** (x + 1), (1 - p) ** (x + 1)), [(0.5,), (1e-4,), (0.99,)], SMALL,
                  lambda p: stats.geom(p, -1)),
    "BetaBinomial": (betabin_pmf, None, [(10.0, 1.0, 1.0), (30.0, 0.5, 4.0), (500.0, 40.0, 3.0)], TRIALS, lambda n, a, b: stats.betabinom(n, a, b)),
    "DiscreteUniform": (lambda x, a, b: 1 / (b - a + 1), lambda x, a, b: ((x - a + 1) / (b - a + 1), (b - x) / (b - a + 1)),
                        [(1.0, 6.0), (-3.0, 3.0), (0.0, 10000.0)], lambda p: [p[0], p[0] + 1, p[1] - 2, p[1]], lambda a, b: stats.randint(a, b + 1)),
    "HyperGeometric": (hyper_pmf, None, [(20.0, 7.0, 12.0), (500.0, 100.0, 60.0)], lambda p: [1.0, 3.0, 5.0, 7.0],
                       lambda n, k, d: stats.hypergeom(n, k, d)),
}

# Whole numbers are not differentiated.
COUNTS = {"BinomialProbability": 1, "BinomialLogit": 1, "BetaBinomial": 1, "DiscreteUniform": 2, "HyperGeometric": 3}
DISCRETE = ("Bernoulli", "Binomial", "Poisson", "NegBinomial", "Geometric", "BetaBinomial", "DiscreteUniform", "HyperGeometric")


def slope(f, at, i, density):
    along = lambda t: mp.log(f(*at[:i], t, *at[i + 1:]))
    return mp.diff(along, at[i], h=mp.mpf(10) ** -25 * max(abs(at[i]), mp.mpf(10) ** -6), relative=False)


def main():
    with open(HERE / "distributions.csv", "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["density", "x", "parameters", "log_density", "partials", "ln_cdf", "ln_survival"])
        for density, (pdf, tails, sets, points, scipy) in TABLE.items():
            for parameters in sets:
                for x in points(parameters):
                    at = [mp.mpf(x), *map(mp.mpf, parameters)]
                    value = mp.log(pdf(*at))
                    if scipy is not None:
                        law = scipy(*parameters)
                        second = (law.logpmf if hasattr(law.dist, "logpmf") else law.logpdf)(x)
                        if not math.isclose(second, value, rel_tol=1e-6, abs_tol=1e-6):
                            print("SciPy differs:", density, x, parameters, show(value), second)
                    whole = 1 + COUNTS.get(density, 0) if density.startswith(DISCRETE) else 0
                    if density == "Laplace" and x == parameters[0]:
                        continue
                    partials = ["-" if i < whole else show(slope(pdf, at, i, density)) for i in range(len(at))]
                    if density == "VonMises" and parameters[1] == 0:
                        partials[2] = show(mp.cos(at[0] - at[1]))
                    pair = ["-", "-"]
                    if tails is not None:
                        pair = [show(mp.log(p)) if p > 0 else "-inf" for p in tails(*at)]
                    out.writerow([density, repr(x), " ".join(map(repr, parameters)), show(value), " ".join(partials), *pair])


main()

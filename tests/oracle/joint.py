"""Reference log densities of the joint families, covariances of kernels, probabilities of outcomes.

Writes joint.csv, kernels.csv and outcomes.csv beside itself; needs mpmath, and SciPy as a second opinion where it knows the
family. Densities are written from their definitions (explicit inverses and determinants, 400
digits), in row order. Arguments are separated by `|`.
"""

import csv
import pathlib

import mpmath as mp
import numpy as np
from scipy import stats

mp.mp.dps = 400
HERE = pathlib.Path(__file__).parent
ROWS = []


def matrix(values, n=None):
    """A matrix of exact doubles from a flat list in row order."""
    n = n or int(round(len(values) ** 0.5))
    return mp.matrix([[mp.mpf(v) for v in values[i : i + n]] for i in range(0, len(values), n)])


def flat(m):
    return [float(v) for v in np.array(m.tolist(), dtype=float).ravel()] if isinstance(m, mp.matrix) else [float(v) for v in np.ravel(m)]


def lower(m):
    """The Cholesky factor, as doubles."""
    return np.linalg.cholesky(np.array(flat(m)).reshape(m.rows, m.cols))


def add(density, rows, columns, x, arguments, value, second=None):
    value = float(value)
    if second is not None:
        assert np.isclose(value, second, rtol=1e-8, atol=1e-8), (density, value, second)
    show = lambda values: " ".join(repr(float(v)) for v in np.ravel(values))
    ROWS.append([density, rows, columns, show(x), "|".join(show(a) for a in arguments), repr(value)])


def each(values, n):
    return [mp.mpf(float(v)) for v in (np.full(n, values) if np.ndim(values) == 0 or len(values) == 1 else values)]


# Proportions and counts.
def dirichlet(x, a):
    a = each(a, len(x))
    x = [mp.mpf(float(v)) for v in x]
    c = mp.gamma(mp.fsum(a))
    for k in a:
        c /= mp.gamma(k)
    for v, k in zip(x, a):
        c *= v ** (k - 1)
    return mp.log(c)


for x, a in [
    ([0.2, 0.3, 0.5], [1.0]),
    ([0.2, 0.3, 0.5], [2.5]),
    ([0.2, 0.3, 0.5], [0.3, 4.0, 11.0]),
    ([1e-9, 0.25, 0.75 - 1e-9], [0.01, 0.5, 7.0]),
    ([0.0, 0.5, 0.5], [1.0, 2.0, 3.0]),
    ([0.1] * 10, [0.7]),
    ([0.9, 0.1], [100.0, 12.0]),
]:
    # SciPy insists on an exact sum.
    second = None if 0.0 in x else stats.dirichlet.logpdf(np.array(x) / np.sum(x), np.array(each(a, len(x)), dtype=float))
    add("Dirichlet", len(x), 1, x, [a], dirichlet(x, a), second)


def multinomial(x, p):
    c = mp.factorial(sum(x))
    for v, q in zip(x, p):
        c *= mp.mpf(q) ** v / mp.factorial(v)
    return mp.log(c)


def dirichlet_multinomial(x, a):
    a = each(a, len(x))
    n = sum(x)
    c = mp.factorial(n) * mp.gamma(mp.fsum(a)) / mp.gamma(n + mp.fsum(a))
    for v, k in zip(x, a):
        c *= mp.gamma(v + k) / mp.gamma(k) / mp.factorial(v)
    return mp.log(c)


for x, p in [([3, 0, 2], [0.5, 0.25, 0.25]), ([0, 0, 0], [0.5, 0.25, 0.25]), ([40, 31, 2, 9], [0.5, 0.375, 0.0625, 0.0625]), ([2, 0], [1.0, 0.0])]:
    value, second = multinomial(x, p), stats.multinomial.logpmf(x, sum(x), p)
    add("MultinomialTrials", len(x), 1, x, [[sum(x)], p], value, second)
    add("MultinomialGivenTotal", len(x), 1, x, [p], value, second)
for x, a in [([3, 0, 2], [0.5, 0.25, 3.0]), ([3, 0, 2], [1.5]), ([40, 31, 2, 9], [5.0, 2.0, 0.1, 20.0])]:
    value = dirichlet_multinomial(x, a)
    second = stats.dirichlet_multinomial.logpmf(x, np.array(each(a, len(x)), dtype=float), sum(x))
    add("DirichletMultinomialTrials", len(x), 1, x, [[sum(x)], a], value, second)
    add("DirichletMultinomialGivenTotal", len(x), 1, x, [a], value, second)


# Normal and Student t.
def quadratic(x, mean, cov):
    d = mp.matrix([mp.mpf(float(v)) - m for v, m in zip(x, each(mean, len(x)))])
    return (d.T * (cov**-1) * d)[0]


def mvn(x, mean, cov):
    return -quadratic(x, mean, cov) / 2 - mp.log(mp.det(2 * mp.pi * cov)) / 2


def mvt(x, df, loc, scale):
    k, df = len(x), mp.mpf(df)
    c = mp.gamma((df + k) / 2) / mp.gamma(df / 2) / (mp.pi * df) ** (mp.mpf(k) / 2)
    return mp.log(c) - mp.log(mp.det(scale)) / 2 - (df + k) / 2 * mp.log(1 + quadratic(x, loc, scale) / df)



rng = np.random.default_rng(20240511)
for n in (1, 2, 3, 6):
    for spread in (1.0, 1e-3):
        a = rng.normal(size=(n, n))
        cov = a @ a.T / n + spread * np.eye(n)
        cov = (cov + cov.T) / 2
        sd = np.sqrt(np.diag(cov))
        corr = cov / np.outer(sd, sd)
        np.fill_diagonal(corr, 1.0)
        mean = rng.normal(size=n) if n > 1 else [0.5]
        x = np.asarray(mean) + np.linalg.cholesky(cov) @ rng.normal(size=n)
        chol, corr_chol = np.linalg.cholesky(cov), np.linalg.cholesky(corr)
        precision = np.linalg.inv(cov)
        precision = (precision + precision.T) / 2
        d, c = matrix(np.ravel(cov)), matrix(np.ravel(corr))
        scaled = lambda r, s: mp.matrix(n, n) + mp.matrix([[r[i, j] * mp.mpf(float(s[i])) * mp.mpf(float(s[j])) for j in range(n)] for i in range(n)])
        l, r = matrix(np.ravel(chol)), matrix(np.ravel(corr_chol))
        forms = [
            ("Covariance", [cov], d),
            ("Cholesky", [chol], l * l.T),
            ("Correlation", [sd, corr], scaled(c, sd)),
            ("CorrelationCholesky", [sd, corr_chol], scaled(r * r.T, sd)),
            ("Precision", [precision], matrix(np.ravel(precision)) ** -1),
        ]
        for name, arguments, implied in forms:
            add("MvNormal" + name, n, 1, x, [mean] + arguments, mvn(x, mean, implied), stats.multivariate_normal.logpdf(x, mean, cov) if spread == 1.0 else None)
            if name == "Precision":
                continue
            name = name.replace("Covariance", "Scale")
            for df in (3.5, 40.0):
                second = stats.multivariate_t.logpdf(x, mean, cov, df) if spread == 1.0 else None
                add("MvStudentT" + name, n, 1, x, [[df], mean] + arguments, mvt(x, df, mean, implied), second)
        # A single mean is repeated.
        add("MvNormalCovariance", n, 1, x, [[0.25], cov], mvn(x, [0.25], d))


# Correlations: the constant from the product of Beta functions of the vine (LKJ 2009, eq. 16).
def lkj_constant(n, eta):
    c = mp.mpf(1)
    for k in range(1, n):
        b = eta + mp.mpf(n - k - 1) / 2
        c *= (mp.mpf(2) ** (2 * eta - 2 + n - k) * mp.beta(b, b)) ** (n - k)
    return c


for n in (2, 3, 5):
    for eta in (0.5, 1.0, 2.0, 7.5):
        a = rng.normal(size=(n, 2 * n))
        cov = a @ a.T
        sd = np.sqrt(np.diag(cov))
        corr = cov / np.outer(sd, sd)
        np.fill_diagonal(corr, 1.0)
        e = mp.mpf(eta)
        det = mp.det(matrix(np.ravel(corr)))
        add("LKJ", n, n, corr, [[eta]], mp.log(det ** (e - 1) / lkj_constant(n, e)))
        l = np.linalg.cholesky(corr)
        r = matrix(np.ravel(l))
        # The determinant of the derivative of the entries of L Lᵀ below the diagonal by those of L,
        # whose diagonal follows from rows of length 1.
        cells = [(i, j) for i in range(n) for j in range(i)]

        def entries(*free):
            t = mp.matrix(n, n)
            for (i, j), v in zip(cells, free):
                t[i, j] = v
            for i in range(n):
                t[i, i] = mp.sqrt(1 - mp.fsum(t[i, j] ** 2 for j in range(i)))
            s = t * t.T
            return [s[i, j] for i, j in cells]

        free = [r[i, j] for i, j in cells]
        jacobian = mp.matrix(len(cells), len(cells))
        h = mp.mpf(10) ** -40
        for c in range(len(cells)):
            up, down = list(free), list(free)
            up[c] += h
            down[c] -= h
            for row, (u, v) in enumerate(zip(entries(*up), entries(*down))):
                jacobian[row, c] = (u - v) / (2 * h)
        det = mp.det(r) ** 2
        add("LKJCholesky", n, n, l, [[eta]], mp.log(det ** (e - 1) / lkj_constant(n, e)) + mp.log(abs(mp.det(jacobian))))


# Covariances.
def multigamma(n, a):
    c = mp.pi ** (mp.mpf(n * (n - 1)) / 4)
    for j in range(n):
        c *= mp.gamma(a - mp.mpf(j) / 2)
    return c


for n in (1, 2, 4):
    for df in (n + 0.5, n + 7.0):
        a, b = rng.normal(size=(n, 2 * n)), rng.normal(size=(n, 2 * n))
        x, v = a @ a.T, b @ b.T
        x, v = (x + x.T) / 2, (v + v.T) / 2
        X, V, d = matrix(np.ravel(x)), matrix(np.ravel(v)), mp.mpf(df)
        trace = lambda m: mp.fsum(m[i, i] for i in range(n))
        c = mp.mpf(2) ** (d * n / 2) * multigamma(n, d / 2)
        w = mp.det(X) ** ((d - n - 1) / 2) * mp.exp(-trace(V**-1 * X) / 2) / mp.det(V) ** (d / 2) / c
        i = mp.det(V) ** (d / 2) * mp.exp(-trace(V * X**-1) / 2) / mp.det(X) ** ((d + n + 1) / 2) / c
        add("Wishart", n, n, x, [[df], v], mp.log(w), stats.wishart.logpdf(x, df, v))
        add("InvWishart", n, n, x, [[df], v], mp.log(i), stats.invwishart.logpdf(x, df, v))

# Matrices: the covariance of all values, written out.
for n, m in ((1, 1), (2, 3), (3, 2), (4, 4)):
    a, b = rng.normal(size=(n, 2 * n)), rng.normal(size=(m, 2 * m))
    r, c = a @ a.T, b @ b.T
    r, c = (r + r.T) / 2, (c + c.T) / 2
    x = rng.normal(size=(n, m))
    for noise in (0.0, 0.3, 20.0):
        full = mp.matrix(n * m, n * m)
        R, C = matrix(np.ravel(r)), matrix(np.ravel(c))
        for p in range(n * m):
            for q in range(n * m):
                full[p, q] = R[p // m, q // m] * C[p % m, q % m] + (mp.mpf(noise) if p == q else 0)
        value = mvn(np.ravel(x), np.zeros(n * m), full)
        if noise == 0.0:
            add("MatrixNormal", n, m, x, [r, c], value, stats.matrix_normal.logpdf(x, None, r, c))
        add("MatrixNormalNoise", n, m, x, [r, c, [noise]], value)


# Kernels, from their formulas in textbooks (Rasmussen and Williams 2006, chapter 4).
KERNELS = []


def matern(nu, sd, length, r):
    if r == 0:
        return sd**2
    s = mp.sqrt(2 * nu) * r / length
    return sd**2 * 2 ** (1 - nu) / mp.gamma(nu) * s**nu * mp.besselk(nu, s)


FORMULAS = {
    "ExpQuad": lambda r, x, y, sd, length: sd**2 * mp.exp(-(r**2) / (2 * length**2)),
    "Matern12": lambda r, x, y, sd, length: matern(mp.mpf(1) / 2, sd, length, r),
    "Matern32": lambda r, x, y, sd, length: matern(mp.mpf(3) / 2, sd, length, r),
    "Matern52": lambda r, x, y, sd, length: matern(mp.mpf(5) / 2, sd, length, r),
    "Periodic": lambda r, x, y, sd, length, period: sd**2 * mp.exp(-2 * mp.sin(mp.pi * r / period) ** 2 / length**2),
    "Linear": lambda r, x, y, sd: sd**2 * mp.fsum(a * b for a, b in zip(x, y)),
    "LinearCentered": lambda r, x, y, sd, c: sd**2 * mp.fsum((a - c) * (b - c) for a, b in zip(x, y)),
    "Constant": lambda r, x, y, sd: sd**2,
}
for name, f in FORMULAS.items():
    count = f.__code__.co_argcount - 3
    for x, y in [([0.5], [2.0]), ([2.0], [0.5]), ([1.5], [1.5]), ([-40.0], [3.25]), ([1.0, 2.0], [0.5, -1.0]), ([1.0, 2.0], [1.0, 2.0])]:
        for parameters in [(1.0, 2.0, 3.0), (2.5, 0.5, 0.75)]:
            exact = lambda values: [mp.mpf(v) for v in values]
            r = mp.sqrt(mp.fsum((a - b) ** 2 for a, b in zip(exact(x), exact(y))))
            value = f(r, exact(x), exact(y), *exact(parameters[:count]))
            show = lambda values: " ".join(repr(v) for v in values)
            # The slope in the last parameter.
            rest, last = exact(parameters[: count - 1]), mp.mpf(parameters[count - 1])
            slope = mp.diff(lambda v: f(r, exact(x), exact(y), *rest, v), last)
            KERNELS.append([name, show(x), show(y), show(parameters[:count]), repr(float(value)), repr(float(slope))])

# Outcomes.
OUTCOMES = []


def outcome(name, x, arguments, p):
    show = lambda values: " ".join(repr(float(v)) for v in values)
    OUTCOMES.append([name, x, "|".join(show(a) for a in arguments), repr(float(mp.log(p)))])


for p in ([0.5, 0.25, 0.25], [1.0], [0.0625] * 16):
    for x in range(len(p)):
        outcome("Categorical", x, [p], mp.mpf(p[x]))
for logit in ([0.0, 1.0, -2.0], [700.0, 0.0, 710.0], [-1000.0, -1001.0]):
    for x in range(len(logit)):
        total = mp.fsum(mp.exp(mp.mpf(v)) for v in logit)
        outcome("CategoricalLogit", x, [logit], mp.exp(mp.mpf(logit[x])) / total)
CDFS = {"OrderedLogistic": lambda z: 1 / (1 + mp.exp(-z)), "OrderedProbit": lambda z: mp.erfc(-z / mp.sqrt(2)) / 2}
for name, cdf in CDFS.items():
    for eta in (0.0, 1.5, -8.0, 12.0):
        for cuts in ([0.25], [-1.0, 0.5, 4.0], [2.0, 2.125, 9.0, 30.0]):
            ends = [mp.mpf(0)] + [cdf(mp.mpf(c) - mp.mpf(eta)) for c in cuts] + [mp.mpf(1)]
            # Differences of the upper tail, which 400 digits hold.
            for x in range(len(cuts) + 1):
                outcome(name, x, [[eta], cuts], ends[x + 1] - ends[x])

for name, header, rows in (
    ("joint", ["density", "rows", "columns", "x", "arguments", "log_density"], ROWS),
    ("kernels", ["kernel", "x", "y", "parameters", "covariance", "slope"], KERNELS),
    ("outcomes", ["density", "x", "arguments", "log_density"], OUTCOMES),
):
    with open(HERE / f"{name}.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)

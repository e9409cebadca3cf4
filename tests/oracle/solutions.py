"""Log densities of the two models with differential equations, at the points of their oracle files.

The equations are solved by SciPy's DOP853 to 1e-13; everything else is written out with
scipy.stats. Prints the table SOLVED of tests/conformance/solutions.rs. Needs numpy and scipy, and
the folder of posteriors as its argument.
"""

import json
import pathlib
import sys

import numpy as np
from scipy import stats
from scipy.integrate import solve_ivp

FOLDER = pathlib.Path(sys.argv[1])


def read(folder, name):
    return json.loads((FOLDER / folder / f"{name}.json").read_text())


def solve(rates, times, first):
    span = (0, times[-1])
    return solve_ivp(rates, span, first, "DOP853", times, rtol=1e-13, atol=1e-13).y.T


def log_normal(y, mu, sigma):
    return stats.lognorm.logpdf(y, sigma, scale=np.exp(mu)).sum()


def above_zero(x, mean, sd):
    return stats.norm.logpdf(x, mean, sd) - stats.norm.logcdf(mean / sd)


def lotka_volterra(data, p):
    alpha, beta, gamma, delta = p[:4]
    first, sigma = np.array(p[4:6]), np.array(p[6:8])
    z = solve(
        lambda t, z: [(alpha - beta * z[1]) * z[0], (delta * z[0] - gamma) * z[1]],
        data["ts"],
        first,
    )
    prior = above_zero(alpha, 1, 0.5) + above_zero(gamma, 1, 0.5)
    prior += above_zero(beta, 0.05, 0.05) + above_zero(delta, 0.05, 0.05)
    prior += log_normal(first, np.log(10), 1) + log_normal(sigma, -1, 1)
    seen = log_normal(np.array(data["y_init"]), np.log(first), sigma)
    return prior + seen + log_normal(np.array(data["y"]), np.log(z), sigma)


def sir(data, p):
    beta, gamma, xi, delta = p

    def rates(t, y):
        infections = beta * y[3] / (y[3] + 1000000) * y[0]
        return [-infections, infections - gamma * y[1], gamma * y[1], xi * y[1] - delta * y[3]]

    y = solve(rates, data["t"], data["y0"])
    prior = sum(
        stats.halfcauchy.logpdf(x, scale=s) for x, s in zip(p, [2.5, 1, 25, 1], strict=True)
    )
    before = np.append(data["y0"][0], y[:-1, 0])
    new = stats.poisson.logpmf(data["stoi_hat"], before - y[:, 0]).sum()
    return prior + new + log_normal(np.array(data["B_hat"]), np.log(y[:, 3]), 0.15)


for posterior, density in [("hudson_lynx_hare-lotka_volterra", lotka_volterra), ("sir-sir", sir)]:
    data = read("data", posterior.split("-")[0])
    for point in read("oracle", posterior)["points"]:
        print(f"    {density(data, point['constrained'])!r},".replace("np.float64(", "").replace(")", ""))

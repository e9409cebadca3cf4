"""Maximum likelihood estimates of the examples whose priors say little, by statsmodels.

Prints the rows of the table in tests/examples.rs; needs statsmodels. The varying intercepts are
fitted by restricted maximum likelihood.
"""

import pathlib

import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf

EXAMPLES = pathlib.Path(__file__).parent.parent.parent / "examples"


def read(example):
    return pd.read_csv(EXAMPLES / example / "data.csv")


def standardize(x):
    return (x - x.mean()) / x.std()


def show(example, names, fit):
    for name, estimate, error in zip(names, np.asarray(fit.params), np.asarray(fit.bse)):
        print(f'    ("{example}", "{name}", {estimate:.4f}, {error:.4f}),')


def main():
    d = read("flying")
    x = sm.add_constant(np.column_stack([standardize(d.income), d.party - 1]))
    show("flying", ["alpha", "b_income", "b_party"], sm.Logit(d.flew, x).fit(disp=0))

    d = read("doctor_visits")
    health = ["excellent", "good", "fair", "poor"]
    levels = pd.get_dummies(d.health)[health].astype(float)
    x = np.column_stack([levels, d.log_coinsurance, standardize(d.diseases), d.limitation])
    fit = sm.NegativeBinomial(d.visits, x).fit(disp=0, maxiter=200)
    names = [f"level[{h}]" for h in health[:3]] + ["level[poor]"]
    show("doctor_visits", [*names, "b_coinsurance", "b_diseases", "b_limitation"], fit)

    d = read("investment")
    frame = pd.DataFrame({"firm": d.firm, "y": np.log(d.invest)})
    frame["value"] = np.log(d.value) - np.log(d.value).mean()
    frame["capital"] = np.log(d.capital) - np.log(d.capital).mean()
    fit = smf.mixedlm("y ~ value + capital", frame, groups=frame.firm).fit()
    show("investment", ["mu", "b_value", "b_capital"], fit)


main()

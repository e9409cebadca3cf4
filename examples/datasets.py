"""Writes the data of the examples from the data sets that statsmodels ships.

Needs statsmodels (pip install statsmodels). All five sources are in the public domain by
statsmodels' own notice: modechoice, randhie, grunfeld, stackloss, nile.
"""

import pathlib

import statsmodels.api as sm

HERE = pathlib.Path(__file__).parent

INDUSTRY = {
    "General Motors": "motor",
    "US Steel": "steel",
    "General Electric": "electrical",
    "Chrysler": "motor",
    "Atlantic Refining": "oil",
    "IBM": "other",
    "Union Oil": "oil",
    "Westinghouse": "electrical",
    "Goodyear": "motor",
    "Diamond Match": "other",
    "American Steel": "steel",
}


def load(name):
    module = getattr(sm.datasets, name)
    assert "public domain" in module.COPYRIGHT, name
    return module.load_pandas().data


def write(frame, name):
    frame.to_csv(HERE / name, index=False, lineterminator="\n")


def flying():
    """One row per traveller: did they fly, household income in 1000 $, size of the party."""
    trips = load("modechoice")
    air = trips[trips["mode"] == 1]
    frame = air[["choice", "hinc", "psize"]].astype(int)
    frame.columns = ["flew", "income", "party"]
    write(frame, "flying/data.csv")


def doctor_visits():
    """Every fiftieth person-year of the RAND health insurance experiment."""
    people = load("randhie").iloc[::50]
    frame = people[["mdvis", "lncoins", "disea", "physlm"]].copy()
    health = people[["hlthg", "hlthf", "hlthp"]].to_numpy()
    frame["health"] = [
        ("good", "fair", "poor")[row.argmax()] if row.any() else "excellent" for row in health
    ]
    frame.columns = ["visits", "log_coinsurance", "diseases", "limitation", "health"]
    frame["visits"] = frame["visits"].astype(int)
    frame["limitation"] = frame["limitation"].round().astype(int)
    write(frame.round(4), "doctor_visits/data.csv")


def investment():
    """Yearly gross investment, market value and capital stock of eleven firms, 1935 to 1954."""
    frame = load("grunfeld")[["firm", "year", "invest", "value", "capital"]].copy()
    frame["year"] = frame["year"].astype(int)
    write(frame, "investment/data.csv")
    write(frame, "industries/investment.csv")
    firms = frame[["firm"]].drop_duplicates()
    firms = firms.assign(industry=[INDUSTRY[firm] for firm in firms["firm"]])
    write(firms, "industries/firms.csv")


def stack_loss():
    """21 days of a plant that oxidises ammonia: the loss up the stack and its conditions."""
    frame = load("stackloss")
    frame.columns = ["loss", "air_flow", "water_temp", "acid"]
    write(frame, "stack_loss/data.csv")


def nile():
    """A hundred years of the Nile: the yearly flow at Aswan in 10^8 cubic metres."""
    frame = load("nile").astype(int)
    frame.columns = ["year", "flow"]
    write(frame, "nile/data.csv")


if __name__ == "__main__":
    flying()
    doctor_visits()
    investment()
    stack_loss()
    nile()

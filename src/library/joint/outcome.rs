//! Families of one outcome among K whose arguments hold several values: Categorical and the
//! ordered regressions. Outcomes are positions on their axis, from 0.

use rand::{Rng, RngExt};

use super::counts::if_probabilities;
use super::{one, sum};
use crate::math::composite::log_diff_exp;
use crate::math::scalar::Scalar;

/// A named family of outcomes with one or more forms.
#[derive(Clone, Copy, Debug)]
pub struct OutcomeFamily {
    /// The name as written in a program.
    pub name: &'static str,
    /// What it describes.
    pub doc: &'static str,
    /// Told apart by the names of their parameters; the first takes positional arguments.
    pub forms: &'static [OutcomeForm],
}

/// One choice of parameters of a family of outcomes.
#[derive(Clone, Copy, Debug)]
pub struct OutcomeForm {
    /// The formula.
    pub density: OutcomeDensity,
    /// The parameters in positional order.
    pub parameters: &'static [OutcomeParameter],
    /// The log density as a formula.
    pub doc: &'static str,
}

/// A parameter of a family of outcomes.
#[derive(Clone, Copy, Debug)]
pub struct OutcomeParameter {
    /// The name as written in a program.
    pub name: &'static str,
    /// How many values it has.
    pub shape: OutcomeShape,
    /// What they together may be.
    pub support: super::VectorSupport,
    /// What it means.
    pub doc: &'static str,
}

/// How many values a parameter of a family of outcomes has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutcomeShape {
    /// One.
    Scalar,
    /// One for each outcome: its free axis is the axis of the outcomes.
    PerOutcome,
    /// One for each step between outcomes, one fewer than these: over an axis of its own.
    PerStep,
}

/// A log density of one outcome among several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OutcomeDensity {
    /// ln pₓ
    Categorical,
    /// logitₓ - ln Σ exp(logitₖ)
    CategoricalLogit,
    /// ln(F(cₓ₊₁ - eta) - F(cₓ - eta)) with the logistic cdf F
    OrderedLogistic,
    /// ln(Φ(cₓ₊₁ - eta) - Φ(cₓ - eta))
    OrderedProbit,
}

const ETA: OutcomeParameter = OutcomeParameter {
    name: "eta",
    shape: OutcomeShape::Scalar,
    support: super::VectorSupport::Each(crate::library::Support::Real),
    doc: "the location: more makes higher outcomes likelier",
};
const CUTPOINTS: OutcomeParameter = OutcomeParameter {
    name: "cutpoints",
    shape: OutcomeShape::PerStep,
    support: super::VectorSupport::Ordered,
    doc: "the increasing borders c₁ < … < c_{K-1} between K outcomes",
};

/// Every family of outcomes, in the order of the documentation.
pub static OUTCOMES: &[OutcomeFamily] = &[
    OutcomeFamily {
        name: "Categorical",
        doc: "One of K outcomes, the elements of the one free axis of the argument.",
        forms: &[
            OutcomeForm {
                density: OutcomeDensity::Categorical,
                parameters: &[OutcomeParameter {
                    name: "p",
                    shape: OutcomeShape::PerOutcome,
                    support: super::VectorSupport::Simplex,
                    doc: "the probabilities of the outcomes, which must sum to 1",
                }],
                doc: "ln p[x]",
            },
            OutcomeForm {
                density: OutcomeDensity::CategoricalLogit,
                parameters: &[OutcomeParameter {
                    name: "logit",
                    shape: OutcomeShape::PerOutcome,
                    support: super::VectorSupport::Each(crate::library::Support::Real),
                    doc: "the logarithms of the probabilities, up to a constant",
                }],
                doc: "logit[x] - ln Σ exp(logitₖ)",
            },
        ],
    },
    OutcomeFamily {
        name: "OrderedLogistic",
        doc: "One of K ordered outcomes: where a logistic variate falls among cutpoints.",
        forms: &[OutcomeForm {
            density: OutcomeDensity::OrderedLogistic,
            parameters: &[ETA, CUTPOINTS],
            doc: "ln(F(c[x] - eta) - F(c[x - 1] - eta)), F(z) = 1 / (1 + e^-z), for the outcomes x = 1..K, c[0] = -∞, c[K] = ∞",
        }],
    },
    OutcomeFamily {
        name: "OrderedProbit",
        doc: "One of K ordered outcomes: where a normal variate falls among cutpoints.",
        forms: &[OutcomeForm {
            density: OutcomeDensity::OrderedProbit,
            parameters: &[ETA, CUTPOINTS],
            doc: "ln(Φ(c[x] - eta) - Φ(c[x - 1] - eta)) for the outcomes x = 1..K, c[0] = -∞, c[K] = ∞",
        }],
    },
];

/// The family of outcomes of this name, if there is one.
pub fn outcome_family(name: &str) -> Option<&'static OutcomeFamily> {
    OUTCOMES.iter().find(|family| family.name == name)
}

impl OutcomeDensity {
    /// How many outcomes there are, given the arguments.
    pub fn outcomes<S>(self, arguments: &[&[S]]) -> usize {
        let length = |i: usize| arguments.get(i).map_or(0, |argument| argument.len());
        match self {
            OutcomeDensity::Categorical | OutcomeDensity::CategoricalLogit => length(0),
            OutcomeDensity::OrderedLogistic | OutcomeDensity::OrderedProbit => length(1) + 1,
        }
    }

    /// ln p(k | arguments) of the outcome at position k; negative infinity where there is none.
    ///
    /// Invalid arguments give NaN: probabilities that are negative or do not sum to 1 within
    /// 1e-8, cutpoints that do not increase next to the outcome.
    pub fn log_probability<S: Scalar>(self, k: usize, arguments: &[&[S]]) -> S {
        let [first, second] = super::take(arguments);
        let last = self.outcomes(arguments);
        if k >= last {
            return S::constant(f64::NEG_INFINITY);
        }
        match self {
            OutcomeDensity::Categorical => if_probabilities(first, first.len(), first[k].ln()),
            OutcomeDensity::CategoricalLogit => first[k] - log_sum_exp(first),
            OutcomeDensity::OrderedLogistic => between(k, one(first), second, |z| -(-z).softplus()),
            OutcomeDensity::OrderedProbit => between(k, one(first), second, S::ln_normal_cdf),
        }
    }

    /// ln p of every outcome.
    pub fn log_probabilities<S: Scalar>(self, arguments: &[&[S]]) -> Vec<S> {
        (0..self.outcomes(arguments)).map(|k| self.log_probability(k, arguments)).collect()
    }

    /// ln p(x | arguments) of an outcome that is itself a scalar, by selection among all.
    pub fn log_density<S: Scalar>(self, x: S, arguments: &[&[S]]) -> S {
        let never = S::constant(f64::NEG_INFINITY);
        let mut density = never;
        for (k, log) in self.log_probabilities(arguments).into_iter().enumerate() {
            density = S::select(x.same(S::constant(super::real(k))), log, density);
        }
        density
    }

    /// The position of a drawn outcome; `None` for invalid arguments.
    pub fn draw(self, arguments: &[&[f64]], rng: &mut impl Rng) -> Option<usize> {
        let p: Vec<f64> = self.log_probabilities(arguments).iter().map(|l| l.exp()).collect();
        let valid = !p.is_empty() && p.iter().all(|p| p.is_finite());
        let mut left = rng.random::<f64>() * p.iter().sum::<f64>();
        let reached = |&p: &f64| {
            left -= p;
            left < 0.0
        };
        let last = p.iter().rposition(|&p| p > 0.0)?;
        valid.then(|| p.iter().position(reached).unwrap_or(last))
    }
}

/// ln Σ exp(xₖ)
fn log_sum_exp<S: Scalar>(x: &[S]) -> S {
    let most = x.iter().copied().reduce(S::max).unwrap_or(S::constant(f64::NEG_INFINITY));
    sum(x.iter().map(|&x| (x - most).exp())).ln() + most
}

/// ln(F(c_{k+1} - eta) - F(c_k - eta)) with ln F of a symmetric variate, by the smaller tail.
fn between<S: Scalar>(k: usize, eta: S, cutpoints: &[S], ln_cdf: impl Fn(S) -> S) -> S {
    let below = k.checked_sub(1).and_then(|low| cutpoints.get(low)).map(|&c| c - eta);
    let above = cutpoints.get(k).map(|&c| c - eta);
    match (below, above) {
        (None, None) => S::constant(0.0),
        (None, Some(high)) => ln_cdf(high),
        (Some(low), None) => ln_cdf(-low),
        (Some(low), Some(high)) => S::select(
            (low + high).less(S::constant(0.0)),
            log_diff_exp(ln_cdf(high), ln_cdf(low)),
            log_diff_exp(ln_cdf(-low), ln_cdf(-high)),
        ),
    }
}

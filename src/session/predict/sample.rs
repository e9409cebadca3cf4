//! Draws one element, or one group of tied elements, from its distribution at the present values.
//!
//! `Ordered` of elements that are alike sorts independent draws. Of others it draws until they come
//! in order, and if they rarely do, moves each in turn between its neighbours (Gibbs sampling).
//! `ZeroSum` of normals with one sd subtracts the mean of independent draws, which is exact.

use super::numeric;
use crate::bound::{EvaluationError, Evaluator, Values};
use crate::typed::{
    Call, Distribution, Drawn, Elements, Expr, Joint, Kind, Random, Structure, Structured, Written,
};
use rand::{Rng, RngExt};

/// Times that independent draws may come out of order.
const TRIES: usize = 64;

/// Rounds of moves of every element between its neighbours.
const SWEEPS: usize = 32;

/// Why there is no draw.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Undrawable {
    /// An expression has no value.
    Evaluation(EvaluationError),
    /// The distribution cannot be drawn from with these parameters.
    Parameters(String, Vec<f64>),
}

impl From<EvaluationError> for Undrawable {
    fn from(error: EvaluationError) -> Self {
        Undrawable::Evaluation(error)
    }
}

impl Undrawable {
    fn without(distribution: &Distribution) -> Self {
        Undrawable::Parameters(distribution.family_name().to_owned(), Vec::new())
    }
}

/// Draws for one program.
pub(super) struct Sampler<'s, 'a, V> {
    pub(super) evaluator: &'s Evaluator<'a, V>,
    pub(super) rng: &'s mut dyn Rng,
}

impl<V: Values<f64>> Sampler<'_, '_, V> {
    /// An element of a statement at the present indices.
    pub(super) fn element(
        &mut self,
        random: &Random,
        distribution: &Distribution,
    ) -> Result<f64, Undrawable> {
        match distribution {
            Distribution::Family(call) => self.family(call),
            Distribution::PointMass(point) => Ok(self.evaluator.eval(&point.value)?),
            Distribution::Elements(elements) => self.outcome(random, elements),
            Distribution::Choice(choice) => {
                let taken = self.evaluator.data(&choice.condition)? != 0.0;
                self.element(random, if taken { &choice.yes } else { &choice.no })
            }
            Distribution::Written(written) => self.written(random, written),
            // Groups are drawn whole.
            Distribution::Structured(_) | Distribution::Joint(_) => {
                Err(Undrawable::without(distribution))
            }
        }
    }

    /// A group of a statement, in the order of its members.
    pub(super) fn group(
        &mut self,
        random: &Random,
        members: &[u32],
    ) -> Result<Vec<f64>, Undrawable> {
        match &random.distribution {
            Distribution::Structured(structured) => self.structured(random, structured, members),
            Distribution::Joint(joint) => self.joint(random, joint, members),
            Distribution::Family(_)
            | Distribution::PointMass(_)
            | Distribution::Elements(_)
            | Distribution::Choice(_)
            | Distribution::Written(_) => Err(Undrawable::without(&random.distribution)),
        }
    }

    fn family(&mut self, call: &Call) -> Result<f64, Undrawable> {
        let parameters = self.parameters(call)?;
        let ends = match call.truncation {
            Some(_) => self.ends(call)?,
            None => (f64::NEG_INFINITY, f64::INFINITY),
        };
        self.within(call, &parameters, ends)
    }

    fn parameters(&self, call: &Call) -> Result<Vec<f64>, EvaluationError> {
        call.arguments.iter().map(|argument| self.evaluator.eval(argument)).collect()
    }

    fn ends(&self, call: &Call) -> Result<(f64, f64), EvaluationError> {
        let (low, high) = call.ends();
        let low = low.map_or(Ok(f64::NEG_INFINITY), |e| self.evaluator.eval(&e))?;
        Ok((low, high.map_or(Ok(f64::INFINITY), |e| self.evaluator.eval(&e))?))
    }

    /// A draw given that it lies in an interval.
    fn within(
        &mut self,
        call: &Call,
        parameters: &[f64],
        (low, high): (f64, f64),
    ) -> Result<f64, Undrawable> {
        let density = call.parameterization.density;
        let drawn = if low == f64::NEG_INFINITY && high == f64::INFINITY {
            density.sample(parameters, &mut self.rng)
        } else {
            density.sample_within(Some(low), Some(high), parameters, &mut self.rng)
        };
        drawn.map_err(|_| Undrawable::Parameters(call.family.name.to_owned(), parameters.to_vec()))
    }

    /// An element of an axis, or the number that stands for it, by ln P(X = k).
    fn outcome(&mut self, random: &Random, elements: &Elements) -> Result<f64, Undrawable> {
        let mut log_probabilities = Vec::new();
        for position in 0..self.evaluator.extent(elements.index) {
            self.evaluator.set(elements.index, position);
            log_probabilities.push(self.evaluator.eval::<f64>(&elements.log_probability)?);
        }
        let largest = log_probabilities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = log_probabilities.iter().map(|lp| (lp - largest).exp()).collect();
        let chosen = self.position(&weights);
        let first = self.evaluator.outcome(random.variable, elements.index, 0.0);
        match chosen {
            Some(position) => Ok(position as f64 - first),
            None => {
                let probabilities = log_probabilities.iter().map(|lp| lp.exp()).collect();
                Err(Undrawable::Parameters(elements.family.to_owned(), probabilities))
            }
        }
    }

    /// A position with a probability in proportion to its weight; `None` if there is none.
    fn position(&mut self, weights: &[f64]) -> Option<usize> {
        let total: f64 = weights.iter().sum();
        let mut left = total * self.rng.random::<f64>();
        let mut chosen = None;
        for (position, weight) in weights.iter().enumerate() {
            // Rounding may leave something over; it goes to the last possible position.
            if *weight > 0.0 && left >= 0.0 {
                chosen = Some(position);
                left -= weight;
            }
        }
        chosen.filter(|_| total.is_finite())
    }

    /// A distribution made of others.
    fn written(&mut self, random: &Random, written: &Written) -> Result<f64, Undrawable> {
        match &written.drawn {
            Drawn::Density(log_density) => self.by_density(random, written, log_density),
            Drawn::Mixture { index, weight, component } => {
                let mut weights = Vec::new();
                for position in 0..self.evaluator.extent(*index) {
                    self.evaluator.set(*index, position);
                    weights.push(self.evaluator.eval::<f64>(weight)?);
                }
                let Some(position) = self.position(&weights) else {
                    return Err(Undrawable::Parameters(written.family.clone(), weights));
                };
                self.evaluator.set(*index, position);
                self.element(random, component)
            }
            Drawn::Scaled { of, location, scale } => {
                let x = self.element(random, of)?;
                let location: f64 = self.evaluator.eval(location)?;
                Ok(location + self.evaluator.eval::<f64>(scale)? * x)
            }
            Drawn::Censored(of) => self.element(random, of),
        }
    }

    /// A distribution of which only the log density is known: over the whole numbers where the name
    /// holds such, else over the real ones.
    fn by_density(
        &mut self,
        random: &Random,
        written: &Written,
        log_density: &Expr,
    ) -> Result<f64, Undrawable> {
        let evaluator = self.evaluator;
        let end = |end: &Option<Expr>, otherwise: f64| {
            end.as_ref().map_or(Ok(otherwise), |e| evaluator.eval::<f64>(e))
        };
        let low = end(&written.low, f64::NEG_INFINITY)?;
        let high = end(&written.high, f64::INFINITY)?;
        let mut failure = None;
        let at = |x: f64| {
            evaluator.suppose(x);
            match evaluator.eval::<f64>(log_density) {
                Ok(value) if value.is_nan() => f64::NEG_INFINITY,
                Ok(value) => value,
                Err(error) => {
                    failure = Some(error);
                    f64::NEG_INFINITY
                }
            }
        };
        let drawn = match evaluator.typed().variable(random.variable).kind {
            Kind::Int | Kind::Bool => numeric::whole_number(at, (low, high), self.rng),
            Kind::Real | Kind::Index(_) => numeric::real_number(at, (low, high), self.rng),
        };
        evaluator.suppose(f64::NAN);
        match (drawn, failure) {
            (Some(value), _) => Ok(value),
            (None, Some(error)) => Err(error.into()),
            (None, None) => Err(Undrawable::Parameters(written.family.clone(), Vec::new())),
        }
    }

    fn joint(
        &mut self,
        random: &Random,
        joint: &Joint,
        members: &[u32],
    ) -> Result<Vec<f64>, Undrawable> {
        let first = members.first().map_or(0, |member| *member as usize);
        let arguments = self.evaluator.arguments::<f64>(random, joint, first)?;
        let values: Vec<&[f64]> = arguments.values.iter().map(Vec::as_slice).collect();
        let drawn = joint.form.density.draw(arguments.extent(), &values, &mut self.rng);
        drawn.map_err(|_| {
            Undrawable::Parameters(joint.family.name.to_owned(), arguments.values.concat())
        })
    }

    fn structured(
        &mut self,
        random: &Random,
        structured: &Structured,
        members: &[u32],
    ) -> Result<Vec<f64>, Undrawable> {
        let call = &structured.element;
        let mut parameters = Vec::with_capacity(members.len());
        let mut ends = Vec::with_capacity(members.len());
        for member in members {
            self.evaluator.stand(&random.indices, *member as usize);
            parameters.push(self.parameters(call)?);
            ends.push(match call.truncation {
                Some(_) => self.ends(call)?,
                None => (f64::NEG_INFINITY, f64::INFINITY),
            });
        }
        let mut drawn = self.independent(call, &parameters, &ends)?;
        match structured.structure {
            Structure::ZeroSum => {
                let mean = drawn.iter().sum::<f64>() / drawn.len().max(1) as f64;
                drawn.iter_mut().for_each(|x| *x -= mean);
                Ok(drawn)
            }
            Structure::Ordered if structured.identical => {
                drawn.sort_by(f64::total_cmp);
                Ok(drawn)
            }
            Structure::Ordered => {
                for _ in 0..TRIES {
                    if drawn.is_sorted() {
                        return Ok(drawn);
                    }
                    drawn = self.independent(call, &parameters, &ends)?;
                }
                drawn.sort_by(f64::total_cmp);
                self.settle(call, &parameters, &ends, &mut drawn);
                Ok(drawn)
            }
        }
    }

    fn independent(
        &mut self,
        call: &Call,
        parameters: &[Vec<f64>],
        ends: &[(f64, f64)],
    ) -> Result<Vec<f64>, Undrawable> {
        parameters.iter().zip(ends).map(|(p, ends)| self.within(call, p, *ends)).collect()
    }

    /// Moves each element between its neighbours, many times over. One whose interval holds no
    /// mass stays.
    fn settle(
        &mut self,
        call: &Call,
        parameters: &[Vec<f64>],
        ends: &[(f64, f64)],
        drawn: &mut [f64],
    ) {
        for _ in 0..SWEEPS {
            for k in 0..drawn.len() {
                let before = k.checked_sub(1).map_or(f64::NEG_INFINITY, |j| drawn[j]);
                let after = drawn.get(k + 1).copied().unwrap_or(f64::INFINITY);
                let between = (ends[k].0.max(before), ends[k].1.min(after));
                if let Ok(moved) = self.within(call, &parameters[k], between) {
                    drawn[k] = moved;
                }
            }
        }
    }
}

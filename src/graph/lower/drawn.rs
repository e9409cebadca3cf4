//! The log density of one element of a statement, traced.

use super::super::trace::Traced;
use super::LowerError;
use super::expression::Tracer;
use crate::math::Scalar;
use crate::typed::{Call, Distribution, Elements, LogPart, Plane, Random, VariableId};

impl<'g> Tracer<'_, '_, 'g> {
    /// The log density of the elements of a statement.
    pub(super) fn density(&mut self, random: &Random) -> Result<Traced<'g>, LowerError> {
        let x = self.element(random.variable)?;
        let atoms = self.atoms(random)?;
        self.drawn(random.variable, &random.distribution, x, atoms.as_deref())
    }

    /// For every row, whether its observed value is that of a `PointMass` beside other branches.
    fn atoms(&mut self, random: &Random) -> Result<Option<Vec<f64>>, LowerError> {
        let Some(array) = &self.lowering.bound.values[random.variable.index()] else {
            return Ok(None);
        };
        let leaves = random.distribution.leaves();
        let continuous = |d: &Distribution| {
            d.call().is_some_and(|call| !call.parameterization.variate.is_discrete())
        };
        if !leaves.iter().any(|taken| continuous(taken.leaf)) {
            return Ok(None);
        }
        let positions = self.rows.positions();
        let mut on = vec![0.0; self.rows.count];
        let mut any = false;
        for taken in &leaves {
            let Distribution::PointMass(point) = taken.leaf else { continue };
            if point.value.plane > Plane::Finite {
                continue;
            }
            any = true;
            for (row, on) in on.iter_mut().enumerate() {
                let evaluator = &self.lowering.evaluator;
                self.rows.enter(evaluator, &self.lowering.finite, row);
                let mut possible = true;
                for (condition, truth) in taken.data_conditions() {
                    possible &= (evaluator.data(condition)? != 0.0) == truth;
                }
                let x = array.get(positions[row] as usize);
                if possible && x == Some(evaluator.data(&point.value)?) {
                    *on = 1.0;
                }
            }
        }
        Ok(any.then_some(on))
    }

    fn drawn(
        &mut self,
        variable: VariableId,
        distribution: &Distribution,
        x: Traced<'g>,
        atoms: Option<&[f64]>,
    ) -> Result<Traced<'g>, LowerError> {
        let nothing = Traced::Constant(f64::NEG_INFINITY);
        match distribution {
            Distribution::Family(call) => {
                let value = self.family(call, x)?;
                match atoms.filter(|_| !call.parameterization.variate.is_discrete()) {
                    Some(atoms) => {
                        let off = self.numbers(atoms.to_vec()).same(Traced::Constant(0.0));
                        Ok(Traced::select(off, value, nothing))
                    }
                    None => Ok(value),
                }
            }
            Distribution::PointMass(point) => {
                let value = self.trace(&point.value)?;
                Ok(Traced::select(x.same(value), Traced::Constant(0.0), nothing))
            }
            Distribution::Elements(elements) => self.outcome(variable, elements),
            Distribution::Written(written) => self.trace(&written.log_density),
            Distribution::Choice(choice) => self.choice(
                &choice.condition,
                |tracer| tracer.drawn(variable, &choice.yes, x, atoms),
                |tracer| tracer.drawn(variable, &choice.no, x, atoms),
            ),
            // Statements over groups do not come here.
            Distribution::Structured(_) | Distribution::Joint(_) => Ok(nothing),
        }
    }

    /// The log density of one value, or the logarithm of the probability below or above it.
    pub(super) fn log_part(
        &mut self,
        part: LogPart,
        call: &Call,
        x: Traced<'g>,
    ) -> Result<Traced<'g>, LowerError> {
        if part == LogPart::Density {
            return self.family(call, x);
        }
        let arguments =
            call.arguments.iter().map(|a| self.trace(a)).collect::<Result<Vec<_>, _>>()?;
        let density = call.parameterization.density;
        let value = match part {
            LogPart::Below => density.ln_cdf(x, &arguments),
            LogPart::Density | LogPart::Above => density.ln_survival(x, &arguments),
        };
        value.ok_or(super::unavailable(call.span))
    }

    /// The log density of a family of one value, normalised over its interval.
    pub(super) fn family(&mut self, call: &Call, x: Traced<'g>) -> Result<Traced<'g>, LowerError> {
        let arguments =
            call.arguments.iter().map(|a| self.trace(a)).collect::<Result<Vec<_>, _>>()?;
        let density = call.parameterization.density;
        let value = density.log_density(x, &arguments);
        let Some(truncation) = call.normalised_over() else { return Ok(value) };
        if density.has_cdf() {
            let low = truncation.low.as_ref().map(|e| self.trace(e)).transpose()?;
            let high = truncation.high.as_ref().map(|e| self.trace(e)).transpose()?;
            let mass = density.ln_mass(low, high, &arguments);
            return Ok(mass.map_or(value, |mass| value - mass));
        }
        let end = |end: &Option<crate::typed::Expr>, otherwise: f64| match end {
            Some(end) => self.data_values(end),
            None => Ok(vec![otherwise; self.rows.count]),
        };
        let low = end(&truncation.low, f64::NEG_INFINITY)?;
        let high = end(&truncation.high, f64::INFINITY)?;
        // Masses are added up between ends that are numbers: one sum for each pair of ends.
        let mut pairs: Vec<(f64, f64)> = low.iter().copied().zip(high.iter().copied()).collect();
        pairs.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        pairs.dedup();
        let mut result = value;
        for (a, b) in pairs {
            let Some(mass) = density.ln_mass_between(a, b, &arguments) else { continue };
            let others =
                low.iter().zip(&high).map(|(x, y)| f64::from(u8::from((*x, *y) != (a, b))));
            let other = self.numbers(others.collect());
            result = Traced::select(other.same(Traced::Constant(0.0)), value - mass, result);
        }
        Ok(result)
    }

    /// ln P(X = x) of outcomes.
    fn outcome(
        &mut self,
        variable: VariableId,
        elements: &Elements,
    ) -> Result<Traced<'g>, LowerError> {
        let positions = self.rows.positions();
        let evaluator = &self.lowering.evaluator;
        let size = evaluator.extent(elements.index) as f64;
        let observed = self.lowering.bound.values[variable.index()].as_ref();
        let mut inside = vec![1.0; self.rows.count];
        let mut outcomes = vec![0u32; self.rows.count];
        for (row, position) in positions.iter().enumerate() {
            let value = match observed {
                Some(array) => array.get(*position as usize).unwrap_or(f64::NAN),
                None => {
                    self.rows.enter(evaluator, &self.lowering.finite, row);
                    evaluator.assigned(variable, *position as usize)
                }
            };
            let outcome = evaluator.outcome(variable, elements.index, value);
            if outcome >= 0.0 && outcome < size {
                outcomes[row] = outcome as u32;
            } else if self.is_wanted(row) {
                inside[row] = 0.0;
            }
        }
        let inner = self.rows.with(vec![(elements.index, outcomes.into())]);
        let outer = std::mem::replace(&mut self.rows, inner);
        let value = self.trace(&elements.log_probability);
        self.rows = outer;
        let value = value?;
        if inside.iter().all(|i| *i == 1.0) {
            return Ok(value);
        }
        let outside = self.numbers(inside).same(Traced::Constant(0.0));
        Ok(Traced::select(outside, Traced::Constant(f64::NEG_INFINITY), value))
    }
}

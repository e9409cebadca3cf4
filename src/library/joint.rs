//! Families of several values at once: each declared once, in `declarations`, and everything else
//! about it derived from the declaration.
//!
//! A log density is a function of the values of the joint axes and the arguments over any scalar,
//! fully normalised, without a branch on values. Matrices are in row order. Arguments that are
//! not valid give NaN or negative infinity, never a panic. Support of `x` is not checked:
//! [`VectorSupport::contains`] does that for data.

pub mod kernel;
pub mod outcome;

mod correlation;
mod counts;
#[macro_use]
mod declare;
#[macro_use]
mod declarations;
mod graph;
mod normal;
mod sample;
mod support;
mod wishart;

use rand::Rng;

use super::support::Support::{Count, NonNegative, Positive, Real};
use crate::math::matrix;
use crate::math::scalar::Scalar;
use VectorSupport::{
    CholeskyCorrelation, CholeskyFactor, Correlation, Counts, Covariance, Each, Simplex,
};
pub(crate) use correlation::lkj_constant;
pub use kernel::{KERNELS, Kernel, KernelFamily, KernelForm, kernel};
pub use outcome::{
    OutcomeDensity, OutcomeFamily, OutcomeForm, OutcomeParameter, OutcomeShape, outcome_family,
};
pub use support::VectorSupport;

/// What is known of a joint variate before any of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent<'a> {
    /// The size of the first joint axis.
    pub rows: usize,
    /// The size of the second joint axis; 1 where there is one.
    pub columns: usize,
    /// Pairs of positions on the first joint axis, for families on a graph.
    pub edges: &'a [[usize; 2]],
}

impl Extent<'_> {
    /// One joint axis of this size.
    pub fn vector(rows: usize) -> Self {
        Self::matrix(rows, 1)
    }

    /// Two joint axes of these sizes.
    pub fn matrix(rows: usize, columns: usize) -> Self {
        Extent { rows, columns, edges: &[] }
    }

    /// How many values there are.
    pub fn len(self) -> usize {
        self.rows * self.columns
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// How many values a parameter has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One.
    Scalar,
    /// One for each element of the first joint axis; a single one is repeated.
    PerElement,
    /// A square matrix over the joint axis with this position, counted from 0.
    MatrixOf(usize),
    /// A table with two columns of positions on the joint axis: [`Extent::edges`], and an empty
    /// argument.
    Edges,
}

/// A named family of joint distributions with one or more parameterizations.
#[derive(Clone, Copy, Debug)]
pub struct JointFamily {
    /// The name as written in a program.
    pub name: &'static str,
    /// What it describes.
    pub doc: &'static str,
    /// Told apart by the names of their parameters; the first takes positional arguments.
    pub parameterizations: &'static [JointParameterization],
}

/// One choice of parameters of a joint family.
#[derive(Clone, Copy, Debug)]
pub struct JointParameterization {
    /// The log density formula and what goes with it.
    pub density: JointDensity,
    /// The parameters in positional order.
    pub parameters: &'static [JointParameter],
    /// Over how many axes the values are joint: 1 or 2.
    pub joint_axes: usize,
    /// What the values together can be.
    pub variate: VectorSupport,
    /// The log density as a formula.
    pub doc: &'static str,
}

/// A parameter of a joint distribution.
#[derive(Clone, Copy, Debug)]
pub struct JointParameter {
    /// The name as written in a program.
    pub name: &'static str,
    /// How many values it has.
    pub shape: Shape,
    /// What they together may be.
    pub support: VectorSupport,
    /// What it means.
    pub doc: &'static str,
}

impl JointParameter {
    /// The number of values of an argument; per element, where it is not a single one.
    pub fn len(&self, extent: Extent) -> usize {
        match self.shape {
            Shape::Scalar => 1,
            Shape::PerElement => extent.rows,
            Shape::MatrixOf(0) => extent.rows * extent.rows,
            Shape::MatrixOf(_) => extent.columns * extent.columns,
            Shape::Edges => 0,
        }
    }

    /// Whether an argument of this many values has the right shape.
    pub fn fits(&self, length: usize, extent: Extent) -> bool {
        let single = self.shape == Shape::PerElement && length == 1;
        single || length == self.len(extent)
    }
}

/// A sampler was given arguments outside their supports, or a distribution that has none.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("cannot draw from {density:?} with arguments {arguments:?}")]
pub struct InvalidArguments {
    /// The distribution that was asked.
    pub density: JointDensity,
    /// The arguments that it was given.
    pub arguments: Vec<Vec<f64>>,
}

/// The joint family of this name, if there is one. Names are case-sensitive: `Dirichlet`.
pub fn joint_family(name: &str) -> Option<&'static JointFamily> {
    ALL.iter().find(|family| family.name == name)
}

impl JointDensity {
    /// ln p(x | arguments), fully normalised, with the arguments in positional order.
    ///
    /// The density is with respect to the volume of the free coordinates that the support names
    /// (see [`VectorSupport`]). NaN where a length does not fit.
    pub fn log_density<S: Scalar>(self, extent: Extent, x: &[S], arguments: &[&[S]]) -> S {
        if x.len() == extent.len() && self.has_shapes(extent, arguments) {
            self.log_density_of(extent, x, arguments)
        } else {
            S::constant(f64::NAN)
        }
    }

    /// A draw, in row order.
    ///
    /// # Errors
    ///
    /// Arguments that are not of the declared shapes and supports, and improper distributions.
    pub fn draw(
        self,
        extent: Extent,
        arguments: &[&[f64]],
        rng: &mut impl Rng,
    ) -> Result<Vec<f64>, InvalidArguments> {
        let drawn = if self.accepts(extent, arguments) {
            self.draw_from(extent, arguments, rng)
        } else {
            None
        };
        drawn.ok_or_else(|| InvalidArguments {
            density: self,
            arguments: arguments.iter().map(|argument| argument.to_vec()).collect(),
        })
    }

    /// Whether every argument has the declared shape, is finite and in its support.
    pub fn accepts(self, extent: Extent, arguments: &[&[f64]]) -> bool {
        let declared = self.parameterization().parameters;
        let valid = |(p, values): (&JointParameter, &&[f64])| p.support.contains(values);
        self.has_shapes(extent, arguments) && declared.iter().zip(arguments).all(valid)
    }

    fn has_shapes<S>(self, extent: Extent, arguments: &[&[S]]) -> bool {
        let p = self.parameterization();
        let proper = match (p.joint_axes, p.variate.axes()) {
            (1, _) => extent.columns == 1,
            (_, 1) => true,
            (_, _) => extent.rows == extent.columns,
        };
        let fits = |(p, values): (&JointParameter, &&[S])| p.fits(values.len(), extent);
        proper
            && !extent.is_empty()
            && extent.edges.iter().flatten().all(|&end| end < extent.rows)
            && p.parameters.len() == arguments.len()
            && p.parameters.iter().zip(arguments).all(fits)
    }
}

/// The arguments as an array; a missing one is empty.
fn take<'a, S, const N: usize>(arguments: &[&'a [S]]) -> [&'a [S]; N] {
    std::array::from_fn(|i| arguments.get(i).copied().unwrap_or(&[]))
}

/// Parameters that are numbers as an array; a missing one is NaN.
fn take_numbers<S: Scalar, const N: usize>(parameters: &[S]) -> [S; N] {
    std::array::from_fn(|i| parameters.get(i).copied().unwrap_or(S::constant(f64::NAN)))
}

/// The value of a per-element argument at an element: a single one is repeated.
fn at<S: Scalar>(argument: &[S], element: usize) -> S {
    let value = if argument.len() == 1 { argument.first() } else { argument.get(element) };
    value.copied().unwrap_or(S::constant(f64::NAN))
}

/// The value of a scalar argument.
fn one<S: Scalar>(argument: &[S]) -> S {
    at(argument, 0)
}

/// Σ of the terms.
fn sum<S: Scalar>(terms: impl IntoIterator<Item = S>) -> S {
    let mut terms = terms.into_iter();
    let first = terms.next().unwrap_or(S::constant(0.0));
    terms.fold(first, |total, term| total + term)
}

/// A size as a number.
#[expect(clippy::cast_precision_loss, reason = "sizes of axes are far below 2⁵³")]
fn real(n: usize) -> f64 {
    n as f64
}

declarations! { joint_families }

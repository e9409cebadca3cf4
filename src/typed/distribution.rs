//! The right side of `~`: what one element, or a group of elements, is drawn from.

use super::{Expr, IndexId, Plane, VariableId};
use crate::library::joint::{JointFamily, JointParameterization};
use crate::library::{Family, Parameterization};
use crate::source::Span;

/// A distribution.
#[derive(Clone, Debug)]
pub enum Distribution {
    /// A family of one value.
    Family(Call),
    /// All probability on one value.
    PointMass(PointMass),
    /// A probability for every element of an axis.
    Elements(Elements),
    /// One of two.
    Choice(Box<Choice>),
    /// Independent elements under a constraint that ties them.
    Structured(Structured),
    /// A family of several values.
    Joint(Joint),
    /// A log density spelt out.
    Written(Box<Written>),
}

/// A family with its arguments, perhaps conditioned on an interval.
#[derive(Clone, Debug)]
pub struct Call {
    /// The family.
    pub family: &'static Family,
    /// Which parameterization the argument names chose.
    pub parameterization: &'static Parameterization,
    /// One argument per parameter, in the parameterization's order.
    pub arguments: Vec<Expr>,
    /// `in [low, high]`.
    pub truncation: Option<Truncation>,
    /// The call.
    pub span: Span,
}

/// What of a distribution is evaluated at a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogPart {
    /// The log density.
    Density,
    /// ln P(X ≤ x)
    Below,
    /// ln P(X > x)
    Above,
}

/// `in [low, high]`: conditioned on the interval. An infinite literal end is `None`.
#[derive(Clone, Debug)]
pub struct Truncation {
    /// The lower end.
    pub low: Option<Expr>,
    /// The upper end.
    pub high: Option<Expr>,
    /// The interval as written.
    pub span: Span,
}

/// `PointMass(value)`
#[derive(Clone, Debug)]
pub struct PointMass {
    /// The value.
    pub value: Expr,
    /// The call.
    pub span: Span,
}

/// `Categorical(p)` and its like: ln P(X = k) for the element k.
#[derive(Clone, Debug)]
pub struct Elements {
    /// The name of the family, for messages.
    pub family: &'static str,
    /// k, over the axis of the outcome.
    pub index: IndexId,
    /// ln P(X = k)
    pub log_probability: Expr,
    /// The call.
    pub span: Span,
}

/// `if condition then yes else no`
#[derive(Clone, Debug)]
pub struct Choice {
    /// Depends on data and finite latents.
    pub condition: Expr,
    /// The distribution where the condition holds.
    pub yes: Distribution,
    /// The distribution where it does not.
    pub no: Distribution,
}

/// `Ordered(D)`, `ZeroSum(D)`
#[derive(Clone, Debug)]
pub struct Structured {
    /// The constraint.
    pub structure: Structure,
    /// The index the elements are tied over.
    pub over: IndexId,
    /// What an element would be drawn from alone.
    pub element: Call,
    /// Whether all elements of a group have the same distribution.
    pub identical: bool,
    /// The call.
    pub span: Span,
}

/// How elements are tied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Structure {
    /// Each is larger than the one before.
    Ordered,
    /// Their sum is 0.
    ZeroSum,
}

/// A family of several values.
#[derive(Clone, Debug)]
pub struct Joint {
    /// The family.
    pub family: &'static JointFamily,
    /// Which parameterization the argument names chose.
    pub form: &'static JointParameterization,
    /// The indices of the statement it is joint over.
    pub over: Vec<IndexId>,
    /// One argument per parameter, in the form's order.
    pub arguments: Vec<JointArgument>,
    /// The call.
    pub span: Span,
}

/// An argument of a joint family.
#[derive(Clone, Debug)]
pub enum JointArgument {
    /// One number in the context of the statement without the indices it is joint over.
    Scalar(Expr),
    /// One number for every element of the first joint index.
    Vector(Expr),
    /// A matrix: its row and column index, bound by the argument.
    Matrix([IndexId; 2], Expr),
    /// Two columns of elements of the joint axis: the ends of edges.
    Edges(VariableId, VariableId),
}

impl JointArgument {
    /// The expression, of an argument that has one.
    pub fn value(&self) -> Option<&Expr> {
        match self {
            JointArgument::Scalar(value)
            | JointArgument::Vector(value)
            | JointArgument::Matrix(_, value) => Some(value),
            JointArgument::Edges(..) => None,
        }
    }
}

/// A distribution whose log density is an expression: of `dist`, or made of other distributions.
#[derive(Clone, Debug)]
pub struct Written {
    /// The name of the family.
    pub family: String,
    /// The log density of the element of the statement, which occurs in it as a variable.
    pub log_density: Expr,
    /// The ends of the support.
    pub low: Option<Expr>,
    /// The upper end.
    pub high: Option<Expr>,
    /// How it is drawn from.
    pub drawn: Drawn,
    /// The call.
    pub span: Span,
}

/// How a distribution that is made of others is drawn from.
#[derive(Clone, Debug)]
pub enum Drawn {
    /// A component with probability `weight` at its index, then from it.
    Mixture {
        /// Over the components.
        index: IndexId,
        /// The probability of a component.
        weight: Expr,
        /// The distribution of a component.
        component: Distribution,
    },
    /// location + scale x, x from the distribution.
    Scaled {
        /// The distribution of x.
        of: Distribution,
        /// What is added.
        location: Expr,
        /// What is multiplied by.
        scale: Expr,
    },
    /// The value that is seen where nothing is censored.
    Censored(Distribution),
    /// By its log density, in which [`ExprKind::State`] stands for the value.
    ///
    /// [`ExprKind::State`]: crate::typed::ExprKind::State
    Density(Expr),
}

/// A leaf of a distribution and the conditions under which it is the one.
#[derive(Clone, Debug)]
pub struct Taken<'a> {
    /// Conditions, and whether each must hold.
    pub conditions: Vec<(&'a Expr, bool)>,
    /// The leaf, never a choice.
    pub leaf: &'a Distribution,
}

impl Taken<'_> {
    /// The conditions that data decide.
    pub fn data_conditions(&self) -> impl Iterator<Item = (&Expr, bool)> {
        self.conditions.iter().copied().filter(|(c, _)| c.plane == Plane::Data)
    }

    /// Whether data alone decide that it is the one.
    pub fn is_decided_by_data(&self) -> bool {
        self.conditions.iter().all(|(c, _)| c.plane == Plane::Data)
    }
}

impl Distribution {
    /// The family of one value it plainly is.
    pub fn call(&self) -> Option<&Call> {
        match self {
            Distribution::Family(call) => Some(call),
            Distribution::PointMass(_)
            | Distribution::Elements(_)
            | Distribution::Choice(_)
            | Distribution::Structured(_)
            | Distribution::Joint(_)
            | Distribution::Written(_) => None,
        }
    }

    /// Everything but choices, each with the conditions under which it is taken.
    pub fn leaves(&self) -> Vec<Taken<'_>> {
        let mut leaves = Vec::new();
        self.collect_leaves(&mut Vec::new(), &mut leaves);
        leaves
    }

    fn collect_leaves<'a>(
        &'a self,
        conditions: &mut Vec<(&'a Expr, bool)>,
        leaves: &mut Vec<Taken<'a>>,
    ) {
        match self {
            Distribution::Choice(choice) => {
                for (branch, truth) in [(&choice.yes, true), (&choice.no, false)] {
                    conditions.push((&choice.condition, truth));
                    branch.collect_leaves(conditions, leaves);
                    conditions.pop();
                }
            }
            Distribution::Family(_)
            | Distribution::PointMass(_)
            | Distribution::Elements(_)
            | Distribution::Structured(_)
            | Distribution::Joint(_)
            | Distribution::Written(_) => {
                leaves.push(Taken { conditions: conditions.clone(), leaf: self });
            }
        }
    }

    /// The families of one value it is made of, with the conditions under which each is taken.
    pub fn calls(&self) -> Vec<(Taken<'_>, &Call)> {
        let mut calls = Vec::new();
        for taken in self.leaves() {
            match taken.leaf {
                Distribution::Family(call) => calls.push((taken, call)),
                Distribution::Structured(structured) => calls.push((taken, &structured.element)),
                Distribution::PointMass(_)
                | Distribution::Elements(_)
                | Distribution::Choice(_)
                | Distribution::Joint(_)
                | Distribution::Written(_) => {}
            }
        }
        calls
    }

    /// Every expression in it.
    pub fn expressions(&self) -> Vec<&Expr> {
        match self {
            Distribution::Family(call) => call.expressions(),
            Distribution::PointMass(point) => vec![&point.value],
            Distribution::Elements(elements) => vec![&elements.log_probability],
            Distribution::Choice(choice) => {
                let mut all = vec![&choice.condition];
                all.extend(choice.yes.expressions());
                all.extend(choice.no.expressions());
                all
            }
            Distribution::Structured(structured) => structured.element.expressions(),
            Distribution::Written(written) => {
                let ends = written.low.iter().chain(&written.high);
                std::iter::once(&written.log_density).chain(ends).collect()
            }
            Distribution::Joint(joint) => {
                joint.arguments.iter().filter_map(JointArgument::value).collect()
            }
        }
    }

    /// The name of the family, of the first branch of a choice.
    pub fn family_name(&self) -> &'static str {
        match self {
            Distribution::Family(call) => call.family.name,
            Distribution::PointMass(_) => "PointMass",
            Distribution::Elements(elements) => elements.family,
            Distribution::Choice(choice) => choice.yes.family_name(),
            Distribution::Structured(structured) => match structured.structure {
                Structure::Ordered => "Ordered",
                Structure::ZeroSum => "ZeroSum",
            },
            Distribution::Joint(joint) => joint.family.name,
            Distribution::Written(_) => "dist",
        }
    }

    /// Where it was written.
    pub fn span(&self) -> Span {
        match self {
            Distribution::Family(call) => call.span,
            Distribution::PointMass(point) => point.span,
            Distribution::Elements(elements) => elements.span,
            Distribution::Choice(choice) => choice.yes.span(),
            Distribution::Structured(structured) => structured.span,
            Distribution::Joint(joint) => joint.span,
            Distribution::Written(written) => written.span,
        }
    }

    /// Whether it can only give whole numbers or elements of an axis. A point mass goes with
    /// whatever stands beside it.
    pub fn is_discrete(&self) -> bool {
        let discrete = |taken: &Taken<'_>| match taken.leaf {
            Distribution::Family(call) => call.parameterization.variate.is_discrete(),
            Distribution::Elements(_) => true,
            Distribution::PointMass(_)
            | Distribution::Choice(_)
            | Distribution::Structured(_)
            | Distribution::Joint(_)
            | Distribution::Written(_) => false,
        };
        self.leaves().iter().any(discrete)
    }

    /// The indices of the statement that it is joint over.
    pub fn over(&self) -> &[IndexId] {
        match self {
            Distribution::Structured(structured) => std::slice::from_ref(&structured.over),
            Distribution::Joint(joint) => &joint.over,
            Distribution::Family(_)
            | Distribution::PointMass(_)
            | Distribution::Elements(_)
            | Distribution::Choice(_)
            | Distribution::Written(_) => &[],
        }
    }
}

impl Structured {
    /// Whether it has no density that integrates to 1.
    pub fn is_improper(&self) -> bool {
        self.element.family.name == "Flat"
    }
}

impl Call {
    /// The interval whose mass the density is divided by: none for `Flat`, which has no mass.
    pub fn normalised_over(&self) -> Option<&Truncation> {
        self.truncation.as_ref().filter(|_| self.family.name != "Flat")
    }

    /// The arguments and the ends of the interval.
    pub fn expressions(&self) -> Vec<&Expr> {
        let ends = self.truncation.iter().flat_map(|t| t.low.iter().chain(&t.high));
        self.arguments.iter().chain(ends).collect()
    }
}

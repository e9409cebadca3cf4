//! What arguments can be, against what their parameters may be: literals and latents, before any
//! data are read.

use super::distribution::forms;
use super::{
    Checker, foreign,
    problem::{FamilyProblem, ValueProblem},
};
use crate::library::joint::VectorSupport;
use crate::library::{Bound, Support};
use crate::source::Span;
use crate::typed::{self, Call, Distribution, JointArgument, Plane, RandomRole, Role};

impl<'a> Checker<'a> {
    /// What is known of each latent's values: its family's support, cut by literal bounds.
    pub(super) fn infer_ranges(&mut self) {
        for random in self.random_values.iter().flatten() {
            if random.role != RandomRole::Latent {
                continue;
            }
            let range = match random.distribution.calls()[..] {
                [(_, d)] => range_of(d),
                _ => continue,
            };
            self.typed.variables[random.variable.index()].range = Some(range);
        }
    }

    /// A literal or a latent whose values may leave the support of the parameter it is given to.
    pub(super) fn check_supports(&mut self) {
        let randoms = std::mem::take(&mut self.random_values);
        // What is said of given cells holds of missing ones.
        let is_new = |r: &&typed::Random| self.typed.missing_cells_of(r.variable).is_none();
        let stated: Vec<&typed::Random> = randoms.iter().flatten().filter(is_new).collect();
        for random in stated {
            for (_, call) in random.distribution.calls() {
                let parameters = call.parameterization.parameters;
                for (argument, parameter) in call.arguments.iter().zip(parameters) {
                    self.check_support(call, argument, parameter.name, parameter.support);
                }
            }
            for taken in random.distribution.leaves() {
                if let Distribution::Joint(joint) = taken.leaf {
                    self.check_joint_supports(joint);
                }
            }
        }
        self.random_values = randoms;
    }

    /// The same for the numbers and vectors that a joint family is given.
    fn check_joint_supports(&mut self, joint: &typed::Joint) {
        let family = joint.family.name;
        for (argument, parameter) in joint.arguments.iter().zip(joint.form.parameters) {
            let argument = match argument {
                JointArgument::Scalar(argument) | JointArgument::Vector(argument) => argument,
                JointArgument::Matrix(_, covariance) => {
                    self.check_kernels(covariance);
                    continue;
                }
                JointArgument::Edges(..) => continue,
            };
            if let VectorSupport::Each(support) = parameter.support {
                self.check_number(family, argument, parameter.name, support);
            }
        }
    }

    /// The same for the kernels of a process.
    fn check_kernels(&mut self, covariance: &typed::Expr) {
        let mut found = Vec::new();
        covariance.walk(&mut |e| {
            if let typed::ExprKind::Covariance(kernel, values) = &e.kind
                && let Some((family, form)) = kernel.declaration()
            {
                // The first two are the inputs.
                let given = values.iter().skip(2).zip(form.parameters);
                found.extend(given.map(|(value, parameter)| (family.name, value, parameter)));
            }
        });
        for (family, value, parameter) in found {
            self.check_number(family, value, parameter.name, parameter.support);
        }
    }

    /// A literal or a latent that may leave a support without parameters.
    fn check_number(
        &mut self,
        family: &'static str,
        argument: &typed::Expr,
        parameter: &'static str,
        support: Support,
    ) {
        match argument.constant() {
            Some(value) if !support.contains(value, &[]) => {
                let span = argument.span;
                self.report(FamilyProblem::LiteralOutsideSupport {
                    family,
                    parameter,
                    support,
                    span,
                    value,
                });
            }
            Some(_) => {}
            None => self.check_latent_support(family, argument, parameter, support),
        }
    }

    fn check_support(
        &mut self,
        distribution: &Call,
        argument: &typed::Expr,
        parameter: &'static str,
        support: Support,
    ) {
        if support.is_discrete() && argument.plane > Plane::Finite {
            self.report(ValueProblem::WrongKind {
                what: format!("`{}`'s {parameter}", distribution.family.name),
                wanted: "a whole number known from data".to_owned(),
                span: argument.span,
                found: "something that depends on latents".to_owned(),
                help: forms(distribution.family)
                    .first()
                    .map(|form| format!("the arguments are `{form}`, in this order")),
            });
            return;
        }
        if let Some(value) = argument.constant() {
            // Bounds that name other parameters are checked with the data, or are literals too.
            let fixed = !matches!(support, Support::Interval(..) | Support::Integers(..));
            let family = distribution.family.name;
            if fixed && !support.contains(value, &[]) {
                let span = argument.span;
                self.report(FamilyProblem::LiteralOutsideSupport {
                    family,
                    parameter,
                    support,
                    span,
                    value,
                });
            } else if !fixed && let Some(other) = foreign::beyond(distribution, support, value) {
                let at = (argument.span, value);
                self.report(FamilyProblem::LiteralsOutOfOrder { family, parameter, at, other });
            }
            return;
        }
        self.check_latent_support(distribution.family.name, argument, parameter, support);
    }

    /// A latent whose values may leave the support of the parameter it is given to.
    fn check_latent_support(
        &mut self,
        family: &'static str,
        argument: &typed::Expr,
        parameter: &'static str,
        support: Support,
    ) {
        let typed::ExprKind::Variable(variable, _) = &argument.kind else { return };
        let variable = self.typed.variable(*variable);
        let (Role::Latent(id), Some((low, high))) = (&variable.role, variable.range) else {
            return;
        };
        let (wanted_low, wanted_high) = match support.bounds() {
            (Bound::Value(low), Bound::Value(high)) => (low, high),
            (Bound::Parameter(_), _) | (_, Bound::Parameter(_)) => return,
        };
        if low < wanted_low || high > wanted_high {
            let statement = self.randoms[id.index()].1;
            let prior = self.random_values_span(*id);
            self.report(FamilyProblem::LatentOutsideSupport {
                family,
                parameter,
                support,
                span: argument.span,
                name: variable.name.clone(),
                statement: prior.unwrap_or(statement),
            });
        }
    }

    fn random_values_span(&self, id: typed::RandomId) -> Option<Span> {
        self.randoms.get(id.index()).map(|(tree, _)| tree.distribution.span)
    }
}

/// The values of a family: its support, cut by literal bounds. An end that is not a constant is
/// unknown: NaN compares with nothing.
fn range_of(call: &Call) -> (f64, f64) {
    let (low, high) = call.parameterization.variate.bounds();
    let value = |bound| match bound {
        Bound::Value(x) => x,
        Bound::Parameter(i) => {
            call.arguments.get(i).and_then(typed::Expr::constant).unwrap_or(f64::NAN)
        }
    };
    let mut range = (value(low), value(high));
    if let Some(truncation) = &call.truncation {
        if let Some(end) = &truncation.low {
            range.0 = end.constant().map_or(f64::NAN, |x| x.max(range.0));
        }
        if let Some(end) = &truncation.high {
            range.1 = end.constant().map_or(f64::NAN, |x| x.min(range.1));
        }
    }
    range
}

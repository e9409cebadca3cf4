//! Evaluates every index expression and guard over all its elements, so that a bound program is
//! never out of range; and keeps the value of every closed reduction.
//!
//! Only what can fail is evaluated: `alpha[county]` cannot, once the column `county` has been
//! read. A branch that is not taken is not looked at.

use super::Binder;
use super::explain::Failure;
use crate::bound::{EvaluationError, Evaluator};
use crate::diagnostic::Diagnostic;
use crate::library::Reduction;
use crate::source::Span;
use crate::typed::{
    AxisId, Distribution, Expr, ExprKind, IndexId, JointArgument, Kind, Plane, Program, RandomRole,
    Reduce, VariableId,
};
use std::collections::{HashMap, HashSet};

/// Something in an expression that must be evaluated to know that it does not fail.
enum Duty<'p> {
    /// A data-only expression.
    Value(&'p Expr),
    /// The subscripts of a variable, and where it stands.
    Position(VariableId, &'p [Expr], Span),
    /// One branch or the other.
    Branch(&'p Expr, Vec<Duty<'p>>, Vec<Duty<'p>>),
    /// For all elements of a reduction.
    Each(&'p Reduce, Vec<Duty<'p>>),
    /// For all elements of indices that an argument binds.
    Over(Vec<IndexId>, Vec<Duty<'p>>),
}

/// Whether a data-only expression may have no value.
fn can_fail(typed: &Program, expr: &Expr) -> bool {
    let here = match &expr.kind {
        ExprKind::ElementOf(_) | ExprKind::ElementAt(_) | ExprKind::Label(_) | ExprKind::Error => {
            true
        }
        ExprKind::Below(..) => false,
        ExprKind::Variable(variable, at) => {
            !is_within(typed, *variable, at) || typed.left_out_by(*variable).is_some()
        }
        ExprKind::Reduce(reduce) => match reduce.operation {
            Reduction::Mean | Reduction::Sd | Reduction::Max | Reduction::Min => true,
            Reduction::Sum | Reduction::Count | Reduction::LogSumExp => false,
        },
        ExprKind::Number(_)
        | ExprKind::Index(_)
        | ExprKind::ElementNumber(_)
        | ExprKind::Size(_)
        | ExprKind::Negate(_)
        | ExprKind::Not(_)
        | ExprKind::Binary(..)
        | ExprKind::Call(..)
        | ExprKind::Covariance(..)
        | ExprKind::LogDensity(..)
        | ExprKind::State(_)
        | ExprKind::Time
        | ExprKind::If(..) => false,
    };
    here || expr.children().into_iter().any(|child| can_fail(typed, child))
}

/// Whether every subscript is an element of its axis by its kind.
fn is_within(typed: &Program, variable: VariableId, at: &[Expr]) -> bool {
    let same = |axis: AxisId, subscript: &Expr| match subscript.ty {
        Kind::Index(other) => typed.resolve_axis(other) == typed.resolve_axis(axis),
        Kind::Real | Kind::Int | Kind::Bool => false,
    };
    typed.variable(variable).axes.iter().zip(at).all(|(axis, s)| same(*axis, s))
}

fn collect<'p>(typed: &Program, expr: &'p Expr, duties: &mut Vec<Duty<'p>>) {
    if expr.plane == Plane::Data {
        if can_fail(typed, expr) {
            duties.push(Duty::Value(expr));
        }
        return;
    }
    match &expr.kind {
        ExprKind::Variable(variable, at) => {
            let known = at.iter().all(|s| s.plane == Plane::Data);
            let may_leave = !is_within(typed, *variable, at)
                || typed.left_out_by(*variable).is_some()
                || at.iter().any(|s| can_fail(typed, s));
            if known && may_leave {
                duties.push(Duty::Position(*variable, at, expr.span));
            }
        }
        ExprKind::If(condition, yes, no) if condition.plane == Plane::Data => {
            let (mut when, mut otherwise) = (Vec::new(), Vec::new());
            collect(typed, yes, &mut when);
            collect(typed, no, &mut otherwise);
            if can_fail(typed, condition) || !when.is_empty() || !otherwise.is_empty() {
                duties.push(Duty::Branch(condition, when, otherwise));
            }
        }
        ExprKind::Reduce(reduce) => {
            let mut inner = Vec::new();
            collect(typed, &reduce.body, &mut inner);
            if !inner.is_empty() || reduce.guard.as_ref().is_some_and(|g| can_fail(typed, g)) {
                duties.push(Duty::Each(reduce, inner));
            }
        }
        ExprKind::Number(_)
        | ExprKind::Label(_)
        | ExprKind::Index(_)
        | ExprKind::ElementNumber(_)
        | ExprKind::ElementOf(_)
        | ExprKind::ElementAt(_)
        | ExprKind::Below(..)
        | ExprKind::Size(_)
        | ExprKind::Negate(_)
        | ExprKind::Not(_)
        | ExprKind::Binary(..)
        | ExprKind::Call(..)
        | ExprKind::Covariance(..)
        | ExprKind::LogDensity(..)
        | ExprKind::State(_)
        | ExprKind::Time
        | ExprKind::If(..)
        | ExprKind::Error => {
            expr.children().into_iter().for_each(|child| collect(typed, child, duties));
        }
    }
}

/// What of a distribution must be evaluated: of branches that data decide, the one taken.
fn collect_drawn<'p>(typed: &Program, distribution: &'p Distribution, duties: &mut Vec<Duty<'p>>) {
    match distribution {
        Distribution::Choice(choice) => {
            let (mut yes, mut no) = (Vec::new(), Vec::new());
            collect_drawn(typed, &choice.yes, &mut yes);
            collect_drawn(typed, &choice.no, &mut no);
            if choice.condition.plane == Plane::Data {
                duties.push(Duty::Branch(&choice.condition, yes, no));
            } else {
                duties.extend(yes);
                duties.extend(no);
            }
        }
        Distribution::Elements(elements) => {
            let mut inner = Vec::new();
            collect(typed, &elements.log_probability, &mut inner);
            if !inner.is_empty() {
                duties.push(Duty::Over(vec![elements.index], inner));
            }
        }
        Distribution::Joint(joint) => {
            for argument in &joint.arguments {
                match argument {
                    JointArgument::Scalar(value) | JointArgument::Vector(value) => {
                        collect(typed, value, duties);
                    }
                    JointArgument::Matrix(indices, value) => {
                        let mut inner = Vec::new();
                        collect(typed, value, &mut inner);
                        if !inner.is_empty() {
                            duties.push(Duty::Over(indices.to_vec(), inner));
                        }
                    }
                    JointArgument::Edges(..) => {}
                }
            }
        }
        Distribution::Family(_)
        | Distribution::PointMass(_)
        | Distribution::Structured(_)
        | Distribution::Written(_) => {
            distribution.expressions().into_iter().for_each(|e| collect(typed, e, duties));
        }
    }
}

/// For variables of which a `where` leaves elements out, which elements exist.
type Exists = HashMap<VariableId, Vec<bool>>;

fn perform(
    evaluator: &Evaluator<'_, ()>,
    duties: &[Duty<'_>],
    exists: &Exists,
) -> Result<(), EvaluationError> {
    for duty in duties {
        match duty {
            Duty::Value(expr) => {
                evaluator.data(expr)?;
            }
            Duty::Position(variable, at, span) => {
                let (variable, span) = (*variable, *span);
                let position = evaluator.position(variable, at)?;
                if exists.get(&variable).is_some_and(|e| e.get(position) == Some(&false)) {
                    return Err(EvaluationError::LeftOut { span, variable, position });
                }
            }
            Duty::Branch(condition, when, otherwise) => {
                let taken = evaluator.data(condition)? != 0.0;
                perform(evaluator, if taken { when } else { otherwise }, exists)?;
            }
            Duty::Each(reduce, inner) => {
                evaluator.for_each(&reduce.indices, reduce.guard.as_ref(), |_| {
                    perform(evaluator, inner, exists)
                })?;
            }
            Duty::Over(indices, inner) => {
                evaluator.for_each(indices, None, |_| perform(evaluator, inner, exists))?;
            }
        }
    }
    Ok(())
}

/// The indices bound outside that the duties need.
fn needed(duties: &[Duty<'_>], found: &mut HashSet<IndexId>) {
    for duty in duties {
        match duty {
            Duty::Value(expr) => found.extend(expr.outer_indices()),
            Duty::Position(_, at, _) => found.extend(at.iter().flat_map(Expr::outer_indices)),
            Duty::Branch(condition, when, otherwise) => {
                found.extend(condition.outer_indices());
                needed(when, found);
                needed(otherwise, found);
            }
            Duty::Each(reduce, inner) => {
                found.extend(reduce.guard.iter().flat_map(Expr::outer_indices));
                needed(inner, found);
            }
            Duty::Over(_, inner) => needed(inner, found),
        }
    }
}

/// A statement as far as its index plane goes.
pub(super) struct Statement<'p> {
    pub(super) indices: &'p [IndexId],
    pub(super) guard: Option<&'p Expr>,
    pub(super) exprs: Vec<&'p Expr>,
    pub(super) distribution: Option<&'p Distribution>,
}

impl Binder<'_> {
    /// Evaluates the index plane of all statements; reports the first failure of each.
    pub(super) fn check_index_plane(&mut self) {
        let exists = self.existing();
        for statement in self.statements(self.typed) {
            if let Some(problem) = self.check_statement(&statement, &exists) {
                self.report(problem);
            }
        }
    }

    /// Which elements exist of the variables that are not data and have a `where`. A `where` that
    /// cannot be evaluated is reported with its statement.
    fn existing(&mut self) -> Exists {
        let typed = self.typed;
        let mut exists = Exists::new();
        for i in 0..typed.variables.len() {
            let variable = VariableId(i as u32);
            let Some((indices, guard)) = typed.left_out_by(variable) else { continue };
            if self.values[i].is_some() {
                continue;
            }
            let mut own = vec![false; self.shape(variable).iter().product()];
            let evaluated: Result<(), EvaluationError> = self.evaluate(|evaluator| {
                evaluator.for_each(indices, Some(guard), |position| {
                    own[position] = true;
                    Ok(())
                })
            });
            if evaluated.is_ok() {
                exists.insert(variable, own);
            }
        }
        exists
    }

    /// Every statement that is evaluated after binding. An observation in terms
    /// of absent data is not.
    pub(super) fn statements<'p>(&self, typed: &'p Program) -> Vec<Statement<'p>> {
        let mut statements = Vec::new();
        for definition in &typed.definitions {
            if typed.variable(definition.variable).plane != Plane::Data {
                let exprs = definition.value.expressions();
                statements.push(Statement {
                    indices: &definition.indices,
                    guard: None,
                    exprs,
                    distribution: None,
                });
            }
        }
        for random in &typed.randoms {
            let exprs = random.distribution.expressions();
            let guard = random.guard.as_ref();
            let is_observed = random.role == RandomRole::Observed;
            if is_observed && exprs.iter().copied().chain(guard).any(|e| self.mentions_absent(e)) {
                continue;
            }
            let distribution = Some(&random.distribution);
            statements.push(Statement { indices: &random.indices, guard, exprs, distribution });
        }
        for factor in &typed.factors {
            statements.push(Statement {
                indices: &factor.indices,
                guard: factor.guard.as_ref(),
                exprs: vec![&factor.value],
                distribution: None,
            });
        }
        statements
    }

    fn check_statement(
        &mut self,
        statement: &Statement<'_>,
        exists: &Exists,
    ) -> Option<Diagnostic> {
        let typed = self.typed;
        let mut duties = Vec::new();
        match statement.distribution {
            Some(distribution) => collect_drawn(typed, distribution, &mut duties),
            None => statement.exprs.iter().for_each(|expr| collect(typed, expr, &mut duties)),
        }
        let guard_can_fail = statement.guard.is_some_and(|g| can_fail(typed, g));
        let is_empty =
            statement.indices.iter().any(|i| self.axes[typed.index_of(*i).axis.index()].is_empty());
        if is_empty || (duties.is_empty() && !guard_can_fail) {
            return None;
        }
        let mut used = HashSet::new();
        needed(&duties, &mut used);
        used.extend(statement.guard.iter().flat_map(|g| g.outer_indices()));
        let indices: Vec<IndexId> =
            statement.indices.iter().copied().filter(|i| used.contains(i)).collect();
        let result = self.evaluate(|evaluator| {
            evaluator
                .for_each(&indices, statement.guard, |_| perform(evaluator, &duties, exists))
                .map_err(|error| Failure::at(evaluator, &indices, error))
        });
        result.err().map(|failure| self.explain(&failure, &indices))
    }

    /// Evaluates every closed data-only reduction, so that a prediction finds it. Those without a
    /// value stand in branches that are never taken.
    pub(super) fn freeze_reductions(&mut self) {
        let mut closed: Vec<&Expr> = Vec::new();
        let typed = self.typed;
        let data = typed.definitions.iter().flat_map(|d| d.value.expressions().into_iter());
        let later = self.statements(typed);
        let later = later.iter().flat_map(|s| s.exprs.iter().copied().chain(s.guard));
        for expr in data.chain(later) {
            expr.walk(&mut |e| {
                if let ExprKind::Reduce(reduce) = &e.kind
                    && reduce.outer.is_empty()
                    && e.plane == Plane::Data
                {
                    closed.push(e);
                }
            });
        }
        self.evaluate(|evaluator| {
            for expr in closed {
                let _ = evaluator.data(expr);
            }
        });
    }
}

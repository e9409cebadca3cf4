//! Names declared with `?` that have a `~`: from one name and one statement to the cells that the
//! file gives, which are observed, those that it does not, which are latent or predicted, and the
//! whole that the rest of the program means by the name.
//!
//! Invariant: both statements have the one distribution that was written, elaborated once.

use super::elaborate::data;
use super::problem::{MissingProblem, NameProblem, StructureProblem};
use super::special::{binary, choose};
use super::{Checker, Context, Defined, Judged, Progress, Reported};
use crate::library::joint::VectorSupport;
use crate::library::{self, Elementwise, Support};
use crate::source::Span;
use crate::syntax::ast::{self, Expr, ExprKind, Name, StatementKind};
use crate::typed::{
    self, Call, DataEntry, Definition, DefinitionId, DefinitionValue, Distribution, Incomplete,
    Kind, Operator, Plane, Random, RandomId, RandomRole, Role, Variable, VariableId,
};

/// How many definitions inside one another are followed.
const DEEPEST: usize = 16;

impl<'a> Checker<'a> {
    /// Declares a `?` name: as plain data where it has no `~`, else as its given cells and as the
    /// whole. Its missing cells are declared with the `~`.
    pub(super) fn declare_incomplete(
        &mut self,
        name: &'a Name,
        axes: Vec<typed::AxisId>,
        kind: Kind,
        entry: DataEntry,
        documentation: Option<&String>,
    ) -> Option<VariableId> {
        let definition = DefinitionId(self.definitions.len() as u32);
        let given = VariableId(self.typed.variables.len() as u32);
        self.typed.variables.push(Variable {
            name: name.value.clone(),
            span: name.span,
            order: self.order,
            axes: axes.clone(),
            kind,
            plane: Plane::Data,
            role: Role::Data(entry),
            finite: false,
            observed: None,
            range: None,
            documentation: documentation.cloned(),
        });
        self.progress.push(Progress::Done);
        let whole = self.declare_variable(name, Role::Derived(definition), None)?;
        self.definitions.push((Defined::Made, name.span));
        let info = &mut self.typed.variables[whole.index()];
        (info.axes, info.kind, info.plane) = (axes, kind, Plane::Latent);
        self.progress[whole.index()] = Progress::Done;
        // Until the `~` is met nothing is known to be missing.
        self.typed.incomplete.push(Incomplete { whole, given, missing: given });
        Some(given)
    }

    /// Whether some `~` of the program is about a name.
    pub(super) fn has_distribution(&self, name: &str) -> bool {
        self.program.statements.iter().any(|statement| {
            matches!(&statement.kind, StatementKind::Random(random)
                if random.name.value == name && !random.predict)
        })
    }

    /// Gives the missing cells of a name their statement, beside that of the given ones.
    pub(super) fn declare_missing(
        &mut self,
        whole: VariableId,
        random: &'a ast::Random,
        span: Span,
    ) {
        let Some(at) = self.typed.incomplete.iter().position(|i| i.whole == whole) else { return };
        let given = self.typed.incomplete[at].given;
        self.randoms.push((random, span));
        self.random_heads.push((given, RandomRole::Observed));
        let id = RandomId(self.randoms.len() as u32);
        let (role, random_role, plane) = if !self.is_finite(&random.distribution) {
            (Role::Latent(id), RandomRole::Latent, Plane::Latent)
        } else if is_unbounded(&random.distribution) {
            (Role::Predicted(id), RandomRole::Predicted, Plane::Predicted)
        } else {
            (Role::Latent(id), RandomRole::Finite, Plane::Finite)
        };
        let missing = self.hidden_variable(random.name.value.clone(), random.name.span, role);
        self.typed.variables[whole.index()].plane = plane;
        self.typed.incomplete[at].missing = missing;
        self.randoms.push((random, span));
        self.random_heads.push((missing, random_role));
    }

    /// Gives every whole its value, once axes and kinds are known.
    pub(super) fn define_wholes(&mut self) {
        for Incomplete { whole, given, missing } in self.typed.incomplete.clone() {
            let Role::Derived(id) = self.typed.variable(whole).role else { continue };
            let span = self.typed.variable(whole).span;
            if self.progress[missing.index()] != Progress::Done || missing == given {
                self.progress[whole.index()] = Progress::Poisoned;
                continue;
            }
            let axes = self.typed.variable(given).axes.clone();
            let (_, indices) = self.bind_fresh(&Context::default(), &axes);
            let at: Vec<typed::Expr> = indices.iter().map(|i| self.index_at(*i, span)).collect();
            let condition = self.is_missing(given, at.clone(), span);
            let known = self.element(given, at.clone(), span);
            let mut unknown = self.element(missing, at, span);
            let kind = self.typed.variable(given).kind;
            if let (Kind::Index(_), Kind::Real | Kind::Int | Kind::Bool) = (unknown.ty, kind) {
                match self.number(unknown) {
                    Ok(number) => unknown = number,
                    Err(Reported) => {
                        self.progress[whole.index()] = Progress::Poisoned;
                        continue;
                    }
                }
            }
            let mut value = choose(condition, unknown, known);
            value.ty = kind;
            self.typed.variables[whole.index()].kind = kind;
            let value = DefinitionValue::Each(value);
            self.keep_definition(id, Definition { variable: whole, indices, value, span });
        }
    }

    fn index_at(&self, index: typed::IndexId, span: Span) -> typed::Expr {
        let axis = self.typed.index_of(index).axis;
        data(typed::ExprKind::Index(index), Kind::Index(axis), span)
    }

    /// Whether a cell of data is missing.
    fn is_missing(&self, given: VariableId, at: Vec<typed::Expr>, span: Span) -> typed::Expr {
        let cell = self.element(given, at, span);
        let plane = cell.plane;
        let kind = typed::ExprKind::Call(Elementwise::IsMissing, vec![cell]);
        typed::Expr { kind, ty: Kind::Bool, plane, span }
    }

    /// `is_missing(x)` of a name declared with `?`.
    pub(super) fn elaborate_is_missing(
        &mut self,
        argument: &Expr,
        span: Span,
        context: &Context,
    ) -> Judged<typed::Expr> {
        let value = self.elaborate(argument, context)?;
        if let typed::ExprKind::Variable(variable, at) = &value.kind {
            let incomplete = self.typed.incomplete.iter().find(|i| i.whole == *variable);
            let given = incomplete.map_or(*variable, |i| i.given);
            if matches!(&self.typed.variable(given).role, Role::Data(entry) if entry.missing) {
                return Ok(self.is_missing(given, at.clone(), span));
            }
        }
        Err(self.report(MissingProblem::NeverMissing { span: argument.span }))
    }

    /// What the missing cells of a name are drawn from after the fit, if nothing else can be done
    /// with them; then nothing else may depend on it.
    pub(super) fn undecided_counts(&self, value: &typed::Expr) -> Option<VariableId> {
        let mut pending = value.variables();
        let mut seen = Vec::new();
        while let Some(variable) = pending.pop() {
            let info = self.typed.variable(variable);
            if seen.contains(&variable) || info.plane != Plane::Predicted {
                continue;
            }
            seen.push(variable);
            if self.typed.incomplete.iter().any(|i| i.whole == variable) {
                return Some(variable);
            }
            if let Role::Derived(_) = info.role {
                pending.extend(self.direct(variable));
            }
        }
        None
    }

    /// Reports the use of a prediction where none may be used.
    pub(super) fn uses_prediction(&mut self, name: &str, value: &typed::Expr) -> Reported {
        let (name, span) = (name.to_owned(), value.span);
        match self.undecided_counts(value) {
            Some(column) => {
                let column = self.typed.variable(column);
                let (column, declared) = (column.name.clone(), column.span);
                self.report(MissingProblem::UnboundedCount { column, declared, name, span })
            }
            None => self.report(NameProblem::UsesPrediction { name, span }),
        }
    }

    /// The statement of the given cells: where values are tied, that of all of them.
    pub(super) fn given_part(&mut self, mut random: Random, id: RandomId) -> Judged<Random> {
        let Some(incomplete) = self.incomplete_of(random.variable) else { return Ok(random) };
        self.typed.variables[incomplete.whole.index()].observed = Some(id);
        if let Some(guard) = &random.guard {
            self.leave_out(incomplete, &random.indices, guard);
        }
        let family = random.distribution.family_name();
        let span = random.distribution.span();
        match &random.distribution {
            Distribution::Joint(joint) => {
                if joint.form.variate != VectorSupport::Each(Support::Real) {
                    let what = format!("missing cells of `{family}`");
                    return Err(self.report(NameProblem::NotYet { what, span }));
                }
                random.variable = incomplete.whole;
                return Ok(random);
            }
            Distribution::Structured(_) => {
                let what = format!("missing cells of `{family}`");
                return Err(self.report(NameProblem::NotYet { what, span }));
            }
            Distribution::Family(_)
            | Distribution::PointMass(_)
            | Distribution::Elements(_)
            | Distribution::Choice(_)
            | Distribution::Written(_) => {}
        }
        let at = random.indices.iter().map(|i| self.index_at(*i, span)).collect();
        let missing = self.is_missing(incomplete.given, at, span);
        let given =
            typed::Expr { kind: typed::ExprKind::Not(Box::new(missing.clone())), ..missing };
        random.guard = Some(both(random.guard, given));
        Ok(random)
    }

    /// A missing cell that the `where` of its statement leaves out does not exist.
    fn leave_out(
        &mut self,
        incomplete: Incomplete,
        indices: &[typed::IndexId],
        guard: &typed::Expr,
    ) {
        let Role::Derived(id) = self.typed.variable(incomplete.whole).role else { return };
        let Some(definition) = self.definition_values.get(&id) else { return };
        let DefinitionValue::Each(value) = &definition.value else { return };
        let span = guard.span;
        let at: Vec<typed::Expr> =
            definition.indices.iter().map(|i| self.index_at(*i, span)).collect();
        let pairs = indices.iter().zip(&at);
        let guard = pairs.fold(guard.clone(), |guard, (index, at)| guard.with_index(*index, at));
        let missing = self.is_missing(incomplete.given, at, span);
        let given =
            typed::Expr { kind: typed::ExprKind::Not(Box::new(missing.clone())), ..missing };
        let mut exists = binary(Operator::Or, given, guard);
        exists.ty = Kind::Bool;
        let (ty, nothing) = (value.ty, super::special::constant(f64::NAN, span));
        let mut value = choose(exists, value.clone(), nothing);
        value.ty = ty;
        if let Some(definition) = self.definition_values.get_mut(&id) {
            definition.value = DefinitionValue::Each(value);
        }
    }

    /// The statement of the missing cells, from that of the given ones.
    pub(super) fn missing_part(&mut self, given: &Random, role: RandomRole) -> Judged<Random> {
        let incomplete = self
            .typed
            .incomplete
            .iter()
            .find(|i| i.given == given.variable || i.whole == given.variable)
            .copied()
            .ok_or(Reported)?;
        let span = given.distribution.span();
        let at: Vec<typed::Expr> = given.indices.iter().map(|i| self.index_at(*i, span)).collect();
        let missing = self.is_missing(incomplete.given, at.clone(), span);
        let (tied, guard) = match &given.guard {
            Some(guard) if given.variable == incomplete.given => (false, without_given(guard)),
            guard => (given.variable == incomplete.whole, guard.clone()),
        };
        let distribution = if tied {
            // The cells that are tied have their density in the statement of all of them.
            Distribution::Family(flat(span)?)
        } else {
            let mut distribution = given.distribution.clone();
            let element = self.element(incomplete.missing, at, span);
            self.about(&mut distribution, incomplete.given, &element)?;
            distribution
        };
        Ok(Random {
            variable: incomplete.missing,
            role,
            indices: given.indices.clone(),
            distribution,
            guard: Some(both(guard, missing)),
            centering: given.centering,
            span: given.span,
        })
    }

    /// Makes log densities that are spelt out those of another element.
    fn about(
        &mut self,
        distribution: &mut Distribution,
        given: VariableId,
        element: &typed::Expr,
    ) -> Judged<()> {
        match distribution {
            Distribution::Choice(choice) => {
                self.about(&mut choice.yes, given, element)?;
                self.about(&mut choice.no, given, element)
            }
            Distribution::Written(written) => {
                let mut replace =
                    |v: VariableId, _: &[typed::Expr]| (v == given).then(|| element.clone());
                let value = written.log_density.clone().with_variables(&mut replace);
                let mut atom = false;
                value.walk(&mut |e| {
                    if let typed::ExprKind::If(condition, ..) = &e.kind {
                        atom |= condition.plane > Plane::Finite;
                    }
                });
                if atom {
                    let (span, name) = (written.span, self.typed.variable(given).name.clone());
                    return Err(self.report(StructureProblem::LatentAtom { name, span }));
                }
                written.log_density = value;
                Ok(())
            }
            Distribution::Family(_)
            | Distribution::PointMass(_)
            | Distribution::Elements(_)
            | Distribution::Structured(_)
            | Distribution::Joint(_) => Ok(()),
        }
    }

    /// The name that a variable is a part of.
    pub(super) fn incomplete_of(&self, variable: VariableId) -> Option<Incomplete> {
        self.typed.incomplete.iter().find(|i| i.given == variable).copied()
    }

    /// An expression of data and names with missing cells, over the given cells alone, and the
    /// condition that all of them are given. `None` if it depends on anything else.
    pub(super) fn over_given(&self, body: &typed::Expr) -> Option<(typed::Expr, typed::Expr)> {
        if body.plane == Plane::Data {
            return None;
        }
        let spelt = self.spelt_out(body.clone(), 0);
        let mut reduces = false;
        spelt.walk(&mut |e| {
            reduces |= e.plane > Plane::Data && matches!(e.kind, typed::ExprKind::Reduce(_));
        });
        if reduces {
            return None;
        }
        let mut guard: Option<typed::Expr> = None;
        let mut replace = |variable: VariableId, at: &[typed::Expr]| {
            let incomplete = self.typed.incomplete.iter().find(|i| i.whole == variable)?;
            let missing = self.is_missing(incomplete.given, at.to_vec(), body.span);
            let kind = typed::ExprKind::Not(Box::new(missing.clone()));
            guard = Some(both(guard.take(), typed::Expr { kind, ..missing }));
            Some(self.element(incomplete.given, at.to_vec(), body.span))
        };
        let given = spelt.with_variables(&mut replace);
        (given.plane == Plane::Data).then_some(given).zip(guard)
    }

    /// An expression with names that depend on more than data replaced by their definitions, where
    /// these are plain.
    fn spelt_out(&self, expr: typed::Expr, depth: usize) -> typed::Expr {
        let mut replace = |variable: VariableId, at: &[typed::Expr]| {
            let info = self.typed.variable(variable);
            let Role::Derived(id) = info.role else { return None };
            let is_whole = self.typed.incomplete.iter().any(|i| i.whole == variable);
            let plain = at.iter().all(|s| matches!(s.kind, typed::ExprKind::Index(_)));
            if info.plane == Plane::Data || is_whole || !plain || depth == DEEPEST {
                return None;
            }
            let definition = self.definition_values.get(&id)?;
            let DefinitionValue::Each(value) = &definition.value else { return None };
            let pairs = definition.indices.iter().zip(at);
            let value =
                pairs.fold(value.clone(), |value, (index, at)| value.with_index(*index, at));
            Some(self.spelt_out(value, depth + 1))
        };
        expr.with_variables(&mut replace)
    }
}

/// Whether a family of counts without a largest value is among the branches.
fn is_unbounded(distribution: &Expr) -> bool {
    let family = |name: &str| {
        library::family(name)
            .is_some_and(|f| f.parameterizations.iter().all(|p| p.variate == Support::Count))
    };
    match &distribution.kind {
        ExprKind::Group(inner) => is_unbounded(inner),
        ExprKind::In(inner, interval) => {
            let open = matches!(&interval.high.kind, ExprKind::Name(name) if name == "inf");
            open && is_unbounded(inner)
        }
        ExprKind::Start(a, b) | ExprKind::If(_, a, b) => is_unbounded(a) || is_unbounded(b),
        ExprKind::Name(name) => family(name),
        ExprKind::Call(name, _) => family(&name.value),
        ExprKind::Number { .. }
        | ExprKind::Label(_)
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::Index(..)
        | ExprKind::Comprehension { .. }
        | ExprKind::List(_)
        | ExprKind::Written(_)
        | ExprKind::Error => false,
    }
}

/// Two conditions, the first of which may be none.
fn both(first: Option<typed::Expr>, second: typed::Expr) -> typed::Expr {
    let Some(first) = first else { return second };
    let mut both = binary(Operator::And, first, second);
    both.ty = Kind::Bool;
    both
}

/// The guard that was written, from that of the given cells.
fn without_given(guard: &typed::Expr) -> Option<typed::Expr> {
    let typed::ExprKind::Binary(Operator::And, written, _) = &guard.kind else { return None };
    Some((**written).clone())
}

/// `Flat`, whose density is 1 everywhere.
fn flat(span: Span) -> Judged<Call> {
    let family = library::family("Flat").ok_or(Reported)?;
    let parameterization = family.parameterizations.first().ok_or(Reported)?;
    Ok(Call { family, parameterization, arguments: Vec::new(), truncation: None, span })
}

//! Differential equations: `ode z[animal] at ts from 0 { hare' = … start … }`.

use super::elaborate::data;
use super::problem::StructureProblem;
use super::{Bound, Checker, Context, Defined, Judged, Reported};
use crate::source::Span;
use crate::syntax::ast::{self, Binder, Expr, Name, OdeEquation};
use crate::typed::{
    self, Accuracy, Axis, AxisId, AxisOrigin, Definition, DefinitionId, DefinitionValue, ExprKind,
    IndexId, Kind, Plane, Role, Solution, VariableId,
};
use std::ops::RangeInclusive;

impl<'a> Checker<'a> {
    /// Declares the array of states, or each state by its own name and an array behind them.
    pub(super) fn declare_ode(
        &mut self,
        ode: &'a ast::Ode,
        span: Span,
        documentation: Option<&String>,
    ) {
        if let Some(name) = &ode.name {
            let id = DefinitionId(self.definitions.len() as u32);
            self.definitions.push((Defined::Solved(ode), span));
            self.declare_variable(name, Role::Derived(id), documentation);
            return;
        }
        for (state, equation) in ode.equations.iter().enumerate() {
            let id = DefinitionId(self.definitions.len() as u32);
            self.definitions.push((Defined::State(ode, state), span));
            self.declare_variable(&equation.state, Role::Derived(id), documentation);
        }
    }

    /// `ode z[group, axis] at ts from t0 { … }`: z over the groups, the axis of ts and that of the
    /// states.
    pub(super) fn resolve_ode(
        &mut self,
        variable: VariableId,
        id: DefinitionId,
        ode: &'a ast::Ode,
        span: Span,
    ) -> Judged<()> {
        // The parser has let no name without an axis through.
        let (axis_name, groups) = ode.axes.split_last().ok_or(Reported)?;
        let system = self.system(groups, ode)?;
        let axis = self.named_axis(axis_name)?;
        let order = self.state_order(axis, axis_name, ode)?;
        let solution = self.solution(ode, &order, &system)?;
        let state = self.fresh_index(self.index_name(&system.context, axis), axis);
        self.keep_solution(variable, id, &system, solution, state, span);
        Ok(())
    }

    /// One state by its own name: an element of the array behind the block.
    pub(super) fn resolve_state(
        &mut self,
        variable: VariableId,
        id: DefinitionId,
        ode: &'a ast::Ode,
        state: usize,
        span: Span,
    ) -> Judged<()> {
        let hidden = self.hidden_states(ode, span)?;
        let mut axes = self.typed.variable(hidden).axes.clone();
        let Some(states) = axes.pop() else { return Err(Reported) };
        let (_, indices) = self.bind_fresh(&Context::default(), &axes);
        let label = ode.equations.get(state).map(|e| e.state.value.clone()).unwrap_or_default();
        let at = indices.iter().map(|index| {
            let axis = self.typed.index_of(*index).axis;
            data(ExprKind::Index(*index), Kind::Index(axis), span)
        });
        let label = data(ExprKind::Label(label), Kind::Index(states), span);
        let value = self.element(hidden, at.chain([label]).collect(), span);
        self.describe(variable, axes);
        let value = DefinitionValue::Each(value);
        self.keep_definition(id, Definition { variable, indices, value, span });
        Ok(())
    }

    /// The array of the states of a block without a name for it.
    fn hidden_states(&mut self, ode: &'a ast::Ode, span: Span) -> Judged<VariableId> {
        let labels: Vec<String> = ode.equations.iter().map(|e| e.state.value.clone()).collect();
        let name = format!("ode({})", labels.join(", "));
        if let Some(known) = self.typed.find(&name) {
            return Ok(known);
        }
        let system = self.system(&ode.axes, ode)?;
        let order: Vec<&OdeEquation> = ode.equations.iter().collect();
        let solution = self.solution(ode, &order, &system)?;
        let axis = AxisId(self.typed.axes.len() as u32);
        let origin = AxisOrigin::Labels(labels);
        self.typed.axes.push(Axis { name: name.clone(), span, origin });
        let id = DefinitionId(self.definitions.len() as u32);
        self.definitions.push((Defined::Solved(ode), span));
        let variable = self.hidden_variable(name, span, Role::Derived(id));
        let state = self.fresh_index("state", axis);
        self.keep_solution(variable, id, &system, solution, state, span);
        Ok(variable)
    }

    /// Keeps the solution of a system over its groups, its times and its states.
    fn keep_solution(
        &mut self,
        variable: VariableId,
        id: DefinitionId,
        system: &System,
        solution: Solution,
        state: IndexId,
        span: Span,
    ) {
        let mut indices: Vec<IndexId> = system.context.bound.iter().map(|b| b.index).collect();
        indices.push(state);
        let axes = indices.iter().map(|i| self.typed.index_of(*i).axis).collect();
        self.describe(variable, axes);
        let value = DefinitionValue::Solved(Box::new(solution));
        self.keep_definition(id, Definition { variable, indices, value, span });
    }

    fn describe(&mut self, variable: VariableId, axes: Vec<AxisId>) {
        let info = &mut self.typed.variables[variable.index()];
        info.axes = axes;
        info.kind = Kind::Real;
        info.plane = Plane::Latent;
    }

    /// The groups and the times, with an index over each.
    fn system(&mut self, groups: &[Name], ode: &'a ast::Ode) -> Judged<System> {
        let binder =
            |name: &Name| Binder { name: Some(name.clone()), extent: None, span: name.span };
        let binders: Vec<Binder> = groups.iter().map(binder).collect();
        let (mut context, _) = self.bind(&binders, &Context::default())?;
        let at = Expr { kind: ast::ExprKind::Name(ode.at.value.clone()), span: ode.at.span };
        let free = self.free(&at, &context)?;
        let [axis] = free[..] else {
            let axes = self.axis_list(&free);
            let (name, span) = (ode.at.value.clone(), ode.at.span);
            return Err(self.report(StructureProblem::TimesAxis { name, span, axes }));
        };
        let time = self.fresh_index(self.index_name(&context, axis), axis);
        context.push(Bound { name: None, index: time, axis, fresh: false });
        let times = self.elaborate(&at, &context).and_then(|e| self.number(e))?;
        self.require_data(&times, "the times of differential equations")?;
        Ok(System { context, time, times })
    }

    /// The equations in the order of the labels of the axis of states.
    fn state_order(
        &mut self,
        axis: AxisId,
        name: &Name,
        ode: &'a ast::Ode,
    ) -> Judged<Vec<&'a OdeEquation>> {
        let labels = match &self.typed.axis(axis).origin {
            AxisOrigin::Labels(labels) => labels.clone(),
            AxisOrigin::Rows(_)
            | AxisOrigin::Array
            | AxisOrigin::Levels
            | AxisOrigin::Range(..)
            | AxisOrigin::Same(_) => Vec::new(),
        };
        let of = |label: &String| ode.equations.iter().find(|e| e.state.value == *label);
        let order: Vec<&OdeEquation> = labels.iter().filter_map(of).collect();
        if order.len() == labels.len() && order.len() == ode.equations.len() {
            return Ok(order);
        }
        let states = ode.equations.iter().map(|e| e.state.value.clone()).collect();
        let (axis, span) = (name.value.clone(), name.span);
        Err(self.report(StructureProblem::StatesOfAxis { axis, span, labels, states }))
    }

    fn solution(
        &mut self,
        ode: &'a ast::Ode,
        order: &[&OdeEquation],
        system: &System,
    ) -> Judged<Solution> {
        let context = &system.context;
        let accuracy = self.accuracy(&ode.hints);
        let start = self.single(&ode.from, context)?;
        self.require_data(&start, "the first time of differential equations")?;
        let mut initial = Vec::new();
        for equation in order {
            initial.push(self.single(&equation.start, context));
        }
        let states = order.iter().map(|e| e.state.value.clone()).collect();
        let outside = std::mem::replace(&mut self.states, states);
        let mut rates = Vec::new();
        for equation in order {
            rates.push(self.single(&equation.rate, context));
        }
        self.states = outside;
        let rates = rates.into_iter().collect::<Judged<Vec<_>>>()?;
        let initial = initial.into_iter().collect::<Judged<Vec<_>>>()?;
        let mut by = Vec::new();
        for value in rates.iter().chain(&initial).chain([&start]) {
            if value.plane == Plane::Predicted || self.mentions_finite(value) {
                return Err(self.report(StructureProblem::RateOfFinite { span: value.span }));
            }
            self.columns_of_times(value, system.time, &mut by)?;
        }
        let (times, stiff, accuracy) = (system.times.clone(), ode.stiff, accuracy?);
        Ok(Solution { rates, initial, start, times, by, stiff, accuracy })
    }

    /// The columns over the axis of times that say which system each time belongs to. Nothing else
    /// may vary over the times: it would not be known between them.
    fn columns_of_times(
        &mut self,
        value: &typed::Expr,
        time: IndexId,
        by: &mut Vec<typed::Expr>,
    ) -> Judged<()> {
        let mut pending = vec![value];
        while let Some(expr) = pending.pop() {
            let is_time = |s: &typed::Expr| matches!(s.kind, ExprKind::Index(i) if i == time);
            if let ExprKind::Variable(variable, at) = &expr.kind
                && at.iter().any(is_time)
            {
                let info = self.typed.variable(*variable);
                if !matches!(info.kind, Kind::Index(_)) || expr.plane != Plane::Data {
                    let (name, span) = (info.name.clone(), expr.span);
                    return Err(self.report(StructureProblem::RateOverTimes { name, span }));
                }
                let same = |other: &typed::Expr| matches!(&other.kind, ExprKind::Variable(v, _) if v == variable);
                if !by.iter().any(same) {
                    by.push(expr.clone());
                }
            } else if is_time(expr) {
                let name = self.typed.axis(self.typed.index_of(time).axis).name.clone();
                let span = expr.span;
                return Err(self.report(StructureProblem::RateOverTimes { name, span }));
            } else {
                pending.extend(expr.children());
            }
        }
        Ok(())
    }

    /// `with tolerance(relative, absolute), steps(n)`
    fn accuracy(&mut self, hints: &[ast::Hint]) -> Judged<Accuracy> {
        let mut accuracy = Accuracy::default();
        for hint in hints {
            let numbers: Option<Vec<f64>> = hint.arguments.iter().map(number_of).collect();
            match (hint.name.value.as_str(), numbers.as_deref()) {
                ("tolerance", Some([both])) if TOLERANCES.contains(both) => {
                    (accuracy.relative, accuracy.absolute) = (*both, *both);
                }
                ("tolerance", Some([relative, absolute]))
                    if TOLERANCES.contains(relative) && *absolute > 0.0 && absolute.is_finite() =>
                {
                    (accuracy.relative, accuracy.absolute) = (*relative, *absolute);
                }
                ("steps", Some([steps])) if *steps >= 1.0 && steps.fract() == 0.0 => {
                    accuracy.steps = *steps as usize;
                }
                (name, _) => {
                    let known = matches!(name, "tolerance" | "steps");
                    let (hint, span) = (name.to_owned(), hint.name.span);
                    return Err(self.report(StructureProblem::OdeHint { hint, span, known }));
                }
            }
        }
        Ok(accuracy)
    }

    fn mentions_finite(&self, value: &typed::Expr) -> bool {
        value.variables().iter().any(|v| self.typed.variable(*v).plane == Plane::Finite)
    }

    /// One number, without free axes.
    fn single(&mut self, expr: &Expr, context: &Context) -> Judged<typed::Expr> {
        let free = self.free(expr, context)?;
        if !free.is_empty() {
            let axes = self.axis_list(&free);
            return Err(self.report(StructureProblem::RateOfArray { span: expr.span, axes }));
        }
        self.elaborate(expr, context).and_then(|e| self.number(e))
    }
}

/// The tolerances that a method can keep.
const TOLERANCES: RangeInclusive<f64> = 1e-14..=1e-2;

/// What systems there are and where they are wanted.
struct System {
    /// The groups and the times.
    context: Context,
    /// The index over the times.
    time: IndexId,
    times: typed::Expr,
}

/// The number that an argument without a name is.
fn number_of(argument: &ast::Argument) -> Option<f64> {
    let ast::ExprKind::Number { value, .. } = &argument.value.ungrouped().kind else { return None };
    argument.name.is_none().then_some(*value)
}

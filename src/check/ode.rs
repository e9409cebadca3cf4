//! Differential equations: `ode z[animal] at ts from 0 { hare' = … start … }`.

use super::distribution::start_of_the_whole;
use super::elaborate::data;
use super::problem::StructureProblem;
use super::{Bound, Checker, Context, Defined, Judged, Reported};
use crate::source::Span;
use crate::syntax::ast::{self, Expr, Name, OdeEquation};
use crate::typed::{
    self, Axis, AxisId, AxisOrigin, Definition, DefinitionId, DefinitionValue, ExprKind, Kind,
    Plane, Role, Solution, VariableId,
};

impl<'a> Checker<'a> {
    /// Declares the array of states, or each state by its own name and an array behind them.
    pub(super) fn declare_ode(
        &mut self,
        ode: &'a ast::Ode,
        span: Span,
        documentation: Option<&String>,
    ) {
        if let Some((name, _)) = &ode.name {
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

    /// `ode z[axis] at ts from t0 { … }`: z over the axis of ts and that of the states.
    pub(super) fn resolve_ode(
        &mut self,
        variable: VariableId,
        id: DefinitionId,
        ode: &'a ast::Ode,
        span: Span,
    ) -> Judged<()> {
        let (time, times) = self.times(ode)?;
        let (_, axis_name) = ode.name.as_ref().ok_or(Reported)?;
        let axis = self.named_axis(axis_name)?;
        let order = self.state_order(axis, axis_name, ode)?;
        let solution = self.solution(ode, &order, times)?;
        let state = self.fresh_index(self.index_name(&Context::default(), axis), axis);
        let time_axis = self.typed.index_of(time).axis;
        self.describe(variable, vec![time_axis, axis]);
        let value = DefinitionValue::Solved(Box::new(solution));
        self.keep_definition(id, Definition { variable, indices: vec![time, state], value, span });
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
        let axes = self.typed.variable(hidden).axes.clone();
        let [times, states] = axes[..] else { return Err(Reported) };
        let time = self.fresh_index(self.index_name(&Context::default(), times), times);
        let label = ode.equations.get(state).map(|e| e.state.value.clone()).unwrap_or_default();
        let at = vec![
            data(ExprKind::Index(time), Kind::Index(times), span),
            data(ExprKind::Label(label), Kind::Index(states), span),
        ];
        let value = self.element(hidden, at, span);
        self.describe(variable, vec![times]);
        let value = DefinitionValue::Each(value);
        self.keep_definition(id, Definition { variable, indices: vec![time], value, span });
        Ok(())
    }

    /// The array of the states of a block without a name for it.
    fn hidden_states(&mut self, ode: &'a ast::Ode, span: Span) -> Judged<VariableId> {
        let labels: Vec<String> = ode.equations.iter().map(|e| e.state.value.clone()).collect();
        let name = format!("ode({})", labels.join(", "));
        if let Some(known) = self.typed.find(&name) {
            return Ok(known);
        }
        let (time, times) = self.times(ode)?;
        let order: Vec<&OdeEquation> = ode.equations.iter().collect();
        let solution = self.solution(ode, &order, times)?;
        let axis = AxisId(self.typed.axes.len() as u32);
        let origin = AxisOrigin::Labels(labels);
        self.typed.axes.push(Axis { name: name.clone(), span, origin });
        let id = DefinitionId(self.definitions.len() as u32);
        self.definitions.push((Defined::Solved(ode), span));
        let variable = self.hidden_variable(name, span, Role::Derived(id));
        let state = self.fresh_index("state", axis);
        let time_axis = self.typed.index_of(time).axis;
        self.describe(variable, vec![time_axis, axis]);
        let value = DefinitionValue::Solved(Box::new(solution));
        self.keep_definition(id, Definition { variable, indices: vec![time, state], value, span });
        Ok(variable)
    }

    fn describe(&mut self, variable: VariableId, axes: Vec<AxisId>) {
        let info = &mut self.typed.variables[variable.index()];
        info.axes = axes;
        info.kind = Kind::Real;
        info.plane = Plane::Latent;
    }

    /// The times, and an index over their axis.
    fn times(&mut self, ode: &'a ast::Ode) -> Judged<(typed::IndexId, typed::Expr)> {
        let at = Expr { kind: ast::ExprKind::Name(ode.at.value.clone()), span: ode.at.span };
        let free = self.free(&at, &Context::default())?;
        let [axis] = free[..] else {
            let axes = self.axis_list(&free);
            let (name, span) = (ode.at.value.clone(), ode.at.span);
            return Err(self.report(StructureProblem::TimesAxis { name, span, axes }));
        };
        let index = self.fresh_index(self.index_name(&Context::default(), axis), axis);
        let mut context = Context::default();
        context.push(Bound { name: None, index, axis, fresh: false });
        let times = self.elaborate(&at, &context).and_then(|e| self.number(e))?;
        self.require_data(&times, "the times of differential equations")?;
        Ok((index, times))
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
        times: typed::Expr,
    ) -> Judged<Solution> {
        let start = self.single(&ode.from)?;
        self.require_data(&start, "the first time of differential equations")?;
        let mut initial = Vec::new();
        for equation in order {
            initial.push(self.single(&equation.start));
        }
        let states = order.iter().map(|e| e.state.value.clone()).collect();
        let outside = std::mem::replace(&mut self.states, states);
        let mut rates = Vec::new();
        for equation in order {
            // The parser has reported a `start` after `else`.
            let whole = start_of_the_whole(&equation.rate);
            let rate = match whole.as_ref().map(|whole| &whole.kind) {
                Some(ast::ExprKind::Start(rate, _)) => rate,
                Some(_) | None => &equation.rate,
            };
            rates.push(self.single(rate));
        }
        self.states = outside;
        let rates = rates.into_iter().collect::<Judged<Vec<_>>>()?;
        let initial = initial.into_iter().collect::<Judged<Vec<_>>>()?;
        for value in rates.iter().chain(&initial) {
            if value.plane == Plane::Predicted || self.mentions_finite(value) {
                return Err(self.report(StructureProblem::RateOfFinite { span: value.span }));
            }
        }
        Ok(Solution { rates, initial, start, times, stiff: ode.stiff })
    }

    fn mentions_finite(&self, value: &typed::Expr) -> bool {
        value.variables().iter().any(|v| self.typed.variable(*v).plane == Plane::Finite)
    }

    /// One number, without free axes.
    fn single(&mut self, expr: &Expr) -> Judged<typed::Expr> {
        let context = Context::default();
        let free = self.free(expr, &context)?;
        if !free.is_empty() {
            let axes = self.axis_list(&free);
            return Err(self.report(StructureProblem::RateOfArray { span: expr.span, axes }));
        }
        self.elaborate(expr, &context).and_then(|e| self.number(e))
    }
}

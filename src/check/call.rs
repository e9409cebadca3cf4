//! Calls of functions: elementwise, reductions and whole-axis functions.

use super::elaborate::data;
use super::special::combine;
use super::{
    Checker, Context, Judged, Reported,
    foreign::{self, Rewriting},
    problem::{
        AxisProblem, FamilyProblem, NameProblem, StructureProblem, ValueProblem, reduced_name,
    },
};
use crate::library::{self, Elementwise, Function, FunctionRule, Reduction, WholeAxis};
use crate::source::Span;
use crate::syntax::ast::{Argument, Expr, ExprKind, Name};
use crate::typed::{self, IndexId, Kind, Operator};

/// What a call does, once the number of its arguments is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallRule {
    /// Cell by cell.
    Elementwise(Elementwise),
    /// Takes the free axes away.
    Reduction(Reduction),
    /// Works on a whole axis.
    WholeAxis(WholeAxis),
}

impl CallRule {
    fn of(function: &Function, count: usize) -> Option<CallRule> {
        match function.rule {
            FunctionRule::Elementwise(e) => {
                (count == e.arity()).then_some(CallRule::Elementwise(e))
            }
            FunctionRule::Reduction(r) => (count == 1).then_some(CallRule::Reduction(r)),
            FunctionRule::ReductionOrElementwise(r, e) => match count {
                1 => Some(CallRule::Reduction(r)),
                2 => Some(CallRule::Elementwise(e)),
                _ => None,
            },
            FunctionRule::WholeAxis(WholeAxis::Softmax) => {
                (count <= 2).then_some(CallRule::WholeAxis(WholeAxis::Softmax))
            }
            FunctionRule::WholeAxis(WholeAxis::CumSum) => {
                (count <= 2).then_some(CallRule::WholeAxis(WholeAxis::CumSum))
            }
            FunctionRule::WholeAxis(w) => (count == 1).then_some(CallRule::WholeAxis(w)),
        }
    }
}

/// Whether a function of whole numbers gives a whole number.
fn keeps_integers(function: Elementwise) -> bool {
    matches!(
        function,
        Elementwise::Abs
            | Elementwise::Square
            | Elementwise::Floor
            | Elementwise::Ceil
            | Elementwise::Round
            | Elementwise::Max2
            | Elementwise::Min2
    )
}

impl<'a> Checker<'a> {
    /// The rule of a function for this many arguments.
    pub(super) fn function_rule(
        &mut self,
        name: &Name,
        arguments: &[Argument],
        call: Span,
    ) -> Judged<CallRule> {
        let count = arguments.len();
        let Some(function) = library::function(&name.value) else {
            return Err(self.unknown_function(name, arguments, call));
        };
        let Some(rule) = CallRule::of(function, count) else {
            return Err(self.report(ValueProblem::ArgumentCount {
                name: name.value.clone(),
                span: name.span,
                parameters: function.parameters.iter().map(|p| (*p).to_owned()).collect(),
                given: count,
            }));
        };
        if let CallRule::WholeAxis(WholeAxis::Transpose) = rule {
            return Err(self.report(StructureProblem::LooseTranspose { span: name.span }));
        }
        if let CallRule::WholeAxis(WholeAxis::Cholesky) = rule {
            return Err(self.report(StructureProblem::LooseFactor { span: name.span }));
        }
        Ok(rule)
    }

    fn unknown_function(&mut self, name: &Name, arguments: &[Argument], call: Span) -> Reported {
        if self.is_poisoned(&name.value) || !self.unknown.insert(format!("{}()", name.value)) {
            return Reported;
        }
        if library::family(&name.value).is_some() {
            return self.report(FamilyProblem::DistributionAsNumber {
                name: name.value.clone(),
                span: name.span,
            });
        }
        if name.value == "columns" {
            return self.report(ValueProblem::MisplacedColumns { span: name.span });
        }
        let functions = library::function::ALL.iter().map(|f| f.name);
        // `np.exp` without an import: the part after the dot may say what is meant.
        let plain = name.value.rsplit('.').next().unwrap_or(&name.value);
        let nearest = library::function(plain)
            .map(|f| f.name)
            .or_else(|| library::family(plain).map(|f| f.name))
            .or_else(|| library::synonym(plain))
            .map(str::to_owned)
            .or_else(|| Self::nearest(&name.value, functions));
        let variable = self.names.get(&name.value).map(|v| self.typed.variable(*v).span);
        self.report(NameProblem::UnknownFunction {
            name: name.value.clone(),
            span: name.span,
            nearest,
            variable,
            rewriting: foreign::function(name, arguments, call)
                .or_else(|| self.own_line(plain, arguments, call)),
        })
    }

    /// `scale(x)` inside an equation: a name for `standardize(x)` on a line of its own.
    fn own_line(&self, name: &str, arguments: &[Argument], call: Span) -> Option<Rewriting> {
        let function = library::function(library::synonym(name)?)?;
        let is_whole = matches!(function.rule, FunctionRule::WholeAxis(WholeAxis::Standardize));
        let [Argument { name: None, value }] = arguments else { return None };
        let ExprKind::Name(column) = &value.kind else { return None };
        let is_alone = self
            .definitions
            .iter()
            .filter_map(|(d, _)| d.equation())
            .any(|define| define.value.span == call);
        let statement = self.statement_at(call).filter(|_| is_whole && !is_alone)?;
        let instead = reduced_name(function.name, column);
        let line = format!("{instead} = {}({column})", function.name);
        Some(Rewriting {
            help: format!("compute it on its own line: `{line}`"),
            edits: vec![
                (Span { end: statement.start, ..statement }, format!("{line}\n")),
                (call, instead),
            ],
        })
    }

    /// The reduction a comprehension names.
    pub(super) fn reduction(&mut self, name: &Name) -> Judged<Reduction> {
        match library::function(&name.value).and_then(|f| CallRule::of(f, 1)) {
            Some(CallRule::Reduction(reduction)) => Ok(reduction),
            Some(CallRule::Elementwise(_) | CallRule::WholeAxis(_)) => Err(self
                .report(ValueProblem::NotAReduction { name: name.value.clone(), span: name.span })),
            None => Err(self.unknown_function(name, &[], name.span)),
        }
    }

    pub(super) fn elaborate_call(
        &mut self,
        expr: &Expr,
        function: &Name,
        arguments: &[Argument],
        context: &Context,
    ) -> Judged<typed::Expr> {
        if function.value == "size" {
            return self.size(function, arguments, expr.span);
        }
        if function.value == "logpdf" {
            return self.logpdf(function, arguments, context);
        }
        let rule = self.function_rule(function, arguments, expr.span)?;
        if let CallRule::WholeAxis(whole @ (WholeAxis::Softmax | WholeAxis::CumSum)) = rule {
            return self.along_axis(whole, function, arguments, expr.span, context);
        }
        if let Some(argument) = arguments.iter().find(|a| a.name.is_some()) {
            let named = argument.name.as_ref().map_or(argument.value.span, |n| n.span);
            return Err(self.report(ValueProblem::NamedArgumentOfFunction {
                function: function.value.clone(),
                span: named,
            }));
        }
        match rule {
            CallRule::Elementwise(Elementwise::IsMissing) => {
                self.elaborate_is_missing(&arguments[0].value, expr.span, context)
            }
            CallRule::Elementwise(elementwise) => {
                let mut values = Vec::new();
                for argument in arguments {
                    let value = self.elaborate(&argument.value, context);
                    values.push(value.and_then(|v| self.number(v)));
                }
                let values = values.into_iter().collect::<Judged<Vec<_>>>()?;
                let plane = values.iter().map(|v| v.plane).max().unwrap_or(typed::Plane::Data);
                let whole = values.iter().all(|v| v.ty != Kind::Real);
                let ty = if whole && keeps_integers(elementwise) { Kind::Int } else { Kind::Real };
                let kind = typed::ExprKind::Call(elementwise, values);
                Ok(typed::Expr { kind, ty, plane, span: expr.span })
            }
            CallRule::Reduction(reduction) => {
                let argument = &arguments[0].value;
                let (body, indices) = self.over_free_axes(argument, &context.written())?;
                let (body, guard) = match reduction {
                    Reduction::Mean | Reduction::Sd | Reduction::Max | Reduction::Min => {
                        self.given_cells(body)
                    }
                    Reduction::Sum | Reduction::Count | Reduction::LogSumExp => (body, None),
                };
                self.note_whole_column(reduction, &body, &indices, context, expr.span);
                Ok(self.reduce(reduction, indices, guard, body, expr.span))
            }
            CallRule::WholeAxis(whole) => {
                self.elaborate_whole_axis(whole, function, &arguments[0].value, expr.span, context)
            }
        }
    }

    /// Statistics are of the given cells: what they are of, and the condition that it is given.
    fn given_cells(&self, body: typed::Expr) -> (typed::Expr, Option<typed::Expr>) {
        match self.over_given(&body) {
            Some((given, guard)) => (given, Some(guard)),
            None => (body, None),
        }
    }

    /// An argument with all its free axes bound to fresh indices.
    fn over_free_axes(
        &mut self,
        argument: &Expr,
        context: &Context,
    ) -> Judged<(typed::Expr, Vec<IndexId>)> {
        let free = self.free(argument, context)?;
        let (inner, indices) = self.bind_fresh(context, &free);
        self.enter_scope(&indices, None);
        let body = self.elaborate(argument, &inner).and_then(|e| self.number(e));
        self.leave_scope();
        Ok((body?, indices))
    }

    /// `center(x)` is `x[i] - mean(j: x[j])`; `standardize(x)` divides that by `sd(j: x[j])`.
    /// Called where the one axis of x is bound by an index that elaboration made fresh.
    fn elaborate_whole_axis(
        &mut self,
        whole: WholeAxis,
        function: &Name,
        argument: &Expr,
        span: Span,
        context: &Context,
    ) -> Judged<typed::Expr> {
        // Hide the indices that were bound for the free axes of this call, to find those axes again.
        let outer = context.written();
        let free = self.free(argument, &outer)?;
        let [_] = free[..] else {
            return Err(self.report(AxisProblem::OneAxisWanted {
                function: function.value.clone(),
                span: argument.span,
                axes: self.axis_list(&free),
            }));
        };
        let here = self.elaborate(argument, context).and_then(|e| self.number(e))?;
        let (body, indices) = self.over_free_axes(argument, &outer)?;
        let (body, guard) = self.given_cells(body);
        let mean = self.reduce(Reduction::Mean, indices, guard, body, span);
        let centered = combine(Operator::Subtract, here, mean, span);
        match whole {
            WholeAxis::Center => Ok(centered),
            WholeAxis::Standardize => {
                let (body, indices) = self.over_free_axes(argument, &outer)?;
                let (body, guard) = self.given_cells(body);
                let sd = self.reduce(Reduction::Sd, indices, guard, body, span);
                Ok(combine(Operator::Divide, centered, sd, span))
            }
            // `function_rule` has refused these.
            WholeAxis::Softmax
            | WholeAxis::CumSum
            | WholeAxis::Cholesky
            | WholeAxis::Transpose
            | WholeAxis::Size => Err(Reported),
        }
    }

    /// `size(axis)`
    fn size(&mut self, function: &Name, arguments: &[Argument], span: Span) -> Judged<typed::Expr> {
        match arguments {
            [Argument { name: None, value: Expr { kind: ExprKind::Name(name), span: at } }] => {
                let axis = self.named_axis(&Name::new(name.clone(), *at))?;
                Ok(data(typed::ExprKind::Size(axis), Kind::Int, span))
            }
            [Argument { value: Expr { kind: ExprKind::Error, .. }, .. }] => {
                self.incomplete = true;
                Err(Reported)
            }
            _ => Err(self.report(ValueProblem::ArgumentCount {
                name: function.value.clone(),
                span: function.span,
                parameters: vec!["axis".to_owned()],
                given: arguments.len(),
            })),
        }
    }

    /// `mean(log_radon)` in an equation over counties is the mean over all houses: say so.
    fn note_whole_column(
        &mut self,
        reduction: Reduction,
        body: &typed::Expr,
        indices: &[IndexId],
        context: &Context,
        span: Span,
    ) {
        let [index] = indices[..] else { return };
        let axis = self.typed.index_of(index).axis;
        let statistic = matches!(reduction, Reduction::Mean | Reduction::Sd);
        if !statistic || body.plane != typed::Plane::Data {
            return;
        }
        let group = context.bound.iter().find_map(|bound| {
            let column = self.typed.variables.iter().find(|v| {
                v.axes == [axis] && matches!(v.kind, Kind::Index(of) if of == bound.axis)
            })?;
            Some((bound.axis, column.name.clone()))
        });
        if let Some((group, column)) = group {
            self.report(AxisProblem::WholeColumnStatistic {
                span,
                rows: self.typed.axis(axis).name.clone(),
                group: self.typed.axis(group).name.clone(),
                column,
            });
        }
    }
}

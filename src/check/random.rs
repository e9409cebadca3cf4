//! `~` statements: which name, over which axes, with which guard, hints and distribution.

use super::{
    Bound, Checker, Context, Judged, Progress, Reported,
    problem::{AxisProblem, FamilyProblem, NameProblem, ValueProblem},
};
use crate::source::Span;
use crate::syntax::ast::{self, Expr, Name};
use crate::typed::{
    self, AxisId, Centering, Kind, Plane, Random, RandomId, RandomRole, VariableId,
};

impl<'a> Checker<'a> {
    pub(super) fn resolve_randoms(&mut self) {
        for i in 0..self.randoms.len() {
            match self.resolve_random(RandomId(i as u32)) {
                Ok(random) => self.random_values.push(Some(random)),
                Err(Reported) => {
                    let (variable, role) = self.random_heads[i];
                    if role != RandomRole::Observed {
                        self.progress[variable.index()] = Progress::Poisoned;
                    }
                    self.random_values.push(None);
                }
            }
        }
        self.check_latent_cycles();
        self.infer_ranges();
        self.check_supports();
    }

    fn resolve_random(&mut self, id: RandomId) -> Judged<Random> {
        let (tree, span) = self.randoms[id.index()];
        let (variable, role) = self.random_heads[id.index()];
        let axes = self.axes_of(variable, tree.name.span)?;
        let (context, indices) = match &tree.binders {
            Some(binders) => self.bind(binders, &Context::default())?,
            None => {
                let mut context = Context::default();
                let mut indices = Vec::new();
                for axis in &axes {
                    let name = self.index_name(&context, *axis);
                    let index = self.fresh_index(name, *axis);
                    context.bound.push(Bound { name: None, index, axis: *axis, fresh: false });
                    indices.push(index);
                }
                (context, indices)
            }
        };
        if role == RandomRole::Observed {
            self.check_observed(tree, variable, &axes, &context)?;
        }
        let guard = tree.guard.as_ref().map(|g| self.guard(&tree.name, g, &context)).transpose();
        let hints = self.hints(tree, role);
        let distribution = self.distribution(&tree.name, &tree.distribution, &context, role);
        if let Some(over) = tree.over.first() {
            return Err(self.report(AxisProblem::OverOnElementwise { span: over.span }));
        }
        let (guard, centering, distribution) = (guard?, hints?, distribution?);
        if role == RandomRole::Latent {
            self.check_latent(tree, &distribution, guard.as_ref())?;
        }
        let centering = self.check_centering(tree, centering, &distribution)?;
        if role == RandomRole::Observed {
            self.typed.variables[variable.index()].observed = Some(id);
        } else if distribution.parameterization.variate.is_discrete() {
            self.typed.variables[variable.index()].kind = Kind::Int;
        }
        Ok(Random { variable, role, indices, distribution, guard, centering, span })
    }

    /// An observed name must be known from data, and indices written on it must be its axes.
    fn check_observed(
        &mut self,
        tree: &ast::Random,
        variable: VariableId,
        axes: &[AxisId],
        context: &Context,
    ) -> Judged<()> {
        let info = self.typed.variable(variable);
        let (declared, plane, name) = (info.span, info.plane, info.name.clone());
        if plane != Plane::Data {
            return Err(self.report(NameProblem::ObservesLatent {
                name,
                span: tree.name.span,
                declared,
            }));
        }
        if let Kind::Index(axis) = info.kind {
            let found = self.typed.kind_name(info.kind);
            let axis = self.typed.axis(axis).name.clone();
            return Err(self.report(ValueProblem::ObservesElement {
                name,
                span: tree.name.span,
                declared,
                found,
                axis,
            }));
        }
        let left: Vec<AxisId> = context.bound.iter().map(|b| b.axis).collect();
        if left != axes {
            return Err(self.report(AxisProblem::WrongLeftAxes {
                name,
                span: tree.name.span,
                given: self.axis_list(&left),
                axes: self.axis_list(axes),
                declared,
            }));
        }
        Ok(())
    }

    fn guard(&mut self, name: &Name, guard: &Expr, context: &Context) -> Judged<typed::Expr> {
        let free = self.free(guard, context)?;
        if !free.is_empty() {
            return Err(self.missing_axis(name, guard, &free, context));
        }
        self.condition(guard, context)
    }

    /// What a latent needs beyond a distribution.
    fn check_latent(
        &mut self,
        tree: &ast::Random,
        distribution: &typed::Distribution,
        guard: Option<&typed::Expr>,
    ) -> Judged<()> {
        if distribution.parameterization.variate.is_discrete() {
            let nearest = self.nearest_data(&tree.name.value);
            return Err(self.report(NameProblem::DiscreteLatent {
                name: tree.name.value.clone(),
                span: tree.name.span,
                family: distribution.family.name,
                at: distribution.span,
                nearest,
            }));
        }
        if let Some(guard) = guard {
            return Err(self.report(NameProblem::NotYet {
                what: "latents with `where`".to_owned(),
                span: guard.span,
            }));
        }
        if distribution.family.name == "Flat" {
            let bounded = distribution
                .truncation
                .as_ref()
                .is_some_and(|t| t.low.is_some() && t.high.is_some());
            if !bounded {
                let half = distribution.truncation.is_some();
                self.report(FamilyProblem::ImproperPrior {
                    name: tree.name.value.clone(),
                    span: distribution.span,
                    half,
                });
            }
        }
        Ok(())
    }

    fn hints(&mut self, tree: &ast::Random, role: RandomRole) -> Judged<Option<(Centering, Span)>> {
        let mut centering = None;
        for hint in &tree.hints {
            let value = match hint.name.value.as_str() {
                "noncentered" => Centering::Noncentered,
                "centered" => Centering::Centered,
                _ => {
                    return Err(self.report(NameProblem::UnknownHint {
                        hint: hint.name.value.clone(),
                        span: hint.name.span,
                        nearest: Self::nearest(
                            &hint.name.value,
                            ["noncentered", "centered"].into_iter(),
                        ),
                    }));
                }
            };
            if role != RandomRole::Latent {
                return Err(self.report(FamilyProblem::HintOnObserved {
                    hint: hint.name.value.clone(),
                    span: hint.name.span,
                    name: tree.name.value.clone(),
                }));
            }
            centering = Some((value, hint.name.span));
        }
        Ok(centering)
    }

    fn check_centering(
        &mut self,
        tree: &ast::Random,
        centering: Option<(Centering, Span)>,
        distribution: &typed::Distribution,
    ) -> Judged<Option<Centering>> {
        let Some((centering, span)) = centering else { return Ok(None) };
        let applies =
            distribution.family.location_scale.is_some() && distribution.truncation.is_none();
        if !applies {
            return Err(self.report(FamilyProblem::CenteringDoesNotApply {
                name: tree.name.value.clone(),
                span,
                family: distribution.family.name,
                at: distribution.span,
                truncated: distribution.truncation.is_some(),
            }));
        }
        Ok(Some(centering))
    }
}

//! `~` statements: which name, over which axes, with which guard, hints and distribution.

use super::distribution::Left;
use super::{
    Bound, Checker, Context, Judged, Progress, Reported,
    problem::{AxisProblem, FamilyProblem, NameProblem, StructureProblem, ValueProblem},
};
use crate::source::Span;
use crate::syntax::ast::{self, Expr, Name};
use crate::typed::{
    self, AxisId, Centering, Distribution, Kind, Plane, Random, RandomId, RandomRole, VariableId,
};

impl<'a> Checker<'a> {
    pub(super) fn resolve_randoms(&mut self) {
        for i in 0..self.randoms.len() {
            let (variable, role) = self.random_heads[i];
            let resolved = if self.typed.missing_cells_of(variable).is_some() {
                // The statement of the given cells comes just before.
                let given = self.random_values.last().cloned().flatten();
                given.ok_or(Reported).and_then(|given| self.missing_part(&given, role))
            } else {
                self.resolve_random(RandomId(i as u32))
            };
            match resolved {
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
        let incomplete = self.incomplete_of(variable);
        let missing_role = incomplete.and_then(|_| self.random_heads.get(id.index() + 1));
        let missing_role = missing_role.map(|(_, role)| *role);
        let hints = self.hints(tree, missing_role.unwrap_or(role));
        let at = indices.iter().map(|i| {
            let axis = self.typed.index_of(*i).axis;
            super::elaborate::data(typed::ExprKind::Index(*i), Kind::Index(axis), tree.name.span)
        });
        let at = at.collect();
        let element = self.element(variable, at, tree.name.span);
        let drawn = role == RandomRole::Predicted;
        let element = Some(&element);
        let left = Left { name: &tree.name, role, over: &tree.over, element, drawn };
        let distribution = self.distribution(&left, &tree.distribution, &context);
        let (guard, centering, distribution) = (guard?, hints?, distribution?);
        if let (Some(over), []) = (tree.over.first(), distribution.over()) {
            return Err(self.report(AxisProblem::OverOnElementwise { span: over.span }));
        }
        match role {
            RandomRole::Latent => self.check_latent(tree, &distribution)?,
            RandomRole::Finite => self.check_finite(tree, &distribution)?,
            RandomRole::Observed => self.check_observed_kind(tree, variable, &distribution)?,
            RandomRole::Predicted => {}
        }
        match missing_role {
            Some(RandomRole::Latent) => self.check_latent(tree, &distribution)?,
            Some(RandomRole::Finite) => self.check_finite(tree, &distribution)?,
            Some(RandomRole::Observed | RandomRole::Predicted) | None => {}
        }
        if let Some(guard) = &guard {
            self.whole_groups(tree, guard, &distribution)?;
        }
        let centering = self.check_centering(tree, centering, &distribution)?;
        if role == RandomRole::Observed {
            self.typed.variables[variable.index()].observed = Some(id);
        }
        let random = Random { variable, role, indices, distribution, guard, centering, span };
        self.given_part(random, id)
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

    /// Elements of an axis are observed by what gives elements of that axis, numbers by the rest.
    fn check_observed_kind(
        &mut self,
        tree: &ast::Random,
        variable: VariableId,
        distribution: &Distribution,
    ) -> Judged<()> {
        let info = self.typed.variable(variable);
        let (declared, kind, name) = (info.span, info.kind, info.name.clone());
        for taken in distribution.leaves() {
            match (taken.leaf, kind) {
                (Distribution::Elements(elements), _) => {
                    self.check_outcome(&tree.name, kind, elements)?;
                }
                (Distribution::PointMass(_), _) => {}
                (
                    Distribution::Family(_)
                    | Distribution::Choice(_)
                    | Distribution::Structured(_)
                    | Distribution::Joint(_)
                    | Distribution::Written(_),
                    Kind::Index(axis),
                ) => {
                    let found = self.typed.kind_name(kind);
                    let axis = self.typed.axis(axis).name.clone();
                    let span = tree.name.span;
                    return Err(self.report(ValueProblem::ObservesElement {
                        name,
                        span,
                        declared,
                        found,
                        axis,
                    }));
                }
                (
                    Distribution::Family(_)
                    | Distribution::Choice(_)
                    | Distribution::Structured(_)
                    | Distribution::Joint(_)
                    | Distribution::Written(_),
                    Kind::Real | Kind::Int | Kind::Bool,
                ) => {}
            }
        }
        Ok(())
    }

    fn guard(&mut self, name: &Name, guard: &Expr, context: &Context) -> Judged<typed::Expr> {
        let free = self.free(guard, context)?;
        if !free.is_empty() {
            return Err(self.missing_axis(name, guard, &free, context));
        }
        self.guard_of(guard, context)
    }

    /// Values that are joint exist together: a guard leaves out whole groups of them.
    fn whole_groups(
        &mut self,
        tree: &ast::Random,
        guard: &typed::Expr,
        distribution: &Distribution,
    ) -> Judged<()> {
        let used = guard.outer_indices();
        let Some(index) = distribution.over().iter().find(|i| used.contains(i)) else {
            return Ok(());
        };
        let axis = self.typed.axis(self.typed.index_of(*index).axis).name.clone();
        let (family, span) = (distribution.family_name(), guard.span);
        let name = tree.name.value.clone();
        Err(self.report(StructureProblem::GuardInGroup { name, family, span, axis }))
    }

    /// What a continuous latent needs beyond a distribution.
    fn check_latent(&mut self, tree: &ast::Random, distribution: &Distribution) -> Judged<()> {
        for taken in distribution.leaves() {
            if let Distribution::PointMass(point) = taken.leaf {
                let name = tree.name.value.clone();
                return Err(self.report(StructureProblem::LatentAtom { name, span: point.span }));
            }
        }
        for (_, call) in distribution.calls() {
            if call.family.name != "Flat" {
                continue;
            }
            let ends = call.truncation.as_ref();
            if !ends.is_some_and(|t| t.low.is_some() && t.high.is_some()) {
                let half = ends.is_some();
                let (name, span) = (tree.name.value.clone(), call.span);
                self.report(FamilyProblem::ImproperPrior { name, span, half });
            }
        }
        Ok(())
    }

    /// What a latent that is summed out needs: finitely many values, known from data.
    fn check_finite(&mut self, tree: &ast::Random, distribution: &Distribution) -> Judged<()> {
        let name = tree.name.value.clone();
        for taken in distribution.leaves() {
            match taken.leaf {
                Distribution::Family(call) => {
                    let (low, high) = call.ends();
                    let known = |end: &Option<typed::Expr>| {
                        end.as_ref().is_some_and(|e| e.plane == Plane::Data)
                    };
                    let (family, span) = (call.family.name, call.span);
                    if !call.parameterization.variate.is_discrete() {
                        return Err(self.report(StructureProblem::MixedLatent {
                            name,
                            span,
                            family,
                        }));
                    }
                    if !(known(&low) && known(&high)) {
                        let nearest = self.nearest_data(&tree.name.value);
                        return Err(self.report(NameProblem::DiscreteLatent {
                            name,
                            span: tree.name.span,
                            family,
                            at: span,
                            nearest,
                        }));
                    }
                }
                Distribution::PointMass(point) => {
                    self.require_data(&point.value, "the value of a `PointMass`")?;
                }
                Distribution::Elements(_) => {}
                Distribution::Choice(_)
                | Distribution::Structured(_)
                | Distribution::Joint(_)
                | Distribution::Written(_) => {
                    let (family, span) = (taken.leaf.family_name(), taken.leaf.span());
                    return Err(self.report(StructureProblem::MixedLatent { name, span, family }));
                }
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
        distribution: &Distribution,
    ) -> Judged<Option<Centering>> {
        let Some((centering, span)) = centering else { return Ok(None) };
        let call = distribution.call();
        let truncated = call.is_some_and(|call| call.truncation.is_some());
        if distribution.location_scale().is_none() {
            return Err(self.report(FamilyProblem::CenteringDoesNotApply {
                name: tree.name.value.clone(),
                span,
                family: distribution.family_name(),
                at: distribution.span(),
                truncated,
                choice: matches!(distribution, Distribution::Choice(_)),
            }));
        }
        Ok(Some(centering))
    }
}

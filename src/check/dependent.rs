//! Ranges whose ends depend on indices: `sum(k in 1..c: …)` runs over all that any `c` may want,
//! and leaves out what the `c` at hand does not.

use super::recurrence::names_in;
use super::special::binary;
use super::{Bound, Checker, Context, Judged};
use crate::library::Reduction;
use crate::syntax::ast::{Binder, Expr, Extent};
use crate::typed::{self, Axis, AxisId, AxisOrigin, IndexId, Kind, Operator};

impl<'a> Checker<'a> {
    /// The axis a binder runs over, where indices are bound.
    pub(super) fn binder_axis_in(&mut self, binder: &Binder, context: &Context) -> Judged<AxisId> {
        let Some((low, high)) = dependent_ends(binder, context) else {
            return self.binder_axis(binder);
        };
        if let Some(axis) = self.dependent.get(&binder.span) {
            return Ok(*axis);
        }
        // The ends for every combination of the indices, by indices of their own.
        let mut everywhere = Context::default();
        let mut indices = Vec::new();
        for bound in &context.bound {
            let index = self.fresh_index(self.index_name(&everywhere, bound.axis), bound.axis);
            indices.push(index);
            everywhere.bound.push(Bound { index, ..bound.clone() });
        }
        let low = self.dependent_end(low, &everywhere)?;
        let high = self.dependent_end(high, &everywhere)?;
        let (low_span, high_span) = (low.span, high.span);
        let low = self.reduce(Reduction::Min, indices.clone(), None, low, low_span);
        let high = self.reduce(Reduction::Max, indices, None, high, high_span);
        let name = format!("{}..{}", self.typed.print(&low), self.typed.print(&high));
        let axis = AxisId(self.typed.axes.len() as u32);
        let origin = AxisOrigin::Range(low, high);
        self.typed.axes.push(Axis { name, span: binder.span, origin });
        self.dependent.insert(binder.span, axis);
        Ok(axis)
    }

    fn dependent_end(&mut self, end: &Expr, context: &Context) -> Judged<typed::Expr> {
        let end = self.elaborate(end, context).and_then(|e| self.number(e))?;
        self.require_data(&end, "the ends of a range")?;
        Ok(end)
    }

    /// A guard that also keeps the indices within the ends of ranges that depend on others.
    pub(super) fn within_ranges(
        &mut self,
        binders: &[Binder],
        indices: &[IndexId],
        mut guard: Option<typed::Expr>,
        context: &Context,
    ) -> Judged<Option<typed::Expr>> {
        for (binder, index) in binders.iter().zip(indices) {
            let axis = self.typed.index_of(*index).axis;
            if self.dependent.get(&binder.span) != Some(&axis) {
                continue;
            }
            let Some(Extent::Range(low, high)) = &binder.extent else { continue };
            let low = self.dependent_end(low, context)?;
            let high = self.dependent_end(high, context)?;
            let at = super::elaborate::data(
                typed::ExprKind::Index(*index),
                Kind::Index(axis),
                binder.span,
            );
            let at = self.number(at)?;
            let mut above = binary(Operator::GreaterEqual, at.clone(), low);
            let mut below = binary(Operator::LessEqual, at, high);
            (above.ty, below.ty) = (Kind::Bool, Kind::Bool);
            for condition in [above, below] {
                guard = Some(match guard {
                    Some(guard) => {
                        let mut both = binary(Operator::And, guard, condition);
                        both.ty = Kind::Bool;
                        both
                    }
                    None => condition,
                });
            }
        }
        Ok(guard)
    }
}

/// The ends of a range that name an index.
fn dependent_ends<'b>(binder: &'b Binder, context: &Context) -> Option<(&'b Expr, &'b Expr)> {
    let Some(Extent::Range(low, high)) = &binder.extent else { return None };
    let mut names = Vec::new();
    names_in(low, &mut names);
    names_in(high, &mut names);
    let depends = names.iter().any(|name| context.named(name).is_some());
    depends.then_some((low, high))
}

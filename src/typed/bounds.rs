//! The interval a latent lives in: the support of its family, cut by its truncation.

use super::{Call, Distribution, Expr, ExprKind, Kind};
use crate::library::{Bound, Elementwise};

impl Distribution {
    /// The ends of the interval one value lives in; `None` where there is no finite end. The
    /// expressions are in the context of the statement.
    pub fn ends(&self) -> (Option<Expr>, Option<Expr>) {
        match self {
            Distribution::Family(call) => call.ends(),
            Distribution::Structured(structured) => structured.element.ends(),
            Distribution::Choice(choice) => {
                let (yes, no) = (choice.yes.ends(), choice.no.ends());
                let either = |yes: Option<Expr>, no: Option<Expr>| {
                    let (yes, no) = (yes?, no?);
                    let (plane, span) = (yes.plane.max(no.plane), yes.span);
                    let condition = Box::new(choice.condition.clone());
                    let kind = ExprKind::If(condition, Box::new(yes), Box::new(no));
                    Some(Expr { kind, ty: Kind::Real, plane, span })
                };
                (either(yes.0, no.0), either(yes.1, no.1))
            }
            Distribution::Written(written) => (written.low.clone(), written.high.clone()),
            Distribution::PointMass(_) | Distribution::Elements(_) | Distribution::Joint(_) => {
                (None, None)
            }
        }
    }
}

impl Call {
    /// The ends of the interval one variate lives in; `None` where there is no finite end.
    pub fn ends(&self) -> (Option<Expr>, Option<Expr>) {
        let (low, high) = self.parameterization.variate.bounds();
        let truncation = self.truncation.as_ref();
        let low = self.end(low, truncation.and_then(|t| t.low.clone()), Elementwise::Max2);
        let high = self.end(high, truncation.and_then(|t| t.high.clone()), Elementwise::Min2);
        (low, high)
    }

    fn end(&self, family: Bound, cut: Option<Expr>, inner: Elementwise) -> Option<Expr> {
        let family = match family {
            Bound::Value(x) if x.is_infinite() => None,
            Bound::Value(x) => Some(Expr::number(x, self.span)),
            Bound::Parameter(i) => self.arguments.get(i).cloned(),
        };
        let (family, cut) = match (family, cut) {
            (Some(family), Some(cut)) => (family, cut),
            (family, cut) => return family.or(cut),
        };
        if let (Some(a), Some(b)) = (family.constant(), cut.constant()) {
            return Some(Expr::number(inner.apply(&[a, b]), cut.span));
        }
        let plane = family.plane.max(cut.plane);
        let span = cut.span;
        let kind = ExprKind::Call(inner, vec![family, cut]);
        Some(Expr { kind, ty: Kind::Real, plane, span })
    }
}

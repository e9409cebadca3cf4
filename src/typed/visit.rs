//! Walks over checked expressions.

use super::{
    Call, DefinitionValue, Expr, ExprKind, IndexId, Plane, Program, Reduce, Role, VariableId,
};
use std::collections::HashSet;

impl Expr {
    /// The parts an expression is made of, guards included.
    pub fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Number(_)
            | ExprKind::Label(_)
            | ExprKind::Index(_)
            | ExprKind::Size(_)
            | ExprKind::State(_)
            | ExprKind::Time
            | ExprKind::Error => Vec::new(),
            ExprKind::Variable(_, at) => at.iter().collect(),
            ExprKind::ElementNumber(a)
            | ExprKind::ElementOf(a)
            | ExprKind::ElementAt(a)
            | ExprKind::Below(a, _)
            | ExprKind::Negate(a)
            | ExprKind::Not(a) => vec![a],
            ExprKind::Binary(_, a, b) => vec![a, b],
            ExprKind::Call(_, arguments) | ExprKind::Covariance(_, arguments) => {
                arguments.iter().collect()
            }
            ExprKind::LogDensity(_, call, value) => {
                let mut parts = call.expressions();
                parts.push(value);
                parts
            }
            ExprKind::If(condition, yes, no) => vec![condition, yes, no],
            ExprKind::Reduce(reduce) => {
                reduce.guard.iter().chain(std::iter::once(&reduce.body)).collect()
            }
        }
    }

    /// The parts, to be changed.
    fn children_mut(&mut self) -> Vec<&mut Expr> {
        match &mut self.kind {
            ExprKind::Number(_)
            | ExprKind::Label(_)
            | ExprKind::Index(_)
            | ExprKind::Size(_)
            | ExprKind::State(_)
            | ExprKind::Time
            | ExprKind::Error => Vec::new(),
            ExprKind::Variable(_, at) => at.iter_mut().collect(),
            ExprKind::ElementNumber(a)
            | ExprKind::ElementOf(a)
            | ExprKind::ElementAt(a)
            | ExprKind::Below(a, _)
            | ExprKind::Negate(a)
            | ExprKind::Not(a) => vec![a],
            ExprKind::Binary(_, a, b) => vec![a, b],
            ExprKind::Call(_, arguments) | ExprKind::Covariance(_, arguments) => {
                arguments.iter_mut().collect()
            }
            ExprKind::LogDensity(_, call, value) => {
                let Call { arguments, truncation, .. } = &mut **call;
                let ends = truncation.iter_mut().flat_map(|t| t.low.iter_mut().chain(&mut t.high));
                arguments.iter_mut().chain(ends).chain(std::iter::once(&mut **value)).collect()
            }
            ExprKind::If(condition, yes, no) => vec![condition, yes, no],
            ExprKind::Reduce(reduce) => {
                let Reduce { guard, body, .. } = &mut **reduce;
                guard.iter_mut().chain(std::iter::once(body)).collect()
            }
        }
    }

    /// The expression with an index replaced by an element of its axis.
    pub fn with_index(mut self, index: IndexId, element: &Expr) -> Expr {
        if self.index() == Some(index) {
            return element.clone();
        }
        for child in self.children_mut() {
            let own = std::mem::replace(child, element.clone());
            *child = own.with_index(index, element);
        }
        if let ExprKind::Reduce(reduce) = &mut self.kind {
            reduce.outer = reduce.indices_from_outside();
        }
        self
    }

    /// The expression with elements of variables replaced; what it depends on follows from its
    /// parts.
    pub(crate) fn with_variables(
        mut self,
        replace: &mut dyn FnMut(VariableId, &[Expr]) -> Option<Expr>,
    ) -> Expr {
        let mut is_element = false;
        if let ExprKind::Variable(variable, at) = &self.kind {
            is_element = true;
            if let Some(instead) = replace(*variable, at) {
                return instead;
            }
        }
        let mut plane = None;
        for child in self.children_mut() {
            let nothing = Expr { kind: ExprKind::Error, ..*child };
            *child = std::mem::replace(child, nothing).with_variables(replace);
            plane = plane.max(Some(child.plane));
        }
        if let (Some(plane), false) = (plane, is_element) {
            self.plane = plane;
        }
        if let ExprKind::Reduce(reduce) = &mut self.kind {
            reduce.outer = reduce.indices_from_outside();
        }
        self
    }

    /// Calls `visit` on the expression and everything in it, outermost first.
    pub fn walk<'e>(&'e self, visit: &mut impl FnMut(&'e Expr)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }

    /// The value of a literal, `inf` and negated literals included.
    pub fn constant(&self) -> Option<f64> {
        if let ExprKind::Negate(a) = &self.kind {
            return a.constant().map(|x| -x);
        }
        if let ExprKind::Number(x) = &self.kind { Some(*x) } else { None }
    }

    /// The bound index that it is.
    pub fn index(&self) -> Option<IndexId> {
        if let ExprKind::Index(index) = &self.kind { Some(*index) } else { None }
    }

    /// The variables an expression uses, each once, in order of appearance.
    pub fn variables(&self) -> Vec<VariableId> {
        let mut found = Vec::new();
        self.walk(&mut |e| {
            if let ExprKind::Variable(variable, _) = &e.kind
                && !found.contains(variable)
            {
                found.push(*variable);
            }
        });
        found
    }

    /// The indices an expression uses that are bound outside it.
    pub fn outer_indices(&self) -> HashSet<IndexId> {
        let mut used = HashSet::new();
        let mut own = HashSet::new();
        self.walk(&mut |e| {
            used.extend(e.index());
            if let ExprKind::Reduce(reduce) = &e.kind {
                own.extend(reduce.indices.iter().copied());
            }
        });
        &used - &own
    }
}

impl Reduce {
    /// The same elements reduced by another operation.
    pub(crate) fn with(&self, operation: crate::library::Reduction) -> Reduce {
        Reduce { operation, ..self.clone() }
    }

    /// The indices bound outside that occur in it, ascending.
    pub(crate) fn indices_from_outside(&self) -> Vec<IndexId> {
        let parts = self.guard.iter().chain(std::iter::once(&self.body));
        let mut outer: Vec<IndexId> = parts.flat_map(|e| e.outer_indices()).collect();
        outer.retain(|index| !self.indices.contains(index));
        outer.sort_unstable();
        outer.dedup();
        outer
    }
}

impl Program {
    /// Every expression of every statement.
    pub fn expressions(&self) -> Vec<&Expr> {
        let mut all = Vec::new();
        for random in &self.randoms {
            all.extend(random.guard.iter().chain(random.distribution.expressions()));
        }
        for factor in &self.factors {
            all.extend(factor.guard.iter().chain(std::iter::once(&factor.value)));
        }
        for definition in &self.definitions {
            all.extend(definition.value.expressions());
        }
        all
    }

    /// The indices of a name and the `where` of its statement, which leaves elements out.
    pub fn left_out_by(&self, variable: VariableId) -> Option<(&[IndexId], &Expr)> {
        match self.variable(variable).role {
            Role::Latent(id) | Role::Predicted(id) => {
                let random = self.random(id);
                Some((&random.indices, random.guard.as_ref()?))
            }
            Role::Derived(id) => {
                let definition = self.definition(id);
                let DefinitionValue::Each(value) = &definition.value else { return None };
                let ExprKind::If(guard, _, otherwise) = &value.kind else { return None };
                let nothing = otherwise.constant().is_some_and(f64::is_nan);
                nothing.then_some((&definition.indices, guard))
            }
            Role::Data(_) => None,
        }
    }

    /// The latents and predictions an expression depends on by name, each once.
    pub fn latents_in(&self, expr: &Expr) -> Vec<VariableId> {
        let mut found = Vec::new();
        for variable in expr.variables() {
            let info = self.variable(variable);
            let is_latent = match info.role {
                Role::Latent(_) | Role::Predicted(_) => true,
                Role::Derived(_) => info.plane > Plane::Data,
                Role::Data(_) => false,
            };
            if is_latent {
                found.push(variable);
            }
        }
        found
    }
}

//! An expression beside a program to what it is: exactly over data, by draws over a posterior.

use super::document::{Document, Stage};
use super::failure::Failure;
use super::model::Model;
use super::predict::{self, Unknown, Wanted};
use super::record::predicted_rows;
use super::saved::SavedFit;
use crate::data::{Mode, Tables};
use crate::diagnostic::{Checked, Diagnostic};
use crate::expand::Read;
use crate::output::Row;
use crate::source::{Sources, Spanned};
use crate::syntax::ast::{self, Define, Statement, StatementKind};
use crate::syntax::parser::{parse, parse_expression};
use crate::typed::{Kind, Plane, VariableId};
use std::collections::HashSet;
use std::path::Path;

/// What an expression is called in messages: no name of a program has a blank.
const ANSWER: &str = "the answer";

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Known from data alone.
    Exact {
        /// The labels of every element, in the order of the axes.
        labels: Vec<Vec<String>>,
        /// Every element; what is an element of an axis is its label.
        elements: Vec<String>,
    },
    /// Known by draws of the posterior.
    Drawn(Vec<Row>),
}

/// Why there is no value.
#[derive(Clone, Debug)]
pub enum ValueError {
    /// The expression or its data have mistakes, at places of these texts.
    Mistakes(Vec<Diagnostic>, Sources),
    /// It depends on latents, and there is no fit; their names.
    NotFitted(Vec<String>),
    /// A step failed.
    Failure(Failure),
}

impl Document {
    /// A program in pieces and one more definition, of an expression that a user has typed.
    pub fn with_expression(
        folder: &Path,
        name: &str,
        pieces: &[(&str, &str)],
        expression: (&str, &str),
        read: &Read<'_>,
    ) -> Document {
        let mut sources = Sources::default();
        let mut parsed = Checked { value: ast::Program::default(), diagnostics: Vec::new() };
        for (name, text) in pieces {
            let id = sources.add(*name, *text);
            parsed.value.statements.extend(parse(id, text).value.statements);
        }
        let id = sources.add(expression.0, expression.1);
        let typed = parse_expression(id, expression.1);
        parsed.diagnostics.extend(typed.diagnostics);
        if let Some(value) = typed.value {
            let span = value.span;
            let name = Spanned::new(ANSWER.to_owned(), span);
            let define = Define { report: false, name, binders: None, value, guard: None };
            let kind = StatementKind::Define(define);
            parsed.value.statements.push(Statement { kind, span, documentation: None });
        }
        Document::finish(folder, name, sources, parsed, Stage::Draft, read)
    }

    /// The value of the expression that this program was given.
    ///
    /// # Errors
    ///
    /// See [`ValueError`].
    pub fn value(&self, tables: &Tables, fit: Option<&SavedFit>) -> Result<Value, ValueError> {
        let mistakes = |found: Vec<Diagnostic>| {
            let errors = found.into_iter().filter(Diagnostic::is_error).collect();
            Err(ValueError::Mistakes(errors, self.sources.clone()))
        };
        let typed = self.typed();
        let Some(answer) = typed.find(ANSWER).filter(|_| !self.has_errors()) else {
            return mistakes(self.diagnostics.clone());
        };
        let depends_on_data = typed.variable(answer).plane == Plane::Data;
        if !depends_on_data && fit.is_none() {
            return Err(ValueError::NotFitted(self.latents_behind(answer)));
        }
        let bound = self.bind(tables, Mode::Fit);
        let Some(binding) = bound.value else { return mistakes(bound.diagnostics) };
        let program = binding.program;
        if let Some(array) = program.values.get(answer.index()).and_then(Option::as_ref) {
            let positions = 0..array.len();
            let labels = positions.map(|position| program.labels(answer, position)).collect();
            let element = |x: f64| match program.typed.variable(answer).kind {
                Kind::Index(axis) => program.axes[axis.index()].label(x as usize),
                Kind::Real | Kind::Int | Kind::Bool => crate::output::exact(x),
            };
            let elements = array.cells().map(element).collect();
            return Ok(Value::Exact { labels, elements });
        }
        let Some(fit) = fit else {
            return Err(ValueError::NotFitted(self.latents_behind(answer)));
        };
        let wanted = Wanted {
            variables: vec![answer],
            predictions: false,
            imputed: false,
            fresh: HashSet::new(),
        };
        let drawn = predict::predict(&program, fit, &wanted, fit.state.seed)
            .map_err(|error| ValueError::Failure(error.into()))?;
        Ok(Value::Drawn(predicted_rows(&program, &drawn)))
    }

    /// The latents that a definition depends on.
    fn latents_behind(&self, variable: VariableId) -> Vec<String> {
        let typed = self.typed();
        let latents: HashSet<VariableId> = typed.latents().collect();
        let (mut pending, mut seen) = (vec![variable], HashSet::new());
        let mut found = Vec::new();
        while let Some(next) = pending.pop() {
            if !seen.insert(next) {
                continue;
            }
            if latents.contains(&next) {
                found.push(typed.variable(next).name.clone());
                continue;
            }
            let own = typed.definitions.iter().filter(|d| d.variable == next);
            let used = own.flat_map(|d| d.value.expressions()).flat_map(|e| e.variables());
            pending.extend(used);
        }
        found.sort();
        found
    }
}

impl Model {
    /// What the program says before it has seen its observations: latents drawn from their priors,
    /// what it reports, and what it predicts, or observes if it has no `predict`.
    ///
    /// # Errors
    ///
    /// [`Failure::Data`] for a latent that cannot be drawn, such as one with an improper prior.
    pub fn prior(
        bound: &crate::bound::Program,
        draws: usize,
        seed: u64,
    ) -> Result<Vec<predict::Prediction>, Failure> {
        let typed = &bound.typed;
        let reports = typed.reports.iter().copied();
        let reports = reports.filter(|v| typed.variable(*v).plane < Plane::Predicted);
        let mut variables: Vec<VariableId> = typed
            .randoms
            .iter()
            .filter(|r| match r.role {
                crate::typed::RandomRole::Latent | crate::typed::RandomRole::Finite => true,
                crate::typed::RandomRole::Observed | crate::typed::RandomRole::Predicted => false,
            })
            .map(|r| r.variable)
            .chain(reports)
            .collect();
        variables.sort_by_key(|v| typed.variable(*v).order);
        variables.dedup();
        let wanted = Wanted { variables, predictions: true, imputed: false, fresh: HashSet::new() };
        Ok(predict::predict(bound, &Unknown { draws }, &wanted, seed)?)
    }
}

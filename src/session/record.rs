//! A fit to what is told of it: the record that is printed and saved, and its table of draws.

use super::document::Document;
use super::fit::{Fitted, Timings};
use super::model::{Model, Sized};
use super::predict::Prediction;
use crate::bound;
use crate::data::BindingReport;
use crate::diagnostic::{Diagnostic, Slug, render};
use crate::inference::verdict::{ModeReport, QuantityCheck, StartReport};
use crate::inference::{Guide, Level, summarize};
use crate::output::{
    ChainsRecord, DataRecord, DiagnosticsRecord, DrawColumns, DrawTable, Element, FileRecord,
    FitRecord, IntegratedRecord, ModeRecord, Moments, Number, Probability, QuantityRecord, Row,
    RowRole, RowValues, Seconds, StartRecord, VariableRecord, VerdictRecord, advice,
};
use crate::typed::{AxisOrigin, Kind, Plane, VariableId};

/// Everything there is to tell of a fit. `warnings` are those of the program and its data.
pub fn record(
    document: &Document,
    model: &Model,
    fitted: &Fitted,
    warnings: &[Diagnostic],
) -> FitRecord {
    let fit = &fitted.fit;
    let elements = model.elements();
    let mut summary = rows(model, &elements, fitted);
    summary.extend(predicted_rows(&model.bound, &fitted.predictions));
    FitRecord {
        schema: crate::output::FIT_SCHEMA.to_owned(),
        model: document.name.clone(),
        data: data_record(&model.bound, &model.report),
        seed: fitted.seed,
        method: fit.method.name().to_owned(),
        guide: fit.guide.as_ref().map_or("none", guide_name).to_owned(),
        algorithm: fit.algorithm.to_owned(),
        elbo: Number(fit.elbo),
        elbo_error: Number(fit.elbo_error),
        gradient_evaluations: fit.counts.gradient,
        log_density_evaluations: fit.counts.log_density,
        seconds: seconds(&fitted.timings),
        verdict: verdict(fitted, &elements, warnings),
        diagnostics: diagnostics(fitted, &elements),
        summary,
        variables: variables(model),
        warnings: warnings.iter().map(|d| render::to_json(d, &document.sources)).collect(),
    }
}

/// Latents and reports as declared, those with finitely many values among them.
fn rows(model: &Model, elements: &[Element], fitted: &Fitted) -> Vec<Row> {
    let summaries = fitted.fit.draws.summaries();
    let rows = elements.iter().zip(&summaries).map(|(element, summary)| Row {
        name: element.name.clone(),
        index: element.index.clone(),
        values: RowValues::Moments(Moments::from(summary)),
        role: element.role,
    });
    let mut rows: Vec<Row> = rows.collect();
    rows.extend(drawn_rows(&model.bound, &fitted.finite, &|v| model.role(v)));
    let typed = &model.bound.typed;
    let place = |row: &Row| typed.find(&row.name).map(|v| typed.variable(v).order);
    rows.sort_by_cached_key(place);
    rows
}

/// The summary of predictions; names whose values are labels get a probability for each.
pub fn predicted_rows(bound: &bound::Program, predictions: &[Prediction]) -> Vec<Row> {
    drawn_rows(bound, predictions, &|v| predicted_role(bound, v))
}

fn drawn_rows(
    bound: &bound::Program,
    drawn: &[Prediction],
    role: &dyn Fn(VariableId) -> RowRole,
) -> Vec<Row> {
    let mut rows = Vec::new();
    for prediction in drawn {
        let variable = bound.typed.find(&prediction.variable);
        let role = variable.map_or(RowRole::Predict, role);
        for (labels, draws) in prediction.labels.iter().zip(&prediction.draws) {
            let values = match variable.map(|v| bound.typed.variable(v).kind) {
                Some(Kind::Index(axis)) => {
                    RowValues::Probabilities { probabilities: shares(bound, axis, draws) }
                }
                Some(Kind::Real | Kind::Int | Kind::Bool) | None => {
                    let weights = vec![1.0 / draws.len().max(1) as f64; draws.len()];
                    RowValues::Moments(Moments::from(&summarize(draws, &weights)))
                }
            };
            let name = prediction.variable.clone();
            rows.push(Row { name, index: labels.clone(), values, role });
        }
    }
    rows
}

/// What is computed from predictions is a report, everything else a prediction.
fn predicted_role(bound: &bound::Program, variable: VariableId) -> RowRole {
    let declared = bound.typed.variable(variable);
    match declared.role {
        crate::typed::Role::Derived(_) if declared.plane != Plane::Data => RowRole::Report,
        crate::typed::Role::Derived(_)
        | crate::typed::Role::Data(_)
        | crate::typed::Role::Latent(_)
        | crate::typed::Role::Predicted(_) => RowRole::Predict,
    }
}

fn shares(bound: &bound::Program, axis: crate::typed::AxisId, draws: &[f64]) -> Vec<Probability> {
    let elements = &bound.axes[axis.index()];
    let share = |position: usize| {
        let count = draws.iter().filter(|draw| **draw == position as f64).count();
        count as f64 / draws.len().max(1) as f64
    };
    (0..elements.len())
        .map(|p| Probability { label: elements.label(p), probability: share(p) })
        .collect()
}

fn guide_name(guide: &Guide) -> &'static str {
    match guide {
        Guide::MeanField(_) => "mean-field",
        Guide::FullRank(_) => "full-rank",
        Guide::Mixture(_) => "mixture",
        Guide::Triangular(_) => "triangular",
        Guide::Bordered(_) => "bordered",
    }
}

fn seconds(timings: &Timings) -> Seconds {
    Seconds {
        total: timings.total().as_secs_f64(),
        check: timings.check.as_secs_f64(),
        bind: timings.bind.as_secs_f64(),
        compile: timings.compile.as_secs_f64(),
        fit: timings.fit.as_secs_f64(),
        predict: timings.predict.as_secs_f64(),
    }
}

/// The first thing to try where a program has improper priors.
const PROPER_PRIORS: &str = "replace `Flat` by proper priors: where the data do not determine a \
                             latent, a `Flat` one has no posterior";

fn verdict(fitted: &Fitted, elements: &[Element], warnings: &[Diagnostic]) -> VerdictRecord {
    let verdict = &fitted.fit.verdict;
    let names = quantity_names(fitted, elements);
    let name = |index: usize| match names.get(index) {
        Some((name, labels)) => crate::output::element_name(name, labels),
        None => format!("#{index}"),
    };
    let reasons = verdict.reasons.iter().map(|reason| reason.explain(&name)).collect();
    let mut advice = match verdict.level {
        Level::Good => Vec::new(),
        Level::Caution | Level::DoNotUse => advice(&verdict.reasons),
    };
    let improper = warnings.iter().any(|d| d.slug == Slug::ImproperPrior);
    if improper && verdict.level == Level::DoNotUse {
        advice.insert(0, PROPER_PRIORS.to_owned());
    }
    VerdictRecord { level: verdict.level, reasons, advice }
}

/// The name and the labels of everything that was checked: what the target reports, then what was
/// drawn after the fit.
fn quantity_names(fitted: &Fitted, elements: &[Element]) -> Vec<(String, Vec<String>)> {
    let own = elements.iter().map(|element| (element.name.clone(), element.index.clone()));
    let drawn = fitted.finite.iter().flat_map(|drawn| {
        drawn.labels.iter().map(|labels| (drawn.variable.clone(), labels.clone()))
    });
    own.chain(drawn).collect()
}

fn diagnostics(fitted: &Fitted, elements: &[Element]) -> DiagnosticsRecord {
    let diagnostics = &fitted.fit.diagnostics;
    let converged = diagnostics.modes.iter().filter(|mode| mode.kept).all(|mode| mode.converged);
    DiagnosticsRecord {
        dimension: diagnostics.dimension,
        reported: diagnostics.reported,
        recentered: fitted.recentered.clone(),
        elbo_path: diagnostics.elbo_path.iter().map(|elbo| Number(*elbo)).collect(),
        start_reports: diagnostics.starts.iter().map(start_record).collect(),
        mode_reports: diagnostics.modes.iter().map(mode_record).collect(),
        quantities: quantities(fitted, elements),
        integrated: diagnostics.integrated.map(|integrated| IntegratedRecord {
            locals: integrated.locals,
            blocks: integrated.blocks,
            error: Number(integrated.error),
            accepted: integrated.accepted.map(Number),
        }),
        interrupted: diagnostics.interrupted,
        khat: Number(diagnostics.khat),
        weight_error: Some(Number(diagnostics.weight_error)),
        ess: Number(diagnostics.ess),
        checked_draws: diagnostics.checked_draws,
        self_kl: Number(diagnostics.self_kl),
        log_evidence: Number(fitted.fit.log_evidence),
        refits: diagnostics.refits,
        starts: diagnostics.starts.len(),
        modes: diagnostics.modes.len(),
        modes_left_out: diagnostics.left_out,
        resting_on_once: Some(Number(diagnostics.resting_on_once)),
        converged,
        hessian_vector_products: fitted.fit.counts.hessian_vector,
        chains: diagnostics.chains.map(|chains| ChainsRecord {
            chains: chains.chains,
            draws: chains.draws,
            divergences: chains.divergences,
            saturated: chains.saturated,
            rhat: Number(chains.rhat),
            bulk_ess: Number(chains.bulk_ess),
            tail_ess: Number(chains.tail_ess),
        }),
    }
}

fn start_record(start: &StartReport) -> StartRecord {
    StartRecord {
        elbo: Number(start.elbo.unwrap_or(f64::NAN)),
        iterations: start.iterations,
        mode: start.mode,
    }
}

fn mode_record(mode: &ModeReport) -> ModeRecord {
    let ModeReport { elbo, starts, converged, kept } = *mode;
    ModeRecord { elbo: Number(elbo), starts, converged, kept }
}

fn quantities(fitted: &Fitted, elements: &[Element]) -> Vec<QuantityRecord> {
    let names = quantity_names(fitted, elements);
    let checks = &fitted.fit.diagnostics.quantities;
    let record = |((name, index), check): ((String, Vec<String>), &QuantityCheck)| QuantityRecord {
        name,
        index,
        khat: Number(check.khat),
        tail_error: Number(check.tail_error),
        mean_error: Number(check.mean_error),
        sd_error: Number(check.sd_error),
    };
    names.into_iter().zip(checks).map(record).collect()
}

fn data_record(bound: &bound::Program, report: &BindingReport) -> DataRecord {
    let tables = bound.typed.axes.iter().zip(&bound.axes);
    let rows = tables.filter(|(axis, _)| matches!(axis.origin, AxisOrigin::Rows(_)));
    let files = report.files.iter().map(|file| FileRecord {
        file: file.file.clone(),
        rows: file.rows,
        columns: file.names.clone(),
    });
    DataRecord {
        rows: rows.map(|(_, elements)| elements.len()).sum(),
        axes: report.axes.iter().map(|a| (a.name.clone(), a.size)).collect(),
        labels: report.axes.iter().map(|a| (a.name.clone(), a.first.clone())).collect(),
        scalars: report.scalars.iter().map(|(name, x)| (name.clone(), Number(*x))).collect(),
        files: files.collect(),
    }
}

fn variables(model: &Model) -> Vec<VariableRecord> {
    let inventory = model.inventory();
    let of = |role: &str, list: &[Sized]| {
        let records = list.iter().map(|v| VariableRecord {
            name: v.name.clone(),
            role: role.to_owned(),
            axes: v.axes.clone(),
            shape: v.sizes.iter().filter_map(|s| s.parse().ok()).collect(),
            cells: v.cells,
        });
        records.collect::<Vec<VariableRecord>>()
    };
    let mut all = of("observed", &inventory.observed);
    all.extend(of("latent", &inventory.latent));
    all.extend(of("report", &inventory.reported));
    all.extend(of("predict", &inventory.predicted));
    all
}

/// The equally weighted draws of everything reported and predicted.
pub fn draw_table(model: &Model, fitted: &Fitted) -> DrawTable {
    let columns = model.reported().iter().map(|reported| {
        let quantities = reported.offset..reported.offset + reported.positions.len();
        let draws = quantities.map(|quantity| {
            let values = fitted.fit.draws.quantity(quantity);
            fitted.resampled.iter().map(|row| values[*row]).collect()
        });
        let positions = reported.positions.iter().map(|p| *p as usize);
        columns(&model.bound, reported.variable, positions.collect(), draws.collect())
    });
    let mut table =
        DrawTable { count: fitted.resampled.len(), variables: columns.collect::<Vec<_>>() };
    table.variables.extend(prediction_table(&model.bound, &fitted.finite).variables);
    let typed = &model.bound.typed;
    let place = |c: &DrawColumns| typed.find(&c.name).map(|v| typed.variable(v).order);
    table.variables.sort_by_cached_key(place);
    table.variables.extend(prediction_table(&model.bound, &fitted.predictions).variables);
    table.variables = merged(table.variables);
    table
}

/// Given and missing cells of one name together.
fn merged(columns: Vec<DrawColumns>) -> Vec<DrawColumns> {
    let mut all: Vec<DrawColumns> = Vec::with_capacity(columns.len());
    for more in columns {
        let Some(own) = all.iter_mut().find(|own| own.name == more.name) else {
            all.push(more);
            continue;
        };
        let own_cells = std::mem::take(&mut own.positions).into_iter().zip(own.draws.drain(..));
        let mut cells: Vec<_> =
            own_cells.chain(more.positions.into_iter().zip(more.draws)).collect();
        cells.sort_by_key(|(position, _)| *position);
        (own.positions, own.draws) = cells.into_iter().unzip();
    }
    all
}

/// The draws of predictions.
pub fn prediction_table(bound: &bound::Program, predictions: &[Prediction]) -> DrawTable {
    let variables = predictions.iter().filter_map(|prediction| {
        let variable = bound.typed.find(&prediction.variable)?;
        let positions = prediction.positions.clone();
        Some(columns(bound, variable, positions, prediction.draws.clone()))
    });
    let count = predictions.iter().flat_map(|p| &p.draws).map(Vec::len).next().unwrap_or(0);
    DrawTable { count, variables: merged(variables.collect()) }
}

fn columns(
    bound: &bound::Program,
    variable: VariableId,
    positions: Vec<usize>,
    draws: Vec<Vec<f64>>,
) -> DrawColumns {
    let declared = bound.typed.variable(variable);
    let labels_of = |axis: &crate::typed::AxisId| {
        let elements = &bound.axes[axis.index()];
        (0..elements.len()).map(|p| elements.label(p)).collect::<Vec<String>>()
    };
    DrawColumns {
        name: declared.name.clone(),
        axes: declared.axes.iter().map(|a| bound.typed.axis(*a).name.clone()).collect(),
        labels: declared.axes.iter().map(labels_of).collect(),
        levels: match declared.kind {
            Kind::Index(axis) => Some(labels_of(&axis)),
            Kind::Real | Kind::Int | Kind::Bool => None,
        },
        positions,
        draws,
    }
}

//! Programs whose locals are integrated out: parts that sum to the whole, and whole fits.

use std::path::Path;
use vippl::bound;
use vippl::data::{Inputs, Mode};
use vippl::engine;
use vippl::graph::lower::{self, Coordinates};
use vippl::graph::{Separated, SeparationOptions};
use vippl::inference::{Level, LogDensity, Target, summarize};
use vippl::session::{Document, FitOptions, Model, SbcOptions, Timings, sbc};

fn model(text: &str, csv: &str) -> Model {
    let document = Document::open("test", text);
    assert!(!document.has_errors(), "{:?}", document.diagnostics);
    let inputs = Inputs::parse(["data.csv".to_owned()]);
    let read = |_: &Path| Ok(csv.as_bytes().to_vec());
    let tables = inputs.read(document.typed(), Path::new("."), &read);
    let binding = document.bind(&tables, Mode::Fit);
    Model::compile(binding.value.unwrap_or_else(|| panic!("{:?}", binding.diagnostics))).unwrap()
}

/// Groups of three rows each, a column y in {0, …, 4} and a covariate.
fn rows(groups: usize) -> String {
    let mut csv = "site,y,x\n".to_owned();
    for row in 0..3 * groups {
        let y = (row * row + row / 3) % 5;
        let y = if row / 3 % 4 == 0 { 0 } else { y };
        csv += &format!("s{},{y},{}\n", row / 3, (row as f64).sin());
    }
    csv
}

fn separated(bound: &bound::Program) -> Option<Separated> {
    let density = lower::density(bound, &Coordinates::new()).unwrap();
    let sites = density.sites.iter().filter(|site| site.length > 4);
    let candidates: Vec<_> = sites.map(|site| site.offset..site.offset + site.length).collect();
    let options = SeparationOptions { most_globals: 10, most_in_block: 2, least_blocks: 5 };
    density.model.separate(&candidates, &options)
}

fn assert_parts_sum(text: &str, block: usize, count: usize) {
    let model = model(text, &rows(8));
    let separated = separated(&model.bound).unwrap_or_else(|| panic!("{text}"));
    assert_eq!(separated.blocks.len(), count, "{text} {:?}", separated.blocks);
    assert!(separated.blocks.iter().all(|b| b.len() == block), "{:?}", separated.blocks);
    let compile = |m| engine::Program::compile(m, &engine::Options::default()).unwrap();
    let (weighed, parts) = (compile(&separated.weighed), compile(&separated.parts));
    let d = model.target().dimension();
    for trial in 0..5 {
        let point: Vec<f64> = (0..d).map(|i| (1.3 * (i + 7 * trial) as f64).sin()).collect();
        let mut own = vec![0.0; count + 1];
        parts.quantities(&mut parts.workspace(), &point, &mut own);
        let mut expected = vec![0.0; d];
        let whole = model.target().gradient(&mut model.target().workspace(), &point, &mut expected);
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9 * b.abs().max(1.0);
        assert!(close(own.iter().sum(), whole), "{text}: {own:?} {whole}");
        let mut both = point;
        both.extend(vec![1.0; count + 1]);
        let mut gradient = vec![0.0; d + count + 1];
        let value = weighed.gradient(&mut weighed.workspace(), &both, &mut gradient);
        assert!(close(value, whole), "{text}");
        let expected = expected.iter().chain(&own);
        assert!(gradient.iter().zip(expected).all(|(a, b)| close(*a, *b)), "{text}");
    }
}

#[test]
fn parts_sum_to_the_density_and_are_its_derivatives_in_the_weights() {
    let head = "data row(site: index, y: int, x)\nmu ~ Normal(0, 2)\ntau ~ HalfNormal(1)\n";
    let alpha = "alpha[site] ~ Normal(mu, tau)\n";
    assert_parts_sum(&format!("{head}{alpha}y ~ Poisson(log = alpha[site] + 0.3 * x)\n"), 1, 8);
    let slopes = "beta[site] ~ Normal(0, 1)\ny ~ Poisson(log = alpha[site] + beta[site] * x)\n";
    assert_parts_sum(&format!("{head}{alpha}{slopes}"), 2, 8);
    let present = "p ~ Uniform(0, 1)\nz[site] ~ Bernoulli(p)\n\
                   y ~ if z[site] then Poisson(log = alpha[site]) else PointMass(0)\n";
    // Where z is 0 no alpha is used, and the first is read in its place: it stays with the globals.
    assert_parts_sum(&format!("{head}{alpha}{present}"), 1, 7);
}

#[test]
fn latents_that_a_row_ties_together_are_not_separated() {
    let text = "data row(site: index, y: int, x)\nalpha[site] ~ Normal(0, 1)\n\
                factor -0.5 * sum(alpha)^2\ny ~ Poisson(log = alpha[site])\n";
    assert!(separated(&model(text, &rows(8)).bound).is_none());
}

/// y[site] ~ N(θ, 1) in threes, θ ~ N(μ, τ): the means and sds of μ and ln τ by a grid over the density
/// without θ, which is normal.
fn grid(csv: &str, groups: usize) -> [f64; 4] {
    let mut sums = vec![(0.0, 0.0); groups];
    for line in csv.lines().skip(1) {
        let mut cells = line.split(',');
        let site: usize = cells.next().unwrap()[1..].parse().unwrap();
        let y: f64 = cells.next().unwrap().parse().unwrap();
        sums[site].0 += y;
        sums[site].1 += 1.0;
    }
    let (mut total, mut moments) = (0.0, [0.0; 4]);
    for i in 0..300 {
        for j in 0..300 {
            let (mu, log_tau) = (-1.0 + 0.015 * f64::from(i), -2.0 + 0.012 * f64::from(j));
            let tau = log_tau.exp();
            let prior = -0.5 * (mu / 2.0f64).powi(2) - 0.5 * tau * tau + log_tau;
            let log_p = sums.iter().fold(prior, |sum, (y, n)| {
                let variance: f64 = tau * tau + 1.0 / n;
                sum - 0.5 * (y / n - mu).powi(2) / variance - 0.5 * variance.ln()
            });
            let weight = log_p.exp();
            total += weight;
            for (k, x) in [mu, mu * mu, tau, tau * tau].into_iter().enumerate() {
                moments[k] += weight * x;
            }
        }
    }
    moments.map(|moment| moment / total)
}

#[test]
fn a_hierarchy_of_sixty_groups_is_fitted_without_its_groups() {
    let csv = rows(60);
    let text = "data row(site: index, y, x)\nmu ~ Normal(0, 2)\ntau ~ HalfNormal(1)\n\
                theta[site] ~ Normal(mu, tau)\ny ~ Normal(theta[site], 1)\n";
    let [mu, mu2, tau, tau2] = grid(&csv, 60);
    let model = model(text, &csv);
    for seed in 0..2 {
        let options = FitOptions { seed, ..FitOptions::default() };
        let fitted = model.fit(&options, Timings::default(), &mut |_| {}).unwrap();
        let fit = &fitted.fit;
        assert_eq!(fit.verdict.level, Level::Good, "{:?}", fit.verdict);
        assert_eq!(fit.diagnostics.integrated.map(|i| i.blocks), Some(60));
        for (k, (mean, square)) in [(mu, mu2), (tau, tau2)].into_iter().enumerate() {
            let sd = (square - mean * mean).sqrt();
            let found = summarize(fit.draws.quantity(k), &fit.draws.weights());
            assert!((found.mean - mean).abs() < 0.1 * sd, "{k}: {found:?} {mean} {sd}");
            assert!((found.sd / sd).ln().abs() < 0.08, "{k}: {found:?} {mean} {sd}");
        }
    }
}

#[test]
fn simulated_data_are_recovered_and_a_wrong_fit_is_not() {
    let text = "data row(site: index, y, x)\na ~ Normal(0, 1)\nb ~ Normal(0, 1)\n\
                y ~ Normal(a + b * x, 1)\n";
    let model = model(text, &rows(4));
    let mut options = SbcOptions { simulations: 100, ..SbcOptions::default() };
    options.fit.seed = 3;
    let calibration = sbc(&model, &options, &mut |_| {}).unwrap();
    assert!(calibration.uniform, "{:?}", calibration.ranks);
    assert_eq!(calibration.ranks.len(), 2);
    assert_eq!(calibration.verdicts.iter().sum::<usize>(), 100);
    // A mode instead of draws: all its draws are on one side.
    options.fit.inference.method = vippl::inference::Method::Map;
    let calibration = sbc(&model, &options, &mut |_| {}).unwrap();
    assert!(!calibration.uniform, "{:?}", calibration.ranks);
}

#[test]
fn what_cannot_be_simulated_is_said() {
    let text = "data row(site: index, y, x)\na ~ Normal(0, 1)\n\
                spread = sd(y)\ny ~ Normal(a, spread)\n";
    let result = sbc(&model(text, &rows(4)), &SbcOptions::default(), &mut |_| {});
    let why = format!("{:?}", result.err());
    assert!(why.contains("`y` is computed, or used elsewhere"), "{why}");
}

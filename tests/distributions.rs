//! Every distribution against references from its definition (`tests/oracle/distributions.py`),
//! its integral against 1, and its sampler against its tails.

mod oracle;

use std::f64::consts::{FRAC_PI_2, PI};

use num_dual::Dual64;
use oracle::{number, numbers, rows};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use vippl::library::distribution::{ALL, Density, Parameterization};
use vippl::library::{Bound, family};
use vippl::math::{Dual, Scalar};

/// Largest error relative to max(1, |reference|): sums of ln Γ up to 10⁴ in size cancel.
const VALUE: f64 = 1e-11;
/// The same for partial derivatives.
const PARTIAL: f64 = 1e-10;
/// The same for tail probabilities, which continued fractions of the incomplete functions give.
const TAIL: f64 = 1e-9;

fn every() -> impl Iterator<Item = &'static Parameterization> {
    ALL.iter().flat_map(|family| family.parameterizations)
}

/// A row of the table of references.
struct Row {
    density: Density,
    x: f64,
    parameters: Vec<f64>,
    log_density: f64,
    /// In x and each parameter; whole numbers have none.
    partials: Vec<Option<f64>>,
    /// ln P(X ≤ x) and ln P(X > x)
    tails: [Option<f64>; 2],
}

fn table() -> Vec<Row> {
    let read = |row: Vec<&str>| Row {
        density: every()
            .map(|p| p.density)
            .find(|d| format!("{d:?}") == row[0])
            .unwrap_or_else(|| panic!("no density {}", row[0])),
        x: number(row[1]).expect("x"),
        parameters: numbers(row[2]).into_iter().flatten().collect(),
        log_density: number(row[3]).expect("a log density"),
        partials: numbers(row[4]),
        tails: [number(row[5]), number(row[6])],
    };
    rows(include_str!("oracle/distributions.csv")).into_iter().map(read).collect()
}

fn error(got: f64, want: f64) -> f64 {
    if got == want { 0.0 } else { (got - want).abs() / want.abs().max(1.0) }
}

/// Collects every row that is off, so that one run shows all.
#[derive(Default)]
struct Failures(Vec<String>);

impl Failures {
    fn check(&mut self, row: &Row, what: &str, got: f64, want: f64, allowed: f64) {
        let error = error(got, want);
        if error.is_nan() || error > allowed {
            let (density, x, p) = (row.density, row.x, &row.parameters);
            self.0.push(format!("{density:?}({x} | {p:?}) {what}: {got}, not {want}: {error:e}"));
        }
    }

    fn finish(self) {
        assert!(self.0.is_empty(), "{} off\n{}", self.0.len(), self.0.join("\n"));
    }
}

#[test]
fn every_parameterization_has_references_in_bulk() {
    let table = table();
    for p in every() {
        let count = table.iter().filter(|row| row.density == p.density).count();
        assert!(count >= 3, "{:?} has {count} rows", p.density);
        assert_eq!(p.density.parameterization().density, p.density);
        assert_eq!(p.density.parameterization().parameters.len(), p.parameters.len());
    }
}

#[test]
fn log_densities_agree_with_the_references() {
    let mut failures = Failures::default();
    for row in table() {
        let got = row.density.log_density(row.x, &row.parameters);
        failures.check(&row, "value", got, row.log_density, VALUE);
    }
    failures.finish();
}

#[test]
fn partial_derivatives_agree_with_the_references() {
    let mut failures = Failures::default();
    for row in table() {
        let at: Vec<f64> = std::iter::once(row.x).chain(row.parameters.clone()).collect();
        for (i, want) in row.partials.iter().enumerate() {
            let Some(want) = *want else { continue };
            let mut along: Vec<_> = at.iter().map(|&v| Dual::fixed(v)).collect();
            along[i] = Dual::variable(at[i]);
            let ours = row.density.log_density(along[0], &along[1..]);
            failures.check(&row, &format!("partial {i}"), ours.tangent, want, PARTIAL);

            let mut along: Vec<_> = at.iter().map(|&v| Dual64::from(v)).collect();
            along[i] = along[i].derivative();
            let theirs = row.density.log_density(along[0], &along[1..]);
            failures.check(&row, &format!("partial {i} by num-dual"), theirs.eps, want, PARTIAL);
        }
    }
    failures.finish();
}

#[test]
fn tail_probabilities_agree_with_the_references() {
    let mut failures = Failures::default();
    for row in table() {
        let [Some(below), Some(above)] = row.tails else { continue };
        let Some((cdf, survival)) = row.density.tails(row.x, &row.parameters) else { continue };
        failures.check(&row, "ln cdf", cdf, below, TAIL);
        failures.check(&row, "ln survival", survival, above, TAIL);
        if row.density.has_cdf() {
            let cdf = row.density.ln_cdf(row.x, &row.parameters).expect("a cdf");
            failures.check(&row, "differentiable ln cdf", cdf, below, TAIL);
        }
    }
    failures.finish();
}

/// A parameter set of ordinary size for every density: the first of the references.
fn ordinary() -> Vec<(Density, Vec<f64>)> {
    let table = table();
    let first = |p: &Parameterization| {
        let row = table.iter().find(|row| row.density == p.density).expect("a row");
        (p.density, row.parameters.clone())
    };
    every().map(first).collect()
}

fn ends(density: Density, parameters: &[f64]) -> (f64, f64) {
    let value = |bound| match bound {
        Bound::Value(v) => v,
        Bound::Parameter(i) => parameters[i],
    };
    let (low, high) = density.parameterization().variate.bounds();
    (value(low), value(high))
}

/// ∫ p(x) dx over the support by the double exponential rule, or Σ p(x).
fn total(density: Density, parameters: &[f64]) -> f64 {
    let (low, high) = ends(density, parameters);
    let p = |x: f64| density.log_density(x, parameters).exp();
    if density.is_discrete() {
        let (first, last) = (low.max(-1e5) as i64, high.min(1e5) as i64);
        return (first..=last).map(|x| p(x as f64)).sum();
    }
    let step = 1.0 / 256.0;
    let at = |i: i32| {
        let t = f64::from(i) * step;
        let (s, ds) = (FRAC_PI_2 * t.sinh(), FRAC_PI_2 * t.cosh());
        let (x, dx) = match (low.is_finite(), high.is_finite()) {
            (false, _) => (s.sinh(), s.cosh()),
            (true, false) => (low + s.exp(), s.exp()),
            (true, true) => {
                let half = 0.5 * (high - low);
                (low + half * (1.0 + s.tanh()), half / s.cosh().powi(2))
            }
        };
        let inside = x > low && x < high && dx.is_finite();
        if inside { p(x) * dx * ds * step } else { 0.0 }
    };
    (-1280..=1280).map(at).filter(|y| y.is_finite()).sum()
}

#[test]
fn densities_integrate_to_one() {
    for (density, parameters) in ordinary() {
        if density == Density::Flat {
            continue;
        }
        let total = total(density, &parameters);
        // The rule is exponentially exact except at a kink.
        let allowed = if density == Density::Laplace { 1e-5 } else { 1e-8 };
        assert!((total - 1.0).abs() < allowed, "{density:?}({parameters:?}) has mass {total}");
    }
}

/// Family-wise error 1e-4 over at most 100 tests.
const LEVEL: f64 = 1e-6;
const DRAWS: usize = 20_000;

/// √n sup |F_n - F| against the Kolmogorov quantile √(-ln(level / 2) / 2).
fn assert_uniform(mut u: Vec<f64>, what: &str) {
    u.sort_by(f64::total_cmp);
    let n = u.len() as f64;
    let gap = |(i, &u): (usize, &f64)| (u - i as f64 / n).max((i + 1) as f64 / n - u);
    let distance = u.iter().enumerate().map(gap).fold(0.0, f64::max);
    let limit = (-(LEVEL / 2.0).ln() / 2.0).sqrt();
    assert!(distance * n.sqrt() < limit, "{what}: {}", distance * n.sqrt());
}

/// Pearson's χ² of counts against probabilities, with rare cells pooled, against the
/// Wilson-Hilferty quantile at 4.753 standard deviations (level 1e-6).
fn assert_counts(draws: &[f64], p: impl Fn(f64) -> f64, what: &str) {
    let n = draws.len() as f64;
    let mut values = draws.to_vec();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let (mut statistic, mut cells) = (0.0, 0.0);
    let (mut pooled_seen, mut pooled_expected) = (n, n);
    for value in values {
        let seen = draws.iter().filter(|&&x| x == value).count() as f64;
        let expected = n * p(value);
        assert!(expected > 0.0, "{what}: drew the impossible {value}");
        if expected >= 10.0 {
            statistic += (seen - expected).powi(2) / expected;
            cells += 1.0;
            pooled_seen -= seen;
            pooled_expected -= expected;
        }
    }
    statistic += (pooled_seen - pooled_expected).powi(2) / pooled_expected.max(10.0);
    let scale: f64 = 2.0 / (9.0 * cells);
    let limit = cells * (1.0 - scale + 4.753 * scale.sqrt()).powi(3);
    assert!(statistic < limit, "{what}: χ² {statistic} of {cells} cells, limit {limit}");
}

/// A cdf by the trapezoidal rule, for the densities that have none.
fn accumulated(density: Density, parameters: &[f64], low: f64, high: f64) -> impl Fn(f64) -> f64 {
    let cells = 20_000;
    let step = (high - low) / f64::from(cells);
    let p = |i: i32| density.log_density(low + step * f64::from(i), parameters).exp();
    let mut sums = vec![0.0];
    for i in 0..cells {
        sums.push(sums[i as usize] + 0.5 * step * (p(i) + p(i + 1)));
    }
    move |x| sums[((x - low) / step).round().clamp(0.0, f64::from(cells)) as usize]
}

#[test]
fn samplers_agree_with_their_densities() {
    let mut rng = ChaCha8Rng::seed_from_u64(20_240_501);
    for (density, parameters) in ordinary() {
        if density == Density::Flat {
            continue;
        }
        let what = format!("{density:?}{parameters:?}");
        let draws: Vec<f64> =
            (0..DRAWS).map(|_| density.sample(&parameters, &mut rng).expect("a draw")).collect();
        let variate = density.parameterization().variate;
        assert!(draws.iter().all(|&x| variate.contains(x, &parameters)), "{what}");
        if density.is_discrete() {
            assert_counts(&draws, |x| density.log_density(x, &parameters).exp(), &what);
        } else if density.tails(0.0, &parameters).is_some() {
            let cdf = |&x: &f64| density.tails(x, &parameters).expect("tails").0.exp();
            assert_uniform(draws.iter().map(cdf).collect(), &what);
        } else {
            let (low, high) = ends(density, &parameters);
            let cdf = accumulated(density, &parameters, low.max(-40.0), high.min(40.0));
            assert_uniform(draws.iter().map(|&x| cdf(x)).collect(), &what);
        }
        if let Some((mean, variance)) = density.moments(&parameters)
            && variance.is_finite()
            && mean.is_finite()
        {
            let average = draws.iter().sum::<f64>() / DRAWS as f64;
            // Heavy tails make the average less than normal: six standard errors.
            let limit = 6.0 * (variance / DRAWS as f64).sqrt();
            assert!((average - mean).abs() <= limit, "{what}: mean {average}, not {mean}");
        }
    }
}

#[test]
fn truncated_draws_follow_the_truncated_density() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let cases = [
        (Density::Normal, vec![0.0, 1.0], 8.0, 9.0),
        (Density::Normal, vec![0.0, 1.0], f64::NEG_INFINITY, -30.0),
        (Density::Normal, vec![2.0, 3.0], -1.0, 4.0),
        (Density::ExponentialRate, vec![1.0], 700.0, 710.0),
        (Density::ExponentialRate, vec![1.0], -5.0, 0.1),
        (Density::StudentT, vec![3.0, 0.0, 10.0], 0.0, f64::INFINITY),
        (Density::Cauchy, vec![0.0, 1.0], 1e6, f64::INFINITY),
        (Density::GammaShapeRate, vec![3.0, 0.1], 100.0, 400.0),
        (Density::Beta, vec![1.0, 20.0], 0.3, 0.9),
        (Density::Uniform, vec![-1.0, 1.0], 0.5, 3.0),
    ];
    for (density, parameters, lower, upper) in cases {
        let what = format!("{density:?}{parameters:?} in [{lower}, {upper}]");
        let mass = density.ln_mass_value(lower, upper, &parameters).expect("mass");
        let (low, high) = (Some(lower), Some(upper));
        let level = |_| {
            let x = density.sample_within(low, high, &parameters, &mut rng).expect("a draw");
            assert!(x >= lower && x <= upper, "{what}: {x}");
            (density.ln_mass_value(lower, x, &parameters).expect("mass") - mass).exp()
        };
        assert_uniform((0..DRAWS / 4).map(level).collect(), &what);
    }
    let discrete = [
        (Density::PoissonRate, vec![2.0], 1.0, f64::INFINITY),
        (Density::PoissonRate, vec![2.0], 9.0, 14.0),
        (Density::BinomialProbability, vec![30.0, 0.2], 0.0, 4.0),
        (Density::BetaBinomial, vec![10.0, 1.0, 2.0], 2.0, 5.0),
        (Density::DiscreteUniform, vec![1.0, 6.0], 2.5, 5.5),
    ];
    for (density, parameters, lower, upper) in discrete {
        let what = format!("{density:?}{parameters:?} in [{lower}, {upper}]");
        let mass = density.ln_mass_value(lower, upper, &parameters).expect("mass");
        let draw = |_| {
            let (low, high) = (Some(lower), Some(upper));
            density.sample_within(low, high, &parameters, &mut rng).expect("a draw")
        };
        let draws: Vec<f64> = (0..DRAWS / 4).map(draw).collect();
        assert!(draws.iter().all(|&x| x >= lower && x <= upper), "{what}");
        assert_counts(&draws, |x| (density.log_density(x, &parameters) - mass).exp(), &what);
    }
}

#[test]
fn the_mass_of_an_interval_is_accurate_in_both_tails() {
    // 60-digit values of ln(Φ(b) - Φ(a)).
    for (a, b, want) in [
        (8.0, 9.0, -35.013_618_593_437_15),
        (-9.0, -8.0, -35.013_618_593_437_15),
        (-1.0, 1.0, -0.381_715_146_302_126_07),
        (30.0, 31.0, -454.321_243_956_343_25),
    ] {
        let got = Density::Normal.ln_mass(Some(a), Some(b), &[0.0, 1.0]).expect("a cdf");
        assert!(error(got, want) < 1e-14, "[{a}, {b}]: {got}, not {want}");
    }
    // P(X ≥ 1) = 1 - e^-rate, and the slope of its logarithm 1 / (e^rate - 1).
    let rate = Dual::variable(0.3);
    let mass = Density::PoissonRate.ln_mass_between(1.0, f64::INFINITY, &[rate]).expect("a sum");
    assert!(error(mass.value, (-(-0.3_f64).exp_m1()).ln()) < 1e-14);
    assert!(error(mass.tangent, 0.3_f64.exp_m1().recip()) < 1e-14);
}

#[test]
fn the_mass_of_an_interval_has_gradients() {
    // d/dmean ln(Φ(v) - Φ(u)) = (φ(u) - φ(v)) / (sd (Φ(v) - Φ(u))), u and v standardised
    let (mean, sd, lower, upper) = (0.4, 2.0, -1.0, 3.0);
    let parameters = [Dual::variable(mean), Dual::fixed(sd)];
    let bounds = (Some(Dual::fixed(lower)), Some(Dual::fixed(upper)));
    let mass = Density::Normal.ln_mass(bounds.0, bounds.1, &parameters).expect("a cdf");
    let phi = |x: f64| (-0.5 * ((x - mean) / sd).powi(2)).exp() / (2.0 * PI).sqrt();
    let want = (phi(lower) - phi(upper)) / (sd * mass.value.exp());
    assert!(error(mass.tangent, want) < 1e-13, "{} {want}", mass.tangent);

    // Below the support nothing is cut off, and nothing is NaN.
    let rate = [Dual::variable(2.0)];
    let bounds = (Some(Dual::fixed(-1.0)), Some(Dual::fixed(1.0)));
    let mass = Density::ExponentialRate.ln_mass(bounds.0, bounds.1, &rate).expect("a cdf");
    assert!(error(mass.value, (-(-2.0_f64).exp_m1()).ln()) < 1e-14);
    assert!(error(mass.tangent, 2.0_f64.exp_m1().recip()) < 1e-14);
}

#[test]
fn invalid_parameters_are_refused_without_a_panic() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.5, 0.0, 1.5, 1e308, 5e-324];
    for (density, parameters) in ordinary() {
        for i in 0..parameters.len() {
            for value in odd {
                let mut changed = parameters.clone();
                changed[i] = value;
                let support = density.parameterization().parameters[i].support;
                let real = value.is_finite() && support.contains(value, &changed);
                let what = format!("{density:?}{changed:?}");
                for x in [0.0, 1.0, 0.5, f64::NAN, f64::INFINITY] {
                    let y = density.log_density(x, &changed);
                    let counts =
                        density.is_discrete() && (x.fract() != 0.0 || value.fract() != 0.0);
                    // An infinite parameter may have a proper limit.
                    let finite = x.is_finite() && value != f64::INFINITY;
                    let usable = y.is_finite() && finite && !counts;
                    let symmetric = density == Density::VonMises;
                    assert!(real || symmetric || !usable, "{what} at {x}: {y}");
                    density.tails(x, &changed);
                }
                if !real {
                    assert!(density.sample(&changed, &mut rng).is_err(), "{what}");
                    assert!(density.sample_within(Some(0.0), None, &changed, &mut rng).is_err());
                }
            }
        }
        assert!(density.log_density(0.5, &[f64::NAN; 3]).is_nan() || parameters.is_empty());
        assert!(density.sample(&[], &mut rng).is_err());
    }
}

#[test]
fn location_and_scale_families_are_shifts_and_multiples_of_themselves() {
    for family in ALL {
        let Some((location, scale)) = family.location_scale else { continue };
        for p in family.parameterizations {
            let (_, mut parameters) =
                ordinary().into_iter().find(|(d, _)| *d == p.density).expect("parameters");
            (parameters[location], parameters[scale]) = (0.0, 1.0);
            let standard = p.density.log_density(0.7, &parameters);
            (parameters[location], parameters[scale]) = (-3.0, 2.5);
            let moved = p.density.log_density(-3.0 + 2.5 * 0.7, &parameters);
            assert!((moved + 2.5_f64.ln() - standard).abs() < 1e-13, "{}", family.name);
        }
    }
}

#[test]
fn counts_beyond_the_number_of_trials_are_impossible_and_spoil_no_gradient() {
    for (density, parameters) in [
        (Density::BinomialProbability, [3.0, 0.3, 0.0]),
        (Density::BinomialLogit, [3.0, 0.3, 0.0]),
        (Density::BetaBinomial, [3.0, 0.3, 1.0]),
        (Density::HyperGeometric, [10.0, 5.0, 3.0]),
        (Density::Uniform, [0.0, 3.0, 0.0]),
        (Density::DiscreteUniform, [0.0, 3.0, 0.0]),
    ] {
        let duals = parameters.map(Dual::variable);
        for x in [-1.0, 4.0, 100.0] {
            let y = density.log_density(Dual::constant(x), &duals);
            assert_eq!((y.value, y.tangent), (f64::NEG_INFINITY, 0.0), "{density:?} at {x}");
        }
    }
    let certain = [Dual::fixed(5.0), Dual::variable(1.0)];
    let y = Density::BinomialProbability.log_density(Dual::constant(5.0), &certain);
    assert_eq!((y.value, y.tangent), (0.0, 5.0));
    let never = Density::PoissonRate.log_density(Dual::constant(0.0), &[Dual::variable(0.0)]);
    assert_eq!((never.value, never.tangent), (0.0, -1.0));
}

#[test]
fn positional_arguments_follow_the_first_parameterization() {
    for (name, parameters) in [
        ("Flat", &[][..]),
        ("Normal", &["mean", "sd"]),
        ("HalfNormal", &["sd"]),
        ("HalfCauchy", &["scale"]),
        ("HalfStudentT", &["df", "scale"]),
        ("StudentT", &["df", "location", "scale"]),
        ("Binomial", &["n", "p"]),
        ("Beta", &["a", "b"]),
        ("Uniform", &["low", "high"]),
        ("LogNormal", &["mu", "sigma"]),
        ("Weibull", &["shape", "scale"]),
        ("InvGamma", &["shape", "scale"]),
    ] {
        let family = family(name).expect("a family");
        let names: Vec<_> = family.parameterizations[0].parameters.iter().map(|p| p.name).collect();
        assert_eq!(names, parameters, "{name}");
        assert!(!family.named_only, "{name}");
    }
    for name in ["Gamma", "Exponential", "NegBinomial"] {
        assert!(family(name).expect("a family").named_only, "{name}");
    }
    for family in ALL {
        let mut choices: Vec<Vec<_>> = Vec::new();
        for p in family.parameterizations {
            let mut names: Vec<_> = p.parameters.iter().map(|p| p.name).collect();
            names.sort_unstable();
            assert!(!choices.contains(&names), "{} is ambiguous", family.name);
            choices.push(names);
            assert!(!p.doc.is_empty() && p.parameters.iter().all(|p| !p.doc.is_empty()));
        }
    }
}

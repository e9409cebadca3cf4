//! Coupled locals integrated out, against closed forms and brute-force integrals.

use nalgebra::DMatrix;
use num_dual::DualNum;
use vippl::inference::{
    Coupling, Level, LogDensity, Marginal, Nested, NestedLaplace, Options, Probes, fit_nested,
};
use vippl::math::sparse::Pattern;

use crate::targets::{Analytic, Density};

const LN_2_PI: f64 = 1.837_877_066_409_345_5;

/// u_1 ~ N(0, 1), u_t ~ N(u_(t−1), τ), ln τ ~ N(0, 1), with y_t about u_t, and perhaps Σ u ~ N(0, 0.3).
/// Its point is (ln τ, u), and the weights of the narrow rows and of the wide one where it is weighed.
#[derive(Clone)]
struct Walk {
    y: Vec<f64>,
    seen: Seen,
    wide: bool,
    weighed: bool,
}

/// How a level is seen.
#[derive(Clone, Copy, PartialEq)]
enum Seen {
    /// y ~ N(u, 0.7)
    Normal,
    /// y ~ Poisson(e^u), up to ln y!
    Poisson,
}

fn normal<D: DualNum<Primitive = f64> + Copy>(x: D, mean: D, sd: D) -> D {
    let z = (x - mean) / sd;
    z * z * -0.5 - sd.ln() - 0.5 * LN_2_PI
}

impl Walk {
    fn new(y: &[f64], seen: Seen, wide: bool) -> Self {
        Self { y: y.to_vec(), seen, wide, weighed: false }
    }

    /// A series that wanders.
    fn long(wide: bool) -> Self {
        let y: Vec<f64> =
            (0..60).map(|t| (0.2 * t as f64).sin() + 0.5 * (1.9 * t as f64).cos()).collect();
        Self::new(&y, Seen::Normal, wide)
    }

    fn coupling(&self) -> Coupling<Analytic<Walk>> {
        let last = self.y.len() - 1;
        let own = |t: usize| (t.saturating_sub(1)..=(t + 1).min(last)).map(|t| t as u32).collect();
        let pattern = Pattern::new((0..=last).map(own).collect()).unwrap();
        let probes = Probes::new(&pattern);
        Coupling {
            locals: (1..=last + 1).collect(),
            globals: vec![0],
            pattern,
            probes,
            wide: usize::from(self.wide),
            weighed: self.wide.then(|| Analytic(Walk { weighed: true, ..self.clone() })),
        }
    }
}

impl Density for Walk {
    fn dimension(&self) -> usize {
        self.y.len() + if self.weighed { 3 } else { 1 }
    }

    fn log_density<D: DualNum<Primitive = f64> + Copy>(&self, x: &[D]) -> D {
        let (one, zero) = (D::from(1.0), D::from(0.0));
        let (tau, levels) = (x[0].exp(), &x[1..=self.y.len()]);
        let mut narrow = normal(x[0], zero, one) + normal(levels[0], zero, one);
        for pair in levels.windows(2) {
            narrow += normal(pair[1], pair[0], tau);
        }
        for (y, u) in self.y.iter().zip(levels) {
            narrow += match self.seen {
                Seen::Normal => normal(D::from(*y), *u, D::from(0.7)),
                Seen::Poisson => *u * *y - u.exp(),
            };
        }
        let sum = levels.iter().fold(zero, |sum, u| sum + *u);
        let wide = if self.wide { normal(sum, zero, D::from(0.3)) } else { zero };
        match x.get(self.y.len() + 1..) {
            Some([narrowly, widely]) => narrow * *narrowly + wide * *widely,
            _ => narrow + wide,
        }
    }
}

/// ln p(ln τ, y) with u integrated out: y and Σ u are jointly normal.
struct ClosedForm(Walk);

impl Density for ClosedForm {
    fn dimension(&self) -> usize {
        1
    }

    fn log_density<D: DualNum<Primitive = f64> + Copy>(&self, x: &[D]) -> D {
        let walk = &self.0;
        let (n, variance) = (walk.y.len(), (x[0] * 2.0).exp());
        let shared = |s: usize, t: usize| variance * s.min(t) as f64 + 1.0;
        let with_sum = |s: usize| (0..n).fold(D::from(0.0), |sum, t| sum + shared(s, t));
        let total = (0..n).fold(D::from(0.0), |sum, s| sum + with_sum(s));
        let size = n + usize::from(walk.wide);
        let covariance = |i: usize, j: usize| match (i < n, j < n) {
            (true, true) if i == j => shared(i, j) + 0.49,
            (true, true) => shared(i, j),
            (true, false) => with_sum(i),
            (false, true) => with_sum(j),
            (false, false) => total + 0.09,
        };
        // Cholesky's method, with the residuals whitened on the way.
        let mut factor = vec![vec![D::from(0.0); size]; size];
        let (mut white, mut density) = (Vec::new(), normal(x[0], D::from(0.0), D::from(1.0)));
        for i in 0..size {
            for j in 0..=i {
                let known = (0..j).fold(D::from(0.0), |s, k| s + factor[i][k] * factor[j][k]);
                let rest = covariance(i, j) - known;
                factor[i][j] = if i == j { rest.sqrt() } else { rest / factor[j][j] };
            }
            let seen = D::from(walk.y.get(i).copied().unwrap_or(0.0));
            let known = (0..i).fold(D::from(0.0), |s, k| s + factor[i][k] * white[k]);
            white.push((seen - known) / factor[i][i]);
            density += white[i] * white[i] * -0.5 - factor[i][i].ln() - 0.5 * LN_2_PI;
        }
        density
    }
}

#[test]
fn the_marginal_of_a_normal_chain_is_that_of_the_closed_form() {
    for wide in [false, true] {
        let target = Walk::long(wide);
        let (coupling, truth) = (target.coupling(), Analytic(ClosedForm(target.clone())));
        let (target, options) = (Analytic(target), Nested::default());
        let far = NestedLaplace::new(&target, &coupling, &options, 0);
        let near = NestedLaplace::new(&target, &coupling, &options, 0).anchored(&[-0.5]);
        for own in [far, near] {
            let (mut of_own, mut of_truth) = (own.workspace(), truth.workspace());
            for point in [[-2.0], [-0.4], [1.0]] {
                let (mut slope, mut expected) = ([0.0], [0.0]);
                let value = own.gradient(&mut of_own, &point, &mut slope);
                let known = truth.gradient(&mut of_truth, &point, &mut expected);
                assert!((value - known).abs() < 1e-8, "{wide} {point:?}: {value}, not {known}");
                assert!((slope[0] - expected[0]).abs() < 1e-5, "{slope:?}, not {expected:?}");
                own.hessian_vector(&mut of_own, &point, &[1.0], &mut slope);
                truth.hessian_vector(&mut of_truth, &point, &[1.0], &mut expected);
                let scale = expected[0].abs().max(1.0);
                assert!((slope[0] - expected[0]).abs() < 1e-3 * scale, "{slope:?}, {expected:?}");
            }
        }
    }
}

/// What a grid over two levels says at one ln τ: the log integral, and means and sds of the levels.
fn by_brute_force(walk: &Walk, point: f64) -> (f64, [f64; 2], [f64; 2]) {
    const STEP: f64 = 0.02;
    let line = || (-400..=400).map(|i| f64::from(i) * STEP);
    let (mut sum, mut mean, mut square) = (0.0, [0.0; 2], [0.0; 2]);
    for a in line() {
        for b in line() {
            let weight = walk.log_density(&[point, a, b]).exp() * STEP * STEP;
            sum += weight;
            for (k, u) in [a, b].into_iter().enumerate() {
                mean[k] += weight * u;
                square[k] += weight * u * u;
            }
        }
    }
    let mean = mean.map(|total| total / sum);
    let sd = [0, 1].map(|k: usize| (square[k] / sum - mean[k] * mean[k]).sqrt());
    (sum.ln(), mean, sd)
}

#[test]
fn estimates_are_without_the_bias_of_laplace() {
    let walk = Walk::new(&[0.0, 3.0], Seen::Poisson, false);
    let (coupling, target) = (walk.coupling(), Analytic(walk.clone()));
    let options = Nested { pairs: vec![0, 20_000], ..Nested::default() };
    let (truth, ..) = by_brute_force(&walk, 0.3);
    let value = |level: usize| {
        let own = NestedLaplace::new(&target, &coupling, &options, level).anchored(&[0.3]);
        own.log_density(&mut own.workspace(), &[0.3])
    };
    // The weights have a relative sd near 0.2: the error of 20,000 pairs is 0.0015.
    let (laplace, estimate) = (value(0) - truth, value(1) - truth);
    assert!(estimate.abs() < 0.006, "{estimate}");
    assert!(laplace.abs() > 0.01 && laplace.abs() < 0.2, "{laplace}");
}

#[test]
fn locals_are_drawn_from_their_conditional() {
    let walk = Walk::new(&[0.0, 3.0], Seen::Poisson, false);
    let (coupling, target, options) = (walk.coupling(), Analytic(walk.clone()), Nested::default());
    let (_, mean, sd) = by_brute_force(&walk, 0.3);
    let own = NestedLaplace::new(&target, &coupling, &options, 0).anchored(&[0.3]);
    let draws = own.complete(&DMatrix::from_element(1, 20_000, 0.3), 1, 5);
    for k in 0..2 {
        let row = draws.row(k + 1);
        let (of_mean, of_sd) = (row.mean() - mean[k], row.variance().sqrt() / sd[k] - 1.0);
        // Standard errors are 0.007 sd and 0.5 %; the modes are 0.1 to 0.3 sd off.
        assert!(of_mean.abs() < 0.03 * sd[k], "{k}: mean off by {of_mean}");
        assert!(of_sd.abs() < 0.025, "{k}: sd off by {of_sd}");
    }
    let accepted = own.integrated(0.0).accepted.unwrap();
    assert!(accepted > 0.9, "{accepted}");
}

#[test]
fn a_fit_of_a_normal_chain_is_good_and_right() {
    let walk = Walk::long(true);
    let (coupling, target) = (walk.coupling(), Analytic(walk.clone()));
    let fit = fit_nested(&target, &coupling, &Options::default(), 3, &mut |_| {}).unwrap();
    assert_eq!(fit.verdict.level, Level::Good, "{:?}", fit.verdict.reasons);
    let closed = ClosedForm(walk);
    let line: Vec<f64> = (0..4000).map(|i| -6.0 + 0.0025 * f64::from(i)).collect();
    let weights: Vec<f64> = line.iter().map(|x| closed.log_density(&[*x])).collect();
    let highest = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = weights.iter().map(|w| (w - highest).exp()).collect();
    let total: f64 = weights.iter().sum();
    let moment = |power: i32| {
        let terms = line.iter().zip(&weights).map(|(x, w)| w * x.powi(power));
        terms.sum::<f64>() / total
    };
    let (mean, sd) = (moment(1), (moment(2) - moment(1).powi(2)).sqrt());
    let own = fit.draws.summaries()[0];
    assert!((own.mean - mean).abs() < 0.1 * sd, "{} ± {}, not {mean} ± {sd}", own.mean, own.sd);
    assert!((own.sd / sd).ln().abs() < 0.1, "{} ± {}, not {mean} ± {sd}", own.mean, own.sd);
}

//! Locals integrated out, against closed forms and brute-force sums.

use nalgebra::DMatrix;
use num_dual::DualNum;
use vippl::inference::collapse::{Collapse, Collapsed, Parts};
use vippl::inference::{Level, LogDensity, Marginal, Options, fit_collapsed};

use crate::targets::{Analytic, Density};

/// θ_j ~ N(μ, τ), y_j ~ N(θ_j, s_j), with θ_j = μ + τ z_j; μ ~ N(0, 5), ln τ ~ N(0, 1). Its point is
/// (μ, ln τ, z), and the weights of the groups and of the rest where it is weighed.
#[derive(Clone)]
struct Groups {
    y: Vec<f64>,
    s: Vec<f64>,
    weighed: bool,
    /// Whether the quantities are the latents rather than the parts.
    reports: bool,
}

fn normal<D: DualNum<Primitive = f64> + Copy>(x: D, mean: D, sd: D) -> D {
    let z = (x - mean) / sd;
    z * z * -0.5 - sd.ln() - 0.5 * (2.0 * std::f64::consts::PI).ln()
}

impl Groups {
    fn new(count: usize, weighed: bool) -> Self {
        let y = (0..count).map(|j| 1.0 + 2.0 * (1.7 * j as f64).sin()).collect();
        let s = (0..count).map(|j| 0.5 + 0.1 * (j % 7) as f64).collect();
        Self { y, s, weighed, reports: false }
    }

    fn parts<D: DualNum<Primitive = f64> + Copy>(&self, x: &[D]) -> Vec<D> {
        let (mu, tau) = (x[0], x[1].exp());
        let own = |j: usize| {
            let z = x[2 + j];
            let theta = mu + tau * z;
            normal(z, D::from(0.0), D::from(1.0))
                + normal(D::from(self.y[j]), theta, D::from(self.s[j]))
        };
        let rest =
            normal(mu, D::from(0.0), D::from(5.0)) + normal(x[1], D::from(0.0), D::from(1.0));
        (0..self.y.len()).map(own).chain([rest]).collect()
    }

    /// y_j ~ N(μ, √(τ² + s_j²)).
    fn marginal<D: DualNum<Primitive = f64> + Copy>(&self, x: &[D]) -> D {
        let tau = x[1].exp();
        let rest =
            normal(x[0], D::from(0.0), D::from(5.0)) + normal(x[1], D::from(0.0), D::from(1.0));
        self.y
            .iter()
            .zip(&self.s)
            .fold(rest, |sum, (y, s)| sum + normal(D::from(*y), x[0], (tau * tau + s * s).sqrt()))
    }

    fn in_parts(count: usize) -> Parts<Analytic<Groups>> {
        Parts {
            weighed: Analytic(Groups::new(count, true)),
            parts: Analytic(Groups::new(count, false)),
            globals: vec![0, 1],
            blocks: (0..count).map(|j| vec![2 + j]).collect(),
        }
    }
}

impl Density for Groups {
    fn dimension(&self) -> usize {
        let groups = self.y.len();
        if self.weighed { 3 + 2 * groups } else { 2 + groups }
    }

    fn log_density<D: DualNum<Primitive = f64> + Copy>(&self, x: &[D]) -> D {
        let groups = self.y.len();
        let parts = self.parts(x);
        let weight = |j: usize| if self.weighed { x[2 + groups + j] } else { D::from(1.0) };
        parts.iter().enumerate().fold(D::from(0.0), |sum, (j, part)| sum + weight(j) * *part)
    }

    fn quantities(&self, x: &[f64]) -> Vec<f64> {
        if self.reports { x.to_vec() } else { self.parts(x) }
    }
}

/// The marginal itself, to differentiate.
struct ClosedForm(Groups);

impl Density for ClosedForm {
    fn dimension(&self) -> usize {
        2
    }

    fn log_density<D: DualNum<Primitive = f64> + Copy>(&self, x: &[D]) -> D {
        self.0.marginal(x)
    }
}

#[test]
fn the_marginal_and_its_derivatives_are_those_of_the_closed_form() {
    let (parts, truth) = (Groups::in_parts(12), Analytic(ClosedForm(Groups::new(12, false))));
    let target = Analytic(Groups::new(12, false));
    let options = Collapse::default();
    let fine = || Collapsed::new(&target, &parts, &options, 4);
    agrees(&fine(), &truth);
    // Far from an anchor and near it.
    agrees(&fine().anchored(&[0.5, 0.2]), &truth);
    agrees(&fine().anchored(&[-3.0, -1.5]), &truth);
}

/// Whether a marginal agrees with the closed form in value, gradient and Hessian.
fn agrees(fine: &Collapsed<'_, Analytic<Groups>, Analytic<Groups>>, truth: &Analytic<ClosedForm>) {
    let mut scratch = fine.workspace();
    for point in [[1.0, 0.5], [-3.0, -2.0], [8.0, 1.5], [0.0, 2.5]] {
        let (mut own, mut expected) = ([0.0; 2], [0.0; 2]);
        let value = fine.gradient(&mut scratch, &point, &mut own);
        let exact = truth.gradient(&mut (), &point, &mut expected);
        assert!((value - exact).abs() < 1e-9 * exact.abs().max(1.0), "{value} {exact}");
        for (own, expected) in own.iter().zip(&expected) {
            assert!((own - expected).abs() < 1e-7 * expected.abs().max(1.0), "{own} {expected}");
        }
        for direction in [[1.0, 0.0], [0.3, -1.2]] {
            fine.hessian_vector(&mut scratch, &point, &direction, &mut own);
            truth.hessian_vector(&mut (), &point, &direction, &mut expected);
            for (own, expected) in own.iter().zip(&expected) {
                let scale = expected.abs().max(1.0);
                assert!((own - expected).abs() < 1e-6 * scale, "{own} {expected}");
            }
        }
    }
}

#[test]
fn locals_drawn_given_globals_have_their_moments() {
    let (parts, target) = (Groups::in_parts(5), Analytic(Groups::new(5, false)));
    let options = Collapse::default();
    let fine = Collapsed::new(&target, &parts, &options, 2);
    let globals = DMatrix::from_fn(2, 500, |i, _| if i == 0 { 1.0 } else { 0.3 });
    let points = fine.complete(&globals, 4, 1);
    let model = Groups::new(5, false);
    for j in 0..5 {
        // z | y ~ N(τ (y − μ) / (s² + τ²), s² / (s² + τ²)).
        let (tau, s) = (0.3f64.exp(), model.s[j]);
        let mean = tau * (model.y[j] - 1.0) / (s * s + tau * tau);
        let sd = s / (s * s + tau * tau).sqrt();
        let row = points.row(2 + j);
        let own = row.mean();
        let own_sd = row.variance().sqrt();
        // Five standard errors of 2,000 draws that were not stratified.
        assert!((own - mean).abs() < 5.0 * sd / 2000.0f64.sqrt(), "{own} {mean}");
        assert!((own_sd / sd - 1.0).abs() < 5.0 / 4000.0f64.sqrt(), "{own_sd} {sd}");
    }
}

#[test]
fn a_fit_of_the_globals_has_the_moments_of_the_whole() {
    let reports = Groups { reports: true, ..Groups::new(12, false) };
    let (parts, target) = (Groups::in_parts(12), Analytic(reports));
    // A grid over the closed form.
    let model = Groups::new(12, false);
    let (mut total, mut sums) = (0.0, [0.0; 4]);
    for i in 0..400 {
        for j in 0..400 {
            let x = [-5.0 + 0.03 * f64::from(i), -4.0 + 0.02 * f64::from(j)];
            let weight = model.marginal(&x).exp();
            total += weight;
            for (k, x) in x.iter().enumerate() {
                sums[k] += weight * x;
                sums[2 + k] += weight * x * x;
            }
        }
    }
    let moment = |k: usize| sums[k] / total;
    for seed in 0..3 {
        let fit = fit_collapsed(&target, &parts, &Options::default(), seed, &mut |_| {}).unwrap();
        assert_eq!(fit.verdict.level, Level::Good, "{:?}", fit.verdict);
        assert_eq!(fit.draws.points.nrows(), target.dimension());
        let integrated = fit.diagnostics.integrated.unwrap();
        assert_eq!((integrated.locals, integrated.blocks), (12, 12));
        let evidence = (total * 0.03 * 0.02).ln();
        assert!((fit.log_evidence - evidence).abs() < 0.05, "{} {evidence}", fit.log_evidence);
        let weights = fit.draws.weights();
        for k in 0..2 {
            let row = fit.draws.points.row(k);
            let mean: f64 = row.iter().zip(&weights).map(|(x, w)| x * w).sum();
            let square: f64 = row.iter().zip(&weights).map(|(x, w)| x * x * w).sum();
            let sd = (moment(2 + k) - moment(k).powi(2)).sqrt();
            let own = (square - mean * mean).sqrt();
            assert!((mean - moment(k)).abs() < 0.1 * sd, "{mean} {}", moment(k));
            assert!((own / sd).ln().abs() < 0.08, "{own} {sd}");
        }
    }
}

/// λ_j ~ C⁺(0, 1), z_j ~ N(0, 1), y_j ~ N(τ λ_j z_j, 1), ln τ ~ N(0, 1): a horseshoe, whose pairs
/// (z_j, ln λ_j) are far from normal. Its point is (ln τ, z, ln λ), then the weights where it is weighed.
#[derive(Clone)]
struct Horseshoe {
    y: Vec<f64>,
    weighed: bool,
}

impl Horseshoe {
    fn new(weighed: bool) -> Self {
        Self { y: vec![0.1, -0.8, 2.2, 4.0, -6.0, 1.4], weighed }
    }

    /// ln of the density of ln λ.
    fn prior<D: DualNum<Primitive = f64> + Copy>(v: D) -> D {
        v - ((v * 2.0).exp() + 1.0).ln() + (2.0 / std::f64::consts::PI).ln()
    }

    fn parts<D: DualNum<Primitive = f64> + Copy>(&self, x: &[D]) -> Vec<D> {
        let count = self.y.len();
        let (zero, one) = (D::from(0.0), D::from(1.0));
        let own = |j: usize| {
            let (z, v) = (x[1 + j], x[1 + count + j]);
            let mean = z * (x[0] + v).exp();
            normal(z, zero, one) + Self::prior(v) + normal(D::from(self.y[j]), mean, one)
        };
        (0..count).map(own).chain([normal(x[0], zero, one)]).collect()
    }

    /// z out in closed form, ln λ by a sum over 4,000 points.
    fn marginal<D: DualNum<Primitive = f64> + Copy>(&self, x: &[D]) -> D {
        const STEP: f64 = 0.01;
        self.y.iter().fold(normal(x[0], D::from(0.0), D::from(1.0)), |sum, y| {
            let of = |k: i32| {
                let v = D::from(STEP * f64::from(k));
                let sd = (((x[0] + v) * 2.0).exp() + 1.0).sqrt();
                Self::prior(v) + normal(D::from(*y), D::from(0.0), sd)
            };
            let total = (-2000..2000).map(|k| of(k).exp()).fold(D::from(0.0), |a, b| a + b);
            sum + (total * STEP).ln()
        })
    }

    fn in_parts() -> Parts<Analytic<Horseshoe>> {
        Parts {
            weighed: Analytic(Horseshoe::new(true)),
            parts: Analytic(Horseshoe::new(false)),
            globals: vec![0],
            blocks: (0..6).map(|j| vec![1 + j, 7 + j]).collect(),
        }
    }
}

impl Density for Horseshoe {
    fn dimension(&self) -> usize {
        if self.weighed { 20 } else { 13 }
    }

    fn log_density<D: DualNum<Primitive = f64> + Copy>(&self, x: &[D]) -> D {
        let weight = |j: usize| if self.weighed { x[13 + j] } else { D::from(1.0) };
        let parts = self.parts(x);
        parts.iter().enumerate().fold(D::from(0.0), |sum, (j, part)| sum + weight(j) * *part)
    }

    fn quantities(&self, x: &[f64]) -> Vec<f64> {
        self.parts(x)
    }
}

struct HorseshoeMarginal;

impl Density for HorseshoeMarginal {
    fn dimension(&self) -> usize {
        1
    }

    fn log_density<D: DualNum<Primitive = f64> + Copy>(&self, x: &[D]) -> D {
        Horseshoe::new(false).marginal(x)
    }
}

#[test]
fn pairs_that_are_far_from_normal_are_integrated_out() {
    let (parts, truth) = (Horseshoe::in_parts(), Analytic(HorseshoeMarginal));
    let target = Analytic(Horseshoe::new(false));
    let options = Collapse::default();
    let fine = Collapsed::new(&target, &parts, &options, 3).anchored(&[-0.5]);
    let coarse = Collapsed::new(&target, &parts, &options, 0);
    let (mut scratch, mut rough) = (fine.workspace(), coarse.workspace());
    for at in [-2.5, -1.0, 0.0, 1.2] {
        let (mut own, mut expected) = ([0.0], [0.0]);
        let value = fine.gradient(&mut scratch, &[at], &mut own);
        let exact = truth.gradient(&mut (), &[at], &mut expected);
        assert!((value - exact).abs() < 4e-3, "at {at}: {value} {exact}");
        assert!((own[0] - expected[0]).abs() < 4e-3, "at {at}: {own:?} {expected:?}");
        fine.hessian_vector(&mut scratch, &[at], &[1.0], &mut own);
        truth.hessian_vector(&mut (), &[at], &[1.0], &mut expected);
        assert!((own[0] - expected[0]).abs() < 1e-2, "at {at}: {own:?} {expected:?}");
        let value = coarse.log_density(&mut rough, &[at]);
        assert!((value - exact).abs() < 0.03, "at {at}: {value} {exact}");
    }
}

#[test]
fn pairs_are_drawn_from_their_joint_density() {
    let (parts, target) = (Horseshoe::in_parts(), Analytic(Horseshoe::new(false)));
    let options = Collapse::default();
    let rule = Collapsed::new(&target, &parts, &options, 1);
    let points = rule.complete(&DMatrix::from_element(1, 1000, 0.0), 4, 1);
    for (j, y) in Horseshoe::new(false).y.into_iter().enumerate() {
        // With τ = 1 and u = λ²: z | λ, y ~ N(y λ / (1 + u), 1 / (1 + u)), and ln λ on a grid.
        let (mut total, mut shrunk, mut z_mean, mut z_square) = (0.0, 0.0, 0.0, 0.0);
        for k in -2000..2000 {
            let v = 0.01 * f64::from(k);
            let u = (2.0 * v).exp();
            let weight = (Horseshoe::prior(v) + normal(y, 0.0, (1.0 + u).sqrt())).exp();
            let mean = y * v.exp() / (1.0 + u);
            total += weight;
            shrunk += weight / (1.0 + u);
            z_mean += weight * mean;
            z_square += weight * (mean * mean + 1.0 / (1.0 + u));
        }
        let count = points.ncols() as f64;
        let own = |f: &dyn Fn(f64, f64) -> f64| {
            points.column_iter().map(|x| f(x[1 + j], x[7 + j])).sum::<f64>() / count
        };
        // Five standard errors of 4,000 independent draws; every shrinkage is in (0, 1).
        let kappa = own(&|_, v| 1.0 / (1.0 + (2.0 * v).exp()));
        assert!((kappa - shrunk / total).abs() < 5.0 * 0.4 / count.sqrt(), "{j}: {kappa}");
        let (mean, square) = (z_mean / total, z_square / total);
        let sd = (square - mean * mean).sqrt();
        let found = own(&|z, _| z);
        assert!((found - mean).abs() < 5.0 * sd / count.sqrt(), "{j}: {found} {mean}");
        let found = (own(&|z, _| z * z) - found * found).sqrt();
        assert!((found / sd - 1.0).abs() < 0.08, "{j}: {found} {sd}");
    }
}

//! Targets with known answers, differentiated exactly by dual numbers.

use nalgebra::{DMatrix, DVector};
use num_dual::{Dual64, DualNum, HyperDual64};
use vippl::inference::{LogDensity, Target};

/// A density written once over every number type.
pub trait Density: Sync {
    fn dimension(&self) -> usize;
    fn log_density<D: DualNum<Primitive = f64> + Copy>(&self, x: &[D]) -> D;
    /// The quantities of interest; by default the coordinates themselves.
    fn quantities(&self, x: &[f64]) -> Vec<f64> {
        x.to_vec()
    }
}

/// The target of a density: one forward pass per partial derivative.
pub struct Analytic<M>(pub M);

impl<M: Density> LogDensity for Analytic<M> {
    type Workspace = ();

    fn dimension(&self) -> usize {
        self.0.dimension()
    }

    fn workspace(&self) {}

    fn log_density(&self, (): &mut (), point: &[f64]) -> f64 {
        self.0.log_density(point)
    }

    fn gradient(&self, (): &mut (), point: &[f64], gradient: &mut [f64]) -> f64 {
        let mut x: Vec<Dual64> = point.iter().map(|&x| x.into()).collect();
        for (index, partial) in gradient.iter_mut().enumerate() {
            x[index] = x[index].derivative();
            *partial = self.0.log_density(&x).eps;
            x[index] = point[index].into();
        }
        self.0.log_density(point)
    }

    fn hessian_vector(&self, (): &mut (), point: &[f64], direction: &[f64], product: &mut [f64]) {
        let lift = |(&x, &v): (&f64, &f64)| HyperDual64::new(x, v, 0.0, 0.0);
        let mut x: Vec<HyperDual64> = point.iter().zip(direction).map(lift).collect();
        for (index, entry) in product.iter_mut().enumerate() {
            x[index] = x[index].derivative2();
            *entry = self.0.log_density(&x).eps1eps2;
            x[index].eps2 = 0.0;
        }
    }
}

impl<M: Density> Target for Analytic<M> {
    fn quantity_count(&self) -> usize {
        self.0.quantities(&vec![0.0; self.0.dimension()]).len()
    }

    fn quantities(&self, (): &mut (), point: &[f64], out: &mut [f64]) {
        out.copy_from_slice(&self.0.quantities(point));
    }
}

/// N(m, P⁻¹), normalised.
pub struct Gaussian {
    pub mean: DVector<f64>,
    pub precision: DMatrix<f64>,
    pub covariance: DMatrix<f64>,
}

impl Gaussian {
    /// A rotated diagonal covariance with eigenvalues from κ^(−½) to κ^(½), and mean j/d.
    pub fn of_condition(dimension: usize, condition: f64) -> Self {
        let angle = |i: usize, j: usize| ((i * dimension + j) as f64 * 1.7).sin();
        let rotation = DMatrix::from_fn(dimension, dimension, angle).qr().q();
        let exponent = |i: usize| i as f64 / (dimension - 1) as f64 - 0.5;
        let values = DVector::from_fn(dimension, |i, _| condition.powf(exponent(i)));
        let covariance = &rotation * DMatrix::from_diagonal(&values) * rotation.transpose();
        let inverse = DMatrix::from_diagonal(&values.map(f64::recip));
        let precision = &rotation * inverse * rotation.transpose();
        let mean = DVector::from_fn(dimension, |i, _| i as f64 / dimension as f64);
        Self { mean, precision, covariance }
    }

    /// Two coordinates of unit variance and correlation ρ.
    pub fn correlated(rho: f64) -> Self {
        let covariance = DMatrix::from_row_slice(2, 2, &[1.0, rho, rho, 1.0]);
        let precision = DMatrix::from_row_slice(2, 2, &[1.0, -rho, -rho, 1.0]) / (1.0 - rho * rho);
        Self { mean: DVector::from_vec(vec![3.0, -2.0]), precision, covariance }
    }

    fn log_normalizer(&self) -> f64 {
        let half_log_det = self
            .covariance
            .clone()
            .cholesky()
            .map_or(f64::NAN, |c| c.l_dirty().diagonal().iter().map(|entry| entry.ln()).sum());
        half_log_det + 0.5 * self.mean.len() as f64 * (2.0 * std::f64::consts::PI).ln()
    }
}

/// The Gaussian target's workspace: its normalising constant.
impl LogDensity for Gaussian {
    type Workspace = f64;

    fn dimension(&self) -> usize {
        self.mean.len()
    }

    fn workspace(&self) -> f64 {
        self.log_normalizer()
    }

    fn log_density(&self, constant: &mut f64, point: &[f64]) -> f64 {
        let off = DVector::from_column_slice(point) - &self.mean;
        -0.5 * off.dot(&(&self.precision * &off)) - *constant
    }

    fn gradient(&self, constant: &mut f64, point: &[f64], gradient: &mut [f64]) -> f64 {
        let off = DVector::from_column_slice(point) - &self.mean;
        let slope = -(&self.precision * &off);
        gradient.copy_from_slice(slope.as_slice());
        0.5 * off.dot(&slope) - *constant
    }

    fn hessian_vector(&self, _: &mut f64, _: &[f64], direction: &[f64], product: &mut [f64]) {
        let image = -(&self.precision * DVector::from_column_slice(direction));
        product.copy_from_slice(image.as_slice());
    }
}

impl Target for Gaussian {
    fn quantity_count(&self) -> usize {
        self.mean.len()
    }

    fn quantities(&self, _: &mut f64, point: &[f64], out: &mut [f64]) {
        out.copy_from_slice(point);
    }
}

fn normal<D: DualNum<Primitive = f64> + Copy>(x: D, mean: D, scale: D) -> D {
    let z = (x - mean) / scale;
    z * z * -0.5 - scale.ln() - 0.5 * (2.0 * std::f64::consts::PI).ln()
}

const SCHOOL_EFFECT: [f64; 8] = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0];
const SCHOOL_ERROR: [f64; 8] = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];

/// The posterior means of θ₁ … θ₈, μ, τ: eight_schools.py.
pub const SCHOOL_MEAN: [f64; 10] = [
    6.211884, 4.940178, 3.927004, 4.757098, 3.615477, 4.042613, 6.296724, 4.854253, 4.396821,
    3.597705,
];
/// Their posterior sds: eight_schools.py.
pub const SCHOOL_SD: [f64; 10] = [
    5.593126, 4.674268, 5.262615, 4.780297, 4.657453, 4.826866, 5.077849, 5.290801, 3.317704,
    3.219958,
];
/// The log evidence: eight_schools.py.
pub const SCHOOL_EVIDENCE: f64 = -31.311347352295606;

/// The eight schools (Rubin, 1981): coordinates θ or its standardised effects, then μ, ln τ.
pub struct EightSchools {
    pub centred: bool,
}

impl Density for EightSchools {
    fn dimension(&self) -> usize {
        10
    }

    fn log_density<D: DualNum<Primitive = f64> + Copy>(&self, x: &[D]) -> D {
        let (mu, log_tau) = (x[8], x[9]);
        let tau = log_tau.exp();
        let scaled = tau / 5.0;
        let half_cauchy = -(scaled * scaled).ln_1p() + (2.0 / (5.0 * std::f64::consts::PI)).ln();
        let mut total = half_cauchy + log_tau + normal(mu, D::zero(), D::from(5.0));
        for school in 0..8 {
            let theta = if self.centred { x[school] } else { mu + tau * x[school] };
            total += if self.centred {
                normal(theta, mu, tau)
            } else {
                normal(x[school], D::zero(), D::one())
            };
            let error = D::from(SCHOOL_ERROR[school]);
            total += normal(D::from(SCHOOL_EFFECT[school]), theta, error);
        }
        total
    }

    fn quantities(&self, x: &[f64]) -> Vec<f64> {
        let (mu, tau) = (x[8], x[9].exp());
        let theta = |&x: &f64| if self.centred { x } else { mu + tau * x };
        x[..8].iter().map(theta).chain([mu, tau]).collect()
    }
}

/// Neal's funnel: v ~ N(0, 3), x_i ~ N(0, exp(v/2)). Exact: mean 0, sd 3 and e^(9/4).
pub struct Funnel(pub usize);

impl Density for Funnel {
    fn dimension(&self) -> usize {
        self.0
    }

    fn log_density<D: DualNum<Primitive = f64> + Copy>(&self, x: &[D]) -> D {
        let scale = (x[0] * 0.5).exp();
        let above = normal(x[0], D::zero(), D::from(3.0));
        x[1..].iter().fold(above, |total, &x| total + normal(x, D::zero(), scale))
    }
}

/// 0.3 N(+s e₁, I) + 0.7 N(−s e₁, I).
pub struct Bimodal {
    pub dimension: usize,
    pub half_distance: f64,
}

impl Density for Bimodal {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn log_density<D: DualNum<Primitive = f64> + Copy>(&self, x: &[D]) -> D {
        let at = |centre: f64| normal(x[0], D::from(centre), D::one());
        let (a, b) = (at(self.half_distance) + 0.3f64.ln(), at(-self.half_distance) + 0.7f64.ln());
        let high = if a.re() > b.re() { a } else { b };
        let mixture = high + ((a - high).exp() + (b - high).exp()).ln();
        x[1..].iter().fold(mixture, |total, &x| total + normal(x, D::zero(), D::one()))
    }
}

/// x ~ N(0, s), y ~ N(b (x² − s²), 1). Exact: means 0, sds s and √(1 + 2 b² s⁴).
pub struct Banana {
    pub scale: f64,
    pub bend: f64,
}

impl Density for Banana {
    fn dimension(&self) -> usize {
        2
    }

    fn log_density<D: DualNum<Primitive = f64> + Copy>(&self, x: &[D]) -> D {
        let centre = (x[0] * x[0] - self.scale * self.scale) * self.bend;
        normal(x[0], D::zero(), D::from(self.scale)) + normal(x[1], centre, D::one())
    }
}

pub const COVARIATE: [f64; 8] = [-1.5, -1.0, -0.6, -0.1, 0.2, 0.7, 1.1, 1.9];
const SUCCESS: [f64; 8] = [0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0];
const COUNT: [f64; 8] = [0.0, 1.0, 1.0, 2.0, 1.0, 4.0, 5.0, 11.0];

/// A regression with α, β ~ N(0, 2.5), up to the likelihood's constant.
pub enum Regression {
    /// y ~ bernoulli(logistic(α + β x))
    Logistic,
    /// y ~ poisson(exp(α + β x)), without −ln y!
    Poisson,
}

impl Density for Regression {
    fn dimension(&self) -> usize {
        2
    }

    fn log_density<D: DualNum<Primitive = f64> + Copy>(&self, x: &[D]) -> D {
        let prior = |x: D| normal(x, D::zero(), D::from(2.5));
        let mut total = prior(x[0]) + prior(x[1]);
        for row in 0..COVARIATE.len() {
            let eta = x[0] + x[1] * COVARIATE[row];
            total += match self {
                Regression::Logistic => eta * SUCCESS[row] - eta.exp().ln_1p(),
                Regression::Poisson => eta * COUNT[row] - eta.exp(),
            };
        }
        total
    }
}

/// A density that is not a number anywhere.
pub struct Nowhere;

impl Density for Nowhere {
    fn dimension(&self) -> usize {
        2
    }

    fn log_density<D: DualNum<Primitive = f64> + Copy>(&self, x: &[D]) -> D {
        x[0] * f64::NAN
    }
}

//! Hand-written loops: value and gradient of the rows of a likelihood, fused, tile by tile.

use vippl::engine::{Isa, Task};
use vippl::graph::Matrix;
use vippl::math::straight::{self, Arithmetic};

const TILE: usize = Matrix::TILE;

/// A loop with its data.
pub(crate) enum Loop {
    Regression(Regression),
    Groups(Groups),
    TwoParameter(TwoParameter),
    Schools(Schools),
}

impl Loop {
    /// The log likelihood, after computing its gradient.
    pub(crate) fn run(&self) -> f64 {
        match self {
            Loop::Regression(regression) => Isa::best().run(regression),
            Loop::Groups(groups) => Isa::best().run(groups),
            Loop::TwoParameter(answers) => Isa::best().run(answers),
            Loop::Schools(schools) => Isa::best().run(schools),
        }
    }
}

/// The family of a regression.
#[derive(Clone, Copy)]
pub(crate) enum Family {
    Normal,
    Logistic,
    Poisson,
    NegativeBinomial,
}

/// Outcomes with predictors.
pub(crate) struct Regression {
    x: Matrix,
    y: Vec<f64>,
    family: Family,
}

impl Regression {
    pub(crate) fn new(x: &[Vec<f64>], y: Vec<f64>, family: Family) -> Self {
        let rows = (0..y.len()).flat_map(|row| x.iter().map(move |column| column[row]));
        Regression { x: Matrix::from_rows(y.len(), x.len(), rows), y, family }
    }
}

impl Task for &Regression {
    type Output = f64;

    #[inline(always)]
    fn run<A: Arithmetic>(self) -> f64 {
        let columns = self.x.columns();
        let (beta, a, phi) = (vec![0.1; columns], 0.1, 1.5_f64);
        let (log_phi, recip) = (straight::ln::<A>(phi), 1.0 / phi);
        let mut gradient = vec![0.0; columns];
        let (mut total, mut slope_a, mut slope_phi) = (0.0, 0.0, 0.0);
        let (mut eta, mut r, mut value) = ([0.0; TILE], [0.0; TILE], [0.0; TILE]);
        for first in (0..self.y.len()).step_by(TILE) {
            let (tile, n) = self.x.tile(first);
            let y = &self.y[first..first + n];
            let (eta, r, value) = (&mut eta[..n], &mut r[..n], &mut value[..n]);
            eta.fill(a);
            for (column, b) in tile.chunks_exact(n).zip(&beta) {
                for i in 0..n {
                    eta[i] = A::fma(column[i], *b, eta[i]);
                }
            }
            match self.family {
                Family::Normal => {
                    let mut slope = [0.0; TILE];
                    let slope = &mut slope[..n];
                    for i in 0..n {
                        let z = (y[i] - eta[i]) * recip;
                        value[i] = -0.5 * z * z - log_phi;
                        r[i] = z * recip;
                        slope[i] = (z * z - 1.0) * recip;
                    }
                    slope_phi += sum(slope);
                }
                Family::Logistic => {
                    for i in 0..n {
                        let (softplus, sigmoid) = straight::softplus_and_sigmoid::<A>(eta[i]);
                        value[i] = A::fma(y[i], eta[i], -softplus);
                        r[i] = y[i] - sigmoid;
                    }
                }
                Family::Poisson => {
                    for i in 0..n {
                        let mean = straight::exp::<A>(eta[i]);
                        value[i] = A::fma(y[i], eta[i], -mean);
                        r[i] = y[i] - mean;
                    }
                }
                Family::NegativeBinomial => {
                    let mut slope = [0.0; TILE];
                    let slope = &mut slope[..n];
                    for i in 0..n {
                        let (ln_gamma, digamma) = straight::ln_gamma_and_digamma::<A>(y[i] + phi);
                        let z = eta[i] - log_phi;
                        let (softplus, sigmoid) = straight::softplus_and_sigmoid::<A>(z);
                        value[i] = ln_gamma - (y[i] + phi) * softplus + y[i] * z;
                        r[i] = y[i] - (y[i] + phi) * sigmoid;
                        slope[i] = digamma - softplus - r[i] / phi;
                    }
                    slope_phi += sum(slope);
                }
            }
            total += sum(value);
            slope_a += sum(r);
            for (g, column) in gradient.iter_mut().zip(tile.chunks_exact(n)) {
                let mut sums = [0.0; 16];
                let (x, rest_x) = column.as_chunks::<16>();
                let (s, rest_r) = r.as_chunks::<16>();
                for (x, s) in x.iter().zip(s) {
                    for i in 0..16 {
                        sums[i] = A::fma(x[i], s[i], sums[i]);
                    }
                }
                let rest: f64 = rest_x.iter().zip(rest_r).map(|(x, r)| x * r).sum();
                *g += sums.iter().sum::<f64>() + rest;
            }
        }
        total + slope_a * 1e-300 + slope_phi * 1e-300 + gradient.iter().sum::<f64>() * 1e-300
    }
}

#[inline(always)]
fn sum(xs: &[f64]) -> f64 {
    let mut sums = [0.0; 16];
    let (chunks, rest) = xs.as_chunks::<16>();
    for chunk in chunks {
        for i in 0..16 {
            sums[i] += chunk[i];
        }
    }
    sums.iter().chain(rest).sum()
}

/// Outcomes in groups with one predictor.
pub(crate) struct Groups {
    y: Vec<f64>,
    x: Vec<f64>,
    /// The rows of each group.
    ends: Vec<usize>,
}

impl Groups {
    /// Sorts the rows by group.
    pub(crate) fn new(y: Vec<f64>, x: Vec<f64>, index: Vec<usize>, groups: usize) -> Self {
        let mut order: Vec<usize> = (0..y.len()).collect();
        order.sort_by_key(|row| index[*row]);
        let ends = (0..groups).map(|g| order.partition_point(|row| index[*row] <= g)).collect();
        let sorted = |values: &[f64]| order.iter().map(|row| values[*row]).collect();
        Groups { y: sorted(&y), x: sorted(&x), ends }
    }
}

impl Task for &Groups {
    type Output = f64;

    #[inline(always)]
    fn run<A: Arithmetic>(self) -> f64 {
        let (b, scale) = (0.1, 1.0 / 1.1_f64);
        let mut alpha = vec![0.1; self.ends.len()];
        let (mut squares, mut slope_b, mut start) = (0.0, 0.0, 0);
        for (alpha, end) in alpha.iter_mut().zip(&self.ends) {
            let (y, x) = (&self.y[start..*end], &self.x[start..*end]);
            let mut sums = [[0.0; 8]; 3];
            let (ys, rest_y) = y.as_chunks::<8>();
            let (xs, rest_x) = x.as_chunks::<8>();
            for (y, x) in ys.iter().zip(xs) {
                for i in 0..8 {
                    let z = (y[i] - A::fma(b, x[i], *alpha)) * scale;
                    sums[0][i] = A::fma(z, z, sums[0][i]);
                    sums[1][i] += z;
                    sums[2][i] = A::fma(z, x[i], sums[2][i]);
                }
            }
            for (y, x) in rest_y.iter().zip(rest_x) {
                let z = (y - A::fma(b, *x, *alpha)) * scale;
                sums[0][0] = A::fma(z, z, sums[0][0]);
                sums[1][0] += z;
                sums[2][0] = A::fma(z, *x, sums[2][0]);
            }
            squares += sums[0].iter().sum::<f64>();
            *alpha = sums[1].iter().sum::<f64>() * scale;
            slope_b += sums[2].iter().sum::<f64>() * scale;
            start = *end;
        }
        -0.5 * squares + slope_b * 1e-300 + alpha.iter().sum::<f64>() * 1e-300
    }
}

/// Answers of every person to every item.
pub(crate) struct TwoParameter {
    y: Vec<f64>,
    persons: usize,
    items: usize,
}

impl TwoParameter {
    pub(crate) fn new(y: Vec<f64>, persons: usize, items: usize) -> Self {
        TwoParameter { y, persons, items }
    }
}

impl Task for &TwoParameter {
    type Output = f64;

    #[inline(always)]
    fn run<A: Arithmetic>(self) -> f64 {
        let n = self.items;
        let (a, b) = (vec![1.1; n], vec![0.1; n]);
        let (mut slope_a, mut slope_b, mut slope_theta) = (vec![0.0; n], vec![0.0; n], 0.0);
        let (mut value, mut r) = (vec![0.0; n], vec![0.0; n]);
        let mut total = 0.0;
        for person in 0..self.persons {
            let (theta, y) = (0.01 * person as f64, &self.y[person * n..(person + 1) * n]);
            for i in 0..n {
                let eta = a[i] * (theta - b[i]);
                let (softplus, sigmoid) = straight::softplus_and_sigmoid::<A>(eta);
                value[i] = A::fma(y[i], eta, -softplus);
                let s = y[i] - sigmoid;
                slope_a[i] = A::fma(s, theta - b[i], slope_a[i]);
                r[i] = s * a[i];
                slope_b[i] -= r[i];
            }
            total += sum(&value);
            slope_theta += sum(&r);
        }
        let rest = slope_a.iter().chain(&slope_b).sum::<f64>() + slope_theta;
        total + rest * 1e-300
    }
}

/// Means of eight schools and their standard errors, with standardised effects.
pub(crate) struct Schools {
    pub(crate) y: [f64; 8],
    pub(crate) error: [f64; 8],
    /// mu, ln tau and the effects.
    pub(crate) point: [f64; 10],
}

impl Task for &Schools {
    type Output = f64;

    #[inline(always)]
    fn run<A: Arithmetic>(self) -> f64 {
        let [mu, ln_tau, ..] = self.point;
        let tau = straight::exp::<A>(ln_tau);
        let (m, t) = (mu / 5.0, tau / 5.0);
        let tail = A::fma(t, t, 1.0);
        let mut gradient = [0.0; 10];
        let (mut values, mut slopes) = ([0.0; 8], [[0.0; 8]; 2]);
        for i in 0..8 {
            let effect = self.point[2 + i];
            let recip = 1.0 / self.error[i];
            let z = (self.y[i] - A::fma(tau, effect, mu)) * recip;
            values[i] = A::fma(z, z, effect * effect);
            slopes[0][i] = z * recip;
            slopes[1][i] = slopes[0][i] * effect;
            gradient[2 + i] = A::fma(slopes[0][i], tau, -effect);
        }
        gradient[0] = sum(&slopes[0]) - m / 5.0;
        gradient[1] = 1.0 + tau * (sum(&slopes[1]) - 2.0 * t / (5.0 * tail));
        let value = -0.5 * (sum(&values) + m * m) - straight::ln::<A>(tail) + ln_tau;
        std::hint::black_box(&gradient);
        value
    }
}

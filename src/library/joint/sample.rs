//! Draws of joint variates. Arguments are known to be in their supports.

use rand::{Rng, RngExt};
use rand_distr::{ChiSquared, Gamma, StandardNormal};

use super::{Extent, at, real};
use crate::math::matrix;

/// Relative size of the residual at which the system of the autoregression counts as solved.
const SOLVED: f64 = 1e-12;

fn normals(n: usize, rng: &mut impl Rng) -> Vec<f64> {
    (0..n).map(|_| rng.sample::<f64, _>(StandardNormal)).collect()
}

/// A per-element argument with a single value repeated.
pub(super) fn repeated(n: usize, argument: &[f64]) -> Vec<f64> {
    (0..n).map(|i| at(argument, i)).collect()
}

/// diag(sd) L
pub(super) fn scaled_rows(l: &[f64], sd: &[f64]) -> Vec<f64> {
    let n = l.len().isqrt();
    l.iter().enumerate().map(|(k, &v)| at(sd, k / n) * v).collect()
}

/// mean + L z
pub(super) fn normal(mean: &[f64], l: &[f64], rng: &mut impl Rng) -> Vec<f64> {
    let n = l.len().isqrt();
    let moved = matrix::multiply_lower(n, l, &normals(n, rng));
    moved.into_iter().enumerate().map(|(i, v)| at(mean, i) + v).collect()
}

/// mean + L⁻ᵀ z for a precision L Lᵀ
pub(super) fn normal_by_precision(
    n: usize,
    mean: &[f64],
    precision: &[f64],
    rng: &mut impl Rng,
) -> Vec<f64> {
    let l = matrix::cholesky(n, precision);
    let moved = matrix::solve_upper(n, &l, &normals(n, rng));
    moved.into_iter().enumerate().map(|(i, v)| at(mean, i) + v).collect()
}

/// location + L z / √(χ²/df)
pub(super) fn student_t(
    df: &[f64],
    location: &[f64],
    l: &[f64],
    rng: &mut impl Rng,
) -> Option<Vec<f64>> {
    let df = at(df, 0);
    let scale = (df / rng.sample(ChiSquared::new(df).ok()?)).sqrt();
    let moved = normal(&[0.0], l, rng);
    Some(moved.into_iter().enumerate().map(|(i, v)| at(location, i) + scale * v).collect())
}

/// Gamma variates over their sum, in logarithms: a small shape puts them below the smallest
/// number. Gamma(a) is Gamma(a + 1) U^(1/a).
pub(super) fn dirichlet(n: usize, concentration: &[f64], rng: &mut impl Rng) -> Option<Vec<f64>> {
    let mut logs = Vec::with_capacity(n);
    for k in 0..n {
        let a = at(concentration, k);
        let more: f64 = rng.sample(Gamma::new(a + 1.0, 1.0).ok()?);
        logs.push(more.ln() + (1.0 - rng.random::<f64>()).ln() / a);
    }
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = logs.iter().map(|l| (l - most).exp()).sum();
    Some(logs.iter().map(|l| (l - most).exp() / total).collect())
}

/// One binomial after the other, each of the trials and the probability that are left.
pub(super) fn multinomial(trials: f64, p: &[f64], rng: &mut impl Rng) -> Option<Vec<f64>> {
    let (mut trials, mut rest) = (trials, p.iter().sum::<f64>());
    let mut counts = Vec::with_capacity(p.len());
    for (k, &p) in p.iter().enumerate() {
        let share = if k + 1 == counts.capacity() { 1.0 } else { (p / rest).min(1.0) };
        let drawn = binomial(trials, if rest > 0.0 { share } else { 1.0 }, rng)?;
        counts.push(drawn);
        trials -= drawn;
        rest -= p;
    }
    Some(counts)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
#[expect(clippy::cast_precision_loss, reason = "at most 2⁵³ trials")]
fn binomial(trials: f64, p: f64, rng: &mut impl Rng) -> Option<f64> {
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    let whole = (trials <= LARGEST).then_some(trials as u64)?;
    Some(rng.sample(rand_distr::Binomial::new(whole, p).ok()?) as f64)
}

/// By partial correlations (Lewandowski, Kurowicka and Joe 2009, section 2.4): that of i and j
/// given all before j is 2 Beta(b, b) - 1 with b = eta + (n - 1 - j)/2, j from 1.
pub(super) fn lkj_cholesky(n: usize, eta: f64, rng: &mut impl Rng) -> Option<Vec<f64>> {
    let mut l = vec![0.0; n * n];
    for i in 0..n {
        let mut rest = 1.0_f64;
        for j in 0..i {
            let b = eta + 0.5 * (real(n) - 2.0 - real(j));
            let partial = 2.0 * rng.sample(rand_distr::Beta::new(b, b).ok()?) - 1.0;
            l[i * n + j] = partial * rest.sqrt();
            rest *= (1.0 - partial) * (1.0 + partial);
        }
        l[i * n + i] = rest.sqrt();
    }
    Some(l)
}

/// The lower triangular A of Bartlett: A Aᵀ is Wishart(df, identity). Its diagonal is the root of
/// χ² variates with df - i degrees of freedom, i from 0, and the rest is standard normal.
fn bartlett(n: usize, df: f64, rng: &mut impl Rng) -> Option<Vec<f64>> {
    let mut a = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..i {
            a[i * n + j] = rng.sample(StandardNormal);
        }
        a[i * n + i] = rng.sample(ChiSquared::new(df - real(i)).ok()?).sqrt();
    }
    Some(a)
}

/// L A Aᵀ Lᵀ for a scale L Lᵀ
pub(super) fn wishart(n: usize, df: f64, scale: &[f64], rng: &mut impl Rng) -> Option<Vec<f64>> {
    let l = matrix::cholesky(n, scale);
    let a = bartlett(n, df, rng)?;
    let columns = matrix::columns(n, &a);
    let product: Vec<_> = columns.iter().map(|c| matrix::multiply_lower(n, &l, c)).collect();
    Some(gram(n, |i, k| product[k][i]))
}

/// L A⁻ᵀ A⁻¹ Lᵀ for a scale L Lᵀ
pub(super) fn inverse_wishart(
    n: usize,
    df: f64,
    scale: &[f64],
    rng: &mut impl Rng,
) -> Option<Vec<f64>> {
    let l = matrix::cholesky(n, scale);
    let a = bartlett(n, df, rng)?;
    // Row i of L A⁻ᵀ is A⁻¹ times row i of L.
    let product: Vec<_> = l.chunks(n).map(|row| matrix::solve_lower(n, &a, row)).collect();
    Some(gram(n, |i, k| product[i][k]))
}

/// B Bᵀ of an n × n matrix
fn gram(n: usize, b: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let entry = |i, j| (0..n).map(|k| b(i, k) * b(j, k)).sum();
    (0..n * n).map(|position| entry(position / n, position % n)).collect()
}

/// L Z Kᵀ + √noise_var E for covariances L Lᵀ of the rows and K Kᵀ of the columns
pub(super) fn kronecker(
    extent: Extent,
    rows: &[f64],
    cols: &[f64],
    noise_var: f64,
    rng: &mut impl Rng,
) -> Vec<f64> {
    let (n, m) = (extent.rows, extent.columns);
    let (l, k) = (matrix::cholesky(n, rows), matrix::cholesky(m, cols));
    let across = (0..n).flat_map(|_| matrix::multiply_lower(m, &k, &normals(m, rng)));
    let across: Vec<f64> = across.collect();
    let down = matrix::columns(m, &across);
    let down: Vec<_> = down.iter().map(|column| matrix::multiply_lower(n, &l, column)).collect();
    let noise = normals(n * m, rng);
    let value = |(p, e): (usize, f64)| down[p % m][p / m] + noise_var.sqrt() * e;
    noise.into_iter().enumerate().map(value).collect()
}

/// A draw with precision Q = Σ_edges (eᵢ - eⱼ)(eᵢ - eⱼ)ᵀ + 1 1ᵀ / (soft_zero_sum n)²: the x with
/// Q x = b for a b with covariance Q. `None` where the graph is not connected: Q is singular.
pub(super) fn autoregression(
    extent: Extent,
    soft_zero_sum: f64,
    rng: &mut impl Rng,
) -> Option<Vec<f64>> {
    let n = extent.rows;
    let weight = (soft_zero_sum * real(n)).recip();
    let mut b = vec![weight * rng.sample::<f64, _>(StandardNormal); n];
    for &[i, j] in extent.edges {
        let e: f64 = rng.sample(StandardNormal);
        b[i] += e;
        b[j] -= e;
    }
    let product = |x: &[f64]| {
        let total: f64 = x.iter().sum();
        let mut y = vec![weight * weight * total; n];
        for &[i, j] in extent.edges {
            y[i] += x[i] - x[j];
            y[j] += x[j] - x[i];
        }
        y
    };
    if is_connected(extent) { conjugate_gradients(&b, product) } else { None }
}

/// Whether every element can be reached from the first.
fn is_connected(extent: Extent) -> bool {
    let mut reached = vec![false; extent.rows];
    let mut neighbours = vec![Vec::new(); extent.rows];
    for &[i, j] in extent.edges {
        neighbours[i].push(j);
        neighbours[j].push(i);
    }
    let mut pending = vec![0];
    while let Some(i) = pending.pop() {
        if !std::mem::replace(&mut reached[i], true) {
            pending.extend(&neighbours[i]);
        }
    }
    reached.into_iter().all(|reached| reached)
}

/// The x with Q x = b for a symmetric positive definite Q.
fn conjugate_gradients(b: &[f64], product: impl Fn(&[f64]) -> Vec<f64>) -> Option<Vec<f64>> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut x = vec![0.0; b.len()];
    let mut residual = b.to_vec();
    let mut direction = b.to_vec();
    let mut size = dot(b, b);
    let enough = size * SOLVED * SOLVED;
    // In exact arithmetic n steps are enough.
    for _ in 0..10 * b.len() + 100 {
        if size <= enough {
            return Some(x);
        }
        let image = product(&direction);
        let step = size / dot(&direction, &image);
        for i in 0..x.len() {
            x[i] += step * direction[i];
            residual[i] -= step * image[i];
        }
        let next = dot(&residual, &residual);
        for i in 0..x.len() {
            direction[i] = residual[i] + next / size * direction[i];
        }
        size = next;
    }
    None
}

//! Transforms of vectors and matrices, against Stan's values and the determinants of derivatives.

mod oracle;

use nalgebra::DMatrix;
use num_dual::Dual64;
use oracle::stan;
use vippl::library::joint::VectorSupport;
use vippl::math::bijector::recurrence::Run;
use vippl::math::{Bijector, VectorBijector};

const NONE: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

const SHAPES: [(VectorBijector, (f64, f64)); 10] = [
    (VectorBijector::Simplex, NONE),
    (VectorBijector::Ordered(Bijector::Identity), NONE),
    (VectorBijector::Ordered(Bijector::Lower), (-0.5, f64::INFINITY)),
    (VectorBijector::Ordered(Bijector::Upper), (f64::NEG_INFINITY, 2.0)),
    (VectorBijector::Ordered(Bijector::Interval), (-1.0, 3.0)),
    (VectorBijector::ZeroSum, NONE),
    (VectorBijector::CholeskyCorrelation, NONE),
    (VectorBijector::CholeskyFactor, NONE),
    (VectorBijector::Correlation, NONE),
    (VectorBijector::Covariance, NONE),
];

/// Coordinates of ordinary size that follow no pattern: fractions of multiples of the golden ratio.
fn coordinates(dimension: usize, size: f64) -> Vec<f64> {
    let fraction = |k: usize| ((k + 1) as f64 * 0.618_033_988_749_895).fract();
    (0..dimension).map(|k| size * (2.0 * fraction(k) - 1.0)).collect()
}

fn assert_near(got: f64, want: f64, allowed: f64, what: &str) {
    let off = (got - want).abs() / want.abs().max(1.0);
    assert!(off <= allowed, "{what}: {got}, not {want}: {off:e}");
}

#[test]
fn values_are_in_the_set_and_come_back() {
    for (shape, (lower, upper)) in SHAPES {
        for rows in 1..=6 {
            let u = coordinates(shape.dimension(rows), 2.5);
            let (x, _) = shape.constrain(&u, rows, lower, upper);
            assert_eq!(x.len(), shape.len(rows), "{shape:?} {rows}");
            let support = match shape {
                VectorBijector::Simplex => VectorSupport::Simplex,
                VectorBijector::Ordered(_) => VectorSupport::Ordered,
                VectorBijector::ZeroSum => VectorSupport::ZeroSum,
                VectorBijector::CholeskyCorrelation => VectorSupport::CholeskyCorrelation,
                VectorBijector::CholeskyFactor => VectorSupport::CholeskyFactor,
                VectorBijector::Correlation => VectorSupport::Correlation,
                VectorBijector::Covariance => VectorSupport::Covariance,
            };
            assert!(support.contains(&x), "{shape:?} {x:?}");
            assert!(x.iter().all(|&v| shape.len(rows) > rows || (v > lower && v < upper)));
            let back = shape.unconstrain(&x, rows, lower, upper);
            assert_eq!(back.len(), u.len());
            for (back, u) in back.iter().zip(&u) {
                assert_near(*back, *u, 1e-9, &format!("{shape:?} {rows}"));
            }
        }
    }
}

/// The positions of the values in which the log-Jacobian is taken.
fn free(shape: VectorBijector, rows: usize) -> Vec<usize> {
    let below = |least: usize| {
        let cells =
            move |i: usize| (0..rows).filter(move |j| j + least <= i).map(move |j| i * rows + j);
        (0..rows).flat_map(cells).collect()
    };
    match shape {
        VectorBijector::Simplex => (0..rows - 1).collect(),
        VectorBijector::Ordered(_) | VectorBijector::ZeroSum => (0..rows).collect(),
        VectorBijector::CholeskyCorrelation | VectorBijector::Correlation => below(1),
        VectorBijector::CholeskyFactor | VectorBijector::Covariance => below(0),
    }
}

#[test]
fn the_log_jacobian_is_the_logarithm_of_the_determinant() {
    for (shape, (lower, upper)) in SHAPES {
        for rows in 2..=5 {
            let u = coordinates(shape.dimension(rows), 1.5);
            let free = free(shape, rows);
            let mut jacobian = DMatrix::zeros(free.len(), u.len());
            for k in 0..u.len() {
                let mut along: Vec<Dual64> = u.iter().map(|&v| Dual64::from(v)).collect();
                along[k] = along[k].derivative();
                let (x, _) = shape.constrain(&along, rows, lower.into(), upper.into());
                for (row, &cell) in free.iter().enumerate() {
                    jacobian[(row, k)] = x[cell].eps;
                }
            }
            // Of K values on a hyperplane JᵀJ, which is the volume within it.
            let want = if free.len() == u.len() {
                jacobian.determinant().abs().ln()
            } else {
                0.5 * (jacobian.transpose() * &jacobian).determinant().ln()
            };
            let (_, got) = shape.constrain(&u, rows, lower, upper);
            assert_near(got, want, 1e-11, &format!("{shape:?} {rows}"));
        }
    }
}

#[test]
fn zero_sum_coordinates_keep_lengths() {
    let u = coordinates(6, 3.0);
    let (x, _) = VectorBijector::ZeroSum.constrain(&u, 7, 0.0, 0.0);
    let squares = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>();
    assert_near(squares(&x), squares(&u), 1e-14, "length");
    // The first coordinate is the first value against the second.
    let (x, _) = VectorBijector::ZeroSum.constrain(&[2.0, 0.0], 3, 0.0, 0.0);
    assert_near(x[0], 2.0_f64.sqrt(), 1e-15, "first");
    assert_near(x[1], -(2.0_f64.sqrt()), 1e-15, "second");
    assert_eq!(x[2], 0.0);
}

#[test]
fn the_origin_is_the_middle_of_the_set() {
    let (x, _) = VectorBijector::Simplex.constrain(&[0.0; 4], 5, 0.0, 0.0);
    x.iter().for_each(|&x| assert_near(x, 0.2, 1e-15, "simplex"));
    let interval = VectorBijector::Ordered(Bijector::Interval);
    let (x, _) = interval.constrain(&[0.0; 4], 4, 0.0, 5.0);
    for (x, want) in x.iter().zip([1.0, 2.0, 3.0, 4.0]) {
        assert_near(*x, want, 1e-14, "ordered");
    }
    let (x, _) = VectorBijector::Correlation.constrain(&[0.0; 3], 3, 0.0, 0.0);
    assert_eq!(x, [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
}

#[test]
fn far_out_nothing_is_nan() {
    for (shape, (lower, upper)) in SHAPES {
        for u in [-300.0, 300.0] {
            let (x, log_jacobian) = shape.constrain(&vec![u; shape.dimension(3)], 3, lower, upper);
            assert!(x.iter().all(|v| !v.is_nan()), "{shape:?} {u}: {x:?}");
            assert!(!log_jacobian.is_nan(), "{shape:?} {u}");
        }
    }
    let (x, log_jacobian) = VectorBijector::Simplex.constrain(&[800.0, -800.0], 3, 0.0, 0.0);
    assert_eq!(x[0], 1.0);
    assert_near(log_jacobian, -800.0 * 3.0 + 2.0_f64.ln() * 2.0, 1e-12, "simplex");
}

#[test]
fn what_does_not_fit_is_nan() {
    let (x, _) = VectorBijector::Simplex.constrain(&[0.5_f64], 3, 0.0, 0.0);
    assert!(x.iter().any(|v| v.is_nan()));
    assert!(VectorBijector::Simplex.unconstrain(&[1.0], 3, 0.0, 0.0)[0].is_nan());
    assert_eq!(VectorBijector::Simplex.constrain(&[], 1, 0.0, 0.0).0, [1.0]);
    let falling = [2.0, 1.0, 3.0];
    let ordered = VectorBijector::Ordered(Bijector::Identity);
    assert!(ordered.unconstrain(&falling, 3, 0.0, 0.0)[1].is_nan());
}

#[test]
fn steps_alone_make_the_transform() {
    let u = coordinates(4, 2.0);
    let (x, _) = VectorBijector::Simplex.constrain(&u, 5, 0.0, 0.0);
    let mut state = Run::Stick.start(0.0, 0.0);
    for (k, &u) in u.iter().enumerate() {
        let step = Run::Stick.step(u, state, (4 - k) as f64, 0.0);
        assert_eq!(step.value, x[k]);
        state = step.state;
    }
    assert_eq!(Run::Stick.last(state), Some(x[4]));
}

/// Transforms Stan's coordinates block by block and collects the log-Jacobians.
struct Walk<'a> {
    point: &'a stan::Point,
    position: usize,
    log_jacobian: f64,
}

impl Walk<'_> {
    fn take(&mut self, count: usize) -> Vec<f64> {
        let u = self.point.unconstrained[self.position..self.position + count].to_vec();
        self.position += count;
        u
    }

    /// The next vector or matrix must be `want`.
    fn vector(&mut self, shape: VectorBijector, rows: usize, lower: f64, want: &[f64]) {
        let u = self.take(shape.dimension(rows));
        let (x, log_jacobian) = shape.constrain(&u, rows, lower, f64::INFINITY);
        assert_eq!(x.len(), want.len(), "{shape:?}");
        for (x, want) in x.iter().zip(want) {
            assert_near(*x, *want, 1e-12, &format!("{shape:?}"));
        }
        self.log_jacobian += log_jacobian;
    }

    /// The next numbers, each with its own transform.
    fn numbers(&mut self, shape: Bijector, count: usize, lower: f64, upper: f64) {
        for u in self.take(count) {
            self.log_jacobian += shape.log_jacobian(u, lower, upper);
        }
    }
}

fn assert_walk(posterior: &str, walk: impl Fn(&mut Walk)) {
    for point in stan::points(posterior).into_iter().flatten() {
        let mut along = Walk { point: &point, position: 0, log_jacobian: 0.0 };
        walk(&mut along);
        assert_eq!(along.position, point.unconstrained.len(), "{posterior}");
        // Stan's log-Jacobian is a difference of log densities.
        let allowed = 1e-9 + 1e-14 * point.log_density.abs();
        assert_near(along.log_jacobian, point.log_jacobian, allowed, posterior);
    }
}

#[test]
fn ordered_vectors_are_stans() {
    assert_walk("low_dim_gauss_mix-low_dim_gauss_mix", |walk| {
        let mu = walk.point.vector("mu");
        walk.vector(VectorBijector::Ordered(Bijector::Identity), 2, 0.0, &mu);
        walk.numbers(Bijector::Lower, 2, 0.0, f64::INFINITY);
        walk.numbers(Bijector::Interval, 1, 0.0, 1.0);
    });
    assert_walk("hmm_example-hmm_example", |walk| {
        for name in ["theta1", "theta2"] {
            let theta = walk.point.vector(name);
            walk.vector(VectorBijector::Simplex, 2, 0.0, &theta);
        }
        let mu = walk.point.vector("mu");
        walk.vector(VectorBijector::Ordered(Bijector::Lower), 2, 0.0, &mu);
    });
}

#[test]
fn simplices_are_stans() {
    for (posterior, topics) in [("three_men1-ldaK2", 2), ("prideprejudice_chapter-ldaK5", 5)] {
        assert_walk(posterior, |walk| {
            let documents = walk.point.matrix("theta", 1).len();
            let words = walk.point.row("phi", 1).len();
            for i in 0..documents {
                let theta = walk.point.row("theta", i + 1);
                walk.vector(VectorBijector::Simplex, topics, 0.0, &theta);
            }
            for k in 0..topics {
                let phi = walk.point.row("phi", k + 1);
                walk.vector(VectorBijector::Simplex, words, 0.0, &phi);
            }
        });
    }
}

#[test]
fn factors_of_correlations_are_stans() {
    let factor = VectorBijector::CholeskyCorrelation;
    assert_walk("sat-hier_2pl", |walk| {
        let others = ["theta", "xi1", "xi2", "mu"].map(|name| walk.point.vector(name).len());
        walk.numbers(Bijector::Identity, others.iter().sum(), 0.0, 0.0);
        walk.numbers(Bijector::Lower, 2, 0.0, f64::INFINITY);
        let l = walk.point.matrix("L_Omega", 2);
        walk.vector(factor, 2, 0.0, &l);
    });
    assert_walk("dogs-dogs_nonhierarchical", |walk| {
        walk.numbers(Bijector::Identity, 2, 0.0, 0.0);
        walk.numbers(Bijector::Lower, 2, 0.0, f64::INFINITY);
        let l = walk.point.matrix("L_logit_ab", 2);
        walk.vector(factor, 2, 0.0, &l);
        walk.numbers(Bijector::Identity, 60, 0.0, 0.0);
    });
    assert_walk("synthetic_grid_RBF_kernels-kronecker_gp", |walk| {
        walk.numbers(Bijector::Lower, 2, 0.0, f64::INFINITY);
        let l = walk.point.matrix("L", 30);
        walk.vector(factor, 30, 0.0, &l);
        walk.numbers(Bijector::Lower, 1, 0.00001, f64::INFINITY);
    });
}

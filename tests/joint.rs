//! The joint families, covariance kernels and families of outcomes against references from their
//! definitions (`tests/oracle/joint.py`), quadrature, Stan's log densities, and moments of draws.

mod oracle;

use oracle::{number, numbers, rows, stan};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use vippl::library::Density;
use vippl::library::Support;
use vippl::library::joint::kernel::KERNELS;
use vippl::library::joint::outcome::OUTCOMES;
use vippl::library::joint::{
    ALL, Extent, JointDensity, Kernel, OutcomeDensity, VectorSupport, joint_family,
};
use vippl::math::Dual;

/// Largest error relative to max(1, |reference|): matrices with condition 10⁴ lose digits.
const VALUE: f64 = 1e-10;

fn error(got: f64, want: f64) -> f64 {
    if got == want { 0.0 } else { (got - want).abs() / want.abs().max(1.0) }
}

fn finite(cell: &str) -> Vec<f64> {
    numbers(cell).into_iter().flatten().collect()
}

fn slices(arguments: &[Vec<f64>]) -> Vec<&[f64]> {
    arguments.iter().map(Vec::as_slice).collect()
}

/// The values of a cell between bars.
fn lists(cell: &str) -> Vec<Vec<f64>> {
    cell.split('|').map(finite).collect()
}

fn density(name: &str) -> JointDensity {
    let mut every = ALL.iter().flat_map(|family| family.parameterizations).map(|p| p.density);
    every.find(|d| format!("{d:?}") == name).unwrap_or_else(|| panic!("no density {name}"))
}

#[test]
fn log_densities_agree_with_the_references() {
    let mut seen = std::collections::BTreeMap::new();
    for row in rows(include_str!("oracle/joint.csv")) {
        let density = density(row[0]);
        let size = |cell: &str| cell.parse::<usize>().expect("a size");
        let extent = Extent::matrix(size(row[1]), size(row[2]));
        let (x, arguments) = (finite(row[3]), lists(row[4]));
        let want = number(row[5]).expect("a log density");
        let got = density.log_density(extent, &x, &slices(&arguments));
        let off = error(got, want);
        assert!(off < VALUE, "{row:?}: {got}, not {want}: {off:e}");
        *seen.entry(density).or_insert(0) += 1;
        assert!(density.accepts(extent, &slices(&arguments)), "{row:?}");
        let support = density.parameterization().variate;
        assert!(support.contains(&x), "{row:?}");
    }
    for p in ALL.iter().flat_map(|family| family.parameterizations) {
        assert_eq!(p.density.parameterization().parameters.len(), p.parameters.len());
        let on_a_graph = matches!(p.density, JointDensity::Icar | JointDensity::IcarSoftZeroSum);
        assert!(on_a_graph || seen[&p.density] >= 3, "{:?}", p.density);
    }
}

#[test]
fn kernels_agree_with_the_references() {
    let every = || KERNELS.iter().flat_map(|family| family.forms);
    for row in rows(include_str!("oracle/kernels.csv")) {
        let form = every().find(|f| format!("{:?}", f.kernel) == row[0]).expect("a kernel");
        let (x, y, parameters) = (finite(row[1]), finite(row[2]), finite(row[3]));
        assert_eq!(form.parameters.len(), parameters.len());
        let want = number(row[4]).expect("a covariance");
        let got = form.kernel.covariance(&x, &y, &parameters);
        assert!(error(got, want) < 1e-14, "{row:?}: {got}");
        // A slope in the scale of distances exists also where the inputs are equal.
        let fixed = |v: &[f64]| v.iter().map(|&v| Dual::fixed(v)).collect::<Vec<_>>();
        let last = *parameters.last().expect("a parameter");
        let mut along = fixed(&parameters);
        *along.last_mut().expect("a parameter") = Dual::variable(last);
        let slope = form.kernel.covariance(&fixed(&x), &fixed(&y), &along).tangent;
        let want = number(row[5]).expect("a slope");
        assert!(error(slope, want) < 1e-12, "{row:?}: {slope}");
    }
}

#[test]
fn outcomes_agree_with_the_references() {
    let every = || OUTCOMES.iter().flat_map(|family| family.forms);
    for row in rows(include_str!("oracle/outcomes.csv")) {
        let form = every().find(|f| format!("{:?}", f.density) == row[0]).expect("a density");
        let (x, arguments) = (number(row[1]).expect("a position"), lists(row[2]));
        let want = number(row[3]).expect("a log density");
        let got = form.density.log_density(x, &slices(&arguments));
        assert!(error(got, want) < 1e-12, "{row:?}: {got}");
        assert!(form.parameters.iter().zip(&arguments).all(|(p, a)| p.support.contains(a)));
        let total: f64 =
            form.density.log_probabilities(&slices(&arguments)).iter().map(|l| l.exp()).sum();
        assert!((total - 1.0).abs() < 1e-12, "{row:?}: {total}");
    }
}

#[test]
fn probabilities_that_do_not_sum_to_one_are_not_renormalised() {
    let close = [0.5, 0.5 + 5e-9];
    let categorical = OutcomeDensity::Categorical;
    assert_eq!(categorical.log_density(0.0, &[&close]), 0.5_f64.ln());
    for p in [[0.5_f64, 0.5 + 2e-8], [0.5, 0.4], [1.5, -0.5]] {
        assert!(categorical.log_density(0.0, &[&p]).is_nan());
        let multinomial = JointDensity::MultinomialGivenTotal;
        assert!(multinomial.log_density(Extent::vector(2), &[1.0, 1.0], &[&p]).is_nan());
        assert!(categorical.draw(&[&p], &mut ChaCha8Rng::seed_from_u64(1)).is_none());
    }
    assert_eq!(categorical.log_density(7.0, &[&close]), f64::NEG_INFINITY);
    assert_eq!(categorical.log_density(0.5, &[&close]), f64::NEG_INFINITY);
}

#[test]
fn invalid_arguments_give_no_number_and_no_draw() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let pair = Extent::vector(2);
    let (x, indefinite) = ([0.1, 0.2], [1.0, 2.0, 2.0, 1.0]);
    type Case<'a> = (JointDensity, Extent<'a>, &'a [f64], &'a [&'a [f64]]);
    let cases: [Case; 8] = [
        (JointDensity::MvNormalCovariance, pair, &x, &[&[0.0], &indefinite]),
        (JointDensity::MvNormalCovariance, pair, &x, &[&[0.0, 0.0, 0.0], &indefinite]),
        (JointDensity::MvNormalCovariance, pair, &x, &[&[0.0]]),
        (JointDensity::MvNormalCovariance, Extent::vector(0), &[], &[&[], &[]]),
        (JointDensity::Dirichlet, pair, &[0.5, 0.5], &[&[-0.5]]),
        (
            JointDensity::Wishart,
            Extent::matrix(2, 2),
            &[1.0, 0.0, 0.0, 1.0],
            &[&[0.5], &[1.0, 0.0, 0.0, 1.0]],
        ),
        (JointDensity::LKJ, Extent::matrix(2, 2), &indefinite, &[&[f64::NAN]]),
        (JointDensity::LKJ, Extent::matrix(2, 3), &[0.0; 6], &[&[1.0]]),
    ];
    for (density, extent, x, arguments) in cases {
        let got = density.log_density(extent, x, arguments);
        assert!(got.is_nan(), "{density:?} {arguments:?}: {got}");
        let error = density.draw(extent, arguments, &mut rng).expect_err("no draw");
        assert_eq!(error.density, density);
    }
    let out_of_range = Extent { rows: 2, columns: 1, edges: &[[0, 2]] };
    assert!(JointDensity::Icar.log_density(out_of_range, &x, &[&[]]).is_nan());
    assert!(JointDensity::Icar.draw(pair, &[&[]], &mut rng).is_err());
}

#[test]
fn supports_refuse_what_is_outside() {
    let cases: [(VectorSupport, &[f64], &[f64]); 9] = [
        (VectorSupport::Each(Support::Positive), &[0.1, 2.0], &[0.1, 0.0]),
        (VectorSupport::Ordered, &[-1.0, 0.0], &[0.0, 0.0]),
        (VectorSupport::ZeroSum, &[1.0, -1.0 + 1e-9], &[1.0, -0.999]),
        (VectorSupport::Simplex, &[1.0, 1e-9], &[1.1, -0.1]),
        (VectorSupport::CholeskyCorrelation, &[1.0, 0.0, 0.6, 0.8], &[1.0, 0.0, 0.6, -0.8]),
        (VectorSupport::CholeskyFactor, &[2.0, 0.0, 5.0, 1.0], &[2.0, 0.1, 5.0, 1.0]),
        (VectorSupport::Correlation, &[1.0, 0.5, 0.5, 1.0], &[1.0, 1.5, 1.5, 1.0]),
        (VectorSupport::Covariance, &[4.0, 0.5, 0.5, 1.0], &[4.0, 0.5, 0.4, 1.0]),
        (VectorSupport::Counts, &[0.0, 3.0], &[0.5, 3.0]),
    ];
    for (support, inside, outside) in cases {
        assert!(support.contains(inside), "{support:?}");
        assert!(!support.contains(outside), "{support:?}");
        assert!(!support.contains(&[f64::NAN, 1.0, 1.0, 1.0]), "{support:?}");
        // Neither a square matrix nor a vector in the set.
        assert!(support.axes() == 1 || !support.contains(&inside[..3]), "{support:?}");
    }
}

#[test]
fn families_are_found_by_name() {
    assert_eq!(joint_family("MvNormal").map(|f| f.parameterizations.len()), Some(5));
    assert!(joint_family("mvnormal").is_none());
    let mut names: Vec<_> = ALL.iter().map(|f| f.name).collect();
    names.extend(KERNELS.iter().map(|f| f.name));
    names.extend(OUTCOMES.iter().map(|f| f.name));
    names.extend(vippl::library::distribution::ALL.iter().map(|f| f.name));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "a name is declared twice");
}

/// ∫ f over (low, high) by the midpoint rule after t ↦ smooth ends.
fn integral(low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let n = 60;
    let step = 1.0 / f64::from(n);
    let at = |i: i32| {
        let t = (f64::from(i) + 0.5) * step;
        // The ninth-degree step: four derivatives vanish at both ends.
        let s = t.powi(5) * (126.0 - t * (420.0 - t * (540.0 - t * (315.0 - t * 70.0))));
        let ds = 630.0 * t.powi(4) * (1.0 - t).powi(4);
        f(low + (high - low) * s) * ds * (high - low) * step
    };
    (0..n).map(at).sum()
}

#[test]
fn densities_of_small_size_integrate_to_one() {
    let dirichlet = |a: &[f64]| {
        integral(0.0, 1.0, |x| {
            integral(0.0, 1.0 - x, |y| {
                let x = [x, y, 1.0 - x - y];
                JointDensity::Dirichlet.log_density(Extent::vector(3), &x, &[a]).exp()
            })
        })
    };
    let triple = Extent::matrix(3, 3);
    let lkj_cholesky = |eta: f64| {
        integral(-1.0, 1.0, |a| {
            integral(-1.0, 1.0, |b| {
                let most = (1.0 - b * b).sqrt();
                integral(-most, most, |c| {
                    let l = [
                        1.0,
                        0.0,
                        0.0,
                        a,
                        (1.0 - a * a).sqrt(),
                        0.0,
                        b,
                        c,
                        (most * most - c * c).sqrt(),
                    ];
                    JointDensity::LKJCholesky.log_density(triple, &l, &[&[eta]]).exp()
                })
            })
        })
    };
    let lkj = |eta: f64| {
        let pair = Extent::matrix(2, 2);
        integral(-1.0, 1.0, |r| {
            JointDensity::LKJ.log_density(pair, &[1.0, r, r, 1.0], &[&[eta]]).exp()
        })
    };
    // s and t are variances, r a correlation: covariance r √(s t).
    let on_covariances = |density: JointDensity, df: f64, scale: &[f64]| {
        let pair = Extent::matrix(2, 2);
        integral(0.0, 1.0, |u| {
            integral(0.0, 1.0, |v| {
                integral(-1.0, 1.0, |r| {
                    let (s, t) = (u / (1.0 - u), v / (1.0 - v));
                    let root = (s * t).sqrt();
                    let volume = root / ((1.0 - u) * (1.0 - v)).powi(2);
                    let x = [s, r * root, r * root, t];
                    density.log_density(pair, &x, &[&[df], scale]).exp() * volume
                })
            })
        })
    };
    let totals = [
        dirichlet(&[2.0, 3.5, 1.5]),
        dirichlet(&[1.0]),
        lkj_cholesky(1.0),
        lkj_cholesky(2.5),
        lkj(0.8),
        lkj(4.0),
        on_covariances(JointDensity::Wishart, 4.0, &[0.5, 0.1, 0.1, 0.3]),
        on_covariances(JointDensity::InvWishart, 5.0, &[1.0, -0.4, -0.4, 2.0]),
    ];
    for (i, total) in totals.into_iter().enumerate() {
        assert!((total - 1.0).abs() < 1e-6, "case {i}: {total}");
    }
}

#[test]
fn masses_of_all_counts_sum_to_one() {
    let n = 7;
    let cases: [(JointDensity, &[&[f64]]); 2] = [
        (JointDensity::MultinomialTrials, &[&[7.0], &[0.5, 0.2, 0.3]]),
        (JointDensity::DirichletMultinomialTrials, &[&[7.0], &[0.5, 2.0, 3.0]]),
    ];
    for (density, arguments) in cases {
        let mut total = 0.0;
        for a in 0..=n {
            for b in 0..=n - a {
                let x = [a, b, n - a - b].map(f64::from);
                total += density.log_density(Extent::vector(3), &x, arguments).exp();
            }
        }
        assert!((total - 1.0).abs() < 1e-12, "{density:?}: {total}");
        let short = density.log_density(Extent::vector(3), &[1.0, 2.0, 3.0], arguments);
        assert_eq!(short, f64::NEG_INFINITY);
    }
}

#[test]
fn neighbours_are_compared_over_every_edge() {
    let edges = [[0, 1], [1, 2], [2, 0], [2, 3]];
    let extent = Extent { rows: 4, columns: 1, edges: &edges };
    let x = [0.5, -1.0, 2.0, 2.5];
    // (1.5² + 3² + 1.5² + 0.5²) / 2
    let pairs = -0.5 * (2.25 + 9.0 + 2.25 + 0.25);
    assert_eq!(JointDensity::Icar.log_density(extent, &x, &[&[]]), pairs);
    let soft = JointDensity::IcarSoftZeroSum.log_density(extent, &x, &[&[], &[0.1]]);
    let sum = Density::Normal.log_density(4.0, &[0.0, 0.4]);
    assert!(error(soft, pairs + sum) < 1e-15);
}

/// Every comparison is at six standard errors, 2e-9 under the normal law: with at most 500
/// comparisons and heavier tails than the normal allowed for, a family-wise rate below 1e-4.
const ERRORS: f64 = 6.0;
const DRAWS: usize = 20_000;

/// A function of a draw and its expectation.
type Expectation<'a> = (&'a dyn Fn(&[f64]) -> f64, f64);

/// Compares the averages of functions of the draws with their expectations.
fn assert_means(
    what: &str,
    (density, extent): (JointDensity, Extent),
    arguments: &[&[f64]],
    functions: &[Expectation],
) {
    let mut rng = ChaCha8Rng::seed_from_u64(20_240_511);
    let draws: Vec<Vec<f64>> =
        (0..DRAWS).map(|_| density.draw(extent, arguments, &mut rng).expect("a draw")).collect();
    let support = density.parameterization().variate;
    assert!(draws.iter().all(|x| support.contains(x)), "{what}");
    let n = DRAWS as f64;
    for (i, (f, want)) in functions.iter().enumerate() {
        let mean = draws.iter().map(|x| f(x)).sum::<f64>() / n;
        let variance = draws.iter().map(|x| (f(x) - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let off = (mean - want).abs() / (variance / n).sqrt().max(1e-12);
        assert!(off < ERRORS, "{what}, function {i}: {mean}, not {want}: {off} errors");
    }
}

#[test]
fn draws_of_proportions_and_counts_have_the_moments_of_their_families() {
    let three = Extent::vector(3);
    let (a, total) = ([0.5, 2.0, 3.5], 6.0);
    let variance = |k: usize| a[k] * (total - a[k]) / (total * total * (total + 1.0));
    let mean = |k: usize| a[k] / total;
    let concentration: &[f64] = &a;
    assert_means(
        "Dirichlet",
        (JointDensity::Dirichlet, three),
        &[concentration],
        &[
            (&|x| x[0], mean(0)),
            (&|x| x[2], mean(2)),
            (&|x| (x[0] - mean(0)).powi(2), variance(0)),
            (&|x| (x[1] - mean(1)).powi(2), variance(1)),
            (&|x| x[0] * x[1], a[0] * a[1] / (total * (total + 1.0))),
        ],
    );
    assert_means(
        "small Dirichlet",
        (JointDensity::Dirichlet, three),
        &[&[1e-4]],
        &[(&|x| x[0], 1.0 / 3.0), (&|x| x[1] * x[1], 1.0001 / 3.0 / 1.0003)],
    );
    let (n, p) = (9.0, [0.2, 0.5, 0.3]);
    assert_means(
        "Multinomial",
        (JointDensity::MultinomialTrials, three),
        &[&[n], &p],
        &[
            (&|x| x[0], n * p[0]),
            (&|x| x[2], n * p[2]),
            (&|x| (x[1] - n * p[1]).powi(2), n * p[1] * (1.0 - p[1])),
            (&|x| (x[0] - n * p[0]) * (x[2] - n * p[2]), -n * p[0] * p[2]),
            (&|x| x.iter().sum(), n),
        ],
    );
    let more = (n + total) / (1.0 + total);
    let family = JointDensity::DirichletMultinomialTrials;
    assert_means(
        "DirichletMultinomial",
        (family, three),
        &[&[n], concentration],
        &[
            (&|x| x[1], n * mean(1)),
            (&|x| (x[1] - n * mean(1)).powi(2), n * mean(1) * (1.0 - mean(1)) * more),
            (&|x| x.iter().sum(), n),
        ],
    );
}

#[test]
fn draws_of_normal_and_t_vectors_have_the_covariance_in_every_form() {
    let mean = [1.0, -2.0];
    // sd 2 and 0.5, correlation 0.6
    let cov = [4.0, 0.6, 0.6, 0.25];
    let chol = [2.0, 0.0, 0.3, 0.4];
    let determinant = 4.0 * 0.25 - 0.36;
    let precision = [0.25 / determinant, -0.6 / determinant, -0.6 / determinant, 4.0 / determinant];
    let (sd, corr, corr_chol) = ([2.0, 0.5], [1.0, 0.6, 0.6, 1.0], [1.0, 0.0, 0.6, 0.8]);
    let forms: [(JointDensity, Vec<&[f64]>); 5] = [
        (JointDensity::MvNormalCovariance, vec![&mean, &cov]),
        (JointDensity::MvNormalCholesky, vec![&mean, &chol]),
        (JointDensity::MvNormalPrecision, vec![&mean, &precision]),
        (JointDensity::MvNormalCorrelation, vec![&mean, &sd, &corr]),
        (JointDensity::MvNormalCorrelationCholesky, vec![&mean, &sd, &corr_chol]),
    ];
    let t = [
        (JointDensity::MvStudentTScale, vec![&[10.0][..], &mean, &cov]),
        (JointDensity::MvStudentTCholesky, vec![&[10.0], &mean, &chol]),
        (JointDensity::MvStudentTCorrelation, vec![&[10.0], &mean, &sd, &corr]),
        (JointDensity::MvStudentTCorrelationCholesky, vec![&[10.0], &mean, &sd, &corr_chol]),
    ];
    for (i, (density, arguments)) in forms.into_iter().chain(t).enumerate() {
        let by = if i < 5 { 1.0 } else { 10.0 / 8.0 };
        assert_means(
            &format!("{density:?}"),
            (density, Extent::vector(2)),
            &arguments,
            &[
                (&|x| x[0], 1.0),
                (&|x| x[1], -2.0),
                (&|x| (x[0] - 1.0).powi(2), 4.0 * by),
                (&|x| (x[1] + 2.0).powi(2), 0.25 * by),
                (&|x| (x[0] - 1.0) * (x[1] + 2.0), 0.6 * by),
            ],
        );
    }
}

#[test]
fn draws_of_correlations_have_beta_margins() {
    // Every correlation is 2 Beta(b, b) - 1 with b = eta - 1 + n/2: variance 1 / (2 b + 1), fourth
    // moment 3 / ((2 b + 1)(2 b + 3)).
    let (n, eta) = (4, 1.5);
    let b = eta - 1.0 + 2.0;
    let (second, fourth) = (1.0 / (2.0 * b + 1.0), 3.0 / ((2.0 * b + 1.0) * (2.0 * b + 3.0)));
    let extent = Extent::matrix(n, n);
    let entry = |i: usize, j: usize| move |x: &[f64]| x[i * n + j];
    assert_means(
        "LKJ",
        (JointDensity::LKJ, extent),
        &[&[eta]],
        &[
            (&|x| entry(1, 0)(x), 0.0),
            (&|x| entry(3, 2)(x), 0.0),
            (&|x| entry(1, 0)(x).powi(2), second),
            (&|x| entry(3, 0)(x).powi(2), second),
            (&|x| entry(3, 2)(x).powi(2), second),
            (&|x| entry(3, 2)(x).powi(4), fourth),
            (&|x| entry(3, 1)(x).powi(4), fourth),
        ],
    );
    let product = |x: &[f64], i: usize, j: usize| -> f64 {
        (0..n).map(|k| x[i * n + k] * x[j * n + k]).sum()
    };
    assert_means(
        "LKJCholesky",
        (JointDensity::LKJCholesky, extent),
        &[&[eta]],
        &[
            (&|x| product(x, 1, 0).powi(2), second),
            (&|x| product(x, 3, 2).powi(2), second),
            (&|x| product(x, 3, 2).powi(4), fourth),
            (&|x| product(x, 2, 2), 1.0),
        ],
    );
}

#[test]
fn draws_of_covariances_have_their_means_and_variances() {
    let (df, v) = (19.0, [2.0, 0.5, 0.5, 1.0]);
    let pair = Extent::matrix(2, 2);
    assert_means(
        "Wishart",
        (JointDensity::Wishart, pair),
        &[&[df], &v],
        &[
            (&|x| x[0], df * v[0]),
            (&|x| x[1], df * v[1]),
            (&|x| x[3], df * v[3]),
            (&|x| (x[0] - df * v[0]).powi(2), 2.0 * df * v[0] * v[0]),
            (&|x| (x[1] - df * v[1]).powi(2), df * (v[1] * v[1] + v[0] * v[3])),
        ],
    );
    let m = df - 3.0;
    // With p = 2, m = df - p - 1: ((m + 2) s₀₁² + m s₀₀ s₁₁) / ((m + 1) m² (m - 2)).
    let var_0 = 2.0 * v[0] * v[0] / (m * m * (m - 2.0));
    let var_1 = ((m + 2.0) * v[1] * v[1] + m * v[0] * v[3]) / ((m + 1.0) * m * m * (m - 2.0));
    assert_means(
        "InvWishart",
        (JointDensity::InvWishart, pair),
        &[&[df], &v],
        &[
            (&|x| x[0], v[0] / m),
            (&|x| x[1], v[1] / m),
            (&|x| x[3], v[3] / m),
            (&|x| (x[0] - v[0] / m).powi(2), var_0),
            (&|x| (x[1] - v[1] / m).powi(2), var_1),
        ],
    );
}

#[test]
fn draws_of_matrices_have_the_covariances_of_rows_and_columns() {
    let (rows, cols) = ([2.0, 0.5, 0.5, 1.0], [1.0, -0.3, 0.0, -0.3, 0.5, 0.1, 0.0, 0.1, 0.8]);
    let extent = Extent::matrix(2, 3);
    let functions: [Expectation; 5] = [
        (&|x| x[4], 0.0),
        (&|x| x[0] * x[1], 2.0 * -0.3),
        (&|x| x[1] * x[4], 0.5 * 0.5),
        (&|x| x[1] * x[5], 0.5 * 0.1),
        (&|x| x[0] * x[5], 0.0),
    ];
    let own = |noise: f64| (|x: &[f64]| x[2] * x[2], 2.0 * 0.8 + noise);
    let (square, want) = own(0.0);
    let mut plain = functions.to_vec();
    plain.push((&square, want));
    assert_means("MatrixNormal", (JointDensity::MatrixNormal, extent), &[&rows, &cols], &plain);
    let (square, want) = own(0.7);
    let mut noisy = functions.to_vec();
    noisy.push((&square, want));
    let density = JointDensity::MatrixNormalNoise;
    assert_means("with noise", (density, extent), &[&rows, &cols, &[0.7]], &noisy);
}

#[test]
fn draws_on_a_connected_graph_have_the_inverse_of_the_precision() {
    // Two neighbours: x₀ - x₁ has variance 1, and x₀ + x₁ has (2 soft_zero_sum)².
    let pair = Extent { rows: 2, columns: 1, edges: &[[0, 1]] };
    let density = JointDensity::IcarSoftZeroSum;
    assert_means(
        "pair",
        (density, pair),
        &[&[], &[0.3]],
        &[
            (&|x| (x[0] - x[1]).powi(2), 1.0),
            (&|x| (x[0] + x[1]).powi(2), 0.36),
            (&|x| (x[0] - x[1]) * (x[0] + x[1]), 0.0),
        ],
    );
    // A path: the differences along it are independent standard normal variates.
    let edges: Vec<[usize; 2]> = (0..9).map(|i| [i, i + 1]).collect();
    let path = Extent { rows: 10, columns: 1, edges: &edges };
    assert_means(
        "path",
        (density, path),
        &[&[], &[0.001]],
        &[
            (&|x| (x[4] - x[5]).powi(2), 1.0),
            (&|x| (x[0] - x[9]).powi(2), 9.0),
            (&|x| (x[1] - x[0]) * (x[3] - x[2]), 0.0),
            (&|x| (x.iter().sum::<f64>() * 100.0).powi(2), 1.0),
        ],
    );
    let apart = Extent { rows: 3, columns: 1, edges: &[[0, 1]] };
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    assert!(density.draw(apart, &[&[], &[0.3]], &mut rng).is_err());
}

#[test]
fn drawn_outcomes_have_their_probabilities() {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let cases: [(OutcomeDensity, &[&[f64]]); 4] = [
        (OutcomeDensity::Categorical, &[&[0.25, 0.5, 0.0, 0.25]]),
        (OutcomeDensity::CategoricalLogit, &[&[0.0, 1.0, -1.0]]),
        (OutcomeDensity::OrderedLogistic, &[&[0.5], &[-1.0, 0.0, 2.0]]),
        (OutcomeDensity::OrderedProbit, &[&[0.5], &[-1.0, 0.0, 2.0]]),
    ];
    for (density, arguments) in cases {
        let p: Vec<f64> = density.log_probabilities(arguments).iter().map(|l| l.exp()).collect();
        let mut seen = vec![0.0; p.len()];
        for _ in 0..DRAWS {
            seen[density.draw(arguments, &mut rng).expect("a draw")] += 1.0;
        }
        for (seen, p) in seen.iter().zip(&p) {
            let sd = (DRAWS as f64 * p * (1.0 - p)).sqrt();
            let off = (seen - DRAWS as f64 * p).abs();
            assert!(off <= ERRORS * sd, "{density:?}: {seen}, p = {p}");
        }
    }
}

/// Asserts that a log density and Stan's differ by the same number at all points.
fn assert_constant_difference(posterior: &str, log_density: impl Fn(&stan::Point) -> f64) {
    let Some(points) = stan::points(posterior) else { return };
    let off: Vec<f64> = points.iter().map(|p| log_density(p) - p.log_density).collect();
    for (difference, point) in off.iter().zip(&points) {
        let allowed = 1e-8 + 1e-11 * point.log_density.abs().max(points[0].log_density.abs());
        assert!((difference - off[0]).abs() < allowed, "{posterior}: {off:?}");
    }
}

#[test]
fn a_gaussian_process_agrees_with_stan() {
    let Some(data) = stan::data("gp_pois_regr") else { return };
    let (x, y) = (stan::array(&data["x"]), stan::array(&data["y"]));
    assert_constant_difference("gp_pois_regr-gp_regr", |point| {
        let (rho, alpha, sigma) =
            (point.scalar("rho"), point.scalar("alpha"), point.scalar("sigma"));
        let n = x.len();
        let covariance: Vec<f64> = (0..n * n)
            .map(|k| {
                let (i, j) = (k / n, k % n);
                let smooth = Kernel::ExpQuad.covariance(&[x[i]], &[x[j]], &[alpha, rho]);
                if i == j { smooth + sigma } else { smooth }
            })
            .collect();
        let prior = Density::GammaShapeRate.log_density(rho, &[25.0, 4.0])
            + Density::HalfNormal.log_density(alpha, &[2.0])
            + Density::HalfNormal.log_density(sigma, &[1.0]);
        let process = JointDensity::MvNormalCovariance;
        prior + process.log_density(Extent::vector(n), &y, &[&[0.0], &covariance])
    });
}

#[test]
fn a_spatial_model_agrees_with_stan() {
    let Some(data) = stan::data("traffic_accident_nyc") else { return };
    let [y, exposure] = ["y", "E"].map(|name| stan::array(&data[name]));
    let scaling = data["scaling_factor"].as_f64().expect("a number");
    let ends = ["node1", "node2"].map(|name| stan::array(&data[name]));
    let edges: Vec<[usize; 2]> =
        ends[0].iter().zip(&ends[1]).map(|(&i, &j)| [i as usize - 1, j as usize - 1]).collect();
    assert_constant_difference("traffic_accident_nyc-bym2_offset_only", |point| {
        let [beta0, sigma, rho] = ["beta0", "sigma", "rho"].map(|name| point.scalar(name));
        let (theta, phi) = (point.vector("theta"), point.vector("phi"));
        let extent = Extent { rows: phi.len(), columns: 1, edges: &edges };
        let normal = |x: f64| Density::Normal.log_density(x, &[0.0, 1.0]);
        let prior = normal(beta0) + normal(sigma) + Density::Beta.log_density(rho, &[0.5, 0.5]);
        let spatial = JointDensity::IcarSoftZeroSum.log_density(extent, &phi, &[&[], &[0.001]]);
        let cells = (0..y.len()).map(|i| {
            let mixed = (1.0 - rho).sqrt() * theta[i] + (rho / scaling).sqrt() * phi[i];
            let log = exposure[i].ln() + beta0 + sigma * mixed;
            normal(theta[i]) + Density::PoissonLog.log_density(y[i], &[log])
        });
        prior + spatial + cells.sum::<f64>()
    });
}

#[test]
fn a_normal_matrix_with_noise_agrees_with_stan() {
    let Some(data) = stan::data("synthetic_grid_RBF_kernels") else { return };
    let x1 = stan::array(&data["x1"]);
    let y: Vec<f64> = data["y"].as_array().expect("rows").iter().flat_map(stan::array).collect();
    let n = x1.len();
    assert_constant_difference("synthetic_grid_RBF_kernels-kronecker_gp", |point| {
        let [var1, bw1, noise] = ["var1", "bw1", "sigma1"].map(|name| point.scalar(name));
        let l = point.matrix("L", n);
        let cols: Vec<f64> = (0..n * n)
            .map(|k| {
                let (i, j) = (k / n, k % n);
                let jitter = if i == j { 0.00001 } else { 0.0 };
                var1 * (-bw1 * (x1[i] - x1[j]).powi(2)).exp() + jitter
            })
            .collect();
        let rows = vippl::math::matrix::squared_lower(n, &l);
        let extent = Extent::matrix(n, n);
        let prior = JointDensity::LKJCholesky.log_density(extent, &l, &[&[2.0]])
            + Density::LogNormal.log_density(var1, &[0.0, 1.0])
            + Density::HalfCauchy.log_density(bw1, &[2.5])
            + Density::LogNormal.log_density(noise, &[0.0, 1.0]);
        let density = JointDensity::MatrixNormalNoise;
        prior + density.log_density(extent, &y, &[&rows, &cols, &[noise]])
    });
}

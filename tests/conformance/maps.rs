//! From Stan's parameters to the latents of the programs, where they are not the same.
//!
//! Most models need no entry: a latent `beta[1..3]` is Stan's `beta.1`, `beta.2`, `beta.3`.

use nalgebra::{Cholesky, DMatrix};
use std::collections::HashMap;

/// Stan's parameters at a point, by name and 1-based index, and columns of data that maps need.
#[derive(Clone)]
pub(crate) struct Parameters(pub(crate) HashMap<String, f64>);

impl Parameters {
    pub(crate) fn scalar(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or_else(|| panic!("Stan has no parameter {name}"))
    }

    /// `name.1`, `name.2`, …
    pub(crate) fn vector(&self, name: &str) -> Vec<f64> {
        (1..).map_while(|i| self.0.get(&format!("{name}.{i}")).copied()).collect()
    }

    /// The matrix of `name.1.1`, `name.2.1`, …
    pub(crate) fn matrix(&self, name: &str) -> DMatrix<f64> {
        let row = |i: usize| self.vector(&format!("{name}.{i}"));
        let rows: Vec<Vec<f64>> = (1..).map(row).take_while(|row| !row.is_empty()).collect();
        let columns = rows.first().map_or(0, Vec::len);
        DMatrix::from_row_iterator(rows.len(), columns, rows.into_iter().flatten())
    }

    /// Adds a list.
    pub(crate) fn insert(&mut self, name: &str, values: &[f64]) {
        let named = values.iter().enumerate().map(|(i, v)| (format!("{name}.{}", i + 1), *v));
        self.0.extend(named);
    }
}

/// Values of latents by name.
type Latents = Vec<(&'static str, Vec<f64>)>;

/// Names of data, each with all its values, elements of axes counted from 0.
pub(crate) const DATA: [&str; 1] = ["state_region_ind"];

/// A hand-written transformation of Stan's parameters.
pub(crate) struct Map {
    /// Latents whose names or values differ; the others keep Stan's.
    pub(crate) latents: fn(&Parameters) -> Latents,
    /// ln |d latents / d Stan's parameters|.
    pub(crate) log_jacobian: fn(&Parameters) -> f64,
}

/// Location + scale × raw, for Stan programs that are written non-centred.
fn unstandardise(p: &Parameters, raw: &str, location: &str, scale: &str) -> Vec<f64> {
    let (location, scale) = (p.scalar(location), p.scalar(scale));
    p.vector(raw).iter().map(|z| location + scale * z).collect()
}

fn scale_jacobian(p: &Parameters, raw: &str, scale: &str) -> f64 {
    p.vector(raw).len() as f64 * p.scalar(scale).ln()
}

/// The standard deviations of the coefficients of the regularised horseshoe.
fn horseshoe_scales(p: &Parameters, slab_scale: f64) -> Vec<f64> {
    let tau = p.scalar("tau");
    let c2 = slab_scale * slab_scale * p.scalar("caux");
    let scale = |l: &f64| tau * (c2 * l * l / (c2 + tau * tau * l * l)).sqrt();
    p.vector("lambda").iter().map(scale).collect()
}

/// The slab scale of both data sets of `logistic_regression_rhs`.
const SLAB_SCALE: f64 = 2.0;

fn row_major(m: &DMatrix<f64>) -> Vec<f64> {
    m.transpose().as_slice().to_vec()
}

/// The matrix of a name in row order.
fn matrix(p: &Parameters, name: &str) -> Vec<f64> {
    row_major(&p.matrix(name))
}

/// A vector of sum 0, all but the last of which Stan has.
fn summing_to_zero(p: &Parameters, free: &str) -> Vec<f64> {
    let mut all = p.vector(free);
    all.push(-all.iter().sum::<f64>());
    all
}

/// The parts of variance of `hierarchical_gp` as standard deviations: s_k = √(17 prop_k tot_var).
fn deviations(p: &Parameters) -> Vec<f64> {
    let total = p.scalar("tot_var");
    p.vector("prop_var").iter().map(|part| (17.0 * part * total).sqrt()).collect()
}

/// The standard deviation of each state of `hierarchical_gp`, by its region.
fn state_deviations(p: &Parameters) -> Vec<f64> {
    let s = deviations(p);
    p.vector("state_region_ind").iter().map(|region| s[2 + *region as usize]).collect()
}

/// The lower Cholesky factor of the covariance of the years for regions or states: two exponentiated
/// quadratic kernels and 10⁻⁶ on the diagonal. `first` is the position of the long kernel's sd,
/// that of the short one is two more.
fn years_factor(p: &Parameters, what: &str, first: usize) -> DMatrix<f64> {
    let s = deviations(p);
    let years = p.matrix("GP_region_std").nrows();
    let kernel = |sd: f64, length: &str, i: usize, j: usize| {
        let distance = (i as f64 - j as f64) / p.scalar(&format!("length_GP_{what}_{length}"));
        sd * sd * (-0.5 * distance * distance).exp()
    };
    let covariance = DMatrix::from_fn(years, years, |i, j| {
        let jitter = if i == j { 1e-6 } else { 0.0 };
        kernel(s[first], "long", i, j) + kernel(s[first + 2], "short", i, j) + jitter
    });
    Cholesky::new(covariance).expect("positive definite").unpack()
}

/// The processes L Z of `hierarchical_gp`, in order of regions or states, then years.
fn processes(p: &Parameters, what: &str, first: usize) -> Vec<f64> {
    let standard = p.matrix(&format!("GP_{what}_std"));
    (years_factor(p, what, first) * standard).as_slice().to_vec()
}

fn scaled(p: &Parameters, raw: &str, scales: &[f64]) -> Vec<f64> {
    p.vector(raw).iter().zip(scales).map(|(z, s)| z * s).collect()
}

fn hierarchical_gp(p: &Parameters) -> Latents {
    let s = deviations(p);
    let constant = |raw: &str, scale: f64| scaled(p, raw, &vec![scale; p.vector(raw).len()]);
    vec![
        ("prop", p.vector("prop_var")),
        ("long_region", vec![p.scalar("length_GP_region_long")]),
        ("long_state", vec![p.scalar("length_GP_state_long")]),
        ("short_region", vec![p.scalar("length_GP_region_short")]),
        ("short_state", vec![p.scalar("length_GP_state_short")]),
        ("year_re", constant("year_std", s[0])),
        ("region_re", constant("region_std", s[1])),
        ("state_re", scaled(p, "state_std", &state_deviations(p))),
        ("gp_region", processes(p, "region", 12)),
        ("gp_state", processes(p, "state", 13)),
    ]
}

/// Every column of a process is L times a standardised one.
fn hierarchical_gp_jacobian(p: &Parameters) -> f64 {
    let s = deviations(p);
    let log_volume = |what: &str, first: usize| {
        let columns = p.matrix(&format!("GP_{what}_std")).ncols() as f64;
        columns * years_factor(p, what, first).diagonal().map(f64::ln).sum()
    };
    let effects = p.vector("year_std").len() as f64 * s[0].ln()
        + p.vector("region_std").len() as f64 * s[1].ln()
        + state_deviations(p).iter().map(|s| s.ln()).sum::<f64>();
    effects + log_volume("region", 12) + log_volume("state", 13)
}

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

/// The map of a model, if it needs one.
pub(crate) fn map(model: &str) -> Option<Map> {
    let alpha = Map {
        latents: |p| vec![("alpha", unstandardise(p, "alpha_raw", "mu_alpha", "sigma_alpha"))],
        log_jacobian: |p| scale_jacobian(p, "alpha_raw", "sigma_alpha"),
    };
    match model {
        "hmm_drive_0" | "hmm_example" => Some(Map {
            latents: |p| vec![("P", [p.vector("theta1"), p.vector("theta2")].concat())],
            log_jacobian: |_| 0.0,
        }),
        "lotka_volterra" => Some(Map {
            latents: |p| {
                let theta = p.vector("theta");
                let names = ["alpha", "beta", "gamma", "delta"];
                names.iter().zip(&theta).map(|(name, x)| (*name, vec![*x])).collect()
            },
            log_jacobian: |_| 0.0,
        }),
        "dogs_log" => Some(Map {
            latents: |p| {
                let beta = p.vector("beta");
                vec![("beta1", vec![beta[0]]), ("beta2", vec![beta[1]])]
            },
            log_jacobian: |_| 0.0,
        }),
        "Mh_model" => Some(Map {
            latents: |p| {
                let (location, scale) = (logit(p.scalar("mean_p")), p.scalar("sigma"));
                let eps = p.vector("eps_raw").iter().map(|z| location + scale * z).collect();
                vec![("eps", eps)]
            },
            log_jacobian: |p| scale_jacobian(p, "eps_raw", "sigma"),
        }),
        "Mtbh_model" => Some(Map {
            latents: |p| {
                let scale = p.scalar("sigma");
                vec![("eps", p.vector("eps_raw").iter().map(|z| scale * z).collect())]
            },
            log_jacobian: |p| scale_jacobian(p, "eps_raw", "sigma"),
        }),
        "eight_schools_noncentered" => Some(Map {
            latents: |p| vec![("theta", unstandardise(p, "theta_trans", "mu", "tau"))],
            log_jacobian: |p| scale_jacobian(p, "theta_trans", "tau"),
        }),
        "radon_partially_pooled_noncentered"
        | "radon_variable_intercept_noncentered"
        | "radon_hierarchical_intercept_noncentered" => Some(alpha),
        "radon_variable_slope_noncentered" => Some(Map {
            latents: |p| vec![("beta", unstandardise(p, "beta_raw", "mu_beta", "sigma_beta"))],
            log_jacobian: |p| scale_jacobian(p, "beta_raw", "sigma_beta"),
        }),
        "dogs_nonhierarchical" => Some(Map {
            latents: |p| {
                vec![
                    ("mu", p.vector("mu_logit_ab")),
                    ("sigma", p.vector("sigma_logit_ab")),
                    ("L", matrix(p, "L_logit_ab")),
                    ("e", matrix(p, "z")),
                ]
            },
            log_jacobian: |_| 0.0,
        }),
        "hier_2pl" => Some(Map {
            latents: |p| {
                let columns = p.vector("xi1").into_iter().zip(p.vector("xi2"));
                vec![
                    ("L", matrix(p, "L_Omega")),
                    ("xi", columns.flat_map(|(a, b)| [a, b]).collect()),
                ]
            },
            log_jacobian: |_| 0.0,
        }),
        "2pl_latent_reg_irt" => Some(Map {
            latents: |p| {
                vec![("beta", summing_to_zero(p, "beta_free")), ("coef", p.vector("lambda_adj"))]
            },
            log_jacobian: |_| 0.0,
        }),
        "grsm_latent_reg_irt" => Some(Map {
            latents: |p| {
                vec![
                    ("beta", summing_to_zero(p, "beta_free")),
                    ("kappa", summing_to_zero(p, "kappa_free")),
                    ("coef", p.vector("lambda_adj")),
                ]
            },
            log_jacobian: |_| 0.0,
        }),
        "hierarchical_gp" => {
            Some(Map { latents: hierarchical_gp, log_jacobian: hierarchical_gp_jacobian })
        }
        "logistic_regression_rhs" => Some(Map {
            latents: |p| {
                let scales = horseshoe_scales(p, SLAB_SCALE);
                let beta = p.vector("z").iter().zip(scales).map(|(z, s)| z * s).collect();
                vec![("beta", beta)]
            },
            log_jacobian: |p| horseshoe_scales(p, SLAB_SCALE).iter().map(|s| s.ln()).sum(),
        }),
        "wells_dist100_model" => {
            Some(Map { latents: |p| vec![("beta", p.vector("beta"))], log_jacobian: |_| 0.0 })
        }
        _ => None,
    }
}

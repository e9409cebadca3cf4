//! From Stan's parameters to the latents of the programs, where they are not the same.
//!
//! Most models need no entry: a latent `beta[1..3]` is Stan's `beta.1`, `beta.2`, `beta.3`.

use std::collections::HashMap;

/// Stan's parameters at a point, by name and 1-based index.
pub(crate) struct Parameters(pub(crate) HashMap<String, f64>);

impl Parameters {
    pub(crate) fn scalar(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or_else(|| panic!("Stan has no parameter {name}"))
    }

    /// `name.1`, `name.2`, …
    pub(crate) fn vector(&self, name: &str) -> Vec<f64> {
        (1..).map_while(|i| self.0.get(&format!("{name}.{i}")).copied()).collect()
    }
}

/// Values of latents by name.
type Latents = Vec<(&'static str, Vec<f64>)>;

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

//! Names from other languages to the ones of this library, for hints in messages.

/// Stan, R, NumPy and SciPy, PyMC, BUGS. Families of several variates are named here too, so that
/// a hint stays right when they join the library.
const SYNONYMS: &[(&str, &str)] = &[
    ("Bern", "Bernoulli"),
    ("BetaBinom", "BetaBinomial"),
    ("Bin", "Binomial"),
    ("Binom", "Binomial"),
    ("Chi2", "ChiSquare"),
    ("ChiSq", "ChiSquare"),
    ("ChiSquared", "ChiSquare"),
    ("DoubleExponential", "Laplace"),
    ("Exp", "Exponential"),
    ("ExpModNormal", "ExGaussian"),
    ("Expon", "Exponential"),
    ("Gauss", "Normal"),
    ("Gaussian", "Normal"),
    ("HalfGaussian", "HalfNormal"),
    ("HalfStudent", "HalfStudentT"),
    ("HalfT", "HalfStudentT"),
    ("HyperGeom", "HyperGeometric"),
    ("Hypergeometric", "HyperGeometric"),
    ("InverseGamma", "InvGamma"),
    ("Inv_gamma", "InvGamma"),
    ("LKJ", "LKJCholesky"),
    ("LKJCholeskyCov", "LKJCholesky"),
    ("Lognormal", "LogNormal"),
    ("MultiNormal", "MvNormal"),
    ("MultivariateNormal", "MvNormal"),
    ("MVN", "MvNormal"),
    ("NegBin", "NegBinomial"),
    ("NegativeBinomial", "NegBinomial"),
    ("NegBinomial2", "NegBinomial"),
    ("Pois", "Poisson"),
    ("Student", "StudentT"),
    ("StudentsT", "StudentT"),
    ("T", "StudentT"),
    ("Unif", "Uniform"),
    ("VonMisesFisher", "VonMises"),
    ("bern", "Bernoulli"),
    ("binom", "Binomial"),
    ("chi_square", "ChiSquare"),
    ("dbern", "Bernoulli"),
    ("dbeta", "Beta"),
    ("dbin", "Binomial"),
    ("dbinom", "Binomial"),
    ("dcauchy", "Cauchy"),
    ("dexp", "Exponential"),
    ("dgamma", "Gamma"),
    ("discrete_range", "DiscreteUniform"),
    ("dlnorm", "LogNormal"),
    ("dlogis", "Logistic"),
    ("dnbinom", "NegBinomial"),
    ("dnorm", "Normal"),
    ("double_exponential", "Laplace"),
    ("dpois", "Poisson"),
    ("dt", "StudentT"),
    ("dunif", "Uniform"),
    ("dweib", "Weibull"),
    ("dweibull", "Weibull"),
    ("exp_mod_normal", "ExGaussian"),
    ("gaussian", "Normal"),
    ("neg_binomial", "NegBinomial"),
    ("neg_binomial_2", "NegBinomial"),
    ("neg_binomial_2_log", "NegBinomial"),
    ("bernoulli_logit", "Bernoulli"),
    ("binomial_logit", "Binomial"),
    ("poisson_log", "Poisson"),
    ("inv_gamma", "InvGamma"),
    ("student_t", "StudentT"),
    ("von_mises", "VonMises"),
    ("skew_normal", "SkewNormal"),
    ("beta_binomial", "BetaBinomial"),
    ("multi_normal", "MvNormal"),
    ("lkj_corr_cholesky", "LKJCholesky"),
    ("Phi", "normal_cdf"),
    ("Phi_approx", "normal_cdf"),
    ("arccos", "acos"),
    ("arcsin", "asin"),
    ("arctan", "atan"),
    ("average", "mean"),
    ("binomial_coefficient_log", "lchoose"),
    ("ceiling", "ceil"),
    ("cumulative_sum", "cumsum"),
    ("expit", "inv_logit"),
    ("fabs", "abs"),
    ("fmax", "max"),
    ("fmin", "min"),
    ("ilogit", "inv_logit"),
    ("invlogit", "inv_logit"),
    ("len", "size"),
    ("length", "size"),
    ("lbinom", "lchoose"),
    ("ln", "log"),
    ("log1mexp", "log1m_exp"),
    ("log1pexp", "log1p_exp"),
    ("log_sum_exp", "log_add_exp"),
    ("logaddexp", "log_add_exp"),
    ("loggamma", "lgamma"),
    ("logistic", "inv_logit"),
    ("logsigmoid", "log_inv_logit"),
    ("maximum", "max"),
    ("minimum", "min"),
    ("num_elements", "size"),
    ("pnorm", "normal_cdf"),
    ("pow", "^"),
    ("power", "^"),
    ("rows", "size"),
    ("scale", "standardize"),
    ("sigmoid", "inv_logit"),
    ("softplus", "log1p_exp"),
    ("sqr", "square"),
    ("std", "sd"),
    ("stddev", "sd"),
    ("t", "transpose"),
    ("tgamma", "gamma"),
    ("zscore", "standardize"),
];

/// Endings that other languages put on the name of a density or a sampler.
const ENDINGS: &[&str] = &["_lpdf", "_lpmf", "_rng", "_lcdf", "_lccdf", "_cdf", "_log"];

/// The library's word for a name that another language uses, if it is one: `dnorm` is `Normal`,
/// `sigmoid` is `inv_logit`, `pow` is the operator `^`.
///
/// Also understands the lower-case names of Stan and PyMC, with or without an ending such as
/// `_lpdf`: `normal`, `half_cauchy_lpdf`. A name that the library itself defines has no synonym.
pub fn synonym(name: &str) -> Option<&'static str> {
    if super::family(name).is_some() || super::function(name).is_some() {
        return None;
    }
    let known = |name: &str| {
        let listed = SYNONYMS.iter().find(|(from, _)| *from == name).map(|(_, to)| *to);
        listed.or_else(|| family_ignoring_case(name))
    };
    known(name).or_else(|| ENDINGS.iter().find_map(|end| known(name.strip_suffix(end)?)))
}

/// The family whose name has the same letters, whatever their case and underscores.
fn family_ignoring_case(name: &str) -> Option<&'static str> {
    let letters = |s: &str| s.replace('_', "").to_lowercase();
    let wanted = letters(name);
    super::distribution::ALL.iter().map(|f| f.name).find(|name| letters(name) == wanted)
}

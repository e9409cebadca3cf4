//! Declarations of the families on the positive half line.

macro_rules! positive {
    ($next:ident $($rest:tt)*) => { $next! { $($rest)*
/// The gamma distribution: positive, right-skewed.
Gamma { named_only: true } = [
    /// shape ln rate - ln Γ(shape) + (shape - 1) ln x - rate x
    GammaShapeRate(
        /// the shape; the coefficient of variation is 1 / √shape
        shape: Positive,
        /// the inverse scale; the mean is shape / rate
        rate: Positive
    ) on Positive;
    log_density(x) { gamma(shape, rate, x) }
    sample(rng) { rng.sample(rand_distr::Gamma::new(shape, 1.0 / rate).ok()?) }
    moments { (shape / rate, shape / (rate * rate)) }
    ln_cdf(x) { ln_incomplete_gamma(shape, rate * x).0 }
    ln_survival(x) { ln_incomplete_gamma(shape, rate * x).1 }

    /// -shape ln scale - ln Γ(shape) + (shape - 1) ln x - x / scale
    GammaShapeScale(
        /// the shape; the coefficient of variation is 1 / √shape
        shape: Positive,
        /// the scale; the mean is shape scale
        scale: Positive
    ) on Positive;
    log_density(x) {
        let shape = positive(shape);
        (shape - 1.0) * x.ln() - shape.ln_gamma() - shape * scale.ln() - x / scale
    }
    sample(rng) { rng.sample(rand_distr::Gamma::new(shape, scale).ok()?) }
    moments { (shape * scale, shape * scale * scale) }
    ln_cdf(x) { ln_incomplete_gamma(shape, x / scale).0 }
    ln_survival(x) { ln_incomplete_gamma(shape, x / scale).1 }

    /// Gamma(shape, rate) with rate = shape / mean
    GammaMeanShape(
        /// the mean
        mean: Positive,
        /// the shape; the coefficient of variation is 1 / √shape
        shape: Positive
    ) on Positive;
    log_density(x) { gamma(shape, shape / mean, x) }
    sample(rng) { rng.sample(rand_distr::Gamma::new(shape, mean / shape).ok()?) }
    moments { (mean, mean * mean / shape) }
    ln_cdf(x) { ln_incomplete_gamma(shape, shape * x / mean).0 }
    ln_survival(x) { ln_incomplete_gamma(shape, shape * x / mean).1 }
]

/// The distribution of the reciprocal of a gamma variate.
InvGamma {} = [
    /// shape ln scale - ln Γ(shape) - (shape + 1) ln x - scale / x
    InvGamma(
        /// the shape
        shape: Positive,
        /// the scale; the mean is scale / (shape - 1)
        scale: Positive
    ) on Positive;
    log_density(x) {
        let shape = positive(shape);
        shape * scale.ln() - shape.ln_gamma() - (shape + 1.0) * x.ln() - scale / x
    }
    sample(rng) { scale / rng.sample(rand_distr::Gamma::<f64>::new(shape, 1.0).ok()?) }
    moments {
        let mean = if shape > 1.0 { scale / (shape - 1.0) } else { f64::INFINITY };
        (mean, if shape > 2.0 { mean * mean / (shape - 2.0) } else { f64::INFINITY })
    }
    ln_cdf(x) { reciprocal_tails(shape, scale, x).0 }
    ln_survival(x) { reciprocal_tails(shape, scale, x).1 }
]

/// The exponential distribution of waiting times.
Exponential { named_only: true } = [
    /// ln rate - rate x
    ExponentialRate(
        /// the rate; the mean is 1 / rate
        rate: Positive
    ) on Positive;
    log_density(x) { rate.ln() - rate * x }
    sample(rng) { rng.sample::<f64, _>(Exp1) / rate }
    moments { (1.0 / rate, 1.0 / (rate * rate)) }
    ln_cdf(x) { (-rate * x).log1m_exp() }
    ln_survival(x) { -rate * x }

    /// -ln mean - x / mean
    ExponentialMean(
        /// the mean
        mean: Positive
    ) on Positive;
    log_density(x) { -mean.ln() - x / mean }
    sample(rng) { rng.sample::<f64, _>(Exp1) * mean }
    moments { (mean, mean * mean) }
    ln_cdf(x) { (-x / mean).log1m_exp() }
    ln_survival(x) { -x / mean }
]

/// The chi-square distribution.
ChiSquare {} = [
    /// -(df/2) ln 2 - ln Γ(df/2) + (df/2 - 1) ln x - x/2
    ChiSquare(
        /// degrees of freedom, the mean
        df: Positive
    ) on Positive;
    log_density(x) {
        let shape = positive(df) * 0.5;
        (shape - 1.0) * x.ln() - shape * LN_2 - shape.ln_gamma() - x * 0.5
    }
    sample(rng) { rng.sample(rand_distr::Gamma::new(0.5 * df, 2.0).ok()?) }
    moments { (df, 2.0 * df) }
    ln_cdf(x) { ln_incomplete_gamma(df * 0.5, x * 0.5).0 }
    ln_survival(x) { ln_incomplete_gamma(df * 0.5, x * 0.5).1 }
]

/// The Weibull distribution of failure times.
Weibull {} = [
    /// ln(shape / scale) + (shape - 1) ln(x / scale) - (x / scale)^shape
    Weibull(
        /// above 1 the hazard rises, below 1 it falls
        shape: Positive,
        /// the scale; 63 % fail before it
        scale: Positive
    ) on Positive;
    log_density(x) {
        let l = (x / scale).ln();
        (shape / scale).ln() + (shape - 1.0) * l - (shape * l).exp()
    }
    sample(rng) { scale * rng.sample::<f64, _>(Exp1).powf(1.0 / shape) }
    moments { power_moments(scale, 1.0 / shape) }
    ln_cdf(x) { (-(shape * (x / scale).ln()).exp()).log1m_exp() }
    ln_survival(x) { -(shape * (x / scale).ln()).exp() }
]

/// The Fréchet distribution of maxima of heavy-tailed variates.
Frechet {} = [
    /// ln(shape / scale) - (shape + 1) ln(x / scale) - (x / scale)^-shape
    Frechet(
        /// the shape: moments below it exist
        shape: Positive,
        /// the scale
        scale: Positive
    ) on Positive;
    log_density(x) {
        let l = (x / scale).ln();
        (shape / scale).ln() - (shape + 1.0) * l - (-shape * l).exp()
    }
    sample(rng) { scale * rng.sample::<f64, _>(Exp1).powf(-1.0 / shape) }
    moments { power_moments(scale, -1.0 / shape) }
    ln_cdf(x) { -(-shape * (x / scale).ln()).exp() }
    ln_survival(x) { (-(-shape * (x / scale).ln()).exp()).log1m_exp() }
]

/// The Pareto distribution: a power law above a threshold.
Pareto {} = [
    /// ln shape + shape ln scale - (shape + 1) ln x for x ≥ scale
    Pareto(
        /// the threshold, the smallest value
        scale: Positive,
        /// the exponent of the tail
        shape: Positive
    ) on Interval(Named(0), Value(f64::INFINITY));
    log_density(x) {
        let inside = shape.ln() + shape * scale.ln() - (shape + 1.0) * x.ln();
        within(x, scale, S::constant(f64::INFINITY), inside)
    }
    sample(rng) { scale * (rng.sample::<f64, _>(Exp1) / shape).exp() }
    moments {
        let mean = if shape > 1.0 { shape * scale / (shape - 1.0) } else { f64::INFINITY };
        let relative = (shape * (shape - 2.0)).recip();
        (mean, if shape > 2.0 { mean * mean * relative } else { f64::INFINITY })
    }
    ln_cdf(x) { (-shape * (x / scale).ln()).log1m_exp() }
    ln_survival(x) { -shape * (x / scale).ln() }
]
    } };
}

//! Declarations of the continuous families on the real line and on finite intervals.

macro_rules! continuous {
    ($next:ident $($rest:tt)*) => { $next! { $($rest)*
/// The improper flat distribution: density 1 everywhere. It cannot be drawn from.
Flat {} = [
    /// 0
    Flat() on Real;
    log_density(_x) { S::constant(0.0) }
    sample(_rng) { None? }
]

/// The normal (Gaussian) distribution.
Normal { location_scale: Some((0, 1)) } = [
    /// -z² / 2 - ln sd - ln √(2π), z = (x - mean) / sd
    Normal(
        /// the mean
        mean: Real,
        /// the standard deviation
        sd: Positive
    ) on Real;
    log_density(x) { ((x - mean) / sd).square() * -0.5 - sd.ln() - LN_SQRT_TAU }
    sample(rng) { mean + sd * rng.sample::<f64, _>(StandardNormal) }
    moments { (mean, sd * sd) }
    ln_cdf(x) { ((x - mean) / sd).ln_normal_cdf() }
    ln_survival(x) { ((mean - x) / sd).ln_normal_cdf() }
]

/// The absolute value of a normal variate with mean 0.
HalfNormal {} = [
    /// ln 2 - (x / sd)² / 2 - ln sd - ln √(2π)
    HalfNormal(
        /// the standard deviation before folding
        sd: Positive
    ) on Positive;
    log_density(x) { (x / sd).square() * -0.5 - sd.ln() + (LN_2 - LN_SQRT_TAU) }
    sample(rng) { sd * rng.sample::<f64, _>(StandardNormal).abs() }
    moments { (sd * FRAC_2_PI.sqrt(), sd * sd * (1.0 - FRAC_2_PI)) }
    ln_cdf(x) { (x / sd * FRAC_1_SQRT_2).apply(Unary::Erf).ln() }
    ln_survival(x) { (-x / sd).ln_normal_cdf() + LN_2 }
]

/// The Cauchy distribution: no mean, very heavy tails.
Cauchy { location_scale: Some((0, 1)) } = [
    /// -ln π - ln scale - ln(1 + z²), z = (x - location) / scale
    Cauchy(
        /// the median
        location: Real,
        /// half the interquartile range
        scale: Positive
    ) on Real;
    log_density(x) { -((x - location) / scale).square().log1p() - scale.ln() - PI.ln() }
    sample(rng) { location + scale * rng.sample(rand_distr::Cauchy::new(0.0, 1.0).ok()?) }
    ln_cdf(x) { ln_cauchy_survival((location - x) / scale) }
    ln_survival(x) { ln_cauchy_survival((x - location) / scale) }
]

/// The absolute value of a Cauchy variate with location 0.
HalfCauchy {} = [
    /// ln(2/π) - ln scale - ln(1 + (x / scale)²)
    HalfCauchy(
        /// the median
        scale: Positive
    ) on Positive;
    log_density(x) { -(x / scale).square().log1p() - scale.ln() + FRAC_2_PI.ln() }
    sample(rng) { scale * rng.sample(rand_distr::Cauchy::<f64>::new(0.0, 1.0).ok()?).abs() }
    ln_cdf(x) { ((x / scale).apply(Unary::Atan) * FRAC_2_PI).ln() }
    ln_survival(x) { ln_cauchy_survival(x / scale) + LN_2 }
]

/// Student's t distribution, shifted and scaled.
StudentT { location_scale: Some((1, 2)) } = [
    /// ln Γ((df + 1)/2) - ln Γ(df/2) - ln(π df)/2 - ln scale - (df + 1)/2 ln(1 + z²/df)
    StudentT(
        /// degrees of freedom
        df: Positive,
        /// the median
        location: Real,
        /// the scale; the standard deviation is scale √(df / (df - 2))
        scale: Positive
    ) on Real;
    log_density(x) { student_t(df, (x - location) / scale) - scale.ln() }
    sample(rng) { location + scale * rng.sample(rand_distr::StudentT::new(df).ok()?) }
    moments { (if df > 1.0 { location } else { f64::NAN }, scale * scale * student_t_variance(df)) }
    ln_cdf(x) { student_t_tails(df, (x - location) / scale).0 }
    ln_survival(x) { student_t_tails(df, (x - location) / scale).1 }
]

/// The absolute value of a Student t variate with location 0.
HalfStudentT {} = [
    /// ln 2 plus the log density of StudentT(df, 0, scale)
    HalfStudentT(
        /// degrees of freedom
        df: Positive,
        /// the scale before folding
        scale: Positive
    ) on Positive;
    log_density(x) { student_t(df, x / scale) - scale.ln() + LN_2 }
    sample(rng) { scale * rng.sample(rand_distr::StudentT::<f64>::new(df).ok()?).abs() }
    ln_cdf(x) { folded_t_tails(df, x / scale).0 }
    ln_survival(x) { folded_t_tails(df, x / scale).1 }
]

/// The Laplace (double exponential) distribution.
Laplace { location_scale: Some((0, 1)) } = [
    /// -|x - location| / scale - ln(2 scale)
    Laplace(
        /// the mean
        location: Real,
        /// the mean absolute deviation
        scale: Positive
    ) on Real;
    log_density(x) { -((x - location) / scale).abs() - scale.ln() - LN_2 }
    sample(rng) {
        let size: f64 = rng.sample(Exp1);
        location + scale * if rng.random() { size } else { -size }
    }
    moments { (location, 2.0 * scale * scale) }
    ln_cdf(x) { ln_laplace_cdf((x - location) / scale) }
    ln_survival(x) { ln_laplace_cdf((location - x) / scale) }
]

/// The logistic distribution.
Logistic { location_scale: Some((0, 1)) } = [
    /// -z - 2 ln(1 + e^-z) - ln scale, z = (x - location) / scale
    Logistic(
        /// the mean
        location: Real,
        /// the scale; the standard deviation is scale π / √3
        scale: Positive
    ) on Real;
    log_density(x) {
        let z = ((x - location) / scale).abs();
        -z - (-z).softplus() * 2.0 - scale.ln()
    }
    sample(rng) {
        let u: f64 = rng.sample(rand_distr::Open01);
        location + scale * (u.ln() - (-u).ln_1p())
    }
    moments { (location, (scale * PI).powi(2) / 3.0) }
    ln_cdf(x) { -((location - x) / scale).softplus() }
    ln_survival(x) { -((x - location) / scale).softplus() }
]

/// The Gumbel distribution of maxima.
Gumbel { location_scale: Some((0, 1)) } = [
    /// -z - e^-z - ln scale, z = (x - location) / scale
    Gumbel(
        /// the mode
        location: Real,
        /// the scale; the standard deviation is scale π / √6
        scale: Positive
    ) on Real;
    log_density(x) {
        let z = (x - location) / scale;
        -z - (-z).exp() - scale.ln()
    }
    sample(rng) { location - scale * rng.sample::<f64, _>(Exp1).ln() }
    moments { (location + scale * 0.577_215_664_901_532_9, (scale * PI).powi(2) / 6.0) }
    ln_cdf(x) { -((location - x) / scale).exp() }
    ln_survival(x) { (-((location - x) / scale).exp()).log1m_exp() }
]

/// The skew normal distribution (Azzalini).
SkewNormal { location_scale: Some((0, 1)) } = [
    /// ln 2 - ln scale + ln φ(z) + ln Φ(shape z), z = (x - location) / scale
    SkewNormal(
        /// the location
        location: Real,
        /// the scale
        scale: Positive,
        /// the slant: 0 is the normal, positive leans to the right
        shape: Real
    ) on Real;
    log_density(x) {
        let z = (x - location) / scale;
        z.square() * -0.5 + (shape * z).ln_normal_cdf() - scale.ln() + (LN_2 - LN_SQRT_TAU)
    }
    sample(rng) { rng.sample(rand_distr::SkewNormal::new(location, scale, shape).ok()?) }
    moments {
        let delta = shape / (1.0 + shape * shape).sqrt();
        let shift = delta * FRAC_2_PI.sqrt();
        (location + scale * shift, scale * scale * (1.0 - shift * shift))
    }
]

/// A normal plus an independent exponential variate.
ExGaussian {} = [
    /// ln rate + rate (location - x) + (rate sd)²/2 + ln Φ((x - location)/sd - rate sd)
    ExGaussian(
        /// the mean of the normal part
        location: Real,
        /// the standard deviation of the normal part
        sd: Positive,
        /// the rate of the exponential part
        rate: Positive
    ) on Real;
    log_density(x) {
        let sd = positive(sd);
        let z = (x - location) / sd;
        let k = rate * sd;
        rate.ln() + k * (k * 0.5 - z) + (z - k).ln_normal_cdf()
    }
    sample(rng) {
        let shift: f64 = rng.sample(Exp1);
        location + sd * rng.sample::<f64, _>(StandardNormal) + shift / rate
    }
    moments { (location + 1.0 / rate, sd * sd + 1.0 / (rate * rate)) }
    ln_cdf(x) {
        let z = (x - location) / sd;
        let k = rate * sd;
        log_diff_exp(z.ln_normal_cdf(), k * (k * 0.5 - z) + (z - k).ln_normal_cdf())
    }
    ln_survival(x) {
        let z = (x - location) / sd;
        let k = rate * sd;
        log_sum_exp((-z).ln_normal_cdf(), k * (k * 0.5 - z) + (z - k).ln_normal_cdf())
    }
]

/// The von Mises distribution of angles.
VonMises {} = [
    /// concentration cos(x - location) - ln(2π I₀(concentration)) on [-π, π]
    VonMises(
        /// the mean direction
        location: Real,
        /// 0 is uniform on the circle
        concentration: NonNegative
    ) on Interval(Value(-PI), Value(PI));
    log_density(x) {
        let cosine = (x - location).apply(Unary::Cos);
        concentration * cosine - concentration.apply(Unary::LnBesselI0) - 2.0 * LN_SQRT_TAU
    }
    sample(rng) { von_mises(location, concentration, rng) }
]

/// The distribution of e to a normal variate.
LogNormal {} = [
    /// -z² / 2 - ln x - ln sigma - ln √(2π), z = (ln x - mu) / sigma
    LogNormal(
        /// the mean of ln x
        mu: Real,
        /// the standard deviation of ln x
        sigma: Positive
    ) on Positive;
    log_density(x) {
        let ln_x = x.ln();
        ((ln_x - mu) / sigma).square() * -0.5 - ln_x - sigma.ln() - LN_SQRT_TAU
    }
    sample(rng) { (mu + sigma * rng.sample::<f64, _>(StandardNormal)).exp() }
    moments {
        let variance = sigma * sigma;
        ((mu + 0.5 * variance).exp(), variance.exp_m1() * (2.0 * mu + variance).exp())
    }
    ln_cdf(x) { ((x.ln() - mu) / sigma).ln_normal_cdf() }
    ln_survival(x) { ((mu - x.ln()) / sigma).ln_normal_cdf() }
]

/// The uniform distribution on an interval.
Uniform {} = [
    /// -ln(high - low) for low ≤ x ≤ high
    Uniform(
        /// the lower end
        low: Real,
        /// the upper end
        high: Interval(Named(0), Value(f64::INFINITY))
    ) on Interval(Named(0), Named(1));
    log_density(x) { within(x, low, high, -(high - low).ln()) }
    sample(rng) { low + (high - low) * rng.random::<f64>() }
    moments { (0.5 * (low + high), (high - low).powi(2) / 12.0) }
    ln_cdf(x) { ((x - low) / (high - low)).ln() }
    ln_survival(x) { ((high - x) / (high - low)).ln() }
]

/// The beta distribution of a proportion.
Beta {} = [
    /// (a - 1) ln x + (b - 1) ln(1 - x) - ln B(a, b)
    Beta(
        /// prior successes, plus one if a uniform is the start
        a: Positive,
        /// prior failures, plus one if a uniform is the start
        b: Positive
    ) on Unit;
    log_density(x) { beta(a, b, x) }
    sample(rng) { rng.sample(rand_distr::Beta::new(a, b).ok()?) }
    moments { (a / (a + b), a * b / ((a + b).powi(2) * (a + b + 1.0))) }
    ln_cdf(x) { beta_tails(a, b, x).0 }
    ln_survival(x) { beta_tails(a, b, x).1 }

    /// Beta(a, b) with a = mean size, b = (1 - mean) size
    BetaMeanSize(
        /// the mean
        mean: Unit,
        /// the prior sample size a + b
        size: Positive
    ) on Unit;
    log_density(x) { beta(mean * size, mean.subtracted_from(1.0) * size, x) }
    sample(rng) { rng.sample(rand_distr::Beta::new(mean * size, (1.0 - mean) * size).ok()?) }
    moments { (mean, mean * (1.0 - mean) / (size + 1.0)) }
    ln_cdf(x) { beta_tails(mean * size, mean.subtracted_from(1.0) * size, x).0 }
    ln_survival(x) { beta_tails(mean * size, mean.subtracted_from(1.0) * size, x).1 }
]
    } };
}

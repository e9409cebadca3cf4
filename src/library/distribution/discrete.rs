//! Declarations of the families of whole numbers.

macro_rules! discrete {
    ($next:ident $($rest:tt)*) => { $next! { $($rest)*
/// One trial with two outcomes.
Bernoulli {} = [
    /// ln p for 1, ln(1 - p) for 0
    BernoulliProbability(
        /// the probability of 1
        p: Unit
    ) on Boolean;
    log_density(x) {
        let p = probability(p);
        S::select(x.same(S::constant(1.0)), p.ln(), (-p).log1p())
    }
    sample(rng) { f64::from(u8::from(rng.random::<f64>() < p)) }
    moments { (p, p * (1.0 - p)) }
    ln_cdf(x) { bernoulli_ln_cdf(x, (-p).log1p()) }
    ln_survival(x) { bernoulli_ln_survival(x, p.ln()) }

    /// -ln(1 + e^-logit) for 1, -ln(1 + e^logit) for 0
    BernoulliLogit(
        /// the log odds of 1
        logit: Real
    ) on Boolean;
    log_density(x) { -((x * -2.0 + 1.0) * logit).softplus() }
    sample(rng) { f64::from(u8::from(rng.random::<f64>() < logit.sigmoid())) }
    moments { (logit.sigmoid(), logit.sigmoid() * (-logit).sigmoid()) }
    ln_cdf(x) { bernoulli_ln_cdf(x, -logit.softplus()) }
    ln_survival(x) { bernoulli_ln_survival(x, -(-logit).softplus()) }
]

/// The number of successes in n independent trials.
Binomial {} = [
    /// ln (n choose x) + x ln p + (n - x) ln(1 - p)
    BinomialProbability(
        /// the number of trials
        n: Count,
        /// the probability of a success
        p: Unit
    ) on Integers(Value(0.0), Named(0));
    log_density(x) { binomial(n, p, x) }
    sample(rng) { count(rng.sample(rand_distr::Binomial::new(whole(n)?, p).ok()?)) }
    moments { (n * p, n * p * (1.0 - p)) }
    ln_cdf(x) { binomial_tails(n, logit(p), x).0 }
    ln_survival(x) { binomial_tails(n, logit(p), x).1 }

    /// ln (n choose x) + x logit - n ln(1 + e^logit)
    BinomialLogit(
        /// the number of trials
        n: Count,
        /// the log odds of a success
        logit: Real
    ) on Integers(Value(0.0), Named(0));
    log_density(x) {
        // Both terms are negative: nothing cancels where the outcome is nearly certain.
        let chosen = -x * (-logit).softplus() - (n - x) * logit.softplus();
        within(x, S::constant(0.0), n, chosen + ln_choose(n, x))
    }
    sample(rng) { count(rng.sample(rand_distr::Binomial::new(whole(n)?, logit.sigmoid()).ok()?)) }
    moments { (n * logit.sigmoid(), n * logit.sigmoid() * (-logit).sigmoid()) }
    ln_cdf(x) { binomial_tails(n, logit, x).0 }
    ln_survival(x) { binomial_tails(n, logit, x).1 }
]

/// The number of events at a constant rate.
Poisson {} = [
    /// x ln rate - rate - ln x!
    PoissonRate(
        /// the mean
        rate: NonNegative
    ) on Count;
    log_density(x) { x.x_log_y(rate) - rate - (x + 1.0).ln_gamma() }
    sample(rng) { if rate == 0.0 { 0.0 } else { rng.sample(rand_distr::Poisson::new(rate).ok()?) } }
    moments { (rate, rate) }
    ln_cdf(x) { poisson_tails(rate, x).0 }
    ln_survival(x) { poisson_tails(rate, x).1 }

    /// x log - e^log - ln x!
    PoissonLog(
        /// the logarithm of the mean
        log: Real
    ) on Count;
    log_density(x) { x * log - log.exp() - (x + 1.0).ln_gamma() }
    sample(rng) {
        let rate = log.exp();
        if rate == 0.0 { 0.0 } else { rng.sample(rand_distr::Poisson::new(rate).ok()?) }
    }
    moments { (log.exp(), log.exp()) }
    ln_cdf(x) { poisson_tails(log.exp(), x).0 }
    ln_survival(x) { poisson_tails(log.exp(), x).1 }
]

/// Counts that vary more than Poisson's: variance mean + mean² / size.
NegBinomial { named_only: true } = [
    /// ln Γ(x + size) - ln Γ(size) - ln x! + x ln(mean / size) - (x + size) ln(1 + mean / size)
    NegBinomialMean(
        /// the mean
        mean: NonNegative,
        /// the inverse overdispersion
        size: Positive
    ) on Count;
    log_density(x) {
        let ratio = mean / positive(size);
        ln_rising(size, x) + x.x_log_y(ratio) - (x + size) * ratio.log1p()
    }
    sample(rng) { mixed_poisson(mean, size, rng)? }
    moments { (mean, mean + mean * mean / size) }
    ln_cdf(x) { negative_binomial_tails(mean.ln(), size, x).0 }
    ln_survival(x) { negative_binomial_tails(mean.ln(), size, x).1 }

    /// NegBinomial(mean, size) with mean = e^log
    NegBinomialLog(
        /// the logarithm of the mean
        log: Real,
        /// the inverse overdispersion
        size: Positive
    ) on Count;
    log_density(x) {
        let ratio = log - size.ln();
        ln_rising(size, x) + x * ratio - (x + size) * ratio.softplus()
    }
    sample(rng) { mixed_poisson(log.exp(), size, rng)? }
    moments { (log.exp(), log.exp() + (2.0 * log).exp() / size) }
    ln_cdf(x) { negative_binomial_tails(log, size, x).0 }
    ln_survival(x) { negative_binomial_tails(log, size, x).1 }
]

/// The number of failures before the first success.
Geometric {} = [
    /// x ln(1 - p) + ln p
    Geometric(
        /// the probability of a success
        p: Unit
    ) on Count;
    log_density(x) {
        let p = probability(p);
        S::select(x.same(S::constant(0.0)), x, x * (-p).log1p()) + p.ln()
    }
    sample(rng) { if p == 1.0 { 0.0 } else { (rng.sample::<f64, _>(Exp1) / -(-p).ln_1p()).floor() } }
    moments { ((1.0 - p) / p, (1.0 - p) / (p * p)) }
    ln_cdf(x) { ((x.floor() + 1.0) * (-p).log1p()).log1m_exp() }
    ln_survival(x) { (x.floor() + 1.0) * (-p).log1p() }
]

/// A binomial whose probability of success is Beta(a, b).
BetaBinomial {} = [
    /// ln (n choose x) + ln B(x + a, n - x + b) - ln B(a, b)
    BetaBinomial(
        /// the number of trials
        n: Count,
        /// the first parameter of the beta distribution
        a: Positive,
        /// the second parameter of the beta distribution
        b: Positive
    ) on Integers(Value(0.0), Named(0));
    log_density(x) {
        let (a, b) = (positive(a), positive(b));
        let inside = ln_choose(n, x) + ln_beta(x + a, n - x + b) - ln_beta(a, b);
        within(x, S::constant(0.0), n, inside)
    }
    sample(rng) {
        let p = rng.sample(rand_distr::Beta::new(a, b).ok()?);
        count(rng.sample(rand_distr::Binomial::new(whole(n)?, p).ok()?))
    }
    moments {
        let total = a + b;
        (n * a / total, n * a * b * (total + n) / (total * total * (total + 1.0)))
    }
]

/// Every whole number of a range is equally probable.
DiscreteUniform {} = [
    /// -ln(high - low + 1) for low ≤ x ≤ high
    DiscreteUniform(
        /// the smallest value
        low: Integers(Value(f64::NEG_INFINITY), Value(f64::INFINITY)),
        /// the largest value
        high: Integers(Named(0), Value(f64::INFINITY))
    ) on Integers(Named(0), Named(1));
    log_density(x) { within(x, low, high, -(high - low + 1.0).ln()) }
    sample(rng) { (low + ((high - low + 1.0) * rng.random::<f64>()).floor()).min(high) }
    moments { (0.5 * (low + high), ((high - low + 1.0).powi(2) - 1.0) / 12.0) }
    ln_cdf(x) { ((x.floor() - low + 1.0) / (high - low + 1.0)).ln() }
    ln_survival(x) { ((high - x.floor()) / (high - low + 1.0)).ln() }
]

/// The number of successes among draws without replacement.
HyperGeometric {} = [
    /// ln (successes choose x) + ln (total - successes choose draws - x) - ln (total choose draws)
    HyperGeometric(
        /// the size of the population
        total: Count,
        /// how many of it are successes
        successes: Integers(Value(0.0), Named(0)),
        /// how many are drawn
        draws: Integers(Value(0.0), Named(0))
    ) on Integers(Value(0.0), Named(2));
    log_density(x) {
        let (failures, missed) = (total - successes, draws - x);
        let ways = ln_choose(successes, x) + ln_choose(failures, missed);
        let possible = within(missed, S::constant(0.0), failures, ways - ln_choose(total, draws));
        within(x, S::constant(0.0), successes, possible)
    }
    sample(rng) {
        let urn = rand_distr::Hypergeometric::new(whole(total)?, whole(successes)?, whole(draws)?);
        count(rng.sample(urn.ok()?))
    }
    moments {
        let p = successes / total;
        (draws * p, draws * p * (1.0 - p) * (total - draws) / (total - 1.0))
    }
]
    } };
}

//! Random small programs: regressions, hierarchies, counts, scales and heavy tails, with data
//! simulated from about their priors.

use crate::case::{Case, HINT, Truth};
use rand::{Rng, RngExt};
use rand_distr::{Distribution, Poisson, StandardNormal};

const KINDS: usize = 12;

/// The case of a number.
pub(crate) fn case(index: usize, rng: &mut impl Rng) -> Case {
    match index % KINDS {
        0 => linear(rng),
        1 => logistic(rng),
        2 => poisson(rng),
        3 => means(rng),
        4 => intercepts(rng),
        5 => rates(rng),
        6 => overdispersed(rng),
        7 => robust(rng),
        8 => scales(rng),
        9 => bounded(rng),
        10 => tail(rng),
        _ => shares(rng),
    }
}

fn normal(rng: &mut impl Rng) -> f64 {
    rng.sample(StandardNormal)
}

fn pick<'a>(rng: &mut impl Rng, choices: &[&'a str]) -> &'a str {
    choices[rng.random_range(0..choices.len())]
}

fn count(rng: &mut impl Rng, mean: f64) -> u64 {
    Poisson::new(mean.clamp(1e-9, 1e6)).expect("a positive mean").sample(rng) as u64
}

const SCALE_PRIORS: [&str; 5] = [
    "HalfNormal(1)",
    "HalfNormal(5)",
    "HalfCauchy(1)",
    "Exponential(rate = 1)",
    "HalfStudentT(3, 2.5)",
];

/// A linear regression on one to four covariates of correlated columns.
fn linear(rng: &mut impl Rng) -> Case {
    let (columns, rows) = (rng.random_range(1..5), rng.random_range(5..60));
    let noise = rng.random_range(0.2..3.0);
    let mut text = String::from("data row(y");
    let mut y = vec![normal(rng); rows];
    let mut sum = String::from("alpha");
    let mut priors = format!("alpha ~ Normal(0, 5)\nsigma ~ {}\n", pick(rng, &SCALE_PRIORS[..4]));
    let mut case = Case::new("linear", Truth::Nuts, "");
    let common: Vec<f64> = (0..rows).map(|_| normal(rng)).collect();
    for k in 0..columns {
        let (slope, share) = (normal(rng), rng.random_range(0.0..0.95));
        let x: Vec<f64> = common.iter().map(|c| share * c + (1.0 - share) * normal(rng)).collect();
        y.iter_mut().zip(&x).for_each(|(y, x)| *y += slope * x);
        text += &format!(", x{k}");
        sum += &format!(" + b{k} * x{k}");
        priors += &format!("b{k} ~ Normal(0, 2)\n");
        case = case.with(&format!("x{k}"), x);
    }
    y.iter_mut().for_each(|y| *y += noise * normal(rng));
    case.text = format!("{text})\n{priors}y ~ Normal({sum}, sigma)\n");
    case.with("y", y)
}

/// A logistic regression, at times separated.
fn logistic(rng: &mut impl Rng) -> Case {
    let rows = rng.random_range(6..50);
    let (alpha, beta) = (normal(rng), 2.0 * normal(rng));
    let x: Vec<f64> = (0..rows).map(|_| normal(rng)).collect();
    let success = |x: &f64, u: f64| u8::from(u < 1.0 / (1.0 + (-alpha - beta * x).exp()));
    let y: Vec<u8> = x.iter().map(|x| success(x, rng.random())).collect();
    let prior =
        pick(rng, &["Normal(0, 1)", "Normal(0, 2.5)", "StudentT(4, 0, 2.5)", "Normal(0, 10)"]);
    let text = format!(
        "data row(y: bool, x)\nalpha ~ Normal(0, 2.5)\nbeta ~ {prior}\n\
         y ~ Bernoulli(logit = alpha + beta * x)\n"
    );
    Case::new("logistic", Truth::Nuts, text).with("x", x).with("y", y)
}

/// A Poisson regression.
fn poisson(rng: &mut impl Rng) -> Case {
    let rows = rng.random_range(4..40);
    let (alpha, beta) = (normal(rng), 0.7 * normal(rng));
    let x: Vec<f64> = (0..rows).map(|_| normal(rng)).collect();
    let y: Vec<u64> = x.iter().map(|x| count(rng, (alpha + beta * x).exp())).collect();
    let text = "data row(y: int, x)\nalpha ~ Normal(0, 2)\nbeta ~ Normal(0, 1)\n\
                y ~ Poisson(log = alpha + beta * x)\n";
    Case::new("poisson", Truth::Nuts, text).with("x", x).with("y", y)
}

/// Group means with known errors: eight schools and its like.
fn means(rng: &mut impl Rng) -> Case {
    let groups = rng.random_range(3..15);
    let tau = rng.random_range(0.0f64..2.0).exp() - 1.0;
    let se: Vec<f64> = (0..groups).map(|_| rng.random_range(0.5..3.0)).collect();
    let y: Vec<f64> = se.iter().map(|se| 1.0 + tau * normal(rng) + se * normal(rng)).collect();
    let prior = pick(rng, &SCALE_PRIORS);
    let text = format!(
        "data group(y, se)\nmu ~ Normal(0, 5)\ntau ~ {prior}\ntheta[group] ~ Normal(mu, tau){HINT}\n\
         y ~ Normal(theta, se)\n"
    );
    Case::new("group means", Truth::Nuts, text).with("y", y).with("se", se)
}

/// Varying intercepts and one slope, with unknown noise.
fn intercepts(rng: &mut impl Rng) -> Case {
    let groups = rng.random_range(3..20);
    let tau = rng.random_range(0.05..2.0);
    let effects: Vec<f64> = (0..groups).map(|_| 1.0 + tau * normal(rng)).collect();
    let rows = groups * rng.random_range(2..8);
    let group: Vec<usize> = (0..rows).map(|row| row % groups).collect();
    let x: Vec<f64> = group.iter().map(|_| normal(rng)).collect();
    let y: Vec<f64> =
        group.iter().zip(&x).map(|(g, x)| effects[*g] - 0.7 * x + 0.8 * normal(rng)).collect();
    let prior = pick(rng, &SCALE_PRIORS);
    let text = format!(
        "data row(y, x, site: index)\nmu ~ Normal(0, 5)\ntau ~ {prior}\nsigma ~ HalfNormal(2)\n\
         beta ~ Normal(0, 2)\nalpha[site] ~ Normal(mu, tau){HINT}\n\
         y ~ Normal(alpha[site] + beta * x, sigma)\n"
    );
    Case::new("intercepts", Truth::Nuts, text).with("y", y).with("x", x).with("site", group)
}

/// Binomial rates of groups on the logit scale.
fn rates(rng: &mut impl Rng) -> Case {
    let groups = rng.random_range(4..20);
    let tau = rng.random_range(0.1..1.5);
    let n: Vec<u64> = (0..groups).map(|_| rng.random_range(3..60)).collect();
    let y: Vec<u64> = n
        .iter()
        .map(|n| {
            let p = 1.0 / (1.0 + (1.0 - tau * normal(rng)).exp());
            (0..*n).filter(|_| rng.random::<f64>() < p).count() as u64
        })
        .collect();
    let prior = pick(rng, &SCALE_PRIORS);
    let text = format!(
        "data ward(y: int, n: int)\nmu ~ Normal(0, 2)\ntau ~ {prior}\n\
         eta[ward] ~ Normal(mu, tau){HINT}\ny ~ Binomial(n, logit = eta)\n"
    );
    Case::new("group rates", Truth::Nuts, text).with("y", y).with("n", n)
}

/// Counts that vary more than Poisson's.
fn overdispersed(rng: &mut impl Rng) -> Case {
    let rows = rng.random_range(8..60);
    let size: f64 = rng.random_range(0.5..5.0);
    let gamma = rand_distr::Gamma::new(size, 1.0 / size).expect("positive");
    let x: Vec<f64> = (0..rows).map(|_| normal(rng)).collect();
    let y: Vec<u64> = x
        .iter()
        .map(|x| {
            let mean = (1.0 + 0.5 * x).exp() * gamma.sample(rng);
            count(rng, mean)
        })
        .collect();
    let prior =
        pick(rng, &["Gamma(shape = 2, rate = 0.5)", "HalfCauchy(2)", "Exponential(rate = 0.2)"]);
    let text = format!(
        "data row(y: int, x)\nalpha ~ Normal(0, 2)\nbeta ~ Normal(0, 1)\nsize ~ {prior}\n\
         y ~ NegBinomial(log = alpha + beta * x, size = size)\n"
    );
    Case::new("overdispersed", Truth::Nuts, text).with("x", x).with("y", y)
}

/// A location and a scale with t errors of unknown freedom.
fn robust(rng: &mut impl Rng) -> Case {
    let rows = rng.random_range(5..40);
    let t = rand_distr::StudentT::new(rng.random_range(1.5..10.0)).expect("positive");
    let y: Vec<f64> = (0..rows).map(|_| 2.0 + 1.5 * t.sample(rng)).collect();
    let text = format!(
        "data row(y)\nmu ~ Normal(0, 10)\nsigma ~ {}\nnu ~ Gamma(shape = 2, rate = 0.1)\n\
         y ~ StudentT(nu, mu, sigma)\n",
        pick(rng, &SCALE_PRIORS[..4])
    );
    Case::new("robust", Truth::Nuts, text).with("y", y)
}

/// Scales of groups that vary.
fn scales(rng: &mut impl Rng) -> Case {
    let groups = rng.random_range(2..8);
    let each = rng.random_range(3..10);
    let sd: Vec<f64> = (0..groups).map(|_| (0.7 * normal(rng)).exp()).collect();
    let lab: Vec<usize> = (0..groups * each).map(|row| row % groups).collect();
    let y: Vec<f64> = lab.iter().map(|g| sd[*g] * normal(rng)).collect();
    let text = "data row(y, lab: index)\nmu ~ Normal(0, 2)\nspread ~ HalfNormal(1)\ncentre ~ Normal(0, 1)\n\
                log_sd[lab] ~ Normal(centre, spread){hint}\ny ~ Normal(mu, exp(log_sd[lab]))\n";
    Case::new("group scales", Truth::Nuts, text).with("y", y).with("lab", lab)
}

/// Latents in intervals, with posteriors against their ends.
fn bounded(rng: &mut impl Rng) -> Case {
    let rows = rng.random_range(3..30);
    let (rho, noise): (f64, f64) = (rng.random_range(-0.99..0.99), rng.random_range(0.3..1.0));
    let x: Vec<f64> = (0..rows).map(|_| normal(rng)).collect();
    let y: Vec<f64> = x.iter().map(|x| rho * x + noise * normal(rng)).collect();
    let prior = pick(rng, &["Uniform(-1, 1)", "Uniform(0, 1)", "Normal(0, 1) in [-1, 1]"]);
    let text = format!(
        "data row(y, x)\nrho ~ {prior}\nnoise ~ Uniform(0, 5)\ny ~ Normal(rho * x, noise)\n"
    );
    Case::new("bounded", Truth::Nuts, text).with("x", x).with("y", y)
}

/// A law with heavy tails and known moments, alone.
fn tail(rng: &mut impl Rng) -> Case {
    let (prior, mean, variance) = match rng.random_range(0..4) {
        0 => {
            let df: f64 = rng.random_range(2.2..6.0);
            let scale: f64 = rng.random_range(0.2..5.0);
            (format!("StudentT({df}, 1, {scale})"), 1.0, scale * scale * df / (df - 2.0))
        }
        1 => {
            let shape: f64 = rng.random_range(2.2..6.0);
            let (mean, below) = (1.0 / (shape - 1.0), (shape - 1.0).powi(2) * (shape - 2.0));
            (format!("InvGamma({shape}, 1)"), mean, 1.0 / below)
        }
        2 => {
            let s: f64 = rng.random_range(0.3..1.5);
            let mean = (0.5 * s * s).exp();
            (format!("LogNormal(0, {s})"), mean, mean * mean * (s * s).exp_m1())
        }
        _ => {
            let shape: f64 = rng.random_range(0.3..3.0);
            (format!("Gamma(shape = {shape}, rate = 1)"), shape, shape)
        }
    };
    let text = format!("x ~ {prior}\nfactor 0 * x\n");
    Case::new("tail", Truth::Exact(vec![mean], vec![variance.sqrt()]), text)
}

/// Probabilities with beta priors, and the parameters of those.
fn shares(rng: &mut impl Rng) -> Case {
    let groups = rng.random_range(3..12);
    let beta = rand_distr::Beta::new(2.0, 3.0).expect("positive");
    let n: Vec<u64> = (0..groups).map(|_| rng.random_range(2..40)).collect();
    let y: Vec<u64> = n
        .iter()
        .map(|n| {
            let p: f64 = beta.sample(rng);
            (0..*n).filter(|_| rng.random::<f64>() < p).count() as u64
        })
        .collect();
    let text = "data batter(y: int, n: int)\nphi ~ Beta(2, 2)\nkappa ~ Gamma(shape = 2, rate = 0.1)\n\
                p[batter] ~ Beta(phi * kappa, (1 - phi) * kappa)\ny ~ Binomial(n, p)\n";
    Case::new("shares", Truth::Nuts, text).with("y", y).with("n", n)
}

//! Programs of several fields on simulated data: they bind, and the engine has the density and the
//! gradient of the plain reading, all of it finite.

use crate::witness::{bind, compile, noise};
use serde_json::{Value, json};
use vippl::engine::reference;
use vippl::inference::LogDensity;

/// Uniform variates, and what is made of them.
struct Draws(Box<dyn FnMut() -> f64>);

impl Draws {
    fn new(seed: u64) -> Self {
        Draws(Box::new(noise(seed)))
    }

    /// Between 0 and 1.
    fn uniform(&mut self) -> f64 {
        ((self.0)() + 1.0) / 2.0
    }

    fn hit(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    fn below(&mut self, n: usize) -> usize {
        (self.uniform() * n as f64) as usize
    }

    /// Standard normal, by a sum of twelve.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    fn binomial(&mut self, n: usize, p: f64) -> usize {
        (0..n).filter(|_| self.hit(p)).count()
    }
}

#[track_caller]
fn assert_evaluates(program: &str, data: &Value, dimension: usize) {
    let bound = bind(program, data);
    let compiled = compile(&bound);
    assert_eq!(compiled.dimension(), dimension);
    let mut draw = noise(8);
    let point: Vec<f64> = (0..dimension).map(|_| 0.5 * draw()).collect();
    let mut gradient = vec![f64::NAN; dimension];
    let value = compiled.gradient(&mut compiled.workspace(), &point, &mut gradient);
    let (plain, partials) = reference::gradient(&bound, &point).expect("evaluates");
    let close = |a: f64, b: f64| a.is_finite() && (a - b).abs() <= 1e-9 * b.abs().max(1.0);
    assert!(close(value, plain), "{value} and {plain}");
    let size = partials.iter().fold(1.0_f64, |a, b| a.max(b.abs()));
    for (own, plain) in gradient.iter().zip(&partials) {
        assert!(close(own / size, plain / size), "{own} and {plain}");
    }
}

#[test]
fn abundance() {
    let mut draws = Draws::new(1);
    let y = (0..20).map(|_| {
        let present = draws.binomial(40, 0.3);
        (0..3).map(|_| draws.binomial(present, 0.4)).collect()
    });
    let y: Vec<Vec<usize>> = y.collect();
    let program = "\
data y[site, visit]: int, K: int
lambda ~ HalfCauchy(10)
p ~ Uniform(0, 1)
n[site] ~ Poisson(lambda) in [0, K]
y ~ Binomial(n, p)
";
    assert_evaluates(program, &json!({ "y": y, "K": 60 }), 2);
}

#[test]
fn survival_of_marked_animals() {
    let mut draws = Draws::new(2);
    let y = (0..30).map(|_| {
        let (first, mut alive) = (draws.below(5), true);
        let seen = (0..6).map(|t| {
            alive &= t <= first || draws.hit(0.7);
            u8::from(t == first || (t > first && alive && draws.hit(0.5)))
        });
        seen.collect()
    });
    let y: Vec<Vec<u8>> = y.collect();
    let program = "\
data y[animal, occasion]: bool
phi ~ Uniform(0, 1)
p ~ Uniform(0, 1)
first[i in animal] = min(t in occasion where y[i, t]: t)
alive[i in animal, t in occasion] ~ if t <= first[i] then PointMass(1) else Bernoulli(alive[i, t-1] * phi)
y[i in animal, t in occasion] ~ if alive[i, t] then Bernoulli(p) else PointMass(0) where t > first[i]
";
    assert_evaluates(program, &json!({ "y": y }), 2);
}

#[test]
fn data_cut_off_above() {
    let mut draws = Draws::new(4);
    let y: Vec<f64> = (0..60).map(|_| 1.0 + 2.0 * draws.normal()).filter(|y| *y < 2.0).collect();
    let program = "\
data y[row], U
mu ~ Normal(0, 10)
sigma ~ HalfNormal(10)
y ~ Normal(mu, sigma) in [-inf, U]
";
    assert_evaluates(program, &json!({ "y": y, "U": 2.0 }), 2);
}

#[test]
fn stochastic_volatility() {
    let mut draws = Draws::new(5);
    let mut h = -0.5;
    let y = (0..50).map(|_| {
        h = -0.5 + 0.9 * (h + 0.5) + 0.3 * draws.normal();
        draws.normal() * f64::exp(h / 2.0)
    });
    let y: Vec<f64> = y.collect();
    let program = "\
data y[time]
phi ~ Uniform(-1, 1)
sigma ~ HalfCauchy(5)
mu ~ Cauchy(0, 10)
h[t in time] ~ Normal(mu + phi * (h[t-1] - mu), sigma) start Normal(mu, sigma / sqrt(1 - phi^2))
y ~ Normal(0, exp(h / 2))
";
    assert_evaluates(program, &json!({ "y": y }), 53);
}

#[test]
fn raters_who_err() {
    let mut draws = Draws::new(6);
    let votes: Vec<[usize; 3]> = (0..90)
        .map(|v| {
            let truth = v / 3 % 3;
            let said = if draws.hit(0.8) { truth } else { draws.below(3) };
            [v / 3 + 1, v % 3 + 1, said + 1]
        })
        .collect();
    let column = |k: usize| votes.iter().map(|v| v[k]).collect::<Vec<_>>();
    let program = "\
data vote(item: index, rater: index, label: class)
prevalence[class] ~ Dirichlet(1)
confusion[rater, truth in class, said in class] ~ Dirichlet(1) over said
z[item] ~ Categorical(prevalence)
label ~ Categorical(confusion[rater, z[item]])
";
    let data = json!({ "item": column(0), "rater": column(1), "label": column(2) });
    assert_evaluates(program, &data, 2 + 3 * 3 * 2);
}

#[test]
fn proportional_hazards_as_counts() {
    let mut draws = Draws::new(7);
    let times: Vec<usize> = (1..=18).collect();
    let treated: Vec<f64> = (0..30).map(|i| if i % 2 == 0 { 0.5 } else { -0.5 }).collect();
    let observed: Vec<usize> = (0..30).map(|_| times[draws.below(17)]).collect();
    let fail: Vec<u8> = (0..30).map(|_| u8::from(draws.hit(0.7))).collect();
    let program = "\
data patient(obs_t: int, fail: bool, Z), t[time]
beta ~ Normal(0, 1000)
axis time = 1..18
axis gap = 1..17
dL0[j in gap] ~ Gamma(shape = 0.0001 * (t[j+1] - t[j]), rate = 0.001)
died[i in patient, j in gap] = if fail[i] == 1 and obs_t[i] == t[j] then 1 else 0
died[i in patient, j in gap] ~ Poisson(exp(beta * Z[i]) * dL0[j]) where obs_t[i] >= t[j]
";
    let data = json!({ "obs_t": observed, "fail": fail, "Z": treated, "t": times });
    assert_evaluates(program, &data, 18);
}

#[test]
fn the_level_of_a_river() {
    let mut draws = Draws::new(8);
    let mut level = 1100.0;
    let y = (0..40).map(|_| {
        level += 30.0 * draws.normal();
        level + 100.0 * draws.normal()
    });
    let y: Vec<f64> = y.collect();
    let program = "\
data y[year], m0, C0
sigma_y ~ HalfCauchy(100)
sigma_theta ~ HalfCauchy(100)
level[t in year] ~ Normal(level[t-1], sigma_theta) start Normal(m0, sqrt(C0))
y ~ Normal(level, sigma_y)
";
    assert_evaluates(program, &json!({ "y": y, "m0": 1000.0, "C0": 1e6 }), 42);
}

#[test]
fn teams_at_home_and_away() {
    let mut draws = Draws::new(9);
    let pairs: Vec<(usize, usize)> = (0..60).map(|g| (g % 6, (g % 6 + 1 + g % 5) % 6)).collect();
    let home: Vec<String> = pairs.iter().map(|(a, _)| format!("team {a}")).collect();
    let away: Vec<String> = pairs.iter().map(|(_, b)| format!("team {b}")).collect();
    let won: Vec<u8> =
        pairs.iter().map(|(a, b)| u8::from(draws.hit(if a > b { 0.7 } else { 0.4 }))).collect();
    let program = "\
data game(home: team, away: team, home_won: bool)
advantage ~ Normal(0, 1)
sd_skill ~ HalfNormal(1)
skill[team] ~ Normal(0, sd_skill)
home_won ~ Bernoulli(logit = advantage + skill[home] - skill[away])
";
    let data = json!({ "home": home, "away": away, "home_won": won });
    assert_evaluates(program, &data, 8);
}

//! Counts, captures and survival of animals.

use crate::judge::posterior;
use crate::simulate::Draws;
use serde_json::json;

#[test]
fn abundance_from_repeated_counts() {
    let mut draws = Draws::new(1);
    let n: Vec<usize> = (0..80).map(|_| draws.poisson(6.0)).collect();
    let y: Vec<Vec<usize>> =
        n.iter().map(|n| (0..4).map(|_| draws.binomial(*n, 0.4)).collect()).collect();
    let program = "\
data y[site, visit]: int, K: int
lambda ~ HalfCauchy(10)
p ~ Uniform(0, 1)
n[site] ~ Poisson(lambda) in [0, K]
y ~ Binomial(n, p)
";
    let posterior = posterior(program, &json!({ "y": y, "K": 40 }));
    posterior.assert_near("lambda", &[6.0]);
    posterior.assert_near("p", &[0.4]);
    let n: Vec<f64> = n.iter().map(|n| *n as f64).collect();
    posterior.assert_covered("n", &n, 1);
}

#[test]
fn survival_of_marked_animals() {
    let mut draws = Draws::new(2);
    let history = |_| {
        let (first, mut alive) = (draws.below(6), true);
        let seen = (0..7).map(|t| {
            alive &= t <= first || draws.hit(0.7);
            t == first || (t > first && alive && draws.hit(0.5))
        });
        seen.collect()
    };
    let y: Vec<Vec<bool>> = (0..150).map(history).collect();
    let program = "\
data y[animal, occasion]: bool
phi ~ Uniform(0, 1)
p ~ Uniform(0, 1)
first[i in animal] = min(t in occasion where y[i, t]: t)
alive[i in animal, t in occasion] ~ if t <= first[i] then PointMass(1) else Bernoulli(alive[i, t-1] * phi)
y[i in animal, t in occasion] ~ if alive[i, t] then Bernoulli(p) else PointMass(0) where t > first[i]
";
    let posterior = posterior(program, &json!({ "y": y }));
    posterior.assert_near("phi", &[0.7]);
    posterior.assert_near("p", &[0.5]);
}

#[test]
fn mice_that_outlive_the_study() {
    let mut draws = Draws::new(3);
    let (shape, beta) = (3.0, [-9.0, -9.5, -8.8, -10.0]);
    let (mut time, mut alive, mut group) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..160 {
        let lasts = draws.weibull(shape, (-beta[i % 4] / shape).exp());
        let end = 15.0 + 25.0 * draws.uniform();
        time.push(lasts.min(end));
        alive.push(lasts > end);
        group.push(i % 4 + 1);
    }
    let program = "\
data mouse(time, group: index, alive: bool)
r ~ Exponential(rate = 0.001)
beta[group] ~ Normal(0, 100)
time ~ Censored(Weibull(shape = r, scale = exp(-beta[group] / r)), right = alive)
";
    let data = json!({ "time": time, "group": group, "alive": alive });
    let posterior = posterior(program, &data);
    posterior.assert_near("r", &[shape]);
    posterior.assert_near("beta", &beta);
}

#[test]
fn places_taken_and_left_from_year_to_year() {
    let mut draws = Draws::new(4);
    let (first, stay, come, seen) = (0.5, 0.75, 0.2, 0.5);
    let mut z: Vec<f64> = Vec::new();
    let mut y: Vec<Vec<Vec<bool>>> = Vec::new();
    for _ in 0..80 {
        let mut here = draws.hit(first);
        let mut years: Vec<Vec<bool>> = Vec::new();
        for t in 0..5 {
            here = if t == 0 { here } else { draws.hit(if here { stay } else { come }) };
            z.push(f64::from(u8::from(here)));
            years.push((0..3).map(|_| here && draws.hit(seen)).collect());
        }
        y.push(years);
    }
    let program = "\
data y[site, year, visit]: bool
psi ~ Uniform(0, 1)
stay ~ Uniform(0, 1)
come ~ Uniform(0, 1)
p ~ Uniform(0, 1)
z[i in site, t in year] ~ Bernoulli(if z[i, t-1] then stay else come) start Bernoulli(psi)
y[i in site, t in year, v in visit] ~ if z[i, t] then Bernoulli(p) else PointMass(0)
report taken[t in year] = sum(i in site: z[i, t])
";
    let posterior = posterior(program, &json!({ "y": y }));
    for (name, truth) in [("psi", first), ("stay", stay), ("come", come), ("p", seen)] {
        posterior.assert_near(name, &[truth]);
    }
    let taken: Vec<f64> = (0..5).map(|t| z.iter().skip(t).step_by(5).sum()).collect();
    posterior.assert_near("taken", &taken);
}

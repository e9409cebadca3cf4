//! Finite latents are summed out exactly: programs against sums over all assignments.

use crate::witness::{
    D, assert_density, bernoulli, binomial, d, flat_simplex, half_normal, noise, normal, over_all,
    poisson, sum,
};
use num_dual::DualNum;
use serde_json::json;

fn reals(seed: u64, count: usize, scale: f64) -> Vec<f64> {
    let mut draw = noise(seed);
    (0..count).map(|_| scale * draw()).collect()
}

/// Whole numbers from 0 to below a limit.
fn wholes(seed: u64, count: usize, below: usize) -> Vec<usize> {
    let mut draw = noise(seed);
    (0..count).map(|_| ((draw() + 1.0) * 0.5 * below as f64) as usize).collect()
}

fn rows(seed: u64, count: usize, length: usize, below: usize) -> Vec<Vec<usize>> {
    wholes(seed, count * length, below).chunks(length).map(<[usize]>::to_vec).collect()
}

/// Normal(0, sd) of every element.
fn normals(xs: &[D], sd: f64) -> D {
    sum(xs.iter().map(|x| normal(*x, d(0.0), d(sd))))
}

#[test]
fn an_independent_mixture() {
    let y = reals(1, 5, 3.0);
    let program = "\
data y[row]
axis part = 1..3
w[part] ~ Dirichlet(1)
mu[part] ~ Normal(0, 3)
sigma ~ HalfNormal(2)
z[row] ~ Categorical(w)
y ~ Normal(mu[z], sigma)
";
    assert_density(program, &json!({ "y": y }), |at| {
        let (w, mu, sigma) = (at.all("w"), at.all("mu"), at.one("sigma"));
        let prior = normals(mu, 3.0) + half_normal(sigma, 2.0) + flat_simplex(3);
        prior
            + over_all(&[3; 5], |z| {
                sum((0..5).map(|i| w[z[i]].ln() + normal(d(y[i]), mu[z[i]], sigma)))
            })
    });
}

#[test]
fn occupancy_behind_a_gate() {
    let mut y = rows(2, 4, 3, 2);
    y[0] = vec![0, 0, 0];
    y[1] = vec![0, 1, 0];
    let program = "\
data y[site, visit]: bool, x[site]
a ~ Normal(0, 1)
b ~ Normal(0, 1)
p ~ Uniform(0, 1)
z[site] ~ Bernoulli(logit = a + b * x)
y ~ if z then Bernoulli(p) else PointMass(0)
";
    let x = reals(3, 4, 1.0);
    assert_density(program, &json!({ "y": y, "x": x }), |at| {
        let (a, b, p) = (at.one("a"), at.one("b"), at.one("p"));
        let weight = |z: &[usize]| {
            sum((0..4).map(|i| {
                let occupied = bernoulli(z[i] == 1, ((-a - b * x[i]).exp() + 1.0).recip());
                let impossible = z[i] == 0 && y[i].contains(&1);
                let seen = |hit: &usize| match (z[i], impossible) {
                    (1, _) => bernoulli(*hit == 1, p),
                    (_, true) => d(f64::NEG_INFINITY),
                    (_, false) => d(0.0),
                };
                occupied + sum(y[i].iter().map(seen))
            }))
        };
        normals(&[a, b], 1.0) + over_all(&[2; 4], weight)
    });
}

#[test]
fn a_hidden_markov_chain() {
    let y = reals(4, 5, 3.0);
    let program = "\
data y[time]
axis state = 1..3
first[state] ~ Dirichlet(1)
P[i in state, j in state] ~ Dirichlet(1) over j
mu[state] ~ Normal(0, 3)
z[t in time] ~ Categorical(P[z[t-1]]) start Categorical(first)
y ~ Normal(mu[z], 1)
";
    assert_density(program, &json!({ "y": y }), |at| {
        let (first, p, mu) = (at.all("first"), at.all("P"), at.all("mu"));
        normals(mu, 3.0)
            + 4.0 * flat_simplex(3)
            + over_all(&[3; 5], |z| {
                let seen = sum((0..5).map(|t| normal(d(y[t]), mu[z[t]], d(1.0))));
                seen + first[z[0]].ln() + sum((1..5).map(|t| p[3 * z[t - 1] + z[t]].ln()))
            })
    });
}

#[test]
fn a_chain_of_second_order() {
    let y = wholes(5, 7, 2);
    let program = "\
data y[time]: bool
axis state = 1..2
P[i in state, j in state, k in state] ~ Dirichlet(1) over k
q[state] ~ Beta(2, 2)
z[t in time] ~ Categorical(P[z[t-2], z[t-1]]) start DiscreteUniform(state)
y ~ Bernoulli(q[z])
";
    assert_density(program, &json!({ "y": y }), |at| {
        let (p, q) = (at.all("P"), at.all("q"));
        sum(q.iter().map(|q| (*q * (-*q + 1.0) * 6.0).ln()))
            + over_all(&[2; 7], |z| {
                let seen = sum((0..7).map(|t| bernoulli(y[t] == 1, q[z[t]])));
                let step = |t: usize| p[4 * z[t - 2] + 2 * z[t - 1] + z[t]].ln();
                seen - 2.0 * 2f64.ln() + sum((2..7).map(step))
            })
    });
}

#[test]
fn a_tree() {
    let parent = [0, 1, 1, 2, 2, 3, 3];
    let y = reals(6, 7, 2.0);
    let program = "\
data node(parent: int, y)
axis state = 1..2
root[state] ~ Dirichlet(1)
P[i in state, j in state] ~ Dirichlet(1) over j
mu[state] ~ Normal(0, 2)
z[i in node] ~ if parent[i] == 0 then Categorical(root) else Categorical(P[z[parent[i]]])
y ~ Normal(mu[z], 1)
";
    assert_density(program, &json!({ "parent": parent, "y": y }), |at| {
        let (root, p, mu) = (at.all("root"), at.all("P"), at.all("mu"));
        let step = |z: &[usize], i: usize| match parent[i] {
            0 => root[z[i]].ln(),
            above => p[2 * z[above - 1] + z[i]].ln(),
        };
        normals(mu, 2.0)
            + over_all(&[2; 7], |z| {
                sum((0..7).map(|i| step(z, i) + normal(d(y[i]), mu[z[i]], d(1.0))))
            })
    });
}

#[test]
fn latents_that_meet_in_one_line() {
    let y = reals(7, 4, 2.0);
    let program = "\
data y[row]
axis kind = 1..3
m ~ Normal(0, 1)
s[kind] ~ HalfNormal(1)
c ~ Bernoulli(0.3)
a[row] ~ Bernoulli(0.6)
b[row] ~ DiscreteUniform(kind)
y ~ Normal(if a == c then m else -2 * m, s[b] + c)
";
    assert_density(program, &json!({ "y": y }), |at| {
        let (m, s) = (at.one("m"), at.all("s"));
        let sizes = [&[2; 5][..], &[3; 4][..]].concat();
        normal(m, d(0.0), d(1.0))
            + sum(s.iter().map(|s| half_normal(*s, 1.0)))
            + over_all(&sizes, |z| {
                let (c, a, b) = (z[0], &z[1..5], &z[5..]);
                let row = |i: usize| {
                    let mean = if a[i] == c { m } else { m * -2.0 };
                    bernoulli(a[i] == 1, d(0.6)) - 3f64.ln()
                        + normal(d(y[i]), mean, s[b[i]] + c as f64)
                };
                bernoulli(c == 1, d(0.3)) + sum((0..4).map(row))
            })
    });
}

#[test]
fn latents_in_definitions_and_reductions() {
    let (x, y) = (reals(8, 5, 1.0), reals(9, 5, 2.0));
    let program = "\
data y[row], x[row], total
axis part = 1..2
slope[part] ~ Normal(0, 1)
p ~ Beta(2, 1)
z[row] ~ Bernoulli(p)
line[i in row] = slope[1 + z[i]] * x[i]
twice = line + line
hits = sum(z)
total ~ Normal(hits + sum(line), 2)
y ~ Normal(twice, 1)
";
    assert_density(program, &json!({ "y": y, "x": x, "total": 2.5 }), |at| {
        let (slope, p) = (at.all("slope"), at.one("p"));
        normals(slope, 1.0)
            + (p * 2.0).ln()
            + over_all(&[2; 5], |z| {
                let line: Vec<D> = (0..5).map(|i| slope[z[i]] * x[i]).collect();
                let hits = z.iter().sum::<usize>() as f64;
                let total = normal(d(2.5), sum(line.iter().copied()) + hits, d(2.0));
                let row =
                    |i: usize| bernoulli(z[i] == 1, p) + normal(d(y[i]), line[i] * 2.0, d(1.0));
                total + sum((0..5).map(row))
            })
    });
}

#[test]
fn abundance_below_a_bound() {
    let y = rows(10, 3, 2, 4);
    let program = "\
data y[site, visit]: int, K: int
lambda ~ HalfCauchy(10)
p ~ Uniform(0, 1)
n[site] ~ Poisson(lambda) in [0, K]
y ~ Binomial(n, p)
";
    assert_density(program, &json!({ "y": y, "K": 8 }), |at| {
        let (lambda, p) = (at.one("lambda"), at.one("p"));
        let scaled = lambda / 10.0;
        let prior = -((scaled * scaled + 1.0) * 5.0 * std::f64::consts::PI).ln();
        let mass = sum((0..=8).map(|n| poisson(n, lambda).exp())).ln();
        prior
            + over_all(&[9; 3], |n| {
                let visits = |i: usize| sum(y[i].iter().map(|y| binomial(*y, n[i], p)));
                sum((0..3).map(|i| poisson(n[i], lambda) - mass + visits(i)))
            })
    });
}

#[test]
fn counts_of_a_known_number_of_trials() {
    let y = reals(11, 3, 2.0);
    let program = "\
data y[row], trials[row]: int
p ~ Uniform(0, 1)
k[row] ~ Binomial(trials, p)
y ~ Normal(k * p, 1)
";
    let trials = [3, 0, 5];
    assert_density(program, &json!({ "y": y, "trials": trials }), |at| {
        let p = at.one("p");
        over_all(&[4, 1, 6], |k| {
            let row =
                |i: usize| binomial(k[i], trials[i], p) + normal(d(y[i]), p * k[i] as f64, d(1.0));
            sum((0..3).map(row))
        })
    });
}

#[test]
fn animals_marked_and_seen_again() {
    let y = [[1, 0, 1, 0], [0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1]];
    let program = "\
data y[animal, occasion]: bool
phi ~ Uniform(0, 1)
p ~ Uniform(0, 1)
first[i in animal] = min(t in occasion where y[i, t]: t)
alive[i in animal, t in occasion] ~ if t <= first[i] then PointMass(1) else Bernoulli(alive[i, t-1] * phi)
y[i in animal, t in occasion] ~ if alive[i, t] then Bernoulli(p) else PointMass(0) where t > first[i]
";
    assert_density(program, &json!({ "y": y }), |at| {
        let (phi, p) = (at.one("phi"), at.one("p"));
        let no = d(f64::NEG_INFINITY);
        sum(y.iter().map(|seen| {
            let first = seen.iter().position(|y| *y == 1).expect("was seen");
            over_all(&[2; 4], |alive| {
                let step = |t: usize| {
                    if t <= first {
                        return if alive[t] == 1 { d(0.0) } else { no };
                    }
                    let lives = match (alive[t - 1], alive[t]) {
                        (1, now) => bernoulli(now == 1, phi),
                        (_, 0) => d(0.0),
                        (_, _) => no,
                    };
                    let sighted = match (alive[t], seen[t]) {
                        (1, y) => bernoulli(y == 1, p),
                        (_, 0) => d(0.0),
                        (_, _) => no,
                    };
                    if lives.re == no.re || sighted.re == no.re { no } else { lives + sighted }
                };
                let steps: Vec<D> = (0..4).map(step).collect();
                if steps.iter().any(|s| s.re == no.re) { no } else { sum(steps) }
            })
        }))
    });
}

#[test]
fn noisy_raters() {
    let item = [1, 1, 2, 2, 3, 3, 3];
    let rater = [1, 2, 1, 2, 1, 2, 2];
    let label = [1, 1, 2, 3, 3, 3, 1];
    let program = "\
data vote(item: index, rater: index, label: class)
prevalence[class] ~ Dirichlet(1)
confusion[rater, truth in class, said in class] ~ Dirichlet(1) over said
z[item] ~ Categorical(prevalence)
label ~ Categorical(confusion[rater, z[item]])
";
    let data = json!({ "item": item, "rater": rater, "label": label });
    assert_density(program, &data, |at| {
        let (prevalence, confusion) = (at.all("prevalence"), at.all("confusion"));
        d(7.0 * flat_simplex(3))
            + over_all(&[3; 3], |z| {
                let vote = |v: usize| {
                    let truth = z[item[v] - 1];
                    confusion[9 * (rater[v] - 1) + 3 * truth + label[v] - 1].ln()
                };
                sum(z.iter().map(|z| prevalence[*z].ln())) + sum((0..7).map(vote))
            })
    });
}

#[test]
fn a_year_of_change() {
    let y = [4, 5, 3, 1, 0, 1];
    let program = "\
data y[year]: int
early ~ Exponential(rate = 0.5)
late ~ Exponential(rate = 0.5)
change ~ DiscreteUniform(year)
y[t in year] ~ Poisson(if t < change then early else late)
";
    assert_density(program, &json!({ "y": y }), |at| {
        let (early, late) = (at.one("early"), at.one("late"));
        let prior = |x: D| -x * 0.5 + 0.5f64.ln();
        let rate = |t: usize, change: usize| if t < change { early } else { late };
        prior(early) + prior(late) - 6f64.ln()
            + over_all(&[6], |change| {
                sum(y.iter().enumerate().map(|(t, y)| poisson(*y, rate(t, change[0]))))
            })
    });
}

#[test]
fn factors_on_neighbours() {
    let y = reals(12, 6, 2.0);
    let program = "\
data y[place]
j ~ Normal(0, 1)
spin[place] ~ Bernoulli(0.5)
factor sum(i in place where i > 1: if spin[i] == spin[i-1] then j else -j)
y ~ Normal(2 * spin - 1, 1)
";
    assert_density(program, &json!({ "y": y }), |at| {
        let j = at.one("j");
        normal(j, d(0.0), d(1.0))
            + over_all(&[2; 6], |spin| {
                let mean = |i: usize| d(2.0 * spin[i] as f64 - 1.0);
                let pair = |i: usize| if spin[i] == spin[i - 1] { j } else { -j };
                sum((0..6).map(|i| normal(d(y[i]), mean(i), d(1.0)) - 2f64.ln()))
                    + sum((1..6).map(pair))
            })
    });
}

#[test]
fn a_chain_whose_transitions_are_data() {
    let (y, p) = (reals(21, 4, 2.0), [[0.9, 0.1], [0.3, 0.7]]);
    let program = "\
axis state = 1..2
axis next = state
data y[time], P[state, next]
m[state] ~ Normal(0, 1)
z[t in time] ~ Categorical(P[z[t - 1]]) start Categorical(P[2])
y ~ Normal(m[z], 1)
";
    assert_density(program, &json!({ "y": y, "P": p }), |at| {
        let m = at.all("m");
        let weight = |z: &[usize]| {
            sum((0..4).map(|t| {
                let before = if t == 0 { 1 } else { z[t - 1] };
                d(f64::ln(p[before][z[t]])) + normal(d(y[t]), m[z[t]], d(1.0))
            }))
        };
        normals(m, 1.0) + over_all(&[2; 4], weight)
    });
}

#[test]
fn ordered_labels_are_outcomes_between_cutpoints() {
    let answers = ["mid", "low", "high", "mid"];
    let x = [0.3, -1.2, 0.8, 0.1];
    let program = "\
axis rating = [\"low\", \"mid\", \"high\"]
data answer[row]: rating, x[row]
b ~ Normal(0, 1)
answer ~ OrderedLogistic(b * x, cut)
axis border = 1..2
cut[border] = [-0.5, 0.7]
";
    assert_density(program, &json!({ "answer": answers, "x": x }), |at| {
        let b = at.one("b");
        let below = |cut: f64, x: f64| ((b * x - cut).exp() + 1.0).recip();
        let probability = |answer: &str, x: f64| match answer {
            "low" => below(-0.5, x),
            "mid" => below(0.7, x) - below(-0.5, x),
            _ => d(1.0) - below(0.7, x),
        };
        let seen = answers.iter().zip(x).map(|(answer, x)| probability(answer, x).ln());
        normals(&[b], 1.0) + sum(seen)
    });
}

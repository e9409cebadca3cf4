//! Raters, players, patients and pupils.

use crate::judge::posterior;
use crate::simulate::{Draws, inv_logit};
use serde_json::json;

#[test]
fn raters_who_make_mistakes() {
    let mut draws = Draws::new(11);
    let prevalence = [0.5, 0.3, 0.2];
    let skill = |rater: usize| 0.6 + 0.08 * rater as f64;
    let confusion = |rater: usize, truth: usize| -> Vec<f64> {
        let right = skill(rater);
        (0..3).map(|said| if said == truth { right } else { (1.0 - right) / 2.0 }).collect()
    };
    let (mut item, mut rater, mut label, mut truth) = (vec![], vec![], vec![], vec![]);
    for i in 0..100 {
        let z = draws.categorical(&prevalence);
        truth.push(z);
        for r in 0..4 {
            item.push(i + 1);
            rater.push(r + 1);
            label.push(draws.categorical(&confusion(r, z)) + 1);
        }
    }
    let program = "\
data vote(item: index, rater: index, label: class)
prevalence[class] ~ Dirichlet(1)
confusion[rater, truth in class, said in class] ~ Dirichlet(if truth == said then 4 else 1) over said
z[item] ~ Categorical(prevalence)
label ~ Categorical(confusion[rater, z[item]])
";
    let posterior = posterior(program, &json!({ "item": item, "rater": rater, "label": label }));
    posterior.assert_near("prevalence", &prevalence);
    let all: Vec<f64> = (0..4).flat_map(|r| (0..3).flat_map(move |t| confusion(r, t))).collect();
    posterior.assert_near("confusion", &all);
    posterior.assert_labels("z", &truth, 3);
}

#[test]
fn players_at_home_and_away() {
    let mut draws = Draws::new(12);
    let skill: Vec<f64> = (0..20).map(|_| draws.normal(0.0, 0.8)).collect();
    let (mut home, mut away, mut won) = (vec![], vec![], vec![]);
    for _ in 0..400 {
        let h = draws.below(20);
        let a = (h + 1 + draws.below(19)) % 20;
        home.push(format!("T{h:02}"));
        away.push(format!("T{a:02}"));
        won.push(draws.hit(inv_logit(0.3 + skill[h] - skill[a])));
    }
    let program = "\
data game(home: team, away: team, home_won: bool)
advantage ~ Normal(0, 1)
sd_skill ~ HalfNormal(1)
skill[team] ~ Normal(0, sd_skill)
home_won ~ Bernoulli(logit = advantage + skill[home] - skill[away])
";
    let data = json!({ "home": home, "away": away, "home_won": won });
    let posterior = posterior(program, &data);
    posterior.assert_near("advantage", &[0.3]);
    posterior.assert_near("sd_skill", &[0.8]);
    posterior.assert_covered("skill", &skill, 1);
}

#[test]
fn remission_by_counting_events() {
    // A discrete hazard in each week, with proportional hazards of two groups.
    let mut draws = Draws::new(13);
    let (mut obs_t, mut fail, mut group) = (vec![], vec![], vec![]);
    for i in 0..80 {
        let z = if i % 2 == 0 { 0.5 } else { -0.5 };
        let t = draws.exponential(12.0 * (-1.5_f64 * z).exp()).ceil() as usize;
        let end = 6 + draws.below(20);
        obs_t.push(t.min(end));
        fail.push(t <= end);
        group.push(z);
    }
    let mut t: Vec<usize> =
        obs_t.iter().zip(&fail).filter(|(_, fail)| **fail).map(|(t, _)| *t).collect();
    t.sort_unstable();
    t.dedup();
    t.push(obs_t.iter().max().unwrap() + 1);
    let program = "\
data patient(obs_t: int, fail: bool, Z), t[time], n: int
beta ~ Normal(0, 1000)
axis time = 1..n
axis gap = 1..n - 1
dL0[j in gap] ~ Gamma(shape = 0.0001 * (t[j+1] - t[j]), rate = 0.001)
died[i in patient, j in gap] = if fail[i] == 1 and obs_t[i] == t[j] then 1 else 0
died[i in patient, j in gap] ~ Poisson(exp(beta * Z[i]) * dL0[j]) where obs_t[i] >= t[j]
";
    let data = json!({ "obs_t": obs_t, "fail": fail, "Z": group, "t": t, "n": t.len() });
    posterior(program, &data).assert_near("beta", &[1.5]);
}

#[test]
fn values_that_were_cut_off() {
    let mut draws = Draws::new(15);
    let y: Vec<f64> = (0..1200).map(|_| draws.normal(1.0, 2.0)).filter(|y| *y < 2.5).collect();
    let program = "\
data y[row], U
mu ~ Normal(0, 10)
sigma ~ HalfNormal(10)
y ~ Normal(mu, sigma) in [-inf, U]
";
    let posterior = posterior(program, &json!({ "y": y, "U": 2.5 }));
    posterior.assert_near("mu", &[1.0]);
    posterior.assert_near("sigma", &[2.0]);
}

//! Finite latents given data, against the enumeration of all their values.

use super::{DRAWS, assert_frequency, draws, fit, mean};

/// An unrelated latent: a program without one has nothing to fit.
const UNRELATED: &str = "data w\nt ~ Normal(0, 1)\nw ~ Normal(t, 1)\n";

fn normal(x: f64, mean: f64, sd: f64) -> f64 {
    (-0.5 * ((x - mean) / sd).powi(2)).exp() / sd
}

#[test]
fn labels_of_a_mixture_have_their_posterior_probabilities() {
    let program = format!(
        "{UNRELATED}data d(y)\nz[d] ~ Bernoulli(0.3)\ny ~ Normal(if z then 2 else -1, 1.5)\n\
         report count = sum(z)\nreport both = z[1] * z[2]"
    );
    let y = [-2.0, 0.1, 0.6, 1.0, 3.5];
    let csv = y.iter().fold("y\n".to_owned(), |text, y| format!("{text}{y}\n"));
    let (_, fitted) = fit(&program, &[("w=0.3", ""), ("d.csv", &csv)]);
    let posterior = y.map(|y| {
        let (one, zero) = (0.3 * normal(y, 2.0, 1.5), 0.7 * normal(y, -1.0, 1.5));
        one / (one + zero)
    });
    for (values, probability) in draws(&fitted, "z").iter().zip(posterior) {
        assert_frequency("z", mean(values.iter().copied()), probability);
    }
    // The labels are independent given everything else.
    let both = mean(draws(&fitted, "both")[0].iter().copied());
    assert_frequency("both", both, posterior[0] * posterior[1]);
    for draw in 0..DRAWS {
        let sum: f64 = draws(&fitted, "z").iter().map(|values| values[draw]).sum();
        assert_eq!(sum, draws(&fitted, "count")[0][draw]);
    }
}

#[test]
fn states_of_a_hidden_chain_are_drawn_together() {
    let program = format!(
        "{UNRELATED}data time(y)\naxis state = 1..2\n\
         P[i in state, j in state] = if i == j then (if i == 1 then 0.7 else 0.6) \
         else (if i == 1 then 0.3 else 0.4)\n\
         z[t in time] ~ Categorical(P[z[t-1]]) start DiscreteUniform(state)\n\
         y ~ Normal(if z == 1 then 0 else 1, 1)"
    );
    let y = [0.2, 1.1, 0.4, -0.3, 0.9];
    let csv = y.iter().fold("y\n".to_owned(), |text, y| format!("{text}{y}\n"));
    let (_, fitted) = fit(&program, &[("w=0.3", ""), ("d.csv", &csv)]);
    let transition = [[0.7, 0.3], [0.4, 0.6]];
    let path = |code: usize| -> [usize; 5] { std::array::from_fn(|t| code >> t & 1) };
    let weight = |states: [usize; 5]| {
        let emitted: f64 = states.iter().zip(y).map(|(s, y)| normal(y, *s as f64, 1.0)).product();
        let moved: f64 = states.windows(2).map(|pair| transition[pair[0]][pair[1]]).product();
        0.5 * moved * emitted
    };
    let weights: Vec<f64> = (0..32).map(|code| weight(path(code))).collect();
    let total: f64 = weights.iter().sum();
    let z = draws(&fitted, "z");
    let mut counts = [0; 32];
    for draw in 0..DRAWS {
        // Elements of an axis are positions.
        let code: usize = (0..5).map(|t| (z[t][draw] as usize) << t).sum();
        counts[code] += 1;
    }
    for (code, count) in counts.iter().enumerate() {
        let frequency = f64::from(*count) / DRAWS as f64;
        assert_frequency(&format!("path {:?}", path(code)), frequency, weights[code] / total);
    }
}

fn ln_beta(a: f64, b: f64) -> f64 {
    let ln_gamma = vippl::math::special::ln_gamma;
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// p(N | y) ∝ C(M - n, N - n) B(N + 1, M - N + 1) B(s + 1, N T - s + 1) of the capture model with
/// augmented data: M animals of which n were seen, s captures on T occasions.
#[test]
fn the_size_of_a_population_has_its_closed_form_posterior() {
    let (animals, occasions) = (16, 4);
    let seen = [3, 1, 2, 1, 1, 2];
    let rows = (0..animals).map(|i: usize| {
        let captures = seen.get(i).copied().unwrap_or(0);
        let cells = (0..occasions).map(|k| if k < captures { "1" } else { "0" });
        format!("[{}]", cells.collect::<Vec<_>>().join(","))
    });
    let json = format!("{{\"y\": [{}]}}", rows.collect::<Vec<_>>().join(","));
    let program = "data y[animal, occasion]: bool\nomega ~ Uniform(0, 1)\np ~ Uniform(0, 1)\n\
                   z[animal] ~ Bernoulli(omega)\n\
                   y ~ if z then Bernoulli(p) else PointMass(0)\nreport N = sum(z)";
    let (_, fitted) = fit(program, &[("y.json", &json)]);
    let (m, n, s) = (animals as f64, seen.len() as f64, f64::from(seen.iter().sum::<i32>()));
    let ln_choose = |n: f64, k: f64| -(n + 1.0).ln() - ln_beta(n - k + 1.0, k + 1.0);
    let log_weight = |size: f64| {
        let captured = ln_beta(s + 1.0, size * f64::from(occasions) - s + 1.0);
        ln_choose(m - n, size - n) + ln_beta(size + 1.0, m - size + 1.0) + captured
    };
    let weights: Vec<f64> = (seen.len()..=animals).map(|k| log_weight(k as f64).exp()).collect();
    let total: f64 = weights.iter().sum();
    let sizes = &draws(&fitted, "N")[0];
    let distance: f64 = weights
        .iter()
        .enumerate()
        .map(|(k, weight)| {
            let size = (seen.len() + k) as f64;
            let count = sizes.iter().filter(|found| **found == size).count();
            (count as f64 / DRAWS as f64 - weight / total).abs()
        })
        .sum();
    // The continuous latents are known from 4,000 or so weighted draws, not from 20,000.
    assert!(0.5 * distance < 0.03, "total variation {}", 0.5 * distance);
    assert!(sizes.iter().all(|size| *size >= n), "those seen exist");
}

#[test]
fn only_short_or_reported_finite_latents_are_kept() {
    let csv = (0..1200).fold("y\n".to_owned(), |text, i| format!("{text}{}\n", i % 3));
    let text = "data d(y)\np ~ Beta(1, 1)\nz[d] ~ Bernoulli(p)\ny ~ Normal(2 * z, 1)";
    let kept = |text: &str| {
        let (_, fitted) = fit(text, &[("d.csv", &csv)]);
        fitted.finite.iter().map(|p| p.variable.clone()).collect::<Vec<String>>()
    };
    assert!(kept(text).is_empty());
    assert_eq!(kept(&format!("{text}\nreport z")), ["z"]);
}

//! Programs with generated data, and the hand-written loop of each.

use super::hand::{Family, Groups, Loop, Regression, Schools, TwoParameter};
use std::fmt::Write;

/// A program and its data.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) program: String,
    pub(crate) data: String,
    /// How many numbers an evaluation must read.
    pub(crate) numbers: usize,
    pub(crate) hand: Loop,
}

/// Numbers that look random and are always the same, in (-1, 1).
fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64 * 2.0 - 1.0
    }
}

/// A table with a column of outcomes and columns of predictors.
struct Table {
    y: Vec<f64>,
    x: Vec<Vec<f64>>,
}

impl Table {
    fn new(rows: usize, columns: usize, mut y: impl FnMut(f64) -> f64) -> Self {
        let mut draw = noise(columns as u64 + 3);
        // Four digits: what files hold.
        let mut short = || (draw() * 1e4).round() / 1e4;
        let x = (0..columns).map(|_| (0..rows).map(|_| short()).collect()).collect();
        Table { y: (0..rows).map(|_| y(short())).collect(), x }
    }

    fn csv(&self) -> String {
        let mut text = String::from("y");
        (1..=self.x.len()).for_each(|k| write!(text, ",x{k}").expect("text grows"));
        text.push('\n');
        for (row, y) in self.y.iter().enumerate() {
            write!(text, "{y}").expect("text grows");
            self.x.iter().for_each(|x| write!(text, ",{}", x[row]).expect("text grows"));
            text.push('\n');
        }
        text
    }
}

fn regression(
    name: &'static str,
    (rows, columns): (usize, usize),
    outcome: &str,
    tail: &str,
    family: Family,
    y: impl FnMut(f64) -> f64,
) -> Case {
    let table = Table::new(rows, columns, y);
    let names: Vec<String> = (1..=columns).map(|k| format!("x{k}")).collect();
    let names = names.join(", ");
    let program = format!(
        "data row({outcome}, {names})\nX[row, k] = columns({names})\na ~ Normal(0, 1)\nbeta[k] ~ Normal(0, 1)\n\
         eta = a + X @ beta\n{tail}\n"
    );
    let data = table.csv();
    let hand = Loop::Regression(Regression::new(&table.x, table.y, family));
    Case { name, program, data, numbers: rows * (columns + 1), hand }
}

fn hierarchical(name: &'static str, random: bool) -> Case {
    let (rows, groups) = (100_000, 1000);
    let mut draw = noise(5);
    let group = |row: usize, u: f64| match random {
        true => ((u + 1.0) / 2.0 * groups as f64) as usize,
        false => row * groups / rows,
    };
    let index: Vec<usize> = (0..rows).map(|row| group(row, draw())).collect();
    let table = Table::new(rows, 1, |u| u);
    let mut data = String::from("y,x,g\n");
    for (row, group) in index.iter().enumerate() {
        writeln!(data, "{},{},g{group}", table.y[row], table.x[0][row]).expect("text grows");
    }
    let program = "\
data row(y, x, g: group)
mu ~ Normal(0, 1)
tau ~ HalfNormal(1)
sigma ~ HalfNormal(1)
b ~ Normal(0, 1)
alpha[group] ~ Normal(mu, tau) with centered
y ~ Normal(alpha[g] + b * x, sigma)
"
    .to_owned();
    let x = table.x.into_iter().next().unwrap_or_default();
    let hand = Loop::Groups(Groups::new(table.y, x, index, groups));
    Case { name, program, data, numbers: 2 * rows, hand }
}

fn two_parameter() -> Case {
    let (persons, items) = (500, 40);
    let mut draw = noise(7);
    let mut data = String::from("y,person,item\n");
    let mut y = Vec::new();
    for person in 0..persons {
        for item in 0..items {
            y.push(f64::from(u8::from(draw() > 0.0)));
            writeln!(data, "{},p{person},i{item}", draw() > 0.0).expect("text grows");
        }
    }
    let program = "\
data answer(y: bool, person: person, item: item)
theta[person] ~ Normal(0, 1)
a[item] ~ LogNormal(0, 1)
b[item] ~ Normal(0, 1)
y ~ Bernoulli(logit = a[item] * (theta[person] - b[item]))
"
    .to_owned();
    let rows = persons * items;
    let hand = Loop::TwoParameter(TwoParameter::new(y, persons, items));
    Case { name: "2PL 500 x 40", program, data, numbers: rows, hand }
}

fn eight_schools() -> Case {
    let program = "\
data school(y, se)
mu ~ Normal(0, 5)
tau ~ HalfCauchy(5)
theta[school] ~ Normal(mu, tau) with noncentered
y ~ Normal(theta, se)
"
    .to_owned();
    let data = "y,se\n28,15\n8,10\n-3,16\n7,11\n-1,9\n1,11\n18,10\n12,18\n".to_owned();
    let hand = Loop::Schools(Schools {
        y: [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0],
        error: [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0],
        point: [0.1; 10],
    });
    Case { name: "eight schools", program, data, numbers: 16, hand }
}

/// A program of a hundred lines, one of few, and a file of 100,000 rows for both.
pub(crate) fn hundred_lines() -> (String, String, String) {
    let (rows, columns) = (100_000, 5);
    let short = "data row(y, x1, x2, x3, x4, x5)\na ~ Normal(0, 1)\ny ~ Normal(a, 1)\n".to_owned();
    let mut long = "data row(y, x1, x2, x3, x4, x5)\nsigma ~ HalfNormal(1)\n".to_owned();
    for k in 1..=48 {
        let before = if k == 1 { "0".to_owned() } else { format!("eta{}", k - 1) };
        writeln!(long, "b{k} ~ Normal(0, 1)").expect("text grows");
        let x = k % columns + 1;
        writeln!(long, "eta{k} = {before} + b{k} * x{x}").expect("text grows");
    }
    long.push_str("nu ~ Gamma(shape = 2, rate = 0.1)\ny ~ StudentT(nu, eta48, sigma)\n");
    (long, short, Table::new(rows, columns, |u| u).csv())
}

/// The cases whose names contain one of these; all if there are none.
pub(crate) fn cases(wanted: &[&String]) -> impl Iterator<Item = Case> {
    let logistic = |name, rows, columns| {
        let outcome = |u: f64| f64::from(u8::from(u > 0.0));
        let tail = "y ~ Bernoulli(logit = eta)";
        regression(name, (rows, columns), "y: bool", tail, Family::Logistic, outcome)
    };
    let linear = |name, rows, columns| {
        let tail = "sigma ~ HalfNormal(1)\ny ~ Normal(eta, sigma)";
        regression(name, (rows, columns), "y", tail, Family::Normal, |u| u)
    };
    let counts = |u: f64| ((u + 1.0) * 6.0).floor();
    type Make<'a> = Box<dyn Fn() -> Case + 'a>;
    let all: Vec<(&str, Make<'_>)> = vec![
        ("logistic 100k x 20", Box::new(move || logistic("logistic 100k x 20", 100_000, 20))),
        ("hierarchical sorted", Box::new(|| hierarchical("hierarchical sorted", false))),
        ("hierarchical random", Box::new(|| hierarchical("hierarchical random", true))),
        ("logistic 1M x 10", Box::new(move || logistic("logistic 1M x 10", 1_000_000, 10))),
        ("eight schools", Box::new(eight_schools)),
        ("linear 400 x 4", Box::new(move || linear("linear 400 x 4", 400, 4))),
        (
            "Poisson 100k x 5",
            Box::new(move || {
                let tail = "y ~ Poisson(log = eta)";
                let size = (100_000, 5);
                regression("Poisson 100k x 5", size, "y: int", tail, Family::Poisson, counts)
            }),
        ),
        (
            "NegBinomial 100k x 5",
            Box::new(move || {
                let tail =
                    "phi ~ Gamma(shape = 2, rate = 1)\ny ~ NegBinomial(log = eta, size = phi)";
                let (name, size) = ("NegBinomial 100k x 5", (100_000, 5));
                regression(name, size, "y: int", tail, Family::NegativeBinomial, counts)
            }),
        ),
        ("2PL 500 x 40", Box::new(two_parameter)),
        ("linear 1M x 10", Box::new(move || linear("linear 1M x 10", 1_000_000, 10))),
    ];
    let named = |name: &str| wanted.is_empty() || wanted.iter().any(|w| name.contains(w.as_str()));
    let all: Vec<_> = all.into_iter().filter(|(name, _)| named(name)).collect();
    all.into_iter().map(|(_, make)| make())
}

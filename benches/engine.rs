//! Times log densities with gradients against hand-written loops and against reading the data.
//!
//! `cargo bench --bench engine -- [NAME…]` prints, for each case: microseconds per log density and
//! gradient; the ratio to a fused loop of the same maths, written by hand over the same special
//! functions and compiled for the same instructions; the ratio to reading the same bytes once; the
//! ratio of a gradient with a product with the Hessian to a gradient; and the ratio of eight points
//! at once to one. Medians of runs that take turns. Instructions, which do not depend on what else
//! the machine does, are counted by
//! `valgrind --tool=callgrind --toggle-collect='*engine*program*gradient*' BENCH NAME --once`.

#![allow(clippy::print_stdout, reason = "prints a table")]

#[path = "engine/cases.rs"]
mod cases;
#[path = "engine/hand.rs"]
mod hand;

use cases::{Case, Loop, cases};
use std::hint::black_box;
use std::time::{Duration, Instant};
use vippl::data::{Mode, Tables};
use vippl::engine::{Isa, Program};
use vippl::inference::LogDensity;
use vippl::session::{Document, Model};

/// Runs of every kind go on for so long.
const REPEATED: Duration = Duration::from_secs(2);
/// Points that share a pass over the data.
const POINTS: usize = 8;

fn compile(case: &Case) -> (Program, Duration) {
    let document = Document::open(case.name, &case.program);
    assert!(!document.has_errors(), "{:?}", document.diagnostics);
    let start = Instant::now();
    let tables = Tables::default().with_file("data.csv", case.data.clone());
    let bound = document.bind(&tables, Mode::Fit);
    let binding = bound.value.unwrap_or_else(|| panic!("{:?}", bound.diagnostics));
    let model = Model::compile(binding).unwrap_or_else(|error| panic!("{error:?}"));
    (model.target().clone(), start.elapsed())
}

/// Seconds of one run, of many if it is short.
fn time(repeats: usize, mut run: impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..repeats).for_each(|_| run());
    start.elapsed().as_secs_f64() / repeats as f64
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

fn read(bytes: &[f64]) -> f64 {
    struct Sum<'a>(&'a [f64]);
    impl vippl::engine::Task for Sum<'_> {
        type Output = f64;
        #[inline(always)]
        fn run<A: vippl::math::straight::Arithmetic>(self) -> f64 {
            let mut sums = [0.0; 32];
            for chunk in self.0.as_chunks::<32>().0 {
                for i in 0..32 {
                    sums[i] += chunk[i];
                }
            }
            sums.iter().sum()
        }
    }
    Isa::best().run(Sum(bytes))
}

fn measure(case: &Case, once: bool) {
    let (program, compiling) = compile(case);
    let d = program.dimension();
    let mut workspace = program.workspace();
    let points: Vec<f64> = (0..POINTS * d).map(|i| 0.1 + 0.01 * ((i % 7) as f64 - 3.0)).collect();
    let (point, direction) = (&points[..d], vec![0.3; d]);
    let mut gradients = vec![0.0; POINTS * d];
    let mut values = vec![0.0; POINTS];
    let value = program.gradient(&mut workspace, point, &mut gradients[..d]);
    assert!(value.is_finite(), "{}: {value}", case.name);
    if once {
        return;
    }
    let bytes = vec![1.0; case.numbers];
    let repeats = 1 + 20_000 / case.rows.max(1);
    let mut times: [Vec<f64>; 5] = Default::default();
    let start = Instant::now();
    while start.elapsed() < REPEATED {
        times[0].push(time(repeats, || {
            black_box(program.gradient(&mut workspace, point, &mut gradients[..d]));
        }));
        times[1].push(time(repeats, || {
            black_box(case.hand.run());
        }));
        times[2].push(time(repeats, || {
            black_box(read(black_box(&bytes)));
        }));
        times[3].push(time(repeats, || {
            program.hessian_vector(&mut workspace, point, &direction, &mut gradients[..d]);
        }));
        times[4].push(time(repeats, || {
            program.gradients(&mut workspace, &points, &mut values, &mut gradients);
        }));
    }
    let [engine, hand, reading, hessian, together] = times.each_mut().map(|t| median(t));
    let ratio = |x: f64| if x > 0.0 { format!("{:.2}", engine / x) } else { "-".to_owned() };
    println!(
        "{:<24} {:>10.2} {:>7} {:>8} {:>8.2} {:>8.2} {:>9.1}",
        case.name,
        engine * 1e6,
        if matches!(case.hand, Loop::None) { "-".to_owned() } else { ratio(hand) },
        ratio(reading),
        hessian / engine,
        together / engine,
        compiling.as_secs_f64() * 1e3,
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let once = arguments.iter().any(|argument| argument == "--once");
    let wanted: Vec<&String> = arguments.iter().filter(|a| !a.starts_with("--")).collect();
    println!("instructions: {}", Isa::best().name());
    println!(
        "{:<24} {:>10} {:>7} {:>8} {:>8} {:>8} {:>9}",
        "case", "us", "/ hand", "/ reading", "Hessian", "8 points", "build ms"
    );
    for case in cases(&wanted) {
        measure(&case, once);
    }
}

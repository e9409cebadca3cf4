//! Times log densities with gradients against hand-written loops and against reading the data.
//!
//! `cargo bench --bench engine -- [NAME…]` prints, for each case: microseconds per log density and
//! gradient; the ratio to a fused loop of the same maths, written by hand over the same special
//! functions and compiled for the same instructions; the ratio to reading the same bytes once; the
//! ratio of a product with the Hessian to a gradient, at a new point and at that of the last product, and
//! that of both, the gradient first, at a new point; the ratio of eight points at once to one; and the
//! ratio of one thread to two, of a gradient and of reading the bytes: memory that serves two threads
//! no faster than one leaves nothing to gain. Medians of runs that take turns, on one thread. The
//! hand-written loops leave out priors; where a likelihood has sufficient statistics, they do not use
//! them. Instructions, which do not depend on what else the
//! machine does, are counted by
//! `valgrind --tool=callgrind --toggle-collect='*LogDensity*gradient*' BENCH NAME --once`; with
//! `hessian` in place of `gradient`, those of a product after a gradient at the same point.
//! A second table tells what is paid before the first evaluation: reading the file, and checking,
//! binding and compiling a program of a hundred lines.

#![allow(clippy::print_stdout, reason = "prints a table")]

#[path = "engine/cases.rs"]
mod cases;
#[path = "engine/hand.rs"]
mod hand;

use cases::{Case, cases, hundred_lines};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::hint::black_box;
use std::time::{Duration, Instant};
use vippl::data::{Mode, Tables};
use vippl::engine::{Isa, Program};
use vippl::inference::LogDensity;
use vippl::session::{Document, Model};

/// What is timed takes so many seconds at least.
const SHORTEST: f64 = 3e-4;
/// Runs of every kind go on for so long.
const REPEATED: Duration = Duration::from_secs(2);
/// Programs that are read and compiled.
const SETUPS: usize = 9;
/// Points that share a pass over the data.
const POINTS: usize = 8;

fn compile(case: &Case) -> Program {
    build(&case.program, &Tables::default().with_file("data.csv", case.data.clone()))
}

fn build(program: &str, tables: &Tables) -> Program {
    let document = Document::open("bench", program);
    assert!(!document.has_errors(), "{:?}", document.diagnostics);
    let bound = document.bind(tables, Mode::Fit);
    let binding = bound.value.unwrap_or_else(|| panic!("{:?}", bound.diagnostics));
    let model = Model::compile(binding).unwrap_or_else(|error| panic!("{error:?}"));
    model.target().clone()
}

/// What is paid before the first evaluation: for a program of a hundred lines with 100,000 rows, and
/// for a program of one line with the same file, which is about the cost of reading it.
fn measure_setup() {
    let (long, short, data) = hundred_lines();
    let tables = Tables::default().with_file("data.csv", data.clone());
    let (mut whole, mut reading) = (Vec::new(), Vec::new());
    for _ in 0..SETUPS {
        whole.push(time(1, || drop(black_box(build(&long, &tables)))));
        reading.push(time(1, || drop(black_box(build(&short, &tables)))));
    }
    let (whole, reading) = (median(&mut whole), median(&mut reading));
    println!();
    println!(
        "reading {:.0} MB: {:.0} MB/s",
        data.len() as f64 / 1e6,
        data.len() as f64 / 1e6 / reading
    );
    println!("100 lines with 100k rows: {:.1} ms beyond reading", (whole - reading) * 1e3);
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

fn measure(case: &Case, pools: &[ThreadPool; 2], once: bool) {
    let program = compile(case);
    let d = program.dimension();
    let mut workspace = program.workspace();
    let points: Vec<f64> = (0..POINTS * d).map(|i| 0.1 + 0.01 * ((i % 7) as f64 - 3.0)).collect();
    let (point, next, direction) = (&points[..d], &points[d..2 * d], vec![0.3; d]);
    let mut gradients = vec![0.0; POINTS * d];
    let mut values = vec![0.0; POINTS];
    let value = program.gradient(&mut workspace, point, &mut gradients[..d]);
    assert!(value.is_finite(), "{}: {value}", case.name);
    if once {
        program.hessian_vector(&mut workspace, point, &direction, &mut gradients[..d]);
        return;
    }
    let bytes = vec![1.0; case.numbers];
    // So many that a clock can tell, and that caches are warm where users' are.
    let single = time(1, || {
        black_box(program.gradient(&mut workspace, point, &mut gradients[..d]));
    });
    let repeats = (SHORTEST / single.max(1e-9)).clamp(1.0, 10_000.0) as usize;
    let mut times: [Vec<f64>; 9] = Default::default();
    let [one, two] = pools;
    let start = Instant::now();
    while start.elapsed() < REPEATED {
        for (pool, place) in [(one, 0), (two, 5)] {
            times[place].push(pool.install(|| {
                time(repeats, || {
                    black_box(program.gradient(&mut workspace, point, &mut gradients[..d]));
                })
            }));
        }
        times[1].push(time(repeats, || {
            black_box(case.hand.run());
        }));
        times[2].push(time(repeats, || {
            black_box(read(black_box(&bytes)));
        }));
        let halves = bytes.split_at(bytes.len() / 2);
        times[8].push(two.install(|| {
            time(repeats, || {
                black_box(rayon::join(|| read(black_box(halves.0)), || read(black_box(halves.1))));
            })
        }));
        for (points, place) in [([point, next], 3), ([point; 2], 6)] {
            let mut points = points.into_iter().cycle();
            times[place].push(one.install(|| {
                time(repeats, || {
                    let point = points.next().unwrap_or_default();
                    program.hessian_vector(&mut workspace, point, &direction, &mut gradients[..d]);
                })
            }));
        }
        let mut both = [point, next].into_iter().cycle();
        times[7].push(one.install(|| {
            time(repeats, || {
                let point = both.next().unwrap_or_default();
                black_box(program.gradient(&mut workspace, point, &mut gradients[..d]));
                program.hessian_vector(&mut workspace, point, &direction, &mut gradients[..d]);
            })
        }));
        times[4].push(one.install(|| {
            time(repeats, || {
                program.gradients(&mut workspace, &points, &mut values, &mut gradients);
            })
        }));
    }
    let [engine, hand, reading, hessian, together, threads, again, both, halves] =
        times.each_mut().map(|t| median(t));
    let ratio = |x: f64| if x > 0.0 { format!("{:.2}", engine / x) } else { "-".to_owned() };
    println!(
        "{:<24} {:>10.2} {:>7} {:>9} {:>8.2} {:>6.2} {:>6.2} {:>8.2} {:>9.2} {:>8.2}",
        case.name,
        engine * 1e6,
        ratio(hand),
        ratio(reading),
        hessian / engine,
        again / engine,
        both / engine,
        together / engine,
        engine / threads,
        reading / halves,
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let once = arguments.iter().any(|argument| argument == "--once");
    let wanted: Vec<&String> = arguments.iter().filter(|a| !a.starts_with("--")).collect();
    println!("instructions: {}", Isa::best().name());
    println!(
        "{:<24} {:>10} {:>7} {:>9} {:>8} {:>6} {:>6} {:>8} {:>9} {:>8}",
        "case",
        "us",
        "/ hand",
        "/ reading",
        "Hessian",
        "again",
        "both",
        "8 points",
        "2 threads",
        "reading"
    );
    let pool = |threads| {
        ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started")
    };
    let pools = [1, 2].map(pool);
    for case in cases(&wanted) {
        measure(&case, &pools, once);
    }
    if wanted.is_empty() || wanted.iter().any(|name| *name == "setup") {
        measure_setup();
    }
}

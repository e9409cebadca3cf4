//! Every density and every function of the library in a kernel, at the arguments of the tables of
//! references, edges included: value, gradient and product with the Hessian against num-dual.

use crate::oracle::{numbers, rows};
use crate::witness::{body, column, density, empty, noise, run};
use num_dual::{Dual64, HyperDual64};
use vippl::engine::{Isa, Options, Program};
use vippl::graph::{BufferId, Traced};
use vippl::inference::target::LogDensity;
use vippl::library::Elementwise;
use vippl::library::distribution::{ALL, Density};
use vippl::math::Scalar;

/// Relative to the largest derivative of the row, or to 1.
const TOLERANCE: f64 = 1e-9;

trait Function: Copy {
    fn at<S: Scalar>(self, x: &[S]) -> S;
}

impl Function for Density {
    fn at<S: Scalar>(self, x: &[S]) -> S {
        self.log_density(x[0], &x[1..])
    }
}

impl Function for Elementwise {
    fn at<S: Scalar>(self, x: &[S]) -> S {
        self.apply(x)
    }
}

/// A function at some arguments, of which some are differentiated.
struct Table<F> {
    function: F,
    rows: Vec<Vec<f64>>,
    active: Vec<bool>,
}

/// Value, gradient and product with the Hessian of a row.
struct Expected {
    value: f64,
    gradient: Vec<f64>,
    product: Vec<f64>,
}

impl<F: Function> Table<F> {
    fn count(&self) -> usize {
        self.active.iter().filter(|active| **active).count()
    }

    /// By num-dual, for a direction in the active arguments.
    fn expected(&self, row: &[f64], direction: &[f64]) -> Expected {
        let mut moving = vec![0.0; row.len()];
        let places: Vec<usize> = (0..row.len()).filter(|k| self.active[*k]).collect();
        places.iter().zip(direction).for_each(|(k, d)| moving[*k] = *d);
        let unit = |i: usize, k: usize| f64::from(u8::from(i == k));
        let slope = |i: usize| {
            let x: Vec<Dual64> =
                row.iter().enumerate().map(|(k, x)| Dual64::new(*x, unit(i, k))).collect();
            self.function.at(&x).eps
        };
        let curved = |i: usize| {
            let number = |(k, x): (usize, &f64)| HyperDual64::new(*x, unit(i, k), moving[k], 0.0);
            let x: Vec<HyperDual64> = row.iter().enumerate().map(number).collect();
            self.function.at(&x).eps1eps2
        };
        Expected {
            value: self.function.at(row),
            gradient: places.iter().map(|i| slope(*i)).collect(),
            product: places.iter().map(|i| curved(*i)).collect(),
        }
    }

    /// Compares the rows one by one, so that an edge spoils only itself, and in one kernel.
    fn check(&self, name: &str, failures: &mut Vec<String>) {
        let (steps, plain) = (
            Options { small: 0, ..Options::default() },
            Options { small: 0, isa: Isa::BASELINE, ..Options::default() },
        );
        for options in [Options::default(), steps, plain] {
            for row in &self.rows {
                self.check_rows(name, &[row], &options, failures);
            }
            let finite: Vec<&Vec<f64>> =
                self.rows.iter().filter(|row| self.function.at::<f64>(row).is_finite()).collect();
            self.check_rows(name, &finite, &options, failures);
        }
    }

    fn check_rows(
        &self,
        name: &str,
        rows: &[&Vec<f64>],
        options: &Options,
        failures: &mut Vec<String>,
    ) {
        let (count, height) = (self.count(), rows.len());
        let mut model = empty(count * height);
        let mut point = vec![0.0; count * height];
        let (mut inputs, mut columns) = (Vec::new(), Vec::new());
        for (k, active) in self.active.iter().enumerate() {
            let values: Vec<f64> = rows.iter().map(|row| row[k]).collect();
            if *active {
                let start = inputs.len() * height;
                point[start..start + height].copy_from_slice(&values);
                inputs.push(run(BufferId::POINT, start));
            } else {
                columns.push(column(&values));
            }
        }
        let expression = body(|g| {
            let (mut inputs, mut columns) = (0.., 0..);
            let leaf = |active: &bool| match active {
                true => g.input(inputs.next().unwrap_or(0)),
                false => g.column(columns.next().unwrap_or(0)),
            };
            self.function.at(&self.active.iter().map(leaf).collect::<Vec<Traced<'_>>>())
        });
        model.nodes.push(density(height, inputs, columns, expression));
        let program = Program::compile(&model, options).expect("the model is consistent");
        let mut workspace = program.workspace();
        let mut draw = noise(height as u64);
        let direction: Vec<f64> = point.iter().map(|_| draw()).collect();
        let (mut gradient, mut product) = (vec![0.0; point.len()], vec![0.0; point.len()]);
        let value = program.gradient(&mut workspace, &point, &mut gradient);
        program.hessian_vector(&mut workspace, &point, &direction, &mut product);
        let mut total = 0.0;
        for (position, row) in rows.iter().enumerate() {
            let of = |xs: &[f64]| -> Vec<f64> {
                (0..count).map(|k| xs[k * height + position]).collect()
            };
            let expected = self.expected(row, &of(&direction));
            total += expected.value;
            if !expected.value.is_finite() {
                continue;
            }
            let pairs = [
                ("gradient", of(&gradient), &expected.gradient),
                ("product", of(&product), &expected.product),
            ];
            for (what, got, want) in pairs {
                let size = want.iter().fold(1.0_f64, |size, x| size.max(x.abs()));
                let close = |(a, b): (&f64, &f64)| {
                    (a - b).abs() <= TOLERANCE * size || a == b || !b.is_finite()
                };
                if !got.iter().zip(want).all(close) {
                    failures.push(format!("{name}({row:?}) {what}: {got:?}, not {want:?}"));
                }
            }
        }
        let close = (value - total).abs() <= 1e-11 * total.abs().max(height as f64);
        if !close && value != total && total.is_finite() {
            failures.push(format!("{name}: {value}, not {total}"));
        }
    }
}

#[test]
fn densities_agree() {
    let table = rows(include_str!("../oracle/distributions.csv"));
    let mut failures = Vec::new();
    for density in ALL.iter().flat_map(|family| family.parameterizations).map(|p| p.density) {
        let name = format!("{density:?}");
        let own: Vec<&Vec<&str>> = table.iter().filter(|row| row[0] == name).collect();
        let arguments = |row: &&Vec<&str>| {
            numbers(row[1]).into_iter().chain(numbers(row[2])).flatten().collect()
        };
        // Whole numbers have no partial derivatives.
        let slopes: Vec<Vec<Option<f64>>> = own.iter().map(|row| numbers(row[4])).collect();
        let width = slopes.first().map_or(0, Vec::len);
        let active = (0..width).map(|k| slopes.iter().all(|row| row[k].is_some())).collect();
        let table = Table { function: density, rows: own.iter().map(arguments).collect(), active };
        table.check(&name, &mut failures);
    }
    assert!(failures.is_empty(), "{} off\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn functions_agree() {
    let table = rows(include_str!("../oracle/elementwise.csv"));
    let mut failures = Vec::new();
    for function in Elementwise::ALL {
        let own = table.iter().filter(|row| row[0] == function.name());
        let arguments: Vec<Vec<f64>> =
            own.map(|row| numbers(row[1]).into_iter().flatten().collect()).collect();
        let active = vec![true; arguments.first().map_or(0, Vec::len)];
        let table = Table { function: *function, rows: arguments, active };
        table.check(function.name(), &mut failures);
    }
    assert!(failures.is_empty(), "{} off\n{}", failures.len(), failures.join("\n"));
}

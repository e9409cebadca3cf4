//! Cholesky factors and triangular equations, against Gaussian elimination under num-dual.

use crate::witness::{Formula, assert_agrees, body, density, empty, gather, noise, run, store};
use vippl::engine::{Options, Program};
use vippl::graph::{
    BufferId, Cholesky, Inconsistency, Model, Node, NoisyKronecker, Slot, Tag, TriangularSolve,
};
use vippl::inference::target::LogDensity;
use vippl::math::Scalar;

const POINT: BufferId = BufferId::POINT;

fn start(buffer: BufferId) -> Slot {
    Slot { buffer, offset: 0 }
}

fn cholesky(size: usize, count: usize, input: BufferId, output: BufferId) -> Node {
    let (input, output) = (start(input), start(output));
    Node::Cholesky(Cholesky { size, count, input, output, tag: Tag(5) })
}

/// e^{-(a - b)² / 2}, plus 0.3 where they are the same element.
fn covariance<S: Scalar>(a: S, b: S, same: S) -> S {
    ((a - b).square() * -0.5).exp() + same * 0.3
}

/// The covariances of every matrix: element m × size + i of the point is location i of matrix m.
fn store_covariances(model: &mut Model, size: usize, count: usize) -> BufferId {
    let buffer = model.add_buffer(size * size * count);
    let cells =
        || (0..size * size * count).map(move |c| (c / (size * size), c / size % size, c % size));
    let first: Vec<u32> = cells().map(|(m, i, _)| (m * size + i) as u32).collect();
    let second: Vec<u32> = cells().map(|(m, _, j)| (m * size + j) as u32).collect();
    let same: Vec<f64> = cells().map(|(_, i, j)| f64::from(u8::from(i == j))).collect();
    model.nodes.push(store(
        buffer,
        size * size * count,
        vec![gather(POINT, &first), gather(POINT, &second)],
        vec![crate::witness::column(&same)],
        body(|g| covariance(g.input(0), g.input(1), g.column(0))),
    ));
    buffer
}

fn covariances<S: Scalar>(u: &[S]) -> Vec<Vec<S>> {
    let same = |i, j| S::constant(f64::from(u8::from(i == j)));
    let row = |i: usize| (0..u.len()).map(|j| covariance(u[i], u[j], same(i, j))).collect();
    (0..u.len()).map(row).collect()
}

/// X with A X = B by elimination without exchanges, and ln det A.
fn eliminate<S: Scalar>(mut a: Vec<Vec<S>>, mut b: Vec<Vec<S>>) -> (Vec<Vec<S>>, S) {
    let n = a.len();
    let mut ln_det = S::constant(0.0);
    for k in 0..n {
        ln_det = ln_det + a[k][k].ln();
        let (pivots, sides) = (a[k].clone(), b[k].clone());
        for i in (0..n).filter(|i| *i != k) {
            let factor = a[i][k] / pivots[k];
            a[i].iter_mut().zip(&pivots).for_each(|(x, p)| *x = *x - factor * *p);
            b[i].iter_mut().zip(&sides).for_each(|(x, p)| *x = *x - factor * *p);
        }
    }
    for (k, row) in b.iter_mut().enumerate() {
        row.iter_mut().for_each(|x| *x = *x / a[k][k]);
    }
    (b, ln_det)
}

/// Several multivariate normals with means 0: Σ -½ ln det A - ½ yᵀ A⁻¹ y, where y follows the
/// locations in the point, with several columns each.
struct Normals {
    size: usize,
    count: usize,
    columns: usize,
}

impl Formula for Normals {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        let mut sum = S::constant(0.0);
        let (places, sides) = u.split_at(self.size * self.count);
        for m in 0..self.count {
            let a = covariances(&places[m * self.size..][..self.size]);
            let b = &sides[m * self.size * self.columns..][..self.size * self.columns];
            let rows: Vec<Vec<S>> = b.chunks(self.columns).map(<[S]>::to_vec).collect();
            let (x, ln_det) = eliminate(a, rows.clone());
            sum = sum - ln_det * 0.5;
            for (x, b) in x.iter().flatten().zip(rows.iter().flatten()) {
                sum = sum - *x * *b * 0.5;
            }
        }
        sum
    }
}

#[test]
fn multivariate_normals_agree() {
    for (size, count, columns) in [(1, 1, 1), (2, 2, 1), (3, 1, 2), (9, 2, 1), (17, 1, 3)] {
        let formula = Normals { size, count, columns };
        let sides = size * count * columns;
        let mut model = empty(size * count + sides);
        let a = store_covariances(&mut model, size, count);
        let (factor, whitened) = (model.add_buffer(size * size * count), model.add_buffer(sides));
        let diagonal: Vec<u32> = (0..count * size)
            .map(|r| (r / size * size * size + r % size * (size + 1)) as u32)
            .collect();
        model.nodes.extend([
            cholesky(size, count, a, factor),
            Node::TriangularSolve(TriangularSolve {
                size,
                count,
                columns,
                matrix: start(factor),
                shared: false,
                input: Slot { buffer: POINT, offset: size * count },
                output: start(whitened),
                transposed: false,
                tag: Tag(6),
            }),
            density(sides, vec![run(whitened, 0)], vec![], body(|g| g.input(0).square() * -0.5)),
            density(
                size * count,
                vec![gather(factor, &diagonal)],
                vec![],
                body(|g| -g.input(0).ln()),
            ),
        ]);
        let mut draw = noise(size as u64);
        let point: Vec<f64> = (0..size * count + sides).map(|_| 2.0 * draw()).collect();
        assert_agrees(&model, &formula, &point);
    }
}

/// Σ ln Normal(x | 0, R ⊗ C + s I) of several x with one R, a C each, and s = e^w each; the point has
/// the locations of R, those of every C, every w, then every x.
struct MatrixNormals {
    extent: [usize; 2],
    count: usize,
}

impl Formula for MatrixNormals {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        let [n, m] = self.extent;
        let (rows, rest) = u.split_at(n);
        let (columns, rest) = rest.split_at(m * self.count);
        let (noise, values) = rest.split_at(self.count);
        let r = covariances(rows);
        let mut sum = S::constant(0.0);
        for item in 0..self.count {
            let c = covariances(&columns[item * m..][..m]);
            let x = &values[item * n * m..][..n * m];
            let entry = |p: usize, q: usize| {
                let product = r[p / m][q / m] * c[p % m][q % m];
                if p == q { product + noise[item].exp() } else { product }
            };
            let covariance =
                (0..n * m).map(|p| (0..n * m).map(|q| entry(p, q)).collect()).collect();
            let (y, ln_det) = eliminate(covariance, x.iter().map(|x| vec![*x]).collect());
            sum = sum - ln_det * 0.5 - 0.5 * (n * m) as f64 * std::f64::consts::TAU.ln();
            for (x, y) in x.iter().zip(&y) {
                sum = sum - *x * y[0] * 0.5;
            }
        }
        sum
    }
}

fn matrix_normals([n, m]: [usize; 2], count: usize) -> Model {
    let mut model = empty(n + m * count + count + n * m * count);
    let r = store_covariances(&mut model, n, 1);
    let c = model.add_buffer(m * m * count);
    let cells = || (0..m * m * count).map(move |cell| (cell / (m * m), cell / m % m, cell % m));
    let first: Vec<u32> = cells().map(|(item, i, _)| (n + item * m + i) as u32).collect();
    let second: Vec<u32> = cells().map(|(item, _, j)| (n + item * m + j) as u32).collect();
    let same: Vec<f64> = cells().map(|(_, i, j)| f64::from(u8::from(i == j))).collect();
    let (noise, output) = (model.add_buffer(count), model.add_buffer(count));
    model.nodes.extend([
        store(
            c,
            m * m * count,
            vec![gather(POINT, &first), gather(POINT, &second)],
            vec![crate::witness::column(&same)],
            body(|g| covariance(g.input(0), g.input(1), g.column(0))),
        ),
        store(noise, count, vec![run(POINT, n + m * count)], vec![], body(|g| g.input(0).exp())),
        Node::NoisyKronecker(NoisyKronecker {
            extent: [n, m],
            count,
            matrices: [start(r), start(c)],
            shared: [true, false],
            noise: start(noise),
            values: Slot { buffer: POINT, offset: n + m * count + count },
            output: start(output),
            tag: Tag(7),
        }),
        density(count, vec![run(output, 0)], vec![], body(|g| g.input(0))),
    ]);
    model
}

#[test]
fn matrix_normals_with_noise_agree() {
    for (extent, count) in [([1, 1], 1), ([2, 3], 1), ([3, 2], 2), ([4, 3], 2)] {
        let formula = MatrixNormals { extent, count };
        let model = matrix_normals(extent, count);
        let mut draw = noise(extent[0] as u64);
        let point: Vec<f64> = (0..model.buffers[0]).map(|_| draw()).collect();
        assert_agrees(&model, &formula, &point);
    }
}

#[test]
fn matrix_normals_with_equal_eigenvalues_agree() {
    // Locations so far apart that both covariances are multiples of the identity.
    let (extent, count) = ([3, 2], 1);
    let mut draw = noise(6);
    let places = [0.0, 60.0, 120.0, 0.0, 60.0];
    let point: Vec<f64> = places.into_iter().chain((0..7).map(|_| draw())).collect();
    assert_agrees(&matrix_normals(extent, count), &MatrixNormals { extent, count }, &point);
}

/// Σ tanh((A⁻¹ B)_ij) for several B and one A.
struct Solutions {
    size: usize,
    columns: usize,
}

impl Formula for Solutions {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        let (places, sides) = u.split_at(self.size);
        let mut sum = S::constant(0.0);
        for b in sides.chunks(self.size * self.columns) {
            let rows = b.chunks(self.columns).map(<[S]>::to_vec).collect();
            let (x, _) = eliminate(covariances(places), rows);
            sum = x.iter().flatten().fold(sum, |sum, x| sum + x.tanh());
        }
        sum
    }
}

#[test]
fn solutions_with_a_shared_factor_and_its_transpose_agree() {
    for (size, count, columns) in [(1, 2, 1), (4, 3, 1), (3, 2, 4), (10, 1, 2), (2, 1, 70)] {
        let formula = Solutions { size, columns };
        let sides = size * count * columns;
        let mut model = empty(size + sides);
        let a = store_covariances(&mut model, size, 1);
        let factor = model.add_buffer(size * size);
        let (half, x) = (model.add_buffer(sides), model.add_buffer(sides));
        let solve = |input, output, transposed| {
            Node::TriangularSolve(TriangularSolve {
                size,
                count,
                columns,
                matrix: start(factor),
                shared: true,
                input,
                output: start(output),
                transposed,
                tag: Tag(6),
            })
        };
        model.nodes.extend([
            cholesky(size, 1, a, factor),
            solve(Slot { buffer: POINT, offset: size }, half, false),
            solve(start(half), x, true),
            density(sides, vec![run(x, 0)], vec![], body(|g| g.input(0).tanh())),
        ]);
        let mut draw = noise(size as u64 + 1);
        let point: Vec<f64> = (0..size + sides).map(|_| draw()).collect();
        assert_agrees(&model, &formula, &point);
    }
}

/// Σ sin(w_ij) L_ij, column by column: L_jj² = what is left of A_jj.
struct Entries;

impl Formula for Entries {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        let mut a = covariances(u);
        let mut sum = S::constant(0.0);
        for j in 0..u.len() {
            let pivot = a[j][j].sqrt();
            let column: Vec<S> = (0..u.len()).map(|i| a[i][j] / pivot).collect();
            for i in j..u.len() {
                sum = sum + column[i] * f64::sin((i * u.len() + j) as f64);
                for k in j + 1..u.len() {
                    a[i][k] = a[i][k] - column[i] * column[k];
                }
            }
        }
        sum
    }
}

#[test]
fn every_element_of_the_factor_agrees() {
    for size in [1, 2, 8, 11] {
        let mut model = empty(size);
        let a = store_covariances(&mut model, size, 1);
        let factor = model.add_buffer(size * size);
        let weights: Vec<f64> = (0..size * size).map(|c| f64::sin(c as f64)).collect();
        model.nodes.extend([
            cholesky(size, 1, a, factor),
            density(
                size * size,
                vec![run(factor, 0)],
                vec![crate::witness::column(&weights)],
                body(|g| g.input(0) * g.column(0)),
            ),
        ]);
        let mut draw = noise(size as u64 + 2);
        let point: Vec<f64> = (0..size).map(|_| draw()).collect();
        assert_agrees(&model, &Entries, &point);
    }
}

/// ln det of the matrix that is the point; its gradient is the inverse, off the diagonal twice.
fn ln_determinant(size: usize) -> (Model, BufferId) {
    let mut model = empty(size * size);
    let factor = model.add_buffer(size * size);
    let diagonal: Vec<u32> = (0..size).map(|i| (i * (size + 1)) as u32).collect();
    model.nodes = vec![
        cholesky(size, 1, POINT, factor),
        density(size, vec![gather(factor, &diagonal)], vec![], body(|g| g.input(0).ln() * 2.0)),
    ];
    (model, factor)
}

#[test]
fn the_factor_of_a_large_matrix_multiplies_back_and_its_adjoint_is_the_inverse() {
    let size = 150;
    let mut draw = noise(4);
    let mut a = vec![0.0; size * size];
    for i in 0..size {
        for j in 0..i {
            let x = draw() * 0.05;
            (a[i * size + j], a[j * size + i]) = (x, x);
        }
        a[i * size + i] = 2.0 + draw();
    }
    let (model, factor) = ln_determinant(size);
    let program = Program::compile(&model, &Options::default()).expect("consistent");
    let mut workspace = program.workspace();
    let buffers = program.buffers(&mut workspace, &a);
    let l = buffers.get(factor);
    let row = |i: usize| &l[i * size..][..size];
    for i in 0..size {
        assert!(row(i)[i + 1..].iter().all(|x| *x == 0.0));
        for j in 0..size {
            let product: f64 = row(i).iter().zip(row(j)).map(|(x, y)| x * y).sum();
            assert!((product - a[i * size + j]).abs() < 1e-13);
        }
    }
    let mut gradient = vec![0.0; size * size];
    program.gradient(&mut workspace, &a, &mut gradient);
    let inverse = |i: usize, j: usize| match i.cmp(&j) {
        std::cmp::Ordering::Equal => gradient[i * size + i],
        std::cmp::Ordering::Less => gradient[j * size + i] * 0.5,
        std::cmp::Ordering::Greater => gradient[i * size + j] * 0.5,
    };
    for i in 0..size {
        for j in 0..size {
            let product: f64 = (0..size).map(|k| a[i * size + k] * inverse(k, j)).sum();
            assert!((product - f64::from(u8::from(i == j))).abs() < 1e-12);
        }
    }
}

#[test]
fn a_matrix_that_is_not_positive_definite_gives_a_density_that_is_not_finite() {
    let (model, _) = ln_determinant(2);
    let program = Program::compile(&model, &Options::default()).expect("consistent");
    let mut workspace = program.workspace();
    for a in [[-1.0, 0.0, 0.0, 1.0], [1.0, 2.0, 2.0, 1.0], [1.0, 1.0, 1.0, 1.0], [0.0; 4]] {
        let mut gradient = [0.0; 4];
        let value = program.gradient(&mut workspace, &a, &mut gradient);
        assert!(!value.is_finite(), "{a:?} gives {value}");
        assert!(program.blame(&a).is_some());
    }
}

#[test]
fn matrices_without_rows_are_no_work() {
    let mut model = empty(0);
    let factor = model.add_buffer(0);
    model.nodes = vec![cholesky(0, 3, POINT, factor)];
    let program = Program::compile(&model, &Options::default()).expect("consistent");
    assert_eq!(program.gradient(&mut program.workspace(), &[], &mut []), 0.0);
}

#[test]
fn matrices_outside_their_buffers_or_in_their_own_way_are_refused() {
    let check = |size: usize, input: Slot, output: Slot| {
        let mut model = empty(9);
        model.add_buffer(18);
        model.nodes = vec![Node::Cholesky(Cholesky { size, count: 1, input, output, tag: Tag(5) })];
        model.check()
    };
    let slot = |buffer, offset| Slot { buffer: BufferId(buffer), offset };
    assert_eq!(check(3, slot(0, 0), slot(1, 0)), None);
    assert_eq!(check(3, slot(1, 0), slot(1, 9)), None);
    assert_eq!(check(3, slot(0, 1), slot(1, 0)), Some(Inconsistency::OutOfBuffer(Tag(5))));
    assert_eq!(check(3, slot(0, 0), slot(1, 10)), Some(Inconsistency::OutOfBuffer(Tag(5))));
    assert_eq!(check(3, slot(1, 0), slot(1, 8)), Some(Inconsistency::WritesInput(Tag(5))));
    assert_eq!(check(3, slot(1, 0), slot(0, 0)), Some(Inconsistency::WritesPoint(Tag(5))));
}

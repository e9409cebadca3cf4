//! Finite variables summed out, against sums over all assignments.

use crate::witness::{
    Formula, assert_agrees, body, column, density, empty, gather, noise, run, uniform,
};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use vippl::engine::{Options, Program};
use vippl::graph::eliminate::plan;
use vippl::graph::{
    BufferId, Elimination, Factor, Inconsistency, Kernel, Model, Node, Slot, Tag, Target,
};
use vippl::inference::target::LogDensity;
use vippl::math::Scalar;

const POINT: BufferId = BufferId::POINT;
const DIMENSION: usize = 4;

type Entry = (u32, u32, f64, f64, f64);
/// Name, sizes and scopes.
type Structure = (&'static str, Vec<u32>, Vec<Vec<u32>>);

/// Tables with entries a tanh(u_i) + b u_j + c, where c may be -∞.
struct Tables {
    sizes: Vec<u32>,
    scopes: Vec<Vec<u32>>,
    /// For every table and entry: i, j, a, b, c.
    entries: Vec<Vec<Entry>>,
}

impl Tables {
    fn random(sizes: &[u32], scopes: &[&[u32]], seed: u64, forbid: f64) -> Self {
        let mut draw = noise(seed);
        let entries = scopes.iter().map(|scope| {
            let count: u32 = scope.iter().map(|v| sizes[*v as usize]).product();
            let mut entry = |position: u32| {
                let mut pick = || ((draw() + 1.0) * 0.5 * DIMENSION as f64) as u32;
                let (i, j) = (pick(), pick());
                let (a, b, c) = (draw(), draw(), 2.0 * draw());
                // All variables in their first state are always possible.
                let forbidden = position > 0 && draw() < 2.0 * forbid - 1.0;
                (i, j, a, b, if forbidden { f64::NEG_INFINITY } else { c })
            };
            (0..count).map(&mut entry).collect()
        });
        Tables {
            sizes: sizes.to_vec(),
            entries: entries.collect(),
            scopes: scopes.iter().map(|scope| scope.to_vec()).collect(),
        }
    }

    /// A model in which every table is accumulated in its own place of one buffer.
    fn model(&self) -> Model {
        let mut model = empty(DIMENSION);
        let all: Vec<_> = self.entries.iter().flatten().copied().collect();
        let buffer = model.add_buffer(all.len());
        let index = |f: fn(&Entry) -> u32| all.iter().map(f).collect::<Vec<_>>();
        let data = |f: fn(&Entry) -> f64| column(&all.iter().map(f).collect::<Vec<_>>());
        let mut offset = 0;
        let factors = self.scopes.iter().zip(&self.entries).map(|(scope, entries)| {
            let table = Slot { buffer, offset };
            offset += entries.len();
            Factor { table, scope: scope.clone() }
        });
        let elimination =
            Elimination { sizes: self.sizes.clone(), factors: factors.collect(), tag: Tag(7) };
        model.nodes = vec![
            Node::Kernel(Kernel {
                rows: all.len(),
                inputs: vec![gather(POINT, &index(|e| e.0)), gather(POINT, &index(|e| e.1))],
                columns: vec![data(|e| e.2), data(|e| e.3), data(|e| e.4)],
                body: body(|g| {
                    g.input(0).tanh() * g.column(0) + g.input(1) * g.column(1) + g.column(2)
                }),
                target: Target::Accumulate { buffer, index: (0..all.len() as u32).collect() },
                tag: Tag(1),
            }),
            density(DIMENSION, vec![run(POINT, 0)], vec![], body(|g| g.input(0).square() * -0.5)),
            Node::Elimination(elimination),
        ];
        model
    }

    /// Every assignment that is not forbidden and its weight e^{Σ tables}.
    fn weights<S: Scalar>(&self, u: &[S]) -> Vec<(Vec<u32>, S)> {
        let count: u32 = self.sizes.iter().product();
        let assignment = |mut code: u32| {
            let state = |size: &u32| {
                let state = code % size;
                code /= size;
                state
            };
            self.sizes.iter().map(state).collect::<Vec<u32>>()
        };
        let weight = |z: &[u32]| {
            let mut sum = S::constant(0.0);
            for (scope, entries) in self.scopes.iter().zip(&self.entries) {
                let at =
                    scope.iter().fold(0, |at, v| at * self.sizes[*v as usize] + z[*v as usize]);
                let (i, j, a, b, c) = entries[at as usize];
                if c == f64::NEG_INFINITY {
                    return None;
                }
                sum = sum + u[i as usize].tanh() * a + u[j as usize] * b + c;
            }
            Some(sum.exp())
        };
        let all = (0..count).map(assignment);
        all.filter_map(|z| weight(&z).map(|w| (z, w))).collect()
    }
}

impl Formula for Tables {
    fn log_density<S: Scalar>(&self, u: &[S]) -> S {
        let prior = u.iter().fold(S::constant(0.0), |sum, x| sum - x.square() * 0.5);
        let weights = self.weights(u);
        prior + weights.iter().fold(S::constant(0.0), |sum, (_, w)| sum + *w).ln()
    }
}

/// Sizes and scopes: independent, behind a gate, chains, trees, loops and all at once.
fn structures() -> Vec<Structure> {
    let pairs = |count: u32| (0..count - 1).map(|v| vec![v, v + 1]).collect::<Vec<_>>();
    let mut chain = pairs(6);
    chain.extend((0..6).map(|v| vec![v]));
    let mut ring = pairs(5);
    ring.push(vec![4, 0]);
    ring.push(vec![2]);
    vec![
        ("one", vec![5], vec![vec![0], vec![0]]),
        ("independent", vec![3, 2, 3, 3], vec![vec![0], vec![1], vec![2], vec![3], vec![2]]),
        ("nothing known of one", vec![2, 3], vec![vec![1], vec![]]),
        ("gated", vec![2, 3, 3, 2], vec![vec![0], vec![0, 1], vec![2, 0], vec![0, 3], vec![3]]),
        ("chain", vec![2, 3, 2, 3, 2, 2], chain),
        ("even chain", vec![3; 7], pairs(7)),
        ("tree", vec![2; 7], (1..7).map(|v| vec![(v - 1) / 2, v]).collect()),
        ("ring", vec![2, 3, 2, 3, 2], ring),
        (
            "grid",
            vec![2; 9],
            (0..9_u32)
                .flat_map(|v| {
                    let right = (v % 3 < 2).then(|| vec![v, v + 1]);
                    right.into_iter().chain((v < 6).then(|| vec![v + 3, v]))
                })
                .collect(),
        ),
        ("threes", vec![2, 3, 2, 2, 2], vec![vec![2, 0, 1], vec![1, 3, 4], vec![4, 2]]),
        ("two parts", vec![2, 2, 3, 3], vec![vec![0, 1], vec![3, 2], vec![]]),
    ]
}

fn with_structures(forbid: f64, mut test: impl FnMut(&str, Tables)) {
    for (seed, (name, sizes, scopes)) in structures().into_iter().enumerate() {
        let scopes: Vec<&[u32]> = scopes.iter().map(Vec::as_slice).collect();
        test(name, Tables::random(&sizes, &scopes, seed as u64 + 60, forbid));
    }
}

fn point() -> Vec<f64> {
    let mut draw = noise(9);
    (0..DIMENSION).map(|_| draw()).collect()
}

#[test]
fn log_densities_and_derivatives_are_those_of_the_sum_over_assignments() {
    with_structures(0.0, |_, tables| assert_agrees(&tables.model(), &tables, &point()));
}

#[test]
fn random_structures_agree() {
    let mut draw = noise(77);
    let mut below = |n: usize| ((draw() + 1.0) * 0.5 * n as f64) as usize;
    for seed in 0..25 {
        let variables = 1 + below(6);
        let sizes: Vec<u32> = (0..variables).map(|_| 1 + below(3) as u32).collect();
        let scopes: Vec<Vec<u32>> = (0..below(9))
            .map(|_| {
                let mut scope: Vec<u32> = (0..variables as u32).collect();
                (1..variables).for_each(|i| scope.swap(i, below(i + 1)));
                scope.truncate(below(4));
                scope
            })
            .collect();
        let scopes: Vec<&[u32]> = scopes.iter().map(Vec::as_slice).collect();
        let tables = Tables::random(&sizes, &scopes, seed, 0.1);
        assert_agrees(&tables.model(), &tables, &point());
    }
}

#[test]
fn forbidden_states_agree() {
    with_structures(0.15, |_, tables| assert_agrees(&tables.model(), &tables, &point()));
}

fn program(model: &Model) -> Program {
    Program::compile(model, &Options::default()).expect("the model is consistent")
}

#[test]
fn marginals_are_those_of_the_sum_over_assignments() {
    with_structures(0.15, |name, tables| {
        let program = program(&tables.model());
        let mut workspace = program.workspace();
        let mut assignments = program.assignments(&mut workspace, &point());
        assert_eq!(assignments.tags().collect::<Vec<_>>(), [Tag(7)]);
        assert_eq!(assignments.sizes(0), tables.sizes);
        let weights = tables.weights(&point());
        let total: f64 = weights.iter().map(|(_, w)| w).sum();
        let marginals = assignments.marginals(0);
        let mut rest = marginals.as_slice();
        for (v, size) in tables.sizes.iter().enumerate() {
            let (own, more) = rest.split_at(*size as usize);
            rest = more;
            for (k, marginal) in own.iter().enumerate() {
                let with = weights.iter().filter(|(z, _)| z[v] as usize == k);
                let expected = with.map(|(_, w)| w).sum::<f64>() / total;
                assert!((marginal - expected).abs() < 1e-12, "{name}: {v} = {k}");
            }
        }
    });
}

/// 20,000 draws; a frequency off by five standard errors, as one in a million is, of a few hundred.
#[test]
fn samples_have_the_frequencies_of_the_joint_distribution() {
    const DRAWS: u32 = 20_000;
    with_structures(0.15, |name, tables| {
        let program = program(&tables.model());
        let mut workspace = program.workspace();
        let mut assignments = program.assignments(&mut workspace, &point());
        let weights = tables.weights(&point());
        let total: f64 = weights.iter().map(|(_, w)| w).sum();
        let mut rng = ChaCha12Rng::seed_from_u64(5);
        let mut counts = std::collections::HashMap::new();
        let mut states = vec![0; tables.sizes.len()];
        for _ in 0..DRAWS {
            assert!(assignments.sample(0, &mut rng, &mut states));
            *counts.entry(states.clone()).or_insert(0_u32) += 1;
        }
        for (z, weight) in &weights {
            let p = weight / total;
            let count = f64::from(counts.remove(z).unwrap_or(0));
            let error = (f64::from(DRAWS) * p * (1.0 - p)).sqrt();
            assert!((count - f64::from(DRAWS) * p).abs() < 5.0 * error + 6.0, "{name}: {z:?}");
        }
        assert!(counts.is_empty(), "{name}: impossible states were drawn");
    });
}

/// Tables filled by one kernel with these log weights of a single variable.
fn single(entries: &[f64]) -> Model {
    let mut model = empty(1);
    let table = model.add_buffer(entries.len());
    model.nodes = vec![
        crate::witness::store(
            table,
            entries.len(),
            vec![uniform(POINT, 0)],
            vec![column(entries)],
            // ln(c e^u): at c = 0 the value is -∞ and the derivative 0 times ∞.
            body(|g| (g.input(0).exp() * g.column(0)).ln()),
        ),
        Node::Elimination(Elimination {
            sizes: vec![entries.len() as u32],
            factors: vec![Factor { table: Slot { buffer: table, offset: 0 }, scope: vec![0] }],
            tag: Tag(7),
        }),
    ];
    model
}

#[test]
fn impossible_states_add_nothing_to_adjoints() {
    struct Possible;
    impl Formula for Possible {
        fn log_density<S: Scalar>(&self, u: &[S]) -> S {
            (u[0].exp() * 3.0).ln()
        }
    }
    assert_agrees(&single(&[0.0, 1.0, 0.0, 2.0]), &Possible, &[0.3]);
}

#[test]
fn where_everything_is_impossible_the_log_density_is_minus_infinity_and_flat() {
    let program = program(&single(&[0.0, 0.0, 0.0]));
    let mut workspace = program.workspace();
    let (mut gradient, mut product) = ([9.0], [9.0]);
    let value = program.gradient(&mut workspace, &[0.2], &mut gradient);
    assert_eq!((value, gradient), (f64::NEG_INFINITY, [0.0]));
    program.hessian_vector(&mut workspace, &[0.2], &[1.0], &mut product);
    assert_eq!(product, [0.0]);
    let blame = program.blame(&[0.2]).expect("a term is not finite");
    assert_eq!((blame.tag, blame.value), (Tag(7), f64::NEG_INFINITY));
    let mut assignments = program.assignments(&mut workspace, &[0.2]);
    assert!(!assignments.sample(0, &mut ChaCha12Rng::seed_from_u64(1), &mut [0]));
    assert_eq!(assignments.marginals(0), [0.0; 3]);
}

#[test]
fn a_weight_that_is_not_a_number_is_not_taken_for_an_impossible_state() {
    for entries in [[-1.0, 0.0], [0.0, -1.0], [-1.0, 1.0], [1.0, -1.0]] {
        let program = program(&single(&entries));
        assert!(program.log_density(&mut program.workspace(), &[0.2]).is_nan(), "{entries:?}");
    }
}

#[test]
fn points_that_are_no_numbers_do_no_harm() {
    with_structures(0.15, |_, tables| {
        let program = program(&tables.model());
        let mut workspace = program.workspace();
        for bad in [f64::NAN, f64::INFINITY, -f64::INFINITY] {
            let (mut gradient, mut product) = ([0.0; DIMENSION], [0.0; DIMENSION]);
            let value = program.gradient(&mut workspace, &[bad; DIMENSION], &mut gradient);
            program.hessian_vector(&mut workspace, &[bad; DIMENSION], &gradient, &mut product);
            assert!(!value.is_finite());
            let mut assignments = program.assignments(&mut workspace, &[bad; DIMENSION]);
            let mut states = vec![0; tables.sizes.len()];
            assignments.sample(0, &mut ChaCha12Rng::seed_from_u64(3), &mut states);
            assert!(states.iter().zip(&tables.sizes).all(|(state, size)| state < size));
            assert_eq!(assignments.marginals(0).len() as u32, tables.sizes.iter().sum::<u32>());
        }
        // All is well again afterwards.
        assert_eq!(
            program.log_density(&mut workspace, &point()),
            program.log_density(&mut program.workspace(), &point())
        );
    });
}

#[test]
fn large_weights_neither_overflow_nor_vanish() {
    for shift in [-1e5, 1e5, 700.0] {
        let mut model = empty(1);
        let table = model.add_buffer(2);
        model.nodes = vec![
            crate::witness::store(
                table,
                2,
                vec![uniform(POINT, 0)],
                vec![column(&[1.0, 3.0])],
                body(|g| g.input(0) + g.column(0).ln()),
            ),
            Node::Elimination(Elimination {
                sizes: vec![2],
                factors: vec![Factor { table: Slot { buffer: table, offset: 0 }, scope: vec![0] }],
                tag: Tag(7),
            }),
        ];
        let program = program(&model);
        let mut gradient = [0.0];
        let value = program.gradient(&mut program.workspace(), &[shift], &mut gradient);
        assert!((value - shift - 4.0_f64.ln()).abs() < 1e-10 * shift.abs());
        assert!((gradient[0] - 1.0).abs() < 1e-14);
    }
}

/// A chain of n variables with K states: log weights `unary` for each state and `pair` between
/// neighbours, by the forward algorithm in plain numbers, rescaled.
fn chain_by_matrices(n: usize, unary: &[f64], pair: &[f64]) -> f64 {
    let k = unary.len();
    let (mut alpha, mut total) = (unary.iter().map(|x| x.exp()).collect::<Vec<_>>(), 0.0);
    for _ in 1..n {
        let step = |to: usize| {
            let from = |from: usize| alpha[from] * pair[from * k + to].exp();
            (0..k).map(from).sum::<f64>() * unary[to].exp()
        };
        let next: Vec<f64> = (0..k).map(step).collect();
        let scale: f64 = next.iter().sum();
        total += scale.ln();
        alpha = next.iter().map(|x| x / scale).collect();
    }
    total + alpha.iter().sum::<f64>().ln()
}

#[test]
fn a_chain_of_ten_thousand_variables_is_the_forward_algorithm() {
    let (n, k) = (10_000, 5);
    let mut draw = noise(2);
    let unary: Vec<f64> = (0..k).map(|_| draw()).collect();
    let pair: Vec<f64> = (0..k * k).map(|_| draw()).collect();
    let mut model = empty(k + k * k);
    let slot = |offset| Slot { buffer: POINT, offset };
    let states = (0..n as u32).map(|v| Factor { table: slot(0), scope: vec![v] });
    let moves = (1..n as u32).map(|v| Factor { table: slot(k), scope: vec![v - 1, v] });
    model.nodes = vec![Node::Elimination(Elimination {
        sizes: vec![k as u32; n],
        factors: states.chain(moves).collect(),
        tag: Tag(7),
    })];
    let program = program(&model);
    let mut point = unary.clone();
    point.extend(&pair);
    let mut gradient = vec![0.0; point.len()];
    let value = program.gradient(&mut program.workspace(), &point, &mut gradient);
    let expected = chain_by_matrices(n, &unary, &pair);
    assert!((value - expected).abs() < 1e-10 * expected.abs(), "{value} and {expected}");
    // Expected counts: one state for every variable, one move for every pair of neighbours.
    assert!((gradient[..k].iter().sum::<f64>() - n as f64).abs() < 1e-7);
    assert!((gradient[k..].iter().sum::<f64>() - (n - 1) as f64).abs() < 1e-7);
}

#[test]
fn plans_of_large_simple_structures_have_small_tables() {
    let largest = |sizes: &[u32], scopes: &[Vec<u32>]| {
        let scopes: Vec<&[u32]> = scopes.iter().map(Vec::as_slice).collect();
        let plan = plan(sizes, &scopes, 1 << 16).expect("small tables");
        assert_eq!(plan.steps.len(), sizes.len());
        plan.steps.iter().map(|step| step.entries).max()
    };
    let many = 20_000_u32;
    let independent: Vec<_> = (0..3 * many).map(|f| vec![f / 3]).collect();
    assert_eq!(largest(&vec![4; many as usize], &independent), Some(4));
    let star: Vec<_> = (1..many).map(|v| vec![v, 0]).collect();
    assert_eq!(largest(&vec![3; many as usize], &star), Some(9));
    let tree: Vec<_> = (1..many).map(|v| vec![(v - 1) / 3, v]).collect();
    assert_eq!(largest(&vec![2; many as usize], &tree), Some(4));
    let ring: Vec<_> = (0..many).map(|v| vec![v, (v + 1) % many]).collect();
    assert_eq!(largest(&vec![2; many as usize], &ring), Some(8));
}

#[test]
fn tables_that_would_be_too_large_are_named() {
    let sizes = [40; 4];
    let scopes: [&[u32]; 6] = [&[0, 1], &[0, 2], &[0, 3], &[1, 2], &[1, 3], &[2, 3]];
    let error = plan(&sizes, &scopes, 1 << 16).expect_err("four joined variables");
    assert_eq!((error.variables, error.entries), (vec![0, 1, 2, 3], 40_usize.pow(4)));
    let mut model = empty(1600);
    let table = Slot { buffer: POINT, offset: 0 };
    let factors = scopes.iter().map(|scope| Factor { table, scope: scope.to_vec() }).collect();
    model.nodes =
        vec![Node::Elimination(Elimination { sizes: sizes.to_vec(), factors, tag: Tag(7) })];
    let error = Program::compile(&model, &Options::default()).expect_err("too large");
    assert_eq!(error, Inconsistency::TableTooLarge(Tag(7)));
}

#[test]
fn inconsistent_eliminations_are_refused() {
    let check = |sizes: &[u32], scope: &[u32]| {
        let mut model = empty(4);
        let factor = Factor { table: Slot { buffer: POINT, offset: 0 }, scope: scope.to_vec() };
        let elimination = Elimination { sizes: sizes.to_vec(), factors: vec![factor], tag: Tag(7) };
        model.nodes = vec![Node::Elimination(elimination)];
        model.check()
    };
    assert_eq!(check(&[2, 2], &[1, 0]), None);
    assert_eq!(check(&[2, 3], &[1, 0]), Some(Inconsistency::OutOfBuffer(Tag(7))));
    assert_eq!(check(&[2, 2], &[1, 1]), Some(Inconsistency::WrongScope(Tag(7))));
    assert_eq!(check(&[2, 2], &[1, 2]), Some(Inconsistency::WrongScope(Tag(7))));
    assert_eq!(check(&[2, 0], &[0]), Some(Inconsistency::WrongLength(Tag(7))));
}

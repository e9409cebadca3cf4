//! The Hessian of a log density in coupled locals from few products with vectors, and its factor.
//!
//! Locals that share no neighbour are probed together: each entry of the product belongs to one of
//! them. A local with many neighbours has a product of its own. What wide rows add has as low a rank as
//! there are wide rows, and follows from as many products. Invariant: the precision A = −∇²_u log p is
//! A = L (I + W Λ Wᵀ) Lᵀ, with orthonormal W for the wide rows.

use nalgebra::{DMatrix, DVector};

use super::Coupling;
use crate::math::eigen::symmetric_eigen;
use crate::math::sparse::{Factor, Pattern};

/// A local with more neighbours than this has a product of its own.
const MANY_NEIGHBOURS: usize = 48;

/// Singular values below this share of the largest are rounding.
const ROUNDING: f64 = 1e-9;

/// Which products with vectors give the entries of a Hessian.
#[derive(Clone, Debug)]
pub struct Probes {
    /// The locals whose directions are added in each product, by their positions.
    members: Vec<Vec<u32>>,
    /// For each product the positions of the locals that are read, and of the entries that they are.
    reads: Vec<Vec<(u32, u32)>>,
}

impl Probes {
    /// The products for a pattern.
    pub fn new(pattern: &Pattern) -> Self {
        let columns = pattern.columns();
        let is_hub = |local: u32| columns[local as usize].len() > MANY_NEIGHBOURS;
        let near = |local: u32| columns[local as usize].iter().copied().filter(|n| !is_hub(*n));
        let all = 0..columns.len() as u32;
        let mut colour = vec![usize::MAX; columns.len()];
        let mut members: Vec<Vec<u32>> = Vec::new();
        let mut taken: Vec<u32> = Vec::new();
        for local in all.clone().filter(|local| !is_hub(*local)) {
            for other in near(local).flat_map(near) {
                if let Some(taken) = taken.get_mut(colour[other as usize]) {
                    *taken = local + 1;
                }
            }
            let free = taken.iter().position(|by| *by != local + 1).unwrap_or(taken.len());
            if free == taken.len() {
                taken.push(0);
                members.push(Vec::new());
            }
            colour[local as usize] = free;
            members[free].push(local);
        }
        let mut reads: Vec<Vec<(u32, u32)>> = vec![Vec::new(); members.len()];
        let mut entry = 0;
        for row in all {
            for column in &columns[row as usize] {
                if !is_hub(row) && !is_hub(*column) {
                    reads[colour[*column as usize]].push((row, entry));
                }
                entry += 1;
            }
        }
        for hub in (0..columns.len() as u32).filter(|local| is_hub(*local)) {
            let mut own = Vec::new();
            for (place, row) in pattern.of_row(hub as usize).zip(&columns[hub as usize]) {
                own.push((*row, place as u32));
                let mirrored = pattern.position(*row as usize, hub as usize);
                own.extend(mirrored.map(|place| (*row, place as u32)));
            }
            members.push(vec![hub]);
            reads.push(own);
        }
        Self { members, reads }
    }

    /// How many products.
    pub fn count(&self) -> usize {
        self.members.len()
    }
}

/// What wide rows add to the precision.
#[derive(Clone, Debug)]
struct Wide {
    /// W, a row for each local.
    directions: DMatrix<f64>,
    /// 1 + Λ
    stretch: DVector<f64>,
}

/// The factored precision of the locals, and scratch memory to get it.
#[derive(Clone, Debug)]
pub(super) struct Precision {
    factor: Factor,
    wide: Option<Wide>,
    entries: Vec<f64>,
}

/// A product of the Hessian with a direction, both over all coordinates; those of the rows that are
/// not wide, or of the wide ones.
pub(super) type Product<'p> = &'p mut dyn FnMut(Part, &[f64], &mut [f64]);

/// Which rows of a log density.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Narrow,
    Wide,
}

impl Precision {
    pub(super) fn new<P>(coupling: &Coupling<P>) -> Self {
        let factor = Factor::new(&coupling.pattern);
        Self { factor, wide: None, entries: vec![0.0; coupling.pattern.entries()] }
    }

    /// Takes in the Hessian that `multiply` multiplies with; whether the precision is positive definite.
    pub(super) fn measure<P>(
        &mut self,
        coupling: &Coupling<P>,
        direction: &mut [f64],
        product: &mut [f64],
        multiply: Product<'_>,
    ) -> bool {
        let Coupling { locals, probes, .. } = coupling;
        for (members, reads) in probes.members.iter().zip(&probes.reads) {
            direction.fill(0.0);
            members.iter().for_each(|local| direction[locals[*local as usize]] = 1.0);
            multiply(Part::Narrow, direction, product);
            for (row, entry) in reads {
                self.entries[*entry as usize] = -product[locals[*row as usize]];
            }
        }
        let narrow = self.factor.factor(&coupling.pattern, &self.entries);
        self.wide = None;
        narrow && (coupling.wide == 0 || self.widen(coupling, direction, product, multiply))
    }

    /// Adds what wide rows say: −Y G⁺ Yᵀ for products Y of their Hessian with vectors V, G = Vᵀ Y.
    fn widen<P>(
        &mut self,
        coupling: &Coupling<P>,
        direction: &mut [f64],
        product: &mut [f64],
        multiply: Product<'_>,
    ) -> bool {
        let Coupling { locals, pattern, .. } = coupling;
        let (size, rank) = (locals.len(), coupling.wide);
        // Any vectors will do that are not orthogonal to what the rows depend on.
        let probe = |local: usize, k: usize| 1.0 + ((local + 1) as f64 * (k as f64 + 0.5)).sin();
        let mut products = DMatrix::zeros(size, rank);
        for k in 0..rank {
            direction.fill(0.0);
            (0..size).for_each(|local| direction[locals[local]] = probe(local, k));
            multiply(Part::Wide, direction, product);
            (0..size).for_each(|local| products[(local, k)] = product[locals[local]]);
        }
        let inner = DMatrix::from_fn(rank, rank, |i, j| {
            (0..size).map(|local| probe(local, i) * products[(local, j)]).sum::<f64>()
        });
        let Some((values, vectors)) = symmetric_eigen(inner) else { return false };
        let least = ROUNDING * values.amax();
        let inverse = values.map(|value| if value.abs() > least { -value.recip() } else { 0.0 });
        for mut column in products.column_iter_mut() {
            self.factor.whiten(pattern, column.as_mut_slice());
        }
        let (directions, upper) = products.qr().unpack();
        let upper = upper * vectors;
        let Some((stretch, turn)) =
            symmetric_eigen(&upper * DMatrix::from_diagonal(&inverse) * upper.transpose())
        else {
            return false;
        };
        let stretch = stretch.map(|value| 1.0 + value);
        let definite = stretch.iter().all(|value| *value > 0.0);
        self.wide = Some(Wide { directions: directions * turn, stretch });
        definite
    }

    /// Factors the precision again, with so much added to its diagonal and without wide rows; whether
    /// it is positive definite.
    pub(super) fn with_ridge<P>(&mut self, coupling: &Coupling<P>, ridge: f64) -> bool {
        let pattern = &coupling.pattern;
        let mut entries = self.entries.clone();
        let diagonal = (0..pattern.size()).filter_map(|row| pattern.position(row, row));
        diagonal.for_each(|place| entries[place] += ridge);
        self.wide = None;
        self.factor.factor(pattern, &entries)
    }

    /// The largest size of an entry.
    pub(super) fn largest(&self) -> f64 {
        self.entries.iter().fold(0.0, |largest, entry| entry.abs().max(largest))
    }

    /// ln |A|
    pub(super) fn log_determinant(&self) -> f64 {
        let wide = self.wide.iter().flat_map(|wide| wide.stretch.iter());
        self.factor.log_determinant() + wide.map(|value| value.ln()).sum::<f64>()
    }

    /// Replaces z by B z with B Bᵀ = A⁻¹.
    pub(super) fn spread<P>(&mut self, coupling: &Coupling<P>, z: &mut [f64]) {
        self.shrink(z);
        self.factor.spread(&coupling.pattern, z);
    }

    /// Replaces g by Bᵀ g.
    pub(super) fn whiten<P>(&mut self, coupling: &Coupling<P>, g: &mut [f64]) {
        self.factor.whiten(&coupling.pattern, g);
        self.shrink(g);
    }

    /// Multiplies by (I + W Λ Wᵀ)^(−½).
    fn shrink(&self, z: &mut [f64]) {
        let Some(Wide { directions, stretch }) = &self.wide else { return };
        for (column, stretch) in directions.column_iter().zip(stretch) {
            let along: f64 = column.iter().zip(&*z).map(|(w, z)| w * z).sum();
            let change = along * (stretch.sqrt().recip() - 1.0);
            column.iter().zip(&mut *z).for_each(|(w, z)| *z += change * w);
        }
    }
}

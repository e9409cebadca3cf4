//! The log densities of statements over groups of elements: families of several values, and
//! independent elements under a constraint.

mod kronecker;
mod tied;

use super::super::linear::{Cholesky, TriangularSolve};
use super::super::node::{Node, Slot, Tag, Target};
use super::super::trace::{Graph, Traced};
use super::expression::Tracer;
use super::rows::Rows;
use super::{LowerError, Lowering};
use crate::bound::finite::mentions;
use crate::bound::space;
use crate::library::joint::{Extent, JointDensity};
use crate::math::Scalar;
use crate::math::derivative::LN_SQRT_TAU;
use crate::math::special::ln_gamma;
use crate::typed::{
    Distribution, IndexId, Joint, JointArgument, Random, Structure, Structured, VariableId,
};
use tied::Tied;

/// A matrix for each group, or one for all.
#[derive(Clone, Copy)]
struct Matrices {
    slot: Slot,
    size: usize,
    shared: bool,
}

impl Lowering<'_> {
    /// The log density of a statement over groups of elements.
    pub(super) fn tied(&mut self, random: &Random) -> Result<(), LowerError> {
        let groups = space::groups(&self.evaluator, random)?;
        if groups.first().is_none_or(Vec::is_empty) {
            return Ok(());
        }
        let tied = self.tie(random, groups)?;
        match &random.distribution {
            Distribution::Structured(structured) => self.structured(&tied, structured),
            Distribution::Joint(joint) => self.joint(&tied, joint),
            Distribution::Family(_)
            | Distribution::PointMass(_)
            | Distribution::Elements(_)
            | Distribution::Choice(_)
            | Distribution::Written(_) => Ok(()),
        }
    }

    fn structured(&mut self, tied: &Tied<'_>, structured: &Structured) -> Result<(), LowerError> {
        let rows = tied.members(self);
        let graph = Graph::new();
        let mut tracer = Tracer::new(self, &graph, &rows);
        let x = tracer.element(tied.random.variable)?;
        let value = tracer.family(&structured.element, x)?;
        let kernel = tracer.finish(value, tied.density(&tied.group_of()), tied.tag);
        self.push(Node::Kernel(kernel));
        let groups = tied.each();
        match structured.structure {
            Structure::Ordered if structured.identical && !structured.is_improper() => {
                let orders = ln_gamma(tied.size() as f64 + 1.0);
                self.kernel(groups.len(), tied.tag, tied.density(&groups), |_| {
                    Traced::Constant(orders)
                });
            }
            Structure::Ordered => {}
            Structure::ZeroSum => {
                let rows = tied.firsts(self);
                let graph = Graph::new();
                let mut tracer = Tracer::new(self, &graph, &rows);
                let sd = match structured.element.arguments.get(1) {
                    Some(sd) => tracer.trace(sd)?,
                    None => Traced::Constant(f64::NAN),
                };
                let kernel = tracer.finish(sd.ln() + LN_SQRT_TAU, tied.density(&groups), tied.tag);
                self.push(Node::Kernel(kernel));
            }
        }
        Ok(())
    }

    fn joint(&mut self, tied: &Tied<'_>, joint: &Joint) -> Result<(), LowerError> {
        let density = joint.form.density;
        let argument = |at: usize| &joint.arguments[at];
        match density {
            JointDensity::Dirichlet => self.dirichlet(tied, joint),
            JointDensity::MvNormalCovariance
            | JointDensity::MvNormalCholesky
            | JointDensity::MvNormalPrecision
            | JointDensity::MvNormalCorrelation
            | JointDensity::MvNormalCorrelationCholesky => {
                let scale = self.scale(tied, joint, density, 1)?;
                let z = self.standardised(tied, argument(0), &scale)?;
                self.standard_normal(tied, z);
                self.log_determinant(tied, scale.factor, scale.power());
                Ok(())
            }
            JointDensity::MvStudentTScale
            | JointDensity::MvStudentTCholesky
            | JointDensity::MvStudentTCorrelation
            | JointDensity::MvStudentTCorrelationCholesky => {
                let scale = self.scale(tied, joint, density, 2)?;
                let z = self.standardised(tied, argument(1), &scale)?;
                let (cells, group_of) = (tied.everything(), tied.group_of());
                let count = tied.groups.len();
                let squares =
                    self.gathered(count, &group_of, tied.tag, |k| k.at(z, &cells).square());
                let df = self.scalar(tied, argument(0))?;
                let groups = tied.each();
                let size = tied.size() as f64;
                self.kernel(count, tied.tag, tied.density(&groups), |k| {
                    let (df, q) = (k.at(df, &groups), k.at(squares, &groups));
                    let half = (df + size) * 0.5;
                    half.ln_gamma()
                        - (df * 0.5).ln_gamma()
                        - (df * std::f64::consts::PI).ln() * (0.5 * size)
                        - half * (q / df).log1p()
                });
                self.log_determinant(tied, scale.factor, scale.power());
                Ok(())
            }
            JointDensity::MultinomialTrials | JointDensity::MultinomialGivenTotal => {
                self.multinomial(tied, joint)
            }
            JointDensity::LKJCholesky => self.lkj_cholesky(tied, joint),
            JointDensity::LKJ => self.lkj(tied, joint),
            JointDensity::Icar | JointDensity::IcarSoftZeroSum => self.differences(tied, joint),
            JointDensity::Wishart
            | JointDensity::InvWishart
            | JointDensity::DirichletMultinomialTrials
            | JointDensity::DirichletMultinomialGivenTotal => self.unrolled(tied, joint),
            JointDensity::MatrixNormal => self.matrix_normal(tied, joint),
            JointDensity::MatrixNormalNoise => self.noisy_matrix_normal(tied, joint),
        }
    }

    /// One number for each group.
    fn scalar(&mut self, tied: &Tied<'_>, argument: &JointArgument) -> Result<Slot, LowerError> {
        let rows = tied.firsts(self);
        self.argument(argument, &rows, tied.tag)
    }

    /// One number for each element, group by group.
    fn vector(&mut self, tied: &Tied<'_>, argument: &JointArgument) -> Result<Slot, LowerError> {
        let rows = tied.members(self);
        self.argument(argument, &rows, tied.tag)
    }

    fn argument(
        &mut self,
        argument: &JointArgument,
        rows: &Rows,
        tag: Tag,
    ) -> Result<Slot, LowerError> {
        match argument.value() {
            Some(value) => self.store(value, rows, tag),
            None => Ok(Slot { buffer: self.model.add_buffer(rows.count), offset: 0 }),
        }
    }

    /// A matrix for each group; one for all where it does not depend on the group.
    fn matrix(
        &mut self,
        tied: &Tied<'_>,
        argument: &JointArgument,
    ) -> Result<Matrices, LowerError> {
        let JointArgument::Matrix([row, column], value) = argument else {
            return Err(super::unavailable(tied.random.span));
        };
        let size = self.evaluator.extent(*row);
        let used = value.outer_indices();
        let over = tied.random.distribution.over();
        let outer: Vec<IndexId> =
            tied.random.indices.iter().filter(|i| !over.contains(i)).copied().collect();
        let shared = !outer.iter().any(|i| used.contains(i)) && !mentions(self.bound, value);
        let count = if shared { 1 } else { tied.groups.len() };
        let cells = count * size * size;
        let position = |cell: usize| (cell / size % size, cell % size);
        let rows_of: Vec<u32> = (0..cells).map(|c| position(c).0 as u32).collect();
        let columns_of: Vec<u32> = (0..cells).map(|c| position(c).1 as u32).collect();
        let group_of: Vec<u32> = (0..cells).map(|c| (c / (size * size)) as u32).collect();
        let firsts = group_of.iter().map(|g| tied.groups[*g as usize][0]).collect();
        let rows = tied.rows(self, firsts, &group_of);
        let rows = rows.with(vec![(*row, rows_of.into()), (*column, columns_of.into())]);
        let slot = self.store(value, &rows, tied.tag)?;
        Ok(Matrices { slot, size, shared })
    }

    /// The lower triangular L with L Lᵀ the covariance, from the argument at `first` on.
    fn scale(
        &mut self,
        tied: &Tied<'_>,
        joint: &Joint,
        density: JointDensity,
        first: usize,
    ) -> Result<Scale, LowerError> {
        let argument = |at: usize| &joint.arguments[first + at];
        let matrix = |lowering: &mut Self, at: usize| lowering.matrix(tied, argument(at));
        Ok(match density {
            JointDensity::MvNormalCholesky | JointDensity::MvStudentTCholesky => {
                Scale { factor: matrix(self, 0)?, inverse: false }
            }
            JointDensity::MvNormalPrecision => {
                let precision = matrix(self, 0)?;
                Scale { factor: self.cholesky(tied, precision), inverse: true }
            }
            JointDensity::MvNormalCorrelation | JointDensity::MvStudentTCorrelation => {
                let correlation = matrix(self, 1)?;
                let covariance = self.scaled(tied, argument(0), correlation, true)?;
                Scale { factor: self.cholesky(tied, covariance), inverse: false }
            }
            JointDensity::MvNormalCorrelationCholesky
            | JointDensity::MvStudentTCorrelationCholesky => {
                let correlation = matrix(self, 1)?;
                let factor = self.scaled(tied, argument(0), correlation, false)?;
                Scale { factor, inverse: false }
            }
            // All but the first two have no scale of this kind.
            JointDensity::MvNormalCovariance
            | JointDensity::MvStudentTScale
            | JointDensity::Dirichlet
            | JointDensity::LKJCholesky
            | JointDensity::LKJ
            | JointDensity::Wishart
            | JointDensity::InvWishart
            | JointDensity::MultinomialTrials
            | JointDensity::MultinomialGivenTotal
            | JointDensity::DirichletMultinomialTrials
            | JointDensity::DirichletMultinomialGivenTotal
            | JointDensity::MatrixNormal
            | JointDensity::MatrixNormalNoise
            | JointDensity::Icar
            | JointDensity::IcarSoftZeroSum => {
                let covariance = matrix(self, 0)?;
                Scale { factor: self.cholesky(tied, covariance), inverse: false }
            }
        })
    }

    fn cholesky(&mut self, tied: &Tied<'_>, of: Matrices) -> Matrices {
        let count = if of.shared { 1 } else { tied.groups.len() };
        let buffer = self.model.add_buffer(count * of.size * of.size);
        let output = Slot { buffer, offset: 0 };
        self.push(Node::Cholesky(Cholesky {
            size: of.size,
            count,
            input: of.slot,
            output,
            tag: tied.tag,
        }));
        Matrices { slot: output, ..of }
    }

    /// sdᵢ mᵢⱼ, and times sdⱼ on both sides.
    fn scaled(
        &mut self,
        tied: &Tied<'_>,
        sd: &JointArgument,
        matrix: Matrices,
        both: bool,
    ) -> Result<Matrices, LowerError> {
        let sd = self.vector(tied, sd)?;
        let n = matrix.size;
        let cells: Vec<u32> = (0..(tied.groups.len() * n * n) as u32).collect();
        let within = |cell: &u32| cell % (n * n) as u32;
        let group = |cell: &u32| cell / (n * n) as u32;
        let source: Vec<u32> =
            if matrix.shared { cells.iter().map(within).collect() } else { cells.clone() };
        let row: Vec<u32> =
            cells.iter().map(|c| group(c) * n as u32 + within(c) / n as u32).collect();
        let column: Vec<u32> =
            cells.iter().map(|c| group(c) * n as u32 + within(c) % n as u32).collect();
        let slot = self.gathered(cells.len(), &cells, tied.tag, |k| {
            let scaled = k.at(sd, &row) * k.at(matrix.slot, &source);
            if both { scaled * k.at(sd, &column) } else { scaled }
        });
        Ok(Matrices { slot, size: n, shared: false })
    }

    /// z = L⁻¹ (x - mean), or Lᵀ (x - mean) for a factor of the precision.
    fn standardised(
        &mut self,
        tied: &Tied<'_>,
        mean: &JointArgument,
        scale: &Scale,
    ) -> Result<Slot, LowerError> {
        let mean = self.vector(tied, mean)?;
        let cells = tied.everything();
        let x = tied.x;
        let residual =
            self.gathered(cells.len(), &cells, tied.tag, |k| k.at(x, &cells) - k.at(mean, &cells));
        let (size, factor) = (tied.size(), scale.factor);
        if scale.inverse {
            let (mut from, mut entry, mut to) = (Vec::new(), Vec::new(), Vec::new());
            for group in 0..tied.groups.len() {
                let base = if factor.shared { 0 } else { group * size * size };
                for i in 0..size {
                    for j in i..size {
                        entry.push((base + j * size + i) as u32);
                        from.push((group * size + j) as u32);
                        to.push((group * size + i) as u32);
                    }
                }
            }
            return Ok(self.gathered(cells.len(), &to, tied.tag, |k| {
                k.at(factor.slot, &entry) * k.at(residual, &from)
            }));
        }
        let output = Slot { buffer: self.model.add_buffer(cells.len()), offset: 0 };
        self.push(Node::TriangularSolve(TriangularSolve {
            size,
            count: tied.groups.len(),
            columns: 1,
            matrix: factor.slot,
            shared: factor.shared,
            input: residual,
            output,
            transposed: false,
            tag: tied.tag,
        }));
        Ok(output)
    }

    /// Σ (-z² / 2 - ln √(2π)) over the elements of all groups.
    fn standard_normal(&mut self, tied: &Tied<'_>, z: Slot) {
        let cells = tied.everything();
        self.kernel(cells.len(), tied.tag, tied.density(&tied.group_of()), |k| {
            k.at(z, &cells).square() * -0.5 - LN_SQRT_TAU
        });
    }

    /// power × Σ ln L_kk for each group.
    fn log_determinant(&mut self, tied: &Tied<'_>, factor: Matrices, power: f64) {
        let n = factor.size;
        let diagonal: Vec<u32> = (0..tied.groups.len() * n)
            .map(|cell| {
                let base = if factor.shared { 0 } else { cell / n * n * n };
                (base + cell % n * (n + 1)) as u32
            })
            .collect();
        let group_of = tied.alike(n);
        self.kernel(diagonal.len(), tied.tag, tied.density(&group_of), |k| {
            k.at(factor.slot, &diagonal).ln() * power
        });
    }

    /// Σ (αₖ - 1) ln xₖ - Σ ln Γ(αₖ) + ln Γ(Σ αₖ)
    fn dirichlet(&mut self, tied: &Tied<'_>, joint: &Joint) -> Result<(), LowerError> {
        let rows = tied.members(self);
        let alpha = joint.arguments[0].value().ok_or(super::unavailable(tied.random.span))?;
        let (cells, group_of) = (tied.everything(), tied.group_of());
        let graph = Graph::new();
        let mut tracer = Tracer::new(self, &graph, &rows);
        let concentration = tracer.trace(alpha)?;
        let x = tracer.read(tied.x, &cells);
        let value = (concentration - 1.0) * x.ln() - concentration.ln_gamma();
        let kernel = tracer.finish(value, tied.density(&group_of), tied.tag);
        self.push(Node::Kernel(kernel));
        let graph = Graph::new();
        let mut tracer = Tracer::new(self, &graph, &rows);
        let concentration = tracer.trace(alpha)?;
        let total = tracer.lowering.model.add_buffer(tied.groups.len());
        let target = Target::Accumulate { buffer: total, index: group_of.into() };
        let kernel = tracer.finish(concentration, target, tied.tag);
        self.push(Node::Kernel(kernel));
        let groups = tied.each();
        self.kernel(groups.len(), tied.tag, tied.density(&groups), |k| {
            k.gather(total, &groups).ln_gamma()
        });
        Ok(())
    }

    /// ln n! - Σ ln xₖ! + Σ xₖ ln pₖ, with n = Σ xₖ.
    fn multinomial(&mut self, tied: &Tied<'_>, joint: &Joint) -> Result<(), LowerError> {
        let last = joint.arguments.len() - 1;
        let p = self.vector(tied, &joint.arguments[last])?;
        let (cells, group_of) = (tied.everything(), tied.group_of());
        let x = tied.x;
        self.kernel(cells.len(), tied.tag, tied.density(&group_of), |k| {
            let x = k.at(x, &cells);
            x.x_log_y(k.at(p, &cells)) - (x + 1.0).ln_gamma()
        });
        let total = self.gathered(tied.groups.len(), &group_of, tied.tag, |k| k.at(x, &cells));
        let groups = tied.each();
        let trials = match last {
            0 => total,
            _ => self.scalar(tied, &joint.arguments[0])?,
        };
        self.kernel(groups.len(), tied.tag, tied.density(&groups), |k| {
            let (n, sum) = (k.at(trials, &groups), k.at(total, &groups));
            let nothing = Traced::Constant(f64::NEG_INFINITY);
            Traced::select(n.same(sum), (n + 1.0).ln_gamma(), nothing)
        });
        Ok(())
    }

    /// The diagonal alone matters: Σ (K - k + 2 η - 2) ln L_kk, and the constant.
    fn lkj_cholesky(&mut self, tied: &Tied<'_>, joint: &Joint) -> Result<(), LowerError> {
        let eta = self.scalar(tied, &joint.arguments[0])?;
        let n = self.evaluator.extent(joint.over[0]);
        let (mut cells, mut groups, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        for group in 0..tied.groups.len() {
            for k in 1..n {
                cells.push((group * n * n + k * (n + 1)) as u32);
                groups.push(group as u32);
                weights.push((n - k - 1) as f64);
            }
        }
        let x = tied.x;
        self.kernel(cells.len(), tied.tag, tied.density(&groups), |k| {
            let power = (k.at(eta, &groups) - 1.0) * 2.0 + k.column(&weights);
            power * k.at(x, &cells).ln()
        });
        self.lkj_constant(tied, eta, n);
        Ok(())
    }

    /// (η - 1) ln det x, and the constant.
    fn lkj(&mut self, tied: &Tied<'_>, joint: &Joint) -> Result<(), LowerError> {
        let eta = self.scalar(tied, &joint.arguments[0])?;
        let n = self.evaluator.extent(joint.over[0]);
        let factor = self.cholesky(tied, Matrices { slot: tied.x, size: n, shared: false });
        let (mut cells, mut groups) = (Vec::new(), Vec::new());
        for group in 0..tied.groups.len() {
            for k in 0..n {
                cells.push((group * n * n + k * (n + 1)) as u32);
                groups.push(group as u32);
            }
        }
        self.kernel(cells.len(), tied.tag, tied.density(&groups), |k| {
            (k.at(eta, &groups) - 1.0) * k.at(factor.slot, &cells).ln() * 2.0
        });
        self.lkj_constant(tied, eta, n);
        Ok(())
    }

    fn lkj_constant(&mut self, tied: &Tied<'_>, eta: Slot, n: usize) {
        let groups = tied.each();
        self.kernel(groups.len(), tied.tag, tied.density(&groups), |k| {
            crate::library::joint::lkj_constant(n, k.at(eta, &groups))
        });
    }

    /// -Σ (xᵢ - xⱼ)² / 2 over edges, and Normal(0, s K) on the sum.
    fn differences(&mut self, tied: &Tied<'_>, joint: &Joint) -> Result<(), LowerError> {
        let JointArgument::Edges(from, to) = &joint.arguments[0] else { return Ok(()) };
        let size = tied.size();
        let ends = |v: &VariableId| -> Vec<f64> {
            self.bound.values[v.index()].as_ref().map_or(Vec::new(), |a| a.cells().collect())
        };
        let (from, to) = (ends(from), ends(to));
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for group in 0..tied.groups.len() {
            a.extend(from.iter().map(|i| (group * size) as u32 + *i as u32));
            b.extend(to.iter().map(|i| (group * size) as u32 + *i as u32));
        }
        let x = tied.x;
        let group_of = tied.alike(from.len());
        self.kernel(a.len(), tied.tag, tied.density(&group_of), |k| {
            (k.at(x, &a) - k.at(x, &b)).square() * -0.5
        });
        if let Some(soft) = joint.arguments.get(1) {
            let soft = self.scalar(tied, soft)?;
            let (cells, group_of) = (tied.everything(), tied.group_of());
            let count = tied.groups.len();
            let sum = self.gathered(count, &group_of, tied.tag, |k| k.at(x, &cells));
            let groups = tied.each();
            self.kernel(count, tied.tag, tied.density(&groups), |k| {
                let sd = k.at(soft, &groups) * size as f64;
                (k.at(sum, &groups) / sd).square() * -0.5 - sd.ln() - LN_SQRT_TAU
            });
        }
        Ok(())
    }

    /// A family as its declaration says, all values and arguments of a group in one row.
    fn unrolled(&mut self, tied: &Tied<'_>, joint: &Joint) -> Result<(), LowerError> {
        let count = tied.groups.len();
        let size = tied.size();
        let mut slots = Vec::new();
        for argument in &joint.arguments {
            slots.push(match argument {
                JointArgument::Scalar(_) => (self.scalar(tied, argument)?, 1, false),
                JointArgument::Vector(_) => (self.vector(tied, argument)?, size, false),
                JointArgument::Matrix(..) => {
                    let matrix = self.matrix(tied, argument)?;
                    (matrix.slot, matrix.size * matrix.size, matrix.shared)
                }
                JointArgument::Edges(..) => continue,
            });
        }
        let rows = self.evaluator.extent(joint.over[0]);
        let columns = joint.over.get(1).map_or(1, |i| self.evaluator.extent(*i));
        let groups = tied.each();
        let density = joint.form.density;
        let x = tied.x;
        self.kernel(count, tied.tag, tied.density(&groups), |k| {
            let mut read = |slot: Slot, length: usize, shared: bool| -> Vec<Traced<'_>> {
                let at = |i: usize| -> Vec<u32> {
                    let base = |g: &u32| if shared { 0 } else { *g as usize * length };
                    groups.iter().map(|g| (base(g) + i) as u32).collect()
                };
                (0..length).map(|i| k.at(slot, &at(i))).collect()
            };
            let values = read(x, size, false);
            let arguments: Vec<Vec<Traced<'_>>> =
                slots.iter().map(|(slot, length, shared)| read(*slot, *length, *shared)).collect();
            let arguments: Vec<&[Traced<'_>]> = arguments.iter().map(Vec::as_slice).collect();
            density.log_density(Extent { rows, columns, edges: &[] }, &values, &arguments)
        });
        Ok(())
    }
}

/// A triangular factor of the covariance, or of its inverse.
struct Scale {
    factor: Matrices,
    inverse: bool,
}

impl Scale {
    /// The power of the determinant of the factor in the density.
    fn power(&self) -> f64 {
        if self.inverse { 1.0 } else { -1.0 }
    }
}

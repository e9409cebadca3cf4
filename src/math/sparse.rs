//! Symmetric positive definite matrices with few entries, factored after their rows are put in an
//! order that keeps the factor sparse.
//!
//! Invariant: callers see rows in their own order only.

use amd::{Control, Status};
use nalgebra::DMatrix;
use nalgebra_sparse::factorization::{CscCholesky, CscSymbolicCholesky};
use nalgebra_sparse::ops::Op;
use nalgebra_sparse::ops::serial::spsolve_csc_lower_triangular;
use nalgebra_sparse::pattern::SparsityPattern;
use std::ops::Range;

/// Which entries of a symmetric matrix may differ from 0, and those of its factor.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// The columns of each row with an entry, ascending, the row itself among them.
    columns: Vec<Vec<u32>>,
    /// Where the entries of each row begin, row after row.
    offsets: Vec<usize>,
    /// Where each row stands in the matrix that is factored.
    place: Vec<usize>,
    /// Where each entry stands among those of the matrix that is factored.
    entry: Vec<usize>,
    /// The factor of the identity.
    blank: CscCholesky<f64>,
}

impl Pattern {
    /// The pattern with these columns in each row: ascending, symmetric, with the diagonal. `None` if
    /// they are not.
    pub fn new(columns: Vec<Vec<u32>>) -> Option<Self> {
        let size = columns.len();
        let mut offsets = vec![0];
        offsets.extend(columns.iter().scan(0, |sum, row| {
            *sum += row.len();
            Some(*sum)
        }));
        let indices: Vec<usize> = columns.iter().flatten().map(|column| *column as usize).collect();
        let whole = (0..size).all(|row| columns[row].binary_search(&(row as u32)).is_ok());
        if !whole {
            return None;
        }
        let (order, place, info) =
            amd::order(size, &offsets, &indices, &Control::default()).ok()?;
        if info.status != Status::OK || !info.symmetry {
            return None;
        }
        let mut entry = vec![0; indices.len()];
        let (mut starts, mut rows) = (vec![0], Vec::with_capacity(indices.len()));
        for from in &order {
            let mut moved: Vec<(usize, usize)> = (offsets[*from]..offsets[*from + 1])
                .map(|index| (place[indices[index]], index))
                .collect();
            moved.sort_unstable();
            for (row, index) in moved {
                entry[index] = rows.len();
                rows.push(row);
            }
            starts.push(rows.len());
        }
        let pattern =
            SparsityPattern::try_from_offsets_and_indices(size, size, starts, rows).ok()?;
        let diagonal = |(row, column): (usize, usize)| if row == column { 1.0 } else { 0.0 };
        let identity: Vec<f64> = pattern.entries().map(diagonal).collect();
        let blank =
            CscCholesky::factor_numerical(CscSymbolicCholesky::factor(pattern), &identity).ok()?;
        Some(Self { columns, offsets, place, entry, blank })
    }

    /// The number of rows.
    pub fn size(&self) -> usize {
        self.columns.len()
    }

    /// The number of entries.
    pub fn entries(&self) -> usize {
        self.entry.len()
    }

    /// The number of entries of the factor.
    pub fn filled(&self) -> usize {
        self.blank.l().nnz()
    }

    /// The columns of each row with an entry, ascending.
    pub fn columns(&self) -> &[Vec<u32>] {
        &self.columns
    }

    /// The entries of a row, by their position among all.
    pub fn of_row(&self, row: usize) -> Range<usize> {
        self.offsets[row]..self.offsets[row + 1]
    }

    /// The position of an entry; `None` if it is always 0.
    pub fn position(&self, row: usize, column: usize) -> Option<usize> {
        let within = self.columns[row].binary_search(&(column as u32)).ok()?;
        Some(self.offsets[row] + within)
    }
}

/// The Cholesky factor of a matrix: A = L Lᵀ, up to the order of the rows.
#[derive(Clone, Debug)]
pub struct Factor {
    cholesky: CscCholesky<f64>,
    values: Vec<f64>,
    column: DMatrix<f64>,
}

impl Factor {
    /// The factor of the identity.
    pub fn new(pattern: &Pattern) -> Self {
        let values = vec![0.0; pattern.entries()];
        let column = DMatrix::zeros(pattern.size(), 1);
        Self { cholesky: pattern.blank.clone(), values, column }
    }

    /// Factors the matrix with these entries, row after row; whether it is positive definite.
    pub fn factor(&mut self, pattern: &Pattern, entries: &[f64]) -> bool {
        for (to, entry) in pattern.entry.iter().zip(entries) {
            self.values[*to] = *entry;
        }
        let done = entries.iter().all(|entry| entry.is_finite())
            && self.cholesky.refactor(&self.values).is_ok();
        // A factorisation that fails leaves numbers behind that the next one would read.
        if !done {
            self.cholesky.clone_from(&pattern.blank);
        }
        done
    }

    /// ln |A|
    pub fn log_determinant(&self) -> f64 {
        let factor = self.cholesky.l();
        let diagonal = |column: usize| factor.col(column).values()[0].ln();
        2.0 * (0..factor.ncols()).map(diagonal).sum::<f64>()
    }

    /// Replaces z by L⁻ᵀ z: of independent z with variance 1 this has covariance A⁻¹.
    pub fn spread(&mut self, pattern: &Pattern, z: &mut [f64]) {
        self.column.as_mut_slice().copy_from_slice(z);
        self.solve(true);
        for (out, place) in z.iter_mut().zip(&pattern.place) {
            *out = self.column[*place];
        }
    }

    /// Replaces g by L⁻¹ g, which [`Self::spread`] turns into A⁻¹ g.
    pub fn whiten(&mut self, pattern: &Pattern, g: &mut [f64]) {
        for (value, place) in g.iter().zip(&pattern.place) {
            self.column[*place] = *value;
        }
        self.solve(false);
        g.copy_from_slice(self.column.as_slice());
    }

    fn solve(&mut self, transposed: bool) {
        let factor = self.cholesky.l();
        let factor = if transposed { Op::Transpose(factor) } else { Op::NoOp(factor) };
        if spsolve_csc_lower_triangular(factor, &mut self.column).is_err() {
            self.column.fill(f64::NAN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{Cholesky, DVector};

    /// A ring of `size` rows, each tied to the next two, and the last to all.
    fn ring(size: usize) -> (Pattern, DMatrix<f64>) {
        let mut dense = DMatrix::identity(size, size) * 9.0;
        for i in 0..size {
            for (step, value) in [(1, -1.5), (2, 0.7)] {
                let j = (i + step) % size;
                (dense[(i, j)], dense[(j, i)]) = (value, value);
            }
            if i + 1 < size {
                let value = 0.3 + 0.01 * i as f64;
                (dense[(i, size - 1)], dense[(size - 1, i)]) = (value, value);
            }
        }
        let columns = (0..size)
            .map(|i| (0..size as u32).filter(|j| dense[(i, *j as usize)] != 0.0).collect())
            .collect();
        (Pattern::new(columns).expect("it is symmetric"), dense)
    }

    fn entries(pattern: &Pattern, dense: &DMatrix<f64>) -> Vec<f64> {
        let rows = pattern.columns().iter().enumerate();
        rows.flat_map(|(i, row)| row.iter().map(move |j| dense[(i, *j as usize)])).collect()
    }

    #[test]
    fn it_solves_as_a_dense_factor_does() {
        let (pattern, dense) = ring(23);
        let mut factor = Factor::new(&pattern);
        assert!(factor.factor(&pattern, &entries(&pattern, &dense)));
        let known = Cholesky::new(dense.clone()).expect("it is definite");
        assert!((factor.log_determinant() - known.ln_determinant()).abs() < 1e-11);
        let right = DVector::from_fn(23, |i, _| (i as f64).sin());
        let mut own = right.as_slice().to_vec();
        factor.whiten(&pattern, &mut own);
        factor.spread(&pattern, &mut own);
        let error = (DVector::from_vec(own) - known.solve(&right)).amax();
        assert!(error < 1e-13, "{error}");
    }

    #[test]
    fn a_matrix_that_is_not_positive_definite_leaves_nothing_behind() {
        let (pattern, dense) = ring(23);
        let mut factor = Factor::new(&pattern);
        let indefinite = &dense - DMatrix::identity(23, 23) * 9.5;
        assert!(!factor.factor(&pattern, &entries(&pattern, &indefinite)));
        assert!(!factor.factor(&pattern, &vec![f64::NAN; pattern.entries()]));
        assert!(factor.factor(&pattern, &entries(&pattern, &dense)));
        let known = Cholesky::new(dense).expect("it is definite").ln_determinant();
        assert!((factor.log_determinant() - known).abs() < 1e-11);
    }

    #[test]
    fn a_pattern_without_a_diagonal_or_symmetry_is_none() {
        assert!(Pattern::new(vec![vec![0], vec![]]).is_none());
        assert!(Pattern::new(vec![vec![0, 1], vec![1]]).is_none());
    }
}

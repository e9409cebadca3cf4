//! Dense matrices of data, stored so that a block of rows is read once for X v and Xᵀ r.

/// A dense matrix of data, in tiles of [`Matrix::TILE`] rows (the last may have fewer); within a
/// tile the row runs fastest. Full columns of a tile begin at multiples of a cache line.
#[derive(Debug)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    /// The numbers, after what aligns them.
    values: Vec<f64>,
    first: usize,
}

impl Matrix {
    /// How many rows a tile has.
    pub const TILE: usize = 256;

    /// The matrix with these numbers, the column running fastest. Numbers beyond rows × columns
    /// are left out, missing ones are NaN.
    pub fn from_rows(rows: usize, columns: usize, numbers: impl IntoIterator<Item = f64>) -> Self {
        let mut matrix = Matrix::zero(rows, columns);
        let mut numbers = numbers.into_iter();
        for row in 0..rows {
            let (tile, height, within) = matrix.place(row);
            for column in 0..columns {
                matrix.values[tile + column * height + within] = numbers.next().unwrap_or(f64::NAN);
            }
        }
        matrix
    }

    /// A matrix of zeros.
    pub fn zero(rows: usize, columns: usize) -> Self {
        const LINE: usize = 64;
        let mut values = vec![0.0; rows * columns + LINE / size_of::<f64>()];
        let offset = values.as_ptr().align_offset(LINE);
        let first = if offset < LINE / size_of::<f64>() { offset } else { 0 };
        values.truncate(first + rows * columns);
        Matrix { rows, columns, values, first }
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The number in a row and column.
    ///
    /// # Panics
    ///
    /// Beyond the last row or column.
    pub fn at(&self, row: usize, column: usize) -> f64 {
        let (tile, height, within) = self.place(row);
        self.values[tile + column * height + within]
    }

    /// Overwrites the number in a row and column.
    ///
    /// # Panics
    ///
    /// Beyond the last row or column.
    pub fn set(&mut self, row: usize, column: usize, x: f64) {
        let (tile, height, within) = self.place(row);
        self.values[tile + column * height + within] = x;
    }

    /// The tile that begins at a multiple of [`Matrix::TILE`] rows: its columns one after another,
    /// and how long they are.
    ///
    /// # Panics
    ///
    /// Beyond the last row.
    #[inline(always)]
    pub fn tile(&self, first_row: usize) -> (&[f64], usize) {
        let height = Matrix::TILE.min(self.rows - first_row);
        let start = self.first + first_row * self.columns;
        (&self.values[start..start + height * self.columns], height)
    }

    /// Where the tile of a row begins, how many rows it has, and where the row is in it.
    fn place(&self, row: usize) -> (usize, usize, usize) {
        let first_row = row - row % Matrix::TILE;
        let height = Matrix::TILE.min(self.rows - first_row);
        (self.first + first_row * self.columns, height, row - first_row)
    }
}

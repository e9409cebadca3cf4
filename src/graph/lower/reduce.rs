//! Reductions of latents: matrix products, segment sums, and comparisons one by one.

use super::super::matrix::Matrix;
use super::super::node::{Access, Input, Node, Product, Slot, Target};
use super::super::trace::{Graph, Traced};
use super::expression::Tracer;
use super::{LowerError, Rows};
use crate::bound::log_sum_exp;
use crate::library::Reduction;
use crate::math::Scalar;
use crate::source::Span;
use crate::typed::{Expr, ExprKind, IndexId, Operator, Plane, Reduce};
use std::sync::Arc;

/// `max` and `min` of latents compare their elements one by one, in one kernel.
const MOST_COMPARED: usize = 1000;

/// Up to so many elements a log-sum-exp is computed in one kernel.
const MOST_UNROLLED: usize = 32;

impl<'g> Tracer<'_, '_, 'g> {
    /// A reduction of latents, for every row.
    pub(super) fn reduce(&mut self, reduce: &Reduce, span: Span) -> Result<Traced<'g>, LowerError> {
        match reduce.operation {
            Reduction::Sum => match self.product(reduce, span)? {
                Some(product) => Ok(product),
                None => self.sum(reduce, span),
            },
            Reduction::Mean => {
                let sum = self.sum(reduce, span)?;
                let counts = self.counts(reduce)?;
                let counts = self.numbers(counts);
                Ok(sum / counts)
            }
            Reduction::Sd => self.standard_deviation(reduce, span),
            Reduction::LogSumExp => self.log_sum_exp(reduce, span),
            Reduction::Max | Reduction::Min | Reduction::Count => self.one_by_one(reduce, span),
        }
    }

    /// `sum(k: A[i, k] * b[k])` with A data and b over k alone: a dense matrix product.
    fn product(&mut self, reduce: &Reduce, span: Span) -> Result<Option<Traced<'g>>, LowerError> {
        let ([index], None) = (&reduce.indices[..], &reduce.guard) else { return Ok(None) };
        // Inside a recurrence rows take turns, and a product has none.
        if self.rows.waves.is_some() {
            return Ok(None);
        }
        let ExprKind::Binary(Operator::Multiply, a, b) = &reduce.body.kind else {
            return Ok(None);
        };
        let (data, vector) = match (a.plane, b.plane) {
            (Plane::Data, _) => (a, b),
            (_, Plane::Data) => (b, a),
            _ => return Ok(None),
        };
        let own = |e: &Expr| e.outer_indices().iter().all(|i| i == index);
        if !own(vector) {
            return Ok(None);
        }
        let columns = self.lowering.evaluator.extent(*index);
        let values = self.matrix(data, *index, columns)?;
        let inner = Rows::over(&self.lowering.evaluator, &[*index], None)?;
        let tag = self.lowering.origin(span, None, &self.rows);
        let input = match self.stored_vector(vector, *index)? {
            Some(slot) => slot,
            None => self.lowering.store(vector, &inner, tag)?,
        };
        let rows = self.rows.count;
        let output = Slot { buffer: self.lowering.model.add_buffer(rows), offset: 0 };
        let matrix = Arc::new(values);
        self.lowering.push(Node::Product(Product { matrix, input, output, tag }));
        Ok(Some(self.contiguous(output)))
    }

    /// The place of a whole variable over one axis: no copy is needed.
    fn stored_vector(&mut self, vector: &Expr, index: IndexId) -> Result<Option<Slot>, LowerError> {
        let ExprKind::Variable(variable, at) = &vector.kind else { return Ok(None) };
        match &at[..] {
            [Expr { kind: ExprKind::Index(i), .. }] if *i == index => {
                self.lowering.place(*variable).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// A data-only expression for every row and every element of an index; 0 in rows in which it
    /// is not wanted.
    fn matrix(&self, data: &Expr, index: IndexId, columns: usize) -> Result<Matrix, LowerError> {
        let (evaluator, finite) = (&self.lowering.evaluator, &self.lowering.finite);
        let wanted = self.wanted_rows();
        let mut matrix = Matrix::zero(self.rows.count, columns);
        for column in 0..columns {
            evaluator.set(index, column);
            let values = self.rows.data(evaluator, finite, data, wanted.as_deref())?;
            for (k, x) in values.into_iter().enumerate() {
                let row = wanted.as_ref().map_or(k, |wanted| wanted[k] as usize);
                matrix.set(row, column, x);
            }
        }
        Ok(matrix)
    }

    /// Sums by adding every row of a longer kernel to its segment.
    fn sum(&mut self, reduce: &Reduce, span: Span) -> Result<Traced<'g>, LowerError> {
        let (inner, segments) = self.expand(reduce)?;
        self.accumulate(&inner, &segments, span, |tracer| tracer.trace(&reduce.body))
    }

    fn standard_deviation(
        &mut self,
        reduce: &Reduce,
        span: Span,
    ) -> Result<Traced<'g>, LowerError> {
        let (inner, segments) = self.expand(reduce)?;
        let sum = self.sum_slot(&inner, &segments, span, |tracer| tracer.trace(&reduce.body))?;
        let counts = self.counts(reduce)?;
        let per_element: Vec<f64> = segments.iter().map(|s| counts[*s as usize]).collect();
        let squares = self.accumulate(&inner, &segments, span, |tracer| {
            let sum = tracer
                .input(Input { buffer: sum.buffer, access: Access::Gather(segments.clone()) });
            let count = tracer.numbers(per_element.clone());
            Ok((tracer.trace(&reduce.body)? - sum / count).square())
        })?;
        let freedom = self.numbers(counts.iter().map(|n| n - 1.0).collect());
        Ok((squares / freedom).sqrt())
    }

    /// The rows of a reduction's body: every row of the kernel with every element the guard lets
    /// through, and the row each belongs to.
    fn expand(&self, reduce: &Reduce) -> Result<(Rows, Arc<[u32]>), LowerError> {
        let evaluator = &self.lowering.evaluator;
        let outer: Vec<IndexId> = self.rows.indices.iter().map(|(i, _)| *i).collect();
        let mut positions: Vec<Vec<u32>> = vec![Vec::new(); outer.len() + reduce.indices.len()];
        let mut segments = Vec::new();
        for row in (0..self.rows.count).filter(|row| self.is_wanted(*row)) {
            self.rows.enter(evaluator, &self.lowering.finite, row);
            let inner = Rows::over(evaluator, &reduce.indices, reduce.guard.as_ref())?;
            for ((_, of_row), column) in self.rows.indices.iter().zip(&mut positions) {
                column.resize(column.len() + inner.count, of_row[row]);
            }
            for ((_, of_inner), column) in inner.indices.iter().zip(&mut positions[outer.len()..]) {
                column.extend_from_slice(of_inner);
            }
            segments.resize(segments.len() + inner.count, row as u32);
        }
        let positions = positions.into_iter().map(Arc::from);
        let indices = outer.iter().chain(&reduce.indices).copied().zip(positions).collect();
        let rows = self.rows.expanded(indices, &segments);
        Ok((rows, segments.into()))
    }

    /// How many elements each row reduces.
    fn counts(&self, reduce: &Reduce) -> Result<Vec<f64>, LowerError> {
        let (_, segments) = self.expand(reduce)?;
        let mut counts = vec![0.0; self.rows.count];
        for segment in segments.iter() {
            counts[*segment as usize] += 1.0;
        }
        Ok(counts)
    }

    fn accumulate(
        &mut self,
        inner: &Rows,
        segments: &Arc<[u32]>,
        span: Span,
        body: impl for<'h> FnOnce(&mut Tracer<'_, '_, 'h>) -> Result<Traced<'h>, LowerError>,
    ) -> Result<Traced<'g>, LowerError> {
        let slot = self.sum_slot(inner, segments, span, body)?;
        Ok(self.contiguous(slot))
    }

    fn sum_slot(
        &mut self,
        inner: &Rows,
        segments: &Arc<[u32]>,
        span: Span,
        body: impl for<'h> FnOnce(&mut Tracer<'_, '_, 'h>) -> Result<Traced<'h>, LowerError>,
    ) -> Result<Slot, LowerError> {
        let buffer = self.lowering.model.add_buffer(self.rows.count);
        let tag = self.lowering.origin(span, None, inner);
        let graph = Graph::new();
        let mut tracer = Tracer::new(self.lowering, &graph, inner);
        let value = body(&mut tracer)?;
        let target = Target::Accumulate { buffer, index: segments.clone() };
        let kernel = tracer.finish(value, target, tag);
        self.lowering.push_rows(kernel, inner);
        Ok(Slot { buffer, offset: 0 })
    }

    /// ln Σ e^x by its largest element m: m + ln Σ e^(x - m).
    fn log_sum_exp(&mut self, reduce: &Reduce, span: Span) -> Result<Traced<'g>, LowerError> {
        let elements = Rows::over(&self.lowering.evaluator, &reduce.indices, None)?;
        if elements.count <= MOST_UNROLLED {
            return self.one_by_one(reduce, span);
        }
        let (inner, segments) = self.expand(reduce)?;
        let shift = self.lowering.model.add_buffer(self.rows.count);
        let slot = Slot { buffer: shift, offset: 0 };
        let tag = self.lowering.origin(span, None, &self.rows);
        let maximum = reduce.with(Reduction::Max);
        let rows = self.rows.clone();
        let graph = Graph::new();
        let mut tracer = Tracer::new(self.lowering, &graph, &rows);
        let value = tracer.one_by_one(&maximum, span)?;
        let kernel = tracer.finish(value, Target::Store(slot), tag);
        self.lowering.push_rows(kernel, &rows);
        let largest = self.contiguous(slot);
        let sum = self.accumulate(&inner, &segments, span, |tracer| {
            let largest =
                tracer.input(Input { buffer: shift, access: Access::Gather(segments.clone()) });
            Ok((tracer.trace(&reduce.body)? - largest).exp())
        })?;
        Ok(sum.ln() + largest)
    }

    /// Compares (or counts) the elements in the kernel itself.
    fn one_by_one(&mut self, reduce: &Reduce, span: Span) -> Result<Traced<'g>, LowerError> {
        let elements = Rows::over(&self.lowering.evaluator, &reduce.indices, None)?;
        if elements.count > MOST_COMPARED {
            return Err(LowerError::TooManyToCompare { span, count: elements.count });
        }
        let start = match reduce.operation {
            Reduction::Max | Reduction::LogSumExp => f64::NEG_INFINITY,
            Reduction::Min => f64::INFINITY,
            Reduction::Sum | Reduction::Mean | Reduction::Sd | Reduction::Count => 0.0,
        };
        let start = Traced::Constant(start);
        let mut result = start;
        let mut all = Vec::new();
        for element in 0..elements.count {
            let at =
                |(i, p): &(IndexId, Arc<[u32]>)| (*i, vec![p[element]; self.rows.count].into());
            let more = elements.indices.iter().map(at).collect();
            let inner = self.rows.with(more);
            let outer = std::mem::replace(&mut self.rows, inner);
            let parts = self.guarded(reduce, start);
            self.rows = outer;
            let value = parts?;
            all.push(value);
            result = match reduce.operation {
                Reduction::LogSumExp => result,
                Reduction::Max => result.max(value),
                Reduction::Min => result.min(value),
                Reduction::Sum | Reduction::Mean | Reduction::Sd => result + value,
                Reduction::Count => {
                    let zero = value.same(Traced::Constant(0.0));
                    result + Traced::select(zero, Traced::Constant(0.0), Traced::Constant(1.0))
                }
            };
        }
        Ok(match reduce.operation {
            Reduction::LogSumExp => log_sum_exp(&all),
            Reduction::Sum
            | Reduction::Mean
            | Reduction::Sd
            | Reduction::Max
            | Reduction::Min
            | Reduction::Count => result,
        })
    }

    /// The body, or a neutral element where the guard leaves it out.
    fn guarded(&mut self, reduce: &Reduce, neutral: Traced<'g>) -> Result<Traced<'g>, LowerError> {
        let value = self.trace(&reduce.body)?;
        let Some(guard) = &reduce.guard else { return Ok(value) };
        let guard = self.data(guard)?;
        Ok(Traced::select(guard.same(Traced::Constant(0.0)), neutral, value))
    }

    fn contiguous(&mut self, slot: Slot) -> Traced<'g> {
        let access = if self.rows.count == 1 {
            Access::Uniform(slot.offset)
        } else {
            Access::Contiguous(slot.offset)
        };
        self.input(Input { buffer: slot.buffer, access })
    }
}

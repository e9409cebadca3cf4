//! Rewrites a model as one that is cheaper to evaluate and has the same log density and quantities.
//!
//! Invariant: every rewritten model passes [`Model::check`] if the original does, and differs from it
//! by rounding only. Terms may move between kernels, so that places of terms are found in the
//! original.

mod histogram;
mod inline;
mod merge;
mod sort;
mod statistics;
mod usage;

use super::node::{Model, Node};

/// Which rewrites are made. Only tests switch some off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewrites {
    /// What is stored row by row for one reader is computed where it is read.
    pub inline: bool,
    /// Terms of scalars and data that repeat are computed once for each value of the data.
    pub histogram: bool,
    /// Squares of linear functions of data are summed when the program is compiled.
    pub statistics: bool,
    /// Kernels with the same rows become one.
    pub merge: bool,
    /// Rows are sorted by group.
    pub sort: bool,
}

impl Rewrites {
    /// All of them.
    pub const ALL: Rewrites =
        Rewrites { inline: true, histogram: true, statistics: true, merge: true, sort: true };

    /// None.
    pub const NONE: Rewrites =
        Rewrites { inline: false, histogram: false, statistics: false, merge: false, sort: false };
}

/// The model with these rewrites made.
pub fn rewrite(model: &Model, rewrites: &Rewrites) -> Model {
    let mut draft = Draft { model: model.clone(), products: Vec::new(), kernels: Vec::new() };
    if rewrites.inline {
        inline::inline(&mut draft);
    }
    if rewrites.statistics {
        statistics::summarise(&mut draft);
    }
    let Draft { mut model, products, kernels } = draft;
    model.report_nodes.splice(0..0, products.into_iter().chain(kernels));
    if rewrites.histogram {
        histogram::count(&mut model);
    }
    if rewrites.merge {
        merge::merge(&mut model);
    }
    if rewrites.sort {
        sort::sort(&mut model);
    }
    model
}

/// A model that is being rewritten.
#[derive(Debug)]
struct Draft {
    model: Model,
    /// What only reports need now. Products read nothing that was moved, and kernels may read
    /// products.
    products: Vec<Node>,
    kernels: Vec<Node>,
}

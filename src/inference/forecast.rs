//! How much memory a fit will take, from sizes alone, before anything is allocated.
//!
//! The sizes of the largest arrays that are alive at once, in bytes. What is small beside them is not
//! counted, so a forecast is right to about a third.

use super::options::Options;

/// What a fit is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// The number of unconstrained coordinates, d.
    pub dimension: usize,
    /// The numbers that are reported of a draw.
    pub quantities: usize,
    /// The scratch memory of one thread, in bytes.
    pub workspace: usize,
    /// The threads.
    pub threads: usize,
}

/// The memory of a fit by guide, in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// With all correlations.
    pub full_rank: f64,
    /// Without.
    pub mean_field: f64,
}

/// Bytes of a number.
const NUMBER: f64 = 8.0;

/// Square matrices alive while a full-rank guide takes a step: the root before and after, the
/// curvature, its eigenvectors with what finds them, and a candidate for each start.
const SQUARES: f64 = 12.0;

/// Arrays of draws: base, points, gradients before and after.
const BASES: f64 = 5.0;

/// Copies of the checked draws and of their quantities.
const COPIES: f64 = 3.0;

/// The forecast of a fit.
pub fn forecast(size: &Size, options: &Options) -> Forecast {
    let Size { dimension, quantities, workspace, threads } = *size;
    let d = dimension as f64;
    let scratch = (threads * workspace) as f64;
    let correction = &options.correction;
    let checked = |draws: usize| NUMBER * COPIES * draws as f64 * (d + quantities as f64);
    let all = correction.first_draws + correction.final_draws;
    let draws = if dimension > correction.large { correction.first_draws } else { all };
    let natural = options.natural.draws_for(dimension, 0) as f64;
    let starts = options.starts.count_for(dimension, 0) as f64;
    let fixed = options.fixed_draws.draws_for(dimension) as f64;
    let steps = 4.0 * options.fixed_draws.memory as f64;
    Forecast {
        full_rank: scratch
            + NUMBER * ((SQUARES + starts) * d * d + BASES * natural * d)
            + checked(draws),
        mean_field: scratch + NUMBER * d * (BASES * fixed + steps) + checked(draws),
    }
}

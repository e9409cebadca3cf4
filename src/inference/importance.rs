//! Checks a guide by importance weights, and corrects what is reported by them.
//!
//! The proposal for each normal of the guide is that normal and, for a share of the draws, a t of the
//! same location and scale, so that weights stay bounded where the posterior's tails are heavier. Draws
//! of all rounds are weighted against the mixture of all proposals (Veach & Guibas, 1995); a round
//! whose weights are poor is followed by one from a normal with the weighted moments (Cornuet et al.,
//! "Adaptive multiple importance sampling", 2012), and the last rounds by the best proposal so far.

use nalgebra::{DMatrix, DVector};
use rand::Rng;
use rand_distr::{ChiSquared, Distribution};

use super::draws;
use super::elbo::{log_mean_exp, mean_log_ratio};
use super::evaluate::Evaluator;
use super::guide::{FullRank, Guide, LocationScale};
use super::options::Correction;
use super::psis::{Smoothed, smooth};
use super::random::{Purpose, stream};
use super::target::{LogDensity, Target};
use crate::math::eigen::symmetric_eigen;

/// What the weighted draws say.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The draws, one per column (d × N).
    pub points: DMatrix<f64>,
    /// The raw log ratios log p − log q, one per draw.
    pub log_ratios: Vec<f64>,
    /// The smoothed weights.
    pub smoothed: Smoothed,
    /// The effective sample size.
    pub ess: f64,
    /// ln of the mean raw weight: the log evidence, if the model is normalised.
    pub log_evidence: f64,
    /// The guide's ELBO, from fresh draws, and its standard error.
    pub elbo: (f64, f64),
    /// Moment refits made.
    pub refits: usize,
}

impl Checked {
    /// ESS / N.
    pub fn efficiency(&self) -> f64 {
        self.ess / self.log_ratios.len() as f64
    }

    /// The draws of the largest weights, heaviest first.
    pub fn heaviest(&self, count: usize) -> Vec<Vec<f64>> {
        let ratio = |draw: usize| self.log_ratios[draw];
        let finite = (0..self.log_ratios.len()).filter(|draw| ratio(*draw).is_finite());
        let mut order: Vec<usize> = finite.collect();
        order.sort_by(|a, b| ratio(*b).total_cmp(&ratio(*a)).then(a.cmp(b)));
        order.truncate(count);
        order.iter().map(|draw| self.points.column(*draw).iter().copied().collect()).collect()
    }
}

/// A normal and, for a share of the draws, a t with ν degrees of freedom, of one location and scale.
#[derive(Clone)]
struct Proposal<'g> {
    normal: Shape<'g>,
    freedom: u32,
    t_share: f64,
}

#[derive(Clone)]
enum Shape<'g> {
    Borrowed(&'g dyn LocationScale),
    Owned(FullRank),
}

impl Shape<'_> {
    fn get(&self) -> &dyn LocationScale {
        match self {
            Shape::Borrowed(shape) => *shape,
            Shape::Owned(shape) => shape,
        }
    }
}

impl Proposal<'_> {
    /// How many of so many draws are from the normal and from the t: pairs of them.
    fn shares(&self, count: usize) -> [usize; 2] {
        let pairs = (count / 2).max(2);
        let from_t = ((self.t_share * pairs as f64).round() as usize).clamp(1, pairs - 1);
        [2 * (pairs - from_t), 2 * from_t]
    }

    /// `count` points, those from the normal first.
    fn sample<R: Rng>(&self, rng: &mut R, count: usize, matched_per_draw: usize) -> DMatrix<f64> {
        let shape = self.normal.get();
        let dimension = shape.dimension();
        let [normal, t] = self.shares(count);
        let mut make = |count: usize| match count >= matched_per_draw * dimension {
            true => draws::matched(rng, dimension, count),
            false => draws::antithetic(rng, dimension, count),
        };
        let mut base = DMatrix::zeros(dimension, normal + t);
        base.columns_mut(0, normal).copy_from(&make(normal));
        base.columns_mut(normal, t).copy_from(&make(t));
        if let Ok(chi_squared) = ChiSquared::new(f64::from(self.freedom)) {
            for index in 0..t / 2 {
                let factor = (f64::from(self.freedom) / chi_squared.sample(rng)).sqrt();
                base.column_mut(normal + index).scale_mut(factor);
                base.column_mut(normal + t / 2 + index).scale_mut(factor);
            }
        }
        shape.transform(&base)
    }

    /// The log density of the normal, and of the whole proposal, at every column of `points`.
    fn log_densities(&self, points: &DMatrix<f64>) -> Vec<(f64, f64)> {
        let shape = self.normal.get();
        let (dimension, freedom) = (shape.dimension() as f64, f64::from(self.freedom));
        let normal_constant = -0.5 * dimension * super::guide::LN_2_PI;
        let t_constant = ln_gamma_half(self.freedom as usize + shape.dimension())
            - ln_gamma_half(self.freedom as usize)
            - 0.5 * dimension * (freedom * std::f64::consts::PI).ln();
        let densities = |(squared, log_scale): (f64, f64)| {
            let normal = normal_constant - 0.5 * squared - log_scale;
            let t = t_constant - 0.5 * (freedom + dimension) * (squared / freedom).ln_1p();
            let t = t - log_scale + self.t_share.ln();
            (normal, log_add(normal + (-self.t_share).ln_1p(), t))
        };
        let base = shape.whiten(points);
        let squares = base.column_iter().map(|z| z.norm_squared());
        squares.zip(shape.log_scales(&base)).map(densities).collect()
    }
}

/// ln Γ(n/2), by Γ(x + 1) = x Γ(x) from Γ(½) = √π or Γ(1) = 1.
fn ln_gamma_half(n: usize) -> f64 {
    let start = if n.is_multiple_of(2) { 0.0 } else { 0.5 * std::f64::consts::PI.ln() };
    let first = if n.is_multiple_of(2) { 2 } else { 1 };
    start + (first..n).step_by(2).map(|k| (0.5 * k as f64).ln()).sum::<f64>()
}

fn log_add(a: f64, b: f64) -> f64 {
    let high = a.max(b);
    if high == f64::NEG_INFINITY { high } else { high + ((a - high).exp() + (b - high).exp()).ln() }
}

/// A proposal, how many draws came from it, and its log densities at every draw so far: of its
/// normal, and of the whole.
struct Source<'g> {
    proposal: Proposal<'g>,
    drawn: usize,
    /// The columns of its first draws.
    first: std::ops::Range<usize>,
    log_densities: Vec<(f64, f64)>,
}

/// The draws so far, round by round.
struct Rounds<'g> {
    sources: Vec<Source<'g>>,
    points: DMatrix<f64>,
    log_p: Vec<f64>,
    /// Columns drawn from the guide itself, with the index of the normal they are from.
    from_guide: Vec<(usize, usize)>,
}

impl<'g> Rounds<'g> {
    fn new(dimension: usize) -> Self {
        let points = DMatrix::zeros(dimension, 0);
        Self { sources: Vec::new(), points, log_p: Vec::new(), from_guide: Vec::new() }
    }

    /// Adds a proposal, and returns its index.
    fn add(&mut self, proposal: Proposal<'g>) -> usize {
        let log_densities = proposal.log_densities(&self.points);
        self.sources.push(Source { proposal, drawn: 0, first: 0..0, log_densities });
        self.sources.len() - 1
    }

    /// Draws `count` points from a proposal and evaluates the target there.
    fn draw<T: LogDensity>(
        &mut self,
        evaluator: &mut Evaluator<T>,
        source: usize,
        count: usize,
        mut rng: impl Rng,
        options: &Correction,
    ) {
        let Source { proposal, drawn, first, .. } = &mut self.sources[source];
        let points = proposal.sample(&mut rng, count, options.matched_per_dimension);
        let (before, new) = (self.points.ncols(), points.ncols());
        if *drawn == 0 {
            *first = before..before + new;
        }
        *drawn += new;
        if matches!(proposal.normal, Shape::Borrowed(_)) {
            let [normal, _] = proposal.shares(count);
            self.from_guide.extend((before..before + normal).map(|draw| (draw, source)));
        }
        for source in &mut self.sources {
            source.log_densities.extend(source.proposal.log_densities(&points));
        }
        self.log_p.extend(evaluator.log_densities(&points));
        let all = std::mem::replace(&mut self.points, DMatrix::zeros(0, 0));
        self.points = all.resize_horizontally(before + new, 0.0);
        self.points.columns_mut(before, new).copy_from(&points);
    }

    /// ESS / N of the first draws of some sources, weighed against the mixture of these alone.
    fn efficiency(&self, sources: &[(usize, f64)]) -> f64 {
        let ratio = |draw: usize| {
            let densities = sources.iter().map(|(index, weight)| {
                let (_, whole) = self.sources[*index].log_densities[draw];
                weight.ln() + whole
            });
            self.log_p[draw] - densities.fold(f64::NEG_INFINITY, log_add)
        };
        let draws = sources.iter().flat_map(|(index, _)| self.sources[*index].first.clone());
        let ratios: Vec<f64> = draws.map(ratio).collect();
        smooth(&ratios).effective_sample_size() / ratios.len() as f64
    }

    /// Weighs every draw against the mixture of all proposals, in the proportions drawn.
    fn weigh(&self, guide_weights: &[f64], refits: usize) -> Checked {
        let total = self.log_p.len();
        let mut log_q = vec![f64::NEG_INFINITY; total];
        let mut log_guide = vec![f64::NEG_INFINITY; total];
        for (index, source) in self.sources.iter().enumerate() {
            let share = (source.drawn as f64 / total as f64).ln();
            let guide_share = guide_weights.get(index).map(|weight| weight.ln());
            for (draw, (normal, whole)) in source.log_densities.iter().enumerate() {
                log_q[draw] = log_add(log_q[draw], share + whole);
                if let Some(guide_share) = guide_share {
                    log_guide[draw] = log_add(log_guide[draw], guide_share + normal);
                }
            }
        }
        let log_ratios: Vec<f64> = self.log_p.iter().zip(&log_q).map(|(p, q)| p - q).collect();
        let smoothed = smooth(&log_ratios);
        let ess = smoothed.effective_sample_size();
        let log_evidence = log_mean_exp(&log_ratios);
        let elbo = self.elbo(guide_weights, &log_guide);
        let points = self.points.clone();
        Checked { points, log_ratios, smoothed, ess, log_evidence, elbo, refits }
    }
}

impl Rounds<'_> {
    /// The guide's ELBO Σ w_k E_k[log p − log q] and its standard error, each expectation from the
    /// draws of one normal.
    fn elbo(&self, guide_weights: &[f64], log_guide: &[f64]) -> (f64, f64) {
        let (mut elbo, mut variance) = (0.0, 0.0);
        for (normal, weight) in guide_weights.iter().enumerate() {
            let own = self.from_guide.iter().filter(|(_, source)| *source == normal);
            let ratios: Vec<f64> =
                own.map(|&(draw, _)| self.log_p[draw] - log_guide[draw]).collect();
            let (mean, error) = mean_log_ratio(&ratios);
            elbo += weight * mean;
            variance += (weight * error).powi(2);
        }
        (elbo, variance.sqrt())
    }
}

/// Weighs draws of the guide, refits the proposal while that is needed, then draws the final set.
///
/// `observe` sees each round. The first round has `options.first_draws` draws and the last
/// `options.final_draws`, divided among the guide's normals by their weights.
///
/// While `wants_more`, rounds with a heavier tail are added, from a normal with the weighted moments
/// or a guide that is bent.
pub fn check<T: Target>(
    evaluator: &mut Evaluator<T>,
    guide: &Guide,
    seed: u64,
    options: &Correction,
    mut wants_more: impl FnMut(&mut Evaluator<T>, &Checked) -> bool,
    mut observe: impl FnMut(&Checked),
) -> Checked {
    let (first_draws, final_draws) = options.draws_for(evaluator.cost());
    let [freedom, extra_freedom] = options.freedom_for(guide.dimension());
    let t_share = options.t_share_for(guide.dimension());
    let mut rounds = Rounds::new(guide.dimension());
    let mut weights = Vec::new();
    for (weight, shape) in guide.components() {
        rounds.add(Proposal { normal: Shape::Borrowed(shape), freedom, t_share });
        weights.push(weight);
    }
    let mut round = 0..;
    let mut draw = |evaluator: &mut Evaluator<T>,
                    rounds: &mut Rounds,
                    sources: &[(usize, f64)],
                    count: usize| {
        for ((source, weight), index) in sources.iter().zip(&mut round) {
            let share = (weight * count as f64).round().max(options.least_draws as f64) as usize;
            let rng = stream(seed, Purpose::Importance, index);
            rounds.draw(evaluator, *source, share, rng, options);
        }
    };
    let mut last: Vec<(usize, f64)> = weights.iter().copied().enumerate().collect();
    draw(evaluator, &mut rounds, &last, first_draws);
    let mut checked = rounds.weigh(&weights, 0);
    observe(&checked);
    let mut best = rounds.efficiency(&last);
    while options.wants_refit(&checked, guide.dimension()) && !evaluator.is_interrupted() {
        let Some(refit) = moment_refit(&checked, options.refit_draws_per_dimension) else { break };
        let proposal = Proposal { normal: Shape::Owned(refit), freedom, t_share };
        let refitted = vec![(rounds.add(proposal), 1.0)];
        draw(evaluator, &mut rounds, &refitted, first_draws);
        checked = rounds.weigh(&weights, checked.refits + 1);
        observe(&checked);
        let efficiency = rounds.efficiency(&refitted);
        if efficiency < best {
            break;
        }
        (best, last) = (efficiency, refitted);
    }
    let wants_final = final_draws > 0 && options.wants_final(&checked, guide.dimension());
    if wants_final && !evaluator.is_interrupted() {
        draw(evaluator, &mut rounds, &last, final_draws);
        checked = rounds.weigh(&weights, checked.refits);
        observe(&checked);
    }
    let (mut added, mut repeated) = (0, None);
    while final_draws > 0
        && options.may_add(&checked, added, guide.dimension())
        && !evaluator.is_interrupted()
        && wants_more(evaluator, &checked)
    {
        let straight = match guide {
            Guide::Triangular(_) => false,
            Guide::FullRank(_) | Guide::MeanField(_) | Guide::Mixture(_) | Guide::Bordered(_) => {
                true
            }
        };
        let enough = checked.ess > options.refit_draws_per_dimension * guide.dimension() as f64;
        let heavier = match (straight && enough)
            .then(|| moment_refit(&checked, options.refit_draws_per_dimension))
            .flatten()
        {
            Some(refit) => {
                let normal = Shape::Owned(refit);
                vec![(rounds.add(Proposal { normal, freedom: extra_freedom, t_share }), 1.0)]
            }
            None => repeated.take().unwrap_or_else(|| {
                let again = last.iter().map(|(source, weight)| {
                    let proposal = rounds.sources[*source].proposal.clone();
                    (rounds.add(Proposal { freedom: extra_freedom, ..proposal }), *weight)
                });
                again.collect()
            }),
        };
        draw(evaluator, &mut rounds, &heavier, final_draws);
        repeated = Some(heavier);
        added += 1;
        checked = rounds.weigh(&weights, checked.refits);
        observe(&checked);
    }
    checked
}

/// The normal with the weighted mean and covariance of the draws.
///
/// With few effective draws the covariance is drawn towards its diagonal: S ← a S + (1 − a) diag S
/// with a = min(1, ESS / (c d)).
fn moment_refit(checked: &Checked, draws_per_dimension: f64) -> Option<FullRank> {
    let dimension = checked.points.nrows();
    let mut mean = DVector::zeros(dimension);
    let weights: Vec<f64> = checked.smoothed.log_weights.iter().map(|w| w.exp()).collect();
    for (point, weight) in checked.points.column_iter().zip(&weights) {
        mean.axpy(*weight, &point, 1.0);
    }
    let mut scaled = checked.points.clone();
    for (mut column, weight) in scaled.column_iter_mut().zip(&weights) {
        column -= &mean;
        column *= weight.sqrt();
    }
    let covariance = &scaled * scaled.transpose();
    let sd = covariance.diagonal().map(|variance| variance.max(f64::MIN_POSITIVE).sqrt());
    let trust = (checked.ess / (draws_per_dimension * dimension as f64)).min(1.0);
    let correlation = DMatrix::from_fn(dimension, dimension, |i, j| {
        if i == j { 1.0 } else { trust * covariance[(i, j)] / (sd[i] * sd[j]) }
    });
    let (values, vectors) = symmetric_eigen(correlation)?;
    let mut root = vectors * DMatrix::from_diagonal(&values.map(|value| value.max(1e-10).sqrt()));
    for (mut row, sd) in root.row_iter_mut().zip(sd.iter()) {
        row *= *sd;
    }
    FullRank::from_root(mean, &root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_integer_gamma_agrees_with_scipy() {
        // scipy.special.gammaln([0.5, 1, 3.5, 8.5, 100])
        let expected = [
            (1, 0.5723649429247001),
            (2, 0.0),
            (7, 1.2009736023470743),
            (17, 9.549267257300997),
            (200, 359.1342053695754),
        ];
        for (n, value) in expected {
            assert!((ln_gamma_half(n) - value).abs() < 1e-12 * value.max(1.0), "{n}");
        }
    }
}

//! Every tuning constant of a fit, with where it comes from.

use serde::{Deserialize, Serialize};

use super::bent::Bent;
use super::collapse::Collapse;
use super::fixed_draws::FixedDraws;
use super::importance::Checked;
use super::interrupt::Interrupt;
use super::natural::Natural;
use super::nested::Nested;
use super::nuts::Nuts;
use super::optimizer::Lbfgs;
use super::response::Response;
use super::stochastic::Stochastic;
use super::verdict::Thresholds;

/// Which family of guides to fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuideChoice {
    /// Full-rank up to [`Options::full_rank_limit`] latents, mean-field above.
    #[default]
    Auto,
    /// Independent normals.
    MeanField,
    /// Normals with full covariances.
    FullRank,
    /// The same, bent by a triangular map where there is one mode.
    Triangular,
}

/// How a guide is fitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// Natural for guides with correlations, fixed for mean-field.
    #[default]
    Auto,
    /// Natural gradients of the ELBO on fixed draws.
    Natural,
    /// L-BFGS and Newton's method on fixed draws.
    Fixed,
    /// Gradients along the path of fresh draws.
    Stochastic,
    /// Gradients of the score of fresh draws: no gradient of the target.
    Score,
}

/// How draws of the posterior are come by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// A guide of the highest ELBO, corrected by importance weights.
    #[default]
    Vi,
    /// Markov chains by the no-U-turn sampler: slow, and right where guides are not.
    Nuts,
    /// Importance sampling from the normals that the starts find, without fitting a guide.
    Importance,
    /// The normals with the curvature of the modes, as they are.
    Laplace,
    /// The best normals along the ways to the modes, as they are.
    Pathfinder,
    /// The highest mode alone, on the unconstrained scale.
    Map,
}

impl Method {
    /// The method as it is written.
    pub fn name(self) -> &'static str {
        match self {
            Method::Vi => "vi",
            Method::Nuts => "nuts",
            Method::Importance => "importance",
            Method::Laplace => "laplace",
            Method::Pathfinder => "pathfinder",
            Method::Map => "map",
        }
    }
}

/// Which normals a start offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Candidates {
    /// The better of the two.
    #[default]
    Both,
    /// That of the Hessian at the end.
    Laplace,
    /// The best along the path.
    Pathfinder,
}

/// How to fit. The defaults were tuned on 45 posteriors of posteriordb with reference draws.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// How draws are come by.
    pub method: Method,
    /// The family of guides.
    pub guide: GuideChoice,
    /// How it is fitted.
    pub algorithm: Algorithm,
    /// A wish to stop.
    #[serde(skip)]
    pub interrupt: Interrupt,
    /// The most latents that [`GuideChoice::Auto`] gives a full covariance: its matched draws and
    /// eigenvalues cost d² memory and d³ time.
    pub full_rank_limit: usize,
    /// How starting points are found and judged.
    pub starts: Starts,
    /// The full-rank algorithm.
    pub natural: Natural,
    /// The mean-field algorithm.
    pub fixed_draws: FixedDraws,
    /// Covariances by linear response, where a mean-field guide was not asked for.
    pub response: Response,
    /// The algorithms with fresh draws.
    pub stochastic: Stochastic,
    /// The algorithm of triangular guides.
    pub bent: Bent,
    /// How many ways are tried before the best is reported, however bad.
    pub attempts: Attempts,
    /// How locals are integrated out.
    pub collapse: Collapse,
    /// How coupled locals are.
    pub nested: Nested,
    /// The sampler.
    pub nuts: Nuts,
    /// The importance check.
    pub correction: Correction,
    /// What the verdict is drawn from.
    pub thresholds: Thresholds,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            method: Method::Vi,
            guide: GuideChoice::Auto,
            algorithm: Algorithm::Auto,
            interrupt: Interrupt::default(),
            full_rank_limit: 500,
            starts: Starts::default(),
            natural: Natural::default(),
            fixed_draws: FixedDraws::default(),
            response: Response::default(),
            stochastic: Stochastic::default(),
            bent: Bent::default(),
            attempts: Attempts::default(),
            collapse: Collapse::default(),
            nested: Nested::default(),
            nuts: Nuts::default(),
            correction: Correction::default(),
            thresholds: Thresholds::default(),
        }
    }
}

/// When the default gives up looking for a better way to fit.
///
/// What one way takes is bounded by the other options; these bound all together, up to the last one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempts {
    /// The gradients (a Hessian product counts as two) after which no other way begins.
    pub gradients: u64,
    /// The operations (see [`Target::cost`](super::Target::cost)) after which none does: a quarter
    /// of a minute or so.
    pub operations: f64,
    /// The fewest blocks of locals that are integrated out before anything else is tried.
    pub many_blocks: usize,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { gradients: 60_000, operations: 1e10, many_blocks: 40 }
    }
}

/// How starting points are found, judged and grouped into modes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Starts {
    /// Where the first start begins, and around where the others do, if not around 0 and at draws of
    /// the priors.
    #[serde(skip)]
    pub first: Option<Vec<f64>>,
    /// Starts of a round in up to 100 dimensions: eight found the right mode of every posterior of
    /// posteriordb tried.
    pub count: usize,
    /// Starts in up to 100 dimensions at most, while they lead to one mode.
    pub most: usize,
    /// The same once there are several: how much probability none of them has found is worth
    /// knowing then.
    pub most_of_several: usize,
    /// The gradients that starts may take together before no round is added, except to find a mode
    /// a second time.
    pub gradients: u64,
    /// Starts of a round in more than `large` dimensions; at most twice as many.
    pub count_large: usize,
    /// Starts of a round where an evaluation takes `dear` operations.
    pub count_dear: usize,
    /// The operations of a dear evaluation.
    pub dear: usize,
    /// The same of a very dear one.
    pub very_dear: usize,
    /// Starts of the mean-field guide in more than `large` dimensions, half as many as up to there.
    pub count_mean_field: usize,
    /// The dimension above which `count_large` applies, and starts are mean-field fits: the joint mode
    /// of a large hierarchy is far from its mass, and can be infinitely high.
    pub large: usize,
    /// L-BFGS steps at most in each stage of those.
    pub stages_large: Vec<usize>,
    /// Points are uniform in (−radius, radius) (Stan's default).
    pub radius: f64,
    /// The same for the mean-field guide, whose small first scale suits the middle.
    pub radius_mean_field: f64,
    /// The operations (see [`Target::cost`](super::Target::cost)) that their log densities may take
    /// before no round is added.
    pub operations: f64,
    /// Draws of one starting point at most, until one has a finite density and gradient.
    pub attempts: usize,
    /// Which normals a start offers.
    pub candidates: Candidates,
    /// The minimisation of −log p.
    pub lbfgs: Lbfgs,
    /// Halvings of a Laplace normal at most, until every common draw has a finite log density.
    pub laplace_shrinks: usize,
    /// Points of a path that Pathfinder judges at most.
    pub path_candidates: usize,
    /// Draws that judge each of them.
    pub path_draws: usize,
    /// Common draws that rank the candidates of all starts, at least.
    pub common_draws: usize,
    /// A start ends where another did if their ends are this near in the candidate's scale.
    pub same_end: f64,
    /// An end is a maximum if the whitened gradient there is below this.
    pub flat: f64,
    /// Points between two means at which the density is compared with that at the means.
    pub between: usize,
    /// Two normals are of one mode if it dips by less than this, in nats.
    pub dip: f64,
    /// The heaviest draws of a guide that are starts too, if it is not good: where it lacks a mode, they
    /// are near it.
    pub followed: usize,
    /// How often at most, each time with a check of the guide.
    pub follow_rounds: usize,
    /// How often at most, each time, modes are mirrored at their neighbours while that finds more.
    pub mirrors: usize,
    /// Modes fitted at most.
    pub modes: usize,
    /// The gradients that fits of modes may take together before no other is begun: many modes of which
    /// none is easily fitted are none that normals can stand for.
    pub mode_gradients: u64,
    /// The operations that these may take.
    pub mode_operations: f64,
    /// Modes fitted, if there are as many, however poor their candidates look: before they are
    /// fitted, ELBOs can mislead.
    pub least_modes: usize,
    /// Beyond `least_modes`, candidates whose ELBO is this many nats below the best are not fitted.
    pub candidate_gap: f64,
    /// Modes whose ELBO is this many nats below the best are dropped (weight below 5 · 10⁻⁵),
    pub mode_gap: f64,
    /// unless they are so far away, at D sds of the best, that weight · D² is above the exponential of
    /// minus this (10⁻³): that much they add to a variance.
    pub spread_gap: f64,
    /// Two normals are one mode if their squared whitened distance is below this, or below d.
    pub same_mode: f64,
}

impl Default for Starts {
    fn default() -> Self {
        Self {
            first: None,
            count: 8,
            most: 32,
            most_of_several: 64,
            gradients: 1500,
            operations: 1e9,
            count_large: 2,
            count_dear: 4,
            dear: 200_000,
            very_dear: 1_000_000,
            count_mean_field: 2,
            large: 90,
            stages_large: vec![60, 100],
            radius: 2.0,
            radius_mean_field: 1.0,
            attempts: 100,
            candidates: Candidates::Both,
            lbfgs: Lbfgs::default(),
            laplace_shrinks: 6,
            path_candidates: 40,
            path_draws: 4,
            common_draws: 32,
            same_end: 0.1,
            flat: 0.01,
            between: 15,
            dip: 0.5,
            followed: 4,
            follow_rounds: 3,
            mirrors: 4,
            modes: 24,
            mode_gradients: 30_000,
            mode_operations: 4e9,
            least_modes: 4,
            candidate_gap: 30.0,
            mode_gap: 10.0,
            spread_gap: 7.0,
            same_mode: 4.0,
        }
    }
}

impl Starts {
    /// The number of starts of a round in d dimensions, at a cost per evaluation: fixed by these alone,
    /// so that a fit can be repeated.
    pub fn count_for(&self, dimension: usize, cost: usize) -> usize {
        match (dimension > self.large, cost < self.dear) {
            (true, _) => self.count_large,
            (false, true) => self.count,
            (false, false) => self.count_dear,
        }
    }

    /// The most starts in d dimensions, given whether they have led to several modes.
    pub fn most_for(&self, dimension: usize, several: bool) -> usize {
        match (dimension > self.large, several) {
            (true, _) => 2 * self.count_large,
            (false, true) => self.most_of_several,
            (false, false) => self.most,
        }
    }

    /// Whether starts in d dimensions are mean-field fits, if both kinds of normals would do.
    pub fn are_mean_field(&self, dimension: usize) -> bool {
        dimension > self.large && self.candidates == Candidates::Both
    }

    /// The number of starts of the mean-field guide in d dimensions, at a cost per evaluation: one
    /// where it is very dear.
    pub fn count_mean_field_for(&self, dimension: usize, cost: usize) -> usize {
        match (dimension > self.large, cost < self.very_dear) {
            (true, true) => self.count_mean_field,
            (true, false) => 1,
            (false, _) => 2 * self.count_mean_field,
        }
    }

    /// The number of common draws in d dimensions: enough to match their covariance.
    pub fn common_draws_for(&self, dimension: usize) -> usize {
        self.common_draws.max((2 * dimension + 2).next_power_of_two())
    }
}

/// The importance check and correction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Correction {
    /// Draws of the first round, and of each refit.
    pub first_draws: usize,
    /// Draws of the last round.
    pub final_draws: usize,
    /// Rounds added at most, each of `final_draws`, while a quantity is not known well enough.
    pub extra_rounds: usize,
    /// The freedom of the t half in those: with heavier tails the tails are known better.
    pub extra_freedom: u32,
    /// The operations (see [`Target::cost`](super::Target::cost)) that the last round and each
    /// added one may take; their draws are as many as that allows.
    pub operations: f64,
    /// The fewest draws of the first round, however dear an evaluation.
    pub dear_draws: usize,
    /// k-hat above which no round is added: such weights are not mended by more of them.
    pub hopeless: f64,
    /// The ESS/N below which none is, either.
    pub hopeless_efficiency: f64,
    /// Draws of each normal of a mixture at least.
    pub least_draws: usize,
    /// Degrees of freedom ν of the t half: heavier tails than most posteriors, finite variance.
    pub degrees_of_freedom: u32,
    /// The share of the t at least and at most. In d dimensions it is `few_t / d`: in many, most of its
    /// draws are far from where a posterior has its mass.
    pub t_shares: [f64; 2],
    /// The same in one dimension, if it could be more than all.
    pub few_t: f64,
    /// The most dimensions in which still heavier tails cost little.
    pub few: usize,
    /// ν there, and in the rounds added there.
    pub few_freedom: [u32; 2],
    /// Moment refits at most.
    pub max_refits: usize,
    /// Refit while ESS/N is below this: one more round costs less than it saves later.
    pub refit_efficiency: f64,
    /// Refit while k-hat is above this (Vehtari et al., 2024) and ESS/N below
    /// `enough_efficiency`.
    pub refit_khat: f64,
    /// ESS/N from which few weights matter, whatever their tail.
    pub enough_efficiency: f64,
    /// The most dimensions in which moments are refitted.
    pub refit_limit: usize,
    /// Effective draws per dimension needed to trust a weighted correlation fully.
    pub refit_draws_per_dimension: f64,
    /// The dimension above which only `first_draws` of the guide itself are kept.
    pub large: usize,
    /// The dimension from which a failed check stops before the last round: weights that k-hat
    /// distrusts there are not mended by more of them.
    pub give_up_dimension: usize,
    /// Draws are matched to exact moments if there are this many per dimension: with fewer,
    /// matching would make their norms too regular, and the weights look better than they are.
    pub matched_per_dimension: usize,
}

impl Default for Correction {
    fn default() -> Self {
        Self {
            first_draws: 1024,
            final_draws: 4096,
            extra_rounds: 4,
            extra_freedom: 3,
            operations: 2e9,
            dear_draws: 512,
            hopeless: 1.0,
            hopeless_efficiency: 0.02,
            least_draws: 64,
            degrees_of_freedom: 7,
            t_shares: [0.125, 0.5],
            few_t: 5.0,
            few: 2,
            few_freedom: [1, 1],
            max_refits: 4,
            refit_efficiency: 0.7,
            refit_khat: 0.7,
            enough_efficiency: 0.8,
            refit_limit: 200,
            refit_draws_per_dimension: 10.0,
            large: 1000,
            give_up_dimension: 100,
            matched_per_dimension: 16,
        }
    }
}

impl Correction {
    /// Whether the proposal should be refitted to the weighted draws.
    pub fn wants_refit(&self, checked: &Checked, dimension: usize) -> bool {
        let efficiency = checked.efficiency();
        let heavy = checked.smoothed.khat > self.refit_khat && efficiency < self.enough_efficiency;
        let poor = heavy || efficiency < self.refit_efficiency;
        poor && checked.refits < self.max_refits && dimension <= self.refit_limit
    }

    /// Whether the last, larger round is worth its draws.
    pub fn wants_final(&self, checked: &Checked, dimension: usize) -> bool {
        dimension < self.give_up_dimension || self.trusts(checked.smoothed.khat)
    }

    /// The share of draws from the t in d dimensions.
    pub fn t_share_for(&self, dimension: usize) -> f64 {
        let [least, most] = self.t_shares;
        (self.few_t / dimension as f64).clamp(least, most)
    }

    /// The degrees of freedom of the t half in d dimensions, and in rounds added.
    pub fn freedom_for(&self, dimension: usize) -> [u32; 2] {
        if dimension <= self.few {
            self.few_freedom
        } else {
            [self.degrees_of_freedom, self.extra_freedom]
        }
    }

    /// Whether another round may be added.
    pub fn may_add(&self, checked: &Checked, added: usize, dimension: usize) -> bool {
        let hopeless = checked.smoothed.khat > self.hopeless
            || checked.efficiency() < self.hopeless_efficiency;
        added < self.extra_rounds && dimension <= self.refit_limit && !hopeless
    }

    /// The draws of the first round and of the last one, at a cost per evaluation.
    pub fn draws_for(&self, cost: usize) -> (usize, usize) {
        let affordable = self.operations / cost.max(1) as f64;
        let last = (affordable as usize).min(self.final_draws);
        (last.clamp(self.dear_draws.min(self.first_draws), self.first_draws), last)
    }

    /// The check of a guide that is better than any normal with its moments.
    pub fn without_refits(&self) -> Self {
        Self { max_refits: 0, ..self.clone() }
    }

    /// The check of a guide that is reported as it is: it is never replaced by a better proposal.
    pub fn of_the_guide_alone(&self) -> Self {
        Self { max_refits: 0, extra_rounds: 0, ..self.clone() }
    }

    /// Whether weighted averages can be trusted.
    pub fn trusts(&self, khat: f64) -> bool {
        khat <= self.refit_khat
    }
}

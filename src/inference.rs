//! Variational inference on a [`Target`]; knows nothing of the language.
//!
//! [`fit()`] climbs a ladder: starts at random and from the prior give candidate normals ([`start`]), distinct modes
//! ([`modes`]) are fitted by natural gradients of the ELBO on fixed draws ([`natural`]) or, in many dimensions,
//! independently ([`fixed_draws`]), the result is checked and corrected by importance weights
//! ([`importance`]); or chains are sampled instead ([`nuts`]); and a verdict says how far to trust it ([`verdict`]).

pub mod bent;
pub mod chains;
pub mod collapse;
pub mod draws;
pub mod elbo;
pub mod evaluate;
pub mod family;
pub mod find;
pub mod fit;
pub mod fixed_draws;
pub mod forecast;
pub mod guide;
pub mod importance;
pub mod interrupt;
pub mod laplace;
pub mod marginal;
pub mod modes;
pub mod natural;
pub mod nested;
pub mod nuts;
pub mod optimizer;
pub mod options;
pub mod pathfinder;
pub mod psis;
pub mod quantities;
pub mod random;
pub mod response;
pub mod sampled;
pub mod start;
pub mod stochastic;
pub mod summary;
pub mod target;
pub mod verdict;

pub use collapse::{Collapse, Parts};
pub use evaluate::Counts;
pub use fit::{Draws, Fit, FitError, Progress, fit, fit_bent};
pub use forecast::{Forecast, forecast};
pub use guide::Guide;
pub use interrupt::Interrupt;
pub use marginal::{Marginal, fit_collapsed, fit_nested};
pub use nested::{Coupling, Nested, NestedLaplace, Probes};
pub use options::{Algorithm, GuideChoice, Method, Options};
pub use summary::{Summary, resample, summarize};
pub use target::{LogDensity, Target};
pub use verdict::{Diagnostics, Level, Reason, Thresholds, Verdict};

//! Turns one seed into independent random streams, one per purpose and index.
//!
//! Invariant: a stream depends on the seed, the purpose and the index only, never on the number
//! of threads or on what was drawn before.

use rand_chacha::{ChaCha12Rng, rand_core::SeedableRng};

/// A random stream.
pub type Stream = ChaCha12Rng;

/// What a random stream is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The starting points, one stream per start.
    Start,
    /// The few draws that rank normals along an optimisation path, one stream per start.
    Path,
    /// The common draws that rank the candidates of all starts.
    Candidate,
    /// The fixed draws that an ELBO is maximised on.
    FixedDraws,
    /// The draws of an importance proposal, one stream per round.
    Importance,
    /// Draws of the guide itself.
    Guide,
    /// The offset of systematic resampling.
    Resample,
    /// A chain of a Markov chain sampler, one stream per chain.
    Chain,
    /// The fixed draws that a normal is bent on.
    Bend,
    /// Points that quantities are tried at.
    Probe,
    /// Locals given globals, one stream per draw of the globals.
    Complete,
    /// Draws and directions of linear response.
    Response,
    /// Points that rules of quadrature are compared at.
    Rule,
}

/// The stream of `seed` for a purpose and an index.
pub fn stream(seed: u64, purpose: Purpose, index: u32) -> Stream {
    let number: u64 = match purpose {
        Purpose::Start => 1,
        Purpose::Path => 2,
        Purpose::Candidate => 3,
        Purpose::FixedDraws => 4,
        Purpose::Importance => 5,
        Purpose::Guide => 6,
        Purpose::Resample => 7,
        Purpose::Chain => 8,
        Purpose::Probe => 9,
        Purpose::Bend => 10,
        Purpose::Complete => 11,
        Purpose::Rule => 12,
        Purpose::Response => 13,
    };
    let mut rng = Stream::seed_from_u64(seed);
    rng.set_stream((number << 32) | u64::from(index));
    rng
}

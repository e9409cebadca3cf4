//! Runs code compiled for the best instructions this processor has.
//!
//! One source is compiled three times: for AVX-512, for AVX2 with fused multiply-add, and for what
//! every processor of the target has. Results differ between the three in the last places, because
//! the last of them may round a b + c twice; on one machine the choice is always the same.
//!
//! This is the only module with `unsafe`: calling a function compiled for instructions that the
//! processor lacks is undefined. Invariant: an [`Isa`] other than [`Isa::BASELINE`] exists only
//! after the processor was asked for every feature that its functions are compiled for.
#![allow(unsafe_code, reason = "calls functions compiled for features that were detected")]

use crate::math::straight::{Arithmetic, Fused, Separate};

/// Work that is compiled for each set of instructions. Everything in it must be inlined.
pub trait Task {
    /// What it gives.
    type Output;

    /// Does the work; to be marked `#[inline(always)]`.
    fn run<A: Arithmetic>(self) -> Self::Output;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// A set of instructions that this processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Isa(Level);

impl Isa {
    /// What every processor of the target has.
    pub const BASELINE: Isa = Isa(Level::Baseline);

    /// The best that this processor has.
    pub fn best() -> Isa {
        Isa::available().last().unwrap_or(Isa::BASELINE)
    }

    /// All that this processor has, the best last.
    pub fn available() -> impl Iterator<Item = Isa> {
        #[cfg(target_arch = "x86_64")]
        let more = {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let avx512 = avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            [avx2.then_some(Isa(Level::Avx2)), avx512.then_some(Isa(Level::Avx512))]
        };
        #[cfg(not(target_arch = "x86_64"))]
        let more = [None; 2];
        std::iter::once(Isa::BASELINE).chain(more.into_iter().flatten())
    }

    /// Its name in lists.
    pub fn name(self) -> &'static str {
        match self.0 {
            Level::Baseline => "baseline",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "AVX-512",
        }
    }

    /// Does some work with these instructions.
    #[inline]
    pub fn run<T: Task>(self, task: T) -> T::Output {
        match self.0 {
            Level::Baseline => baseline(task),
            // SAFETY: an `Isa` of this level was made by `available`, which found these features.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { avx2(task) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { avx512(task) },
        }
    }
}

/// A target whose baseline fuses, such as AArch64, does so here.
#[cfg(any(target_arch = "aarch64", target_feature = "fma"))]
type Baseline = Fused;
#[cfg(not(any(target_arch = "aarch64", target_feature = "fma")))]
type Baseline = Separate;

#[inline(never)]
fn baseline<T: Task>(task: T) -> T::Output {
    task.run::<Baseline>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
#[inline(never)]
fn avx2<T: Task>(task: T) -> T::Output {
    task.run::<Fused>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
#[inline(never)]
fn avx512<T: Task>(task: T) -> T::Output {
    task.run::<Fused>()
}

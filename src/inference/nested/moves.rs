//! Draws coupled locals from their density given the globals.
//!
//! Hamiltonian dynamics in the coordinates z of the normal u = û + B z, with the rotation that is
//! exact for it between kicks by what the density has besides (Shahbaba, Lan, Johnson and Neal 2014).
//! Where the density is normal every move is accepted, and a quarter turn gives an independent draw.

use super::mode::Wanted;
use super::{NestedLaplace, Scratch};
use crate::inference::target::Target;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use std::f64::consts::FRAC_PI_2;
use std::sync::atomic::Ordering;

/// A place of the dynamics.
#[derive(Clone)]
struct Place {
    z: Vec<f64>,
    /// −log p − ½ |z|² and the slope of its negative: what the normal leaves out.
    rest: f64,
    kick: Vec<f64>,
}

impl<P: Target, T: Target> NestedLaplace<'_, P, T> {
    /// All coordinates with these globals, `repeats` draws of the locals one after the other.
    pub(super) fn drawn<R: Rng>(
        &self,
        scratch: &mut Scratch<T::Workspace, P::Workspace>,
        globals: &[f64],
        repeats: usize,
        rng: &mut R,
    ) -> Vec<f64> {
        let dimension = self.target.dimension();
        let mut all = vec![f64::NAN; dimension * repeats];
        let found = self.settle(scratch, globals, Wanted::Near).is_some();
        for column in all.chunks_mut(dimension) {
            self.place(globals, column);
        }
        if !found {
            return all;
        }
        let mode = self.coupling.of_locals(&scratch.point);
        let z = self.coupling.locals.iter().map(|_| rng.sample(StandardNormal)).collect();
        let mut here = self.look(scratch, &mode, self.shifted(z));
        let mut turns = self.options.turns;
        for column in all.chunks_mut(dimension) {
            for _ in 0..turns {
                here = self.turn(scratch, &mode, here, rng);
            }
            self.go_to(scratch, &mode, here.z.clone());
            self.coupling.locals.iter().for_each(|at| column[*at] = scratch.point[*at]);
            turns = 1;
        }
        all
    }

    /// A quarter turn, if it is accepted.
    fn turn<R: Rng>(
        &self,
        scratch: &mut Scratch<T::Workspace, P::Workspace>,
        mode: &[f64],
        here: Place,
        rng: &mut R,
    ) -> Place {
        let kicks = self.options.kicks.max(1);
        let step = FRAC_PI_2 / kicks as f64;
        let (sin, cos) = step.sin_cos();
        let mut momentum: Vec<f64> = here.z.iter().map(|_| rng.sample(StandardNormal)).collect();
        let energy = |place: &Place, momentum: &[f64]| {
            let squares = place.z.iter().chain(momentum).map(|x| x * x).sum::<f64>();
            place.rest + 0.5 * squares
        };
        let before = energy(&here, &momentum);
        let mut there = here.clone();
        for _ in 0..kicks {
            for (momentum, kick) in momentum.iter_mut().zip(&there.kick) {
                *momentum += 0.5 * step * kick;
            }
            for (z, momentum) in there.z.iter_mut().zip(&mut momentum) {
                (*z, *momentum) = (cos * *z + sin * *momentum, cos * *momentum - sin * *z);
            }
            there = self.look(scratch, mode, there.z);
            for (momentum, kick) in momentum.iter_mut().zip(&there.kick) {
                *momentum += 0.5 * step * kick;
            }
        }
        let loss = energy(&there, &momentum) - before;
        let accepted = rng.random::<f64>() < (-loss).exp();
        self.moves[0].fetch_add(u64::from(accepted), Ordering::Relaxed);
        self.moves[1].fetch_add(1, Ordering::Relaxed);
        if accepted { there } else { here }
    }

    /// The density at û + B z.
    fn look(
        &self,
        scratch: &mut Scratch<T::Workspace, P::Workspace>,
        mode: &[f64],
        z: Vec<f64>,
    ) -> Place {
        self.go_to(scratch, mode, z.clone());
        let value = self.slopes(scratch);
        let mut kick = self.coupling.of_locals(&scratch.gradient);
        scratch.precision.whiten(self.coupling, &mut kick);
        kick.iter_mut().zip(&z).for_each(|(kick, z)| *kick += z);
        let rest = -value - 0.5 * z.iter().map(|z| z * z).sum::<f64>();
        Place { z, rest, kick }
    }
}

//! Equal seed, equal bits, whatever the number of threads.

use rayon::ThreadPoolBuilder;
use vippl::inference::{Fit, GuideChoice, Target};

use crate::targets::{Analytic, EightSchools, Funnel, Gaussian};
use crate::{fitted, fitted_with};

fn bits(fit: &Fit) -> Vec<u64> {
    let summaries = fit.draws.summaries();
    let numbers = summaries.iter().flat_map(|s| [s.mean, s.sd, s.q05, s.q95]);
    let points = fit.draws.points.iter().chain(&fit.draws.log_weights).copied();
    numbers.chain(points).chain([fit.elbo, fit.log_evidence]).map(f64::to_bits).collect()
}

fn with_threads<T: Target>(threads: usize, target: &T, guide: GuideChoice) -> Fit {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| fitted_with(target, guide, 7))
}

fn assert_same<T: Target>(target: &T, guide: GuideChoice) {
    let one = with_threads(1, target, guide);
    for threads in [2, 4] {
        let many = with_threads(threads, target, guide);
        assert!(bits(&one) == bits(&many), "{threads} threads differ from one");
        assert_eq!((one.counts, &one.guide), (many.counts, &many.guide));
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    assert_same(&Analytic(EightSchools { centred: false }), GuideChoice::FullRank);
    assert_same(&Analytic(Funnel(5)), GuideChoice::MeanField);
    assert_same(&Gaussian::of_condition(60, 100.0), GuideChoice::Auto);
}

#[test]
fn another_seed_gives_other_draws() {
    let target = Analytic(EightSchools { centred: false });
    assert!(bits(&fitted(&target, 1)) != bits(&fitted(&target, 2)));
}

//! The step size and the metric of a chain, learned while it warms up.
//!
//! The schedule is Stan's: a first phase to reach the typical set, windows of doubling length that
//! each estimate the metric anew, and a last phase for the step size alone.

use nalgebra::DVector;

use super::metric::{Metric, Moments};

/// The step size by dual averaging (Hoffman & Gelman, 2014, section 3.2).
#[derive(Clone, Debug)]
pub struct DualAveraging {
    target: f64,
    centre: f64,
    count: f64,
    error: f64,
    log_average: f64,
}

impl DualAveraging {
    const SHRINKAGE: f64 = 0.05;
    const OFFSET: f64 = 10.0;
    const FORGETTING: f64 = 0.75;

    /// From a first step size, towards a mean acceptance.
    pub fn new(step: f64, target: f64) -> Self {
        Self { target, centre: (10.0 * step).ln(), count: 0.0, error: 0.0, log_average: 0.0 }
    }

    /// The next step size, given the acceptance at the last one.
    pub fn update(&mut self, acceptance: f64) -> f64 {
        self.count += 1.0;
        let acceptance = if acceptance.is_nan() { 0.0 } else { acceptance };
        let share = 1.0 / (self.count + Self::OFFSET);
        self.error = (1.0 - share) * self.error + share * (self.target - acceptance);
        let log_step = self.centre - self.error * self.count.sqrt() / Self::SHRINKAGE;
        let share = self.count.powf(-Self::FORGETTING);
        self.log_average = share * log_step + (1.0 - share) * self.log_average;
        log_step.exp()
    }

    /// The step size to keep.
    pub fn average(&self) -> f64 {
        self.log_average.exp()
    }
}

/// When a metric is estimated during a warm-up.
#[derive(Clone, Debug, PartialEq)]
pub struct Windows {
    /// The first iteration that is taken in.
    pub start: usize,
    /// The iterations after which the metric is set, increasing.
    pub ends: Vec<usize>,
}

impl Windows {
    /// Those of a warm-up: 75 iterations, windows of 25, 50, 100, … and 50 iterations; 15, 75 and
    /// 10 per cent of a warm-up that is too short for that.
    pub fn new(warmup: usize) -> Self {
        let short = warmup < 150;
        let (start, last, first) = if short {
            let (start, last) = (warmup * 15 / 100, warmup / 10);
            (start, last, warmup - start - last)
        } else {
            (75, 50, 25)
        };
        let stop = warmup - last;
        let (mut ends, mut end, mut length) = (Vec::new(), start, first.max(1));
        while end < stop {
            // A window whose successor would not fit takes in the rest.
            end = if end + 3 * length > stop { stop } else { end + length };
            length *= 2;
            ends.push(end);
        }
        Self { start, ends }
    }
}

/// The estimate of a metric, window by window.
#[derive(Clone, Debug)]
pub struct Learner {
    windows: Windows,
    moments: Moments,
    dimension: usize,
    dense: bool,
}

impl Learner {
    /// For a warm-up of so many iterations.
    pub fn new(warmup: usize, dimension: usize, dense: bool) -> Self {
        let moments = Moments::new(dimension, dense);
        Self { windows: Windows::new(warmup), moments, dimension, dense }
    }

    /// Takes in the point of an iteration; the new metric if a window ends with it.
    pub fn observe(&mut self, iteration: usize, point: &DVector<f64>) -> Option<Metric> {
        let last = self.windows.ends.last().copied().unwrap_or(0);
        if iteration < self.windows.start || iteration >= last {
            return None;
        }
        self.moments.observe(point);
        if !self.windows.ends.contains(&(iteration + 1)) {
            return None;
        }
        let moments =
            std::mem::replace(&mut self.moments, Moments::new(self.dimension, self.dense));
        moments.metric()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_double_and_fill_the_warm_up() {
        // Stan's for 1,000 iterations: 75 | 25 50 100 200 500 | 50.
        let windows = Windows::new(1000);
        assert_eq!((windows.start, windows.ends), (75, vec![100, 150, 250, 450, 950]));
        let windows = Windows::new(100);
        assert_eq!((windows.start, windows.ends), (15, vec![90]));
        assert_eq!(Windows::new(0).ends, Vec::<usize>::new());
    }

    #[test]
    fn dual_averaging_finds_the_step_of_the_wanted_acceptance() {
        // An acceptance of exp(-step) is 0.8 at a step of -ln 0.8.
        let mut averaging = DualAveraging::new(1.0, 0.8);
        let mut step: f64 = 1.0;
        for _ in 0..2000 {
            step = averaging.update((-step).exp());
        }
        assert!((averaging.average() + 0.8f64.ln()).abs() < 0.01, "{}", averaging.average());
    }
}

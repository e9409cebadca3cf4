//! Sets of values: what a distribution can produce and what a parameter may be.

/// One end of an interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// A number, possibly infinite.
    Value(f64),
    /// The value of the parameter at this position of the parameterization.
    Parameter(usize),
}

/// The set of values a variate or a parameter may take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Support {
    /// (-inf, inf)
    Real,
    /// (0, inf)
    Positive,
    /// [0, inf)
    NonNegative,
    /// (0, 1)
    Unit,
    /// (lower, upper); an infinite end is no bound.
    Interval(Bound, Bound),
    /// {0, 1}
    Boolean,
    /// {0, 1, 2, …}
    Count,
    /// {lower, …, upper}; an infinite end is no bound.
    Integers(Bound, Bound),
}

impl Support {
    /// Whether the values are whole numbers.
    pub fn is_discrete(self) -> bool {
        match self {
            Support::Real
            | Support::Positive
            | Support::NonNegative
            | Support::Unit
            | Support::Interval(..) => false,
            Support::Boolean | Support::Count | Support::Integers(..) => true,
        }
    }

    /// The set in words; a bound that names a parameter is the name at its position.
    pub fn words(self, names: &[&str]) -> String {
        let end = |bound: Bound| match bound {
            Bound::Value(x) if x == f64::INFINITY => "∞".to_owned(),
            Bound::Value(x) if x == f64::NEG_INFINITY => "-∞".to_owned(),
            Bound::Value(x) if x == std::f64::consts::PI => "π".to_owned(),
            Bound::Value(x) if x == -std::f64::consts::PI => "-π".to_owned(),
            Bound::Value(x) => x.to_string(),
            Bound::Parameter(i) => names.get(i).map_or("?".to_owned(), |n| format!("`{n}`")),
        };
        match self {
            Support::Real => "any real number".to_owned(),
            Support::Positive => "positive".to_owned(),
            Support::NonNegative => "0 or positive".to_owned(),
            Support::Unit => "between 0 and 1".to_owned(),
            Support::Interval(low, high) => match (end(low).as_str(), end(high).as_str()) {
                (low, "∞") => format!("above {low}"),
                (low, high) => format!("between {low} and {high}"),
            },
            Support::Boolean => "0 or 1".to_owned(),
            Support::Count => "0, 1, 2, …".to_owned(),
            Support::Integers(low, high) => match (end(low).as_str(), end(high).as_str()) {
                ("-∞", "∞") => "a whole number".to_owned(),
                (low, "∞") => format!("a whole number, {low} or more"),
                (low, high) => format!("{low}, …, {high}"),
            },
        }
    }

    /// The ends of the set.
    pub fn bounds(self) -> (Bound, Bound) {
        let value = |low, high| (Bound::Value(low), Bound::Value(high));
        match self {
            Support::Real => value(f64::NEG_INFINITY, f64::INFINITY),
            Support::Positive | Support::NonNegative | Support::Count => value(0.0, f64::INFINITY),
            Support::Unit | Support::Boolean => value(0.0, 1.0),
            Support::Interval(low, high) | Support::Integers(low, high) => (low, high),
        }
    }

    /// Whether `x` belongs to the set, given the parameters its bounds may name.
    ///
    /// Closed at finite ends, except [`Support::Positive`]: an observation at the edge of an
    /// interval is data, a scale of zero is a mistake.
    pub fn contains(self, x: f64, parameters: &[f64]) -> bool {
        let value = |bound| match bound {
            Bound::Value(v) => v,
            Bound::Parameter(i) => parameters.get(i).copied().unwrap_or(f64::NAN),
        };
        let (low, high) = self.bounds();
        let (low, high) = (value(low), value(high));
        if self.is_discrete() && x.fract() != 0.0 {
            return false;
        }
        match self {
            Support::Positive => x > 0.0,
            Support::Real
            | Support::NonNegative
            | Support::Unit
            | Support::Interval(..)
            | Support::Boolean
            | Support::Count
            | Support::Integers(..) => x >= low && x <= high,
        }
    }
}

//! Real numbers in JSON, where those that are not finite become `null`, and in tables, where the
//! Monte Carlo error decides how many digits mean something.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number that JSON may not have: `null` when it is not finite, NaN when read back.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Number(pub f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.is_finite().then_some(self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Number(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN)))
    }
}

/// The most decimals a table shows; smaller numbers are written with an exponent.
const MOST_DECIMALS: i32 = 6;

/// Numbers from here on are written with an exponent unless their decimals matter.
const LARGE: f64 = 1e9;

/// How many decimals of a mean are worth printing: the first digit of its Monte Carlo error, and
/// at most three digits of the sd. Negative for large errors; `None` if both are 0 or unknown.
pub fn decimals(mcse: f64, sd: f64) -> Option<i32> {
    let place = |x: f64| x.log10().floor() as i32;
    let known = |x: f64| x.is_finite() && x > 0.0;
    let by_error = known(mcse).then(|| -place(mcse));
    let by_sd = known(sd).then(|| 2 - place(sd));
    match (by_error, by_sd) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// A number with so many decimals, or with an exponent where that would be long.
pub fn fixed(x: f64, decimals: Option<i32>) -> String {
    if !x.is_finite() {
        return if x.is_nan() { "-".to_owned() } else { format!("{x}") };
    }
    let Some(decimals) = decimals else { return significant(x, 4) };
    if decimals > MOST_DECIMALS || x.abs() >= LARGE {
        let digits = if x == 0.0 { 0 } else { x.abs().log10().floor() as i32 + decimals };
        return format!("{x:.*e}", digits.clamp(0, 15) as usize);
    }
    let text = format!("{x:.*}", decimals.max(0) as usize);
    let is_zero = text.chars().all(|c| matches!(c, '-' | '0' | '.'));
    if is_zero { text.trim_start_matches('-').to_owned() } else { text }
}

/// A number with all its digits, with an exponent where it has a long row of zeros.
pub fn exact(x: f64) -> String {
    let is_plain = x == 0.0 || !x.is_finite() || (1e-6..1e16).contains(&x.abs());
    if is_plain { format!("{x}") } else { format!("{x:e}") }
}

/// A number with so many significant digits.
pub fn significant(x: f64, digits: i32) -> String {
    if x == 0.0 || !x.is_finite() {
        return fixed(x, Some(0));
    }
    let place = x.abs().log10().floor() as i32;
    if (-5..9).contains(&place) {
        format!("{x:.*}", (digits - 1 - place).max(0) as usize)
    } else {
        format!("{x:.*e}", (digits - 1).max(0) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monte_carlo_error_decides_the_decimals() {
        assert_eq!(fixed(4.41234, decimals(0.05, 3.3)), "4.41");
        assert_eq!(fixed(4.41234, decimals(0.5, 3.3)), "4.4");
        assert_eq!(fixed(41234.5, decimals(20.0, 1000.0)), "41234");
        assert_eq!(fixed(-0.0004, decimals(0.05, 3.0)), "0.00");
        assert_eq!(fixed(1.25e-9, decimals(1e-11, 1e-10)), "1.25e-9");
    }

    #[test]
    fn what_is_not_finite_is_null_in_json_and_nan_again() {
        assert_eq!(serde_json::to_string(&Number(f64::INFINITY)).ok().as_deref(), Some("null"));
        let back: Option<Number> =
            serde_json::from_str("[null]").ok().and_then(|list: Vec<Number>| list.first().copied());
        assert!(back.is_some_and(|n| n.0.is_nan()));
    }

    #[test]
    fn exact_numbers_have_no_long_rows_of_zeros() {
        assert_eq!([exact(7.0), exact(-1e308), exact(0.1)], ["7", "-1e308", "0.1"]);
    }

    #[test]
    fn constants_keep_their_digits() {
        assert_eq!(fixed(2.5, decimals(0.0, 0.0)), "2.500");
        assert_eq!(significant(0.05234, 2), "0.052");
        assert_eq!(significant(1234.0, 2), "1234");
    }
}

//! What to write instead of a cell that is not a number.

use crate::typed::Kind;

/// Words for yes and no, in small letters.
const TRUTH: &[&str] = &["yes", "no", "y", "n", "t", "f", "male", "female", "on", "off"];

/// What to do about the text of a cell that should be a number of this kind.
pub(super) fn for_cell(text: &str, name: &str, kind: Kind, in_json: bool) -> String {
    let is_number = |text: &str| text.trim().parse::<f64>().is_ok();
    if in_json && is_number(text) {
        return format!("it is text in the file: write {text} without quotes");
    }
    let by_label =
        format!("declare `{name}: index` and give each label its own value: `a[{name}]`");
    if kind == Kind::Bool {
        return format!("the cells of `{name}: bool` are 0, 1, true or false; or {by_label}");
    }
    if TRUTH.contains(&text.to_lowercase().as_str()) {
        return format!("write 1 and 0 in the file, or {by_label}");
    }
    // What word processors make of a hyphen.
    if let Some(rest) = text.strip_prefix(['−', '–', '—'])
        && is_number(rest)
    {
        return format!("write the minus sign as a hyphen: -{}", rest.trim());
    }
    if let Some(percent) = text.strip_suffix('%')
        && let Ok(percent) = percent.trim().parse::<f64>()
    {
        return format!("write the share, {}, or the number without its sign", percent / 100.0);
    }
    if is_grouped(text) {
        return format!(
            "write {} without separators, or, if the comma is a decimal one, a decimal point",
            text.replace(',', "")
        );
    }
    if text.matches(',').count() == 1 && is_number(&text.replace(',', ".")) {
        return "write numbers with a decimal point, not a comma".to_owned();
    }
    if is_date(text) {
        return format!(
            "dates have no arithmetic: write a number in the file, such as the days since the \
             first one; or {by_label}"
        );
    }
    let bare = text.trim_matches(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-'));
    if bare != text && is_number(bare) {
        return format!("write the number alone: {bare}");
    }
    format!("if `{name}` is a label, {by_label}; a cell without a value is empty or `NA`")
}

/// `1,234` and `1,234,567.8`
fn is_grouped(text: &str) -> bool {
    let whole = text.split('.').next().unwrap_or(text).trim_start_matches('-');
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or("");
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let mut rest = groups.peekable();
    rest.peek().is_some()
        && digits(first)
        && first.len() <= 3
        && first != "0"
        && rest.all(|group| group.len() == 3 && digits(group))
}

/// `2020-01-31`, `31/01/2020`, `31.1.20`, with or without a time after it.
fn is_date(text: &str) -> bool {
    let day = text.split([' ', 'T']).next().unwrap_or(text);
    ['-', '/', '.'].into_iter().any(|separator| {
        let parts: Vec<&str> = day.split(separator).collect();
        let digits = |p: &&str| (1..=4).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit());
        parts.len() == 3 && parts.iter().all(digits)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sort_of_cell_has_its_own_advice() {
        for (text, kind, says) in [
            ("yes", Kind::Real, "1 and 0"),
            ("yes", Kind::Bool, "true or false"),
            ("10%", Kind::Real, "0.1"),
            ("1,234", Kind::Real, "write 1234"),
            ("1,5", Kind::Real, "decimal point"),
            ("0,125", Kind::Real, "decimal point"),
            ("2020-01-31", Kind::Real, "dates"),
            ("31.1.2020 10:15", Kind::Real, "dates"),
            ("12 kg", Kind::Real, "alone: 12"),
            ("$3.50", Kind::Real, "alone: 3.50"),
            ("\u{2212}1.5", Kind::Real, "hyphen: -1.5"),
            ("red", Kind::Real, "x: index"),
        ] {
            let advice = for_cell(text, "x", kind, false);
            assert!(advice.contains(says), "{text}: {advice}");
        }
        assert!(for_cell("2", "x", Kind::Real, true).contains("without quotes"));
    }
}

//! Turns the terms of a model formula of R into the equations it stands for.
//!
//! A formula hides its coefficients; every equation written here names one, with a prior that a
//! user is to think about. Names that the program has already are avoided.

/// A term on the right of a formula.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Term {
    /// A coefficient for a product of columns: `x`, `x:z`.
    Slope(Vec<String>),
    /// `(1 + x | g)`: deviations of each group, of the intercept and of slopes.
    Group {
        /// Whether the intercept varies.
        intercept: bool,
        /// The columns whose slopes vary.
        slopes: Vec<String>,
        /// The column that names the group.
        group: String,
    },
}

/// A formula: the name on its left and what is on its right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Formula {
    /// The observed name.
    pub(crate) response: String,
    /// Whether there is an intercept.
    pub(crate) intercept: bool,
    /// The other terms.
    pub(crate) terms: Vec<Term>,
}

impl Formula {
    /// Reads `y ~ 1 + x + x:z + (1 + x | g)`; nothing for what has no such terms.
    pub(crate) fn parse(response: &str, right: &str) -> Option<Formula> {
        let mut formula =
            Formula { response: response.to_owned(), intercept: true, terms: Vec::new() };
        for part in parts(right, '+') {
            let part = part.trim();
            let inner = part.strip_prefix('(').and_then(|p| p.strip_suffix(')'));
            match (part, inner) {
                ("1", _) => formula.intercept = true,
                ("0", _) => formula.intercept = false,
                (_, Some(inner)) if inner.contains('|') => formula.terms.push(group(inner)?),
                (_, Some(_) | None) => formula.terms.extend(slopes(part)?),
            }
        }
        Some(formula)
    }

    /// The equations, one a line; `is_taken` knows the names of the program.
    pub(crate) fn equations(&self, is_taken: &dyn Fn(&str) -> bool) -> Vec<String> {
        let fresh = |stem: String| {
            let free = (2..).map(|n| format!("{stem}{n}")).find(|name| !is_taken(name));
            if is_taken(&stem) { free.unwrap_or(stem) } else { stem }
        };
        let (mut lines, mut sum) = (Vec::new(), Vec::new());
        if self.intercept {
            let name = fresh("intercept".to_owned());
            lines.push(format!("{name} ~ Normal(0, 10)"));
            sum.push(name);
        }
        for term in &self.terms {
            match term {
                Term::Slope(columns) => {
                    let name = fresh(format!("b_{}", columns.join("_")));
                    lines.push(format!("{name} ~ Normal(0, 10)"));
                    sum.push(format!("{name} * {}", columns.join(" * ")));
                }
                Term::Group { intercept, slopes, group } => {
                    let mut vary = |stem: String, factor: String| {
                        let (sd, name) = (fresh(format!("sd_{stem}")), fresh(stem));
                        lines.push(format!("{sd} ~ HalfNormal(1)"));
                        lines.push(format!("{name}[{group}] ~ Normal(0, {sd})"));
                        sum.push(format!("{name}[{group}]{factor}"));
                    };
                    if *intercept {
                        vary(format!("a_{group}"), String::new());
                    }
                    for column in slopes {
                        vary(format!("b_{column}_{group}"), format!(" * {column}"));
                    }
                }
            }
        }
        let sigma = fresh("sigma".to_owned());
        lines.push(format!("{sigma} ~ HalfNormal(10)"));
        let mean = if sum.is_empty() { "0".to_owned() } else { sum.join(" + ") };
        lines.push(format!("{} ~ Normal({mean}, {sigma})", self.response));
        lines
    }
}

/// `1 + x | g`
fn group(inner: &str) -> Option<Term> {
    let (effects, group) = inner.rsplit_once('|')?;
    let effects = effects.trim_end_matches('|');
    let (mut intercept, mut slopes) = (true, Vec::new());
    for effect in parts(effects, '+') {
        match effect.trim() {
            "1" => intercept = true,
            "0" => intercept = false,
            column => slopes.push(name(column)?),
        }
    }
    Some(Term::Group { intercept, slopes, group: name(group)? })
}

/// `x`, `x:z`, and `x*z`, which is `x + z + x:z`.
fn slopes(part: &str) -> Option<Vec<Term>> {
    let columns = |separator| parts(part, separator).into_iter().map(name).collect();
    if !part.contains('*') {
        let columns: Option<Vec<String>> = columns(':');
        return Some(vec![Term::Slope(columns?)]);
    }
    let columns: Option<Vec<String>> = columns('*');
    let columns = columns?;
    let mut terms: Vec<Term> = columns.iter().map(|c| Term::Slope(vec![c.clone()])).collect();
    terms.push(Term::Slope(columns));
    Some(terms)
}

fn name(text: &str) -> Option<String> {
    let text = text.trim();
    let starts_well = text.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let is_name = starts_well && text.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_name.then(|| text.to_owned())
}

/// The parts between separators that stand outside parentheses.
fn parts(text: &str, separator: char) -> Vec<&str> {
    let (mut depth, mut from) = (0usize, 0);
    let mut found = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            c if c == separator && depth == 0 => {
                found.push(&text[from..at]);
                from = at + c.len_utf8();
            }
            _ => {}
        }
    }
    found.push(&text[from..]);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equations(response: &str, right: &str) -> String {
        let formula = Formula::parse(response, right);
        formula.map_or_else(String::new, |f| f.equations(&|name| name == "sigma").join("\n"))
    }

    #[test]
    fn every_coefficient_of_a_formula_gets_an_equation() {
        assert_eq!(
            equations("y", "1 + x + (1 + x || g)"),
            "intercept ~ Normal(0, 10)\nb_x ~ Normal(0, 10)\nsd_a_g ~ HalfNormal(1)\n\
             a_g[g] ~ Normal(0, sd_a_g)\nsd_b_x_g ~ HalfNormal(1)\n\
             b_x_g[g] ~ Normal(0, sd_b_x_g)\nsigma2 ~ HalfNormal(10)\n\
             y ~ Normal(intercept + b_x * x + a_g[g] + b_x_g[g] * x, sigma2)"
        );
    }

    #[test]
    fn an_interaction_is_a_product_and_a_zero_drops_the_intercept() {
        assert_eq!(
            equations("y", "0 + x*z"),
            "b_x ~ Normal(0, 10)\nb_z ~ Normal(0, 10)\nb_x_z ~ Normal(0, 10)\n\
             sigma2 ~ HalfNormal(10)\ny ~ Normal(b_x * x + b_z * z + b_x_z * x * z, sigma2)"
        );
    }

    #[test]
    fn what_is_not_a_sum_of_columns_is_no_formula() {
        assert_eq!(Formula::parse("y", "s(x)"), None);
        assert_eq!(Formula::parse("y", "2.5 * x"), None);
    }
}

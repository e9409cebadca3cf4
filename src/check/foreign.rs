//! Calls as other languages write them, and the edits that make them calls of this library.
//!
//! An edit that is offered never changes the meaning in silence: where a parameter is another one
//! here (a precision for an sd), the edit converts it, or there is no edit.

use crate::library::{self, Bound, Family, Parameterization, Support};
use crate::source::Span;
use crate::syntax::ast::{Argument, Expr, ExprKind, Name};
use crate::typed::Call;

/// How to write a call of another language.
#[derive(Clone, Debug, Default)]
pub(super) struct Rewriting {
    /// What to say.
    pub(super) help: String,
    /// What to change.
    pub(super) edits: Vec<(Span, String)>,
}

/// What stands before and after an argument.
type Around = (&'static str, &'static str);

const PLAIN: Around = ("", "");
const FROM_PRECISION: Around = ("1 / sqrt(", ")");

/// Distributions whose arguments mean something else than those of the family here, or must be
/// named: by name (ignoring case and `_`), the family, what goes around each argument, and why.
const CALLS: &[(&str, &str, &[Around], &str)] = &[
    (
        "dnorm",
        "Normal",
        &[PLAIN, FROM_PRECISION],
        "the second argument of `dnorm` is a precision in BUGS and JAGS; if yours is an sd, leave \
         `1 / sqrt(…)` out",
    ),
    (
        "dlnorm",
        "LogNormal",
        &[PLAIN, FROM_PRECISION],
        "the second argument of `dlnorm` is a precision in BUGS and JAGS; if yours is an sd, \
         leave `1 / sqrt(…)` out",
    ),
    (
        "dt",
        "StudentT",
        &[("location = ", ""), ("scale = 1 / sqrt(", ")"), ("df = ", "")],
        "the second argument of `dt` is a precision in BUGS and JAGS",
    ),
    ("ddexp", "Laplace", &[PLAIN, ("1 / (", ")")], "the second argument of `ddexp` is a rate"),
    ("dlogis", "Logistic", &[PLAIN, ("1 / (", ")")], "the second argument of `dlogis` is a rate"),
    ("dbin", "Binomial", &[("p = ", ""), ("n = ", "")], "`dbin` has the probability first"),
    ("bernoullilogit", "Bernoulli", &[("logit = ", "")], "the link is the name of the argument"),
    (
        "binomiallogit",
        "Binomial",
        &[("n = ", ""), ("logit = ", "")],
        "the link is the name of the argument",
    ),
    ("poissonlog", "Poisson", &[("log = ", "")], "the link is the name of the argument"),
    (
        "negbinomial2log",
        "NegBinomial",
        &[("log = ", ""), ("size = ", "")],
        "the link is the name of the argument",
    ),
    (
        "betaproportion",
        "Beta",
        &[("mean = ", ""), ("size = ", "")],
        "this parameterization has named arguments",
    ),
];

/// Distributions that are written in another way altogether.
const OTHERWISE: &[(&[&str], &str)] = &[
    (
        &["zeroinflatedpoisson", "zipoisson", "zip"],
        "write `y ~ if z then Poisson(rate) else PointMass(0)`, with `z[row] ~ Bernoulli(p)` over \
         the rows of `y`",
    ),
    (
        &["zeroinflatednegativebinomial", "zeroinflatednegbinomial", "zinb"],
        "write `y ~ if z then NegBinomial(mean = …, size = …) else PointMass(0)`, with \
         `z[row] ~ Bernoulli(p)` over the rows of `y`",
    ),
    (
        &["zeroinflatedbinomial", "zib"],
        "write `y ~ if z then Binomial(n, p) else PointMass(0)`, with `z[row] ~ Bernoulli(q)` over \
         the rows of `y`",
    ),
    (
        &["truncatednormal", "truncnormal", "boundednormal", "tnormal", "truncated"],
        "write the interval after the distribution: `Normal(mean, sd) in [low, high]`",
    ),
    (&["halfflat"], "write `Flat in [0, inf]`, or better a proper prior: `HalfNormal(1)`"),
    (&["improperuniform"], "write `Flat`, or better a proper prior: `Normal(0, 10)`"),
    (&["delta", "dirac"], "write `PointMass(x)`, or compute the name: `=` instead of `~`"),
    (
        &["mixture", "normalmixture", "mixturesamefamily"],
        "write `y ~ if z then D1 else D2`, with `z[row] ~ Bernoulli(p)` over the rows of `y`",
    ),
    (&["dnegbin"], "write `NegBinomial(mean = r * (1 - p) / p, size = r)`: `p` and `r` in BUGS"),
    (
        &["negbinomial"],
        "write `NegBinomial(mean = alpha / beta, size = alpha)`: `alpha` and `beta` in Stan",
    ),
    (&["dweib"], "write `Weibull(shape = v, scale = lambda^(-1 / v))`: `v` and `lambda` in BUGS"),
    (
        &["gaussianrandomwalk", "randomwalk", "ar", "ar1"],
        "write the recurrence: `x[t in time] ~ Normal(x[t-1], sd) start Normal(0, 1)`",
    ),
];

/// What other programs call a parameter that is one of these here, and how its value is converted.
const PARAMETERS: &[(&str, &[&str], Around)] = &[
    ("alpha", &["shape", "a", "size"], PLAIN),
    ("beta", &["rate", "b", "scale"], PLAIN),
    ("center", &["location", "mean"], PLAIN),
    ("concentration", &["shape", "size"], PLAIN),
    ("concentration0", &["b"], PLAIN),
    ("concentration1", &["a"], PLAIN),
    ("degrees_of_freedom", &["df"], PLAIN),
    ("dispersion", &["size"], PLAIN),
    ("eta", &["logit", "log"], PLAIN),
    ("inv_scale", &["rate"], PLAIN),
    ("kappa", &["concentration", "size"], PLAIN),
    ("lam", &["rate"], PLAIN),
    ("lambda", &["rate"], PLAIN),
    ("loc", &["mean", "location"], PLAIN),
    ("location", &["mean"], PLAIN),
    ("log_rate", &["log"], PLAIN),
    ("logit_p", &["logit"], PLAIN),
    ("logits", &["logit"], PLAIN),
    ("lower", &["low"], PLAIN),
    ("max", &["high"], PLAIN),
    ("meanlog", &["mu"], PLAIN),
    ("min", &["low"], PLAIN),
    ("mu", &["mean", "location"], PLAIN),
    ("N", &["n"], PLAIN),
    ("nu", &["df"], PLAIN),
    ("omega", &["scale"], PLAIN),
    ("phi", &["size"], PLAIN),
    ("prec", &["sd", "scale", "sigma"], FROM_PRECISION),
    ("precision", &["sd", "scale", "sigma"], FROM_PRECISION),
    ("prob", &["p"], PLAIN),
    ("probs", &["p"], PLAIN),
    ("scale", &["sd", "mean"], PLAIN),
    ("sdlog", &["sigma"], PLAIN),
    ("shape", &["size"], PLAIN),
    ("sigma", &["sd", "scale"], PLAIN),
    ("size", &["n"], PLAIN),
    ("std", &["sd"], PLAIN),
    ("stddev", &["sd"], PLAIN),
    ("tau", &["sd", "scale", "sigma"], FROM_PRECISION),
    ("theta", &["p", "size", "scale"], PLAIN),
    ("total_count", &["n", "size"], PLAIN),
    ("trials", &["n"], PLAIN),
    ("upper", &["high"], PLAIN),
    ("var", &["sd"], ("sqrt(", ")")),
    ("variance", &["sd"], ("sqrt(", ")")),
    ("xi", &["location"], PLAIN),
];

/// A name without its case and underscores, and without the ending of a density or sampler.
fn folded(name: &str) -> String {
    let endings = ["_lpdf", "_lpmf", "_lupdf", "_lupmf", "_rng"];
    let plain = endings.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    plain.replace('_', "").to_lowercase()
}

fn before(span: Span) -> Span {
    Span { end: span.start, ..span }
}

fn after(span: Span) -> Span {
    Span { start: span.end, ..span }
}

fn around(value: &Expr, (left, right): Around, edits: &mut Vec<(Span, String)>) {
    if !left.is_empty() {
        edits.push((before(value.span), left.to_owned()));
    }
    if !right.is_empty() {
        edits.push((after(value.span), right.to_owned()));
    }
}

/// How a call of an unknown distribution is written here; `nearest` is the family that its name
/// is likeliest to mean.
pub(super) fn distribution(
    name: &Name,
    arguments: &[Argument],
    nearest: Option<&str>,
) -> Option<Rewriting> {
    let plain = folded(name.value.rsplit('.').next().unwrap_or(&name.value));
    if let Some((_, help)) = OTHERWISE.iter().find(|(names, _)| names.contains(&plain.as_str())) {
        return Some(Rewriting { help: (*help).to_owned(), edits: Vec::new() });
    }
    if plain == "n" {
        return Some(named(name, "Normal", "", Vec::new()));
    }
    let positional = arguments.iter().all(|a| a.name.is_none());
    if let Some((_, family, forms, why)) = CALLS.iter().find(|(n, ..)| *n == plain)
        && positional
        && forms.len() == arguments.len()
    {
        let mut edits = Vec::new();
        for (argument, form) in arguments.iter().zip(*forms) {
            around(&argument.value, *form, &mut edits);
        }
        return Some(named(name, family, why, edits));
    }
    let family = library::family(nearest?)?;
    let edits = if family.named_only && positional {
        numbered(family, arguments)
    } else {
        renamed(family, arguments).unwrap_or_default()
    };
    Some(named(name, family.name, "", edits))
}

/// `did you mean Family?`, with the edits of its arguments.
fn named(name: &Name, family: &str, why: &str, edits: Vec<(Span, String)>) -> Rewriting {
    let same = family.to_lowercase() == name.value.to_lowercase();
    let mut help = if same {
        format!("families are capitalised: `{family}`")
    } else {
        format!("did you mean `{family}`?")
    };
    if !why.is_empty() {
        help.push_str(&format!(" ({why})"));
    }
    let mut all = vec![(name.span, family.to_owned())];
    all.extend(edits);
    Rewriting { help, edits: all }
}

/// The names that the first form of a family has for arguments of which none is named.
fn numbered(family: &Family, arguments: &[Argument]) -> Vec<(Span, String)> {
    let Some(first) = family.parameterizations.first() else { return Vec::new() };
    let fits = first.parameters.len() == arguments.len();
    if !fits || arguments.iter().any(|a| a.name.is_some()) {
        return Vec::new();
    }
    let named = arguments.iter().zip(first.parameters);
    named.map(|(a, p)| (before(a.value.span), format!("{} = ", p.name))).collect()
}

/// The edits that give named arguments the names they have here, if all of them then fit.
pub(super) fn renamed(family: &Family, arguments: &[Argument]) -> Option<Vec<(Span, String)>> {
    let forms = family.parameterizations.iter();
    forms.filter_map(|form| renamed_for(form, arguments)).min_by_key(Vec::len)
}

/// The edits that drop the 0 of `HalfCauchy(0, 5)`: a half family has no location.
pub(super) fn without_location(
    family: &Family,
    arguments: &[Argument],
) -> Option<Vec<(Span, String)>> {
    let form = family.parameterizations.first().filter(|_| family.name.starts_with("Half"))?;
    let (scale, zero) = (arguments.last()?, arguments.get(arguments.len().checked_sub(2)?)?);
    let is_zero = matches!(zero.value.kind, ExprKind::Number { value, .. } if value == 0.0);
    let one_too_many = arguments.len() == form.parameters.len() + 1;
    let positional = arguments.iter().all(|a| a.name.is_none());
    let cut = Span { end: scale.value.span.start, ..zero.value.span };
    (is_zero && one_too_many && positional).then(|| vec![(cut, String::new())])
}

fn renamed_for(form: &Parameterization, arguments: &[Argument]) -> Option<Vec<(Span, String)>> {
    let slot_of = |wanted: &str| form.parameters.iter().position(|p| p.name == wanted);
    let mut taken = vec![false; form.parameters.len()];
    let mut edits = Vec::new();
    for (position, argument) in arguments.iter().enumerate() {
        let slot = match &argument.name {
            None => position,
            Some(name) => match slot_of(&name.value) {
                Some(slot) => slot,
                None => {
                    let listed = PARAMETERS.iter().find(|(theirs, ..)| *theirs == name.value);
                    let (_, ours, conversion) = listed?;
                    let free = |slot: &usize| !taken[*slot];
                    let slot = ours.iter().filter_map(|o| slot_of(o)).find(free)?;
                    edits.push((name.span, form.parameters[slot].name.to_owned()));
                    around(&argument.value, *conversion, &mut edits);
                    slot
                }
            },
        };
        if std::mem::replace(taken.get_mut(slot)?, true) {
            return None;
        }
    }
    taken.iter().all(|t| *t).then_some(edits)
}

/// How a call of an unknown function is written here.
pub(super) fn function(name: &Name, arguments: &[Argument], call: Span) -> Option<Rewriting> {
    let plain = name.value.rsplit('.').next().unwrap_or(&name.value);
    let values: Vec<Span> = arguments.iter().map(|a| a.value.span).collect();
    let positional = arguments.iter().all(|a| a.name.is_none());
    if let ("ifelse" | "if_else" | "where" | "switch" | "cond", [c, a, b], true) =
        (plain, &values[..], positional)
    {
        return Some(between(
            "write `if … then … else …`",
            call,
            &[*c, *a, *b],
            &["(if ", " then ", " else ", ")"],
        ));
    }
    let (pieces, help): (&[&str], &str) = match (plain, values.len()) {
        ("step", 1) => (&["(if ", " >= 0 then 1 else 0)"], "write the comparison"),
        ("equals", 2) => (&["(if ", " == ", " then 1 else 0)"], "write the comparison"),
        ("inprod" | "dot_product" | "dot" | "inner", 2) => {
            (&["sum((", ") * (", "))"], "write the sum of the products; `@` is the matrix product")
        }
        ("c" | "array" | "list" | "vector", 1..) if positional => {
            return Some(Rewriting {
                help: "write a list in brackets, alone on the right of an equation that names its \
                       axis: `m[1..2] = [0, 5]`"
                    .to_owned(),
                edits: Vec::new(),
            });
        }
        ("rep" | "rep_vector" | "rep_array" | "rep_row_vector" | "full", 2..) => {
            return Some(Rewriting {
                help: "write the number alone: it is the same for every element".to_owned(),
                edits: Vec::new(),
            });
        }
        ("var" | "variance", 1) => (&["sd(", ")^2"], "write the square of the sd"),
        ("prod", 1) => (&["exp(sum(log(", ")))"], "for what is positive write `exp(sum(log(x)))`"),
        ("squared_distance", 2) => (&["sum((", " - ", ")^2)"], "write the sum of the squares"),
        ("multiply_log", 2) => (&["(", ") * log(", ")"], "write the product"),
        ("logit_inv" | "plogis", 1) => (&["inv_logit(", ")"], "write `inv_logit`"),
        ("qlogis", 1) => (&["logit(", ")"], "write `logit`"),
        (
            "numeric" | "integer" | "to_vector" | "to_row_vector" | "to_array_1d" | "float" | "int"
            | "as_tensor" | "as_tensor_variable" | "Data" | "MutableData" | "I",
            1,
        ) => (&["(", ")"], "nothing needs converting: write the argument alone"),
        _ => return otherwise(plain),
    };
    Some(between(help, call, &values, pieces))
}

/// Functions that are written in another way altogether.
fn otherwise(name: &str) -> Option<Rewriting> {
    let help = match name {
        "factor" | "as_factor" | "C" | "categorical" => {
            "declare the column as an index, `g: index`, and give each level its own value: `a[g]`"
        }
        "length" | "len" | "nrow" | "ncol" | "num_elements" | "rows" | "cols" | "dim" => {
            "write `size(axis)` with the name of the axis, as in `size(row)`"
        }
        "median" | "quantile" | "percentile" => {
            "compute it beforehand and give it as data: `data m`; after a fit the summary has the \
             quantiles of every `report`"
        }
        "log_mix" | "log_sum_exp" | "logsumexp" => {
            "a mixture is a choice: `y ~ if z then D1 else D2`, with `z[row] ~ Bernoulli(p)` over \
             the rows of `y`; two numbers have `log_add_exp(a, b)`"
        }
        "cbind" | "matrix" | "hstack" | "column_stack" | "append_col" => {
            "write `X[row, term] = columns(one = 1, x)`, and `X @ b` with `b[term] ~ Normal(0, 1)`"
        }
        "print" | "cat" | "reject" => "write `report` and the name: `report a`",
        "set_seed" | "seed" => "give the seed on the command line: `--seed 1`",
        "poly" | "ns" | "bs" | "s" | "smooth" | "spline" => {
            "write the terms, as in `b1 * x + b2 * x^2`, or give the basis as columns of the data"
        }
        "lag" | "shift" => "write the index: `y[t in time] ~ Normal(a * y[t-1], s)`",
        "random" | "rnorm" | "randn" | "runif" | "rand" => {
            "a random name is given with `~`: `e ~ Normal(0, 1)`"
        }
        "prob" | "Pr" | "P" | "probability" => {
            "save the draws with `--output DIR` and count them: `draws.csv` has a row for each"
        }
        _ => return None,
    };
    Some(Rewriting { help: help.to_owned(), edits: Vec::new() })
}

/// Replaces what stands before, between and after the arguments of a call.
fn between(help: &str, call: Span, values: &[Span], pieces: &[&str]) -> Rewriting {
    let mut edits = Vec::new();
    let mut from = call.start;
    let ends = values.iter().map(|v| (v.start, v.end)).chain([(call.end, call.end)]);
    for ((start, end), piece) in ends.zip(pieces) {
        edits.push((Span { start: from, end: start, ..call }, (*piece).to_owned()));
        from = end;
    }
    Rewriting { help: help.to_owned(), edits }
}

/// The literal that bounds a literal from below, where it is not below it: its name, place and
/// value.
pub(super) fn beyond(
    call: &Call,
    support: Support,
    value: f64,
) -> Option<(&'static str, Span, f64)> {
    let (Bound::Parameter(i), _) = support.bounds() else { return None };
    let low = call.arguments.get(i)?;
    let bound = low.constant().filter(|bound| *bound >= value)?;
    Some((call.parameterization.parameters.get(i)?.name, low.span, bound))
}

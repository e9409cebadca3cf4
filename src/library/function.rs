//! Functions of the language, each declared once with its rule for axes.
//!
//! An elementwise function is an expression over any scalar, so its derivatives need no
//! declaration. What a reduction or a whole-axis function computes is elaborated by the checker.

use std::f64::consts::{FRAC_PI_2, LN_2, LN_10};

use super::support::Bound::Value;
use super::support::Support;
use crate::math::composite;
use crate::math::scalar::{Scalar, Unary};

/// A function that a program may call.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// The name as written in a program.
    pub name: &'static str,
    /// What it computes.
    pub doc: &'static str,
    /// The names of its arguments in order.
    pub parameters: &'static [&'static str],
    /// What it does with axes.
    pub rule: FunctionRule,
}

/// How a function treats the axes of its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FunctionRule {
    /// Cell by cell; the axes stay.
    Elementwise(Elementwise),
    /// One argument; its free axes go.
    Reduction(Reduction),
    /// Reduces one argument, or takes two cell by cell: `max(x)` and `max(x, 0)`.
    ReductionOrElementwise(Reduction, Elementwise),
    /// Works on a whole axis at once.
    WholeAxis(WholeAxis),
}

/// A function that takes the free axes of its argument away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reduction {
    /// The sum; 0 of nothing.
    Sum,
    /// The arithmetic mean.
    Mean,
    /// The standard deviation with divisor n - 1.
    Sd,
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// How many.
    Count,
    /// ln Σ e^x, without overflow.
    LogSumExp,
}

/// A function that works on a whole axis at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WholeAxis {
    /// x - mean(x)
    Center,
    /// (x - mean(x)) / sd(x)
    Standardize,
    /// e^x / Σ e^x
    Softmax,
    /// Running sums.
    CumSum,
    /// The lower triangular Cholesky factor.
    Cholesky,
    /// Swaps two axes.
    Transpose,
    /// The number of elements of an axis.
    Size,
}

macro_rules! elementwise {
    ($(
        $(#[doc = $doc:literal])+
        $variant:ident = $name:ident($($argument:ident),+) in $range:expr, $body:expr;
    )+) => {
        /// A function applied cell by cell.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Elementwise {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Elementwise {
            /// Every elementwise function, in the order of declaration.
            pub const ALL: &'static [Elementwise] = &[$(Elementwise::$variant),+];

            /// The name as written in a program.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Elementwise::$variant => stringify!($name),)+
                }
            }

            /// What it computes.
            pub const fn doc(self) -> &'static str {
                match self {
                    $(Elementwise::$variant => concat!($($doc),+).trim_ascii(),)+
                }
            }

            /// The names of the arguments in order.
            pub const fn parameters(self) -> &'static [&'static str] {
                match self {
                    $(Elementwise::$variant => &[$(stringify!($argument)),+],)+
                }
            }

            /// The number of arguments.
            pub fn arity(self) -> usize {
                self.parameters().len()
            }

            /// What is known of the result wherever it is a number.
            pub fn range(self) -> Support {
                match self {
                    $(Elementwise::$variant => $range,)+
                }
            }

            /// The value; a missing argument is NaN.
            #[inline]
            pub fn apply<S: Scalar>(self, arguments: &[S]) -> S {
                let mut rest = arguments.iter().copied();
                match self {
                    $(Elementwise::$variant => {
                        $(let $argument = rest.next().unwrap_or(S::constant(f64::NAN));)+
                        $body
                    })+
                }
            }

            const fn entry(self) -> Function {
                Function {
                    name: self.name(),
                    doc: self.doc(),
                    parameters: self.parameters(),
                    rule: FunctionRule::Elementwise(self),
                }
            }
        }

        /// Every elementwise function as an entry of the library.
        const ELEMENTWISE: &[Function] = &[$(Elementwise::$variant.entry()),+];
    };
}

elementwise! {
    /// e^x
    Exp = exp(x) in Support::Positive, x.exp();
    /// The natural logarithm.
    Log = log(x) in Support::Real, x.ln();
    /// The logarithm to base 10.
    Log10 = log10(x) in Support::Real, x.ln() / LN_10;
    /// The logarithm to base 2.
    Log2 = log2(x) in Support::Real, x.ln() / LN_2;
    /// ln(1 + x), accurate near 0.
    Log1p = log1p(x) in Support::Real, x.log1p();
    /// ln(1 - x), accurate near 0.
    Log1m = log1m(x) in Support::Real, (-x).log1p();
    /// e^x - 1, accurate near 0.
    Expm1 = expm1(x) in Support::Interval(Value(-1.0), Value(f64::INFINITY)), x.expm1();
    /// ln(1 + e^x), also called softplus.
    Log1pExp = log1p_exp(x) in Support::Positive, x.softplus();
    /// ln(1 - e^x) for x < 0.
    Log1mExp = log1m_exp(x) in Support::Real, x.log1m_exp();
    /// ln(e^a + e^b)
    LogAddExp = log_add_exp(a, b) in Support::Real, composite::log_sum_exp(a, b);
    /// The square root.
    Sqrt = sqrt(x) in Support::NonNegative, x.sqrt();
    /// x²
    Square = square(x) in Support::NonNegative, x.square();
    /// The absolute value.
    Abs = abs(x) in Support::NonNegative, x.abs();
    /// The sine of an angle in radians.
    Sin = sin(x) in Support::Interval(Value(-1.0), Value(1.0)), x.apply(Unary::Sin);
    /// The cosine of an angle in radians.
    Cos = cos(x) in Support::Interval(Value(-1.0), Value(1.0)), x.apply(Unary::Cos);
    /// The tangent of an angle in radians.
    Tan = tan(x) in Support::Real, x.apply(Unary::Sin) / x.apply(Unary::Cos);
    /// The arcsine in radians.
    Asin = asin(x) in Support::Interval(Value(-FRAC_PI_2), Value(FRAC_PI_2)), x.apply(Unary::Asin);
    /// The arccosine in radians.
    Acos = acos(x) in Support::Interval(Value(0.0), Value(2.0 * FRAC_PI_2)),
        x.apply(Unary::Asin).subtracted_from(FRAC_PI_2);
    /// The arctangent in radians.
    Atan = atan(x) in Support::Interval(Value(-FRAC_PI_2), Value(FRAC_PI_2)), x.apply(Unary::Atan);
    /// The hyperbolic tangent.
    Tanh = tanh(x) in Support::Interval(Value(-1.0), Value(1.0)), x.tanh();
    /// ln(p / (1 - p)), the log odds of a probability.
    Logit = logit(p) in Support::Real, composite::logit(p);
    /// 1 / (1 + e^-x), the probability of a log odds.
    InvLogit = inv_logit(x) in Support::Unit, x.sigmoid();
    /// ln inv_logit(x)
    LogInvLogit = log_inv_logit(x) in Support::Interval(Value(f64::NEG_INFINITY), Value(0.0)),
        -(-x).softplus();
    /// ln |Γ(x)|
    Lgamma = lgamma(x) in Support::Real, x.ln_gamma();
    /// Γ(x); (n - 1)! for a whole number n.
    Gamma = gamma(x) in Support::Real, composite::gamma(x);
    /// The derivative of lgamma.
    Digamma = digamma(x) in Support::Real, x.apply(Unary::Digamma);
    /// ln B(a, b)
    Lbeta = lbeta(a, b) in Support::Real, composite::ln_beta(a, b);
    /// ln (n choose k)
    Lchoose = lchoose(n, k) in Support::Real, composite::ln_choose(n, k);
    /// The error function.
    Erf = erf(x) in Support::Interval(Value(-1.0), Value(1.0)), x.apply(Unary::Erf);
    /// Φ(x), the cdf of the standard normal distribution, also called inverse probit.
    NormalCdf = normal_cdf(x) in Support::Unit, x.normal_cdf();
    /// ln Φ(x), accurate in the lower tail.
    LogNormalCdf = log_normal_cdf(x) in Support::Interval(Value(f64::NEG_INFINITY), Value(0.0)),
        x.ln_normal_cdf();
    /// ln(e^a - e^b) for a ≥ b, without overflow.
    LogDiffExp = log_diff_exp(a, b) in Support::Real, composite::log_diff_exp(a, b);
    /// The largest whole number not above x.
    Floor = floor(x) in Support::Real, x.floor();
    /// The smallest whole number not below x.
    Ceil = ceil(x) in Support::Real, -(-x).floor();
    /// The nearest whole number, halves away from zero.
    Round = round(x) in Support::Real, composite::round(x);
    /// 1 where a cell of a name declared with `?` is missing, else 0.
    IsMissing = is_missing(x) in Support::Boolean,
        S::select(x.same(x), S::constant(0.0), S::constant(1.0));
    /// The larger of two.
    Max2 = max(a, b) in Support::Real, a.max(b);
    /// The smaller of two.
    Min2 = min(a, b) in Support::Real, a.min(b);
}

const fn reduction(name: &'static str, doc: &'static str, rule: Reduction) -> Function {
    Function { name, doc, parameters: &["x"], rule: FunctionRule::Reduction(rule) }
}

const fn whole_axis(
    name: &'static str,
    doc: &'static str,
    parameters: &'static [&'static str],
    rule: WholeAxis,
) -> Function {
    Function { name, doc, parameters, rule: FunctionRule::WholeAxis(rule) }
}

/// Functions that look at more than one cell.
const COLLECTIVE: &[Function] = &[
    reduction("sum", "The sum over the free axes.", Reduction::Sum),
    reduction("mean", "The arithmetic mean over the free axes.", Reduction::Mean),
    reduction("sd", "The standard deviation, with divisor n - 1.", Reduction::Sd),
    Function {
        name: "max",
        doc: "The largest over the free axes; of two arguments, the larger in each cell.",
        parameters: &["a", "b"],
        rule: FunctionRule::ReductionOrElementwise(Reduction::Max, Elementwise::Max2),
    },
    Function {
        name: "min",
        doc: "The smallest over the free axes; of two arguments, the smaller in each cell.",
        parameters: &["a", "b"],
        rule: FunctionRule::ReductionOrElementwise(Reduction::Min, Elementwise::Min2),
    },
    reduction("count", "How many cells there are.", Reduction::Count),
    reduction(
        "log_sum_exp",
        "ln Σ e^x over the free axes, without overflow.",
        Reduction::LogSumExp,
    ),
    whole_axis("center", "x minus its mean.", &["x"], WholeAxis::Center),
    whole_axis(
        "standardize",
        "x minus its mean, divided by its standard deviation.",
        &["x"],
        WholeAxis::Standardize,
    ),
    whole_axis("softmax", "e^x divided by its sum.", &["x", "over"], WholeAxis::Softmax),
    whole_axis("cumsum", "The running sums along an axis.", &["x", "over"], WholeAxis::CumSum),
    whole_axis(
        "cholesky",
        "The lower triangular L with L L^T = x, for a positive definite x.",
        &["x"],
        WholeAxis::Cholesky,
    ),
    whole_axis("transpose", "x with its two axes swapped.", &["x"], WholeAxis::Transpose),
    whole_axis("size", "The number of elements of an axis.", &["axis"], WholeAxis::Size),
];

/// The two-argument forms that share an entry with a reduction.
const SHARED: usize = 2;

/// Every function: the elementwise ones, then those that look at more than one cell. The
/// two-argument `max` and `min` are part of [`FunctionRule::ReductionOrElementwise`].
pub static ALL: &[Function] = &{
    let mut all = [COLLECTIVE[0]; ELEMENTWISE.len() - SHARED + COLLECTIVE.len()];
    let (mut from, mut to) = (0, 0);
    while from < ELEMENTWISE.len() + COLLECTIVE.len() {
        let entry = if from < ELEMENTWISE.len() {
            ELEMENTWISE[from]
        } else {
            COLLECTIVE[from - ELEMENTWISE.len()]
        };
        if from != Elementwise::Max2 as usize && from != Elementwise::Min2 as usize {
            all[to] = entry;
            to += 1;
        }
        from += 1;
    }
    all
};

//! The stable names of all kinds of problem, each with its page in `docs/errors`.

macro_rules! slugs {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// The stable name of a kind of problem.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Slug {
            $($(#[$doc])* $variant,)*
        }

        impl Slug {
            /// Every slug, in the order of the pages.
            pub const ALL: &[Slug] = &[$(Slug::$variant),*];

            /// The name as printed: `unknown-name`.
            pub fn name(self) -> &'static str {
                match self { $(Slug::$variant => $name,)* }
            }

            /// The page `vippl explain SLUG` prints, in Markdown.
            pub fn page(self) -> &'static str {
                match self {
                    $(Slug::$variant => include_str!(
                        concat!("../../docs/errors/", $name, ".md")),)*
                }
            }

            /// The slug of this name.
            pub fn from_name(name: &str) -> Option<Slug> {
                Slug::ALL.iter().copied().find(|s| s.name() == name)
            }
        }
    };
}

slugs! {
    // --- syntax ---
    /// A character that no token starts with.
    UnexpectedCharacter = "unexpected-character";
    /// A token where the grammar wants another.
    UnexpectedToken = "unexpected-token";
    /// A string without its closing quote.
    UnterminatedString = "unterminated-string";
    /// A number that cannot be read.
    BadNumber = "bad-number";
    /// Brackets that do not match.
    UnbalancedBracket = "unbalanced-bracket";
    /// Nesting beyond the limit.
    TooDeep = "too-deep";
    /// Spelling of another language (`<-`, `;`, `for`, `**`, …).
    ForeignSyntax = "foreign-syntax";
    /// `in` or `start` after an unparenthesised `else`.
    AmbiguousElse = "ambiguous-else";
    /// Comparisons in a chain.
    ChainedComparison = "chained-comparison";
    /// The left side of `~` or `=` is not a name.
    BadLeftSide = "bad-left-side";
    // --- names ---
    /// A name that nothing defines.
    UnknownName = "unknown-name";
    /// A function or family that does not exist.
    UnknownFunction = "unknown-function";
    /// A name with two definitions.
    DefinedTwice = "defined-twice";
    /// A name with two `~`.
    TwoPriors = "two-priors";
    /// A latent that no observation depends on.
    UnusedLatent = "unused-latent";
    /// Data that nothing uses.
    UnusedData = "unused-data";
    /// A definition in terms of itself.
    Cycle = "cycle";
    /// A program without an observation.
    NothingObserved = "nothing-observed";
    /// An observation by a distribution that depends on what is observed.
    SelfObservation = "self-observation";
    /// A use of a predicted name outside `predict` and `report`.
    PredictedName = "predicted-name";
    /// An axis that nothing defines.
    UnknownAxis = "unknown-axis";
    // --- functions, modules, parts ---
    /// An argument that must be a whole array, and is not one whose axes are known.
    ArrayArgument = "array-argument";
    /// A name in a function's body that is an index where the function is called.
    CapturedIndex = "captured-index";
    /// A module that cannot be read, or imports itself.
    BadImport = "bad-import";
    /// A statement that cannot stand in a module.
    BadModule = "bad-module";
    /// A part written or used in a way that makes no sense.
    BadPart = "bad-part";
    /// A name that is known only inside a part.
    PrivateName = "private-name";
    // --- axes ---
    /// The right side varies over axes that the left side lacks.
    MissingAxis = "missing-axis";
    /// An index into the wrong axis.
    WrongAxis = "wrong-axis";
    /// Operands over axes of which neither contains the other.
    AxisMismatch = "axis-mismatch";
    /// A reduction of a single number.
    NothingToReduce = "nothing-to-reduce";
    /// A bare name over an axis that two indices run over.
    AmbiguousIndex = "ambiguous-index";
    /// Too many or too few subscripts.
    SubscriptCount = "subscript-count";
    /// A shift on an axis without order.
    NoOrder = "no-order";
    /// An index below the first element without `start`.
    MissingStart = "missing-start";
    /// An index beyond the elements of an axis.
    IndexOutOfRange = "index-out-of-range";
    /// A joint family that does not say over which axis.
    JointAxis = "joint-axis";
    /// A label that the axis does not have.
    UnknownLabel = "unknown-label";
    // --- kinds, supports, families ---
    /// A value of the wrong kind.
    WrongKind = "wrong-kind";
    /// The wrong arguments for a function or family.
    WrongArguments = "wrong-arguments";
    /// A positional argument of a family with rival conventions.
    NamedArgumentsOnly = "named-arguments-only";
    /// A parameter that may leave its support.
    SupportMismatch = "support-mismatch";
    /// Observed values outside the support of their family.
    DataOutsideSupport = "data-outside-support";
    /// A `~` whose right side is not a distribution, or a distribution used as a number.
    NotADistribution = "not-a-distribution";
    /// A family that has no cdf where truncation needs one.
    NoCdf = "no-cdf";
    /// A condition on a continuous latent.
    LatentCondition = "latent-condition";
    /// A whole-number latent whose values the data do not bound.
    UnboundedLatent = "unbounded-latent";
    /// Finite latents that meet in a table too large to be summed.
    CostlyElimination = "costly-elimination";
    /// An improper prior.
    ImproperPrior = "improper-prior";
    /// A part of the language that this version does not run yet.
    NotYet = "not-yet";
    /// A hint that does not exist or does not apply.
    BadHint = "bad-hint";
    /// A whole-column statistic inside an equation over groups.
    WholeColumnStatistic = "whole-column-statistic";
    // --- data ---
    /// A declared column that the file does not have.
    MissingColumn = "missing-column";
    /// A declared name that no file or argument gives.
    MissingData = "missing-data";
    /// A cell that cannot be read as its kind.
    BadCell = "bad-cell";
    /// Missing cells in a column not marked `?`.
    MissingCells = "missing-cells";
    /// Arrays or columns of different lengths on one axis.
    LengthMismatch = "length-mismatch";
    /// A file that cannot be read or has the wrong form.
    BadFile = "bad-file";
    /// Columns or names of the file that the program does not use.
    IgnoredData = "ignored-data";
    /// A file or argument that no entry of the program wants.
    UnclaimedData = "unclaimed-data";
    // --- fits ---
    /// A log density that is not finite wherever a fit could start.
    NotFinite = "not-finite";
    /// A program without a latent.
    NothingToFit = "nothing-to-fit";
}

//! The checked program: every name resolved, every expression a scalar in a context of bound
//! indices, every index written out.
//!
//! A program in this form has no free axes: `X @ beta` is `sum(k in feature: X[i, k] * beta[k])`,
//! `center(x)` is `x[i] - mean(j in row: x[j])`. Sizes and labels are still unknown; they come
//! with the data ([`crate::bound`]).
//!
//! Values of kind [`Kind::Index`] are positions 0, 1, … along their axis. Conversions between
//! positions and the integers of an integer axis are explicit ([`ExprKind::ElementNumber`],
//! [`ExprKind::ElementOf`]).

mod bounds;
mod distribution;
mod print;
mod visit;

pub use distribution::{
    Call, Choice, Distribution, Drawn, Elements, Joint, JointArgument, LogPart, PointMass,
    Structure, Structured, Taken, Truncation, Written,
};

use crate::library::joint::Kernel;
use crate::library::{Elementwise, Reduction};
use crate::source::Span;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $($(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl $name {
            /// The position in the program's list.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        })*
    };
}

ids! {
    /// An axis of [`Program::axes`].
    AxisId;
    /// A table of [`Program::tables`].
    TableId;
    /// A variable of [`Program::variables`].
    VariableId;
    /// A bound index of [`Program::indices`].
    IndexId;
    /// A definition of [`Program::definitions`].
    DefinitionId;
    /// A `~` statement of [`Program::randoms`].
    RandomId;
    /// A reduction, numbered through the program; keys frozen statistics.
    ReduceId;
}

/// A checked program.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// All axes, named and anonymous.
    pub axes: Vec<Axis>,
    /// All tables.
    pub tables: Vec<Table>,
    /// All variables in source order of their definition.
    pub variables: Vec<Variable>,
    /// All indices bound anywhere.
    pub indices: Vec<Index>,
    /// All `=` definitions; [`Program::definition_order`] sorts them.
    pub definitions: Vec<Definition>,
    /// Every definition after all the definitions it uses, except those of the same recurrence.
    pub definition_order: Vec<DefinitionId>,
    /// Definitions in terms of each other's (or their own) other elements.
    pub recurrences: Vec<Vec<VariableId>>,
    /// Definitions and latents in terms of each other's (or their own) other elements.
    pub series: Vec<Vec<VariableId>>,
    /// All `~` statements in source order.
    pub randoms: Vec<Random>,
    /// All `factor` statements in source order.
    pub factors: Vec<Factor>,
    /// Variables to print beside the latents, in source order.
    pub reports: Vec<VariableId>,
    /// Observed statements to draw again after the fit (`predict y`), in source order.
    pub predictive: Vec<RandomId>,
    /// The `?` names that have a `~`.
    pub incomplete: Vec<Incomplete>,
    /// How many reductions there are.
    pub reduce_count: u32,
}

/// A `?` name that has a `~`. Its three variables have one name and the same axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incomplete {
    /// What the program means by the name: the given cells and, in place of those that are
    /// missing, the latents or predictions.
    pub whole: VariableId,
    /// The data. Missing cells are NaN.
    pub given: VariableId,
    /// Latents, summed out or not, or predictions: one for each missing cell.
    pub missing: VariableId,
}

/// A named (or anonymous) finite set of elements.
#[derive(Clone, Debug)]
pub struct Axis {
    /// Its name; for an anonymous range the range as written, `1..2`.
    pub name: String,
    /// Where it was introduced.
    pub span: Span,
    /// Where its elements come from.
    pub origin: AxisOrigin,
}

/// Where the elements of an axis come from.
#[derive(Clone, Debug)]
pub enum AxisOrigin {
    /// The rows of a table.
    Rows(TableId),
    /// An axis written on an array entry and declared nowhere else: 1..n of the array's size.
    Array,
    /// The sorted distinct values of all columns (and arrays) of this kind.
    Levels,
    /// `low..high`, both data-only integers without free indices.
    Range(Expr, Expr),
    /// The labels in the program, in order.
    Labels(Vec<String>),
    /// The same elements as another axis.
    Same(AxisId),
}

impl Program {
    /// The axis behind any chain of `axis a = b`.
    pub fn resolve_axis(&self, mut axis: AxisId) -> AxisId {
        while let AxisOrigin::Same(other) = self.axes[axis.index()].origin {
            axis = other;
        }
        axis
    }

    /// Whether the elements of an axis are integers (rows, arrays, ranges).
    pub fn is_integer_axis(&self, axis: AxisId) -> bool {
        match &self.axes[self.resolve_axis(axis).index()].origin {
            AxisOrigin::Rows(_) | AxisOrigin::Array | AxisOrigin::Range(..) => true,
            AxisOrigin::Levels | AxisOrigin::Labels(_) | AxisOrigin::Same(_) => false,
        }
    }

    /// Whether elements of an axis have neighbours: integers, or labels listed by the program.
    pub fn is_ordered_axis(&self, axis: AxisId) -> bool {
        self.is_integer_axis(axis)
            || matches!(self.axes[self.resolve_axis(axis).index()].origin, AxisOrigin::Labels(_))
    }

    /// A variable.
    pub fn variable(&self, id: VariableId) -> &Variable {
        &self.variables[id.index()]
    }

    /// A bound index.
    pub fn index_of(&self, id: IndexId) -> &Index {
        &self.indices[id.index()]
    }

    /// A definition.
    pub fn definition(&self, id: DefinitionId) -> &Definition {
        &self.definitions[id.index()]
    }

    /// A `~` statement.
    pub fn random(&self, id: RandomId) -> &Random {
        &self.randoms[id.index()]
    }

    /// An axis.
    pub fn axis(&self, id: AxisId) -> &Axis {
        &self.axes[id.index()]
    }

    /// The variable of this name; of a name with missing cells, these.
    pub fn find(&self, name: &str) -> Option<VariableId> {
        self.variables.iter().rposition(|v| v.name == name).map(|i| VariableId(i as u32))
    }

    /// The name with missing cells whose missing cells a variable is.
    pub fn missing_cells_of(&self, variable: VariableId) -> Option<&Incomplete> {
        self.incomplete.iter().find(|i| i.missing == variable)
    }

    /// Whether a variable is a name with missing cells as a whole.
    pub fn is_whole(&self, variable: VariableId) -> bool {
        self.incomplete.iter().any(|i| i.whole == variable)
    }

    /// The continuous latents in source order: the layout of the canonical unconstrained space.
    pub fn latents(&self) -> impl Iterator<Item = VariableId> + '_ {
        self.randoms.iter().filter(|r| r.role == RandomRole::Latent).map(|r| r.variable)
    }
}

/// A table of the data: columns over one row axis.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name, also that of its row axis.
    pub name: String,
    /// Where it was declared.
    pub span: Span,
    /// The axis of its rows.
    pub axis: AxisId,
    /// Its columns.
    pub columns: Vec<VariableId>,
    /// The default file, relative to the program.
    pub from: Option<String>,
}

/// Anything with a name and a value.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Where the name was defined.
    pub span: Span,
    /// The place of its statement among those of the expanded program.
    pub order: usize,
    /// Its axes, in the order of its definition.
    pub axes: Vec<AxisId>,
    /// What kind of number each element is.
    pub kind: Kind,
    /// What it depends on.
    pub plane: Plane,
    /// How it gets its value.
    pub role: Role,
    /// Whether it depends on latents with finitely many values, itself included.
    pub finite: bool,
    /// The `~` statement that observes it, for data and names computed from data.
    pub observed: Option<RandomId>,
    /// What is known of its values before any data are read; only for latents and literals.
    pub range: Option<(f64, f64)>,
    /// The comment block above its definition.
    pub documentation: Option<String>,
}

/// How a variable gets its value.
#[derive(Clone, Debug, PartialEq)]
pub enum Role {
    /// From a file.
    Data(DataEntry),
    /// By `=`.
    Derived(DefinitionId),
    /// By `~`, to be inferred.
    Latent(RandomId),
    /// By `predict … ~`, drawn after the fit.
    Predicted(RandomId),
}

/// What is declared of a data variable.
#[derive(Clone, Debug, PartialEq)]
pub struct DataEntry {
    /// The table it is a column of.
    pub table: Option<TableId>,
    /// The header text of its column, when it differs from its name.
    pub header: Option<String>,
    /// Whether cells may be missing.
    pub missing: bool,
    /// The default file of an array or scalar, relative to the program.
    pub from: Option<String>,
}

/// The kind of a scalar. `Bool` promotes to `Int`, `Int` to `Real`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A real number.
    Real,
    /// A whole number.
    Int,
    /// 0 or 1.
    Bool,
    /// An element of an axis, held as its position.
    Index(AxisId),
}

/// What a value depends on; each plane includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Plane {
    /// Data only: known before fitting.
    Data,
    /// Data and latents with finitely many values, which are summed out.
    Finite,
    /// Continuous latents.
    Latent,
    /// Predictions: known only after fitting.
    Predicted,
}

/// An index and the axis it runs over.
#[derive(Clone, Debug)]
pub struct Index {
    /// The name by which `explain` prints it (unique within its equation).
    pub name: String,
    /// The axis it runs over.
    pub axis: AxisId,
}

/// `variable[indices] = value`
#[derive(Clone, Debug)]
pub struct Definition {
    /// The variable defined.
    pub variable: VariableId,
    /// One index per axis of the variable.
    pub indices: Vec<IndexId>,
    /// Its value, a scalar given the indices.
    pub value: DefinitionValue,
    /// The whole statement.
    pub span: Span,
}

/// The right side of a definition.
#[derive(Clone, Debug)]
pub enum DefinitionValue {
    /// One expression for every element.
    Each(Expr),
    /// One expression per element of the last axis (`columns(…)` and list literals).
    /// The last index of the definition does not occur in them.
    PerElement(Vec<Expr>),
    /// The solution of differential equations, over times and states, the last two indices.
    Solved(Box<Solution>),
    /// The lower triangular Cholesky factor of the matrix whose element at the last two indices
    /// this is.
    Factored(Expr),
}

/// Differential equations and where they are solved.
#[derive(Clone, Debug)]
pub struct Solution {
    /// The rate of change of each state, in the order of the last axis.
    pub rates: Vec<Expr>,
    /// The value of each state at the first time.
    pub initial: Vec<Expr>,
    /// The time of the initial values; data-only.
    pub start: Expr,
    /// The time of each element of the axis of times; data-only.
    pub times: Expr,
    /// Columns over the axis of times, which say what system each time belongs to; data-only.
    pub by: Vec<Expr>,
    /// Whether `stiff` was written.
    pub stiff: bool,
    /// How exactly it is to be solved.
    pub accuracy: Accuracy,
}

/// How exactly differential equations are solved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accuracy {
    /// The error of a step relative to a state or sensitivity.
    pub relative: f64,
    /// The error of a step that is allowed for numbers near 0.
    pub absolute: f64,
    /// The most steps between two times.
    pub steps: usize,
}

impl Default for Accuracy {
    /// Log densities and gradients then agree with closed forms to ten digits
    /// (`tests/semantics/ode.rs`).
    fn default() -> Self {
        Accuracy { relative: 1e-10, absolute: 1e-10, steps: 100_000 }
    }
}

impl DefinitionValue {
    /// The expressions it is made of.
    pub fn expressions(&self) -> Vec<&Expr> {
        match self {
            DefinitionValue::Each(value) | DefinitionValue::Factored(value) => vec![value],
            DefinitionValue::PerElement(values) => values.iter().collect(),
            DefinitionValue::Solved(solution) => {
                let Solution { rates, initial, start, times, by, stiff: _, accuracy: _ } =
                    &**solution;
                rates.iter().chain(initial).chain([start, times]).chain(by).collect()
            }
        }
    }
}

/// `variable[indices] ~ distribution`
#[derive(Clone, Debug)]
pub struct Random {
    /// The variable on the left.
    pub variable: VariableId,
    /// Whether it is observed, inferred or predicted.
    pub role: RandomRole,
    /// One index per axis of the variable.
    pub indices: Vec<IndexId>,
    /// The distribution of one element, or of all elements over the indices it is joint over.
    pub distribution: Distribution,
    /// Elements to leave out; data-only.
    pub guard: Option<Expr>,
    /// `with centered` or `with noncentered`.
    pub centering: Option<Centering>,
    /// The whole statement.
    pub span: Span,
}

/// What a `~` statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RandomRole {
    /// Conditions on data.
    Observed,
    /// Declares a continuous latent.
    Latent,
    /// Declares a latent with finitely many values, which is summed out.
    Finite,
    /// Is drawn after the fit.
    Predicted,
}

/// A hint on how the guide should see a latent; never changes the density.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Centering {
    /// As written.
    Centered,
    /// By its standardised value.
    Noncentered,
}

/// `factor value`, summed over `indices`.
#[derive(Clone, Debug)]
pub struct Factor {
    /// The indices of a `factor sum(k in …: e)`, one factor per element.
    pub indices: Vec<IndexId>,
    /// Elements to leave out; data-only.
    pub guard: Option<Expr>,
    /// What is added to the log density.
    pub value: Expr,
    /// The whole statement.
    pub span: Span,
}

/// A scalar expression in a context of bound indices.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it computes.
    pub kind: ExprKind,
    /// The kind of its value.
    pub ty: Kind,
    /// What it depends on.
    pub plane: Plane,
    /// Where it was written.
    pub span: Span,
}

impl Expr {
    /// A real number.
    pub fn number(x: f64, span: Span) -> Expr {
        Expr { kind: ExprKind::Number(x), ty: Kind::Real, plane: Plane::Data, span }
    }
}

/// The kinds of expression.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A number.
    Number(f64),
    /// The position of a label; `ty` names the axis.
    Label(String),
    /// The position of a bound index.
    Index(IndexId),
    /// An element of a variable, one position per axis.
    Variable(VariableId, Vec<Expr>),
    /// The integer of an element of an integer axis: position + first element.
    ElementNumber(Box<Expr>),
    /// The element of `ty`'s axis with this integer; outside the axis is an error when bound.
    ElementOf(Box<Expr>),
    /// The element of `ty`'s axis at this position, counted from 0; outside is an error.
    ElementAt(Box<Expr>),
    /// Whether an integer lies before the first element of an axis.
    Below(Box<Expr>, AxisId),
    /// The number of elements of an axis.
    Size(AxisId),
    /// `-e`
    Negate(Box<Expr>),
    /// `not e`
    Not(Box<Expr>),
    /// `a op b`
    Binary(Operator, Box<Expr>, Box<Expr>),
    /// A function applied to scalars.
    Call(Elementwise, Vec<Expr>),
    /// The log density of a distribution of one value at a value, or the logarithm of the
    /// probability below or above it.
    LogDensity(LogPart, Box<Call>, Box<Expr>),
    /// The present value of a state of differential equations.
    State(u32),
    /// The present time of differential equations.
    Time,
    /// The covariance of a process at two inputs: the inputs, then the kernel's parameters.
    Covariance(Kernel, Vec<Expr>),
    /// The condition depends on data and finite latents; the branch not taken is never evaluated.
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// A reduction over indices.
    Reduce(Box<Reduce>),
    /// A mistake already reported; a program with one is never bound.
    Error,
}

/// Infix operators on scalars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `^`
    Power,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `and`
    And,
    /// `or`
    Or,
}

/// `operation(indices where guard: body)`
#[derive(Clone, Debug)]
pub struct Reduce {
    /// Which of the program's reductions this is.
    pub id: ReduceId,
    /// What it computes.
    pub operation: Reduction,
    /// The indices it runs over.
    pub indices: Vec<IndexId>,
    /// Elements to leave out; data-only.
    pub guard: Option<Expr>,
    /// What is reduced.
    pub body: Expr,
    /// The indices bound outside that it uses. Without any it has one value in the program.
    pub outer: Vec<IndexId>,
}

//! The tree of a program as written: names unresolved, every node with its place, comments kept.
//!
//! Statements and expressions that could not be parsed stay in the tree as `Error` nodes, so that
//! later phases and editors always have a whole program to work on.

use crate::source::{Span, Spanned};

/// A name and where it was written.
pub type Name = Spanned<String>;

/// A whole program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    /// The statements in the order of the text.
    pub statements: Vec<Statement>,
    /// Every comment, with the span of its `#` to the end of the line.
    pub comments: Vec<Comment>,
}

/// A comment; `text` is without the `#` and surrounding blanks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// From the `#` to the end of the line.
    pub span: Span,
    /// The text after the `#`, trimmed.
    pub text: String,
}

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// What it says.
    pub kind: StatementKind,
    /// From its first to its last token.
    pub span: Span,
    /// The comment block directly above, lines joined by `\n`.
    pub documentation: Option<String>,
}

/// The kinds of statement.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    /// `import "file" as name`
    Import {
        /// The file.
        path: Spanned<String>,
        /// The name its definitions are reached by.
        alias: Option<Name>,
    },
    /// `data …`
    Data(Data),
    /// `axis name = extent`
    Axis {
        /// The axis.
        name: Name,
        /// Its elements.
        extent: Extent,
    },
    /// `name[binders] = expr where guard`, or with `report`
    Define(Define),
    /// `name[binders] ~ expr …`, or with `predict`
    Random(Random),
    /// `report a, b`: names defined elsewhere
    Report(Vec<Name>),
    /// `predict a, b`: posterior predictive of observed names
    Predict(Vec<Name>),
    /// `factor expr`
    Factor(Expr),
    /// `fun name(params)[binders] = expr`
    Function(FunctionDefinition),
    /// `dist name(params)(variate) = expr on interval`
    Distribution(DistributionDefinition),
    /// `ode … { … }`
    Ode(Ode),
    /// `part name[axes](parameters) { … }`
    Part(Part),
    /// `use part[axes](arguments) as name`
    Use(Use),
    /// `output a, b`, inside a part: the names that can be reached from outside.
    Output(Vec<Name>),
    /// A statement that could not be parsed; already reported.
    Error,
}

/// `data entry, … from "file" with hints`
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// The tables, arrays and scalars.
    pub entries: Vec<Entry>,
    /// The default file, relative to the program.
    pub from: Option<Spanned<String>>,
    /// Hints such as `batch(256)`.
    pub hints: Vec<Hint>,
}

/// One entry of a `data` statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// `name(column, …)`: a table whose row axis is `name`
    Table {
        /// The table and its row axis.
        name: Name,
        /// Its columns.
        columns: Vec<Column>,
    },
    /// `name[axis, …]: kind`, a scalar when there are no axes
    Array {
        /// The array.
        name: Name,
        /// Whether cells may be missing, with the place of the `?`.
        missing: Option<Span>,
        /// Its axes, in order.
        axes: Vec<Name>,
        /// The kind of its cells.
        kind: Option<Name>,
    },
}

/// `"Header text" as name?: kind`
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The header text, when it differs from the name.
    pub header: Option<Spanned<String>>,
    /// The column's name in the program.
    pub name: Name,
    /// Whether cells may be missing, with the place of the `?`.
    pub missing: Option<Span>,
    /// `real`, `int`, `bool`, `index` or the name of an axis.
    pub kind: Option<Name>,
}

/// The elements of an axis.
#[derive(Clone, Debug, PartialEq)]
pub enum Extent {
    /// `a..b`, inclusive
    Range(Box<Expr>, Box<Expr>),
    /// `["a", "b"]`
    Labels(Vec<Spanned<String>>, Span),
    /// Another axis.
    Axis(Name),
}

/// `[binder, …]` on a left side or in a comprehension.
#[derive(Clone, Debug, PartialEq)]
pub struct Binder {
    /// The index's own name; absent for a bare range `1..2`.
    pub name: Option<Name>,
    /// What it runs over; absent for a bare axis name, which then is both.
    pub extent: Option<Extent>,
    /// The whole binder.
    pub span: Span,
}

/// `[report] name[binders] = expr where guard`
#[derive(Clone, Debug, PartialEq)]
pub struct Define {
    /// Whether `report` was written.
    pub report: bool,
    /// The name defined.
    pub name: Name,
    /// Its axes; `None` when they are to be inferred.
    pub binders: Option<Vec<Binder>>,
    /// Its value.
    pub value: Expr,
    /// Cells to leave out.
    pub guard: Option<Expr>,
}

/// `[predict] name[binders] ~ distribution over axes where guard with hints`
#[derive(Clone, Debug, PartialEq)]
pub struct Random {
    /// Whether `predict` was written.
    pub predict: bool,
    /// The left side's name. A left side that is not a name is an error the parser reports.
    pub name: Name,
    /// Its axes.
    pub binders: Option<Vec<Binder>>,
    /// The distribution.
    pub distribution: Expr,
    /// The joint axes of a joint family.
    pub over: Vec<Name>,
    /// Cells to leave out.
    pub guard: Option<Expr>,
    /// Hints such as `noncentered`.
    pub hints: Vec<Hint>,
}

/// `name(arguments)` after `with`
#[derive(Clone, Debug, PartialEq)]
pub struct Hint {
    /// The hint.
    pub name: Name,
    /// Its arguments.
    pub arguments: Vec<Argument>,
}

/// A parameter of a `fun` or `dist`: `W[row, col]`
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionParameter {
    /// Its name.
    pub name: Name,
    /// The axes it must have.
    pub axes: Vec<Name>,
}

/// `fun name(parameters)[binders] = body`
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionDefinition {
    /// The function.
    pub name: Name,
    /// Its parameters.
    pub parameters: Vec<FunctionParameter>,
    /// The axes of its value.
    pub binders: Option<Vec<Binder>>,
    /// Its value.
    pub body: Expr,
}

/// `dist name(parameters)(variate) = log_density on [low, high]`
#[derive(Clone, Debug, PartialEq)]
pub struct DistributionDefinition {
    /// The family.
    pub name: Name,
    /// Its parameters.
    pub parameters: Vec<FunctionParameter>,
    /// The variate's name in the log density.
    pub variate: Name,
    /// The log density.
    pub log_density: Expr,
    /// The support.
    pub support: Option<Interval>,
}

/// `ode name[axis] at times from start stiff { equations }`
#[derive(Clone, Debug, PartialEq)]
pub struct Ode {
    /// The array of states.
    pub name: Option<Name>,
    /// The axes with a system for each element; where the array has a name, that of its states
    /// last.
    pub axes: Vec<Name>,
    /// The times.
    pub at: Name,
    /// The initial time.
    pub from: Expr,
    /// Whether `stiff` was written.
    pub stiff: bool,
    /// What follows `with`.
    pub hints: Vec<Hint>,
    /// `state' = rate start value`
    pub equations: Vec<OdeEquation>,
}

/// `state' = rate start value`
#[derive(Clone, Debug, PartialEq)]
pub struct OdeEquation {
    /// The state.
    pub state: Name,
    /// Its rate of change.
    pub rate: Expr,
    /// Its value at the initial time.
    pub start: Expr,
}

/// `part name[axes](parameters) { statements }`: a submodel with inputs and outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The part.
    pub name: Name,
    /// Its axes, which a `use` gives.
    pub axes: Vec<Name>,
    /// Its inputs.
    pub parameters: Vec<FunctionParameter>,
    /// Its equations. An `output` before an equation is a statement of its own, after it.
    pub statements: Vec<Statement>,
}

/// `use part[axes](arguments) as alias`
#[derive(Clone, Debug, PartialEq)]
pub struct Use {
    /// The part, perhaps of a module.
    pub part: Name,
    /// The axes it is used over.
    pub axes: Vec<Name>,
    /// Its inputs.
    pub arguments: Vec<Argument>,
    /// The name its outputs are reached by.
    pub alias: Name,
}

/// `[low, high]` after `in` or `on`
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: Box<Expr>,
    /// The upper end.
    pub high: Box<Expr>,
    /// The brackets and all between.
    pub span: Span,
}

/// An expression and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it says.
    pub kind: ExprKind,
    /// From its first to its last token, parentheses included.
    pub span: Span,
}

impl Expr {
    /// The name that it is, in parentheses or not.
    pub fn name(&self) -> Option<&str> {
        if let ExprKind::Name(name) = &self.ungrouped().kind { Some(name) } else { None }
    }

    /// The expression inside any parentheses around it.
    pub fn ungrouped(&self) -> &Expr {
        let mut expr = self;
        while let ExprKind::Group(inner) = &expr.kind {
            expr = inner;
        }
        expr
    }
}

/// The kinds of expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A number; `integer` when written without point or exponent.
    Number {
        /// Its value.
        value: f64,
        /// Whether it was written as a whole number.
        integer: bool,
    },
    /// `"label"`
    Label(String),
    /// A bare name.
    Name(String),
    /// `-e` or `not e`
    Unary(UnaryOperator, Box<Expr>),
    /// `a op b`; the span is that of the operator.
    Binary(BinaryOperator, Span, Box<Expr>, Box<Expr>),
    /// `e[sub, …]`
    Index(Box<Expr>, Vec<Subscript>),
    /// `name(argument, …)`
    Call(Name, Vec<Argument>),
    /// `name(binder, … where guard: body)`
    Comprehension {
        /// The reduction.
        function: Name,
        /// Its indices.
        binders: Vec<Binder>,
        /// Elements to leave out.
        guard: Option<Box<Expr>>,
        /// What is reduced.
        body: Box<Expr>,
    },
    /// `[a, b, …]`
    List(Vec<Expr>),
    /// `if c then a else b`
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `e in [low, high]`
    In(Box<Expr>, Interval),
    /// `e start value`
    Start(Box<Expr>, Box<Expr>),
    /// `(e)`: kept so that the formatter loses nothing.
    Group(Box<Expr>),
    /// A family that the program defines by `dist`, its arguments put in. Not written: the parser
    /// gives a [`ExprKind::Call`], and expansion this.
    Written(Box<Written>),
    /// Something that could not be parsed; already reported.
    Error,
}

/// The distribution of `variate` with a log density that the program spells out.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// How the family is called.
    pub family: Name,
    /// The variate's name in the log density.
    pub variate: Name,
    /// The log density, with the arguments in place of the parameters.
    pub log_density: Expr,
    /// The support; the real line when absent.
    pub support: Option<Interval>,
}

/// Prefix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOperator {
    /// `-`
    Negate,
    /// `not`
    Not,
}

/// Infix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOperator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`, elementwise
    Multiply,
    /// `/`, elementwise
    Divide,
    /// `@`, contraction of the shared axis
    Contract,
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

impl BinaryOperator {
    /// How it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            BinaryOperator::Add => "+",
            BinaryOperator::Subtract => "-",
            BinaryOperator::Multiply => "*",
            BinaryOperator::Divide => "/",
            BinaryOperator::Contract => "@",
            BinaryOperator::Power => "^",
            BinaryOperator::Equal => "==",
            BinaryOperator::NotEqual => "!=",
            BinaryOperator::Less => "<",
            BinaryOperator::LessEqual => "<=",
            BinaryOperator::Greater => ">",
            BinaryOperator::GreaterEqual => ">=",
            BinaryOperator::And => "and",
            BinaryOperator::Or => "or",
        }
    }
}

/// One place in an index: `e`, or `axis = e`
#[derive(Clone, Debug, PartialEq)]
pub struct Subscript {
    /// The axis, when named.
    pub axis: Option<Name>,
    /// The element.
    pub value: Expr,
}

/// One argument of a call: `e`, or `name = e`
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// The parameter, when named.
    pub name: Option<Name>,
    /// The value.
    pub value: Expr,
}

//! Prints checked expressions and equations with every index written: what `explain` shows.

use super::LogPart;
use super::{
    Call, Definition, DefinitionValue, Distribution, Expr, ExprKind, IndexId, JointArgument, Kind,
    Operator, Program, Random, RandomRole,
};
use crate::library::Reduction;

impl Program {
    /// `index<county>`, `real`, …
    pub fn kind_name(&self, kind: Kind) -> String {
        match kind {
            Kind::Real => "a real number".to_owned(),
            Kind::Int => "a whole number".to_owned(),
            Kind::Bool => "a bool".to_owned(),
            Kind::Index(axis) => format!("an element of `{}`", self.axis(axis).name),
        }
    }

    /// An expression with all its indices.
    pub fn print(&self, expr: &Expr) -> String {
        self.print_at(expr, 0)
    }

    /// A definition: `X[i, k] = …`, one line per element where they differ.
    pub fn print_definition(&self, definition: &Definition) -> Vec<String> {
        let name = &self.variable(definition.variable).name;
        match &definition.value {
            DefinitionValue::Each(value) => {
                vec![format!(
                    "{name}{} = {}",
                    self.brackets(&definition.indices),
                    self.print(value)
                )]
            }
            DefinitionValue::Factored(value) => {
                let left = self.brackets(&definition.indices);
                vec![format!("{name}{left} = cholesky({})", self.print(value))]
            }
            DefinitionValue::Solved(solution) => {
                let at = self.print(&solution.times);
                let start = self.print(&solution.start);
                let groups = definition.indices.len().saturating_sub(2);
                let groups = self.brackets(&definition.indices[..groups]);
                let head = format!("ode {name}{groups} at {at} from {start}");
                let equations = solution.rates.iter().zip(&solution.initial).enumerate();
                let lines = equations.map(|(state, (rate, initial))| {
                    let (rate, initial) = (self.print(rate), self.print(initial));
                    format!("  state {}' = {rate} start {initial}", state + 1)
                });
                std::iter::once(head).chain(lines).collect()
            }
            DefinitionValue::PerElement(values) => {
                let (last, outer) = match definition.indices.split_last() {
                    Some((last, outer)) => (self.index_of(*last).axis, outer),
                    None => return Vec::new(),
                };
                let origin = &self.axis(last).origin;
                let label = |i: usize| {
                    if let super::AxisOrigin::Labels(labels) = origin {
                        labels.get(i).map(|l| format!("\"{l}\"")).unwrap_or_default()
                    } else {
                        format!("#{}", i + 1)
                    }
                };
                let mut parts: Vec<String> =
                    outer.iter().map(|i| self.index_of(*i).name.clone()).collect();
                let line = |(i, value): (usize, &Expr)| {
                    parts.push(label(i));
                    let line = format!("{name}[{}] = {}", parts.join(", "), self.print(value));
                    parts.pop();
                    line
                };
                values.iter().enumerate().map(line).collect()
            }
        }
    }

    /// A `~` statement: `y[i] ~ Normal(mu[i], sigma)`.
    pub fn print_random(&self, random: &Random) -> String {
        let name = &self.variable(random.variable).name;
        let predict = if random.role == RandomRole::Predicted { "predict " } else { "" };
        let mut line = format!(
            "{predict}{name}{} ~ {}",
            self.brackets(&random.indices),
            self.print_distribution(&random.distribution)
        );
        if let Some(guard) = &random.guard {
            line.push_str(&format!(" where {}", self.print(guard)));
        }
        line
    }

    fn print_distribution(&self, distribution: &Distribution) -> String {
        match distribution {
            Distribution::Family(call) => self.print_call(call),
            Distribution::PointMass(point) => format!("PointMass({})", self.print(&point.value)),
            Distribution::Elements(elements) => {
                let index = self.binder(elements.index);
                let value = self.print(&elements.log_probability);
                format!("{}(log {index}: {value})", elements.family)
            }
            Distribution::Choice(choice) => format!(
                "if {} then {} else {}",
                self.print(&choice.condition),
                self.print_distribution(&choice.yes),
                self.print_distribution(&choice.no)
            ),
            Distribution::Structured(structured) => {
                let index = &self.index_of(structured.over).name;
                let element = self.print_call(&structured.element);
                format!("{}({element}) over {index}", distribution.family_name())
            }
            Distribution::Written(written) => {
                format!("{}(log density: {})", written.family, self.print(&written.log_density))
            }
            Distribution::Joint(joint) => {
                let argument = |a: &JointArgument| match a {
                    JointArgument::Scalar(value) | JointArgument::Vector(value) => {
                        self.print(value)
                    }
                    JointArgument::Matrix([row, column], value) => {
                        let [row, column] = [row, column].map(|i| &self.index_of(*i).name);
                        format!("[{row}, {column}] = {}", self.print(value))
                    }
                    JointArgument::Edges(from, to) => {
                        let [from, to] = [from, to].map(|v| &self.variable(*v).name);
                        format!("{from} - {to}")
                    }
                };
                let arguments: Vec<String> = joint.arguments.iter().map(argument).collect();
                let over: Vec<&str> =
                    joint.over.iter().map(|i| self.index_of(*i).name.as_str()).collect();
                format!("{}({}) over {}", joint.family.name, arguments.join(", "), over.join(", "))
            }
        }
    }

    fn print_call(&self, call: &Call) -> String {
        let family = call.family;
        let first = family.parameterizations.first().map(|p| p.density);
        let named = family.named_only || first != Some(call.parameterization.density);
        let arguments: Vec<String> = call
            .arguments
            .iter()
            .zip(call.parameterization.parameters)
            .map(|(argument, parameter)| {
                let value = self.print(argument);
                if named { format!("{} = {value}", parameter.name) } else { value }
            })
            .collect();
        let text = if arguments.is_empty() {
            family.name.to_owned()
        } else {
            format!("{}({})", family.name, arguments.join(", "))
        };
        match &call.truncation {
            None => text,
            Some(t) => {
                let end = |e: &Option<Expr>, infinite: &str| {
                    e.as_ref().map_or(infinite.to_owned(), |e| self.print(e))
                };
                format!("{text} in [{}, {}]", end(&t.low, "-inf"), end(&t.high, "inf"))
            }
        }
    }

    fn brackets(&self, indices: &[IndexId]) -> String {
        if indices.is_empty() {
            return String::new();
        }
        let binders: Vec<String> = indices.iter().map(|i| self.binder(*i)).collect();
        format!("[{}]", binders.join(", "))
    }

    /// `county`, or `c in county` where the index has another name than its axis.
    fn binder(&self, index: IndexId) -> String {
        let index = self.index_of(index);
        let axis = &self.axis(index.axis).name;
        if *axis == index.name { axis.clone() } else { format!("{} in {axis}", index.name) }
    }

    fn print_at(&self, expr: &Expr, level: u8) -> String {
        let (text, own) = match &expr.kind {
            ExprKind::Number(x) => (number(*x), if *x < 0.0 { 5 } else { 9 }),
            ExprKind::Label(label) => (format!("\"{label}\""), 9),
            ExprKind::Index(index) => (self.index_of(*index).name.clone(), 9),
            ExprKind::Variable(variable, at) => {
                let name = &self.variable(*variable).name;
                if at.is_empty() {
                    (name.clone(), 9)
                } else {
                    let at: Vec<String> = at.iter().map(|e| self.print(e)).collect();
                    (format!("{name}[{}]", at.join(", ")), 9)
                }
            }
            // Conversions between elements and their integers are not written in the language.
            ExprKind::ElementNumber(e) | ExprKind::ElementOf(e) => return self.print_at(e, level),
            ExprKind::Size(axis) => (format!("size({})", self.axis(*axis).name), 9),
            ExprKind::Negate(a) => (format!("-{}", self.print_at(a, 5)), 5),
            ExprKind::Not(a) => (format!("not {}", self.print_at(a, 2)), 2),
            ExprKind::Binary(operator, a, b) => {
                let (symbol, own) = symbol(*operator);
                let (left, right) = match operator {
                    Operator::Power => (own + 1, own),
                    Operator::Add
                    | Operator::Subtract
                    | Operator::Multiply
                    | Operator::Divide
                    | Operator::Equal
                    | Operator::NotEqual
                    | Operator::Less
                    | Operator::LessEqual
                    | Operator::Greater
                    | Operator::GreaterEqual
                    | Operator::And
                    | Operator::Or => (own, own + 1),
                };
                let (a, b) = (self.print_at(a, left), self.print_at(b, right));
                (
                    if own == 6 { format!("{a}{symbol}{b}") } else { format!("{a} {symbol} {b}") },
                    own,
                )
            }
            ExprKind::Call(function, arguments) => {
                let arguments: Vec<String> = arguments.iter().map(|e| self.print(e)).collect();
                (format!("{}({})", function.name(), arguments.join(", ")), 9)
            }
            ExprKind::If(condition, yes, no) => (
                format!(
                    "if {} then {} else {}",
                    self.print(condition),
                    self.print(yes),
                    self.print(no)
                ),
                0,
            ),
            ExprKind::Reduce(reduce) => {
                let binders: Vec<String> = reduce.indices.iter().map(|i| self.binder(*i)).collect();
                let guard = reduce
                    .guard
                    .as_ref()
                    .map_or(String::new(), |g| format!(" where {}", self.print(g)));
                let function = reduction_name(reduce.operation);
                let body = self.print(&reduce.body);
                (format!("{function}({}{guard}: {body})", binders.join(", ")), 9)
            }
            ExprKind::ElementAt(position) => (format!("#{}", self.print_at(position, 9)), 9),
            ExprKind::Covariance(kernel, arguments) => {
                let arguments: Vec<String> = arguments.iter().map(|a| self.print(a)).collect();
                (format!("{kernel:?}({})", arguments.join(", ")), 9)
            }
            ExprKind::State(state) => (format!("state {}", state + 1), 9),
            ExprKind::Time => ("t".to_owned(), 9),
            ExprKind::LogDensity(part, call, value) => {
                let function = match part {
                    LogPart::Density => "logpdf",
                    LogPart::Below => "log_cdf",
                    LogPart::Above => "log_survival",
                };
                (format!("{function}({}, {})", self.print_call(call), self.print(value)), 9)
            }
            ExprKind::Below(number, axis) => {
                (format!("{} before {}", self.print_at(number, 4), self.axis(*axis).name), 3)
            }
            ExprKind::Error => ("?".to_owned(), 9),
        };
        if own < level { format!("({text})") } else { text }
    }
}

/// A number as a program would write it.
fn number(x: f64) -> String {
    if x == f64::INFINITY {
        "inf".to_owned()
    } else if x == f64::NEG_INFINITY {
        "-inf".to_owned()
    } else if x == std::f64::consts::PI {
        "pi".to_owned()
    } else {
        format!("{x}")
    }
}

fn reduction_name(reduction: Reduction) -> &'static str {
    match reduction {
        Reduction::Sum => "sum",
        Reduction::Mean => "mean",
        Reduction::Sd => "sd",
        Reduction::Max => "max",
        Reduction::Min => "min",
        Reduction::Count => "count",
        Reduction::LogSumExp => "log_sum_exp",
    }
}

/// The symbol and binding strength of an operator.
fn symbol(operator: Operator) -> (&'static str, u8) {
    match operator {
        Operator::Or => ("or", 1),
        Operator::And => ("and", 2),
        Operator::Equal => ("==", 3),
        Operator::NotEqual => ("!=", 3),
        Operator::Less => ("<", 3),
        Operator::LessEqual => ("<=", 3),
        Operator::Greater => (">", 3),
        Operator::GreaterEqual => (">=", 3),
        Operator::Add => ("+", 4),
        Operator::Subtract => ("-", 4),
        Operator::Multiply => ("*", 5),
        Operator::Divide => ("/", 5),
        Operator::Power => ("^", 6),
    }
}

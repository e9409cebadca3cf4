//! Prints a tree as nested lists, one statement per line, for `vippl dump`.

use std::fmt::Write;

use super::ast::*;

/// The whole program.
pub fn program(program: &Program) -> String {
    let mut out = String::new();
    for statement in &program.statements {
        if let Some(documentation) = &statement.documentation {
            documentation.lines().for_each(|line| {
                let _ = writeln!(out, "# {line}");
            });
        }
        let _ = writeln!(out, "({})", statement_kind(&statement.kind));
    }
    out
}

fn words<T>(items: &[T], each: impl Fn(&T) -> String) -> String {
    items.iter().map(each).collect::<Vec<_>>().join(" ")
}

fn statement_kind(kind: &StatementKind) -> String {
    match kind {
        StatementKind::Import { path, alias } => {
            format!("import {:?}{}", path.value, option(alias, |a| format!(" as {}", a.value)))
        }
        StatementKind::Data(data) => {
            let from = option(&data.from, |f| format!(" (from {:?})", f.value));
            format!("data {}{from}{}", words(&data.entries, entry), hints(&data.hints))
        }
        StatementKind::Axis { name, extent } => {
            format!("axis {} {}", name.value, self::extent(extent))
        }
        StatementKind::Define(define) => {
            let word = if define.report { "report " } else { "" };
            let left = left(&define.name, &define.binders);
            format!("{word}= {left} {}{}", expr(&define.value), guard(&define.guard))
        }
        StatementKind::Random(random) => {
            let word = if random.predict { "predict " } else { "" };
            let left = left(&random.name, &random.binders);
            let over = clause("over", &random.over, |n| n.value.clone());
            let tail = format!("{over}{}{}", guard(&random.guard), hints(&random.hints));
            format!("{word}~ {left} {}{tail}", expr(&random.distribution))
        }
        StatementKind::Report(list) => format!("report {}", names(list)),
        StatementKind::Predict(list) => format!("predict {}", names(list)),
        StatementKind::Factor(value) => format!("factor {}", expr(value)),
        StatementKind::Function(f) => {
            let left = left(&f.name, &f.binders);
            format!("fun {left} ({}) {}", words(&f.parameters, parameter), expr(&f.body))
        }
        StatementKind::Distribution(d) => {
            let (name, variate) = (&d.name.value, &d.variate.value);
            let on = option(&d.support, |i| format!(" (on {})", interval(i)));
            let parameters = words(&d.parameters, parameter);
            format!("dist {name} ({parameters}) {variate} {}{on}", expr(&d.log_density))
        }
        StatementKind::Ode(ode) => self::ode(ode),
        StatementKind::Part(part) => self::part(part),
        StatementKind::Use(used) => {
            let axes = axes(&used.axes);
            let arguments = arguments(&used.arguments, " ", "");
            format!("use {} ({}{axes}{arguments})", used.alias.value, used.part.value)
        }
        StatementKind::Output(list) => format!("output {}", names(list)),
        StatementKind::Error => "error".to_string(),
    }
}

fn ode(ode: &Ode) -> String {
    let name = option(&ode.name, |name| name.value.clone());
    let name = format!("{name}{}", axes(&ode.axes));
    let name = if name.is_empty() { name } else { format!(" {name}") };
    let stiff = if ode.stiff { " stiff" } else { "" };
    let equations = words(&ode.equations, |e| {
        format!("({}' {} {})", e.state.value, expr(&e.rate), expr(&e.start))
    });
    let hints = hints(&ode.hints);
    format!("ode{name} (at {}) (from {}){stiff}{hints} {equations}", ode.at.value, expr(&ode.from))
}

fn part(part: &Part) -> String {
    let left = format!("{}{}", part.name.value, axes(&part.axes));
    let statements = words(&part.statements, |s| format!("({})", statement_kind(&s.kind)));
    format!("part {left} ({}) {statements}", words(&part.parameters, parameter))
}

fn axes(list: &[Name]) -> String {
    if list.is_empty() { String::new() } else { format!("[{}]", names(list)) }
}

fn option<T>(value: &Option<T>, each: impl Fn(&T) -> String) -> String {
    value.as_ref().map_or_else(String::new, each)
}

fn clause<T>(word: &str, items: &[T], each: impl Fn(&T) -> String) -> String {
    if items.is_empty() { String::new() } else { format!(" ({word} {})", words(items, each)) }
}

fn names(list: &[Name]) -> String {
    words(list, |n| n.value.clone())
}

fn entry(entry: &Entry) -> String {
    match entry {
        Entry::Table { name, columns } => format!("({} {})", name.value, words(columns, column)),
        Entry::Array { name, missing, axes, kind } => {
            let axes = self::axes(axes);
            format!("{}{}{axes}{}", name.value, mark(missing.is_some()), self::kind(kind))
        }
    }
}

fn column(column: &Column) -> String {
    let header = option(&column.header, |h| format!("{:?}=", h.value));
    let mark = mark(column.missing.is_some());
    format!("{header}{}{mark}{}", column.name.value, kind(&column.kind))
}

fn mark(missing: bool) -> &'static str {
    if missing { "?" } else { "" }
}

fn kind(kind: &Option<Name>) -> String {
    option(kind, |k| format!(":{}", k.value))
}

fn extent(extent: &Extent) -> String {
    match extent {
        Extent::Range(low, high) => format!("(.. {} {})", expr(low), expr(high)),
        Extent::Labels(labels, _) => format!("[{}]", words(labels, |l| format!("{:?}", l.value))),
        Extent::Axis(name) => name.value.clone(),
    }
}

fn left(name: &Name, binders: &Option<Vec<Binder>>) -> String {
    let binders = option(binders, |b| format!("[{}]", words(b, binder)));
    format!("{}{binders}", name.value)
}

fn binder(binder: &Binder) -> String {
    match (&binder.name, &binder.extent) {
        (Some(name), Some(over)) => format!("({} in {})", name.value, extent(over)),
        (Some(name), None) => name.value.clone(),
        (None, Some(over)) => extent(over),
        (None, None) => "error".to_string(),
    }
}

fn guard(guard: &Option<Expr>) -> String {
    option(guard, |g| format!(" (where {})", expr(g)))
}

fn hints(hints: &[Hint]) -> String {
    clause("with", hints, |h| format!("{}{}", h.name.value, arguments(&h.arguments, "(", ")")))
}

fn arguments(list: &[Argument], open: &str, close: &str) -> String {
    if list.is_empty() {
        return String::new();
    }
    let each = |a: &Argument| named(&a.name, &a.value);
    format!("{open}{}{close}", words(list, each))
}

fn named(name: &Option<Name>, value: &Expr) -> String {
    format!("{}{}", option(name, |n| format!("{}=", n.value)), expr(value))
}

fn parameter(parameter: &FunctionParameter) -> String {
    format!("{}{}", parameter.name.value, axes(&parameter.axes))
}

fn interval(interval: &Interval) -> String {
    format!("[{} {}]", expr(&interval.low), expr(&interval.high))
}

/// One expression.
pub fn expr(e: &Expr) -> String {
    match &e.kind {
        ExprKind::Number { value, integer: true } => format!("{value}"),
        ExprKind::Number { value, integer: false } => format!("{value:?}"),
        ExprKind::Label(label) => format!("{label:?}"),
        ExprKind::Name(name) => name.clone(),
        ExprKind::Unary(UnaryOperator::Negate, operand) => format!("(- {})", expr(operand)),
        ExprKind::Unary(UnaryOperator::Not, operand) => format!("(not {})", expr(operand)),
        ExprKind::Binary(operator, _, left, right) => {
            format!("({} {} {})", operator.symbol(), expr(left), expr(right))
        }
        ExprKind::Index(base, subscripts) => {
            let subscripts = words(subscripts, |s| named(&s.axis, &s.value));
            format!("{}[{subscripts}]", expr(base))
        }
        ExprKind::Call(name, list) => format!("({}{})", name.value, arguments(list, " ", "")),
        ExprKind::Comprehension { function, binders, guard, body } => {
            let binders = words(binders, binder);
            let guard = option(guard, |g| format!(" (where {})", expr(g)));
            format!("({} [{binders}]{guard} {})", function.value, expr(body))
        }
        ExprKind::List(items) => format!("[{}]", words(items, expr)),
        ExprKind::If(c, yes, no) => format!("(if {} {} {})", expr(c), expr(yes), expr(no)),
        ExprKind::In(value, bounds) => format!("(in {} {})", expr(value), interval(bounds)),
        ExprKind::Start(value, first) => format!("(start {} {})", expr(value), expr(first)),
        ExprKind::Group(inner) => format!("(group {})", expr(inner)),
        ExprKind::Written(written) => {
            let on = option(&written.support, |i| format!(" (on {})", interval(i)));
            let (family, variate) = (&written.family.value, &written.variate.value);
            format!("(written {family} {variate} {}{on})", expr(&written.log_density))
        }
        ExprKind::Error => "error".to_string(),
    }
}

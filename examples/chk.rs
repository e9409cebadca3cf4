fn main() {
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut sources = vippl::source::Sources::default();
        let id = sources.add(path.clone(), text.clone());
        let parsed = vippl::syntax::parser::parse(id, &text);
        let mut d = parsed.diagnostics.clone();
        let checked = vippl::check::check(&parsed.value);
        d.extend(checked.diagnostics);
        println!("=== {path}\n{}", vippl::diagnostic::render::render(&d, &sources, &Default::default()));
        if std::env::var("V").is_ok() && !d.iter().any(|d| d.is_error()) {
            let t = &checked.value;
            for x in &t.definitions { for l in t.print_definition(x) { println!("    {l}"); } }
            for x in &t.randoms { println!("    {}", t.print_random(x)); }
        }
    }
}

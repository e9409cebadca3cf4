//! Compiles the generated parser and the scanner.

fn main() {
    let src = std::path::Path::new("src");
    let mut build = cc::Build::new();
    build.std("c11").include(src).warnings(false);
    for file in ["parser.c", "scanner.c"] {
        build.file(src.join(file));
        println!("cargo:rerun-if-changed=src/{file}");
    }
    build.compile("tree-sitter-vippl");
}

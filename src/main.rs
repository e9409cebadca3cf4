//! Arguments in, exit code out.

fn main() -> std::process::ExitCode {
    vippl::cli::main()
}

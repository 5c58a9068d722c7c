//! The binary: allocator, runtime, parse, exit code; nothing else.

use std::process::ExitCode;

// Queries allocate from every thread; mimalloc is what datafusion-cli uses too. Without huge pages: of
// those hardly any is ever given back, and a night kept twice the memory it worked in.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(martlet::cli::main().code())
}

//! The binary: allocator, runtime, parse, exit code; nothing else.

use std::process::ExitCode;

// Queries allocate from every thread; mimalloc is what datafusion-cli uses too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(martlet::cli::main().code())
}

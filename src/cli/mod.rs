//! The command line: arguments, one file per command, and the one place where findings are shown.

mod args;
mod check;
mod completions;
mod indicators;
mod ls;
mod plan;
mod printer;
mod quarantine;
mod query;
mod run;
mod sample;
mod schema;
mod secret;
mod submissions;
mod test;

use clap::Parser;
use clap::error::ErrorKind;

use crate::compile::{self, Plan};
use crate::diag::{Code, Diagnostic, Diagnostics, Exit, Result, is_contained};
use crate::spec::Project;
use crate::{functions, publish, report};

use args::{Cli, Command};
use printer::Printer;

/// Reads the command line, does what it says, and returns how it ended.
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let help = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            // Nothing can be done about a closed terminal.
            let _ = error.print();
            return if help { Exit::Done } else { Exit::Unchecked };
        }
    };
    let printer = Printer::new(&cli.global);
    hide_panics(&printer);
    report::init(cli.global.json_log(), cli.global.log.as_deref());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // Planning deep SQL in a debug build needs more than the usual two megabytes.
        .thread_stack_size(16 << 20)
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(e) => {
            let found = Diagnostic::error(Code::Io, format!("cannot start threads: {e}")).into();
            return printer.failed(&found);
        }
    };
    // The main thread's stack is the system's to choose; planning needs one that is ours.
    let worker = printer.clone();
    let done = std::thread::Builder::new()
        .stack_size(64 << 20)
        .spawn(move || {
            let done = runtime.block_on(command(cli, worker));
            // Blocking reads of a stopped run are not waited for: what they wrote is swept up later.
            runtime.shutdown_background();
            done
        })
        .map(std::thread::JoinHandle::join);
    let done = match done {
        Ok(Ok(done)) => done,
        // The panic's own message is on stderr by now.
        Ok(Err(_)) => return Exit::Bug,
        Err(e) => Err(Diagnostic::error(Code::Io, format!("cannot start a thread: {e}")).into()),
    };
    match done {
        Ok(exit) => exit,
        Err(found) => printer.failed(&found),
    }
}

/// A panic says where it was, never what: its message may quote what stood in a cell. One that a
/// damaged file causes in a library, and that a reader makes its refusal of, says nothing here.
fn hide_panics(printer: &Printer) {
    let printer = printer.clone();
    std::panic::set_hook(Box::new(move |panic| {
        if is_contained() {
            return;
        }
        let place = panic
            .location()
            .map_or_else(String::new, |l| format!(" at {}:{}", l.file(), l.line()));
        printer.err(&format!("a fault in the program{place}: please report it"));
    }));
}

async fn command(cli: Cli, printer: Printer) -> Result<Exit> {
    let global = &cli.global;
    match cli.command {
        Command::Run(ref args) => run::run(global, args, &printer).await,
        Command::Check(ref args) => check::check(global, args, &printer).await,
        Command::Plan(ref args) => plan::plan(global, args, &printer).await,
        Command::Submissions(ref args) => submissions::submissions(global, args, &printer).await,
        Command::Test(ref args) => test::test(global, args, &printer).await,
        Command::Ls(ref args) => ls::ls(global, args, &printer).await,
        Command::Query(ref args) => query::query(global, args, &printer).await,
        Command::Quarantine(ref command) => quarantine::quarantine(global, command, &printer).await,
        Command::Sample(ref args) => sample::sample(args, &printer),
        Command::Schema(ref args) => schema::schema(global, args, &printer),
        Command::Indicators(ref args) => indicators::indicators(global, args, &printer).await,
        Command::Completions(ref args) => completions::completions(args, &printer),
    }
}

/// Reads and compiles the project.
async fn load(global: &args::Global) -> Result<(Plan, Diagnostics)> {
    let project = Project::load(
        &global.project,
        global.target.as_deref(),
        global.overrides(),
    )?;
    compile::compile(&project, functions::register, publish::published_schema).await
}

//! `martlet completions`: for a shell.

use clap::CommandFactory;

use crate::diag::{Exit, Result};

use super::args::{Cli, CompletionsArgs};
use super::printer::Printer;

pub fn completions(args: &CompletionsArgs, printer: &Printer) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "martlet", &mut script);
    printer.out(&String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}

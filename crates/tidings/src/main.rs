//! The Tidings chat server: wiring only.

mod assets;
mod backup;
mod failure;
mod http;
mod import;
mod limit_list;
mod logging;
mod options;
mod places;
mod plural;
mod repair;
mod restore;
mod rotate;
mod security;
mod serve;
mod tls;
mod verify;

use std::io::Write as _;
use std::process::ExitCode;

use crate::logging::Format;
use crate::options::{Command, Options};

fn main() -> ExitCode {
    let options = Options::read();
    let log_format = options.log_format();
    logging::begin(log_format, options.log_lines_per_second());
    let set = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for (name, meant) in options::slips(set) {
        tracing::warn!("the variable {name} is not known: do you mean {meant}?");
    }
    let result = match options.command {
        None => serve::run(&options.serve),
        Some(Command::Serve(serve)) => serve::run(&serve),
        Some(Command::Import(import)) => import::run(&import),
        Some(Command::Backup(backup)) => backup::run(&backup),
        Some(Command::Restore(restore)) => restore::run(&restore),
        Some(Command::RotateKey(rotate)) => rotate::run(&rotate),
        Some(Command::Verify(verify)) => verify::run(&verify),
        Some(Command::Repair(repair)) => repair::run(&repair),
        Some(Command::Limits) => {
            limit_list::run();
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            match log_format {
                Format::Json => tracing::error!("{failure}"),
                // Nobody is left to tell if standard error is closed.
                Format::Text => drop(writeln!(std::io::stderr(), "tidings: {failure}")),
            }
            failure.exit_code()
        }
    }
}

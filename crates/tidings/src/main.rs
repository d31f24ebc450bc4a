//! The Tidings chat server: wiring only.

mod assets;
mod backup;
mod failure;
mod http;
mod import;
mod limit_list;
mod logging;
mod options;
mod plural;
mod repair;
mod restore;
mod rotate;
mod serve;
mod tls;
mod verify;

use std::io::Write as _;
use std::process::ExitCode;

use crate::options::{Command, Options};

fn main() -> ExitCode {
    let options = Options::read();
    logging::begin();
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
            // Nobody is left to tell if standard error is closed.
            let _ = writeln!(std::io::stderr(), "tidings: {failure}");
            failure.exit_code()
        }
    }
}

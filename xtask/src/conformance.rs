//! `cargo xtask conformance`: runs the official test suites of the protocol against our server.
//!
//! The suites stay in the checkout that the caller names. Their packages and copies of their tests go into
//! `target/conformance`. The run passes if each suite passes exactly its known number of tests. A control run without a
//! server shows how many tests pass anyway, because only the others say anything about a server. It knows nothing of
//! the protocol: the program `conformance` has a fixture server for each suite.

#![expect(clippy::print_stdout, reason = "this command's product is the report on its standard output")]

mod autobahn;
mod command;
mod fixture;
mod mocha;
mod options;
mod report;
mod stage;
mod suite;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use command::Failure;
use fixture::{Fixture, Program};
use mocha::Tally;
use options::{Options, Parsed};
use report::{Report, Row};
use stage::Stage;
use suite::{Control, SUITES};

/// Runs the command with its arguments.
pub(crate) fn run(args: impl Iterator<Item = String>) -> ExitCode {
    let options = match Options::parse(args) {
        Ok(Parsed::Run(options)) => options,
        Ok(Parsed::Help) => {
            println!("{}", options::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("{message}\n\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    match run_suites(&options) {
        Ok(report) => {
            println!("{report}");
            if let Some(file) = &options.record
                && let Err(error) = std::fs::write(file, report.page())
            {
                eprintln!("conformance: {}: {error}", file.display());
                return ExitCode::FAILURE;
            }
            if report.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(failure) => {
            eprintln!("conformance: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run_suites(options: &Options) -> Result<Report, Failure> {
    let program = match &options.fixture {
        Some(path) => Program::foreign(path.clone()),
        None => Program::build()?,
    };
    let folder = folder();
    let stages = match &options.suites {
        Some(checkout) => stages(options, checkout, &folder)?,
        None => Vec::new(),
    };
    let mut report = Report::default();
    // The controls wait for timeouts of the clients and need no CPU, so they run beside the suites.
    let controls: Vec<_> = std::thread::scope(|scope| {
        let controls: Vec<_> = stages.iter().map(|stage| scope.spawn(|| run_control(stage))).collect();
        for stage in &stages {
            println!("running {}", stage.suite().name);
            report.rows.push(run_suite(stage, &program));
        }
        if options.wants_autobahn() {
            println!("running {}", autobahn::NAME);
            report.rows.push(run_autobahn(&program, &folder));
        } else {
            report.notes.push("autobahn was not asked for (--autobahn)".to_owned());
        }
        controls.into_iter().map(|control| control.join().ok().flatten()).collect()
    });
    for (row, control) in report.rows.iter_mut().zip(controls) {
        row.set_control(control);
    }
    Ok(report)
}

fn stages(options: &Options, checkout: &Path, folder: &Path) -> Result<Vec<Stage<'static>>, Failure> {
    let wanted = SUITES.iter().filter(|suite| options.wants(suite.name));
    wanted.map(|suite| Stage::prepare(suite, checkout, folder)).collect()
}

fn run_suite(stage: &Stage<'_>, program: &Program) -> Row {
    let suite = stage.suite();
    let outcome = Fixture::start(program, suite.fixture).and_then(|mut fixture| {
        let tally = stage.run("server", fixture.port())?;
        fixture.check_alive()?;
        Ok(tally)
    });
    Row::of_suite(suite, outcome)
}

/// Runs the same tests without a server. `None`: the suite never ends without one.
fn run_control(stage: &Stage<'_>) -> Option<Result<Tally, Failure>> {
    match stage.suite().control {
        Control::Ends => Some(fixture::silent_port().and_then(|port| stage.run("control", port))),
        Control::Hangs => None,
    }
}

fn run_autobahn(program: &Program, folder: &Path) -> Row {
    let outcome = autobahn::Installation::prepare(folder).and_then(|installation| {
        let mut fixture = Fixture::start(program, autobahn::FIXTURE)?;
        let cases = installation.run(fixture.port())?;
        fixture.check_alive()?;
        Ok(cases)
    });
    Row::of_autobahn(outcome)
}

/// The working folder of this command: `conformance`, beside the folder of this program.
fn folder() -> PathBuf {
    fixture::build_folder()
        .parent()
        .map_or_else(|| PathBuf::from("target"), Path::to_path_buf)
        .join("conformance")
}

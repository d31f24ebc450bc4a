//! `tidings-bench`: a load generator that is also a judge.
//!
//! Speaks the contract of the Socket.IO tutorial over WebSocket, so that it measures any chat that keeps it. Every workload
//! checks what every client has received: a run in which anything was lost, doubled or out of order fails, and one in which
//! the generator itself had no time to spare is void. Costs are those of the server's process, so that a busy machine
//! changes the figures less than it changes the time that things take.

mod certificate;
mod client;
mod connect;
mod failure;
mod fanout;
mod fleet;
mod frame;
mod histogram;
mod host;
mod hostile;
mod idle;
mod ingest;
mod ledger;
mod line;
mod monitor;
mod options;
mod packet;
mod polite;
mod pollers;
mod process;
mod progress;
mod replay;
mod report;
mod rooms;
mod socket;
mod start;
mod storm;
mod target;
mod writers;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use self::failure::Failure;
use self::fleet::Fleet;
use self::options::{Bench, Workload};
use self::report::{Report, Verdict};
use self::target::Target;

fn main() -> ExitCode {
    match run(&Bench::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody is left to tell if standard error is closed.
            let _ = writeln!(std::io::stderr(), "tidings-bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Bench) -> Result<(), Failure> {
    let workload = &options.workload;
    let mut report = Report::new(workload.name());
    let result = measure(workload, &mut report);
    progress::clear();
    result?;
    let text = if workload.prints_json() {
        serde_json::to_string(&report).map_err(std::io::Error::from)? + "\n"
    } else {
        report.to_string()
    };
    // The exit code has the verdict too.
    let _ = std::io::stdout().write_all(text.as_bytes());
    match report.verdict() {
        Verdict::Good | Verdict::Open => Ok(()),
        Verdict::Void => Err(Failure::Void),
        Verdict::Failed => Err(Failure::Contract),
    }
}

fn measure(workload: &Workload, report: &mut Report) -> Result<(), Failure> {
    if let Workload::Start(options) = workload {
        return start::measure(options, report);
    }
    let Some(server) = workload.server() else { return Err(Failure::NoProcess) };
    let target = Target::reach(server)?;
    let measured = match workload {
        Workload::Start(_) => Ok(()),
        Workload::Fanout(options) => fanout::measure(options, &target, report),
        Workload::Rooms(options) => rooms::measure(options, &target, report),
        Workload::Idle(options) => idle::measure(options, &target, report),
        Workload::Connect(options) => connect::measure(options, &target, report),
        Workload::Replay(options) => replay::measure(options, &target, report),
        Workload::Storm(options) => storm::measure(options, &target, report),
        Workload::Ingest(options) => ingest::measure(options, &target, report),
        Workload::Polite(options) => polite::measure(options, &target, report),
        Workload::Hostile(options) => hostile::measure(options, &target, report),
    };
    measured.and_then(|()| target.leave())
}

//! The project's own commands: `cargo xtask test` and the others of the usage below.
//!
//! Only dispatches: each command is a module. A misused command exits with 2, one that found a fault with 1.

use std::process::ExitCode;

mod bench;
mod conformance;
mod fuzz;
mod hardening;
mod machine;
mod mutants;
mod proof;
mod root;
mod sim;
mod test;
mod tidy;
mod traps;

const USAGE: &str = "\
usage: cargo xtask <command>

  test          everything that CI runs: format, lints, unit, end-to-end and browser tests; installs what it needs.
                With a filter, some tests alone, of any kind: see --help
  tidy          only the checks of the house style
  proof         100,000 seeds of the simulation (--sim-seeds N) and the long forms of the tests against crashes, power
                cuts and faults; writes docs/proof.md
  sim           the seeded simulation: --seeds N --from S, --planted, --story; see --help
  fuzz          fuzzes every decoder that a peer can reach: see --help
  mutants       changes the code in small ways and demands that a test notices; writes docs/mutants.md: see --help
  planted       plants the bugs of HTTP, WebSocket and pages, and demands that a test notices each
  traps         situations that break a chat written after the tutorial, on a Node server and on ours
  bench         measures our server beside its peers; writes docs/performance.md: see --help
  hardening     attacks our server in 256 MiB beside 500 polite clients; writes docs/hardening.md: see --help
  conformance   runs the official Socket.IO suites against our fixtures: see --help";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next();
    match command.as_deref() {
        Some("bench") => bench::run(args),
        Some("conformance") => conformance::run(args),
        Some("fuzz") => fuzz::run(args),
        Some("hardening") => hardening::run(args),
        Some("mutants") => mutants::run(args),
        Some("planted") => test::plant(args),
        Some("proof") => proof::run(args),
        Some("sim") => sim::run(args),
        Some("test") => test::run(args),
        Some("tidy") if args.len() == 0 => tidy::run(),
        Some("traps") if args.len() == 0 => traps::run(),
        Some("--help" | "-h" | "help") => {
            eprintln!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

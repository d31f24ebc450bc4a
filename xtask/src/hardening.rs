//! `cargo xtask hardening`: attacks our server beside polite clients, and writes `docs/hardening.md`.
//!
//! `tidings-bench hostile` attacks, `tidings-bench polite` measures what the others notice of it. All attacks go against one
//! server, one after the other, so what one of them leaves behind is there for the next. The page is never written by hand.

#![expect(clippy::print_stdout, reason = "this command's product is the report on its standard output")]

mod memory;
mod page;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use serde::Deserialize;

use self::memory::MemoryLimit;
use crate::proof;
use crate::root::workspace_root;

const USAGE: &str = "\
usage: cargo xtask hardening [--seconds N] [--out FILE] [KIND ...]

  Attacks a server in 256 MiB of memory in each way, or in the named ways, beside polite clients. Needs root and two cores.
  --seconds N   how long the polite clients measure beside each attack (10)
  --out FILE    where the page goes (docs/hardening.md)";

/// Every kind of attack; a test of the page compares them with those of the program.
const KINDS: [&str; 12] = [
    "pings",
    "strays",
    "joins",
    "unfinished",
    "silent",
    "slow-reads",
    "requests",
    "rooms",
    "names",
    "links",
    "invites",
    CROWD,
];

/// Requests from several addresses at once: each of them has as much as one honest address.
const CROWD: &str = "crowd";

/// What the server may have.
const MEMORY_BYTES: u64 = 256 << 20;

/// So many times the quiet time an ack or a page of history may take.
const RATIO_MAX: f64 = 10.0;

/// How long the attack goes on beside and after the measurement: the polite clients have to connect first.
const EXTRA_SECONDS: u64 = 8;

/// Where the attackers come from: the crowd from all of these, the others from the first. The polite clients come from many other
/// addresses.
const ATTACKERS: [&str; 8] =
    ["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.6", "127.0.0.7", "127.0.0.8", "127.0.0.9"];

struct Options {
    seconds: u64,
    out: PathBuf,
    kinds: Vec<&'static str>,
}

/// What the polite clients have noticed.
#[derive(Clone, Copy, Debug)]
struct Noticed {
    ack_p99_ms: f64,
    history_p99_ms: f64,
}

/// What the attackers have done.
#[derive(Debug)]
struct Sent {
    packets: f64,
    bytes_out: f64,
    bytes_in: f64,
    connections: f64,
    closed_by_server: f64,
}

/// One attack.
#[derive(Debug)]
struct Finding {
    kind: &'static str,
    sent: Sent,
    /// Or what broke.
    noticed: Result<Noticed, String>,
    memory_bytes: u64,
}

/// All of them.
struct Run {
    quiet: Noticed,
    findings: Vec<Finding>,
}

/// What `tidings-bench` prints.
#[derive(Deserialize)]
struct Outcome {
    measures: BTreeMap<String, f64>,
}

/// Runs the command.
pub(crate) fn run(args: impl Iterator<Item = String>) -> ExitCode {
    let Some(options) = parse(args) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    proof::end(&measure(&workspace_root(), &options))
}

fn parse(mut args: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options { seconds: 10, out: "docs/hardening.md".into(), kinds: Vec::new() };
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--seconds" => options.seconds = args.next()?.parse().ok()?,
            "--out" => options.out = args.next()?.into(),
            name => options.kinds.push(KINDS.into_iter().find(|kind| *kind == name)?),
        }
    }
    if options.kinds.is_empty() {
        options.kinds.extend(KINDS);
    }
    Some(options)
}

fn measure(root: &Path, options: &Options) -> Result<(), String> {
    let tidings = proof::build(root)?;
    let bench = proof::build_package(root, "tidings-bench")?;
    let folder = tempfile::tempdir().map_err(|err| err.to_string())?;
    fill(&tidings, &bench, folder.path())?;
    let server = Server::start(&tidings, folder.path(), &["--limit-loopback"], Some(MEMORY_BYTES))?;
    let polite = || server.polite(&bench, options.seconds);
    let mut quiet = vec![polite()?];
    let mut findings = Vec::new();
    for (index, kind) in options.kinds.iter().enumerate() {
        let finding = server.attack(&bench, kind, options.seconds)?;
        println!("{kind}: {:?}, {} MiB", finding.noticed, finding.memory_bytes >> 20);
        findings.push(finding);
        if index == options.kinds.len() / 2 {
            quiet.push(polite()?);
        }
    }
    quiet.push(polite()?);
    let run = Run { quiet: median(&quiet), findings };
    std::fs::write(root.join(&options.out), page::text(&run)).map_err(|err| err.to_string())?;
    let bad: Vec<&str> = run.findings.iter().filter(|it| !it.is_good(&run.quiet)).map(|it| it.kind).collect();
    if bad.is_empty() {
        Ok(())
    } else {
        Err(format!("the polite clients are disturbed by {}", bad.join(", ")))
    }
}

/// Some messages, so that there is a history to ask for. Here the clients are not slowed down.
fn fill(tidings: &Path, bench: &Path, data: &Path) -> Result<(), String> {
    let server = Server::start(tidings, data, &[], None)?;
    let mut ingest = Command::new(bench);
    ingest.args(["ingest", "--seconds", "1", "--json", "--url", &server.url]);
    outcome(&mut ingest).map(drop)
}

/// Each figure by itself.
fn median(runs: &[Noticed]) -> Noticed {
    let middle = |figure: fn(&Noticed) -> f64| {
        let mut figures: Vec<f64> = runs.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    };
    Noticed {
        ack_p99_ms: middle(|noticed| noticed.ack_p99_ms),
        history_p99_ms: middle(|noticed| noticed.history_p99_ms),
    }
}

impl Finding {
    fn is_good(&self, quiet: &Noticed) -> bool {
        let is_near = |here: f64, quiet: f64| here <= RATIO_MAX * quiet;
        self.noticed.as_ref().is_ok_and(|noticed| {
            is_near(noticed.ack_p99_ms, quiet.ack_p99_ms)
                && is_near(noticed.history_p99_ms, quiet.history_p99_ms)
        })
    }
}

/// A server that runs; it ends with its owner.
struct Server {
    child: Child,
    url: String,
    /// After the process, which is in it.
    limit: Option<MemoryLimit>,
}

impl Server {
    fn start(tidings: &Path, data: &Path, options: &[&str], memory: Option<u64>) -> Result<Self, String> {
        let limit = memory.map(MemoryLimit::new).transpose()?;
        let mut command = Command::new(tidings);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(options);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|err| format!("{}: {err}", tidings.display()))?;
        let output = child.stdout.take();
        let mut server = Self { child, url: String::new(), limit };
        if let Some(limit) = &server.limit {
            limit.hold(server.child.id())?;
        }
        let lines =
            output.into_iter().flat_map(|output| BufReader::new(output).lines().map_while(Result::ok));
        for line in lines {
            if let Some(url) = line.split_whitespace().find(|word| word.starts_with("http://")) {
                url.clone_into(&mut server.url);
                return Ok(server);
            }
        }
        Err("the server did not start".into())
    }

    /// What polite clients notice now.
    fn polite(&self, bench: &Path, seconds: u64) -> Result<Noticed, String> {
        let mut polite = Command::new(bench);
        polite
            .args(["polite", "--sources", "250", "--pin-server", "0", "--pin-client", "1", "--json"])
            .args(["--seconds", &seconds.to_string(), "--url", &self.url])
            .args(["--server-pid", &self.child.id().to_string()]);
        let measures = outcome(&mut polite)?.measures;
        let of = |name: &str| measures.get(name).copied().ok_or_else(|| format!("{name} was not measured"));
        Ok(Noticed { ack_p99_ms: of("ack_p99_ms")?, history_p99_ms: of("history_p99_ms")? })
    }

    /// Attacks it while polite clients are there.
    fn attack(&self, bench: &Path, kind: &'static str, seconds: u64) -> Result<Finding, String> {
        let id = self.child.id();
        memory::forget_peak(id)?;
        let (sent_kind, sources) = if kind == CROWD { ("requests", 8) } else { (kind, 1) };
        let attackers: Vec<Child> = ATTACKERS
            .iter()
            .take(sources)
            .map(|source| self.attacker(bench, sent_kind, source, seconds))
            .collect::<Result<_, _>>()?;
        let noticed = self.polite(bench, seconds);
        let outputs: Vec<_> = attackers
            .into_iter()
            .map(Child::wait_with_output)
            .collect::<Result<_, _>>()
            .map_err(|err| err.to_string())?;
        let memory_bytes =
            memory::peak_bytes(id).map_err(|err| format!("the server is gone after {kind}: {err}"))?;
        let outcomes: Vec<Outcome> = outputs
            .iter()
            .map(|output| serde_json::from_slice(&output.stdout))
            .collect::<Result<_, _>>()
            .map_err(|err| format!("the attack {kind} told nothing: {err}"))?;
        let of = |name: &str| outcomes.iter().filter_map(|outcome| outcome.measures.get(name)).sum();
        let sent = Sent {
            packets: of("packets_sent"),
            bytes_out: of("bytes_sent"),
            bytes_in: of("bytes_received"),
            connections: of("connections"),
            closed_by_server: of("closed_by_server"),
        };
        Ok(Finding { kind, sent, noticed, memory_bytes })
    }

    /// Starts to attack from one address.
    fn attacker(&self, bench: &Path, kind: &str, source: &str, seconds: u64) -> Result<Child, String> {
        let time = (seconds + EXTRA_SECONDS).to_string();
        // The attackers give way: what is measured is the server, not a client without a core.
        let mut hostile = Command::new("nice");
        hostile
            .args(["-n", "19"])
            .arg(bench)
            .args(["hostile", kind, "--source", source, "--seconds", &time, "--pin-client", "1", "--json"])
            .args(["--url", &self.url]);
        hostile.stdout(Stdio::piped()).spawn().map_err(|err| format!("nice: {err}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `tidings-bench`; what it prints on standard error is the error.
fn outcome(command: &mut Command) -> Result<Outcome, String> {
    let output = command.output().map_err(|err| format!("tidings-bench: {err}"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let reason = text.lines().last().unwrap_or("tidings-bench failed");
        return Err(reason.trim_start_matches("tidings-bench: ").to_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|err| format!("tidings-bench: {err}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attack_of_the_program_takes_place() {
        let source = include_str!("../../crates/tidings-bench/src/options.rs");
        let (_, kinds) = source.split_once("pub(crate) enum Kind {").unwrap();
        let (kinds, _) = kinds.split_once('}').unwrap();
        let names = kinds.lines().filter_map(|line| line.trim().strip_suffix(',')).map(|name| {
            let dashed = name.chars().flat_map(|char| {
                let dash = char.is_uppercase().then_some('-');
                dash.into_iter().chain(char.to_lowercase())
            });
            dashed.collect::<String>().trim_start_matches('-').to_owned()
        });
        assert_eq!(names.chain([CROWD.to_owned()]).collect::<Vec<_>>(), KINDS);
    }

    #[test]
    fn a_time_is_compared_with_the_middle_of_the_quiet_ones() {
        let quiet = [1.0, 9.0, 2.0].map(|ms| Noticed { ack_p99_ms: ms, history_p99_ms: 10.0 * ms });
        let quiet = median(&quiet);
        assert_eq!((quiet.ack_p99_ms, quiet.history_p99_ms), (2.0, 20.0));
        let sent =
            Sent { packets: 0.0, bytes_out: 0.0, bytes_in: 0.0, connections: 0.0, closed_by_server: 0.0 };
        let mut finding = Finding { kind: "pings", sent, noticed: Err("it broke".into()), memory_bytes: 0 };
        assert!(!finding.is_good(&quiet));
        finding.noticed = Ok(Noticed { ack_p99_ms: 20.0, history_p99_ms: 200.0 });
        assert!(finding.is_good(&quiet));
        finding.noticed = Ok(Noticed { ack_p99_ms: 20.0, history_p99_ms: 201.0 });
        assert!(!finding.is_good(&quiet));
    }

    #[test]
    fn attacks_are_chosen_by_name() {
        let parse = |line: &str| parse(line.split_whitespace().map(str::to_owned));
        assert_eq!(parse("--seconds 3 silent").unwrap().kinds, ["silent"]);
        assert_eq!(parse("").unwrap().kinds, KINDS);
        assert!(parse("teapots").is_none());
    }
}

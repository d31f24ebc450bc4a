//! The arguments of `cargo xtask conformance`.
//!
//! Owns their names, the usage text and the valid combinations. The result names at least one suite, and has a checkout
//! if a suite needs one.

use std::path::{Path, PathBuf};

use super::autobahn;
use super::suite::SUITES;

pub(super) const USAGE: &str = "\
usage: cargo xtask conformance --suites CHECKOUT [--only NAME]... [--autobahn] [--fixture PROGRAM] [--record FILE]

  --suites CHECKOUT  a checkout of https://github.com/socketio/socket.io, whose tests are run
  --only NAME        only this suite (may be repeated): engine-protocol, socket-protocol,
                     socket-client, engine-client, autobahn
  --autobahn         the Autobahn test suite as well (needs Python 2.7 with pip)
  --fixture PROGRAM  run against the fixtures of this program instead of our own; it is called with
                     the name of a fixture and a port (0: any), and prints `listening on PORT`
  --record FILE      write the result there as well, as a page of Markdown";

/// What the arguments ask for.
#[derive(Debug)]
pub(super) enum Parsed {
    Help,
    Run(Options),
}

/// Valid arguments.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) suites: Option<PathBuf>,
    pub(super) fixture: Option<PathBuf>,
    pub(super) record: Option<PathBuf>,
    only: Vec<String>,
    autobahn: bool,
}

impl Options {
    /// Reads the arguments. The error is a sentence for the person at the terminal.
    pub(super) fn parse(mut args: impl Iterator<Item = String>) -> Result<Parsed, String> {
        let mut options = Self::default();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--help" | "-h" => return Ok(Parsed::Help),
                "--suites" => options.suites = Some(checkout(&value()?)?),
                "--fixture" => options.fixture = Some(absolute(&value()?)?),
                "--record" => options.record = Some(value()?.into()),
                "--only" => options.only.push(name(value()?)?),
                "--autobahn" => options.autobahn = true,
                _ => return Err(format!("unknown argument: {arg}")),
            }
        }
        let needs_checkout = SUITES.iter().any(|suite| options.wants(suite.name));
        if needs_checkout && options.suites.is_none() {
            return Err("--suites is missing".to_owned());
        }
        Ok(Parsed::Run(options))
    }

    /// Whether the suite with this name runs.
    pub(super) fn wants(&self, suite: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == suite)
    }

    /// Whether the Autobahn suite runs: only if it is named, because Python 2.7 is rare.
    pub(super) fn wants_autobahn(&self) -> bool {
        self.autobahn || self.only.iter().any(|name| name == autobahn::NAME)
    }
}

fn name(name: String) -> Result<String, String> {
    if name == autobahn::NAME || SUITES.iter().any(|suite| suite.name == name) {
        Ok(name)
    } else {
        Err(format!("there is no suite {name}"))
    }
}

fn checkout(path: &str) -> Result<PathBuf, String> {
    let root = absolute(path)?;
    match SUITES.iter().find(|suite| !root.join(suite.source).is_dir()) {
        None => Ok(root),
        Some(suite) => {
            Err(format!("{path} is no checkout of socketio/socket.io: it has no {}", suite.source))
        }
    }
}

fn absolute(path: &str) -> Result<PathBuf, String> {
    Path::new(path).canonicalize().map_err(|err| format!("{path}: {err}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Parsed, String> {
        Options::parse(args.iter().map(|&arg| arg.to_owned()))
    }

    #[test]
    fn a_run_of_the_suites_needs_a_checkout() {
        assert_eq!(parse(&[]).expect_err("no checkout was named"), "--suites is missing");
    }

    #[test]
    fn autobahn_alone_needs_no_checkout() {
        let Ok(Parsed::Run(options)) = parse(&["--only", "autobahn"]) else { panic!("not accepted") };
        assert!(options.wants_autobahn());
        assert!(!options.wants("engine-client"));
    }

    #[test]
    fn an_unknown_suite_is_refused() {
        assert_eq!(
            parse(&["--only", "webtransport"]).expect_err("no such suite"),
            "there is no suite webtransport"
        );
    }

    #[test]
    fn a_folder_that_is_no_checkout_is_refused() {
        let message = parse(&["--suites", "/"]).expect_err("not a checkout");
        assert!(message.contains("is no checkout of socketio/socket.io"), "{message}");
    }
}

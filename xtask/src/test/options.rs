//! The arguments of `cargo xtask test`.

use std::num::NonZeroU32;

pub(super) const USAGE: &str = "\
usage: cargo xtask test [--package CRATE] [--name TEXT] [--times N] [FILTER]...

Without arguments, runs everything that CI runs. Otherwise, runs the tests that a FILTER selects, and only builds and
installs what these need. All programs are then debug builds, except for the Debian package.

  FILTER            a file, a folder, or a part of a name:
                      crates/socketio-server/tests/it/rooms.rs, tests/browser/messages, core/outbox   files
                      rooms::many_sockets, outbox     Rust tests with this in their path; files with it in theirs
  -p, --package     only Rust tests of this crate, which is built alone; without a FILTER, all of them but the examples
                    of its documentation
  -t, --name        only tests of web/tests and tests/ whose name matches this pattern
  --times N         runs them N times, and says how often they failed

The last line is `N passed, M failed`, the lines before it name the slowest tests. CONTRIBUTING.md lists the
environment variables.";

/// What to run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) filters: Vec<String>,
    pub(super) package: Option<String>,
    pub(super) name: Option<String>,
    pub(super) times: Option<NonZeroU32>,
}

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Whole,
    Some(Options),
    Help,
    Nonsense,
}

impl Options {
    /// What the arguments ask for.
    pub(super) fn parse(args: impl Iterator<Item = String>) -> Asked {
        let args: Vec<String> = args.collect();
        if args.is_empty() {
            return Asked::Whole;
        }
        if args.iter().any(|arg| ["-h", "--help"].contains(&arg.as_str())) {
            return Asked::Help;
        }
        Self::read(args.into_iter()).map_or(Asked::Nonsense, Asked::Some)
    }

    fn read(mut args: impl Iterator<Item = String>) -> Option<Self> {
        let mut options = Self::default();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-p" | "--package" => options.package = Some(args.next()?),
                "-t" | "--name" => options.name = Some(args.next()?),
                "--times" => options.times = Some(args.next()?.parse().ok()?),
                _ if arg.starts_with('-') => return None,
                _ => options.filters.push(arg),
            }
        }
        // Nothing else says what to run.
        (!options.filters.is_empty() || options.package.is_some()).then_some(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Asked {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn arguments_are_options_and_filters() {
        assert_eq!(parse(""), Asked::Whole);
        let Asked::Some(options) = parse("-p chat decide --times 20 outbox") else { panic!("it is right") };
        assert_eq!(options.filters, ["decide", "outbox"]);
        assert_eq!(options.package.as_deref(), Some("chat"));
        assert_eq!(options.times, NonZeroU32::new(20));
        assert!(matches!(parse("-p chat"), Asked::Some(_)));
        assert_eq!(parse("rooms --help"), Asked::Help);
        for wrong in ["--times 0 a", "--times", "-p", "--name late", "--times 3", "--what"] {
            assert_eq!(parse(wrong), Asked::Nonsense, "{wrong}");
        }
    }
}

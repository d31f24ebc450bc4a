//! What `cargo xtask mutants` is asked to do.

use std::time::{SystemTime, UNIX_EPOCH};

use super::parts::{self, PARTS, Part};

pub(super) const USAGE: &str = "\
usage: cargo xtask mutants [--shards N | --again | --page | --sample [--seed S]] [PART ...]

  Changes the code of the named parts, or of all, in small ways, one at a time, and demands that a test fails. The changes
  of each part are dealt into shards of five to ten minutes. A run measures one shard of each part: one that was never
  measured, or else the oldest. Results are added to xtask/mutants-ledger.json, and docs/mutants.md is written from it.
  --shards N   N shards of each part instead of one
  --again      only the changes that lived, after new tests
  --page       measures nothing and writes docs/mutants.md
  --sample     a few changes, chosen by the date, of parts whose changes are all known; writes nothing
  --seed S     the sample of another day, as its run printed it
  parts: engineio, socketio, chat, chat-sqlite, feed, recovery, worker, http, v1";

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// So many shards of each part.
    Shards(usize),
    /// What lived before.
    Again,
    /// Nothing: the page is written from what is known.
    Page,
    /// The sample with this seed.
    Sample(u64),
}

/// The arguments.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) what: What,
    named: Vec<String>,
}

impl Options {
    pub(super) fn parse(mut args: impl Iterator<Item = String>) -> Option<Self> {
        let mut options = Self { what: What::Shards(1), named: Vec::new() };
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--shards" => options.what = What::Shards(args.next()?.parse().ok()?),
                "--again" => options.what = What::Again,
                "--page" => options.what = What::Page,
                "--sample" => options.what = What::Sample(day()),
                "--seed" if matches!(options.what, What::Sample(_)) => {
                    options.what = What::Sample(args.next()?.parse().ok()?);
                }
                name if PARTS.iter().any(|part| part.name == name) => options.named.push(arg),
                _ => return None,
            }
        }
        Some(options)
    }

    /// The named parts, or all that fit.
    pub(super) fn parts(&self) -> Vec<&'static Part> {
        let is_named = |part: &&Part| self.named.iter().any(|name| name == part.name);
        match self.what {
            _ if !self.named.is_empty() => PARTS.iter().filter(is_named).collect(),
            What::Sample(_) => parts::sampled().collect(),
            What::Shards(_) | What::Again | What::Page => PARTS.iter().collect(),
        }
    }
}

/// Days since 1970.
fn day() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs() / 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<Options> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_seed_belongs_to_a_sample() {
        assert_eq!(parse("--sample --seed 7").unwrap().what, What::Sample(7));
        assert_eq!(parse("--sample").unwrap().what, What::Sample(day()));
        assert!(parse("--seed 7").is_none());
    }

    #[test]
    fn parts_are_chosen_by_name() {
        let names = |line| parse(line).unwrap().parts().iter().map(|part| part.name).collect::<Vec<_>>();
        assert_eq!(names("--shards 3 chat feed"), ["chat", "feed"]);
        assert_eq!(names("").len(), PARTS.len());
        assert_eq!(names("--sample"), parts::sampled().map(|part| part.name).collect::<Vec<_>>());
        assert!(parse("teapot").is_none());
    }
}

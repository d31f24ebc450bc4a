//! The limits of a server: one table, which `tidings limits` prints and `--limit` changes.
//!
//! A row points at a field of the settings. So the table has the values that apply, and a setting changes what it names.

mod list;
mod value;
mod within;

use std::fmt::{self, Write as _};
use std::str::FromStr;

use socketio_server::Config;

pub use self::list::ALL;
use self::value::{Field, Value};
pub use self::within::fault;
use crate::node::{STRANGERS, Settings};
use crate::similar::similar;
use crate::stats::Snapshot;

/// The settings that have limits.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Those of the node.
    pub node: Settings,
    /// Those of the endpoint.
    pub server: Config,
    /// Lines of one kind that the log of the program has in a second.
    pub log_lines_per_second: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        let server = Config { strangers: STRANGERS, ..Config::default() };
        Self { node: Settings::default(), server, log_lines_per_second: 10 }
    }
}

/// What a limit is counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One connection.
    Connection,
    /// One person, on all their connections.
    Person,
    /// A person who came without an invite.
    Guest,
    /// A person whom a member has let in.
    Member,
    /// All connections from one address, or from one /64 of IPv6.
    Address,
    /// One room.
    Room,
    /// Everybody together.
    Process,
}

/// One limit.
#[derive(Clone, Copy)]
pub struct Limit {
    /// What `--limit` calls it.
    pub name: &'static str,
    /// What it is counted for.
    pub scope: Scope,
    /// What happens at it.
    pub effect: &'static str,
    /// How the metrics show it.
    pub seen: Seen,
    field: fn(&mut Bounds) -> Field<'_>,
}

/// How the metrics show a limit.
#[derive(Clone, Copy, Debug)]
pub enum Seen {
    /// How often it was reached.
    Hits(fn(&Snapshot) -> u64),
    /// How much of it is used.
    Budget(fn(&Snapshot) -> u64),
}

/// A limit, and the value that it is given.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    limit: &'static Limit,
    value: Value,
}

/// Why a text changes no limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// There is no such limit; perhaps one like it.
    #[error(
        "there is no limit of that name: {}`tidings limits` lists them all",
        .0.map_or(String::new(), |name| format!("do you mean {name}? "))
    )]
    Name(Option<&'static str>),
    /// There is no `=`.
    #[error("give a limit as NAME=VALUE, such as history-bytes=100000")]
    Shape,
    /// The value is not what the limit needs.
    #[error("give {0}")]
    Value(String),
}

impl Limit {
    /// How much there is of it, if it is a plain number.
    pub(crate) fn count(&self, bounds: &Bounds) -> Option<u64> {
        match self.value(bounds) {
            Value::Count(count) => Some(count),
            Value::Rate(_) | Value::Guesses(_) | Value::Quota(_) | Value::Watermark(_) => None,
        }
    }

    /// What it is in some settings.
    fn value(&self, bounds: &Bounds) -> Value {
        (self.field)(&mut bounds.clone()).value()
    }
}

impl Change {
    /// Changes the settings.
    pub fn apply(&self, bounds: &mut Bounds) {
        (self.limit.field)(bounds).set(self.value);
    }
}

impl FromStr for Change {
    type Err = ChangeError;

    fn from_str(text: &str) -> Result<Self, ChangeError> {
        let (name, value) = text.split_once('=').ok_or(ChangeError::Shape)?;
        let limit = ALL.iter().find(|limit| limit.name == name);
        let limit =
            limit.ok_or_else(|| ChangeError::Name(similar(name, ALL.iter().map(|limit| limit.name))))?;
        let value = (limit.field)(&mut Bounds::default()).parse(value).map_err(ChangeError::Value)?;
        Ok(Self { limit, value })
    }
}

/// The table as Markdown.
pub fn table(bounds: &Bounds) -> String {
    let mut table = String::from("| limit | for each | default | beyond it |\n|---|---|---|---|\n");
    for limit in ALL {
        let Limit { name, scope, effect, .. } = limit;
        let value = limit.value(bounds);
        writeln!(table, "| `{name}` | {scope} | {value} | {effect} |").expect("a string takes everything");
    }
    table
}

/// What the values of the table mean.
pub const LEGEND: &str = "\
5/30: 5 a second, and 30 at once after a rest. Of bad codes: so many at once, and the seconds until one more.
20/day: 20 at once, and as many again in a day. 60/hour/30: 30 at once, and 60 in an hour.
disk-free: percent of the disk, and at least and at most so many MiB.
text-bytes and rooms-joined can be lowered, not raised. 0 switches a rate, a quota, disk-free or member-address-factor off.
Change a limit with --limit NAME=VALUE or TIDINGS_LIMIT; docs/limits.md has more.
";

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connection => "connection",
            Self::Person => "person",
            Self::Guest => "guest",
            Self::Member => "member",
            Self::Address => "address",
            Self::Room => "room",
            Self::Process => "server",
        })
    }
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limit").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

//! [`Record`]: what happened in a run, as the people in it saw it, and a hash that tells two runs apart.
//!
//! Only notes; what it means is for the [checker](crate::checker) to say.

pub mod people;

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

/// A message that somebody typed; an index into [`Record::sent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(pub usize);

/// One life of one page; an index into [`Record::pages`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PageId(pub usize);

/// A stretch of the log's life between two restored backups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Generation(pub usize);

/// What somebody typed.
#[derive(Clone, Debug)]
pub struct Sent {
    /// On which page.
    pub page: PageId,
    /// What.
    pub text: String,
    /// What a right server may do with it.
    pub nature: Nature,
    /// What the page was told.
    pub answer: Answer,
}

/// Whether a message is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// It has to be stored.
    Proper,
    /// Its key has been used for another text before: it may be refused.
    ReusesKey,
    /// It has to be refused.
    Nonsense,
}

/// What a page was told of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing: it may be stored or not.
    None,
    /// It is stored.
    Stored,
    /// It is refused, with this code.
    Refused(String),
}

/// What a page went through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// It joined the namespace.
    Joined {
        /// Whether it was told that it has missed nothing.
        recovered: bool,
        /// Whether it showed a private id.
        returning: bool,
    },
    /// It was shown a message.
    Line {
        /// The epoch in the message's offset.
        epoch: u64,
        /// The position in the message's offset, if it has one.
        position: Option<u64>,
        /// The message's number.
        seq: u64,
        /// The message.
        text: String,
    },
}

/// One life of one page.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// What it went through, in order.
    pub sights: Vec<Sight>,
    /// Closed before the end.
    pub closed: bool,
    /// It knows a number and no offset: it cannot notice that a backup was restored, and its ghosts stay.
    pub bare: bool,
}

/// Everything that a run leaves to be judged.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// All that was typed, in order.
    pub sent: Vec<Sent>,
    /// All pages.
    pub pages: Vec<Page>,
    /// All clients of `/v1`.
    pub people: Vec<people::Person>,
    /// Which generation of the log each epoch belongs to.
    pub epochs: HashMap<u64, Generation>,
    /// What each generation held at its end, and how much of that the next one still had. The last one lasts.
    pub generations: Vec<Truth>,
    /// Names of the commands and requests that people of `/v1` sent.
    pub events: BTreeSet<&'static str>,
    /// Faults and ends, for people to read.
    pub counts: Counts,
    /// Things that must not happen at all and were noticed at once.
    pub complaints: Vec<String>,
    /// A hash of everything with its time.
    pub hash: u64,
    /// The story so far, if somebody wants to read it.
    pub story: Option<String>,
}

/// A generation of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// The entries, in order, at its end: the first one stands at position 1.
    pub log: Vec<Stored>,
    /// How many of them the backup had that was restored then.
    pub kept: u64,
}

/// An entry of the log, with what it says and has ever said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its room; 1 is the lobby.
    pub room: u64,
    /// Its number among the messages of the room.
    pub seq: u64,
    /// Its number among the entries of the room.
    pub rev: u64,
    /// When it was stored.
    pub micros: u128,
    /// The time that it has in the log.
    pub at: u64,
    /// Who of the people of `/v1` has sent it.
    pub sender: Option<Sender>,
    /// The event that it is.
    pub event: &'static str,
    /// What it changes.
    pub what: What,
    /// Its texts, the newest last. All are gone if it was deleted.
    pub versions: Vec<Version>,
}

/// Who has sent a command, and as which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The person.
    pub user: u64,
    /// The outbox.
    pub device: String,
    /// The number.
    pub n: u64,
}

/// A text, and since when it is not to be read any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The text.
    pub text: String,
    /// When it was edited or deleted.
    pub gone: Option<u128>,
}

/// What an entry does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Somebody says something.
    Message,
    /// The message with this number is edited or deleted.
    Changed {
        /// Which.
        seq: u64,
    },
    /// The room exists.
    Opened {
        /// Whether everybody may read it.
        is_public: bool,
        /// Who is in it.
        members: Vec<u64>,
    },
    /// Somebody comes in.
    Joined(u64),
    /// Somebody leaves or is removed.
    Left(u64),
    /// Nothing that matters here.
    Other,
}

/// The room that everybody is in.
pub const LOBBY: u64 = 1;

impl Truth {
    /// Messages of the lobby, in order, with their positions: number 1 comes first.
    pub fn lobby(&self) -> Vec<(u64, &Stored)> {
        let entries = (1..).zip(&self.log);
        entries.filter(|(_, entry)| entry.room == LOBBY && entry.what == What::Message).collect()
    }

    /// The entry at a position.
    pub fn at(&self, position: u64) -> Option<&Stored> {
        self.log.get(usize::try_from(position).ok()?.checked_sub(1)?)
    }
}

impl Stored {
    /// Whether nothing can be read of a message any more.
    pub fn is_deleted(&self) -> bool {
        self.versions.iter().all(|version| version.gone.is_some())
    }
}

/// How much happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Starts of the server.
    pub starts: u64,
    /// Times it was killed.
    pub crashes: u64,
    /// Times it was stopped in order.
    pub restarts: u64,
    /// Backups restored.
    pub restores: u64,
    /// Connections opened.
    pub connections: u64,
    /// Connections that joined recovered.
    pub recovered: u64,
    /// Polling connections that went on by WebSocket.
    pub upgrades: u64,
    /// Faults of the network.
    pub link_faults: u64,
    /// Messages given up by their page after its last retry.
    pub given_up: u64,
    /// Commands of people of `/v1` that were answered.
    pub commands: u64,
    /// Connections of `/v1` that went on from a cursor.
    pub resumed: u64,
    /// Entries that people asked for because they had missed them.
    pub refilled: u64,
}

impl Record {
    /// Adds to the hash and the story.
    pub(crate) fn note(&mut self, micros: u128, what: std::fmt::Arguments<'_>) {
        let mut line = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(line, "{:>9}.{:06} {what}", micros / 1_000_000, micros % 1_000_000);
        for byte in line.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if let Some(story) = &mut self.story {
            story.push_str(&line);
        }
    }
}

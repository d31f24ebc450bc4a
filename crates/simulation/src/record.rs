//! [`Record`]: what happened in a run, as the people in it saw it, and a hash that tells two runs apart.
//!
//! Only notes; what it means is for the [checker](crate::checker) to say.

use std::collections::HashMap;
use std::fmt::Write as _;

/// A message that somebody typed; an index into [`Record::sent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(pub usize);

/// One life of one page; an index into [`Record::pages`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PageId(pub usize);

/// A stretch of the log's life between two restored backups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
        /// The position in the message's offset.
        position: u64,
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
    /// Which generation of the log each epoch belongs to.
    pub epochs: HashMap<u64, Generation>,
    /// What each generation held at its end, and how much of that the next one still had. The last one lasts.
    pub generations: Vec<Truth>,
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
    /// The messages, in order, at its end.
    pub texts: Vec<String>,
    /// How many of them the backup had that was restored then.
    pub kept: u64,
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

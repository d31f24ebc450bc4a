//! [`Record`]: what happened in a run, as the people in it saw it, and a hash to compare runs.
//!
//! It judges nothing; that is the [checker](crate::checker)'s work.

pub mod people;
pub mod siege;

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

/// A message that somebody typed; an index into [`Record::sent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(pub usize);

/// One life of one page; an index into [`Record::pages`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PageId(pub usize);

/// The life of the log between two restored backups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Generation(pub usize);

/// A message that somebody typed.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The page on which it was typed.
    pub page: PageId,
    /// The text.
    pub text: String,
    /// What a correct server may do with it.
    pub nature: Nature,
    /// The answer that the page got.
    pub answer: Answer,
}

/// Whether a correct server stores a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// It must be stored.
    Proper,
    /// Its key was used for another text before: it may be refused.
    ReusesKey,
    /// It must be refused.
    Nonsense,
}

/// The answer to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// No answer: it may be stored or not.
    None,
    /// It is stored.
    Stored,
    /// It is refused, with this code.
    Refused(String),
}

/// Something that a page saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// It joined the namespace.
    Joined {
        /// Whether the server said that nothing is missing.
        recovered: bool,
        /// Whether the page presented a private id.
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
        /// The text of the message.
        text: String,
    },
}

/// One life of one page.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// What it saw, in order.
    pub sights: Vec<Sight>,
    /// Whether it was closed before the end of the run.
    pub closed: bool,
    /// Whether it knows a number but no offset. It cannot notice a restored backup, and keeps showing lost messages.
    pub bare: bool,
}

/// Everything that a run leaves to be judged.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// All typed messages, in order.
    pub sent: Vec<Sent>,
    /// All pages.
    pub pages: Vec<Page>,
    /// All clients of `/v1`.
    pub people: Vec<people::Person>,
    /// The generation of the log that each epoch belongs to.
    pub epochs: HashMap<u64, Generation>,
    /// The entries of each generation at its end, and how many of them the next one kept. The last one is current.
    pub generations: Vec<Truth>,
    /// Everything that people of `/v1` said of their typing.
    pub typed: Vec<people::Typed>,
    /// Every read pointer that was asked for: the user, the room, and the last message.
    pub reads: BTreeSet<(u64, u64, u64)>,
    /// The users who are connected at the end; `None` if there are several nodes, of which each knows its own.
    pub connected: Option<BTreeSet<u64>>,
    /// Names of the commands and requests that people of `/v1` sent.
    pub events: BTreeSet<&'static str>,
    /// Whether several nodes served the log: one may lag behind the other.
    pub is_of_several: bool,
    /// Those to whom limits apply, in a world with limits.
    pub siege: Option<siege::Siege>,
    /// What the server still had when all clients had gone, and should not have.
    pub leftovers: Vec<String>,
    /// Counts of faults and other events, for people to read.
    pub counts: Counts,
    /// Rules that were broken and noticed at once.
    pub complaints: Vec<String>,
    /// How many lines the story has, kept or not.
    pub lines: u64,
    /// Sign-ins that were ended and acked: the generation, the position of the entry, and when the ack came.
    pub sign_outs: Vec<(Generation, u64, u128)>,
    /// A hash of every event with its time.
    pub hash: u64,
    /// The story so far, if it is kept.
    pub story: Option<String>,
}

/// A generation of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// The entries at its end, in order. The first is at position 1.
    pub log: Vec<Stored>,
    /// How many of them the backup had that was restored then.
    pub kept: u64,
}

/// An entry of the log, with its effect and all its texts.
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
    /// The time in the entry itself.
    pub at: u64,
    /// The person of `/v1` who sent it; `None` for clients of the tutorial.
    pub sender: Option<Sender>,
    /// The name of its event.
    pub event: &'static str,
    /// Its effect.
    pub what: What,
    /// Its texts, the newest last. A deleted message has none that is still valid.
    pub versions: Vec<Version>,
}

/// The sender of a command, with its device and number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The user id.
    pub user: u64,
    /// The device.
    pub device: String,
    /// The number among the commands of the device.
    pub n: u64,
}

/// A text, and when it became invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The text.
    pub text: String,
    /// When it was edited or deleted.
    pub gone: Option<u128>,
}

/// The effect of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A message.
    Message,
    /// A message is edited or deleted.
    Changed {
        /// The `seq` of the message.
        seq: u64,
    },
    /// A room is created.
    Opened {
        /// Whether everybody may read it.
        is_public: bool,
        /// The first members.
        members: Vec<u64>,
    },
    /// Somebody joins.
    Joined(u64),
    /// Somebody leaves or is removed.
    Left(u64),
    /// A person has one more sign-in; another one may end for it.
    SignedIn {
        /// The user.
        user: u64,
        /// The sign-in.
        id: String,
        /// The one that ended.
        ended: Option<String>,
    },
    /// Sign-ins of a person end.
    SignedOut {
        /// The user.
        user: u64,
        /// The sign-ins.
        ids: Vec<String>,
    },
    /// Anything that the checker does not look at.
    Other,
}

/// The lobby, which everybody is in.
pub const LOBBY: u64 = 1;

impl Truth {
    /// The messages of the lobby with their positions, in order. The first has number 1.
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
    /// Whether a message has no valid text any more.
    pub fn is_deleted(&self) -> bool {
        self.versions.iter().all(|version| version.gone.is_some())
    }
}

/// Counts of what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Starts of the server.
    pub starts: u64,
    /// Kills of the server.
    pub crashes: u64,
    /// Orderly stops of the server.
    pub restarts: u64,
    /// Restored backups.
    pub restores: u64,
    /// Connections opened.
    pub connections: u64,
    /// Connections that recovered.
    pub recovered: u64,
    /// Upgrades from polling to WebSocket.
    pub upgrades: u64,
    /// Faults of the network.
    pub link_faults: u64,
    /// Messages that their page gave up after its last retry.
    pub given_up: u64,
    /// Answered commands of people of `/v1`.
    pub commands: u64,
    /// Connections to `/v1` that resumed from a cursor.
    pub resumed: u64,
    /// Missed entries that people requested.
    pub refilled: u64,
    /// Connections to another node than the one before.
    pub moves: u64,
    /// Batches that were decided anew, because the other node had appended.
    pub overtaken: u64,
}

impl Record {
    /// Adds a line to the hash and the story.
    pub(crate) fn note(&mut self, micros: u128, what: std::fmt::Arguments<'_>) {
        let mut line = String::new();
        self.lines += 1;
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

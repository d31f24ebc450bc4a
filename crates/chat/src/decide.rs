//! The decisions: what becomes of each draft of a batch, given the log and the drafts before it.
//!
//! Pure but for the lookups. A decision changes nothing until its batch is appended, so a batch that was rolled back
//! leaves no trace here either. The order of the rules is the promise: a known key gets its original result before
//! any limit is asked, hence a retry is answered the same even when it would be refused today.

mod device;

use std::collections::HashMap;

use crate::delivery::{Outcome, Refusal};
use crate::device::{Answered, Counted, Device, Spent, SpentOn};
use crate::entry::{Author, Command, Draft, Entry, Identity, Kind};
use crate::ids::{CommandNumber, Lineage, Position, RoomId};
use crate::key::ClientKey;
use crate::log::{Log, Lookup, Placed, ReadError, Record, RoomNumbers};
use crate::planted::{self, Bug};
use crate::text::{ContentHash, Text};
use device::{Counts, Turn};

/// What this server takes, at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longer texts are refused with `too_large`.
    pub text_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { text_bytes_max: Text::BYTES_MAX }
    }
}

/// A decided batch: what is to be appended, and the answers once it is.
#[derive(Debug)]
pub struct Decided {
    /// To be appended, numbered.
    pub records: Vec<Record>,
    /// One for each draft, in order. Valid only when `records` are durable.
    pub outcomes: Vec<Outcome>,
}

/// Decides `drafts` in order, each against the state that those before it leave behind.
pub fn decide<'a, L: Log + ?Sized>(
    log: &mut L,
    limits: Limits,
    drafts: impl IntoIterator<Item = &'a Draft>,
) -> Result<Decided, ReadError> {
    let drafts: Vec<_> = drafts.into_iter().map(Considered::new).collect();
    let lookups: Vec<_> = drafts.iter().flat_map(Considered::lookups).collect();
    let mut found = log.find(&lookups)?.into_iter();
    let asked: Vec<_> = drafts.iter().filter_map(Considered::counted).collect();
    let mut counted = if asked.is_empty() { Vec::new() } else { log.find_by_device(&asked)? }.into_iter();
    let mut batch = Batch {
        head: log.head(),
        records: Vec::with_capacity(drafts.len()),
        rooms: HashMap::new(),
        by_lineage: HashMap::new(),
        by_content: HashMap::new(),
        by_device: Counts::default(),
    };
    let mut outcomes = Vec::with_capacity(drafts.len());
    for draft in drafts {
        outcomes.push(match draft.sender {
            Sender::Page(keys) => {
                let in_log = InLog {
                    own: keys.own.and_then(|_| found.next().flatten()),
                    anybodys: keys.anybodys.and_then(|_| found.next().flatten()),
                };
                batch.decide_by_key(log, limits, &draft, keys, in_log)?
            }
            Sender::Device { device, n } => {
                let in_log = counted.next().unwrap_or_default();
                batch.decide_by_number(log, limits, &draft, (device, n), in_log)?
            }
        });
    }
    Ok(Decided { records: batch.records, outcomes })
}

/// A draft with what it is recognised by.
struct Considered<'a> {
    draft: &'a Draft,
    content: ContentHash,
    sender: Sender<'a>,
}

#[derive(Clone, Copy)]
enum Sender<'a> {
    Page(Keys<'a>),
    Device { device: Device, n: CommandNumber },
}

#[derive(Clone, Copy)]
struct Keys<'a> {
    /// The key within its lineage.
    own: Option<(Lineage, &'a ClientKey)>,
    /// The key beyond its lineage, where it counts together with the content. A weak key does not.
    anybodys: Option<&'a ClientKey>,
}

impl<'a> Considered<'a> {
    fn new(draft: &'a Draft) -> Self {
        let content = match &draft.command {
            Command::Say { room, text } => ContentHash::of_message(*room, text),
            Command::Skip => ContentHash::NOTHING,
        };
        let sender = match &draft.identity {
            Identity::Lineage { lineage, key } => {
                let key = key.as_ref();
                let lineage = if planted::is(Bug::SharesKeys) { &Some(Lineage([0; 16])) } else { lineage };
                Sender::Page(Keys { own: lineage.zip(key), anybodys: key.filter(|key| is_believed(key)) })
            }
            Identity::Device { device, n } => Sender::Device { device: *device, n: *n },
        };
        Self { draft, content, sender }
    }

    /// What the log is asked, `own` first.
    fn lookups(&self) -> impl Iterator<Item = Lookup<'a>> + use<'a> {
        let keys = match self.sender {
            Sender::Page(keys) => keys,
            Sender::Device { .. } => Keys { own: None, anybodys: None },
        };
        let own = keys.own.map(|(lineage, key)| Lookup::InLineage { lineage, key });
        let content = self.content;
        own.into_iter().chain(keys.anybodys.map(|key| Lookup::ByContent { key, content }))
    }

    /// The command of a device that the log is asked for.
    fn counted(&self) -> Option<(Device, CommandNumber)> {
        match self.sender {
            Sender::Page(_) => None,
            Sender::Device { device, n } => Some((device, n)),
        }
    }
}

/// What the log has found for a draft.
#[derive(Clone, Copy)]
struct InLog {
    own: Option<Placed>,
    anybodys: Option<Placed>,
}

/// What the drafts decided so far add to the log.
struct Batch<'a> {
    head: Position,
    records: Vec<Record>,
    rooms: HashMap<RoomId, RoomNumbers>,
    by_lineage: HashMap<(Lineage, &'a ClientKey), Placed>,
    by_content: HashMap<(&'a ClientKey, ContentHash), Placed>,
    by_device: Counts,
}

impl<'a> Batch<'a> {
    fn decide_by_key<L: Log + ?Sized>(
        &mut self,
        log: &mut L,
        limits: Limits,
        draft: &Considered<'a>,
        keys: Keys<'a>,
        in_log: InLog,
    ) -> Result<Outcome, ReadError> {
        if let Some(earlier) = self.earlier(draft, keys, in_log) {
            return Ok(if earlier.content == draft.content || planted::is(Bug::AnswersConflictsAsStored) {
                Outcome::Repeated { position: earlier.position, seq: earlier.seq }
            } else {
                Outcome::Refused(Refusal::Conflict)
            });
        }
        let (room, text) = match judge(limits, draft.draft) {
            Verdict::Store { room, text } => (room, text),
            Verdict::Spend(on) => return Ok(on.outcome()),
        };
        let placed = self.place(log, draft, room, text)?;
        if let Some(own) = keys.own {
            self.by_lineage.insert(own, placed);
        }
        if let Some(key) = keys.anybodys {
            self.by_content.entry((key, draft.content)).or_insert(placed);
        }
        Ok(Outcome::Stored { position: placed.position, seq: placed.seq })
    }

    /// What was sent before under the draft's key.
    ///
    /// Within a lineage, that is whatever bears the key. Across lineages a key is only believed together with the
    /// same content, so that nobody who learns or guesses a key can swallow another's text, and not at all if it is
    /// of the weak form that everybody makes.
    fn earlier(&self, draft: &Considered<'a>, keys: Keys<'a>, in_log: InLog) -> Option<Placed> {
        if planted::is(Bug::ForgetsKeysOfBatch) {
            return in_log.own.or(in_log.anybodys);
        }
        in_log
            .own
            .or_else(|| self.by_lineage.get(&keys.own?).copied())
            .or(in_log.anybodys)
            .or_else(|| self.by_content.get(&(keys.anybodys?, draft.content)).copied())
    }

    /// Whatever becomes of a command in its turn uses up its number, a refusal as well: those behind it do not wait.
    fn decide_by_number<L: Log + ?Sized>(
        &mut self,
        log: &mut L,
        limits: Limits,
        draft: &Considered<'a>,
        (device, n): (Device, CommandNumber),
        in_log: Counted,
    ) -> Result<Outcome, ReadError> {
        match self.by_device.turn(device, n, in_log) {
            Turn::Next => {}
            Turn::Ahead { expected } => return Ok(Outcome::Expected { n: expected }),
            Turn::Past(earlier) => return Ok(again(&draft.draft.command, draft.content, earlier)),
        }
        let content = draft.content;
        match judge(limits, draft.draft) {
            Verdict::Store { room, text } => {
                let Placed { position, seq, .. } = self.place(log, draft, room, text)?;
                let outcome = Outcome::Repeated { position, seq };
                self.by_device.count(device, n, Answered { content, outcome });
                Ok(Outcome::Stored { position, seq })
            }
            Verdict::Spend(on) => {
                self.records.push(Record::Spent(Spent { device, n, content, on, at: draft.draft.at }));
                self.by_device.count(device, n, Answered { content, outcome: on.outcome() });
                Ok(on.outcome())
            }
        }
    }

    fn place<L: Log + ?Sized>(
        &mut self,
        log: &mut L,
        considered: &Considered<'a>,
        room: RoomId,
        text: &Text,
    ) -> Result<Placed, ReadError> {
        let Considered { draft, content, .. } = *considered;
        let before = match self.rooms.get(&room) {
            Some(numbers) => *numbers,
            None => log.room(room)?,
        };
        let numbers = RoomNumbers { seq: before.seq.next(), rev: before.rev.next() };
        self.rooms.insert(room, numbers);
        self.head = self.head.next();
        let entry = Entry {
            position: self.head,
            room,
            seq: numbers.seq,
            rev: numbers.rev,
            at: draft.at,
            author: author_of(draft),
            kind: Kind::Message { text: text.clone() },
        };
        self.records.push(Record::Entry { entry, key: draft.identity.key().cloned(), content });
        Ok(Placed { position: self.head, seq: numbers.seq, content })
    }
}

/// What becomes of a command that was never seen before.
enum Verdict<'a> {
    Store { room: RoomId, text: &'a Text },
    Spend(SpentOn),
}

fn judge(limits: Limits, draft: &Draft) -> Verdict<'_> {
    match &draft.command {
        Command::Say { text, .. } if text.len() > limits.text_bytes_max => {
            Verdict::Spend(SpentOn::Refusal(Refusal::TooLarge))
        }
        Command::Say { room, text } => Verdict::Store { room: *room, text },
        Command::Skip => Verdict::Spend(SpentOn::Skip),
    }
}

/// The answer to a command whose number is used up.
fn again(command: &Command, content: ContentHash, earlier: Option<Answered>) -> Outcome {
    match (command, earlier) {
        // Nothing of the sender's can be swallowed by this answer: it says that it was too late to cancel.
        (Command::Skip, Some(earlier)) => earlier.outcome,
        (Command::Say { .. }, Some(earlier)) if earlier.content == content => earlier.outcome,
        (Command::Say { .. }, Some(_)) | (_, None) => Outcome::Refused(Refusal::Conflict),
    }
}

/// Whether a key counts beyond its lineage.
fn is_believed(key: &ClientKey) -> bool {
    !key.is_weak() || planted::is(Bug::BelievesWeakKeys)
}

fn author_of(draft: &Draft) -> Option<Author> {
    match draft.identity.author() {
        Some(Author::Lineage(_)) if planted::is(Bug::SharesKeys) => Some(Author::Lineage(Lineage([0; 16]))),
        author => author,
    }
}

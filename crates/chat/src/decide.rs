//! The decisions: what happens to each draft of a batch, given the log and the drafts before it.
//!
//! Pure except for look-ups. A decision changes nothing until its batch is appended, so a batch that was rolled back
//! leaves no trace here. The order of the rules matters: a known key gets its original result before rights and limits
//! are checked, so a retry gets the same answer even if it would be refused today.

mod batch;
mod device;
mod judge;
#[cfg(test)]
mod prefetched;

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::command::{Command, Draft, Identity};
use crate::device::Device;
use crate::directory::Directory;
use crate::entry::Kind;
use crate::hash::ContentHash;
use crate::ids::{CommandNumber, Lineage, RoomId, Seq, UserId};
use crate::key::ClientKey;
use crate::log::{Log, Lookup, Placed, ReadError, Record};
use crate::outcome::{Outcome, Receipt, Refusal};
use crate::planted::{self, Bug};
use crate::pointer::ReadPointer;
use crate::rare::{self, Rare};
use crate::spent::{Answered, Counted, KeptContent, Spent, SpentOn};
use crate::stats::LimitHit;
use crate::text::Text;
use batch::DecidedBatch;
use device::Turn;
use judge::{Bounds, Verdict, judge, judge_page, judge_reading, judge_sign_in};

/// What this server takes, at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longer texts are refused with `too_large`.
    pub text_bytes_max: usize,
    /// Rooms that one person has joined or opened by themselves, and is still a member of.
    pub rooms_joined_max: usize,
    /// People in a direct conversation.
    pub direct_members_max: usize,
    /// Members of a private room.
    pub private_members_max: usize,
    /// Rooms of all kinds.
    pub rooms_max: usize,
    /// The part of them beyond which guests create no more.
    pub rooms_for_guests_percent: usize,
    /// Sign-ins of one person. One more ends the oldest.
    pub sign_ins_max: usize,
}

impl Limits {
    /// Those of a server that is not told otherwise.
    pub const DEFAULT: Self = Self {
        text_bytes_max: Text::BYTES_MAX,
        rooms_joined_max: 1000,
        direct_members_max: 20,
        private_members_max: 10_000,
        rooms_max: 100_000,
        rooms_for_guests_percent: 75,
        sign_ins_max: 100,
    };

    /// With so many rooms, guests create no more.
    pub(crate) fn rooms_for_guests(&self) -> usize {
        self.rooms_max.saturating_mul(self.rooms_for_guests_percent) / 100
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A decided batch: the records to append, and the answers once they are stored.
#[derive(Debug)]
pub struct Decided {
    /// To be appended, numbered.
    pub records: Vec<Record>,
    /// One for each draft, in order. Valid only when `records` are durable.
    pub outcomes: Vec<Outcome>,
    /// People and rooms as `records` make them. Valid only when they are durable.
    pub directory: Directory,
    /// The bounds for which drafts were refused.
    pub limits_hit: Vec<LimitHit>,
}

/// Whether records may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// What has to be stored can be stored.
    Open,
    /// The log is read-only: whatever would need a record is answered [`Outcome::StorageFull`]. Repeats get their results.
    ReadOnly,
}

/// Decides `drafts` in order, each against the state that those before it leave behind. `directory` is what the log says.
pub fn decide<'a, L: Log + ?Sized>(
    log: &mut L,
    directory: &Directory,
    limits: Limits,
    storage: Storage,
    drafts: impl IntoIterator<Item = &'a Draft>,
) -> Result<Decided, ReadError> {
    let drafts: Vec<_> = drafts.into_iter().map(Considered::new).collect();
    let lookups: Vec<_> = drafts.iter().flat_map(Considered::lookups).collect();
    let mut found = log.find(&lookups)?.into_iter();
    let asked: Vec<_> = drafts.iter().filter_map(Considered::counted).collect();
    let mut counted = if asked.is_empty() { Vec::new() } else { log.find_by_device(&asked)? }.into_iter();
    let commands = || drafts.iter().map(|draft| &draft.draft.command);
    let rooms: BTreeSet<_> = commands().filter_map(Command::room).collect();
    let messages: BTreeSet<_> = commands().filter_map(Command::target).collect();
    log.prefetch(&Vec::from_iter(rooms), &Vec::from_iter(messages))?;
    let batch = DecidedBatch::new(log.head(), directory.clone(), drafts.len());
    let limits_hit = RefCell::default();
    let mut deciding = Deciding { log, limits, storage, batch, before: directory, limits_hit };
    let mut outcomes = Vec::with_capacity(drafts.len());
    for draft in &drafts {
        outcomes.push(match draft.sender {
            Sender::Page(keys) => {
                let in_log = InLog {
                    own: keys.own.and_then(|_| found.next().flatten()),
                    anybodys: keys.anybodys.and_then(|_| found.next().flatten()),
                };
                deciding.by_key(draft, keys, in_log)?
            }
            Sender::Device { device, n } => {
                let in_log = counted.next().unwrap_or_default();
                deciding.by_number(draft, (device, n), in_log)?
            }
            Sender::User(user) => deciding.by_user(draft, user)?,
        });
    }
    let limits_hit = deciding.limits_hit.into_inner();
    let DecidedBatch { records, directory, .. } = deciding.batch;
    debug_assert!(storage == Storage::Open || records.is_empty() || planted::is(Bug::UsesUpNumbersWhenFull));
    Ok(Decided { records, outcomes, directory, limits_hit })
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
    User(UserId),
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
        let sender = match &draft.identity {
            Identity::Lineage { lineage, key } => {
                let key = key.as_ref();
                let lineage = if planted::is(Bug::SharesKeys) { &Some(Lineage([0; 16])) } else { lineage };
                Sender::Page(Keys { own: lineage.zip(key), anybodys: key.filter(|key| is_believed(key)) })
            }
            Identity::Device { device, n } => Sender::Device { device: *device, n: *n },
            Identity::User(user) => Sender::User(*user),
        };
        Self { draft, content: ContentHash::of(&draft.command), sender }
    }

    /// What the log is asked, `own` first.
    fn lookups(&self) -> impl Iterator<Item = Lookup<'a>> + use<'a> {
        let keys = match self.sender {
            Sender::Page(keys) => keys,
            Sender::Device { .. } | Sender::User(_) => Keys { own: None, anybodys: None },
        };
        let own = keys.own.map(|(lineage, key)| Lookup::InLineage { lineage, key });
        let content = self.content;
        own.into_iter().chain(keys.anybodys.map(|key| Lookup::ByContent { key, content }))
    }

    /// The command of a device that the log is asked for.
    fn counted(&self) -> Option<(Device, CommandNumber)> {
        match self.sender {
            Sender::Page(_) | Sender::User(_) => None,
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

/// A batch that is being decided.
struct Deciding<'a, 'l, L: ?Sized> {
    log: &'l mut L,
    limits: Limits,
    storage: Storage,
    batch: DecidedBatch<'a>,
    /// The directory of the log before the batch.
    before: &'l Directory,
    limits_hit: RefCell<Vec<LimitHit>>,
}

impl<'a, L: Log + ?Sized> Deciding<'a, '_, L> {
    fn by_key(
        &mut self,
        draft: &Considered<'a>,
        keys: Keys<'a>,
        in_log: InLog,
    ) -> Result<Outcome, ReadError> {
        if let Some(earlier) = self.earlier(draft, keys, in_log) {
            let is_known = earlier.content == draft.content;
            rare::reached(if is_known { Rare::KeyRepeated } else { Rare::Conflict });
            return Ok(if is_known || planted::is(Bug::AnswersConflictsAsStored) {
                Outcome::Repeated(earlier.receipt)
            } else {
                Outcome::Refused(Refusal::Conflict)
            });
        }
        let verdict = judge_page(&self.limits, &draft.draft.command).within(draft.draft.over_quota);
        let receipt = match verdict {
            Verdict::Store { .. } if self.storage == Storage::ReadOnly => return Ok(Outcome::StorageFull),
            Verdict::Store { room, kind } => self.place(draft, room, kind)?,
            Verdict::Spend(on) => return Ok(on.outcome()),
        };
        let placed = Placed { receipt, content: draft.content };
        if let Some(own) = keys.own {
            self.batch.by_lineage.insert(own, placed);
        }
        if let Some(key) = keys.anybodys {
            self.batch.by_content.entry((key, draft.content)).or_insert(placed);
        }
        Ok(Outcome::Stored(receipt))
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
            .or_else(|| self.batch.by_lineage.get(&keys.own?).copied())
            .or(in_log.anybodys)
            .or_else(|| self.batch.by_content.get(&(keys.anybodys?, draft.content)).copied())
    }

    /// Whatever becomes of a command in its turn uses up its number, a refusal as well: those behind it do not wait.
    fn by_number(
        &mut self,
        draft: &Considered<'a>,
        (device, n): (Device, CommandNumber),
        in_log: Counted,
    ) -> Result<Outcome, ReadError> {
        if self.storage == Storage::ReadOnly && planted::is(Bug::ForgetsResultsWhenFull) {
            return Ok(Outcome::StorageFull);
        }
        match self.batch.by_device.turn(device, n, in_log) {
            Turn::Next => {}
            Turn::Ahead { expected } => {
                rare::reached(Rare::NumberAhead);
                return Ok(Outcome::Expected { n: expected });
            }
            Turn::Past(earlier) => return Ok(again(&draft.draft.command, draft.content, earlier)),
        }
        let content = draft.content;
        if self.storage == Storage::ReadOnly {
            rare::reached(Rare::AnsweredFull);
            if planted::is(Bug::UsesUpNumbersWhenFull) {
                let on = SpentOn::Skip;
                self.batch.records.push(Record::Spent(Spent { device, n, content, on, at: draft.draft.at }));
                self.batch.by_device.count(device, n, answered(content, on.outcome()));
            }
            return Ok(Outcome::StorageFull);
        }
        match self.judge(device.user, &draft.draft.command)?.within(draft.draft.over_quota) {
            Verdict::Store { room, kind } => {
                let receipt = self.place(draft, room, kind)?;
                self.batch.by_device.count(device, n, answered(content, Outcome::Repeated(receipt)));
                Ok(Outcome::Stored(receipt))
            }
            Verdict::Spend(on) if planted::is(Bug::ForgetsSpent) => Ok(on.outcome()),
            Verdict::Spend(on) => {
                self.batch.records.push(Record::Spent(Spent { device, n, content, on, at: draft.draft.at }));
                self.batch.by_device.count(device, n, answered(content, on.outcome()));
                Ok(on.outcome())
            }
        }
    }

    fn judge(&mut self, user: UserId, command: &Command) -> Result<Verdict, ReadError> {
        let standing = match command.target() {
            Some((room, seq)) => self.batch.standing(self.log, room, seq)?,
            None => None,
        };
        let directory = if planted::is(Bug::JudgesByThePast) { self.before } else { &self.batch.directory };
        let bounds = Bounds { limits: &self.limits, hit: &self.limits_hit };
        Ok(judge(directory, bounds, user, command, standing.as_ref()))
    }

    /// What may be done twice, and so needs no identity.
    fn by_user(&mut self, draft: &Considered<'a>, user: UserId) -> Result<Outcome, ReadError> {
        match &draft.draft.command {
            Command::SignIn { .. } => self.sign_in(draft, user),
            // Anything else is refused there.
            _ => self.read(draft, user),
        }
    }

    fn sign_in(&mut self, draft: &Considered<'a>, user: UserId) -> Result<Outcome, ReadError> {
        let room = RoomId::PERSONAL;
        let bounds = Bounds { limits: &self.limits, hit: &self.limits_hit };
        match judge_sign_in(&self.batch.directory, bounds, user, &draft.draft.command) {
            Err(refusal) => Ok(Outcome::Refused(refusal)),
            Ok(None) => Ok(Outcome::Already { room }),
            Ok(Some(_)) if self.storage == Storage::ReadOnly => Ok(Outcome::StorageFull),
            Ok(Some(kind)) => Ok(Outcome::Stored(self.place(draft, room, kind)?)),
        }
    }

    /// A pointer only moves forward.
    fn read(&mut self, draft: &Considered<'a>, user: UserId) -> Result<Outcome, ReadError> {
        let (room, asked) = match judge_reading(&self.batch.directory, user, &draft.draft.command) {
            Ok(reading) => reading,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let last = self.batch.numbers(self.log, room)?.seq;
        let before = self.batch.directory.read(user, room);
        let seq = asked.min(last).max(before);
        let (seq, before) =
            if planted::is(Bug::MovesPointersBack) { (asked, Seq::ZERO) } else { (seq, before) };
        if seq > before && self.storage == Storage::ReadOnly {
            return Ok(Outcome::StorageFull);
        }
        if seq > before {
            self.batch.read(ReadPointer { user, room, seq });
        }
        Ok(Outcome::Read { room, seq })
    }

    fn place(&mut self, considered: &Considered<'a>, room: RoomId, kind: Kind) -> Result<Receipt, ReadError> {
        let standing = match kind.target() {
            Some(seq) => self.batch.standing(self.log, room, seq)?,
            None => None,
        };
        if let Some(standing) = standing {
            self.batch.rewrite(standing, &kind);
        }
        let before = self.batch.numbers(self.log, room)?;
        Ok(self.batch.place(considered.draft, considered.content, before, room, kind))
    }
}

fn answered(content: ContentHash, outcome: Outcome) -> Answered {
    Answered { content: KeptContent::Hash(content), outcome }
}

/// The answer to a command whose number is used up.
fn again(command: &Command, content: ContentHash, earlier: Option<Answered>) -> Outcome {
    match earlier {
        // Nothing of the sender's can be swallowed by this answer: it says that it was too late to cancel.
        Some(earlier) if *command == Command::Skip || earlier.content.is_of(content) => {
            rare::reached(Rare::NumberRepeated);
            earlier.outcome
        }
        Some(_) | None => {
            rare::reached(Rare::Conflict);
            Outcome::Refused(Refusal::Conflict)
        }
    }
}

/// Whether a key counts beyond its lineage.
fn is_believed(key: &ClientKey) -> bool {
    !key.is_weak() || planted::is(Bug::BelievesWeakKeys)
}

#[cfg(test)]
mod tests;

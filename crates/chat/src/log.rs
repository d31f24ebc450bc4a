//! The contract between the domain and whatever keeps the log: a writer, used by one thread, and readers.
//!
//! The log is the truth. It promises durability and a total order; it decides nothing: numbers are assigned and
//! repeats are recognised above it, by [`decide`](crate::decide()), so that every backend behaves alike. It does
//! not know who listens. The `conformance` suite is this page in executable form.

use crate::device::Device;
use crate::entry::{Author, Entry, Kind, UnixMillis};
use crate::epochs::Epochs;
use crate::hash::ContentHash;
use crate::ids::{CommandNumber, Lineage, Position, Rev, RoomId, Seq, UserId};
use crate::key::ClientKey;
use crate::outcome::Receipt;
use crate::pointer::ReadPointer;
use crate::signing::SigningKeys;
use crate::spent::{Counted, Spent};

/// The writer's side of one log. A backend lets one write at a time, and opening a second writer fails; or it lets several
/// write ([`writers`](Self::writers)), each of which decides at the head that it knows of and appends at that head alone.
///
/// Opening a log makes everything that it will show durable first and begins a new epoch, also durably: what a
/// reader of this log has seen, no crash takes back. A writer that joins others begins none.
pub trait Log: Send {
    /// Whether others may write to the log as long as it is open.
    fn writers(&self) -> Writers {
        Writers::One
    }

    /// Goes on to everything that others have appended. From now on [`head`](Self::head), lookups and appends are of that
    /// moment.
    fn catch_up(&mut self) -> Result<CaughtUp, ReadError> {
        Ok(CaughtUp { head: self.head(), pointers: Vec::new() })
    }

    /// The position of the last committed entry that this writer knows of: a value at hand, which waits for nothing.
    fn head(&self) -> Position;

    /// The epochs, the one that began with this opening last.
    fn epochs(&self) -> &Epochs;

    /// The keys as they were at this opening. A log has one from its beginning, and keeps every key that it ever had.
    fn signing_keys(&self) -> &SigningKeys;

    /// The numbers that the room has used up so far; zeros if there is nothing in it.
    fn room(&mut self, room: RoomId) -> Result<RoomNumbers, ReadError>;

    /// The numbers of every room that has an entry, in any order. A start asks this once, however many rooms there are.
    fn rooms(&mut self) -> Result<Vec<(RoomId, RoomNumbers)>, ReadError>;

    /// The time of the last entry; zero if there is none.
    fn last_at(&mut self) -> Result<UnixMillis, ReadError>;

    /// Finds earlier sends: for each lookup what it asks for, or `None`. All of a batch are asked at once, so that a
    /// backend needs one transaction, or one round trip, for them.
    fn find(&mut self, lookups: &[Lookup<'_>]) -> Result<Vec<Option<Placed>>, ReadError>;

    /// Tells for each command of a device what became of it, and how far the device has come. All of a batch are asked
    /// at once, too.
    fn find_by_device(&mut self, asked: &[(Device, CommandNumber)]) -> Result<Vec<Counted>, ReadError>;

    /// Names what the decisions of the coming batch ask [`room`](Self::room) and [`message`](Self::message) for, so that a
    /// backend can get all of it with one round trip. No answer depends on it: a backend whose lookups are cheap does nothing.
    fn prefetch(&mut self, _rooms: &[RoomId], _messages: &[(RoomId, Seq)]) -> Result<(), ReadError> {
        Ok(())
    }

    /// A message, as it stands there now. `None` if the room has no message with that number.
    fn message(&mut self, room: RoomId, seq: Seq) -> Result<Option<Standing>, ReadError>;

    /// Every entry that the directory is made of ([`Kind::is_of_directory`](crate::Kind::is_of_directory)), in order.
    /// However many messages there are besides must not matter: this is asked at each start.
    fn directory(&mut self) -> Result<Vec<Entry>, ReadError>;

    /// How far everybody has read, in any order.
    fn pointers(&mut self) -> Result<Vec<ReadPointer>, ReadError>;

    /// Stores a batch in one transaction with one flush to disk.
    ///
    /// `Ok` means: all of the batch is durable, found by the lookups of this trait, and visible to readers; before
    /// that no reader has seen any of it. [`AppendError::RolledBack`] means: none of it is or will be, the log is as
    /// before, and the same batch may be tried again. [`AppendError::Unknown`] means that only opening the log again
    /// can tell; until then this writer must not be used. [`AppendError::Overtaken`] means: somebody else has appended
    /// since this writer caught up last, be it entries or not, and none of this is stored. Where several write, even an
    /// empty batch is told so: answers that need no record are right only if nothing has been appended.
    ///
    /// The caller numbers the entries: positions continue [`head`](Self::head), `seq` and `rev` continue
    /// [`room`](Self::room), and the commands of a device, be they entries or spent, continue its `last`. A batch that
    /// does not is a bug of the caller, and an implementation may panic. A [`Record::Rewrite`] takes the place of what the
    /// entry at its position said; all else of that entry stays, and so do its key and the hash of its content.
    fn append(&mut self, batch: &[Record]) -> Result<(), AppendError>;

    /// Finds out whether the log takes writes, by a small one that means nothing; `Ok` and the errors are as in
    /// [`append`](Self::append).
    fn probe(&mut self) -> Result<(), AppendError>;
}

/// The readers' side, shared by many threads while the writer works.
///
/// Calls may wait for a disk and for one another: they have no place on a thread that serves sockets.
pub trait LogReader: Send + Sync + 'static {
    /// The position of the last committed entry that this reader has heard of. Everything up to it can be read.
    ///
    /// A value at hand, which never goes back: asking for it waits for nothing. It may be behind the log where others write
    /// to it, and never behind what the writer of this process has appended.
    fn head(&self) -> Position;

    /// Every epoch that was begun by now, the one that lasts as the last.
    fn epochs(&self) -> Result<Epochs, ReadError>;

    /// Reads what stands after `after`, up to and including `through` or the head, whichever is lower.
    ///
    /// What is returned is durable, in order and contiguous: the first entry stands at `after + 1`, and there is no
    /// hole. It ends early when `budget` is used up, but never before one entry: an empty answer means that there is
    /// nothing there.
    fn read(&self, after: Position, through: Position, budget: Budget) -> Result<Vec<Entry>, ReadError>;

    /// Finds the position after which everything of the room with a higher `Seq` than `seq` stands, and nothing that
    /// such a reader has not seen is before it: the position of the last message that is not above `seq`.
    ///
    /// A `seq` above the room's last message means that message; 0, or an empty room, is [`Position::ZERO`].
    fn locate(&self, room: RoomId, seq: Seq) -> Result<Position, ReadError>;

    /// Messages of one room in their current state, including deleted ones, and only those with a higher `Seq` than
    /// `after`: the reader may not see earlier ones.
    ///
    /// They come in the order of the room, at most `limit` of them: the first ones after, or the last ones before, what
    /// the page asks for.
    fn messages(&self, room: RoomId, page: Page, after: Seq, limit: usize) -> Result<Messages, ReadError>;

    /// All entries of one room after `after`, in its order and contiguous in `Rev`, until `budget` is used up, but never
    /// none if there is one.
    fn changes(&self, room: RoomId, after: Rev, budget: Budget) -> Result<Vec<Entry>, ReadError>;

    /// A message and all edits of it, as they stand now, in the order of the log; nothing if there is no such message.
    ///
    /// These are the entries that a change of the message may have rewritten.
    fn versions(&self, room: RoomId, seq: Seq) -> Result<Vec<Entry>, ReadError>;

    /// Counts the messages of a room after `after` that somebody else than `reader` has said, and that are not deleted.
    ///
    /// It counts up to `max`, and does not look at more than [`Unread::LOOKS_MAX`] messages.
    fn unread(&self, room: RoomId, after: Seq, reader: UserId, max: u32) -> Result<Unread, ReadError>;

    /// How many rows were found damaged so far: not what was once stored. They are shown as [`Body::Damaged`](crate::Body::Damaged)
    /// and [`Kind::Damaged`], and everything else goes on.
    fn damaged(&self) -> u64 {
        0
    }

    /// Whether the storage does not find its way any more, so that it has to be mended at the next start. Until then, what
    /// cannot be found is shown as damaged.
    fn is_malformed(&self) -> bool {
        false
    }
}

impl<R: LogReader + ?Sized> LogReader for std::sync::Arc<R> {
    fn head(&self) -> Position {
        (**self).head()
    }

    fn epochs(&self) -> Result<Epochs, ReadError> {
        (**self).epochs()
    }

    fn read(&self, after: Position, through: Position, budget: Budget) -> Result<Vec<Entry>, ReadError> {
        (**self).read(after, through, budget)
    }

    fn locate(&self, room: RoomId, seq: Seq) -> Result<Position, ReadError> {
        (**self).locate(room, seq)
    }

    fn messages(&self, room: RoomId, page: Page, after: Seq, limit: usize) -> Result<Messages, ReadError> {
        (**self).messages(room, page, after, limit)
    }

    fn changes(&self, room: RoomId, after: Rev, budget: Budget) -> Result<Vec<Entry>, ReadError> {
        (**self).changes(room, after, budget)
    }

    fn versions(&self, room: RoomId, seq: Seq) -> Result<Vec<Entry>, ReadError> {
        (**self).versions(room, seq)
    }

    fn unread(&self, room: RoomId, after: Seq, reader: UserId, max: u32) -> Result<Unread, ReadError> {
        (**self).unread(room, after, reader, max)
    }

    fn damaged(&self) -> u64 {
        (**self).damaged()
    }

    fn is_malformed(&self) -> bool {
        (**self).is_malformed()
    }
}

/// What is on its way into the log.
#[derive(Clone, Debug)]
pub enum Record {
    /// An entry, with what the log must be able to find it by.
    Entry {
        /// What is stored.
        entry: Entry,
        /// The key that it was sent under.
        key: Option<ClientKey>,
        /// The hash of its content, kept when the content itself is deleted.
        content: ContentHash,
    },
    /// A result without an entry. Nobody but its sender ever sees it.
    Spent(Spent),
    /// An entry that stands in the log, with what it says from now on.
    Rewrite(Entry),
    /// How far somebody has read. Never less than before.
    Read(ReadPointer),
}

impl Record {
    /// The entry, if it is one.
    pub fn entry(&self) -> Option<&Entry> {
        match self {
            Self::Entry { entry, .. } => Some(entry),
            Self::Spent(_) | Self::Rewrite(_) | Self::Read(_) => None,
        }
    }

    /// About how many bytes it has.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Entry { entry, .. } | Self::Rewrite(entry) => entry.weight(),
            Self::Spent(_) | Self::Read(_) => size_of::<Self>(),
        }
    }
}

/// A search for an earlier message by its key. Keys are compared exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// The message that this lineage sent with this key, however long ago.
    InLineage {
        /// The scope of the key.
        lineage: Lineage,
        /// The key, as the client sent it.
        key: &'a ClientKey,
    },
    /// The earliest message that anybody sent with this key and exactly this content.
    ByContent {
        /// The key, as the client sent it.
        key: &'a ClientKey,
        /// The hash of the content.
        content: ContentHash,
    },
}

/// A stored message: where it is, and the hash of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The position and the numbers of the message.
    pub receipt: Receipt,
    /// The hash of the content.
    pub content: ContentHash,
}

/// The last numbers that a room has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoomNumbers {
    /// The number of its last message.
    pub seq: Seq,
    /// The number of its last entry of any kind.
    pub rev: Rev,
}

/// A message with its current text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The entry of the message, with the text after all edits.
    pub message: Entry,
    /// The edit whose text it has, if it was edited and is not deleted.
    pub edit: Option<Entry>,
}

/// A choice of messages in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The last messages.
    Newest,
    /// The last messages with a lower number.
    Before(Seq),
    /// The first messages with a higher number.
    After(Seq),
    /// The message with this number, or else the next one, with as many before it as after it.
    Around(Seq),
}

/// A page of messages, in the order of their room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    /// The messages, the oldest first.
    pub entries: Vec<Entry>,
    /// Whether the reader may see no message before them.
    pub is_first: bool,
    /// Whether there is no message after them.
    pub is_last: bool,
}

/// How many messages somebody has not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// The number of unread messages.
    pub count: u32,
    /// The last message that was counted or skipped; the read pointer if there was none.
    pub through: Seq,
    /// Whether there may be more.
    pub is_capped: bool,
}

impl Unread {
    /// How many messages are looked at, including own and deleted ones.
    pub const LOOKS_MAX: usize = 1000;

    /// Counts one more message, unless it is the reader's own, deleted or damaged.
    pub fn look_at(&mut self, message: &Entry, reader: UserId) {
        self.through = message.seq;
        let is_own = message.author.and_then(Author::user) == Some(reader);
        let is_there = matches!(&message.kind, Kind::Message { body } if body.text().is_some());
        self.count += u32::from(!is_own && is_there);
    }
}

/// The bounds of one read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The most entries to return.
    pub entries: usize,
    /// The most bytes to return, by [`Entry::weight`]. The entry that reaches this bound is still returned.
    pub bytes: usize,
}

impl Page {
    /// How many messages around one come before it, and how many from it on, of `limit` in all.
    pub fn halves(limit: usize) -> (usize, usize) {
        (limit / 2, limit - limit / 2)
    }
}

impl Budget {
    /// As many entries as it allows, and at least one if there is one.
    pub(crate) fn take<'a>(self, entries: impl Iterator<Item = &'a Entry>) -> Vec<Entry> {
        let mut bytes = 0;
        let mut taken = Vec::new();
        for entry in entries {
            if !taken.is_empty() && (taken.len() >= self.entries || bytes >= self.bytes) {
                break;
            }
            bytes += entry.weight();
            taken.push(entry.clone());
        }
        taken
    }

    /// One page of catching up: small enough to leave a read transaction soon.
    pub const PAGE: Self = Self { entries: 512, bytes: 1024 * 1024 };
}

/// Who may write to a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writers {
    /// Nobody but this writer.
    One,
    /// Others as well, on this node or on others.
    Several,
}

/// How far a writer has come that has caught up with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaughtUp {
    /// The position of the last committed entry.
    pub head: Position,
    /// Pointers that others have moved since the time before; perhaps also some that have not moved.
    pub pointers: Vec<ReadPointer>,
}

/// Why a batch was not acknowledged by the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Nothing happened, and the batch may be tried again.
    #[error("nothing was stored, {cause}: {detail}")]
    RolledBack {
        /// What kind of trouble it is.
        cause: RollbackCause,
        /// The backend's own words, for the operator.
        detail: String,
    },
    /// Nothing happened, because somebody else has appended. What was decided is out of date: it is to be decided anew after
    /// [`Log::catch_up`].
    #[error("somebody else has appended to the log")]
    Overtaken,
    /// The commit itself failed. Whether the batch is stored shows when the log is opened again.
    #[error("it is unknown whether the commit took place: {detail}")]
    Unknown {
        /// The backend's own words, for the operator.
        detail: String,
    },
}

/// Why a transaction was rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RollbackCause {
    /// There is no space left.
    #[error("the disk is full")]
    Full,
    /// The medium does not take writes.
    #[error("the log is read-only")]
    ReadOnly,
    /// Reading or writing did not work.
    #[error("the storage reported an error")]
    Io,
}

/// Why the log could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The entry is missing, or the file is so damaged that nobody can tell which entry it was.
    #[error("the entry at position {position} is damaged")]
    Corrupt {
        /// The first position that cannot be believed.
        position: Position,
    },
    /// The storage could not be asked.
    #[error("the log cannot be read: {detail}")]
    Unavailable {
        /// The backend's own words, for the operator.
        detail: String,
    },
}

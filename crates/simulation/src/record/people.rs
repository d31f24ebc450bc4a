//! What each client of `/v1` sent and saw, in order.

use std::collections::BTreeSet;

use super::Generation;

/// One client of `/v1` with its outbox, through all its crashes.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// The user id, once known. Several clients may be one person.
    pub user: Option<u64>,
    /// The commands that it queued, in order.
    pub commands: Vec<Command>,
    /// What it saw, in order.
    pub sights: Vec<Sight>,
    /// The sign-in of its connection, as long as it has one.
    pub sign_in: Option<String>,
    /// What its last connection believed at the end.
    pub beliefs: Beliefs,
    /// Whether it went for good, once the faults were over.
    pub is_gone: bool,
}

/// What a client believes of what is told and not stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beliefs {
    /// Who is online, once that was answered.
    pub online: Option<BTreeSet<u64>>,
    /// How many are online, if an event has said so.
    pub count: Option<u64>,
    /// How far the person has read the lobby.
    pub read: u64,
}

/// Somebody says that they type, or have stopped.
#[derive(Clone, Debug)]
pub struct Typed {
    /// The user who types.
    pub user: u64,
    /// The room in which they type.
    pub room: u64,
    /// The name of the event.
    pub event: &'static str,
    /// When it was sent, in microseconds.
    pub micros: u128,
}

/// A durable command.
#[derive(Clone, Debug)]
pub struct Command {
    /// The device.
    pub device: String,
    /// The number among the commands of the device.
    pub n: u64,
    /// The text of a message; every message has a different one.
    pub text: Option<String>,
    /// Whether a correct server must not refuse it.
    pub is_proper: bool,
    /// Each answer that the client got, with the generation of the log at that time.
    pub answers: Vec<(Generation, Told)>,
}

/// The answer to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It is stored as an entry.
    Stored {
        /// The position of the entry.
        position: u64,
        /// The room of the entry.
        room: u64,
        /// The number of the entry in its room.
        rev: u64,
    },
    /// Nothing had to change.
    Already,
    /// It is refused permanently, with this code.
    Refused(String),
    /// It was cancelled.
    Skipped,
    /// It could not be stored then, and may be later.
    Full {
        /// When it had been sent, in microseconds.
        asked: u128,
    },
}

/// How an entry reached the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// As an event, in the order of the log.
    Event,
    /// In the answer to a request.
    Answer {
        /// When the request was sent, in microseconds.
        asked: u128,
    },
}

/// An entry as it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// How it reached the client.
    pub by: By,
    /// The epoch of its cursor.
    pub epoch: u64,
    /// The position of its cursor.
    pub position: u64,
    /// The room of the entry.
    pub room: u64,
    /// The number of the entry in its room.
    pub rev: u64,
    /// The name of the event.
    pub event: String,
    /// The text, if it has one.
    pub text: Option<String>,
}

/// A message in a page of history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// When the page was requested, in microseconds.
    pub asked: u128,
    /// The epoch of the server.
    pub epoch: u64,
    /// The room.
    pub room: u64,
    /// The number among the messages.
    pub seq: u64,
    /// The number among the entries.
    pub rev: u64,
    /// The text, unless it is deleted.
    pub text: Option<String>,
}

/// A room in a welcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The number of the room.
    pub room: u64,
    /// The number of its last entry.
    pub rev: u64,
    /// The read pointer.
    pub read: u64,
}

/// Something that a client saw or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// It begins to connect.
    Connects {
        /// The time, in microseconds.
        micros: u128,
    },
    /// It gets a welcome.
    Welcomed {
        /// The epoch of the server.
        epoch: u64,
        /// The position after which the stream starts.
        position: u64,
        /// Whether the stream continues from the client's cursor.
        resumed: bool,
        /// Whether the client was told to forget everything.
        reset: bool,
        /// The rooms that the person is in.
        rooms: Vec<Listed>,
    },
    /// From now on it keeps a room that is new to it: all that it may see, or what comes after a `rev`.
    Begins {
        /// The room.
        room: u64,
        /// The `rev`; `None` for everything.
        after: Option<u64>,
    },
    /// It is shown an entry.
    Entry(Shown),
    /// It is shown a message in a page of history.
    Row(Row),
    /// It gets the answer to its own command, which is its copy of the entry.
    Own {
        /// The epoch of the server.
        epoch: u64,
        /// The position of the entry.
        position: u64,
        /// Its room.
        room: u64,
        /// The number of the entry in the room.
        rev: u64,
    },
    /// An event that is not an entry says how far the stream is.
    Cursor {
        /// The epoch of the server.
        epoch: u64,
        /// The position.
        position: u64,
    },
    /// The server says that this read pointer is stored.
    HasRead {
        /// The room.
        room: u64,
        /// The last message.
        seq: u64,
    },
    /// It is told the person's read pointer.
    Read {
        /// The room.
        room: u64,
        /// The last message.
        seq: u64,
    },
    /// It is told that somebody types, or has stopped.
    Typing {
        /// When, in microseconds.
        micros: u128,
        /// The epoch of the server.
        epoch: u64,
        /// How far the stream is.
        position: u64,
        /// The room.
        room: u64,
        /// The user of the event.
        who: u64,
        /// The name of the event.
        event: String,
    },
    /// It is welcomed with a sign-in.
    SignedIn {
        /// The epoch of the server.
        epoch: u64,
        /// The sign-in.
        id: String,
    },
    /// It is told that its sign-in has ended.
    SignedOut {
        /// The sign-in.
        id: String,
    },
    /// It gets an entry about sign-ins.
    OfSignIns {
        /// The epoch of the server.
        epoch: u64,
        /// The position of the entry.
        position: u64,
    },
    /// It loses what it has seen, but not its outbox.
    Forgets,
    /// The server expects the number of a command that was answered long ago: the log has lost entries.
    Mistrusts {
        /// The epoch of the server.
        epoch: u64,
    },
}

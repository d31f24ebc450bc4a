//! What a client of `/v1` told, was told and saw, in order.

use super::Generation;

/// One client of `/v1`: an outbox and what it keeps, through all its crashes.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// Who it is, once it knows. Several clients may be one person.
    pub user: Option<u64>,
    /// What it wanted, in order.
    pub commands: Vec<Command>,
    /// What it saw, in order.
    pub sights: Vec<Sight>,
}

/// A durable command.
#[derive(Clone, Debug)]
pub struct Command {
    /// The outbox that it was put into.
    pub device: String,
    /// Its number there.
    pub n: u64,
    /// What it says, if it is a message: no two of all messages say the same.
    pub text: Option<String>,
    /// Whether there is no reason to refuse it.
    pub is_proper: bool,
    /// What the client was told of it, each time, and by a server over which generation of the log.
    pub answers: Vec<(Generation, Told)>,
}

/// The answer to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It is an entry.
    Stored {
        /// Its position.
        position: u64,
        /// Its room.
        room: u64,
        /// Its number there.
        rev: u64,
    },
    /// There was nothing to do.
    Already,
    /// It will never be carried out.
    Refused(String),
    /// It was taken back.
    Skipped,
}

/// How something came to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// As an event, in the order of the log.
    Event,
    /// As the answer to a question that was asked then.
    Answer {
        /// When.
        asked: u128,
    },
}

/// An entry, as it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// How it came.
    pub by: By,
    /// The epoch of its cursor.
    pub epoch: u64,
    /// The position of its cursor.
    pub position: u64,
    /// Its room.
    pub room: u64,
    /// Its number there.
    pub rev: u64,
    /// Which event it is.
    pub event: String,
    /// What it says, if anything.
    pub text: Option<String>,
}

/// A message in a page of history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// When the page was asked for.
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
    /// Which.
    pub room: u64,
    /// The number of its last entry.
    pub rev: u64,
    /// How far it was read.
    pub read: u64,
}

/// What a client went through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// It begins to connect.
    Connects {
        /// When.
        micros: u128,
    },
    /// It is welcomed.
    Welcomed {
        /// The epoch of the server.
        epoch: u64,
        /// Where the stream starts.
        position: u64,
        /// Whether it goes on where the client stood.
        resumed: bool,
        /// Whether the client was told to forget everything.
        reset: bool,
        /// The rooms that the person is in.
        rooms: Vec<Listed>,
    },
    /// From here on it keeps a room that it did not have: all that it may see, or what comes after a number.
    Begins {
        /// The room.
        room: u64,
        /// The number; none for all of it.
        after: Option<u64>,
    },
    /// It is shown an entry.
    Entry(Shown),
    /// It is shown a message in a page of history.
    Row(Row),
    /// It has the answer to its own command for its copy of the entry.
    Own {
        /// The epoch of the server.
        epoch: u64,
        /// The position of the entry.
        position: u64,
        /// Its room.
        room: u64,
        /// Its number there.
        rev: u64,
    },
    /// An event that is not an entry says how far the stream is.
    Cursor {
        /// The epoch of the server.
        epoch: u64,
        /// The position.
        position: u64,
    },
    /// It has read so far, and the server says that this is stored.
    HasRead {
        /// The room.
        room: u64,
        /// The last message.
        seq: u64,
    },
    /// It is told how far the person has read.
    Read {
        /// The room.
        room: u64,
        /// The last message.
        seq: u64,
    },
    /// It loses what it has seen, but not its outbox.
    Forgets,
    /// The server expects a command that was answered long ago: it has lost part of the log.
    Mistrusts {
        /// The epoch of the server.
        epoch: u64,
    },
}

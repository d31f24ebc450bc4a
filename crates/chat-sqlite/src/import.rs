//! Imports the database of a server that follows the Socket.IO tutorial.
//!
//! Its pages know messages by their ids, so an id becomes the message's `Seq` in the lobby. Ids have gaps (an `INSERT`
//! that hit the unique offset used one up), positions do not, so this is the only place that makes gaps in a `Seq`.
//! Nothing is lost: messages that would be refused today are accepted as they are. The other file is only read.

use std::io;
use std::path::{Path, PathBuf};

use chat::{
    Author, ClientKey, ContentHash, Entry, Kind, Lineage, Log, Position, Rev, RoomId, RoomNumbers, Seq, Text,
    UnixMillis,
};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior};

use crate::append::{Insert, ShortName, name_lineage};
use crate::environment::{now_ms, random_bytes};
use crate::folder::read_header;
use crate::log::SqliteLog;
use crate::rooms::set_room;
use crate::schema;

/// The largest number that JavaScript represents exactly.
const ID_MAX: i64 = (1 << 53) - 1;

/// What was imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// The number of messages.
    pub messages: u64,
    /// How many have a client offset: a client that sends one of them again gets the original result.
    pub with_key: u64,
    /// How many had no text. They keep their place with an empty text.
    pub empty: u64,
    /// How many are longer than a new message may be.
    pub too_large: u64,
    /// How many were not UTF-8. Unreadable bytes became U+FFFD.
    pub repaired: u64,
    /// The last number that the other server gave to a message. New messages continue after it.
    pub last_seq: Seq,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The data folder already has messages.
    #[error("the data folder {} already holds a chat: import into a new one", .folder.display())]
    NotEmpty {
        /// The data folder.
        folder: PathBuf,
        /// The last position of the existing log.
        head: Position,
    },
    /// The other file cannot be read.
    #[error("{} cannot be read: {cause}", .file.display())]
    Unreadable {
        /// The path of the tutorial's database.
        file: PathBuf,
        /// What went wrong.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The other file is something else.
    #[error("{} is not the database of a tutorial server: {why}", .file.display())]
    NotTutorial {
        /// The path of that file.
        file: PathBuf,
        /// What is missing.
        why: String,
    },
    /// A message there cannot keep its id.
    #[error(
        "the message after id {after} has an id that cannot be kept: ids are whole numbers from 1 to {ID_MAX}"
    )]
    BadId {
        /// The id before it.
        after: u64,
    },
    /// The messages could not be stored here.
    #[error("the messages cannot be stored: {cause}")]
    Storage {
        /// What went wrong.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Reads all of `tutorial` without importing it: a caller that makes a data folder
/// for it learns first whether it can be filled.
pub fn check_import(tutorial: &Path) -> Result<(), ImportError> {
    Source::open(tutorial)?.for_each(|_| Ok(()))
}

impl SqliteLog {
    /// Takes over all messages of `tutorial`, in one transaction, into this log, which must be empty.
    ///
    /// The tutorial keeps no times, so the messages get the time of the import.
    pub fn import(&mut self, tutorial: &Path) -> Result<Imported, ImportError> {
        if self.head() != Position::ZERO {
            let folder =
                self.connection.path().map(Path::new).and_then(Path::parent).unwrap_or(Path::new(""));
            return Err(ImportError::NotEmpty { folder: folder.into(), head: self.head() });
        }
        let storage = |err: rusqlite::Error| ImportError::Storage { cause: err.into() };
        let source = Source::open(tutorial)?;
        let lineage = Lineage(random_bytes().map_err(storage)?);
        let fingerprint = self.fingerprint;
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(storage)?;
        let short_name = name_lineage(&transaction, &self.lineages, lineage).map_err(storage)?;
        let mut imported = Imported::default();
        let mut numbers = RoomNumbers::default();
        {
            let mut insert = Insert::prepare(&transaction, fingerprint).map_err(storage)?;
            let at = UnixMillis(now_ms());
            source.for_each(|message| {
                imported.count(&message);
                numbers = RoomNumbers { seq: message.id, rev: numbers.rev.next() };
                let (entry, key, content) = message.into_entry(numbers.rev, lineage, at);
                insert.execute(&entry, key.as_ref(), content, ShortName::Lineage(short_name)).map_err(storage)
            })?;
        }
        numbers.seq = numbers.seq.max(source.last_id()?);
        imported.last_seq = numbers.seq;
        set_room(&transaction, RoomId::LOBBY, numbers).map_err(storage)?;
        transaction.commit().map_err(|err| {
            self.broken = Some(err.to_string());
            storage(err)
        })?;
        self.rooms.insert(RoomId::LOBBY, numbers);
        self.head.advance(Position(numbers.rev.0));
        Ok(imported)
    }
}

impl Imported {
    fn count(&mut self, message: &Message) {
        self.messages += 1;
        self.with_key += u64::from(message.key.is_some());
        self.empty += u64::from(message.text.is_empty());
        self.too_large += u64::from(message.text.len() > Text::BYTES_MAX);
        self.repaired += u64::from(message.repaired);
    }
}

/// A message of the tutorial's table.
struct Message {
    id: Seq,
    key: Option<ClientKey>,
    text: String,
    repaired: bool,
}

impl Message {
    /// The lobby has had nothing else, so its `Rev` is the position.
    fn into_entry(
        self,
        rev: Rev,
        lineage: Lineage,
        at: UnixMillis,
    ) -> (Entry, Option<ClientKey>, ContentHash) {
        let content = ContentHash::of_message(RoomId::LOBBY, &self.text);
        let entry = Entry {
            position: Position(rev.0),
            room: RoomId::LOBBY,
            seq: self.id,
            rev,
            at,
            author: Some(Author::Lineage(lineage)),
            kind: Kind::message(Text::from_stored(&self.text)),
        };
        (entry, self.key, content)
    }
}

/// The other database, in one read transaction.
struct Source<'a> {
    file: &'a Path,
    connection: Connection,
}

impl<'a> Source<'a> {
    fn open(file: &'a Path) -> Result<Self, ImportError> {
        let unreadable = |cause| ImportError::Unreadable { file: file.into(), cause };
        let header = read_header(file).map_err(|err: io::Error| unreadable(err.into()))?;
        let why = match header {
            None => Some("it is no SQLite database"),
            Some(header) if header.application == schema::APPLICATION_ID => {
                Some("it is a chat of Tidings, or a backup of one: use `tidings restore`")
            }
            Some(_) => None,
        };
        if let Some(why) = why {
            return Err(ImportError::NotTutorial { file: file.into(), why: why.into() });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let connection = Connection::open_with_flags(file, flags)?;
            connection.pragma_update(None, "trusted_schema", false)?;
            connection.execute_batch("BEGIN")?;
            let columns = connection
                .prepare("SELECT lower(name) FROM pragma_table_info('messages')")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<Vec<String>, _>>()?;
            Ok((connection, columns))
        };
        let (connection, columns) = open().map_err(|err: rusqlite::Error| unreadable(err.into()))?;
        for needed in ["id", "client_offset", "content"] {
            if !columns.iter().any(|column| column == needed) {
                let why = if columns.is_empty() {
                    "it has no table messages".into()
                } else {
                    format!("its table messages has no column {needed}")
                };
                return Err(ImportError::NotTutorial { file: file.into(), why });
            }
        }
        Ok(Self { file, connection })
    }

    fn for_each(&self, mut take: impl FnMut(Message) -> Result<(), ImportError>) -> Result<(), ImportError> {
        let mut statement = self
            .connection
            .prepare(
                "SELECT id, CAST(client_offset AS TEXT), CAST(content AS TEXT) FROM messages ORDER BY id",
            )
            .map_err(self.unreadable())?;
        let mut rows = statement.query([]).map_err(self.unreadable())?;
        let mut last = 0;
        while let Some(row) = rows.next().map_err(self.unreadable())? {
            let id = match row.get_ref(0).map_err(self.unreadable())? {
                ValueRef::Integer(id) if id > last && id <= ID_MAX => id,
                _ => return Err(ImportError::BadId { after: last.unsigned_abs() }),
            };
            last = id;
            let (key, _) = text(row.get_ref(1).map_err(self.unreadable())?);
            let (text, repaired) = text(row.get_ref(2).map_err(self.unreadable())?);
            let key = (!key.is_empty()).then(|| ClientKey::from_stored(&key));
            take(Message { id: Seq(id.unsigned_abs()), key, text, repaired })?;
        }
        Ok(())
    }

    /// The last id that was given, also to a message that is gone: a page may remember it.
    fn last_id(&self) -> Result<Seq, ImportError> {
        let find = || {
            let counts = self
                .connection
                .query_row("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'", [], |_| Ok(()))
                .optional()?;
            if counts.is_none() {
                return Ok(None);
            }
            self.connection
                .query_row("SELECT seq FROM sqlite_sequence WHERE name = 'messages'", [], |row| row.get(0))
                .optional()
        };
        let last: i64 = find().map_err(self.unreadable())?.unwrap_or(0);
        Ok(Seq(last.clamp(0, ID_MAX).unsigned_abs()))
    }

    fn unreadable(&self) -> impl Fn(rusqlite::Error) -> ImportError + use<> {
        let file = self.file.to_path_buf();
        move |err| ImportError::Unreadable { file: file.clone(), cause: err.into() }
    }
}

/// What a value looks like as text, and whether something in it had to be replaced.
fn text(value: ValueRef<'_>) -> (String, bool) {
    match value {
        ValueRef::Null => (String::new(), false),
        ValueRef::Integer(number) => (number.to_string(), false),
        ValueRef::Real(number) => (number.to_string(), false),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => (text.to_owned(), false),
            Err(_) => (String::from_utf8_lossy(bytes).into_owned(), true),
        },
    }
}

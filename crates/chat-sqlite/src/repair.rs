//! Repairs a database that nobody uses: puts damaged rows back from a backup, or gives them up.
//!
//! A row of a backup is put back as it would stand there now: what was edited or deleted since stays edited or deleted. A
//! row that is given up keeps its place and its number, and says that it was damaged. An edit or a deletion that is given up
//! still says of which message it was, so that no backup brings back later what somebody has taken back. The indexes are
//! made anew, because those of a damaged row cannot be trusted to be found again.

mod results;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use chat::{
    Author, Body, ClientKey, CommandNumber, ContentHash, Device, DeviceId, Entry, Kind, Position, RoomId,
    Seq, Text, UserId,
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior};

use crate::append::{Insert, ShortName, name_lineage};
use crate::broken_wal;
use crate::damage::tombstone;
use crate::device;
use crate::environment::now_ms;
use crate::error::OpenError;
use crate::fingerprint::Fingerprint;
use crate::folder::{Folder, chat_in};
use crate::kind::Columns;
use crate::log::begin_epoch;
use crate::number::to_sql;
use crate::rows::{CONTENT, KEY, SELECT, decode};
use crate::runs::LOST_CONTENT;
use crate::salvage::Fallback;
use crate::schema;
use crate::structure::{self, Check};
use crate::wal::settle;

/// What was done about the damaged rows of a database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// The database.
    pub file: PathBuf,
    /// Rows that were not what was once stored, or not there.
    pub damaged: u64,
    /// Those that the backup had, also of rows that were given up before.
    pub restored: u64,
    /// Those that say from now on that they were damaged.
    pub given_up: u64,
    /// Those that are as they were.
    pub left: Vec<Position>,
    /// The same of results of commands that have no row of the log.
    pub left_results: u64,
    /// Whether the file was written anew, because its structure was damaged.
    pub is_rebuilt: bool,
}

/// Why nothing was repaired.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// The chat cannot be opened.
    #[error(transparent)]
    Chat(#[from] OpenError),
    /// The backup cannot be opened.
    #[error("the backup cannot be read: {0}")]
    Backup(OpenError),
    /// The backup is of another chat.
    #[error("{} is a backup of another chat", .file.display())]
    Foreign {
        /// The path of the backup.
        file: PathBuf,
    },
}

/// Repairs the chat in a folder that nobody serves, in one transaction.
///
/// # Errors
/// When the folder is in use, there is no chat in it, or the backup is not of this chat. Nothing is changed then.
pub fn repair(folder: &Path, backup: Option<&Path>, gives_up: bool) -> Result<Repaired, RepairError> {
    let taken = take(folder)?;
    let file = taken.database();
    taken.check_wal()?;
    broken_wal::judge(&taken)?;
    structure::mend_pages_behind_log(&taken);
    let fallback = match backup {
        Some(backup) => Fallback::Backup(backup),
        None if gives_up => Fallback::Fresh,
        None => Fallback::Nothing,
    };
    let (mut connection, rebuilt) = structure::connect(&taken, Check::Everything, fallback)?;
    let backup = backup.map(|backup| Backup::open(backup, &connection)).transpose()?;
    let mut repaired = Repaired { file: file.clone(), is_rebuilt: rebuilt.is_some(), ..Repaired::default() };
    let result = schema::migrate(&mut connection)
        .and_then(|()| repaired.run(&mut connection, backup.as_ref(), gives_up))
        .and_then(|()| settle(&connection));
    result.map_err(|err| OpenError::of_database(&file, err))?;
    if repaired.left.is_empty() && repaired.left_results == 0 {
        taken.drop_damaged();
    }
    Ok(repaired)
}

/// Takes a folder with a chat, and none that would have to be made.
fn take(folder: &Path) -> Result<Folder, OpenError> {
    let found = chat_in(folder);
    if matches!(
        found,
        Err(OpenError::Missing { .. } | OpenError::Absent { .. } | OpenError::NotAFolder { .. })
    ) {
        found?;
    }
    let taken = Folder::take(folder)?;
    structure::mend_pages(&taken);
    chat_in(folder)?;
    Ok(taken)
}

/// A row that takes the place of a damaged one.
struct Replacement {
    entry: Entry,
    key: Option<ClientKey>,
    content: ContentHash,
    /// The message that a change was about which cannot be read.
    target: Option<Seq>,
}

impl Repaired {
    fn run(
        &mut self,
        connection: &mut Connection,
        backup: Option<&Backup>,
        gives_up: bool,
    ) -> rusqlite::Result<()> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut replacements = Vec::new();
        for (position, is_given_up) in damaged(&transaction)? {
            self.damaged += u64::from(!is_given_up);
            if let Some(replacement) =
                backup.map(|backup| backup.row(&transaction, position)).transpose()?.flatten()
            {
                self.restored += 1;
                replacements.push(replacement);
            } else if is_given_up {
                // It says already that it was damaged.
            } else if let Some(replacement) = given_up(&transaction, position)?.filter(|_| gives_up) {
                self.given_up += 1;
                replacements.push(replacement);
            } else {
                self.left.push(position);
            }
        }
        // The index is all that is known of a damaged row: one that is left keeps it.
        if !replacements.is_empty() || self.left.is_empty() {
            replace(&transaction, &replacements)?;
        }
        if self.restored > 0 {
            // What clients have of these rows is out of date: they do not know any epoch of this log, and ask anew.
            transaction.execute("DELETE FROM epoch", [])?;
            begin_epoch(&transaction, now_ms())?;
        }
        self.repair_results(&transaction, backup, gives_up)?;
        transaction.commit()
    }
}

/// Rows that are not what was stored, places where there is none, and rows that were given up: for these true.
fn damaged(connection: &Connection) -> rusqlite::Result<Vec<(Position, bool)>> {
    let mut damaged = Vec::new();
    let mut expected = Position::ZERO.next();
    let mut statement = connection.prepare(SELECT)?;
    let mut rows = statement.query((-1, to_sql(u64::MAX)))?;
    while let Some(row) = rows.next()? {
        let position = Position(row.get(0)?);
        while expected < position {
            damaged.push((expected, false));
            expected = expected.next();
        }
        match decode(row).map(|entry| entry.kind) {
            None => damaged.push((position, false)),
            Some(kind) if is_given_up(&kind) => damaged.push((position, true)),
            Some(_) => {}
        }
        expected = position.next();
    }
    Ok(damaged)
}

fn is_given_up(kind: &Kind) -> bool {
    matches!(kind, Kind::Message { body: Body::Damaged } | Kind::Damaged { .. })
}

/// The place of a row with nothing in it. Who sent it, and under which number, stays where an index knows that.
fn given_up(connection: &Connection, position: Position) -> rusqlite::Result<Option<Replacement>> {
    let Some(mut entry) = tombstone(connection, position)? else { return Ok(None) };
    let counted =
        "SELECT device, n FROM entry INDEXED BY entry_counted WHERE device IS NOT NULL AND +position = ?1";
    let counted = connection
        .prepare_cached(counted)?
        .query_row([to_sql(position.0)], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))
        .optional()?;
    if let Some((id, n)) = counted {
        let known = connection
            .prepare_cached("SELECT user, device FROM device WHERE id = ?1")?
            .query_row([id], |row| Ok(Device { user: UserId(row.get(0)?), id: DeviceId(row.get(1)?) }))
            .optional()?;
        entry.author = known.map(|device| Author::Device { device, n: CommandNumber(n) });
    }
    let target = match entry.kind {
        Kind::Damaged { is_change: true } => target(connection, entry.room, position)?,
        _ => None,
    };
    Ok(Some(Replacement { entry, key: None, content: LOST_CONTENT, target }))
}

/// The message that a damaged edit or deletion is about, as the index has it.
fn target(connection: &Connection, room: RoomId, position: Position) -> rusqlite::Result<Option<Seq>> {
    let known = "SELECT target FROM entry INDEXED BY entry_change
                 WHERE target IS NOT NULL AND room = ?1 AND +position = ?2";
    connection
        .prepare_cached(known)?
        .query_row((to_sql(room.0), to_sql(position.0)), |row| Ok(Seq(row.get(0)?)))
        .optional()
}

/// Writes the rows, without the indexes, which are made anew at the end.
fn replace(transaction: &Transaction<'_>, replacements: &[Replacement]) -> rusqlite::Result<()> {
    let indexes = schema::drop_indexes(transaction)?;
    let seed: i64 = transaction.query_row("SELECT key_seed FROM about", [], |row| row.get(0))?;
    let mut insert = Insert::prepare(transaction, Fingerprint::new(seed.cast_unsigned()))?;
    for Replacement { entry, key, content, target } in replacements {
        transaction.execute("DELETE FROM entry WHERE position = ?1", [to_sql(entry.position.0)])?;
        let author = match entry.author {
            None => ShortName::Nobody,
            Some(Author::Lineage(lineage)) => {
                ShortName::Lineage(name_lineage(transaction, &HashMap::default(), lineage)?)
            }
            Some(Author::Device { device, .. }) => {
                ShortName::Device(device::name(transaction, &HashMap::default(), device)?)
            }
        };
        let mut columns = Columns::of(&entry.kind);
        if let Some(target) = target {
            columns.target = Some(to_sql(target.0));
        }
        insert.execute_with(entry, &columns, key.as_ref(), *content, author)?;
    }
    for sql in &indexes {
        transaction.execute_batch(sql)?;
    }
    transaction.execute_batch("REINDEX")
}

/// What became of a message last.
enum Change {
    None,
    Edited(Text),
    Deleted,
    /// The row that says it is damaged, and the backup does not have it.
    Unknown,
}

/// An earlier state of the same chat.
struct Backup {
    connection: Connection,
}

impl Backup {
    fn open(file: &Path, of: &Connection) -> Result<Self, RepairError> {
        let unreadable = |err| RepairError::Backup(OpenError::of_database(file, err));
        if crate::folder::look(file).map_err(RepairError::Backup)? == crate::folder::Found::Nothing {
            return Err(RepairError::Backup(OpenError::Absent { path: file.into() }));
        }
        let connection = schema::connect_reader(file).map_err(unreadable)?;
        let about = |connection: &Connection| {
            connection.query_row("SELECT created_ms, key_seed FROM about", [], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            })
        };
        if about(&connection).map_err(unreadable)? != about(of).map_err(unreadable)? {
            return Err(RepairError::Foreign { file: file.into() });
        }
        let version: u32 =
            connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(unreadable)?;
        if version != schema::VERSION {
            let detail = "an earlier version of tidings has made it; restore it into a new folder, start that once, and \
                          back it up again";
            return Err(RepairError::Backup(OpenError::Damaged { file: file.into(), detail: detail.into() }));
        }
        Ok(Self { connection })
    }

    /// A row as it would stand in the chat now; `None` if the backup does not have it, or nobody can tell.
    fn row(&self, chat: &Connection, position: Position) -> rusqlite::Result<Option<Replacement>> {
        let read = |row: &Row<'_>| {
            let key: Option<String> = row.get(KEY)?;
            let content = ContentHash(row.get(CONTENT)?);
            Ok(decode(row).map(|entry| Replacement {
                entry,
                key: key.as_deref().map(ClientKey::from_stored),
                content,
                target: None,
            }))
        };
        let found = self.at(position, read)?.flatten();
        // What was given up before the backup was made is not there either.
        let Some(mut replacement) = found.filter(|found| !is_given_up(&found.entry.kind)) else {
            return Ok(None);
        };
        // An index of the chat knows another row at this place: the backup is of another past.
        if let Some(known) = tombstone(chat, position)? {
            let place = |entry: &Entry| (entry.room, entry.rev, entry.kind.is_message());
            if place(&known) != place(&replacement.entry) {
                return Ok(None);
            }
        }
        let Entry { room, seq, .. } = replacement.entry;
        let is_known = match &mut replacement.entry.kind {
            Kind::Message { body } => match self.last_change(chat, room, seq, position)? {
                Change::None => true,
                Change::Edited(text) => {
                    *body = Body::Edited(text);
                    true
                }
                Change::Deleted => {
                    *body = Body::Deleted;
                    true
                }
                Change::Unknown => false,
            },
            Kind::Edited { seq, text } => match self.last_change(chat, room, *seq, position)? {
                Change::None => true,
                // What it said is out of date, whatever came after it.
                Change::Edited(_) | Change::Deleted | Change::Unknown => {
                    *text = None;
                    true
                }
            },
            _ => true,
        };
        Ok(is_known.then_some(replacement))
    }

    /// The last edit or deletion of a message after a position.
    fn last_change(
        &self,
        chat: &Connection,
        room: RoomId,
        seq: Seq,
        after: Position,
    ) -> rusqlite::Result<Change> {
        let last: Option<i64> = chat
            .prepare_cached(
                "SELECT max(position) FROM entry INDEXED BY entry_change
                 WHERE target IS NOT NULL AND room = ?1 AND target = ?2 AND +position > ?3",
            )?
            .query_row((to_sql(room.0), to_sql(seq.0), to_sql(after.0)), |row| row.get(0))?;
        let Some(last) = last else { return Ok(Change::None) };
        let last = Position(last.unsigned_abs());
        let decoded = |row: &Row<'_>| Ok(decode(row));
        let known = match row_at(chat, last, decoded)?.flatten() {
            Some(entry) => Some(entry),
            None => self.at(last, decoded)?.flatten(),
        };
        Ok(match known.map(|entry| entry.kind) {
            Some(Kind::Edited { text: Some(text), .. }) => Change::Edited(text),
            Some(Kind::Deleted { .. }) => Change::Deleted,
            _ => Change::Unknown,
        })
    }

    fn at<T>(
        &self,
        position: Position,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        row_at(&self.connection, position, read)
    }
}

fn row_at<T>(
    connection: &Connection,
    position: Position,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    let (after, through) = (to_sql(position.0) - 1, to_sql(position.0));
    connection.prepare_cached(SELECT)?.query_row((after, through), read).optional()
}

//! The writer's queries besides repeats: a message in its current form, the directory's entries, the read pointers,
//! the epochs.

use chat::{
    Body, Entry, Epoch, EpochStart, Kind, Position, ReadPointer, RoomId, Seq, Standing, UnixMillis, UserId,
};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::around::{Ways, ways};
use crate::damage::Damages;
use crate::error::is_damage;
use crate::kind::UNKNOWN;
use crate::number::to_sql;

const MESSAGE: Ways =
    ways!("INDEXED BY entry_message", "WHERE room = ?1 AND kind = 1 AND seq = ?2 ORDER BY position LIMIT 1");

const LAST_EDIT: Ways = ways!(
    "INDEXED BY entry_change",
    "WHERE room = ?1 AND target = ?2 AND kind = 2 ORDER BY position DESC LIMIT 1",
    "WHERE room = ?1 AND target = ?2 ORDER BY position DESC",
    may_be_edit
);

const EDITS: Ways = ways!(
    "INDEXED BY entry_change",
    "WHERE room = ?1 AND target = ?2 AND kind = 2 ORDER BY position",
    "WHERE room = ?1 AND target = ?2 ORDER BY position",
    may_be_edit
);

const DIRECTORY: Ways = ways!(
    "INDEXED BY entry_directory",
    "WHERE kind > 3 AND kind < ?1 ORDER BY position",
    "WHERE kind > 3 AND ?1 > 0 ORDER BY position",
    |entry| !matches!(entry.kind, Kind::Unknown { .. })
);

/// A change that is damaged may have been an edit.
fn may_be_edit(entry: &Entry) -> bool {
    matches!(entry.kind, Kind::Edited { .. } | Kind::Damaged { .. })
}

/// A message, and the edit whose text it has. If the row of either is damaged, the message is: what cannot be read cannot be
/// changed.
pub(crate) fn message(
    connection: &Connection,
    damages: &Damages,
    room: RoomId,
    seq: Seq,
) -> rusqlite::Result<Option<Standing>> {
    let asked = (to_sql(room.0), to_sql(seq.0));
    let Some(mut message) = MESSAGE.all(connection, damages, &asked)?.pop() else { return Ok(None) };
    let edit = LAST_EDIT.all(connection, damages, &asked)?.into_iter().next();
    if edit.as_ref().is_some_and(|edit| matches!(edit.kind, Kind::Damaged { .. })) {
        message.kind = Kind::Message { body: Body::Damaged };
    }
    let edit = edit.filter(|edit| matches!(edit.kind, Kind::Edited { text: Some(_), .. }));
    Ok(Some(Standing { message, edit }))
}

/// A message and all edits of it, in order.
pub(crate) fn versions(
    connection: &Connection,
    damages: &Damages,
    room: RoomId,
    seq: Seq,
) -> rusqlite::Result<Vec<Entry>> {
    let asked = (to_sql(room.0), to_sql(seq.0));
    let mut versions = MESSAGE.all(connection, damages, &asked)?;
    versions.extend(EDITS.all(connection, damages, &asked)?);
    Ok(versions)
}

/// In order, and of known kinds alone.
pub(crate) fn directory(connection: &Connection, damages: &Damages) -> rusqlite::Result<Vec<Entry>> {
    DIRECTORY.all(connection, damages, &[UNKNOWN])
}

/// The position of a room's last message that is not above `seq`. A number stands for one message of its room, so the index
/// alone gives the order.
pub(crate) fn locate(
    connection: &Connection,
    damages: &Damages,
    room: RoomId,
    seq: Seq,
) -> rusqlite::Result<Option<Position>> {
    let find = |sql: &str| {
        let asked = (to_sql(room.0), to_sql(seq.0));
        connection.prepare_cached(sql)?.query_row(asked, |row| row.get(0)).optional()
    };
    let found = match find(LOCATE) {
        Err(err) if is_damage(&err) => {
            damages.met(&err);
            match find(LOCATE_IN_TABLE) {
                // Everything is sent anew: a line that comes twice is better than one that is missing.
                Err(err) if is_damage(&err) => None,
                found => found?,
            }
        }
        found => found?,
    };
    Ok(found.map(Position))
}

pub(crate) const LOCATE: &str = "SELECT position FROM entry INDEXED BY entry_message
    WHERE room = ?1 AND kind = 1 AND seq <= ?2 ORDER BY seq DESC LIMIT 1";

const LOCATE_IN_TABLE: &str = "SELECT position FROM entry NOT INDEXED
    WHERE room = ?1 AND kind = 1 AND seq <= ?2 ORDER BY position DESC LIMIT 1";

pub(crate) fn last_at(connection: &Connection) -> rusqlite::Result<UnixMillis> {
    let last = "SELECT at_ms FROM entry ORDER BY position DESC LIMIT 1";
    let at_ms = connection.query_row(last, [], |row| row.get::<_, i64>(0)).optional()?;
    Ok(UnixMillis(at_ms.and_then(|at_ms| u64::try_from(at_ms).ok()).unwrap_or(0)))
}

pub(crate) fn pointers(connection: &Connection) -> rusqlite::Result<Vec<ReadPointer>> {
    let mut statement = connection.prepare("SELECT user, room, seq FROM pointer")?;
    let pointer = |row: &Row<'_>| {
        Ok(ReadPointer { user: UserId(row.get(0)?), room: RoomId(row.get(1)?), seq: Seq(row.get(2)?) })
    };
    statement.query_map([], pointer)?.collect()
}

/// Moves a pointer forward.
pub(crate) fn set_pointer(connection: &Connection, pointer: ReadPointer) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO pointer (user, room, seq) VALUES (?1, ?2, ?3)
             ON CONFLICT (user, room) DO UPDATE SET seq = max(seq, excluded.seq)",
        )?
        .execute((to_sql(pointer.user.0), to_sql(pointer.room.0), to_sql(pointer.seq.0)))?;
    Ok(())
}

pub(crate) fn load_epochs(connection: &Connection) -> rusqlite::Result<Vec<EpochStart>> {
    connection
        .prepare("SELECT epoch, start FROM epoch ORDER BY id")?
        .query_map([], |row| Ok(EpochStart { epoch: Epoch(row.get(0)?), start: Position(row.get(1)?) }))?
        .collect()
}

//! The writer's queries besides repeats: a message in its current form, the directory's entries, the read pointers,
//! the epochs.

use chat::{
    Body, Entry, Epoch, EpochStart, Kind, Position, ReadPointer, RoomId, Seq, Standing, UnixMillis, UserId,
};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::damage::Damages;
use crate::kind::UNKNOWN;
use crate::number::to_sql;
use crate::rows::select;

/// A message, and the edit whose text it has. If the row of either is damaged, the message is: what cannot be read cannot be
/// changed.
pub(crate) fn message(
    connection: &Connection,
    damages: &Damages,
    room: RoomId,
    seq: Seq,
) -> rusqlite::Result<Result<Option<Standing>, Position>> {
    let asked = (to_sql(room.0), to_sql(seq.0));
    let read = |row: &Row<'_>| damages.read(connection, row);
    let mut find = connection.prepare_cached(select!(
        "entry INDEXED BY entry_message",
        "WHERE room = ?1 AND kind = 1 AND seq = ?2 ORDER BY position LIMIT 1"
    ))?;
    let mut message = match find.query_row(asked, read).optional()? {
        None => return Ok(Ok(None)),
        Some(Err(position)) => return Ok(Err(position)),
        Some(Ok(message)) => message,
    };
    let mut find = connection.prepare_cached(select!(
        "entry INDEXED BY entry_change",
        "WHERE room = ?1 AND target = ?2 AND kind = 2 ORDER BY position DESC LIMIT 1"
    ))?;
    let edit = match find.query_row(asked, read).optional()?.transpose() {
        Err(position) => return Ok(Err(position)),
        Ok(edit) => edit,
    };
    if edit.as_ref().is_some_and(|edit| matches!(edit.kind, Kind::Damaged { .. })) {
        message.kind = Kind::Message { body: Body::Damaged };
    }
    let edit = edit.filter(|edit| matches!(edit.kind, Kind::Edited { text: Some(_), .. }));
    Ok(Ok(Some(Standing { message, edit })))
}

/// A message and all edits of it, in order. The inner error is the position of a row of which nothing
/// can be said.
pub(crate) fn versions(
    connection: &Connection,
    damages: &Damages,
    room: RoomId,
    seq: Seq,
) -> rusqlite::Result<Result<Vec<Entry>, Position>> {
    let asked = (to_sql(room.0), to_sql(seq.0));
    let read = |row: &Row<'_>| damages.read(connection, row);
    let mut find = connection.prepare_cached(select!(
        "entry INDEXED BY entry_message",
        "WHERE room = ?1 AND kind = 1 AND seq = ?2"
    ))?;
    let mut versions: Vec<_> = find.query_map(asked, read)?.collect::<rusqlite::Result<_>>()?;
    let mut find = connection.prepare_cached(select!(
        "entry INDEXED BY entry_change",
        "WHERE room = ?1 AND target = ?2 AND kind = 2 ORDER BY position"
    ))?;
    versions.extend(find.query_map(asked, read)?.collect::<rusqlite::Result<Vec<_>>>()?);
    Ok(versions.into_iter().collect())
}

/// In order, and of known kinds alone. The inner error is the position of a row of which nothing
/// can be said.
pub(crate) fn directory(
    connection: &Connection,
    damages: &Damages,
) -> rusqlite::Result<Result<Vec<Entry>, Position>> {
    let mut statement = connection.prepare(select!(
        "entry INDEXED BY entry_directory",
        "WHERE kind > 3 AND kind < ?1 ORDER BY position"
    ))?;
    statement.query_map([UNKNOWN], |row| damages.read(connection, row))?.collect()
}

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

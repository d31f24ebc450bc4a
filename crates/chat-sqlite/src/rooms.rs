//! The last numbers of each room, from which the next ones follow.
//!
//! They stand in a table of their own, whose rows have no checksum. So a start holds them against the last entry of each
//! room, and believes that.

use std::collections::HashMap;

use chat::{Entry, Rev, RoomId, RoomNumbers, Seq};
use rusqlite::{Connection, OptionalExtension};

use crate::number::to_sql;
use crate::rows::{decode, select};

/// Reads the numbers, and mends those that are not what the last entries say.
pub(crate) fn load(connection: &Connection) -> rusqlite::Result<HashMap<RoomId, RoomNumbers>> {
    let mut rooms: HashMap<RoomId, RoomNumbers> = connection
        .prepare("SELECT id, seq, rev FROM room WHERE id >= 0 AND seq >= 0 AND rev >= 0")?
        .query_map([], |row| {
            Ok((RoomId(row.get(0)?), RoomNumbers { seq: Seq(row.get(1)?), rev: Rev(row.get(2)?) }))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut with_entries = HashMap::with_capacity(rooms.len());
    let mut next = connection
        .prepare("SELECT room FROM entry INDEXED BY entry_rev WHERE room > ?1 ORDER BY room LIMIT 1")?;
    let mut room = -1;
    while let Some(found) = next.query_row([room], |row| row.get::<_, i64>(0)).optional()? {
        room = found;
        let id = RoomId(room.unsigned_abs());
        let known = rooms.remove(&id);
        let numbers = match (known, last_entry(connection, room)?) {
            (Some(known), Some(last)) if goes_on(connection, known, &last)? => known,
            (_, Some(last)) => {
                let numbers = RoomNumbers { seq: last.seq, rev: last.rev };
                tracing::error!(
                    room,
                    ?known,
                    ?numbers,
                    "the last numbers of a room were damaged, and are mended"
                );
                set_room(connection, id, numbers)?;
                numbers
            }
            // The last entry is damaged, and they may be right.
            (Some(known), None) => known,
            (None, None) => continue,
        };
        with_entries.insert(id, numbers);
    }
    // A lobby that was taken over may be empty, and have used up numbers.
    with_entries.extend(rooms.remove(&RoomId::LOBBY).map(|numbers| (RoomId::LOBBY, numbers)));
    for room in rooms.into_keys() {
        tracing::error!(room = room.0, "a room without an entry has last numbers: they were damaged");
        connection.execute("DELETE FROM room WHERE id = ?1", [to_sql(room.0)])?;
    }
    Ok(with_entries)
}

/// The last entry of a room, if it is what was stored.
fn last_entry(connection: &Connection, room: i64) -> rusqlite::Result<Option<Entry>> {
    let last = select!("INDEXED BY entry_rev", "WHERE room = ?1 ORDER BY rev DESC LIMIT 1");
    Ok(connection.prepare_cached(last)?.query_row([room], |row| Ok(decode(row))).optional()?.flatten())
}

/// Whether these are the numbers of a room with this last entry. The system that a lobby was taken over from may have given
/// more of them.
fn goes_on(connection: &Connection, numbers: RoomNumbers, last: &Entry) -> rusqlite::Result<bool> {
    if numbers.rev != last.rev || numbers.seq < last.seq {
        return Ok(false);
    }
    if numbers.seq == last.seq {
        return Ok(true);
    }
    let first = select!("", "ORDER BY position LIMIT 1");
    let first = connection.prepare_cached(first)?.query_row([], |row| Ok(decode(row))).optional()?.flatten();
    let is_same = first.is_none_or(|first| (first.at, first.author) == (last.at, last.author));
    Ok(last.room == RoomId::LOBBY && is_same)
}

pub(crate) fn set_room(connection: &Connection, room: RoomId, numbers: RoomNumbers) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO room (id, seq, rev) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, rev = excluded.rev",
        )?
        .execute((to_sql(room.0), to_sql(numbers.seq.0), to_sql(numbers.rev.0)))?;
    Ok(())
}

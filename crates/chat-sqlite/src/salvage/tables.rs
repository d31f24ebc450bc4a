//! The tables besides the log: what can be read of them, what stands twice, and what follows from the log.

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params_from_iter};

use super::scan::{Complete, read_both_ways};
use super::{Failure, Fallback, Rebuilt, results};
use crate::schema;

/// How each table is carried over; a test holds it against the schema.
#[cfg(test)]
const TABLES: &[&str] =
    &["about", "device", "entry", "epoch", "lineage", "pointer", "room", "signing_key", "spent"];

/// Copies what a database is known by, and the keys; returns the seed of its fingerprints.
pub(super) fn copy_identity(
    old: &Connection,
    new: &Connection,
    fallback: Fallback<'_>,
    rebuilt: &mut Rebuilt,
) -> Result<i64, Failure> {
    let (about, keys) = match (about(old), keys(old)) {
        (about, Ok(keys)) if !keys.is_empty() => (about, keys),
        (about, _) => match fallback {
            Fallback::Nothing => return Err(Failure::Keys),
            Fallback::Backup(file) => {
                rebuilt.lost.push("the signing keys, which are those of the backup now".into());
                let backup = schema::connect_reader(file)?;
                (about.or_else(|_| self::about(&backup)), self::keys(&backup)?)
            }
            Fallback::Fresh => {
                rebuilt.lost.push("the signing keys: everybody has to come in anew".into());
                (about, Vec::new())
            }
        },
    };
    let (created_ms, seed) = match (about, fallback) {
        (Ok(about), _) => about,
        (Err(_), Fallback::Backup(file)) => self::about(&schema::connect_reader(file)?)?,
        (Err(_), Fallback::Nothing | Fallback::Fresh) => {
            rebuilt.lost.push("when it was made, so no backup of before is known as one of this chat".into());
            let seed = crate::environment::random_bytes().map(i64::from_be_bytes)?;
            (crate::number::to_sql(crate::environment::now_ms()), seed)
        }
    };
    new.execute("UPDATE about SET created_ms = ?1, key_seed = ?2", (created_ms, seed))?;
    for key in keys {
        new.execute("INSERT INTO signing_key VALUES (?1, ?2, ?3, ?4, ?5)", key)?;
    }
    Ok(seed)
}

fn about(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    connection.query_row("SELECT created_ms, key_seed FROM about", [], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// A row of the table.
type Key = (i64, [u8; 32], i64, Option<i64>, Option<i64>);

/// All of them or none: with one less, somebody is a stranger.
fn keys(connection: &Connection) -> rusqlite::Result<Vec<Key>> {
    // A database of an earlier version has no revoked keys.
    let is_known = columns(connection, "signing_key")?.iter().any(|name| name == "revoked_ms");
    let revoked = if is_known { "revoked_ms" } else { "NULL" };
    connection
        .prepare(&format!(
            "SELECT id, secret, created_ms, retired_ms, {revoked} FROM signing_key ORDER BY id"
        ))?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?
        .collect()
}

/// Copies the tables that say more than the log does, and makes those that follow from it.
pub(super) fn copy_others(old: &Connection, new: &Connection, rebuilt: &mut Rebuilt) -> Result<(), Failure> {
    make_rooms(old, new)?;
    if copy(old, new, "pointer", "user, room")? == Complete::No {
        rebuilt.lost.push("how far some people have read".into());
    }
    // A pointer that is past the end is damaged: where it was, nobody knows.
    new.execute(
        "UPDATE pointer SET seq = coalesce((SELECT seq FROM room WHERE id = pointer.room), 0)
         WHERE seq > coalesce((SELECT seq FROM room WHERE id = pointer.room), 0)",
        [],
    )?;
    if copy(old, new, "spent", "device, n")? == Complete::No {
        rebuilt.lost.push("results of refused commands, which are answered as conflicts".into());
    }
    results::mend(new)?;
    if copy(old, new, "epoch", "id")? == Complete::No || !epochs_are_sound(new)? {
        new.execute("DELETE FROM epoch", [])?;
        rebuilt.lost.push("the starts of the log: clients are sent everything anew".into());
    }
    Ok(())
}

/// Copies what can be read of a table whose rows have an order. A database of an earlier version may have fewer columns.
fn copy(old: &Connection, new: &Connection, table: &str, order: &str) -> Result<Complete, Failure> {
    let (columns, known) = (columns(new, table)?, columns(old, table)?);
    let values = columns.iter().map(|name| if known.contains(name) { name.as_str() } else { "NULL" });
    let values = values.collect::<Vec<_>>().join(", ");
    let marks = (1..=columns.len()).map(|number| format!("?{number}")).collect::<Vec<_>>().join(", ");
    let mut insert = new.prepare(&format!("INSERT OR IGNORE INTO {table} VALUES ({marks})"))?;
    let mut failed = None;
    let mut has_lost = false;
    let select = format!("SELECT {values} FROM {table} NOT INDEXED");
    let complete = read_both_ways(old, &select, order, |row: &Row<'_>| {
        let values = (0..columns.len()).map(|at| row.get(at)).collect::<rusqlite::Result<Vec<Value>>>();
        match values.and_then(|values| insert.execute(params_from_iter(values))) {
            Ok(_) => {}
            // What no row can be is no row.
            Err(err) if err.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => has_lost = true,
            Err(rusqlite::Error::Utf8Error(..) | rusqlite::Error::FromSqlConversionFailure(..)) => {
                has_lost = true;
            }
            Err(err) => failed = Some(err),
        }
        Ok(())
    });
    match failed {
        Some(err) => Err(err.into()),
        None if has_lost => Ok(Complete::No),
        None => Ok(complete),
    }
}

fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare("SELECT name FROM pragma_table_info(?1)")?
        .query_map([table], |row| row.get(0))?
        .collect()
}

/// The last numbers of a room are those of its last entries. Only a lobby that was taken over may have used more.
fn make_rooms(old: &Connection, new: &Connection) -> rusqlite::Result<()> {
    new.execute("INSERT INTO room SELECT room, max(seq), max(rev) FROM entry GROUP BY room", [])?;
    let lobby = crate::number::to_sql(chat::RoomId::LOBBY.0);
    let numbers = "SELECT seq, rev FROM room WHERE id = ?1";
    let read = |connection: &Connection| {
        connection.query_row(numbers, [lobby], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
    };
    let (Ok((old_seq, old_rev)), Some((seq, rev))) = (read(old), read(new).optional()?) else {
        return Ok(());
    };
    let is_taken_over = "SELECT count(*) = 0 FROM entry, (SELECT at_ms, lineage FROM entry ORDER BY position LIMIT 1) AS first
                         WHERE entry.at_ms <> first.at_ms OR entry.lineage IS NOT first.lineage";
    if old_rev == rev && old_seq > seq && new.query_row(is_taken_over, [], |row| row.get(0))? {
        new.execute("UPDATE room SET seq = ?1 WHERE id = ?2", (old_seq, lobby))?;
    }
    Ok(())
}

/// Whether each start is behind the one before it, and none is behind the end.
fn epochs_are_sound(new: &Connection) -> rusqlite::Result<bool> {
    new.query_row(
        "SELECT count(*) = 0 FROM (SELECT start, lag(start, 1, 0) OVER (ORDER BY id) AS before FROM epoch)
         WHERE start < before OR start > (SELECT coalesce(max(position), 0) FROM entry)",
        [],
        |row| row.get(0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_carried_over() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("chat.db");
        schema::create(&path, 1, 1).unwrap();
        let tables: Vec<String> = Connection::open(path)
            .unwrap()
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        assert_eq!(tables, TABLES);
    }
}

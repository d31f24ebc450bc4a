//! The commands of devices: the devices' short names, and what became of their numbers.
//!
//! The next number of a device is found at the end of an index, so nothing has to be written for it.

use std::collections::HashMap;

use chat::{Answered, CommandNumber, ContentHash, Counted, Device, KeptContent, Outcome};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior};

use crate::damage::Damages;
use crate::number::to_sql;
use crate::rows::receipt;
use crate::runs::{FIRST, select};

/// How far a device has come: its last entry, and the last row of numbers without one, if there is any.
const PROGRESS: &str = select!(
    ", (SELECT coalesce(max(n), 0) FROM entry INDEXED BY entry_counted WHERE device = ?1)
     FROM device LEFT JOIN spent
       ON spent.device = device.id AND n = (SELECT max(n) FROM spent WHERE device = ?1)
     WHERE device.id = ?1"
);

/// The column of [`PROGRESS`] with the number of the last entry.
const LAST_ENTRY: usize = 10;

/// The row that has a number, if any has it.
const RUN: &str = select!(
    "FROM spent JOIN device ON device.id = spent.device
     WHERE spent.device = ?1 AND n <= ?2 ORDER BY n DESC LIMIT 1"
);

/// Nobody knows how far a device has come whose last run is damaged, and where that stood. So all its numbers are used up:
/// the device is answered `conflict`, and goes on as another one.
const ALL: CommandNumber = CommandNumber(i64::MAX.cast_unsigned());

/// What became of each of the commands, all in one read transaction.
pub(crate) fn find(
    connection: &mut Connection,
    damages: &Damages,
    known: &HashMap<Device, i64>,
    asked: &[(Device, CommandNumber)],
) -> rusqlite::Result<Vec<Counted>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    let mut progress = transaction.prepare_cached(PROGRESS)?;
    let mut entry = transaction.prepare_cached(
        "SELECT position, room, seq, rev, at_ms, content FROM entry INDEXED BY entry_counted
         WHERE device = ?1 AND n = ?2",
    )?;
    let mut run = transaction.prepare_cached(RUN)?;
    let find = |(device, n): &(Device, CommandNumber)| {
        let Some(id) = known_device(&transaction, known, *device)? else { return Ok(Counted::default()) };
        let last = progress.query_row([id], |row| last(damages, row))?;
        if *n > last {
            return Ok(Counted { last, answered: None });
        }
        let at = to_sql(n.0);
        if let Some(answered) = entry.query_row((id, at), stored).optional()? {
            return Ok(Counted { last, answered: Some(answered) });
        }
        let run = run.query_row((id, at), |row| Ok(damages.run(row))).optional()?.flatten();
        Ok(Counted { last, answered: run.and_then(|run| run.answered(*n)) })
    };
    asked.iter().map(find).collect()
}

/// The last number that a device has used up.
fn last(damages: &Damages, row: &Row<'_>) -> rusqlite::Result<CommandNumber> {
    let entry = CommandNumber(row.get(LAST_ENTRY)?);
    if row.get_ref(FIRST)? == ValueRef::Null {
        return Ok(entry);
    }
    Ok(damages.run(row).map_or(ALL, |run| run.last().max(entry)))
}

fn stored(row: &Row<'_>) -> rusqlite::Result<Answered> {
    let content = KeptContent::Hash(ContentHash(row.get(5)?));
    Ok(Answered { content, outcome: Outcome::Repeated(receipt(row)?) })
}

fn known_device(
    connection: &Connection,
    known: &HashMap<Device, i64>,
    device: Device,
) -> rusqlite::Result<Option<i64>> {
    if let Some(id) = known.get(&device) {
        return Ok(Some(*id));
    }
    let mut find = connection.prepare_cached("SELECT id FROM device WHERE user = ?1 AND device = ?2")?;
    find.query_row((to_sql(device.user.0), device.id.0), |row| row.get(0)).optional()
}

/// The short name of a device, a new one if need be.
pub(crate) fn name(
    connection: &Connection,
    known: &HashMap<Device, i64>,
    device: Device,
) -> rusqlite::Result<i64> {
    if let Some(id) = known_device(connection, known, device)? {
        return Ok(id);
    }
    connection
        .prepare_cached("INSERT INTO device (user, device) VALUES (?1, ?2)")?
        .execute((to_sql(device.user.0), device.id.0))?;
    Ok(connection.last_insert_rowid())
}

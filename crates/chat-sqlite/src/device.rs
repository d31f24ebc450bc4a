//! The commands of devices: the devices' short names, their numbers, and results without an entry.
//!
//! The next number of a device is found at the end of an index, so nothing has to be written for it.

use std::collections::HashMap;

use chat::{
    Answered, CommandNumber, ContentHash, Counted, Device, DeviceId, Outcome, Refusal, RoomId, Spent,
    SpentOn, UnixMillis, UserId,
};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior};

use crate::checksum;
use crate::number::to_sql;
use crate::rows::receipt;

/// The columns of a row of `spent`, with its device.
pub(crate) const SELECT_SPENT: &str = "
    SELECT user, device.device, n, result, at_ms, content, checksum, room
    FROM spent LEFT JOIN device ON device.id = spent.device";

/// The same of a database from before there were rooms.
pub(crate) const SELECT_SPENT_WITHOUT_ROOMS: &str = "
    SELECT user, device.device, n, result, at_ms, content, checksum, NULL
    FROM spent LEFT JOIN device ON device.id = spent.device";

/// What became of each of the commands, all in one read transaction.
pub(crate) fn find(
    connection: &mut Connection,
    known: &HashMap<Device, i64>,
    asked: &[(Device, CommandNumber)],
) -> rusqlite::Result<Vec<Counted>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    let mut last = transaction.prepare_cached(
        "SELECT max(
           (SELECT coalesce(max(n), 0) FROM entry INDEXED BY entry_counted WHERE device = ?1),
           (SELECT coalesce(max(n), 0) FROM spent WHERE device = ?1))",
    )?;
    let mut entry = transaction.prepare_cached(
        "SELECT position, room, seq, rev, at_ms, content FROM entry INDEXED BY entry_counted
         WHERE device = ?1 AND n = ?2",
    )?;
    let mut spent =
        transaction.prepare_cached(&format!("{SELECT_SPENT} WHERE spent.device = ?1 AND n = ?2"))?;
    let find = |(device, n): &(Device, CommandNumber)| {
        let Some(id) = known_device(&transaction, known, *device)? else { return Ok(Counted::default()) };
        let last = CommandNumber(last.query_row([id], |row| row.get(0))?);
        if *n > last {
            return Ok(Counted { last, answered: None });
        }
        let n = to_sql(n.0);
        let answered = match entry.query_row((id, n), stored).optional()? {
            Some(answered) => Some(answered),
            // A damaged result is as good as none: it is answered as a conflict.
            None => spent
                .query_row((id, n), |row| Ok(decode(row)))
                .optional()?
                .flatten()
                .map(|spent| Answered { content: spent.content, outcome: spent.on.outcome() }),
        };
        Ok(Counted { last, answered })
    };
    asked.iter().map(find).collect()
}

fn stored(row: &Row<'_>) -> rusqlite::Result<Answered> {
    Ok(Answered { content: ContentHash(row.get(5)?), outcome: Outcome::Repeated(receipt(row)?) })
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

/// `id` is the short name of the device.
pub(crate) fn insert(connection: &Connection, spent: &Spent, id: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO spent (device, n, result, at_ms, content, checksum, room)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            id,
            to_sql(spent.n.0),
            code(spent.on),
            to_sql(spent.at.0),
            spent.content.0,
            checksum_of(spent, code(spent.on), room_of(spent.on)),
            room_of(spent.on),
        ))?;
    Ok(())
}

/// The result of a row, if the row is what was once stored.
pub(crate) fn decode(row: &Row<'_>) -> Option<Spent> {
    decode_at(row, 0)
}

/// The same, where the columns begin at this one.
pub(crate) fn decode_at(row: &Row<'_>, first: usize) -> Option<Spent> {
    let number = |column: usize| row.get_ref(first + column).ok()?.as_i64().ok();
    let unsigned = |column: usize| u64::try_from(number(column)?).ok();
    let (result, room) = (number(3)?, row.get(first + 7).ok()?);
    let spent = Spent {
        device: Device { user: UserId(unsigned(0)?), id: DeviceId(row.get(first + 1).ok()?) },
        n: CommandNumber(unsigned(2)?),
        on: on(result, room)?,
        at: UnixMillis(unsigned(4)?),
        content: ContentHash(row.get(first + 5).ok()?),
    };
    (number(6)? == checksum_of(&spent, result, room)).then_some(spent)
}

/// `result` and `room` as they stand in the table.
fn checksum_of(spent: &Spent, result: i64, room: Option<i64>) -> i64 {
    checksum::Spent {
        user: to_sql(spent.device.user.0),
        device: &spent.device.id.0,
        n: to_sql(spent.n.0),
        result,
        at_ms: to_sql(spent.at.0),
        content: &spent.content.0,
        room,
    }
    .checksum()
}

/// The room in which there was nothing to do.
fn room_of(on: SpentOn) -> Option<i64> {
    match on {
        SpentOn::Skip | SpentOn::Refusal(_) => None,
        SpentOn::Nothing { room } => Some(to_sql(room.0)),
    }
}

const NOTHING: i64 = 3;
/// The first number of a result that this version does not know.
const UNKNOWN: i64 = 17;

/// As it stands in the table.
fn code(on: SpentOn) -> i64 {
    match on {
        SpentOn::Skip => 0,
        SpentOn::Nothing { .. } => NOTHING,
        SpentOn::Refusal(refusal) => match refusal {
            Refusal::Conflict => 1,
            Refusal::TooLarge => 2,
            Refusal::Empty => 4,
            Refusal::NotFound => 5,
            Refusal::Forbidden => 6,
            Refusal::NameTaken => 7,
            Refusal::NameInvalid => 8,
            Refusal::NameReserved => 9,
            Refusal::NameRequired => 10,
            Refusal::Limit => 11,
            Refusal::BadCode => 12,
            Refusal::Invalid => 13,
            Refusal::TopicInvalid => 14,
            Refusal::Damaged => 15,
            Refusal::Quota => 16,
            Refusal::Unknown => UNKNOWN,
        },
    }
}

/// What a later version has stored, with or without a room, is a refusal of a kind that this one does not know.
fn on(code: i64, room: Option<i64>) -> Option<SpentOn> {
    if code >= UNKNOWN {
        return Some(SpentOn::Refusal(Refusal::Unknown));
    }
    if let Some(room) = room {
        let room = RoomId(u64::try_from(room).ok()?);
        return (code == NOTHING).then_some(SpentOn::Nothing { room });
    }
    let refusals = Refusal::ALL.into_iter().map(SpentOn::Refusal);
    refusals.chain([SpentOn::Skip]).find(|on| self::code(*on) == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_comes_back_from_the_table() {
        let nothing = SpentOn::Nothing { room: RoomId(7) };
        for result in Refusal::ALL.into_iter().map(SpentOn::Refusal).chain([SpentOn::Skip, nothing]) {
            assert_eq!(on(code(result), room_of(result)), Some(result));
        }
        assert_eq!(on(NOTHING, None), None);
        assert_eq!(on(1, Some(7)), None);
        assert_eq!(on(NOTHING, Some(-1)), None);
        assert_eq!(on(-1, None), None);
        for room in [None, Some(7)] {
            assert_eq!(on(99, room), Some(SpentOn::Refusal(Refusal::Unknown)));
        }
    }
}

//! Rows of the table `entry`: the columns of each statement, and the entry that they form.
//!
//! Every row is checked before it is trusted.

use std::borrow::Cow;

use chat::{
    Author, CommandNumber, Device, DeviceId, Entry, Lineage, Position, Receipt, Rev, RoomId, Seq, UnixMillis,
    UserId,
};
use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::checksum;
use crate::kind::Columns;

/// A statement over `entry` by an index or by none, with the columns that [`decode`] expects and then those that only lookups
/// use.
macro_rules! select {
    ($how:literal, $rest:literal) => {
        concat!(
            "SELECT position, room, seq, rev, kind, at_ms, lineage.lineage, key, content, text, checksum,
                    device.user, device.device, n, body, target, key_print
             FROM entry ",
            $how,
            " LEFT JOIN lineage ON lineage.id = entry.lineage LEFT JOIN device ON device.id = entry.device ",
            $rest
        )
    };
}
pub(crate) use select;

/// The rows of a stretch of the log.
pub(crate) const SELECT: &str = select!("", "WHERE position > ?1 AND position <= ?2 ORDER BY position");

/// The same of a database from before there were rooms.
pub(crate) const SELECT_WITHOUT_ROOMS: &str = "
    SELECT position, room, seq, rev, kind, at_ms, lineage.lineage, key, content, text, checksum,
           device.user, device.device, n, NULL, NULL, key_print
    FROM entry
    LEFT JOIN lineage ON lineage.id = entry.lineage
    LEFT JOIN device ON device.id = entry.device
    WHERE position > ?1 AND position <= ?2 ORDER BY position";

/// The same of a database from before there were devices.
pub(crate) const SELECT_WITHOUT_DEVICES: &str = "
    SELECT position, room, seq, rev, kind, at_ms, lineage.lineage, key, content, text, checksum,
           NULL, NULL, NULL, NULL, NULL, key_print
    FROM entry LEFT JOIN lineage ON lineage.id = entry.lineage
    WHERE position > ?1 AND position <= ?2 ORDER BY position";

/// The column of [`SELECT`] with the client's key.
pub(crate) const KEY: usize = 7;
/// The column of [`SELECT`] with the hash of the content.
pub(crate) const CONTENT: usize = 8;
/// The column of [`SELECT`] with the key's fingerprint.
pub(crate) const KEY_PRINT: usize = 16;

/// The entry of a row, if the row is what was once stored.
pub(crate) fn decode(row: &Row<'_>) -> Option<Entry> {
    decode_columns(|column| row.get_ref(column).ok())
}

/// The same of the values of such a row, however they were found.
pub(crate) fn decode_columns<'a>(value: impl Fn(usize) -> Option<ValueRef<'a>>) -> Option<Entry> {
    let number = |column: usize| value(column)?.as_i64().ok();
    let lineage = value(6)?.as_blob_or_null().ok()?;
    let nullable = |column: usize| value(column)?.as_i64_or_null().ok();
    let device = match (nullable(11)?, nullable(13)?) {
        (None, None) => None,
        (Some(user), Some(n)) => Some((user, value(12)?.as_blob().ok()?.try_into().ok()?, n)),
        (Some(_), None) | (None, Some(_)) => return None,
    };
    let columns = Columns {
        kind: number(4)?,
        body: nullable(14)?,
        target: nullable(15)?,
        text: Cow::Borrowed(value(9)?.as_str().ok()?),
    };
    let stored = checksum::Row {
        position: number(0)?,
        room: number(1)?,
        seq: number(2)?,
        rev: number(3)?,
        at_ms: number(5)?,
        lineage,
        key: value(KEY)?.as_str_or_null().ok()?,
        content: value(CONTENT)?.as_blob().ok()?,
        columns: &columns,
        device,
    };
    if number(10)? != stored.checksum() {
        return None;
    }
    let unsigned = |number: i64| u64::try_from(number).ok();
    let author = match (lineage, device) {
        (None, None) => None,
        (Some(bytes), None) => Some(Author::Lineage(Lineage(bytes.try_into().ok()?))),
        (None, Some((user, id, n))) => {
            let device = Device { user: UserId(unsigned(user)?), id: DeviceId(*id) };
            Some(Author::Device { device, n: CommandNumber(unsigned(n)?) })
        }
        (Some(_), Some(_)) => return None,
    };
    Some(Entry {
        position: Position(unsigned(stored.position)?),
        room: RoomId(unsigned(stored.room)?),
        seq: Seq(unsigned(stored.seq)?),
        rev: Rev(unsigned(stored.rev)?),
        at: UnixMillis(unsigned(stored.at_ms)?),
        author,
        kind: columns.kind()?,
    })
}

/// The receipt of a row that begins with position, room, seq, rev and time.
pub(crate) fn receipt(row: &Row<'_>) -> rusqlite::Result<Receipt> {
    Ok(Receipt {
        position: Position(row.get(0)?),
        room: RoomId(row.get(1)?),
        seq: Seq(row.get(2)?),
        rev: Rev(row.get(3)?),
        at: UnixMillis(row.get(4)?),
    })
}

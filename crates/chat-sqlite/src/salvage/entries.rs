//! The rows of the log that are what was stored, wherever in the file they stand.

use rusqlite::types::{Value, ValueRef};
use rusqlite::{CachedStatement, Connection, params_from_iter};

use super::Failure;
use super::names::Names;
use super::pages::{Pages, RawRow};
use crate::fingerprint::Fingerprint;
use crate::kind::MESSAGE;
use crate::rows::decode_columns;

/// The columns of a row since there are rooms. Those of earlier rows end before `device`, or before `body`.
const COLUMNS: usize = 16;
const KIND: usize = 4;
const LINEAGE: usize = 6;
const KEY: usize = 7;
const KEY_PRINT: usize = 8;
const CONTENT: usize = 9;
const DEVICE: usize = 12;
const BODY: usize = 14;

/// Copies all rows that are what was stored; returns how many.
pub(super) fn copy(
    pages: &Pages,
    new: &Connection,
    names: &mut Names,
    fingerprint: Fingerprint,
) -> Result<u64, Failure> {
    let marks = (1..=COLUMNS).map(|number| format!("?{number}")).collect::<Vec<_>>().join(", ");
    let mut insert = new.prepare_cached(&format!("INSERT OR IGNORE INTO entry VALUES ({marks})"))?;
    let mut found = 0;
    pages.rows::<Failure>(looks_like_one, |mut row| {
        if !is_sound(&mut row, names) {
            return Ok(());
        }
        row.columns[0] = Value::Integer(row.id);
        // It depends on the seed, which may be another now.
        row.columns[KEY_PRINT] = match &row.columns[KEY] {
            Value::Text(key) => Value::Integer(fingerprint.of(key)),
            _ => Value::Null,
        };
        if insert.execute(params_from_iter(&row.columns))? == 1 {
            found += 1;
            return Ok(());
        }
        replace_older(new, &mut insert, &row)
    })?;
    Ok(found)
}

/// Two copies of one row are both what was stored once: the one that was changed most is the last.
fn replace_older(new: &Connection, insert: &mut CachedStatement<'_>, row: &RawRow) -> Result<(), Failure> {
    let known: Option<i64> =
        new.query_row("SELECT body FROM entry WHERE position = ?1", [row.id], |row| row.get(0))?;
    let body = match row.columns[BODY] {
        Value::Integer(body) => Some(body),
        _ => None,
    };
    if body > known {
        new.execute("DELETE FROM entry WHERE position = ?1", [row.id])?;
        insert.execute(params_from_iter(&row.columns))?;
    }
    Ok(())
}

/// What is cheap to see.
fn looks_like_one(row: &RawRow) -> bool {
    let is_integer = |column: usize| matches!(row.columns[column], Value::Integer(_));
    matches!(row.columns.len(), 12 | 14 | COLUMNS)
        && row.id > 0
        && row.columns[0] == Value::Null
        && is_integer(1)
        && is_integer(KIND)
        && matches!(&row.columns[CONTENT], Value::Blob(hash) if hash.len() == 16)
}

/// Whether a row has its checksum. Then its columns are those of today, and the names that it uses are confirmed.
fn is_sound(row: &mut RawRow, names: &mut Names) -> bool {
    row.columns.resize(COLUMNS, Value::Null);
    let short = |column: usize| match row.columns[column] {
        Value::Integer(id) => Some(id),
        _ => None,
    };
    let (lineage, device) = (short(LINEAGE), short(DEVICE));
    let lineages = names.lineages.candidates(lineage);
    let devices = names.devices.candidates(device);
    let sound = lineages.iter().flat_map(|lineage| devices.iter().map(move |device| (lineage, device))).find(
        |(lineage, device)| {
            let value = |column: usize| Some(at(row, column, lineage.as_ref(), device.as_ref()));
            decode_columns(value).is_some()
        },
    );
    let Some((lineage_found, device_found)) = sound else { return false };
    names.lineages.confirm(lineage, *lineage_found);
    names.devices.confirm(device, *device_found);
    true
}

/// The value at a column of [`SELECT`](crate::rows::SELECT).
fn at<'a>(
    row: &'a RawRow,
    column: usize,
    lineage: Option<&'a [u8; 16]>,
    device: Option<&'a (i64, [u8; 16])>,
) -> ValueRef<'a> {
    let own = |column: usize| ValueRef::from(&row.columns[column]);
    match column {
        0 => ValueRef::Integer(row.id),
        6 => lineage.map_or(ValueRef::Null, |lineage| ValueRef::Blob(lineage)),
        8..=10 => own(column + 1),
        11 => device.map_or(ValueRef::Null, |(user, _)| ValueRef::Integer(*user)),
        12 => device.map_or(ValueRef::Null, |(_, id)| ValueRef::Blob(id)),
        16 => own(KEY_PRINT),
        column => own(column),
    }
}

/// Where the log ends, and the places in it that have no row, in order. A row whose place is far beyond all others has a
/// sound checksum, so it is there.
pub(super) fn missing(new: &Connection) -> rusqlite::Result<(i64, Vec<i64>)> {
    let mut statement = new.prepare("SELECT position FROM entry ORDER BY position")?;
    let mut rows = statement.query([])?;
    let (mut last, mut missing) = (0, Vec::new());
    while let Some(row) = rows.next()? {
        let position: i64 = row.get(0)?;
        missing.extend(last + 1..position);
        last = position;
    }
    Ok((last, missing))
}

/// Writes a row that is damaged: it says where it stands, and its checksum does not match.
pub(super) struct Damaged {
    pub(super) position: i64,
    pub(super) room: i64,
    pub(super) seq: i64,
    pub(super) rev: i64,
    pub(super) kind: i64,
    pub(super) target: Option<i64>,
    pub(super) counted: Option<(i64, i64)>,
}

impl Damaged {
    pub(super) fn insert(&self, new: &Connection) -> rusqlite::Result<()> {
        debug_assert!(self.target.is_none() || self.kind != MESSAGE);
        let (device, n) = self.counted.unzip();
        new.prepare_cached(
            "INSERT INTO entry (position, room, seq, rev, kind, at_ms, content, text, checksum, device, n, target)
             VALUES (?1, ?2, ?3, ?4, ?5,
                     coalesce((SELECT at_ms FROM entry WHERE position < ?1 ORDER BY position DESC LIMIT 1), 0),
                     zeroblob(16), '', 0, ?6, ?7, ?8)",
        )?
        .execute((self.position, self.room, self.seq, self.rev, self.kind, device, n, self.target))?;
        Ok(())
    }
}

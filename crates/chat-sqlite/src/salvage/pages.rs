//! The pages of a database file, read without SQLite: rows are found on their own pages, whatever leads there.
//!
//! A row of the log has a checksum, so it can be believed wherever it is found. A page that is not what a leaf should be is
//! searched byte by byte for rows. No row is old: SQLite overwrites what it frees, and the rows of the log stay.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use rusqlite::types::Value;

/// Every database of ours has pages of this size.
const PAGE: usize = 4096;
/// The header of the file stands at the beginning of the first page.
const FILE_HEADER: usize = 100;
/// No row of ours is longer.
const ROW_BYTES_MAX: usize = 1 << 26;

const LEAF_OF_TABLE: u8 = 13;
const LEAF_OF_INDEX: u8 = 10;
const INTERIOR_OF_INDEX: u8 = 2;

/// A database file.
#[derive(Debug)]
pub(super) struct Pages {
    file: File,
    count: u32,
}

/// A row as it stands in a table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RawRow {
    pub(super) id: i64,
    pub(super) columns: Vec<Value>,
}

impl Pages {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let pages = file.metadata()?.len().div_ceil(PAGE as u64);
        Ok(Self { file, count: u32::try_from(pages).unwrap_or(u32::MAX) })
    }

    /// Calls `take` with every row that `is_wanted` says may be one, in the order of the pages.
    pub(super) fn rows<E: From<io::Error>>(
        &self,
        is_wanted: impl Fn(&RawRow) -> bool,
        mut take: impl FnMut(RawRow) -> Result<(), E>,
    ) -> Result<(), E> {
        for number in 1..=self.count {
            let page = self.read(number)?;
            for row in self.rows_of(&page, if number == 1 { FILE_HEADER } else { 0 }, &is_wanted) {
                take(row)?;
            }
        }
        Ok(())
    }

    fn rows_of(&self, page: &[u8; PAGE], start: usize, is_wanted: impl Fn(&RawRow) -> bool) -> Vec<RawRow> {
        if matches!(page[start], LEAF_OF_INDEX | INTERIOR_OF_INDEX) {
            return Vec::new();
        }
        if page[start] == LEAF_OF_TABLE
            && let Some(rows) = self.rows_by_pointers(page, start)
        {
            return rows.into_iter().filter(is_wanted).collect();
        }
        (start..PAGE).filter_map(|at| self.row_at(page, at)).filter(is_wanted).collect()
    }

    /// All rows of a leaf; `None` if it is not one from its beginning to its end.
    fn rows_by_pointers(&self, page: &[u8; PAGE], start: usize) -> Option<Vec<RawRow>> {
        let pointer =
            |at: usize| Some(usize::from(u16::from_be_bytes(page.get(at..at + 2)?.try_into().ok()?)));
        let cells = pointer(start + 3)?;
        let mut before = None;
        (0..cells)
            .map(|cell| {
                let row = self.row_at(page, pointer(start + 8 + 2 * cell)?)?;
                let follows = before.is_none_or(|before| before < row.id);
                before = Some(row.id);
                follows.then_some(row)
            })
            .collect()
    }

    /// The row that begins at a place of a page, if something there looks like one.
    fn row_at(&self, page: &[u8; PAGE], at: usize) -> Option<RawRow> {
        let mut rest = page.get(at..)?;
        let length = usize::try_from(varint(&mut rest)?).ok().filter(|length| *length <= ROW_BYTES_MAX)?;
        let id = varint(&mut rest)?;
        // What every record begins with: the length of its header.
        let here = here_of(length);
        let header = usize::from(*rest.first()?);
        if !(2..128).contains(&header) || header > length || rest.len() < here {
            return None;
        }
        if header <= here && sum_of(&rest[..header])? != length {
            return None;
        }
        let mut record = rest[..here].to_vec();
        if here < length {
            let next = rest.get(here..here + 4)?.try_into().ok()?;
            self.follow(u32::from_be_bytes(next), length, &mut record)?;
        }
        Some(RawRow { id, columns: columns(&record)? })
    }

    /// Reads the rest of a record, which goes on in pages of its own.
    fn follow(&self, mut number: u32, length: usize, record: &mut Vec<u8>) -> Option<()> {
        while record.len() < length {
            if number == 0 || number > self.count {
                return None;
            }
            let page = self.read(number).ok()?;
            let rest = (length - record.len()).min(PAGE - 4);
            record.extend_from_slice(&page[4..4 + rest]);
            number = u32::from_be_bytes(page[..4].try_into().ok()?);
        }
        Some(())
    }

    /// A page that the file ends in is full of zeros there.
    fn read(&self, number: u32) -> io::Result<Box<[u8; PAGE]>> {
        let mut page = Vec::with_capacity(PAGE);
        let mut file = &self.file;
        file.seek(SeekFrom::Start((u64::from(number) - 1) * PAGE as u64))?;
        file.take(PAGE as u64).read_to_end(&mut page)?;
        page.resize(PAGE, 0);
        Ok(page.into_boxed_slice().try_into().expect("it has the length of a page"))
    }
}

/// How many bytes of a record stand in the page of its row.
fn here_of(length: usize) -> usize {
    let (most, least) = (PAGE - 35, (PAGE - 12) * 32 / 255 - 23);
    if length <= most {
        return length;
    }
    let here = least + (length - least) % (PAGE - 4);
    if here <= most { here } else { least }
}

/// A number of SQLite: seven bits in each byte, and eight in the ninth.
fn varint(bytes: &mut &[u8]) -> Option<i64> {
    let mut number = 0_u64;
    for at in 0..9 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        if at == 8 {
            return Some((number << 8 | u64::from(*byte)).cast_signed());
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(number.cast_signed())
}

/// How long a record with this header is.
fn sum_of(header: &[u8]) -> Option<usize> {
    let mut types = header.get(1..)?;
    let mut sum = header.len();
    while !types.is_empty() {
        sum = sum.checked_add(size_of(varint(&mut types)?)?)?;
    }
    Some(sum)
}

fn size_of(serial: i64) -> Option<usize> {
    match serial {
        0 | 8 | 9 => Some(0),
        1..=4 => usize::try_from(serial).ok(),
        5 => Some(6),
        6 => Some(8),
        12.. => usize::try_from((serial - 12) / 2).ok(),
        _ => None,
    }
}

/// The values of a record.
fn columns(record: &[u8]) -> Option<Vec<Value>> {
    let (mut types, mut body) = record.split_at_checked(usize::from(*record.first()?))?;
    types = types.get(1..)?;
    let mut columns = Vec::new();
    while !types.is_empty() {
        let serial = varint(&mut types)?;
        let (bytes, rest) = body.split_at_checked(size_of(serial)?)?;
        body = rest;
        columns.push(match serial {
            0 => Value::Null,
            1..=6 => Value::Integer(integer(bytes)),
            8 | 9 => Value::Integer(serial - 8),
            _ if serial % 2 == 0 => Value::Blob(bytes.to_vec()),
            _ => Value::Text(String::from_utf8(bytes.to_vec()).ok()?),
        });
    }
    body.is_empty().then_some(columns)
}

fn integer(bytes: &[u8]) -> i64 {
    let sign = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { -1 } else { 0 };
    bytes.iter().fold(sign, |number, byte| number << 8 | i64::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rusqlite::Connection;

    use super::*;

    fn all(path: &Path) -> Vec<RawRow> {
        let mut rows = Vec::new();
        let pages = Pages::open(path).unwrap();
        pages
            .rows::<io::Error>(
                |row| row.columns.len() == 3,
                |row| {
                    rows.push(row);
                    Ok(())
                },
            )
            .unwrap();
        rows
    }

    #[test]
    fn rows_are_found_as_sqlite_has_stored_them() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("some.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE some (id INTEGER PRIMARY KEY, a, b)").unwrap();
        let numbers =
            [0, 1, -1, 127, 128, -128, -129, 1 << 15, 1 << 23, 1 << 31, 1 << 40, i64::MAX, i64::MIN];
        let mut stored = Vec::new();
        for (id, number) in (1..).zip(numbers.iter().cycle().take(300)) {
            let length = [0, 3, 200, 4050, 4061, 4062, 8200, 100_000][usize::try_from(id).unwrap() % 8];
            let blob = vec![7; length];
            connection.execute("INSERT INTO some VALUES (?1, ?2, ?3)", (id, number, &blob)).unwrap();
            stored
                .push(RawRow { id, columns: vec![Value::Null, Value::Integer(*number), Value::Blob(blob)] });
        }
        drop(connection);
        let mut found = all(&path);
        found.sort_by_key(|row| row.id);
        assert!(found == stored);
    }

    #[test]
    fn rows_are_found_on_a_page_whose_header_is_lost() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("some.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE some (id INTEGER PRIMARY KEY, a, b)").unwrap();
        for id in 1..=40 {
            connection.execute("INSERT INTO some VALUES (?1, ?1, 'some text')", [id]).unwrap();
        }
        drop(connection);
        let sound = std::fs::read(&path).unwrap();
        assert_eq!(sound.len(), 2 * PAGE);
        for at in PAGE..PAGE + 8 {
            let mut bytes = sound.clone();
            bytes[at] ^= 4;
            std::fs::write(&path, bytes).unwrap();
            let found: HashSet<_> = all(&path).iter().map(|row| row.id).collect();
            assert!((1..=40).all(|id| found.contains(&id)), "{at}");
        }
    }
}

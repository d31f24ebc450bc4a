//! Checks that a database holds what was once written: every row, every number, every lookup.
//!
//! It only reads, in one transaction on its own connection, and does not lock the folder, so it works beside a running
//! server. The result is a list of [`Fault`]s. It knows the appender's rules, and repairs nothing.

mod changes;
mod devices;
mod numbers;

use std::fmt;
use std::path::{Path, PathBuf};

use chat::{ClientKey, Kind, Position};
use rusqlite::{Connection, Row};

use crate::error::OpenError;
use crate::fingerprint::Fingerprint;
use crate::folder::{Found, chat_in, check_wal, look, noted_head};
use crate::log::missing;
use crate::number::to_sql;
use crate::rows::{KEY, KEY_PRINT, SELECT, SELECT_WITHOUT_DEVICES, SELECT_WITHOUT_ROOMS, decode};
use crate::schema;
use numbers::Numbers;

/// So many faults are told, and the others counted.
const FAULTS_MAX: usize = 100;

/// What a database holds, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The file that was read.
    pub file: PathBuf,
    /// Rows of the log; the last position, if there is no fault.
    pub entries: u64,
    /// The last position.
    pub head: Position,
    /// Those that were sent under a client's key.
    pub with_key: u64,
    /// Rooms with entries.
    pub rooms: u64,
    /// Pages that have sent something.
    pub lineages: u64,
    /// Devices that have sent something.
    pub devices: u64,
    /// Their commands that were refused or cancelled.
    pub without_entry: u64,
    /// How far people have read which rooms.
    pub pointers: u64,
    /// Starts of the log.
    pub epochs: u64,
    /// Entries of kinds that this version does not know: a later one has written them.
    pub unknown: u64,
    /// Keys that sign private ids, the retired ones included.
    pub signing_keys: u64,
    /// The file is so damaged that the reading ended early: the counts say nothing.
    pub is_cut_short: bool,
    /// What is wrong, at most a hundred of it.
    pub faults: Vec<Fault>,
    /// How much else is wrong.
    pub more_faults: u64,
}

/// A fault in the database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Entries that were acknowledged are not there.
    #[error(
        "positions {first} to {last} are missing at the end: the write-ahead log was lost or cut, or this is an older copy"
    )]
    Lost {
        /// The first missing position.
        first: Position,
        /// The last missing position.
        last: Position,
    },
    /// The tables and indexes of the file are inconsistent.
    #[error("the file: {detail}")]
    Structure {
        /// The message of SQLite.
        detail: String,
    },
    /// The content of a row has changed since it was stored.
    #[error("position {position}: the row is not what was stored")]
    Row {
        /// The position of the row.
        position: Position,
    },
    /// Positions are missing.
    #[error("positions {first} to {last} are missing")]
    Hole {
        /// The first missing position.
        first: Position,
        /// The last missing position.
        last: Position,
    },
    /// A number does not continue the ones before it.
    #[error("position {position}: {detail}")]
    Number {
        /// The position of the entry.
        position: Position,
        /// Which number, and what it should be.
        detail: String,
    },
    /// A message does not match its edits and its deletion.
    #[error("position {position}: {detail}")]
    Change {
        /// The position of the message.
        position: Position,
        /// What does not match.
        detail: String,
    },
    /// The stored last numbers of a room are not the last numbers of its entries.
    #[error("room {room}: {detail}")]
    Room {
        /// The number of the room.
        room: u64,
        /// What is there and what should be.
        detail: String,
    },
    /// Two entries are the same message.
    #[error("position {position}: the same send as position {earlier}")]
    Repeat {
        /// The position of the later one.
        position: Position,
        /// The position of the earlier one.
        earlier: Position,
    },
    /// A client's key would not be found again.
    #[error("position {position}: its key is not found by its fingerprint")]
    Lookup {
        /// The position of the message.
        position: Position,
    },
    /// The command numbers of a device have a gap, a repeat or the wrong order.
    #[error("device {device}: {detail}")]
    Device {
        /// The row id of the device.
        device: i64,
        /// What is wrong.
        detail: String,
    },
    /// The stored results of commands without an entry have changed.
    #[error("device {device}: the results {} are not what was stored", numbers_from(*.first, *.last))]
    Spent {
        /// The row id of the device.
        device: i64,
        /// The number of the first of these commands.
        first: i64,
        /// The number of the last one, unless it is the last of all, which is damaged too.
        last: Option<i64>,
    },
    /// The epochs do not describe this log.
    #[error("epochs: {detail}")]
    Epochs {
        /// What is wrong.
        detail: String,
    },
    /// Private ids cannot be signed or verified.
    #[error("signing keys: {detail}")]
    SigningKeys {
        /// What does not hold.
        detail: String,
    },
}

fn numbers_from(first: i64, last: Option<i64>) -> String {
    match last {
        Some(last) if last == first => format!("of number {first}"),
        Some(last) => format!("of the numbers {first} to {last}"),
        None => format!("from number {first} on"),
    }
}

/// Reads all of a database: that of a data folder, or a file such as a backup.
pub fn verify(path: &Path) -> Result<Report, OpenError> {
    let file = if path.is_file() { backup_at(path)? } else { chat_in(path)? };
    if path.is_dir() {
        check_wal(path)?;
    }
    // Before the log is read, which may grow meanwhile.
    let noted = if path.is_dir() { noted_head(path).unwrap_or(Position::ZERO) } else { Position::ZERO };
    let mut report = Report { file, ..Report::default() };
    if let Err(err) = report.read() {
        match err.sqlite_error_code() {
            // So damaged that the reading ended there: that is a finding, and no failure to find.
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
                report.is_cut_short = true;
                report.fault(Fault::Structure { detail: err.to_string() });
            }
            _ => return Err(OpenError::Storage { file: report.file, cause: err.into() }),
        }
    } else if let Some((first, last)) = missing(noted, report.head) {
        report.fault(Fault::Lost { first, last });
    }
    Ok(report)
}

fn backup_at(file: &Path) -> Result<PathBuf, OpenError> {
    match look(file)? {
        Found::Ours => Ok(file.into()),
        Found::Nothing => Err(OpenError::Absent { path: file.into() }),
    }
}

impl Report {
    /// Whether everything is as it should be.
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }

    fn fault(&mut self, fault: Fault) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault);
        } else {
            self.more_faults += 1;
        }
    }

    fn read(&mut self) -> rusqlite::Result<()> {
        let connection = schema::connect_reader(&self.file)?;
        connection.execute_batch("BEGIN")?;
        self.check_structure(&connection)?;
        let schema: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let select = match schema {
            ..devices::SINCE => SELECT_WITHOUT_DEVICES,
            devices::SINCE => SELECT_WITHOUT_ROOMS,
            _ => SELECT,
        };
        let numbers = self.check_rows(&connection, select)?;
        for fault in numbers.finish(&connection)? {
            self.fault(fault);
        }
        self.check_repeats(&connection)?;
        if schema >= devices::SINCE {
            self.check_devices(&connection, schema)?;
        }
        if schema >= changes::SINCE {
            self.check_changes(&connection)?;
        }
        self.check_epochs(&connection)?;
        self.check_signing_keys(&connection)?;
        let count = |table| {
            connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, u64>(0))
        };
        self.lineages = count("lineage")?;
        self.rooms = count("room")?;
        Ok(())
    }

    /// Tables against indexes: a repeat is recognised by an index, so an index with a hole lets one through.
    fn check_structure(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut check = connection.prepare("PRAGMA integrity_check(100)")?;
        for detail in check.query_map([], |row| row.get::<_, String>(0))? {
            let detail = detail?;
            if detail != "ok" {
                self.fault(Fault::Structure { detail });
            }
        }
        Ok(())
    }

    fn check_rows(&mut self, connection: &Connection, select: &str) -> rusqlite::Result<Numbers> {
        let seed: i64 = connection.query_row("SELECT key_seed FROM about", [], |row| row.get(0))?;
        let fingerprint = Fingerprint::new(seed.cast_unsigned());
        let mut numbers = Numbers::default();
        let mut expected = Position::ZERO.next();
        let mut statement = connection.prepare(select)?;
        let mut rows = statement.query((-1, to_sql(u64::MAX)))?;
        while let Some(row) = rows.next()? {
            let position = Position(u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0));
            if position > expected {
                self.fault(Fault::Hole { first: expected, last: Position(position.0 - 1) });
            }
            expected = position.next();
            self.head = position;
            self.entries += 1;
            self.check_key(row, fingerprint, position)?;
            let Some(entry) = decode(row).filter(|entry| entry.position == position) else {
                self.fault(Fault::Row { position });
                numbers.lose();
                continue;
            };
            self.unknown += u64::from(matches!(entry.kind, Kind::Unknown { .. }));
            for fault in numbers.take(&entry) {
                self.fault(fault);
            }
        }
        Ok(numbers)
    }

    fn check_key(
        &mut self,
        row: &Row<'_>,
        fingerprint: Fingerprint,
        position: Position,
    ) -> rusqlite::Result<()> {
        // A key that is no text has not been stored by us: the checksum tells.
        let key = row.get_ref(KEY)?.as_str_or_null().ok().flatten();
        self.with_key += u64::from(key.is_some());
        let print: Option<i64> = row.get(KEY_PRINT)?;
        if print != key.map(|key| fingerprint.of(key)) {
            self.fault(Fault::Lookup { position });
        }
        Ok(())
    }

    /// The promise of "exactly once", as a query.
    fn check_repeats(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut within = connection.prepare(
            "SELECT later.position, earlier.position, NULL
             FROM entry AS later INDEXED BY entry_sent
             JOIN entry AS earlier INDEXED BY entry_sent
               ON earlier.key_print = later.key_print AND earlier.lineage = later.lineage
             WHERE later.key_print IS NOT NULL
               AND earlier.position < later.position AND earlier.key = later.key",
        )?;
        let mut across = connection.prepare(
            "SELECT later.position, earlier.position, later.key
             FROM entry AS later INDEXED BY entry_sent
             JOIN entry AS earlier INDEXED BY entry_sent
               ON earlier.key_print = later.key_print AND earlier.content = later.content
             WHERE later.key_print IS NOT NULL AND earlier.position < later.position AND earlier.key = later.key
               AND earlier.lineage IS NOT later.lineage",
        )?;
        for statement in [&mut within, &mut across] {
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let key: Option<String> = row.get(2)?;
                // Everybody makes these. Outside of a lineage they say nothing.
                if key.is_some_and(|key| ClientKey::from_stored(&key).is_weak()) {
                    continue;
                }
                let (position, earlier) = (Position(row.get(0)?), Position(row.get(1)?));
                self.fault(Fault::Repeat { position, earlier });
            }
        }
        Ok(())
    }

    fn check_epochs(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let head: u64 =
            connection.query_row("SELECT coalesce(max(position), 0) FROM entry", [], |row| row.get(0))?;
        let mut statement = connection.prepare("SELECT epoch, start FROM epoch ORDER BY id")?;
        let mut starts = statement.query([])?;
        let mut before = 0;
        while let Some(row) = starts.next()? {
            let (epoch, start): (i64, i64) = (row.get(0)?, row.get(1)?);
            self.epochs += 1;
            let detail = match u64::try_from(start) {
                Err(_) => format!("{epoch} starts at {start}"),
                Ok(start) if start < before => format!("{epoch} starts at {start}, before the one before it"),
                Ok(start) if start > head => format!("{epoch} starts at {start}, behind the head {head}"),
                Ok(start) => {
                    before = start;
                    continue;
                }
            };
            self.fault(Fault::Epochs { detail });
        }
        if self.epochs == 0 && head > 0 {
            self.fault(Fault::Epochs { detail: "there are entries, but no start of an epoch".into() });
        }
        Ok(())
    }

    fn check_signing_keys(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let (all, current): (u64, u64) = connection.query_row(
            "SELECT count(*), count(*) FILTER (WHERE retired_ms IS NULL) FROM signing_key",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        self.signing_keys = all;
        if current > 1 || current == 0 && self.epochs > 0 {
            self.fault(Fault::SigningKeys {
                detail: format!("{current} of {all} keys are current, instead of one"),
            });
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            ("entries", self.entries),
            ("with a client offset", self.with_key),
            ("of an unknown kind", self.unknown),
            ("rooms", self.rooms),
            ("tutorial pages", self.lineages),
            ("devices", self.devices),
            ("commands without effect", self.without_entry),
            ("read pointers", self.pointers),
            ("starts", self.epochs),
            ("signing keys", self.signing_keys),
            ("faults", self.faults.len() as u64 + self.more_faults),
        ];
        writeln!(f, "{}", self.file.display())?;
        let counts = if self.is_cut_short { &counts[counts.len() - 1..] } else { &counts[..] };
        for (name, count) in counts {
            writeln!(f, "  {name:<24} {count}")?;
        }
        for fault in &self.faults {
            writeln!(f, "  ! {fault}")?;
        }
        if self.more_faults > 0 {
            writeln!(f, "  ! and {} more", self.more_faults)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_faults_beyond_a_hundred_are_counted() {
        let mut report = Report::default();
        assert!(!report.to_string().contains("more"));
        for position in 1..=103 {
            report.fault(Fault::Row { position: Position(position) });
        }
        assert_eq!((report.faults.len(), report.more_faults), (100, 3));
        let text = report.to_string();
        assert_eq!(text.lines().last(), Some("  ! and 3 more"));
        assert!(text.contains("faults                   103"), "{text}");
    }
}

//! Repairs the results of commands that have no row of the log.
//!
//! A device that asks again for a result that was given up gets the answer of a damaged one: `conflict`. Nobody knows how many
//! numbers the last row of a device had, if it is damaged. If it is given up, it gets as many as a row can have: the device
//! is answered `conflict` and goes on as another one, and no number is ever used twice.

use chat::{CommandNumber, Device, DeviceId, Run, UserId};
use rusqlite::{Connection, OptionalExtension, Row};

use super::{Backup, Repaired};
use crate::number::to_sql;
use crate::runs::{DEVICE, FIRST, MORE, SELECT, StoredRun, select};

/// The same row in a backup.
const OF_BACKUP: &str = select!(
    "FROM spent JOIN device ON device.id = spent.device WHERE user = ?1 AND device.device = ?2 AND n = ?3"
);

/// The next number of a device after a row.
const NEXT: &str = "
    SELECT min(n) FROM
      (SELECT min(n) AS n FROM entry INDEXED BY entry_counted WHERE device = ?1 AND n > ?2
       UNION ALL SELECT min(n) FROM spent WHERE device = ?1 AND n > ?2)";

impl Repaired {
    /// Puts damaged results back, or gives them up. Counts rows.
    pub(super) fn repair_results(
        &mut self,
        chat: &Connection,
        backup: Option<&Backup>,
        gives_up: bool,
    ) -> rusqlite::Result<()> {
        for damaged in damaged(chat)? {
            self.damaged += 1;
            let Some(damaged) = damaged else {
                self.left_results += 1;
                continue;
            };
            let known = match backup {
                Some(backup) => damaged.as_in(&backup.connection)?,
                None => None,
            };
            let numbers = damaged.numbers(chat, known.as_ref())?;
            // What is longer here is of another past.
            let known = known.filter(|known| numbers.is_none_or(|numbers| known.run.numbers() <= numbers));
            match known {
                Some(known) if Some(known.run.numbers()) == numbers => {
                    self.restored += 1;
                    damaged.replace(chat, &known)?;
                }
                known if gives_up => {
                    self.given_up += 1;
                    let mut lost = known.unwrap_or_else(|| StoredRun::lost(damaged.device, damaged.first));
                    lost.fill_up_to(numbers.unwrap_or(Run::NUMBERS_MAX));
                    damaged.replace(chat, &lost)?;
                }
                Some(_) | None => self.left_results += 1,
            }
        }
        Ok(())
    }
}

/// A row that is not what was stored.
struct Damaged {
    id: i64,
    device: Device,
    first: CommandNumber,
    /// How many bytes the packed numbers have.
    more: usize,
}

/// `None` for a row of which nobody knows whose it is.
fn damaged(chat: &Connection) -> rusqlite::Result<Vec<Option<Damaged>>> {
    let mut statement = chat.prepare(SELECT)?;
    let all =
        statement.query_map([], |row| Ok(StoredRun::decode(row).is_none().then(|| Damaged::of(row))))?;
    all.filter_map(Result::transpose).collect()
}

impl Damaged {
    fn of(row: &Row<'_>) -> Option<Self> {
        let device = Device { user: UserId(row.get(0).ok()?), id: DeviceId(row.get(1).ok()?) };
        let more = row.get_ref(MORE).ok()?.as_blob_or_null().ok()?.map_or(0, <[u8]>::len);
        Some(Self { id: row.get(DEVICE).ok()?, device, first: CommandNumber(row.get(FIRST).ok()?), more })
    }

    /// The row as a backup has it: since then it may have grown.
    fn as_in(&self, backup: &Connection) -> rusqlite::Result<Option<StoredRun>> {
        let Device { user, id } = self.device;
        backup
            .prepare_cached(OF_BACKUP)?
            .query_row((to_sql(user.0), id.0, to_sql(self.first.0)), |row| Ok(StoredRun::decode(row)))
            .optional()
            .map(Option::flatten)
    }

    /// How many numbers the row had; `None` if nobody knows. What follows it tells. If nothing does, the row is as it is in the
    /// backup if it is as long.
    fn numbers(&self, chat: &Connection, known: Option<&StoredRun>) -> rusqlite::Result<Option<usize>> {
        let first = to_sql(self.first.0);
        let next: Option<i64> = chat.prepare_cached(NEXT)?.query_row((self.id, first), |row| row.get(0))?;
        let between = next.and_then(|next| usize::try_from(next - first).ok());
        let as_long = known.filter(|known| known.more().map_or(0, <[u8]>::len) == self.more);
        Ok(between.map(|numbers| numbers.min(Run::NUMBERS_MAX)).or(as_long.map(|known| known.run.numbers())))
    }

    fn replace(&self, chat: &Connection, run: &StoredRun) -> rusqlite::Result<()> {
        chat.execute("DELETE FROM spent WHERE device = ?1 AND n = ?2", (self.id, to_sql(self.first.0)))?;
        run.insert(chat, self.id)
    }
}

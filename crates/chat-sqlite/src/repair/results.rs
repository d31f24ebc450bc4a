//! Repairs the results of commands that have no row of the log.
//!
//! A device that asks again for a result that was given up gets the answer of a damaged one: `conflict`.

use std::collections::HashMap;

use chat::{CommandNumber, Device, DeviceId, Refusal, Spent, SpentOn, UnixMillis, UserId};
use rusqlite::{Connection, OptionalExtension, Row};

use super::{Backup, LOST_CONTENT, Repaired};
use crate::device::{self, SELECT_SPENT, decode};
use crate::number::to_sql;

impl Repaired {
    /// Puts damaged results back, or gives them up.
    pub(super) fn repair_results(
        &mut self,
        chat: &Connection,
        backup: Option<&Backup>,
        gives_up: bool,
    ) -> rusqlite::Result<()> {
        for lost in damaged(chat)? {
            self.damaged += 1;
            let restored = match (backup, &lost) {
                (Some(backup), Some(lost)) => result(&backup.connection, lost)?,
                (None, _) | (_, None) => None,
            };
            if let Some(restored) = restored {
                self.restored += 1;
                replace(chat, &restored)?;
            } else if let Some(lost) = lost.filter(|_| gives_up) {
                self.given_up += 1;
                replace(chat, &lost)?;
            } else {
                self.left_results += 1;
            }
        }
        Ok(())
    }
}

/// What takes the place of each damaged result; `None` if nobody knows whose it is.
fn damaged(chat: &Connection) -> rusqlite::Result<Vec<Option<Spent>>> {
    let mut statement = chat.prepare(&format!("{SELECT_SPENT} ORDER BY spent.device, n"))?;
    let all = statement.query_map([], |row| Ok(decode(row).is_none().then(|| lost(row))))?;
    all.filter_map(Result::transpose).collect()
}

fn lost(row: &Row<'_>) -> Option<Spent> {
    let device = Device { user: UserId(row.get(0).ok()?), id: DeviceId(row.get(1).ok()?) };
    let n = CommandNumber(row.get(2).ok()?);
    let on = SpentOn::Refusal(Refusal::Conflict);
    Some(Spent { device, n, content: LOST_CONTENT, on, at: UnixMillis(0) })
}

/// The same result as a backup has it.
fn result(backup: &Connection, lost: &Spent) -> rusqlite::Result<Option<Spent>> {
    backup
        .prepare_cached(&format!("{SELECT_SPENT} WHERE user = ?1 AND device.device = ?2 AND n = ?3"))?
        .query_row((to_sql(lost.device.user.0), lost.device.id.0, to_sql(lost.n.0)), |row| Ok(decode(row)))
        .optional()
        .map(Option::flatten)
}

fn replace(chat: &Connection, spent: &Spent) -> rusqlite::Result<()> {
    let id = device::name(chat, &HashMap::default(), spent.device)?;
    chat.execute("DELETE FROM spent WHERE device = ?1 AND n = ?2", (id, to_sql(spent.n.0)))?;
    device::insert(chat, spent, id)
}

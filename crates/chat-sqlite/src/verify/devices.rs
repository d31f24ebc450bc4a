//! Checks the numbers of devices: each is used once, by an entry or by a result without one, and in the order of the
//! log.

use rusqlite::Connection;

use super::{Fault, Report};
use crate::device::{SELECT_SPENT, SELECT_SPENT_WITHOUT_ROOMS, decode};

/// The schema that brought devices.
pub(super) const SINCE: u32 = 2;

impl Report {
    pub(super) fn check_devices(&mut self, connection: &Connection, schema: u32) -> rusqlite::Result<()> {
        self.devices = connection.query_row("SELECT count(*) FROM device", [], |row| row.get(0))?;
        let select = if schema == SINCE { SELECT_SPENT_WITHOUT_ROOMS } else { SELECT_SPENT };
        self.check_spent(connection, select)?;
        let mut counts = connection.prepare(
            "SELECT device, count(*), count(DISTINCT n), min(n), max(n)
             FROM (SELECT device, n FROM entry WHERE device IS NOT NULL UNION ALL SELECT device, n FROM spent)
             GROUP BY device",
        )?;
        let mut rows = counts.query([])?;
        while let Some(row) = rows.next()? {
            let (device, all, distinct): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let (first, last): (Option<i64>, Option<i64>) = (row.get(3)?, row.get(4)?);
            if all != distinct {
                self.fault(Fault::Device { device, detail: "has two results for one number".into() });
            } else if (first, last) != (Some(1), Some(all)) {
                let detail = format!("has {all} results, and numbers from {first:?} to {last:?}");
                self.fault(Fault::Device { device, detail });
            }
        }
        let mut order = connection.prepare(
            "SELECT device, n FROM
               (SELECT device, n, position, lag(position) OVER (PARTITION BY device ORDER BY n) AS before
                FROM entry INDEXED BY entry_counted WHERE device IS NOT NULL)
             WHERE before > position",
        )?;
        let mut rows = order.query([])?;
        while let Some(row) = rows.next()? {
            let n: i64 = row.get(1)?;
            let detail = format!("number {n} is stored before the number before it");
            self.fault(Fault::Device { device: row.get(0)?, detail });
        }
        Ok(())
    }

    fn check_spent(&mut self, connection: &Connection, select: &str) -> rusqlite::Result<()> {
        let mut statement = connection.prepare(&format!("{select} ORDER BY spent.device, n"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            self.without_entry += 1;
            if decode(row).is_none() {
                let n: i64 = row.get(2)?;
                self.fault(Fault::Spent { n });
            }
        }
        Ok(())
    }
}

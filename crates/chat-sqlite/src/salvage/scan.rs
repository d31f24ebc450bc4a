//! Reads a table or an index with SQLite as far as it finds its way, from both ends.

use rusqlite::{Connection, Row};

/// Reads what it can: up to what cannot be read, and from the other end again. A row may come twice.
pub(super) fn read_both_ways(
    old: &Connection,
    select: &str,
    order: &str,
    mut take: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> Complete {
    let mut read = |order: &str| {
        let mut statement = old.prepare(&format!("{select} ORDER BY {order}"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            take(row)?;
        }
        Ok::<(), rusqlite::Error>(())
    };
    if read(order).is_ok() {
        return Complete::Yes;
    }
    let backwards: Vec<_> = order.split(", ").map(|column| format!("{column} DESC")).collect();
    // Whether it ends early or not: something between could not be read.
    let _ = read(&backwards.join(", "));
    Complete::No
}

/// Whether all of a table was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Complete {
    Yes,
    No,
}

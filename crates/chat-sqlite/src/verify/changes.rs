//! Checks edits and deletions: each message has the text of its last edit, and deleted texts are gone.
//!
//! Checks read pointers too: none is past the last message. Single rows are checked elsewhere.

use chat::Position;
use rusqlite::Connection;

use super::{Fault, Report};

/// The schema that brought changes to messages.
pub(super) const SINCE: u32 = 3;

/// Each names the positions of rows that do not fit the others. Rows that were given up (`body` 3 of a message, kind 12 of a
/// change, which keeps its `target`) may have said what the others need.
const CHECKS: &[(&str, &str)] = &[
    (
        "it tells of a message that is not deleted",
        "SELECT position FROM entry AS change WHERE kind = 3 AND NOT EXISTS
           (SELECT 1 FROM entry AS message INDEXED BY entry_message
            WHERE message.room = change.room AND message.kind = 1 AND message.seq = change.target
              AND message.position < change.position AND message.body IN (2, 3))",
    ),
    (
        "it is deleted, and nothing tells of that",
        "SELECT position FROM entry AS message WHERE kind = 1 AND body = 2 AND NOT EXISTS
           (SELECT 1 FROM entry AS change INDEXED BY entry_change
            WHERE change.room = message.room AND change.target = message.seq AND change.kind IN (3, 12))",
    ),
    (
        "it does not say what its last edit says",
        "SELECT position FROM entry AS message WHERE kind = 1 AND body = 1 AND text IS NOT
           (SELECT CASE change.kind WHEN 2 THEN change.text ELSE message.text END
            FROM entry AS change INDEXED BY entry_change
            WHERE change.room = message.room AND change.target = message.seq
              AND (change.kind = 2 AND change.body IS NULL OR change.kind = 12)
            ORDER BY change.position DESC LIMIT 1)",
    ),
    (
        "its text should be gone, or its message should have it",
        "SELECT position FROM entry AS change WHERE kind = 2 AND (body IS NULL) IS NOT
           (EXISTS (SELECT 1 FROM entry AS message INDEXED BY entry_message
              WHERE message.room = change.room AND message.kind = 1 AND message.seq = change.target
                AND message.body IN (1, 3))
            AND NOT EXISTS (SELECT 1 FROM entry AS later INDEXED BY entry_change
              WHERE later.room = change.room AND later.target = change.target AND later.kind IN (2, 3, 12)
                AND later.position > change.position))",
    ),
];

impl Report {
    pub(super) fn check_changes(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        for (detail, query) in CHECKS {
            let mut statement = connection.prepare(query)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                self.fault(Fault::Change { position: Position(row.get(0)?), detail: (*detail).into() });
            }
        }
        self.pointers = connection.query_row("SELECT count(*) FROM pointer", [], |row| row.get(0))?;
        let mut ahead = connection.prepare(
            "SELECT pointer.room, user FROM pointer LEFT JOIN room ON room.id = pointer.room
             WHERE coalesce(room.seq, 0) < pointer.seq",
        )?;
        let mut rows = ahead.query([])?;
        while let Some(row) = rows.next()? {
            let (room, user): (i64, i64) = (row.get(0)?, row.get(1)?);
            let detail = format!("the read pointer of {user} is past the last message");
            self.fault(Fault::Room { room: room.unsigned_abs(), detail });
        }
        Ok(())
    }
}

//! [`Table`]: the real server's tables, and nothing of what it does around them.
//!
//! What a batch asks and writes is what the real server asks and writes: whether a key is known, one row with its three index
//! entries for each message, the short name of a new sender, and the numbers of the room. The hashes are made up, but lie in
//! the index as the real ones do: those of one sender in a row. SQLite checkpoints by itself, in the commit, as it does by
//! default.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::Draft;

const ROOM: i64 = 1;
const MESSAGE: i64 = 1;

pub(crate) struct Table {
    database: Connection,
    head: i64,
    /// Short names of the senders.
    names: HashMap<usize, i64>,
}

impl Table {
    pub(crate) fn create() -> rusqlite::Result<Self> {
        let database = Connection::open("chat.db")?;
        database.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;",
        )?;
        database.execute_batch(include_str!("../../../crates/chat-sqlite/src/migrations/0001_log.sql"))?;
        database.execute_batch(include_str!("../../../crates/chat-sqlite/src/migrations/0002_device.sql"))?;
        database.execute_batch(include_str!("../../../crates/chat-sqlite/src/migrations/0003_rooms.sql"))?;
        database.set_prepared_statement_cache_capacity(32);
        Ok(Self { database, head: 0, names: HashMap::new() })
    }

    /// Stores all drafts that are new in one transaction; `stored` gets the number and the text of each.
    pub(crate) fn store(
        &mut self,
        drafts: &[Draft],
        mut stored: impl FnMut(i64, &str),
    ) -> rusqlite::Result<()> {
        let transaction = self.database.transaction()?;
        {
            let mut known = transaction
                .prepare_cached("SELECT 1 FROM entry INDEXED BY entry_sent WHERE key_print = ?1 LIMIT 1")?;
            let mut insert = transaction.prepare_cached(
                "INSERT INTO entry (position, room, seq, rev, kind, at_ms, lineage, key, key_print, content, text, checksum)
                 VALUES (?1, ?2, ?1, ?1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?;
            for draft in drafts {
                let print = fingerprint(&draft.key);
                if known.query_row([print], |_| Ok(())).optional()?.is_some() {
                    continue;
                }
                let name = match self.names.get(&draft.sender) {
                    Some(name) => *name,
                    None => {
                        let lineage = (draft.sender as u128).to_le_bytes();
                        transaction
                            .prepare_cached("INSERT INTO lineage (lineage) VALUES (?1)")?
                            .execute([lineage])?;
                        let name = transaction.last_insert_rowid();
                        self.names.insert(draft.sender, name);
                        name
                    }
                };
                self.head += 1;
                let content = [self.head.to_le_bytes(), print.to_le_bytes()].concat();
                let at_ms = 1_700_000_000_000_i64 + self.head;
                insert.execute(params![
                    self.head, ROOM, MESSAGE, at_ms, name, draft.key, print, content, draft.text, !print
                ])?;
                stored(self.head, &draft.text);
            }
            transaction
                .prepare_cached(
                    "INSERT INTO room (id, seq, rev) VALUES (?1, ?2, ?2)
                     ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, rev = excluded.rev",
                )?
                .execute([ROOM, self.head])?;
        }
        transaction.commit()
    }

    pub(crate) fn read_after(&self, after: i64, mut read: impl FnMut(i64, &str)) -> rusqlite::Result<()> {
        let mut select = self
            .database
            .prepare_cached("SELECT position, text FROM entry WHERE position > ? ORDER BY position")?;
        let mut rows = select.query([after])?;
        while let Some(row) = rows.next()? {
            read(row.get(0)?, row.get_ref(1)?.as_str()?);
        }
        Ok(())
    }
}

/// The stem of a key is hashed, the number behind it is not.
fn fingerprint(key: &str) -> i64 {
    let (stem, number) = key.rsplit_once('-').unwrap_or((key, "0"));
    let mut hasher = DefaultHasher::new();
    stem.hash(&mut hasher);
    (hasher.finish() & !u64::from(u32::MAX)) as i64 | i64::from(number.parse::<u32>().unwrap_or(0))
}

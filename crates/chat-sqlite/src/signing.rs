//! The keys that pids are signed with.
//!
//! They live in the database and not beside it, so that a backup has them: a pid has no age, and one signed before
//! a restore must verify after it. Knows nothing of pids.

use std::fmt;

use rusqlite::Connection;

use crate::number::to_sql;

/// 32 random bytes. `Debug` does not show them.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(pub [u8; 32]);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// All keys of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKeys {
    /// Signs and verifies.
    pub current: SigningKey,
    /// Verify what they signed when they were current; the latest first.
    pub retired: Vec<SigningKey>,
}

/// Reads the keys, newest first. Makes the first one in a database that has none.
pub(crate) fn load(connection: &Connection, now_ms: u64, fresh: [u8; 32]) -> rusqlite::Result<SigningKeys> {
    connection.execute(
        "INSERT INTO signing_key (secret, created_ms)
         SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM signing_key WHERE retired_ms IS NULL)",
        (fresh, to_sql(now_ms)),
    )?;
    let mut keys =
        connection.prepare("SELECT secret FROM signing_key ORDER BY retired_ms IS NOT NULL, id DESC")?;
    let mut keys = keys.query_map([], |row| Ok(SigningKey(row.get(0)?)))?;
    let current = keys.next().ok_or(rusqlite::Error::QueryReturnedNoRows)??;
    Ok(SigningKeys { current, retired: keys.collect::<Result<_, _>>()? })
}

//! The keys that sign private ids and tokens.
//!
//! They are in the database and not beside it, so that a backup has them: a private id never expires, and one that was
//! signed before a restore must verify after it.

use chat::{SigningKey, SigningKeys};
use rusqlite::Connection;

use crate::number::to_sql;

/// Reads the keys, newest first. Makes the first one in a database that has none.
pub(crate) fn load(connection: &Connection, now_ms: u64, fresh: [u8; 32]) -> rusqlite::Result<SigningKeys> {
    connection.execute(
        "INSERT INTO signing_key (secret, created_ms)
         SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM signing_key WHERE retired_ms IS NULL)",
        (fresh, to_sql(now_ms)),
    )?;
    let keys = |which: &str| -> rusqlite::Result<Vec<SigningKey>> {
        connection
            .prepare(&format!(
                "SELECT secret FROM signing_key WHERE {which} ORDER BY retired_ms IS NOT NULL, id DESC"
            ))?
            .query_map([], |row| Ok(SigningKey(row.get(0)?)))?
            .collect()
    };
    let mut valid = keys("revoked_ms IS NULL")?.into_iter();
    let current = valid.next().ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    Ok(SigningKeys { current, retired: valid.collect(), revoked: keys("revoked_ms IS NOT NULL")?.pop() })
}

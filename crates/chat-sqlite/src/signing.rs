//! The keys that sign private ids and tokens.
//!
//! They are in the database and not beside it, so that a backup has them: a private id never expires, and one that was
//! signed before a restore must verify after it.

use std::path::Path;

use chat::{SigningKey, SigningKeys};
use rusqlite::{Connection, TransactionBehavior};

use crate::error::OpenError;
use crate::folder::chat_in;
use crate::log::{SqliteLog, now_ms, random_bytes};
use crate::number::to_sql;

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

/// Gives the chat in a folder that nobody serves a new key to sign with, durably; returns how many verify from now on.
///
/// What the keys before have signed stays valid: a client may come back after any time.
///
/// # Errors
/// When there is no chat in the folder, or it is in use or cannot be written.
pub fn rotate_signing_key(folder: &Path) -> Result<u64, OpenError> {
    let file = chat_in(folder)?;
    let mut log = SqliteLog::open(folder)?;
    let rotate = |connection: &mut Connection| {
        let fresh: [u8; 32] = random_bytes()?;
        let now_ms = to_sql(now_ms());
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute("UPDATE signing_key SET retired_ms = ?1 WHERE retired_ms IS NULL", [now_ms])?;
        transaction
            .execute("INSERT INTO signing_key (secret, created_ms) VALUES (?1, ?2)", (fresh, now_ms))?;
        let count = transaction.query_row("SELECT count(*) FROM signing_key", [], |row| row.get(0))?;
        transaction.commit()?;
        Ok(count)
    };
    rotate(&mut log.connection).map_err(|err| OpenError::of_database(&file, err))
}

//! Replaces the key that signs, in a chat that nobody serves.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::environment::{now_ms, random_bytes};
use crate::error::OpenError;
use crate::folder::chat_in;
use crate::log::SqliteLog;
use crate::number::to_sql;

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

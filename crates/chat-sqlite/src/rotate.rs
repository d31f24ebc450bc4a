//! Replaces the key that signs, in a chat that nobody serves, and ends what older keys have signed if it is asked to.

use std::path::Path;

use chat::{Directory, ReadError, TokenHash, UserId};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::environment::{now_ms, random_bytes};
use crate::error::OpenError;
use crate::folder::chat_in;
use crate::log::SqliteLog;
use crate::number::to_sql;

/// Why the keys are as they were.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// The chat could not be opened or written.
    #[error(transparent)]
    Chat(#[from] OpenError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The only sign-ins of an owner are by tokens that an old key has signed, so the chat would have no owner any more.
    #[error(
        "an owner of the chat could not come back: their only sign-in is by a token from before there were sign-ins; \
         as the owner, first use the chat on another device (Settings, \"Use on another device\"), which may be another \
         browser on the same one"
    )]
    OwnerLost,
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
    let rotate = |transaction: &Transaction<'_>, now_ms| {
        transaction.execute("UPDATE signing_key SET retired_ms = ?1 WHERE retired_ms IS NULL", [now_ms])?;
        Ok(())
    };
    with_new_key(&mut log.connection, rotate).map_err(|err| OpenError::of_database(&file, err))?;
    let valid = "SELECT count(*) FROM signing_key WHERE revoked_ms IS NULL";
    log.connection.query_row(valid, [], |row| row.get(0)).map_err(|err| OpenError::of_database(&file, err))
}

/// Does the same, and makes everything invalid that the keys before have signed: recovery ids, cursors, invites, the owner's
/// code, and all tokens that the log has no hash of. Returns how many people with a name have no other token.
///
/// The oldest key stays, for the public id of the server alone; the others are deleted.
///
/// # Errors
/// When there is no chat in the folder, when it is in use or cannot be read or written, or when an owner could not come back.
pub fn revoke_signing_keys(folder: &Path) -> Result<u64, RevokeError> {
    let file = chat_in(folder)?;
    let mut log = SqliteLog::open(folder)?;
    let directory = Directory::load(&mut log)?;
    if directory.owners().any(|owner| !is_signed_in(&directory, owner)) {
        return Err(RevokeError::OwnerLost);
    }
    let revoke = |transaction: &Transaction<'_>, now_ms| {
        transaction.execute(
            "UPDATE signing_key SET retired_ms = coalesce(retired_ms, ?1), revoked_ms = coalesce(revoked_ms, ?1)
             WHERE id = (SELECT min(id) FROM signing_key)",
            [now_ms],
        )?;
        transaction.execute("DELETE FROM signing_key WHERE revoked_ms IS NULL", [])?;
        Ok(())
    };
    with_new_key(&mut log.connection, revoke).map_err(|err| OpenError::of_database(&file, err))?;
    Ok(directory.named(None).filter(|(user, _)| !is_signed_in(&directory, *user)).count() as u64)
}

/// Whether somebody has a token that no key is needed for.
fn is_signed_in(directory: &Directory, user: UserId) -> bool {
    let sign_ins = directory.sign_ins(user).unwrap_or_default();
    sign_ins.iter().any(|sign_in| sign_in.token != TokenHash::OLD)
}

/// Changes the older keys and adds one, in one transaction.
fn with_new_key(
    connection: &mut Connection,
    change: impl FnOnce(&Transaction<'_>, i64) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let fresh: [u8; 32] = random_bytes()?;
    let now_ms = to_sql(now_ms());
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    change(&transaction, now_ms)?;
    transaction.execute("INSERT INTO signing_key (secret, created_ms) VALUES (?1, ?2)", (fresh, now_ms))?;
    transaction.commit()
}

//! Keys that are revoked: what is left of them, and who must not be locked out.

use std::fs;

use chat::conformance::append_messages;
use chat::conformance::town::{ADA_THERE, Town, sign_in};
use chat::{Command, Log as _, Position, SignInMethod, SigningKey};
use chat_sqlite::{RevokeError, SqliteLog, revoke_signing_keys, rotate_signing_key, verify};
use tempfile::TempDir;

#[test]
fn a_revoked_signing_key_is_gone_and_the_oldest_only_names_the_server() {
    let temp = TempDir::new().unwrap();
    let oldest = SqliteLog::open(temp.path()).unwrap().signing_keys().current.clone();
    rotate_signing_key(temp.path()).unwrap();
    let second = SqliteLog::open(temp.path()).unwrap().signing_keys().current.clone();
    assert_eq!(revoke_signing_keys(temp.path()).unwrap(), 0);
    let keys = SqliteLog::open(temp.path()).unwrap().signing_keys().clone();
    assert_eq!((&keys.retired[..], &keys.revoked), (&[][..], &Some(oldest.clone())));
    assert!(keys.current != oldest && keys.current != second);
    let bytes = fs::read(temp.path().join("chat.db")).unwrap();
    let holds = |key: &SigningKey| bytes.windows(32).any(|window| window == key.0);
    assert_eq!([holds(&oldest), holds(&second), holds(&keys.current)], [true, false, true]);
    // Another new key, and then the end of that one as well.
    assert_eq!(rotate_signing_key(temp.path()).unwrap(), 2);
    assert_eq!(SqliteLog::open(temp.path()).unwrap().signing_keys().revoked, Some(oldest.clone()));
    revoke_signing_keys(temp.path()).unwrap();
    let again = SqliteLog::open(temp.path()).unwrap().signing_keys().clone();
    assert_eq!((&again.retired[..], &again.revoked), (&[][..], &Some(oldest)));
    assert!(verify(temp.path()).unwrap().is_sound());
}

/// After a stop, and after a kill that has left a write-ahead log.
#[test]
fn a_damaged_signing_key_is_put_back_from_its_copy() {
    for is_killed in [false, true] {
        for (length, at) in [(1, 0), (2, 30), (8, 12), (32, 0)] {
            let (temp, copy) = (TempDir::new().unwrap(), TempDir::new().unwrap());
            let mut log = SqliteLog::open(temp.path()).unwrap();
            append_messages(&mut log, 3);
            let keys = log.signing_keys().clone();
            let log = is_killed.then_some(log);
            for file in fs::read_dir(temp.path()).unwrap().map(Result::unwrap) {
                fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
            }
            let wal = fs::metadata(copy.path().join("chat.db-wal")).map_or(0, |wal| wal.len());
            assert_eq!(wal > 0, is_killed);
            drop(log);
            let file = copy.path().join("chat.db");
            let mut bytes = fs::read(&file).unwrap();
            let start = bytes.windows(32).position(|window| window == keys.current.0).unwrap();
            bytes[start + at..][..length].fill(0xa5);
            fs::write(&file, &bytes).unwrap();
            let log = SqliteLog::open(copy.path()).unwrap();
            assert_eq!(*log.signing_keys(), keys, "{length} bytes at {at}, killed: {is_killed}");
            assert_eq!(log.head(), Position(3));
        }
    }
}

#[test]
fn keys_are_not_revoked_if_an_owner_could_not_come_back() {
    let temp = TempDir::new().unwrap();
    let mut town = Town::with_names(SqliteLog::open(temp.path()).unwrap());
    town.stores(ADA_THERE, Command::Claim);
    let refused = |town: Town<SqliteLog>| {
        let keys = town.log.signing_keys().clone();
        drop(town);
        let err = revoke_signing_keys(temp.path()).unwrap_err();
        assert!(matches!(err, RevokeError::OwnerLost), "{err}");
        let log = SqliteLog::open(temp.path()).unwrap();
        assert_eq!(*log.signing_keys(), keys);
        Town::new(log)
    };
    let mut town = refused(town);
    town.stores(ADA_THERE, sign_in(0, SignInMethod::Old));
    let mut town = refused(town);
    town.stores(ADA_THERE, sign_in(7, SignInMethod::Link));
    drop(town);
    let people = revoke_signing_keys(temp.path()).unwrap();
    assert_eq!(people, 2, "bob and cleo have no sign-in");
}

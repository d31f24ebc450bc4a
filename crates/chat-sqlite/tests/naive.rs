//! People, rooms and messages on files, held against a list that is searched for every answer.
#![expect(clippy::unwrap_used, reason = "in a test, an error is a failure")]

use std::time::SystemTime;

use chat::conformance::{Bench, agrees_with_the_list};
use chat_sqlite::{SqliteLog, SqliteReader};
use tempfile::TempDir;

struct OnDisk(TempDir);

impl Bench for OnDisk {
    type Log = SqliteLog;
    type Reader = SqliteReader;

    fn open(&mut self) -> (SqliteLog, SqliteReader) {
        let log = SqliteLog::open(&self.0.path().join("data")).unwrap();
        let reader = log.reader();
        (log, reader)
    }
}

fn new() -> OnDisk {
    OnDisk(TempDir::new().unwrap())
}

#[test]
fn a_chat_on_disk_is_what_the_naive_list_says() {
    agrees_with_the_list(new, 0..3);
}

/// Another history each day. The message of a failure has the seed.
#[test]
fn a_chat_on_disk_is_what_the_naive_list_says_today_too() {
    let today = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() / 86_400 * 100;
    agrees_with_the_list(new, [today]);
}

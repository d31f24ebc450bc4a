//! The contract of the log, on files.
#![expect(clippy::unwrap_used, reason = "in a test, an error is a failure")]

use std::time::SystemTime;

use chat::conformance::{Bench, agrees_with_the_list, agrees_with_the_model, history, people_live};
use chat_sqlite::{SqliteLog, SqliteReader, verify};
use proptest::prop_assert;
use tempfile::TempDir;

struct OnDisk(TempDir);

impl OnDisk {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }
}

impl Bench for OnDisk {
    type Log = SqliteLog;
    type Reader = SqliteReader;

    fn open(&mut self) -> (SqliteLog, SqliteReader) {
        let log = SqliteLog::open(&self.0.path().join("data")).unwrap();
        let reader = log.reader();
        (log, reader)
    }
}

chat::log_conformance!(OnDisk::new());

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]

    #[test]
    fn any_history_agrees_with_the_model(numbers in proptest::collection::vec(proptest::num::u32::ANY, 0..120)) {
        agrees_with_the_model(&mut OnDisk::new(), &history(&numbers));
    }

    #[test]
    fn any_life_leaves_what_it_should(numbers in proptest::collection::vec(proptest::num::u32::ANY, 0..120)) {
        let folder = TempDir::new().unwrap();
        let mut bench = OnDisk(folder);
        people_live(&mut bench, &numbers);
        let report = verify(&bench.0.path().join("data")).unwrap();
        prop_assert!(report.is_sound(), "{report}");
    }
}

#[test]
fn a_chat_on_disk_is_what_the_naive_list_says() {
    agrees_with_the_list(OnDisk::new, 0..3);
}

/// Another history each day. The message of a failure has the seed.
#[test]
fn a_chat_on_disk_is_what_the_naive_list_says_today_too() {
    let today = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() / 86_400 * 100;
    agrees_with_the_list(OnDisk::new, [today]);
}

//! The contract of the log, on files.
#![expect(clippy::unwrap_used, reason = "in a test, an error is a failure")]

use chat::conformance::{Bench, agrees_with_the_model, history, people_live};
use chat_sqlite::{SqliteLog, SqliteReader, verify};
use proptest::prop_assert;
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

chat::log_conformance!(OnDisk(TempDir::new().unwrap()));

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]

    #[test]
    fn any_history_agrees_with_the_model(numbers in proptest::collection::vec(proptest::num::u32::ANY, 0..120)) {
        agrees_with_the_model(&mut OnDisk(TempDir::new().unwrap()), &history(&numbers));
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

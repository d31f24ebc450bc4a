//! Taking over databases as the tutorial's server leaves them, and files that are none.

#![expect(clippy::unwrap_used, reason = "in a test, an error is a failure")]

use std::fs;
use std::path::{Path, PathBuf};

use chat::conformance::{ADA, append, append_messages, decided, draft, read_all};
use chat::{Kind, Limits, Log, LogReader, Outcome, Position, RoomId, Seq};
use chat_sqlite::{ImportError, Imported, SqliteLog, check_import};
use rusqlite::Connection;
use tempfile::TempDir;

const TABLE: &str =
    "CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, client_offset TEXT UNIQUE, content TEXT);";

struct Bench {
    temp: TempDir,
    log: SqliteLog,
}

impl Bench {
    fn new() -> Self {
        let temp = TempDir::new().unwrap();
        let log = SqliteLog::open(&temp.path().join("data")).unwrap();
        Self { temp, log }
    }

    fn file(&self) -> PathBuf {
        self.temp.path().join("tutorial.db")
    }

    /// Imports a tutorial database with these rows. The file must be as before.
    fn import(&mut self, sql: &str) -> Result<Imported, ImportError> {
        let database = Connection::open(self.file()).unwrap();
        database.execute_batch(sql).unwrap();
        drop(database);
        self.import_file(&self.file())
    }

    fn import_file(&mut self, file: &Path) -> Result<Imported, ImportError> {
        let before = fs::read(file).ok();
        let imported = self.log.import(file);
        assert_eq!(fs::read(file).ok(), before);
        imported
    }

    /// The refusal of a file. Nothing may be in the log then.
    fn refusal(&mut self, sql: &str) -> String {
        let err = self.import(sql).unwrap_err().to_string();
        assert_eq!(self.log.head(), Position::ZERO);
        assert_eq!(read_all(&self.log.reader()), []);
        err
    }

    fn messages(&self) -> Vec<(u64, u64, String)> {
        let show = |entry: &chat::Entry| {
            let Kind::Message { body } = &entry.kind else { panic!("only messages are taken over") };
            (entry.position.0, entry.seq.0, body.text().unwrap().to_string())
        };
        read_all(&self.log.reader()).iter().map(show).collect()
    }
}

#[test]
fn ids_stay_with_their_gaps_and_positions_have_none() {
    let mut bench = Bench::new();
    let imported = bench
        .import(&format!(
            "{TABLE}
             INSERT INTO messages VALUES (1, 'a-0', 'one'), (2, NULL, 'two'), (5, 'a-1', 'five'), (9, '', 'nine');"
        ))
        .unwrap();
    assert_eq!(imported, Imported { messages: 4, with_key: 2, last_seq: Seq(9), ..Imported::default() });
    let expected = [(1, 1, "one"), (2, 2, "two"), (3, 5, "five"), (4, 9, "nine")];
    assert_eq!(bench.messages(), expected.map(|(position, seq, text)| (position, seq, text.to_owned())));

    let reader = bench.log.reader();
    let locate = |seq| reader.locate(RoomId::LOBBY, Seq(seq)).unwrap().0;
    assert_eq!(
        [locate(0), locate(1), locate(2), locate(3), locate(4), locate(5), locate(8)],
        [0, 1, 2, 2, 2, 3, 3]
    );
}

#[test]
fn numbering_goes_on_behind_the_last_id_that_was_given() {
    let mut bench = Bench::new();
    let rows = "INSERT INTO messages (content) VALUES ('one'), ('two'), ('three'); DELETE FROM messages WHERE id > 1;";
    let imported = bench.import(&format!("{TABLE}{rows}")).unwrap();
    assert_eq!((imported.messages, imported.last_seq), (1, Seq(3)), "a page may know that there was a third");
    append_messages(&mut bench.log, 2);
    let numbers: Vec<_> = bench.messages().iter().map(|(position, seq, _)| (*position, *seq)).collect();
    assert_eq!(numbers, [(1, 1), (2, 4), (3, 5)]);
    let reader = bench.log.reader();
    assert_eq!(reader.locate(RoomId::LOBBY, Seq(3)), Ok(Position(1)));

    drop(reader);
    let Bench { temp, log } = bench;
    drop(log);
    let mut log = SqliteLog::open(&temp.path().join("data")).unwrap();
    assert_eq!(log.room(RoomId::LOBBY).unwrap().seq, Seq(5));
}

#[test]
fn any_content_is_kept_as_its_text() {
    let mut bench = Bench::new();
    let imported = bench
        .import(&format!(
            "{TABLE}
             INSERT INTO messages (content) VALUES (NULL), (''), (42), (1.5), (x'6869'), (x'66ff6f'),
                 ('zwei' || char(0) || 'x'), (printf('%.*c', 20000, 'y'));"
        ))
        .unwrap();
    let texts: Vec<_> = bench.messages().into_iter().map(|(_, _, text)| text).collect();
    assert_eq!(texts[..7], ["", "", "42", "1.5", "hi", "f\u{fffd}o", "zwei\0x"]);
    assert_eq!(texts[7].len(), 20_000);
    let Imported { messages, with_key, empty, too_large, repaired, .. } = imported;
    assert_eq!((messages, with_key, empty, too_large, repaired), (8, 0, 2, 1, 1));
}

#[test]
fn a_message_that_is_sent_again_after_the_import_is_recognised() {
    let mut bench = Bench::new();
    bench
        .import(&format!("{TABLE} INSERT INTO messages VALUES (7, 'Qx7-0', 'hi'), (8, 'undefined-0', 'hi');"))
        .unwrap();
    let drafts = [
        draft(Some(ADA), Some("Qx7-0"), "hi"),
        draft(None, Some("Qx7-0"), "hi"),
        draft(Some(ADA), Some("Qx7-0"), "something else"),
        draft(Some(ADA), Some("undefined-0"), "hi"),
    ];
    let outcomes = decided(&mut bench.log, Limits::DEFAULT, &drafts).outcomes;
    let shown: Vec<_> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Stored(receipt) => ("stored", receipt.position.0, receipt.seq.0),
            Outcome::Repeated(receipt) => ("repeated", receipt.position.0, receipt.seq.0),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(shown, [("repeated", 1, 7), ("repeated", 1, 7), ("stored", 3, 9), ("stored", 4, 10)]);
}

#[test]
fn a_log_with_messages_takes_nothing_over() {
    let mut bench = Bench::new();
    append(&mut bench.log, &[draft(None, None, "here first")]);
    let err = bench.import(&format!("{TABLE} INSERT INTO messages (content) VALUES ('one');")).unwrap_err();
    assert!(matches!(err, ImportError::NotEmpty { head: Position(1), .. }));
    assert_eq!(bench.messages().len(), 1);
}

#[test]
fn an_empty_tutorial_database_is_taken_over() {
    let mut bench = Bench::new();
    assert_eq!(bench.import(TABLE).unwrap(), Imported::default());
    append_messages(&mut bench.log, 1);
    assert_eq!(bench.messages()[0].1, 1);
}

#[test]
fn a_large_database_is_taken_over_whole() {
    let mut bench = Bench::new();
    let rows = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
                INSERT INTO messages (client_offset, content) SELECT 'socket-' || i, 'message ' || i FROM n;";
    assert_eq!(bench.import(&format!("{TABLE}{rows}")).unwrap().messages, 20_000);
    let messages = bench.messages();
    assert_eq!(messages.len(), 20_000);
    assert_eq!(messages[19_999], (20_000, 20_000, "message 20000".to_owned()));
}

#[test]
fn a_file_that_is_something_else_is_named_so() {
    let mut bench = Bench::new();
    let missing = bench.temp.path().join("missing.db");
    assert!(matches!(bench.import_file(&missing), Err(ImportError::Unreadable { .. })));
    assert!(!missing.exists());

    let text = bench.temp.path().join("diary.txt");
    fs::write(&text, "dear diary").unwrap();
    assert!(matches!(bench.import_file(&text), Err(ImportError::NotTutorial { .. })));
    let folder = bench.temp.path().to_owned();
    assert!(matches!(bench.import_file(&folder), Err(ImportError::Unreadable { .. })));

    let own = bench.import_file(&bench.temp.path().join("data/chat.db")).unwrap_err().to_string();
    assert!(own.contains("`tidings restore`"), "{own}");

    assert!(bench.refusal("CREATE TABLE users (id)").contains("no table messages"));
}

#[test]
fn a_file_that_cannot_be_taken_over_is_known_before_there_is_a_folder() {
    let bench = Bench::new();
    let check = |sql: &str| {
        let _ = fs::remove_file(bench.file());
        Connection::open(bench.file()).unwrap().execute_batch(sql).unwrap();
        check_import(&bench.file())
    };
    let row = |id: i64| format!("{TABLE} INSERT INTO messages VALUES ({id}, NULL, 'one');");
    check(&row(1)).unwrap();
    assert!(matches!(check(&row(-1)), Err(ImportError::BadId { .. })));
    assert!(matches!(check("CREATE TABLE users (id)"), Err(ImportError::NotTutorial { .. })));
}

#[test]
fn a_table_with_other_columns_is_named_so() {
    let err = Bench::new().refusal("CREATE TABLE messages (id INTEGER PRIMARY KEY, content TEXT)");
    assert!(err.ends_with("its table messages has no column client_offset"), "{err}");
}

#[test]
fn ids_that_are_no_numbers_of_messages_are_refused() {
    for id in ["-3", "0", "9007199254740992"] {
        let err =
            Bench::new().refusal(&format!("{TABLE} INSERT INTO messages (id, content) VALUES ({id}, 'hi');"));
        assert!(err.contains("cannot be kept"), "{err}");
    }
    let other =
        "CREATE TABLE messages (id, client_offset, content); INSERT INTO messages VALUES ('x', 'a-0', 'hi');";
    assert!(Bench::new().refusal(other).contains("cannot be kept"));
}

#[test]
fn a_text_may_be_as_long_as_a_database_holds() {
    let mut bench = Bench::new();
    let rows = "INSERT INTO messages (content) VALUES (printf('%.*c', 3000000, 'y'));";
    bench.import(&format!("{TABLE}{rows}")).unwrap();
    assert_eq!(bench.messages()[0].2.len(), 3_000_000);
}

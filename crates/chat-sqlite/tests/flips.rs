//! One flipped bit anywhere in the file of a chat: the start mends what leads to the rows, and what was not on the page with
//! the bit is there as it was. A backup brings back the rest.
//!
//! Every page of the file is damaged at least once, most of them in their header or among the pointers to their rows. What a
//! page is for is asked of SQLite before the damage. The seed is printed, and `FLIPS_SEED` runs it again.
#![expect(clippy::unwrap_used, reason = "in a test, an error is a failure")]
#![expect(clippy::print_stdout, reason = "a failure tells the seed and the place")]

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::SystemTime;

use chat::conformance::town::{ADA_THERE, BOB_THERE, CLEO_THERE, Town, edit, join};
use chat::conformance::{ADA, append, draft};
use chat::{
    Body, Budget, Command, Directory, Entry, Kind, Lineage, Log as _, LogReader, Outcome, Page, Position,
    RoomId, RoomKind, Seq, SigningKeys,
};
use chat_sqlite::{SqliteLog, backup, repair, verify};
use rusqlite::Connection;
use tempfile::TempDir;

const PAGE: usize = 4096;
const MESSAGES: usize = 2400;

/// What a page is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Use {
    table: String,
    kind: String,
}

/// A chat as it was, and what was in it.
struct Sound {
    bytes: Vec<u8>,
    uses: Vec<Option<Use>>,
    entries: Vec<Entry>,
    directory: Directory,
    keys: SigningKeys,
    /// Other files of the folder.
    beside: Vec<(OsString, Vec<u8>)>,
    backup: TempDir,
}

/// Pages of the tutorial, people with devices, rooms, edits, deletions, refusals, read pointers and a few starts.
fn write(folder: &Path) {
    let mut town = Town::with_names(SqliteLog::open(folder).unwrap());
    let tea = town.opens(ADA_THERE, RoomKind::Private, "tea");
    town.stores(ADA_THERE, Command::Add { room: tea, user: BOB_THERE.user });
    let open = town.opens(BOB_THERE, RoomKind::Public, "open");
    town.stores(CLEO_THERE, join(open));
    for number in 0..30 {
        let seq = town.says(BOB_THERE, tea, &format!("tea {number} {}", "leaves ".repeat(number)));
        if number % 5 == 0 {
            town.stores(BOB_THERE, edit(tea, seq, "other leaves"));
        }
        if number % 7 == 0 {
            town.stores(ADA_THERE, Command::Delete { room: tea, seq });
        }
        town.does(CLEO_THERE, Command::Delete { room: tea, seq });
        town.reads(ADA_THERE.user, tea, seq);
    }
    let Town { mut log, .. } = town;
    for number in 0..MESSAGES / 40 {
        let lineage = Lineage([u8::try_from(number).unwrap(); 16]);
        let lineage = if number % 2 == 0 { ADA } else { lineage };
        let drafts: Vec<_> = (0..40)
            .map(|n| {
                let key = format!("key{number}-{n}");
                let length = if (number, n) == (7, 7) { 2000 } else { 1 + (number * 7 + n) % 11 };
                draft(Some(lineage), Some(&key), &format!("{number}/{n} {}", "words ".repeat(length)))
            })
            .collect();
        append(&mut log, &drafts);
    }
}

fn sound() -> Sound {
    let temp = TempDir::new().unwrap();
    let folder = temp.path().join("data");
    write(&folder);
    for _ in 0..3 {
        drop(SqliteLog::open(&folder).unwrap());
    }
    let kept = TempDir::new().unwrap();
    backup(&folder, &kept.path().join("backup.db")).unwrap();
    let mut log = SqliteLog::open(&folder).unwrap();
    let entries = read_on(&log.reader());
    let (directory, keys) = (Directory::load(&mut log).unwrap(), log.signing_keys().clone());
    drop(log);
    let bytes = fs::read(folder.join("chat.db")).unwrap();
    let mut uses = vec![None; bytes.len() / PAGE];
    let database = Connection::open(folder.join("chat.db")).unwrap();
    let mut pages = database.prepare("SELECT pageno, name, pagetype FROM dbstat").unwrap();
    let mut rows = pages.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let page: usize = row.get(0).unwrap();
        uses[page - 1] = Some(Use { table: row.get(1).unwrap(), kind: row.get(2).unwrap() });
    }
    let beside = fs::read_dir(&folder).unwrap().map(Result::unwrap);
    let beside = beside.map(|file| (file.file_name(), fs::read(file.path()).unwrap())).collect();
    Sound { bytes, uses, entries, directory, keys, beside, backup: kept }
}

/// Reads the log as somebody who resumes: from one page to the next, and never twice from the same place.
fn read_on(reader: &impl LogReader) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let after = entries.last().map_or(Position::ZERO, |last| last.position);
        let page = reader.read(after, Position::MAX, Budget::PAGE).unwrap();
        if page.is_empty() {
            assert_eq!(after, reader.head());
            return entries;
        }
        assert_eq!(page[0].position, after.next());
        entries.extend(page);
    }
}

/// Where bits are flipped, with each page at least once.
fn places(sound: &Sound, seed: u64) -> Vec<(usize, u8)> {
    let mut random = seed | 1;
    let mut below = |bound: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % u64::try_from(bound).unwrap()).unwrap()
    };
    let mut places = Vec::new();
    for page in 0..sound.bytes.len() / PAGE {
        let start = if page == 0 { 100 } else { 0 };
        let cells =
            usize::from(u16::from_be_bytes(sound.bytes[page * PAGE + start + 3..][..2].try_into().unwrap()));
        let pointers = (start + 8 + 2 * cells).min(PAGE);
        places.push((page * PAGE + start + below(pointers - start), u8::try_from(below(8)).unwrap()));
        if page % 2 == 0 {
            places.push((page * PAGE + below(PAGE), u8::try_from(below(8)).unwrap()));
        }
        // Those that others hang on.
        if sound.uses[page].as_ref().is_some_and(|is| is.kind == "internal") {
            places.extend((0..12).map(|at| (page * PAGE + at, u8::try_from(below(8)).unwrap())));
        }
    }
    places
}

fn is_damaged(entry: &Entry) -> bool {
    matches!(entry.kind, Kind::Message { body: Body::Damaged } | Kind::Damaged { .. })
}

impl Sound {
    fn flipped(&self, (at, bit): (usize, u8)) -> TempDir {
        let temp = TempDir::new().unwrap();
        let mut bytes = self.bytes.clone();
        bytes[at] ^= 1 << bit;
        for (name, bytes) in &self.beside {
            fs::write(temp.path().join(name), bytes).unwrap();
        }
        fs::write(temp.path().join("chat.db"), bytes).unwrap();
        temp
    }

    /// Everything is as it was, but for what stood on the page; returns how many rows that are.
    fn has_all_but_a_page(&self, log: &mut SqliteLog, page: usize) -> usize {
        let told = read_on(&log.reader());
        assert_eq!(told.len(), self.entries.len());
        let mut damaged = 0;
        for (told, sound) in told.iter().zip(&self.entries) {
            if told == sound {
                continue;
            }
            let place = |entry: &Entry| (entry.position, entry.room, entry.seq, entry.rev);
            assert_eq!(place(told), place(sound));
            assert!(is_damaged(told), "{told:?}");
            damaged += 1;
        }
        let is_of_log =
            self.uses[page].as_ref().is_some_and(|is| is.table == "entry" && is.kind != "internal");
        assert!(damaged == 0 || is_of_log, "{damaged} rows are lost that were not on page {}", page + 1);
        assert!(damaged < 100, "{damaged} rows were on one page");
        let directory = Directory::load(log).unwrap();
        if damaged == 0 {
            let rooms = |directory: &Directory| {
                [RoomId::LOBBY, RoomId(2), RoomId(3)].map(|room| directory.is_member(BOB_THERE.user, room))
            };
            assert_eq!(rooms(&directory), rooms(&self.directory));
        }
        assert_eq!(log.signing_keys(), &self.keys);
        damaged
    }
}

/// People go on, and a repeat of what can be read is one.
fn goes_on(log: &mut SqliteLog) {
    let head = log.head();
    append(log, &[draft(Some(ADA), Some("later-0"), "later")]);
    assert_eq!(log.head(), head.next());
    let page = log.reader().messages(RoomId::LOBBY, Page::Newest, Seq::ZERO, 100).unwrap();
    assert_eq!(page.entries.len(), 100);
    let numbers = page.entries.windows(2).all(|pair| pair[0].seq.next() == pair[1].seq);
    assert!(numbers, "{:?}", page.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>());
}

#[test]
fn a_flipped_bit_on_any_page_hides_nothing_but_what_is_on_it_and_a_backup_brings_that_back() {
    let seed = std::env::var("FLIPS_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs());
    println!("FLIPS_SEED={seed}");
    let sound = sound();
    let places = places(&sound, seed);
    assert!(places.len() > 200, "{} places", places.len());
    let (mut lost, mut rebuilt) = (0, 0);
    for (number, place) in places.iter().enumerate() {
        let page = place.0 / PAGE;
        println!("byte {} of page {} ({:?}), bit {}", place.0 % PAGE, page + 1, sound.uses[page], place.1);
        let temp = sound.flipped(*place);
        let mut log = SqliteLog::open(temp.path()).unwrap();
        let damaged = sound.has_all_but_a_page(&mut log, page);
        assert_eq!(log.reader().damaged(), damaged as u64);
        lost += damaged;
        goes_on(&mut log);
        drop(log);
        if number % 8 == 0 {
            let temp = sound.flipped(*place);
            let repaired = repair(temp.path(), Some(&sound.backup.path().join("backup.db")), false).unwrap();
            assert_eq!(repaired.left, []);
            rebuilt += usize::from(repaired.is_rebuilt);
            let report = verify(temp.path()).unwrap();
            assert!(report.is_sound(), "{report}");
            let mut log = SqliteLog::open(temp.path()).unwrap();
            assert_eq!(sound.has_all_but_a_page(&mut log, page), 0);
        }
    }
    println!("{} flips: {lost} rows damaged, {rebuilt} rebuilt by repair", places.len());
}

#[test]
fn a_repeat_is_known_after_the_file_was_written_anew() {
    let sound = sound();
    let of = |table: &str| {
        sound.uses.iter().position(|is| is.as_ref().is_some_and(|is| is.table == table)).unwrap()
    };
    for table in ["entry_sent", "entry_counted", "lineage", "sqlite_autoindex_device_1"] {
        // No page of a tree is of this kind.
        let temp = sound.flipped((of(table) * PAGE, 4));
        let mut log = SqliteLog::open(temp.path()).unwrap();
        let retried = draft(Some(ADA), Some("key2-3"), &format!("2/3 {}", "words ".repeat(1 + 17 % 11)));
        let decided = chat::conformance::decided(&mut log, chat::Limits::DEFAULT, &[retried]);
        assert!(matches!(decided.outcomes[0], Outcome::Repeated(_)), "{table}: {:?}", decided.outcomes);
    }
}

/// Makes a page of an open database one that SQLite cannot read, behind its back.
fn spoil(folder: &Path, page: usize) {
    let file = fs::OpenOptions::new().read(true).write(true).open(folder.join("chat.db")).unwrap();
    let mut first = [0];
    (&file).seek(SeekFrom::Start((page * PAGE) as u64)).unwrap();
    (&file).read_exact(&mut first).unwrap();
    (&file).seek(SeekFrom::Start((page * PAGE) as u64)).unwrap();
    (&file).write_all(&[first[0] ^ 4]).unwrap();
}

#[test]
fn a_page_that_is_damaged_while_the_log_is_open_is_read_around_and_the_next_start_mends_it() {
    let sound = sound();
    let mut kinds = HashSet::new();
    for (page, is) in sound.uses.iter().enumerate() {
        let Some(is) = is.as_ref().filter(|is| is.table.contains("entry") || is.table.contains("lineage"))
        else {
            continue;
        };
        // Two leaves of each, and whatever is above them.
        if is.kind == "overflow" || !kinds.insert((is.clone(), page % 2)) {
            continue;
        }
        println!("page {} ({is:?})", page + 1);
        let temp = TempDir::new().unwrap();
        for (name, bytes) in &sound.beside {
            fs::write(temp.path().join(name), bytes).unwrap();
        }
        let mut log = SqliteLog::open(temp.path()).unwrap();
        spoil(temp.path(), page);
        let reader = log.reader();
        let told = read_on(&reader);
        let different = told.iter().zip(&sound.entries).filter(|(told, sound)| told != sound);
        let different = different.inspect(|(told, _)| assert!(is_damaged(told), "{told:?}")).count();
        assert_eq!(told.len(), sound.entries.len());
        assert!(different == 0 || ["entry", "lineage"].contains(&&*is.table), "{different} rows");
        if is.table == "entry" && is.kind == "leaf" {
            assert!(different < 100, "{different} rows");
        }
        for page in [Page::Newest, Page::Before(Seq(1000)), Page::After(Seq(7))] {
            let entries = reader.messages(RoomId::LOBBY, page, Seq::ZERO, 50).unwrap().entries;
            assert_eq!(entries.len(), 50);
            assert!(entries.windows(2).all(|pair| pair[0].seq.next() == pair[1].seq));
        }
        let there = sound
            .entries
            .iter()
            .rfind(|entry| entry.room == RoomId::LOBBY && entry.kind.is_message() && entry.seq == Seq(1200));
        if different == 0 {
            assert_eq!(reader.locate(RoomId::LOBBY, Seq(1200)).unwrap(), there.unwrap().position);
        }
        let changes = reader.changes(RoomId(2), chat::Rev::ZERO, Budget::PAGE).unwrap();
        assert!(changes.windows(2).all(|pair| pair[0].rev.next() == pair[1].rev) && changes.len() > 40);
        assert!(reader.unread(RoomId(2), Seq(3), CLEO_THERE.user, 9).unwrap().through > Seq(3));
        Directory::load(&mut log).unwrap();
        assert_eq!(reader.damaged() > 0, different > 0);
        drop((reader, log));
        sound.has_all_but_a_page(&mut SqliteLog::open(temp.path()).unwrap(), page);
    }
    assert!(kinds.len() > 12, "{kinds:?}");
}

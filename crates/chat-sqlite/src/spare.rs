//! A copy of the few pages that nothing else in a database tells: what its tables are, who it is, and its keys.
//!
//! The copy stands in a file of its own, with a checksum. A page that differs from its copy in a few bits is that page,
//! damaged, and gets its copy back before SQLite looks at it. So does one that differs in more, if it alone does and nobody
//! can have changed it so. Any other was changed on purpose: by a migration, a new key, or somebody who put another database
//! there. What SQLite counts in the header of the file is not copied.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::Path;

use rusqlite::Connection;
use xxhash_rust::xxh3::xxh3_64;

use crate::folder::{Folder, open_private, sync_folder};
use crate::schema;

const SPARE: &str = "chat.db-spare";
const PAGE: usize = 4096;
/// Larger tables are not copied.
const PAGES_MAX: usize = 64;
/// As many bits of a page may be wrong. A new key differs from the one before in about 128.
const WRONG_BITS_MAX: u32 = 8;
/// The counter of changes with the number of pages and the list of free ones, and what belongs to that counter.
const COUNTED: [Range<usize>; 2] = [24..40, 92..100];
/// The number of pages.
const SIZE: Range<usize> = 28..32;

type Pages = BTreeMap<u32, Vec<u8>>;

/// Gives damaged pages their copies back. Nobody has the database open, and it has no write-ahead log.
pub(crate) fn mend(folder: &Folder) -> io::Result<()> {
    let Some(spare) = read(folder.path()) else { return Ok(()) };
    let mut file = match OpenOptions::new().read(true).write(true).open(folder.database()) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    let length = file.metadata()?.len();
    let (mut found, is_all) = (Vec::new(), spare.len());
    for (number, copy) in spare {
        let Some(page) = page_at(&mut file, number)? else { continue };
        found.push(Compared::of(number, page, copy));
    }
    // Where several pages differ by much, or the file is shorter, it is another one.
    let different = found.iter().filter(|page| page.wrong > WRONG_BITS_MAX).count();
    let is_ours = different <= 1 && found.len() == is_all && is_all > 1;
    // With them, the number of the schema changes on the first page by a few bits.
    let is_changed = found.iter().any(|page| page.wrong > WRONG_BITS_MAX && !(is_ours && page.is_damaged()));
    for compared in found {
        let is_few = compared.wrong <= WRONG_BITS_MAX && !(compared.number == 1 && is_changed);
        let is_wrong = compared.wrong > 0 || compared.is_sized_wrong(length);
        if !is_wrong || !(is_few || (is_ours && compared.is_damaged())) {
            continue;
        }
        let (number, bits) = (compared.number, compared.wrong);
        file.seek(SeekFrom::Start(u64::from(number - 1) * PAGE as u64))?;
        file.write_all(&compared.mended(length))?;
        file.sync_all()?;
        tracing::error!(page = number, bits, "a page of chat.db was damaged: it is put back from {SPARE}");
    }
    Ok(())
}

/// A page beside its copy.
struct Compared {
    number: u32,
    page: Vec<u8>,
    copy: Vec<u8>,
    /// In how many bits they differ.
    wrong: u32,
}

impl Compared {
    fn of(number: u32, page: Vec<u8>, copy: Vec<u8>) -> Self {
        let wrong = wrong_bits(&page, &copy, number);
        Self { number, page, copy, wrong }
    }

    /// Whether nobody can have changed it so on purpose: it is no page at all, or it has all its rows in their places, and not
    /// what stands there. Another schema has another number, and another key another row.
    fn is_damaged(&self) -> bool {
        if self.is_no_page() {
            return true;
        }
        let tree = self.tree();
        let is_counted = |at: &usize| self.number == 1 && COUNTED.iter().any(|range| range.contains(at));
        let end = tree + self.frame();
        (0..end.min(PAGE)).filter(|at| !is_counted(at)).all(|at| self.page[at] == self.copy[at])
    }

    fn is_no_page(&self) -> bool {
        let is_file = self.number != 1 || self.page.starts_with(b"SQLite format 3\0");
        !is_file || !matches!(self.page[self.tree()], 2 | 5 | 10 | 13)
    }

    /// Where the page of the tree begins: on the first page behind the header of the file.
    fn tree(&self) -> usize {
        if self.number == 1 { 100 } else { 0 }
    }

    /// How long the header of a page and the places of its cells are, by the copy (SQLite, "Database File Format", 1.6).
    fn frame(&self) -> usize {
        let page = &self.copy[self.tree()..];
        let header = if matches!(page[0], 2 | 5) { 12 } else { 8 };
        header + 2 * usize::from(u16::from_be_bytes([page[3], page[4]]))
    }

    fn is_sized_wrong(&self, length: u64) -> bool {
        self.number == 1 && size_differs(&self.page, length)
    }

    /// The copy, with what SQLite counts in the header of the file.
    fn mended(&self, length: u64) -> Vec<u8> {
        let mut mended = self.copy.clone();
        if self.number == 1 {
            // Where nothing is left of it, pages that are free are lost, and a check of the file finds that.
            if self.wrong <= WRONG_BITS_MAX || !self.is_no_page() {
                for range in COUNTED {
                    mended[range.clone()].copy_from_slice(&self.page[range]);
                }
            }
            let pages = u32::try_from(length / PAGE as u64).unwrap_or(u32::MAX);
            mended[SIZE].copy_from_slice(&pages.to_be_bytes());
        }
        mended
    }
}

/// Copies the pages, if they are not what the copy says. The database is whole, and has no write-ahead log.
pub(crate) fn refresh(folder: &Folder) -> io::Result<()> {
    let pages = pages_of(&folder.database())?;
    if read(folder.path()).is_some_and(|spare| spare == pages) {
        return Ok(());
    }
    let mut bytes = Vec::new();
    for (number, page) in &pages {
        bytes.extend_from_slice(&number.to_be_bytes());
        bytes.extend_from_slice(page);
    }
    bytes.extend_from_slice(&xxh3_64(&bytes).to_be_bytes());
    let unfinished = folder.path().join(format!("{SPARE}.new"));
    let mut file = open_private(&unfinished)?;
    file.set_len(0)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, folder.path().join(SPARE))?;
    sync_folder(folder.path())
}

/// The pages as they are copied.
fn pages_of(database: &Path) -> io::Result<Pages> {
    let numbers = || -> rusqlite::Result<Vec<u32>> {
        let connection: Connection = schema::connect_to_file(database)?;
        let mut numbers = Vec::new();
        for table in ["sqlite_schema", "about", "signing_key"] {
            let mut pages = connection.prepare("SELECT pageno FROM dbstat WHERE name = ?1")?;
            let pages = pages.query_map([table], |row| row.get(0))?;
            numbers.extend(pages.take(PAGES_MAX).collect::<rusqlite::Result<Vec<u32>>>()?);
        }
        Ok(numbers)
    };
    let numbers = numbers().map_err(io::Error::other)?;
    let mut file = File::open(database)?;
    let mut pages = Pages::new();
    for number in numbers {
        let Some(mut page) = page_at(&mut file, number)? else { continue };
        if number == 1 {
            for range in COUNTED {
                page[range].fill(0);
            }
        }
        pages.insert(number, page);
    }
    Ok(pages)
}

/// The copy; `None` if there is none, or it is damaged itself.
fn read(folder: &Path) -> Option<Pages> {
    let bytes = std::fs::read(folder.join(SPARE)).ok()?;
    let (pages, checksum) = bytes.split_last_chunk::<8>()?;
    if xxh3_64(pages).to_be_bytes() != *checksum {
        return None;
    }
    let pages = pages.chunks_exact(4 + PAGE).map(|page| {
        let (number, page) = page.split_first_chunk::<4>()?;
        let number = u32::from_be_bytes(*number);
        (number > 0).then(|| (number, page.to_vec()))
    });
    pages.collect()
}

fn page_at(file: &mut File, number: u32) -> io::Result<Option<Vec<u8>>> {
    let mut page = vec![0; PAGE];
    file.seek(SeekFrom::Start(u64::from(number - 1) * PAGE as u64))?;
    match file.read_exact(&mut page) {
        Err(err) if err.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        read => read.map(|()| Some(page)),
    }
}

/// In how many bits a page differs from its copy.
fn wrong_bits(page: &[u8], copy: &[u8], number: u32) -> u32 {
    let is_counted = |at: &usize| number == 1 && COUNTED.iter().any(|range| range.contains(at));
    let bits = page.iter().zip(copy).enumerate().filter(|(at, _)| !is_counted(at));
    bits.map(|(_, (page, copy))| (page ^ copy).count_ones()).sum()
}

/// Whether the header counts other pages than there are, by one bit. A file that was cut differs by more, mostly.
fn size_differs(page: &[u8], length: u64) -> bool {
    let counted = page[SIZE].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let pages = length / PAGE as u64;
    (counted ^ pages).is_power_of_two() && length.is_multiple_of(PAGE as u64)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::SqliteLog;

    /// A folder with a chat that nobody has open, and its file.
    fn chat() -> (TempDir, Folder, Vec<u8>) {
        let temp = tempfile::tempdir().unwrap();
        drop(SqliteLog::open(temp.path()).unwrap());
        let folder = Folder::take(temp.path()).unwrap();
        let sound = std::fs::read(folder.database()).unwrap();
        (temp, folder, sound)
    }

    /// The file after it was changed, and the copies were put back.
    fn mended(folder: &Folder, changed: &[u8]) -> Vec<u8> {
        std::fs::write(folder.database(), changed).unwrap();
        mend(folder).unwrap();
        std::fs::read(folder.database()).unwrap()
    }

    fn start(page: u32) -> usize {
        usize::try_from(page - 1).unwrap() * PAGE
    }

    #[test]
    fn a_page_with_a_few_wrong_bits_gets_its_copy_back() {
        let (_temp, folder, sound) = chat();
        let pages = read(folder.path()).unwrap();
        assert!(pages.len() >= 3 && pages.contains_key(&1), "{:?}", pages.keys());
        for number in pages.keys() {
            for at in [0, 16, 30, 60, 70, 105, 500, 4000, 4090] {
                let mut bytes = sound.clone();
                bytes[start(*number) + at] ^= 1;
                assert!(mended(&folder, &bytes) == sound, "page {number}, byte {at}");
            }
        }
    }

    #[test]
    fn a_page_that_has_lost_sectors_or_all_gets_its_copy_back() {
        for number in read(chat().1.path()).unwrap().into_keys() {
            for (at, length) in
                (0..PAGE).step_by(512).map(|at| (at, 512)).chain([(0, PAGE), (4080, 16), (4000, 3)])
            {
                for filling in [0, 0x5a] {
                    let (temp, folder, sound) = chat();
                    let mut bytes = sound.clone();
                    bytes[start(number) + at..][..length].fill(filling);
                    let is = mended(&folder, &bytes);
                    let is_counted = number == 1 && at == 0;
                    assert!(is == sound || is_counted, "page {number}, {length} bytes at {at}");
                    drop(folder);
                    drop(SqliteLog::open(temp.path()).unwrap());
                }
            }
        }
    }

    #[test]
    fn what_was_changed_on_purpose_stays_as_it_is() {
        let (temp, folder, sound) = chat();
        let mut two = sound.clone();
        for number in [1, *read(folder.path()).unwrap().keys().last().unwrap()] {
            two[start(number) + 3584..start(number) + PAGE].fill(0x5a);
        }
        assert!(mended(&folder, &two) == two, "two pages");
        let (_other, other, foreign) = chat();
        assert!(mended(&folder, &foreign) == foreign, "another chat");
        drop(other);
        assert!(mended(&folder, b"dear diary") == b"dear diary", "another file");

        std::fs::write(folder.database(), &sound).unwrap();
        let old = std::fs::read(folder.path().join(SPARE)).unwrap();
        let with_old_copies = |change: &dyn Fn(&Connection)| {
            std::fs::write(folder.database(), &sound).unwrap();
            let connection = Connection::open(folder.database()).unwrap();
            change(&connection);
            crate::wal::settle(&connection).unwrap();
            drop(connection);
            std::fs::write(folder.path().join(SPARE), &old).unwrap();
            let changed = std::fs::read(folder.database()).unwrap();
            assert!(changed != sound);
            assert!(mended(&folder, &changed) == changed);
        };
        with_old_copies(&|database| {
            database.execute_batch("ALTER TABLE about ADD COLUMN more TEXT").unwrap();
        });
        with_old_copies(&|database| {
            let rotate = "UPDATE signing_key SET retired_ms = 7; INSERT INTO signing_key (secret, created_ms) VALUES (randomblob(32), 7)";
            database.execute_batch(rotate).unwrap();
        });
        with_old_copies(&|database| {
            database.execute_batch("UPDATE signing_key SET retired_ms = 7, revoked_ms = 7").unwrap();
        });
        drop(temp);
    }
}

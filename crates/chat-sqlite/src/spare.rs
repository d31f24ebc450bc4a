//! A copy of the few pages that nothing else in a database tells: what its tables are, who it is, and its keys.
//!
//! The copy stands in a file of its own, with a checksum. A page that differs from its copy in a few bits is that page,
//! damaged, and gets its copy back before SQLite looks at it. A page that differs in more was changed on purpose: by a
//! migration, a new key, or somebody who put another database there. What SQLite counts in the header of the file is not
//! copied.

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

/// Gives pages that differ from their copies in a few bits their copies back. Nobody has the database open, and it has no
/// write-ahead log.
pub(crate) fn mend(folder: &Folder) -> io::Result<()> {
    let Some(spare) = read(folder.path()) else { return Ok(()) };
    let mut file = match OpenOptions::new().read(true).write(true).open(folder.database()) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    let length = file.metadata()?.len();
    let mut found = Vec::new();
    for (number, copy) in spare {
        let Some(page) = page_at(&mut file, number)? else { continue };
        let is_wrong = wrong_bits(&page, &copy, number);
        found.push((number, copy, page, is_wrong));
    }
    // With them, the number of the schema changes on the first page by a few bits.
    let is_changed = found.iter().any(|(.., is_wrong)| *is_wrong > WRONG_BITS_MAX);
    for (number, copy, mut page, is_wrong) in found {
        if number == 1 && is_changed {
            continue;
        }
        let sized = number == 1 && size_differs(&page, length);
        if (is_wrong == 0 && !sized) || is_wrong > WRONG_BITS_MAX {
            continue;
        }
        let counted =
            if number == 1 { COUNTED.map(|range| page[range].to_vec()) } else { Default::default() };
        page = copy;
        for (range, bytes) in COUNTED.into_iter().zip(counted).filter(|(_, bytes)| !bytes.is_empty()) {
            page[range].copy_from_slice(&bytes);
        }
        if number == 1 {
            let pages = u32::try_from(length / PAGE as u64).unwrap_or(u32::MAX);
            page[SIZE].copy_from_slice(&pages.to_be_bytes());
        }
        file.seek(SeekFrom::Start(u64::from(number - 1) * PAGE as u64))?;
        file.write_all(&page)?;
        file.sync_all()?;
        tracing::error!(
            page = number,
            bits = is_wrong,
            "a page of chat.db was damaged: it is put back from {SPARE}"
        );
    }
    Ok(())
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
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_page_with_a_few_wrong_bits_gets_its_copy_back_and_another_page_does_not() {
        let temp = tempfile::tempdir().unwrap();
        drop(crate::SqliteLog::open(temp.path()).unwrap());
        let folder = Arc::new(Folder::take(temp.path()).unwrap());
        let file = folder.database();
        let sound = std::fs::read(&file).unwrap();
        let pages = read(folder.path()).unwrap();
        assert!(pages.len() >= 3 && pages.contains_key(&1), "{:?}", pages.keys());
        for number in pages.keys() {
            let start = usize::try_from(number - 1).unwrap() * PAGE;
            for at in [0, 16, 30, 60, 70, 105, 500, 4000, 4090] {
                let mut bytes = sound.clone();
                bytes[start + at] ^= 1;
                std::fs::write(&file, &bytes).unwrap();
                mend(&folder).unwrap();
                assert!(std::fs::read(&file).unwrap() == sound, "page {number}, byte {at}");
                bytes[start + 200..start + 232].fill(0x5a);
                std::fs::write(&file, &bytes).unwrap();
                mend(&folder).unwrap();
                assert!(std::fs::read(&file).unwrap() == bytes, "page {number}, byte {at}");
            }
        }
    }
}

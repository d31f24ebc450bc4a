//! Writes a database anew from all that can be read of one whose structure is damaged.
//!
//! SQLite finds rows by what leads to them, and a flipped bit there hides many. So the rows of the log are looked for on all
//! pages of the file, and believed by their checksums. What is not found keeps its place, as the indexes know it, and is a
//! damaged row in the new file too: nothing is given up here. The other tables are copied as far as they can be read, or
//! follow from the log. The new file takes the place of the old one in one step.

mod entries;
mod names;
mod pages;
mod places;
mod results;
mod scan;
mod tables;

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode};

use crate::error::OpenError;
use crate::fingerprint::Fingerprint;
use crate::folder::Folder;
use crate::schema;

/// Where the values come from that stand nowhere else in a database: its keys, and who it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fallback<'a> {
    /// From nowhere: what cannot be read ends the attempt.
    Nothing,
    /// From a backup.
    Backup(&'a Path),
    /// They are made anew, and everybody is a stranger.
    Fresh,
}

/// What has become of a database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rebuilt {
    /// Rows of the log that are there.
    pub(crate) found: u64,
    /// Rows of the log that are damaged.
    pub(crate) damaged: u64,
    /// What else could not be read, in words.
    pub(crate) lost: Vec<String>,
}

/// Writes the database of a folder anew. Nobody has it open, and it has no write-ahead log.
///
/// When it returns, the new file has the name of the old one, durably. Before that, nothing is changed.
pub(crate) fn rebuild(folder: &Folder, fallback: Fallback<'_>) -> Result<Rebuilt, OpenError> {
    let file = folder.database();
    let unfinished = folder.begin_database()?;
    let result = Rebuild { old: &file, new: &unfinished, fallback }.run();
    match result {
        Ok(rebuilt) => {
            if rebuilt.damaged > 0 || !rebuilt.lost.is_empty() {
                folder.keep_damaged()?;
            }
            folder.finish_database()?;
            Ok(rebuilt)
        }
        Err(failure) => {
            // It may be what there is no space for.
            let _ = std::fs::remove_file(&unfinished);
            Err(match failure {
                Failure::Keys => OpenError::KeysLost { file },
                Failure::Sql(err) if err.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
                    OpenError::Storage { file: unfinished, cause: err.into() }
                }
                Failure::Sql(err) => OpenError::of_database(&file, err),
                Failure::Io(cause) => OpenError::Storage { file, cause: cause.into() },
            })
        }
    }
}

/// Why there is no new database.
#[derive(Debug)]
enum Failure {
    /// What everybody is known by cannot be read.
    Keys,
    Sql(rusqlite::Error),
    Io(io::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(err: rusqlite::Error) -> Self {
        Self::Sql(err)
    }
}

impl From<io::Error> for Failure {
    fn from(err: io::Error) -> Self {
        Self::Io(err)
    }
}

struct Rebuild<'a> {
    old: &'a Path,
    new: &'a PathBuf,
    fallback: Fallback<'a>,
}

impl Rebuild<'_> {
    fn run(&self) -> Result<Rebuilt, Failure> {
        let old = schema::connect_to_file(self.old)?;
        // Where a sound database begins; about itself it says what the old one said.
        schema::create(self.new, 0, 0)?;
        let mut connection = Connection::open(self.new)?;
        // Until it has its name, nobody needs it: a crash leaves the old one as it is.
        connection.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        connection.pragma_update(None, "foreign_keys", false)?;
        let new = connection.transaction()?;
        let mut rebuilt = Rebuilt::default();

        let indexes = schema::drop_indexes(&new)?;
        let seed = tables::copy_identity(&old, &new, self.fallback, &mut rebuilt)?;
        let mut names = names::Names::load(&old);
        let pages = pages::Pages::open(self.old)?;
        rebuilt.found = entries::copy(&pages, &new, &mut names, Fingerprint::new(seed.cast_unsigned()))?;
        names.store(&new)?;
        rebuilt.damaged = places::fill(&old, &new)?;
        tables::copy_others(&old, &new, &mut rebuilt)?;
        for sql in indexes {
            new.execute_batch(&sql)?;
        }
        new.commit()?;
        connection.close().map_err(|(_, err)| err)?;
        Ok(rebuilt)
    }
}

//! `tidings restore`: puts a backup into a new data folder.
//!
//! The next start begins an epoch there, so that clients which saw more than the backup has are sent everything.

use std::io::Write as _;

use crate::failure::Failure;
use crate::options::Restore;

pub(crate) fn run(options: &Restore) -> Result<(), Failure> {
    let copied = chat_sqlite::restore(&options.file, &options.data.folder)?;
    // The folder is there; nobody reads this line if standard output is closed.
    let _ = writeln!(
        std::io::stdout(),
        "restored {} entries from {} into {}",
        copied.head,
        options.file.display(),
        options.data.folder.display()
    );
    Ok(())
}

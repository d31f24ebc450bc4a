//! `tidings restore`: puts a backup into a new data folder.
//!
//! The next start begins an epoch there, so that clients which saw more than the backup has are sent everything.

use std::io::Write as _;

use crate::failure::Failure;
use crate::options::Restore;
use crate::plural::counted;

pub(crate) fn run(options: &Restore) -> Result<(), Failure> {
    let copied = chat_sqlite::restore(&options.file, &options.data.folder)?;
    // The folder is there; nobody reads this line if standard output is closed.
    let _ = writeln!(
        std::io::stdout(),
        "restored {} from {} into {}",
        counted(copied.head.0, "entry"),
        options.file.display(),
        options.data.folder.display()
    );
    Ok(())
}

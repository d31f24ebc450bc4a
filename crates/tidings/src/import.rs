//! `tidings import`: takes over the database of the tutorial's server.

use std::io::Write as _;

use crate::failure::Failure;
use crate::options::Import;
use crate::plural::counted;

pub(crate) fn run(options: &Import) -> Result<(), Failure> {
    // Before the folder is made, so that a failure leaves none.
    chat_sqlite::check_import(&options.database)?;
    let mut log = chat_sqlite::SqliteLog::open(&options.data.folder)?;
    let imported = log.import(&options.database)?;
    // The result stands in the log; nobody reads this line if standard output is closed.
    let _ = writeln!(
        std::io::stdout(),
        "imported {} from {} into {}",
        counted(imported.messages, "message"),
        options.database.display(),
        options.data.folder.display()
    );
    Ok(())
}

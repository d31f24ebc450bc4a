//! `tidings backup`: copies the chat into one file, beside a running server.

use std::io::Write as _;

use crate::failure::Failure;
use crate::options::Backup;
use crate::plural::counted;

pub(crate) fn run(options: &Backup) -> Result<(), Failure> {
    let folder = &options.data.folder;
    let copied =
        chat_sqlite::backup(folder, &options.file).map_err(|err| Failure::from(err).about(folder))?;
    // The file is there; nobody reads this line if standard output is closed.
    let _ = writeln!(
        std::io::stdout(),
        "backed up {} from {} into {} ({})",
        counted(copied.head.0, "entry"),
        options.data.folder.display(),
        options.file.display(),
        counted(copied.bytes, "byte")
    );
    Ok(())
}

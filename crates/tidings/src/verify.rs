//! `tidings verify`: reads the whole chat, prints counts, and fails if something is wrong.

use std::io::Write as _;
use std::path::Path;

use chat_sqlite::Report;

use crate::failure::Failure;
use crate::options::Verify;

pub(crate) fn run(options: &Verify) -> Result<(), Failure> {
    let report = match &options.file {
        Some(file) => chat_sqlite::verify(file)?,
        None => verify_folder(&options.data.folder)?,
    };
    // The exit code says the same.
    let _ = write!(std::io::stdout(), "{report}");
    if report.is_sound() {
        return Ok(());
    }
    Err(Failure::Unsound { faults: report.faults.len() as u64 + report.more_faults, file: report.file })
}

fn verify_folder(folder: &Path) -> Result<Report, Failure> {
    if folder.is_file() {
        return Err(Failure::FileAsFolder { file: folder.into() });
    }
    chat_sqlite::verify(folder).map_err(|err| Failure::from(err).about(folder))
}

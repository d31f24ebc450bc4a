//! `tidings verify`: reads the whole chat, prints counts, and fails if something is wrong.

use std::io::Write as _;

use crate::failure::Failure;
use crate::options::Verify;

pub(crate) fn run(options: &Verify) -> Result<(), Failure> {
    let path = options.file.as_ref().unwrap_or(&options.data.folder);
    let report = chat_sqlite::verify(path)?;
    // The exit code says the same.
    let _ = write!(std::io::stdout(), "{report}");
    if report.is_sound() {
        return Ok(());
    }
    Err(Failure::Unsound { faults: report.faults.len() as u64 + report.more_faults, file: report.file })
}

//! `tidings repair`: puts damaged rows back from a backup, or gives them up, while nobody serves the chat.

use std::io::Write as _;

use crate::failure::Failure;
use crate::options::Repair;

pub(crate) fn run(options: &Repair) -> Result<(), Failure> {
    let folder = &options.data.folder;
    if folder.is_file() {
        return Err(Failure::FileAsFolder { file: folder.clone() });
    }
    let repaired = chat_sqlite::repair(folder, options.from.as_deref(), options.give_up)
        .map_err(|err| Failure::from(err).about(folder))?;
    // The exit code says the same.
    let _ = writeln!(
        std::io::stdout(),
        "{}\n  damaged                  {}\n  put back from the backup {}\n  given up                 {}",
        repaired.file.display(),
        repaired.damaged,
        repaired.restored,
        repaired.given_up,
    );
    if repaired.is_rebuilt {
        let _ = writeln!(std::io::stdout(), "  written anew             yes, for its structure was damaged");
    }
    match repaired.left.len() as u64 + repaired.left_results {
        0 => Ok(()),
        rows => Err(Failure::Unrepaired { rows, first: repaired.left.first().map(|first| first.0) }),
    }
}

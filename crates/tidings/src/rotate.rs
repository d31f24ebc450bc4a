//! `tidings rotate-key`: makes a new key, which signs tokens and recovery ids from the next start.
//!
//! The server reads its keys when it starts, so it must not run meanwhile. Nobody loses a session: retired keys verify
//! for ever, and backups contain them.

use std::io::Write as _;

use crate::failure::Failure;
use crate::options::RotateKey;
use crate::plural::counted;

pub(crate) fn run(options: &RotateKey) -> Result<(), Failure> {
    let folder = &options.data.folder;
    let keys = chat_sqlite::rotate_signing_key(folder).map_err(|err| Failure::from(err).about(folder))?;
    // The key is there; nobody reads this line if standard output is closed.
    let _ = writeln!(
        std::io::stdout(),
        "new signing key in {}; still valid: {}",
        options.data.folder.display(),
        counted(keys.saturating_sub(1), "older key")
    );
    Ok(())
}

//! `tidings rotate-key`: a new key for the private ids of those who come from now on.
//!
//! The server reads its keys when it starts, so it must not run meanwhile. Nobody is cut off: retired keys verify for
//! ever and are part of backups.

use std::io::Write as _;

use crate::failure::Failure;
use crate::options::RotateKey;

pub(crate) fn run(options: &RotateKey) -> Result<(), Failure> {
    let keys = chat_sqlite::rotate_signing_key(&options.data.folder)?;
    // The key is there; nobody reads this line if standard output is closed.
    let _ = writeln!(
        std::io::stdout(),
        "a new key signs in {}; {} older ones stay valid",
        options.data.folder.display(),
        keys.saturating_sub(1)
    );
    Ok(())
}

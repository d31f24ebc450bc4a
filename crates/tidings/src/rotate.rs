//! `tidings rotate-key`: makes a new key, which signs recovery ids and invites from the next start.
//!
//! The server reads its keys when it starts, so it must not run meanwhile. Nobody loses a session: retired keys verify
//! for ever, and backups contain them. Unless `--revoke` is given: then the older keys verify nothing any more.

use std::io::Write as _;

use crate::failure::Failure;
use crate::options::RotateKey;
use crate::plural::counted;

pub(crate) fn run(options: &RotateKey) -> Result<(), Failure> {
    let folder = &options.data.folder;
    let what = if options.revoke {
        let lost =
            chat_sqlite::revoke_signing_keys(folder).map_err(|err| Failure::from(err).about(folder))?;
        format!("no older key is valid any more; people with a name who cannot come back: {lost}")
    } else {
        let keys = chat_sqlite::rotate_signing_key(folder).map_err(|err| Failure::from(err).about(folder))?;
        format!("still valid: {}", counted(keys.saturating_sub(1), "older key"))
    };
    // The key is there; nobody reads this line if standard output is closed.
    let _ = writeln!(std::io::stdout(), "new signing key in {}; {what}", folder.display());
    Ok(())
}

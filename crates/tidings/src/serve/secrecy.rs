//! Keeps what is in the memory of the process there.
//!
//! Tokens, codes and texts of a chat are in it in the clear. A core file would put them on a disk, and another program
//! of the same user could read them. Neither works any more; root still may look.

/// Begins for this thread, and for all that it starts.
#[cfg(target_os = "linux")]
pub(super) fn begin() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    use rustix::thread::set_no_new_privs;

    for (what, result) in [
        ("the process can be dumped", set_dumpable_behavior(DumpableBehavior::NotDumpable)),
        ("the process could gain privileges", set_no_new_privs(true)),
    ] {
        if let Err(error) = result {
            tracing::warn!(%error, "{what}: the system does not forbid it");
        }
    }
}

/// Other systems have no such switch.
#[cfg(not(target_os = "linux"))]
pub(super) fn begin() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior};
    use rustix::thread::no_new_privs;

    #[test]
    fn a_process_that_keeps_its_secrets_leaves_no_core_and_gains_nothing() {
        super::begin();
        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
        assert_eq!(no_new_privs(), Ok(true));
    }
}

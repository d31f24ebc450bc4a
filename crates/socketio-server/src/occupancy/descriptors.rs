//! How many file descriptors the process may have, and how many of them are for connections.

/// Of all descriptors, one in so many is not for connections.
const RESERVED_SHARE: usize = 10;

/// What the program may open later: files of the log, a backup, a page from disk.
const LATER: usize = 16;

/// What a worker opens when it starts: its poll, its waker, its copies of the listeners.
const PER_WORKER: usize = 6;

/// Raises the number of files that this process may open to what the system lets it have, and returns it. `None` if it
/// has no bound. Call it at the start of a program that serves many: a connection takes one.
///
/// ```
/// let files = socketio_server::raise_descriptor_limit();
/// # assert!(files.is_none_or(|files| files > 0));
/// ```
pub fn raise_descriptor_limit() -> Option<u64> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        if current != maximum {
            // Some systems have a lower limit of their own. Then the one of before stays.
            let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
        }
        getrlimit(Resource::Nofile).current
    }
    #[cfg(not(unix))]
    None
}

/// How many connections the process has descriptors for, beside `overflow` that are turned away; `None` without a limit.
pub(super) fn connections_max(overflow: usize, workers: usize) -> Option<usize> {
    let limit = limit()?;
    let needed = open().saturating_add(LATER + PER_WORKER * workers + overflow);
    Some(limit.saturating_sub(needed.max(limit / RESERVED_SHARE)).max(1))
}

#[cfg(unix)]
fn limit() -> Option<usize> {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Nofile).current.and_then(|limit| usize::try_from(limit).ok())
}

#[cfg(not(unix))]
fn limit() -> Option<usize> {
    None
}

/// How many descriptors are open now.
fn open() -> usize {
    /// Where the system does not tell.
    const USUAL: usize = 32;
    std::fs::read_dir("/dev/fd").map_or(USUAL, Iterator::count)
}

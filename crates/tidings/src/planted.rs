//! Bugs to be found: switches that the simulation is measured by.
//!
//! Without the feature `planted` every switch is the constant `false` and costs nothing; with it, one bug at a time
//! is switched on for the calling thread. Each stands where somebody could have made the mistake.

/// A mistake that somebody could make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// The number of a command that comes too early is answered as if it were stored.
    AnswersExpectedAsOk,
    /// A page of history begins before its reader has joined.
    ShowsHistoryFromBefore,
    /// A connection sees a private room from the room's beginning.
    SeesRoomsFromBefore,
    /// No connection of the sender gets an entry, not just the one that has the answer.
    ExceptsThePerson,
    /// A cursor of a past that the log does not have is taken for none.
    OverlooksRestoredBackups,
    /// What is deleted stays in memory as it was.
    ForgetsToScrub,
    /// An answer shows what came into the log after permission was asked.
    ShowsWhatCameLater,
}

#[cfg(feature = "planted")]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// Switches a bug on for this thread, or all off.
#[cfg(feature = "planted")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Whether the bug is switched on.
#[cfg(feature = "planted")]
pub(crate) fn is(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// No bug is ever switched on.
#[cfg(not(feature = "planted"))]
pub(crate) const fn is(_: Bug) -> bool {
    false
}

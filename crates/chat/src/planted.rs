//! Bugs to be found: switches that the simulation is measured by.
//!
//! Without the feature `planted` every switch is the constant `false` and costs nothing; with it, one bug at a time
//! is switched on for the calling thread. Each stands where somebody could have made the mistake.

/// A mistake that somebody could make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A key is unique among all clients instead of within its lineage.
    SharesKeys,
    /// A key such as `undefined-0` is believed across lineages.
    BelievesWeakKeys,
    /// Other content under a known key is answered as stored.
    AnswersConflictsAsStored,
    /// A key is looked up in the log, but not among the drafts of the same batch.
    ForgetsKeysOfBatch,
    /// A batch that was rolled back is answered as stored.
    AnswersRolledBack,
    /// A commit of unknown outcome is tried again instead of ending the process.
    RetriesUnknown,
    /// The newest draft of a batch is decided first.
    TakesNewestFirst,
    /// A number that is used up without an entry is not kept.
    ForgetsSpent,
    /// A command is judged by what was so before its batch.
    JudgesByThePast,
    /// A read pointer goes where it is told to go.
    MovesPointersBack,
    /// What an edit has said before stays in the log.
    KeepsWhatWasEdited,
    /// An entry has the time of the clock, also when that was set back a little.
    BelievesTheClock,
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

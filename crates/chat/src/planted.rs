//! Bugs to be found: switches that the simulation is measured by.

planted::planted! {
    /// A mistake that somebody could make.
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
        /// A command that cannot be stored for now uses up its number.
        UsesUpNumbersWhenFull,
        /// A command that is stored is answered as if it could not be.
        ForgetsResultsWhenFull,
        /// A number that is used up without an entry is not kept.
        ForgetsSpent,
        /// A run of numbers that were used up without an entry ends one number too far.
        RunsTooFar,
        /// Of each such run, a start finds the first number alone.
        ForgetsRunsAtStart,
        /// A command is judged by what was so before its batch.
        JudgesByThePast,
        /// A read pointer goes where it is told to go.
        MovesPointersBack,
        /// What an edit has said before stays in the log.
        KeepsWhatWasEdited,
        /// What others have edited or deleted stays in memory as it was.
        ForgetsRewritesOfOthers,
        /// What others have appended is not known when a batch is decided anew.
        DecidesByAnOldDirectory,
        /// An entry has the time of the clock, also when that was set back a little.
        BelievesTheClock,
        /// The host of any room may remove people from all rooms that they are in.
        LetsAnyHostRemove,
        /// Somebody who was removed may join again by themselves.
        ForgetsWhoWasRemoved,
        /// Members may edit what others have said.
        LetsMembersEditAll,
        /// Members may rename a private room beside its host.
        LetsMembersGovern,
        /// A start does not know which sign-ins have ended.
        ForgetsSignOuts,
    }
}

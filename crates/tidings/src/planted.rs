//! Planted bugs: the simulation must find each of these.

planted::planted! {
    /// A mistake that somebody could make.
    pub enum Bug {
        /// The sender is told before anything is stored.
        AcksBeforeCommit,
        /// Events end without an offset.
        SendsNoOffset,
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
        /// An entry of a kind that is not known is not told of, neither as an event nor among the changes.
        HidesUnknownKinds,
        /// The token of any server is believed.
        BelievesForeignTokens,
    }
}

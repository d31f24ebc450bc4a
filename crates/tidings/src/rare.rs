//! Rare states: the simulation must reach each of these.

planted::rare! {
    /// A state in which mistakes hide.
    pub enum Rare {
        /// A page of history is cut, because it has too many bytes.
        HistoryCutByBytes,
        /// A page of changes does not reach the end.
        ChangesCut,
        /// The log is ahead of the snapshot that an answer is made from.
        LogAheadOfAnswer,
        /// A client starts from the present, because it has missed too much.
        TooFarBehind,
        /// Somebody types where they are no member.
        TypingOutside,
        /// Somebody returns before anybody was told that they went.
        BackInTime,
        /// Somebody goes before anybody was told that they came.
        GoneUntold,
        /// Somebody has used up a quota.
        QuotaUsedUp,
        /// What was charged for a command is given back.
        ChargeGivenBack,
        /// A person who sends commands beyond the rate is read later.
        CommandsWait,
        /// So are all guests of an address.
        CommandsOfAddressWait,
        /// Somebody who has read too much of the past is read later.
        PastWaits,
        /// A read pointer waits for the rate.
        PointerWaits,
        /// A read pointer takes the place of one that waits.
        PointerOvertakes,
        /// Nobody is told that somebody types who has told it too often.
        TypingDropped,
        /// Somebody has too many open requests.
        TooManyOwnRequests,
        /// There are too many open requests of all, and the person who has most loses one.
        RequestDisplaced,
        /// A turn of somebody who asks much is over, and others are answered first.
        TurnUsedUp,
        /// A request is dropped, because the one who asked has gone.
        RequestUnwanted,
    }
}

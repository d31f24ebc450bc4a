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
    }
}

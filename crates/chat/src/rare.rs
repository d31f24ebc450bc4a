//! Rare states: the simulation must reach each of these.

planted::rare! {
    /// A state in which mistakes hide.
    pub enum Rare {
        /// A message that is known by its key is sent again.
        KeyRepeated,
        /// A command that is known by its number is sent again.
        NumberRepeated,
        /// A number comes before its turn.
        NumberAhead,
        /// A number that was used up without an entry continues a run of such numbers.
        RunGrew,
        /// A number within a run, after its first one, is sent again.
        AnsweredByRun,
        /// A key or number is used for something else.
        Conflict,
        /// A command cannot be stored for now, because the log is read-only.
        AnsweredFull,
        /// Entries that another node has stored are read from the log.
        ReadByFollower,
    }
}

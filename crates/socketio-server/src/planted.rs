//! Bugs to be found: switches that the simulation is measured by.

planted::planted! {
    /// A mistake that somebody could make.
    pub enum Bug {
        /// A socket counts as attached one entry too early: a hole between replay and live.
        AttachesEarly,
        /// What did not fit is not noted: the socket stays attached and the entries are gone.
        ForgetsWhatDidNotFit,
        /// The entry at which a write ended counts as written.
        SkipsPartialEntry,
        /// Offsets of any epoch are believed.
        IgnoresEpochs,
        /// A client that has seen more on another node is taken for one of another past.
        ResetsWhoIsAhead,
        /// The ghost of a client that comes back is not ended.
        KeepsGhosts,
        /// A recovered socket goes on from the present instead of where it stood.
        RecoversFromNow,
        /// What was missed goes out before CONNECT, as the JavaScript server does it.
        SendsMissedFirst,
        /// Every connection gets a new lineage, also one that brings a private id.
        ForgetsLineage,
        /// A page brings the cursor one entry further on than it reaches.
        ReplaysOffByOne,
        /// A client that goes on by WebSocket counts as attached, whatever it had not polled yet.
        ForgetsCursorAtUpgrade,
        /// What waited for the next poll is not sent by the WebSocket that takes over.
        ForgetsQueueAtUpgrade,
        /// What waits for the next poll is lost with a WebSocket that could not take over.
        ForgetsQueueWithProbe,
        /// A CONNECT that comes while the one before is pending is forgotten with it.
        ForgetsNewerConnect,
        /// A request that a browser repeats by itself is taken as a new one.
        TakesRepeats,
        /// Of two GETs with the same time in them, the second always counts as a new one.
        BelievesMarks,
        /// Of two GETs with the same time in them, the second always counts as a repeat.
        DistrustsMarks,
        /// Who leaves a room still gets what is said in it.
        KeepsRooms,
        /// An event that is not an entry tells of the newest entry in place of the last one delivered.
        StampsAhead,
    }
}

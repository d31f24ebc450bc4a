//! Planted bugs: the simulation must find each of these.

pub mod edge;

planted::planted! {
    /// A mistake that somebody could make.
    pub enum Bug {
        /// A socket counts as attached one entry too early, which leaves a gap between replay and live entries.
        AttachesEarly,
        /// A write that did not fit is not noted: the socket stays attached, and the entries are lost.
        ForgetsWhatDidNotFit,
        /// The entry in which a write ended counts as written.
        SkipsPartialEntry,
        /// Offsets of every epoch are believed.
        IgnoresEpochs,
        /// A client that has seen more on another node counts as one from lost history.
        ResetsWhoIsAhead,
        /// The old session of a returning client is not ended.
        KeepsGhosts,
        /// A recovered socket continues from the head instead of its offset.
        RecoversFromNow,
        /// Missed entries are sent before CONNECT, as in the JavaScript server.
        SendsMissedFirst,
        /// Every connection gets a new lineage, even one with a private id.
        ForgetsLineage,
        /// A page moves the cursor one entry too far.
        ReplaysOffByOne,
        /// A connection is served until all that was read of it is handled, however much the others wait.
        ServesUntilEmpty,
        /// A connection whose turn is over is continued only when its client sends more.
        ForgetsToContinue,
        /// A client that upgrades to WebSocket counts as attached, even if it has not polled everything.
        ForgetsCursorAtUpgrade,
        /// Packets that wait for the next poll are not sent by the WebSocket that takes over.
        ForgetsQueueAtUpgrade,
        /// Packets that wait for the next poll are lost with a WebSocket that could not take over.
        ForgetsQueueWithProbe,
        /// A CONNECT that arrives while another is pending is forgotten with it.
        ForgetsNewerConnect,
        /// A request that a browser repeats by itself counts as a new one.
        TakesRepeats,
        /// Of two GETs with the same time, the second always counts as new.
        BelievesMarks,
        /// Of two GETs with the same time, the second always counts as a repeat.
        DistrustsMarks,
        /// A socket that leaves a room still gets its events.
        KeepsRooms,
        /// An answer is sent to somebody who has been taken out of its room since it was made.
        BelievesOldPermissions,
        /// An event that is not an entry carries the position of the newest entry instead of the last delivered one.
        StampsAhead,
        /// An answer that nobody has asked for costs nothing.
        ChargesNoStrays,
        /// Any number of control frames is taken.
        TakesAnyControlFrames,
        /// A session that has ended still counts for its address.
        KeepsResidents,
        /// What waited for a session that has ended still counts.
        KeepsOutput,
        /// What a connection held that has ended still counts.
        KeepsInput,
    }
}

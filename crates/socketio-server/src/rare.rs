//! Rare states: the simulation must reach each of these.

planted::rare! {
    /// A state in which mistakes hide.
    pub enum Rare {
        /// A write ends within an entry that is not the last one of its batch.
        CutWithinEntry,
        /// A write ends between two entries of a batch.
        CutBetweenEntries,
        /// The ring has lapped a worker: all of its sockets are behind.
        WorkerLapped,
        /// A socket is so far behind that the log is read for it.
        BehindTheRing,
        /// A socket that does not take a batch falls behind.
        FallsBehind,
        /// An answer is replaced, because its reader has left the room meanwhile.
        AnswerWithdrawn,
        /// An answer arrives together with a growth of its feed, and is judged before it.
        AnswerBeforeGrowth,
        /// A turn of a worker takes only some of the commands that wait.
        TurnCutShort,
        /// A connection has sent more packets than a turn handles.
        TurnOver,
        /// A POST has more packets than a turn handles.
        PostContinued,
        /// A client has seen more than this node.
        ClientAhead,
        /// The node has caught up with a client that was ahead.
        ClientCaughtUpWith,
        /// A node has not caught up with a client in time.
        ClientAheadInVain,
        /// A WebSocket takes over from polling.
        TakeOver,
        /// A WebSocket takes over while packets wait for the next poll.
        TakeOverOfQueue,
        /// A WebSocket takes over for a socket that is behind.
        TakeOverBehind,
        /// An upgrade is given up.
        UpgradeGivenUp,
        /// The session that a client has left is ended when the client returns.
        GhostEvicted,
        /// A client connects again while its first CONNECT is pending.
        ConnectedTwice,
        /// A GET is repeated.
        PollRepeated,
        /// A GET may be a repeat or a new one.
        PollInDoubt,
        /// A GET that could be a repeat turns out to be new.
        PollProvedNew,
        /// A POST is repeated.
        PostRepeated,
        /// A GET is given up by its client.
        PollAborted,
        /// A connection has sent more packets than its rate allows, and is read later.
        PacketsWait,
        /// The connections of an address have.
        PacketsOfAddressWait,
        /// A connection is closed that has sent too many control frames.
        TooManyControlFrames,
        /// A handshake waits for its turn among those of its address.
        HandshakeWaits,
        /// An address has as many connections as it may.
        AddressFull,
        /// A session ends while something waits for it.
        EndedWithOutput,
    }
}

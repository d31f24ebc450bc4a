//! Rare states that a run must reach at least sometimes: those of the world itself, and those of the code under test (see
//! the `rare` modules of the crates). A simulation that never reaches a state proves nothing about it.

use std::collections::BTreeMap;

pub(crate) use self::world::{Rare, reached};

mod world {
    planted::rare! {
        /// A state of the world in which mistakes hide.
        pub enum Rare {
            /// A commit of unknown outcome is in the log.
            UnknownStored,
            /// A commit of unknown outcome is not in the log.
            UnknownLost,
            /// A batch is rolled back.
            RolledBack,
            /// A batch finds the disk full, or read-only.
            Full,
            /// A log that was read-only takes writes again.
            WritableAgain,
            /// A writer was overtaken by the other node.
            Overtaken,
            /// The appender stores something while an answer is being made.
            StoredWhileAnswered,
            /// A request is answered after a batch is stored and before it is announced.
            AnsweredBeforeAnnounced,
            /// The appender stores something within a turn of a worker.
            StoredWithinTurn,
            /// A request is answered within a turn of a worker.
            AnsweredWithinTurn,
            /// Somebody is removed for the second time.
            RemovedAgain,
            /// Somebody is added after they were removed.
            AddedAfterRemoval,
            /// Somebody joins after they left.
            JoinedAfterLeaving,
            /// A name that was given up is taken by somebody else.
            NameTakenOver,
            /// A message is edited again.
            EditedAgain,
            /// A message is deleted after an edit.
            DeletedAfterEdit,
            /// A client is told that its past is gone.
            Reset,
            /// A person is connected from two devices.
            TwoDevices,
            /// A person hears of a read pointer that another of their devices has moved.
            ReadElsewhere,
            /// Somebody has come by a link of another device.
            FollowedLink,
            /// A device is told that another one has signed it out.
            SignedOut,
            /// A member who is told of their removal has a request open.
            RemovedWhileAsking,
        }
    }
}

/// How often each rare state was reached, by its name.
pub type RareCounts = BTreeMap<String, u64>;

/// Takes the counts of this thread.
pub(crate) fn take_counts() -> RareCounts {
    let mut counts = RareCounts::new();
    let named = |state: &dyn std::fmt::Debug, count: u64| (format!("{state:?}"), count);
    counts.extend(world::take_counts().map(|(state, count)| named(&state, count)));
    counts.extend(chat::rare::take_counts().map(|(state, count)| named(&state, count)));
    counts.extend(socketio_server::rare::take_counts().map(|(state, count)| named(&state, count)));
    counts.extend(tidings::rare::take_counts().map(|(state, count)| named(&state, count)));
    counts
}

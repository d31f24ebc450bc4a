//! Planted bugs: the simulation must find each of these.

pub mod edge;

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
        /// Somebody who is not in a private room gets its history.
        ShowsHistoryToAll,
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
        /// Somebody who is not in a room can say that they type in it.
        TypesFromOutside,
        /// Everybody is told who types in a room.
        TellsEverybodyWhoTypes,
        /// Somebody who types is told so.
        TellsWhoTypes,
        /// Somebody counts as offline when one of their devices goes.
        CountsOneDevice,
        /// Nobody is told that somebody went offline.
        TellsNoDeparture,
        /// The list of who is online is ahead of the notices.
        ListsBeforeTelling,
        /// The other devices of a person are not told what one has read.
        TellsNoOtherDevice,
        /// Everybody is told what a person has read.
        TellsEverybodyWhatIsRead,
        /// The token of any server is believed.
        BelievesForeignTokens,
        /// A command that is refused, because a quota is used up, costs nothing of the rate.
        RefusesForNothing,
        /// What was charged for a command that is not stored is not given back.
        KeepsCharges,
        /// Whoever is added, or met in a conversation, pays for it.
        ChargesTheOther,
        /// Conversations of two people count for whoever begins them, and for no address.
        CountsDirectsForNoAddress,
        /// All guests count for one address.
        TakesAllForOneAddress,
        /// Requests of one person are answered until none is left, however much the others wait.
        AnswersOneUntilNoneIsLeft,
        /// A connection that is gone still counts for its person.
        KeepsThoseWhoHaveLeft,
        /// The rate of "typing" drops "stopped typing" as well.
        DropsWhoStops,
        /// Of read pointers that wait, the first is kept instead of the last.
        KeepsTheFirstPointer,
        /// A token whose sign-in has ended is believed.
        BelievesEndedSignIns,
        /// The connections of a sign-in that has ended stay open.
        KeepsEndedConnections,
    }
}

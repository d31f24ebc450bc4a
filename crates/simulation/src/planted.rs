//! The bugs that the simulation has to find, each switched on for one run: proof that it looks where bugs are.
//!
//! Some are made at the ports around the code, some are switches within it (see the `planted` modules of the crates).

use std::cell::Cell;

use chat::planted::Bug as ChatBug;
use socketio_server::planted::Bug as ServerBug;
use tidings::planted::Bug as TidingsBug;

/// A bug made at a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// The sender is told before anything is stored.
    AcksBeforeCommit,
    /// People are shown what is not stored yet.
    BroadcastsBeforeCommit,
    /// A commit is acked before it is flushed.
    FlushesLater,
    /// Keys are known only for a while.
    ForgetsOldKeys,
    /// Events end without an offset.
    SendsNoOffset,
}

/// Any of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// At a port.
    Port(Planted),
    /// In the chat.
    Chat(ChatBug),
    /// In the server.
    Server(ServerBug),
    /// In the program's own parts.
    Tidings(TidingsBug),
}

/// All of them.
pub const BUGS: [Bug; 38] = [
    Bug::Port(Planted::AcksBeforeCommit),
    Bug::Port(Planted::BroadcastsBeforeCommit),
    Bug::Port(Planted::FlushesLater),
    Bug::Port(Planted::ForgetsOldKeys),
    Bug::Port(Planted::SendsNoOffset),
    Bug::Chat(ChatBug::SharesKeys),
    Bug::Chat(ChatBug::BelievesWeakKeys),
    Bug::Chat(ChatBug::AnswersConflictsAsStored),
    Bug::Chat(ChatBug::ForgetsKeysOfBatch),
    Bug::Chat(ChatBug::AnswersRolledBack),
    Bug::Chat(ChatBug::RetriesUnknown),
    Bug::Chat(ChatBug::TakesNewestFirst),
    Bug::Server(ServerBug::AttachesEarly),
    Bug::Server(ServerBug::ForgetsWhatDidNotFit),
    Bug::Server(ServerBug::SkipsPartialEntry),
    Bug::Server(ServerBug::IgnoresEpochs),
    Bug::Server(ServerBug::KeepsGhosts),
    Bug::Server(ServerBug::RecoversFromNow),
    Bug::Server(ServerBug::SendsMissedFirst),
    Bug::Server(ServerBug::ForgetsLineage),
    Bug::Server(ServerBug::ReplaysOffByOne),
    Bug::Server(ServerBug::ForgetsCursorAtUpgrade),
    Bug::Server(ServerBug::ForgetsLaneAtUpgrade),
    Bug::Server(ServerBug::TakesRepeats),
    Bug::Chat(ChatBug::ForgetsSpent),
    Bug::Chat(ChatBug::JudgesByThePast),
    Bug::Chat(ChatBug::MovesPointersBack),
    Bug::Chat(ChatBug::KeepsWhatWasEdited),
    Bug::Chat(ChatBug::BelievesTheClock),
    Bug::Server(ServerBug::KeepsRooms),
    Bug::Server(ServerBug::StampsAhead),
    Bug::Tidings(TidingsBug::AnswersExpectedAsOk),
    Bug::Tidings(TidingsBug::ShowsHistoryFromBefore),
    Bug::Tidings(TidingsBug::SeesRoomsFromBefore),
    Bug::Tidings(TidingsBug::ExceptsThePerson),
    Bug::Tidings(TidingsBug::OverlooksRestoredBackups),
    Bug::Tidings(TidingsBug::ForgetsToScrub),
    Bug::Tidings(TidingsBug::ShowsWhatCameLater),
];

thread_local! {
    static PLANTED: Cell<Option<Planted>> = const { Cell::new(None) };
}

/// Switches one bug on for this thread, and all others off.
pub(crate) fn plant(bug: Option<Bug>) {
    let (mut port, mut chat, mut server, mut tidings) = (None, None, None, None);
    match bug {
        Some(Bug::Port(bug)) => port = Some(bug),
        Some(Bug::Chat(bug)) => chat = Some(bug),
        Some(Bug::Server(bug)) => server = Some(bug),
        Some(Bug::Tidings(bug)) => tidings = Some(bug),
        None => {}
    }
    PLANTED.set(port);
    chat::planted::plant(chat);
    socketio_server::planted::plant(server);
    tidings::planted::plant(tidings);
}

pub(crate) fn is(bug: Planted) -> bool {
    PLANTED.get() == Some(bug)
}

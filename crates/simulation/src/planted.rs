//! The bugs that the simulation has to find, each switched on for one run: proof that it looks where bugs are.
//!
//! Some are made at the ports around the code, some are switches within it (see the `planted` modules of the crates).

use chat::planted::Bug as ChatBug;
use socketio_server::planted::Bug as ServerBug;
use tidings::planted::Bug as TidingsBug;

pub use self::port::Bug as Planted;
pub(crate) use self::port::is;

mod port {
    planted::planted! {
        /// A bug made at a port.
        pub enum Bug {
            /// People are shown what is not stored yet.
            BroadcastsBeforeCommit,
            /// A commit is acked before it is flushed.
            FlushesLater,
            /// Keys are known only for a while.
            ForgetsOldKeys,
        }
    }
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
pub fn bugs() -> Vec<Bug> {
    let port = Planted::ALL.iter().copied().map(Bug::Port);
    let chat = ChatBug::ALL.iter().copied().map(Bug::Chat);
    let server = ServerBug::ALL.iter().copied().map(Bug::Server);
    let tidings = TidingsBug::ALL.iter().copied().map(Bug::Tidings);
    port.chain(chat).chain(server).chain(tidings).collect()
}

/// Switches one bug on for this thread, and all others off.
pub(crate) fn plant(bug: Option<Bug>) {
    let (mut at_port, mut chat, mut server, mut tidings) = (None, None, None, None);
    match bug {
        Some(Bug::Port(bug)) => at_port = Some(bug),
        Some(Bug::Chat(bug)) => chat = Some(bug),
        Some(Bug::Server(bug)) => server = Some(bug),
        Some(Bug::Tidings(bug)) => tidings = Some(bug),
        None => {}
    }
    port::plant(at_port);
    chat::planted::plant(chat);
    socketio_server::planted::plant(server);
    tidings::planted::plant(tidings);
}

//! Bugs that the simulation must find. Planting them one at a time proves that it looks in the right places.
//!
//! Some are bugs of a simulated part, others are switches in the code under test (see the `planted` modules of the
//! crates).

use chat::planted::Bug as ChatBug;
use socketio_server::planted::Bug as ServerBug;
use tidings::planted::Bug as TidingsBug;

pub use self::port::Bug as Planted;
pub(crate) use self::port::is;

mod port {
    planted::planted! {
        /// A bug in a simulated part.
        pub enum Bug {
            /// Entries are shown before they are stored.
            BroadcastsBeforeCommit,
            /// A commit is acked before it is flushed.
            FlushesLater,
            /// The log forgets keys after a while.
            ForgetsOldKeys,
        }
    }
}

/// A planted bug, with the crate that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// In a simulated part.
    Port(Planted),
    /// In `chat`.
    Chat(ChatBug),
    /// In `socketio-server`.
    Server(ServerBug),
    /// In `tidings`.
    Tidings(TidingsBug),
}

/// All planted bugs.
pub fn bugs() -> Vec<Bug> {
    let port = Planted::ALL.iter().copied().map(Bug::Port);
    let chat = ChatBug::ALL.iter().copied().map(Bug::Chat);
    let server = ServerBug::ALL.iter().copied().map(Bug::Server);
    let tidings = TidingsBug::ALL.iter().copied().map(Bug::Tidings);
    port.chain(chat).chain(server).chain(tidings).collect()
}

/// Switches on one bug for this thread, and all others off.
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

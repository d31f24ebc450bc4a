//! The handles of programs: sockets, acks, the server's [`Io`](io::Io), definitions of namespaces, and the commands
//! that all of these send to workers.
//!
//! A handle never touches a session. It sends a [`Command`](command::Command) through a [`Mailbox`](mailbox::Mailbox),
//! and gets the answer through a channel in the command. How a worker carries a command out is not known here.

pub(crate) mod ack;
pub(crate) mod command;
pub(crate) mod connect;
pub(crate) mod engine;
pub(crate) mod eviction;
pub(crate) mod handler;
pub(crate) mod io;
pub(crate) mod mailbox;
pub(crate) mod misfits;
pub(crate) mod namespace;
pub(crate) mod reach;
pub(crate) mod remote;
pub(crate) mod socket;
pub(crate) mod stamp;
pub(crate) mod stats;
pub(crate) mod turn;

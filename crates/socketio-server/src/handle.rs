//! What programs hold: sockets, acks, the server's [`Io`](io::Io), definitions of namespaces, and the commands that
//! all of these send to workers.
//!
//! Handles never touch a session. What they ask for travels as a [`Command`](command::Command) through a
//! [`Mailbox`](mailbox::Mailbox), and an answer comes back through a channel that travels with it. How a worker
//! carries a command out is not known here.

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
pub(crate) mod turn;

//! The protocol `/v1` (docs/protocol.md): rooms, people, and commands that are counted per device.
//!
//! ```text
//! event ─► command / request ─► Edge ─► Appender ─► V1Delivery ─► feed
//!                                 └───► Job ──► answers ─► ack
//! ```
//!
//! `names`, `ids`, `command`, `request`, `view`, `ack` and `welcome` are the wire; `identity`, `code`, `links`,
//! `guesses`, `presence` and `typing` are pure; `edge`, `admission`, `codes`, `charges`, `job`, `sight`, `answers`, `unread`, `meaning`,
//! `traffic`, `delivery` and `namespace` join them to the chat and to the server. `frames` alone knows both conversations and delivery groups.

pub mod ack;
mod admission;
pub mod answers;
mod charges;
pub mod code;
mod codes;
pub mod command;
pub mod connections;
mod cut;
pub mod delivery;
pub mod edge;
pub mod frames;
pub mod guesses;
pub mod identity;
pub mod ids;
mod job;
pub mod links;
mod meaning;
mod namespace;
mod pace;
pub mod presence;
mod reads;
pub mod request;
pub mod session;
pub mod sight;
pub mod traffic;
pub mod typing;
mod unread;
pub mod view;
pub mod welcome;

pub use self::namespace::namespace;
pub use crate::names;

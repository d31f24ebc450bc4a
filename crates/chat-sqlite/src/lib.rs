//! The log of the chat on SQLite.
#![deny(missing_docs)]

//! Goal: docs/protocol.md, its examples and the server say the same.
//!
//! Method: every file of docs/protocol is an event. What goes up is parsed and compared with the typed command or
//! request, and the answer to a command is encoded and compared with the file; what comes down is encoded from typed
//! entries and compared with the file. The web app's tests read the same files. The answers to requests are compared
//! end to end (tests/e2e/v1-protocol.test.mjs).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod down;
mod golden;
mod page;
mod texts;
mod up;

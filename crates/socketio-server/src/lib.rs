//! A Socket.IO 4 server for any Rust program.
#![deny(missing_docs)]

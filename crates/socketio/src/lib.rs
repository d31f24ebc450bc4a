//! The Socket.IO protocol, revision 5, as a state machine without input or output.
#![deny(missing_docs)]

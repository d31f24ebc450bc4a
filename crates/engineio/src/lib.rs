//! The Engine.IO protocol, revision 4, as a state machine without input or output.
#![deny(missing_docs)]

//! [`Delivery`]: the port through which committed entries, and the answers to their senders, leave the domain.
//!
//! Everything that passes here is durable. It has no queue: the receiver runs on the appender's thread and must not block
//! it for longer than it takes to hand the entries over.

use crate::directory::Directory;
use crate::entry::Entry;
use crate::ids::Position;
use crate::log::ReadError;
use crate::outcome::Outcome;
use crate::pointer::ReadPointer;

/// Takes over what was committed.
///
/// Called on the appender's thread, in log order. When it is called, the entries and the outcomes are durable.
pub trait Delivery<T>: Send {
    /// Passes the entries on to those who may see them, and each outcome to whom the ticket belongs to.
    fn deliver(&mut self, committed: Committed<T>);

    /// Passes on what others have appended, up to `head`, and the pointers that they have moved; returns people and rooms
    /// of then. Asked only where several write to the log; after an error it is asked again.
    ///
    /// # Errors
    /// When the log cannot be read, or the receiver does not read it.
    fn catch_up(&mut self, head: Position, _pointers: &[ReadPointer]) -> Result<Directory, ReadError> {
        Err(ReadError::Unavailable { detail: format!("nobody here reads it up to {head}") })
    }
}

impl<T, F: FnMut(Committed<T>) + Send> Delivery<T> for F {
    fn deliver(&mut self, committed: Committed<T>) {
        self(committed);
    }
}

/// What one commit brought.
#[derive(Debug)]
pub struct Committed<T> {
    /// Earlier entries that this commit has changed: messages that were edited or deleted, and edits that are now
    /// obsolete. Every copy of them must be replaced.
    pub rewritten: Vec<Entry>,
    /// The new entries, contiguous.
    pub entries: Vec<Entry>,
    /// What became of each draft, in the order in which they were submitted.
    pub outcomes: Vec<(T, Outcome)>,
    /// Read pointers that have moved.
    pub pointers: Vec<ReadPointer>,
    /// People and rooms after these entries and pointers.
    pub directory: Directory,
}

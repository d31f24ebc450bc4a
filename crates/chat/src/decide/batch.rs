//! The entries that the decided drafts of this batch add to the log, and a view of the log that includes them.
//!
//! Owns the numbering. A message that is edited or deleted in its own batch is changed before it is stored; for an older
//! message, the log gets its new row.

use std::collections::HashMap;

use super::device::Counts;
use crate::command::Draft;
use crate::directory::Directory;
use crate::entry::{Author, Body, Entry, Kind};
use crate::hash::ContentHash;
use crate::ids::{Lineage, Position, RoomId, Seq};
use crate::key::ClientKey;
use crate::log::{Log, Placed, ReadError, Record, RoomNumbers, Standing};
use crate::outcome::Receipt;
use crate::planted::{self, Bug};
use crate::pointer::ReadPointer;

/// A batch, as far as it is decided.
pub(super) struct DecidedBatch<'a> {
    /// The head of the log before the batch.
    before: Position,
    head: Position,
    /// The log has nothing of this room or of a later one.
    first_new_room: RoomId,
    pub(super) records: Vec<Record>,
    pub(super) directory: Directory,
    pub(super) rooms: HashMap<RoomId, RoomNumbers>,
    pub(super) by_lineage: HashMap<(Lineage, &'a ClientKey), Placed>,
    pub(super) by_content: HashMap<(&'a ClientKey, ContentHash), Placed>,
    pub(super) by_device: Counts,
}

impl DecidedBatch<'_> {
    pub(super) fn new(head: Position, directory: Directory, drafts: usize) -> Self {
        Self {
            before: head,
            head,
            first_new_room: directory.next_room(),
            records: Vec::with_capacity(drafts),
            directory,
            rooms: HashMap::new(),
            by_lineage: HashMap::new(),
            by_content: HashMap::new(),
            by_device: Counts::default(),
        }
    }

    /// The last numbers of a room.
    pub(super) fn numbers<L: Log + ?Sized>(
        &mut self,
        log: &mut L,
        room: RoomId,
    ) -> Result<RoomNumbers, ReadError> {
        if let Some(numbers) = self.rooms.get(&room) {
            return Ok(*numbers);
        }
        let is_new = (self.first_new_room..RoomId::PERSONAL).contains(&room);
        let numbers = if is_new { RoomNumbers::default() } else { log.room(room)? };
        self.rooms.insert(room, numbers);
        Ok(numbers)
    }

    /// Adds an entry, whose room has used the numbers `before`.
    pub(super) fn place(
        &mut self,
        draft: &Draft,
        content: ContentHash,
        before: RoomNumbers,
        room: RoomId,
        kind: Kind,
    ) -> Receipt {
        let seq = if kind.is_message() { before.seq.next() } else { before.seq };
        let numbers = RoomNumbers { seq, rev: before.rev.next() };
        self.rooms.insert(room, numbers);
        self.head = self.head.next();
        let entry = Entry {
            position: self.head,
            room,
            seq,
            rev: numbers.rev,
            at: draft.at,
            author: author_of(draft),
            kind,
        };
        self.directory.apply(&entry);
        let receipt = Receipt::of(&entry);
        self.records.push(Record::Entry { entry, key: draft.identity.key().cloned(), content });
        receipt
    }

    /// Moves a pointer. Of several moves in a batch only the last is stored.
    pub(super) fn read(&mut self, pointer: ReadPointer) {
        self.directory.move_pointer(pointer);
        let is_earlier = |record: &Record| match record {
            Record::Read(earlier) => (earlier.user, earlier.room) == (pointer.user, pointer.room),
            Record::Entry { .. } | Record::Spent(_) | Record::Rewrite(_) => false,
        };
        match self.records.iter_mut().find(|record| is_earlier(record)) {
            Some(earlier) => *earlier = Record::Read(pointer),
            None => self.records.push(Record::Read(pointer)),
        }
    }

    /// A message as the log and the batch have it.
    pub(super) fn standing<L: Log + ?Sized>(
        &self,
        log: &mut L,
        room: RoomId,
        seq: Seq,
    ) -> Result<Option<Standing>, ReadError> {
        let here = |entry: &&Entry| entry.room == room;
        let is_it = |entry: &&Entry| entry.kind.is_message() && entry.seq == seq;
        let is_edit = |entry: &&Entry| matches!(&entry.kind, Kind::Edited { seq: of, .. } if *of == seq);
        let changed = || self.records.iter().rev().filter_map(changed).filter(here);
        let message = changed().find(is_it).cloned();
        let edit = changed().filter(is_edit).max_by_key(|entry| entry.position).cloned();
        let in_log = match &message {
            Some(message) if message.position > self.before => None,
            Some(_) | None => log.message(room, seq)?,
        };
        let (known, edit_in_log) = in_log.map_or((None, None), |found| (Some(found.message), found.edit));
        let Some(message) = message.or(known) else { return Ok(None) };
        // An edit of this batch has made those before it obsolete, and a deletion all of them.
        let edit = edit.or(edit_in_log).filter(|_| message.kind != Kind::Message { body: Body::Deleted });
        Ok(Some(Standing { message, edit }))
    }

    /// The message becomes what `kind` makes of it, and what the edit before said goes.
    pub(super) fn rewrite(&mut self, standing: Standing, kind: &Kind) {
        let Standing { mut message, edit } = standing;
        message.kind = Kind::Message {
            body: if let Kind::Edited { text: Some(text), .. } = kind {
                Body::Edited(text.clone())
            } else {
                Body::Deleted
            },
        };
        if let Some(mut edit) = edit.filter(|_| !planted::is(Bug::KeepsWhatWasEdited)) {
            edit.kind = Kind::Edited { seq: message.seq, text: None };
            self.replace(edit);
        }
        self.replace(message);
    }

    fn replace(&mut self, entry: Entry) {
        let is_it =
            |record: &&mut Record| changed(record).is_some_and(|other| other.position == entry.position);
        match self.records.iter_mut().find(is_it) {
            Some(Record::Entry { entry: earlier, .. } | Record::Rewrite(earlier)) => *earlier = entry,
            Some(Record::Spent(_) | Record::Read(_)) | None => self.records.push(Record::Rewrite(entry)),
        }
    }
}

fn changed(record: &Record) -> Option<&Entry> {
    match record {
        Record::Entry { entry, .. } | Record::Rewrite(entry) => Some(entry),
        Record::Spent(_) | Record::Read(_) => None,
    }
}

fn author_of(draft: &Draft) -> Option<Author> {
    match draft.identity.author() {
        Some(Author::Lineage(_)) if planted::is(Bug::SharesKeys) => Some(Author::Lineage(Lineage([0; 16]))),
        author => author,
    }
}

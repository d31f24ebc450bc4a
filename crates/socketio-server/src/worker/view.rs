//! [`View`]: what one socket, or many alike, get of a growth or a page, in the order it goes out; and the write of it.
//!
//! A view is a list of buffers that are shared with others: runs of what is for everyone, single entries around which
//! they part, acks. It goes out in one call. What is not taken is not kept, but for the rest of a begun frame and the
//! acks, which wait for nobody.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::audience::{Mark, Sight};
use super::space::{Cursor, Joined};
use crate::ack::FeedAck;
use crate::feed::{Batch, Cut, Stretch};
use crate::planted::{self, Bug};
use crate::session::{Session, Transport};

/// Views of one growth that are kept for other sockets that see the same.
const SHARED_VIEWS_MAX: usize = 256;

/// How much of something a transport has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Took {
    All,
    Part,
}

/// One piece of a view.
enum Part {
    Ack(Bytes),
    Entries(Stretch),
}

impl Part {
    fn bytes(&self) -> &Bytes {
        match self {
            Self::Ack(bytes) => bytes,
            Self::Entries(stretch) => stretch.bytes(),
        }
    }
}

/// What goes out to a socket.
#[derive(Default)]
pub(super) struct View {
    parts: Vec<Part>,
    /// The parts as they are given to the kernel.
    bytes: Vec<Bytes>,
    len: usize,
}

/// Where a write has ended within a view.
struct Stop {
    part: usize,
    /// The position that the cursor has come to, if it is an entry that was not taken as a whole.
    after: Option<u64>,
    /// What is missing of the begun frame, or the ack.
    rest: Bytes,
}

impl View {
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    fn push(&mut self, part: Part) {
        let bytes = part.bytes();
        if !bytes.is_empty() {
            self.len += bytes.len();
            self.bytes.push(bytes.clone());
            self.parts.push(part);
        }
    }

    /// What is for everyone, after a position up to another.
    fn push_public(&mut self, batches: &[Arc<Batch>], after: u64, through: u64) {
        let first = batches.partition_point(|batch| batch.last() <= after);
        for batch in batches.iter().skip(first).take_while(|batch| batch.first() <= through) {
            self.push(Part::Entries(Stretch::public(batch, after, through, usize::MAX)));
        }
    }

    fn push_single(&mut self, batches: &[Arc<Batch>], position: u64) {
        let place = batches.partition_point(|batch| batch.last() < position);
        if let Some(batch) = batches.get(place)
            && let Some((_, entry)) = batch.between(position - 1, position).next()
        {
            self.push(Part::Entries(Stretch::single(batch, position, entry)));
        }
    }

    /// What a page has for a socket that is behind, and the position that the page reaches: until `bytes_max`.
    pub(super) fn page(
        joined: &Joined,
        batches: &[Arc<Batch>],
        after: u64,
        through: u64,
        bytes_max: usize,
    ) -> (Self, u64) {
        let mut view = Self::default();
        let mut reached = after;
        for batch in batches {
            let Some(left) = bytes_max.checked_sub(view.len).filter(|left| *left > 0) else { break };
            if batch.is_public_to(|room| joined.is_in(room)) {
                let stretch = Stretch::public(batch, after, through, left);
                reached = stretch.last();
                view.push(Part::Entries(stretch));
                continue;
            }
            for (position, entry) in batch.between(after, through) {
                if view.len >= bytes_max {
                    break;
                }
                if joined.sees(entry, position) {
                    view.push(Part::Entries(Stretch::single(batch, position, entry)));
                }
                reached = position;
            }
        }
        (view, reached)
    }

    /// Puts everything into one buffer: worth it for those who share the view.
    fn join(&mut self) {
        if self.bytes.len() > 1 {
            let mut joined = BytesMut::with_capacity(self.len);
            self.bytes.iter().for_each(|bytes| joined.extend_from_slice(bytes));
            self.bytes = vec![joined.freeze()];
        }
    }

    /// Gives the view to the transport, whose lane must be empty. Where it ends early, the socket's cursor stays at the
    /// first entry that was not begun; `through` is where it stands when only acks are left.
    pub(super) fn write(&self, session: &mut Session, index: usize, through: u64) -> io::Result<Took> {
        if self.is_empty() {
            return Ok(Took::All);
        }
        let stop = match &mut session.transport {
            Transport::WebSocket(socket) => {
                let written = socket.write(&self.bytes)?;
                self.stop_at(written)
            }
            Transport::Polling(_) => self.gather(session),
        };
        let Some(Stop { part, after, rest }) = stop else { return Ok(Took::All) };
        if !rest.is_empty() {
            session.lane.push(rest);
        }
        let mut after = after;
        for part in self.parts.iter().skip(part + 1) {
            match part {
                // Acks do not wait for entries.
                Part::Ack(bytes) => session.lane.push(bytes.clone()),
                // What lies between is not for this socket.
                Part::Entries(stretch) => after = after.or(Some(stretch.after())),
            }
        }
        if let Some(joined) = session.joined_mut(index)
            && !planted::is(Bug::ForgetsWhatDidNotFit)
        {
            joined.cursor = Cursor::Behind { after: after.unwrap_or(through), reading: false };
        }
        Ok(Took::Part)
    }

    /// Where a write of so many bytes has ended; `None` if that was all.
    fn stop_at(&self, written: usize) -> Option<Stop> {
        let mut written = written;
        for (number, part) in self.parts.iter().enumerate() {
            let bytes = part.bytes();
            if written >= bytes.len() {
                written -= bytes.len();
                continue;
            }
            return Some(match part {
                Part::Ack(bytes) => Stop { part: number, after: None, rest: bytes.slice(written..) },
                Part::Entries(stretch) => {
                    let Cut { after, rest } = stretch.cut(written);
                    Stop { part: number, after: Some(after), rest }
                }
            });
        }
        None
    }

    /// Puts frames into the payload of a held GET, as many as it takes.
    fn gather(&self, session: &mut Session) -> Option<Stop> {
        for (number, part) in self.parts.iter().enumerate() {
            match part {
                Part::Ack(bytes) => {
                    if !session.gather(bytes) {
                        return Some(Stop { part: number, after: None, rest: bytes.clone() });
                    }
                }
                Part::Entries(stretch) => {
                    for (position, frame) in stretch.frames() {
                        if !session.gather(frame) {
                            return Some(Stop {
                                part: number,
                                after: Some(position - 1),
                                rest: Bytes::new(),
                            });
                        }
                    }
                }
            }
        }
        None
    }
}

/// What has been published since the sockets were last given something, and who sees what of it.
pub(super) struct Growth {
    batches: Vec<Arc<Batch>>,
    classes: Vec<Vec<u32>>,
    pub(super) before: u64,
    through: u64,
    /// What is for everyone.
    pub(super) public: View,
    /// Views that several sockets may have, by what is different in them.
    shared: HashMap<Vec<Sight>, View>,
}

impl Growth {
    pub(super) fn new(batches: Vec<Arc<Batch>>, classes: Vec<Vec<u32>>, before: u64, through: u64) -> Self {
        let mut public = View::default();
        public.push_public(&batches, before, through);
        Self { batches, classes, before, through, public, shared: HashMap::new() }
    }

    /// Writes what a socket sees.
    pub(super) fn write(
        &mut self,
        session: &mut Session,
        index: usize,
        marks: &[Mark],
        acks: Vec<FeedAck>,
    ) -> io::Result<Took> {
        let sights: Vec<Sight> = marks.iter().map(|mark| mark.sight).collect();
        if !acks.is_empty() {
            return self.view(&sights, acks).write(session, index, self.through);
        }
        match sights.as_slice() {
            [] | [Sight::Nothing] => self.public.write(session, index, self.through),
            _ => {
                if let Some(view) = self.shared.get_mut(&sights) {
                    view.join();
                    return view.write(session, index, self.through);
                }
                let view = self.view(&sights, acks);
                let result = view.write(session, index, self.through);
                if self.shared.len() < SHARED_VIEWS_MAX {
                    self.shared.insert(sights, view);
                }
                result
            }
        }
    }

    /// What a socket with these marks sees, its acks right after the entries they belong to.
    fn view(&self, sights: &[Sight], acks: Vec<FeedAck>) -> View {
        let mut seen: Vec<u64> = Vec::new();
        let mut without: Vec<u64> = Vec::new();
        let position = |number: u32| self.before + 1 + u64::from(number);
        for sight in sights {
            match *sight {
                Sight::Class(class) => {
                    let entries = self.classes.get(class as usize);
                    seen.extend(entries.into_iter().flatten().map(|number| position(*number)));
                }
                Sight::Entry(number) => seen.push(position(number)),
                Sight::Without(number) => without.push(position(number)),
                Sight::Nothing => {}
            }
        }
        seen.sort_unstable();
        seen.dedup();
        // Each position at which the run of what is for everyone ends: an entry for it alone, one less, or an ack.
        let acks = acks.into_iter().map(|ack| (ack.after, Break::Ack(ack.frame.into_bytes())));
        let mut breaks: Vec<(u64, Break)> = without.iter().map(|at| (*at, Break::Without)).collect();
        let is_seen = |at: &&u64| without.binary_search(at).is_err();
        breaks.extend(seen.iter().filter(is_seen).map(|at| (*at, Break::Entry)));
        breaks.extend(acks);
        // Stable: the acks of one position stay as they came, and follow its entry.
        breaks.sort_by_key(|(at, _)| *at);

        let mut view = View::default();
        let mut after = self.before;
        for (at, kind) in breaks {
            match kind {
                Break::Without | Break::Entry => {
                    view.push_public(&self.batches, after, at - 1);
                    if matches!(kind, Break::Entry) {
                        view.push_single(&self.batches, at);
                    }
                    after = at;
                }
                Break::Ack(frame) => {
                    let at = at.clamp(after, self.through);
                    view.push_public(&self.batches, after, at);
                    view.push(Part::Ack(frame));
                    after = at;
                }
            }
        }
        view.push_public(&self.batches, after, self.through);
        view
    }
}

/// What interrupts the run of entries that are for everyone.
enum Break {
    Without,
    Entry,
    Ack(Bytes),
}

//! [`View`]: the part of a batch or a page that one socket sees, in order, and its write.
//!
//! A view is a list of shared buffers: runs of public entries, single entries between them, acks. Sockets that see the
//! same share a view. It is written with one call. If the transport does not take all of it, only the rest of a partly
//! written frame and the acks are kept.

use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;

use super::audience::{Mark, Sight};
use super::local_namespace::{Cursor, Joined};
use crate::feed::{Batch, Cut, FeedAck, FeedPosition, Stretch};

use crate::planted::{self, Bug};
use crate::worker::session::{SLICES_MAX, Session, Transport};

/// How many views of one growth are kept for other sockets that see the same.
const SHARED_VIEWS_MAX: usize = 256;

/// How much of something a transport has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Took {
    All,
    Part,
}

/// What a write has come to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    pub(super) took: Took,
    /// How many entries the transport has begun.
    pub(super) entries: u64,
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

    fn entries(&self) -> u64 {
        match self {
            Self::Ack(_) => 0,
            Self::Entries(stretch) => stretch.count(),
        }
    }
}

/// Everything that is sent to a socket.
#[derive(Default)]
pub(super) struct View {
    parts: Vec<Part>,
    /// The parts as they are passed to the kernel.
    bytes: Vec<Bytes>,
    len: usize,
    /// How many entries it has.
    entries: u64,
}

/// The place within a view at which a write ended.
struct Stop {
    part: usize,
    /// The new position of the cursor, unless the write ended at an ack.
    after: Option<FeedPosition>,
    /// The rest of the begun frame, or the ack.
    rest: Bytes,
}

/// What a write has left.
#[derive(Debug)]
struct Left {
    /// The cursor: the entry after it has not been begun.
    after: FeedPosition,
    /// The bytes to send first when the transport takes more.
    outbound: Vec<Bytes>,
}

impl View {
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// How many bytes it has.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// How many entries it has.
    pub(super) fn entries(&self) -> u64 {
        self.entries
    }

    fn push(&mut self, part: Part) {
        let bytes = part.bytes();
        if !bytes.is_empty() {
            self.entries += part.entries();
            self.len += bytes.len();
            self.bytes.push(bytes.clone());
            self.parts.push(part);
        }
    }

    /// The entries for everyone, after one position and through another.
    fn push_public(&mut self, batches: &[Arc<Batch>], after: FeedPosition, through: FeedPosition) {
        let first = batches.partition_point(|batch| batch.last() <= after);
        for batch in batches.iter().skip(first).take_while(|batch| batch.first() <= through) {
            self.push(Part::Entries(Stretch::public(batch, after, through, usize::MAX)));
        }
    }

    fn push_single(&mut self, batches: &[Arc<Batch>], position: FeedPosition) {
        let place = batches.partition_point(|batch| batch.last() < position);
        if let Some(batch) = batches.get(place)
            && let Some((_, entry)) = batch.between(position - 1, position).next()
        {
            self.push(Part::Entries(Stretch::single(batch, position, entry)));
        }
    }

    /// The entries of a page for a socket that is behind, up to `bytes_max`, and the position that the page reaches.
    pub(super) fn page(
        joined: &Joined,
        batches: &[Arc<Batch>],
        after: FeedPosition,
        through: FeedPosition,
        bytes_max: usize,
    ) -> (Self, FeedPosition) {
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

    /// Joins everything into one buffer, which pays off if sockets share the view.
    fn join(&mut self) {
        if self.bytes.len() > 1 {
            let mut joined = BytesMut::with_capacity(self.len);
            self.bytes.iter().for_each(|bytes| joined.extend_from_slice(bytes));
            self.bytes = vec![joined.freeze()];
        }
    }

    /// Writes the view to the transport. The outbound queue must be empty. If the write ends early, the cursor stays
    /// before the first entry that was not begun; if only acks are left, it is `through`.
    pub(super) fn write(
        &self,
        session: &mut Session,
        index: usize,
        through: FeedPosition,
    ) -> io::Result<Written> {
        if self.is_empty() {
            return Ok(Written { took: Took::All, entries: 0 });
        }
        let stop = match &mut session.transport {
            Transport::WebSocket(socket) => {
                let written = socket.write(&self.bytes)?;
                self.stop_at(written)
            }
            Transport::Polling(_) => self.gather(session),
        };
        Ok(match stop {
            None => Written { took: Took::All, entries: self.entries },
            Some(stop) => {
                let entries = self.entries_before(&stop);
                self.note(stop, session, index, through);
                Written { took: Took::Part, entries }
            }
        })
    }

    /// The view as it is passed to the kernel, if that takes one call.
    pub(super) fn slices(&self) -> Option<SmallVec<[IoSlice<'_>; 4]>> {
        (self.bytes.len() <= SLICES_MAX).then(|| self.bytes.iter().map(|bytes| IoSlice::new(bytes)).collect())
    }

    /// Notes that a WebSocket took this many bytes and no more, as [`write`](Self::write) does. Returns how many entries
    /// that were.
    pub(super) fn note_part(
        &self,
        written: usize,
        session: &mut Session,
        index: usize,
        through: FeedPosition,
    ) -> u64 {
        if let Transport::WebSocket(socket) = &mut session.transport {
            socket.block();
        }
        let Some(stop) = self.stop_at(written) else { return self.entries };
        let entries = self.entries_before(&stop);
        self.note(stop, session, index, through);
        entries
    }

    /// How many entries a write has begun that ended here.
    fn entries_before(&self, stop: &Stop) -> u64 {
        let whole: u64 = self.parts.iter().take(stop.part).map(Part::entries).sum();
        let begun = match (self.parts.get(stop.part), stop.after) {
            (Some(Part::Entries(stretch)), Some(after)) => {
                stretch.frames().take_while(|(position, _)| *position <= after).count()
            }
            _ => 0,
        };
        whole + begun as u64
    }

    fn note(&self, stop: Stop, session: &mut Session, index: usize, through: FeedPosition) {
        let Left { after, outbound } = self.left(stop, through);
        for frame in outbound {
            session.outbound.push(frame);
        }
        if let Some(joined) = session.joined_mut(index)
            && !planted::is(Bug::ForgetsWhatDidNotFit)
        {
            joined.cursor = Cursor::Behind { after };
        }
    }

    /// What happens to the rest of a write.
    fn left(&self, stop: Stop, through: FeedPosition) -> Left {
        let Stop { part, mut after, rest } = stop;
        let mut outbound = Vec::new();
        if !rest.is_empty() {
            outbound.push(rest);
        }
        for part in self.parts.iter().skip(part + 1) {
            match part {
                // Acks do not wait for entries.
                Part::Ack(bytes) => outbound.push(bytes.clone()),
                // What lies between is not for this socket.
                Part::Entries(stretch) => after = after.or(Some(stretch.after())),
            }
        }
        Left { after: after.unwrap_or(through), outbound }
    }

    /// Where a write of this many bytes ended; `None` if that was all.
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

    /// Adds frames to the payload of a held GET, as many as fit.
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

/// The entries since the sockets were last written, and who sees which of them.
pub(super) struct Growth {
    batches: Vec<Arc<Batch>>,
    classes: Vec<Vec<u32>>,
    pub(super) before: FeedPosition,
    pub(super) through: FeedPosition,
    /// The entries for everyone.
    pub(super) public: View,
    /// Views that several sockets may share, by the differences in them.
    shared: HashMap<Vec<Sight>, View>,
}

impl Growth {
    pub(super) fn new(
        batches: Vec<Arc<Batch>>,
        classes: Vec<Vec<u32>>,
        before: FeedPosition,
        through: FeedPosition,
    ) -> Self {
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
    ) -> io::Result<Written> {
        let sights: Vec<Sight> = marks.iter().map(|mark| mark.sight).collect();
        if !acks.is_empty() {
            return self.view(&sights, acks).write(session, index, self.through);
        }
        if sights.is_empty() {
            return self.public.write(session, index, self.through);
        }
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

    /// What a socket with these marks sees, with its acks right after their entries.
    fn view(&self, sights: &[Sight], acks: Vec<FeedAck>) -> View {
        let mut seen: Vec<FeedPosition> = Vec::new();
        let mut without: Vec<FeedPosition> = Vec::new();
        let position = |number: u32| self.before + 1 + u64::from(number);
        for sight in sights {
            match *sight {
                Sight::Class(class) => {
                    let entries = self.classes.get(class as usize);
                    seen.extend(entries.into_iter().flatten().map(|number| position(*number)));
                }
                Sight::Entry(number) => seen.push(position(number)),
                Sight::Without(number) => without.push(position(number)),
            }
        }
        seen.sort_unstable();
        seen.dedup();
        // Each position at which the run of entries for everyone is interrupted: an entry for this socket alone, an
        // excluded one, or an ack. An ack without a position comes before all entries.
        let acks =
            acks.into_iter().map(|ack| (ack.after.unwrap_or_default(), Break::Ack(ack.frame.into_bytes())));
        let mut breaks: Vec<(FeedPosition, Break)> = without.iter().map(|at| (*at, Break::Without)).collect();
        let is_seen = |at: &&FeedPosition| without.binary_search(at).is_err();
        breaks.extend(seen.iter().filter(is_seen).map(|at| (*at, Break::Entry)));
        breaks.extend(acks);
        // Stable: acks of one position keep their order, and follow its entry.
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

#[cfg(test)]
mod tests {
    use socketio::{AckId, NamespaceName, SocketId};

    use super::*;
    use crate::feed::AckHandle;
    use crate::feed::FeedEntry;
    use crate::frame::Frame;
    use crate::room::Selection;
    use crate::sid::SessionKey;

    /// Positions 11 to 16 in two batches: 12 and 15 are for a room, 13 is silent.
    fn growth() -> Growth {
        let entry = |position: u64| {
            let audience =
                if [12, 15].contains(&position) { Selection::room("r") } else { Selection::everyone() };
            if position == 13 { FeedEntry::silent() } else { FeedEntry::new(audience, frame(position)) }
        };
        let batch = |positions: std::ops::Range<u64>| {
            Arc::new(Batch::new(positions.start.into(), positions.map(entry).collect()))
        };
        Growth::new(vec![batch(11..14), batch(14..17)], vec![vec![1, 4]], 10.into(), 16.into())
    }

    fn frame(position: u64) -> Frame {
        Frame::text(&format!(r#"2["n",{position}]"#))
    }

    fn ack(after: u64) -> FeedAck {
        let handle = AckHandle {
            worker: 0,
            key: SessionKey { slot: 0, generation: 1 },
            namespace: NamespaceName::ROOT,
            socket: SocketId::from_bytes([0; 15]),
            id: AckId::new(after),
        };
        handle.answer_after(after, "")
    }

    /// What a view has: positions of entries, and `-` with its number for an ack.
    fn check(sights: &[Sight], acks: &[u64], expected: &[i64]) -> View {
        let view = growth().view(sights, acks.iter().map(|after| ack(*after)).collect());
        let number = |number: u64| i64::try_from(number).unwrap();
        let pieces: Vec<i64> = view
            .parts
            .iter()
            .flat_map(|part| match part {
                Part::Ack(bytes) => {
                    let after = acks.iter().find(|after| ack(**after).frame.bytes() == bytes).unwrap();
                    vec![-number(*after)]
                }
                Part::Entries(stretch) => {
                    stretch.frames().map(|(position, _)| number(position.get())).collect()
                }
            })
            .collect();
        assert_eq!(pieces, expected);
        view
    }

    #[test]
    fn a_view_is_what_is_for_everyone_and_what_differs() {
        check(&[], &[], &[11, 14, 16]);
        check(&[Sight::Class(0)], &[], &[11, 12, 14, 15, 16]);
        check(&[Sight::Entry(4)], &[], &[11, 14, 15, 16]);
        check(&[Sight::Class(0), Sight::Without(1), Sight::Without(3)], &[], &[11, 15, 16]);
        check(&[Sight::Without(0), Sight::Without(5)], &[], &[14]);
    }

    #[test]
    fn acks_follow_the_entries_they_belong_to() {
        check(&[], &[0, 11, 13, 16, 99], &[0, 11, -11, -13, 14, 16, -16, -99]);
        check(&[Sight::Class(0), Sight::Without(3)], &[12, 14], &[11, 12, -12, -14, 15, 16]);
    }

    #[test]
    fn wherever_a_write_ends_nothing_is_lost_and_nothing_comes_twice() {
        let sights = [Sight::Class(0), Sight::Without(3)];
        let pieces = [11, 12, -12, -14, 15, 16, -16];
        let view = check(&sights, &[12, 14, 16], &pieces);
        let all: Vec<u8> = view.bytes.concat();
        for written in 0..all.len() {
            let Left { after, outbound } = view.left(view.stop_at(written).unwrap(), 16.into());
            let outbound = outbound.concat();
            // What is in the kernel and in the outbound queue, and what is read again from the cursor on.
            let mut begun = all[..written].to_vec();
            begun.extend_from_slice(&outbound);
            let mut rest = 0;
            for piece in pieces {
                let frame = match u64::try_from(piece) {
                    Ok(position) if position > after.get() => {
                        rest += frame(position).len();
                        continue;
                    }
                    Ok(position) => frame(position),
                    Err(_) => ack(piece.unsigned_abs()).frame,
                };
                let found = begun.windows(frame.len()).filter(|window| window == frame.bytes()).count();
                assert_eq!(found, 1, "{piece} after a write of {written}");
            }
            assert_eq!(begun.len() + rest, all.len(), "after a write of {written}");
        }
        assert!(view.stop_at(all.len()).is_none());
    }

    #[test]
    fn a_joined_view_ends_where_its_parts_do() {
        let mut view = check(&[Sight::Class(0)], &[], &[11, 12, 14, 15, 16]);
        let (parts, len) = (view.bytes.concat(), view.len);
        view.join();
        assert_eq!((view.bytes.len(), view.bytes.concat(), view.len), (1, parts, len));
    }
}

//! [`Batch`]: entries that were published together, the unit of delivery. [`Stretch`]: a part of one, as it is written.
//!
//! The frames of all entries are in one buffer, and nowhere else: first those for everyone, in order, which all sockets
//! share, then the others. A socket that must not see some of them, or that sees entries for rooms between them, gets a
//! list of parts of that buffer. A batch never changes: scrubbing an entry makes a new one.

use std::mem::size_of;
use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;

use super::{Anchor, FeedEntry, FeedPosition, MemberChange};
use crate::cost::{ARC_COUNTS, SHARED_BYTES, block};
use crate::frame::Frame;
use crate::planted::{self, Bug};
use crate::rare::{self, Rare};
use crate::room::Room;

/// How many bytes an entry without a frame counts in a page.
const SILENT_BYTES: usize = 64;

/// Entries that were published together.
#[derive(Debug)]
pub(crate) struct Batch {
    first: FeedPosition,
    /// At an ordinary pace a batch is one entry, which needs no memory of its own.
    entries: SmallVec<[FeedEntry; 1]>,
    /// How many bytes it counts in a page.
    pub(super) bytes: usize,
    /// How many bytes of memory it takes.
    pub(super) memory: usize,
    audience: BatchAudience,
    /// The last entry with an anchor in this batch or, if that is known, in the batches before.
    anchored: Option<Anchored>,
    /// The frames for everyone.
    public: Bytes,
    /// Where in them each entry of the batch ends; empty if there is only one entry, or nothing for everyone.
    ends: Box<[u32]>,
}

/// The position of an anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Anchored {
    pub(super) anchor: Anchor,
    pub(super) position: FeedPosition,
}

/// A summary of who gets the entries.
#[derive(Debug, Default)]
struct BatchAudience {
    has_rooms: bool,
    has_silent: bool,
    has_changes: bool,
    /// Rooms whose members do not get some entry for everyone.
    excepted: Vec<Room>,
}

impl FeedEntry {
    /// Whether it is for all sockets, except perhaps the members of some rooms.
    pub(crate) fn is_public(&self) -> bool {
        self.audience.included().is_empty()
    }

    fn cost(&self) -> usize {
        if self.is_silent() { SILENT_BYTES } else { self.frame.len() }
    }

    /// What it takes beside its frame and its own size.
    fn memory(&self) -> usize {
        let rooms = |change: &MemberChange| change.sockets.memory() + change.room.memory();
        let changes: usize = self.changes.iter().map(rooms).sum();
        self.audience.memory() + block(self.changes.capacity() * size_of::<MemberChange>()) + changes
    }
}

impl Batch {
    pub(crate) fn new(first: FeedPosition, entries: Vec<FeedEntry>) -> Self {
        let mut entries: SmallVec<[FeedEntry; 1]> = entries.into();
        if entries.len() <= entries.inline_size() || entries.capacity() > entries.len() + entries.len() / 8 {
            entries.shrink_to_fit();
        }
        let bytes = entries.iter().map(FeedEntry::cost).sum();
        let (public, ends) = join(&mut entries);
        let mut audience = BatchAudience::default();
        for entry in &entries {
            audience.has_changes |= !entry.changes.is_empty();
            audience.has_silent |= entry.is_silent();
            if entry.is_public() {
                audience.excepted.extend_from_slice(entry.audience.excluded());
            } else {
                audience.has_rooms = true;
            }
        }
        let mut batch = Self { first, entries, bytes, memory: 0, audience, anchored: None, public, ends };
        batch.memory = batch.recount();
        batch.anchored = batch.anchored_up_to(Anchor::MAX);
        batch
    }

    /// This batch with `before`, the last anchored entry of the batches before it, in case it has no anchor itself.
    pub(super) fn behind(self, before: Option<Anchored>) -> Self {
        Self { anchored: self.anchored.or(before), ..self }
    }

    pub(super) fn anchored(&self) -> Option<Anchored> {
        self.anchored
    }

    /// The last of its entries up to an anchor.
    pub(super) fn anchored_up_to(&self, last: Anchor) -> Option<Anchored> {
        let mut anchored = self.entries.iter().enumerate().rev().filter_map(|(index, entry)| {
            Some(Anchored { anchor: entry.anchor?, position: self.first + index as u64 })
        });
        anchored.find(|anchored| anchored.anchor <= last)
    }

    /// This batch with another frame and audience at a position. The entry keeps its anchor and its changes of rooms.
    pub(super) fn replaced(&self, position: FeedPosition, entry: FeedEntry) -> Self {
        let mut entries = self.entries.to_vec();
        if let Some(old) = entries.get_mut(self.count_before(position)) {
            *old = FeedEntry { changes: std::mem::take(&mut old.changes), anchor: old.anchor, ..entry };
        }
        Self::new(self.first, entries).behind(self.anchored)
    }

    /// How many bytes of memory it takes, counted anew.
    pub(super) fn recount(&self) -> usize {
        let list = if self.entries.spilled() { self.entries.capacity() * size_of::<FeedEntry>() } else { 0 };
        let frames: usize = self.entries.iter().map(|entry| entry.frame.len()).sum();
        let shared = if frames > 0 { SHARED_BYTES } else { 0 };
        let excepted = block(self.audience.excepted.capacity() * size_of::<Room>());
        let entries: usize = self.entries.iter().map(FeedEntry::memory).sum();
        let own = block(ARC_COUNTS + size_of::<Self>()) + block(list) + block(size_of_val(&*self.ends));
        own + block(frames) + shared + excepted + entries
    }

    /// Position of the first entry.
    pub(crate) fn first(&self) -> FeedPosition {
        self.first
    }

    /// Position of the last entry.
    pub(crate) fn last(&self) -> FeedPosition {
        self.first + self.entries.len() as u64 - 1
    }

    pub(crate) fn positions(&self) -> impl Iterator<Item = (FeedPosition, &FeedEntry)> {
        self.first.onward().zip(&self.entries)
    }

    /// The entries after `after` up to `through`.
    pub(crate) fn between(
        &self,
        after: FeedPosition,
        through: FeedPosition,
    ) -> impl Iterator<Item = (FeedPosition, &FeedEntry)> {
        let first = self.first.max(after + 1);
        let entries = self.entries.get(self.count_before(first)..).unwrap_or_default();
        first.onward().zip(entries).take_while(move |(position, _)| *position <= through)
    }

    /// True if everybody sees everything, and nothing changes.
    pub(crate) fn is_plain(&self) -> bool {
        !self.audience.has_rooms && !self.audience.has_changes && self.audience.excepted.is_empty()
    }

    /// Whether a socket that is in some rooms sees exactly what is for everyone.
    pub(crate) fn is_public_to(&self, is_in: impl Fn(&Room) -> bool) -> bool {
        !self.audience.has_rooms && !self.audience.excepted.iter().any(is_in)
    }

    /// How many of its entries stand before a position.
    fn count_before(&self, position: FeedPosition) -> usize {
        usize::try_from(position.since(self.first)).unwrap_or(usize::MAX).min(self.entries.len())
    }

    /// Where the first `count` entries end in the buffer for everyone.
    fn end(&self, count: usize) -> usize {
        match (count.checked_sub(1), self.ends.is_empty()) {
            (None, _) => 0,
            (Some(_), true) => self.public.len(),
            (Some(last), false) => self.ends.get(last).map_or(self.public.len(), |end| *end as usize),
        }
    }

    /// How many entries from `start` on, beyond the first, end less than `bytes_max` after it.
    fn fit(&self, start: usize, bytes_max: usize) -> u64 {
        let begin = self.end(start);
        let within = self.ends.get(start..).unwrap_or_default();
        within.partition_point(|end| (*end as usize) - begin < bytes_max) as u64
    }
}

/// Puts the frames of entries into one buffer. Returns the part of it that is for everyone, and where in it each entry
/// ends.
fn join(entries: &mut [FeedEntry]) -> (Bytes, Box<[u32]>) {
    if let [only] = entries {
        let public = if only.is_public() { only.frame.bytes().clone() } else { Bytes::new() };
        return (public, Box::default());
    }
    let mut buffer: Vec<u8> = Vec::with_capacity(entries.iter().map(|entry| entry.frame.len()).sum());
    let mut ends = Vec::with_capacity(entries.len());
    for entry in &*entries {
        if entry.is_public() {
            buffer.extend_from_slice(entry.frame.bytes());
        }
        ends.push(u32::try_from(buffer.len()).expect("a batch has less than 4 GiB"));
    }
    let public_bytes = buffer.len();
    for entry in entries.iter().filter(|entry| !entry.is_public()) {
        buffer.extend_from_slice(entry.frame.bytes());
    }
    let buffer = Bytes::from(buffer);
    let (mut public_end, mut other_end) = (0, public_bytes);
    for entry in entries {
        let end = if entry.is_public() { &mut public_end } else { &mut other_end };
        let begin = *end;
        *end += entry.frame.len();
        entry.frame = Frame::shared(buffer.slice(begin..*end));
    }
    let ends = if public_bytes == 0 { Box::default() } else { ends.into() };
    (buffer.slice(..public_bytes), ends)
}

/// Entries of one batch, in one buffer: either what is for everyone after a position up to another, or a single entry.
#[derive(Clone, Debug)]
pub(crate) struct Stretch {
    batch: Arc<Batch>,
    /// The position before the first of them.
    after: FeedPosition,
    last: FeedPosition,
    bytes: Bytes,
    kind: StretchKind,
}

#[derive(Clone, Copy, Debug)]
enum StretchKind {
    Public,
    Single,
}

/// Where a write has ended within a [`Stretch`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// The last entry that is written, the begun one included.
    pub(crate) after: FeedPosition,
    /// What is missing of the begun one; empty if none is.
    pub(crate) rest: Bytes,
}

impl Stretch {
    /// What is for everyone after `after` up to `through`, until `bytes_max` is reached; it may be nothing.
    pub(crate) fn public(
        batch: &Arc<Batch>,
        after: FeedPosition,
        through: FeedPosition,
        bytes_max: usize,
    ) -> Self {
        let after = after.max(batch.first - 1);
        let through = through.min(batch.last()).max(after);
        let start_count = batch.count_before(after + 1);
        let start = batch.end(start_count);
        // The entry that reaches the bound is the last one.
        let last = if batch.ends.is_empty() {
            through
        } else {
            through.min(after + batch.fit(start_count, bytes_max) + 1)
        };
        let bytes = batch.public.slice(start..batch.end(batch.count_before(last + 1)));
        Self { batch: Arc::clone(batch), after, last, bytes, kind: StretchKind::Public }
    }

    /// One entry, whomever it is for.
    pub(crate) fn single(batch: &Arc<Batch>, position: FeedPosition, entry: &FeedEntry) -> Self {
        let bytes = entry.frame.bytes().clone();
        Self {
            batch: Arc::clone(batch),
            after: position - 1,
            last: position,
            bytes,
            kind: StretchKind::Single,
        }
    }

    /// The position before its first entry.
    pub(crate) fn after(&self) -> FeedPosition {
        self.after
    }

    /// Position of its last entry.
    pub(crate) fn last(&self) -> FeedPosition {
        self.last
    }

    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// How many entries its reader sees.
    pub(crate) fn count(&self) -> u64 {
        let audience = &self.batch.audience;
        match self.kind {
            StretchKind::Public if audience.has_rooms || audience.has_silent => self.frames().count() as u64,
            StretchKind::Public | StretchKind::Single => self.last.since(self.after),
        }
    }

    /// Its frames, each with its position.
    pub(crate) fn frames(&self) -> impl Iterator<Item = (FeedPosition, &Bytes)> {
        let entries = self.batch.between(self.after, self.last);
        let wanted = entries.filter(|(_, entry)| match self.kind {
            StretchKind::Public => entry.is_public() && !entry.is_silent(),
            StretchKind::Single => true,
        });
        wanted.map(|(position, entry)| (position, entry.frame.bytes()))
    }

    /// What a write of the first `written` bytes, not of all, has left.
    pub(crate) fn cut(&self, written: usize) -> Cut {
        let mut end = 0;
        for (position, frame) in self.frames() {
            if written == end {
                rare::reached(Rare::CutBetweenEntries);
                let after = if planted::is(Bug::SkipsPartialEntry) { position } else { position - 1 };
                return Cut { after, rest: Bytes::new() };
            }
            end += frame.len();
            if written < end {
                if position < self.last {
                    rare::reached(Rare::CutWithinEntry);
                }
                let rest = self.bytes.slice(written..end);
                // A part of a large buffer would keep all of it.
                let rest = if self.batch.entries.len() > 1 { Bytes::copy_from_slice(&rest) } else { rest };
                return Cut { after: position, rest };
            }
        }
        Cut { after: self.last, rest: Bytes::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Frame;
    use crate::room::Selection;

    fn at(number: u64) -> FeedPosition {
        FeedPosition::new(number)
    }

    fn batch(texts: &[&str]) -> Vec<FeedEntry> {
        texts.iter().map(|text| FeedEntry::new(Selection::everyone(), Frame::text(text))).collect()
    }

    fn whole(batch: &Arc<Batch>) -> Stretch {
        Stretch::public(batch, FeedPosition::START, FeedPosition::new(u64::MAX), usize::MAX)
    }

    #[test]
    fn a_cut_stretch_knows_the_begun_entry_and_its_rest() {
        let batch = Arc::new(Batch::new(at(11), batch(&["abc", "def"])));
        let stretch = whole(&batch);
        let frame = stretch.bytes().len() / 2;
        assert_eq!(stretch.cut(0), Cut { after: at(10), rest: Bytes::new() });
        assert_eq!(stretch.cut(frame - 1), Cut { after: at(11), rest: Bytes::from_static(b"c") });
        assert_eq!(stretch.cut(frame), Cut { after: at(11), rest: Bytes::new() });
        assert_eq!(stretch.cut(2 * frame - 2), Cut { after: at(12), rest: Bytes::from_static(b"ef") });
    }

    #[test]
    fn what_is_for_a_room_is_not_in_the_shared_buffer() {
        let mut entries = batch(&["a", "b", "c"]);
        entries[1].audience = Selection::room("r");
        let batch = Arc::new(Batch::new(at(1), entries));
        assert!(!batch.is_plain() && !batch.is_public_to(|_| false));
        let stretch = whole(&batch);
        let frame = stretch.bytes().len() / 2;
        assert_eq!(stretch.frames().map(|(position, _)| position).collect::<Vec<_>>(), [at(1), at(3)]);
        assert_eq!(stretch.cut(frame), Cut { after: at(2), rest: Bytes::new() });
        assert_eq!(stretch.cut(frame + 1).after, at(3));
    }

    /// From every start, up to every end, with every bound, against a plain count.
    #[test]
    fn a_stretch_ends_with_the_entry_that_reaches_the_bound() {
        let frames = [5, 7, 6].map(|bytes: usize| "x".repeat(bytes - 3));
        let batch = Arc::new(Batch::new(at(11), batch(&frames.each_ref().map(String::as_str))));
        for (after, through, bytes_max) in (9..15)
            .flat_map(|after| (9..15).map(move |through| (after, through)))
            .flat_map(|(after, through)| (1..=19).map(move |bytes_max| (after, through, bytes_max)))
        {
            let stretch = Stretch::public(&batch, at(after), at(through), bytes_max);
            let (mut last, mut bytes) = (after.max(10), 0);
            while last < through.min(13) && bytes < bytes_max {
                bytes += [5, 7, 6][usize::try_from(last - 10).unwrap()];
                last += 1;
            }
            let told = format!("after {after} through {through}, {bytes_max} bytes");
            assert_eq!((stretch.after(), stretch.last()), (at(after.max(10)), at(last)), "{told}");
            assert_eq!(stretch.bytes().len(), bytes, "{told}");
        }
    }

    #[test]
    fn who_is_taken_out_does_not_break_the_buffer_of_the_others() {
        let mut entries = batch(&["a", "b"]);
        entries[1].audience = Selection::everyone().except("ada");
        let batch = Batch::new(at(1), entries);
        assert!(!batch.is_plain());
        assert!(batch.is_public_to(|room| room.as_str() == "bob"));
        assert!(!batch.is_public_to(|room| room.as_str() == "ada"));
    }

    #[test]
    fn a_silent_entry_takes_no_bytes_of_the_buffer() {
        let mut entries = batch(&["a", "b"]);
        entries.insert(1, FeedEntry::silent());
        let batch = Arc::new(Batch::new(at(1), entries));
        assert!(batch.is_plain());
        let stretch = whole(&batch);
        assert_eq!(stretch.frames().count(), 2);
        assert_eq!((stretch.after(), stretch.last()), (at(0), at(3)));
    }

    #[test]
    fn a_scrubbed_entry_keeps_what_it_changes() {
        let change = crate::feed::MemberChange::enter("u:ada", "r");
        let mut entries = batch(&["a", "b"]);
        entries[1].changes.push(change.clone());
        let scrubbed = Batch::new(at(5), entries).replaced(at(6), FeedEntry::silent());
        let (_, entry) = scrubbed.positions().last().unwrap();
        assert!(entry.is_silent());
        assert_eq!(entry.changes, [change]);
    }
}

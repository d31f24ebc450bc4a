//! [`Ring`]: the newest entries of a feed, in the batches they came in, bounded in bytes.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};

use super::FeedEntry;
use crate::planted::{self, Bug};

/// Entries that were published together: the unit of delivery.
#[derive(Debug)]
pub(crate) struct Batch {
    first: u64,
    entries: Vec<FeedEntry>,
    bytes: usize,
    joined: OnceLock<Option<Bytes>>,
}

impl Batch {
    fn new(first: u64, entries: Vec<FeedEntry>) -> Self {
        let bytes = entries.iter().map(|entry| entry.frame.len()).sum();
        Self { first, entries, bytes, joined: OnceLock::new() }
    }

    /// The same with another frame and audience at a position.
    fn replaced(&self, position: u64, entry: FeedEntry) -> Self {
        let mut entries = self.entries.clone();
        let place = usize::try_from(position - self.first).ok();
        if let Some(old) = place.and_then(|place| entries.get_mut(place)) {
            *old = FeedEntry { changes: std::mem::take(&mut old.changes), ..entry };
        }
        Self::new(self.first, entries)
    }

    /// Position of the last entry.
    fn last(&self) -> u64 {
        self.first + self.entries.len() as u64 - 1
    }

    pub(crate) fn positions(&self) -> impl Iterator<Item = (u64, &FeedEntry)> {
        (self.first..).zip(&self.entries)
    }

    /// All frames in one buffer, shared by every socket that sees all of them; `None` if not everybody does.
    pub(crate) fn joined(&self) -> Option<&Bytes> {
        let join = || {
            if let [only] = self.entries.as_slice() {
                return only.audience.is_everyone().then(|| only.frame.bytes().clone());
            }
            if !self.entries.iter().all(|entry| entry.audience.is_everyone()) {
                return None;
            }
            let mut joined = BytesMut::with_capacity(self.bytes);
            for entry in &self.entries {
                joined.extend_from_slice(entry.frame.bytes());
            }
            Some(joined.freeze())
        };
        self.joined.get_or_init(join).as_ref()
    }
}

/// Entries of one batch that everybody sees, in one buffer that all sockets share.
#[derive(Clone, Debug)]
pub(crate) struct Stretch {
    batch: Arc<Batch>,
    /// The position before the first of them.
    after: u64,
    last: u64,
    bytes: Bytes,
}

/// Where a write has ended within a [`Stretch`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// The last entry that is written, the begun one included.
    pub(crate) after: u64,
    /// What is missing of the begun one; empty if none is.
    pub(crate) rest: Bytes,
}

impl Stretch {
    /// The whole batch, if everybody sees all of it.
    pub(crate) fn whole(batch: &Arc<Batch>) -> Option<Self> {
        let bytes = batch.joined()?.clone();
        Some(Self { batch: Arc::clone(batch), after: batch.first - 1, last: batch.last(), bytes })
    }

    /// The entries after `after` up to `through`, until `bytes_max` is reached, if everybody sees all of the batch.
    fn part(batch: &Arc<Batch>, after: u64, through: u64, bytes_max: usize) -> Option<Self> {
        let joined = batch.joined()?;
        let (mut start, mut end, mut last) = (0, 0, after);
        for (position, entry) in batch.positions() {
            if position > through || end - start >= bytes_max {
                break;
            }
            end += entry.frame.len();
            if position <= after {
                start = end;
            } else {
                last = position;
            }
        }
        let bytes = joined.slice(start..end);
        Some(Self { batch: Arc::clone(batch), after: after.max(batch.first - 1), last, bytes })
    }

    /// Position of its last entry.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What a write of the first `written` bytes, not of all, has left.
    pub(crate) fn cut(&self, written: usize) -> Cut {
        let mut end = 0;
        for (position, entry) in self.batch.positions().filter(|(position, _)| *position > self.after) {
            if written == end {
                let after = if planted::is(Bug::SkipsPartialEntry) { position } else { position - 1 };
                return Cut { after, rest: Bytes::new() };
            }
            end += entry.frame.len();
            if written < end {
                return Cut { after: position, rest: self.bytes.slice(written..end) };
            }
        }
        Cut { after: self.last, rest: Bytes::new() }
    }
}

/// What has been published since a position.
pub(crate) enum Growth {
    /// These batches, oldest first, without a hole.
    Batches(Vec<Arc<Batch>>),
    /// Part of it has left the ring.
    Lapped,
}

#[derive(Debug)]
pub(crate) struct Ring {
    batches: VecDeque<Arc<Batch>>,
    head: u64,
    bytes: usize,
    bytes_max: usize,
}

impl Ring {
    pub(crate) fn new(head: u64, bytes_max: usize) -> Self {
        Self { batches: VecDeque::new(), head, bytes: 0, bytes_max }
    }

    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    pub(crate) fn push(&mut self, first: u64, entries: Vec<FeedEntry>) {
        assert_eq!(first, self.head + 1, "a feed has no holes");
        self.head += entries.len() as u64;
        self.keep(Batch::new(first, entries));
    }

    /// Fills an empty ring with the entries that end at the head.
    pub(crate) fn preload(&mut self, first: u64, entries: Vec<FeedEntry>) {
        assert!(self.batches.is_empty(), "a feed is preloaded before it is used");
        assert_eq!(first + entries.len() as u64, self.head + 1, "preloaded entries end at the head");
        if !entries.is_empty() {
            self.keep(Batch::new(first, entries));
        }
    }

    fn keep(&mut self, batch: Batch) {
        self.bytes += batch.bytes;
        self.batches.push_back(Arc::new(batch));
        while self.bytes > self.bytes_max && self.batches.len() > 1 {
            if let Some(oldest) = self.batches.pop_front() {
                self.bytes -= oldest.bytes;
            }
        }
    }

    /// Puts another frame and audience at a position that the ring has.
    pub(crate) fn replace(&mut self, position: u64, entry: FeedEntry) {
        let place = self.batches.partition_point(|batch| batch.last() < position);
        let Some(batch) = self.batches.get_mut(place).filter(|batch| batch.first <= position) else { return };
        // Whoever reads the batch at this moment keeps the one it has.
        let replaced = batch.replaced(position, entry);
        self.bytes = self.bytes - batch.bytes + replaced.bytes;
        *batch = Arc::new(replaced);
    }

    /// The position after which the ring has everything.
    pub(crate) fn floor(&self) -> u64 {
        self.batches.front().map_or(self.head, |oldest| oldest.first - 1)
    }

    /// The batches after `applied` up to `through`, both of which must be ends of batches.
    pub(crate) fn since(&self, applied: u64, through: u64) -> Growth {
        if applied < self.floor() {
            return Growth::Lapped;
        }
        let known = self.batches.partition_point(|batch| batch.last() <= applied);
        let wanted = self.batches.range(known..).take_while(|batch| batch.last() <= through);
        Growth::Batches(wanted.map(Arc::clone).collect())
    }

    /// The entries after `after` up to `through`, about `bytes_max` of them, as far as everybody sees them; empty if that
    /// is not so from the start, or if they have left the ring.
    pub(crate) fn stretches(&self, after: u64, through: u64, bytes_max: usize) -> Vec<Stretch> {
        if after < self.floor() {
            return Vec::new();
        }
        let first = self.batches.partition_point(|batch| batch.last() <= after);
        let mut bytes = 0;
        self.batches
            .range(first..)
            .take_while(|batch| batch.first <= through)
            .map_while(|batch| {
                let room = bytes_max.checked_sub(bytes).filter(|room| *room > 0)?;
                let stretch = Stretch::part(batch, after, through, room)?;
                bytes += stretch.bytes.len();
                Some(stretch)
            })
            .collect()
    }

    /// The entries after `after` up to `through`, at most `entries_max` of about `bytes_max`; `None` if the first of
    /// them has left the ring.
    pub(crate) fn page(
        &self,
        after: u64,
        through: u64,
        entries_max: usize,
        bytes_max: usize,
    ) -> Option<Vec<(u64, FeedEntry)>> {
        if after < self.floor() {
            return None;
        }
        let first = self.batches.partition_point(|batch| batch.last() <= after);
        let mut bytes = 0;
        let page = self
            .batches
            .range(first..)
            .flat_map(|batch| batch.positions())
            .skip_while(|(position, _)| *position <= after)
            .take_while(|(position, entry)| {
                let fits = *position <= through && bytes < bytes_max;
                bytes += entry.frame.len();
                fits
            })
            .take(entries_max)
            .map(|(position, entry)| (position, entry.clone()))
            .collect();
        Some(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Frame;
    use crate::room::Selection;

    fn entries(texts: &[&str]) -> Vec<FeedEntry> {
        let entry = |text: &&str| FeedEntry::new(Selection::everyone(), Frame::text(text));
        texts.iter().map(entry).collect()
    }

    fn positions(page: Option<Vec<(u64, FeedEntry)>>) -> Option<Vec<u64>> {
        page.map(|page| page.into_iter().map(|(position, _)| position).collect())
    }

    #[test]
    fn a_page_starts_in_the_middle_of_a_batch() {
        let mut ring = Ring::new(10, 1_000);
        ring.push(11, entries(&["a", "b"]));
        ring.push(13, entries(&["c"]));
        assert_eq!(positions(ring.page(11, 13, 100, 1_000)), Some(vec![12, 13]));
        assert_eq!(positions(ring.page(11, 12, 100, 1_000)), Some(vec![12]));
        assert_eq!(positions(ring.page(13, 13, 100, 1_000)), Some(vec![]));
        assert_eq!(positions(ring.page(10, 13, 2, 1_000)), Some(vec![11, 12]));
    }

    /// The stretches of a ring that holds `a` to `e` in three batches, as their texts and last positions.
    fn stretches(after: u64, through: u64, bytes_max: usize) -> Vec<(String, u64)> {
        let mut ring = Ring::new(10, 1_000);
        ring.push(11, entries(&["a", "b"]));
        ring.push(13, entries(&["c"]));
        ring.push(14, entries(&["d", "e"]));
        let text = |bytes: &Bytes| {
            let letters = bytes.iter().filter(|byte| byte.is_ascii_lowercase());
            letters.map(|byte| char::from(*byte)).collect()
        };
        let stretches = ring.stretches(after, through, bytes_max);
        stretches.iter().map(|stretch| (text(stretch.bytes()), stretch.last())).collect()
    }

    #[test]
    fn stretches_begin_and_end_within_batches() {
        let texts = |found: &[(&str, u64)]| {
            found.iter().map(|(text, last)| ((*text).to_owned(), *last)).collect::<Vec<_>>()
        };
        assert_eq!(stretches(10, 15, 1_000), texts(&[("ab", 12), ("c", 13), ("de", 15)]));
        assert_eq!(stretches(11, 14, 1_000), texts(&[("b", 12), ("c", 13), ("d", 14)]));
        assert_eq!(stretches(10, 15, 1), texts(&[("a", 11)]));
        assert_eq!(stretches(11, 15, 5), texts(&[("b", 12), ("c", 13)]));
        assert_eq!(stretches(15, 15, 1_000), texts(&[]));
        assert_eq!(stretches(9, 15, 1_000), texts(&[]));
    }

    #[test]
    fn a_cut_stretch_knows_the_begun_entry_and_its_rest() {
        let batch = Arc::new(Batch::new(11, entries(&["abc", "def"])));
        let stretch = Stretch::whole(&batch).unwrap();
        let frame = stretch.bytes().len() / 2;
        assert_eq!(stretch.cut(0), Cut { after: 10, rest: Bytes::new() });
        assert_eq!(stretch.cut(frame - 1), Cut { after: 11, rest: Bytes::from_static(b"c") });
        assert_eq!(stretch.cut(frame), Cut { after: 11, rest: Bytes::new() });
        assert_eq!(stretch.cut(2 * frame - 2), Cut { after: 12, rest: Bytes::from_static(b"ef") });
    }

    #[test]
    fn what_left_the_ring_is_not_pretended_to_be_there() {
        let mut ring = Ring::new(0, 8);
        ring.push(1, entries(&["a"]));
        ring.push(2, entries(&["b"]));
        ring.push(3, entries(&["c"]));
        assert_eq!(ring.floor(), 1);
        assert_eq!(positions(ring.page(0, 3, 100, 1_000)), None);
        assert!(matches!(ring.since(0, 3), Growth::Lapped));
        assert!(matches!(ring.since(2, 3), Growth::Batches(batches) if batches.len() == 1));
    }

    #[test]
    fn the_joined_buffer_is_there_only_if_everybody_sees_all() {
        let everybody = Batch::new(1, entries(&["a", "b"]));
        assert_eq!(everybody.joined().map(Bytes::len), Some(everybody.bytes));
        let mut some = entries(&["a", "b"]);
        some[1].audience = Selection::room("r");
        assert_eq!(Batch::new(1, some).joined(), None);
    }
}

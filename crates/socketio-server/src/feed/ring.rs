//! [`Ring`]: the newest entries of a feed, in the batches in which they were published, bounded in bytes.
//!
//! It knows positions, but not who sees what. Readers take batches out and look at them without the lock.

use std::collections::VecDeque;
use std::mem::size_of;
use std::sync::Arc;

use super::{Anchor, Batch, FeedEntry, FeedPosition};
use crate::cost::block;

/// Entries of a batch that was not published as one: few, because they are copied when one of them is scrubbed.
const PRELOADED_ENTRIES: usize = 256;

/// How many batches are searched for one page; the next page continues there.
const PAGE_BATCHES_MAX: usize = 1_024;

/// What was published after a position.
pub(crate) enum Grown {
    /// All of it: these batches, oldest first, without gaps.
    Batches(Vec<Arc<Batch>>),
    /// Part of it is no longer in the ring.
    Lapped,
}

#[derive(Debug)]
pub(crate) struct Ring {
    batches: VecDeque<Arc<Batch>>,
    head: FeedPosition,
    /// What the batches take of the memory.
    memory: usize,
    bytes_max: usize,
}

impl Ring {
    pub(crate) fn new(head: FeedPosition, bytes_max: usize) -> Self {
        Self { batches: VecDeque::new(), head, memory: 0, bytes_max }
    }

    pub(crate) fn head(&self) -> FeedPosition {
        self.head
    }

    /// What its batches take of the memory.
    pub(crate) fn bytes(&self) -> usize {
        self.memory
    }

    pub(crate) fn push(&mut self, first: FeedPosition, entries: Vec<FeedEntry>) {
        assert_eq!(first, self.head + 1, "a feed has no holes");
        self.head += entries.len() as u64;
        self.keep(first, entries);
    }

    /// Fills a ring with the entries up to the head, in one piece or in several. A piece that does not follow the one before
    /// takes its place.
    pub(crate) fn preload(&mut self, first: FeedPosition, entries: Vec<FeedEntry>) {
        let follows = self.batches.back().is_none_or(|newest| newest.last() + 1 == first);
        if !follows {
            self.batches.clear();
            self.memory = 0;
        }
        assert!(first + entries.len() as u64 <= self.head + 1, "preloaded entries end at the head");
        let mut entries = entries.into_iter();
        let mut first = first;
        loop {
            let batch: Vec<FeedEntry> = entries.by_ref().take(PRELOADED_ENTRIES).collect();
            if batch.is_empty() {
                return;
            }
            let next = first + batch.len() as u64;
            self.keep(std::mem::replace(&mut first, next), batch);
        }
    }

    fn keep(&mut self, first: FeedPosition, entries: Vec<FeedEntry>) {
        let before = self.batches.back().and_then(|newest| newest.anchored());
        let batch = Batch::new(first, entries).behind(before);
        self.memory += batch.memory;
        self.batches.push_back(Arc::new(batch));
        while self.memory() > self.bytes_max && self.batches.len() > 1 {
            if let Some(oldest) = self.batches.pop_front() {
                self.memory -= oldest.memory;
            }
        }
    }

    /// How many bytes of memory it takes.
    pub(crate) fn memory(&self) -> usize {
        self.memory + block(self.batches.capacity() * size_of::<Arc<Batch>>())
    }

    /// Replaces the frame and the audience at a position in the ring.
    pub(crate) fn replace(&mut self, position: FeedPosition, entry: FeedEntry) {
        let place = self.batches.partition_point(|batch| batch.last() < position);
        let Some(batch) = self.batches.get_mut(place).filter(|batch| batch.first() <= position) else {
            return;
        };
        // A reader that has the batch already keeps its version.
        let replaced = batch.replaced(position, entry);
        self.memory = self.memory - batch.memory + replaced.memory;
        *batch = Arc::new(replaced);
    }

    /// Compares what it knows of its batches with them. Returns how many entries there are.
    #[cfg(any(test, feature = "simulation"))]
    pub(crate) fn audit(&self) -> usize {
        let held: usize = self.batches.iter().map(|batch| batch.recount()).sum();
        assert_eq!(self.memory, held, "the bytes of a ring");
        assert!(self.memory() <= self.bytes_max || self.batches.len() == 1, "{held} bytes in a ring");
        let mut next = self.floor() + 1;
        for batch in &self.batches {
            assert_eq!(batch.first(), next, "a ring has no holes");
            next = batch.last() + 1;
        }
        assert_eq!(next, self.head + 1, "a ring ends at its head");
        usize::try_from(self.head.get() - self.floor().get()).unwrap_or(usize::MAX)
    }

    /// The position after which the ring is complete.
    pub(crate) fn floor(&self) -> FeedPosition {
        self.batches.front().map_or(self.head, |oldest| oldest.first() - 1)
    }

    /// The position of the last entry up to this anchor; `None` if the ring cannot tell.
    pub(crate) fn locate(&self, anchor: Anchor) -> Option<FeedPosition> {
        let is_up_to = |batch: &Arc<Batch>| batch.anchored().is_none_or(|anchored| anchored.anchor <= anchor);
        // It is in the first batch beyond the anchor, or at the end of the one before.
        let beyond = self.batches.partition_point(is_up_to);
        let within = self.batches.get(beyond).and_then(|batch| batch.anchored_up_to(anchor));
        let before = || self.batches.get(beyond.checked_sub(1)?)?.anchored();
        let found = within.or_else(before).map(|anchored| anchored.position);
        // A complete ring with anchors also knows that no anchor is that small.
        let has_all = self.floor() == FeedPosition::START
            && self.batches.back().is_some_and(|newest| newest.anchored().is_some());
        found.or(has_all.then_some(FeedPosition::START))
    }

    /// The highest anchor so far, even of an entry that left the ring; `None` if there was none.
    pub(crate) fn newest_anchor(&self) -> Option<Anchor> {
        Some(self.batches.back()?.anchored()?.anchor)
    }

    /// The batches after `applied`, through `through`. Both must be ends of batches.
    pub(crate) fn since(&self, applied: FeedPosition, through: FeedPosition) -> Grown {
        if applied < self.floor() {
            return Grown::Lapped;
        }
        let known = self.batches.partition_point(|batch| batch.last() <= applied);
        let wanted = self.batches.range(known..).take_while(|batch| batch.last() <= through);
        Grown::Batches(wanted.map(Arc::clone).collect())
    }

    /// The next batches with entries after `after`, through `through`, of about `bytes_max` in all; `None` if the first
    /// of them is no longer in the ring.
    pub(crate) fn next(
        &self,
        after: FeedPosition,
        through: FeedPosition,
        bytes_max: usize,
    ) -> Option<Vec<Arc<Batch>>> {
        if after < self.floor() {
            return None;
        }
        let first = self.batches.partition_point(|batch| batch.last() <= after);
        let mut bytes = 0;
        let wanted = self.batches.range(first..).take_while(|batch| {
            // The first batch may start before `after`.
            let is_wanted = batch.first() <= through && bytes < bytes_max;
            bytes += if batch.first() <= after { 0 } else { batch.bytes };
            is_wanted
        });
        Some(wanted.take(PAGE_BATCHES_MAX).map(Arc::clone).collect())
    }

    /// The entries after `after`, through `through`, at most `entries_max` of about `bytes_max`; `None` if the first of
    /// them is no longer in the ring.
    pub(crate) fn page(
        &self,
        after: FeedPosition,
        through: FeedPosition,
        entries_max: usize,
        bytes_max: usize,
    ) -> Option<Vec<(FeedPosition, FeedEntry)>> {
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
    use crate::feed::Stretch;
    use crate::frame::Frame;
    use crate::room::Selection;

    fn at(number: u64) -> FeedPosition {
        FeedPosition::new(number)
    }

    fn entries(texts: &[&str]) -> Vec<FeedEntry> {
        let entry = |text: &&str| FeedEntry::new(Selection::everyone(), Frame::text(text));
        texts.iter().map(entry).collect()
    }

    fn positions(page: Option<Vec<(FeedPosition, FeedEntry)>>) -> Option<Vec<u64>> {
        page.map(|page| page.into_iter().map(|(position, _)| position.get()).collect())
    }

    #[test]
    fn a_preloaded_piece_that_does_not_follow_takes_the_place_of_all_before() {
        let mut ring = Ring::new(at(10), 10_000);
        ring.preload(at(5), entries(&["a", "b"]));
        ring.preload(at(9), entries(&["c", "d"]));
        assert_eq!((ring.floor(), ring.audit()), (at(8), 2));
        let mut ring = Ring::new(at(10), 10_000);
        ring.preload(at(8), entries(&["a", "b"]));
        ring.preload(at(11), Vec::new());
        assert_eq!((ring.floor(), ring.audit()), (at(10), 0));
    }

    #[test]
    fn a_page_starts_in_the_middle_of_a_batch() {
        let mut ring = Ring::new(at(10), 10_000);
        ring.push(at(11), entries(&["a", "b"]));
        ring.push(at(13), entries(&["c"]));
        assert_eq!(positions(ring.page(at(11), at(13), 100, 1_000)), Some(vec![12, 13]));
        assert_eq!(positions(ring.page(at(11), at(12), 100, 1_000)), Some(vec![12]));
        assert_eq!(positions(ring.page(at(13), at(13), 100, 1_000)), Some(vec![]));
        assert_eq!(positions(ring.page(at(10), at(13), 2, 1_000)), Some(vec![11, 12]));
    }

    /// The stretches of a ring that holds `a` to `e` in three batches, as their texts and last positions.
    fn stretches(after: u64, through: u64, bytes_max: usize) -> Option<Vec<(String, u64)>> {
        let mut ring = Ring::new(at(10), 10_000);
        ring.push(at(11), entries(&["a", "b"]));
        ring.push(at(13), entries(&["c"]));
        ring.push(at(14), entries(&["d", "e"]));
        let text = |bytes: &[u8]| {
            let letters = bytes.iter().filter(|byte| byte.is_ascii_lowercase());
            letters.map(|byte| char::from(*byte)).collect()
        };
        let batches = ring.next(at(after), at(through), bytes_max)?;
        let stretches = batches.iter().map(|batch| Stretch::public(batch, at(after), at(through), bytes_max));
        Some(stretches.map(|stretch| (text(stretch.bytes()), stretch.last().get())).collect())
    }

    #[test]
    fn stretches_begin_and_end_within_batches() {
        let texts = |found: &[(&str, u64)]| {
            Some(found.iter().map(|(text, last)| ((*text).to_owned(), *last)).collect::<Vec<_>>())
        };
        assert_eq!(stretches(10, 15, 1_000), texts(&[("ab", 12), ("c", 13), ("de", 15)]));
        assert_eq!(stretches(11, 14, 1_000), texts(&[("b", 12), ("c", 13), ("d", 14)]));
        assert_eq!(stretches(10, 15, 1), texts(&[("a", 11)]));
        assert_eq!(stretches(11, 15, 4), texts(&[("b", 12), ("c", 13)]));
        assert_eq!(stretches(15, 15, 1_000), texts(&[]));
        assert_eq!(stretches(9, 15, 1_000), None);
    }

    /// A ring from position 10 on: anchors 5 and 7, none, 9 and one without.
    fn anchored_ring(floor: u64) -> Ring {
        let mut ring = Ring::new(at(floor), 10_000);
        let mut texts = entries(&["a", "b", "c", "d", "e"]).into_iter();
        let mut next =
            |anchor: Option<u64>| FeedEntry { anchor: anchor.map(Anchor::from), ..texts.next().unwrap() };
        ring.push(at(floor + 1), vec![next(Some(5)), next(Some(7))]);
        ring.push(at(floor + 3), vec![next(None)]);
        ring.push(at(floor + 4), vec![next(Some(9)), next(None)]);
        ring
    }

    #[test]
    fn an_anchor_is_found_as_long_as_the_ring_can_tell() {
        let ring = anchored_ring(10);
        let found: Vec<_> =
            (4..=11).map(|number| ring.locate(number.into()).map(FeedPosition::get)).collect();
        let expected = [None, Some(11), Some(11), Some(12), Some(12), Some(14), Some(14), Some(14)];
        assert_eq!(found, expected);
        assert_eq!(anchored_ring(0).locate(4.into()), Some(at(0)), "there is nothing before it");
        assert_eq!(Ring::new(at(10), 1_000).locate(4.into()), None);
        assert_eq!(Ring::new(at(0), 1_000).locate(4.into()), None);
    }

    #[test]
    fn an_anchor_stays_known_when_its_entry_has_left_the_ring() {
        let mut ring = Ring::new(at(10), 8);
        ring.push(at(11), vec![entries(&["a"]).remove(0).with_anchor(5)]);
        for position in 12..20 {
            ring.push(at(position), entries(&["b"]));
        }
        assert_eq!((ring.locate(4.into()), ring.locate(5.into())), (None, Some(at(11))));
    }

    #[test]
    fn a_scrubbed_entry_keeps_its_anchor() {
        let mut ring = anchored_ring(10);
        ring.replace(at(12), FeedEntry::silent());
        assert_eq!(
            (ring.locate(6.into()), ring.locate(7.into()), ring.locate(8.into())),
            (Some(at(11)), Some(at(12)), Some(at(12)))
        );
    }

    #[test]
    fn a_scrubbed_entry_is_gone_and_all_else_stays() {
        let mut ring = Ring::new(at(10), 10_000);
        ring.push(at(11), entries(&["a", "b"]));
        ring.push(at(13), entries(&["c"]));
        let taken = ring.next(at(10), at(13), 1_000).unwrap();
        ring.replace(at(12), FeedEntry::silent());
        // It has left the ring, or is not there yet.
        ring.replace(at(10), FeedEntry::silent());
        ring.replace(at(14), FeedEntry::silent());
        let frames = |batches: &[Arc<Batch>]| {
            let stretches =
                batches.iter().map(|batch| Stretch::public(batch, at(0), at(u64::MAX), usize::MAX));
            stretches.map(|stretch| stretch.frames().count()).collect::<Vec<_>>()
        };
        assert_eq!(frames(&taken), [2, 1]);
        assert_eq!(frames(&ring.next(at(10), at(13), 1_000).unwrap()), [1, 1]);
    }

    #[test]
    fn silent_entries_do_not_fill_the_memory_without_an_end() {
        let mut ring = Ring::new(at(0), 1_000);
        for position in 1..=1_000 {
            ring.push(at(position), vec![FeedEntry::silent()]);
        }
        assert!(ring.batches.len() < 20);
    }

    #[test]
    fn what_left_the_ring_is_not_pretended_to_be_there() {
        let one = Batch::new(at(1), entries(&["a"])).memory;
        let mut ring = Ring::new(at(0), 5 * one / 2);
        ring.push(at(1), entries(&["a"]));
        ring.push(at(2), entries(&["b"]));
        ring.push(at(3), entries(&["c"]));
        assert_eq!(ring.floor(), at(1));
        assert_eq!(positions(ring.page(at(0), at(3), 100, 1_000)), None);
        assert!(matches!(ring.since(at(0), at(3)), Grown::Lapped));
        assert!(matches!(ring.since(at(2), at(3)), Grown::Batches(batches) if batches.len() == 1));
    }
}

//! [`Ledger`]: what has been sent, and what everybody has received: the judge of a run.
//!
//! The first client that receives a message writes its frame down; for all others, receiving the next message is
//! comparing bytes. So a message that differs between two clients by one byte is noticed, and judging costs nanoseconds.
//! The offsets of the contract are dense: what is skipped is lost until it comes late.

use std::time::{Duration, Instant};

use super::frame::{self, Front};
use super::histogram::Histogram;
use super::packet::{self, Message, Packet, Stamp};

/// What must not happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Faults {
    /// Messages that a client has not received, summed over clients.
    pub(crate) lost: u64,
    /// Messages that a client has received again.
    pub(crate) doubled: u64,
    /// Messages that a client has received after a later one.
    pub(crate) late: u64,
    /// One offset with two texts.
    pub(crate) contradicted: u64,
    /// Messages that were acknowledged and never seen.
    pub(crate) acked_unseen: u64,
    /// Messages of one sender in another order than sent.
    pub(crate) sender_order: u64,
    /// Messages that were refused, or connections that broke.
    pub(crate) refused: u64,
}

impl Faults {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            lost: self.lost + other.lost,
            doubled: self.doubled + other.doubled,
            late: self.late + other.late,
            contradicted: self.contradicted + other.contradicted,
            acked_unseen: self.acked_unseen + other.acked_unseen,
            sender_order: self.sender_order + other.sender_order,
            refused: self.refused + other.refused,
        }
    }

    pub(crate) fn sum(self) -> u64 {
        self.lost
            + self.doubled
            + self.late
            + self.contradicted
            + self.acked_unseen
            + self.sender_order
            + self.refused
    }
}

/// What one client has received.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// The highest offset.
    last: u64,
    /// Offsets below it that were skipped.
    holes: Vec<u64>,
}

impl View {
    pub(crate) fn after(offset: u64) -> Self {
        Self { last: offset, holes: Vec::new() }
    }

    pub(crate) fn last(&self) -> u64 {
        self.last
    }
}

#[derive(Clone, Copy, Default)]
struct Entry {
    /// Place of its frame; empty if nobody has received it.
    start: usize,
    end: usize,
    stamp: Option<Stamp>,
    /// Clients that have it.
    receivers: u32,
}

pub(crate) struct Ledger {
    start: Instant,
    base: u64,
    entries: Vec<Entry>,
    frames: Vec<u8>,
    /// Deliveries that make a message complete.
    audience: u32,
    /// Senders of messages that have become complete.
    pub(crate) complete: Vec<u32>,
    pub(crate) deliveries: u64,
    /// Messages of this generator that somebody has received.
    pub(crate) stamped: u64,
    pub(crate) latency: Histogram,
    pub(crate) faults: Faults,
}

impl Ledger {
    /// Begins after `base`, the head of the chat.
    pub(crate) fn new(start: Instant, base: u64, audience: u32) -> Self {
        Self {
            start,
            base,
            entries: Vec::new(),
            frames: Vec::new(),
            audience,
            complete: Vec::new(),
            deliveries: 0,
            stamped: 0,
            latency: Histogram::default(),
            faults: Faults::default(),
        }
    }

    /// An empty ledger of the same run, for a room.
    pub(crate) fn another(&self, audience: u32) -> Self {
        Self::new(self.start, 0, audience)
    }

    /// An empty ledger of the same chat, from its present head on.
    pub(crate) fn beside(&self, audience: u32) -> Self {
        Self::new(self.start, self.head(), audience)
    }

    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn head(&self) -> u64 {
        self.base + self.entries.len() as u64
    }

    /// The recovery offset of a client whose last message had this offset, if it came with one.
    pub(crate) fn recovery(&self, offset: u64) -> Option<&str> {
        let entry = self.entries.get(self.index(offset)?)?;
        let Front::Text { payload, .. } = frame::front(self.frames.get(entry.start..entry.end)?) else {
            return None;
        };
        match packet::parse(payload) {
            Packet::Message(message) => message.recovery,
            Packet::Open
            | Packet::Ping
            | Packet::Connected { .. }
            | Packet::Ack { .. }
            | Packet::Refused
            | Packet::Other => None,
        }
    }

    fn index(&self, offset: u64) -> Option<usize> {
        usize::try_from(offset.checked_sub(self.base + 1)?).ok()
    }

    /// If the next message of the view stands at the front of `bytes`, receives it and returns its length.
    pub(crate) fn receive_known(&mut self, view: &mut View, bytes: &[u8], now: Duration) -> Option<usize> {
        let index = self.index(view.last + 1)?;
        let entry = self.entries.get(index)?;
        let frame = self.frames.get(entry.start..entry.end)?;
        if frame.is_empty() || !bytes.starts_with(frame) {
            return None;
        }
        let length = frame.len();
        view.last += 1;
        self.count(index, now);
        Some(length)
    }

    /// Receives a message that is not yet known, or not the next one.
    pub(crate) fn receive(&mut self, view: &mut View, message: &Message<'_>, frame: &[u8], now: Duration) {
        let offset = message.offset;
        if offset <= view.last {
            if let Some(place) = view.holes.iter().position(|hole| *hole == offset) {
                view.holes.swap_remove(place);
                self.faults.late += 1;
            } else {
                self.faults.doubled += 1;
                return;
            }
        } else {
            view.holes.extend(view.last + 1..offset);
            view.last = offset;
        }
        let Some(index) = self.index(offset) else { return };
        if self.entries.len() <= index {
            self.entries.resize(index + 1, Entry::default());
        }
        let Some(entry) = self.entries.get_mut(index) else { return };
        let stamp = Stamp::of(message.text);
        if entry.start == entry.end {
            entry.start = self.frames.len();
            self.frames.extend_from_slice(frame);
            entry.end = self.frames.len();
            entry.stamp = stamp;
            self.stamped += u64::from(stamp.is_some());
        } else if entry.stamp != stamp {
            self.faults.contradicted += 1;
        }
        self.count(index, now);
    }

    fn count(&mut self, index: usize, now: Duration) {
        self.deliveries += 1;
        let Some(entry) = self.entries.get_mut(index) else { return };
        entry.receivers += 1;
        let Some(stamp) = entry.stamp else { return };
        self.latency.record(now.saturating_sub(stamp.sent));
        if entry.receivers == self.audience {
            self.complete.push(stamp.sender);
        }
    }

    /// Forgets the latencies so far: a warm-up is over.
    pub(crate) fn measure_from_here(&mut self) {
        self.latency = Histogram::default();
    }

    /// The final judgement over the views of all clients, given how many messages were acknowledged.
    pub(crate) fn judge<'a>(&mut self, views: impl Iterator<Item = &'a View>, acked: u64) -> Faults {
        let head = self.head();
        self.faults.lost = views.map(|view| view.holes.len() as u64 + head.saturating_sub(view.last)).sum();
        let stamps: Vec<Stamp> = self.entries.iter().filter_map(|entry| entry.stamp).collect();
        self.faults.acked_unseen = acked.saturating_sub(self.stamped);
        let mut numbers: std::collections::HashMap<u32, u64> = std::collections::HashMap::new();
        self.faults.sender_order = 0;
        for stamp in stamps {
            let last = numbers.insert(stamp.sender, stamp.number);
            if last.is_some_and(|last| last >= stamp.number) {
                self.faults.sender_order += 1;
            }
        }
        self.faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> Ledger {
        Ledger::new(Instant::now(), 10, 2)
    }

    /// Lets a client receive messages of ada's and returns the faults.
    fn receive(ledger: &mut Ledger, offsets: &[u64]) -> View {
        let mut view = View::after(10);
        for offset in offsets {
            let text = format!("0.{offset}.5 x");
            let frame = format!("frame {offset}");
            if ledger.receive_known(&mut view, frame.as_bytes(), Duration::ZERO).is_none() {
                let message = Message { text: &text, offset: *offset, recovery: None };
                ledger.receive(&mut view, &message, frame.as_bytes(), Duration::ZERO);
            }
        }
        view
    }

    fn check(ada: &[u64], bob: &[u64], expected: Faults) {
        let mut ledger = ledger();
        let views = [receive(&mut ledger, ada), receive(&mut ledger, bob)];
        assert_eq!(ledger.judge(views.iter(), 0), expected, "{ada:?} {bob:?}");
    }

    #[test]
    fn a_client_that_receives_everything_in_order_has_no_faults() {
        check(&[11, 12, 13], &[11, 12, 13], Faults::default());
    }

    #[test]
    fn each_fault_is_found_and_called_by_its_name() {
        check(&[11, 12, 13], &[11, 13], Faults { lost: 1, ..Faults::default() });
        check(&[11, 12, 13], &[11], Faults { lost: 2, ..Faults::default() });
        check(&[11, 12], &[11, 11, 12], Faults { doubled: 1, ..Faults::default() });
        check(&[11, 12, 13], &[11, 13, 12], Faults { late: 1, ..Faults::default() });
        check(&[11, 13, 12], &[11, 12, 13, 12], Faults { late: 1, doubled: 1, ..Faults::default() });
    }

    #[test]
    fn an_acknowledged_message_that_nobody_saw_is_a_fault() {
        let mut ledger = ledger();
        let view = receive(&mut ledger, &[11]);
        assert_eq!(ledger.judge(std::iter::once(&view), 3).acked_unseen, 2);
    }

    #[test]
    fn one_offset_with_two_texts_is_a_contradiction() {
        let mut ledger = ledger();
        receive(&mut ledger, &[11]);
        let mut view = View::after(10);
        let message = Message { text: "1.1.1 other", offset: 11, recovery: None };
        ledger.receive(&mut view, &message, b"other", Duration::ZERO);
        assert_eq!(ledger.faults.contradicted, 1);
    }

    #[test]
    fn a_message_is_complete_when_everybody_has_it() {
        let mut ledger = ledger();
        receive(&mut ledger, &[11, 12]);
        assert!(ledger.complete.is_empty());
        receive(&mut ledger, &[11]);
        assert_eq!(ledger.complete, [0]);
    }
}

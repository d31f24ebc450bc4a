//! Delivery of feeds: a batch to all attached sockets, pages to all sockets that are behind, one write for each.
//!
//! Invariant: the outbound queue of an attached socket is empty, or is written before the next entry. A write that does
//! not fit makes every socket of the connection *behind*, with its cursor at the first frame that was not taken.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use engineio::CloseReason;
use smallvec::SmallVec;
use socketio::NamespaceName;

use super::audience::{Audiences, Mark, Marks};
use super::connecting::Event;
use super::local_namespace::{Cursor, Joined};
use super::namespaces::Namespaces;
use super::sessions::Sessions;
use super::view::{Growth, Took, View, Written};
use super::{Worker, clock};
use crate::feed::{
    Batch, Feed, FeedAck, FeedPosition, Grown, HistoryError, HistoryPage, HistoryReply, HistoryRequest,
    PageStart,
};

use crate::handle::command::Announcement;
use crate::handle::mailbox::Mailbox;
use crate::handle::namespace::Replay;
use crate::planted::{self, Bug};
use crate::rare::{self, Rare};
use crate::seam;
use crate::sid::SessionKey;
use crate::stats::{WorkerCount, WorkerTallies};
use crate::stream::Direct;
use crate::worker::session::Session;

/// Entries in a page for a socket that is behind.
const PAGE_ENTRIES_MAX: usize = 256;

/// Bytes of such a page: about what one write may leave in the kernel.
const PAGE_BYTES_MAX: usize = 128 << 10;

/// Pages for one socket before the others have their turn.
const PAGES_MAX: usize = 8;

/// Sockets that are written in a row.
const RUN: usize = 64;

impl Worker {
    /// Entries were published: gives attached sockets what is new, with their acks.
    pub(super) fn feed_grown(&mut self, announced: Announcement) {
        let Announcement { namespace, through, mut acks, at } = announced;
        let namespace = &namespace;
        // An answer that was judged before these entries does not follow an ack that tells of one of them.
        acks.sort_by_key(|ack| (ack.after, !ack.has_condition()));
        let mut shares: BTreeMap<SessionKey, Vec<FeedAck>> = BTreeMap::new();
        for ack in acks {
            let ack = if ack.has_condition() { self.delivery().judge(namespace, ack, through) } else { ack };
            shares.entry(ack.handle.key).or_default().push(ack);
        }
        if let Some(index) = self.namespaces.index_of(namespace) {
            let is_news = self.namespaces.applied(index) < through;
            let lost = self.delivery().advance(index, through, &mut shares);
            if is_news {
                self.tallies.count(WorkerCount::Growths);
                self.tallies.delivery.record_time(clock().saturating_duration_since(at));
            }
            self.close_all(lost);
        }
        // Acks of sockets that are behind, and of known entries, leave at once.
        for (key, acks) in shares {
            for ack in acks {
                self.send(key, ack.frame);
            }
        }
        self.admit_who_waited(namespace);
    }

    /// A client may have seen more on another worker than was delivered on this one.
    pub(super) fn catch_up(&mut self, index: usize, position: FeedPosition) {
        let Some(local) = self.namespaces.get(index).filter(|local| local.applied < position) else { return };
        let Some(head) = local.feed().map(Feed::head) else { return };
        let lost = self.delivery().advance(index, head, &mut BTreeMap::new());
        self.close_all(lost);
    }

    /// Writes what waits for a session, as much as its transport takes.
    pub(super) fn settle(&mut self, key: SessionKey) {
        if let Err(reason) = self.delivery().settle(key) {
            self.close(key, reason);
        }
    }

    /// A page of the log has been read.
    pub(super) fn history_read(
        &mut self,
        key: SessionKey,
        namespace: &Arc<str>,
        page: Result<HistoryPage, HistoryError>,
    ) {
        let Ok(name) = NamespaceName::parse(namespace) else { return };
        if self.sessions.newcomer(key, &name).is_some() {
            return self.joining(key, &name).on(Event::Read(page));
        }
        let Some(index) = self.namespaces.index_of(namespace) else { return };
        if let Err(reason) = self.delivery().take_page(key, index, page) {
            self.close(key, reason);
        }
    }

    pub(super) fn delivery(&mut self) -> Delivery<'_> {
        Delivery {
            namespaces: &mut self.namespaces,
            sessions: &mut self.sessions,
            mailbox: &self.mailbox,
            tallies: &self.tallies,
            now: self.now,
        }
    }

    fn close_all(&mut self, lost: Vec<Lost>) {
        for Lost { key, reason } in lost {
            self.close(key, reason);
        }
    }
}

/// A session that has to be closed.
pub(super) struct Lost {
    key: SessionKey,
    reason: CloseReason,
}

/// Gives the feeds of the namespaces to the sessions of a worker. What a session cannot survive is told to the worker, which
/// closes it.
pub(super) struct Delivery<'a> {
    namespaces: &'a mut Namespaces,
    sessions: &'a mut Sessions,
    /// Where answers of the history come to, and what is to be done in a later turn.
    mailbox: &'a Arc<Mailbox>,
    tallies: &'a WorkerTallies,
    now: Instant,
}

impl Delivery<'_> {
    /// The answer for a socket that may have been added to or removed from rooms since it asked.
    fn judge(&self, namespace: &Arc<str>, ack: FeedAck, through: FeedPosition) -> FeedAck {
        let index = self.namespaces.index_of(namespace);
        if index.and_then(|index| self.namespaces.get(index)).is_some_and(|local| local.applied < through) {
            rare::reached(Rare::AnswerBeforeGrowth);
        }
        let joined = index.and_then(|index| self.sessions.get(ack.handle.key)?.joined(index));
        ack.judged(|room| {
            let is_in = joined.is_some_and(|joined| joined.is_in(room));
            if !is_in {
                rare::reached(Rare::AnswerWithdrawn);
            }
            is_in || planted::is(Bug::BelievesOldPermissions)
        })
    }

    /// Delivers a feed up to a position, acks with it.
    fn advance(
        &mut self,
        index: usize,
        through: FeedPosition,
        acks: &mut BTreeMap<SessionKey, Vec<FeedAck>>,
    ) -> Vec<Lost> {
        let Some(local) = self.namespaces.get_mut(index).filter(|local| local.applied < through) else {
            return Vec::new();
        };
        let Some(feed) = local.feed().cloned() else { return Vec::new() };
        let growth = feed.ring().since(local.applied, through);
        let before = std::mem::replace(&mut local.applied, through);
        seam::others_act();
        match growth {
            Grown::Batches(batches) if batches.is_empty() => Vec::new(),
            Grown::Batches(batches) => {
                let Audiences { marks, classes } =
                    self.namespaces.audiences(self.sessions, index, before, &batches);
                self.deliver_all(index, Growth::new(batches, classes, before, through), &marks, acks)
            }
            Grown::Lapped => {
                self.fall_behind(index, before);
                Vec::new()
            }
        }
    }

    /// Gives new batches to the sockets that see something of them, and moves the cursors of the others.
    fn deliver_all(
        &mut self,
        index: usize,
        mut growth: Growth,
        marks: &Marks,
        acks: &mut BTreeMap<SessionKey, Vec<FeedAck>>,
    ) -> Vec<Lost> {
        let mut lost = Vec::new();
        if !growth.public.is_empty() {
            let members = self.namespaces.get(index).map(|local| local.members.clone()).unwrap_or_default();
            for slots in members.chunks(RUN) {
                seam::others_act();
                for slot in self.deliver_to_clear(slots, index, &growth, marks, acks) {
                    lost.extend(self.deliver(slot, index, &mut growth, &[], acks).err());
                }
            }
        }
        for (slot, marks) in marks.sockets() {
            seam::others_act();
            lost.extend(self.deliver(slot, index, &mut growth, marks, acks).err());
        }
        lost
    }

    /// Gives the entries for everyone to those of `slots` without marks, if that needs only a write; returns the
    /// others.
    ///
    /// Most deliveries are of this kind, and from one to the next the kernel leaves little of our code in the
    /// processor's caches. So all sessions are looked at first, and then there are only system calls.
    fn deliver_to_clear(
        &mut self,
        slots: &[u32],
        index: usize,
        growth: &Growth,
        marks: &Marks,
        acks: &BTreeMap<SessionKey, Vec<FeedAck>>,
    ) -> SmallVec<[u32; RUN]> {
        let unmarked = slots.iter().copied().filter(|slot| !marks.has(*slot));
        let Some(slices) = growth.public.slices() else { return unmarked.collect() };
        let (clear, mut others): (SmallVec<[u32; RUN]>, SmallVec<[u32; RUN]>) = unmarked
            .partition(|slot| !has_acks(acks, *slot) && self.sessions.is_attached_and_clear(*slot, index));
        let mut sockets: SmallVec<[(u32, Direct<'_>); RUN]> = SmallVec::new();
        for slot in clear {
            match self.sessions.direct(slot) {
                Some(socket) => sockets.push((slot, socket)),
                None => others.push(slot),
            }
        }
        let wanted: usize = slices.iter().map(|slice| slice.len()).sum();
        let mut parts: SmallVec<[(u32, usize); 4]> = SmallVec::new();
        let mut entries = 0;
        for (slot, socket) in sockets {
            match socket.send(&slices) {
                Ok(written) if written == wanted => entries += growth.public.entries(),
                Ok(written) => parts.push((slot, written)),
                // The runtime must learn of it: its own write will fail in the same way.
                Err(_) => others.push(slot),
            }
        }
        for (slot, written) in parts {
            if let Some(session) = self.sessions.at_mut(slot) {
                entries += growth.public.note_part(written, session, index, growth.through);
                self.tallies.count(WorkerCount::FellBehind);
            }
            if let Some(key) = self.sessions.key_of(slot) {
                self.sessions.touch(key);
            }
        }
        self.tallies.add(WorkerCount::Deliveries, entries);
        others
    }

    /// The ring has lapped this worker: all sockets continue from their cursors.
    fn fall_behind(&mut self, index: usize, before: FeedPosition) {
        rare::reached(Rare::WorkerLapped);
        self.tallies.count(WorkerCount::Lapped);
        self.namespaces.renew_rooms(self.sessions, index);
        let members = self.namespaces.get(index).map(|local| local.members.clone());
        for slot in members.into_iter().flatten() {
            if let Some(joined) = self.sessions.at_mut(slot).and_then(|session| session.joined_mut(index))
                && joined.cursor == Cursor::Attached
            {
                joined.cursor = Cursor::Behind { after: before };
            }
            if let Some(key) = self.sessions.key_of(slot) {
                self.sessions.touch(key);
            }
        }
    }

    /// Gives new batches to one member.
    fn deliver(
        &mut self,
        slot: u32,
        index: usize,
        growth: &mut Growth,
        marks: &[Mark],
        acks: &mut BTreeMap<SessionKey, Vec<FeedAck>>,
    ) -> Result<(), Lost> {
        let now = self.now;
        let Some(key) = self.sessions.key_of(slot) else { return Ok(()) };
        let Some(session) = self.sessions.at_mut(slot) else { return Ok(()) };
        match session.joined_mut(index).map(|joined| joined.cursor) {
            Some(Cursor::Attached) => {}
            // It continues from its cursor when its transport takes more.
            Some(Cursor::Behind { .. } | Cursor::Reading { .. }) => {
                if session.is_writable() {
                    self.sessions.touch(key);
                }
                return Ok(());
            }
            None => return Ok(()),
        }
        let lost = |_| Lost { key, reason: CloseReason::TransportClose };
        session.flush_outbound(now).map_err(lost)?;
        let own = acks.remove(&key);
        if !session.is_writable() {
            rare::reached(Rare::FallsBehind);
            self.tallies.count(WorkerCount::FellBehind);
            if let Some(joined) = session.joined_mut(index)
                && !planted::is(Bug::ForgetsWhatDidNotFit)
            {
                joined.cursor = Cursor::Behind { after: growth.before };
            }
            acks.extend(own.map(|own| (key, own)));
            return Ok(());
        }
        let written = growth.write(session, index, marks, own.unwrap_or_default()).map_err(lost)?;
        self.tallies.note_written(written);
        if session.has_poll() || !session.is_writable() {
            // The held GET is answered, or the rest is noted, at the end of the turn.
            self.sessions.touch(key);
        }
        Ok(())
    }

    /// Writes a session's output as far as its transport takes it: the outbound queue, then the feeds in which it is
    /// behind.
    fn settle(&mut self, key: SessionKey) -> Result<(), CloseReason> {
        let now = self.now;
        let Some(session) = self.sessions.get_mut(key) else { return Ok(()) };
        session.touched = false;
        session.flush_outbound(now).map_err(|_| CloseReason::TransportClose)?;
        if session.is_writable() {
            self.pump(key)?;
        }
        let Some(session) = self.sessions.get_mut(key) else { return Ok(()) };
        session.answer_poll(now);
        // A page may have filled the transport just now, and perhaps no other event follows.
        session.note_stall(now);
        if !session.is_writable() {
            self.detach(key);
        }
        self.schedule_stall(key);
        Ok(())
    }

    fn schedule_stall(&mut self, key: SessionKey) {
        if self.sessions.get(key).is_some_and(|session| session.stalled_since.is_some()) {
            self.sessions.schedule(key);
        }
    }

    /// Nothing more is written for now: the sockets continue from their cursors.
    fn detach(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.at_mut(key.slot) else { return };
        let Some(connection) = session.connection_mut() else { return };
        for (_, _, joined) in connection.slots_mut() {
            if joined.cursor == Cursor::Attached
                && !planted::is(Bug::ForgetsWhatDidNotFit)
                && let Some(local) = self.namespaces.get(joined.namespace as usize)
            {
                joined.cursor = Cursor::Behind { after: local.applied };
            }
        }
    }

    /// Writes pages for the sockets of a session that are behind.
    fn pump(&mut self, key: SessionKey) -> Result<(), CloseReason> {
        let Some(connection) = self.sessions.get(key).and_then(Session::connection) else { return Ok(()) };
        let is_behind = |cursor| matches!(cursor, Cursor::Behind { .. });
        let behind: Vec<usize> = connection
            .slots()
            .filter(|(_, _, joined)| is_behind(joined.cursor))
            .map(|(_, _, joined)| joined.namespace as usize)
            .collect();
        for index in behind {
            let mut pages = 0;
            while self.pump_page(key, index)? == Pumped::Page {
                pages += 1;
                if pages == PAGES_MAX {
                    self.wake_later(key);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Writes one page.
    fn pump_page(&mut self, key: SessionKey, index: usize) -> Result<Pumped, CloseReason> {
        seam::others_act();
        let Some(local) = self.namespaces.get(index) else { return Ok(Pumped::Nothing) };
        let (applied, feed) = (local.applied, local.feed().cloned());
        let session = self.sessions.at_mut(key.slot).filter(|session| session.is_writable());
        let Some(session) = session else { return Ok(Pumped::Nothing) };
        let Some(joined) = session.joined_mut(index) else { return Ok(Pumped::Nothing) };
        let Cursor::Behind { after } = joined.cursor else { return Ok(Pumped::Nothing) };
        let reached = after + u64::from(planted::is(Bug::AttachesEarly));
        let Some(feed) = feed.filter(|_| reached < applied) else {
            joined.cursor = Cursor::Attached;
            return Ok(Pumped::Nothing);
        };
        if self.has_to_wait(key, index, 0) {
            return Ok(Pumped::Nothing);
        }
        let Some(session) = self.sessions.at_mut(key.slot) else { return Ok(Pumped::Nothing) };
        let batches = feed.ring().next(after, applied, PAGE_BYTES_MAX);
        match batches {
            Some(batches) => {
                let sent = write_page(session, index, &batches, after, applied, self.tallies)
                    .map_err(|_| CloseReason::TransportClose)?;
                self.tallies.count(WorkerCount::PagesFromRing);
                self.has_to_wait(key, index, sent);
                Ok(Pumped::Page)
            }
            None if feed.has_history() => {
                rare::reached(Rare::BehindTheRing);
                if let Some(joined) = session.joined_mut(index) {
                    joined.cursor = Cursor::Reading { after };
                }
                self.read_history(key, index, PageStart::After(after), PAGE_ENTRIES_MAX, PAGE_BYTES_MAX);
                Ok(Pumped::Nothing)
            }
            None => {
                tracing::debug!(
                    connection = %self.sessions.id_of(key),
                    namespace = self.name_of(index),
                    "a client fell too far behind the feed; it has to reconnect"
                );
                Err(CloseReason::TransportClose)
            }
        }
    }

    /// Whether a socket has to wait for the next page of the past, after it was sent so many bytes. It is written again
    /// when the time is over.
    fn has_to_wait(&mut self, key: SessionKey, index: usize, bytes: usize) -> bool {
        let Some(definition) = self.namespaces.get(index).map(|local| Arc::clone(&local.definition)) else {
            return false;
        };
        let Some(pace) = &definition.replay else { return false };
        let Some(session) = self.sessions.get_mut(key) else { return false };
        let (now, peer) = (self.now, session.peer);
        let data = session.joined(index).and_then(Joined::data);
        let Some(wait) = pace(&Replay { peer, data, bytes, now }) else { return false };
        self.tallies.count(WorkerCount::LimitReplay);
        let until = now + wait;
        session.rests_until = Some(session.rests_until.map_or(until, |other| other.min(until)));
        self.sessions.schedule(key);
        true
    }

    /// Requests a page from the history for a session, of what was delivered here.
    pub(super) fn read_history(
        &self,
        key: SessionKey,
        index: usize,
        from: PageStart,
        entries_max: usize,
        bytes_max: usize,
    ) {
        let Some(local) = self.namespaces.get(index) else { return };
        let Some(history) = local.feed().and_then(Feed::history) else { return };
        let mailbox = Arc::clone(self.mailbox);
        let reply = HistoryReply::new(mailbox, key, Arc::from(local.name.as_str()));
        history.request(HistoryRequest { from, through: local.applied, entries_max, bytes_max, reply });
    }

    /// Gives a page that has been read to the socket that is behind.
    fn take_page(
        &mut self,
        key: SessionKey,
        index: usize,
        page: Result<HistoryPage, HistoryError>,
    ) -> Result<(), CloseReason> {
        let Some(session) = self.sessions.get_mut(key) else { return Ok(()) };
        let Some(joined) = session.joined_mut(index) else { return Ok(()) };
        let Cursor::Reading { after } = joined.cursor else { return Ok(()) };
        joined.cursor = Cursor::Behind { after };
        match page {
            Ok(page) if page.after == after && !page.entries.is_empty() => {
                let batch = Batch::new(after + 1, page.entries);
                let last = batch.last();
                if session.is_writable() {
                    let sent = write_page(session, index, &[Arc::new(batch)], after, last, self.tallies)
                        .map_err(|_| CloseReason::TransportClose)?;
                    self.tallies.count(WorkerCount::PagesFromHistory);
                    self.has_to_wait(key, index, sent);
                }
                self.sessions.touch(key);
                Ok(())
            }
            Ok(_) | Err(HistoryError) => {
                tracing::warn!(
                    connection = %self.sessions.id_of(key),
                    namespace = self.name_of(index),
                    "the history has no page for a client that is behind; its connection is closed"
                );
                Err(CloseReason::ForcedClose)
            }
        }
    }

    fn name_of(&self, index: usize) -> Option<&str> {
        self.namespaces.get(index).map(|local| local.name.as_str())
    }

    /// Continues with a session in a later turn.
    fn wake_later(&mut self, key: SessionKey) {
        self.mailbox.post(crate::handle::command::Command::Touch { key });
    }
}

impl WorkerTallies {
    fn note_written(&self, written: Written) {
        self.add(WorkerCount::Deliveries, written.entries);
        if written.took == Took::Part {
            self.count(WorkerCount::FellBehind);
        }
    }
}

/// Whether there are acks for the session in a slot, or for one that was there before it.
fn has_acks(acks: &BTreeMap<SessionKey, Vec<FeedAck>>, slot: u32) -> bool {
    let first = SessionKey { slot, generation: 0 };
    acks.range(first..).next().is_some_and(|(key, _)| key.slot == slot)
}

/// What became of a page that was to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pumped {
    /// It is written, as far as it fits; there may be another one.
    Page,
    /// None is to be written now.
    Nothing,
}

/// Writes a page to a socket that is behind, and moves its cursor past what was taken or is not for it. Returns the bytes
/// of the page.
fn write_page(
    session: &mut Session,
    index: usize,
    batches: &[Arc<Batch>],
    after: FeedPosition,
    through: FeedPosition,
    tallies: &WorkerTallies,
) -> std::io::Result<usize> {
    let Some(joined) = session.joined_mut(index) else { return Ok(0) };
    let (view, reached) = View::page(joined, batches, after, through, PAGE_BYTES_MAX);
    let written = view.write(session, index, reached)?;
    tallies.note_written(written);
    if written.took == Took::All
        && let Some(joined) = session.joined_mut(index)
    {
        let after = reached + u64::from(planted::is(Bug::ReplaysOffByOne));
        joined.cursor = Cursor::Behind { after };
    }
    Ok(view.len())
}

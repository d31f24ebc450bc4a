//! Delivery of feeds: a batch to all attached sockets, pages to all sockets that are behind, one write for each.
//!
//! Invariant: the outbound queue of an attached socket is empty, or is written before the next entry. A write that does
//! not fit makes every socket of the connection *behind*, with its cursor at the first frame that was not taken.

use std::collections::BTreeMap;
use std::sync::Arc;

use engineio::CloseReason;
use smallvec::SmallVec;
use socketio::NamespaceName;

use super::Worker;
use super::audience::{Audiences, Mark, Marks};
use super::connecting::Event;
use super::local_namespace::Cursor;
use super::view::{Growth, Took, View};
use crate::feed::{
    Batch, Feed, FeedAck, FeedPosition, Grown, HistoryError, HistoryPage, HistoryReply, HistoryRequest,
    PageStart,
};

use crate::planted::{self, Bug};
use crate::sid::SessionKey;
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
    pub(super) fn feed_grown(&mut self, namespace: &Arc<str>, through: FeedPosition, acks: Vec<FeedAck>) {
        let mut shares: BTreeMap<SessionKey, Vec<FeedAck>> = BTreeMap::new();
        for ack in acks {
            let ack = if ack.has_condition() { self.judge(namespace, ack) } else { ack };
            shares.entry(ack.handle.key).or_default().push(ack);
        }
        if let Some(index) = self.namespace_of.get(namespace).copied() {
            self.advance(index, through, &mut shares);
        }
        // Acks of sockets that are behind, and of known entries, leave at once, in order with the entries: an answer
        // that was judged before these entries does not follow the ack of one of them.
        for (key, mut acks) in shares {
            acks.sort_by_key(|ack| ack.after);
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
        self.advance(index, head, &mut BTreeMap::new());
    }

    /// The answer for a socket that may have been added to or removed from rooms since it asked.
    fn judge(&self, namespace: &Arc<str>, ack: FeedAck) -> FeedAck {
        let index = self.namespace_of.get(namespace).copied();
        let joined = index.and_then(|index| self.session(ack.handle.key)?.joined(index));
        ack.judged(|room| joined.is_some_and(|joined| joined.is_in(room)))
    }

    fn advance(
        &mut self,
        index: usize,
        through: FeedPosition,
        acks: &mut BTreeMap<SessionKey, Vec<FeedAck>>,
    ) {
        let Some(local) = self.namespaces.get_mut(index).filter(|local| local.applied < through) else {
            return;
        };
        let Some(feed) = local.feed().cloned() else { return };
        let growth = feed.ring().since(local.applied, through);
        let before = std::mem::replace(&mut local.applied, through);
        match growth {
            Grown::Batches(batches) if batches.is_empty() => {}
            Grown::Batches(batches) => {
                let Audiences { marks, classes } = self.audiences(index, before, &batches);
                self.deliver_all(index, Growth::new(batches, classes, before, through), &marks, acks);
            }
            Grown::Lapped => self.fall_behind(index, before),
        }
    }

    /// Gives new batches to the sockets that see something of them, and moves the cursors of the others.
    fn deliver_all(
        &mut self,
        index: usize,
        mut growth: Growth,
        marks: &Marks,
        acks: &mut BTreeMap<SessionKey, Vec<FeedAck>>,
    ) {
        if !growth.public.is_empty() {
            let members = self.namespaces.get(index).map(|local| local.members.clone()).unwrap_or_default();
            for slots in members.chunks(RUN) {
                for slot in self.deliver_to_clear(slots, index, &growth, marks, acks) {
                    self.deliver(slot, index, &mut growth, &[], acks);
                }
            }
        }
        for (slot, marks) in marks.sockets() {
            self.deliver(slot, index, &mut growth, marks, acks);
        }
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
        let mut others = SmallVec::new();
        let mut clear: SmallVec<[(u32, Direct<'_>); RUN]> = SmallVec::new();
        for slot in unmarked {
            let session = self.sessions.get(slot as usize);
            let has_acks = !acks.is_empty() && self.key_of(slot).is_some_and(|key| acks.contains_key(&key));
            match session.filter(|_| !has_acks).and_then(|session| session.attached_socket(index)) {
                Some(socket) => clear.push((slot, socket)),
                None => others.push(slot),
            }
        }
        let wanted: usize = slices.iter().map(|slice| slice.len()).sum();
        let mut parts: SmallVec<[(u32, usize); 4]> = SmallVec::new();
        for (slot, socket) in clear {
            match socket.send(&slices) {
                Ok(written) if written == wanted => {}
                Ok(written) => parts.push((slot, written)),
                // The runtime must learn of it: its own write will fail in the same way.
                Err(_) => others.push(slot),
            }
        }
        for (slot, written) in parts {
            if let Some(session) = self.sessions.get_mut(slot as usize) {
                growth.public.note_part(written, session, index, growth.through);
            }
            if let Some(key) = self.key_of(slot) {
                self.touch(key);
            }
        }
        others
    }

    /// The ring has lapped this worker: all sockets continue from their cursors.
    fn fall_behind(&mut self, index: usize, before: FeedPosition) {
        self.renew_rooms(index);
        let members = self.namespaces.get(index).map(|local| local.members.clone());
        for slot in members.into_iter().flatten() {
            if let Some(joined) =
                self.sessions.get_mut(slot as usize).and_then(|session| session.joined_mut(index))
                && joined.cursor == Cursor::Attached
            {
                joined.cursor = Cursor::Behind { after: before };
            }
            if let Some(key) = self.key_of(slot) {
                self.touch(key);
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
    ) {
        let now = self.now;
        let Some(key) = self.key_of(slot) else { return };
        let Some(session) = self.sessions.get_mut(slot as usize) else { return };
        match session.joined_mut(index).map(|joined| joined.cursor) {
            Some(Cursor::Attached) => {}
            // It continues from its cursor when its transport takes more.
            Some(Cursor::Behind { .. } | Cursor::Reading { .. }) => {
                return if session.is_writable() {
                    self.touch(key);
                };
            }
            None => return,
        }
        if session.flush_outbound(now).is_err() {
            return self.close(key, CloseReason::TransportClose);
        }
        let own = acks.remove(&key);
        if !session.is_writable() {
            if let Some(joined) = session.joined_mut(index)
                && !planted::is(Bug::ForgetsWhatDidNotFit)
            {
                joined.cursor = Cursor::Behind { after: growth.before };
            }
            acks.extend(own.map(|own| (key, own)));
            return;
        }
        if growth.write(session, index, marks, own.unwrap_or_default()).is_err() {
            self.close(key, CloseReason::TransportClose);
        } else if session.has_poll() || !session.is_writable() {
            // The held GET is answered, or the rest is noted, at the end of the turn.
            self.touch(key);
        }
    }

    /// Writes a session's output as far as its transport takes it: the outbound queue, then the feeds in which it is
    /// behind.
    pub(super) fn settle(&mut self, key: SessionKey) {
        let now = self.now;
        let Some(session) = self.session_mut(key) else { return };
        session.touched = false;
        if session.flush_outbound(now).is_err() {
            return self.close(key, CloseReason::TransportClose);
        }
        if session.is_writable() {
            self.pump(key);
        }
        let Some(session) = self.session_mut(key) else { return };
        session.answer_poll(now);
        // A page may have filled the transport just now, and perhaps no other event follows.
        session.note_stall(now);
        if !session.is_writable() {
            self.detach(key);
        }
        self.schedule_stall(key);
    }

    fn schedule_stall(&mut self, key: SessionKey) {
        if self.session(key).is_some_and(|session| session.stalled_since.is_some()) {
            self.schedule(key);
        }
    }

    /// Nothing more is written for now: the sockets continue from their cursors.
    fn detach(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get_mut(key.slot as usize) else { return };
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
    fn pump(&mut self, key: SessionKey) {
        let Some(connection) = self.session(key).and_then(Session::connection) else { return };
        let is_behind = |cursor| matches!(cursor, Cursor::Behind { .. });
        let behind: Vec<usize> = connection
            .slots()
            .filter(|(_, _, joined)| is_behind(joined.cursor))
            .map(|(_, _, joined)| joined.namespace as usize)
            .collect();
        for index in behind {
            let mut pages = 0;
            while self.pump_page(key, index) {
                pages += 1;
                if pages == PAGES_MAX {
                    self.wake_later(key);
                    break;
                }
            }
        }
    }

    /// Writes one page; true if there may be another one to write now.
    fn pump_page(&mut self, key: SessionKey, index: usize) -> bool {
        let Some(local) = self.namespaces.get(index) else { return false };
        let (applied, feed) = (local.applied, local.feed().cloned());
        let Some(session) = self.sessions.get_mut(key.slot as usize) else { return false };
        if !session.is_writable() {
            return false;
        }
        let Some(joined) = session.joined_mut(index) else { return false };
        let Cursor::Behind { after } = joined.cursor else { return false };
        let reached = after + u64::from(planted::is(Bug::AttachesEarly));
        let Some(feed) = feed.filter(|_| reached < applied) else {
            joined.cursor = Cursor::Attached;
            return false;
        };
        let batches = feed.ring().next(after, applied, PAGE_BYTES_MAX);
        match batches {
            Some(batches) => {
                let is_written = write_page(session, index, &batches, after, applied).is_ok();
                if !is_written {
                    self.close(key, CloseReason::TransportClose);
                }
                is_written
            }
            None if feed.has_history() => {
                if let Some(joined) = session.joined_mut(index) {
                    joined.cursor = Cursor::Reading { after };
                }
                self.read_history(key, index, PageStart::After(after), PAGE_ENTRIES_MAX, PAGE_BYTES_MAX);
                false
            }
            None => {
                tracing::debug!("a client fell too far behind the feed; it has to reconnect");
                self.close(key, CloseReason::TransportClose);
                false
            }
        }
    }

    pub(super) fn applied(&self, index: usize) -> FeedPosition {
        self.namespaces.get(index).map_or(FeedPosition::START, |local| local.applied)
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
        let mailbox = Arc::clone(&self.mailbox);
        let reply = HistoryReply::new(mailbox, key, Arc::from(local.name.as_str()));
        history.request(HistoryRequest { from, through: local.applied, entries_max, bytes_max, reply });
    }

    /// A page of the log has been read.
    pub(super) fn history_read(
        &mut self,
        key: SessionKey,
        namespace: &Arc<str>,
        page: Result<HistoryPage, HistoryError>,
    ) {
        let Ok(name) = NamespaceName::parse(namespace) else { return };
        if self.newcomer(key, &name).is_some() {
            return self.connecting_event(key, &name, Event::Read(page));
        }
        let Some(index) = self.namespace_of.get(namespace).copied() else { return };
        let Some(session) = self.session_mut(key) else { return };
        let Some(joined) = session.joined_mut(index) else { return };
        let Cursor::Reading { after } = joined.cursor else { return };
        joined.cursor = Cursor::Behind { after };
        match page {
            Ok(page) if page.after == after && !page.entries.is_empty() => {
                let batch = Batch::new(after + 1, page.entries);
                let last = batch.last();
                let is_lost = session.is_writable()
                    && write_page(session, index, &[Arc::new(batch)], after, last).is_err();
                if is_lost {
                    self.close(key, CloseReason::TransportClose);
                }
                self.touch(key);
            }
            Ok(_) | Err(HistoryError) => {
                tracing::warn!(
                    "the history has no page for a client that is behind; its connection is closed"
                );
                self.close(key, CloseReason::ForcedClose);
            }
        }
    }

    /// Continues with a session in a later turn.
    fn wake_later(&mut self, key: SessionKey) {
        self.mailbox.post(crate::handle::command::Command::Touch { key });
    }

    /// The trailing offset of an event that is not an entry: what the socket has seen.
    pub(super) fn seen_offset(feed: &Feed, cursor: Cursor, applied: FeedPosition) -> String {
        match cursor {
            Cursor::Attached => feed.offset(applied),
            Cursor::Behind { after } | Cursor::Reading { after } => feed.offset(after),
        }
    }
}

/// Writes a page to a socket that is behind, and moves its cursor past what was taken or is not for it.
fn write_page(
    session: &mut Session,
    index: usize,
    batches: &[Arc<Batch>],
    after: FeedPosition,
    through: FeedPosition,
) -> std::io::Result<()> {
    let Some(joined) = session.joined_mut(index) else { return Ok(()) };
    let (view, reached) = View::page(joined, batches, after, through, PAGE_BYTES_MAX);
    if view.write(session, index, reached)? == Took::All
        && let Some(joined) = session.joined_mut(index)
    {
        let after = reached + u64::from(planted::is(Bug::ReplaysOffByOne));
        joined.cursor = Cursor::Behind { after };
    }
    Ok(())
}

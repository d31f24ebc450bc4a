//! Delivery of feeds: a batch to all who are attached, pages to all who are behind, one write for each.
//!
//! Invariant: an attached socket's lane is empty, or what is in it is written before the next entry. A write
//! that does not fit makes every socket of the connection *behind*, with its cursor at the first frame not taken.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use engineio::CloseReason;
use socketio::NamespaceName;

use super::Worker;
use super::space::Cursor;
use crate::ack::FeedAck;
use crate::feed::{Batch, Cut, Feed, FeedEntry, From, Growth, HistoryError, HistoryPage, Stretch};
use crate::frame::Frame;
use crate::planted::{self, Bug};
use crate::session::{Session, Taken, Transport};
use crate::sid::SessionKey;

/// Entries of a page for a socket that is behind.
const PAGE_ENTRIES_MAX: usize = 256;

/// Bytes of such a page: about what one write may leave in the kernel.
const PAGE_BYTES_MAX: usize = 128 << 10;

/// Pages given to one socket before the others have their turn.
const PAGES_MAX: usize = 8;

/// A frame for one session with the position it brings its cursor to; acks leave the cursor where it is.
struct Positioned {
    position: Option<u64>,
    frame: Bytes,
}

/// What has been published since the sockets were last given something.
struct Grown {
    batches: Vec<Arc<Batch>>,
    /// The batches as they go to most sockets, if everybody sees all of them.
    shared: Option<Shared>,
    before: u64,
    through: u64,
}

/// Entries that everybody sees, as buffers for one write.
struct Shared {
    stretches: Vec<Stretch>,
    bytes: Vec<Bytes>,
}

/// How much of something a transport has taken.
enum Took {
    All,
    Part,
}

impl Grown {
    fn new(batches: Vec<Arc<Batch>>, before: u64, through: u64) -> Self {
        let stretches: Option<Vec<Stretch>> = batches.iter().map(Stretch::whole).collect();
        Self { batches, shared: stretches.map(Shared::new), before, through }
    }
}

impl Shared {
    fn new(stretches: Vec<Stretch>) -> Self {
        let bytes = stretches.iter().map(|stretch| stretch.bytes().clone()).collect();
        Self { stretches, bytes }
    }
}

impl Worker {
    /// Entries have been published: what the attached sockets have not yet, they get now; acks with them.
    pub(super) fn feed_grown(&mut self, namespace: &Arc<str>, through: u64, acks: Vec<FeedAck>) {
        let mut shares: BTreeMap<SessionKey, Vec<FeedAck>> = BTreeMap::new();
        for ack in acks {
            shares.entry(ack.handle.key).or_default().push(ack);
        }
        if let Some(space) = self.space_of.get(namespace).copied() {
            self.advance(space, through, &mut shares);
        }
        // Acks of sockets that are behind, and of entries that are known already, leave at once.
        for (key, acks) in shares {
            for ack in acks {
                self.send(key, ack.frame);
            }
        }
    }

    /// A client may have seen more on another worker than has been delivered on this one.
    pub(super) fn catch_up(&mut self, index: usize, position: u64) {
        let Some(space) = self.spaces.get(index).filter(|space| space.applied < position) else { return };
        let Some(head) = space.definition.feed.as_ref().map(|binding| binding.feed.head()) else { return };
        self.advance(index, head, &mut BTreeMap::new());
    }

    fn advance(&mut self, index: usize, through: u64, acks: &mut BTreeMap<SessionKey, Vec<FeedAck>>) {
        let Some(space) = self.spaces.get_mut(index).filter(|space| space.applied < through) else { return };
        let Some(feed) = space.definition.feed.as_ref().map(|binding| binding.feed.clone()) else { return };
        let growth = feed.ring().since(space.applied, through);
        let before = std::mem::replace(&mut space.applied, through);
        let members = space.members.clone();
        match growth {
            Growth::Batches(batches) if batches.is_empty() => {}
            Growth::Batches(batches) => {
                let growth = Grown::new(batches, before, through);
                for slot in members {
                    self.deliver(slot, index, &growth, acks);
                }
            }
            Growth::Lapped => {
                for slot in members {
                    if let Some(joined) =
                        self.sessions.get_mut(slot as usize).and_then(|session| session.joined_mut(index))
                        && joined.cursor == Cursor::Attached
                    {
                        joined.cursor = Cursor::Behind { after: before, reading: false };
                    }
                    if let Some(key) = self.key_of(slot) {
                        self.touch(key);
                    }
                }
            }
        }
    }

    /// Gives new batches to one member.
    fn deliver(
        &mut self,
        slot: u32,
        index: usize,
        growth: &Grown,
        acks: &mut BTreeMap<SessionKey, Vec<FeedAck>>,
    ) {
        let now = self.now;
        let Some(key) = self.key_of(slot) else { return };
        let Some(session) = self.sessions.get_mut(slot as usize) else { return };
        match session.joined_mut(index).map(|joined| joined.cursor) {
            Some(Cursor::Attached) => {}
            // It goes on from its cursor when its transport takes more.
            Some(Cursor::Behind { .. }) => {
                return if session.is_writable() {
                    self.touch(key);
                };
            }
            None => return,
        }
        if session.flush_lane(now).is_err() {
            return self.close(key, CloseReason::TransportClose);
        }
        let own = acks.remove(&key);
        if !session.is_writable() {
            if let Some(joined) = session.joined_mut(index)
                && !planted::is(Bug::ForgetsWhatDidNotFit)
            {
                joined.cursor = Cursor::Behind { after: growth.before, reading: false };
            }
            acks.extend(own.map(|own| (key, own)));
            return;
        }
        let result = match (own, &growth.shared, &mut session.transport) {
            (None, Some(shared), Transport::WebSocket(_)) => write_shared(session, index, shared).map(drop),
            (own, _, _) => {
                let frames = list(session, index, &growth.batches, own.unwrap_or_default());
                write_list(session, index, &frames, growth.through)
            }
        };
        if result.is_err() {
            self.close(key, CloseReason::TransportClose);
        } else if session.has_poll() || !session.is_writable() {
            // The held GET is answered, or what did not fit is noted, at the end of the turn.
            self.touch(key);
        }
    }

    /// Brings a session's output as far as its transport takes it: the lane, then the feeds it is behind in.
    pub(super) fn settle(&mut self, key: SessionKey) {
        let now = self.now;
        let Some(session) = self.session_mut(key) else { return };
        session.touched = false;
        if session.flush_lane(now).is_err() {
            return self.close(key, CloseReason::TransportClose);
        }
        if session.is_writable() {
            self.pump(key);
        }
        let Some(session) = self.session_mut(key) else { return };
        session.answer_poll();
        // A page may just have filled the transport, and nothing else may ever come.
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

    /// Nothing more goes out for now: what comes next is read from where the sockets stand.
    fn detach(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get_mut(key.slot as usize) else { return };
        let Some(connection) = session.connection_mut() else { return };
        for (_, _, joined) in connection.slots_mut() {
            if joined.cursor == Cursor::Attached
                && !planted::is(Bug::ForgetsWhatDidNotFit)
                && let Some(space) = self.spaces.get(joined.space as usize)
            {
                joined.cursor = Cursor::Behind { after: space.applied, reading: false };
            }
        }
    }

    /// Writes pages for the sockets of a session that are behind.
    fn pump(&mut self, key: SessionKey) {
        let Some(connection) = self.session(key).and_then(Session::connection) else { return };
        let is_behind = |cursor| matches!(cursor, Cursor::Behind { reading: false, .. });
        let behind: Vec<usize> = connection
            .slots()
            .filter(|(_, _, joined)| is_behind(joined.cursor))
            .map(|(_, _, joined)| joined.space as usize)
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
        let Some(space) = self.spaces.get(index) else { return false };
        let (applied, name) = (space.applied, space.name.clone());
        let feed = space.definition.feed.as_ref().map(|binding| binding.feed.clone());
        let Some(session) = self.sessions.get_mut(key.slot as usize) else { return false };
        if !session.is_writable() {
            return false;
        }
        let Some(joined) = session.joined_mut(index) else { return false };
        let Cursor::Behind { after, reading: false } = joined.cursor else { return false };
        let reached = after + u64::from(planted::is(Bug::AttachesEarly));
        let Some(feed) = feed.filter(|_| reached < applied) else {
            joined.cursor = Cursor::Attached;
            return false;
        };
        if matches!(session.transport, Transport::WebSocket(_)) {
            let stretches = feed.ring().stretches(after, applied, PAGE_BYTES_MAX);
            if let Some(last) = stretches.last().map(Stretch::last) {
                let is_written = write_stretches(session, index, stretches, last).is_ok();
                if !is_written {
                    self.close(key, CloseReason::TransportClose);
                }
                return is_written;
            }
        }
        let page = feed.ring().page(after, applied, PAGE_ENTRIES_MAX, PAGE_BYTES_MAX);
        match page {
            Some(page) => {
                let is_written = write_page(session, index, page).is_ok();
                if !is_written {
                    self.close(key, CloseReason::TransportClose);
                }
                is_written
            }
            None if feed.has_history() => {
                if let Some(joined) = session.joined_mut(index) {
                    joined.cursor = Cursor::Behind { after, reading: true };
                }
                self.read_history(key, &name, &feed, From::After(after), PAGE_ENTRIES_MAX, PAGE_BYTES_MAX);
                false
            }
            None => {
                tracing::debug!("a client fell out of the feed; it has to come back");
                self.close(key, CloseReason::TransportClose);
                false
            }
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
        let Some(page) = self.connecting_read(key, &name, page) else { return };
        let Some(index) = self.space_of.get(namespace).copied() else { return };
        let Some(session) = self.session_mut(key) else { return };
        let Some(joined) = session.joined_mut(index) else { return };
        let Cursor::Behind { after, reading: true } = joined.cursor else { return };
        joined.cursor = Cursor::Behind { after, reading: false };
        match page {
            Ok(page) if page.after == after && !page.entries.is_empty() => {
                let is_lost = session.is_writable()
                    && write_page(session, index, (after + 1..).zip(page.entries).collect()).is_err();
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

    /// Goes on with a session in a later turn.
    fn wake_later(&mut self, key: SessionKey) {
        self.mailbox.post(crate::command::Command::Touch { key });
    }

    /// The trailing offset of an event that is not an entry: what the socket has seen.
    pub(super) fn seen_offset(feed: &Feed, cursor: Cursor, applied: u64) -> String {
        match cursor {
            Cursor::Attached => feed.offset(applied),
            Cursor::Behind { after, .. } => feed.offset(after),
        }
    }
}

/// Writes entries that everybody sees to a WebSocket, in one call however many batches they are. If not all of them
/// are taken, a begun frame is finished from the lane, and the rest is read again.
fn write_shared(session: &mut Session, index: usize, shared: &Shared) -> std::io::Result<Took> {
    let Transport::WebSocket(socket) = &mut session.transport else { return Ok(Took::Part) };
    let mut written = socket.write(&shared.bytes)?;
    for stretch in &shared.stretches {
        if written >= stretch.bytes().len() {
            written -= stretch.bytes().len();
            continue;
        }
        let Cut { after, rest } = stretch.cut(written);
        if !rest.is_empty() {
            session.lane.push(rest);
        }
        if let Some(joined) = session.joined_mut(index)
            && !planted::is(Bug::ForgetsWhatDidNotFit)
        {
            joined.cursor = Cursor::Behind { after, reading: false };
        }
        return Ok(Took::Part);
    }
    Ok(Took::All)
}

/// Writes what comes next to a socket that is behind, and moves its cursor over what was taken.
fn write_stretches(
    session: &mut Session,
    index: usize,
    stretches: Vec<Stretch>,
    last: u64,
) -> std::io::Result<()> {
    match write_shared(session, index, &Shared::new(stretches))? {
        Took::Part => {}
        Took::All => {
            if let Some(joined) = session.joined_mut(index) {
                joined.cursor = Cursor::Behind { after: last, reading: false };
            }
        }
    }
    Ok(())
}

/// What one socket gets of some batches, its acks right after the entries they belong to.
fn list(session: &mut Session, index: usize, batches: &[Arc<Batch>], acks: Vec<FeedAck>) -> Vec<Positioned> {
    let mut frames = Vec::new();
    let mut acks = acks.into_iter().peekable();
    let Some(joined) = session.joined_mut(index) else { return frames };
    for (position, entry) in batches.iter().flat_map(|batch| batch.positions()) {
        while let Some(ack) = acks.next_if(|ack| ack.after < position) {
            frames.push(Positioned { position: None, frame: ack.frame.into_bytes() });
        }
        if joined.sees(&entry.audience, position) {
            frames.push(Positioned { position: Some(position), frame: entry.frame.bytes().clone() });
        }
    }
    frames.extend(acks.map(|ack| Positioned { position: None, frame: ack.frame.into_bytes() }));
    frames
}

/// Writes frames in order; an attached socket stays attached only if all were taken.
fn write_list(session: &mut Session, index: usize, frames: &[Positioned], head: u64) -> std::io::Result<()> {
    let bytes: Vec<Bytes> = frames.iter().map(|positioned| positioned.frame.clone()).collect();
    if bytes.is_empty() {
        return Ok(());
    }
    let Taken::Some(count) = session.write(&bytes)? else { return Ok(()) };
    // Acks do not wait for entries; entries are read again, from the first one that was not taken.
    let left = frames.get(count..).unwrap_or_default();
    let after = left.iter().find_map(|positioned| positioned.position).map_or(head, |next| next - 1);
    for positioned in left.iter().filter(|positioned| positioned.position.is_none()) {
        session.lane.push(positioned.frame.clone());
    }
    if let Some(joined) = session.joined_mut(index) {
        joined.cursor = Cursor::Behind { after, reading: false };
    }
    Ok(())
}

/// Writes a page to a socket that is behind and moves its cursor over what was taken or is not for it.
fn write_page(session: &mut Session, index: usize, page: Vec<(u64, FeedEntry)>) -> std::io::Result<()> {
    let Some(end) = page.last().map(|(position, _)| *position) else { return Ok(()) };
    let Some(joined) = session.joined_mut(index) else { return Ok(()) };
    let frames: Vec<(u64, Bytes)> = page
        .into_iter()
        .filter(|(position, entry)| joined.sees(&entry.audience, *position))
        .map(|(position, entry)| (position, Frame::into_bytes(entry.frame)))
        .collect();
    let bytes: Vec<Bytes> = frames.iter().map(|(_, frame)| frame.clone()).collect();
    let taken = if bytes.is_empty() { Taken::All } else { session.write(&bytes)? };
    let after = match taken {
        Taken::All => end + u64::from(planted::is(Bug::ReplaysOffByOne)),
        // Up to the entry before the first one that was not taken: what lies between is not for this socket.
        Taken::Some(count) => frames.get(count).map_or(end, |(position, _)| position - 1),
    };
    if let Some(joined) = session.joined_mut(index) {
        joined.cursor = Cursor::Behind { after, reading: false };
    }
    Ok(())
}

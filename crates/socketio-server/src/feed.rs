//! [`Feed`]: a stream of frames with positions, delivered to every socket of a namespace in order and without gaps.
//!
//! ```text
//!  publish ──► ring ──► worker: applied_here ──► attached sockets   (one write each)
//!                └────────────── ring, else History ──► sockets behind (at their own pace)
//! ```
//!
//! Live delivery, replay, recovery and slow clients share one path: a socket is *attached*, or it is *behind* with a
//! cursor. The feed owns positions, the ring of recent entries, and the signed private ids of connection state
//! recovery. It does not know what the frames mean.

mod ack;
mod anchor;
mod batch;
mod entry;
mod epoch;
mod history;
mod outlet;
mod parked;
mod position;
mod ring;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use socketio::{Keys, Lineage, Offset, PrivateId, SocketId};

pub use self::ack::{AckHandle, FeedAck};
pub use self::anchor::Anchor;
pub(crate) use self::batch::{Batch, Cut, Stretch};
pub use self::entry::{FeedEntry, FeedRoom, MemberChange, Passage};
pub use self::epoch::{FeedEpoch, LogNumber};
pub use self::history::{History, HistoryError, HistoryPage, HistoryReply, HistoryRequest, PageStart};
pub(crate) use self::outlet::Outlet;
pub(crate) use self::parked::{Parked, ParkedSockets};
pub use self::position::FeedPosition;
pub(crate) use self::ring::{Grown, Ring};
use crate::frame::Frame;
use crate::planted::{self, Bug};
use crate::random::random;
use crate::room::Selection;
use crate::stats::FeedStats;
use crate::user_tag::UserTag;

/// An epoch of the log, with its first position. An offset of this epoch is valid up to the start of the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochStart {
    /// The epoch's number.
    pub epoch: FeedEpoch,
    /// The head of the log when the epoch began.
    pub start: FeedPosition,
}

/// How a client continues after its connection broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// Connection state recovery as in the official clients: CONNECT has a private id, and every event has its offset
    /// as an extra argument.
    Recovery,
    /// The client names its position in the application's own terms (see [`Feed::position_of_cursor`]). CONNECT has
    /// only the socket's id, no old session is ended, and no argument is added. If an event is not an entry and has one
    /// object as its argument, that object gets the field `cursor`.
    Cursor,
}

/// The place of a cursor in a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorAt {
    /// This position: the feed has everything that the client has seen.
    Known(FeedPosition),
    /// This position of the current epoch, which the feed has not reached: another node has delivered more. Only if
    /// other nodes append to the same log (see [`FeedConfig::ahead_wait`]).
    Ahead(FeedPosition),
    /// No place: the cursor is malformed, belongs to another log or an unknown epoch, or is beyond what is left of its
    /// epoch.
    Foreign,
}

/// A place that a feed may not have reached yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FeedPlace {
    /// A position.
    Position(FeedPosition),
    /// The entry with this anchor, a number of the application.
    Anchor(Anchor),
}

/// The settings of a feed.
#[derive(Debug)]
pub struct FeedConfig {
    /// The number of the log, which is part of every offset.
    pub log: LogNumber,
    /// All known epochs, oldest first; the last one is current. Must not be empty.
    pub epochs: Vec<EpochStart>,
    /// The position of the newest entry.
    pub head: FeedPosition,
    /// How clients continue after a broken connection.
    pub resume: Resume,
    /// Keys that sign private ids.
    pub keys: Keys,
    /// Bytes of memory for the newest entries, for slow and returning clients: their frames and all that belongs to them, as
    /// much as the allocator gives for it. Older ones are read from the history.
    pub ring_bytes_max: usize,
    /// A socket that missed more visible entries than this is not recovered: it replays instead.
    pub recovery_entries_max: usize,
    /// The same limit in bytes.
    pub recovery_bytes_max: usize,
    /// How long the rooms and data of a socket that left are kept. Only without a history: over a log, the membership
    /// gives the rooms, and a client may return after any time.
    pub parked_for: Duration,
    /// How long a client waits that has seen more than this feed: other nodes append to the same log, and the feed is
    /// about to hear of it. After that its connection is closed. `None` if nobody else appends; then such a client has
    /// seen a history that no longer exists.
    pub ahead_wait: Option<Duration>,
    /// So many such clients of one worker wait. Others are disconnected at once, and try again: a client that claims to have
    /// seen the far future costs no more.
    pub ahead_clients_max: usize,
    /// Where entries are read that are no longer in the ring. Without it they are gone.
    pub history: Option<Arc<dyn History>>,
}

impl FeedConfig {
    /// A feed in memory only: recovery after a broken connection, for any application.
    ///
    /// The rooms of a socket that left are kept for two minutes, as in Node.
    pub fn in_memory() -> Self {
        let epoch = FeedEpoch::from(u64::from_be_bytes(random()) >> 16);
        Self {
            log: LogNumber::default(),
            epochs: vec![EpochStart { epoch, start: FeedPosition::START }],
            head: FeedPosition::START,
            resume: Resume::Recovery,
            keys: Keys::new(random()),
            ring_bytes_max: 16 << 20,
            recovery_entries_max: 2_000,
            recovery_bytes_max: 1_000_000,
            parked_for: Duration::from_secs(2 * 60),
            ahead_wait: None,
            ahead_clients_max: 1_024,
            history: None,
        }
    }
}

/// A handle to a feed; clones share the feed.
#[derive(Clone)]
pub struct Feed {
    inner: Arc<Inner>,
}

struct Inner {
    config: FeedConfig,
    epoch: EpochStart,
    ring: Mutex<Ring>,
    parked: Mutex<ParkedSockets>,
    home: OnceLock<Home>,
}

/// The namespace that the feed belongs to, and the outlets of all workers by number.
struct Home {
    namespace: Arc<str>,
    outlets: Vec<Arc<dyn Outlet>>,
}

impl Feed {
    /// Makes a feed; give it to [`Namespace::feed`](crate::Namespace::feed).
    ///
    /// # Panics
    /// When `config.epochs` is empty.
    pub fn new(config: FeedConfig) -> Self {
        let epoch = *config.epochs.last().expect("a feed has at least the present epoch");
        let ring = Mutex::new(Ring::new(config.head, config.ring_bytes_max));
        let parked = Mutex::new(ParkedSockets::new(config.parked_for));
        Self { inner: Arc::new(Inner { config, epoch, ring, parked, home: OnceLock::new() }) }
    }

    /// The position of the newest entry.
    pub fn head(&self) -> FeedPosition {
        self.ring().head()
    }

    /// How many bytes of memory the entries take that are kept for slow and returning clients. At most
    /// [`FeedConfig::ring_bytes_max`].
    pub fn memory(&self) -> usize {
        self.ring().memory()
    }

    /// The offset of a position, as at the end of every event of the namespace.
    pub fn offset(&self, position: impl Into<FeedPosition>) -> String {
        self.inner.config.keys.seal(&self.stamp(position.into()))
    }

    /// Whether a text has the form of an offset, of any feed.
    pub(crate) fn is_offset(&self, text: &str) -> bool {
        self.inner.config.keys.open(text).next().is_some()
    }

    /// The position of a cursor: an offset that this feed, or an earlier run of it, has handed out.
    pub fn position_of_cursor(&self, cursor: &str) -> CursorAt {
        // Only the key that sealed it opens it as an epoch that was one.
        let mut places = self.inner.config.keys.open(cursor).map(|offset| self.place_of(&offset));
        places.find(|place| *place != CursorAt::Foreign).unwrap_or(CursorAt::Foreign)
    }

    /// Replaces the audience and the frame at a position, if the ring still has it. Nobody gets the old frame any more,
    /// except from workers that have taken it already. Changes of rooms by the entry stay.
    ///
    /// The history must return the new entry from now on.
    pub fn replace(&self, position: impl Into<FeedPosition>, entry: FeedEntry) {
        self.ring().replace(position.into(), entry);
    }

    /// Appends entries at `first`, `first + 1`, … and releases the acks that belong to them.
    ///
    /// Returns at once; the workers deliver. The caller must have made the entries durable: published entries have been
    /// seen. [`Namespace::rooms`](crate::Namespace::rooms) must already know the changes of the entries.
    ///
    /// # Panics
    /// If `first` is not the position after [`head`](Self::head): every socket would have a gap.
    pub fn publish(&self, first: impl Into<FeedPosition>, entries: Vec<FeedEntry>, acks: Vec<FeedAck>) {
        if entries.is_empty() {
            return acks.into_iter().for_each(|ack| self.acknowledge(ack));
        }
        let mut ring = self.ring();
        ring.push(first.into(), entries);
        let head = ring.head();
        drop(ring);
        self.announce(head, acks);
    }

    /// Sends an answer that belongs to no new entry. Only the worker of its socket is woken.
    pub fn acknowledge(&self, ack: FeedAck) {
        let Some(Home { namespace, outlets }) = self.inner.home.get() else { return };
        if let Some(outlet) = outlets.get(usize::from(ack.worker())) {
            outlet.grown(Arc::clone(namespace), self.head(), vec![ack], clock());
        }
    }

    /// Fills the ring with the entries up to the head, before the server starts: in one piece or in several, one after the
    /// other. A piece that does not follow the one before takes the place of all of them, even if it
    /// is empty.
    ///
    /// # Panics
    /// If a piece goes beyond the head.
    pub fn preload(&self, first: impl Into<FeedPosition>, entries: Vec<FeedEntry>) {
        self.ring().preload(first.into(), entries);
    }

    /// Appends one entry, whose frame is made once its position is known.
    pub(crate) fn append(&self, audience: Selection, frame: impl FnOnce(&str) -> Frame) {
        let mut ring = self.ring();
        let position = ring.head() + 1;
        let frame = frame(&self.offset(position));
        ring.push(position, vec![FeedEntry::new(audience, frame)]);
        drop(ring);
        self.announce(position, Vec::new());
    }

    /// Whether the application assigns the positions, because the entries are in a log.
    pub(crate) fn has_history(&self) -> bool {
        self.inner.config.history.is_some()
    }

    pub(crate) fn history(&self) -> Option<&Arc<dyn History>> {
        self.inner.config.history.as_ref()
    }

    /// What it has now, under the name of its namespace.
    pub(crate) fn stats(&self, namespace: &str) -> FeedStats {
        let ring = self.ring();
        let head = ring.head();
        FeedStats {
            namespace: namespace.into(),
            head: head.get(),
            ring_entries: head.since(ring.floor()),
            ring_bytes: ring.bytes() as u64,
        }
    }

    pub(crate) fn config(&self) -> &FeedConfig {
        &self.inner.config
    }

    pub(crate) fn ring(&self) -> MutexGuard<'_, Ring> {
        self.inner.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn parked(&self) -> MutexGuard<'_, ParkedSockets> {
        self.inner.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Binds the feed to its namespace; false if it already belongs to one.
    pub(crate) fn bind(&self, namespace: Arc<str>, outlets: Vec<Arc<dyn Outlet>>) -> bool {
        self.inner.home.set(Home { namespace, outlets }).is_ok()
    }

    pub(crate) fn sign(
        &self,
        socket: SocketId,
        lineage: Lineage,
        user: Option<UserTag>,
        position: FeedPosition,
    ) -> String {
        let user = user.map(UserTag::number);
        PrivateId { socket, lineage, user, offset: self.stamp(position) }.sign(&self.inner.config.keys)
    }

    pub(crate) fn verify(&self, pid: &str) -> Option<PrivateId> {
        PrivateId::verify(pid, &self.inner.config.keys)
    }

    /// The position of an offset; known only if no entry up to it can have been lost.
    pub(crate) fn place_of(&self, offset: &Offset) -> CursorAt {
        let (head, position) = (self.head(), FeedPosition::new(offset.position));
        if planted::is(Bug::IgnoresEpochs) {
            return CursorAt::Known(position.min(head));
        }
        let FeedConfig { log, epochs, ahead_wait, .. } = &self.inner.config;
        let epoch = FeedEpoch::from(offset.epoch);
        let mut later = epochs.iter().skip_while(|known| known.epoch != epoch);
        let is_ours = later.next().is_some() && LogNumber::from(offset.log) == *log;
        let is_present = epoch == self.inner.epoch.epoch;
        if !is_ours || !later.all(|next| position <= next.start) {
            CursorAt::Foreign
        } else if position <= head {
            CursorAt::Known(position)
        } else if is_present && ahead_wait.is_some() && !planted::is(Bug::ResetsWhoIsAhead) {
            CursorAt::Ahead(position)
        } else {
            CursorAt::Foreign
        }
    }

    /// Whether the feed has reached a place that a client has seen.
    pub(crate) fn has_reached(&self, place: FeedPlace) -> bool {
        match place {
            FeedPlace::Position(position) => position <= self.head(),
            // A ring without anchors cannot tell, so nobody waits for one.
            FeedPlace::Anchor(anchor) => self.ring().newest_anchor().is_none_or(|newest| anchor <= newest),
        }
    }

    fn stamp(&self, position: FeedPosition) -> Offset {
        let (log, epoch) = (self.inner.config.log.get(), self.inner.epoch.epoch.get());
        Offset { log, epoch, position: position.get() }
    }

    /// Sends one message to each worker that has something to deliver, however many entries, acks and sockets there
    /// are.
    fn announce(&self, through: FeedPosition, acks: Vec<FeedAck>) {
        let Some(Home { namespace, outlets }) = self.inner.home.get() else { return };
        let mut shares: Vec<Vec<FeedAck>> = outlets.iter().map(|_| Vec::new()).collect();
        for ack in acks {
            if let Some(share) = shares.get_mut(usize::from(ack.worker())) {
                share.push(ack);
            }
        }
        let at = clock();
        for (outlet, acks) in outlets.iter().zip(shares) {
            outlet.grown(Arc::clone(namespace), through, acks, at);
        }
    }
}

/// The clock of the workers: monotonic.
fn clock() -> Instant {
    tokio::time::Instant::now().into_std()
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed")
            .field("epoch", &self.inner.epoch)
            .field("head", &self.head())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

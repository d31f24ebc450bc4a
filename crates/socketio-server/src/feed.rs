//! [`Feed`]: a positioned stream of frames, delivered to every socket of a namespace in order and without a hole.
//!
//! ```text
//!  publish ──► ring ──► worker: applied_here ──► attached sockets   (one write each)
//!                └────────────── ring, else History ──► sockets behind (at their own pace)
//! ```
//!
//! Live delivery, replay, recovery and slow consumers are one path: a socket is *attached* or it is *behind* with a
//! cursor. The feed owns positions, the hot ring and the signed private ids of connection state recovery. It
//! knows nothing of what the frames mean.

mod ack;
mod batch;
mod entry;
mod history;
mod outlet;
mod parked;
mod position;
mod ring;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use socketio::{Keys, Lineage, Offset, PrivateId, SocketId};

pub use self::ack::{AckHandle, FeedAck};
pub(crate) use self::batch::{Batch, Cut, Stretch};
pub use self::entry::{FeedEntry, FeedRoom, MemberChange, Passage};
pub use self::history::{History, HistoryError, HistoryPage, HistoryReply, HistoryRequest, PageStart};
pub(crate) use self::outlet::Outlet;
pub(crate) use self::parked::{Parked, ParkedSockets};
pub use self::position::FeedPosition;
pub(crate) use self::ring::{Grown, Ring};
use crate::frame::Frame;
use crate::planted::{self, Bug};
use crate::random::random;
use crate::room::Selection;
use crate::user_tag::UserTag;

/// An epoch of the log and the position it began at: an offset of it is valid up to where the next one starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochStart {
    /// The epoch's number.
    pub epoch: u64,
    /// Head of the log when it began.
    pub start: FeedPosition,
}

/// How a client of the namespace goes on after its connection broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// Connection state recovery as the official clients do it: CONNECT carries a private id, and every event ends with
    /// its offset as an argument more.
    Recovery,
    /// The client says where it stands, in words of the application's (see [`Feed::position_of_cursor`]). CONNECT
    /// carries the socket's id alone, no ghost is looked for, and no argument is added. An event that is not an entry
    /// gets a last field `cursor`, if its only argument is an object.
    Cursor,
}

/// Where a cursor stands in a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorAt {
    /// At this position: whatever its owner has seen up to here is what the feed has.
    Known(FeedPosition),
    /// At this position of the present epoch, which the feed has not reached: another node has delivered more. Only where
    /// other nodes append to the same log (see [`FeedConfig::ahead_wait`]).
    Ahead(FeedPosition),
    /// Nowhere: it is malformed, of another log or an unknown epoch, or beyond what its epoch has left here.
    Foreign,
}

/// A place that a feed may have yet to come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FeedPlace {
    /// A position.
    Position(FeedPosition),
    /// The entry with a number of the application's.
    Anchor(u64),
}

/// What a feed is made of.
#[derive(Debug)]
pub struct FeedConfig {
    /// Number of the log, part of every offset.
    pub log: u64,
    /// All known epochs, oldest first; the last one is the present. Must not be empty.
    pub epochs: Vec<EpochStart>,
    /// Position of the newest entry.
    pub head: FeedPosition,
    /// How clients go on after a broken connection.
    pub resume: Resume,
    /// Keys that sign private ids.
    pub keys: Keys,
    /// Frames kept in memory for those who are slow or come back, in bytes. Older ones are read from the history.
    pub ring_bytes_max: usize,
    /// A socket that missed more visible entries than this is not recovered: it replays instead.
    pub recovery_entries_max: usize,
    /// The same limit in bytes.
    pub recovery_bytes_max: usize,
    /// How long rooms and data of a socket that left are kept for its return. Only without a history: over a log, rooms
    /// come from the membership, and there is no age at which a client may not come back.
    pub parked_for: Duration,
    /// How long a client waits that has seen more than this feed has: other nodes append to the same log, and this one is
    /// about to hear of it. After that its connection is closed. `None` where nobody else appends: a client that has seen
    /// more is then of another past.
    pub ahead_wait: Option<Duration>,
    /// Where entries are read that have left the ring. Without it they are gone.
    pub history: Option<Arc<dyn History>>,
}

impl FeedConfig {
    /// A feed that lives in memory only: recovery over a dropped connection for any application.
    ///
    /// Rooms of a socket that left are kept for two minutes, as Node does.
    pub fn in_memory() -> Self {
        let epoch = u64::from_be_bytes(random()) >> 16;
        Self {
            log: 0,
            epochs: vec![EpochStart { epoch, start: FeedPosition::START }],
            head: FeedPosition::START,
            resume: Resume::Recovery,
            keys: Keys::new(random()),
            ring_bytes_max: 16 << 20,
            recovery_entries_max: 2_000,
            recovery_bytes_max: 1_000_000,
            parked_for: Duration::from_secs(2 * 60),
            ahead_wait: None,
            history: None,
        }
    }
}

/// A handle to a feed; clones share it.
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

/// The namespace that the feed belongs to, and the ways to all workers, each at its number.
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

    /// Position of the newest entry.
    pub fn head(&self) -> FeedPosition {
        self.ring().head()
    }

    /// The offset of a position, as it stands at the end of every event of the namespace.
    pub fn offset(&self, position: impl Into<FeedPosition>) -> String {
        self.stamp(position.into()).to_string()
    }

    /// The position of a cursor, an offset that this feed or an earlier life of it has handed out.
    pub fn position_of_cursor(&self, cursor: &str) -> CursorAt {
        cursor.parse::<Offset>().map_or(CursorAt::Foreign, |offset| self.place_of(&offset))
    }

    /// Puts another audience and frame at a position, if the ring still has it: what was there is not given to anybody
    /// any more, but for workers that have taken it already. What the entry changes about rooms stays.
    ///
    /// The history has to read the same from now on.
    pub fn replace(&self, position: impl Into<FeedPosition>, entry: FeedEntry) {
        self.ring().replace(position.into(), entry);
    }

    /// Appends entries at `first`, `first + 1`, … and lets the acks go that belong to them.
    ///
    /// Returns at once; the workers deliver. Durability is the caller's: what is published has been seen. What
    /// [`Namespace::rooms`](crate::Namespace::rooms) answers has to know the changes of the entries already.
    ///
    /// # Panics
    /// When `first` is not the position after [`head`](Self::head): that would be a hole for everyone.
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

    /// Lets an answer go that comes with no new entry. Only the worker of its socket hears of it.
    pub fn acknowledge(&self, ack: FeedAck) {
        let Some(Home { namespace, outlets }) = self.inner.home.get() else { return };
        if let Some(outlet) = outlets.get(usize::from(ack.worker())) {
            outlet.grown(Arc::clone(namespace), self.head(), vec![ack]);
        }
    }

    /// Fills the ring with entries up to the head, before the server starts.
    ///
    /// # Panics
    /// When the entries do not end at the head.
    pub fn preload(&self, first: impl Into<FeedPosition>, entries: Vec<FeedEntry>) {
        self.ring().preload(first.into(), entries);
    }

    /// Appends one entry whose frame is made for the position it gets.
    pub(crate) fn append(&self, audience: Selection, frame: impl FnOnce(&str) -> Frame) {
        let mut ring = self.ring();
        let position = ring.head() + 1;
        let frame = frame(&self.offset(position));
        ring.push(position, vec![FeedEntry::new(audience, frame)]);
        drop(ring);
        self.announce(position, Vec::new());
    }

    /// True if the application numbers the entries itself, because they stand in a log.
    pub(crate) fn has_history(&self) -> bool {
        self.inner.config.history.is_some()
    }

    pub(crate) fn history(&self) -> Option<&Arc<dyn History>> {
        self.inner.config.history.as_ref()
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
        let user = user.map_or(0, UserTag::get);
        PrivateId { socket, lineage, user, offset: self.stamp(position) }.sign(&self.inner.config.keys)
    }

    pub(crate) fn verify(&self, pid: &str) -> Option<PrivateId> {
        PrivateId::verify(pid, &self.inner.config.keys)
    }

    /// Where an offset stands: known only if nothing up to it can have been lost.
    pub(crate) fn place_of(&self, offset: &Offset) -> CursorAt {
        let (head, position) = (self.head(), FeedPosition::new(offset.position));
        if planted::is(Bug::IgnoresEpochs) {
            return CursorAt::Known(position.min(head));
        }
        let FeedConfig { log, epochs, ahead_wait, .. } = &self.inner.config;
        let mut later = epochs.iter().skip_while(|known| known.epoch != offset.epoch);
        let is_ours = later.next().is_some() && offset.log == *log;
        let is_present = offset.epoch == self.inner.epoch.epoch;
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

    /// Whether the feed has come to a place that a client has seen.
    pub(crate) fn has_reached(&self, place: FeedPlace) -> bool {
        match place {
            FeedPlace::Position(position) => position <= self.head(),
            // A ring that knows of no anchor cannot tell: nobody waits for that.
            FeedPlace::Anchor(anchor) => self.ring().newest_anchor().is_none_or(|newest| anchor <= newest),
        }
    }

    fn stamp(&self, position: FeedPosition) -> Offset {
        Offset { log: self.inner.config.log, epoch: self.inner.epoch.epoch, position: position.get() }
    }

    /// One message for each worker, however many entries, acks and sockets: all have something to deliver.
    fn announce(&self, through: FeedPosition, acks: Vec<FeedAck>) {
        let Some(Home { namespace, outlets }) = self.inner.home.get() else { return };
        let mut shares: Vec<Vec<FeedAck>> = outlets.iter().map(|_| Vec::new()).collect();
        for ack in acks {
            if let Some(share) = shares.get_mut(usize::from(ack.worker())) {
                share.push(ack);
            }
        }
        for (outlet, acks) in outlets.iter().zip(shares) {
            outlet.grown(Arc::clone(namespace), through, acks);
        }
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed")
            .field("epoch", &self.inner.epoch)
            .field("head", &self.head())
            .finish_non_exhaustive()
    }
}

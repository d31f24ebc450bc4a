//! Lets other threads of the server act in the middle of something, which a single thread would never show.
//!
//! The server's appender and its readers have threads of their own. Here everything runs on one thread, so there are
//! *interleaving points*. After a batch is stored and before it is announced, a reader may answer. While a reader
//! answers, the appender may store. The seed decides how often that happens. Each node has its own points; just before
//! one node appends, the other may append.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use chat::{
    Budget, Entry, Epochs, LogReader, MemoryReader, Messages, Page, Position, ReadError, Rev, RoomId, Seq,
    Unread, UserId,
};

use crate::random::Random;
use crate::world::NodeNumber;

type Act = Weak<dyn Fn()>;

#[derive(Default)]
struct Seams {
    /// Runs the reading threads.
    answer: Option<Act>,
    /// Runs the appender's thread.
    store: Option<Act>,
    per_mille: u64,
    random: Option<Random>,
}

thread_local! {
    static SEAMS: RefCell<[Seams; NodeNumber::COUNT_MAX]> = RefCell::default();
    /// An interruption is not interrupted itself.
    static IS_WITHIN: Cell<bool> = const { Cell::new(false) };
}

/// The interleaving points of a new node, at which nobody acts yet.
pub(crate) fn begin(node: NodeNumber, per_mille: u64, random: Random) {
    IS_WITHIN.set(false);
    SEAMS.with_borrow_mut(|seams| {
        seams[node.0] = Seams { answer: None, store: None, per_mille, random: Some(random) };
    });
}

/// Of a world that begins.
pub(crate) fn forget() {
    SEAMS.take();
}

/// Answers requests with `answer` at interleaving points, until it is dropped.
pub(crate) fn answer_by(node: NodeNumber, answer: &Rc<dyn Fn()>) {
    SEAMS.with_borrow_mut(|seams| seams[node.0].answer = Some(Rc::downgrade(answer)));
}

/// Stores batches with `store` at interleaving points, until it is dropped.
pub(crate) fn store_by(node: NodeNumber, store: &Rc<dyn Fn()>) {
    SEAMS.with_borrow_mut(|seams| seams[node.0].store = Some(Rc::downgrade(store)));
}

/// After a batch is stored and before it is announced: requests may be answered here.
pub(crate) fn others_answer(node: NodeNumber) {
    act(node, |seams| seams.answer.as_ref());
}

/// Just before the other node appends: this node may append first.
pub(crate) fn overtake(node: NodeNumber) {
    let store = SEAMS.with_borrow(|seams| seams[node.0].store.as_ref().and_then(Weak::upgrade));
    if let Some(store) = store {
        act_within(&store);
    }
}

/// While a request is being answered: a batch may be stored here.
fn others_store(node: NodeNumber) {
    act(node, |seams| seams.store.as_ref());
}

fn act(node: NodeNumber, which: impl FnOnce(&Seams) -> Option<&Act>) {
    let act = SEAMS.with_borrow_mut(|seams| {
        let seams = &mut seams[node.0];
        let per_mille = seams.per_mille;
        let happens = seams.random.as_mut().is_some_and(|random| random.chance(per_mille));
        which(seams).filter(|_| happens).and_then(Weak::upgrade)
    });
    if let Some(act) = act {
        act_within(&act);
    }
}

fn act_within(act: &Rc<dyn Fn()>) {
    if !IS_WITHIN.replace(true) {
        act();
        IS_WITHIN.set(false);
    }
}

/// A reader that can be interrupted while it answers.
#[derive(Debug)]
pub(crate) struct SlowReader {
    pub(crate) inner: MemoryReader,
    pub(crate) node: NodeNumber,
}

impl LogReader for SlowReader {
    fn head(&self) -> Position {
        self.inner.head()
    }

    fn epochs(&self) -> Result<Epochs, ReadError> {
        self.inner.epochs()
    }

    fn read(&self, after: Position, through: Position, budget: Budget) -> Result<Vec<Entry>, ReadError> {
        self.inner.read(after, through, budget)
    }

    fn locate(&self, room: RoomId, seq: Seq) -> Result<Position, ReadError> {
        self.inner.locate(room, seq)
    }

    fn messages(&self, room: RoomId, page: Page, after: Seq, limit: usize) -> Result<Messages, ReadError> {
        others_store(self.node);
        self.inner.messages(room, page, after, limit)
    }

    fn changes(&self, room: RoomId, after: Rev, budget: Budget) -> Result<Vec<Entry>, ReadError> {
        others_store(self.node);
        self.inner.changes(room, after, budget)
    }

    fn versions(&self, room: RoomId, seq: Seq) -> Result<Vec<Entry>, ReadError> {
        self.inner.versions(room, seq)
    }

    fn unread(&self, room: RoomId, after: Seq, reader: UserId, max: u32) -> Result<Unread, ReadError> {
        others_store(self.node);
        self.inner.unread(room, after, reader, max)
    }
}

//! Lets other threads of the server act in the middle of something, which a single thread would never show.
//!
//! The server's appender and its readers have threads of their own. Here everything runs on one thread, so there are
//! *interleaving points*. After a batch is stored and before it is announced, a reader may answer. While a reader
//! answers, the appender may store. The seed decides how often that happens.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use chat::{
    Budget, Entry, Epochs, LogReader, MemoryReader, Messages, Page, Position, ReadError, Rev, RoomId, Seq,
    Unread, UserId,
};

use crate::random::Random;

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
    static SEAMS: RefCell<Seams> = RefCell::default();
    /// An interruption is not interrupted itself.
    static IS_WITHIN: Cell<bool> = const { Cell::new(false) };
}

/// The interleaving points of a new server, at which nobody acts yet.
pub(crate) fn begin(per_mille: u64, random: Random) {
    IS_WITHIN.set(false);
    SEAMS.replace(Seams { answer: None, store: None, per_mille, random: Some(random) });
}

/// Answers requests with `answer` at interleaving points, until it is dropped.
pub(crate) fn answer_by(answer: &Rc<dyn Fn()>) {
    SEAMS.with_borrow_mut(|seams| seams.answer = Some(Rc::downgrade(answer)));
}

/// Stores batches with `store` at interleaving points, until it is dropped.
pub(crate) fn store_by(store: &Rc<dyn Fn()>) {
    SEAMS.with_borrow_mut(|seams| seams.store = Some(Rc::downgrade(store)));
}

/// After a batch is stored and before it is announced: requests may be answered here.
pub(crate) fn others_answer() {
    act(|seams| seams.answer.as_ref());
}

/// While a request is being answered: a batch may be stored here.
fn others_store() {
    act(|seams| seams.store.as_ref());
}

fn act(which: impl FnOnce(&Seams) -> Option<&Act>) {
    let act = SEAMS.with_borrow_mut(|seams| {
        let per_mille = seams.per_mille;
        let happens = seams.random.as_mut().is_some_and(|random| random.chance(per_mille));
        which(seams).filter(|_| happens).and_then(Weak::upgrade)
    });
    let Some(act) = act else { return };
    if !IS_WITHIN.replace(true) {
        act();
        IS_WITHIN.set(false);
    }
}

/// A reader that can be interrupted while it answers.
#[derive(Debug)]
pub(crate) struct SlowReader(pub(crate) MemoryReader);

impl LogReader for SlowReader {
    fn head(&self) -> Position {
        self.0.head()
    }

    fn epochs(&self) -> Result<Epochs, ReadError> {
        self.0.epochs()
    }

    fn read(&self, after: Position, through: Position, budget: Budget) -> Result<Vec<Entry>, ReadError> {
        self.0.read(after, through, budget)
    }

    fn locate(&self, room: RoomId, seq: Seq) -> Result<Position, ReadError> {
        self.0.locate(room, seq)
    }

    fn messages(&self, room: RoomId, page: Page, after: Seq, limit: usize) -> Result<Messages, ReadError> {
        others_store();
        self.0.messages(room, page, after, limit)
    }

    fn changes(&self, room: RoomId, after: Rev, budget: Budget) -> Result<Vec<Entry>, ReadError> {
        others_store();
        self.0.changes(room, after, budget)
    }

    fn versions(&self, room: RoomId, seq: Seq) -> Result<Vec<Entry>, ReadError> {
        self.0.versions(room, seq)
    }

    fn unread(&self, room: RoomId, after: Seq, reader: UserId, max: u32) -> Result<Unread, ReadError> {
        others_store();
        self.0.unread(room, after, reader, max)
    }
}

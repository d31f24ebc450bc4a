//! Lets other threads of the server act in the middle of something, which a single thread would never show.
//!
//! The server's appender and its readers have threads of their own. Here everything runs on one thread, so there are
//! *interleaving points*. After a batch is stored and before it is announced, a reader may answer. While a reader
//! answers, the appender may store. Between two actions of a worker, both may act; a worker may be late, and see only
//! some of what has arrived. The seed decides how often that happens. Each node has its own points; just before one node
//! appends, the other may append.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use chat::{
    Budget, Entry, Epochs, LogReader, MemoryReader, Messages, Page, Position, ReadError, Rev, RoomId, Seq,
    Unread, UserId,
};
use socketio_server::simulation::sew;

use crate::node_number::NodeNumber;
use crate::random::Random;
use crate::rare::{Rare, reached};
use crate::rates::TurnRates;

/// What is interrupted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Nothing,
    /// The appender, between a batch and its announcement.
    Batch,
    /// A reader that answers.
    Answer,
    /// A turn of a worker.
    Turn,
}

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
    static WITHIN: Cell<Within> = const { Cell::new(Within::Nothing) };
    /// The node whose tasks run.
    static RUNNING: Cell<Option<NodeNumber>> = const { Cell::new(None) };
    static TURNS: RefCell<Option<(TurnRates, Random)>> = const { RefCell::new(None) };
}

/// The interleaving points of a new node, at which nobody acts yet.
pub(crate) fn begin(node: NodeNumber, per_mille: u64, random: Random) {
    WITHIN.set(Within::Nothing);
    SEAMS.with_borrow_mut(|seams| {
        seams[node.0] = Seams { answer: None, store: None, per_mille, random: Some(random) };
    });
}

/// Of a world that begins, with the turns of its workers.
pub(crate) fn begin_world(turns: TurnRates, random: Random) {
    SEAMS.take();
    RUNNING.set(None);
    TURNS.set(Some((turns, random)));
    sew(Some(socketio_server::simulation::Seams { others_act: act_within_turn, share_of, rest }));
}

/// From now on, workers do everything at once.
pub(crate) fn calm_down() {
    TURNS.set(None);
}

/// Runs tasks of a node.
pub(crate) fn within<T>(node: NodeNumber, run: impl FnOnce() -> T) -> T {
    let before = RUNNING.replace(Some(node));
    let result = run();
    RUNNING.set(before);
    result
}

/// Draws something for a worker, with the probability that `rate` says.
fn draw<T>(rate: fn(&TurnRates) -> u64, draw: impl FnOnce(&TurnRates, &mut Random) -> T) -> Option<T> {
    TURNS.with_borrow_mut(|turns| {
        let (rates, random) = turns.as_mut()?;
        random.chance(rate(rates)).then(|| draw(rates, random))
    })
}

/// Between two actions of a worker: a batch may be stored, or requests may be answered.
fn act_within_turn() {
    let Some(NodeNumber(node)) = RUNNING.get() else { return };
    let Some(stores) = draw(|rates| rates.acts, |_, random| random.chance(500)) else { return };
    let act = SEAMS.with_borrow(|seams| {
        let Seams { answer, store, .. } = &seams[node];
        let act = if stores { store } else { answer };
        act.as_ref().and_then(Weak::upgrade)
    });
    if let Some(act) = act {
        act_within(Within::Turn, &act);
    }
}

fn share_of(waiting: usize) -> usize {
    let cut = |_: &TurnRates, random: &mut Random| random.index(waiting) + 1;
    if waiting < 2 { waiting } else { draw(|rates| rates.cuts, cut).unwrap_or(waiting) }
}

fn rest() -> Option<Duration> {
    draw(|rates| rates.rests, |rates, random| random.around(rates.rest))
}

/// A batch is stored by an interruption.
pub(crate) fn count_store() {
    match WITHIN.get() {
        Within::Nothing | Within::Batch => {}
        Within::Answer => reached(Rare::StoredWhileAnswered),
        Within::Turn => reached(Rare::StoredWithinTurn),
    }
}

/// A request is answered by an interruption.
pub(crate) fn count_answer() {
    match WITHIN.get() {
        Within::Nothing | Within::Answer => {}
        Within::Batch => reached(Rare::AnsweredBeforeAnnounced),
        Within::Turn => reached(Rare::AnsweredWithinTurn),
    }
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
    act(node, Within::Batch, |seams| seams.answer.as_ref());
}

/// Just before the other node appends: this node may append first.
pub(crate) fn overtake(node: NodeNumber) {
    let store = SEAMS.with_borrow(|seams| seams[node.0].store.as_ref().and_then(Weak::upgrade));
    if let Some(store) = store {
        act_within(Within::Batch, &store);
    }
}

/// While a request is being answered: a batch may be stored here.
fn others_store(node: NodeNumber) {
    act(node, Within::Answer, |seams| seams.store.as_ref());
}

fn act(node: NodeNumber, within: Within, which: impl FnOnce(&Seams) -> Option<&Act>) {
    let act = SEAMS.with_borrow_mut(|seams| {
        let seams = &mut seams[node.0];
        let per_mille = seams.per_mille;
        let happens = seams.random.as_mut().is_some_and(|random| random.chance(per_mille));
        which(seams).filter(|_| happens).and_then(Weak::upgrade)
    });
    if let Some(act) = act {
        act_within(within, &act);
    }
}

fn act_within(within: Within, act: &Rc<dyn Fn()>) {
    if WITHIN.get() == Within::Nothing {
        WITHIN.set(within);
        act();
        WITHIN.set(Within::Nothing);
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

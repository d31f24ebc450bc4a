//! Two writers of one log: whatever the order in which they look and append, one order comes of it.
//!
//! For backends that let several write ([`Writers::Several`](crate::Writers)). A writer that was overtaken stores nothing,
//! catches up and decides anew.

use crate::command::{Command, Draft};
use crate::decide::{Decided, Limits, Storage, decide};
use crate::device::{Device, DeviceId};
use crate::directory::Directory;
use crate::ids::{CommandNumber, Position, RoomId, Seq};
use crate::key::ClientKey;
use crate::log::{AppendError, Budget, CaughtUp, Log, LogReader, Lookup, Record, Writers};
use crate::name::Nickname;
use crate::outcome::{Outcome, Refusal};
use crate::pointer::ReadPointer;

use super::{ADA, ADAS, BOB, BOBS, Bench, command, draft, numbered, numbered_in, read_all, skip};

/// A place where a log is kept that several write to.
pub trait SharedBench: Bench {
    /// Another writer of the log that is open, and its reader.
    fn join(&mut self) -> (Self::Log, Self::Reader);
}

/// One writer, with what it knows of people and rooms.
struct Side<L, R> {
    log: L,
    reader: R,
    directory: Directory,
}

impl<L: Log, R: LogReader> Side<L, R> {
    fn new((mut log, reader): (L, R)) -> Self {
        let directory = Directory::load(&mut log).unwrap();
        Self { log, reader, directory }
    }

    fn decide(&mut self, drafts: &[Draft]) -> Decided {
        decide(&mut self.log, &self.directory, Limits::DEFAULT, Storage::Open, drafts).unwrap()
    }

    fn append(&mut self, decided: Decided) -> Result<Vec<Outcome>, AppendError> {
        self.log.append(&decided.records)?;
        self.directory = decided.directory;
        Ok(decided.outcomes)
    }

    /// Appends what was decided, or catches up and decides anew until that stands.
    fn store(&mut self, drafts: &[Draft], mut decided: Decided) -> Vec<Outcome> {
        loop {
            match self.append(decided) {
                Ok(outcomes) => return outcomes,
                Err(AppendError::Overtaken) => self.catch_up(),
                Err(error) => panic!("{error}"),
            }
            decided = self.decide(drafts);
        }
    }

    fn catch_up_to_the_head(&mut self) -> Position {
        self.catch_up();
        self.log.head()
    }

    fn catch_up(&mut self) {
        let after = self.log.head();
        let CaughtUp { head, pointers } = self.log.catch_up().unwrap();
        assert_eq!(self.log.head(), head);
        for pointer in pointers {
            self.directory.move_pointer(pointer);
        }
        let everything = Budget { entries: usize::MAX, bytes: usize::MAX };
        for entry in self.reader.read(after, head, everything).unwrap() {
            self.directory.apply(&entry);
        }
    }
}

fn sides<B: SharedBench>(bench: &mut B) -> [Side<B::Log, B::Reader>; 2] {
    let one = Side::new(bench.open());
    let other = Side::new(bench.join());
    assert_eq!((one.log.writers(), other.log.writers()), (Writers::Several, Writers::Several));
    [one, other]
}

/// A second writer goes on in the epoch of the first.
pub fn writers_share_an_epoch(bench: &mut impl SharedBench) {
    let [one, other] = sides(bench);
    assert_eq!(one.log.epochs(), other.log.epochs());
    assert_eq!(one.log.signing_keys(), other.log.signing_keys());
}

/// Nothing of a batch that was decided at an old head is stored.
pub fn an_overtaken_writer_stores_nothing(bench: &mut impl SharedBench) {
    let [mut one, mut other] = sides(bench);
    let late = other.decide(&[draft(Some(BOB), None, "late")]);
    let first = one.decide(&[draft(Some(ADA), None, "first")]);
    one.append(first).unwrap();
    assert_eq!(other.log.append(&late.records), Err(AppendError::Overtaken));
    assert_eq!(other.log.append(&late.records), Err(AppendError::Overtaken), "until it has caught up");
    assert_eq!(read_all(&one.reader).len(), 1);
    assert_eq!(other.log.head(), Position::ZERO, "a head is what the writer knows of");
    other.catch_up();
    assert_eq!(other.log.head(), Position(1));
    let late = other.decide(&[draft(Some(BOB), None, "late")]);
    other.append(late).unwrap();
    assert_eq!(other.log.head(), Position(2));
    assert_eq!(read_all(&one.reader), read_all(&other.reader));
    assert_eq!(read_all(&one.reader).len(), 2);
}

/// A result without an entry, and a pointer, do not move the head; a writer that has not seen them is overtaken all the same.
pub fn what_moves_no_head_overtakes_too(bench: &mut impl SharedBench) {
    let [mut one, mut other] = sides(bench);
    let drafts = [skip(ADAS, 1)];
    let late = other.decide(&drafts);
    let first = one.decide(&drafts);
    one.append(first).unwrap();
    assert_eq!(other.append(late), Err(AppendError::Overtaken));
    other.catch_up();
    let again = other.decide(&drafts);
    assert_eq!(other.append(again).unwrap(), [Outcome::Skipped]);
    let pointer = ReadPointer { user: ADAS.user, room: RoomId::LOBBY, seq: Seq(3) };
    one.catch_up();
    one.log.append(&[Record::Read(pointer)]).unwrap();
    let lower = Record::Read(ReadPointer { seq: Seq(2), ..pointer });
    assert_eq!(other.log.append(std::slice::from_ref(&lower)), Err(AppendError::Overtaken));
    other.catch_up();
    assert_eq!(other.directory.read(ADAS.user, RoomId::LOBBY), Seq(3));
    other.log.append(&[lower]).unwrap();
    assert_eq!(other.log.pointers().unwrap(), [pointer], "pointers only move forward");
}

/// They go on where the other writer has stopped, and both give the same answers.
pub fn numbers_without_an_entry_are_known_on_both_sides(bench: &mut impl SharedBench) {
    let mut sides = sides(bench);
    let drafts: Vec<_> = (1..=6).map(|n| numbered_in(RoomId(99), ADAS, n, &n.to_string())).collect();
    let refused = Outcome::Refused(Refusal::NotFound);
    for (turn, pair) in drafts.chunks(2).enumerate() {
        let side = &mut sides[turn % 2];
        side.catch_up();
        let decided = side.decide(pair);
        assert_eq!(side.append(decided).unwrap(), [refused; 2]);
    }
    for side in &mut sides {
        side.catch_up();
        assert_eq!(side.decide(&drafts).outcomes, [refused; 6]);
        let other = [numbered_in(RoomId(99), ADAS, 4, "four"), skip(ADAS, 8)];
        let next = Outcome::Expected { n: CommandNumber(7) };
        assert_eq!(side.decide(&other).outcomes, [Outcome::Refused(Refusal::Conflict), next]);
    }
}

/// An empty batch stands only at the present: so a writer learns whether what it has found out still holds.
pub fn an_empty_batch_tells_of_others(bench: &mut impl SharedBench) {
    let [mut one, mut other] = sides(bench);
    other.log.append(&[]).unwrap();
    one.log.append(&[]).unwrap();
    let first = one.decide(&[draft(Some(ADA), None, "first")]);
    one.append(first).unwrap();
    assert_eq!(other.log.append(&[]), Err(AppendError::Overtaken));
    other.catch_up();
    other.log.append(&[]).unwrap();
}

/// The orders in which two writers may look and append.
const ORDERS: [[usize; 4]; 6] =
    [[0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0], [1, 0, 0, 1], [1, 0, 1, 0], [1, 1, 0, 0]];

/// Both writers are sent the same keyed message and the same commands of a device. Whatever the order in which they look and
/// append, each is stored once, positions have no hole, and both sides end up with the same.
pub fn every_order_of_two_batches_is_one_order(bench: &mut impl SharedBench) {
    let mut sides = sides(bench);
    for (round, order) in (0_u8..).zip(ORDERS) {
        let before = sides.each_mut().map(Side::catch_up_to_the_head)[0];
        let batches = batches(round);
        let mut decided = [None, None];
        let mut outcomes = [Vec::new(), Vec::new()];
        for writer in order {
            let (side, batch) = (&mut sides[writer], &batches[writer]);
            match decided[writer].take() {
                None => decided[writer] = Some(side.decide(batch)),
                Some(batch_decided) => outcomes[writer] = side.store(batch, batch_decided),
            }
        }
        let stored = outcomes.iter().flatten().filter(|outcome| matches!(outcome, Outcome::Stored(_)));
        assert_eq!(stored.count(), 4, "{order:?}: {outcomes:?}");
        let [after, other] = sides.each_mut().map(Side::catch_up_to_the_head);
        assert_eq!((after.0, after), (before.0 + 4, other), "{order:?}");
        assert_eq!(sides[0].directory, sides[1].directory, "{order:?}");
        let positions: Vec<u64> = read_all(&sides[1].reader).iter().map(|entry| entry.position.0).collect();
        assert_eq!(positions, (1..=after.0).collect::<Vec<_>>(), "{order:?}");
        let asked = [(device(round), CommandNumber(2))];
        let counted = sides[0].log.find_by_device(&asked).unwrap();
        assert_eq!(counted[0].last, CommandNumber(2), "{order:?}");
        let key = ClientKey::from_stored(&format!("key {round}"));
        let lookup = Lookup::InLineage { lineage: ADA, key: &key };
        let found = sides.each_mut().map(|side| side.log.find(&[lookup]).unwrap()[0]);
        assert!(found[0].is_some() && found[0] == found[1], "{order:?}: {found:?}");
    }
}

fn device(round: u8) -> Device {
    Device { user: ADAS.user, id: DeviceId([round; 16]) }
}

/// What the two writers are sent: a message, two commands and a name, two of them by both.
fn batches(round: u8) -> [Vec<Draft>; 2] {
    let keyed = draft(Some(ADA), Some(&format!("key {round}")), "keyed");
    let one = numbered(device(round), 1, "one");
    let name = Nickname::from_stored(&format!("ada {round}"));
    let bobs = Device { id: device(round).id, ..BOBS };
    let name = command(bobs, 1, Command::Name { name });
    [vec![keyed.clone(), one.clone(), name], vec![one, keyed, numbered(device(round), 2, "two")]]
}

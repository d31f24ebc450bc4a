//! Rows of the table `spent`: runs of numbers that a device has used up without an entry.
//!
//! The first number of a run has columns of its own, and the others are packed into one. The last row of a device grows
//! by what is appended to it, and its checksum is made anew. What a later version has packed is kept as it is.

use chat::{
    CommandNumber, ContentHash, ContentTag, Device, DeviceId, Kept, Refusal, RoomId, Run, Spent, SpentOn,
    UnixMillis, UserId,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::checksum;
use crate::number::to_sql;

/// A statement with the columns that [`StoredRun::decode`] expects and then the short name of the device. `room` and `more` are
/// what stands for these columns: older schemas do not have them.
macro_rules! select {
    ($room:literal, $more:literal, $rest:literal) => {
        concat!(
            "SELECT user, device.device, n, result, at_ms, content, checksum, ",
            $room,
            ", ",
            $more,
            ", spent.device ",
            $rest
        )
    };
    ($rest:literal) => {
        $crate::runs::select!("room", "more", $rest)
    };
}
pub(crate) use select;

/// All rows, by device and number.
pub(crate) const SELECT: &str =
    select!("FROM spent LEFT JOIN device ON device.id = spent.device ORDER BY spent.device, n");

/// The same of a database from before there were runs.
pub(crate) const SELECT_WITHOUT_RUNS: &str = select!(
    "room",
    "NULL",
    "FROM spent LEFT JOIN device ON device.id = spent.device ORDER BY spent.device, n"
);

/// The same of a database from before there were rooms.
pub(crate) const SELECT_WITHOUT_ROOMS: &str = select!(
    "NULL",
    "NULL",
    "FROM spent LEFT JOIN device ON device.id = spent.device ORDER BY spent.device, n"
);

/// The columns with the first number of a row, with the others, and with the short name of the device.
pub(crate) const FIRST: usize = 2;
pub(crate) const MORE: usize = 8;
pub(crate) const DEVICE: usize = 9;

/// The short name of the device of a row, and its first number. In a damaged row both may be anything, zero if they are no
/// numbers.
pub(crate) fn key(row: &Row<'_>) -> (i64, i64) {
    let number = |column| row.get_ref(column).ok().and_then(|value| value.as_i64().ok()).unwrap_or(0);
    (number(DEVICE), number(FIRST))
}

/// What stands for the content of a command that is lost: no command that does anything has it.
pub(crate) const LOST_CONTENT: ContentHash = ContentHash([0; 16]);

/// A row of `spent`, as it was stored.
#[derive(Clone, Debug)]
pub(crate) struct StoredRun {
    pub(crate) run: Run,
    /// The first number. A later version may have stored another result than this one knows.
    first: Spent,
    result: i64,
    room: Option<i64>,
    /// The numbers after the first, packed.
    more: Vec<u8>,
}

impl StoredRun {
    fn of(first: Spent) -> Self {
        let room = match first.on {
            SpentOn::Skip | SpentOn::Refusal(_) => None,
            SpentOn::Nothing { room } => Some(to_sql(room.0)),
        };
        Self { run: Run::of(first), first, result: code(first.on), room, more: Vec::new() }
    }

    /// The run of a row, if the row is what was once stored.
    pub(crate) fn decode(row: &Row<'_>) -> Option<Self> {
        let number = |column: usize| row.get_ref(column).ok()?.as_i64().ok();
        let unsigned = |column: usize| u64::try_from(number(column)?).ok();
        let result = number(3)?;
        let room = row.get_ref(7).ok()?.as_i64_or_null().ok()?;
        let first = Spent {
            device: Device { user: UserId(unsigned(0)?), id: DeviceId(row.get(1).ok()?) },
            n: CommandNumber(unsigned(FIRST)?),
            on: on(result, room)?,
            at: UnixMillis(unsigned(4)?),
            content: ContentHash(row.get(5).ok()?),
        };
        let more = row.get_ref(MORE).ok()?.as_blob_or_null().ok()?.unwrap_or_default().to_vec();
        let mut stored = Self { run: Run::of(first), first, result, room, more };
        if number(6)? != stored.checksum() {
            return None;
        }
        let mut packed = &stored.more[..];
        while !packed.is_empty() {
            stored.run.add(unpack(&mut packed)?);
        }
        Some(stored)
    }

    /// A run of numbers whose results are lost: all of them are answered `conflict`.
    pub(crate) fn lost(device: Device, first: CommandNumber) -> Self {
        let on = SpentOn::Refusal(Refusal::Conflict);
        Self::of(Spent { device, n: first, content: LOST_CONTENT, on, at: UnixMillis(0) })
    }

    /// Adds results that are lost, until there are so many numbers.
    pub(crate) fn fill_up_to(&mut self, numbers: usize) {
        while self.run.numbers() < numbers {
            self.add(Kept::Refusal { why: Refusal::Conflict, content: LOST_CONTENT.tag() });
        }
    }

    fn add(&mut self, kept: Kept) {
        pack(&mut self.more, kept);
        self.run.add(kept);
    }

    fn checksum(&self) -> i64 {
        checksum::Spent {
            user: to_sql(self.first.device.user.0),
            device: &self.first.device.id.0,
            n: to_sql(self.first.n.0),
            result: self.result,
            at_ms: to_sql(self.first.at.0),
            content: &self.first.content.0,
            room: self.room,
            more: self.more(),
        }
        .checksum()
    }

    /// Rows from before there were runs have none, and a run of one number neither.
    pub(crate) fn more(&self) -> Option<&[u8]> {
        Some(&self.more[..]).filter(|more| !more.is_empty())
    }

    /// `id` is the short name of the device.
    pub(crate) fn insert(&self, connection: &Connection, id: i64) -> rusqlite::Result<()> {
        connection
            .prepare_cached(
                "INSERT INTO spent (device, n, result, at_ms, content, checksum, room, more)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                id,
                to_sql(self.first.n.0),
                self.result,
                to_sql(self.first.at.0),
                self.first.content.0,
                self.checksum(),
                self.room,
                self.more(),
            ])?;
        Ok(())
    }
}

/// Keeps the result of the next number of a device. `id` is the short name of the device.
pub(crate) fn keep(connection: &Connection, spent: &Spent, id: i64) -> rusqlite::Result<()> {
    let last = select!(
        "FROM spent JOIN device ON device.id = spent.device WHERE spent.device = ?1 ORDER BY n DESC LIMIT 1"
    );
    let last =
        connection.prepare_cached(last)?.query_row([id], |row| Ok(StoredRun::decode(row))).optional()?;
    let Some(mut stored) = last.flatten().filter(|stored| stored.run.takes(spent)) else {
        return StoredRun::of(*spent).insert(connection, id);
    };
    stored.add(Kept::of(spent));
    connection
        .prepare_cached("UPDATE spent SET more = ?3, checksum = ?4 WHERE device = ?1 AND n = ?2")?
        .execute(params![id, to_sql(stored.first.n.0), stored.more(), stored.checksum()])?;
    Ok(())
}

/// Adds a result to those that are packed.
fn pack(packed: &mut Vec<u8>, kept: Kept) {
    let byte = |on| u8::try_from(code(on)).expect("there are few results");
    match kept {
        Kept::Skip => packed.push(byte(SpentOn::Skip)),
        Kept::Refusal { why, content } => {
            packed.push(byte(SpentOn::Refusal(why)));
            packed.extend(content.0);
        }
        Kept::Nothing { room, content } => {
            packed.push(byte(SpentOn::Nothing { room }));
            packed.extend(room.0.to_le_bytes());
            packed.extend(content.0);
        }
    }
}

/// Takes the first result off those that are packed; `None` if that is none.
fn unpack(packed: &mut &[u8]) -> Option<Kept> {
    let [result] = take(packed)?;
    let result = i64::from(result);
    let room = if result == NOTHING { Some(i64::from_le_bytes(take(packed)?)) } else { None };
    Some(match on(result, room)? {
        SpentOn::Skip => Kept::Skip,
        SpentOn::Refusal(why) => Kept::Refusal { why, content: ContentTag(take(packed)?) },
        SpentOn::Nothing { room } => Kept::Nothing { room, content: ContentHash(take(packed)?) },
    })
}

fn take<const N: usize>(packed: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = packed.split_first_chunk()?;
    *packed = rest;
    Some(*taken)
}

const NOTHING: i64 = 3;
/// The first number of a result that this version does not know.
const UNKNOWN: i64 = 17;

/// As it stands in the table.
fn code(on: SpentOn) -> i64 {
    match on {
        SpentOn::Skip => 0,
        SpentOn::Nothing { .. } => NOTHING,
        SpentOn::Refusal(refusal) => match refusal {
            Refusal::Conflict => 1,
            Refusal::TooLarge => 2,
            Refusal::Empty => 4,
            Refusal::NotFound => 5,
            Refusal::Forbidden => 6,
            Refusal::NameTaken => 7,
            Refusal::NameInvalid => 8,
            Refusal::NameReserved => 9,
            Refusal::NameRequired => 10,
            Refusal::Limit => 11,
            Refusal::BadCode => 12,
            Refusal::Invalid => 13,
            Refusal::TopicInvalid => 14,
            Refusal::Damaged => 15,
            Refusal::Quota => 16,
            Refusal::Unknown => UNKNOWN,
        },
    }
}

/// What a later version has stored, with or without a room, is a refusal of a kind that this one does not know.
fn on(code: i64, room: Option<i64>) -> Option<SpentOn> {
    if code >= UNKNOWN {
        return Some(SpentOn::Refusal(Refusal::Unknown));
    }
    if let Some(room) = room {
        let room = RoomId(u64::try_from(room).ok()?);
        return (code == NOTHING).then_some(SpentOn::Nothing { room });
    }
    let refusals = Refusal::ALL.into_iter().map(SpentOn::Refusal);
    refusals.chain([SpentOn::Skip]).find(|on| self::code(*on) == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the room as it stands in the table.
    fn results() -> impl Iterator<Item = (SpentOn, Option<i64>)> {
        let refusals = Refusal::ALL.into_iter().map(SpentOn::Refusal).chain([SpentOn::Skip]);
        let nothing = SpentOn::Nothing { room: RoomId(7) };
        refusals.map(|on| (on, None)).chain([(nothing, Some(7))])
    }

    fn spent(on: SpentOn) -> Spent {
        let content = if on == SpentOn::Skip { ContentHash::NOTHING } else { ContentHash([0xab; 16]) };
        Spent { device: chat::conformance::ADAS, n: CommandNumber(1), content, on, at: UnixMillis(0) }
    }

    #[test]
    fn every_result_comes_back_from_the_table() {
        for (result, room) in results() {
            assert_eq!(on(code(result), room), Some(result));
        }
        assert_eq!(on(NOTHING, None), None);
        assert_eq!(on(1, Some(7)), None);
        assert_eq!(on(NOTHING, Some(-1)), None);
        assert_eq!(on(-1, None), None);
        for room in [None, Some(7)] {
            assert_eq!(on(99, room), Some(SpentOn::Refusal(Refusal::Unknown)));
        }
    }

    #[test]
    fn every_result_is_packed_into_as_many_bytes_as_are_counted_for_it_and_comes_back() {
        let kept: Vec<_> = results().map(|(on, _)| Kept::of(&spent(on))).collect();
        let mut packed = Vec::new();
        for kept in &kept {
            let before = packed.len();
            pack(&mut packed, *kept);
            assert_eq!(packed.len() - before, kept.bytes());
        }
        let mut rest = &packed[..];
        let back: Vec<_> = std::iter::from_fn(|| unpack(&mut rest)).collect();
        assert_eq!((back, rest.len()), (kept, 0));
    }

    #[test]
    fn what_is_cut_off_is_no_result_and_a_later_one_is_a_refusal() {
        for (on, _) in results() {
            let mut packed = Vec::new();
            pack(&mut packed, Kept::of(&spent(on)));
            for bytes in 0..packed.len() {
                assert_eq!(unpack(&mut &packed[..bytes]), None);
            }
        }
        let later = Kept::Refusal { why: Refusal::Unknown, content: ContentTag([1, 2, 3, 4]) };
        assert_eq!(unpack(&mut &[200, 1, 2, 3, 4][..]), Some(later));
    }
}

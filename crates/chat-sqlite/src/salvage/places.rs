//! The places of the log whose rows were not found: what the indexes of the old file say of them, or what is between
//! their neighbours.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};

use super::entries::{Damaged, missing};
use super::scan::read_both_ways;
use crate::kind::{DAMAGED, EDITED, MESSAGE};

/// What is known of a place.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    room: Option<(i64, i64)>,
    message: Option<i64>,
    target: Option<i64>,
    counted: Option<(i64, i64)>,
}

/// Writes a damaged row in each place that has none; returns how many.
pub(super) fn fill(old: &Connection, new: &Connection) -> rusqlite::Result<u64> {
    let (last, missing) = missing(new)?;
    let mut places: BTreeMap<i64, Place> = missing.into_iter().map(|at| (at, Place::default())).collect();
    let beyond = beyond(old, last);
    places.extend(beyond.into_iter().map(|at| (at, Place::default())));
    if places.is_empty() {
        return Ok(0);
    }
    ask_indexes(old, &mut places);
    let (told, untold): (Vec<_>, Vec<_>) = places.into_iter().partition(|(_, place)| place.room.is_some());
    let mut filled = 0;
    for (position, place) in told {
        let Some((room, rev)) = place.room else { continue };
        write(new, position, (room, rev), place)?;
        filled += 1;
    }
    // In each room numbers are dense: what is missing there is what stood in the places that no index knows.
    let mut gaps = if untold.is_empty() { Vec::new() } else { gaps(new)? };
    for (position, place) in untold {
        let fits = gaps.iter().position(|gap| gap.after < position && position < gap.before);
        let Some(gap) = fits.map(|fits| gaps.remove(fits)) else { continue };
        write(new, position, (gap.room, gap.rev), place)?;
        filled += 1;
    }
    Ok(filled)
}

fn write(new: &Connection, position: i64, (room, rev): (i64, i64), place: Place) -> rusqlite::Result<()> {
    let kind = match place {
        Place { message: Some(_), .. } => MESSAGE,
        Place { target: Some(_), .. } => EDITED,
        // Nobody can say what it was, so it may have been anything that people are let in or put out by.
        Place { message: None, target: None, .. } => DAMAGED,
    };
    let seq = match place.message {
        Some(seq) => seq,
        None => last_seq(new, room, position)?,
    };
    let target = place.target.filter(|_| kind == EDITED);
    Damaged { position, room, seq, rev, kind, target, counted: place.counted }.insert(new)
}

/// The places behind the last row that an index knows, without a gap.
fn beyond(old: &Connection, last: i64) -> Vec<i64> {
    let mut known = std::collections::BTreeSet::new();
    let select = "SELECT position FROM entry INDEXED BY entry_rev";
    read_both_ways(old, select, "room, rev", |row| {
        let position: i64 = row.get(0)?;
        if position > last {
            known.insert(position);
        }
        Ok(())
    });
    (last + 1..)
        .zip(known)
        .take_while(|(expected, position)| expected == position)
        .map(|(at, _)| at)
        .collect()
}

fn ask_indexes(old: &Connection, places: &mut BTreeMap<i64, Place>) {
    let mut ask = |select: &str, order: &str, tell: &dyn Fn(&Row<'_>, &mut Place) -> rusqlite::Result<()>| {
        read_both_ways(old, select, order, |row| match places.get_mut(&row.get(0)?) {
            Some(place) => tell(row, place),
            None => Ok(()),
        });
    };
    ask("SELECT position, room, rev FROM entry INDEXED BY entry_rev", "room, rev", &|row, place| {
        place.room = Some((row.get(1)?, row.get(2)?));
        Ok(())
    });
    ask(
        "SELECT position, seq FROM entry INDEXED BY entry_message WHERE kind = 1",
        "room, seq",
        &|row, place| {
            place.message = Some(row.get(1)?);
            Ok(())
        },
    );
    ask(
        "SELECT position, target FROM entry INDEXED BY entry_change WHERE target IS NOT NULL",
        "room, target",
        &|row, place| {
            place.target = Some(row.get(1)?);
            Ok(())
        },
    );
    ask(
        "SELECT position, device, n FROM entry INDEXED BY entry_counted WHERE device IS NOT NULL",
        "device, n",
        &|row, place| {
            place.counted = Some((row.get(1)?, row.get(2)?));
            Ok(())
        },
    );
}

/// A number that no row of a room has, with the places of the rows around it.
#[derive(Debug)]
struct Gap {
    room: i64,
    rev: i64,
    after: i64,
    before: i64,
}

fn gaps(new: &Connection) -> rusqlite::Result<Vec<Gap>> {
    let mut statement = new.prepare("SELECT room, rev, position FROM entry ORDER BY room, rev")?;
    let mut rows = statement.query([])?;
    let mut gaps = Vec::new();
    let (mut room, mut rev, mut after) = (0, 0, 0);
    while let Some(row) = rows.next()? {
        let (next, at, before): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if next != room {
            (room, rev, after) = (next, 0, 0);
        }
        gaps.extend((rev + 1..at).map(|rev| Gap { room, rev, after, before }));
        (rev, after) = (at, before);
    }
    Ok(gaps)
}

/// The number of the room's last message before a place.
fn last_seq(new: &Connection, room: i64, position: i64) -> rusqlite::Result<i64> {
    new.query_row(
        "SELECT seq FROM entry WHERE room = ?1 AND position < ?2 ORDER BY position DESC LIMIT 1",
        (room, position),
        |row| row.get(0),
    )
    .or_else(|err| if err == rusqlite::Error::QueryReturnedNoRows { Ok(0) } else { Err(err) })
}

//! Pages of one room: its messages in both directions, its changes, and the count of unread messages.

use std::ops::ControlFlow;

use chat::{Budget, Entry, Messages, Page, Rev, RoomId, Seq, Unread, UserId};
use rusqlite::{Connection, Params};

use crate::around::{Ways, ways};
use crate::damage::Damages;
use crate::number::to_sql;

/// Messages of a room, all in one read transaction.
pub(crate) fn messages(
    connection: &Connection,
    damages: &Damages,
    room: RoomId,
    page: Page,
    after: Seq,
    limit: usize,
) -> rusqlite::Result<Messages> {
    let snapshot = connection.unchecked_transaction()?;
    let room = Room { connection: &snapshot, damages, id: room, after };
    let (entries, is_first, is_last) = match page {
        Page::Newest => {
            let (entries, is_first) = room.last_ones(Seq(u64::MAX), limit)?;
            (entries, is_first, true)
        }
        Page::Before(seq) => {
            let (entries, is_first) = room.last_ones(seq, limit)?;
            (entries, is_first, room.first_ones(seq, 0)?.1)
        }
        Page::After(seq) => {
            let from = Seq(seq.0.saturating_add(1));
            let (entries, is_last) = room.first_ones(from, limit)?;
            (entries, room.last_ones(from, 0)?.1, is_last)
        }
        Page::Around(seq) => {
            let (before, from) = Page::halves(limit);
            let (mut entries, is_first) = room.last_ones(seq, before)?;
            let (later, is_last) = room.first_ones(seq, from)?;
            entries.extend(later);
            (entries, is_first, is_last)
        }
    };
    Ok(Messages { entries, is_first, is_last })
}

/// Entries of a room after `after`.
pub(crate) fn changes(
    connection: &Connection,
    damages: &Damages,
    room: RoomId,
    after: Rev,
    budget: Budget,
) -> rusqlite::Result<Vec<Entry>> {
    let (mut entries, mut bytes) = (Vec::<Entry>::new(), 0);
    CHANGES.read(connection, damages, &(to_sql(room.0), to_sql(after.0)), |entry| {
        bytes += entry.weight();
        entries.push(entry);
        enough(entries.len() >= budget.entries || bytes >= budget.bytes)
    })?;
    Ok(entries)
}

/// Counts what somebody has not read.
pub(crate) fn unread(
    connection: &Connection,
    damages: &Damages,
    room: RoomId,
    after: Seq,
    reader: UserId,
    max: u32,
) -> rusqlite::Result<Unread> {
    let mut unread = Unread { through: after, ..Unread::default() };
    let mut looks = 0;
    let parameters = (to_sql(room.0), to_sql(after.0.saturating_add(1)), -1);
    ASCENDING.read(connection, damages, &parameters, |entry| {
        if looks == Unread::LOOKS_MAX || unread.count >= max {
            unread.is_capped = true;
            return ControlFlow::Break(());
        }
        looks += 1;
        unread.look_at(&entry, reader);
        ControlFlow::Continue(())
    })?;
    Ok(unread)
}

const CHANGES: Ways = ways!("INDEXED BY entry_rev", "WHERE room = ?1 AND rev > ?2 ORDER BY rev");

const ASCENDING: Ways = ways!(
    "INDEXED BY entry_message",
    "WHERE room = ?1 AND kind = 1 AND seq >= ?2 ORDER BY seq, position LIMIT ?3"
);

const DESCENDING: Ways = ways!(
    "INDEXED BY entry_message",
    "WHERE room = ?1 AND kind = 1 AND seq < ?2 AND seq > ?3 ORDER BY seq DESC, position LIMIT ?4"
);

fn enough(is_enough: bool) -> ControlFlow<()> {
    if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// A room, as far as somebody may see it.
struct Room<'a> {
    connection: &'a Connection,
    damages: &'a Damages,
    id: RoomId,
    /// What has no higher number is not shown.
    after: Seq,
}

impl Room<'_> {
    /// The last messages before `seq`, in order, and whether there are no more.
    fn last_ones(&self, seq: Seq, limit: usize) -> rusqlite::Result<(Vec<Entry>, bool)> {
        let parameters = (to_sql(self.id.0), to_sql(seq.0), to_sql(self.after.0), one_more(limit));
        let (mut entries, is_all) = self.collect(DESCENDING, &parameters, limit)?;
        entries.reverse();
        Ok((entries, is_all))
    }

    /// The first messages from `seq` on, in order, and whether there are no more.
    fn first_ones(&self, seq: Seq, limit: usize) -> rusqlite::Result<(Vec<Entry>, bool)> {
        let from = seq.max(Seq(self.after.0.saturating_add(1)));
        self.collect(ASCENDING, &(to_sql(self.id.0), to_sql(from.0), one_more(limit)), limit)
    }

    fn collect(
        &self,
        ways: Ways,
        parameters: &(impl Params + Clone),
        limit: usize,
    ) -> rusqlite::Result<(Vec<Entry>, bool)> {
        let (mut entries, mut is_all) = (Vec::new(), true);
        ways.read(self.connection, self.damages, parameters, |entry| {
            is_all = entries.len() < limit;
            if is_all {
                entries.push(entry);
            }
            enough(!is_all)
        })?;
        Ok((entries, is_all))
    }
}

/// One more than is wanted tells whether there is more.
fn one_more(limit: usize) -> i64 {
    to_sql(limit as u64).saturating_add(1)
}

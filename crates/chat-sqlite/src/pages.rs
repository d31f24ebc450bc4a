//! Pages of one room: its messages in both directions, its changes, and the count of unread messages.

use chat::{Budget, Entry, Messages, Page, Position, ReadError, Rev, RoomId, Seq, Unread, UserId};
use rusqlite::{Connection, Statement};

use crate::damage::Damages;
use crate::error::read_error;
use crate::number::to_sql;
use crate::rows::select;

/// Messages of a room, all in one read transaction.
pub(crate) fn messages(
    connection: &Connection,
    damages: &Damages,
    room: RoomId,
    page: Page,
    after: Seq,
    limit: usize,
) -> Result<Messages, Failure> {
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
) -> Result<Vec<Entry>, Failure> {
    let mut statement = connection
        .prepare_cached(select!("entry INDEXED BY entry_rev", "WHERE room = ?1 AND rev > ?2 ORDER BY rev"))?;
    let mut rows = statement.query((to_sql(room.0), to_sql(after.0)))?;
    let (mut entries, mut bytes) = (Vec::<Entry>::new(), 0);
    while entries.is_empty() || entries.len() < budget.entries && bytes < budget.bytes {
        let Some(row) = rows.next()? else { break };
        let entry = damages.read(connection, row)?.map_err(Failure::Damaged)?;
        bytes += entry.weight();
        entries.push(entry);
    }
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
) -> Result<Unread, Failure> {
    let mut statement = connection.prepare_cached(ASCENDING)?;
    let mut rows = statement.query((to_sql(room.0), to_sql(after.0.saturating_add(1)), -1))?;
    let mut unread = Unread { through: after, ..Unread::default() };
    let mut looks = 0;
    while let Some(row) = rows.next()? {
        if looks == Unread::LOOKS_MAX || unread.count >= max {
            unread.is_capped = true;
            break;
        }
        looks += 1;
        unread.look_at(&damages.read(connection, row)?.map_err(Failure::Damaged)?, reader);
    }
    Ok(unread)
}

const ASCENDING: &str = select!(
    "entry INDEXED BY entry_message",
    "WHERE room = ?1 AND kind = 1 AND seq >= ?2 ORDER BY seq, position LIMIT ?3"
);

const DESCENDING: &str = select!(
    "entry INDEXED BY entry_message",
    "WHERE room = ?1 AND kind = 1 AND seq < ?2 AND seq > ?3 ORDER BY seq DESC, position LIMIT ?4"
);

/// Why there is no page.
pub(crate) enum Failure {
    Sql(rusqlite::Error),
    Damaged(Position),
}

impl Failure {
    /// As the reader tells it, who began at `head`.
    pub(crate) fn told(self, head: Position) -> ReadError {
        match self {
            Self::Sql(err) => read_error(&err, head),
            Self::Damaged(position) => ReadError::Corrupt { position },
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(err: rusqlite::Error) -> Self {
        Self::Sql(err)
    }
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
    fn last_ones(&self, seq: Seq, limit: usize) -> Result<(Vec<Entry>, bool), Failure> {
        let mut statement = self.connection.prepare_cached(DESCENDING)?;
        let after = to_sql(self.after.0);
        let parameters = (to_sql(self.id.0), to_sql(seq.0), after, one_more(limit));
        let (mut entries, is_all) = self.collect(&mut statement, parameters, limit)?;
        entries.reverse();
        Ok((entries, is_all))
    }

    /// The first messages from `seq` on, in order, and whether there are no more.
    fn first_ones(&self, seq: Seq, limit: usize) -> Result<(Vec<Entry>, bool), Failure> {
        let mut statement = self.connection.prepare_cached(ASCENDING)?;
        let from = seq.max(Seq(self.after.0.saturating_add(1)));
        self.collect(&mut statement, (to_sql(self.id.0), to_sql(from.0), one_more(limit)), limit)
    }

    fn collect(
        &self,
        statement: &mut Statement<'_>,
        parameters: impl rusqlite::Params,
        limit: usize,
    ) -> Result<(Vec<Entry>, bool), Failure> {
        let mut rows = statement.query(parameters)?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            if entries.len() == limit {
                return Ok((entries, false));
            }
            entries.push(self.damages.read(self.connection, row)?.map_err(Failure::Damaged)?);
        }
        Ok((entries, true))
    }
}

/// One more than is wanted tells whether there is more.
fn one_more(limit: usize) -> i64 {
    to_sql(limit as u64).saturating_add(1)
}

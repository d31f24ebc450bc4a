//! [`Ledger`]: every entry that was ever appended. It is kept apart from the log, so that the checker can judge what
//! the log forgets.
//! It is written beside the log, from the same batches. A text that was edited or deleted stays here, with the time
//! from which nobody may get it.

use chat::{Author, Body, Entry, Kind, Record, RoomKind};
use tidings::v1::names;

use crate::lives::Lives;
use crate::record::{Sender, Stored, Version, What};

/// All entries that one generation of the log has taken, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    entries: Vec<Stored>,
    lives: Lives,
    /// What not all nodes have heard of: from which position on it is rewritten, and where.
    rewritten: Vec<(u64, usize)>,
    /// All nodes have passed on what is up to here.
    spread: usize,
}

impl Ledger {
    /// The ledger of a log that exists already.
    pub(crate) fn of(entries: &[Entry]) -> Self {
        let entries = entries.iter().map(|entry| stored(entry, 0)).collect();
        Self { entries, ..Self::default() }
    }

    pub(crate) fn entries(&self) -> &[Stored] {
        &self.entries
    }

    /// Adds a batch that the log has taken.
    pub(crate) fn note(&mut self, batch: &[Record], micros: u128) {
        let after = self.entries.len() + batch.iter().filter_map(Record::entry).count();
        for record in batch {
            match record {
                Record::Entry { entry, .. } => {
                    self.lives.note(entry);
                    self.entries.push(stored(entry, micros));
                }
                Record::Rewrite(entry) => self.rewrite(entry, micros, after as u64),
                Record::Spent(_) | Record::Read(_) => {}
            }
        }
    }

    /// Whoever has come to `after` knows of it.
    fn rewrite(&mut self, entry: &Entry, micros: u128, after: u64) {
        let place = usize::try_from(entry.position.0).unwrap_or(usize::MAX).wrapping_sub(1);
        let Some(known) = self.entries.get_mut(place) else { return };
        for version in &mut known.versions {
            version.gone.get_or_insert(micros);
        }
        known.versions.extend(text_of(entry).map(|text| Version { text, gone: None }));
        self.rewritten.push((after, place));
    }

    /// All nodes that run have passed on what is up to a position: what it takes back is taken back from then on, and whom
    /// it sends away is sent away.
    pub(crate) fn spread(&mut self, through: u64, micros: u128) {
        let through_place = usize::try_from(through).unwrap_or(usize::MAX).min(self.entries.len());
        for entry in self.entries.get_mut(self.spread..through_place).unwrap_or_default() {
            entry.micros = micros;
        }
        self.spread = self.spread.max(through_place);
        let (known, unknown) = self.rewritten.iter().partition(|(at, _)| *at <= through);
        self.rewritten = unknown;
        let known: Vec<(u64, usize)> = known;
        for (_, place) in known {
            let versions = self.entries.get_mut(place).map(|entry| &mut entry.versions);
            for version in versions.into_iter().flatten() {
                version.gone = version.gone.map(|_| micros);
            }
        }
    }

    /// Removes the entries after `head`, which are lost.
    pub(crate) fn truncate(&mut self, head: u64) {
        self.entries.truncate(usize::try_from(head).unwrap_or(usize::MAX));
        self.rewritten.retain(|(at, _)| *at <= head);
        self.spread = self.spread.min(self.entries.len());
    }
}

fn stored(entry: &Entry, micros: u128) -> Stored {
    let sender = match entry.author {
        Some(Author::Device { device, n }) => {
            let id = tidings::v1::ids::WireDevice(device.id).to_string();
            Some(Sender { user: device.user.0, device: id, n: n.0 })
        }
        Some(Author::Lineage(_)) | None => None,
    };
    let (event, what) = event_of(&entry.kind);
    let versions = text_of(entry).map(|text| Version { text, gone: None });
    Stored {
        room: entry.room.0,
        seq: entry.seq.0,
        rev: entry.rev.0,
        micros,
        at: entry.at.0,
        sender,
        event,
        what,
        versions: versions.into_iter().collect(),
    }
}

fn text_of(entry: &Entry) -> Option<String> {
    match &entry.kind {
        Kind::Message { body: Body::Original(text) | Body::Edited(text) }
        | Kind::Edited { text: Some(text), .. } => Some(text.to_string()),
        Kind::Message { body: Body::Deleted | Body::Damaged }
        | Kind::Edited { text: None, .. }
        | Kind::Deleted { .. }
        | Kind::RoomCreated { .. }
        | Kind::RoomRenamed { .. }
        | Kind::TopicSet { .. }
        | Kind::Joined { .. }
        | Kind::Left { .. }
        | Kind::Removed { .. }
        | Kind::Named { .. }
        | Kind::Owner { .. }
        | Kind::SignedIn { .. }
        | Kind::SignedOut { .. }
        | Kind::Unknown { .. }
        | Kind::Damaged { .. } => None,
    }
}

fn event_of(kind: &Kind) -> (&'static str, What) {
    match kind {
        Kind::Message { .. } => (names::MESSAGE, What::Message),
        Kind::Edited { seq, .. } => (names::EDITED, What::Changed { seq: seq.0 }),
        Kind::Deleted { seq } => (names::DELETED, What::Changed { seq: seq.0 }),
        Kind::RoomCreated { kind, members, .. } => {
            let members = members.iter().map(|user| user.0).collect();
            (names::ROOM_CREATED, What::Opened { is_public: *kind == RoomKind::Public, members })
        }
        Kind::RoomRenamed { .. } => (names::ROOM_RENAMED, What::Other),
        Kind::TopicSet { .. } => (names::TOPIC, What::Other),
        Kind::Joined { user } => (names::JOINED, What::Joined(user.0)),
        Kind::Left { user } => (names::LEFT, What::Left(user.0)),
        Kind::Removed { user } => (names::REMOVED, What::Left(user.0)),
        Kind::Named { .. } => (names::NAMED, What::Other),
        Kind::Owner { .. } => (names::OWNER, What::Other),
        Kind::SignedIn { user, token, ended, .. } => {
            let id = |id| tidings::v1::ids::WireSignIn(id).to_string();
            let (user, id, ended) = (user.0, id(token.id()), ended.map(id));
            (names::SIGNED_IN, What::SignedIn { user, id, ended })
        }
        Kind::SignedOut { user, sign_ins } => {
            let ids = sign_ins.iter().map(|id| tidings::v1::ids::WireSignIn(*id).to_string());
            (names::SIGNED_OUT, What::SignedOut { user: user.0, ids: ids.collect() })
        }
        Kind::Unknown { .. } | Kind::Damaged { .. } => (names::UNKNOWN, What::Other),
    }
}

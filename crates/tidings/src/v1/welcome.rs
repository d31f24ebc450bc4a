//! The first event of a connection: who you are, which rooms you are in, and where the stream continues.

use std::cmp::Reverse;
use std::net::IpAddr;

use chat::{Directory, Room, RoomId, Snapshot, Trust, UnixMillis, UserId};
use serde::Serialize;
use socketio_server::{CursorAt, Feed, FeedPosition, Start};

use super::identity::ServerId;
use super::ids::WireSignIn;
use super::request::LIMIT_MAX;
use super::session::Session;
use super::view::{Person, RoomView};
use crate::planted::{self, Bug};
use crate::rare::{self, Rare};

/// A client that is further behind requests the rooms that it wants to show, instead of getting everything that
/// happened.
pub const RESUME_ENTRIES_MAX: u64 = 5_000;

/// So does a client that has missed more than this, however little of it was for this client: somebody has to look
/// through all of it.
pub const RESUME_DISTANCE_MAX: u64 = 50_000;

/// So many rooms a person may join at most: a welcome tells of all of them.
pub const ROOMS_JOINED_MAX: usize = chat::Limits::DEFAULT.rooms_joined_max;

/// Rooms that a welcome tells of: as many as a person may join, and the lobby.
const ROOMS_TOLD_MAX: usize = ROOMS_JOINED_MAX + 1;

/// How a connection goes on from its cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumption {
    /// Right after it.
    Resumed { after: FeedPosition },
    /// From now: there was none, or too much has happened since.
    Fresh,
    /// Not yet: another node has shown its client more, up to this position.
    Ahead { position: FeedPosition },
    /// From now: it is of a past that this log does not have.
    Reset,
}

impl Resumption {
    /// Judges the cursor of a connection. `is_near` says whether more entries than `entries_max` after a position are
    /// few for this client, because it may not see most of them.
    pub fn of(
        feed: &Feed,
        cursor: Option<&str>,
        entries_max: u64,
        is_near: impl FnOnce(FeedPosition) -> bool,
    ) -> Self {
        match cursor.map(|cursor| feed.position_of_cursor(cursor)) {
            None => Self::Fresh,
            Some(CursorAt::Foreign) if planted::is(Bug::OverlooksRestoredBackups) => Self::Fresh,
            Some(CursorAt::Foreign) => Self::Reset,
            Some(CursorAt::Ahead(position)) => Self::Ahead { position },
            Some(CursorAt::Known(after)) if feed.head().since(after) > entries_max && !is_near(after) => {
                rare::reached(Rare::TooFarBehind);
                Self::Fresh
            }
            Some(CursorAt::Known(after)) => Self::Resumed { after },
        }
    }

    /// Where the feed starts.
    pub fn start(self) -> Start {
        match self {
            Self::Resumed { after } => Start::After(after),
            Self::Ahead { position } => Start::Ahead(position),
            Self::Fresh | Self::Reset => Start::Now,
        }
    }
}

/// What the client may send and ask for.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct WireLimits {
    text: usize,
    name: usize,
    history: usize,
}

impl WireLimits {
    /// The limits of a server that accepts texts of this many bytes.
    pub fn new(text_bytes_max: usize) -> Self {
        Self { text: text_bytes_max, name: chat::Nickname::CHARS_MAX, history: LIMIT_MAX }
    }
}

/// The argument of the event.
#[derive(Debug, Serialize)]
pub struct Welcome<'a> {
    server: ServerId,
    /// The clock of the server, for people whose own is wrong.
    at: u64,
    user: Person<'a>,
    owner: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pass: Option<String>,
    /// Which of the person's sign-ins this is, or will be.
    sign_in: WireSignIn,
    cursor: String,
    resumed: bool,
    reset: bool,
    rooms: Vec<RoomView<'a>>,
    online: usize,
    limits: WireLimits,
    /// What the operator should mend, for the owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    untrusted: Option<IpAddr>,
}

impl<'a> Welcome<'a> {
    /// For the owner of `session`; `cursor` is where the stream starts.
    #[expect(clippy::too_many_arguments, reason = "it tells of everything at once")]
    pub fn new(
        server: ServerId,
        at: UnixMillis,
        session: &'a Session,
        now: &'a Snapshot,
        cursor: String,
        resumption: Resumption,
        online: usize,
        limits: WireLimits,
    ) -> Self {
        let user = session.user;
        let rooms = rooms_told(now, user)
            .into_iter()
            .map(|(id, room)| RoomView::of(now, user, (id, room), now.numbers(id)));
        Self {
            server,
            at: at.0,
            user: Person::of(now, user),
            owner: now.is_owner(user),
            token: session.token.as_ref().map(|token| token.0.as_str()),
            pass: None,
            sign_in: WireSignIn(session.sign_in.token.id()),
            cursor,
            resumed: matches!(resumption, Resumption::Resumed { .. }),
            reset: resumption == Resumption::Reset,
            rooms: rooms.collect(),
            online,
            limits,
            untrusted: None,
        }
    }

    /// Gives a member a pass for the door. Whoever comes may be many guests, who would have as many lines.
    pub fn with_pass(self, trust: Trust, sign: impl FnOnce() -> String) -> Self {
        Self { pass: (trust == Trust::Member).then(sign), ..self }
    }

    /// Tells the owner, and nobody else, of a proxy that the operator has not named: behind it, all have one address.
    pub fn with_untrusted_proxy(self, find: impl FnOnce() -> Option<IpAddr>) -> Self {
        let untrusted = if self.owner { find() } else { None };
        Self { untrusted, ..self }
    }
}

/// The lobby and the rooms of a person. Others can bring somebody into any number of rooms; of too many, those come first
/// that the person has joined, and then the newest.
fn rooms_told(now: &Directory, user: UserId) -> Vec<(RoomId, &Room)> {
    let mut rooms: Vec<_> = now.rooms_of(user).collect();
    if rooms.len() > ROOMS_TOLD_MAX {
        let is_others = |room: &Room| room.membership(user).is_some_and(|membership| !membership.by_self);
        rooms.sort_by_key(|(id, room)| (is_others(room), Reverse(*id)));
        rooms.truncate(ROOMS_TOLD_MAX);
        rooms.sort_by_key(|(id, _)| *id);
    }
    rooms
}

#[cfg(test)]
mod tests {
    use chat::{Author, CommandNumber, Device, DeviceId, Entry, Kind, Position, Rev, RoomKind, Seq, Topic};
    use socketio_server::{EpochStart, FeedConfig, Offset};

    use super::*;

    /// 10,000 entries, taken back to 4,000 once.
    fn feed() -> Feed {
        let epochs = vec![
            EpochStart { epoch: 7.into(), start: 0.into() },
            EpochStart { epoch: 9.into(), start: 4_000.into() },
        ];
        Feed::new(FeedConfig { log: 1.into(), epochs, head: 10_000.into(), ..FeedConfig::in_memory() })
    }

    fn resumption(epoch: u64, position: u64) -> Resumption {
        let cursor = Offset { log: 1, epoch, position }.to_string();
        Resumption::of(&feed(), Some(&cursor), RESUME_ENTRIES_MAX, |_| false)
    }

    #[test]
    fn a_connection_goes_on_from_its_cursor_if_that_is_not_too_far_back() {
        assert_eq!(resumption(9, 10_000), Resumption::Resumed { after: 10_000.into() });
        assert_eq!(resumption(9, RESUME_ENTRIES_MAX), Resumption::Resumed { after: 5_000.into() });
        assert_eq!(resumption(9, 4_999), Resumption::Fresh);
        assert_eq!(resumption(7, 3_000), Resumption::Fresh);
        assert_eq!(Resumption::of(&feed(), None, RESUME_ENTRIES_MAX, |_| true), Resumption::Fresh);
    }

    #[test]
    fn a_cursor_that_another_node_has_given_is_waited_for_where_others_append() {
        let epochs = vec![
            EpochStart { epoch: 7.into(), start: 0.into() },
            EpochStart { epoch: 9.into(), start: 4_000.into() },
        ];
        let ahead_wait = Some(std::time::Duration::from_secs(2));
        let feed =
            FeedConfig { log: 1.into(), epochs, head: 10_000.into(), ahead_wait, ..FeedConfig::in_memory() };
        let feed = Feed::new(feed);
        let resumption = |epoch, position| {
            let cursor = Offset { log: 1, epoch, position }.to_string();
            Resumption::of(&feed, Some(&cursor), RESUME_ENTRIES_MAX, |_| false)
        };
        assert_eq!(resumption(9, 10_001), Resumption::Ahead { position: 10_001.into() });
        assert_eq!(resumption(9, 10_000), Resumption::Resumed { after: 10_000.into() });
        assert_eq!(resumption(7, 4_001), Resumption::Reset);
        assert_eq!(resumption(8, 10_001), Resumption::Reset);
    }

    #[test]
    fn a_person_whom_others_have_brought_into_many_rooms_is_told_of_their_own() {
        let entry = |position: u64, author: u64, members: Vec<UserId>| Entry {
            position: Position(position),
            room: RoomId(position + 1),
            seq: Seq::ZERO,
            rev: Rev(1),
            at: UnixMillis(0),
            author: Some(Author::Device {
                device: Device { user: UserId(author), id: DeviceId([0; 16]) },
                n: CommandNumber(1),
            }),
            kind: Kind::RoomCreated { kind: RoomKind::Direct, name: None, topic: Topic::default(), members },
        };
        let mut directory = Directory::default();
        for position in 1..=2_000 {
            let (own, other) = (UserId(1), UserId(position + 10));
            let author = if position <= 500 { own } else { other };
            directory.apply(&entry(position, author.0, vec![own, other]));
        }
        let told: Vec<_> = rooms_told(&directory, UserId(1)).into_iter().map(|(id, _)| id.0).collect();
        let expected: Vec<_> = (1..=501).chain(1_502..=2_001).collect();
        assert_eq!(told, expected, "the lobby, 500 of their own, and the 500 newest of others");
    }

    #[test]
    fn a_past_that_is_no_more_is_a_reset() {
        assert_eq!(resumption(7, 4_001), Resumption::Reset);
        assert_eq!(resumption(9, 10_001), Resumption::Reset);
        assert_eq!(resumption(8, 1), Resumption::Reset);
        assert_eq!(
            Resumption::of(&feed(), Some("nonsense"), RESUME_ENTRIES_MAX, |_| true),
            Resumption::Reset
        );
    }
}

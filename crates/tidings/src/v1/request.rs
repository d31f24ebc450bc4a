//! Requests: turns an event into a typed request.
//!
//! Requests are not numbered and not stored. Fields of the wrong type are answered `invalid`.

use std::collections::BTreeSet;

use chat::{Page, Rev, RoomId, Seq, UserId};
use serde::Deserialize;
use socketio_server::Payload;

use super::command::Malformed;
use super::ids::{Number, WireUser};
use super::session::Secret;
use crate::names::RequestName;

/// Rooms that one request may ask the unread messages of.
const UNREAD_ROOMS_MAX: usize = 100;

/// How many items an answer has if the request names no limit.
const LIMIT: usize = 50;

/// How many items an answer has at most.
pub const LIMIT_MAX: usize = 100;

/// A request of `/v1`, with its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    History { room: RoomId, page: Page, limit: usize },
    Changes { room: RoomId, after: Rev, limit: usize },
    Rooms { after: Option<RoomId>, limit: usize },
    Members { room: RoomId, after: Option<UserId> },
    Who { after: Option<UserId> },
    Unread { rooms: Vec<RoomId> },
    Invite { room: RoomId },
    Link,
    Code { code: Secret },
    SignIns,
}

impl Request {
    /// The rooms that the answer describes in detail.
    pub fn rooms(&self) -> impl Iterator<Item = RoomId> + '_ {
        let rooms = match self {
            Self::History { room, .. }
            | Self::Changes { room, .. }
            | Self::Members { room, .. }
            | Self::Invite { room } => std::slice::from_ref(room),
            Self::Unread { rooms } => rooms,
            Self::Rooms { .. } | Self::Who { .. } | Self::Link | Self::Code { .. } | Self::SignIns => &[],
        };
        rooms.iter().copied()
    }

    /// Reads a request from the event with this name.
    pub fn parse(name: RequestName, payload: &Payload<'_>) -> Result<Self, Malformed> {
        Ok(match name {
            RequestName::History => {
                let History { room, before, after, around, limit } = read(payload)?;
                let page = match (before, after, around) {
                    (None, None, None) => Page::Newest,
                    (Some(before), None, None) => Page::Before(Seq(before.0)),
                    (None, Some(after), None) => Page::After(Seq(after.0)),
                    (None, None, Some(around)) => Page::Around(Seq(around.0)),
                    (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
                        return Err(Malformed);
                    }
                };
                Self::History { room: room.room(), page, limit: bounded(limit, LIMIT)? }
            }
            RequestName::Changes => {
                let Changes { room, after, limit } = read(payload)?;
                Self::Changes { room: room.room(), after: Rev(after.0), limit: bounded(limit, LIMIT_MAX)? }
            }
            RequestName::Rooms => {
                let Rooms { after, limit } = read_or_nothing(payload)?;
                Self::Rooms { after: after.map(Number::room), limit: bounded(limit, LIMIT)? }
            }
            RequestName::Members => {
                let Members { room, after } = read(payload)?;
                Self::Members { room: room.room(), after: after.map(|user| user.0) }
            }
            RequestName::Who => {
                Self::Who { after: read_or_nothing::<Who>(payload)?.after.map(|user| user.0) }
            }
            RequestName::Unread => {
                let Unread { rooms } = read(payload)?;
                if rooms.len() > UNREAD_ROOMS_MAX {
                    return Err(Malformed);
                }
                // A room that is named often is counted once.
                let mut named = BTreeSet::new();
                let rooms = rooms.into_iter().map(Number::room);
                Self::Unread { rooms: rooms.filter(|room| named.insert(*room)).collect() }
            }
            RequestName::Invite => Self::Invite { room: read::<OfRoom>(payload)?.room.room() },
            RequestName::Link => Self::Link,
            RequestName::SignIns => Self::SignIns,
            RequestName::Code => Self::Code { code: read::<OfCode>(payload)?.code },
        })
    }
}

/// A read pointer that is to be moved, or the room that somebody writes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    pub room: RoomId,
    pub seq: Seq,
}

impl Moved {
    /// Reads the event `read`.
    pub fn parse(payload: &Payload<'_>) -> Result<Self, Malformed> {
        let Read { room, seq } = read(payload)?;
        Ok(Self { room: room.room(), seq: Seq(seq.0) })
    }
}

/// Reads the events `typing` and `typing stopped`: where.
pub fn typing(payload: &Payload<'_>) -> Result<RoomId, Malformed> {
    Ok(read::<OfRoom>(payload)?.room.room())
}

fn bounded(limit: Option<Number>, default: usize) -> Result<usize, Malformed> {
    let Some(limit) = limit else { return Ok(default) };
    match usize::try_from(limit.0) {
        Ok(0) => Err(Malformed),
        Ok(limit) => Ok(limit.min(LIMIT_MAX)),
        Err(_) => Ok(LIMIT_MAX),
    }
}

fn read<'a, T: Deserialize<'a>>(payload: &'a Payload<'_>) -> Result<T, Malformed> {
    payload.first().map_err(|_| Malformed)
}

/// For what may be asked without saying anything.
fn read_or_nothing<'a, T: Deserialize<'a> + Default>(payload: &'a Payload<'_>) -> Result<T, Malformed> {
    Ok(payload.first::<Option<T>>().map_err(|_| Malformed)?.unwrap_or_default())
}

#[derive(Deserialize)]
struct History {
    room: Number,
    before: Option<Number>,
    after: Option<Number>,
    around: Option<Number>,
    limit: Option<Number>,
}

#[derive(Deserialize)]
struct Changes {
    room: Number,
    after: Number,
    limit: Option<Number>,
}

#[derive(Deserialize, Default)]
struct Rooms {
    after: Option<Number>,
    limit: Option<Number>,
}

#[derive(Deserialize)]
struct Members {
    room: Number,
    after: Option<WireUser>,
}

#[derive(Deserialize, Default)]
struct Who {
    after: Option<WireUser>,
}

#[derive(Deserialize)]
struct Unread {
    rooms: Vec<Number>,
}

#[derive(Deserialize)]
struct OfRoom {
    room: Number,
}

#[derive(Deserialize)]
struct OfCode {
    code: Secret,
}

#[derive(Deserialize)]
struct Read {
    room: Number,
    seq: Number,
}

//! Answers to commands and requests, as the arguments of an ack.

use chat::{CommandNumber, Outcome, Position, ReadError, Receipt, Refusal, RoomId};
use serde::Serialize;
use serde_json::value::RawValue;

use super::view::RoomView;
use crate::names::CommandName;
use crate::planted::{self, Bug};
use crate::stats::Count;

/// Why a request has no answer, or a command was not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// It is not of the right shape.
    Invalid,
    /// A durable command of a connection that has not said which device it is.
    NoDevice,
    /// There is no such thing, or who asks may not know of it.
    NotFound,
    /// The sender may know of it, but may not do this.
    Forbidden,
    /// The code leads nowhere, whatever the reason.
    BadCode,
    /// What is asked for stands in the log, but is not what was once stored.
    Damaged,
    /// Too much is asked, or the log cannot be read now.
    Busy,
}

impl RequestError {
    /// What may pass is to be asked again, and what is damaged is not; the operator is told why.
    #[expect(clippy::needless_pass_by_value, reason = "made for map_err")]
    pub(super) fn unreadable(error: ReadError) -> Self {
        tracing::error!(%error, "the log cannot be read");
        match error {
            ReadError::Corrupt { .. } => Self::Damaged,
            ReadError::Unavailable { .. } => Self::Busy,
        }
    }

    /// What it is counted as.
    pub(super) fn count(self) -> Count {
        match self {
            Self::Invalid => Count::RefusedInvalid,
            Self::NoDevice => Count::RefusedNoDevice,
            Self::NotFound => Count::RefusedNotFound,
            Self::Forbidden => Count::RefusedForbidden,
            Self::BadCode => Count::RefusedBadCode,
            Self::Damaged => Count::RefusedDamaged,
            Self::Busy => Count::RefusedBusy,
        }
    }

    /// As arguments of an ack.
    pub fn answer(self) -> String {
        let code = match self {
            Self::Invalid => "invalid",
            Self::NoDevice => "no_device",
            Self::NotFound => "not_found",
            Self::Forbidden => "forbidden",
            Self::BadCode => "bad_code",
            Self::Damaged => "damaged",
            Self::Busy => "busy",
        };
        format!(r#"{{"ok":false,"code":"{code}"}}"#)
    }
}

#[derive(Serialize)]
struct Stored<'a> {
    ok: bool,
    n: u64,
    cursor: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rev: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<RoomView<'a>>,
}

/// What the sender of command `n` is told; `about` is the room that it has let them in.
pub fn of_command(
    name: CommandName,
    n: CommandNumber,
    outcome: &Outcome,
    about: Option<RoomView<'_>>,
    cursor: impl FnOnce(Position) -> String,
) -> String {
    match outcome {
        Outcome::Stored(receipt) | Outcome::Repeated(receipt) => stored(name, n, receipt, about, cursor),
        Outcome::Already { room } => already(n, *room),
        Outcome::Refused(refusal) => refused_by_number(n, *refusal),
        Outcome::Skipped => format!(r#"{{"ok":true,"n":{n},"skipped":true}}"#),
        Outcome::Expected { .. } if planted::is(Bug::AnswersExpectedAsOk) => already(n, RoomId::LOBBY),
        Outcome::Expected { n } => format!(r#"{{"ok":false,"code":"expected","expected":{n}}}"#),
        Outcome::StorageFull => STORAGE_FULL.into(),
        // No command is answered so; see `READ`.
        Outcome::Read { .. } => DONE.into(),
    }
}

fn stored(
    name: CommandName,
    n: CommandNumber,
    receipt: &Receipt,
    about: Option<RoomView<'_>>,
    cursor: impl FnOnce(Position) -> String,
) -> String {
    // Only a message uses up a number; what stands there for others is that of the message before.
    let seq = (name == CommandName::Say).then_some(receipt.seq.0);
    let cursor = cursor(receipt.position);
    // What concerns one person alone has numbers that would tell of others.
    let is_of_room = receipt.room != RoomId::PERSONAL;
    let (room, rev) = (is_of_room.then_some(receipt.room.0), is_of_room.then_some(receipt.rev.0));
    let at = receipt.at.0;
    encode(&Stored { ok: true, n: n.0, cursor: &cursor, room, rev, seq, at, about })
}

fn already(n: CommandNumber, room: RoomId) -> String {
    format!(r#"{{"ok":true,"n":{n},"room":{room}}}"#)
}

fn refused_by_number(n: CommandNumber, refusal: Refusal) -> String {
    format!(r#"{{"ok":false,"n":{n},"code":"{}"}}"#, refusal.code())
}

/// The answer to what has no number and may not be.
pub fn refused(refusal: Refusal) -> String {
    format!(r#"{{"ok":false,"code":"{}"}}"#, refusal.code())
}

/// The answer to what cannot be stored now. Its number is not used up.
pub const STORAGE_FULL: &str = r#"{"ok":false,"code":"storage_full"}"#;

/// The answer to what needs none but that it was done.
pub const DONE: &str = r#"{"ok":true}"#;

/// A view as JSON that stands in another one.
pub fn raw(view: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(view).expect("views have string keys and no number that JSON lacks")
}

/// A view as JSON.
pub fn encode(view: &impl Serialize) -> String {
    serde_json::to_string(view).expect("views have string keys and no number that JSON lacks")
}

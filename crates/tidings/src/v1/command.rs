//! Durable commands: turns an event into a typed command with its number.
//!
//! Fields of the wrong type are [`Malformed`] and do not use up the number: that is a mistake of the program. A
//! well-formed command that can never succeed (an empty text, a reserved name, a code that we have not signed) becomes
//! [`Command::Rejected`]: a person's mistake, with a permanent answer.

use std::borrow::Cow;

use chat::{
    Command, CommandNumber, ContentHash, JoinBy, Nickname, Refusal, RoomKind, RoomName, Seq, SignOutOf, Text,
    Topic,
};
use serde::Deserialize;
use socketio_server::Payload;

use super::identity::{Invite, Signer};
use super::ids::{Number, WireSignIn, WireUser};
use crate::names::CommandName;

/// People of one direct conversation besides the one who opens it. The log has the last word; this bounds what is read.
pub const WITH_MAX: usize = 100;

/// A command and its number among those of its device.
#[derive(Debug, PartialEq, Eq)]
pub struct Numbered {
    pub n: CommandNumber,
    pub command: Command,
}

/// The event is not of the shape that its name asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl Numbered {
    /// Reads the event of this name.
    pub fn parse(name: CommandName, payload: &Payload<'_>, signer: &Signer) -> Result<Self, Malformed> {
        let n = read::<OnlyNumber>(payload)?.n;
        if n.0 == 0 {
            return Err(Malformed);
        }
        let command = command(name, payload, signer)?;
        // What was sent is told from something else by all of it: the same device repeats the same bytes.
        let command = command.unwrap_or_else(|why| Command::Rejected {
            why,
            content: ContentHash::of_raw(format!("{}\0{}", name.as_str(), payload.args_json()).as_bytes()),
        });
        Ok(Self { n: CommandNumber(n.0), command })
    }
}

/// The code that a command shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ShownCode {
    None,
    Good,
    Bad,
}

impl ShownCode {
    /// Looks at a command that was read.
    pub(super) fn of(command: &Command) -> Self {
        match command {
            Command::Claim | Command::Join { by: JoinBy::Invite(_), .. } => Self::Good,
            Command::Rejected { why: Refusal::BadCode, .. } => Self::Bad,
            Command::Join { by: JoinBy::Open, .. }
            | Command::Rejected { .. }
            | Command::Say { .. }
            | Command::Edit { .. }
            | Command::Delete { .. }
            | Command::Create { .. }
            | Command::Direct { .. }
            | Command::Rename { .. }
            | Command::SetTopic { .. }
            | Command::Leave { .. }
            | Command::Add { .. }
            | Command::Remove { .. }
            | Command::Name { .. }
            | Command::SignIn { .. }
            | Command::SignOut { .. }
            | Command::Read { .. }
            | Command::Skip => Self::None,
        }
    }
}

/// The inner result is what can never be carried out.
fn command(
    name: CommandName,
    payload: &Payload<'_>,
    signer: &Signer,
) -> Result<Result<Command, Refusal>, Malformed> {
    Ok(match name {
        CommandName::Say => read::<Say<'_>>(payload)?.command(),
        CommandName::Edit => read::<Edit<'_>>(payload)?.command(),
        CommandName::Delete => {
            let OfMessage { room, seq } = read(payload)?;
            Ok(Command::Delete { room: room.room(), seq: Seq(seq.0) })
        }
        CommandName::Create => read::<Create<'_>>(payload)?.command(),
        CommandName::Direct => {
            let Direct { with } = read(payload)?;
            if with.len() > WITH_MAX {
                Err(Refusal::Limit)
            } else {
                Ok(Command::Direct { with: with.into_iter().map(|user| user.0).collect() })
            }
        }
        CommandName::Rename => {
            let Rename { room, name } = read(payload)?;
            RoomName::parse(&name)
                .map(|name| Command::Rename { room: room.room(), name })
                .map_err(Refusal::from)
        }
        CommandName::SetTopic => {
            let SetTopic { room, topic } = read(payload)?;
            Topic::parse(&topic)
                .map(|topic| Command::SetTopic { room: room.room(), topic })
                .map_err(Refusal::from)
        }
        CommandName::Join => return join(&read(payload)?, signer),
        CommandName::Leave => Ok(Command::Leave { room: read::<OfRoom>(payload)?.room.room() }),
        CommandName::Add => {
            let OfMember { room, user } = read(payload)?;
            Ok(Command::Add { room: room.room(), user: user.0 })
        }
        CommandName::Remove => {
            let OfMember { room, user } = read(payload)?;
            Ok(Command::Remove { room: room.room(), user: user.0 })
        }
        CommandName::Name => {
            let Name { name } = read(payload)?;
            Nickname::parse(&name).map(|name| Command::Name { name }).map_err(Refusal::from)
        }
        CommandName::Claim => {
            let Claim { code } = read(payload)?;
            if signer.is_setup_code(&code) { Ok(Command::Claim) } else { Err(Refusal::BadCode) }
        }
        CommandName::SignOut => {
            let of = match read(payload)? {
                SignOut { sign_in: Some(one), keep: None } => SignOutOf::One(one.0),
                SignOut { sign_in: None, keep: Some(keep) } => SignOutOf::Others { keep: keep.0 },
                SignOut { .. } => return Err(Malformed),
            };
            Ok(Command::SignOut { of })
        }
        CommandName::Skip => Ok(Command::Skip),
    })
}

fn join(raw: &Join<'_>, signer: &Signer) -> Result<Result<Command, Refusal>, Malformed> {
    Ok(match (raw.room, &raw.invite) {
        (Some(room), None) => Ok(Command::Join { room: room.room(), by: JoinBy::Open }),
        (None, Some(code)) => match signer.invited(code) {
            Some(Invite { room, generation, by: _ }) => {
                Ok(Command::Join { room, by: JoinBy::Invite(generation) })
            }
            None => Err(Refusal::BadCode),
        },
        (Some(_), Some(_)) | (None, None) => return Err(Malformed),
    })
}

fn read<'a, T: Deserialize<'a>>(payload: &'a Payload<'_>) -> Result<T, Malformed> {
    payload.first().map_err(|_| Malformed)
}

#[derive(Deserialize)]
struct OnlyNumber {
    n: Number,
}

#[derive(Deserialize)]
struct Say<'a> {
    room: Number,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

impl Say<'_> {
    fn command(&self) -> Result<Command, Refusal> {
        Ok(Command::Say { room: self.room.room(), text: Text::parse(&self.text)? })
    }
}

#[derive(Deserialize)]
struct Edit<'a> {
    room: Number,
    seq: Number,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

impl Edit<'_> {
    fn command(&self) -> Result<Command, Refusal> {
        Ok(Command::Edit { room: self.room.room(), seq: Seq(self.seq.0), text: Text::parse(&self.text)? })
    }
}

#[derive(Deserialize)]
struct OfMessage {
    room: Number,
    seq: Number,
}

#[derive(Deserialize)]
struct OfRoom {
    room: Number,
}

#[derive(Deserialize)]
struct OfMember {
    room: Number,
    user: WireUser,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum CreatedKind {
    Public,
    Private,
}

#[derive(Deserialize)]
struct Create<'a> {
    kind: CreatedKind,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    topic: Option<Cow<'a, str>>,
}

impl Create<'_> {
    fn command(&self) -> Result<Command, Refusal> {
        let kind = match self.kind {
            CreatedKind::Public => RoomKind::Public,
            CreatedKind::Private => RoomKind::Private,
        };
        let topic = self.topic.as_deref().map_or_else(|| Ok(Topic::default()), Topic::parse)?;
        Ok(Command::Create { kind, name: RoomName::parse(&self.name)?, topic })
    }
}

#[derive(Deserialize)]
struct Direct {
    with: Vec<WireUser>,
}

#[derive(Deserialize)]
struct Rename<'a> {
    room: Number,
    #[serde(borrow)]
    name: Cow<'a, str>,
}

#[derive(Deserialize)]
struct SetTopic<'a> {
    room: Number,
    #[serde(borrow)]
    topic: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Join<'a> {
    room: Option<Number>,
    #[serde(borrow)]
    invite: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Name<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

#[derive(Deserialize)]
struct SignOut {
    sign_in: Option<WireSignIn>,
    keep: Option<WireSignIn>,
}

#[derive(Deserialize)]
struct Claim<'a> {
    #[serde(borrow)]
    code: Cow<'a, str>,
}

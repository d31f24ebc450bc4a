//! A few people over a log under test. Each command is decided and appended at once, under its sender's next number.

use std::collections::HashMap;

use crate::command::{Command, Draft, Identity, JoinBy};
use crate::decide::{Limits, Storage, decide};
use crate::device::{Device, DeviceId};
use crate::directory::Directory;
use crate::entry::{Body, Entry, Kind};
use crate::ids::{CommandNumber, RoomId, Seq, UserId};
use crate::log::{Log, LogReader};
use crate::name::{Nickname, RoomName, Topic};
use crate::outcome::{Outcome, Receipt, Refusal};
use crate::room::RoomKind;
use crate::sign_in::{SignInLabel, SignInMethod, TokenHash};
use crate::text::Text;

use super::{AT, read_all};

/// Ada, on her telephone.
pub const ADA_THERE: Device = Device { user: UserId(1), id: DeviceId([1; 16]) };
/// Ada, on her desk.
pub const ADA_HERE: Device = Device { user: UserId(1), id: DeviceId([0xda; 16]) };
/// Bob, who has one device.
pub const BOB_THERE: Device = Device { user: UserId(2), id: DeviceId([2; 16]) };
/// Cleo, who has one device.
pub const CLEO_THERE: Device = Device { user: UserId(3), id: DeviceId([3; 16]) };
/// Somebody who never said what they are called.
pub const STRANGER: Device = Device { user: UserId(9), id: DeviceId([9; 16]) };

/// A log with people.
#[derive(Debug)]
pub struct Town<L> {
    /// The log.
    pub log: L,
    /// What it says about people and rooms.
    pub directory: Directory,
    /// What this server takes.
    pub limits: Limits,
    numbers: HashMap<Device, CommandNumber>,
}

impl<L: Log> Town<L> {
    /// Over a new log, or one that is there.
    pub fn new(mut log: L) -> Self {
        let directory = Directory::load(&mut log).unwrap();
        Self { log, directory, limits: Limits::DEFAULT, numbers: HashMap::new() }
    }

    /// The same, where ada, bob and cleo have names.
    pub fn with_names(log: L) -> Self {
        let mut town = Self::new(log);
        for (device, name) in [(ADA_THERE, "ada"), (BOB_THERE, "bob"), (CLEO_THERE, "cleo")] {
            let outcome = town.is_called(device, name);
            assert!(matches!(outcome, Outcome::Stored(_)), "{outcome:?}");
        }
        town
    }

    /// The next draft of a device. To begin a sign-in needs no number.
    pub fn draft(&mut self, device: Device, command: Command) -> Draft {
        if matches!(command, Command::SignIn { .. }) {
            return Draft { identity: Identity::User(device.user), command, at: AT, over_quota: None };
        }
        let n = self.numbers.entry(device).or_default();
        *n = n.next();
        Draft { identity: Identity::Device { device, n: *n }, command, at: AT, over_quota: None }
    }

    /// What becomes of drafts that come in one batch.
    pub fn takes(&mut self, drafts: &[Draft]) -> Vec<Outcome> {
        let decided = decide(&mut self.log, &self.directory, self.limits, Storage::Open, drafts).unwrap();
        self.log.append(&decided.records).unwrap();
        self.directory = decided.directory;
        decided.outcomes
    }

    /// What becomes of a command that comes alone.
    pub fn does(&mut self, device: Device, command: Command) -> Outcome {
        let draft = self.draft(device, command);
        self.takes(&[draft])[0]
    }

    /// The receipt of a command that is stored.
    pub fn stores(&mut self, device: Device, command: Command) -> Receipt {
        match self.does(device, command) {
            Outcome::Stored(receipt) => receipt,
            other => panic!("{other:?}"),
        }
    }

    /// The reason why a command is refused.
    pub fn refuses(&mut self, device: Device, command: Command) -> Refusal {
        match self.does(device, command) {
            Outcome::Refused(refusal) => refusal,
            other => panic!("{other:?}"),
        }
    }

    /// Somebody takes a name.
    pub fn is_called(&mut self, device: Device, name: &str) -> Outcome {
        self.does(device, Command::Name { name: Nickname::from_stored(name) })
    }

    /// Somebody opens a room.
    pub fn opens(&mut self, device: Device, kind: RoomKind, name: &str) -> RoomId {
        self.stores(device, create(kind, name)).room
    }

    /// Somebody says something.
    pub fn says(&mut self, device: Device, room: RoomId, text: &str) -> Seq {
        self.stores(device, say(room, text)).seq
    }

    /// Somebody has read up to a message.
    pub fn reads(&mut self, user: UserId, room: RoomId, seq: Seq) -> Outcome {
        let command = Command::Read { room, seq };
        self.takes(&[Draft { identity: Identity::User(user), command, at: AT, over_quota: None }])[0]
    }
}

/// To say something.
pub fn say(room: RoomId, text: &str) -> Command {
    Command::Say { room, text: Text::from_stored(text) }
}

/// To edit a message.
pub fn edit(room: RoomId, seq: Seq, text: &str) -> Command {
    Command::Edit { room, seq, text: Text::from_stored(text) }
}

/// To open a room.
pub fn create(kind: RoomKind, name: &str) -> Command {
    Command::Create { kind, name: RoomName::from_stored(name), topic: Topic::default() }
}

/// To begin a sign-in with the token of this number.
pub fn sign_in(token: u8, method: SignInMethod) -> Command {
    let label = SignInLabel::from_stored("Chromium \"on\" Linux");
    Command::SignIn { token: TokenHash([token; 32]), method, label }
}

/// To join a room that is open.
pub fn join(room: RoomId) -> Command {
    Command::Join { room, by: JoinBy::Open }
}

/// The messages of a room, as they stand; `-` where one is deleted, `*` behind one that was edited.
pub fn shown(reader: &impl LogReader, room: RoomId) -> Vec<String> {
    let text = |entry: Entry| match entry.kind {
        Kind::Message { body: Body::Original(text) } => Some(text.to_string()),
        Kind::Message { body: Body::Edited(text) } => Some(format!("{}*", &*text)),
        Kind::Message { body: Body::Deleted } => Some("-".into()),
        _ => None,
    };
    read_all(reader).into_iter().filter(|entry| entry.room == room).filter_map(text).collect()
}

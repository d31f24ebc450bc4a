//! Makes histories: chains of moves that lead to one another, such as a removal and what the removed person tries then.
//!
//! Each chain ends anywhere, and comes move by move or in one batch. Targets are chosen by what the list says, so that most
//! moves are about something. What is chosen is written down as a move, so a history is the same however often it is played,
//! and stays a history when some of its steps are taken out.

use std::mem::{Discriminant, discriminant};

use crate::command::{Command, Draft, Identity, JoinBy, SignOutOf};
use crate::decide::Limits;
use crate::device::{Device, DeviceId};
use crate::entry::UnixMillis;
use crate::hash::ContentHash;
use crate::ids::{CommandNumber, InviteGeneration, Lineage, RoomId, Seq, UserId};
use crate::key::ClientKey;
use crate::name::{Nickname, RoomName, Topic};
use crate::outcome::Refusal;
use crate::room::RoomKind;
use crate::sign_in::{SignInId, SignInLabel, SignInMethod, TokenHash};
use crate::text::Text;
use crate::trust::Trust;

use super::super::AT;
use super::list::List;
use super::names::names;

/// Four people, and one who never takes a name at first.
pub(super) const PEOPLE: [UserId; 5] = [UserId(1), UserId(2), UserId(3), UserId(4), UserId(9)];

const fn device(user: u64, id: u8) -> Device {
    Device { user: UserId(user), id: DeviceId([id; 16]) }
}

/// The first two have two devices each; the ids of some are the same.
const DEVICES: [Device; 7] =
    [device(1, 1), device(1, 2), device(2, 1), device(2, 3), device(3, 3), device(4, 4), device(9, 9)];

/// What somebody does.
#[derive(Clone, Debug)]
pub(super) enum Move {
    /// Under the next number.
    Does(Device, Command),
    /// Under a number so many before the next one; the command of then, if no other is given.
    DoesAgain(Device, u64, Option<Command>),
    /// Under a number that leaves one out.
    Jumps(Device, Command),
    Reads(UserId, Command),
    Page(Option<Lineage>, Option<&'static str>, &'static str),
}

/// Moves that come in one batch, and what becomes of the batch.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) moves: Vec<Move>,
    pub(super) fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Stored,
    /// It is decided and then dropped.
    RolledBack,
    /// It is stored, and then the log is opened again.
    StoredAndReopened,
}

impl Move {
    /// Which command it is, if it brings its own.
    pub(super) fn kind_of_command(&self) -> Option<Discriminant<Command>> {
        match self {
            Self::Does(_, command)
            | Self::DoesAgain(_, _, Some(command))
            | Self::Jumps(_, command)
            | Self::Reads(_, command) => Some(discriminant(command)),
            Self::DoesAgain(_, _, None) | Self::Page(..) => None,
        }
    }

    /// The move as the server gets it. `None`: there is nothing to repeat.
    pub(super) fn draft(&self, list: &List) -> Option<Draft> {
        let numbered = |device: Device, n: u64, command: Command| {
            (Identity::Device { device, n: CommandNumber(n) }, command)
        };
        let (identity, command) = match self {
            Self::Does(device, command) => numbered(*device, list.last_n(*device) + 1, command.clone()),
            Self::Jumps(device, command) => numbered(*device, list.last_n(*device) + 2, command.clone()),
            Self::DoesAgain(device, back, command) => {
                let n = (list.last_n(*device) + 1).checked_sub(*back).filter(|n| *n > 0)?;
                let earlier =
                    list.counted.iter().find(|earlier| (earlier.device, earlier.n.0) == (*device, n));
                numbered(*device, n, command.clone().or(earlier.map(|earlier| earlier.command.clone()))?)
            }
            Self::Reads(user, command) => (Identity::User(*user), command.clone()),
            Self::Page(lineage, key, text) => {
                let key = key.map(ClientKey::from_stored);
                (Identity::Lineage { lineage: *lineage, key }, said(RoomId::LOBBY, text))
            }
        };
        let at = UnixMillis(AT.0 + list.facts.len() as u64 * 7);
        Some(Draft { identity, command, at, over_quota: None })
    }
}

/// The history of a seed.
pub(super) fn history(seed: u64, steps: usize, limits: Limits) -> Vec<Step> {
    let mut life = Life { random: Random(seed), list: List::default() };
    let mut history = Vec::new();
    let mut waiting = beginning();
    while history.len() < steps {
        if waiting.is_empty() {
            waiting = life.chain();
            let whole = waiting.len() as u64;
            waiting.truncate(usize::try_from(1 + life.random.below(whole)).unwrap_or(1).max(1));
        }
        let at_once = life.random.below(5) == 0;
        let moves: Vec<_> = waiting.drain(..if at_once { waiting.len() } else { 1 }).collect();
        let fate = match life.random.below(24) {
            0 => Fate::RolledBack,
            1 => Fate::StoredAndReopened,
            _ => Fate::Stored,
        };
        if fate != Fate::RolledBack {
            for one in &moves {
                if let Some(draft) = one.draft(&life.list) {
                    life.list.take(&draft, limits);
                }
            }
        }
        history.push(Step { moves, fate });
    }
    history
}

struct Life {
    random: Random,
    list: List,
}

fn said(room: RoomId, text: &str) -> Command {
    Command::Say { room, text: Text::from_stored(text) }
}

fn edited(room: RoomId, seq: Seq, text: &str) -> Command {
    Command::Edit { room, seq, text: Text::from_stored(text) }
}

fn joined(room: RoomId, by: JoinBy) -> Command {
    Command::Join { room, by }
}

fn named(name: &str) -> Command {
    Command::Name { name: Nickname::from_stored(name) }
}

/// With a topic that is hard to write down.
fn created(kind: RoomKind, name: &str) -> Command {
    Command::Create { kind, name: RoomName::from_stored(name), topic: Topic::from_stored("\"\\\n\0") }
}

fn renamed(room: RoomId, name: &str) -> Command {
    Command::Rename { room, name: RoomName::from_stored(name) }
}

/// Names and rooms; else most would be refused.
fn beginning() -> Vec<Move> {
    let [ada, _, bob, _, cleo, dan, _] = DEVICES;
    vec![
        Move::Does(ada, named("ada")),
        Move::Does(bob, named("bob")),
        Move::Does(cleo, named("cleo")),
        Move::Does(dan, named("alice")),
        Move::Does(ada, created(RoomKind::Public, "garden")),
        Move::Does(bob, created(RoomKind::Private, "cleo")),
        Move::Does(cleo, joined(RoomId(2), JoinBy::Open)),
        Move::Does(bob, Command::Add { room: RoomId(3), user: UserId(3) }),
        Move::Does(cleo, Command::Add { room: RoomId(3), user: UserId(1) }),
    ]
}

impl Life {
    fn chain(&mut self) -> Vec<Move> {
        match self.random.below(20) {
            0..2 => self.life_of_a_message(),
            2..5 => self.removal(),
            5 => self.absence(),
            6..8 => self.absence_of_a_host(),
            8 => self.names(),
            9..11 => self.rooms(),
            11 => self.conversations(),
            12 => self.reading(),
            13 => self.owner(),
            14 => self.pages(),
            15 => self.numbers(),
            16 => self.crowd(),
            17 => self.moderation(),
            18 => self.sign_ins(),
            _ => vec![self.anything()],
        }
    }

    fn life_of_a_message(&mut self) -> Vec<Move> {
        let device = self.random.of(&DEVICES);
        let others = self.device_of(device.user);
        let room = self.room_of(device.user);
        let seq = Seq(self.list.last_seq(room).0 + 1);
        let delete = Command::Delete { room, seq };
        vec![
            Move::Does(device, said(room, "one")),
            Move::Does(others, edited(room, seq, "two")),
            Move::Does(device, edited(room, seq, "three")),
            Move::Does(others, delete.clone()),
            Move::Does(device, edited(room, seq, "four")),
            Move::Does(device, delete),
        ]
    }

    /// Somebody is removed, tries to come back, is added again, and is removed again.
    fn removal(&mut self) -> Vec<Move> {
        let room = self.room_with_members();
        let host = self.list.host(room).or(self.list.owner()).unwrap_or(UserId(1));
        let members: Vec<_> = self.list.members(room).into_iter().filter(|user| *user != host).collect();
        let victim = self.random.any(&members).unwrap_or(UserId(2));
        let others: Vec<_> = members.iter().copied().filter(|user| *user != victim).collect();
        let member = self.random.any(&others).unwrap_or(UserId(3));
        let generation = self.list.removals(room);
        let [host, member, victims] = [host, member, victim].map(|user| self.device_of(user));
        let invited = |by| joined(room, JoinBy::Invite(InviteGeneration(by)));
        let stranger = self.random.of(&DEVICES);
        vec![
            Move::Does(victims, said(room, "before")),
            Move::Does(host, Command::Remove { room, user: victim }),
            Move::Does(victims, said(room, "after")),
            Move::Does(victims, invited(generation + self.random.below(2))),
            Move::Does(stranger, invited(generation + self.random.below(2))),
            Move::Does(member, Command::Add { room, user: victim }),
            Move::Does(host, Command::Add { room, user: victim }),
            Move::Does(victims, edited(room, self.list.last_seq(room), "again")),
            Move::Does(host, Command::Remove { room, user: victim }),
        ]
    }

    /// Somebody leaves and comes back.
    fn absence(&mut self) -> Vec<Move> {
        let device = self.random.of(&DEVICES);
        let room = self.room_of(device.user);
        let generation = InviteGeneration(self.list.removals(room));
        let seq = Seq(self.list.last_seq(room).0 + 1);
        let by = self.random.of(&[JoinBy::Open, JoinBy::Invite(generation)]);
        vec![
            Move::Does(device, said(room, "before")),
            Move::Does(device, Command::Leave { room }),
            Move::Does(device, said(room, "outside")),
            Move::Does(device, edited(room, seq, "outside")),
            Move::Does(device, Command::Delete { room, seq }),
            Move::Does(device, joined(room, by)),
            Move::Does(device, edited(room, seq, "after")),
            Move::Does(device, Command::Delete { room, seq }),
        ]
    }

    /// A host leaves, others go on, and the host comes back.
    fn absence_of_a_host(&mut self) -> Vec<Move> {
        let room = self.room_with_members();
        let creator = self.list.creator(room).unwrap_or(UserId(1));
        let others: Vec<_> = self.list.members(room).into_iter().filter(|user| *user != creator).collect();
        let other = self.random.any(&others).unwrap_or(UserId(4));
        let barred = PEOPLE.into_iter().find(|user| self.list.is_barred(*user, room));
        let [host, other] = [creator, other].map(|user| self.device_of(user));
        let name = self.name();
        let generation = InviteGeneration(self.list.removals(room));
        let by = self.random.of(&[JoinBy::Open, JoinBy::Invite(generation)]);
        let topic = Topic::from_stored(name);
        vec![
            Move::Does(host, Command::Leave { room }),
            Move::Does(other, Command::Add { room, user: barred.unwrap_or(creator) }),
            Move::Does(other, renamed(room, name)),
            Move::Does(host, joined(room, by)),
            Move::Does(host, Command::SetTopic { room, topic }),
            Move::Does(host, Command::Remove { room, user: other.user }),
        ]
    }

    /// Everybody comes into a room, be there room for them or not.
    fn crowd(&mut self) -> Vec<Move> {
        let room = self.room_with_members();
        let host = self.list.host(room).unwrap_or(UserId(2));
        let mut people = PEOPLE;
        let first = usize::try_from(self.random.below(5)).unwrap_or(0);
        people.rotate_left(first);
        let add = |user: &UserId| Move::Does(self.device_of(host), Command::Add { room, user: *user });
        people.iter().map(add).collect()
    }

    /// A member speaks, and the host deletes it.
    fn moderation(&mut self) -> Vec<Move> {
        let room = self.room_with_members();
        let host = self.list.host(room).or(self.list.owner()).unwrap_or(UserId(1));
        let members: Vec<_> = self.list.members(room).into_iter().filter(|user| *user != host).collect();
        let member = self.random.any(&members).unwrap_or(UserId(3));
        let [host, member] = [host, member].map(|user| self.device_of(user));
        let seq = Seq(self.list.last_seq(room).0 + 1);
        vec![
            Move::Does(member, said(room, "one")),
            Move::Does(host, edited(room, seq, "two")),
            Move::Does(host, Command::Delete { room, seq }),
            Move::Does(member, Command::Delete { room, seq }),
        ]
    }

    /// Devices come, one of them ends others, and those who do not know it yet go on.
    fn sign_ins(&mut self) -> Vec<Move> {
        let device = self.random.of(&DEVICES);
        let user = device.user;
        let first = self.random.of(&[SignInMethod::New, SignInMethod::Old]);
        let begun = |number: u8, method| {
            let token = if method == SignInMethod::Old { TokenHash::OLD } else { TokenHash([number; 32]) };
            let label = SignInLabel::from_stored("Chromium \"on\" Linux");
            Move::Reads(user, Command::SignIn { token, method, label })
        };
        let number = 1 + u8::try_from(self.random.below(6)).unwrap_or(0);
        let lasting = self.list.sign_ins(user);
        let own = lasting.last().map_or(SignInId(0), |sign_in| sign_in.token.id());
        let other = lasting.first().map_or(SignInId(0), |sign_in| sign_in.token.id());
        if self.random.below(3) == 0 {
            let links = (10..14).map(|more| begun(number + more, SignInMethod::Link));
            return std::iter::once(begun(number, first)).chain(links).collect();
        }
        let newest = TokenHash([number + 2; 32]).id();
        let mut moves = vec![
            begun(number, first),
            begun(number + 1, SignInMethod::Link),
            begun(number + 2, SignInMethod::Link),
            Move::Does(device, Command::SignOut { of: SignOutOf::One(other) }),
            Move::Does(device, Command::SignOut { of: SignOutOf::One(other) }),
            Move::Does(device, Command::SignOut { of: SignOutOf::Others { keep: other } }),
            begun(number, first),
            Move::Does(device, Command::SignOut { of: SignOutOf::Others { keep: newest } }),
            Move::Does(device, Command::SignOut { of: SignOutOf::One(own) }),
            begun(number + 1, first),
        ];
        let first = usize::try_from(self.random.below(4)).unwrap_or(0);
        moves.rotate_left(first);
        moves
    }

    fn names(&mut self) -> Vec<Move> {
        let [one, other] = [self.random.of(&DEVICES), self.random.of(&DEVICES)];
        let (name, wanted) = (self.name(), self.name());
        if self.random.below(4) == 0 {
            // The last looks like both.
            let [first, second] = self.random.of(&[["alice", "aiice"], ["aiice", "alice"]]).map(named);
            return vec![
                Move::Does(one, first),
                Move::Does(other, second),
                Move::Does(one, named("AIice")),
                Move::Does(one, named("cleo")),
                Move::Does(other, named("AIice")),
            ];
        }
        let had = self.list.name(one.user).and_then(|had| names().find(|name| *name == had)).unwrap_or(name);
        vec![
            Move::Does(one, named(name)),
            Move::Does(other, named(self.random.of(&[had, name]))),
            Move::Does(one, named(wanted)),
            Move::Does(other, named(self.random.of(&[wanted, name]))),
        ]
    }

    fn rooms(&mut self) -> Vec<Move> {
        let device = self.random.of(&DEVICES);
        let kind = self.random.of(&[RoomKind::Public, RoomKind::Private, RoomKind::Direct]);
        let public = self.room_with_members();
        let host = self.list.host(public).map_or(device, |user| self.device_of(user));
        let (name, other) = (self.name(), self.name());
        // Only they fill the last places.
        let known = DEVICES.into_iter().filter(|device| self.list.trust(device.user) > Trust::Guest);
        let last: Vec<_> =
            known.map(|device| Move::Does(device, created(RoomKind::Private, other))).collect();
        let moves = [
            Move::Does(host, renamed(public, name)),
            Move::Does(host, Command::SetTopic { room: public, topic: Topic::from_stored("tea") }),
            Move::Does(host, Command::SetTopic { room: public, topic: Topic::default() }),
            Move::Does(device, created(kind, other)),
            Move::Does(host, renamed(public, other)),
            Move::Does(device, created(RoomKind::Public, name)),
        ];
        moves.into_iter().chain(last).chain([Move::Does(device, created(RoomKind::Private, name))]).collect()
    }

    fn conversations(&mut self) -> Vec<Move> {
        let [one, other] = [self.random.of(&DEVICES), self.random.of(&DEVICES)];
        let third = self.random.of(&PEOPLE);
        let with = match self.random.below(4) {
            0 => vec![other.user, third],
            1 => PEOPLE[..4].to_vec(),
            _ => vec![other.user],
        };
        let mut back: Vec<_> = with.iter().copied().filter(|user| *user != other.user).collect();
        back.push(one.user);
        let next = RoomId(self.list.rooms_ever().last().map_or(1, |room| room.0) + 1);
        let room = self.list.direct(&with.iter().copied().chain([one.user]).collect()).unwrap_or(next);
        vec![
            Move::Does(one, Command::Direct { with: with.clone() }),
            Move::Does(other, Command::Direct { with: back.clone() }),
            Move::Does(one, Command::Direct { with: [with.clone(), with].concat() }),
            Move::Does(one, said(room, "bye")),
            Move::Does(one, Command::Leave { room }),
            Move::Does(other, said(room, "why?")),
            Move::Does(other, Command::Direct { with: back }),
            Move::Does(other, Command::Leave { room }),
        ]
    }

    fn reading(&mut self) -> Vec<Move> {
        let user = self.random.of(&PEOPLE);
        let room = self.room_of(user);
        let last = self.list.last_seq(room).0;
        let read = |seq| Move::Reads(user, Command::Read { room, seq: Seq(seq) });
        vec![read(self.random.below(last + 1)), read(last + 3), read(self.random.below(last + 1))]
    }

    /// What the owner does in a room of others, be it one that they see or not.
    fn owner(&mut self) -> Vec<Move> {
        let owner = self.list.owner().unwrap_or(UserId(4));
        let device = self.device_of(owner);
        let room = self.any_room();
        let host = self.list.host(room).unwrap_or(UserId(1));
        let seq = Seq(1 + self.random.below(self.list.last_seq(room).0 + 1));
        let guests = self.list.of(RoomId::LOBBY).rfind(|fact| fact.user().is_none());
        let guests = guests.map_or(Seq(1), |fact| fact.receipt.seq);
        let name = self.name();
        let claiming = self.random.of(&DEVICES);
        let mut moves = vec![
            Move::Does(device, renamed(room, name)),
            Move::Does(device, Command::Delete { room, seq }),
            Move::Does(device, Command::Remove { room, user: host }),
            Move::Does(device, Command::Delete { room: RoomId::LOBBY, seq: guests }),
            Move::Does(device, Command::Add { room, user: host }),
            Move::Does(claiming, Command::Claim),
            Move::Does(device, Command::Claim),
        ];
        let first = usize::try_from(self.random.below(7)).unwrap_or(0);
        moves.rotate_left(first);
        moves
    }

    fn pages(&mut self) -> Vec<Move> {
        let mut page = || {
            let lineage = self.random.of(&[None, Some(1), Some(2), Some(3)]).map(|byte| Lineage([byte; 16]));
            let key =
                self.random.of(&[None, Some("undefined-0"), Some("undefined-0"), Some("k-0"), Some("k-1")]);
            Move::Page(lineage, key, self.random.of(&["hi", "ho", "far too long"]))
        };
        vec![page(), page(), page()]
    }

    /// Numbers that are used again, left out and cancelled.
    fn numbers(&mut self) -> Vec<Move> {
        let device = self.random.of(&DEVICES);
        let back = 1 + self.random.below(12);
        let other = said(RoomId::LOBBY, self.random.of(&["hi", "ho"]));
        let mut moves = vec![
            Move::DoesAgain(device, back, None),
            Move::DoesAgain(device, back, Some(other.clone())),
            Move::DoesAgain(device, back, Some(Command::Skip)),
            Move::Jumps(device, other),
            Move::Does(device, Command::Skip),
        ];
        let first = usize::try_from(self.random.below(5)).unwrap_or(0);
        moves.rotate_left(first);
        moves
    }

    /// Whatever it is, about whatever there is or is not.
    fn anything(&mut self) -> Move {
        let device = self.random.of(&DEVICES);
        let room = RoomId(self.random.below(9));
        let seq = Seq(self.random.below(6));
        let user = self.random.of(&PEOPLE);
        let name = self.name();
        let command = match self.random.below(15) {
            0 => said(room, self.random.of(&["hi", "far too long"])),
            1 => edited(room, seq, self.random.of(&["hi", "far too long"])),
            2 => Command::Delete { room, seq },
            3 => created(self.random.of(&[RoomKind::Public, RoomKind::Private]), name),
            4 => Command::Direct { with: vec![user] },
            5 => renamed(room, name),
            6 => Command::SetTopic { room, topic: Topic::from_stored(self.random.of(&["", "tea"])) },
            7 => joined(room, JoinBy::Open),
            8 => joined(room, JoinBy::Invite(InviteGeneration(self.random.below(3)))),
            9 => Command::Leave { room },
            10 => Command::Add { room, user },
            11 => Command::Remove { room, user },
            12 => {
                let content = ContentHash::of_raw(name.as_bytes());
                Command::Rejected { why: Refusal::NameReserved, content }
            }
            13 => Command::Read { room, seq },
            _ => return Move::Reads(device.user, Command::Read { room, seq }),
        };
        Move::Does(device, command)
    }

    fn name(&mut self) -> &'static str {
        let names: Vec<_> = names().collect();
        self.random.of(&names)
    }

    fn device_of(&mut self, user: UserId) -> Device {
        let own: Vec<_> = DEVICES.into_iter().filter(|device| device.user == user).collect();
        self.random.any(&own).unwrap_or(DEVICES[0])
    }

    fn any_room(&mut self) -> RoomId {
        let rooms: Vec<_> = self.list.rooms().into_iter().collect();
        self.random.of(&rooms)
    }

    /// A room that somebody is in.
    fn room_of(&mut self, user: UserId) -> RoomId {
        let rooms: Vec<_> = self.list.joined(user).into_iter().chain([RoomId::LOBBY]).collect();
        self.random.of(&rooms)
    }

    /// A room that people come into and leave.
    fn room_with_members(&mut self) -> RoomId {
        let rooms: Vec<_> = self.list.rooms().into_iter().filter(|room| *room != RoomId::LOBBY).collect();
        let rooms: Vec<_> =
            rooms.into_iter().filter(|room| self.list.kind(*room) != RoomKind::Direct).collect();
        self.random.any(&rooms).unwrap_or(RoomId(2))
    }
}

/// `SplitMix64`: numbers that are the same for the same seed on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn any<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        let index = self.below((of.len() as u64).max(1));
        of.get(usize::try_from(index).ok()?).copied()
    }

    fn of<T: Copy>(&mut self, of: &[T]) -> T {
        self.any(of).expect("there is something to choose from")
    }
}

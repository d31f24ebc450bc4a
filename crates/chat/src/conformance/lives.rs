//! Random lives of a few people, generated from numbers.
//!
//! Every command goes to the log under test in batches, and one by one to a plain log in memory. Answers, entries and
//! directories must be equal, and the directory must be the same when the log is opened again.

use crate::command::{Command, Draft, Identity, JoinBy, SignOutOf};
use crate::decide::{Limits, Storage, decide};
use crate::directory::Directory;
use crate::entry::{Body, Entry, Kind};
use crate::ids::{Epoch, InviteGeneration, RoomId, Seq, UserId};
use crate::log::{Budget, LogReader, Page};
use crate::memory::{MemoryDisk, MemoryLog};
use crate::name::{Nickname, RoomName, Topic};
use crate::room::RoomKind;
use crate::sign_in::{SignInLabel, SignInMethod, TokenHash};

use super::pages::{check_page, check_unread};
use super::town::{ADA_HERE, ADA_THERE, BOB_THERE, CLEO_THERE, STRANGER, Town, create, edit, say};
use super::{ADA, AT, Bench, append_unknown, draft, read_all};

/// Small, so that they are met.
const LIMITS: Limits = Limits {
    text_bytes_max: 8,
    rooms_joined_max: 3,
    direct_members_max: 3,
    private_members_max: 2,
    rooms_max: 6,
    rooms_for_guests_percent: 84,
    sign_ins_max: 3,
};

/// Has people live as `numbers` say, over a new log.
pub fn people_live(bench: &mut impl Bench, numbers: &[u32]) {
    let (log, mut reader) = bench.open();
    let mut town = Town::new(log);
    town.limits = LIMITS;
    let mut plain = Town::new(MemoryLog::open(&MemoryDisk::default(), Epoch(1)));
    plain.limits = LIMITS;
    let mut batch = beginning(&mut plain);
    for number in numbers {
        batch.push(made_of(&mut plain, *number));
        if number >> 28 < 4 {
            if number >> 28 == 1 {
                decide(&mut town.log, &town.directory, LIMITS, Storage::Open, &batch).unwrap();
            }
            live_through(&mut town, &mut plain, &std::mem::take(&mut batch));
        }
        if number >> 24 & 31 == 30 {
            live_through(&mut town, &mut plain, &std::mem::take(&mut batch));
            let room = RoomId(u64::from(number % 5));
            let kept = append_unknown(&mut town.log, room, None);
            assert_eq!(append_unknown(&mut plain.log, room, None), kept);
            for directory in [&mut town.directory, &mut plain.directory] {
                directory.apply(&kept);
            }
        }
        if number >> 24 & 31 == 31 {
            let limits = town.limits;
            let Town { log, directory, .. } = town;
            drop((log, reader));
            let (log, again) = bench.open();
            (town, reader) = (Town::new(log), again);
            assert_eq!(town.directory, directory);
            town.limits = limits;
        }
    }
    live_through(&mut town, &mut plain, &batch);
    let all = read_all(&reader);
    assert_eq!(all, read_all(&plain.log.reader()));
    assert_eq!(Directory::load(&mut town.log).unwrap(), town.directory);
    texts_are_where_they_belong(&all);
    rooms_read_as_they_are(&reader, &town.directory, &all, numbers.len() as u64);
}

/// Every command that a life can have.
pub fn commands_of_lives() -> Vec<Command> {
    let mut plain = Town::new(MemoryLog::open(&MemoryDisk::default(), Epoch(1)));
    let mut commands: Vec<_> = beginning(&mut plain).into_iter().map(|draft| draft.command).collect();
    commands.extend((0..=CHOICE).map(|choice| made_of(&mut plain, choice << CHOICE_SHIFT).command));
    commands
}

fn live_through<L: crate::log::Log>(town: &mut Town<L>, plain: &mut Town<MemoryLog>, batch: &[Draft]) {
    let together = town.takes(batch);
    let one_by_one: Vec<_> =
        batch.iter().flat_map(|draft| plain.takes(std::slice::from_ref(draft))).collect();
    assert_eq!(together, one_by_one, "{batch:?}");
    assert_eq!(town.directory, plain.directory);
}

/// Everybody has a name, and there are rooms: otherwise most lives would go by with being refused.
fn beginning(plain: &mut Town<MemoryLog>) -> Vec<Draft> {
    let called = |name| Command::Name { name: Nickname::from_stored(name) };
    vec![
        plain.draft(ADA_THERE, called("ada")),
        plain.draft(BOB_THERE, called("bob")),
        plain.draft(CLEO_THERE, called("cleo")),
        plain.draft(ADA_THERE, create(RoomKind::Public, "garden")),
        plain.draft(BOB_THERE, create(RoomKind::Private, "tea")),
    ]
}

/// The bits of a number that choose the command.
const CHOICE: u32 = 63;
const CHOICE_SHIFT: u32 = 2;

/// What a number makes somebody do. `plain` counts the commands of each device.
fn made_of(plain: &mut Town<MemoryLog>, number: u32) -> Draft {
    let devices = [ADA_THERE, ADA_HERE, BOB_THERE, CLEO_THERE, STRANGER];
    let device = devices[number as usize % devices.len()];
    let token = u8::try_from(1 + (number >> 17 & 7)).unwrap();
    let small = |shift: u32, of: u32| u64::from((number >> shift) % of);
    let room = RoomId([1, 2, 3, 2, 3, 4, 5, 0][usize::try_from(small(8, 8)).unwrap()]);
    let seq = Seq(small(11, 4) + u64::from(number >> 13 & 7 != 7));
    let user = UserId(small(14, 4));
    let text = ["hi", "\"\\", "far too long"][usize::try_from(small(17, 3)).unwrap()];
    let names = ["ada", "аda", "Ada", "bob", "cleo", "garden"];
    let name = names[usize::try_from(small(19, 6)).unwrap()];
    let command = match (number >> CHOICE_SHIFT & CHOICE) % 36 {
        0..=5 => say(room, text),
        6..=9 => edit(room, seq, text),
        10 | 11 => Command::Delete { room, seq },
        12 | 13 => Command::Create {
            kind: if number & 1 == 0 { RoomKind::Public } else { RoomKind::Private },
            name: RoomName::from_stored(name),
            topic: Topic::from_stored(text),
        },
        14 => Command::Direct { with: vec![user, UserId(small(16, 4))] },
        15 => Command::Rename { room, name: RoomName::from_stored(name) },
        16 => Command::SetTopic { room, topic: Topic::from_stored(name) },
        17 | 18 => Command::Join { room, by: JoinBy::Open },
        19 => Command::Join { room, by: JoinBy::Invite(InviteGeneration(small(21, 2))) },
        20 => Command::Leave { room },
        21 | 22 => Command::Add { room, user },
        23 | 24 => Command::Remove { room, user },
        25 | 26 => Command::Name { name: Nickname::from_stored(name) },
        28 => Command::Claim,
        29 => Command::Skip,
        31 => Command::SignOut {
            of: if (number >> 12).is_multiple_of(4) {
                SignOutOf::Others { keep: TokenHash([token; 32]).id() }
            } else {
                SignOutOf::One(TokenHash([token; 32]).id())
            },
        },
        32 | 33 => {
            let method = SignInMethod::ALL[usize::try_from(small(14, 3)).unwrap()];
            let token = if method == SignInMethod::Old { TokenHash::OLD } else { TokenHash([token; 32]) };
            let label = SignInLabel::from_stored(text);
            Command::SignIn { token, method, label }
        }
        27 | 30 => {
            let command = Command::Read { room, seq };
            return Draft { identity: Identity::User(device.user), command, at: AT, over_quota: None };
        }
        _ => return draft(Some(ADA), Some(text), text),
    };
    plain.draft(device, command)
}

/// A deleted message has no text anywhere, an edited one has that of its last edit, and no other edit has any.
fn texts_are_where_they_belong(all: &[Entry]) {
    for (index, entry) in all.iter().enumerate() {
        let of = |seq: Seq| {
            all.iter().find(|other| other.room == entry.room && other.kind.is_message() && other.seq == seq)
        };
        match &entry.kind {
            Kind::Edited { seq, text } => {
                let Kind::Message { body } = &of(*seq).unwrap().kind else { unreachable!() };
                let is_last = !all[index + 1..].iter().any(|other| {
                    other.room == entry.room
                        && matches!(&other.kind, Kind::Edited { seq: of, .. } if of == seq)
                });
                let expected = match body {
                    Body::Edited(text) if is_last => Some(text),
                    Body::Edited(_) | Body::Deleted => None,
                    Body::Original(_) | Body::Damaged => panic!("{entry:?} left no trace"),
                };
                assert_eq!(text.as_ref(), expected);
            }
            Kind::Deleted { seq } => {
                assert_eq!(of(*seq).unwrap().kind, Kind::Message { body: Body::Deleted });
            }
            _ => {}
        }
    }
}

fn rooms_read_as_they_are(reader: &impl LogReader, directory: &Directory, all: &[Entry], seed: u64) {
    for room in (0..7).map(RoomId) {
        let of_room: Vec<_> = all.iter().filter(|entry| entry.room == room).cloned().collect();
        let everything = Budget { entries: usize::MAX, bytes: usize::MAX };
        assert_eq!(reader.changes(room, crate::ids::Rev::ZERO, everything).unwrap(), of_room);
        let messages: Vec<_> = of_room.into_iter().filter(|entry| entry.kind.is_message()).collect();
        for user in (1..4).map(UserId) {
            let Some(visible) = directory.visibility(user, room) else { continue };
            let at = Seq(seed % 7);
            for page in [Page::Newest, Page::Before(at), Page::After(at), Page::Around(at)] {
                check_page(reader, &messages, (room, page, visible.seq), 3);
            }
            check_unread(reader, &messages, (room, directory.read(user, room), user), 2);
        }
    }
}

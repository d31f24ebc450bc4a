//! The rules about people and rooms, as somebody who runs into them would tell them.

use crate::command::{Command, JoinBy};
use crate::conformance::town::{
    ADA_HERE, ADA_THERE, BOB_THERE, CLEO_THERE, STRANGER, Town, create, edit, join, say,
};
use crate::conformance::{ADA, append, draft};
use crate::decide::Limits;
use crate::device::{Device, DeviceId};
use crate::directory::Directory;
use crate::hash::ContentHash;
use crate::ids::{Epoch, InviteGeneration, Position, Rev, RoomId, Seq, UserId};
use crate::memory::{MemoryDisk, MemoryLog};
use crate::name::{RoomName, Topic};
use crate::outcome::{Outcome, Refusal};
use crate::room::{RoomKind, Visibility};
use crate::trust::Trust;

const LOBBY: RoomId = RoomId::LOBBY;

fn town() -> Town<MemoryLog> {
    Town::with_names(MemoryLog::open(&MemoryDisk::default(), Epoch(1)))
}

fn invited(town: &Town<MemoryLog>, room: RoomId) -> Command {
    Command::Join { room, by: JoinBy::Invite(town.directory.room(room).unwrap().invites()) }
}

fn already(room: RoomId) -> Outcome {
    Outcome::Already { room }
}

#[test]
fn a_name_is_held_by_one_person_whatever_alphabet_it_is_written_in() {
    let mut town = town();
    for taken in ["ada", "ADA", "аdа", "ａda"] {
        assert_eq!(town.is_called(STRANGER, taken), Outcome::Refused(Refusal::NameTaken), "{taken}");
    }
    assert_eq!(town.is_called(ADA_HERE, "ada"), already(RoomId::HOUSE));
    assert!(
        matches!(town.is_called(ADA_HERE, "Ada"), Outcome::Stored(_)),
        "one's own may be written otherwise"
    );
    assert!(matches!(town.is_called(ADA_THERE, "countess"), Outcome::Stored(_)));
    assert!(
        matches!(town.is_called(STRANGER, "ada"), Outcome::Stored(_)),
        "a name that was given up is free"
    );
    assert_eq!(town.directory.name(UserId(1)).unwrap().to_string(), "countess");
}

#[test]
fn two_who_want_a_name_in_the_same_batch_are_decided_in_turn() {
    let mut town = town();
    let other = Device { user: UserId(8), id: DeviceId([8; 16]) };
    let name = || Command::Name { name: crate::Nickname::from_stored("dora") };
    let drafts = [town.draft(STRANGER, name()), town.draft(other, name())];
    let outcomes = town.takes(&drafts);
    assert!(
        matches!(outcomes[..], [Outcome::Stored(_), Outcome::Refused(Refusal::NameTaken)]),
        "{outcomes:?}"
    );
}

#[test]
fn a_person_without_a_name_may_speak_in_the_lobby_and_open_nothing() {
    let mut town = town();
    let garden = town.opens(ADA_THERE, RoomKind::Public, "garden");
    town.says(STRANGER, LOBBY, "hi");
    for command in [
        create(RoomKind::Public, "hall"),
        Command::Direct { with: vec![UserId(1)] },
        join(garden),
        invited(&town, garden),
    ] {
        assert_eq!(town.refuses(STRANGER, command), Refusal::NameRequired);
    }
    assert_eq!(town.does(STRANGER, join(LOBBY)), already(LOBBY));
    let with = vec![STRANGER.user];
    assert_eq!(town.refuses(ADA_THERE, Command::Direct { with }), Refusal::NotFound);
    assert_eq!(
        town.refuses(ADA_THERE, Command::Add { room: garden, user: STRANGER.user }),
        Refusal::NotFound
    );
}

#[test]
fn a_stranger_learns_nothing_of_a_private_room() {
    let mut town = town();
    let tea = town.opens(ADA_THERE, RoomKind::Private, "tea");
    let seq = town.says(ADA_THERE, tea, "hi");
    let direct = town.stores(ADA_THERE, Command::Direct { with: vec![CLEO_THERE.user] }).room;
    town.does(BOB_THERE, Command::Claim);
    let about = |room| {
        [
            say(room, "hi"),
            edit(room, seq, "ho"),
            Command::Delete { room, seq },
            Command::Rename { room, name: RoomName::from_stored("coffee") },
            Command::SetTopic { room, topic: Topic::from_stored("coffee") },
            join(room),
            Command::Leave { room },
            Command::Add { room, user: BOB_THERE.user },
            Command::Remove { room, user: ADA_THERE.user },
        ]
    };
    // Not even an owner of the server, and not by what it is called.
    for room in [tea, direct, RoomId(99), RoomId::HOUSE] {
        for command in about(room) {
            assert_eq!(town.refuses(BOB_THERE, command), Refusal::NotFound, "{room}");
        }
        assert_eq!(town.reads(BOB_THERE.user, room, seq), Outcome::Refused(Refusal::NotFound));
    }
    assert_eq!(town.directory.visibility(BOB_THERE.user, tea), None);
    assert!(town.directory.public_rooms(None).all(|(room, _)| room == LOBBY));
    town.opens(BOB_THERE, RoomKind::Public, "tea");
}

#[test]
fn a_private_room_is_seen_from_the_moment_of_joining() {
    let mut town = town();
    let tea = town.opens(ADA_THERE, RoomKind::Private, "tea");
    let before = town.says(ADA_THERE, tea, "before");
    let joined = town.stores(ADA_THERE, Command::Add { room: tea, user: BOB_THERE.user });
    let visible = town.directory.visibility(BOB_THERE.user, tea).unwrap();
    assert_eq!(visible, Visibility { since: joined.position, seq: before, rev: Rev(joined.rev.0 - 1) });
    assert_eq!(town.directory.read(BOB_THERE.user, tea), before, "nothing is unread at first");
    town.does(BOB_THERE, Command::Claim);
    assert_eq!(town.refuses(BOB_THERE, Command::Delete { room: tea, seq: before }), Refusal::NotFound);
    let garden = town.opens(ADA_THERE, RoomKind::Public, "garden");
    assert_eq!(town.directory.visibility(STRANGER.user, garden), Some(Visibility::ALL));
}

#[test]
fn a_removed_member_stays_out_until_somebody_who_may_adds_them() {
    let mut town = town();
    for kind in [RoomKind::Public, RoomKind::Private] {
        let room = town.opens(ADA_THERE, kind, "tea");
        town.does(ADA_THERE, Command::Add { room, user: BOB_THERE.user });
        town.does(ADA_THERE, Command::Add { room, user: CLEO_THERE.user });
        let link = invited(&town, room);
        assert_eq!(
            town.refuses(BOB_THERE, Command::Remove { room, user: CLEO_THERE.user }),
            Refusal::Forbidden
        );
        town.stores(ADA_THERE, Command::Remove { room, user: BOB_THERE.user });
        assert!(!town.directory.is_member(BOB_THERE.user, room));
        let closed = match kind {
            RoomKind::Public => Refusal::Forbidden,
            RoomKind::Private | RoomKind::Direct => Refusal::NotFound,
        };
        assert_eq!(town.refuses(BOB_THERE, join(room)), closed);
        let new_link = invited(&town, room);
        assert_ne!(new_link, link);
        assert_eq!(town.refuses(BOB_THERE, new_link), Refusal::Forbidden);
        assert_eq!(town.refuses(BOB_THERE, say(room, "hi")), closed);
        // Cleo is a member like any other.
        assert_eq!(town.refuses(CLEO_THERE, Command::Add { room, user: BOB_THERE.user }), Refusal::Forbidden);
        town.stores(ADA_THERE, Command::Add { room, user: BOB_THERE.user });
        town.says(BOB_THERE, room, "hi");
    }
}

#[test]
fn an_invitation_opens_a_private_room_until_somebody_is_removed() {
    let mut town = town();
    let tea = town.opens(ADA_THERE, RoomKind::Private, "tea");
    let link = invited(&town, tea);
    town.stores(BOB_THERE, link.clone());
    assert_eq!(town.does(BOB_THERE, link.clone()), already(tea));
    town.stores(ADA_THERE, Command::Remove { room: tea, user: BOB_THERE.user });
    assert_eq!(town.refuses(CLEO_THERE, link), Refusal::BadCode);
    let forged = Command::Join { room: RoomId(77), by: JoinBy::Invite(InviteGeneration::ZERO) };
    assert_eq!(town.refuses(CLEO_THERE, forged), Refusal::BadCode);
    let direct = town.stores(ADA_THERE, Command::Direct { with: vec![BOB_THERE.user] }).room;
    let into_direct = Command::Join { room: direct, by: JoinBy::Invite(InviteGeneration::ZERO) };
    assert_eq!(town.refuses(CLEO_THERE, into_direct), Refusal::BadCode);
}

#[test]
fn whoever_leaves_a_direct_conversation_sees_it_no_more_and_those_who_talk_again_begin_another() {
    let mut town = town();
    let with = |user: UserId| Command::Direct { with: vec![user] };
    let (ada, bob, cleo) = (ADA_THERE.user, BOB_THERE.user, CLEO_THERE.user);
    let room = town.stores(ADA_THERE, with(bob)).room;
    town.says(BOB_THERE, room, "hi");
    town.stores(ADA_THERE, Command::Leave { room });
    assert_eq!(town.refuses(ADA_THERE, Command::Leave { room }), Refusal::NotFound);
    assert_eq!(town.refuses(ADA_THERE, say(room, "hi")), Refusal::NotFound);
    assert_eq!(town.refuses(BOB_THERE, say(room, "are you there?")), Refusal::Forbidden);
    assert_eq!(town.refuses(BOB_THERE, Command::Add { room, user: ada }), Refusal::Forbidden);
    let people: Vec<_> = town.directory.room(room).expect("bob is in it").people().collect();
    assert_eq!(people, [bob, ada], "it is still known with whom it was");
    let again = town.stores(BOB_THERE, with(ada)).room;
    assert_ne!(again, room);
    assert_eq!(town.does(ADA_THERE, with(bob)), already(again));
    town.stores(BOB_THERE, Command::Leave { room });
    assert!(town.directory.room(room).is_none(), "everybody has left");
    assert_eq!(town.does(ADA_THERE, with(bob)), already(again));
    // Of more than two, the others go on.
    let three = town.stores(ADA_THERE, Command::Direct { with: vec![bob, cleo] }).room;
    town.stores(CLEO_THERE, Command::Leave { room: three });
    town.says(ADA_THERE, three, "she is gone");
    assert_eq!(town.does(ADA_THERE, with(bob)), already(again), "not the one with three");
    assert_ne!(town.stores(CLEO_THERE, Command::Direct { with: vec![ada, bob] }).room, three);
}

#[test]
fn a_direct_conversation_is_one_for_its_people_whoever_opens_it() {
    let mut town = town();
    let (ada, bob, cleo) = (ADA_THERE.user, BOB_THERE.user, CLEO_THERE.user);
    let two = town.stores(ADA_THERE, Command::Direct { with: vec![bob] }).room;
    let three = town.stores(BOB_THERE, Command::Direct { with: vec![cleo, ada] }).room;
    assert_ne!(two, three);
    assert_eq!(town.does(BOB_THERE, Command::Direct { with: vec![ada, bob, ada] }), already(two));
    assert_eq!(town.does(CLEO_THERE, Command::Direct { with: vec![ada, bob] }), already(three));
    assert_eq!(town.refuses(ADA_THERE, Command::Direct { with: vec![ada] }), Refusal::Invalid);
    assert_eq!(town.refuses(ADA_THERE, create(RoomKind::Direct, "us")), Refusal::Invalid);
    for command in [
        Command::Add { room: two, user: cleo },
        Command::Remove { room: two, user: bob },
        Command::Rename { room: two, name: RoomName::from_stored("us") },
        Command::SetTopic { room: two, topic: Topic::from_stored("us") },
    ] {
        assert_eq!(town.refuses(ADA_THERE, command), Refusal::Forbidden);
    }
}

#[test]
fn a_message_is_changed_by_its_author_on_any_device_and_deleted_by_hosts_too() {
    let mut town = town();
    let garden = town.opens(ADA_THERE, RoomKind::Public, "garden");
    town.stores(BOB_THERE, join(garden));
    let seq = town.says(BOB_THERE, garden, "hi");
    assert_eq!(town.refuses(ADA_THERE, edit(garden, seq, "ho")), Refusal::Forbidden);
    assert_eq!(town.refuses(CLEO_THERE, Command::Delete { room: garden, seq }), Refusal::Forbidden);
    let bobs_desk = Device { id: DeviceId([0xb0; 16]), ..BOB_THERE };
    town.stores(bobs_desk, edit(garden, seq, "ho"));
    assert_eq!(town.refuses(BOB_THERE, edit(garden, Seq(9), "ho")), Refusal::NotFound);
    assert_eq!(town.refuses(BOB_THERE, edit(garden, Seq(u64::MAX), "ho")), Refusal::NotFound);
    assert_eq!(town.refuses(BOB_THERE, edit(garden, Seq(0), "ho")), Refusal::NotFound);
    town.stores(ADA_THERE, Command::Delete { room: garden, seq });
    assert_eq!(town.does(BOB_THERE, Command::Delete { room: garden, seq }), already(garden));
    let seq = town.says(BOB_THERE, garden, "bye");
    town.stores(BOB_THERE, Command::Leave { room: garden });
    assert_eq!(town.refuses(BOB_THERE, edit(garden, seq, "hi")), Refusal::Forbidden);
    town.stores(CLEO_THERE, Command::Claim);
    town.stores(CLEO_THERE, Command::Delete { room: garden, seq });
}

#[test]
fn nobody_may_edit_a_message_of_a_tutorial_client_and_the_owner_may_delete_it() {
    let mut town = town();
    append(&mut town.log, &[draft(Some(ADA), Some("k-0"), "hi")]);
    assert_eq!(town.refuses(ADA_THERE, edit(LOBBY, Seq(1), "ho")), Refusal::Forbidden);
    assert_eq!(town.refuses(ADA_THERE, Command::Delete { room: LOBBY, seq: Seq(1) }), Refusal::Forbidden);
    town.stores(CLEO_THERE, Command::Claim);
    assert_eq!(town.refuses(CLEO_THERE, edit(LOBBY, Seq(1), "ho")), Refusal::Forbidden);
    town.stores(CLEO_THERE, Command::Delete { room: LOBBY, seq: Seq(1) });
}

#[test]
fn tutorial_clients_speak_in_the_lobby_and_do_nothing_else() {
    let mut town = town();
    let garden = town.opens(ADA_THERE, RoomKind::Public, "garden");
    let page = |command| crate::Draft { command, ..draft(Some(ADA), Some("k-0"), "") };
    let outcomes = town.takes(&[
        page(say(garden, "hi")),
        page(Command::Claim),
        page(join(garden)),
        page(say(LOBBY, "hi")),
    ]);
    let refused = Outcome::Refused;
    assert_eq!(
        outcomes[..3],
        [refused(Refusal::NotFound), refused(Refusal::Forbidden), refused(Refusal::Forbidden)]
    );
    assert!(matches!(outcomes[3], Outcome::Stored(_)));
}

#[test]
fn a_draft_beyond_a_quota_is_refused_unless_it_was_stored_before_or_has_nothing_to_store() {
    let mut town = town();
    let over = |draft: crate::Draft| crate::Draft { over_quota: Some(Refusal::Quota), ..draft };
    let create = town.draft(ADA_THERE, create(RoomKind::Public, "garden"));
    let [Outcome::Stored(receipt)] = town.takes(std::slice::from_ref(&create))[..] else {
        panic!("it is not stored")
    };
    let refused = over(town.draft(ADA_THERE, say(receipt.room, "hi")));
    let again = crate::Draft { over_quota: None, ..refused.clone() };
    let foreign = over(town.draft(ADA_THERE, say(RoomId(9), "hi")));
    let nothing = over(town.draft(ADA_THERE, join(receipt.room)));
    let page = over(draft(Some(ADA), Some("k-0"), "hi"));
    assert_eq!(
        town.takes(&[over(create), refused, again, foreign, nothing, page]),
        [
            Outcome::Repeated(receipt),
            Outcome::Refused(Refusal::Quota),
            Outcome::Refused(Refusal::Quota),
            Outcome::Refused(Refusal::NotFound),
            already(receipt.room),
            Outcome::Refused(Refusal::Quota),
        ]
    );
    town.stores(ADA_THERE, say(receipt.room, "ho"));
}

#[test]
fn the_link_of_the_first_start_makes_one_owner() {
    let mut town = town();
    town.stores(ADA_THERE, Command::Claim);
    assert_eq!(town.does(ADA_HERE, Command::Claim), already(RoomId::HOUSE));
    assert_eq!(town.refuses(BOB_THERE, Command::Claim), Refusal::BadCode);
    town.stores(ADA_HERE, Command::Rename { room: LOBBY, name: RoomName::from_stored("Hall") });
    assert_eq!(
        town.refuses(BOB_THERE, Command::SetTopic { room: LOBBY, topic: Topic::default() }),
        Refusal::Forbidden
    );
    for command in [
        Command::Leave { room: LOBBY },
        Command::Remove { room: LOBBY, user: BOB_THERE.user },
        Command::Add { room: LOBBY, user: BOB_THERE.user },
    ] {
        assert_eq!(town.refuses(ADA_HERE, command), Refusal::Forbidden);
    }
}

#[test]
fn a_private_room_without_a_host_belongs_to_all_who_are_in_it() {
    let mut town = town();
    let tea = town.opens(ADA_THERE, RoomKind::Private, "tea");
    town.stores(ADA_THERE, Command::Add { room: tea, user: BOB_THERE.user });
    let rename = |name| Command::Rename { room: tea, name: RoomName::from_stored(name) };
    assert_eq!(town.refuses(BOB_THERE, rename("coffee")), Refusal::Forbidden);
    town.stores(ADA_THERE, Command::Leave { room: tea });
    assert_eq!(town.directory.room(tea).unwrap().host(), None);
    town.stores(BOB_THERE, rename("coffee"));
    assert_eq!(town.does(BOB_THERE, rename("coffee")), already(tea));
    town.stores(BOB_THERE, Command::Add { room: tea, user: ADA_THERE.user });
    assert_eq!(town.directory.room(tea).unwrap().host(), None, "whoever comes back is a member");
}

#[test]
fn a_room_ends_when_its_last_member_leaves_and_its_name_is_free_again() {
    let mut town = town();
    let garden = town.opens(ADA_THERE, RoomKind::Public, "garden");
    let tea = town.opens(ADA_THERE, RoomKind::Private, "tea");
    town.stores(BOB_THERE, join(garden));
    town.stores(ADA_THERE, Command::Leave { room: garden });
    assert_eq!(town.directory.room(garden).map(crate::Room::count), Some(1), "bob is there");
    town.stores(BOB_THERE, Command::Leave { room: garden });
    town.stores(ADA_THERE, Command::Leave { room: tea });
    assert_eq!(town.directory.room_count(), 1, "the lobby");
    assert_eq!(town.refuses(BOB_THERE, join(garden)), Refusal::NotFound);
    let invited = Command::Join { room: tea, by: JoinBy::Invite(InviteGeneration::ZERO) };
    assert_eq!(town.refuses(ADA_THERE, invited), Refusal::BadCode);
    let next = town.opens(BOB_THERE, RoomKind::Public, "Garden");
    assert_eq!(next, RoomId(4), "a number is never given again");
}

#[test]
fn a_person_joins_as_many_rooms_as_they_may_whatever_rooms_others_have_brought_them_into() {
    let mut town = town();
    town.limits = Limits { rooms_joined_max: 2, ..Limits::DEFAULT };
    for name in ["tea", "coffee"] {
        let room = town.opens(ADA_THERE, RoomKind::Private, name);
        town.stores(ADA_THERE, Command::Add { room, user: BOB_THERE.user });
    }
    assert_eq!(town.refuses(ADA_THERE, Command::Direct { with: vec![BOB_THERE.user] }), Refusal::Limit);
    town.stores(CLEO_THERE, Command::Direct { with: vec![BOB_THERE.user] });
    for name in ["milk", "water"] {
        town.opens(BOB_THERE, RoomKind::Private, name);
    }
    assert_eq!(town.refuses(BOB_THERE, create(RoomKind::Private, "wine")), Refusal::Limit);
    town.stores(CLEO_THERE, Command::Direct { with: vec![BOB_THERE.user, ADA_THERE.user] });
}

#[test]
fn members_are_those_whom_the_owner_or_members_let_into_private_rooms() {
    let mut town = town();
    let trust =
        |town: &Town<_>| [ADA_THERE, BOB_THERE, CLEO_THERE].map(|device| town.directory.trust(device.user));
    let invite = |room| Command::Join { room, by: JoinBy::Invite(InviteGeneration::ZERO) };
    let den = town.opens(CLEO_THERE, RoomKind::Private, "den");
    town.stores(BOB_THERE, invite(den));
    town.stores(ADA_THERE, Command::Claim);
    let square = town.opens(ADA_THERE, RoomKind::Public, "square");
    town.stores(BOB_THERE, join(square));
    town.stores(ADA_THERE, Command::Direct { with: vec![BOB_THERE.user] });
    assert_eq!(trust(&town), [Trust::Member, Trust::Guest, Trust::Guest], "guests do not make members");
    let tea = town.opens(ADA_THERE, RoomKind::Private, "tea");
    town.stores(BOB_THERE, invite(tea));
    assert_eq!(trust(&town), [Trust::Member, Trust::Member, Trust::Guest]);
    let coffee = town.opens(BOB_THERE, RoomKind::Private, "coffee");
    town.stores(BOB_THERE, Command::Add { room: coffee, user: CLEO_THERE.user });
    assert_eq!(trust(&town), [Trust::Member; 3], "members do");
    town.stores(ADA_THERE, Command::Remove { room: tea, user: BOB_THERE.user });
    let mut log = town.log;
    assert_eq!(Directory::load(&mut log).unwrap().trust(BOB_THERE.user), Trust::Member);
}

#[test]
fn public_rooms_have_names_of_their_own_and_private_ones_need_none() {
    let mut town = town();
    let garden = town.opens(ADA_THERE, RoomKind::Public, "garden");
    assert_eq!(town.refuses(BOB_THERE, create(RoomKind::Public, "Gаrden")), Refusal::NameTaken);
    assert_eq!(town.refuses(BOB_THERE, create(RoomKind::Public, "lobby")), Refusal::NameTaken);
    let own = town.opens(BOB_THERE, RoomKind::Private, "garden");
    assert_eq!(
        town.refuses(BOB_THERE, create(RoomKind::Private, "Lоbby")),
        Refusal::NameTaken,
        "with a Cyrillic о"
    );
    let park = town.opens(BOB_THERE, RoomKind::Public, "park");
    let rename = |room, name| Command::Rename { room, name: RoomName::from_stored(name) };
    assert_eq!(town.refuses(BOB_THERE, rename(park, "garden")), Refusal::NameTaken);
    assert_eq!(town.refuses(BOB_THERE, rename(own, "LOBBY")), Refusal::NameTaken);
    town.stores(BOB_THERE, rename(own, "park"));
    town.stores(ADA_THERE, rename(garden, "Garden"));
    town.stores(ADA_THERE, rename(garden, "meadow"));
    town.stores(BOB_THERE, rename(park, "garden"));
}

#[test]
fn bounds_are_asked_after_everything_else() {
    let mut town = town();
    let tea = town.opens(ADA_THERE, RoomKind::Private, "tea");
    let direct = town.stores(ADA_THERE, Command::Direct { with: vec![BOB_THERE.user] }).room;
    town.limits = Limits {
        text_bytes_max: 2,
        rooms_joined_max: 2,
        direct_members_max: 2,
        private_members_max: 1,
        rooms_max: 4,
        rooms_for_guests_percent: 100,
        sign_ins_max: 3,
    };
    let add = |user| Command::Add { room: tea, user };
    assert_eq!(town.refuses(ADA_THERE, add(BOB_THERE.user)), Refusal::Limit);
    assert_eq!(town.refuses(ADA_THERE, add(STRANGER.user)), Refusal::NotFound);
    assert_eq!(town.refuses(ADA_THERE, create(RoomKind::Public, "garden")), Refusal::Limit);
    assert_eq!(town.refuses(ADA_THERE, create(RoomKind::Public, "lobby")), Refusal::NameTaken);
    assert_eq!(town.does(BOB_THERE, Command::Direct { with: vec![ADA_THERE.user] }), already(direct));
    let all = vec![ADA_THERE.user, CLEO_THERE.user];
    assert_eq!(town.refuses(BOB_THERE, Command::Direct { with: all }), Refusal::Limit);
    assert_eq!(town.refuses(BOB_THERE, say(RoomId(9), "hello")), Refusal::NotFound);
    assert_eq!(town.refuses(BOB_THERE, say(LOBBY, "hello")), Refusal::TooLarge);
    town.opens(BOB_THERE, RoomKind::Public, "park");
    assert_eq!(
        town.refuses(CLEO_THERE, create(RoomKind::Public, "hall")),
        Refusal::Limit,
        "four rooms, no more"
    );
}

#[test]
fn guests_leave_a_part_of_the_rooms_to_those_whom_the_chat_knows() {
    let mut town = town();
    town.stores(ADA_THERE, Command::Claim);
    let tea = town.opens(ADA_THERE, RoomKind::Private, "tea");
    town.stores(ADA_THERE, Command::Add { room: tea, user: BOB_THERE.user });
    // The lobby is one.
    town.limits = Limits { rooms_max: 6, rooms_for_guests_percent: 50, ..Limits::DEFAULT };
    let with = |user| Command::Direct { with: vec![user] };
    town.stores(CLEO_THERE, with(ADA_THERE.user));
    assert_eq!(town.refuses(CLEO_THERE, with(BOB_THERE.user)), Refusal::Limit);
    assert_eq!(town.refuses(CLEO_THERE, create(RoomKind::Public, "hall")), Refusal::Limit);
    town.opens(BOB_THERE, RoomKind::Public, "hall");
    town.stores(BOB_THERE, with(CLEO_THERE.user));
    town.opens(ADA_THERE, RoomKind::Public, "garden");
    assert_eq!(town.refuses(ADA_THERE, create(RoomKind::Public, "park")), Refusal::Limit);
}

#[test]
fn a_command_that_was_rejected_unread_is_refused_for_ever() {
    let mut town = town();
    let rejected =
        |raw: &[u8]| Command::Rejected { why: Refusal::NameReserved, content: ContentHash::of_raw(raw) };
    let draft = town.draft(ADA_THERE, rejected(b"admin"));
    let refused = [Outcome::Refused(Refusal::NameReserved)];
    assert_eq!(town.takes(std::slice::from_ref(&draft)), refused);
    assert_eq!(town.takes(std::slice::from_ref(&draft)), refused);
    let other = crate::Draft { command: rejected(b"root"), ..draft };
    assert_eq!(town.takes(&[other]), [Outcome::Refused(Refusal::Conflict)]);
}

#[test]
fn pointers_have_no_numbers_and_everything_else_has() {
    let mut town = town();
    let seq = town.says(ADA_THERE, LOBBY, "hi");
    assert_eq!(town.refuses(ADA_THERE, Command::Read { room: LOBBY, seq }), Refusal::Invalid);
    let anonymous = crate::Draft {
        identity: crate::Identity::User(ADA_THERE.user),
        command: say(LOBBY, "hi"),
        at: crate::UnixMillis(0),
        over_quota: None,
    };
    assert_eq!(town.takes(&[anonymous]), [Outcome::Refused(Refusal::Invalid)]);
    let garden = town.opens(ADA_THERE, RoomKind::Public, "garden");
    assert_eq!(town.reads(BOB_THERE.user, garden, Seq(1)), Outcome::Refused(Refusal::Forbidden));
    assert_eq!(town.reads(STRANGER.user, LOBBY, seq), Outcome::Read { room: LOBBY, seq });
}

/// A damaged log makes a poor directory, and no panic.
#[test]
fn entries_of_rooms_that_are_not_there_change_nothing() {
    let mut town = town();
    town.opens(ADA_THERE, RoomKind::Private, "tea");
    town.does(ADA_THERE, Command::Add { room: RoomId(2), user: BOB_THERE.user });
    town.does(ADA_THERE, Command::Remove { room: RoomId(2), user: BOB_THERE.user });
    let mut directory = Directory::default();
    for entry in crate::conformance::read_all(&town.log.reader()) {
        if entry.position != Position(4) {
            directory.apply(&entry);
        }
    }
    assert!(directory.room(RoomId(2)).is_none());
    assert_eq!(directory.rooms_of(BOB_THERE.user).count(), 1);
}

/// The damaged entry may be that of somebody who left.
#[test]
fn a_damaged_row_closes_a_conversation_of_three_and_none_of_two() {
    let mut town = town();
    let (ada, bob, cleo) = (ADA_THERE.user, BOB_THERE.user, CLEO_THERE.user);
    let two = town.stores(ADA_THERE, Command::Direct { with: vec![bob] }).room;
    let three = town.stores(ADA_THERE, Command::Direct { with: vec![bob, cleo] }).room;
    for room in [two, three] {
        town.stores(BOB_THERE, Command::Leave { room });
    }
    let mut directory = Directory::default();
    for mut entry in crate::conformance::read_all(&town.log.reader()) {
        if matches!(entry.kind, crate::Kind::Left { .. }) {
            entry.kind = crate::Kind::Damaged { is_change: false };
        }
        directory.apply(&entry);
    }
    let members = |room| directory.members(room, None).collect::<Vec<_>>();
    assert_eq!((members(two), members(three)), (vec![ada, bob], vec![]));
    assert_eq!(directory.direct_between(&[ada, bob]), Some(two));
    assert_eq!(directory.direct_between(&[ada, bob, cleo]), None, "they begin another");
}

//! The rare situations that a history has to pass through. One that is never reached tests nothing.
#![expect(unreachable_pub, reason = "the macro makes public items")]

use crate::command::{Command, Draft, Identity, JoinBy, SignOutOf};
use crate::device::Device;
use crate::ids::{RoomId, Seq, UserId};
use crate::name::Nickname;
use crate::outcome::{Outcome, Refusal};
use crate::room::RoomKind;
use crate::sign_in::SignInMethod;
use crate::trust::Trust;

use super::list::{Fact, List, What, Who};
use super::names::look_alike;

crate::named! {
    /// Something that seldom happens.
    #[derive(PartialOrd, Ord)]
    pub enum Rare {
        AddedAgain = "a removed person is added again to a private room by its host",
        BroughtBack = "a removed person is added again to a public room",
        MemberBringsBack = "a member tries to bring back a removed person",
        BroughtBackWithoutHost = "a member of a private room without a host brings back a removed person",
        RemovedAgain = "a person is removed a second time from a room",
        RemovedSpeaks = "a removed person speaks in a public room",
        FormerMemberSpeaks = "a former member speaks in a private room",
        RespellsOwnName = "somebody spells their own name differently",
        TakesFreedName = "somebody takes a name that another one had",
        LookalikeName = "somebody wants a name that looks like another's",
        BetweenTwoNames = "somebody wants a name that looks like their own and like another's",
        RespellsRoom = "a public room's name is spelt differently",
        TakesFreedRoomName = "a public room takes a name that another one had",
        LookalikeRoom = "a public room wants a name that looks like another's",
        TopicTakenAway = "a topic is taken away",
        EditedTwice = "a message is edited again",
        DeletedAfterEdit = "an edited message is deleted",
        EditedAfterDeletion = "an edited and deleted message is edited again",
        DeletedTwice = "a deleted message is deleted again",
        ChangesWhatWasBefore = "somebody who came back edits their message from before",
        ChangesFromOutside = "somebody who left a public room edits or deletes their message",
        JoinsAgain = "somebody who left a public room joins again",
        JoinsAgainByInvite = "somebody who left a private room comes back with an invite",
        NewInvite = "an invite from after a removal is used",
        OldInvite = "an invite from before a removal is used",
        RemovedWithInvite = "a removed person uses an invite that still holds",
        HostLeaves = "a host leaves",
        LastLeaves = "the last member leaves a room",
        LastRemoved = "the owner removes the last member of a room",
        HostComesBack = "a former host comes back",
        FormerHostIsRefused = "a former host who came back tries to govern a public room",
        RoomWithoutHost = "a member renames a private room without a host",
        HostRemoved = "the owner removes a host",
        OwnerOutside = "the owner changes a public room that they are not in",
        OwnerBlind = "the owner tries something in a private room that they are not in",
        OwnerDeletes = "the owner deletes another's message in another's room",
        OwnerDeletesGuests = "the owner deletes a message of the tutorial's client",
        HostDeletes = "a host deletes another's message",
        OwnsAgain = "the owner claims the chat again",
        SecondOwner = "somebody else claims the chat",
        DirectAgain = "a direct conversation is asked for again by the same person",
        DirectLeft = "somebody leaves a direct conversation",
        SpeaksAlone = "somebody speaks in a direct conversation that the others have left",
        DirectAnew = "a direct conversation is begun again after somebody has left one",
        DirectByOther = "a direct conversation is asked for again by another one",
        ReadBack = "a pointer is asked to go back",
        ReadBeyond = "a pointer is asked to go beyond the last message",
        LimitOfRooms = "the chat is full",
        LimitOfRoomsForGuests = "the chat is full for guests",
        LimitOfJoined = "somebody is in too many rooms",
        AddedBeyondLimit = "somebody is added who has joined as many rooms as they may",
        LimitOfMembers = "a private room is full",
        LimitOfDirect = "a direct conversation has too many people",
        RepeatedLate = "a stored command is repeated after other things happened",
        RefusalRepeated = "a refused command is repeated",
        NumberConflict = "a number is used for another command",
        JumpedNumber = "a number is left out",
        SkipTooLate = "a stored command is cancelled",
        KeyConflict = "a page uses a key for another text",
        KeyOfOther = "a page repeats another page's key and text",
        WeakKey = "two pages use the same weak key for the same text",
        TwoDevices = "two devices of a person are in one batch",
        SameNameAtOnce = "two people want the same name in one batch",
        ChangedInItsBatch = "a message is edited in the batch in which it was sent",
        SignsInAgain = "a sign-in that is recorded is recorded again",
        RevivesSignIn = "a sign-in that has ended is to begin again",
        FirstIsLink = "somebody without a sign-in comes by a link",
        TooManySignIns = "a sign-in ends the oldest",
        SignsOut = "one sign-in of several is ended",
        SignsOthersOut = "all sign-ins but one are ended",
        KeepsEnded = "a sign-in that has ended is to be the only one",
        SignsOutLast = "the last sign-in of a person is ended",
        SignedOutAlready = "a sign-in that has ended is ended again",
        RolledBack = "a batch is rolled back",
        Reopened = "the log is opened again",
    }
    /// What happens.
    pub const fn name;
}

/// Which rare situations a command was, whose answer is `outcome`. `list` is what was before.
pub(super) fn seen(list: &List, draft: &Draft, outcome: Outcome) -> Vec<Rare> {
    let asked = Asked { list, outcome };
    let found: Vec<(bool, Rare)> = match &draft.identity {
        Identity::Lineage { lineage, key } => {
            let who = Who::Page { lineage: *lineage, key: key.as_ref().map(|key| key.as_str().into()) };
            asked.by_page(&who, &draft.command)
        }
        Identity::User(user) if matches!(draft.command, Command::SignIn { .. }) => {
            asked.signing_in(*user, &draft.command)
        }
        Identity::User(user) => asked.reading(*user, &draft.command),
        Identity::Device { device, n } if n.0 != list.last_n(*device) + 1 => asked.again(&draft.command),
        Identity::Device { device, .. } => asked.by_person(*device, &draft.command),
    };
    found.into_iter().filter(|(is_so, _)| *is_so).map(|(_, rare)| rare).collect()
}

/// Something that was asked for, and the answer.
struct Asked<'a> {
    list: &'a List,
    outcome: Outcome,
}

impl Asked<'_> {
    fn stored(&self) -> bool {
        matches!(self.outcome, Outcome::Stored(_))
    }

    fn refused(&self, why: Refusal) -> bool {
        self.outcome == Outcome::Refused(why)
    }

    fn already(&self) -> bool {
        matches!(self.outcome, Outcome::Already { .. })
    }

    fn by_page(&self, who: &Who, command: &Command) -> Vec<(bool, Rare)> {
        let Command::Say { text, .. } = command else { return Vec::new() };
        let Who::Page { key: Some(key), .. } = who else { return Vec::new() };
        let of_others = self.list.facts.iter().filter(|fact| fact.who != *who);
        let mut same = of_others.filter(|fact| {
            matches!(&fact.who, Who::Page { key: Some(other), .. } if other == key)
                && fact.what == What::Said(text.to_string())
        });
        let is_others = same.next().is_some();
        vec![
            (self.refused(Refusal::Conflict), Rare::KeyConflict),
            (matches!(self.outcome, Outcome::Repeated(_)) && is_others, Rare::KeyOfOther),
            (self.stored() && is_others && key == "undefined-0", Rare::WeakKey),
        ]
    }

    fn reading(&self, user: UserId, command: &Command) -> Vec<(bool, Rare)> {
        let (Command::Read { room, seq }, Outcome::Read { .. }) = (command, self.outcome) else {
            return Vec::new();
        };
        vec![
            (*seq < self.list.read(user, *room), Rare::ReadBack),
            (*seq > self.list.last_seq(*room), Rare::ReadBeyond),
        ]
    }

    fn signing_in(&self, user: UserId, command: &Command) -> Vec<(bool, Rare)> {
        let Command::SignIn { token, method, .. } = command else { return Vec::new() };
        let had = |fact: &&Fact| matches!(fact.what, What::SignedIn { user: who, token: other, .. } if (who, other) == (user, *token));
        let has_ended = self.refused(Refusal::Forbidden) && self.list.facts.iter().any(|fact| had(&fact));
        let is_full = self.list.sign_ins(user).len() >= super::LIMITS.sign_ins_max;
        let is_first = !self.list.was_signed_in(user);
        vec![
            (self.already(), Rare::SignsInAgain),
            (has_ended && *method != SignInMethod::Link, Rare::RevivesSignIn),
            (
                is_first && self.refused(Refusal::Forbidden) && *method == SignInMethod::Link,
                Rare::FirstIsLink,
            ),
            (self.stored() && is_full, Rare::TooManySignIns),
        ]
    }

    fn signing_out(&self, user: UserId, of: SignOutOf) -> Vec<(bool, Rare)> {
        let count = self.list.sign_ins(user).len();
        let is_one = matches!(of, SignOutOf::One(_));
        vec![
            (self.stored() && is_one && count > 1, Rare::SignsOut),
            (self.stored() && !is_one && count > 1, Rare::SignsOthersOut),
            (self.already() && !is_one && count > 1, Rare::KeepsEnded),
            (self.stored() && is_one && count == 1, Rare::SignsOutLast),
            (self.already() && is_one && self.list.was_signed_in(user), Rare::SignedOutAlready),
        ]
    }

    /// A number out of turn.
    fn again(&self, command: &Command) -> Vec<(bool, Rare)> {
        let is_skip = *command == Command::Skip;
        let late = match self.outcome {
            Outcome::Repeated(receipt) => receipt.position.0 < self.list.facts.len() as u64,
            _ => false,
        };
        let is_refusal = matches!(self.outcome, Outcome::Refused(why) if why != Refusal::Conflict);
        vec![
            (late && !is_skip, Rare::RepeatedLate),
            (late && is_skip, Rare::SkipTooLate),
            (is_refusal, Rare::RefusalRepeated),
            (self.refused(Refusal::Conflict), Rare::NumberConflict),
            (matches!(self.outcome, Outcome::Expected { .. }), Rare::JumpedNumber),
        ]
    }

    fn by_person(&self, device: Device, command: &Command) -> Vec<(bool, Rare)> {
        let user = device.user;
        let mut found = match command {
            Command::Say { room, .. } => self.speaking(user, *room),
            Command::Edit { room, seq, .. } => self.editing(user, *room, *seq),
            Command::Delete { room, seq } => self.deleting(user, *room, *seq),
            Command::Create { kind: RoomKind::Public, name, .. } => self.naming_a_room(None, name),
            Command::Rename { room, name } if self.list.kind(*room) == RoomKind::Public => {
                self.naming_a_room(Some(*room), name)
            }
            Command::Rename { room, .. } => {
                let has_host = self.list.host(*room).is_some();
                vec![(self.stored() && !has_host, Rare::RoomWithoutHost)]
            }
            Command::SetTopic { room, topic } => {
                let is_empty = topic.is_empty() && !self.list.topic(*room).is_empty();
                vec![(self.stored() && is_empty, Rare::TopicTakenAway)]
            }
            Command::Direct { with } => self.conversing(user, with),
            Command::Join { room, by } => self.joining(user, *room, *by),
            Command::Leave { room } => {
                vec![
                    (self.stored() && self.list.host(*room) == Some(user), Rare::HostLeaves),
                    (self.stored() && self.list.members(*room).len() == 1, Rare::LastLeaves),
                    (self.stored() && self.list.kind(*room) == RoomKind::Direct, Rare::DirectLeft),
                ]
            }
            Command::Add { room, user: who } => self.adding(user, *room, *who),
            Command::Remove { room, user: who } => self.removing(*room, *who),
            Command::Name { name } => self.naming(user, name),
            Command::SignOut { of } => self.signing_out(user, *of),
            Command::Claim => {
                vec![(self.already(), Rare::OwnsAgain), (self.refused(Refusal::BadCode), Rare::SecondOwner)]
            }
            _ => Vec::new(),
        };
        found.extend(self.governing(user, command));
        found.extend(self.limits(user, command));
        found
    }

    /// What hosts and owners do in a room.
    fn governing(&self, user: UserId, command: &Command) -> Vec<(bool, Rare)> {
        let (Command::Rename { room, .. }
        | Command::SetTopic { room, .. }
        | Command::Delete { room, .. }
        | Command::Remove { room, .. }
        | Command::Add { room, .. }) = command
        else {
            return Vec::new();
        };
        let (list, room) = (self.list, *room);
        let is_owner = list.owner() == Some(user);
        let is_outside = list.exists(room) && !list.is_member(user, room);
        let is_public = list.kind(room) == RoomKind::Public;
        let was_host = list.creator(room) == Some(user) && list.was_away(user, room);
        let is_refused_host = was_host && list.is_member(user, room) && self.refused(Refusal::Forbidden);
        vec![
            (is_owner && is_outside && is_public && self.stored(), Rare::OwnerOutside),
            (is_owner && is_outside && !is_public && self.refused(Refusal::NotFound), Rare::OwnerBlind),
            (is_public && is_refused_host, Rare::FormerHostIsRefused),
        ]
    }

    fn speaking(&self, user: UserId, room: RoomId) -> Vec<(bool, Rare)> {
        let was_away = self.list.was_away(user, room);
        vec![
            (self.refused(Refusal::Forbidden) && self.list.is_barred(user, room), Rare::RemovedSpeaks),
            (self.refused(Refusal::NotFound) && was_away, Rare::FormerMemberSpeaks),
            (self.refused(Refusal::Forbidden) && self.list.kind(room) == RoomKind::Direct, Rare::SpeaksAlone),
        ]
    }

    fn editing(&self, user: UserId, room: RoomId, seq: Seq) -> Vec<(bool, Rare)> {
        let list = self.list;
        let is_own = list.message(room, seq).is_some_and(|message| message.user() == Some(user));
        let was_edited = list.last_edit(room, seq).is_some();
        let is_deleted = list.is_deleted(room, seq);
        let is_old = list.since(user, room).is_some_and(|since| since.receipt.seq >= seq);
        let is_missing = is_own && self.refused(Refusal::NotFound);
        let is_private = list.kind(room) == RoomKind::Private;
        vec![
            (self.stored() && was_edited, Rare::EditedTwice),
            (
                is_own && !list.is_member(user, room) && self.refused(Refusal::Forbidden),
                Rare::ChangesFromOutside,
            ),
            (is_missing && was_edited && is_deleted, Rare::EditedAfterDeletion),
            (is_missing && is_old && is_private && !is_deleted, Rare::ChangesWhatWasBefore),
        ]
    }

    fn deleting(&self, user: UserId, room: RoomId, seq: Seq) -> Vec<(bool, Rare)> {
        let list = self.list;
        let Some(message) = list.message(room, seq) else { return Vec::new() };
        let is_others = message.user() != Some(user);
        let is_host = list.host(room) == Some(user);
        let is_guests = message.user().is_none();
        let is_outside = !is_others && !list.is_member(user, room);
        vec![
            (self.stored() && list.last_edit(room, seq).is_some(), Rare::DeletedAfterEdit),
            (self.already(), Rare::DeletedTwice),
            (is_outside && self.refused(Refusal::Forbidden), Rare::ChangesFromOutside),
            (self.stored() && is_others && is_host, Rare::HostDeletes),
            (self.stored() && is_others && !is_host && !is_guests, Rare::OwnerDeletes),
            (self.stored() && is_guests, Rare::OwnerDeletesGuests),
        ]
    }

    fn naming_a_room(&self, room: Option<RoomId>, name: &str) -> Vec<(bool, Rare)> {
        let list = self.list;
        let own = room.and_then(|room| list.title(room));
        let had = list.facts.iter().any(|fact| match &fact.what {
            What::Created { kind: RoomKind::Public, name: Some(other), .. } | What::Renamed(other) => {
                Some(fact.room()) != room
                    && list.kind(fact.room()) == RoomKind::Public
                    && look_alike(name, other)
            }
            _ => false,
        });
        let is_taken = self.refused(Refusal::NameTaken);
        let is_exact = list.public_like(name).into_iter().any(|other| list.title(other) == Some(name));
        let respells = own.is_some_and(|own| look_alike(own, name));
        vec![
            (self.stored() && respells, Rare::RespellsRoom),
            (self.stored() && had, Rare::TakesFreedRoomName),
            (is_taken && !is_exact, Rare::LookalikeRoom),
        ]
    }

    fn naming(&self, user: UserId, name: &str) -> Vec<(bool, Rare)> {
        let list = self.list;
        let respells = list.name(user).is_some_and(|own| look_alike(own, name));
        let had = list.facts.iter().any(|fact| match &fact.what {
            What::Named(other, taken) => *other != user && look_alike(name, taken),
            _ => false,
        });
        let is_exact = list.called_like(name).into_iter().any(|other| list.name(other) == Some(name));
        vec![
            (self.stored() && respells, Rare::RespellsOwnName),
            (self.stored() && had, Rare::TakesFreedName),
            (self.refused(Refusal::NameTaken) && !is_exact, Rare::LookalikeName),
            (self.refused(Refusal::NameTaken) && respells, Rare::BetweenTwoNames),
        ]
    }

    fn conversing(&self, user: UserId, with: &[UserId]) -> Vec<(bool, Rare)> {
        let members = with.iter().copied().chain([user]).collect();
        let opened_by = self.list.direct(&members).and_then(|room| self.list.of(room).next()?.user());
        vec![
            (self.stored() && self.list.had_direct(&members), Rare::DirectAnew),
            (self.already() && opened_by == Some(user), Rare::DirectAgain),
            (self.already() && opened_by != Some(user), Rare::DirectByOther),
            (self.refused(Refusal::Limit) && members.len() > 3, Rare::LimitOfDirect),
        ]
    }

    fn joining(&self, user: UserId, room: RoomId, by: JoinBy) -> Vec<(bool, Rare)> {
        let list = self.list;
        let is_private = list.kind(room) == RoomKind::Private;
        let was_away = list.was_away(user, room);
        let removals = list.removals(room);
        let current = matches!(by, JoinBy::Invite(generation) if generation.0 == removals);
        vec![
            (self.stored() && was_away && !is_private, Rare::JoinsAgain),
            (self.stored() && was_away && is_private, Rare::JoinsAgainByInvite),
            (self.stored() && is_private && removals > 0, Rare::NewInvite),
            (self.refused(Refusal::BadCode) && is_private && removals > 0, Rare::OldInvite),
            (self.refused(Refusal::Forbidden) && is_private && current, Rare::RemovedWithInvite),
            (self.stored() && list.creator(room) == Some(user), Rare::HostComesBack),
        ]
    }

    fn adding(&self, user: UserId, room: RoomId, who: UserId) -> Vec<(bool, Rare)> {
        let list = self.list;
        let (is_private, host) = (list.kind(room) == RoomKind::Private, list.host(room));
        let back = self.stored() && list.is_barred(who, room);
        let is_owner = list.owner() == Some(user);
        vec![
            (back && is_private && host == Some(user), Rare::AddedAgain),
            (
                self.stored() && list.joined_by_self(who) >= super::LIMITS.rooms_joined_max,
                Rare::AddedBeyondLimit,
            ),
            (back && is_private && host.is_none() && !is_owner, Rare::BroughtBackWithoutHost),
            (back && !is_private, Rare::BroughtBack),
            (
                is_private && list.is_barred(who, room) && self.refused(Refusal::Forbidden),
                Rare::MemberBringsBack,
            ),
        ]
    }

    fn removing(&self, room: RoomId, who: UserId) -> Vec<(bool, Rare)> {
        let again = self.list.of(room).any(|fact| fact.what == What::Removed(who));
        vec![
            (self.stored() && again, Rare::RemovedAgain),
            (self.stored() && self.list.host(room) == Some(who), Rare::HostRemoved),
            (self.stored() && self.list.members(room).len() == 1, Rare::LastRemoved),
        ]
    }

    fn limits(&self, user: UserId, command: &Command) -> Vec<(bool, Rare)> {
        if !self.refused(Refusal::Limit) {
            return Vec::new();
        }
        let rooms = self.list.rooms().len();
        vec![match command {
            Command::Create { .. } if rooms == super::LIMITS.rooms_max => (true, Rare::LimitOfRooms),
            // Somebody else may still create one.
            Command::Create { .. } if rooms == super::LIMITS.rooms_for_guests() => {
                (self.list.trust(user) == Trust::Guest, Rare::LimitOfRoomsForGuests)
            }
            Command::Create { .. } => (true, Rare::LimitOfJoined),
            Command::Join { room, .. } | Command::Add { room, .. } => {
                let is_full = self.list.members(*room).len() == super::LIMITS.private_members_max;
                let is_private = self.list.kind(*room) == RoomKind::Private;
                (true, if is_full && is_private { Rare::LimitOfMembers } else { Rare::LimitOfJoined })
            }
            _ => (false, Rare::LimitOfRooms),
        }]
    }
}

/// What is rare about commands that come at once.
pub(super) fn seen_at_once(drafts: &[Draft], outcomes: &[Outcome]) -> Vec<Rare> {
    let stored: Vec<_> = drafts
        .iter()
        .zip(outcomes)
        .filter_map(|(draft, outcome)| match (&draft.identity, outcome) {
            (Identity::Device { device, .. }, Outcome::Stored(receipt)) => {
                Some((*device, &draft.command, *receipt))
            }
            _ => None,
        })
        .collect();
    let two = stored
        .iter()
        .any(|(one, ..)| stored.iter().any(|(other, ..)| one.user == other.user && one.id != other.id));
    let names = drafts.iter().zip(outcomes).filter_map(|(draft, outcome)| match &draft.command {
        Command::Name { name } => Some((name, *outcome)),
        _ => None,
    });
    let names: Vec<_> = names.collect();
    let taken = names.iter().any(|(name, outcome)| {
        let is_taken = *outcome == Outcome::Refused(Refusal::NameTaken);
        let is_new = |(other, outcome): &(_, Outcome)| {
            matches!(outcome, Outcome::Stored(_)) && look_alike(name, other as &Nickname)
        };
        is_taken && names.iter().any(is_new)
    });
    let edited = stored.iter().any(|(_, command, _)| match command {
        Command::Edit { room, seq, .. } => stored.iter().any(|(_, command, receipt)| {
            matches!(command, Command::Say { .. }) && (receipt.room, receipt.seq) == (*room, *seq)
        }),
        _ => false,
    });
    let found = [(two, Rare::TwoDevices), (taken, Rare::SameNameAtOnce), (edited, Rare::ChangedInItsBatch)];
    found.into_iter().filter(|(is_so, _)| *is_so).map(|(_, rare)| rare).collect()
}

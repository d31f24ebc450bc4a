//! Who may do what, as `docs/protocol.md` says it, decided by searching the list.
//!
//! First comes what somebody may know, then what they may do, then names, then limits.

use std::collections::BTreeSet;

use crate::command::{Command, Draft, Identity, JoinBy, SignOutOf};
use crate::decide::Limits;
use crate::device::Device;
use crate::entry::UnixMillis;
use crate::ids::{CommandNumber, Lineage, RoomId, Seq, UserId};
use crate::key::ClientKey;
use crate::outcome::{Outcome, Refusal};
use crate::room::RoomKind;
use crate::sign_in::{SignInMethod, TokenHash};
use crate::text::Text;
use crate::trust::Trust;

use super::list::{Counted, Fact, List, What, Who};

/// What becomes of a command that was not sent before.
enum Ruling {
    Happens(RoomId, What),
    Nothing(RoomId),
    Skip,
}

type Ruled = Result<Ruling, Refusal>;

impl List {
    /// Takes one command, and tells the answer.
    pub(super) fn take(&mut self, draft: &Draft, limits: Limits) -> Outcome {
        match &draft.identity {
            Identity::Lineage { lineage, key } => self.take_of_page(draft, *lineage, key.as_ref(), limits),
            Identity::Device { device, n } => self.take_of_device(draft, *device, *n, limits),
            Identity::User(user) => match &draft.command {
                Command::SignIn { token, method, label } => {
                    self.take_sign_in(*user, (*token, *method, label), draft.at, limits)
                }
                _ => self.take_reading(*user, &draft.command),
            },
        }
    }

    /// Clients of the tutorial only speak, and only in the lobby.
    fn take_of_page(
        &mut self,
        draft: &Draft,
        lineage: Option<Lineage>,
        key: Option<&ClientKey>,
        limits: Limits,
    ) -> Outcome {
        let Command::Say { room, text } = &draft.command else {
            return Outcome::Refused(Refusal::Forbidden);
        };
        let who = Who::Page { lineage, key: key.map(|key| key.as_str().into()) };
        let has_key = |fact: &&Fact| match (&fact.who, key) {
            (Who::Page { key: Some(other), .. }, Some(key)) => other == key.as_str(),
            _ => false,
        };
        let says_the_same = |fact: &Fact| *room == fact.room() && fact.what == What::Said(text.to_string());
        let own = self.facts.iter().find(|fact| lineage.is_some() && fact.who == who && has_key(fact));
        if let Some(own) = own {
            return if says_the_same(own) {
                Outcome::Repeated(own.receipt)
            } else {
                Outcome::Refused(Refusal::Conflict)
            };
        }
        let is_weak = key.is_some_and(|key| key.as_str().starts_with("undefined-"));
        let anybodys = self.facts.iter().filter(has_key).find(|fact| says_the_same(fact) && !is_weak);
        if let Some(anybodys) = anybodys {
            return Outcome::Repeated(anybodys.receipt);
        }
        if text.len() > limits.text_bytes_max {
            return Outcome::Refused(Refusal::TooLarge);
        }
        if *room != RoomId::LOBBY {
            return Outcome::Refused(Refusal::NotFound);
        }
        Outcome::Stored(self.happens(who, *room, What::Said(text.to_string()), draft.at))
    }

    /// Commands of a device come in turn, and each number has one answer for ever.
    fn take_of_device(&mut self, draft: &Draft, device: Device, n: CommandNumber, limits: Limits) -> Outcome {
        let next = self.last_n(device) + 1;
        if n.0 > next {
            return Outcome::Expected { n: CommandNumber(next) };
        }
        if n.0 < next {
            let is_it = |counted: &&Counted| counted.device == device && counted.n == n;
            return match self.counted.iter().find(is_it) {
                Some(earlier)
                    if draft.command == Command::Skip || is_same(&draft.command, &earlier.command) =>
                {
                    earlier.outcome
                }
                Some(_) | None => Outcome::Refused(Refusal::Conflict),
            };
        }
        let ruled = Ruler { list: self, limits, user: device.user }.rule(&draft.command);
        let outcome = match ruled {
            Ok(Ruling::Happens(room, what)) => self.store(device, n, room, what, draft.at),
            Ok(Ruling::Nothing(room)) => Outcome::Already { room },
            Ok(Ruling::Skip) => Outcome::Skipped,
            Err(refusal) => Outcome::Refused(refusal),
        };
        let again = if let Outcome::Stored(receipt) = outcome { Outcome::Repeated(receipt) } else { outcome };
        self.counted.push(Counted { device, n, command: draft.command.clone(), outcome: again });
        outcome
    }

    fn store(
        &mut self,
        device: Device,
        n: CommandNumber,
        room: RoomId,
        what: What,
        at: UnixMillis,
    ) -> Outcome {
        Outcome::Stored(self.happens(Who::Device(device, n), room, what, at))
    }

    /// The first one comes with the person, and later ones by a link. What has ended never comes back.
    fn take_sign_in(
        &mut self,
        user: UserId,
        (token, method, label): (TokenHash, SignInMethod, &str),
        at: UnixMillis,
        limits: Limits,
    ) -> Outcome {
        let room = RoomId::PERSONAL;
        let lasting = self.sign_ins(user);
        if lasting.iter().any(|sign_in| sign_in.token == token) {
            return Outcome::Already { room };
        }
        let is_first = !self.was_signed_in(user);
        let is_known = lasting.iter().any(|sign_in| sign_in.token.id() == token.id());
        let is_of_all = token == TokenHash::OLD;
        let may = match method {
            SignInMethod::New => is_first && !is_of_all,
            SignInMethod::Old => is_first && is_of_all,
            SignInMethod::Link => !is_first && !is_of_all && !is_known,
        };
        if !may {
            return Outcome::Refused(Refusal::Forbidden);
        }
        let is_full = lasting.len() >= limits.sign_ins_max;
        let ended = lasting.first().filter(|_| is_full).map(|oldest| oldest.token.id());
        let what = What::SignedIn { user, token, method, label: label.into(), ended };
        Outcome::Stored(self.happens(Who::User, room, what, at))
    }

    /// Forward, never back, and no further than the last message.
    fn take_reading(&mut self, user: UserId, command: &Command) -> Outcome {
        let Command::Read { room, seq } = command else { return Outcome::Refused(Refusal::Invalid) };
        let room = *room;
        if !self.exists(room) || self.sees(user, room).is_none() {
            return Outcome::Refused(Refusal::NotFound);
        }
        if !self.is_member(user, room) {
            return Outcome::Refused(Refusal::Forbidden);
        }
        let reached = (*seq).min(self.last_seq(room));
        if reached > self.read(user, room) {
            self.reads.push((user, room, reached));
        }
        Outcome::Read { room, seq: self.read(user, room) }
    }
}

/// Whether two commands say the same. Who is in a conversation has no order.
fn is_same(one: &Command, other: &Command) -> bool {
    let (Command::Direct { with }, Command::Direct { with: others }) = (one, other) else {
        return one == other;
    };
    let (mut with, mut others) = (with.clone(), others.clone());
    with.sort_unstable();
    others.sort_unstable();
    with == others
}

/// The rules for one person.
struct Ruler<'a> {
    list: &'a List,
    limits: Limits,
    user: UserId,
}

/// An error if it is not so.
fn must(is_so: bool, refusal: Refusal) -> Result<(), Refusal> {
    if is_so { Ok(()) } else { Err(refusal) }
}

impl Ruler<'_> {
    fn rule(&self, command: &Command) -> Ruled {
        match command {
            Command::Say { room, text } => self.say(*room, text),
            Command::Edit { room, seq, text } => self.edit(*room, *seq, text),
            Command::Delete { room, seq } => self.delete(*room, *seq),
            Command::Create { kind, name, topic } => self.create(*kind, name, topic),
            Command::Direct { with } => self.direct(with),
            Command::Rename { room, name } => self.rename(*room, name),
            Command::SetTopic { room, topic } => self.set_topic(*room, topic),
            Command::Join { room, by: JoinBy::Open } => self.join(*room),
            Command::Join { room, by: JoinBy::Invite(generation) } => self.be_invited(*room, generation.0),
            Command::Leave { room } => self.leave(*room),
            Command::Add { room, user } => self.add(*room, *user),
            Command::Remove { room, user } => self.remove(*room, *user),
            Command::Name { name } => self.be_called(name),
            Command::Claim => self.claim(),
            Command::SignOut { of } => Ok(self.sign_out(*of)),
            Command::SignIn { .. } | Command::Read { .. } => Err(Refusal::Invalid),
            Command::Rejected { why, .. } => Err(*why),
            Command::Skip => Ok(Ruling::Skip),
        }
    }

    fn knows(&self, room: RoomId) -> Result<(), Refusal> {
        must(self.list.exists(room) && self.list.sees(self.user, room).is_some(), Refusal::NotFound)
    }

    fn is_member(&self, room: RoomId) -> Result<(), Refusal> {
        must(self.list.is_member(self.user, room), Refusal::Forbidden)
    }

    fn has_name(&self) -> Result<(), Refusal> {
        must(self.list.name(self.user).is_some(), Refusal::NameRequired)
    }

    fn fits(&self, text: &Text) -> Result<(), Refusal> {
        must(text.len() <= self.limits.text_bytes_max, Refusal::TooLarge)
    }

    /// The host of a room, or the owner of the chat.
    fn is_in_charge(&self, room: RoomId) -> bool {
        [self.list.host(room), self.list.owner()].contains(&Some(self.user))
    }

    /// If the host of a private room has left, each member may do what a host may, but for removing people.
    fn is_trusted(&self, room: RoomId) -> bool {
        let is_everybodys = self.list.kind(room) == RoomKind::Private && self.list.host(room).is_none();
        is_everybodys || self.is_in_charge(room)
    }

    fn say(&self, room: RoomId, text: &Text) -> Ruled {
        self.knows(room)?;
        self.is_member(room)?;
        let is_alone =
            self.list.kind(room) == RoomKind::Direct && self.list.members(room) == [self.user].into();
        must(!is_alone, Refusal::Forbidden)?;
        self.fits(text)?;
        Ok(Ruling::Happens(room, What::Said(text.to_string())))
    }

    /// A message that the person may see.
    fn message(&self, room: RoomId, seq: Seq) -> Result<&Fact, Refusal> {
        self.knows(room)?;
        let (_, after, _) = self.list.sees(self.user, room).ok_or(Refusal::NotFound)?;
        self.list.message(room, seq).filter(|_| seq > after).ok_or(Refusal::NotFound)
    }

    fn edit(&self, room: RoomId, seq: Seq, text: &Text) -> Ruled {
        let message = self.message(room, seq)?;
        must(message.user() == Some(self.user), Refusal::Forbidden)?;
        self.is_member(room)?;
        must(!self.list.is_deleted(room, seq), Refusal::NotFound)?;
        self.fits(text)?;
        Ok(Ruling::Happens(room, What::Edited(seq, text.to_string())))
    }

    fn delete(&self, room: RoomId, seq: Seq) -> Ruled {
        let message = self.message(room, seq)?;
        let is_own = message.user() == Some(self.user) && self.list.is_member(self.user, room);
        must(is_own || self.is_in_charge(room), Refusal::Forbidden)?;
        let is_deleted = self.list.is_deleted(room, seq);
        Ok(if is_deleted { Ruling::Nothing(room) } else { Ruling::Happens(room, What::Deleted(seq)) })
    }

    fn create(&self, kind: RoomKind, name: &str, topic: &str) -> Ruled {
        self.has_name()?;
        must(kind != RoomKind::Direct, Refusal::Invalid)?;
        must(self.is_free(name, kind, None), Refusal::NameTaken)?;
        self.may_be_one_more_room()?;
        self.may_join_one_more()?;
        Ok(self.opens(kind, Some(name), topic, [self.user].into()))
    }

    fn direct(&self, with: &[UserId]) -> Ruled {
        self.has_name()?;
        let members: BTreeSet<_> = with.iter().copied().chain([self.user]).collect();
        must(members.len() > 1, Refusal::Invalid)?;
        must(members.iter().all(|user| self.list.name(*user).is_some()), Refusal::NotFound)?;
        if let Some(room) = self.list.direct(&members) {
            return Ok(Ruling::Nothing(room));
        }
        must(members.len() <= self.limits.direct_members_max, Refusal::Limit)?;
        self.may_be_one_more_room()?;
        self.may_join_one_more()?;
        Ok(self.opens(RoomKind::Direct, None, "", members))
    }

    fn opens(&self, kind: RoomKind, name: Option<&str>, topic: &str, members: BTreeSet<UserId>) -> Ruling {
        let last = self.list.rooms_ever().last().map_or(1, |room| room.0);
        let members = members.into_iter().collect();
        let what = What::Created { kind, name: name.map(Into::into), topic: topic.into(), members };
        Ruling::Happens(RoomId(last + 1), what)
    }

    fn may_be_one_more_room(&self) -> Result<(), Refusal> {
        let is_guest = self.list.trust(self.user) == Trust::Guest;
        let percent = if is_guest { self.limits.rooms_for_guests_percent } else { 100 };
        must(self.list.rooms().len() < self.limits.rooms_max * percent / 100, Refusal::Limit)
    }

    /// Where others have brought them in does not count.
    fn may_join_one_more(&self) -> Result<(), Refusal> {
        must(self.list.joined_by_self(self.user) < self.limits.rooms_joined_max, Refusal::Limit)
    }

    fn may_change(&self, room: RoomId) -> Result<(), Refusal> {
        self.knows(room)?;
        must(self.list.kind(room) != RoomKind::Direct && self.is_trusted(room), Refusal::Forbidden)
    }

    fn rename(&self, room: RoomId, name: &str) -> Ruled {
        self.may_change(room)?;
        if self.list.title(room) == Some(name) {
            return Ok(Ruling::Nothing(room));
        }
        must(self.is_free(name, self.list.kind(room), Some(room)), Refusal::NameTaken)?;
        Ok(Ruling::Happens(room, What::Renamed(name.into())))
    }

    /// No name of a public room is had twice, and no private room is called as the lobby is.
    fn is_free(&self, name: &str, kind: RoomKind, own: Option<RoomId>) -> bool {
        let mut others = self.list.public_like(name);
        others.retain(|other| Some(*other) != own);
        match kind {
            RoomKind::Private => !others.contains(&RoomId::LOBBY),
            RoomKind::Public | RoomKind::Direct => others.is_empty(),
        }
    }

    fn set_topic(&self, room: RoomId, topic: &str) -> Ruled {
        self.may_change(room)?;
        let is_same = self.list.topic(room) == topic;
        Ok(if is_same { Ruling::Nothing(room) } else { Ruling::Happens(room, What::TopicSet(topic.into())) })
    }

    fn join(&self, room: RoomId) -> Ruled {
        self.knows(room)?;
        self.enter(room)
    }

    /// Who holds an invite of an earlier generation knows nothing of the room. A public room needs no invite.
    fn be_invited(&self, room: RoomId, generation: u64) -> Ruled {
        must(self.list.exists(room), Refusal::BadCode)?;
        if !self.list.is_member(self.user, room) {
            match self.list.kind(room) {
                RoomKind::Public => {}
                RoomKind::Private => must(self.list.removals(room) == generation, Refusal::BadCode)?,
                RoomKind::Direct => return Err(Refusal::BadCode),
            }
        }
        self.enter(room)
    }

    fn enter(&self, room: RoomId) -> Ruled {
        if self.list.is_member(self.user, room) {
            return Ok(Ruling::Nothing(room));
        }
        self.has_name()?;
        must(!self.list.is_barred(self.user, room), Refusal::Forbidden)?;
        self.becomes_a_member(room, self.user)
    }

    fn becomes_a_member(&self, room: RoomId, user: UserId) -> Ruled {
        let is_full = self.list.members(room).len() >= self.limits.private_members_max;
        must(self.list.kind(room) != RoomKind::Private || !is_full, Refusal::Limit)?;
        if user == self.user {
            self.may_join_one_more()?;
        }
        Ok(Ruling::Happens(room, What::Joined(user)))
    }

    /// Nobody enters the lobby or a direct conversation.
    fn has_changing_members(&self, room: RoomId) -> Result<(), Refusal> {
        self.knows(room)?;
        must(room != RoomId::LOBBY && self.list.kind(room) != RoomKind::Direct, Refusal::Forbidden)
    }

    fn leave(&self, room: RoomId) -> Ruled {
        self.knows(room)?;
        must(room != RoomId::LOBBY, Refusal::Forbidden)?;
        let is_in = self.list.is_member(self.user, room);
        Ok(if is_in { Ruling::Happens(room, What::Left(self.user)) } else { Ruling::Nothing(room) })
    }

    fn add(&self, room: RoomId, user: UserId) -> Ruled {
        self.has_changing_members(room)?;
        let may = if self.list.kind(room) == RoomKind::Private {
            !self.list.is_barred(user, room) || self.is_trusted(room)
        } else {
            self.is_in_charge(room)
        };
        must(may, Refusal::Forbidden)?;
        must(self.list.name(user).is_some(), Refusal::NotFound)?;
        if self.list.is_member(user, room) {
            return Ok(Ruling::Nothing(room));
        }
        self.becomes_a_member(room, user)
    }

    fn remove(&self, room: RoomId, user: UserId) -> Ruled {
        self.has_changing_members(room)?;
        must(self.is_in_charge(room) && user != self.user, Refusal::Forbidden)?;
        let is_in = self.list.is_member(user, room);
        Ok(if is_in { Ruling::Happens(room, What::Removed(user)) } else { Ruling::Nothing(room) })
    }

    fn be_called(&self, name: &str) -> Ruled {
        if self.list.name(self.user) == Some(name) {
            return Ok(Ruling::Nothing(RoomId::HOUSE));
        }
        let mut like = self.list.called_like(name);
        like.remove(&self.user);
        must(like.is_empty(), Refusal::NameTaken)?;
        Ok(Ruling::Happens(RoomId::HOUSE, What::Named(self.user, name.into())))
    }

    fn sign_out(&self, of: SignOutOf) -> Ruling {
        let mut sign_ins: Vec<_> = self.list.sign_ins(self.user).iter().map(|one| one.token.id()).collect();
        match of {
            SignOutOf::One(id) => sign_ins.retain(|other| *other == id),
            SignOutOf::Others { keep } if !sign_ins.contains(&keep) => sign_ins.clear(),
            SignOutOf::Others { keep } => sign_ins.retain(|other| *other != keep),
        }
        if sign_ins.is_empty() {
            return Ruling::Nothing(RoomId::HOUSE);
        }
        Ruling::Happens(RoomId::PERSONAL, What::SignedOut { user: self.user, sign_ins })
    }

    /// One owner, for ever.
    fn claim(&self) -> Ruled {
        match self.list.owner() {
            None => Ok(Ruling::Happens(RoomId::HOUSE, What::Owner(self.user))),
            Some(owner) if owner == self.user => Ok(Ruling::Nothing(RoomId::HOUSE)),
            Some(_) => Err(Refusal::BadCode),
        }
    }
}

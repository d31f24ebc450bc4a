//! [`Edge`]: what all connections of `/v1` share, and what each event does with it.
//!
//! Everything here runs on a worker or on a reader's thread and waits for neither disk nor network. Requests check
//! permission against the current directory; commands are checked when they are decided. Time and randomness
//! come from the environment.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chat::{
    Admission, Appender, Command, DirectoryHandle, Draft, Identity, Position, ReadPointer, Refusal,
    RefusedWhy, RoomId, Trust, UserId,
};
use serde::Serialize;
use socketio_server::{
    Feed, FeedJoin, FeedPosition, FeedRoom, Flow, Joining, Replay, SocketData, Target, Turn, UserTag, WeakIo,
};

use super::ack::{DONE, RequestError};
use super::code::Code;
use super::command::{Numbered, ShownCode};
use super::connections::Connections;
use super::frames::{self, NAMESPACE, sockets_of};
use super::guesses::{GuessRates, Guesses};
use super::identity::Signer;
use super::ids::WireUser;
use super::links::{IssuedLink, Links};
use super::presence::{Named, Presence};
use super::reads::{Held, HeldReads};
use super::request::{self, Moved};
use super::session::{Claims, NoticeRates, Session};
use super::sight::Sight;
use super::traffic::Traffic;
use super::typing::Typing;
use super::view::Person;
use super::welcome::{Resumption, Welcome, WireLimits};
use crate::allowance::Allowances;
use crate::command_pace::{CommandPaces, Writer};
use crate::environment::Environment;
use crate::names::{self, CommandName};
use crate::payer::{Payer, Widening};
use crate::planted::{self, Bug};
use crate::quotas::Quotas;
use crate::rare::{self, Rare};
use crate::reading::pool::Pool;
use crate::stamp::Stamp;
use crate::stats::{Count, Tallies};
use crate::ticket::Ticket;

/// A command beyond a quota counts as so many commands: it is refused, and the refusal is stored.
const OVER_QUOTA_COST: u64 = 10;

/// The parts of a node that the edge uses.
#[derive(Debug)]
pub struct EdgeParts {
    pub signer: Signer,
    pub feed: Feed,
    pub appender: Arc<Appender<Ticket>>,
    pub stamp: Stamp,
    pub readers: Arc<Pool>,
    /// The server, once it is there.
    pub io: WeakIo,
    pub limits: WireLimits,
    /// The rooms of the newest entries.
    pub traffic: Traffic,
    /// A client that has missed more entries that it may see starts from the present.
    pub resume_entries_max: u64,
    /// An answer has this many bytes of messages, or one message.
    pub history_bytes_max: usize,
    /// One more open request of a connection is answered `busy`.
    pub requests_open_max: usize,
    /// One more connection of a person is refused: `busy`.
    pub connections_per_person_max: usize,
    /// How fast the past is read.
    pub allowances: Allowances,
    /// How often codes may lead nowhere.
    pub guesses: GuessRates,
    /// The same and all else for the members of one network.
    pub widening: Widening,
    /// How fast durable commands are taken.
    pub paces: CommandPaces,
    /// How fast one connection may tell that somebody types, and move read pointers.
    pub notices: NoticeRates,
    /// What one person and one network may add to the chat.
    pub quotas: Quotas,
    /// What is counted.
    pub tallies: Arc<Tallies>,
    pub environment: Environment,
}

/// What all connections of `/v1` share.
#[derive(Debug)]
pub struct Edge {
    pub(super) parts: EdgeParts,
    /// In reach of this file alone: for each purpose, one look.
    directory: DirectoryHandle,
    presence: Mutex<Presence>,
    links: Mutex<Links>,
    pub(super) connections: Connections,
    pub(super) guesses: Mutex<Guesses>,
    /// Read pointers that wait.
    reads: Mutex<HeldReads<Ticket>>,
}

impl Edge {
    /// An edge between these, over the people and rooms of `directory`.
    pub fn new(directory: DirectoryHandle, parts: EdgeParts) -> Arc<Self> {
        let (presence, links, connections) = Default::default();
        let guesses = Mutex::new(Guesses::new(parts.guesses, parts.widening));
        let reads = Mutex::default();
        Arc::new(Self { parts, directory, presence, links, connections, guesses, reads })
    }

    /// What somebody may see now.
    pub(super) fn sight(&self, user: UserId) -> Sight {
        Sight::new(user, &self.directory)
    }

    /// The feed of the namespace.
    pub(super) fn feed(&self) -> &Feed {
        &self.parts.feed
    }

    /// The presence of people.
    pub(super) fn presence(&self) -> MutexGuard<'_, Presence> {
        self.presence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// People who are connected.
    pub(crate) fn online(&self) -> u64 {
        self.presence().told() as u64
    }

    /// People who have connections, and read pointers that wait.
    pub(crate) fn kept(&self) -> (usize, usize) {
        (self.connections.people(), self.held_reads().len())
    }

    pub(super) fn links(&self) -> MutexGuard<'_, Links> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The member who shows their pass in the query of a handshake. Somebody who is no member any more is a stranger.
    fn recognize(&self, query: &str) -> Option<UserTag> {
        let pass = query.split('&').find_map(|field| field.strip_prefix("pass="))?;
        let user = self.parts.signer.passing(pass)?;
        (self.sight(user).trust(user) == Trust::Member).then(|| UserTag::new(user.0))?
    }

    /// The same, for the door.
    pub fn recognizer(self: &Arc<Self>) -> impl Fn(&str) -> Option<UserTag> + Send + Sync + use<> {
        let edge = Arc::clone(self);
        move |query| edge.recognize(query)
    }

    /// Where a connection starts, and the first that it is told.
    pub fn join(&self, joining: &Joining<'_>) -> FeedJoin {
        let Some(session) = Session::of(joining.data) else { return FeedJoin::default() };
        let feed = &self.parts.feed;
        let cursor = Claims::of(joining.auth).and_then(|claims| claims.cursor);
        let now = self.directory.now();
        let missed_max = self.parts.resume_entries_max;
        let is_near = |after: FeedPosition| {
            let (traffic, after) = (&self.parts.traffic, Position(after.get()));
            let is_near = traffic.is_near(&now, session.user, after, missed_max);
            if !is_near {
                let is_known = traffic.reaches(after);
                let limit = if is_known { Count::LimitResumeEntries } else { Count::LimitResumeDistance };
                self.parts.tallies.count(limit);
            }
            is_near
        };
        let resumption = Resumption::of(feed, cursor.as_deref(), missed_max, is_near);
        let start = match resumption {
            Resumption::Resumed { after } => after,
            Resumption::Fresh | Resumption::Reset => joining.applied,
            // It is welcomed when this node has come as far.
            Resumption::Ahead { .. } => {
                return FeedJoin { start: resumption.start(), ..FeedJoin::default() };
            }
        };
        let online = self.presence().count(session.user);
        let welcome = Welcome::new(
            self.parts.signer.server(),
            (self.parts.environment.now)(),
            &session,
            &now,
            self.parts.stamp.offset(Position(start.get())),
            resumption,
            online,
            self.parts.limits,
        )
        .with_pass(self.sight(session.user).trust(session.user), || self.parts.signer.pass(session.user))
        .with_untrusted_proxy(|| self.parts.io.upgrade()?.untrusted_proxy());
        let greeting = frames::event(names::WELCOME, &welcome);
        self.charge_answer(&session, greeting.len());
        FeedJoin { start: resumption.start(), greeting: vec![greeting], ..FeedJoin::default() }
    }

    /// The groups that a connection is in.
    pub fn groups(&self, data: &SocketData) -> Vec<FeedRoom> {
        let directory = self.directory.now();
        let Some(session) = Session::of(data) else { return Vec::new() };
        let own = frames::sockets_signed_in(session.user, session.sign_in.token.id());
        let groups = frames::groups_of(&directory, session.user).into_iter();
        groups.chain([FeedRoom::new(own)]).collect()
    }

    /// A connection is there.
    pub fn connected(&self, data: &SocketData) {
        if let Some(session) = Session::of(data) {
            self.presence().connect(session.user);
            self.check_sign_in(&session);
        }
    }

    /// A connection is gone.
    pub fn disconnected(&self, data: &SocketData) {
        if let Some(session) = Session::of(data) {
            session.leave();
            self.presence().disconnect(session.user, (self.parts.environment.clock)());
        }
    }

    /// Tells who came and went. To be called once a second.
    pub fn tick(&self) {
        let notice = self.presence().tick((self.parts.environment.clock)());
        let (Some(notice), Some(target)) = (notice, self.everyone()) else { return };
        let directory = self.directory.now();
        let told = PresenceView {
            online: notice.online.iter().map(|user| Person::of(&directory, *user)).collect(),
            offline: notice.offline.iter().map(|user| WireUser(*user)).collect(),
            count: notice.count,
            more: notice.named == Named::Some,
        };
        // Not volatile: somebody who missed one of these would be wrong for as long as nobody else comes or goes. A
        // worker that is overloaded drops it all the same.
        drop(target.emit(names::PRESENCE, &told));
    }

    /// A durable command: checked, then handed in, in the order in which they come.
    pub fn command(&self, name: CommandName, turn: &mut Turn<'_>) -> Flow {
        self.parts.tallies.commands.add(name, 1);
        let Some(session) = turn.data().and_then(Session::of) else { return Flow::Continue };
        let Some(device) = session.device() else {
            self.refuse(turn, RequestError::NoDevice);
            return Flow::Continue;
        };
        let Ok(Numbered { n, command }) = Numbered::parse(name, turn.payload(), &self.parts.signer) else {
            self.refuse(turn, RequestError::Invalid);
            return Flow::Continue;
        };
        if matches!(command, Command::Rejected { why: Refusal::Limit, .. }) {
            self.parts.tallies.count(Count::LimitDirectMembers);
        }
        if ShownCode::of(&command) == ShownCode::Bad && !self.may_fail(session.peer, Some(session.user)) {
            self.refuse(turn, RequestError::Busy);
            return Flow::Continue;
        }
        if self.sign_in(&session).is_err() {
            self.refuse(turn, RequestError::Busy);
            return Flow::Continue;
        }
        let charged = self.charge(&session, &command);
        let over_quota = charged.is_err().then_some(Refusal::Quota);
        if over_quota.is_some() {
            tracing::debug!(command = name.as_str(), "a command is beyond a quota");
        }
        let charge = charged.unwrap_or_default();
        let pause = self.pause_after_command(&session, over_quota);
        let identity = Identity::Device { device, n };
        let draft = Draft { identity, command, at: (self.parts.environment.now)(), over_quota };
        let ticket = Ticket::Command { name, n, socket: turn.socket(), ack: turn.take_ack(), charge };
        match (self.submit(draft, ticket), pause) {
            (Flow::Continue, Some(pause)) => Flow::PauseFor(pause),
            (flow, _) => flow,
        }
    }

    /// For how long the connection of somebody is not read who has sent many commands, on whatever connections.
    fn pause_after_command(&self, session: &Session, over_quota: Option<Refusal>) -> Option<Duration> {
        if over_quota.is_some() && planted::is(Bug::RefusesForNothing) {
            return None;
        }
        // Each refusal uses up a number, and is remembered.
        let cost = if over_quota.is_some() { OVER_QUOTA_COST } else { 1 };
        let writer = Writer::Person(session.user, self.trust(session.peer, session.user));
        self.parts.paces.charge(session.peer, writer, cost, (self.parts.environment.clock)())
    }

    /// For how long somebody has to wait for more of the past.
    pub fn pace_replay(&self, replay: &Replay<'_>) -> Option<Duration> {
        let person = replay.data.and_then(Session::of).map(|session| session.user);
        let nobody = Payer { peer: replay.peer, person: None };
        let payer = person.map_or(nobody, |user| self.payer(replay.peer, user));
        self.parts.allowances.charge(payer, replay.bytes, replay.now)
    }

    /// Answers an event that is not carried out.
    pub(super) fn refuse(&self, turn: &mut Turn<'_>, error: RequestError) {
        tracing::debug!(?error, "a command or a request is refused");
        self.parts.tallies.count(error.count());
        turn.reply(&error.answer());
    }

    fn submit(&self, draft: Draft, ticket: Ticket) -> Flow {
        match self.parts.appender.submit_quietly(draft, ticket) {
            Admission::Accepted => Flow::Continue,
            Admission::AcceptedButFull => Flow::Pause,
            Admission::Refused { ticket, why } => {
                // A server that is ending closes the connection, and the client comes back with what was not answered.
                if why == RefusedWhy::Overloaded {
                    self.parts.tallies.count(RequestError::Busy.count());
                    self.answer(Some(ticket), &RequestError::Busy.answer());
                }
                Flow::Pause
            }
        }
    }

    /// A read pointer moves.
    pub fn read(&self, turn: &mut Turn<'_>) -> Flow {
        self.parts.tallies.count(Count::Reads);
        let Some(session) = turn.data().and_then(Session::of) else { return Flow::Continue };
        let Ok(Moved { room, seq }) = Moved::parse(turn.payload()) else {
            self.refuse(turn, RequestError::Invalid);
            return Flow::Continue;
        };
        let pointer = ReadPointer { user: session.user, room, seq };
        let ticket = Ticket::Read { user: session.user, socket: turn.socket(), ack: turn.take_ack() };
        let now = (self.parts.environment.clock)();
        if session.has_time_for_reading(self.parts.notices.reads, now) {
            let older = self.held_reads().pass(pointer);
            self.answer(older, DONE);
            return self.submit_read(pointer, ticket);
        }
        self.parts.tallies.count(Count::LimitReads);
        // So nobody fills what waits with rooms that they are not in.
        let is_member = self.directory.now().is_member(session.user, room);
        let held = if is_member { self.held_reads().hold(pointer, ticket) } else { Held::Full(ticket) };
        match held {
            Held::Waits => rare::reached(Rare::PointerWaits),
            Held::Supersedes(older) => {
                rare::reached(Rare::PointerOvertakes);
                self.answer(Some(older), DONE);
            }
            Held::Full(ticket) => {
                self.parts.tallies.count(RequestError::Busy.count());
                self.answer(Some(ticket), &RequestError::Busy.answer());
            }
        }
        Flow::Continue
    }

    /// Sends read pointers that have waited for their rate. To be called once a second. Returns whether there were some, which are
    /// then to be announced to the appender.
    pub fn send_held_reads(&self) -> bool {
        let per_second = usize::try_from(self.parts.notices.reads.per_second).unwrap_or(usize::MAX);
        let due = self.held_reads().take(per_second);
        let is_some = !due.is_empty();
        for (pointer, ticket) in due {
            self.submit_read(pointer, ticket);
        }
        is_some
    }

    fn held_reads(&self) -> MutexGuard<'_, HeldReads<Ticket>> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn submit_read(&self, pointer: ReadPointer, ticket: Ticket) -> Flow {
        let ReadPointer { user, room, seq } = pointer;
        let draft = Draft {
            identity: Identity::User(user),
            command: Command::Read { room, seq },
            at: (self.parts.environment.now)(),
            over_quota: None,
        };
        self.submit(draft, ticket)
    }

    /// Answers what does not go through the log.
    fn answer(&self, ticket: Option<Ticket>, answer: &str) {
        if let Some(ack) = ticket.and_then(Ticket::into_ack) {
            self.parts.feed.acknowledge(ack.answer(answer));
        }
    }

    /// Somebody writes, or has stopped.
    pub fn typing(&self, what: Typing, turn: &mut Turn<'_>) -> Flow {
        self.parts.tallies.count(match what {
            Typing::Goes => Count::Typing,
            Typing::Stopped => Count::TypingStopped,
        });
        let Some(session) = turn.data().and_then(Session::of) else { return Flow::Continue };
        let Ok(room) = request::typing(turn.payload()) else {
            self.refuse(turn, RequestError::Invalid);
            return Flow::Continue;
        };
        turn.reply(DONE);
        let now = (self.parts.environment.clock)();
        // Of "stopped" there is at most one after each that was passed on.
        let has_rate = what == Typing::Goes || planted::is(Bug::DropsWhoStops);
        if has_rate && !session.has_time_for_typing(self.parts.notices.typing, now) {
            self.parts.tallies.count(Count::LimitTyping);
            rare::reached(Rare::TypingDropped);
            return Flow::Continue;
        }
        let directory = self.directory.now();
        let is_there = room != RoomId::HOUSE && directory.is_member(session.user, room);
        if !is_there {
            rare::reached(Rare::TypingOutside);
        }
        let is_let_in = is_there || planted::is(Bug::TypesFromOutside);
        if !is_let_in || !session.admits_typing(what, room, now) {
            return Flow::Continue;
        }
        let Some(target) = self.everyone() else { return Flow::Continue };
        let target = match room {
            RoomId::LOBBY => target,
            _ if planted::is(Bug::TellsEverybodyWhoTypes) => target,
            room => target.to(frames::members_of(room)),
        };
        let told = TypingView { room: room.0, who: Person::of(&directory, session.user) };
        // It is the first that may be dropped.
        let others =
            if planted::is(Bug::TellsWhoTypes) { target } else { target.except(sockets_of(session.user)) };
        drop(others.volatile().emit(what.event(), &told));
        Flow::Continue
    }

    /// A link by which another device becomes the same person.
    pub(super) fn open_link(&self, user: UserId) -> IssuedLink {
        let mut bytes = [0; 10];
        (self.parts.environment.random)(&mut bytes);
        self.links().open(user, Code::from_bytes(bytes), (self.parts.environment.clock)())
    }

    /// The owner of a link that can still be used.
    pub(super) fn owner_of_link(&self, code: &Code) -> Option<UserId> {
        self.links().owner(code, (self.parts.environment.clock)())
    }

    fn everyone(&self) -> Option<Target> {
        self.parts.io.upgrade()?.of(NAMESPACE).ok()
    }
}

#[derive(Serialize)]
struct TypingView<'a> {
    room: u64,
    who: Person<'a>,
}

#[derive(Serialize)]
struct PresenceView<'a> {
    online: Vec<Person<'a>>,
    offline: Vec<WireUser>,
    count: usize,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    more: bool,
}

//! Joining a namespace, step by step; recovered or not.
//!
//! ```text
//!  CONNECT ─► evict the ghost ─► middleware ─► gather what was missed ─► CONNECT ─► missed events ─► live   (recovered)
//!         └──────────────────► middleware ─► locate ─► CONNECT ─► behind ─► attached
//! ```
//!
//! The JavaScript server sends what was missed before CONNECT. A connection that breaks between the two leaves the official
//! client with events that it has not counted: it shows them later, and once more when they come again.
//!
//! Where a private id names a user, middleware says first who is there: a stranger's claim evicts nobody.
//! Everything from the cut on happens in one turn of the worker, so that nothing can come between.

use std::collections::HashMap;
use std::sync::Arc;

use engineio::CloseReason;
use socketio::{AuthPayload, Lineage, NamespaceName, Slot, SocketId};

use super::Worker;
use super::missed::Missed;
use super::rooms::Rooms;
use super::space::{Cursor, Joined, SocketDataSlot};
use crate::feed::{Feed, FeedRoom, From, HistoryReply, HistoryRequest, Parked, Resume};
use crate::frame::Frame;
use crate::handle::command::{Closing, Command};
use crate::handle::connect::{Auth, ConnectRequest, FeedJoin, Joining, Rejection, Start};
use crate::handle::eviction::EvictDone;
use crate::handle::handler::Call;
use crate::handshake::HandshakeKept;
use crate::planted::{self, Bug};
use crate::random::random;
use crate::reason::DisconnectReason;
use crate::sid::SessionKey;
use crate::socket_data::SocketData;
use crate::worker::recovery::{Claim, Past};
use crate::worker::session::Session;

/// A client that is joining a namespace.
pub(crate) struct Connecting {
    request: ConnectRequest,
    stage: Stage,
}

enum Stage {
    /// Other workers look for the ghost.
    Evicting(Claim),
    /// Middleware runs, and the ghost is gone unless the claim names a user.
    Deciding(Option<Claim>),
    /// Other workers look for the ghost of a user whom middleware has named.
    Admitted(Claim),
    /// What was missed is read, up to what has been delivered.
    Recovering { claim: Claim, missed: Missed },
    /// The history finds the place to start at.
    Locating { id: SocketId, join: FeedJoin },
}

/// How a socket goes on from the cut.
struct Arrival {
    id: SocketId,
    lineage: Lineage,
    pid: Option<String>,
    is_recovered: bool,
    cursor: Cursor,
    parked: Option<Parked>,
    /// See [`Joined::arrival`].
    number: u64,
    greeting: Vec<Frame>,
}

impl Session {
    /// Nearly all clients join one namespace.
    fn begin_connecting(&mut self, connecting: Connecting) {
        self.connecting.reserve_exact(1);
        self.connecting.push(connecting);
    }
}

impl Worker {
    /// A CONNECT packet.
    pub(super) fn join(&mut self, key: SessionKey, namespace: &NamespaceName, auth: &AuthPayload<'_>) {
        let Some(definition) = self.shared.namespace(namespace.as_str()).cloned() else {
            return self.refuse(key, namespace, &Rejection::new("Invalid namespace"));
        };
        let io = self.io();
        let Some(session) = self.session_mut(key) else { return };
        let request = ConnectRequest {
            io,
            namespace: namespace.clone(),
            auth: Auth(Arc::from(auth.raw())),
            handshake: session.handshake.clone(),
            data: SocketData::default(),
            user: Arc::default(),
        };
        let feed = definition.feed.as_ref().map(|binding| &binding.feed);
        let feed = feed.filter(|feed| feed.config().resume == Resume::Recovery);
        let claim = feed.and_then(|feed| Claim::of(&request.auth, feed));
        match claim {
            Some(claim) if claim.id.user == 0 => {
                let socket = claim.id.socket;
                session.begin_connecting(Connecting { request, stage: Stage::Evicting(claim) });
                self.evict_everywhere(key, namespace, socket);
            }
            claim => {
                session.begin_connecting(Connecting { request, stage: Stage::Deciding(claim) });
                self.decide(key, namespace);
            }
        }
    }

    fn evict_everywhere(&mut self, key: SessionKey, namespace: &NamespaceName, socket: SocketId) {
        let before = self.shared.next_arrival();
        self.evict(namespace.as_str(), &socket, before);
        let others = self.shared.reach.mailboxes.len() - 1;
        if others == 0 {
            return self.evicted(key, namespace);
        }
        let done = EvictDone::begin(others, Arc::clone(&self.mailbox), key, namespace.clone());
        self.tell_others_to_evict(namespace, socket, before, Some(&done));
    }

    fn tell_others_to_evict(
        &self,
        namespace: &NamespaceName,
        socket: SocketId,
        before: u64,
        done: Option<&EvictDone>,
    ) {
        for (index, mailbox) in self.shared.reach.mailboxes.iter().enumerate() {
            if index != usize::from(self.index) {
                let (namespace, done) = (Arc::from(namespace.as_str()), done.cloned());
                mailbox.post(Command::Evict { namespace, socket, before, done });
            }
        }
    }

    /// Ends the session that has a socket of this id here, if it came before the arrival of that number.
    pub(super) fn evict(&mut self, namespace: &str, socket: &SocketId, before: u64) {
        let Some(index) = self.space_of.get(namespace).copied() else { return };
        let Some(space) = self.spaces.get(index) else { return };
        let ghost = space.slot_of(socket).filter(|_| !planted::is(Bug::KeepsGhosts));
        let Some(ghost) = ghost.and_then(|slot| self.key_of(slot)) else { return };
        let arrival = self.session_mut(ghost).and_then(|session| session.joined_mut(index)?.arrival.into());
        if arrival.is_some_and(|arrival| arrival < before) {
            self.close(ghost, CloseReason::TransportClose);
        }
    }

    pub(super) fn evicted(&mut self, key: SessionKey, namespace: &NamespaceName) {
        let Some(connecting) = self.connecting(key, namespace) else { return };
        match std::mem::replace(&mut connecting.stage, Stage::Deciding(None)) {
            Stage::Evicting(claim) => {
                connecting.stage = Stage::Deciding(Some(claim));
                self.decide(key, namespace);
            }
            Stage::Admitted(claim) => self.claimed(key, namespace, claim),
            stage @ (Stage::Deciding(_) | Stage::Recovering { .. } | Stage::Locating { .. }) => {
                connecting.stage = stage;
            }
        }
    }

    fn connecting(&mut self, key: SessionKey, namespace: &NamespaceName) -> Option<&mut Connecting> {
        let connecting = &mut self.session_mut(key)?.connecting;
        connecting.iter_mut().find(|connecting| connecting.request.namespace == *namespace)
    }

    fn take_connecting(&mut self, key: SessionKey, namespace: &NamespaceName) -> Option<Connecting> {
        let connecting = &mut self.session_mut(key)?.connecting;
        let place = connecting.iter().position(|connecting| connecting.request.namespace == *namespace)?;
        let taken = connecting.swap_remove(place);
        if connecting.is_empty() {
            // A session that has joined keeps no room for it.
            *connecting = Vec::new();
        }
        Some(taken)
    }

    /// Lets the middleware decide, on the application's runtime if there is any.
    fn decide(&mut self, key: SessionKey, namespace: &NamespaceName) {
        let Some(definition) = self.shared.namespace(namespace.as_str()).cloned() else { return };
        if definition.middleware.is_empty() {
            return self.admitted(key, namespace, Ok(()));
        }
        let Some(connecting) = self.connecting(key, namespace) else { return };
        let request = connecting.request.clone();
        let mailbox = Arc::clone(&self.mailbox);
        self.shared.reach.spawn(Box::pin(async move {
            let decision = tokio::spawn({
                let request = request.clone();
                async move { definition.decide(&request).await }
            });
            // Middleware that panics refuses.
            let outcome = decision.await.unwrap_or_else(|_| Err(Rejection::new("internal error")));
            mailbox.post(Command::Admit { key, request, outcome });
        }));
    }

    pub(super) fn admitted(
        &mut self,
        key: SessionKey,
        namespace: &NamespaceName,
        outcome: Result<(), Rejection>,
    ) {
        if let Err(rejection) = outcome {
            drop(self.take_connecting(key, namespace));
            return self.refuse(key, namespace, &rejection);
        }
        if !self
            .session(key)
            .and_then(Session::connection)
            .is_some_and(|connection| connection.awaits(namespace))
        {
            drop(self.take_connecting(key, namespace));
            return self.discard(key, namespace);
        }
        let Some(connecting) = self.connecting(key, namespace) else { return };
        let Stage::Deciding(claim) = &mut connecting.stage else { return };
        let claim = claim.take();
        let user = connecting.request.user();
        let Some(definition) = self.shared.namespace(namespace.as_str()).cloned() else { return };
        if definition.feed.is_none() {
            return self.arrive_without_feed(key, namespace);
        }
        match claim {
            Some(claim) if claim.id.user != user => {
                tracing::debug!("a private id was shown by another user than its own");
                self.begin_at_start(key, namespace, None);
            }
            Some(claim) if user == 0 => self.claimed(key, namespace, claim),
            Some(claim) => {
                let socket = claim.id.socket;
                if let Some(connecting) = self.connecting(key, namespace) {
                    connecting.stage = Stage::Admitted(claim);
                }
                self.evict_everywhere(key, namespace, socket);
            }
            None => self.begin_at_start(key, namespace, None),
        }
    }

    /// A client is let in that may have its socket back.
    fn claimed(&mut self, key: SessionKey, namespace: &NamespaceName, claim: Claim) {
        let now = self.now;
        let Some(definition) = self.shared.namespace(namespace.as_str()).cloned() else { return };
        let Some(binding) = &definition.feed else { return };
        let parked = if binding.feed.has_history() {
            let data = self.connecting(key, namespace).map(|connecting| connecting.request.data.clone());
            let data = data.unwrap_or_default();
            let rooms = definition.rooms.iter().flat_map(|rooms| rooms(&data));
            let rooms = rooms.map(FeedRoom::entered).collect();
            Some(Parked { rooms, data })
        } else {
            binding.feed.parked().take(&claim.id.socket, now)
        };
        match (claim.position, parked) {
            (Some(after), Some(parked)) => {
                if let Some(space) = self.space(namespace) {
                    self.catch_up(space, after);
                }
                let missed = Missed::after(after, parked);
                if let Some(connecting) = self.connecting(key, namespace) {
                    connecting.stage = Stage::Recovering { claim, missed };
                }
                self.recover(key, namespace);
            }
            (_, parked) => {
                if let Some(connecting) = self.connecting(key, namespace)
                    && let Some(parked) = parked
                {
                    connecting.request.data = parked.data;
                }
                self.begin_at_start(key, namespace, Some(claim.id.lineage));
            }
        }
    }

    fn refuse(&mut self, key: SessionKey, namespace: &NamespaceName, rejection: &Rejection) {
        let connection = self.session_mut(key).and_then(Session::connection_mut);
        if !connection.is_some_and(|connection| connection.refuse(namespace)) {
            return self.renew(key, namespace);
        }
        let packet = socketio::encode_connect_error(namespace, &rejection.message, rejection.data.as_deref());
        match packet {
            Ok(packet) => self.send(key, Frame::text(&packet)),
            Err(error) => {
                tracing::error!(%error, "a rejection cannot be encoded");
                self.close(key, CloseReason::ForcedClose);
            }
        }
    }

    /// The client has left or has asked anew while it was being let in.
    fn discard(&mut self, key: SessionKey, namespace: &NamespaceName) {
        if let Some(connection) = self.session_mut(key).and_then(Session::connection_mut) {
            connection.refuse(namespace);
        }
        self.renew(key, namespace);
    }

    /// Begins with what the client has asked anew, if it has.
    fn renew(&mut self, key: SessionKey, namespace: &NamespaceName) {
        let connection = self.session_mut(key).and_then(Session::connection_mut);
        if let Some(auth) = connection.and_then(|connection| connection.renew(namespace)) {
            self.join(key, namespace, &auth);
        }
    }

    /// Gathers what was missed up to what this worker has delivered: from the ring, before that from the history.
    fn recover(&mut self, key: SessionKey, namespace: &NamespaceName) {
        let Some(space) = self.space(namespace) else { return };
        let Some(definition) = self.spaces.get(space).map(|space| Arc::clone(&space.definition)) else {
            return;
        };
        let Some(feed) = definition.feed.as_ref().map(|binding| binding.feed.clone()) else { return };
        let applied = self.applied(space);
        let Some(Connecting { stage: Stage::Recovering { claim, missed }, .. }) =
            self.connecting(key, namespace)
        else {
            return;
        };
        let config = feed.config();
        // One entry over the limit is enough to know.
        let page =
            feed.ring().page(missed.after, applied, usize::MAX, config.recovery_bytes_max.saturating_mul(2));
        match page {
            Some(page) => {
                let end = page.last().map_or(missed.after, |(position, _)| *position);
                missed.take(page, &claim.id.socket);
                missed.after = end;
                if missed.is_within(&feed) && end >= applied {
                    return self.arrive_recovered(key, namespace);
                }
            }
            None if feed.has_history() && missed.is_within(&feed) => {
                let (after, entries_max) = (missed.after, config.recovery_entries_max + 1);
                let bytes_max = config.recovery_bytes_max + 1;
                return self.read_history(key, namespace, &feed, From::After(after), entries_max, bytes_max);
            }
            None => {}
        }
        let lineage = claim.id.lineage;
        self.begin_at_start(key, namespace, Some(lineage));
    }

    pub(super) fn applied(&self, space: usize) -> u64 {
        self.spaces.get(space).map_or(0, |space| space.applied)
    }

    pub(super) fn read_history(
        &self,
        key: SessionKey,
        namespace: &NamespaceName,
        feed: &Feed,
        from: From,
        entries_max: usize,
        bytes_max: usize,
    ) {
        let Some(history) = feed.history() else { return };
        let Some(space) = self.space_of.get(namespace.as_str()) else { return };
        let mailbox = Arc::clone(&self.mailbox);
        let reply = HistoryReply::new(mailbox, key, Arc::from(namespace.as_str()));
        history.request(HistoryRequest {
            from,
            through: self.applied(*space),
            entries_max,
            bytes_max,
            reply,
        });
    }

    /// A page for a client that is joining; `None` if it was for someone else.
    pub(super) fn connecting_read(
        &mut self,
        key: SessionKey,
        namespace: &NamespaceName,
        page: Result<crate::feed::HistoryPage, crate::feed::HistoryError>,
    ) -> Option<Result<crate::feed::HistoryPage, crate::feed::HistoryError>> {
        let Some(connecting) = self.connecting(key, namespace) else { return Some(page) };
        let Ok(page) = page else {
            self.close(key, CloseReason::ForcedClose);
            return None;
        };
        match &mut connecting.stage {
            Stage::Recovering { claim, missed } => {
                if page.after == missed.after && !page.entries.is_empty() {
                    missed.after += page.entries.len() as u64;
                    let socket = claim.id.socket;
                    missed.take((page.after + 1..).zip(page.entries).collect(), &socket);
                    self.recover(key, namespace);
                } else {
                    self.close(key, CloseReason::ForcedClose);
                }
            }
            Stage::Locating { id, join } => {
                let (id, join) = (*id, std::mem::take(join));
                let join = FeedJoin { start: Start::After(page.after), ..join };
                self.start_at(key, namespace, id, join);
            }
            Stage::Evicting(_) | Stage::Deciding(_) | Stage::Admitted(_) => {}
        }
        None
    }

    /// Starts a socket that is not recovered, where the application says.
    fn begin_at_start(&mut self, key: SessionKey, namespace: &NamespaceName, lineage: Option<Lineage>) {
        let Some(definition) = self.shared.namespace(namespace.as_str()).cloned() else { return };
        let Some(binding) = &definition.feed else { return };
        // The namespace on this worker has to be there before the history says where to start.
        let Some(space) = self.space(namespace) else { return };
        let applied = self.applied(space);
        let Some(connecting) = self.connecting(key, namespace) else { return };
        let id = SocketId::from_bytes(random());
        let ConnectRequest { auth, data, handshake, .. } = &connecting.request;
        let joining = Joining { auth, data, socket: id, applied, handshake: handshake.as_deref() };
        let mut join = (binding.join)(&joining);
        join.lineage = lineage.filter(|_| !planted::is(Bug::ForgetsLineage)).or(join.lineage);
        // A client that has seen what is gone may count others for the same: none of its numbers mean anything here.
        if binding.feed.config().resume == Resume::Recovery
            && binding.feed.has_history()
            && join.start != Start::Now
            && Past::of(&connecting.request.auth, &binding.feed) == Past::Other
        {
            join.start = Start::After(0);
        }
        if let Start::Anchor(anchor) = join.start
            && let Some(position) = binding.feed.ring().locate(anchor)
        {
            join.start = Start::After(position);
        }
        match join.start {
            Start::Anchor(anchor) if binding.feed.has_history() => {
                connecting.stage = Stage::Locating { id, join };
                self.read_history(key, namespace, &binding.feed, From::Anchor(anchor), 1, 1);
            }
            Start::Now | Start::After(_) | Start::Anchor(_) => self.start_at(key, namespace, id, join),
        }
    }

    fn start_at(&mut self, key: SessionKey, namespace: &NamespaceName, id: SocketId, join: FeedJoin) {
        let Some(space) = self.space(namespace) else { return };
        if let Start::After(after) = join.start {
            self.catch_up(space, after);
        }
        let applied = self.applied(space);
        let after = match join.start {
            Start::Now | Start::Anchor(_) => applied,
            Start::After(after) => after.min(applied),
        };
        let lineage = join.lineage.unwrap_or_else(|| Lineage::from_bytes(random()));
        let feed = self
            .spaces
            .get(space)
            .and_then(|space| space.definition.feed.as_ref())
            .map(|binding| binding.feed.clone());
        let feed = feed.filter(|feed| feed.config().resume == Resume::Recovery);
        let user = self.connecting(key, namespace).map_or(0, |connecting| connecting.request.user());
        let pid = feed.map(|feed| feed.sign(id, lineage, user, after));
        let cursor = Cursor::Behind { after, reading: false };
        let greeting = join.greeting;
        let arrival =
            Arrival { id, lineage, pid, is_recovered: false, cursor, parked: None, number: 0, greeting };
        self.arrive(key, namespace, arrival, Vec::new());
    }

    fn arrive_without_feed(&mut self, key: SessionKey, namespace: &NamespaceName) {
        let arrival = Arrival {
            id: SocketId::from_bytes(random()),
            lineage: Lineage::from_bytes(random()),
            pid: None,
            is_recovered: false,
            cursor: Cursor::Attached,
            parked: None,
            number: 0,
            greeting: Vec::new(),
        };
        self.arrive(key, namespace, arrival, Vec::new());
    }

    fn arrive_recovered(&mut self, key: SessionKey, namespace: &NamespaceName) {
        let Some(connecting) = self.connecting(key, namespace) else { return };
        let stage = std::mem::replace(&mut connecting.stage, Stage::Deciding(None));
        let Stage::Recovering { claim, missed } = stage else { return };
        if let Some(parked) = &missed.parked {
            connecting.request.data = parked.data.clone();
        }
        // Another session of the same private id may have arrived while middleware decided, or be arriving on another
        // worker right now: the one with the higher number stays.
        let number = self.shared.next_arrival();
        self.evict(namespace.as_str(), &claim.id.socket, number);
        self.tell_others_to_evict(namespace, claim.id.socket, number, None);
        let is_forgotten = planted::is(Bug::ForgetsLineage);
        let arrival = Arrival {
            id: claim.id.socket,
            lineage: if is_forgotten { Lineage::from_bytes(random()) } else { claim.id.lineage },
            pid: Some(claim.pid),
            is_recovered: true,
            cursor: Cursor::Behind { after: missed.after, reading: false },
            parked: missed.parked,
            number,
            greeting: Vec::new(),
        };
        let frames = if planted::is(Bug::RecoversFromNow) { Vec::new() } else { missed.frames };
        self.arrive(key, namespace, arrival, frames);
    }

    /// The cut: CONNECT, what was missed, and from here on live.
    fn arrive(&mut self, key: SessionKey, namespace: &NamespaceName, arrival: Arrival, missed: Vec<Frame>) {
        let Some(index) = self.space(namespace) else { return };
        let Some(Connecting { request, .. }) = self.take_connecting(key, namespace) else { return };
        let Some(definition) = self.spaces.get(index).map(|space| Arc::clone(&space.definition)) else {
            return;
        };
        // Asked for now, in the turn of the cut: what has changed while the client was joining is in it.
        let rooms: Rooms = match &definition.rooms {
            Some(rooms) if definition.feed.is_some() => {
                rooms(&request.data).into_iter().map(FeedRoom::entered).collect()
            }
            Some(_) | None => arrival.parked.into_iter().flat_map(|parked| parked.rooms).collect(),
        };
        let joined = Joined {
            id: arrival.id,
            lineage: arrival.lineage,
            recovered: arrival.is_recovered,
            space: u32::try_from(index).expect("fewer than 2^32 namespaces"),
            arrival: arrival.number,
            member: 0,
            rooms: Rooms::default(),
            cursor: arrival.cursor,
            data: if definition.middleware.is_empty() && !arrival.is_recovered && request.data.is_empty() {
                SocketDataSlot::Nothing
            } else {
                SocketDataSlot::Data(request.data.clone())
            },
            acks: HashMap::new(),
        };
        let packet = socketio::encode_connect(namespace, &arrival.id.to_string(), arrival.pid.as_deref());
        let Some(session) = self.sessions.get_mut(key.slot as usize) else { return };
        let slot = session.connection_mut().and_then(|connection| connection.join(namespace, joined));
        let Some(slot) = slot else {
            self.drop_if_empty(index);
            return self.discard(key, namespace);
        };
        session.join_by = None;
        if let (Some(space), Some(joined)) = (self.spaces.get_mut(index), session.joined_mut(index)) {
            joined.member = space.add(key.slot, joined.id);
            space.move_to(key.slot, joined, &rooms);
        }
        let mut frames = missed;
        let place = if planted::is(Bug::SendsMissedFirst) { frames.len() } else { 0 };
        frames.insert(place, Frame::text(&packet));
        self.send_burst(key, frames);
        for frame in arrival.greeting {
            self.send(key, frame);
        }
        if let Some(handler) = &definition.connect
            && let Some(socket) = self.handle_with_auth(key, slot, Some(request.auth.clone()))
        {
            let call = Call { socket: socket.clone(), payload: None, ack: None, reason: None };
            self.run(key, &socket, handler, call);
        }
        if self.shared.config.handshake_kept == HandshakeKept::UntilJoined
            && let Some(session) = self.session_mut(key)
        {
            session.handshake = None;
        }
    }

    /// Queues the frames of an arrival. What a recovery missed has a bound of its own and may exceed that of the lane once,
    /// but not on top of a lane that overflows already: a client may arrive as often as it likes.
    fn send_burst(&mut self, key: SessionKey, frames: Vec<Frame>) {
        let mut frames = frames.into_iter();
        if let Some(first) = frames.next() {
            self.send(key, first);
        }
        let Some(session) = self.session_mut(key) else { return };
        frames.for_each(|frame| session.lane.push(frame.into_bytes()));
    }

    /// A disconnect by the server: the client is told for each namespace that it is sent out of.
    pub(super) fn expel(&mut self, key: SessionKey, namespace: &NamespaceName, closing: Closing) {
        let Some(connection) = self.session(key).and_then(Session::connection) else { return };
        let sockets: Vec<(Slot, NamespaceName)> = connection
            .slots()
            .filter(|(_, name, _)| closing == Closing::Connection || *name == namespace)
            .map(|(slot, name, _)| (slot, name.clone()))
            .collect();
        for (slot, name) in sockets {
            self.send(key, Frame::text(&socketio::encode_disconnect(&name)));
            self.leave(key, slot, DisconnectReason::ServerNamespaceDisconnect);
        }
        match closing {
            Closing::Namespace => {}
            Closing::Connection => self.close(key, CloseReason::ForcedClose),
        }
    }
}

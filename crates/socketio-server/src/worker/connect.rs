//! Joining a namespace: carries out what [`Connecting`] asks for, and reports the result.
//!
//! From the cut on, everything happens in one turn of the worker, so that nothing can come between CONNECT, the missed
//! events and live events.
//!
//! The JavaScript server sends missed events before CONNECT. If a connection breaks between the two, the official
//! client has events that it has not counted: it shows them later, and again when they are sent again.

use std::collections::HashMap;
use std::sync::Arc;

use engineio::CloseReason;
use socketio::{AuthPayload, Lineage, NamespaceName, Slot, SocketId};
use tracing::Instrument as _;

use super::Worker;
use super::connecting::{Action, Arrival, Connecting, Event, Terms};
use super::local_namespace::{Cursor, Joined, SocketDataSlot};
use super::missed::{Missed, MissedMax};
use super::newcomers::Newcomer;
use super::recovery::{Claim, Past};
use super::rooms::Rooms;
use super::session::Session;
use crate::feed::{FeedPosition, FeedRoom, Parked, Resume};
use crate::frame::Frame;
use crate::handle::command::{Closing, Command};
use crate::handle::connect::{Auth, ConnectRequest, Found, Joining, Rejection, Start};
use crate::handle::eviction::{ArrivalNumber, EvictDone};
use crate::handle::handler::Call;
use crate::handle::namespace::{Namespace, Replay};
use crate::handshake::HandshakeKept;
use crate::occupancy::AddressFull;
use crate::planted::{self, Bug};
use crate::random::random;
use crate::rare::{self, Rare};
use crate::reason::DisconnectReason;
use crate::sid::SessionKey;
use crate::socket_data::SocketData;
use crate::span;
use crate::stats::WorkerCount;

/// Where and how a socket joins.
struct Place {
    socket: SocketId,
    lineage: Lineage,
    pid: Option<String>,
    cursor: Cursor,
    /// The rooms that it had, if it is recovered.
    recovered: Option<Vec<(crate::room::Room, FeedPosition)>>,
    /// See [`Joined::arrival`].
    arrival: Option<ArrivalNumber>,
    missed: Vec<Frame>,
    greeting: Vec<Frame>,
}

impl Terms {
    fn of(definition: &Namespace) -> Self {
        definition.feed.as_ref().map_or(Self::NoFeed, |binding| {
            let config = binding.feed.config();
            Self::Feed {
                resume: config.resume,
                has_history: binding.feed.has_history(),
                is_shared: config.ahead_wait.is_some(),
                missed_max: MissedMax {
                    entries: config.recovery_entries_max,
                    bytes: config.recovery_bytes_max,
                },
            }
        })
    }
}

impl Worker {
    /// The way of a client into a namespace.
    pub(super) fn joining<'a>(&'a mut self, key: SessionKey, namespace: &'a NamespaceName) -> Join<'a> {
        Join { worker: self, key, namespace }
    }

    /// Ends the session on this worker that has a socket with this id, if it arrived before that number.
    pub(super) fn evict(&mut self, namespace: &str, socket: &SocketId, before: ArrivalNumber) {
        let Some(index) = self.namespaces.index_of(namespace) else { return };
        let Some(local) = self.namespaces.get(index) else { return };
        let ghost = local.slot_of(socket).filter(|_| !planted::is(Bug::KeepsGhosts));
        let Some(ghost) = ghost.and_then(|slot| self.sessions.key_of(slot)) else { return };
        let joined = self.sessions.get(ghost).and_then(|session| session.joined(index));
        if joined.is_some_and(|joined| joined.arrival.is_none_or(|arrival| arrival < before)) {
            rare::reached(Rare::GhostEvicted);
            self.close(ghost, CloseReason::TransportClose);
        }
    }

    /// Disconnects by the server: the client is told for each namespace that it leaves.
    pub(super) fn expel(&mut self, key: SessionKey, namespace: &NamespaceName, closing: Closing) {
        let Some(connection) = self.sessions.get(key).and_then(Session::connection) else { return };
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

/// One client on its way into one namespace.
pub(super) struct Join<'a> {
    pub(super) worker: &'a mut Worker,
    pub(super) key: SessionKey,
    pub(super) namespace: &'a NamespaceName,
}

impl Join<'_> {
    /// A CONNECT packet.
    pub(super) fn begin(&mut self, auth: &AuthPayload<'_>) {
        let Some(definition) = self.worker.shared.namespace(self.namespace.as_str()).cloned() else {
            return self.refuse(&Rejection::new("Invalid namespace"));
        };
        let io = self.worker.shared.io();
        let Some(session) = self.worker.sessions.get_mut(self.key) else { return };
        let request = ConnectRequest {
            io,
            namespace: self.namespace.clone(),
            auth: Auth(Arc::from(auth.raw())),
            handshake: session.handshake.clone(),
            peer: session.peer,
            data: SocketData::default(),
            connection_data: session.data.get_or_insert_default().clone(),
            found: Found::default(),
        };
        let feed = definition.feed.as_ref().map(|binding| &binding.feed);
        let feed = feed.filter(|feed| feed.config().resume == Resume::Recovery);
        let claim = feed.and_then(|feed| Claim::of(&request.auth, feed));
        let (steps, action) = Connecting::begin(Terms::of(&definition), claim);
        session.newcomers.add(Newcomer { request, steps, waits: None });
        self.carry_on(action);
    }

    /// Something has happened that a joining client may wait for.
    pub(super) fn on(&mut self, event: Event) {
        if let Some(newcomer) = self.newcomer() {
            let action = newcomer.steps.on(event);
            self.carry_on(action);
        }
    }

    /// Carries actions out, until there is something to wait for.
    fn carry_on(&mut self, mut action: Action) {
        while let Some(event) = self.carry_out(action) {
            let has_missed = matches!(event, Event::Gathered { .. });
            let Some(newcomer) = self.newcomer() else { return };
            action = newcomer.steps.on(event);
            if has_missed && matches!(action, Action::Ask { .. }) {
                self.worker.tallies.count(WorkerCount::LimitRecovery);
            }
        }
    }

    /// Carries one action out; returns its result if that is known at once.
    fn carry_out(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Wait => None,
            Action::Evict(socket) => self.evict_everywhere(socket),
            Action::Decide => self.decide(),
            Action::Remember(socket) => self.remember(socket),
            Action::Gather { after } => self.gather(after),
            Action::Read { from, entries_max, bytes_max } => {
                let index = self.worker.local_namespace(self.namespace)?;
                self.worker.delivery().read_history(self.key, index, from, entries_max, bytes_max);
                None
            }
            Action::Ask { data } => self.ask(data),
            Action::Locate { anchor } => {
                let index = self.worker.local_namespace(self.namespace)?;
                let feed = self.worker.namespaces.get(index)?.feed()?;
                let position = feed.ring().locate(anchor);
                Some(Event::Located(position))
            }
            Action::Await(place) => self.await_feed(place),
            Action::Arrive(arrival) => {
                self.arrive(arrival);
                None
            }
            Action::Close => {
                self.worker.close(self.key, CloseReason::ForcedClose);
                None
            }
        }
    }

    // Eviction.

    fn evict_everywhere(&mut self, socket: SocketId) -> Option<Event> {
        let before = self.worker.shared.next_arrival();
        self.worker.evict(self.namespace.as_str(), &socket, before);
        let others = self.worker.shared.reach.mailboxes.len() - 1;
        if others == 0 {
            return Some(Event::Evicted);
        }
        let done =
            EvictDone::begin(others, Arc::clone(&self.worker.mailbox), self.key, self.namespace.clone());
        self.tell_others_to_evict(socket, before, Some(&done));
        None
    }

    fn tell_others_to_evict(&self, socket: SocketId, before: ArrivalNumber, done: Option<&EvictDone>) {
        for (index, mailbox) in self.worker.shared.reach.mailboxes.iter().enumerate() {
            if index != usize::from(self.worker.index) {
                let (namespace, done) = (Arc::from(self.namespace.as_str()), done.cloned());
                mailbox.post(Command::Evict { namespace, socket, before, done });
            }
        }
    }

    // Middleware.

    /// Waits at the door and runs the middleware, on the application's runtime if there is anything to wait for.
    fn decide(&mut self) -> Option<Event> {
        let definition = self.worker.shared.namespace(self.namespace.as_str()).cloned()?;
        let waiting = definition.waiting();
        if definition.middleware.is_empty() && waiting.is_none() {
            return self.let_in();
        }
        let request = self.newcomer()?.request.clone();
        let (key, mailbox) = (self.key, Arc::clone(&self.worker.mailbox));
        let span = span::middleware(self.worker.sessions.id_of(key), self.namespace.as_str());
        self.worker.shared.reach.spawn(Box::pin(async move {
            let decision = tokio::spawn({
                let request = request.clone();
                let decision = async move {
                    if let Some(waiting) = waiting {
                        waiting.await;
                    }
                    definition.decide(&request).await
                };
                decision.instrument(span)
            });
            // Middleware that panics refuses the client.
            let outcome = decision.await.unwrap_or_else(|_| Err(Rejection::new("internal error")));
            mailbox.post(Command::Admit { key, request, outcome });
        }));
        None
    }

    /// Middleware has decided.
    pub(super) fn admitted(&mut self, outcome: Result<(), Rejection>) {
        if let Err(rejection) = outcome {
            drop(self.take_newcomer());
            return self.refuse(&rejection);
        }
        if let Some(event) = self.let_in() {
            self.on(event);
        }
    }

    /// The middleware has accepted the client; `None` if the client no longer waits.
    fn let_in(&mut self) -> Option<Event> {
        let connection = self.worker.sessions.get(self.key).and_then(Session::connection);
        if !connection.is_some_and(|connection| connection.awaits(self.namespace)) {
            drop(self.take_newcomer());
            self.discard();
            return None;
        }
        let newcomer = self.newcomer()?;
        let (user, is_known) = (newcomer.request.user(), newcomer.request.is_known());
        if newcomer.steps.claims_of_others(user) {
            tracing::debug!(
                connection = %self.worker.sessions.id_of(self.key),
                namespace = self.namespace.as_str(),
                "a client showed a private id of another user"
            );
        }
        if self.finds_room(is_known).is_err() {
            self.worker.tallies.count(if is_known {
                WorkerCount::LimitVouchedPerAddress
            } else {
                WorkerCount::LimitConnectionsPerAddress
            });
            drop(self.take_newcomer());
            self.refuse(&Rejection::busy("too many connections from this address"));
            return None;
        }
        Some(Event::Decided { user })
    }

    /// Whether there is room for the client among those of its address.
    fn finds_room(&mut self, is_known: bool) -> Result<(), AddressFull> {
        let Some(session) = self.worker.sessions.get_mut(self.key) else { return Ok(()) };
        let Some(resident) = session.resident.as_mut() else { return Ok(()) };
        if !is_known {
            return resident.join();
        }
        resident.join_vouched()?;
        session.stay.iter().for_each(|stay| stay.count_for(Some(&**resident)));
        Ok(())
    }

    fn refuse(&mut self, rejection: &Rejection) {
        let connection = self.worker.sessions.get_mut(self.key).and_then(Session::connection_mut);
        if !connection.is_some_and(|connection| connection.refuse(self.namespace)) {
            return self.renew();
        }
        let packet =
            socketio::encode_connect_error(self.namespace, &rejection.message, rejection.data.as_deref());
        match packet {
            Ok(packet) => self.worker.send(self.key, Frame::text(&packet)),
            Err(error) => {
                let connection = self.worker.sessions.id_of(self.key);
                let namespace = self.namespace.as_str();
                tracing::error!(%connection, namespace, %error, "a rejection cannot be encoded");
                self.worker.close(self.key, CloseReason::ForcedClose);
            }
        }
    }

    /// The client has left or asked again while it was being accepted.
    fn discard(&mut self) {
        if let Some(connection) = self.worker.sessions.get_mut(self.key).and_then(Session::connection_mut) {
            connection.refuse(self.namespace);
        }
        self.renew();
    }

    /// Begins with the CONNECT that the client sent meanwhile, if it did.
    fn renew(&mut self) {
        let connection = self.worker.sessions.get_mut(self.key).and_then(Session::connection_mut);
        let asked_anew = connection.and_then(|connection| connection.renew(self.namespace));
        if let Some(auth) = asked_anew.filter(|_| !planted::is(Bug::ForgetsNewerConnect)) {
            rare::reached(Rare::ConnectedTwice);
            self.begin(&auth);
        }
    }

    // The start.

    /// The rooms and data of a claimed socket: from its membership, or as parked.
    fn remember(&mut self, socket: SocketId) -> Option<Event> {
        let now = self.worker.now;
        let definition = self.worker.shared.namespace(self.namespace.as_str()).cloned()?;
        if self.has_to_wait(&definition, 0) {
            // It replays, page by page.
            return Some(Event::Remembered(None));
        }
        let feed = &definition.feed.as_ref()?.feed;
        if !feed.has_history() {
            let parked = feed.parked().take(&socket, now);
            return Some(Event::Remembered(parked));
        }
        let data = self.newcomer()?.request.data.clone();
        let rooms = definition.rooms.iter().flat_map(|rooms| rooms(&data));
        let rooms = rooms.map(FeedRoom::entered).collect();
        Some(Event::Remembered(Some(Parked { rooms, data })))
    }

    /// Whether the client has to wait for the past, after it is sent so many bytes.
    fn has_to_wait(&mut self, definition: &Namespace, bytes: usize) -> bool {
        let now = self.worker.now;
        let Some(pace) = &definition.replay else { return false };
        let Some(newcomer) = self.newcomer() else { return false };
        let (peer, data) = (newcomer.request.peer, newcomer.request.data.clone());
        pace(&Replay { peer, data: Some(&data), bytes, now }).is_some()
    }

    /// What was missed, up to what this worker has delivered, as far as the ring has it.
    fn gather(&mut self, after: FeedPosition) -> Option<Event> {
        let index = self.worker.local_namespace(self.namespace)?;
        self.worker.catch_up(index, after);
        let local = self.worker.namespaces.get(index)?;
        let (feed, applied) = (local.feed()?, local.applied);
        let bytes_max = feed.config().recovery_bytes_max.saturating_mul(2);
        let page = feed.ring().page(after, applied, usize::MAX, bytes_max);
        Some(Event::Gathered { page, applied })
    }

    /// Asks the application where a socket starts that is not recovered.
    fn ask(&mut self, data: Option<SocketData>) -> Option<Event> {
        // The namespace must exist on this worker before the history says where to start.
        let index = self.worker.local_namespace(self.namespace)?;
        let local = self.worker.namespaces.get(index)?;
        let (definition, applied) = (Arc::clone(&local.definition), local.applied);
        let binding = definition.feed.as_ref()?;
        let request = &mut self.newcomer()?.request;
        if let Some(data) = data {
            request.data = data;
        }
        let socket = SocketId::from_bytes(random());
        let ConnectRequest { auth, data, handshake, .. } = &*request;
        let joining = Joining { auth, data, socket, applied, handshake: handshake.as_deref() };
        let join = (binding.join)(&joining);
        let past = match binding.feed.config().resume {
            Resume::Recovery => Past::of(auth, &binding.feed),
            // The application itself checks what its clients say.
            Resume::Cursor => Past::Shared,
        };
        Some(Event::Asked { socket, join, past })
    }

    /// The place of a socket that is not recovered.
    fn place_anew(&mut self, socket: SocketId, start: Start, lineage: Option<Lineage>) -> Option<Place> {
        let index = self.worker.local_namespace(self.namespace)?;
        if let Start::After(after) = start {
            self.worker.catch_up(index, after);
        }
        let user = self.newcomer()?.request.user();
        let local = self.worker.namespaces.get(index)?;
        let after = match start {
            Start::Now | Start::Anchor(_) | Start::Ahead(_) => local.applied,
            Start::After(after) => after.min(local.applied),
        };
        let lineage = lineage.unwrap_or_else(|| Lineage::from_bytes(random()));
        let feed = local.feed().filter(|feed| feed.config().resume == Resume::Recovery);
        let pid = feed.map(|feed| feed.sign(socket, lineage, user, after));
        Some(Place { pid, ..Place::new(socket, lineage, Cursor::Behind { after }) })
    }

    /// The place of a socket that is recovered.
    fn place_recovered(&mut self, claim: Claim, missed: Missed) -> Option<Place> {
        let Missed { after, frames, parked: Parked { rooms, data }, .. } = missed;
        self.newcomer()?.request.data = data;
        if let Some(definition) = self.worker.shared.namespace(self.namespace.as_str()).cloned() {
            self.has_to_wait(&definition, frames.iter().map(Frame::len).sum());
        }
        // Another session with the same private id may have arrived while the middleware decided, or may arrive on
        // another worker at this moment: the one with the higher number stays.
        let arrival = self.worker.shared.next_arrival();
        let socket = claim.id.socket;
        self.worker.evict(self.namespace.as_str(), &socket, arrival);
        self.tell_others_to_evict(socket, arrival, None);
        let is_forgotten = planted::is(Bug::ForgetsLineage);
        let lineage = if is_forgotten { Lineage::from_bytes(random()) } else { claim.id.lineage };
        Some(Place {
            pid: Some(claim.pid),
            recovered: Some(rooms),
            arrival: Some(arrival),
            missed: if planted::is(Bug::RecoversFromNow) { Vec::new() } else { frames },
            ..Place::new(socket, lineage, Cursor::Behind { after })
        })
    }

    /// The cut: sends CONNECT and the missed events; from here on, events are live.
    fn arrive(&mut self, arrival: Arrival) {
        let place = match arrival {
            Arrival::Plain => Some(Place::new(
                SocketId::from_bytes(random()),
                Lineage::from_bytes(random()),
                Cursor::Attached,
            )),
            Arrival::Anew { socket, start, lineage, greeting } => {
                self.place_anew(socket, start, lineage).map(|place| Place { greeting, ..place })
            }
            Arrival::Recovered { claim, missed } => self.place_recovered(claim, missed),
        };
        let Some(place) = place else { return };
        let Some(index) = self.worker.local_namespace(self.namespace) else { return };
        let Some(Newcomer { request, .. }) = self.take_newcomer() else { return };
        let packet =
            socketio::encode_connect(self.namespace, &place.socket.to_string(), place.pid.as_deref());
        let (mut frames, greeting) = (place.missed.clone(), place.greeting.clone());
        let Some(slot) = self.enter_namespace(index, &request, place) else {
            self.worker.namespaces.drop_if_empty(index);
            return self.discard();
        };
        let first = if planted::is(Bug::SendsMissedFirst) { frames.len() } else { 0 };
        frames.insert(first, Frame::text(&packet));
        self.send_burst(frames);
        for frame in greeting {
            self.worker.send(self.key, frame);
        }
        self.handle_arrival(slot, index, &request);
    }

    /// Adds a socket to its namespace and its rooms; `None` if the client no longer waits.
    fn enter_namespace(&mut self, index: usize, request: &ConnectRequest, place: Place) -> Option<Slot> {
        let local = self.worker.namespaces.get_mut(index)?;
        let definition = &local.definition;
        let is_recovered = place.recovered.is_some();
        // Requested now, in the turn of the cut, so it includes all changes while the client was joining.
        let rooms: Rooms = match &definition.rooms {
            Some(rooms) => rooms(&request.data).into_iter().map(FeedRoom::entered).collect(),
            None => place.recovered.into_iter().flatten().collect(),
        };
        let needs_data = !definition.middleware.is_empty() || is_recovered || !request.data.is_empty();
        let data =
            if needs_data { SocketDataSlot::Data(request.data.clone()) } else { SocketDataSlot::Nothing };
        let joined = Joined {
            id: place.socket,
            lineage: place.lineage,
            recovered: is_recovered,
            namespace: u32::try_from(index).expect("fewer than 2^32 namespaces"),
            arrival: place.arrival,
            member: 0,
            rooms: Rooms::default(),
            cursor: place.cursor,
            data,
            acks: HashMap::new(),
        };
        let session = self.worker.sessions.at_mut(self.key.slot)?;
        let slot = session.connection_mut()?.join(&request.namespace, joined)?;
        session.join_by = None;
        session.stay = session.stay.take().and_then(|stay| stay.joined()).map(Box::new);
        self.worker.tallies.count(WorkerCount::Joined);
        if is_recovered {
            self.worker.tallies.count(WorkerCount::Recovered);
        }
        if let Some(joined) = session.joined_mut(index) {
            joined.member = local.add(self.key.slot, joined.id);
            local.move_to(self.key.slot, joined, &rooms);
        }
        let (connection, namespace) = (self.worker.sessions.id_of(self.key), self.namespace.as_str());
        tracing::debug!(%connection, namespace, is_recovered, "a socket has joined");
        Some(slot)
    }

    /// Runs the handler of joined sockets, and drops what was kept for it.
    fn handle_arrival(&mut self, slot: Slot, index: usize, request: &ConnectRequest) {
        let definition = self.worker.namespaces.get(index).map(|local| Arc::clone(&local.definition));
        if let Some(handler) = definition.as_ref().and_then(|definition| definition.connect.as_ref())
            && let Some(socket) = self.worker.handles().with_auth(self.key, slot, Some(request.auth.clone()))
        {
            let call = Call { socket: socket.clone(), payload: None, ack: None, reason: None };
            self.worker.run(self.key, &socket, handler, call);
        }
        if self.worker.shared.config.handshake_kept == HandshakeKept::UntilJoined
            && let Some(session) = self.worker.sessions.get_mut(self.key)
        {
            session.handshake = None;
        }
    }

    /// Queues the frames of an arrival. Missed events have a bound of their own, and may exceed that of the outbound
    /// queue once, but not if the queue overflows already: a client may arrive as often as it likes.
    fn send_burst(&mut self, frames: Vec<Frame>) {
        let mut frames = frames.into_iter();
        if let Some(first) = frames.next() {
            self.worker.send(self.key, first);
        }
        let Some(session) = self.worker.sessions.get_mut(self.key) else { return };
        frames.for_each(|frame| session.outbound.push(frame.into_bytes()));
    }

    pub(super) fn newcomer(&mut self) -> Option<&mut Newcomer> {
        self.worker.sessions.newcomer(self.key, self.namespace)
    }

    fn take_newcomer(&mut self) -> Option<Newcomer> {
        self.worker.sessions.take_newcomer(self.key, self.namespace)
    }
}

impl Place {
    fn new(socket: SocketId, lineage: Lineage, cursor: Cursor) -> Self {
        Self {
            socket,
            lineage,
            pid: None,
            cursor,
            recovered: None,
            arrival: None,
            missed: Vec::new(),
            greeting: Vec::new(),
        }
    }
}

//! How a session opens: what is checked before there is one, and how long its handshake waits.
//!
//! A WebSocket that needs nobody's permission opens at once. Every other handshake takes the ordinary path, on which it
//! may wait: for its turn among those of its address, and for the application.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use engineio::{ErrorCode, Method as EngineMethod, Query, Route, TransportKind};
use http::{HeaderMap, Request, Uri};
use http_body_util::Full;
use tokio::sync::oneshot;

use crate::door::service::{Answer, Judged, Refused, SocketIoService};
use crate::door::takeover;
use crate::handle::command::Command;
use crate::handle::io::Readiness;
use crate::handshake::{Entrant, Handshake};
use crate::http::forwarded::Client;
use crate::http::policy::Verdict;
use crate::http::response;
use crate::http::upgrade;
use crate::lines::Line;
use crate::occupancy::{AddressFull, Resident};
use crate::pacing::Pacing;
use crate::peer::Network;
use crate::planted::edge::{self, EdgeBug};
use crate::rare::{self, Rare};
use crate::stats::DoorCount;

/// A WebSocket that may open.
pub(crate) struct Opening {
    /// The 101 as it is sent.
    pub(crate) answer: Bytes,
    pub(crate) entrant: Box<Entrant>,
}

impl SocketIoService {
    fn has_room(&self) -> bool {
        let shared = &self.shared;
        shared.reach.readiness() != Readiness::NotReady
            && (shared.reach.connections()
                < shared.reach.occupancy.bounds().connections + usize::from(edge::is(EdgeBug::LetsOneMoreIn))
                || shared.reach.occupancy.show_oldest_session_out())
    }

    /// The address whose rate applies to a new session.
    fn rated_network(&self, client: &Client) -> Option<Network> {
        client.address.filter(|_| client.is_rated(self.shared.config.pacing)).map(Network::from)
    }

    /// The line that a handshake stands in, if a rate applies to its address: that of a user whom the application knows by the
    /// query, or that of the address. The shorter of the two: somebody else may show what names the user.
    fn line(&self, uri: &Uri, network: Option<Network>) -> Option<Line> {
        let recognize = self.shared.hooks.recognize.as_ref();
        let of_address = network?;
        let user = recognize.and_then(|recognize| recognize(uri.query().unwrap_or_default()));
        let (of_address, lines, now) = (Line::Network(of_address), &self.shared.new_sessions, clock());
        let is_shorter = |of_user: &Line| lines.wait_of(*of_user, now) <= lines.wait_of(of_address, now);
        Some(user.map(Line::User).filter(is_shorter).unwrap_or(of_address))
    }

    /// Checks a request for a WebSocket that needs nobody's permission and does not have to wait. `None` is no verdict: the
    /// ordinary path handles the request, with all its refusals.
    pub(crate) fn open_at_once(&self, request: Request<()>, peer: IpAddr) -> Option<Opening> {
        let shared = &self.shared;
        let kind = TransportKind::WebSocket;
        if shared.hooks.admission.is_some() || request.uri().path() != shared.config.path {
            return None;
        }
        if self.foreign_host(Some(peer), &request).is_some() {
            return None;
        }
        let judged = self.judge(Some(peer), &request);
        self.note_forwarder(Some(peer), request.headers());
        let query = Query::parse(request.uri().query().unwrap_or_default());
        let route = engineio::route(EngineMethod::Get, &query, judged.upgrade);
        if route != Ok(Route::Open(kind))
            || !judged.verdict.is_allowed()
            || !shared.config.transports.contains(&kind)
            || !self.has_room()
        {
            return None;
        }
        let mut answer = upgrade::accept(request.method(), request.headers()).ok()?;
        shared.config.origins.add_cors(&judged.verdict, answer.headers_mut());
        let answer = upgrade::encode(&answer)?;
        let (network, now) = (self.rated_network(&judged.client), clock());
        let place = shared
            .new_sessions
            .queue(self.line(request.uri(), network), now)
            .ok()
            .filter(|place| place.wait().is_none())?;
        let resident = self.begin(network, now).ok()?;
        place.take();
        self.note_unnamed(&judged.client);
        let handshake = handshake(request, &judged, shared.config.pacing);
        Some(Opening { answer, entrant: Box::new(Entrant { handshake, resident }) })
    }

    pub(super) async fn open<B>(
        self,
        mut request: Request<B>,
        kind: TransportKind,
        judged: Judged,
    ) -> Result<Answer, Refused> {
        let shared = &self.shared;
        if !shared.config.transports.contains(&kind) {
            return Err(ErrorCode::UnknownTransport.into());
        }
        self.check_room()?;
        let accepted = match kind {
            TransportKind::Polling => None,
            TransportKind::WebSocket => match upgrade::accept(request.method(), request.headers()) {
                Ok(accepted) => Some((accepted, hyper::upgrade::on(&mut request))),
                Err(error) => return Ok(response::upgrade_invalid(error)),
            },
        };
        self.note_unnamed(&judged.client);
        let network = self.rated_network(&judged.client);
        let resident = self.wait_for_turn(self.line(request.uri(), network), network).await?;
        let handshake = handshake(request, &judged, shared.config.pacing);
        let handshake = match &shared.hooks.admission {
            None => handshake,
            Some(admit) => {
                let handshake = Arc::new(handshake);
                admit(Arc::clone(&handshake)).await.map_err(|message| {
                    shared.reach.door.add(DoorCount::NotAdmitted, 1);
                    Refused::Hook(message)
                })?;
                Arc::unwrap_or_clone(handshake)
            }
        };
        match accepted {
            None => self.open_polling(Entrant { handshake, resident }).await,
            Some((accepted, upgraded)) => {
                let entrant = Box::new(Entrant { handshake, resident });
                let worker = self.home.unwrap_or_else(|| shared.next_worker());
                let (mailbox, owner) = (self.mailbox(worker), self.owner(worker));
                // The task ends when the client has its 101, or is gone.
                drop(tokio::spawn(async move {
                    if let Some(taken) = takeover::take(upgraded, owner).await {
                        mailbox.post(Command::Attach { entrant, taken });
                    }
                }));
                Ok(accepted.map(|()| Full::default()))
            }
        }
    }

    fn check_room(&self) -> Result<(), Refused> {
        if self.has_room() {
            return Ok(());
        }
        let reach = &self.shared.reach;
        match reach.readiness() {
            Readiness::Ready => reach.refusals.note_full(Instant::now()),
            Readiness::NotReady => reach.door.add(DoorCount::NotReady, 1),
        }
        Err(Refused::NotReady)
    }

    /// Waits until it is the turn of a handshake in its line. If the client leaves meanwhile, this is dropped,
    /// and those behind it come earlier. `None` if it does not count for its address.
    pub(crate) async fn wait_for_turn(
        &self,
        line: Option<Line>,
        network: Option<Network>,
    ) -> Result<Option<Resident>, Refused> {
        let door = &self.shared.reach.door;
        let place = self.shared.new_sessions.queue(line, clock());
        let place = place.map_err(|_| {
            door.add(DoorCount::TooMany, 1);
            Refused::TooMany
        })?;
        if let Some(wait) = place.wait() {
            door.add(DoorCount::Delayed, 1);
            rare::reached(Rare::HandshakeWaits);
            tokio::time::sleep(wait).await;
            self.check_room()?;
        }
        let resident = self.begin(network, clock()).map_err(|_| {
            door.add(DoorCount::AddressFull, 1);
            Refused::TooMany
        })?;
        place.take();
        Ok(resident)
    }

    /// A session begins. Where nobody ever joins, nobody is a stranger.
    fn begin(&self, network: Option<Network>, now: Instant) -> Result<Option<Resident>, AddressFull> {
        self.shared.reach.occupancy.begin(network.filter(|_| self.shared.hooks.engine.is_none()), now)
    }

    async fn open_polling(&self, entrant: Entrant) -> Result<Answer, Refused> {
        let mut extra = HeaderMap::new();
        if let Some(add) = &self.shared.hooks.initial_headers {
            add(&entrant.handshake, &mut extra);
        }
        let worker = self.home.unwrap_or_else(|| self.shared.next_worker());
        let (reply, packet) = oneshot::channel();
        self.mailbox(worker).post(Command::Open { entrant: Box::new(entrant), reply });
        let mut answer = response::packets(packet.await.map_err(|_| Refused::NotReady)?);
        answer.headers_mut().extend(extra);
        Ok(answer)
    }
}

/// The time of the workers, which a simulation owns.
fn clock() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn handshake<B>(request: Request<B>, judged: &Judged, pacing: Pacing) -> Handshake {
    let (parts, _) = request.into_parts();
    let pairs = Query::pairs(parts.uri.query().unwrap_or_default());
    let query = pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    Handshake {
        query,
        url: parts.uri.to_string(),
        headers: parts.headers,
        secure: judged.client.scheme.is_secure(),
        rated: judged.client.is_rated(pacing),
        address: judged.client.address,
        cross_origin: matches!(judged.verdict, Verdict::Cross(_)),
    }
}

//! [`SocketIoService`]: the HTTP side of the endpoint as a tower service, beside an axum router or under our own accept
//! loop.
//!
//! It checks the headers of a request and hands it to the worker that its session id names. It owns no session.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use engineio::{ErrorCode, Method as EngineMethod, Query, Route, TransportKind, UpgradeHeader};
use http::{HeaderMap, Method, Request, Response, StatusCode, Version, header};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tokio::sync::oneshot;
use tower_service::Service;

use crate::door::post_body::{self, Unread};
use crate::door::takeover::{self, Owner};
use crate::handle::command::{Command, HttpError, PollAnswer, PostTerms};
use crate::handle::io::Readiness;
use crate::handle::mailbox::Mailbox;
use crate::http::cache_buster::CacheBuster;
use crate::http::facts::{names_websocket, peer_of, scheme_of};
use crate::http::forwarded::{Client, Naming};
use crate::http::own::addressed_host;
use crate::http::policy::Verdict;
use crate::http::response::{self, Readers};
use crate::http::upgrade;
use crate::occupancy::Visit;
use crate::planted::edge::{self, EdgeBug};
use crate::refusal::{Cause, ORIGIN_MALFORMED, RefusalKind, origin_refused};
use crate::sid::Sid;
use crate::worker::shared::Shared;

/// How much of an oversized body is read before it is refused, and for how long.
const DISCARDED_BYTES_MAX: usize = 4 << 20;
const DISCARDING_TIME: Duration = Duration::from_secs(1);

/// In so many seconds, a server that is not ready or has no room is asked again.
const NOT_READY_PAUSE: &str = "2";

/// In so many seconds, those of one address are gone that wait before a client.
const TOO_MANY_PAUSE: &str = "10";

pub(super) type Answer = Response<Full<Bytes>>;

/// The endpoint as a tower service. The answer to a request for another path is 404.
///
/// Beside an axum router, use the routes of [`Server::axum_routes`](crate::Server::axum_routes). In another router,
/// route all paths that begin with [`Config::path`](crate::Config::path) to it, because the files of a
/// [`ClientBundle`](crate::ClientBundle) are there too.
#[derive(Clone)]
pub struct SocketIoService {
    pub(crate) shared: Arc<Shared>,
    /// The worker on whose thread the service runs, if any.
    pub(crate) home: Option<u16>,
}

impl std::fmt::Debug for SocketIoService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SocketIoService").field("path", &self.shared.config.path).finish_non_exhaustive()
    }
}

impl<B> Service<Request<B>> for SocketIoService
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Answer;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.answer(request).await) })
    }
}

/// A request whose headers were checked.
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    /// The address of the peer: the client, or the nearest proxy.
    peer: Option<IpAddr>,
    pub(super) client: Client,
    pub(super) upgrade: UpgradeHeader,
}

impl SocketIoService {
    /// Whether a path belongs to the endpoint.
    pub(crate) fn owns(&self, path: &str) -> bool {
        path.starts_with(&self.shared.config.path)
    }

    async fn answer<B>(self, request: Request<B>) -> Answer
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (mut answer, readers) = self.answer_unhardened(request).await;
        let is_spared = edge::is(EdgeBug::HardensNoErrors) && !answer.status().is_success();
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS && !is_spared {
            response::harden(answer.headers_mut(), readers);
        }
        edge::repeat_headers(answer.headers_mut());
        answer
    }

    /// The answer, and which pages may use it without asking.
    async fn answer_unhardened<B>(self, request: Request<B>) -> (Answer, Readers)
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Some(rest) = request.uri().path().strip_prefix(self.shared.config.path.as_str()) else {
            return (response::empty(StatusCode::NOT_FOUND), Readers::SameOrigin);
        };
        let peer = peer_of(request.extensions());
        let judged = self.judge(peer, &request);
        let origins = &self.shared.config.origins;
        if let Some(message) = self.refuse_host(peer, &request) {
            let mut answer = response::misdirected(&message);
            origins.add_cors(&judged.verdict, answer.headers_mut());
            return (answer, Readers::SameOrigin);
        }
        self.note_forwarder(peer, request.headers());
        let file = self.shared.bundle.as_ref().filter(|_| !rest.is_empty());
        if let Some(mut answer) =
            file.and_then(|bundle| bundle.answer(request.method(), rest, request.headers()))
        {
            origins.add_cors(&judged.verdict, answer.headers_mut());
            return (answer, origins.readers_of_scripts());
        }
        if request.method() == Method::OPTIONS
            && let Some(answer) = origins.preflight(&judged.verdict, request.headers())
        {
            return (answer, Readers::SameOrigin);
        }
        let shared = Arc::clone(&self.shared);
        let verdict = judged.verdict.clone();
        let mut answer = self.route(request, judged).await;
        if answer.status().is_success() || !edge::is(EdgeBug::AnswersErrorsWithoutCors) {
            shared.config.origins.add_cors(&verdict, answer.headers_mut());
        }
        (answer, Readers::SameOrigin)
    }

    pub(super) fn judge<B>(&self, address: Option<IpAddr>, request: &Request<B>) -> Judged {
        let headers = request.headers();
        let address = address.map(|address| address.to_canonical());
        let host = addressed_host(request.uri(), headers);
        let direct = Client { address, scheme: scheme_of(request), host, naming: Naming::Known };
        let client = self.shared.config.trusted_proxies.client(direct, headers);
        let verdict = self.shared.config.origins.judge(headers, client.own().as_ref());
        // HTTP/1.0 has no Upgrade. A proxy that speaks it would not pass on the frames.
        let asks = request.version() >= Version::HTTP_11 && upgrade::asks_for_websocket(headers);
        let upgrade = if asks { UpgradeHeader::WebSocket } else { UpgradeHeader::Absent };
        Judged { verdict, peer: address, client, upgrade }
    }

    async fn route<B>(self, request: Request<B>, judged: Judged) -> Answer
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let target = request.uri().query().unwrap_or_default().to_owned();
        let query = Query::parse(&target);
        let method = match *request.method() {
            Method::GET => EngineMethod::Get,
            Method::POST => EngineMethod::Post,
            Method::OPTIONS => EngineMethod::Options,
            _ => EngineMethod::Other,
        };
        let upgrade = judged.upgrade;
        match self.dispatch(request, engineio::route(method, &query, upgrade), judged).await {
            Ok(answer) => answer,
            Err(Refused::Http(HttpError::Ended)) => response::bad_request(),
            Err(Refused::Http(HttpError::Engine(code))) => refuse(upgrade, code, None),
            Err(Refused::Origin(message)) => response::origin_refused(upgrade, &message),
            Err(Refused::Hook(message)) => refuse(upgrade, ErrorCode::Forbidden, Some(&message)),
            Err(Refused::NotReady) => come_later(upgrade, NOT_READY_PAUSE),
            Err(Refused::TooMany) => come_later(upgrade, TOO_MANY_PAUSE),
        }
    }

    async fn dispatch<B>(
        self,
        request: Request<B>,
        route: Result<Route<'_>, ErrorCode>,
        judged: Judged,
    ) -> Result<Answer, Refused>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let route = route.inspect_err(|error| self.note_engine_error(*error, request.uri()))?;
        let sid = match route.sid() {
            Some(sid) => Some(self.sid(sid)?),
            None => None,
        };
        if matches!(route, Route::Mismatch { .. }) && judged.upgrade == UpgradeHeader::Absent {
            self.note_engine_error(ErrorCode::BadRequest, request.uri());
        }
        let is_judged = sid.is_none() || !edge::is(EdgeBug::JudgesOriginsOnce);
        if is_judged && !judged.verdict.is_allowed() {
            return Err(Refused::Origin(self.refuse_origin(request.headers(), &judged)));
        }
        match (route, sid) {
            (Route::Open(kind), _) => self.open(request, kind, judged).await,
            (Route::Poll { .. }, Some(sid)) => {
                let visit = request.extensions().get::<Visit>().cloned();
                self.poll(sid, CacheBuster::of(request.uri()), visit).await
            }
            (Route::Post { .. }, Some(sid)) => self.post(request, sid).await,
            (Route::Attach { .. }, Some(sid)) => self.attach(request, sid).await,
            (Route::OtherMethod { .. }, Some(sid)) => match self.look(sid).await? {
                TransportKind::Polling => Ok(response::unknown_method()),
                TransportKind::WebSocket => Err(ErrorCode::BadRequest.into()),
            },
            (Route::Mismatch { .. }, Some(sid)) => {
                self.look(sid).await?;
                Err(ErrorCode::BadRequest.into())
            }
            (_, None) => Err(ErrorCode::UnknownSid.into()),
        }
    }

    /// Counts errors that point to a proxy between the client and the server.
    fn note_engine_error(&self, error: ErrorCode, uri: &http::Uri) {
        match error {
            ErrorCode::BadRequest if names_websocket(uri) => {
                self.shared.reach.refusals.note(RefusalKind::NoUpgrade);
            }
            ErrorCode::UnsupportedProtocolVersion => self.shared.reach.refusals.note(RefusalKind::Protocol),
            ErrorCode::BadRequest
            | ErrorCode::UnknownTransport
            | ErrorCode::UnknownSid
            | ErrorCode::BadHandshakeMethod
            | ErrorCode::Forbidden => {}
        }
    }

    /// Reports a refused origin to the log and to the page.
    fn refuse_origin(&self, headers: &HeaderMap, judged: &Judged) -> String {
        let config = &self.shared.config;
        let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
        let own = judged.client.own();
        let cause = Cause::of(origin, own.as_ref(), judged.peer, headers, &config.trusted_proxies);
        let text = match judged.verdict {
            Verdict::Malformed => ORIGIN_MALFORMED.to_owned(),
            Verdict::Absent | Verdict::Same | Verdict::Cross(_) | Verdict::Refused => {
                origin_refused(origin, own.as_ref(), cause, config)
            }
        };
        self.shared.reach.refusals.note_origin(origin, &text, Instant::now());
        text
    }

    /// Reads a session id, if one of our workers can have issued it.
    fn sid(&self, text: &str) -> Result<Sid, Refused> {
        let sid = Sid::parse(text).filter(|sid| usize::from(sid.worker) < self.shared.reach.mailboxes.len());
        sid.ok_or(ErrorCode::UnknownSid.into())
    }

    pub(super) fn mailbox(&self, worker: u16) -> Arc<Mailbox> {
        Arc::clone(&self.shared.reach.mailboxes[usize::from(worker)])
    }

    /// Whether a worker runs on this thread.
    pub(super) fn owner(&self, worker: u16) -> Owner {
        if self.home == Some(worker) { Owner::Here } else { Owner::Elsewhere }
    }

    async fn look(&self, sid: Sid) -> Result<TransportKind, Refused> {
        let (reply, kind) = oneshot::channel();
        self.mailbox(sid.worker).post(Command::Look { sid, reply });
        Ok(kind.await.map_err(|_| Refused::NotReady)??)
    }

    async fn poll(self, sid: Sid, buster: CacheBuster, visit: Option<Visit>) -> Result<Answer, Refused> {
        let mailbox = self.mailbox(sid.worker);
        let number = self.shared.next_poll();
        let (reply, answer) = oneshot::channel();
        let mut guard = Guard::new(&mailbox, Command::PollAborted { sid, number });
        guard.forget_if(EdgeBug::ForgetsAbandonedPolls);
        mailbox.post(Command::Poll { sid, number, buster, visit, reply });
        let answer = answer.await;
        guard.disarm();
        match answer {
            Ok(PollAnswer::Payload(payload)) => {
                Ok(response::packets(self.shared.reach.answers.hold(payload)))
            }
            Ok(PollAnswer::Error(error)) => Err(error.into()),
            Err(_) if self.shared.reach.readiness() == Readiness::NotReady => Err(Refused::NotReady),
            Err(_) => Ok(response::bad_request()),
        }
    }

    async fn post<B>(self, request: Request<B>, sid: Sid) -> Result<Answer, Refused>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mailbox = self.mailbox(sid.worker);
        let (reply, begun) = oneshot::channel();
        let mark = CacheBuster::of(request.uri()).mark;
        let visit = request.extensions().get::<Visit>().cloned();
        mailbox.post(Command::PostBegin { sid, mark, visit, reply });
        let PostTerms { bytes_max, held } = begun.await.map_err(|_| Refused::NotReady)??;
        // From here on the session waits for this POST: if the client goes away, the session ends.
        let mut guard = Guard::new(&mailbox, Command::PostAborted { sid });
        guard.forget_if(EdgeBug::ForgetsAbandonedPosts);
        let (parts, body) = request.into_parts();
        let bytes_max = bytes_max + usize::from(edge::is(EdgeBug::TakesOneByteMore));
        let is_binary =
            parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/octet-stream");
        if is_binary {
            return Ok(response::bad_request());
        }
        let mut body = pin!(body);
        let announced = body.size_hint().lower();
        if announced > bytes_max as u64 {
            guard.replace(Command::PostRefused { sid });
            return Ok(self.refuse_body(body).await);
        }
        let body = match post_body::read(body.as_mut(), bytes_max, held).await {
            Ok(body) => body,
            Err(Unread::TooLarge) => {
                guard.replace(Command::PostRefused { sid });
                return Ok(self.refuse_body(body).await);
            }
            Err(Unread::Left) => return Ok(response::payload_too_large()),
            Err(Unread::Broken) => return Ok(response::bad_request()),
            Err(Unread::Late) => return Ok(response::empty(StatusCode::REQUEST_TIMEOUT)),
        };
        let (reply, taken) = oneshot::channel();
        mailbox.post(Command::Post { sid, body, headers: Box::new(parts.headers), reply });
        let taken = taken.await;
        guard.disarm();
        match taken {
            Ok(Ok(())) => Ok(response::post_accepted()),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Ok(response::bad_request()),
        }
    }

    async fn refuse_body<B: Body>(&self, body: Pin<&mut B>) -> Answer {
        self.shared.reach.refusals.note(RefusalKind::BodyTooLarge);
        discard(body).await;
        response::payload_too_large()
    }

    async fn attach<B>(self, mut request: Request<B>, sid: Sid) -> Result<Answer, Refused> {
        if !self.shared.config.transports.contains(&TransportKind::WebSocket) {
            return Err(ErrorCode::UnknownTransport.into());
        }
        let accepted = match upgrade::accept(request.method(), request.headers()) {
            Ok(accepted) => accepted,
            Err(error) => return Ok(response::upgrade_invalid(error)),
        };
        if !edge::is(EdgeBug::AttachesUnseen) {
            self.look(sid).await?;
        }
        let upgraded = hyper::upgrade::on(&mut request);
        let (mailbox, owner) = (self.mailbox(sid.worker), self.owner(sid.worker));
        // The task ends when the client has its 101, or is gone.
        drop(tokio::spawn(async move {
            if let Some(taken) = takeover::take(upgraded, owner).await {
                mailbox.post(Command::Probe { sid, taken });
            }
        }));
        Ok(accepted.map(|()| Full::default()))
    }
}

/// Reads and discards a body. A client that is still writing when its connection closes may never see the answer.
async fn discard<B: Body>(mut body: Pin<&mut B>) {
    let read = async {
        let mut left = DISCARDED_BYTES_MAX;
        while let Some(Ok(frame)) = body.frame().await {
            let bytes = frame.data_ref().map_or(0, Buf::remaining);
            let Some(rest) = left.checked_sub(bytes) else { return };
            left = rest;
        }
    };
    // The rest of the body is not waited for.
    drop(tokio::time::timeout(DISCARDING_TIME, read).await);
}

/// Why a request is refused.
pub(crate) enum Refused {
    Http(HttpError),
    /// The page has another origin. The text says what can be done about it.
    Origin(String),
    Hook(String),
    NotReady,
    /// Too many sessions come from its address.
    TooMany,
}

impl From<HttpError> for Refused {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

impl From<ErrorCode> for Refused {
    fn from(code: ErrorCode) -> Self {
        Self::Http(HttpError::Engine(code))
    }
}

fn refuse(upgrade: UpgradeHeader, code: ErrorCode, message: Option<&str>) -> Answer {
    match upgrade {
        UpgradeHeader::WebSocket => response::upgrade_refused(message.unwrap_or(code.message())),
        UpgradeHeader::Absent => {
            let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::BAD_REQUEST);
            response::engine_error(
                status,
                message.map_or_else(|| code.body(), |message| code.body_with(message)),
            )
        }
    }
}

/// Asks a client to come again after so many seconds.
fn come_later(upgrade: UpgradeHeader, seconds: &'static str) -> Answer {
    let mut answer = response::empty(StatusCode::SERVICE_UNAVAILABLE);
    if upgrade == UpgradeHeader::WebSocket {
        // Nobody sends another request on a connection that was to become a WebSocket.
        answer.headers_mut().insert(header::CONNECTION, http::HeaderValue::from_static("close"));
    }
    answer.headers_mut().insert(header::RETRY_AFTER, http::HeaderValue::from_static(seconds));
    answer
}

/// Tells the worker if a request is dropped before its end, because the client is gone.
struct Guard {
    mailbox: Arc<Mailbox>,
    command: Option<Command>,
}

impl Guard {
    fn new(mailbox: &Arc<Mailbox>, command: Command) -> Self {
        Self { mailbox: Arc::clone(mailbox), command: Some(command) }
    }

    fn forget_if(&mut self, bug: EdgeBug) {
        self.command = self.command.take().filter(|_| !edge::is(bug));
    }

    fn disarm(mut self) {
        self.command = None;
    }

    fn replace(mut self, command: Command) {
        self.command = Some(command);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(command) = self.command.take() {
            self.mailbox.post(command);
        }
    }
}

//! Our own accept loop: every worker accepts from the shared listeners and keeps what it accepts.
//!
//! A request that opens a WebSocket usually arrives in one piece. It is answered here: its 101 and the open packet
//! leave in one call. On an encrypted listener the handshake comes first. Everything else is HTTP and goes to hyper. Requests outside the endpoint go to the application's
//! fallback service.

use std::cell::RefCell;
use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr, TcpListener as StdTcpListener};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tower_service::Service;

use crate::config::Config;
use crate::door::handshakes::Handshakes;
use crate::door::opening::Opening;
use crate::door::requests::Requests;
use crate::door::service::SocketIoService;
use crate::encryption::{Encryption, HeldBytes};
use crate::handle::command::Command;
use crate::handle::mailbox::Mailbox;
use crate::http::facts::{OverTls, PeerAddress, names_one_host};
use crate::http::head_timer::{HeadMark, HeadTimer};
use crate::http::response;
use crate::http::stall::Patience;
use crate::http::stream::HttpStream;
use crate::http::upgrade;
use crate::lines::{self, Line};
use crate::occupancy::{Arrival, Descriptor, HTTP_BYTES, Stay, Visit};
use crate::pacing::Rate;
use crate::peer::Network;
use crate::planted::edge::{self, EdgeBug};
use crate::refusal::RefusalKind;
use crate::stats::DoorCount;
use crate::stream::{Accepted, Stream, TakenOver};
use crate::worker::shared::Shared;

/// The most bytes of a request's head.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// The most header fields of a request. A WebSocket request is answered here only with fewer; otherwise hyper handles
/// it.
const HEADERS_MAX: usize = 1_000;

/// How long accepting pauses when the process has no file descriptor left.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

/// How many connections are accepted before those that were accepted have their turn.
const ACCEPTS_MAX: usize = 8;

/// A connection that there is no room for has so long to send its request, and to take the answer.
const OVERFLOW_TIME: Duration = Duration::from_secs(1);

/// The backlog. With the usual 128 or 1,024, clients of a storm wait for repeated SYN packets.
pub(crate) const BACKLOG: i32 = 4_096;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type FallbackBody = UnsyncBoxBody<Bytes, BoxError>;
type FallbackFuture = Pin<Box<dyn Future<Output = Response<FallbackBody>> + Send>>;

/// The service for requests outside the endpoint.
#[derive(Clone)]
pub(crate) struct Fallback(Arc<dyn Fn(Request<Incoming>) -> FallbackFuture + Send + Sync>);

impl Fallback {
    pub(crate) fn new<S, B>(service: S) -> Self
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(Arc::new(move |request| {
            let mut service = service.clone();
            Box::pin(async move {
                let Ok(()) = std::future::poll_fn(|cx| service.poll_ready(cx)).await;
                let Ok(response) = service.call(request).await;
                response.map(|body| body.map_err(Into::into).boxed_unsync())
            })
        }))
    }
}

/// Starts accepting on a worker, until the worker stops. Must run on the worker's thread.
pub(crate) fn listen(
    socket: StdTcpListener,
    encryption: Option<Arc<dyn Encryption>>,
    fallback: Fallback,
    worker: u16,
    shared: &Arc<Shared>,
) {
    let socket = match TcpListener::from_std(socket) {
        Ok(socket) => socket,
        Err(error) => return tracing::error!(%error, "a listener cannot be used"),
    };
    let acceptor = Acceptor {
        service: SocketIoService { shared: Arc::clone(shared), home: Some(worker) },
        encryption,
        handshakes: Handshakes::new(),
        fallback,
        mailbox: Arc::clone(&shared.reach.mailboxes[usize::from(worker)]),
        scratch: RefCell::new(vec![0; HEAD_BYTES_MAX].into()),
    };
    // The task ends with the worker.
    drop(tokio::task::spawn_local(accept(socket, acceptor.into())));
}

/// What the connections of one listener share on a worker.
struct Acceptor {
    service: SocketIoService,
    encryption: Option<Arc<dyn Encryption>>,
    handshakes: Handshakes,
    fallback: Fallback,
    mailbox: Arc<Mailbox>,
    /// The scratch buffer for the first bytes of a connection.
    scratch: RefCell<Box<[u8]>>,
}

/// What the first bytes of a connection are.
enum First {
    /// The request for a WebSocket, perhaps with frames behind it.
    Opens(Opening, Bytes),
    /// A request for hyper, which gets these bytes too.
    Http(Bytes),
}

async fn accept(listener: TcpListener, acceptor: Rc<Acceptor>) {
    let shared = Arc::clone(&acceptor.service.shared);
    let mut accepted = 0;
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => {
                let descriptor = shared.reach.occupancy.accepted();
                shared.reach.occupancy.make_room().await;
                // The tasks end with their connections, or when those become WebSockets.
                match shared.reach.occupancy.arrive(descriptor, Instant::now()) {
                    Arrival::Admitted(descriptor, stay) => {
                        let newcomer = Newcomer { socket, peer, descriptor: Some(descriptor), stay };
                        drop(tokio::task::spawn_local(serve(newcomer, Rc::clone(&acceptor))));
                    }
                    Arrival::Overflow(stay) => {
                        let newcomer = Newcomer { socket, peer, descriptor: None, stay };
                        drop(tokio::task::spawn_local(turn_away(newcomer, Rc::clone(&acceptor))));
                    }
                }
                accepted += 1;
                if accepted % ACCEPTS_MAX == 0 {
                    tokio::task::yield_now().await;
                }
            }
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                // Each worker tries again all the time: it would fill the log.
                if let Some(count) = shared.reach.refusals.note_exhausted(Instant::now()) {
                    tracing::warn!(count, %error, "cannot accept connections");
                }
                shared.reach.occupancy.show_oldest_out();
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
            }
        }
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// A connection that has arrived.
struct Newcomer {
    socket: TcpStream,
    peer: SocketAddr,
    /// Only if there is room for it.
    descriptor: Option<Descriptor>,
    stay: Stay,
}

/// A connection that is read and written.
struct Place {
    stream: Accepted,
    peer: SocketAddr,
    descriptor: Option<Descriptor>,
    stay: Stay,
}

impl Newcomer {
    /// Makes the handshake that the listener demands. `None` if the connection is over.
    async fn settle(self, time: Duration, acceptor: &Acceptor) -> Option<Place> {
        let Self { socket, peer, descriptor, stay } = self;
        let stream = match &acceptor.encryption {
            None => Accepted::Plain(socket),
            Some(encryption) => {
                acceptor.wait_for_handshake(peer.ip(), &stay).await?;
                let held = HeldBytes::new(stay.another());
                let holder = held.holder();
                let handshake = acceptor.handshakes.make(encryption.accept(socket, held));
                let handshake = tokio::select! {
                    handshake = tokio::time::timeout(time, handshake) => handshake,
                    _ = stay.told() => return None,
                };
                match handshake {
                    Ok(Ok(stream)) => Accepted::Encrypted(stream, holder),
                    Ok(Err(error)) => {
                        tracing::debug!(%error, "a handshake failed");
                        return None;
                    }
                    Err(_) => {
                        tracing::debug!("a handshake was not done in time");
                        return None;
                    }
                }
            }
        };
        Some(Place { stream, peer, descriptor, stay })
    }
}

async fn serve(newcomer: Newcomer, acceptor: Rc<Acceptor>) {
    let head_timeout = acceptor.config().head_timeout;
    let Some(mut place) = newcomer.settle(head_timeout, &acceptor).await else { return };
    let Place { stream, peer, stay, .. } = &mut place;
    let first = std::future::poll_fn(|cx| acceptor.poll_first(stream, peer.ip(), cx));
    let is_endless = edge::is(EdgeBug::WaitsForeverForTheFirstByte);
    let time = if is_endless { Duration::MAX } else { head_timeout };
    let first = tokio::select! {
        // What has arrived is answered, even if it was told to leave meanwhile.
        biased;
        first = tokio::time::timeout(time, first) => first,
        _ = stay.told() => return,
    };
    stay.spoke();
    match first {
        Ok(Ok(First::Opens(Opening { answer, entrant }, early))) => {
            let Place { stream, descriptor, stay, .. } = place;
            let stream = stream.stay();
            let stay = Some(stay);
            let taken = TakenOver { stream, unsent: answer, early, descriptor, stay, holder: None };
            acceptor.mailbox.post(Command::Attach { entrant, taken });
        }
        // Boxed, so that the other connections do not carry the state of HTTP.
        Ok(Ok(First::Http(read))) => {
            Box::pin(serve_http(place, read, acceptor, KeepAlive::Yes)).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "a connection ended before its first request"),
        Err(_) => tracing::debug!("a connection sent nothing in time"),
    }
}

/// Answers a connection that there is no room for, and closes it.
async fn turn_away(newcomer: Newcomer, acceptor: Rc<Acceptor>) {
    acceptor.service.shared.reach.refusals.note_full(Instant::now());
    let Some(mut place) = newcomer.settle(OVERFLOW_TIME, &acceptor).await else { return };
    let Place { stream, stay, .. } = &mut place;
    let first = std::future::poll_fn(|cx| acceptor.poll_read(stream, cx));
    let first = tokio::select! {
        first = tokio::time::timeout(OVERFLOW_TIME, first) => first,
        _ = stay.told() => return,
    };
    let Ok(Ok(read)) = first else { return };
    if acceptor.asks_for_reserved(&read) {
        let served = Box::pin(serve_http(place, read, acceptor, KeepAlive::No));
        drop(tokio::time::timeout(OVERFLOW_TIME, served).await);
        return;
    }
    let Place { stream, stay, .. } = place;
    let Ok(mut stream) = Stream::adopt(stream.stay()) else { return };
    // A few bytes always fit into a socket that has sent nothing.
    drop(stream.try_write(&[IoSlice::new(&response::no_room())], None));
    tokio::select! {
        _ = stay.told() => {}
        () = stream.end() => {}
    }
}

impl Acceptor {
    fn config(&self) -> &Config {
        &self.service.shared.config
    }

    /// Whether rates apply to the connections of a peer.
    fn is_rated(&self, peer: IpAddr) -> bool {
        let Config { pacing, trusted_proxies, .. } = self.config();
        pacing.applies_to(Some(peer)) && !trusted_proxies.contains(peer)
    }

    /// How fast a peer may bring requests on one connection.
    fn request_rate(&self, peer: IpAddr) -> Rate {
        if self.is_rated(peer) { self.config().pacing.requests } else { Rate::OFF }
    }

    /// Waits until it is the turn of a handshake among those of its address. `None` if the connection is over.
    async fn wait_for_handshake(&self, peer: IpAddr, stay: &Stay) -> Option<()> {
        let shared = &self.service.shared;
        let network = self.is_rated(peer).then(|| Network::from(peer));
        let place = shared.new_handshakes.queue(network.map(Line::Network), Instant::now());
        let wait = place.as_ref().map_or(Some(Duration::ZERO), lines::Place::wait);
        if wait.is_some() {
            shared.reach.door.add(DoorCount::LaterHandshakes, 1);
        }
        let place = place.ok()?;
        if let Some(wait) = wait {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = stay.told() => return None,
            }
        }
        place.take();
        Some(())
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Response<Either<Full<Bytes>, FallbackBody>> {
        if !names_one_host(&request) {
            self.service.shared.reach.refusals.note(RefusalKind::Malformed);
            return response::malformed().map(Either::Left);
        }
        if self.service.owns(request.uri().path()) {
            let Ok(response) = self.service.clone().call(request).await;
            response.map(Either::Left)
        } else if let Some(message) = self.service.refuse_host(Some(peer.ip()), &request) {
            response::misdirected_page(&message).map(Either::Left)
        } else {
            self.fallback.0(request).await.map(Either::Right)
        }
    }

    /// The first bytes of a connection that there is no room for.
    fn poll_read(&self, stream: &mut Accepted, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let mut scratch = self.scratch.borrow_mut();
        let mut read = ReadBuf::new(&mut scratch);
        ready!(Pin::new(stream).poll_read(cx, &mut read))?;
        Poll::Ready(Ok(Bytes::copy_from_slice(read.filled())))
    }

    /// Whether a request is answered although there is no room.
    fn asks_for_reserved(&self, bytes: &[u8]) -> bool {
        let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let mut words = line.split(|byte| *byte == b' ');
        let is_read = words.next().is_some_and(|method| matches!(method, b"GET" | b"HEAD"));
        let path = words.next().unwrap_or_default();
        is_read && self.config().reserved_paths.iter().any(|reserved| reserved.as_bytes() == path)
    }

    fn poll_first(
        &self,
        stream: &mut Accepted,
        peer: IpAddr,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<First>> {
        let is_encrypted = stream.is_encrypted();
        let mut scratch = self.scratch.borrow_mut();
        let mut read = ReadBuf::new(&mut scratch);
        ready!(Pin::new(stream).poll_read(cx, &mut read))?;
        let bytes = read.filled();
        let opens = upgrade::parse(bytes).and_then(|(mut request, len)| {
            if is_encrypted {
                request.extensions_mut().insert(OverTls);
            }
            Some((self.service.open_at_once(request, peer)?, len))
        });
        Poll::Ready(Ok(match opens {
            Some((opening, _)) if edge::is(EdgeBug::DropsEarlyFrames) => First::Opens(opening, Bytes::new()),
            Some((opening, len)) => {
                First::Opens(opening, Bytes::copy_from_slice(bytes.get(len..).unwrap_or_default()))
            }
            None => First::Http(Bytes::copy_from_slice(bytes)),
        }))
    }
}

/// Whether a connection may bring another request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeepAlive {
    Yes,
    No,
}

async fn serve_http(place: Place, read: Bytes, acceptor: Rc<Acceptor>, keep_alive: KeepAlive) {
    let Place { stream, peer, descriptor, mut stay } = place;
    stay.rebase(HTTP_BYTES);
    let visit = Visit::new(stay);
    let visiting = visit.clone();
    let shared = Arc::clone(&acceptor.service.shared);
    let mark = HeadMark::default();
    let (time, answers) = (acceptor.config().stall_timeout, Arc::clone(&shared.reach.answers));
    let patience = Patience { time, answers };
    let timer = HeadTimer { mark: mark.clone(), head_timeout: acceptor.config().head_timeout };
    let is_encrypted = stream.is_encrypted();
    let requests = Rc::new(Requests::new(acceptor.request_rate(peer.ip())));
    let answer = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(PeerAddress(peer));
        if is_encrypted {
            request.extensions_mut().insert(OverTls);
        }
        request.extensions_mut().insert(visiting.clone());
        let (acceptor, requests) = (Rc::clone(&acceptor), Rc::clone(&requests));
        async move {
            requests.admit(&acceptor.service.shared.reach.door).await;
            let answer = acceptor.answer(request, peer).await;
            requests.answered(answer.body().size_hint().exact());
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(timer)
        .header_read_timeout(shared.config.idle_timeout)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .keep_alive(keep_alive == KeepAlive::Yes)
        .serve_connection(HttpStream::new(stream, read, mark, descriptor, patience), answer)
        .with_upgrades();
    let ended = tokio::select! {
        biased;
        ended = connection => ended,
        () = visit.told() => return,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "an HTTP connection ended");
        if error.is_parse_too_large() {
            shared.reach.refusals.note(RefusalKind::HeadTooLarge);
        } else if error.is_parse() {
            shared.reach.refusals.note(RefusalKind::Malformed);
        }
    }
}

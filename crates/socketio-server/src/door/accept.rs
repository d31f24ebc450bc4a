//! Our own accept loop: every worker accepts from the shared listeners and keeps what it accepts.
//!
//! A request that opens a WebSocket usually arrives in one piece. It is answered here: its 101 and the open packet
//! leave in one call. Everything else is HTTP and goes to hyper. Requests outside the endpoint go to the application's
//! fallback service.

use std::cell::RefCell;
use std::convert::Infallible;
use std::io;
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
use crate::door::service::{Opening, SocketIoService};
use crate::handle::command::Command;
use crate::handle::mailbox::Mailbox;
use crate::http::facts::{PeerAddress, names_one_host};
use crate::http::head_timer::{HeadMark, HeadTimer};
use crate::http::response;
use crate::http::stream::HttpStream;
use crate::http::upgrade;
use crate::planted::edge::{self, EdgeBug};
use crate::refusal::RefusalKind;
use crate::stream::NewStream;
use crate::stream::TakenOver;
use crate::worker::shared::Shared;

/// The most bytes of a request's head.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// The most header fields of a request. A WebSocket request is answered here only with fewer; otherwise hyper handles
/// it.
const HEADERS_MAX: usize = 1_000;

/// How long accepting pauses when the process has no file descriptor left.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

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
pub(crate) fn listen(socket: StdTcpListener, fallback: Fallback, worker: u16, shared: &Arc<Shared>) {
    let socket = match TcpListener::from_std(socket) {
        Ok(socket) => socket,
        Err(error) => return tracing::error!(%error, "a listener cannot be used"),
    };
    let acceptor = Acceptor {
        service: SocketIoService { shared: Arc::clone(shared), home: Some(worker) },
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

async fn accept(socket: TcpListener, acceptor: Rc<Acceptor>) {
    loop {
        match socket.accept().await {
            Ok((stream, peer)) => {
                // The task ends with its connection, or when that becomes a WebSocket.
                drop(tokio::task::spawn_local(serve(stream, peer, Rc::clone(&acceptor))));
            }
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                // Each worker tries again all the time: it would fill the log.
                if let Some(count) = acceptor.service.shared.reach.refusals.note_exhausted(Instant::now()) {
                    tracing::warn!(count, %error, "cannot accept connections");
                }
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
            }
        }
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn serve(mut stream: TcpStream, peer: SocketAddr, acceptor: Rc<Acceptor>) {
    let first = std::future::poll_fn(|cx| acceptor.poll_first(&mut stream, peer.ip(), cx));
    let is_endless = edge::is(EdgeBug::WaitsForeverForTheFirstByte);
    let time = if is_endless { Duration::MAX } else { acceptor.config().head_timeout };
    match tokio::time::timeout(time, first).await {
        Ok(Ok(First::Opens(Opening { answer, handshake }, early))) => {
            let taken = TakenOver { stream: NewStream::Local(stream), unsent: answer, early };
            acceptor.mailbox.post(Command::Attach { handshake, taken });
        }
        // Boxed, so that the other connections do not carry the state of HTTP.
        Ok(Ok(First::Http(read))) => {
            Box::pin(serve_http(stream, read, peer, acceptor)).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "a connection ended before its first request"),
        Err(_) => tracing::debug!("a connection sent nothing in time"),
    }
}

impl Acceptor {
    fn config(&self) -> &Config {
        &self.service.shared.config
    }

    fn poll_first(
        &self,
        stream: &mut TcpStream,
        peer: IpAddr,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<First>> {
        let mut scratch = self.scratch.borrow_mut();
        let mut read = ReadBuf::new(&mut scratch);
        ready!(Pin::new(stream).poll_read(cx, &mut read))?;
        let bytes = read.filled();
        let opens = upgrade::parse(bytes)
            .and_then(|(request, len)| Some((self.service.open_at_once(request, peer)?, len)));
        Poll::Ready(Ok(match opens {
            Some((opening, _)) if edge::is(EdgeBug::DropsEarlyFrames) => First::Opens(opening, Bytes::new()),
            Some((opening, len)) => {
                First::Opens(opening, Bytes::copy_from_slice(bytes.get(len..).unwrap_or_default()))
            }
            None => First::Http(Bytes::copy_from_slice(bytes)),
        }))
    }
}

async fn serve_http(stream: TcpStream, read: Bytes, peer: SocketAddr, acceptor: Rc<Acceptor>) {
    let shared = Arc::clone(&acceptor.service.shared);
    let mark = HeadMark::default();
    let timer = HeadTimer { mark: mark.clone(), head_timeout: acceptor.config().head_timeout };
    let answer = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(PeerAddress(peer));
        let acceptor = Rc::clone(&acceptor);
        async move {
            if !names_one_host(&request) {
                acceptor.service.shared.reach.refusals.note(RefusalKind::Malformed);
                return Ok::<_, Infallible>(response::malformed().map(Either::Left));
            }
            if acceptor.service.owns(request.uri().path()) {
                let Ok(response) = acceptor.service.clone().call(request).await;
                Ok(response.map(Either::<Full<Bytes>, FallbackBody>::Left))
            } else if let Some(message) = acceptor.service.refuse_host(Some(peer.ip()), &request) {
                Ok(response::misdirected_page(&message).map(Either::Left))
            } else {
                Ok(acceptor.fallback.0(request).await.map(Either::Right))
            }
        }
    });
    let connection = http1::Builder::new()
        .timer(timer)
        .header_read_timeout(shared.config.idle_timeout)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(HttpStream::new(stream, read, mark), answer)
        .with_upgrades();
    if let Err(error) = connection.await {
        tracing::debug!(%error, "an HTTP connection ended");
        if error.is_parse_too_large() {
            shared.reach.refusals.note(RefusalKind::HeadTooLarge);
        } else if error.is_parse() {
            shared.reach.refusals.note(RefusalKind::Malformed);
        }
    }
}

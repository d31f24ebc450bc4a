//! Our own accept loop: every worker accepts from the shared listeners and keeps what it accepts.
//!
//! HTTP is hyper's; requests that are not the endpoint's go to the application's fallback service.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener as StdTcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use tokio::net::{TcpListener, TcpStream};
use tower_service::Service;

use crate::command::Command;
use crate::http::stream::{Handover, HttpStream, Promised};
use crate::mailbox::Mailbox;
use crate::service::{PeerAddress, SocketIoService};
use crate::shared::Shared;
use crate::takeover;

/// A request's head has to be complete by then.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of a request's head at most.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// Headers of a request at most.
const HEADERS_MAX: usize = 64;

/// How long accepting rests when the process has no file left.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

/// Connections that wait to be accepted. The usual 128 or 1,024 make a storm wait for repeated SYN packets.
pub(crate) const BACKLOG: i32 = 4_096;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type FallbackBody = UnsyncBoxBody<Bytes, BoxError>;
type FallbackFuture = Pin<Box<dyn Future<Output = Response<FallbackBody>> + Send>>;

/// What answers the requests that are not the endpoint's.
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

/// A listener on its way to a worker.
pub(crate) struct Listener {
    pub(crate) socket: StdTcpListener,
    pub(crate) fallback: Fallback,
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listener").field(&self.socket).finish()
    }
}

/// Starts to accept on a worker, until the worker stops.
pub(crate) fn listen(listener: Listener, worker: u16, shared: &Arc<Shared>) {
    let socket = match TcpListener::from_std(listener.socket) {
        Ok(socket) => socket,
        Err(error) => return tracing::error!(%error, "a listener cannot be used"),
    };
    let service = SocketIoService { shared: Arc::clone(shared), home: Some(worker) };
    // Ends with the worker.
    let mailbox = Arc::clone(&shared.mailboxes[usize::from(worker)]);
    drop(tokio::task::spawn_local(accept(socket, service, listener.fallback, mailbox)));
}

async fn accept(socket: TcpListener, service: SocketIoService, fallback: Fallback, mailbox: Arc<Mailbox>) {
    loop {
        match socket.accept().await {
            Ok((stream, peer)) => {
                let (service, fallback, mailbox) = (service.clone(), fallback.clone(), Arc::clone(&mailbox));
                // Ends with its connection, or when the WebSocket is taken out of it.
                drop(tokio::task::spawn_local(serve(stream, peer, service, fallback, mailbox)));
            }
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted");
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
            }
        }
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    service: SocketIoService,
    fallback: Fallback,
    mailbox: Arc<Mailbox>,
) {
    let handover = Handover::default();
    let (stream, promises) = (HttpStream::new(stream, handover.clone()), handover.clone());
    let answer = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(PeerAddress(peer));
        request.extensions_mut().insert(handover.clone());
        let (mut service, fallback) = (service.clone(), fallback.clone());
        async move {
            if service.owns(request.uri().path()) {
                let Ok(response) = service.call(request).await;
                Ok::<_, Infallible>(response.map(Either::<Full<Bytes>, FallbackBody>::Left))
            } else {
                Ok(fallback.0(request).await.map(Either::Right))
            }
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(stream, answer)
        .with_upgrades();
    if let Err(error) = connection.await {
        return tracing::debug!(%error, "an HTTP connection ended");
    }
    // In this task, which has the connection's state at hand: another one would be made for two lines.
    if let Some(Promised { upgraded, handshake }) = promises.take()
        && let Some(taken) = takeover::take(upgraded, true).await
    {
        mailbox.post(Command::Attach { handshake, taken });
    }
}

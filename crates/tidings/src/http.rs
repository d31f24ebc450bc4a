//! Everything that is not the Socket.IO endpoint: the pages and the health of the server.

mod body;
mod folder;
mod pages;
mod security;

use std::convert::Infallible;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use socketio_server::{Io, OriginPattern, Readiness};
use tower_service::Service;

pub(crate) use self::body::Body;
use self::body::body;
use self::folder::Folder;

/// The service behind every path that is not the endpoint's.
#[derive(Clone)]
pub(crate) struct Site {
    io: Io,
    pages: Pages,
    damaged: Damaged,
}

/// How many rows of the log were found damaged so far.
pub(crate) type Damaged = Arc<dyn Fn() -> u64 + Send + Sync>;

#[derive(Clone)]
enum Pages {
    BuiltIn,
    Folder(Box<Folder>),
}

impl Site {
    /// The built-in page, or a folder of one's own pages, which pages of `others` may use.
    pub(crate) fn new(io: Io, folder: Option<&Path>, others: &[OriginPattern], damaged: Damaged) -> Self {
        let pages = folder.map_or(Pages::BuiltIn, |folder| Pages::Folder(Folder::new(folder, others).into()));
        Self { io, pages, damaged }
    }

    fn health(&self) -> Response<Body> {
        let (status, text) = match self.io.readiness() {
            Readiness::Ready => (StatusCode::OK, "ready\n"),
            Readiness::NotReady => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
        };
        let text = match (self.damaged)() {
            0 => Bytes::from_static(text.as_bytes()),
            // The server goes on, but somebody should hear of it.
            damaged => Bytes::from(format!("{text}damaged rows: {damaged}\n")),
        };
        let mut answer = Response::new(body(text));
        *answer.status_mut() = status;
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        security::harden(headers);
        answer
    }
}

impl Service<Request<Incoming>> for Site {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        if request.uri().path() == "/health" && matches!(*request.method(), Method::GET | Method::HEAD) {
            let answer = self.health();
            return Box::pin(async move { Ok(answer) });
        }
        match &mut self.pages {
            Pages::BuiltIn => {
                let answer = pages::answer(request.method(), request.uri().path(), request.headers());
                Box::pin(async move { Ok(answer) })
            }
            Pages::Folder(folder) => {
                let answer = folder.clone().answer(request);
                Box::pin(async move { Ok(answer.await) })
            }
        }
    }
}

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
use tidings::planted::edge::{self, EdgeBug};
use tower_service::Service;

pub(crate) use self::body::Body;
use self::body::body;
use self::folder::Folder;

/// The path that tells whether the server takes connections.
pub(crate) const HEALTH: &str = "/health";

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
}

impl Service<Request<Incoming>> for Site {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let may_ask = matches!(*request.method(), Method::GET | Method::HEAD);
        if request.uri().path() == HEALTH && (may_ask || edge::is(EdgeBug::TellsHealthToAll)) {
            let answer = health(self.io.readiness(), (self.damaged)());
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

/// What is told of the state of the server.
fn health(readiness: Readiness, damaged: u64) -> Response<Body> {
    let (status, text) = match readiness {
        Readiness::Ready => (StatusCode::OK, "ready\n"),
        Readiness::NotReady if edge::is(EdgeBug::IsAlwaysHealthy) => (StatusCode::OK, "ready\n"),
        Readiness::NotReady => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
    };
    let text = match damaged {
        0 => Bytes::from_static(text.as_bytes()),
        // The server goes on, but somebody should hear of it.
        damaged => Bytes::from(format!("{text}damaged rows: {damaged}\n")),
    };
    let mut answer = Response::new(body(text));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if !edge::is(EdgeBug::LetsHealthBeStored) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    security::harden(headers);
    answer
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn the_health_says_whether_the_server_is_ready_and_is_never_stored() {
        for (readiness, damaged, status, text) in [
            (Readiness::Ready, 0, 200, "ready\n"),
            (Readiness::Ready, 2, 200, "ready\ndamaged rows: 2\n"),
            (Readiness::NotReady, 0, 503, "not ready\n"),
        ] {
            let answer = health(readiness, damaged);
            assert_eq!(answer.status(), status);
            for (name, value) in [
                ("content-type", "text/plain; charset=utf-8"),
                ("cache-control", "no-store"),
                ("x-content-type-options", "nosniff"),
            ] {
                assert_eq!(answer.headers()[name], value);
            }
            assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), text);
        }
    }
}

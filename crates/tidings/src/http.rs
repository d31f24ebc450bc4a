//! Everything that is not the Socket.IO endpoint: the pages and the health of the server.

mod body;
mod folder;
mod health;
mod pages;
mod security;

use std::convert::Infallible;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Method, Request, Response};
use hyper::body::Incoming;
use socketio_server::OriginPattern;
use tidings::planted::edge::{self, EdgeBug};
use tower_service::Service;

pub(crate) use self::body::Body;
use self::folder::Folder;
pub(crate) use self::health::Health;

/// The path that tells whether the server takes connections.
pub(crate) const HEALTH: &str = "/health";

/// The service behind every path that is not the endpoint's.
#[derive(Clone)]
pub(crate) struct Site {
    health: Health,
    pages: Pages,
}

#[derive(Clone)]
enum Pages {
    BuiltIn,
    Folder(Box<Folder>),
}

impl Site {
    /// The built-in page, or a folder of one's own pages, which pages of `others` may use.
    pub(crate) fn new(health: Health, folder: Option<&Path>, others: &[OriginPattern]) -> Self {
        let pages = folder.map_or(Pages::BuiltIn, |folder| Pages::Folder(Folder::new(folder, others).into()));
        Self { health, pages }
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
            let answer = self.health.answer();
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

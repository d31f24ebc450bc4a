//! Everything that is not the Socket.IO endpoint: the pages and the health of the server.

mod body;
mod folder;
mod health;
mod pages;

use std::convert::Infallible;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::security;
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::Either;
use hyper::body::Incoming;
use socketio_server::OriginPattern;
use tidings::planted::edge::{self, EdgeBug};
use tower_service::Service;

pub(crate) use self::body::Body;
pub(crate) use self::body::body;
use self::folder::Folder;
pub(crate) use self::health::{Damage, Health};

/// The path that tells whether the server takes connections.
pub(crate) const HEALTH: &str = "/health";

/// The service behind every path that is not the endpoint's.
#[derive(Clone)]
pub(crate) struct Site {
    health: Health,
    pages: Pages,
    /// Over TLS, if browsers are to use nothing else for this host.
    hsts: Option<HeaderValue>,
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
        Self { health, pages, hsts: None }
    }

    /// The same for a listener that speaks TLS, where browsers may be told to use nothing else for so many days.
    pub(crate) fn over_tls(self, hsts_days: Option<u32>) -> Self {
        let hsts = hsts_days.and_then(security::https_only);
        Self { hsts, ..self }
    }

    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = Response<Body>> + Send + use<> {
        let may_ask = matches!(*request.method(), Method::GET | Method::HEAD);
        let ready = if request.uri().path() == HEALTH && (may_ask || edge::is(EdgeBug::TellsHealthToAll)) {
            Either::Left(self.health.answer())
        } else {
            match &self.pages {
                Pages::BuiltIn => {
                    Either::Left(pages::answer(request.method(), request.uri().path(), request.headers()))
                }
                Pages::Folder(folder) => Either::Right(folder.clone().answer(request)),
            }
        };
        async move {
            match ready {
                Either::Left(answer) => answer,
                Either::Right(answer) => answer.await,
            }
        }
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
        let hsts = self.hsts.clone();
        let answer = self.answer(request);
        Box::pin(async move {
            let mut answer = answer.await;
            if let Some(hsts) = hsts {
                answer.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, hsts);
            }
            Ok(answer)
        })
    }
}

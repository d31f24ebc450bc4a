//! [`Health`]: the answer to `GET /health`.
//!
//! Its status says whether the server takes connections, its text what is not well. A server that stores nothing for lack of
//! space takes connections, for people can read.

use std::fmt::Write as _;
use std::sync::Arc;

use http::{HeaderValue, Response, StatusCode, header};
use socketio_server::{Io, Readiness};
use tidings::planted::edge::{self, EdgeBug};
use tidings::readiness::{Service, Standing};

use super::body::{Body, body};
use crate::security;

/// What was found damaged in the log so far.
pub(crate) type Damaged = Arc<dyn Fn() -> Damage + Send + Sync>;

/// What is damaged in the log.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Damage {
    /// Rows that are not what was stored.
    pub(crate) rows: u64,
    /// Whether rows cannot be found any more.
    pub(crate) is_malformed: bool,
}

/// What is known of the health of the server.
#[derive(Clone)]
pub(crate) struct Health {
    io: Io,
    standing: Standing,
    damaged: Damaged,
}

impl Health {
    /// Of a server, its log and its disk.
    pub(crate) fn new(io: Io, standing: Standing, damaged: Damaged) -> Self {
        Self { io, standing, damaged }
    }

    pub(super) fn answer(&self) -> Response<Body> {
        let (standing, damaged) = (&self.standing, (self.damaged)());
        let free_bytes = standing.space().map(|space| space.free);
        answer(self.io.readiness(), standing.service(), free_bytes, damaged)
    }
}

fn answer(
    readiness: Readiness,
    service: Service,
    free_bytes: Option<u64>,
    damaged: Damage,
) -> Response<Body> {
    let is_ready = readiness == Readiness::Ready && service != Service::Stuck;
    let (status, text) = if is_ready || edge::is(EdgeBug::IsAlwaysHealthy) {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    };
    let mut text = text.to_owned();
    if let Service::ReadOnly(why) = service {
        text += "read_only: true\nreason: ";
        text += why.code();
        text += "\n";
        if let Some(bytes) = free_bytes {
            writeln!(text, "free_bytes: {bytes}").expect("a string takes everything");
        }
    }
    // The server goes on, but somebody should hear of it.
    if damaged.rows > 0 {
        writeln!(text, "damaged rows: {}", damaged.rows).expect("a string takes everything");
    }
    if damaged.is_malformed {
        text += "damaged structure: restart the server to mend it\n";
    }
    let mut answer = Response::new(body(text.into()));
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
    use chat::ReadOnly;
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn the_health_says_whether_the_server_is_ready_and_is_never_stored() {
        let (ready, not_ready) = (Readiness::Ready, Readiness::NotReady);
        let low = Service::ReadOnly(ReadOnly::LowSpace);
        for (readiness, service, free_bytes, damaged, status, text) in [
            (ready, Service::Full, Some(9), 0, 200, "ready\n"),
            (ready, Service::Full, None, 2, 200, "ready\ndamaged rows: 2\n"),
            (
                ready,
                Service::Full,
                None,
                77,
                200,
                "ready\ndamaged rows: 77\ndamaged structure: restart the server to mend it\n",
            ),
            (ready, low, Some(9), 0, 200, "ready\nread_only: true\nreason: low_space\nfree_bytes: 9\n"),
            (ready, low, None, 2, 200, "ready\nread_only: true\nreason: low_space\ndamaged rows: 2\n"),
            (ready, Service::Stuck, Some(9), 0, 503, "not ready\n"),
            (not_ready, Service::Full, None, 0, 503, "not ready\n"),
        ] {
            let damaged = Damage { rows: damaged, is_malformed: damaged == 77 };
            let answer = answer(readiness, service, free_bytes, damaged);
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

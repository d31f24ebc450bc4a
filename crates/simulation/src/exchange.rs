//! [`Exchange`]: one HTTP request of a polling client and its answer, over a bad network.
//!
//! It calls the service as hyper would. A broken connection is a dropped call, or an answer that nobody receives. The
//! bytes of HTTP are not simulated.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use socketio_server::PeerAddress;
use tower_service::Service as _;

use crate::node_number::NodeNumber;
use crate::random::Random;
use crate::world::{Phase, World};

/// How often an exchange checks whether the server was replaced: a killed server resets its connections.
const LOOK: Duration = Duration::from_millis(200);

/// The tick of the Windows clock.
const TICK: Duration = Duration::from_micros(15_625);

/// After this long without an answer from the other machine, TCP gives a connection up.
pub(crate) const UNHEARD_MAX: Duration = Duration::from_secs(30);

/// A request of a polling client.
pub(crate) enum Exchange {
    Handshake,
    Poll { sid: String, library: Library },
    Post { sid: String, library: Library, body: String },
}

/// The kind of client, which the server recognises by its cache buster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Library {
    /// A client that takes any number of packets in one answer.
    Official,
    /// A client that disconnects when an answer has more than 16 packets.
    Python,
    /// The same client on a machine whose clock ticks 64 times a second.
    PythonOnWindows,
}

impl Library {
    /// The cache buster: one for each request, and the same for its repeat.
    fn cache_buster(self, world: &World, random: &mut Random) -> String {
        match self {
            Self::Official => format!("t{:x}", random.next()),
            Self::Python => format!("17{:08}.{}", random.next() % 100_000_000, random.next()),
            Self::PythonOnWindows => {
                let ticks = world.micros() / TICK.as_micros();
                format!("{}.{:06}", 1_790_000_000 + ticks / 64, ticks % 64 * TICK.as_micros())
            }
        }
    }
}

/// What happens to the connection of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Good,
    /// The request never arrives.
    RequestLost,
    /// The connection breaks while the server works on the request.
    Broken(Duration),
    /// The answer never arrives, and the client learns of it at once.
    AnswerLost,
    /// The answer never arrives, and the browser repeats the request by itself.
    Repeated,
    /// The answer never arrives, and the client learns of it much later.
    HalfOpen,
}

impl Exchange {
    /// Sends the request. Returns the body of the answer; `None` if the connection broke or the server refused.
    pub(crate) async fn carry_out(
        self,
        world: Rc<World>,
        (at, address): (NodeNumber, Option<IpAddr>),
        mut random: Random,
    ) -> Option<String> {
        let fate = Fate::draw(&world, &mut random);
        let library = match &self {
            Self::Poll { library, .. } | Self::Post { library, .. } => *library,
            Self::Handshake => Library::Official,
        };
        let tag = library.cache_buster(&world, &mut random);
        tokio::time::sleep(world.delay(&mut random)).await;
        if fate == Fate::RequestLost {
            return None;
        }
        let (life, mut service) = world.service(at)?;
        let times = if fate == Fate::Repeated { 2 } else { 1 };
        let answer = async move {
            let mut answer = None;
            for _ in 0..times {
                let Ok(response) = service.call(self.request(&tag, address)).await;
                let is_good = response.status() == http::StatusCode::OK;
                let body = response.into_body().collect().await.ok()?.to_bytes();
                answer = String::from_utf8(body.to_vec()).ok().filter(|_| is_good);
            }
            answer
        };
        if fate == Fate::HalfOpen {
            // The server goes on, although the client is gone.
            drop(tokio::task::spawn_local(answer));
            tokio::time::sleep(UNHEARD_MAX).await;
            return None;
        }
        let breaks = async {
            if let Fate::Broken(after) = fate {
                return tokio::time::sleep(after).await;
            }
            while world.life(at) == Some(life) {
                tokio::time::sleep(LOOK).await;
            }
        };
        let answer = tokio::select! { biased; answer = answer => answer?, () = breaks => return None };
        tokio::time::sleep(world.delay(&mut random)).await;
        (fate != Fate::AnswerLost).then_some(answer)
    }

    fn request(&self, tag: &str, address: Option<IpAddr>) -> Request<Full<Bytes>> {
        let path = "/socket.io/?EIO=4&transport=polling";
        let (method, uri, body) = match self {
            Self::Handshake => (Method::GET, format!("{path}&t={tag}"), String::new()),
            Self::Poll { sid, .. } => (Method::GET, format!("{path}&t={tag}&sid={sid}"), String::new()),
            Self::Post { sid, body, .. } => (Method::POST, format!("{path}&t={tag}&sid={sid}"), body.clone()),
        };
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header("host", "simulated")
            .header("content-type", "text/plain;charset=UTF-8")
            .body(Full::from(body))
            .expect("a request made of valid parts");
        if let Some(address) = address {
            request.extensions_mut().insert(PeerAddress(SocketAddr::new(address, 0)));
        }
        request
    }
}

impl Fate {
    fn draw(world: &World, random: &mut Random) -> Self {
        if world.phase.get() != Phase::Hostile || !random.chance(world.rates.link.breaks_request) {
            return Self::Good;
        }
        let after = random.millis(0, 5_000);
        random.pick(&[
            Self::RequestLost,
            Self::Broken(after),
            Self::AnswerLost,
            Self::AnswerLost,
            Self::Repeated,
            Self::Repeated,
            Self::HalfOpen,
        ])
    }
}

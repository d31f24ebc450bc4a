//! For the tests of the official Socket.IO client: seven namespaces, middleware that refuses, recovery, and an event
//! for everything that a client can send and get. The events of blobs, which only browsers send, are not there.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use socketio_server::{
    Ack, Arg, Auth, Binary, BuildError, ConnectRequest, Feed, FeedConfig, HandshakeKept, Namespace, Payload,
    RawArgs, Rejection, Server, Socket,
};

use crate::engine_client::headers_object;

/// Clients open with time-outs shorter than this and longer ones.
const HANDSHAKE_DELAY: Duration = Duration::from_millis(10);

const ACK_TIMEOUT: Duration = Duration::from_secs(5);

/// The clients look at the form of dates only.
const DATE: &str = "2026-01-01T00:00:00.000Z";

/// The texts that the suite expects.
const UTF8: [&str; 5] = ["てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string"];

pub(crate) fn server() -> Result<Server, BuildError> {
    let change = |config: &mut socketio_server::Config| {
        config.engine.ping_interval = Duration::from_secs(2);
        config.handshake_kept = HandshakeKept::Session;
    };
    let mut builder = Server::builder().configure(change).admission(|_| async {
        tokio::time::sleep(HANDSHAKE_DELAY).await;
        Ok(())
    });
    for name in ["/timeout_socket", "/valid", "/asd"] {
        builder = builder.namespace(recovering(name));
    }
    builder
        .namespace(root())
        .namespace(recovering("/foo").on("getId", id))
        .namespace(recovering("/abc").on_connect(tell_handshake))
        .namespace(
            recovering("/no").middleware(|_| async { Err(Rejection::new("Auth failed (custom namespace)")) }),
        )
        .build()
}

fn recovering(name: &str) -> Namespace {
    Namespace::new(name).recovery(Feed::new(FeedConfig::in_memory()))
}

fn root() -> Namespace {
    binary_events(text_events(recovering("/").middleware(refuse_fail)))
}

fn text_events(namespace: Namespace) -> Namespace {
    namespace
        .on("hi", |socket: Socket| async move { tell(&socket, "hi", &()) })
        .on("echo", echo)
        .on("ack", ask)
        .on("getAckDate", |ack: Ack| async move { drop(ack.send(&DATE)) })
        .on("getDate", |socket: Socket| async move { tell(&socket, "takeDate", &DATE) })
        .on("getDateObj", |socket: Socket| async move {
            tell(&socket, "takeDateObj", &BTreeMap::from([("date", DATE)]));
        })
        .on("getUtf8", |socket: Socket| async move {
            for text in UTF8 {
                tell(&socket, "takeUtf8", &text);
            }
        })
        .on("false", |socket: Socket| async move { tell(&socket, "false", &false) })
        .on("getHandshake", answer_handshake)
        .on("getId", id)
}

fn binary_events(namespace: Namespace) -> Namespace {
    namespace
        .on("doge", |socket: Socket| async move { tell(&socket, "doge", &bytes()) })
        .on("getbin", |socket: Socket| async move { tell(&socket, "takebin", &bytes()) })
        .on("buffa", |socket: Socket, Arg(_): Arg<Binary>| async move { tell(&socket, "buffack", &()) })
        .on("jsonbuff", mixed)
        .on("abuff1", |socket: Socket, Arg(_): Arg<Binary>| async move { socket.data().insert(FirstSeen) })
        .on("abuff2", |socket: Socket| async move {
            if socket.data().find::<FirstSeen>().is_some() {
                tell(&socket, "abuff2-ack", &());
            }
        })
}

/// Sends an event; a client that has gone has no use for it.
fn tell<A: Serialize>(socket: &Socket, event: &str, args: &A) {
    drop(socket.emit(event, args));
}

fn bytes() -> Binary {
    Binary("asdfasdf".into())
}

/// The first of two events has come.
struct FirstSeen;

/// Bytes among other values.
#[derive(Deserialize)]
struct Mixed {
    hello: String,
    #[serde(rename = "message")]
    _message: Binary,
    goodbye: String,
}

async fn mixed(socket: Socket, Arg(mixed): Arg<Mixed>) {
    if (mixed.hello.as_str(), mixed.goodbye.as_str()) == ("lol", "gotcha") {
        tell(&socket, "jsonbuff-ack", &());
    }
}

async fn echo(payload: Payload<'static>, ack: Ack) {
    if let Ok(argument) = payload.first::<&RawValue>() {
        let argument = RawArgs { json: argument.get(), attachments: payload.attachments() };
        drop(ack.send_raw(argument));
    }
}

async fn id(socket: Socket, ack: Ack) {
    drop(ack.send(&socket.id().to_string()));
}

/// Asks the client, and tells it when the answer is the right one. One event does not wait for the answer that the
/// one before asked for.
async fn ask(socket: Socket) {
    // Ends with the answer or its time.
    drop(tokio::spawn(async move {
        let Ok(answer) = socket.emit_with_ack("ack", &(), ACK_TIMEOUT).await else { return };
        if let Ok((5, Tested { test: true })) = answer.args::<(i64, Tested)>() {
            tell(&socket, "got it", &());
        }
    }));
}

#[derive(Deserialize)]
struct Tested {
    test: bool,
}

async fn refuse_fail(request: ConnectRequest) -> Result<(), Rejection> {
    if request.handshake().is_some_and(|handshake| handshake.query("fail").is_some()) {
        return Err(Rejection::new("Auth failed (main namespace)"));
    }
    // For `getHandshake`, which comes later.
    request.data().insert(request.auth().clone());
    Ok(())
}

async fn tell_handshake(socket: Socket, auth: Auth) {
    tell(&socket, "handshake", &HandshakeObject::of(&socket, Some(&auth)));
}

async fn answer_handshake(socket: Socket, ack: Ack) {
    let auth = socket.data().find::<Auth>();
    drop(ack.send(&HandshakeObject::of(&socket, auth.as_deref())));
}

/// What the JavaScript server tells a program of a handshake.
#[derive(Serialize)]
struct HandshakeObject<'a> {
    headers: BTreeMap<&'a str, &'a str>,
    address: Option<IpAddr>,
    xdomain: bool,
    secure: bool,
    url: &'a str,
    query: BTreeMap<&'a str, &'a str>,
    auth: Option<Box<RawValue>>,
}

impl<'a> HandshakeObject<'a> {
    fn of(socket: &'a Socket, auth: Option<&Auth>) -> Option<Self> {
        let handshake = socket.handshake()?;
        Some(Self {
            headers: headers_object(&handshake.headers),
            address: handshake.address,
            xdomain: handshake.cross_origin,
            secure: handshake.secure,
            url: &handshake.url,
            query: handshake.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            auth: auth.and_then(|auth| auth.parse().ok()),
        })
    }
}

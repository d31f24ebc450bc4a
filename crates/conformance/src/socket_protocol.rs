//! For the test suite of the Socket.IO protocol: two namespaces that tell a client its `auth`, one of them with an echo.

use std::time::Duration;

use socketio_server::{Ack, Auth, BuildError, Namespace, OriginPolicy, Payload, RawArgs, Server, Socket};

use crate::engine_protocol;

async fn tell_auth(socket: Socket, auth: Auth) {
    // A client that has gone has no use for it.
    drop(socket.emit_raw("auth", RawArgs { json: auth.as_str(), attachments: &[] }));
}

async fn message(socket: Socket, payload: Payload<'static>) {
    drop(socket.emit_raw("message-back", (&payload).into()));
}

async fn message_with_ack(payload: Payload<'static>, ack: Ack) {
    drop(ack.send_raw((&payload).into()));
}

pub(crate) fn server() -> Result<Server, BuildError> {
    let change = |config: &mut socketio_server::Config| {
        config.engine = engine_protocol::engine();
        config.connect_timeout = Duration::from_secs(1);
        config.origins = OriginPolicy::Any;
    };
    let root = Namespace::new("/")
        .on_connect(tell_auth)
        .on("message", message)
        .on("message-with-ack", message_with_ack);
    let custom = Namespace::new("/custom").on_connect(tell_auth);
    Server::builder().configure(change).namespace(root).namespace(custom).build()
}

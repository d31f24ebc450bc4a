//! Beside an axum router that ends TLS itself, over HTTP/1.1 and HTTP/2.
//!
//! `axum_tls ADDRESS CERTIFICATE.pem KEY.pem [CLIENT.js]`; the last one is the client's `socket.io.js`. `GET /` is a page that connects and shows what the server sees of it.
#![expect(clippy::print_stdout, reason = "an example talks to its terminal")]

use std::net::{SocketAddr, TcpListener};

use axum::response::Html;
use axum::routing::get;
use axum::{Extension, Router};
use axum_server::tls_rustls::RustlsConfig;
use serde::Serialize;
use socketio_server::{Ack, BundleFile, ClientBundle, HandshakeKept, Namespace, OverTls, Server, Socket};

const PAGE: &str = r#"<!DOCTYPE html><title>TLS</title><pre></pre><script src="/socket.io/socket.io.js"></script><script>
    const transports = new URLSearchParams(location.search).getAll("transport");
    const socket = io(transports.length > 0 ? { transports } : {});
    const show = (text) => (document.querySelector("pre").textContent = text);
    socket.on("connect", async () => show(JSON.stringify(await socket.emitWithAck("where"))));
    socket.on("connect_error", (error) => show(error.message));
</script>"#;

/// What the server knows of a connection.
#[derive(Serialize)]
struct Where {
    secure: bool,
    address: Option<String>,
}

async fn tell(socket: Socket, ack: Ack) {
    let handshake = socket.handshake();
    let answer = Where {
        secure: handshake.is_some_and(|handshake| handshake.secure),
        address: handshake.and_then(|handshake| handshake.address).map(|address| address.to_string()),
    };
    // Nobody waits for it if the client has gone.
    let _ = ack.send(&answer);
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().ok_or("ADDRESS CERTIFICATE.pem KEY.pem [CLIENT.js]");
    let (address, certificate, key) = (argument()?, argument()?, argument()?);
    let script = match argument() {
        Ok(file) => std::fs::read(file)?,
        Err(_) => Vec::new(),
    };
    let server = Server::builder()
        .configure(|config| config.handshake_kept = HandshakeKept::Session)
        .client_bundle(ClientBundle::new("example", [BundleFile::script("socket.io.js", script)])?)
        .namespace(Namespace::new("/").on("where", tell))
        .build()?;
    let router = Router::new()
        .route("/", get(async || Html(PAGE)))
        .merge(server.axum_routes())
        // Every request of this listener is encrypted; over HTTP/1.1 nothing else says so.
        .layer(Extension(OverTls));
    // Whichever of rustls's providers the program has chosen.
    drop(rustls::crypto::ring::default_provider().install_default());
    let tls = RustlsConfig::from_pem_file(certificate, key).await?;
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    println!("ready on https://{}", listener.local_addr()?);
    let make = router.into_make_service_with_connect_info::<SocketAddr>();
    axum_server::from_tcp_rustls(listener, tls)?.serve(make).await?;
    Ok(())
}

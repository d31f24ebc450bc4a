//! Beside an axum router: one port for pages and for Socket.IO, and pages that emit.
//!
//! `GET /` shows how many are connected; `GET /ring` rings at all of them.
#![expect(clippy::print_stdout, reason = "an example talks to its terminal")]

use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use socketio_server::{Io, Namespace, Server};

async fn index(State(io): State<Io>) -> String {
    format!("{} connections", io.connections())
}

async fn ring(State(io): State<Io>) -> &'static str {
    match io.root().emit("ring", &()) {
        Ok(()) => "rang",
        Err(_) => "too busy",
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::builder().namespace(Namespace::new("/")).build()?;
    let router = Router::new()
        .route("/", get(index))
        .route("/ring", get(ring))
        .merge(server.axum_routes())
        .with_state(server.io().clone());
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let listener = tokio::net::TcpListener::bind(&listen).await?;
    println!("http://{}", listener.local_addr()?);
    let end = async {
        // Without the signal there is no other end than that of the process.
        let _ = tokio::signal::ctrl_c().await;
        server.shutdown().await;
    };
    // With the address of the peer, handshakes have one and proxies can be trusted.
    let make = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, make).with_graceful_shutdown(end).await?;
    Ok(())
}

//! Beside an axum router: as a service under `axum::serve`, and with the router as the fallback of our own listeners.

use std::net::SocketAddr;

use axum::routing::get as route;
use axum::{Extension, Router};
use socketio_server::{BundleFile, ClientBundle, HostPolicy, Namespace, OverTls, Server};

use crate::harness::{Client, Polling, Ws, echoing, fenced, get};

fn server() -> Server {
    let namespace = echoing(fenced(Namespace::new("/")));
    let builder = Server::builder().namespace(namespace).configure(|config| config.workers = 2);
    builder.build().expect("the server can be built")
}

async fn serve_under_axum(server: &Server) -> SocketAddr {
    serve(Router::new().route("/hello", route(|| async { "hello" })).merge(server.axum_routes())).await
}

async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let make = router.into_make_service_with_connect_info::<SocketAddr>();
    drop(tokio::spawn(async move { axum::serve(listener, make).await }));
    address
}

#[tokio::test]
async fn pages_and_sockets_share_a_port_under_axum() {
    let server = server();
    let address = serve_under_axum(&server).await;
    assert_eq!(get("/hello").send(address).await.brief(), (200, "hello"));
    let mut client = Client::connect(address).await;
    assert_eq!(client.ask(r#"["echo",1]"#).await, "[1]");
    let polling = Polling::open(address).await;
    polling.join().await;
    polling.send(r#"421["echo",2]"#).await;
    assert_eq!(polling.poll().await, ["431[2]"]);
}

#[tokio::test]
async fn upgrades_work_under_axum() {
    let server = server();
    let address = serve_under_axum(&server).await;
    for _ in 0..4 {
        let polling = Polling::open(address).await;
        polling.join().await;
        let mut ws = Ws::attach(address, &polling.sid).await;
        ws.send("2probe").await;
        assert_eq!(ws.text().await, "3probe");
        ws.send("5").await;
        Client::over(ws).fence().await;
    }
}

#[tokio::test]
async fn a_foreign_name_reaches_a_router_and_not_the_endpoint() {
    let builder = Server::builder().namespace(fenced(Namespace::new("/")));
    let builder = builder.configure(|config| config.hosts = HostPolicy::List(Vec::new()));
    let server = builder.build().expect("the server can be built");
    let address = serve_under_axum(&server).await;
    let ask = |target: &str| get(target).header("Host", "evil.example").send(address);
    assert_eq!(ask("/hello").await.status, 200, "the router's own routes are its own affair");
    assert_eq!(ask("/socket.io/?EIO=4&transport=polling").await.status, 421);
    Polling::open(address).await.join().await;
}

#[tokio::test]
async fn a_router_answers_what_is_not_ours() {
    let server = server();
    let router = Router::new().route("/hello", route(|| async { "hello" }));
    let listener = socketio_server::bind("127.0.0.1:0".parse().expect("an address")).expect("a port is free");
    let address = server.listen_with(listener, router).expect("the listener can be shared");
    assert_eq!(get("/hello").send(address).await.brief(), (200, "hello"));
    assert_eq!(get("/nothing").send(address).await.status, 404);
    Client::connect(address).await.fence().await;
}

/// A server that answers each handshake by what it knows of the connection.
fn telling() -> Server {
    let builder = Server::builder().namespace(Namespace::new("/")).admission(|handshake| async move {
        Err(format!("{:?} {}", handshake.address.map(|address| address.to_string()), handshake.secure))
    });
    let proxies = "192.0.2.1".parse().expect("an address");
    builder.configure(|config| config.trusted_proxies = proxies).build().expect("the server can be built")
}

#[tokio::test]
async fn a_handshake_knows_its_peer_and_tls_under_axum() {
    let server = telling();
    let handshake = || get("/socket.io/?EIO=4&transport=polling");
    let plain = serve(server.axum_routes()).await;
    let told = handshake().header("X-Forwarded-Proto", "https").send(plain).await;
    assert!(told.text().contains(r#"Some(\"127.0.0.1\") false"#), "{}", told.text());
    // The listener of the router that has this layer speaks TLS.
    let encrypted = serve(server.axum_routes().layer(Extension(OverTls))).await;
    for (scheme, status, text) in
        [("https", 403, r#"Some(\"127.0.0.1\") true"#), ("http", 403, "may not connect")]
    {
        let own = format!("{scheme}://{encrypted}");
        let told = handshake().header("Origin", own).send(encrypted).await;
        assert_eq!(told.status, status, "{scheme}");
        assert!(told.text().contains(text), "{scheme}: {}", told.text());
    }
}

#[tokio::test]
async fn the_routes_have_the_files_of_the_client() {
    let bundle =
        ClientBundle::new("4.8.4", [BundleFile::script("socket.io.js", "script")]).expect("a bundle");
    let builder = Server::builder().namespace(Namespace::new("/")).client_bundle(bundle);
    let server = builder.configure(|config| config.path = "/chat/io/".into()).build().expect("a server");
    let address = serve(Router::new().merge(server.axum_routes())).await;
    assert_eq!(get("/chat/io/socket.io.js").send(address).await.brief(), (200, "script"));
    assert_eq!(get("/chat/io/?EIO=4&transport=polling").send(address).await.status, 200);
    assert_eq!(get("/socket.io/?EIO=4&transport=polling").send(address).await.status, 404);
}

//! Beside an axum router: as a service under `axum::serve`, and with the router as the fallback of our own listeners.

use axum::Router;
use axum::routing::get as route;
use socketio_server::{Namespace, Server};

use crate::harness::{Client, Polling, Ws, echoing, fenced, get};

fn server() -> Server {
    let namespace = echoing(fenced(Namespace::new("/")));
    let builder = Server::builder().namespace(namespace).configure(|config| config.workers = 2);
    builder.build().expect("the server can be built")
}

async fn serve_under_axum(server: &Server) -> std::net::SocketAddr {
    let router = Router::new()
        .route("/hello", route(|| async { "hello" }))
        .route_service("/socket.io/", server.service());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    drop(tokio::spawn(async move { axum::serve(listener, router).await }));
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
async fn a_router_answers_what_is_not_ours() {
    let server = server();
    let router = Router::new().route("/hello", route(|| async { "hello" }));
    let listener = socketio_server::bind("127.0.0.1:0".parse().expect("an address")).expect("a port is free");
    let address = server.listen_with(listener, router).expect("the listener can be shared");
    assert_eq!(get("/hello").send(address).await.brief(), (200, "hello"));
    assert_eq!(get("/nothing").send(address).await.status, 404);
    Client::connect(address).await.fence().await;
}

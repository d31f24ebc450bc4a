//! What the endpoint refuses, in which order it checks, and the exact words of each refusal.

use socketio_server::{Namespace, Readiness, Server, TransportKind};

use crate::harness::{Polling, Ws, get, post, request, start, start_plain};

const UNKNOWN_TRANSPORT: (u16, &str) = (400, r#"{"code":0,"message":"Transport unknown"}"#);
const UNKNOWN_SID: (u16, &str) = (400, r#"{"code":1,"message":"Session ID unknown"}"#);
const BAD_METHOD: (u16, &str) = (400, r#"{"code":2,"message":"Bad handshake method"}"#);
const BAD_REQUEST: (u16, &str) = (400, r#"{"code":3,"message":"Bad request"}"#);
const WRONG_REVISION: (u16, &str) = (400, r#"{"code":5,"message":"Unsupported protocol version"}"#);

#[tokio::test]
async fn each_refusal_has_its_code_status_and_body() {
    let running = start_plain();
    for (method, query, expected) in [
        ("GET", "EIO=4", UNKNOWN_TRANSPORT),
        ("GET", "EIO=4&transport=pigeon", UNKNOWN_TRANSPORT),
        ("GET", "EIO=4&transport=webtransport", UNKNOWN_TRANSPORT),
        ("GET", "EIO=4&transport=__proto__", UNKNOWN_TRANSPORT),
        ("GET", "EIO=4&transport=polling&transport=polling", UNKNOWN_TRANSPORT),
        ("GET", "EIO=4&transport=polling&sid=unknown", UNKNOWN_SID),
        ("POST", "EIO=4&transport=polling&sid=unknown", UNKNOWN_SID),
        ("PUT", "EIO=4&transport=polling&sid=unknown", UNKNOWN_SID),
        ("GET", "EIO=3&transport=polling&sid=unknown", UNKNOWN_SID),
        ("POST", "EIO=4&transport=polling", BAD_METHOD),
        ("PUT", "EIO=4&transport=polling", BAD_METHOD),
        ("DELETE", "EIO=3&transport=polling", BAD_METHOD),
        ("OPTIONS", "EIO=4&transport=polling", BAD_METHOD),
        ("GET", "EIO=4&transport=websocket", BAD_REQUEST),
        ("GET", "EIO=3&transport=polling", WRONG_REVISION),
        ("GET", "EIO=5&transport=polling", WRONG_REVISION),
        ("GET", "EIO=04&transport=polling", WRONG_REVISION),
        ("GET", "transport=polling", WRONG_REVISION),
    ] {
        let answer = request(method, format!("/socket.io/?{query}")).send(running.address).await;
        assert_eq!(answer.brief(), expected, "{method} {query}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{method} {query}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{method} {query}");
    }
}

#[tokio::test]
async fn a_websocket_is_refused_before_the_101_with_the_text_of_the_error() {
    let running = start_plain();
    for (query, message) in [
        ("EIO=4&transport=pigeon", "Transport unknown"),
        ("EIO=4&transport=websocket&sid=unknown", "Session ID unknown"),
        ("EIO=4&transport=polling", "Bad request"),
        ("EIO=3&transport=websocket", "Unsupported protocol version"),
        ("transport=websocket", "Unsupported protocol version"),
    ] {
        let answer = get(format!("/socket.io/?{query}")).upgrade().send(running.address).await;
        assert_eq!(answer.brief(), (400, message), "{query}");
        assert_eq!(answer.header("connection"), Some("close"), "{query}");
        assert_eq!(answer.header("content-type"), Some("text/html"), "{query}");
    }
}

#[tokio::test]
async fn a_session_is_bound_to_its_transport_and_revision() {
    let running = start_plain();
    let polling = Polling::open(running.address).await;
    let ws = Ws::open(running.address).await;
    for (method, query, sid) in [
        ("GET", "EIO=3&transport=polling", &polling.sid),
        ("GET", "transport=polling", &polling.sid),
        ("POST", "EIO=3&transport=polling", &polling.sid),
        ("GET", "EIO=4&transport=websocket", &polling.sid),
        ("GET", "EIO=4&transport=polling", &ws.sid),
        ("POST", "EIO=4&transport=polling", &ws.sid),
        ("DELETE", "EIO=4&transport=polling", &ws.sid),
        ("GET", "EIO=4&transport=websocket", &ws.sid),
    ] {
        let answer = request(method, format!("/socket.io/?{query}&sid={sid}")).send(running.address).await;
        assert_eq!(answer.brief(), BAD_REQUEST, "{method} {query}");
    }
    let mismatch = get(format!("/socket.io/?EIO=3&transport=websocket&sid={}", polling.sid));
    assert_eq!(mismatch.upgrade().send(running.address).await.brief(), (400, "Bad request"));
    assert!(polling.is_alive().await, "none of this is held against the session");
}

#[tokio::test]
async fn a_method_without_meaning_is_an_error_that_the_session_survives() {
    let running = start_plain();
    let polling = Polling::open(running.address).await;
    for method in ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"] {
        let answer = request(method, polling.target()).send(running.address).await;
        assert_eq!(answer.brief(), (500, ""), "{method}");
    }
    assert!(polling.is_alive().await);
}

#[tokio::test]
async fn only_paths_below_the_endpoint_are_ours() {
    let running = start_plain();
    for path in ["/", "/socket.io", "/socket.iofoo/", "/other/socket.io/", "/SOCKET.IO/"] {
        let answer = get(format!("{path}?EIO=4&transport=polling")).send(running.address).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    let below = get("/socket.io/whatever?EIO=4&transport=polling").send(running.address).await;
    assert_eq!(below.status, 200);
}

#[tokio::test]
async fn the_path_is_a_setting() {
    let running = start(
        Server::builder().configure(|config| config.path = "/engine/".into()).namespace(Namespace::new("/")),
    );
    assert_eq!(get("/engine/?EIO=4&transport=polling").send(running.address).await.status, 200);
    assert_eq!(get("/socket.io/?EIO=4&transport=polling").send(running.address).await.status, 404);
}

#[tokio::test]
async fn a_transport_that_is_off_is_unknown() {
    let running = start(
        Server::builder()
            .configure(|config| config.transports = vec![TransportKind::Polling])
            .namespace(Namespace::new("/")),
    );
    let answer = get("/socket.io/?EIO=4&transport=polling").send(running.address).await;
    assert!(answer.text().contains(r#""upgrades":[]"#), "{}", answer.text());
    let polling = Polling::of(running.address, &answer);
    for sid in [String::new(), format!("&sid={}", polling.sid)] {
        let target = format!("/socket.io/?EIO=4&transport=websocket{sid}");
        let refused = get(target).upgrade().send(running.address).await;
        assert_eq!(refused.brief(), (400, "Transport unknown"));
    }
}

#[tokio::test]
async fn the_application_refuses_handshakes_in_its_own_words() {
    let running = start(Server::builder().namespace(Namespace::new("/")).admission(|handshake| async move {
        match handshake.query("key") {
            Some("open") => Ok(()),
            Some(_) | None => Err("come back with a key".to_owned()),
        }
    }));
    let refused = get("/socket.io/?EIO=4&transport=polling").send(running.address).await;
    assert_eq!(refused.brief(), (403, r#"{"code":4,"message":"come back with a key"}"#));
    let refused = get("/socket.io/?EIO=4&transport=websocket").upgrade().send(running.address).await;
    assert_eq!(refused.brief(), (400, "come back with a key"));
    let accepted = get("/socket.io/?EIO=4&transport=polling&key=open").send(running.address).await;
    let polling = Polling::of(running.address, &accepted);
    assert!(polling.is_alive().await, "the application is asked once, not for every request");
}

#[tokio::test]
async fn a_server_that_is_full_or_not_ready_answers_handshakes_with_503() {
    let running = start(
        Server::builder().configure(|config| config.connections_max = 3).namespace(Namespace::new("/")),
    );
    let handshake = || get("/socket.io/?EIO=4&transport=polling").send(running.address);
    let polling = Polling::of(running.address, &handshake().await);
    polling.join().await;
    for _ in 0..2 {
        Polling::of(running.address, &handshake().await).join().await;
    }
    let full = handshake().await;
    assert_eq!((full.status, full.header("retry-after")), (503, Some("2")));
    assert!(polling.is_alive().await);
    assert_eq!(post(polling.target(), "1").send(running.address).await.brief(), (200, "ok"));
    assert_eq!(handshake().await.status, 200);

    let running = start_plain();
    running.io().set_readiness(Readiness::NotReady);
    let target = "/socket.io/?EIO=4&transport=websocket";
    assert_eq!(get(target).upgrade().send(running.address).await.status, 503);
    running.io().set_readiness(Readiness::Ready);
    drop(Ws::open(running.address).await);
}

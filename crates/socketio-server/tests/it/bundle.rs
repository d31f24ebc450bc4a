//! The files of the client, served below the endpoint.

use socketio_server::{BundleFile, ClientBundle, Namespace, OriginPolicy, Server};

use crate::harness::{Running, get, request, start};

fn start_with_bundle() -> Running {
    start_with_bundle_for(OriginPolicy::Any)
}

fn start_with_bundle_for(origins: OriginPolicy) -> Running {
    let files = [
        BundleFile::script("socket.io.js", "the script").with_gzip("gzipped").with_brotli("brotlied"),
        BundleFile::source_map("socket.io.js.map", "{}"),
    ];
    let bundle = ClientBundle::new("4.8.4", files).expect("a bundle");
    let builder = Server::builder().namespace(Namespace::new("/")).client_bundle(bundle);
    start(builder.configure(|config| config.origins = origins))
}

#[tokio::test]
async fn a_file_comes_with_its_type_and_version() {
    let running = start_with_bundle();
    let file = get("/socket.io/socket.io.js?v=1").send(running.address).await;
    assert_eq!(file.brief(), (200, "the script"));
    assert_eq!(file.header("content-type"), Some("application/javascript; charset=utf-8"));
    assert_eq!(file.header("cache-control"), Some("public, max-age=0"));
    assert_eq!(file.header("etag"), Some("\"4.8.4\""));
    assert_eq!(file.header("access-control-allow-origin"), Some("*"));
    let map = get("/socket.io/socket.io.js.map").send(running.address).await;
    assert_eq!((map.brief(), map.header("content-type")), ((200, "{}"), Some("application/json")));
}

#[tokio::test]
async fn any_method_gets_a_file() {
    let running = start_with_bundle();
    let posted = request("POST", "/socket.io/socket.io.js").send(running.address).await;
    assert_eq!(posted.brief(), (200, "the script"));
    let head = request("HEAD", "/socket.io/socket.io.js").send(running.address).await;
    assert_eq!((head.brief(), head.header("content-length")), ((200, ""), Some("10")));
}

#[tokio::test]
async fn a_file_is_sent_as_the_client_can_read_it() {
    let running = start_with_bundle();
    for (accepted, body, coding) in [
        ("br, gzip", "brotlied", Some("br")),
        ("gzip", "gzipped", Some("gzip")),
        ("br;q=0, gzip", "gzipped", Some("gzip")),
        ("identity", "the script", None),
    ] {
        let file =
            get("/socket.io/socket.io.js").header("Accept-Encoding", accepted).send(running.address).await;
        assert_eq!((file.text(), file.header("content-encoding")), (body, coding), "{accepted}");
        assert!(file.headers("vary").any(|vary| vary == "Accept-Encoding"), "{accepted}");
    }
}

/// A cache between must not give one client what only another can read.
#[tokio::test]
async fn an_answer_names_all_that_it_depends_on_whoever_asks() {
    let running = start_with_bundle_for(OriginPolicy::list(["https://good.example"]).expect("an origin"));
    for (method, tag) in [("GET", "\"1\""), ("GET", "\"4.8.4\""), ("HEAD", "\"1\"")] {
        for origin in [None, Some("https://good.example"), Some("https://evil.example")] {
            let asked = request(method, "/socket.io/socket.io.js").header("If-None-Match", tag);
            let asked = origin.into_iter().fold(asked, |asked, origin| asked.header("Origin", origin));
            let file = asked.send(running.address).await;
            let mut vary: Vec<_> = file.headers("vary").collect();
            vary.sort_unstable();
            assert_eq!(vary, ["Accept-Encoding", "Origin"], "{method} {tag} {origin:?}");
        }
    }
}

#[tokio::test]
async fn a_known_version_is_not_sent_again() {
    let running = start_with_bundle();
    for (tag, status) in
        [("\"4.8.4\"", 304), ("W/\"4.8.4\"", 304), ("\"1\", \"4.8.4\"", 304), ("*", 304), ("\"4.8.3\"", 200)]
    {
        let file = get("/socket.io/socket.io.js").header("If-None-Match", tag).send(running.address).await;
        assert_eq!(file.status, status, "{tag}");
        assert_eq!(file.body.is_empty(), status == 304, "{tag}");
    }
}

#[tokio::test]
async fn an_unknown_file_is_an_unknown_transport() {
    let running = start_with_bundle();
    for name in ["socket.io.msgpack.min.js", "../../etc/passwd", "%2e%2e/socket.io.js"] {
        let answer = get(format!("/socket.io/{name}")).send(running.address).await;
        assert_eq!(answer.brief(), (400, r#"{"code":0,"message":"Transport unknown"}"#), "{name}");
    }
}

//! The names that a server answers to: a site that points its own name at the server gets nothing.

use std::net::SocketAddr;

use socketio_server::{
    BundleFile, ClientBundle, Config, HostPolicy, Namespace, OriginPattern, RefusalKind, Server,
};
use tokio::io::AsyncReadExt;

use crate::harness::http::{Pending, exchange};
use crate::harness::{Client, Polling, Running, fenced, get, post, request, start, within};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

/// A server of chat.example and those names that nobody else can point at it.
fn start_known(change: impl FnOnce(&mut Config)) -> Running {
    let bundle = ClientBundle::new("4.8.4", [BundleFile::script("socket.io.js", "1")]).expect("a bundle");
    let builder = Server::builder().namespace(fenced(Namespace::new("/"))).client_bundle(bundle);
    start(builder.configure(|config| {
        config.hosts = HostPolicy::List(vec!["chat.example".parse().expect("a name")]);
        config.host_remedy = "Say --host {host}.".into();
        change(config);
    }))
}

/// The status of the answer to a request, also of one that keeps the connection.
async fn status_of(address: SocketAddr, request: &[u8]) -> String {
    let mut line = [0; 12];
    let mut pending = Pending::begin(address, request).await;
    within(pending.0.read_exact(&mut line)).await.expect("an answer");
    let line = String::from_utf8_lossy(&line);
    line.strip_prefix("HTTP/1.1 ").expect("a status line").to_owned()
}

#[tokio::test]
async fn a_foreign_name_gets_421_on_every_route_and_transport() {
    let running = start_known(|_| ());
    let polling = Polling::open(running.address).await;
    let mut polite = Client::connect(running.address).await;
    let evil = "evil.example:4431";
    let requests = || {
        [
            get(POLLING),
            get(WEBSOCKET).upgrade(),
            get(polling.target()),
            post(polling.target(), "40"),
            get(format!("{WEBSOCKET}&sid={}", polling.sid)).upgrade(),
            get("/socket.io/socket.io.js"),
            request("OPTIONS", POLLING),
            get("/"),
            get("/anything"),
        ]
    };
    for request in requests() {
        let answer = request.header("Host", evil).header("Origin", format!("http://{evil}"));
        let answer = answer.send(running.address).await;
        let message = "Misdirected request: this server does not answer to the name evil.example. Say --host evil.example.";
        let body = match answer.header("content-type") {
            Some("application/json") => format!(r#"{{"code":4,"message":"{message}"}}"#),
            _ => format!("{message}\n"),
        };
        assert_eq!(answer.brief(), (421, body.as_str()));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(
            answer.header("content-security-policy"),
            Some("default-src 'none'; frame-ancestors 'none'")
        );
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
        assert_eq!(answer.header("connection"), Some("close"));
    }
    assert_eq!(running.io().refused(RefusalKind::Host), 9);
    // Neither the session that the attacker knew nor the client beside it has noticed.
    polling.join().await;
    polite.fence().await;
    for host in
        ["chat.example", "CHAT.example.:80", "localhost:1", "a.localhost", "box.local", "[::1]", "10.0.0.1"]
    {
        let answer = get(POLLING).header("Host", host).send(running.address).await;
        assert_eq!(answer.status, 200, "{host}");
        let websocket = get(WEBSOCKET).upgrade().header("Host", host).encode(running.address);
        assert_eq!(status_of(running.address, &websocket).await, "101", "{host}");
    }
    assert_eq!(running.io().refused(RefusalKind::Host), 9);
}

#[tokio::test]
async fn a_page_cannot_pass_for_a_proxy_and_a_proxy_has_to_name_one_of_the_names() {
    let trusting = start_known(|config| config.trusted_proxies = "127.0.0.1".parse().expect("a proxy"));
    for (host, forwarded, status) in [
        ("127.0.0.1", "chat.example", 200),
        ("127.0.0.1", "evil.example", 421),
        ("evil.example", "chat.example", 421),
        ("evil.example", "localhost", 421),
        ("chat.example", "chat.example", 200),
    ] {
        let asked = get(POLLING).header("Host", host).header("X-Forwarded-Host", forwarded);
        assert_eq!(asked.send(trusting.address).await.status, status, "{host} {forwarded}");
    }
    let trusts_nobody = start_known(|_| ());
    let asked = get(POLLING).header("Host", "chat.example").header("X-Forwarded-Host", "evil.example");
    assert_eq!(asked.send(trusts_nobody.address).await.status, 200, "nobody reads it");
}

#[tokio::test]
async fn a_request_of_http_1_0_without_a_host_is_served() {
    let running = start_known(|_| ());
    let head = format!("GET {POLLING} HTTP/1.0\r\n\r\n");
    let answer = exchange(running.address, head.as_bytes()).await;
    assert!(answer.starts_with(b"HTTP/1.0 200"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn a_host_that_is_none_or_not_that_of_the_target_is_malformed() {
    let running = start_known(|_| ());
    for (target, host, status) in [
        ("http://chat.example/socket.io/?EIO=4&transport=polling", "chat.example", "200"),
        ("http://chat.example:80/socket.io/?EIO=4&transport=polling", "Chat.Example", "200"),
        ("http://evil.example/socket.io/?EIO=4&transport=polling", "evil.example", "421"),
        ("http://chat.example/socket.io/?EIO=4&transport=polling", "evil.example", "400"),
        ("http://evil.example/socket.io/?EIO=4&transport=polling", "chat.example", "400"),
        ("http://chat.example:81/socket.io/?EIO=4&transport=polling", "chat.example", "400"),
        ("http://chat.example/", "localhost", "400"),
        (POLLING, "a b", "400"),
        (POLLING, "user@chat.example", "400"),
        (POLLING, "chat.example/x", "400"),
        (POLLING, "", "421"),
    ] {
        for fields in [
            "",
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        ] {
            let target =
                if fields.is_empty() { target.to_owned() } else { target.replace("polling", "websocket") };
            let connection = if fields.is_empty() { "close" } else { "Upgrade" };
            let head =
                format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: {connection}\r\n{fields}\r\n");
            let opened = if fields.is_empty() { "200" } else { "101" };
            let expected = if status == "200" { opened } else { status };
            assert_eq!(status_of(running.address, head.as_bytes()).await, expected, "{target} {host}");
        }
    }
}

#[tokio::test]
async fn the_hosts_of_allowed_origins_can_be_names_of_the_server() {
    let origins = ["https://chat.example:8443", "https://*.example.org", "null", "file://"];
    let names = origins.iter().filter_map(|text| text.parse::<OriginPattern>().expect("an origin").host());
    let policy: HostPolicy = names.collect();
    let running = start_known(|config| config.hosts = policy);
    for (host, status) in [("chat.example", 200), ("a.example.org", 200), ("example.org", 421), ("null", 421)]
    {
        assert_eq!(get(POLLING).header("Host", host).send(running.address).await.status, status, "{host}");
    }
    let everyone = "*".parse::<OriginPattern>().expect("a pattern").host();
    assert_eq!(everyone.into_iter().collect::<HostPolicy>(), HostPolicy::Any);
}

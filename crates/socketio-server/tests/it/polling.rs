//! Long-polling: the handshake, what a poll brings and a POST takes, and what ends a session.

use std::time::Duration;

use serde_json::Value;
use socketio_server::engineio::PayloadWriter;
use socketio_server::{Ack, Arg, Args, Binary, Closing, DisconnectReason, Namespace, Server, Socket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::harness::http::Pending;
use crate::harness::{Polling, echoing, fenced, get, post, start, start_plain, start_with, within};

const PLACEHOLDER: &str = r#"{"_placeholder":true,"num":0}"#;

/// A server that answers bytes by the same bytes.
fn start_mirror() -> crate::harness::Running {
    let namespace =
        Namespace::new("/").on("mirror", |Args((bytes,)): Args<(Binary,)>, ack: Ack| async move {
            let _ = ack.send(&bytes);
        });
    start(Server::builder().namespace(namespace))
}

/// A server of one worker that tells why sockets left.
fn start_watched() -> (crate::harness::Running, mpsc::Receiver<DisconnectReason>) {
    let (left, reasons) = mpsc::channel(16);
    let namespace = fenced(Namespace::new("/"))
        .on("say", |socket: Socket, Arg(text): Arg<String>| async move {
            let _ = socket.emit("said", &text);
        })
        .on("close", |socket: Socket| async move {
            let _ = socket.disconnect(Closing::Connection);
        })
        .on_disconnect(move |reason: DisconnectReason| {
            let left = left.clone();
            async move { left.send(reason).await.expect("the test listens") }
        });
    let builder = Server::builder().namespace(namespace).configure(|config| {
        config.workers = 1;
        config.engine.max_payload = 1_000;
    });
    (start_with(builder), reasons)
}

async fn reason(reasons: &mut mpsc::Receiver<DisconnectReason>) -> &'static str {
    within(reasons.recv()).await.expect("a socket has left").as_str()
}

#[tokio::test]
async fn the_handshake_has_these_keys_in_this_order() {
    let running = start(Server::builder().namespace(Namespace::new("/")).configure(|config| {
        config.engine.ping_interval = Duration::from_millis(12_345);
        config.engine.ping_timeout = Duration::from_millis(6_789);
        config.engine.max_payload = 4_321;
    }));
    let answer = get("/socket.io/?EIO=4&transport=polling&t=abc&b64=1").send(running.address).await;
    let sid = Polling::of(running.address, &answer).sid;
    let expected = format!(
        r#"0{{"sid":"{sid}","upgrades":["websocket"],"pingInterval":12345,"pingTimeout":6789,"maxPayload":4321}}"#
    );
    assert_eq!(answer.text(), expected);
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=UTF-8"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-length"), Some(expected.len().to_string().as_str()));
    assert_eq!(answer.header("set-cookie"), None);
}

#[tokio::test]
async fn only_the_first_response_has_the_headers_of_the_application() {
    let running =
        start(Server::builder().namespace(Namespace::new("/")).initial_headers(|handshake, headers| {
            assert_eq!(handshake.query("room"), Some("a b"));
            headers.append("set-cookie", "io=1; HttpOnly".parse().expect("a header"));
            headers.append("set-cookie", "two=2".parse().expect("a header"));
        }));
    let answer = get("/socket.io/?EIO=4&transport=polling&room=a%20b").send(running.address).await;
    assert_eq!(answer.headers("set-cookie").collect::<Vec<_>>(), ["io=1; HttpOnly", "two=2"]);
    let polling = Polling::of(running.address, &answer);
    polling.send("40").await;
    assert_eq!(polling.get().await.header("set-cookie"), None);
}

#[tokio::test]
async fn packets_that_wait_come_in_one_poll_and_a_post_may_bring_many() {
    let (running, _reasons) = start_watched();
    let polling = Polling::open(running.address).await;
    let connected = polling.join().await;
    let joined: Value = serde_json::from_str(connected.strip_prefix("40").expect("CONNECT")).expect("JSON");
    assert_ne!(joined["sid"], polling.sid.as_str(), "the sid of the engine is a secret");
    polling.send("42[\"say\",\"one\"]\u{1e}42[\"say\",\"two ☃\"]\u{1e}421[\"fence\"]").await;
    let packets = polling.poll_for(3).await;
    assert_eq!(packets, [r#"42["said","one"]"#, r#"42["said","two ☃"]"#, "431[]"]);
}

#[tokio::test]
async fn polls_and_posts_are_answered_with_their_headers() {
    let (running, _reasons) = start_watched();
    let polling = Polling::open(running.address).await;
    let taken = polling.post("40").await;
    assert_eq!(taken.brief(), (200, "ok"));
    assert_eq!(taken.header("content-type"), Some("text/html"));
    assert_eq!(taken.header("content-length"), Some("2"));
    let poll = polling.get().await;
    assert_eq!(poll.header("content-type"), Some("text/plain; charset=UTF-8"));
    assert_eq!(poll.header("cache-control"), Some("no-store"));
    assert_eq!(poll.header("content-length"), Some(poll.body.len().to_string().as_str()));
}

#[tokio::test]
async fn a_poll_is_held_until_there_is_something() {
    let (running, _reasons) = start_watched();
    let polling = Polling::open(running.address).await;
    polling.join().await;
    let held = polling.hold().await;
    polling.send(r#"42["say","now"]"#).await;
    assert_eq!(held.answer().await.brief(), (200, r#"42["said","now"]"#));
}

#[tokio::test]
async fn two_polls_at_once_end_the_session() {
    let (running, mut reasons) = start_watched();
    let polling = Polling::open(running.address).await;
    polling.join().await;
    let held = polling.hold().await;
    assert_eq!(polling.get().await.brief(), (400, ""));
    assert_eq!(held.answer().await.brief(), (200, "1"));
    assert_eq!(reason(&mut reasons).await, "transport error");
    assert!(!polling.is_alive().await);
}

#[tokio::test]
async fn a_poll_that_a_browser_repeats_by_itself_ends_the_session() {
    let (running, mut reasons) = start_watched();
    let polling = Polling::open(running.address).await;
    let poll = async |tag: &str| get(format!("{}&t={tag}", polling.target())).send(running.address).await;
    polling.send("40").await;
    assert!(poll("one").await.text().starts_with("40{"));
    polling.send(r#"42["say","hello"]"#).await;
    assert_eq!(poll("two").await.text(), r#"42["said","hello"]"#);
    // The answer was lost with its connection, as far as the one who repeats can tell.
    assert_eq!(poll("two").await.brief(), (400, ""));
    assert_eq!(reason(&mut reasons).await, "transport error");
    assert_eq!(polling.get().await.status, 400, "the session is gone");
}

#[tokio::test]
async fn a_post_that_a_browser_repeats_by_itself_is_not_taken_twice() {
    let (running, mut reasons) = start_watched();
    let polling = Polling::open(running.address).await;
    let send = async |tag: &str, body: &str| {
        post(format!("{}&t={tag}", polling.target()), body).send(running.address).await
    };
    assert_eq!(send("one", "40").await.brief(), (200, "ok"));
    assert!(polling.poll().await.remove(0).starts_with("40{"));
    assert_eq!(send("two", r#"42["say","hello"]"#).await.brief(), (200, "ok"));
    assert_eq!(polling.poll().await, [r#"42["said","hello"]"#]);
    // The answer was lost with its connection, as far as the one who repeats can tell.
    assert_eq!(send("two", r#"42["say","hello"]"#).await.brief(), (400, ""));
    assert_eq!(reason(&mut reasons).await, "transport error");
    let left = polling.get().await;
    assert!(!left.text().contains("hello"), "taken once: {left:?}");
    assert_eq!(polling.get().await.status, 400, "the session is gone");
}

#[tokio::test]
async fn a_clock_is_no_sign_of_a_repeat() {
    let (running, _reasons) = start_watched();
    let polling = Polling::open(running.address).await;
    // Some clients tell the time of day, by the second or by the millisecond.
    for time in ["1790000000", "1790000000123"] {
        let target = format!("{}&t={time}", polling.target());
        for _ in 0..2 {
            let taken = post(target.clone(), "3").send(running.address).await;
            assert_eq!(taken.brief(), (200, "ok"));
        }
    }
    polling.send("40").await;
    let target = format!("{}&t=1790000000", polling.target());
    assert!(get(target.clone()).send(running.address).await.text().starts_with("40{"));
    polling.send(r#"42["say","hello"]"#).await;
    assert_eq!(get(target).send(running.address).await.text(), r#"42["said","hello"]"#);
}

#[tokio::test]
async fn a_client_that_arrives_again_and_again_and_reads_nothing_is_closed() {
    let builder = Server::builder().namespace(fenced(Namespace::new("/"))).namespace(Namespace::new("/side"));
    let running = start(builder.configure(|config| config.outbound_bytes_max = 20_000));
    for round in [&["40{\"n\":1}", "40{\"n\":2}"], &["40", "41"], &["40/side,", "41/side,"]] {
        let polling = Polling::open(running.address).await;
        let body = round.repeat(50).join("\u{1e}");
        let mut posts = 0;
        // An answer to CONNECT has some forty bytes.
        while polling.post(body.as_str()).await.status == 200 {
            posts += 1;
            assert!(posts < 20, "{round:?}");
        }
        assert!(!polling.is_alive().await);
    }
}

#[tokio::test]
async fn two_posts_at_once_end_the_session() {
    let (running, mut reasons) = start_watched();
    let polling = Polling::open(running.address).await;
    polling.join().await;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nConnection: close\r\n\r\n4",
        polling.target()
    );
    let unfinished = Pending::begin(running.address, head.as_bytes()).await;
    // It has begun when the second one overlaps it.
    while polling.post("3").await.status == 200 {}
    assert_eq!(reason(&mut reasons).await, "transport error");
    drop(unfinished);
    assert!(!polling.is_alive().await);
}

#[tokio::test]
async fn a_client_that_leaves_its_poll_ends_the_session() {
    let (running, mut reasons) = start_watched();
    let polling = Polling::open(running.address).await;
    polling.join().await;
    drop(polling.hold().await);
    assert_eq!(reason(&mut reasons).await, "transport error");
}

#[tokio::test]
async fn a_client_that_is_still_writing_a_body_over_the_limit_gets_the_413() {
    let running = start(Server::builder().namespace(fenced(Namespace::new("/"))));
    let polling = Polling::open(running.address).await;
    let mut stream = TcpStream::connect(running.address).await.expect("the server accepts");
    let target = polling.target();
    let head =
        format!("POST {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2000000\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("the server reads");
    for _ in 0..200 {
        stream.write_all(&[b'4'; 10_000]).await.expect("the server reads");
        // Time for the server to answer too early, if it does.
        tokio::task::yield_now().await;
    }
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await.expect("an answer, and the end in order");
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(polling.is_alive().await);
}

#[tokio::test]
async fn a_post_over_the_limit_is_413_and_the_session_lives() {
    let (running, _reasons) = start_watched();
    let polling = Polling::open(running.address).await;
    polling.join().await;
    let too_much = polling.post("4".repeat(1_001)).await;
    assert_eq!(too_much.brief(), (413, ""));

    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        polling.target()
    );
    let chunked = format!("{head}3e9\r\n{}\r\n0\r\n\r\n", "4".repeat(1_001));
    assert_eq!(crate::harness::http::raw(running.address, chunked.as_bytes()).await.brief(), (413, ""));

    let fits = format!(r#"42["say","{}"]"#, "x".repeat(1_000 - 12));
    assert_eq!(fits.len(), 1_000);
    polling.send(fits).await;
    assert_eq!(polling.poll().await.len(), 1);
}

#[tokio::test]
async fn binary_posts_are_of_an_older_protocol() {
    let (running, mut reasons) = start_watched();
    let polling = Polling::open(running.address).await;
    polling.join().await;
    let answer = post(polling.target(), "4x").header("Content-Type", "application/octet-stream");
    assert_eq!(answer.send(running.address).await.brief(), (400, ""));
    assert_eq!(reason(&mut reasons).await, "transport error");
    assert!(!polling.is_alive().await);
}

#[tokio::test]
async fn a_close_packet_ends_a_polling_session() {
    let (running, mut reasons) = start_watched();
    let polling = Polling::open(running.address).await;
    polling.join().await;
    let held = polling.hold().await;
    polling.send("1").await;
    assert_eq!(held.answer().await.brief(), (200, "6"));
    assert_eq!(reason(&mut reasons).await, "transport close");
    for answer in [polling.get().await, polling.post("3").await] {
        assert_eq!(answer.brief(), (400, r#"{"code":1,"message":"Session ID unknown"}"#));
    }
}

#[tokio::test]
async fn a_server_that_closes_tells_the_poll_that_waits() {
    let (running, mut reasons) = start_watched();
    let polling = Polling::open(running.address).await;
    polling.join().await;
    let held = polling.hold().await;
    polling.send("4abc").await;
    assert_eq!(held.answer().await.brief(), (200, "1"));
    assert_eq!(reason(&mut reasons).await, "forced close");
}

#[tokio::test]
async fn a_server_that_closes_tells_the_next_poll_if_none_waits() {
    let (running, mut reasons) = start_watched();
    for violation in ["4abc", "42{}", "42[]", "44{}", "41/other,", r#"42/other,["a"]"#, "43[]x"] {
        let polling = Polling::open(running.address).await;
        polling.join().await;
        polling.send(violation).await;
        assert_eq!(polling.get().await.brief(), (200, "6\u{1e}1"), "{violation}");
        assert!(!polling.is_alive().await, "{violation}");
        let _ = reason(&mut reasons).await;
    }
}

#[tokio::test]
async fn a_client_that_is_sent_away_learns_it_with_its_next_poll() {
    let (running, mut reasons) = start_watched();
    let polling = Polling::open(running.address).await;
    polling.join().await;
    polling.send(r#"42["close"]"#).await;
    assert_eq!(reason(&mut reasons).await, "server namespace disconnect");
    assert_eq!(polling.get().await.brief(), (200, "41\u{1e}6\u{1e}1"));
}

#[tokio::test]
async fn a_text_that_is_no_packet_is_a_parse_error() {
    let (running, mut reasons) = start_watched();
    for garbage in ["7", "x", "", "3\u{1e}", "9\u{1e}40"] {
        let polling = Polling::open(running.address).await;
        polling.join().await;
        assert_eq!(polling.post(garbage).await.status, 400, "{garbage}");
        assert_eq!(reason(&mut reasons).await, "parse error", "{garbage}");
        assert!(!polling.is_alive().await, "{garbage}");
    }
    let polling = Polling::open(running.address).await;
    polling.join().await;
    assert_eq!(polling.post(vec![0xff, 0xfe, 0x00, 0x80]).await.status, 400);
    assert_eq!(reason(&mut reasons).await, "parse error");
}

#[tokio::test]
async fn bytes_that_are_not_utf_8_become_the_replacement_character() {
    let namespace = echoing(Namespace::new("/"));
    let running = start(Server::builder().namespace(namespace));
    let polling = Polling::open(running.address).await;
    polling.join().await;
    polling.send([br#"421["echo","a"#.as_slice(), &[0xff, 0xe2, 0x82, b'b'], br#""]"#].concat()).await;
    assert_eq!(polling.poll().await, ["431[\"a\u{fffd}\u{fffd}b\"]"]);
}

#[tokio::test]
async fn base64_of_every_client_is_read() {
    let running = start_mirror();
    let polling = Polling::open(running.address).await;
    polling.join().await;
    let bytes: Vec<u8> = (0..=255).collect();
    let mut payload = PayloadWriter::new();
    payload.push_binary(&bytes);
    let base64 = payload.finish().split_off(1);
    let wrapped = |line_break: &str| {
        let characters: Vec<char> = base64.chars().collect();
        let lines = characters.chunks(76).map(|line| line.iter().collect::<String>());
        lines.collect::<Vec<_>>().join(line_break)
    };
    let forms = [
        base64.clone(),
        format!("{base64}\n"),
        wrapped("\n"),
        wrapped("\r\n") + "\r\n",
        base64.trim_end_matches('=').to_owned(),
        base64.replace('+', "-").replace('/', "_"),
    ];
    for form in forms {
        polling.send(format!("451-1[\"mirror\",{PLACEHOLDER}]\u{1e}b{form}")).await;
        assert_eq!(polling.poll().await, [format!("461-1[{PLACEHOLDER}]"), format!("b{base64}")], "{form:?}");
    }
}

#[tokio::test]
async fn packets_before_garbage_take_effect() {
    let (running, mut reasons) = start_watched();
    let polling = Polling::open(running.address).await;
    polling.join().await;
    let held = polling.hold().await;
    polling.post("421[\"fence\"]\u{1e}garbage").await;
    drop(held);
    assert_eq!(reason(&mut reasons).await, "parse error");
}

#[tokio::test]
async fn a_ping_of_the_client_is_an_error_and_other_idle_packets_are_not() {
    let (running, mut reasons) = start_watched();
    let polling = Polling::open(running.address).await;
    polling.join().await;
    for ignored in ["3", "0", "5", "6"] {
        polling.send(ignored).await;
    }
    assert!(polling.is_alive().await);
    polling.post("2").await;
    assert_eq!(reason(&mut reasons).await, "transport error");
}

#[tokio::test]
async fn bytes_travel_as_base64() {
    let running = start_mirror();
    let polling = Polling::open(running.address).await;
    polling.join().await;
    polling.send("451-7[\"mirror\",{\"_placeholder\":true,\"num\":0}]\u{1e}bAQIDBA==").await;
    let packets = polling.poll_for(2).await;
    assert_eq!(packets, [r#"461-7[{"_placeholder":true,"num":0}]"#, "bAQIDBA=="]);
}

#[tokio::test]
async fn several_requests_may_share_a_connection() {
    let running = start_plain();
    let polling = Polling::open(running.address).await;
    let request = |method: &str, body: &str| {
        let length = body.len();
        format!("{method} {} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}", polling.target())
    };
    let last = request("POST", "3").replace("Host: x", "Host: x\r\nConnection: close");
    let pipelined = format!("{}{}{}", request("POST", "40"), request("GET", ""), last);
    let answers = crate::harness::http::exchange(running.address, pipelined.as_bytes()).await;
    let answers = String::from_utf8(answers).expect("text");
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
    assert_eq!(answers.matches(r#"40{"sid":""#).count(), 1, "{answers}");
}

//! Log lines that an application writes in its handlers tell which connection they are about, and nothing of what was sent.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use socketio_server::{Ack, ConnectRequest, Namespace, Rejection, Server, Socket};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::harness::{Client, start};

/// The log of this process, of which these tests are the only ones to write.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// What programs log by default: level info, with the spans of the library.
    fn begin() -> Self {
        let log = Self::default();
        let wanted = Targets::new().with_default(tracing::Level::INFO);
        let writer = log.clone();
        let lines = fmt::layer().json().with_writer(move || writer.clone()).with_filter(wanted);
        tracing_subscriber::registry().with(lines).init();
        log
    }

    /// The lines of these tests, as programs read them.
    fn lines(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = String::from_utf8(bytes).expect("text");
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
        lines.filter(|line: &Value| line["target"] == module_path!()).collect()
    }
}

async fn greet(_: ConnectRequest) -> Result<(), Rejection> {
    tokio::task::yield_now().await;
    tracing::info!("middleware");
    Ok(())
}

fn logging(name: &str) -> Namespace {
    Namespace::new(name)
        .middleware(greet)
        .on_connect(async |_: Socket| tracing::info!("connect"))
        .on("say", async |socket: Socket, ack: Ack| {
            tracing::info!("say");
            tokio::task::yield_now().await;
            tracing::info!("said");
            let _ = ack.send(&socket.connection().to_string());
        })
        .on_sync("count", |turn| {
            tracing::info!("count");
            turn.reply("1");
            socketio_server::Flow::Continue
        })
}

#[tokio::test]
async fn lines_of_handlers_and_middleware_tell_the_connection_and_the_namespace() {
    let log = Log::begin();
    let running = start(Server::builder().namespace(logging("/")));
    let mut clients = Vec::new();
    for _ in 0..2 {
        let mut client = Client::open(running.address).await;
        client.join("/", r#"{"token":"zanzibar"}"#).await;
        assert_eq!(client.ask(r#"["count","zanzibar"]"#).await, "[1]");
        let answer: Value = serde_json::from_str(&client.ask(r#"["say","zanzibar"]"#).await).expect("JSON");
        clients.push((answer[0].as_str().expect("a connection").to_owned(), client));
    }
    assert_ne!(clients[0].0, clients[1].0);
    for (connection, _) in &clients {
        let of_it = |line: &&Value| line["span"]["connection"] == **connection;
        let lines = log.lines();
        let told: BTreeSet<_> =
            lines.iter().filter(of_it).filter_map(|line| line["fields"]["message"].as_str()).collect();
        assert_eq!(told, ["middleware", "connect", "count", "say", "said"].into(), "{lines:?}");
        assert!(lines.iter().all(|line| line["span"]["namespace"] == "/"), "{lines:?}");
    }
    assert!(log.lines().iter().all(|line| !line.to_string().contains("zanzibar")));
}

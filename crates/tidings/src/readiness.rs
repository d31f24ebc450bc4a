//! Closes the server to clients while the log cannot commit, and opens it again.
//!
//! Knows only the appender's health and the server's readiness.

use std::time::Duration;

use chat::Health;
use socketio_server::{Io, Readiness};

/// How long the log may fail to commit before clients are sent away. They throw a message away after four sends of
/// ten seconds each, but keep it as long as they cannot connect.
const UNREADY_AFTER: Duration = Duration::from_secs(5);

/// How often that is looked at.
const HEALTH_INTERVAL: Duration = Duration::from_millis(500);

/// Sends clients away while the log cannot commit, and lets them in again. Never ends.
pub async fn watch(health: &Health, io: &Io) {
    let mut interval = tokio::time::interval(HEALTH_INTERVAL);
    loop {
        interval.tick().await;
        let is_stuck = health.waiting(tokio::time::Instant::now().into_std()) > UNREADY_AFTER;
        match (is_stuck, io.readiness()) {
            (true, Readiness::Ready) => {
                tracing::error!("the log cannot commit: the server rejects connections until it can");
                io.set_readiness(Readiness::NotReady);
                io.close_transports();
            }
            (false, Readiness::NotReady) => {
                tracing::warn!("the log commits again");
                io.set_readiness(Readiness::Ready);
            }
            // A handshake that had begun before may have come through after the others were sent away.
            (true, Readiness::NotReady) => io.close_transports(),
            (false, Readiness::Ready) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpListener, TcpStream};
    use std::sync::Arc;
    use std::time::Instant;

    use chat::conformance::draft;
    use chat::{
        Appender, Committed, DirectoryHandle, Epoch, Fault, Limits, MemoryDisk, MemoryLog, QueueBounds,
        RollbackCause,
    };
    use socketio_server::{Namespace, Server};
    use tokio::sync::Semaphore;

    use super::*;

    const BEFORE: Duration = Duration::from_secs(10);

    /// An appender whose log takes nothing, and has not for longer than clients may stay.
    fn stuck() -> Appender<()> {
        let disk = MemoryDisk::default();
        let mut log = MemoryLog::open(&disk, Epoch(1));
        for _ in 0..10_000 {
            disk.inject(Fault::RollBack(RollbackCause::ReadOnly));
        }
        let directory = DirectoryHandle::load(&mut log).unwrap();
        let ports = chat::Ports {
            on_room: Box::new(|| ()),
            on_fatal: Box::new(|fatal| panic!("{fatal}")),
            clock: Box::new(|| Instant::now().checked_sub(BEFORE).unwrap()),
        };
        let delivery = |batch: Committed<()>| assert_eq!(batch.entries, [], "nothing is stored");
        let bounds = QueueBounds::default();
        let appender = Appender::start(log, &directory, delivery, Limits::DEFAULT, bounds, ports).unwrap();
        appender.submit(draft(None, None, "hi"), ());
        while appender.health().waiting(Instant::now()) <= UNREADY_AFTER {
            std::thread::yield_now();
        }
        appender
    }

    fn ask(stream: &mut TcpStream, query: &str) -> String {
        let head = format!("GET /socket.io/?EIO=4&transport=polling{query} HTTP/1.1\r\nHost: chat\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = vec![0; 4_096];
        let length = stream.read(&mut answer).expect("an answer in time");
        String::from_utf8_lossy(&answer[..length]).into_owned()
    }

    /// A client whose handshake takes long; the answer to its first poll.
    fn come_late(address: SocketAddr) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let opened = ask(&mut stream, "");
        let sid = opened.split("\"sid\":\"").nth(1).and_then(|rest| rest.split('"').next());
        let sid = sid.unwrap_or_else(|| panic!("{opened} opens a session"));
        ask(&mut stream, &format!("&sid={sid}"))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_client_whose_handshake_was_let_in_before_is_sent_away_as_well() {
        let (begun, finish) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let (tell, wait) = (Arc::clone(&begun), Arc::clone(&finish));
        let admit = move |_| {
            tell.add_permits(1);
            let wait = Arc::clone(&wait);
            async move { wait.acquire().await.map(drop).map_err(|error| error.to_string()) }
        };
        let server = Server::builder().namespace(Namespace::new("/")).admission(admit).build().unwrap();
        let address = server.listen(TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
        let late = tokio::task::spawn_blocking(move || come_late(address));
        drop(begun.acquire().await.unwrap());
        let appender = stuck();
        let io = server.io();
        let told = async {
            while io.readiness() == Readiness::Ready {
                tokio::task::yield_now().await;
            }
            finish.add_permits(1);
            late.await.unwrap()
        };
        tokio::select! {
            () = watch(appender.health(), io) => panic!("it never ends"),
            answer = told => assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}"),
        }
    }
}

//! Clients that go on with their work while something hostile happens, and must not notice it.

use std::net::SocketAddr;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::client::Client;
use super::polling::Polling;

pub(crate) struct Canaries {
    stop: watch::Sender<()>,
    tasks: Vec<JoinHandle<u64>>,
}

impl Canaries {
    /// Three by WebSocket and one by polling; the namespace `/` must answer `echo`.
    pub(crate) async fn start(address: SocketAddr) -> Self {
        let (stop, stopped) = watch::channel(());
        let mut tasks = Vec::new();
        for _ in 0..3 {
            let mut client = Client::connect(address).await;
            let stopped = stopped.clone();
            tasks.push(tokio::spawn(async move {
                let mut asked = 0;
                while !stopped.has_changed().unwrap_or(true) {
                    asked += 1;
                    assert_eq!(client.ask(&format!(r#"["echo",{asked}]"#)).await, format!("[{asked}]"));
                }
                asked
            }));
        }
        let polling = Polling::open(address).await;
        polling.join().await;
        tasks.push(tokio::spawn(async move {
            let mut asked = 0;
            while !stopped.has_changed().unwrap_or(true) {
                asked += 1;
                polling.send(format!(r#"42{asked}["echo",{asked}]"#)).await;
                let mut packets = polling.poll().await;
                while packets.iter().any(|packet| packet == "2") {
                    polling.send("3").await;
                    packets.retain(|packet| packet != "2");
                    if packets.is_empty() {
                        packets = polling.poll().await;
                    }
                }
                assert_eq!(packets, [format!("43{asked}[{asked}]")]);
            }
            asked
        }));
        Self { stop, tasks }
    }

    /// All of them are well, and have got every answer.
    pub(crate) async fn sing(self) {
        drop(self.stop);
        for task in self.tasks {
            assert!(super::within(task).await.expect("a canary is well") > 0);
        }
    }
}

//! A server in memory for the targets that need a whole one, with handlers that read whatever comes.

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::time::Duration;

use serde_json::Value;
use socketio_server::{Ack, Args, Binary, Namespace, Server, Spread};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

/// So much is in flight in one direction.
const STREAM_BYTES: usize = 64 * 1024;
/// Longer than a server waits for anything: it has ended a connection by then, or never will. The clock is paused, so
/// nobody waits.
const PATIENCE: Duration = Duration::from_secs(600);

thread_local! {
    // Never dropped: at the end of the process the parts of tokio that its tasks would need are gone.
    static SERVER: RefCell<Option<ManuallyDrop<InMemory>>> = const { RefCell::new(None) };
}

struct InMemory {
    runtime: Runtime,
    tasks: LocalSet,
    server: Server,
}

impl InMemory {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime can be made");
        let tasks = LocalSet::new();
        socketio_server::simulation::seed(1);
        let server = tasks.block_on(&runtime, async {
            let builder = Server::builder().configure(|config| config.workers = 1);
            let builder = builder.namespace(echo("/")).namespace(echo("/chat"));
            builder.build_local().expect("the configuration is right")
        });
        Self { runtime, tasks, server }
    }
}

fn echo(name: &str) -> Namespace {
    Namespace::new(name)
        .on("event", |Args((text,)): Args<(String,)>, ack: Ack| async move {
            let _ = ack.send(&text);
        })
        .on("any", |Args(Spread(all)): Args<Spread<Vec<Value>>>, ack: Ack| async move {
            let _ = ack.send(&all.len());
        })
        .on("bytes", |Args((bytes,)): Args<(Binary,)>, ack: Ack| async move {
            let _ = ack.send(&bytes);
        })
}

/// A client that has opened a WebSocket sends these bytes and nothing more: the connection ends.
pub fn send_frames(bytes: &[u8]) {
    SERVER.with_borrow_mut(|server| {
        let server = server.get_or_insert_with(|| ManuallyDrop::new(InMemory::new()));
        let InMemory { runtime, tasks, server } = &mut **server;
        let (near, far) = tokio::io::duplex(STREAM_BYTES);
        server.attach(far);
        let (mut read, mut write) = tokio::io::split(near);
        let talked = async {
            let writes = async {
                let _ = write.write_all(bytes).await;
                let _ = write.shutdown().await;
            };
            let reads = async {
                let mut scratch = vec![0; STREAM_BYTES];
                while read.read(&mut scratch).await.is_ok_and(|count| count > 0) {}
            };
            tokio::join!(writes, reads);
        };
        let ended = tasks.block_on(runtime, async { tokio::time::timeout(PATIENCE, talked).await });
        assert!(ended.is_ok(), "a connection whose client has gone ends");
    });
}

//! What a worker does besides the system calls: its sockets are streams in memory.

use divan::Bencher;
use divan::counter::ItemsCount;
use socketio_server::{Feed, FeedConfig, FeedEntry, FeedJoin, Flow, Frame, Namespace, Selection, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

const STREAM_BYTES: usize = 1 << 20;
const SOCKETS: usize = 100;

fn main() {
    divan::main();
}

/// A server and its clients, on this thread.
struct Room {
    runtime: Runtime,
    tasks: LocalSet,
    feed: Feed,
    clients: Vec<DuplexStream>,
    server: Server,
}

impl Room {
    fn open(sockets: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be made");
        let tasks = LocalSet::new();
        let feed = Feed::new(FeedConfig::in_memory());
        let namespace =
            Namespace::new("/").feed(feed.clone(), |_| FeedJoin::default()).on_sync("heard", |turn| {
                turn.reply("");
                Flow::Continue
            });
        let server = tasks.block_on(&runtime, async {
            let builder = Server::builder().configure(|config| config.workers = 1);
            builder.namespace(namespace).build_local().expect("the configuration is right")
        });
        let mut room = Self { runtime, tasks, feed, clients: Vec::new(), server };
        for _ in 0..sockets {
            room.join();
        }
        room
    }

    fn join(&mut self) {
        let (mut near, far) = tokio::io::duplex(STREAM_BYTES);
        self.server.attach(far);
        let joined = async {
            near.write_all(&masked("40")).await?;
            let mut seen = Vec::new();
            while !seen.windows(4).any(|window| window == b"40{\"") {
                near.read_buf(&mut seen).await?;
            }
            std::io::Result::Ok(near)
        };
        let near = self.tasks.block_on(&self.runtime, joined).expect("the server lets everybody in");
        self.clients.push(near);
    }

    /// Publishes a batch and waits until everybody has it.
    fn tell(&mut self, entries: usize, frame: &Frame) {
        let batch = (0..entries).map(|_| FeedEntry::new(Selection::everyone(), frame.clone())).collect();
        self.feed.publish(self.feed.head() + 1, batch, Vec::new());
        let (bytes, clients) = (entries * frame.len(), &mut self.clients);
        let heard = async {
            let mut scratch = vec![0; bytes];
            for client in clients {
                client.read_exact(&mut scratch).await?;
            }
            std::io::Result::Ok(())
        };
        self.tasks.block_on(&self.runtime, heard).expect("nobody leaves");
    }
}

/// A client's text frame.
fn masked(text: &str) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let length = u8::try_from(text.len()).expect("a short text");
    let mut frame = vec![0x81, 0x80 | length];
    frame.extend(mask);
    frame.extend(text.bytes().zip(mask.into_iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Deliveries of a batch to 100 sockets; per delivery.
#[divan::bench(args = [1, 16, 256])]
fn deliver_a_batch(bencher: Bencher<'_, '_>, entries: usize) {
    let mut room = Room::open(SOCKETS);
    let frame = Frame::text(
        r#"2["chat message","a text of about the length that people write",1234567,"1.4x9k2.qglj"]"#,
    );
    bencher.counter(ItemsCount::new(entries * SOCKETS)).bench_local(move || room.tell(entries, &frame));
}

/// 64 events of one socket in one read, each decoded, handled and answered; per event.
#[divan::bench]
fn take_events(bencher: Bencher<'_, '_>) {
    const EVENTS: usize = 64;
    /// Two bytes of head and `43117[]`.
    const ANSWER_BYTES: usize = 9;
    let mut room = Room::open(1);
    let event = masked(r#"42117["heard","a text of about the length that people write","Qx7d_-ZZ-17"]"#);
    let burst = event.repeat(EVENTS);
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(move || {
        let [client] = room.clients.as_mut_slice() else { return };
        let answered = async {
            client.write_all(&burst).await?;
            let mut scratch = [0; 8 << 10];
            let mut left = EVENTS * ANSWER_BYTES;
            while left > 0 {
                left -= client.read(&mut scratch).await?.min(left);
            }
            std::io::Result::Ok(())
        };
        room.tasks.block_on(&room.runtime, answered).expect("the client stays");
    });
}

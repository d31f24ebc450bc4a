//! The tutorial's chat on socketioxide, written to be as fast as the library allows.
//!
//! One owner of the database takes all messages that wait, stores them in one transaction (WAL, `synchronous=FULL`), and
//! only then emits them in the order of their ids and acknowledges them: the order is right, and no message waits for the
//! flush of another. The queue of a socket is deep enough that nothing is dropped under the loads of the benchmark; as
//! delivered, 128 packets, the library drops broadcasts.
//!
//! With the argument `rooms` it is a relay between rooms instead, as `tidings-bench rooms` documents it.
//!
//! The database is `chat.db` in the working directory. The one line on standard output says where the chat is.

mod rooms;

use std::error::Error;
use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, params};
use serde::Deserialize;
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, Data, SocketRef, State};
use tokio::net::TcpSocket;
use tokio::sync::{Mutex, mpsc};

/// Packets that may wait for one socket.
pub(crate) const SOCKET_QUEUE: usize = 4_096;
/// Messages that may wait for the database.
const DRAFTS_MAX: usize = 4_096;
/// Messages of one transaction.
const BATCH_MAX: usize = 512;
/// A storm of clients does not overflow it.
const BACKLOG: u32 = 4_096;

struct Draft {
    text: String,
    key: Option<String>,
    ack: AckSender,
}

#[derive(Clone)]
struct Chat {
    drafts: mpsc::Sender<Draft>,
    reader: Arc<Mutex<Connection>>,
}

#[derive(Deserialize, Default)]
struct Auth {
    #[serde(rename = "serverOffset", default)]
    server_offset: i64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().nth(1).as_deref() == Some("rooms") {
        return rooms::serve().await;
    }
    let writer = open()?;
    let (drafts, queue) = mpsc::channel(DRAFTS_MAX);
    let chat = Chat { drafts, reader: Arc::new(Mutex::new(open()?)) };
    let (layer, io) = SocketIo::builder().max_buffer_size(SOCKET_QUEUE).with_state(chat).build_layer();
    io.ns("/", join);
    tokio::spawn(store_for_ever(writer, queue, io));

    serve(axum::Router::new().layer(layer)).await
}

pub(crate) async fn serve(router: axum::Router) -> Result<(), Box<dyn Error>> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_nodelay(true)?;
    socket.bind("127.0.0.1:0".parse()?)?;
    let listener = socket.listen(BACKLOG)?;
    println!("ready on http://{}", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}

fn open() -> rusqlite::Result<Connection> {
    let connection = Connection::open("chat.db")?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         CREATE TABLE IF NOT EXISTS messages (
             id INTEGER PRIMARY KEY AUTOINCREMENT,
             client_offset TEXT UNIQUE,
             content TEXT
         );",
    )?;
    Ok(connection)
}

async fn join(socket: SocketRef, Data(auth): Data<Auth>, State(chat): State<Chat>) {
    socket.on(
        "chat message",
        // The library runs handlers as tasks of their own, so that those of one socket may overtake each other.
        async |Data((text, key)): Data<(String, Option<String>)>,
               ack: AckSender,
               State(chat): State<Chat>| {
            // The only way to fail is that the server ends.
            let _ = chat.drafts.send(Draft { text, key, ack }).await;
        },
    );
    let rows = {
        let reader = chat.reader.lock().await;
        history(&reader, auth.server_offset)
    };
    for (id, text) in rows.unwrap_or_default() {
        if socket.emit("chat message", &(text, id)).is_err() {
            return;
        }
    }
}

fn history(reader: &Connection, after: i64) -> rusqlite::Result<Vec<(i64, String)>> {
    let mut select = reader.prepare_cached("SELECT id, content FROM messages WHERE id > ? ORDER BY id")?;
    select.query_map([after], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

async fn store_for_ever(mut writer: Connection, mut queue: mpsc::Receiver<Draft>, io: SocketIo) {
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let drafts = std::mem::take(&mut batch);
        let stored = tokio::task::spawn_blocking(move || {
            let ids = store(&mut writer, &drafts);
            (writer, drafts, ids)
        });
        let Ok((returned, drafts, ids)) = stored.await else { return };
        writer = returned;
        // What was not stored is not answered: the client sends it again.
        let Ok(ids) = ids else { continue };
        for (draft, id) in drafts.into_iter().zip(ids) {
            if let Some(id) = id {
                let _ = io.emit("chat message", &(draft.text, id)).await;
            }
            let _ = draft.ack.send(&());
        }
    }
}

/// The ids of the new rows; nothing for a message that is stored already.
fn store(writer: &mut Connection, drafts: &[Draft]) -> rusqlite::Result<Vec<Option<i64>>> {
    let transaction = writer.transaction()?;
    let mut ids = Vec::with_capacity(drafts.len());
    {
        let mut insert =
            transaction.prepare_cached("INSERT INTO messages (content, client_offset) VALUES (?, ?)")?;
        for Draft { text, key, .. } in drafts {
            match insert.insert(params![text, key]) {
                Ok(id) => ids.push(Some(id)),
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                    ids.push(None)
                }
                Err(error) => return Err(error),
            }
        }
    }
    transaction.commit()?;
    Ok(ids)
}

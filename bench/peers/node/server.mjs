// The tutorial's chat on Node: one process, or a cluster of as many workers as the argument says. With the argument "rooms" it
// is a relay between rooms instead, as `tidings-bench rooms` documents it.
//
// Every message is a transaction of its own, as in the tutorial, but in a write-ahead log with synchronous=FULL and through a
// synchronous driver: both are faster than the tutorial's, and the order of ids is the order of emits within a process.
// The database is chat.db in the working directory. The one line on standard output says where the chat is; in a cluster
// every worker listens on the same port.

import cluster from "node:cluster";
import { createServer } from "node:http";
import { createAdapter, setupPrimary } from "@socket.io/cluster-adapter";
import Database from "better-sqlite3";
import { Server } from "socket.io";

const BACKLOG = 4096;
const mode = process.argv[2] ?? "0";
const workers = Number(mode) || 0;

function openDatabase() {
  const database = new Database("chat.db");
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.exec(`CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    client_offset TEXT UNIQUE,
    content TEXT
  )`);
  return database;
}

function serve(adapter, listening) {
  const database = openDatabase();
  const insert = database.prepare("INSERT INTO messages (content, client_offset) VALUES (?, ?)");
  const history = database.prepare("SELECT id, content FROM messages WHERE id > ? ORDER BY id");
  const http = createServer();
  const io = new Server(http, { connectionStateRecovery: {}, serveClient: false, ...adapter });

  io.on("connection", (socket) => {
    socket.on("chat message", (text, key, acknowledge) => {
      let stored;
      try {
        stored = insert.run(text, key);
      } catch (error) {
        // A known key was stored before; anything else the client tries again.
        if (error.code === "SQLITE_CONSTRAINT_UNIQUE") acknowledge();
        return;
      }
      io.emit("chat message", text, Number(stored.lastInsertRowid));
      acknowledge();
    });
    if (socket.recovered) return;
    for (const row of history.iterate(socket.handshake.auth.serverOffset ?? 0)) {
      socket.emit("chat message", row.content, row.id);
    }
  });
  http.listen({ port: 0, host: "127.0.0.1", backlog: BACKLOG }, () => listening(http.address().port));
}

function serveRooms(listening) {
  const http = createServer();
  const io = new Server(http, { serveClient: false });
  const said = new Map();
  io.on("connection", (socket) => {
    socket.on("join room", (room, acknowledge) => {
      socket.join(room);
      acknowledge();
    });
    socket.on("room message", (room, text, acknowledge) => {
      const number = (said.get(room) ?? 0) + 1;
      said.set(room, number);
      io.to(room).emit("room message", text, number);
      acknowledge();
    });
  });
  http.listen({ port: 0, host: "127.0.0.1", backlog: BACKLOG }, () => listening(http.address().port));
}

if (mode === "rooms") {
  serveRooms((port) => console.log(`ready on http://127.0.0.1:${port}`));
} else if (workers === 0) {
  serve({}, (port) => console.log(`ready on http://127.0.0.1:${port}`));
} else if (cluster.isPrimary) {
  setupPrimary();
  openDatabase().close();
  let ready = 0;
  for (let index = 0; index < workers; index += 1) {
    cluster.fork().on("message", ({ port }) => {
      if (port === undefined) return;
      ready += 1;
      if (ready === workers) console.log(`ready on http://127.0.0.1:${port}`);
    });
  }
} else {
  serve({ adapter: createAdapter() }, (port) => process.send({ port }));
}

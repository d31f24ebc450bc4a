// The tutorial's chat on Bun: its own HTTP server, WebSocket and SQLite under the Socket.IO server of Node. With the argument
// "rooms" it is a relay between rooms instead, as `tidings-bench rooms` documents it.
//
// Every message is a transaction of its own, in a write-ahead log with synchronous=FULL, as in the peer on Node.
// The database is chat.db in the working directory. The one line on standard output says where the chat is.

import { Database } from "bun:sqlite";
import { Server as Engine } from "@socket.io/bun-engine";
import { Server } from "socket.io";

function openDatabase() {
  const database = new Database("chat.db", { create: true });
  database.run("PRAGMA journal_mode = WAL");
  database.run("PRAGMA synchronous = FULL");
  database.run(`CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    client_offset TEXT UNIQUE,
    content TEXT
  )`);
  return database;
}

function chat(io) {
  const database = openDatabase();
  const insert = database.prepare("INSERT INTO messages (content, client_offset) VALUES (?, ?)");
  const history = database.prepare("SELECT id, content FROM messages WHERE id > ? ORDER BY id");
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
}

function rooms(io) {
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
}

const isRelay = process.argv[2] === "rooms";
const io = new Server(isRelay ? {} : { connectionStateRecovery: {} });
const engine = new Engine({ path: "/socket.io/" });
io.bind(engine);
(isRelay ? rooms : chat)(io);
const server = Bun.serve({ hostname: "127.0.0.1", port: 0, ...engine.handler() });
console.log(`ready on http://127.0.0.1:${server.port}`);

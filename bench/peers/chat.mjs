// What the peers on Node and on Bun have in common: the tutorial's chat, and the relay between rooms that `tidings-bench rooms`
// documents. Both get a Socket.IO server and a synchronous driver of SQLite.
//
// Every message is a transaction of its own, as in the tutorial, but in a write-ahead log with synchronous=FULL and through a
// synchronous driver: both are faster than the tutorial's, and the order of ids is the order of emits within a process.

/** Makes the database ready that the driver has opened. */
export function prepare(database) {
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = FULL");
  database.exec(`CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    client_offset TEXT UNIQUE,
    content TEXT
  )`);
  return database;
}

export function chat(io, database) {
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

export function rooms(io) {
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

// The tutorial's chat on Bun: its own HTTP server, WebSocket and SQLite under the Socket.IO server of Node. With the argument
// "rooms" it is a relay between rooms instead.
//
// The database is chat.db in the working directory. The one line on standard output says where the chat is.

import { Database } from "bun:sqlite";
import { Server as Engine } from "@socket.io/bun-engine";
import { Server } from "socket.io";
import { chat, prepare, rooms } from "../chat.mjs";

const engine = new Engine({ path: "/socket.io/" });
if (process.argv[2] === "rooms") {
  const io = new Server();
  io.bind(engine);
  rooms(io);
} else {
  const io = new Server({ connectionStateRecovery: {} });
  io.bind(engine);
  chat(io, prepare(new Database("chat.db", { create: true })));
}
const server = Bun.serve({ hostname: "127.0.0.1", port: 0, ...engine.handler() });
console.log(`ready on http://127.0.0.1:${server.port}`);

// The tutorial's chat on Node: one process, or a cluster of as many workers as the argument says. With the argument "rooms" it
// is a relay between rooms instead.
//
// The database is chat.db in the working directory. The one line on standard output says where the chat is; in a cluster
// every worker listens on the same port.

import cluster from "node:cluster";
import { createServer } from "node:http";
import { createAdapter, setupPrimary } from "@socket.io/cluster-adapter";
import Database from "better-sqlite3";
import { Server } from "socket.io";
import { chat, prepare, rooms } from "../chat.mjs";

const BACKLOG = 4096;
const mode = process.argv[2] ?? "0";
const workers = Number(mode) || 0;

const openDatabase = () => prepare(new Database("chat.db"));
const say = (port) => console.log(`ready on http://127.0.0.1:${port}`);

function serve(options, begin, listening) {
  const http = createServer();
  begin(new Server(http, { serveClient: false, ...options }));
  http.listen({ port: 0, host: "127.0.0.1", backlog: BACKLOG }, () => listening(http.address().port));
}

function serveChat(adapter, listening) {
  serve({ connectionStateRecovery: {}, ...adapter }, (io) => chat(io, openDatabase()), listening);
}

if (mode === "rooms") {
  serve({}, rooms, say);
} else if (workers === 0) {
  serveChat({}, say);
} else if (cluster.isPrimary) {
  setupPrimary();
  openDatabase().close();
  let ready = 0;
  for (let index = 0; index < workers; index += 1) {
    cluster.fork().on("message", ({ port }) => {
      if (port === undefined) return;
      ready += 1;
      if (ready === workers) say(port);
    });
  }
} else {
  serveChat({ adapter: createAdapter() }, (port) => process.send({ port }));
}

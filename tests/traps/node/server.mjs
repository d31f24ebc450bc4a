// A chat in the manner of the Socket.IO tutorial's last step, in our own words: insert, tell everybody, acknowledge;
// keys against doubles, the last id against gaps, and the library's connection state recovery.
//
// WORKERS=2 has two processes behind it with the cluster adapter, and the rows in the first process. It says where it
// is on standard output. It listens to its parent: "age" makes three minutes pass.

import cluster from "node:cluster";
import { createServer } from "node:http";
import { once } from "node:events";
import { RemoteRows, Rows } from "./rows.mjs";

const WORKERS = Number(process.env.WORKERS ?? 1);

if (WORKERS > 1 && cluster.isPrimary) await superviseWorkers();
else await serve();

async function serve() {
  const pass = holdTime();
  const { Server } = await import("socket.io");
  const rows = cluster.isWorker ? new RemoteRows() : new Rows();
  const server = createServer();
  const io = new Server(server, {
    connectionStateRecovery: {},
    pingInterval: Number(process.env.PING_INTERVAL ?? 25_000),
    pingTimeout: Number(process.env.PING_TIMEOUT ?? 20_000),
  });
  if (cluster.isWorker) io.adapter((await import("@socket.io/cluster-adapter")).createAdapter());
  io.on("connection", (socket) => chat(io, socket, rows));
  server.listen({ port: 0, host: "127.0.0.1", exclusive: true });
  await once(server, "listening");
  tell({ ready: `http://127.0.0.1:${server.address().port}` });
  if (cluster.isPrimary) process.on("message", (message) => {
    if (message === "age") pass(3 * 60_000);
    process.send("done");
  });
}

async function chat(io, socket, rows) {
  socket.on("disconnect", () => tell({ gone: socket.id }));
  socket.on("typing", (who) => socket.broadcast.volatile.emit("typing", who));
  socket.on("chat message", async (text, key, acknowledge) => {
    let id;
    try {
      id = await rows.insert(text, key);
    } catch (err) {
      // A key that is taken is a retry; anything else the client will try again.
      if (err.taken) acknowledge();
      return;
    }
    io.emit("chat message", text, id);
    acknowledge();
  });
  if (socket.recovered) return;
  let after = socket.handshake.auth.serverOffset ?? 0;
  for (;;) {
    const page = await rows.page(after);
    if (page.length === 0) return;
    for (const { id, text } of page) socket.emit("chat message", text, id);
    after = page.at(-1).id;
  }
}

async function superviseWorkers() {
  const { setupPrimary } = await import("@socket.io/cluster-adapter");
  setupPrimary();
  const rows = new Rows();
  cluster.on("message", async (worker, { call, method, args, ready }) => {
    if (ready !== undefined) tell({ ready });
    if (call === undefined) return;
    const answer = await rows[method](...args).then((value) => ({ value }), (err) => ({ error: err.message, taken: err.taken }));
    if (worker.isConnected()) worker.send({ call, ...answer });
  });
  for (let index = 0; index < WORKERS; index += 1) cluster.fork();
  process.on("message", () => process.send("done"));
}

/** Lets time pass at once: the clock jumps, and what runs every minute runs. */
function holdTime() {
  const everyMinute = [];
  let ahead = 0;
  const { now } = Date;
  const { setInterval: set } = globalThis;
  Date.now = () => now() + ahead;
  globalThis.setInterval = (run, pause, ...more) => {
    if (pause >= 60_000) everyMinute.push(run);
    return set(run, pause, ...more);
  };
  return (milliseconds) => {
    ahead += milliseconds;
    for (const run of everyMinute) run();
  };
}

function tell(message) {
  if (cluster.isWorker) process.send(message);
  else console.log(JSON.stringify(message));
}

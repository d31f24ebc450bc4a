// A bot in plain socket.io-client: answers "!ping" wherever it is, and is the same person after a restart.
// Install and run it with: npm install socket.io-client && node bot.mjs http://localhost:3000 bot.json
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { io } from "socket.io-client";

const [url = "http://localhost:3000", file = "bot.json"] = process.argv.slice(2);
const newDevice = () => ({ device: randomBytes(16).toString("hex"), n: 0, open: {} });
const state = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : newDevice();
const save = () => {
  writeFileSync(`${file}.new`, JSON.stringify(state), { mode: 0o600 }); // The token in it is a secret.
  renameSync(`${file}.new`, file);
};

const auth = (done) => done({ v: 1, token: state.token, device: state.device, cursor: state.cursor });
const socket = io(`${url}/v1`, { auth });
let retry;
const later = (action, ms) => {
  clearTimeout(retry);
  retry = setTimeout(action, ms);
};

// What has no answer yet is kept in `state.open` and sent again; its number makes sure that it happens once.
const transmit = (n) =>
  socket.emit(...state.open[n], (ack) => {
    if (!ack.ok) console.error(`${JSON.stringify(state.open[n])} was refused: ${ack.code}`);
    if (ack.n === undefined) return later(transmitAll, 1000); // The number is not used up: "busy", "expected".
    delete state.open[n];
    save();
  });
const transmitAll = () => socket.connected && Object.keys(state.open).forEach(transmit);
const send = (event, fields) => {
  const n = ++state.n;
  state.open[n] = [event, { n, ...fields }];
  save();
  transmit(n);
};

socket.on("welcome", ({ server, user, token = state.token, cursor, resumed, reset }) => {
  // More than 5,000 entries have passed: events start from now. A bot that needs the others asks for `history`.
  if (state.cursor && !resumed && !reset) console.error("away for too long: what was said meanwhile is not answered");
  Object.assign(state, { server, user, token, cursor });
  if (reset) Object.assign(state, newDevice()); // Somebody restored an older backup: our numbers mean nothing there.
  save();
  if (reset) socket.disconnect().connect();
  else if (state.n === 0) send("name", { name: "pingbot" });
  else transmitAll();
});
socket.onAny((event, { rev, cursor }) => {
  if (rev === undefined) return; // Not an entry of the log.
  state.cursor = cursor; // After a broken connection or a restart the stream continues from here, whatever the entry was.
  if (event !== "message") save();
});
// Called after the one above. The new cursor and the answer are saved together.
socket.on("message", ({ room, text, from }) => {
  if (text === "!ping") send("say", { room, text: `pong, ${from.name ?? "guest"}` });
  else save();
});
socket.on("connect_error", (error) => {
  console.error(`cannot connect: ${error.data?.code ?? error.message}`);
  // socket.io-client comes back by itself, but not after a refusal. Keep the token: its server may come back.
  if (!socket.active) later(() => socket.connect(), 2000);
});

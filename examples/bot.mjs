// A bot in plain socket.io-client: answers "!ping" wherever it is. Run it with: node bot.mjs http://localhost:3000
import { randomBytes } from "node:crypto";
import { io } from "socket.io-client";

const auth = { v: 1, device: randomBytes(16).toString("hex") };
let sent = 0;
const socket = io(`${process.argv[2] ?? "http://localhost:3000"}/v1`, { auth });
const open = new Map(); // What has no answer yet is sent again; its number makes sure that it happens once.
const transmit = (n) => socket.emit(...open.get(n), (ack) => open.delete(ack.n));
const send = (event, fields) => {
  open.set(++sent, [event, { n: sent, ...fields }]);
  transmit(sent);
};

socket.on("welcome", (welcome) => {
  Object.assign(auth, { token: welcome.token ?? auth.token, cursor: welcome.cursor });
  if (sent === 0) send("name", { name: "pingbot" });
  else for (const n of open.keys()) transmit(n);
});
socket.on("message", ({ cursor, room, text, from }) => {
  auth.cursor = cursor; // After a broken connection the stream goes on from here.
  if (text === "!ping") send("say", { room, text: `pong, ${from.name ?? "guest"}` });
});

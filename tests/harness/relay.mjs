// A chat that keeps the tutorial's contract by hand, or breaks it in one way: what `tidings-bench` has to notice.

import { once } from "node:events";
import { WebSocketServer } from "ws";

const OPEN = `0{"sid":"relay","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`;

/** Each gets the frames for one client and says which it is sent; `count` tells how many there were before. */
export const HABITS = {
  keepsAll: (frame) => [frame],
  losesSome: (frame, count) => (count % 7 === 3 ? [] : [frame]),
  doublesSome: (frame, count) => (count % 7 === 3 ? [frame, frame] : [frame]),
};

/** Starts one that ends with the test; only its second client has the habit. */
export async function startRelay(test, habit) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", path: "/socket.io/" });
  const joined = [];
  let head = 0;
  server.on("connection", (socket) => {
    socket.send(OPEN);
    socket.on("message", (data) => {
      const packet = data.toString();
      if (packet.startsWith("40")) {
        joined.push({ socket, count: 0 });
        socket.send(`40{"sid":"s${joined.length}"}`);
        return;
      }
      const event = /^42(\d+)(\[.*)$/.exec(packet);
      if (event === null) return;
      const [, text] = JSON.parse(event[2]);
      head += 1;
      const frame = `42${JSON.stringify(["chat message", text, head])}`;
      joined.forEach((member, index) => {
        const frames = index === 1 ? habit(frame, member.count) : [frame];
        member.count += 1;
        frames.forEach((each) => member.socket.send(each));
      });
      socket.send(`43${event[1]}[]`);
    });
  });
  await once(server, "listening");
  test.after(() => {
    server.clients.forEach((client) => client.terminate());
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

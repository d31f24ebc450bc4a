// The real server answers as is recorded for the model server of the app's tests (`web/tests/core/exchanges.test.mjs`), so
// that the model stays a model of it. After a change that is meant: `RECORD=1 node --test e2e/exchanges.test.mjs`.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { io } from "socket.io-client";
import { ANSWERS, recorded, runScript } from "../exchanges/exchanges.mjs";
import { Server } from "../harness/server.mjs";
import { Observable, PATIENCE_MS, within } from "../harness/waiting.mjs";

class Connection extends Observable {
  events = [];
  refusal = undefined;

  constructor(url, auth) {
    super();
    this.socket = io(`${url}/v1`, { forceNew: true, reconnection: false, transports: ["websocket"], auth });
    this.socket.on("connect_error", (err) => {
      this.refusal = err.data?.code ?? err.message;
      this.changed();
    });
    this.socket.onAny((event, fields) => {
      this.events.push({ event, ...fields });
      this.changed();
    });
  }

  ask(event, payload) {
    return within(this.socket.emitWithAck(event, payload), PATIENCE_MS, `the answer to ${event}`);
  }

  close() {
    this.socket.disconnect();
  }

  toJSON() {
    return this.events.slice(-3);
  }
}

test("the real server answers the script as it is recorded", async (t) => {
  const server = await Server.start(t);
  const connections = [];
  t.after(() => connections.forEach((connection) => connection.close()));
  const said = await runScript((auth) => {
    const connection = new Connection(server.url, auth);
    connections.push(connection);
    return connection;
  });
  if (process.env.RECORD !== undefined) writeFileSync(ANSWERS, `${JSON.stringify(said, null, 1)}\n`);
  assert.deepEqual(said, recorded());
});

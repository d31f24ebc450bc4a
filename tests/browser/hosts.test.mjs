// Names in a browser: that of a site which points it at the server (DNS rebinding), and that of the server itself.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { Person } from "../harness/app.mjs";
import { Visitor, launch } from "../harness/browser.mjs";
import { FRONTS, Front } from "../harness/front.mjs";
import { V1Person } from "../harness/person.mjs";
import { Server } from "../harness/server.mjs";

let browser;
before(async () => {
  // As if whoever owns these names had given them this machine's address.
  browser = await launch("--host-resolver-rules=MAP evil.example 127.0.0.1, MAP chat.example 127.0.0.1");
});
after(() => browser.close());

/** Runs in a page of the attacker: the answers of the server next door to whatever a script can send. */
async function attack() {
  const endpoint = "/socket.io/?EIO=4&transport=polling";
  const ask = async (path, options) => {
    const answer = await fetch(path, options);
    return [answer.status, await answer.text()];
  };
  const socket = new WebSocket(`ws://${location.host}/socket.io/?EIO=4&transport=websocket`);
  const opened = new Promise((resolve) => {
    socket.onopen = () => resolve("open");
    socket.onerror = () => resolve("refused");
  });
  return {
    page: await ask("/index.html"),
    health: await ask("/health"),
    polling: await ask(endpoint),
    forged: await ask(endpoint, { headers: { "X-Forwarded-Host": "localhost", "X-Forwarded-For": "127.0.0.1" } }),
    post: await ask(`${endpoint}&sid=x`, { method: "POST", body: "40" }),
    websocket: await opened,
  };
}

describe("a site that points its name at the server", () => {
  // A browser on this machine has the address of the proxy.
  for (const args of [[], ["--trusted-proxy", "127.0.0.1"]]) {
    test(`reads nothing and sends nothing (${args.join(" ") || "no options"})`, async (t) => {
      // The page comes from the attacker; from then on, the same name and port lead to the chat.
      const attacker = createServer((_, response) => response.setHeader("connection", "close").setHeader("content-type", "text/html").end("<title>evil</title>"));
      await once(attacker.listen(0, "127.0.0.1"), "listening");
      const { port } = attacker.address();
      const context = await browser.newContext();
      t.after(() => context.close());
      const page = await context.newPage();
      await page.goto(`http://evil.example:${port}/`);
      attacker.closeAllConnections();
      attacker.close();
      await once(attacker, "close");
      const server = await Server.start(t, { args, listen: [`127.0.0.1:${port}`] });
      const ada = await V1Person.connect(t, server.url, { name: "ada" });
      await ada.say("a secret");
      const { websocket, ...answers } = await page.evaluate(attack);
      assert.equal(websocket, "refused");
      for (const [what, [status, text]] of Object.entries(answers)) {
        assert.equal(status, 421, `${what}: ${text}`);
        assert.match(text, /--host evil\.example/, what);
      }
      await ada.say("still here");
    });
  }

  test("is told so if it is a person's own mistake", async (t) => {
    const server = await Server.start(t);
    const visitor = await Visitor.open(t, browser, `http://chat.example:${server.port}/`);
    await visitor.page.getByText("start tidings with --host chat.example").waitFor();
    visitor.assertContent();
  });
});

describe("the server under its own name", () => {
  test("tells an open page if it does not answer to its name any more", async (t) => {
    const server = await Server.start(t, { args: ["--host", "chat.example"] });
    const ada = await Person.arrive(t, browser, `http://chat.example:${server.port}`, "ada");
    await server.stop();
    await Server.start(t, { listen: [`127.0.0.1:${server.port}`] });
    await ada.page.getByText(/The server refuses this page: .*start tidings with --host chat\.example/).waitFor();
    ada.assertContent();
  });

  test("serves the app behind nginx", async (t) => {
    const server = await Server.start(t, { args: ["--host", "chat.example", "--trusted-proxy", "127.0.0.1"] });
    const front = await Front.start(t, FRONTS["nginx with our recipe"], server.port);
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    const url = front.url.replace("localhost", "chat.example");
    const ada = await Person.arrive(t, browser, url, "ada", { ignoreHTTPSErrors: true });
    await ada.write("hello bob");
    await bob.sees("hello bob");
    await ada.frames.until(({ open }) => open.length > 0, "a WebSocket that stays");
    ada.assertContent();
    // The browser is at the address of the proxy, so nobody else is named. Nothing else is warned of.
    const warnings = (await server.log()).split("\n").filter((line) => line.includes("WARN"));
    assert.ok(warnings.every((line) => line.includes("named nobody behind the trusted proxy 127.0.0.1")), warnings.join("\n"));
  });
});

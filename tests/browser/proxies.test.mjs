// Pages behind nginx and haproxy, plain and with TLS, and where TLS ends in the program itself: each is the server's own,
// whatever is made of its request.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Person } from "../harness/app.mjs";
import { Visitor, launch } from "../harness/browser.mjs";
import { BARE_FRONTS, FRONTS, Front, HOSTLESS_FRONT } from "../harness/front.mjs";
import { V1Person } from "../harness/person.mjs";
import { Server } from "../harness/server.mjs";
import { startOverTls } from "../harness/tls.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** ada opens the app behind the proxy and talks with bob, who is not behind it. */
async function chat(t, config) {
  const server = await Server.start(t);
  const front = await Front.start(t, config, server.port);
  const bob = await V1Person.connect(t, server.url, { name: "bob" });
  const ada = await Person.arrive(t, browser, front.url, "ada", { ignoreHTTPSErrors: true });
  await ada.write("hello bob");
  await bob.sees("hello bob");
  await bob.say("hello ada");
  await ada.sees("hello ada");
  return { server, front, ada };
}

for (const [name, config] of Object.entries(FRONTS)) {
  describe(`behind ${name}`, () => {
    test("the app talks by WebSocket", async (t) => {
      const { server, ada } = await chat(t, config);
      await ada.frames.until(({ open }) => open.length > 0, "a WebSocket that stays");
      ada.assertContent();
      assert.doesNotMatch(await server.log(), /may not connect|WebSocket|refused/);
    });
  });
}

describe("behind a proxy that is not trusted", () => {
  test("the owner is told how to trust it, until they have read it, and others are not", async (t) => {
    const { server, front, ada } = await chat(t, FRONTS["nginx as Socket.IO documents it"]);
    const notice = (person) => person.page.getByText("start tidings with --trusted-proxy 127.0.0.1");
    const [, code] = /#setup=(\S+)/.exec(server.output.stdout);
    const olga = await Person.arrive(t, browser, `${front.url}/#setup=${code}`, "olga");
    await olga.reload();
    await notice(olga).waitFor();
    olga.assertContent();
    await olga.button("Close").click();
    await notice(olga).waitFor({ state: "detached" });
    await olga.reload();
    await olga.write("read and understood");
    await ada.sees("read and understood");
    assert.equal(await notice(olga).count(), 0, "once is enough");
    assert.equal(await notice(ada).count(), 0);
  });
});

for (const [name, config] of Object.entries(BARE_FRONTS)) {
  describe(`behind ${name}`, () => {
    test("the app talks by polling, and the log says what WebSocket lacks", async (t) => {
      const { server, ada } = await chat(t, config);
      ada.assertContent();
      assert.match(await server.log(), /WebSocket came without its Upgrade header/);
    });
  });
}

describe("behind a proxy that changes the host and lets WebSocket through", () => {
  test("the app talks by polling, and the log says once how to have WebSocket", async (t) => {
    const { server, front, ada } = await chat(t, HOSTLESS_FRONT);
    ada.assertContent();
    const lines = (await server.log()).match(/.*may not connect.*/g);
    assert.equal(lines.length, 1);
    assert.ok(lines[0].includes(`pages of ${front.url} may not connect to 127.0.0.1:${server.port}`), lines[0]);
  });
});

describe("where TLS ends in the server's own program, beside axum", () => {
  for (const transport of ["polling", "websocket"]) {
    test(`a page connects by ${transport}, over HTTP/2 where that can be`, async (t) => {
      const url = await startOverTls(t);
      const visitor = await Visitor.open(t, browser, `${url}/?transport=${transport}`, { ignoreHTTPSErrors: true });
      await visitor.page.getByText('"secure":true').waitFor();
      const versions = await visitor.page.evaluate(() =>
        performance.getEntriesByType("resource").map((entry) => entry.nextHopProtocol),
      );
      assert.ok(versions.length > 0 && versions.every((version) => version === "h2"), JSON.stringify(versions));
      visitor.assertContent();
    });
  }
});

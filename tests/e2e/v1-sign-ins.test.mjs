// Goal: each browser and bot of a person is a sign-in, which its person sees and ends, and which never counts again.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, test } from "node:test";
import { V1Person } from "../harness/person.mjs";
import { run, Server } from "../harness/server.mjs";

/** Far more than the server takes, and less than it promises. */
const SOON_MS = 1_000;

const signIns = async (person) => (await person.ask("sign ins", {})).sign_ins;

/** One more device of a person. */
async function linked(t, url, person, options = {}) {
  const { code } = await person.ask("link", {});
  return V1Person.connect(t, url, { ...options, auth: { link: code, ...options.auth } });
}

/** What somebody is refused with who shows this. */
async function refusal(t, url, auth, options = {}) {
  const person = new V1Person(url, { ...options, auth });
  t.after(() => person.leave());
  await person.until(() => person.refusals.length > 0 || person.welcomes.length > 0, "an answer");
  assert.equal(person.welcomes.length, 0, "is not let in");
  return person.refusals[0].data.code;
}

/** Two devices of ada, the second of which has a sign-in of its own. */
async function twoDevices(t, server, options) {
  const ada = await V1Person.connect(t, server.url, { name: "ada", auth: { label: "Chromium on Linux" } });
  const phone = await linked(t, server.url, ada, { ...options, auth: { label: "Safari on iPhone" } });
  return { ada, phone };
}

async function signsOut(ada, phone) {
  const before = Date.now();
  await ada.must("sign out", { sign_in: phone.welcome.sign_in });
  await phone.until(() => phone.refusals.length > 0, "a refusal");
  return Date.now() - before;
}

describe("a visitor", () => {
  test("leaves nothing in the log, and is the same person when they come back", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url);
    assert.deepEqual(await signIns(ada), []);
    const { cursor } = ada.welcome;
    const again = await V1Person.connect(t, server.url, { auth: { token: ada.token } });
    assert.deepEqual([again.user, again.welcome.cursor], [ada.user, cursor], "nothing was stored");
    await ada.reconnects(() => server.restart());
    assert.equal(ada.user, again.user);
    assert.deepEqual(await signIns(ada), []);
  });

  test("has a sign-in from the first thing on that they do", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url, { auth: { label: " Chromium\u202e on\nLinux " } });
    const { sign_in: id } = ada.welcome;
    await Promise.all(["one", "two", "three"].map((text) => ada.say(text)));
    const [own, ...others] = await signIns(ada);
    assert.deepEqual([own.id, own.label, own.method, others], [id, "Chromium on Linux", "new", []]);
    assert.equal(ada.of("signed in").length, 1, "it is stored once");
    const { sign_in: told, room, rev, from } = ada.of("signed in")[0];
    assert.deepEqual([told, room, rev, from], [own, undefined, undefined, undefined]);
  });
});

describe("a sign-out", () => {
  for (const [name, options] of [["WebSocket", {}], ["polling", { transports: ["polling"] }]]) {
    test(`closes the connection of another device at once, over ${name}`, async (t) => {
      const server = await Server.start(t);
      const { ada, phone } = await twoDevices(t, server, options);
      assert.deepEqual((await signIns(ada)).map(({ label, method }) => [label, method]), [
        ["Chromium on Linux", "new"],
        ["Safari on iPhone", "link"],
      ]);
      const took = await signsOut(ada, phone);
      assert.ok(took < SOON_MS, `it took ${took} ms`);
      assert.equal(phone.refusals[0].data.code, "signed_out");
      // A poll may be cut off before it is answered.
      if (name === "WebSocket") assert.deepEqual(phone.of("signed out")[0].sign_ins, [phone.welcome.sign_in]);
      await ada.say("not for the phone");
      assert.deepEqual(phone.texts(), []);
      assert.equal((await signIns(ada)).length, 1);
      assert.equal(ada.socket.connected, true);
    });
  }

  test("of all others leaves one, and of oneself none", async (t) => {
    const server = await Server.start(t);
    const { ada, phone } = await twoDevices(t, server);
    const tablet = await linked(t, server.url, phone);
    await phone.must("sign out", { keep: phone.welcome.sign_in });
    for (const other of [ada, tablet]) await other.until(() => other.refusals.length > 0, "a refusal");
    assert.deepEqual((await signIns(phone)).map(({ id }) => id), [phone.welcome.sign_in]);
    const n = phone.n + 1;
    assert.deepEqual(await phone.do("sign out", { keep: phone.welcome.sign_in }), { ok: true, n, room: 0 });
    const ack = await phone.must("sign out", { sign_in: phone.welcome.sign_in });
    assert.deepEqual(Object.keys(ack), ["ok", "n", "cursor", "at"]);
    await phone.until(() => phone.refusals.length > 0, "a refusal");
    assert.equal(await refusal(t, server.url, { token: phone.token }), "signed_out");
  });

  test("is for ever: after a restart, after a crash, and whatever a stale tab does", async (t) => {
    const server = await Server.start(t);
    const { ada, phone } = await twoDevices(t, server);
    const tab = await V1Person.connect(t, server.url, { auth: { token: phone.token } });
    // It does things until the moment at which it is cut off, and what is not answered again and again.
    const stale = () => tab.socket.emit("say", { n: 1, room: 1, text: "from a stale tab" });
    const busy = setInterval(stale, 1);
    t.after(() => clearInterval(busy));
    await signsOut(ada, phone);
    await tab.until(() => tab.refusals.length > 0, "a refusal");
    clearInterval(busy);
    const isOut = async () => assert.equal(await refusal(t, server.url, { token: phone.token }), "signed_out");
    await isOut();
    await ada.reconnects(() => server.restart());
    await isOut();
    await ada.reconnects(async () => {
      await server.kill();
      await server.startAgain();
    });
    await isOut();
    assert.deepEqual((await signIns(ada)).map(({ id }) => id), [ada.welcome.sign_in]);
  });

  test("that was acked survives a crash right after it", async (t) => {
    const server = await Server.start(t);
    const { ada, phone } = await twoDevices(t, server);
    await ada.must("sign out", { sign_in: phone.welcome.sign_in });
    await server.kill();
    await server.startAgain();
    assert.equal(await refusal(t, server.url, { token: phone.token }), "signed_out");
  });

  test("is told again when it is sent again, and concerns nobody else", async (t) => {
    const server = await Server.start(t);
    const { ada, phone } = await twoDevices(t, server);
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    const n = bob.n + 1;
    assert.deepEqual(await bob.do("sign out", { sign_in: phone.welcome.sign_in }), { ok: true, n, room: 0 });
    const ack = await ada.must("sign out", { sign_in: phone.welcome.sign_in });
    assert.deepEqual(await ada.ask("sign out", { n: ack.n, sign_in: phone.welcome.sign_in }), ack);
    await bob.caughtUp(ada);
    assert.deepEqual([...bob.of("signed in"), ...bob.of("signed out")].map(({ sign_in: of }) => of?.id), [
      bob.welcome.sign_in,
    ]);
    const { ok, code } = await bob.ask("changes", { room: 2 ** 53 - 1, after: 0 });
    assert.deepEqual([ok, code], [false, "not_found"]);
    assert.deepEqual(await bob.ask("changes", { room: 2 ** 53, after: 0 }), { ok: false, code: "invalid" });
  });
});

describe("the log", () => {
  test("has no token, and a backup of it neither", async (t) => {
    const server = await Server.start(t);
    const { ada, phone } = await twoDevices(t, server);
    await ada.say("hello");
    const file = `${server.data}-backup.db`;
    await run(["backup", "--data", server.data, file]);
    for (const token of [ada.token, phone.token]) {
      const bytes = Buffer.from(token, "base64url");
      // The random part, as bytes and as text.
      for (const secret of [bytes.subarray(9, 33), Buffer.from(token.slice(12, 44))]) {
        for (const path of [file, `${server.data}/chat.db`, `${server.data}/chat.db-wal`]) {
          assert.equal(grep(secret, path), false, path);
        }
      }
    }
    assert.equal(grep(Buffer.from("Chromium on Linux"), file), true, "what is there is found");
  });

  test("is sound for verify", async (t) => {
    const server = await Server.start(t);
    const { ada, phone } = await twoDevices(t, server);
    await signsOut(ada, phone);
    await server.stop();
    const { code, stderr } = await run(["verify", "--data", server.data]);
    assert.equal(code, 0, stderr);
  });
});

function grep(secret, path) {
  const script = "import sys\nprint(bytes.fromhex(sys.argv[1]) in open(sys.argv[2], 'rb').read())";
  const found = execFileSync(process.env.PYTHON ?? "python3", ["-c", script, secret.toString("hex"), path], { encoding: "utf8" });
  return found.trim() === "True";
}

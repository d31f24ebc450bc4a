// Who somebody is in /v1: guests, tokens, names, further devices, the owner.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { otherDevice, V1Person } from "../harness/person.mjs";
import { run, Server, temporaryFolder } from "../harness/server.mjs";

/** What a connection that shows this is refused with. */
async function refused(t, url, auth) {
  const person = new V1Person(url, { auth });
  t.after(() => person.leave());
  await person.until(() => person.refusals.length > 0 || person.welcomes.length > 0, "an answer");
  assert.equal(person.welcomes.length, 0, "is not let in");
  return person.refusals[0];
}

function setupCode(server) {
  return /#setup=(\S+)/.exec(server.output.stdout)?.[1];
}

describe("a guest", () => {
  test("gets an identity that is theirs on every later connection, also after a restart", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url);
    assert.match(ada.user, /^[0-9a-f]{16}$/);
    assert.equal(ada.welcome.user.name, undefined);
    const again = await otherDevice(t, server.url, ada);
    assert.equal(again.user, ada.user);
    assert.equal(again.welcome.token, undefined, "a token that is known is not told again");
    await ada.reconnects(() => server.restart());
    assert.equal(ada.welcomes[1].user.user, ada.user);
  });

  test("is somebody else each time without a token", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url);
    const bob = await V1Person.connect(t, server.url);
    assert.notEqual(ada.user, bob.user);
    assert.notEqual(ada.token, bob.token);
  });

  test("may talk in the lobby without a name, and has to have one for rooms", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url);
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    await ada.say("hello");
    const message = await bob.sees("hello");
    assert.deepEqual(message.from, { user: ada.user });
    const { room } = await bob.must("create", { kind: "public", name: "Bread" });
    for (const [command, fields] of [
      ["create", { kind: "public", name: "Soup" }],
      ["direct", { with: [bob.user] }],
      ["join", { room }],
    ]) {
      assert.equal((await ada.do(command, fields)).code, "name_required", command);
    }
  });
});

describe("a token", () => {
  test("that is forged, of another server or of the wrong type is refused", async (t) => {
    const server = await Server.start(t);
    const other = await Server.start(t);
    const ada = await V1Person.connect(t, server.url);
    const stranger = await V1Person.connect(t, other.url);
    const flipped = ada.token.replace(/.$/, (last) => (last === "A" ? "Q" : "A"));
    for (const token of [stranger.token, flipped, "", "x".repeat(34), ada.token.slice(1)]) {
      const { message, data } = await refused(t, server.url, { token });
      assert.deepEqual([message, data], ["bad token", { code: "bad_token", server: ada.welcome.server }], token);
    }
    assert.deepEqual((await refused(t, server.url, { token: 1 })).data, { code: "invalid" });
    assert.deepEqual((await refused(t, server.url, { device: "mine" })).data, { code: "invalid" });
  });
});

describe("another device", () => {
  test("becomes the same person by a link that works once", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    const link = await ada.ask("link", {});
    assert.equal(link.ok, true);
    assert.ok(link.expires > Date.now() + 14 * 60_000 && link.expires < Date.now() + 16 * 60_000);
    const phone = await V1Person.connect(t, server.url, { auth: { link: link.code } });
    assert.deepEqual(phone.welcome.user, { user: ada.user, name: "ada" });
    assert.notEqual(phone.token, ada.token, "each device has a token of its own");
    assert.deepEqual((await refused(t, server.url, { link: link.code })).data, { code: "bad_link" });
    assert.deepEqual((await refused(t, server.url, { link: "0000-0000-0000-0000" })).data, { code: "bad_link" });
    await phone.say("from the phone");
    assert.equal((await ada.sees("from the phone")).from.name, "ada");
  });
});

describe("a name", () => {
  test("is told to everybody, can be changed, and frees the one before", async (t) => {
    const server = await Server.start(t);
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    const ada = await V1Person.connect(t, server.url, { name: "  ada   lovelace " });
    const first = await bob.seesEvent("named", ({ who }) => who.user === ada.user);
    assert.deepEqual([first.who.name, first.was, first.room], ["ada lovelace", undefined, 0]);
    await ada.must("name", { name: "ada" });
    const second = await bob.seesEvent("named", ({ who }) => who.name === "ada");
    assert.equal(second.was, "ada lovelace");
    await bob.must("name", { name: "Ada Lovelace" });
    assert.equal(second.rev, first.rev + 1, "the house numbers its entries without a gap");
  });

  test("that looks like another, is reserved or is none is refused, for good", async (t) => {
    const server = await Server.start(t);
    await V1Person.connect(t, server.url, { name: "ada" });
    const bob = await V1Person.connect(t, server.url);
    const codes = {
      name_taken: ["ada", "ADA", "аda", "\u{1d41a}da"],
      name_reserved: ["admin", "Admin", "guest-1234", "tidings", "аdmin"],
      name_invalid: ["", "   ", "a\nb", "a\u202eb", "a\u200bb", "x".repeat(33)],
    };
    for (const [code, names] of Object.entries(codes)) {
      for (const name of names) {
        const n = bob.n + 1;
        assert.deepEqual(await bob.do("name", { name }), { ok: false, n, code }, JSON.stringify(name));
        assert.deepEqual(await bob.ask("name", { n, name }), { ok: false, n, code }, "and the same again");
      }
    }
    await bob.must("name", { name: "bob" });
  });
});

describe("the owner", () => {
  test("is the person who has the code that the server prints while there is no owner", async (t) => {
    const server = await Server.start(t, { data: temporaryFolder() });
    const code = setupCode(server);
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    assert.equal((await bob.do("claim", { code: "0000-0000-0000-0000" })).code, "bad_code");
    const ack = await ada.must("claim", { code: code.toLowerCase() });
    assert.deepEqual(await ada.ask("claim", { n: ack.n, code: code.toLowerCase() }), ack, "a repeat has the same answer");
    const told = await bob.seesEvent("owner");
    assert.equal(told.who.user, ada.user);
    assert.equal((await bob.do("claim", { code })).code, "bad_code");
    await ada.reconnects(async () => {
      const lines = (await server.log()).match(/.*owner.*/g);
      assert.equal(lines.length, 1, "the log tells it once");
      assert.ok(lines[0].includes(ada.user) && !lines[0].replace(ada.user, "").includes("ada"), lines[0]);
      await server.startAgain();
    });
    assert.equal(ada.welcome.owner, true);
    assert.equal(setupCode(server), undefined, "there is an owner, so no code is printed");
    await bob.until(() => bob.welcomes.length > 1, "bob");
    assert.equal(bob.welcome.owner, false);
  });

  test("may delete what others said and mend other people's rooms", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    await ada.must("claim", { code: setupCode(server) });
    const { seq } = await bob.say("spam");
    await ada.must("delete", { room: 1, seq });
    const { room } = await bob.must("create", { kind: "public", name: "Spam" });
    await ada.must("rename", { room, name: "Ham" });
    await ada.must("set topic", { room, topic: "no spam" });
    assert.equal((await bob.seesEvent("room renamed")).name, "Ham");
    await ada.must("rename", { room: 1, name: "Hall" });
    assert.equal((await bob.do("rename", { room: 1, name: "Bob's" })).code, "forbidden");
  });
});

describe("a server", () => {
  test("has a public id that survives a restart, a new key, a backup and a restore, and no other server has it", async (t) => {
    const server = await Server.start(t);
    const other = await Server.start(t);
    const ada = await V1Person.connect(t, server.url);
    const { server: id } = ada.welcome;
    assert.match(id, /^[0-9a-f]{16}$/);
    assert.notEqual((await V1Person.connect(t, other.url)).welcome.server, id);
    const folder = temporaryFolder();
    const [file, data] = [join(folder, "backup.db"), join(folder, "data")];
    await ada.reconnects(async () => {
      await server.stop();
      assert.equal((await run(["rotate-key", "--data", server.data])).code, 0);
      assert.equal((await run(["backup", file, "--data", server.data])).code, 0);
      await server.startAgain();
    });
    assert.equal(ada.welcome.server, id);
    assert.equal((await run(["restore", file, "--data", data])).code, 0);
    const restored = await Server.start(t, { data });
    const again = await V1Person.connect(t, restored.url, { auth: { token: ada.token } });
    assert.deepEqual([again.user, again.welcome.server], [ada.user, id]);
  });
});

describe("what a code leads to", () => {
  test("is told without using it up: a person, a room and who invites, or the server", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    const link = await ada.ask("link", {});
    const { room } = await ada.must("create", { kind: "private", name: "plans" });
    const invite = await ada.ask("invite", { room });
    const adaIs = { user: ada.user, name: "ada" };
    for (const _ of [1, 2]) {
      assert.deepEqual(await bob.ask("code", { code: link.code.toLowerCase() }), { ok: true, kind: "link", who: adaIs });
      const told = { ok: true, kind: "invite", room, name: "plans", members: 1, joined: false, from: adaIs };
      assert.deepEqual(await bob.ask("code", { code: invite.code }), told);
    }
    assert.equal((await bob.must("join", { invite: invite.code })).room, room);
    assert.equal((await bob.ask("code", { code: invite.code })).joined, true);
    assert.deepEqual(await bob.ask("code", { code: setupCode(server) }), { ok: true, kind: "setup" });
    const phone = await V1Person.connect(t, server.url, { auth: { link: link.code } });
    assert.equal(phone.user, ada.user);
  });

  test("is not told of codes that are used, void, forged or of another server: all are answered alike", async (t) => {
    const server = await Server.start(t);
    const other = await Server.start(t);
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    const stranger = await V1Person.connect(t, other.url, { name: "stranger" });
    const link = await ada.ask("link", {});
    await V1Person.connect(t, server.url, { auth: { link: link.code } });
    const { room } = await ada.must("create", { kind: "private", name: "plans" });
    const { code: void_ } = await ada.ask("invite", { room });
    await ada.must("add", { room, user: bob.user });
    await ada.must("remove", { room, user: bob.user });
    const { code: barred } = await ada.ask("invite", { room });
    const foreign = await stranger.ask("link", {});
    await ada.must("claim", { code: setupCode(server) });
    for (const code of [link.code, void_, barred, foreign.code, setupCode(server), ada.token, "", "?", "x".repeat(10_000)]) {
      assert.deepEqual(await bob.ask("code", { code }), { ok: false, code: "bad_code" }, code.slice(0, 60));
    }
  });
});

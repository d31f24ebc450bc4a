// A random walk over the page: types, switches rooms, edits, is refused, takes back, loses a room, reloads, goes offline. What is
// judged stands in `harness/walk.mjs`. PROOF=long walks far; WALKS and WALK_STEPS name how often and how far, PROOF_SEED repeats it.
// WALK_WEB names a folder with another build of the web app, which the page gets then.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { LOBBY, Person } from "../harness/app.mjs";
import { launch } from "../harness/browser.mjs";
import { V1Person } from "../harness/person.mjs";
import { Proxy } from "../harness/proxy.mjs";
import { Server } from "../harness/server.mjs";
import { ROOMS, Walk, watchRows } from "../harness/walk.mjs";
import { amount, Dice } from "../proof/support/scale.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

class Walker extends Person {
  async prepare() {
    await this.page.addInitScript(watchRows, ROOMS);
    const { WALK_WEB } = process.env;
    if (WALK_WEB === undefined) return;
    await this.context.route("**/*", (route) => {
      const { pathname } = new URL(route.request().url());
      const path = join(WALK_WEB, pathname === "/" ? "index.html" : pathname);
      return existsSync(path) ? route.fulfill({ path }) : route.continue();
    });
  }
}

const walks = amount("WALKS", 1, 10);
const steps = amount("WALK_STEPS", 20, 300);
const done = new Set();

for (let number = 1; number <= walks; number += 1) {
  test(`a random walk over the page shows what is stored, where it was typed, and loses nothing (${number})`, async (t) => {
    const { seed } = Dice.roll(t);
    // With a seed that is given, each walk has one of its own.
    const dice = new Dice(process.env.PROOF_SEED === undefined ? seed : seed + number - 1);
    const server = await Server.start(t);
    const network = await Proxy.start(t, server.port);
    const ada = await Walker.arrive(t, browser, network.url, "ada");
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    await ada.create("public", ROOMS.g);
    const rooms = { l: LOBBY, g: ada.room(), d: (await bob.must("create", { kind: "private", name: ROOMS.d })).room };
    await bob.must("join", { room: rooms.g });
    const walk = new Walk(dice, ada, bob, rooms, network);
    walk.user = ada.user;
    await bob.must("add", { room: rooms.d, user: walk.user });
    await ada.enter(ROOMS.d);
    await ada.enter(ROOMS.l);
    await walk.rehearse();
    for (let step = 0; step < steps; step += 1) await walk.step();
    await walk.judgeEnd();
    t.diagnostic([...walk.reached.done].join(", "));
    for (const action of walk.reached.done) done.add(action);
    // A long walk does all that can be done.
    if (number === walks && walks * steps >= 1_000) assert.deepEqual(walk.reached.all.filter((action) => !done.has(action)), []);
  });
}

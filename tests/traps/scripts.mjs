// The traps: what people do with a chat, told once, for both servers. Each gives back whether all went well and what
// was seen.
//
// The clients are official ones that follow the tutorial: a key with each message, the last id on reconnecting.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { io } from "socket.io-client";
import { Person } from "../harness/client.mjs";
import { Proxy } from "../harness/proxy.mjs";
import { settled } from "../harness/settled.mjs";
import { PATIENCE_MS, within } from "../harness/waiting.mjs";

export const TRAPS = [
  {
    name: "two people type before they are connected",
    run: async (t, { urls }) => {
      const texts = ["ada before", "bob before"];
      const people = texts.map(() => io(urls[0], { autoConnect: false, forceNew: true, retries: 3, ackTimeout: 5_000 }));
      const acks = people.map((socket, index) => {
        t.after(() => socket.disconnect());
        return new Promise((resolve) => socket.emit("chat message", texts[index], `${socket.id}-0`, resolve));
      });
      for (const socket of people) socket.connect();
      const failed = (await Promise.all(acks)).filter(Boolean).length;
      const lost = await missing(t, urls[0], texts);
      return { held: lost.length === 0, saw: `${2 - failed} acked, ${2 - lost.length} stored` };
    },
  },
  {
    name: "somebody takes the next key of a known socket id",
    run: async (t, { urls }) => {
      const victim = await Person.connect(t, urls[0]);
      const stranger = await Person.connect(t, urls[0]);
      await stranger.say("squatter", `${victim.socket.id}-0`);
      await victim.say("the victim's own", `${victim.socket.id}-0`);
      const lost = await missing(t, urls[0], ["the victim's own"]);
      return { held: lost.length === 0, saw: lost.length === 0 ? "acked and stored" : "acked, never stored" };
    },
  },
  {
    name: "one emit without an ack callback",
    run: async (t, subject) => {
      const [careless, other] = await Person.all(t, subject.urls[0], 2, { reconnection: false });
      careless.socket.emit("chat message", "no callback", "key-0");
      await Promise.race([
        other.until(() => other.texts.includes("no callback") && !subject.ended, "the line"),
        other.until(() => !other.socket.connected, "the end"),
      ]);
      // A server that is about to die may still have told everybody.
      const answered = await within(other.say("still there?", "key-1"), 3_000, "an answer").then(() => true, () => false);
      return { held: answered && !subject.ended, saw: answered ? "goes on" : "the process has ended" };
    },
  },
  {
    name: "live messages during the replay, and a cut in it",
    workers: 2,
    run: replayUnderFire,
  },
  {
    name: "messages through two addresses at once",
    workers: 2,
    run: async (t, { urls }) => {
      const count = 100;
      const senders = (await Promise.all(urls.map((url) => Person.all(t, url, 5)))).flat();
      const viewers = await Promise.all(urls.map((url) => Person.connect(t, url)));
      await Promise.all(senders.map(async (sender, index) => {
        for (let number = 0; number < count; number += 1) await sender.say(`${index}/${number}`, `${sender.socket.id}-${number}`);
      }));
      for (const viewer of viewers) await viewer.seesCount(senders.length * count);
      return order(viewers);
    },
  },
  {
    name: "something else holds the database for a second",
    onlyTidings: "a driver for SQLite without a compiler",
    run: busyDatabase,
  },
  {
    name: "a message that can never be stored",
    run: async (t, { urls }) => {
      const ada = await Person.connect(t, urls[0], { retries: 3, ackTimeout: 300 });
      const [err, answer] = await new Promise((resolve) => ada.socket.emit("chat message", { a: 1 }, "key-0", (...args) => resolve(args)));
      const refused = !err && answer?.ok === false;
      return { held: refused, saw: refused ? `refused: ${answer.code}` : "four sends without an answer, then dropped" };
    },
  },
  {
    name: "a volatile event that ends in a text, then a cut",
    run: async (t, { urls }) => {
      const { proxy, ada, bob } = await pair(t, urls);
      await ada.say("before", "key-0");
      await bob.sees("before");
      for (const person of [ada, bob]) await roundTrip(person);
      await Promise.all([ada, bob].map((person) => person.seesCount(3)));
      ada.socket.emit("typing", "ada");
      // Repeats, which nobody sees: a new message would heal what the other event has done.
      for (const person of [ada, bob]) await roundTrip(person);
      await away(proxy, bob, () => ada.say("missed", "key-1"));
      return recovered(bob, "missed");
    },
  },
  {
    name: "a half-open connection after a clean cut",
    impatient: true,
    run: async (t, subject) => {
      const { proxy, ada, bob } = await pair(t, subject.urls, { transports: ["websocket"] });
      await ada.say("before", "key-0");
      await bob.sees("before");
      await away(proxy, bob, () => undefined);
      await ada.say("between", "key-1");
      await bob.sees("between");
      const before = subject.gone?.length ?? 0;
      proxy.freeze();
      await bob.cut();
      const back = bob.connects.at(-1);
      await subject.until?.(() => subject.gone.length > before, "the ghost's end");
      await ada.say("after", "key-2");
      await roundTrip(bob);
      const heard = bob.texts.includes("after");
      return { held: heard && back, saw: heard ? `recovered: ${back}, hears` : "connected, and deaf" };
    },
  },
  {
    name: "a cut before the first event",
    run: async (t, { urls }) => {
      const { proxy, ada, bob } = await pair(t, urls);
      await away(proxy, bob, () => ada.say("missed", "key-0"));
      return recovered(bob, "missed");
    },
  },
  {
    name: "a cut after three idle minutes",
    run: async (t, subject) => {
      const { proxy, ada, bob } = await pair(t, subject.urls);
      await ada.say("before", "key-0");
      await bob.sees("before");
      await subject.age();
      await away(proxy, bob, () => ada.say("missed", "key-1"));
      return recovered(bob, "missed");
    },
  },
  {
    name: "a cut, and back at the other address",
    workers: 2,
    run: async (t, { urls }) => {
      const [ada, bob] = await Promise.all([Person.connect(t, urls[0]), Person.connect(t, urls[0])]);
      await ada.say("before", "key-0");
      await bob.sees("before");
      await settled(bob);
      bob.socket.io.uri = urls[1];
      await bob.cut();
      await ada.say("after", "key-1");
      return recovered(bob, "after");
    },
  },
];

/** Tries a trap on a server of its own. */
export async function spring(trap, start) {
  const cleanUp = [];
  const scope = { after: (action) => cleanUp.unshift(action) };
  try {
    return await trap.run(scope, await start(scope, trap));
  } finally {
    for (const action of cleanUp) await action();
  }
}

async function pair(t, urls, options = {}) {
  const proxy = await Proxy.start(t, Number(new URL(urls[0]).port));
  const [ada, bob] = await Promise.all([Person.connect(t, urls[0]), Person.connect(t, proxy.url, options)]);
  return { proxy, ada, bob };
}

async function away(proxy, person, action) {
  await settled(person);
  proxy.refuse();
  await person.until(() => !person.socket.connected, "the end of the connection");
  await action();
  await person.reconnects(() => proxy.allow());
}

async function recovered(person, text) {
  await person.sees(text);
  const [last] = person.connects.slice(-1);
  return { held: last, saw: `recovered: ${last}` };
}

/** After a repeat is answered, everything has arrived that the server wrote to this client before. */
async function roundTrip(person) {
  const key = `again-${person.socket.id}`;
  for (let twice = 0; twice < 2; twice += 1) await person.say("(again)", key);
}

/** Those of the texts that a newcomer does not see. */
async function missing(t, url, texts) {
  const reader = await Person.connect(t, url);
  await reader.say("(end)", `end-${reader.socket.id}`);
  await reader.sees("(end)");
  return texts.filter((text) => !reader.texts.includes(text));
}

/** Holes, doubles and late lines in what people saw. */
function order(people) {
  const seen = people.map(({ offsets }) => {
    const wanted = Math.max(...offsets);
    const late = offsets.filter((offset, index) => index > 0 && offset < offsets[index - 1]).length;
    return { late, again: offsets.length - new Set(offsets).size, missing: wanted - new Set(offsets).size };
  });
  const sum = (name) => seen.reduce((all, one) => all + one[name], 0);
  const [late, again, lost] = [sum("late"), sum("again"), sum("missing")];
  return { held: late + again + lost === 0, saw: `${lost} missing, ${again} doubled, ${late} late` };
}

async function replayUnderFire(t, { urls }) {
  const backlog = 2_000;
  const writers = await Person.all(t, urls[0], 20);
  await Promise.all(writers.map(async (writer, index) => {
    for (let number = 0; number < backlog / writers.length; number += 1) await writer.say(`${index}/${number}`, `${writer.socket.id}-${number}`);
  }));
  const proxy = await Proxy.start(t, Number(new URL(urls[0]).port));
  let firing = true;
  const [talker] = writers;
  const fire = (async () => {
    for (let number = 0; firing; number += 1) await talker.say(`live ${number}`, `live-${number}`);
  })();
  const bob = await Person.connect(t, proxy.url);
  await bob.until(() => bob.lines.length >= backlog / 2 || bob.texts.some((text) => text.startsWith("live")), "part of the replay");
  await settled(bob);
  await bob.cut();
  firing = false;
  await fire;
  await talker.say("the last one", "last");
  await bob.sees("the last one");
  await roundTrip(bob);
  return order([bob]);
}

/** Holds the write lock from another process, again and again, while people write. */
async function busyDatabase(t, { urls, data }) {
  const program = [
    "import sqlite3, sys, time",
    "db = sqlite3.connect(sys.argv[1] + '/chat.db', isolation_level=None, timeout=30)",
    "for turn in range(2):",
    "    db.execute('begin immediate'); print('held', flush=True); time.sleep(1.02); db.execute('rollback')",
  ].join("\n");
  const writers = await Person.all(t, urls[0], 4, { retries: 1_000, ackTimeout: 20_000 });
  const holder = spawn("python3", ["-c", program, data], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => holder.kill("SIGKILL"));
  const ended = once(holder, "close");
  await once(holder.stdout, "data");
  const texts = writers.flatMap((_, index) => Array.from({ length: 50 }, (_, number) => `${index}/${number}`));
  const sent = writers.flatMap((writer, index) => texts.filter((text) => text.startsWith(`${index}/`)).map((text) =>
    new Promise((resolve, reject) => writer.socket.emit("chat message", text, text, (err) => (err ? reject(err) : resolve())))));
  await within(Promise.all(sent), PATIENCE_MS, "the acks");
  await ended;
  const lost = await missing(t, urls[0], texts);
  return { held: lost.length === 0, saw: `${texts.length} acked, ${texts.length - lost.length} stored` };
}

// Goal: what a line says and hears goes over the wire as it should, and its end is told once and as what it was.

import { afterEach, describe, expect, test } from "vitest";
import type { Line, LineEnd, Way } from "../../src/core/ports.ts";
import { socketDial, socketTransport } from "../../src/core/socket-line.ts";
import type { Auth } from "../../src/core/wire.ts";
import { EngineServer } from "./engine-server.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

interface Options {
  readonly way?: Way;
  readonly auth?: Auth;
  readonly namespace?: string;
  readonly pass?: string;
}

/** A line to a server of its own. */
class Bench {
  readonly told: string[] = [];
  readonly ends: LineEnd[] = [];
  /** The timers that it has set. */
  readonly timers: { readonly milliseconds: number; readonly due: () => void }[] = [];
  readonly line: Line;
  readonly #awaited: (() => void)[] = [];

  constructor(readonly server: EngineServer, { way = "polling only", auth = { v: 1 }, namespace, pass }: Options) {
    const setTimer = (milliseconds: number, due: () => void) => {
      this.timers.push({ milliseconds, due });
      return () => undefined;
    };
    const told = (what: string): void => {
      this.told.push(what);
      for (const heard of this.#awaited.splice(0)) heard();
    };
    const events = {
      connected: () => told("connected"),
      event: (name: string, payload: unknown) => told(`${name} ${JSON.stringify(payload)}`),
      upgrading: () => told("upgrading"),
      upgraded: () => told("upgraded"),
      ended: (end: LineEnd) => {
        this.ends.push(end);
        told("ended");
      },
    };
    const dial = socketDial({ url: server.url, setTimer, ...(namespace === undefined ? {} : { namespace }) });
    this.line = dial(way, () => Promise.resolve(auth), events, pass);
    closing.push(() => {
      this.line.discard();
      for (const { due } of this.timers) due();
    });
  }

  /** Resolves when that was told. */
  async until(what: string): Promise<void> {
    while (!this.told.includes(what)) await new Promise<void>((resolve) => this.#awaited.push(resolve));
  }
}

async function begun(options: Options = {}, prepare: (server: EngineServer) => void = () => undefined): Promise<Bench> {
  const server = await EngineServer.start();
  closing.push(() => server.close());
  server.answers = (packet) => (packet.startsWith("0/v1,") ? ['0/v1,{"sid":"t"}'] : []);
  prepare(server);
  return new Bench(server, options);
}

async function connected(options: Options = {}): Promise<Bench> {
  const bench = await begun(options);
  await bench.until("connected");
  return bench;
}

describe("a line", () => {
  test("says who this is, hears events, says some, and hears the answer to those that want one", async () => {
    const { line, server, told, until } = bound(await connected({ auth: { v: 1, token: "secret" } }));
    expect(server.heard).toEqual(['0/v1,{"v":1,"token":"secret"}']);
    expect(line.medium).toBe("polling");
    server.say('2/v1,["welcome",{"user":"ada"}]', '2/v1,["message"]');
    await until("message undefined");
    expect(told).toEqual(["connected", 'welcome {"user":"ada"}', "message undefined"]);
    line.emit("typing", { room: 1 });
    const answer = new Promise((resolve) => line.emit("say", { text: "hello" }, resolve));
    await server.until(() => server.heard.length === 3);
    expect(new Set(server.kinds)).toEqual(new Set(["text/plain;charset=UTF-8"]));
    expect(server.heard.slice(1)).toEqual(['2/v1,["typing",{"room":1}]', '2/v1,0["say",{"text":"hello"}]']);
    server.say('3/v1,0[{"ok":true}]');
    expect(await answer).toEqual({ ok: true });
  });

  test("goes to the namespace that it is told, and shows a pass if it has one", async () => {
    const { server } = await begun({ namespace: "/other", pass: "a pass" });
    await server.until(() => server.heard.length === 1);
    expect(server.heard).toEqual(['0/other,{"v":1}']);
    expect(new Set(server.queries.map((query) => query.get("pass")))).toEqual(new Set(["a pass"]));
    const without = await connected();
    expect(without.server.queries.some((query) => query.has("pass"))).toBe(false);
  });

  test.each<readonly [Way, readonly string[]]>([
    ["polling only", ["polling"]],
    ["polling first", ["polling"]],
    ["websocket first", ["websocket", "polling"]],
  ])("with %s tries in that order, until one of them works", async (way, tried) => {
    const { server, line } = await connected({ way });
    expect([...new Set(server.queries.map((query) => query.get("transport")))]).toEqual(tried);
    expect(line.medium).toBe("polling");
  });

  test("that cannot change its way stays as it is", async () => {
    const { server, told, until } = bound(await begun({ way: "polling first" }, (server) => (server.upgrades = ["websocket"])));
    await until("connected");
    await server.until(() => server.queries.some((query) => query.get("transport") === "websocket"));
    server.say('2/v1,["message",{}]');
    await until("message {}");
    expect(told).toEqual(["connected", "message {}"]);
  });
});

describe("the end of a line", () => {
  const endOf = async (options: Options, prepare: (server: EngineServer) => void): Promise<readonly LineEnd[]> => {
    const bench = await begun(options, prepare);
    await bench.until("ended");
    return bench.ends;
  };
  const saying = (packet: string) => (server: EngineServer) => void (server.answers = () => [packet]);
  const answering = (status: number, body = "") => (server: EngineServer) => void (server.refusal = { status, body });

  test.each<readonly [string, (server: EngineServer) => void, LineEnd]>([
    ["a refusal with a code", saying('4/v1,{"message":"no","data":{"code":"bad_token"}}'), { kind: "refused", code: "bad_token" }],
    ["a refusal without a code", saying('4/v1,{"message":"no","data":{}}'), { kind: "broken" }],
    ["a refusal with a code that is none", saying('4/v1,{"message":"no","data":{"code":7}}'), { kind: "broken" }],
    ["a refusal with nothing for the app", saying('4/v1,{"message":"no","data":null}'), { kind: "broken" }],
    ["a goodbye of the server", saying("1/v1,"), { kind: "broken" }],
    ["what is no packet", saying("9"), { kind: "broken" }],
    ["a server that takes nobody now", answering(503), { kind: "refused", code: "unavailable" }],
    ["a proxy without a server", answering(502), { kind: "unreachable" }],
    ["a proxy whose server is silent", answering(504), { kind: "unreachable" }],
    ["a page of somebody else", answering(200, "<p>hello"), { kind: "broken" }],
    ["a page that asks for something else", answering(404), { kind: "broken" }],
    ["a page of a foreign origin", answering(403, '{"code":"origin","message":"not from there"}'), { kind: "refused", code: "refused", reason: "not from there" }],
    ["a page of a foreign host", answering(421, '{"message":"not this host"}'), { kind: "refused", code: "refused", reason: "not this host" }],
    ["a request that is none", answering(400, `{"message":"${"x".repeat(1_000)}"}`), { kind: "refused", code: "refused", reason: "x".repeat(300) }],
    ["a refusal of somebody else", answering(403, "<p>forbidden"), { kind: "broken" }],
    ["a refusal of somebody else, in JSON", answering(403, '{"message":7}'), { kind: "broken" }],
    ["a refusal of somebody else, with a list", answering(403, '{"message":["no"]}'), { kind: "broken" }],
    ["a failure that tells of itself", answering(500, '{"message":"oh"}'), { kind: "broken" }],
  ])("is told once: %s", async (_, prepare, end) => {
    expect(await endOf({}, prepare)).toEqual([end]);
  });

  test("is told of a line that stood when its requests fail", async () => {
    const { server, ends, until } = bound(await connected());
    server.refusal = { status: 502, body: "" };
    server.say('2/v1,["message",{}]');
    await until("ended");
    expect(ends).toEqual([{ kind: "broken" }]);
  });

  test("is told of a line that stood when the server says goodbye, and nothing after it", async () => {
    const { server, ends, told, until } = bound(await connected());
    server.say("1/v1,");
    await until("ended");
    expect([ends, told]).toEqual([[{ kind: "broken" }], ["connected", "ended"]]);
  });
});

describe("a line that is discarded", () => {
  test("says goodbye, and tells nothing more", async () => {
    const { server, line, told } = await connected();
    line.discard();
    server.say('2/v1,["message",{}]');
    await server.until(() => server.isLeft);
    expect([told, server.heard.at(-1)]).toEqual([["connected"], "1/v1,"]);
  });

  test("gives up what it has asked for a second later, though the server never answers", async () => {
    const { server, line, told, timers } = await connected();
    await server.until(() => server.queries.filter((query) => query.has("sid")).length >= 3);
    line.discard();
    expect(timers.map(({ milliseconds }) => milliseconds)).toEqual([1_000]);
    expect(server.isAborted).toBe(false);
    for (const { due } of timers) due();
    await server.until(() => server.isAborted);
    expect(told).toEqual(["connected"]);
  });

  test("before anybody has answered tells nothing", async () => {
    const { server, line, told, ends } = await begun();
    line.discard();
    server.refusal = { status: 503, body: "" };
    await new Promise((resolve) => setImmediate(resolve));
    expect([told, ends]).toEqual([[], []]);
  });
});

describe("a line by WebSocket", () => {
  test("begins with it where that is tried first, and asks for nothing else", async () => {
    const { server, line, until } = bound(await begun({ way: "websocket first" }, (server) => (server.sockets = "work")));
    await until("connected");
    server.say('2/v1,["message",{}]');
    await until("message {}");
    expect([line.medium, server.queries.map((query) => query.get("transport"))]).toEqual(["websocket", ["websocket"]]);
    line.emit("typing", { room: 1 });
    await server.until(() => server.heard.length === 2);
    expect(server.heard[1]).toBe('2/v1,["typing",{"room":1}]');
  });

  test("says when it changes its way and when it has, and goes on there", async () => {
    const { server, line, told, until } = bound(await begun({ way: "polling first" }, (server) => Object.assign(server, { sockets: "work", upgrades: ["websocket"] })));
    await until("upgraded");
    await until("connected");
    server.say('2/v1,["message",{}]');
    await until("message {}");
    expect([told.toSorted(), line.medium]).toEqual([["connected", "message {}", "upgraded", "upgrading"], "websocket"]);
    expect(told.indexOf("upgrading")).toBeLessThan(told.indexOf("upgraded"));
  });

  test("is over when it is cut while it changes its way", async () => {
    const { told, ends, until } = bound(await begun({ way: "polling first" }, (server) => Object.assign(server, { sockets: "are cut", upgrades: ["websocket"] })));
    await until("ended");
    expect([ends, told.at(-1), told.includes("upgrading"), told.includes("upgraded")]).toEqual([[{ kind: "broken" }], "ended", true, false]);
  });

  test("is over when it is cut after it stood, and when it is before it has said anything", async () => {
    const { server, ends, until } = bound(await begun({ way: "websocket first" }, (server) => (server.sockets = "work")));
    await until("connected");
    server.cut();
    await until("ended");
    expect(ends).toEqual([{ kind: "broken" }]);
    const early = bound(await begun({ way: "websocket first" }, (server) => (server.sockets = "are cut")));
    await early.until("ended");
    expect(early.ends).toEqual([{ kind: "broken" }]);
  });

  test("that is discarded is gone a second later, though its server hangs", async () => {
    const bench = await begun({ way: "websocket first" }, (server) => (server.sockets = "hang"));
    const { server, line, told, timers } = bench;
    await bench.until("connected");
    line.discard();
    await server.until(() => server.heard.at(-1) === "1/v1,");
    expect(server.isSocketOver).toBe(false);
    for (const { due } of timers) due();
    await server.until(() => server.isSocketOver);
    expect(told).toEqual(["connected"]);
  });
});

test("a connection of an app goes to its namespace", async () => {
  const server = await EngineServer.start();
  closing.push(() => server.close());
  const setTimer = (milliseconds: number, due: () => void) => {
    const timer = setTimeout(due, milliseconds);
    return () => clearTimeout(timer);
  };
  const heard: string[] = [];
  for (const namespace of ["/other", undefined]) {
    const transport = socketTransport({ url: server.url, ...(namespace === undefined ? {} : { namespace }) }, { now: Date.now, setTimer, random: () => 0, isWatched: () => true });
    const nothing = (): void => undefined;
    transport.open({ connected: nothing, disconnected: nothing, refused: nothing, event: nothing, moved: nothing }, () => Promise.resolve({ v: 1 }));
    await server.until(() => server.heard.length > heard.length);
    heard.push(server.heard.at(-1) ?? "");
    transport.close();
  }
  expect(heard).toEqual(['0/other,{"v":1}', '0/v1,{"v":1}']);
});

function bound(bench: Bench): Pick<Bench, "line" | "server" | "told" | "ends" | "until"> {
  const { line, server, told, ends } = bench;
  return { line, server, told, ends, until: (what) => bench.until(what) };
}

// Goal: a line tells somebody who answers from nobody, as far as a browser can.

import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createPeer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { LineEnd, SetTimer, Way } from "../../src/core/ports.ts";
import { socketDial } from "../../src/core/socket-line.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const setTimer: SetTimer = (milliseconds, due) => {
  const timer = setTimeout(due, milliseconds);
  return () => clearTimeout(timer);
};

/** How a line to that address ends. */
function end(url: string, way: Way, pass?: string): Promise<LineEnd> {
  return new Promise((ended) => {
    const events = { connected: () => undefined, event: () => undefined, upgrading: () => undefined, upgraded: () => undefined, ended };
    const line = socketDial({ url, setTimer })(way, () => Promise.resolve({ v: 1 }), events, pass);
    closing.push(() => line.discard());
  });
}

async function listening(server: ReturnType<typeof createPeer>): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const answering = (answer: RequestListener): Promise<string> => listening(createServer(answer));

describe.each(["websocket first", "polling first", "polling only"] as const)("%s, a line to", (way) => {
  test.each([
    ["a page of somebody else's", 200, "text/html", "<p>Please log in"],
    ["an empty page", 200, "text/html", ""],
    ["a place where there is no server", 404, "text/plain", "not found"],
    ["a server that has failed", 500, "text/plain", "oh"],
  ])("%s has reached somebody", async (_, status, type, body) => {
    const url = await answering((_request, response) => response.writeHead(status, { "content-type": type }).end(body));
    expect(await end(url, way)).toEqual({ kind: "broken" });
  });

  test("a server is shown the pass in every request, if there is one", async () => {
    const shown: (string | null)[] = [];
    const answer = (request: IncomingMessage, end: () => void): void => {
      shown.push(new URL(request.url ?? "", "http://server").searchParams.get("pass"));
      end();
    };
    const server = createServer((request, response) => answer(request, () => response.writeHead(404).end()));
    server.on("upgrade", (request, socket) => answer(request, () => socket.destroy()));
    const url = await listening(server);
    await end(url, way, "a pass");
    expect(new Set(shown.splice(0))).toEqual(new Set(["a pass"]));
    await end(url, way);
    expect(new Set(shown)).toEqual(new Set([null]));
  });

  test("a proxy with nobody behind it has reached nobody", async () => {
    const url = await answering((_request, response) => response.writeHead(502).end());
    expect(await end(url, way)).toEqual({ kind: "unreachable" });
  });

  test.each<[string, (socket: Socket) => void]>([
    ["closes at once", (socket) => socket.destroy()],
    ["resets at once", (socket) => socket.resetAndDestroy()],
    ["closes after the request", (socket) => socket.once("data", () => socket.destroy())],
  ])("a peer that %s cannot be told from nobody", async (_, treat) => {
    const peer = createPeer((socket) => {
      socket.on("error", () => undefined);
      treat(socket);
    });
    expect(await end(await listening(peer), way)).toEqual({ kind: "unreachable" });
  });

  test("a port where nobody listens has reached nobody", async () => {
    const url = await answering(() => undefined);
    for (const close of closing.splice(0)) close();
    expect(await end(url, way)).toEqual({ kind: "unreachable" });
  });
});

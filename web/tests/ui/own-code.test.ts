// Goal: no text of a message becomes a link that carries a one-time code of this very chat.

import { describe, expect, test } from "vitest";
import { isOwnCode } from "../../src/ui/markdown/own-code.ts";
import { safeAddress } from "../../src/ui/markdown/links.ts";

describe("an address with a code of this chat", () => {
  test.each([
    "https://chat.example/#link=7K2Q",
    "https://chat.example/#invite=AQAA",
    "https://chat.example/#setup=7K2Q",
    "HTTPS://CHAT.EXAMPLE/#LINK=7K2Q",
    "https://chat.example./#link=7K2Q",
    "https://chat.example:443/#link=7K2Q",
    "http://chat.example:3000/#link=7K2Q",
    "https://chat%2Eexample/#link=7K2Q",
    "https://chat.example/?lang=de#link=7K2Q",
    "https://chat.example/#%6Cink=7K2Q",
    "https://chat.example/#%6Cink%3D7K2Q",
    "https://chat.example/#link=%ff",
    "https://chat.example/#%6Cink=%ff",
    "https://ada@chat.example/#link=7K2Q",
  ])("is no link: %s", (address) => {
    expect(isOwnCode(new URL(address), "chat.example")).toBe(true);
  });

  test.each(["http://localhost:3000/#link=1", "http://127.0.0.1:4000/#link=1", "http://[::1]/#link=1", "http://0x7f.1/#link=1", "http://[::ffff:127.0.0.1]/#link=1"])(
    "is no link under another name of this machine: %s",
    (address) => {
      for (const own of ["localhost", "127.0.0.1", "[::1]"]) expect(isOwnCode(new URL(address), own)).toBe(true);
      expect(isOwnCode(new URL(address), "chat.example")).toBe(false);
    },
  );

  test.each([
    "https://chat.example/",
    "https://chat.example/#/room/7",
    "https://chat.example/?link=7K2Q",
    "https://chat.example/#a-link=7K2Q",
    "https://other.example/#link=7K2Q",
    "https://chat.example.evil.example/#link=7K2Q",
    "mailto:ada@chat.example#link=1",
  ])("stays a link without a code, or of another host: %s", (address) => {
    expect(isOwnCode(new URL(address), "chat.example")).toBe(false);
  });

  test("is found by what decides on links", () => {
    const before = Object.getOwnPropertyDescriptor(globalThis, "location");
    Object.defineProperty(globalThis, "location", { configurable: true, value: { hostname: "chat.example" } });
    try {
      expect(safeAddress("https://chat.example/#link=7K2Q")).toBeUndefined();
      expect(safeAddress("https://chat.example/#/room/7")).toBe("https://chat.example/#/room/7");
    } finally {
      if (before === undefined) Reflect.deleteProperty(globalThis, "location");
      else Object.defineProperty(globalThis, "location", before);
    }
  });
});

// Goal: a database opens for the pages of each release, and a page of a newer one never waits for an older.

import "fake-indexeddb/auto";
import { afterEach, describe, expect, test, vi } from "vitest";
import { OneShotDatabase, type Migration } from "../../../src/core/browser/database.ts";

type Tables = { things: { key: string; value: string } };

const FIRST: Migration = (database) => void database.createObjectStore("things");
const SECOND: Migration = (_database, tx) => void tx.objectStore("things").put("of the second", "made");

afterEach(() => void vi.restoreAllMocks());

let databases = 0;
const newName = (): string => `database ${(databases += 1)}`;
const thing = (database: OneShotDatabase<Tables>, key: string): Promise<string | undefined> =>
  database.read(["things"], (table) => {
    const found = table("things").get(key);
    return () => found.result;
  });

describe("a database", () => {
  test("goes through all versions that it has not seen, each once", async () => {
    const name = newName();
    const old = await OneShotDatabase.open<Tables>(name, [FIRST]);
    expect(await old.write(["things"], "strict", (table) => table("things").add("one", "a"))).toBe(true);
    old.close();
    const database = await OneShotDatabase.open<Tables>(name, [FIRST, SECOND]);
    expect([await thing(database, "a"), await thing(database, "made"), await thing(database, "none")]).toEqual(["one", "of the second", undefined]);
  });

  test("that a page has open is left to one of a newer release", async () => {
    const name = newName();
    const old = await OneShotDatabase.open<Tables>(name, [FIRST]);
    await old.write(["things"], "relaxed", (table) => table("things").put("one", "a"));
    const database = await OneShotDatabase.open<Tables>(name, [FIRST, SECOND]);
    expect(await thing(database, "a")).toBe("one");
    await expect(thing(old, "a")).rejects.toThrow();
  });

  test("of a newer release is not opened by an older page", async () => {
    const name = newName();
    await OneShotDatabase.open<Tables>(name, [FIRST, SECOND]);
    await expect(OneShotDatabase.open<Tables>(name, [FIRST])).rejects.toMatchObject({ name: "VersionError" });
  });

  test("writes nothing where a row is there already that was to be added", async () => {
    const database = await OneShotDatabase.open<Tables>(newName(), [FIRST]);
    await database.write(["things"], "strict", (table) => table("things").add("one", "a"));
    const again = database.write(["things"], "strict", (table) => {
      table("things").put("two", "b");
      table("things").add("two", "a");
      table("things").put("three", "c");
    });
    expect([await again, await thing(database, "a"), await thing(database, "b"), await thing(database, "c")]).toEqual([false, "one", undefined, undefined]);
  });

  test("writes nothing of what throws, and says what was wrong", async () => {
    const database = await OneShotDatabase.open<Tables>(newName(), [FIRST]);
    const write = database.write(["things"], "strict", (table) => {
      table("things").put("two", "b");
      throw new Error("a bug");
    });
    await expect(write).rejects.toThrow("a bug");
    expect(await thing(database, "b")).toBeUndefined();
  });

  test("does not say that something is written that the browser has undone", async () => {
    const database = await OneShotDatabase.open<Tables>(newName(), [FIRST]);
    vi.spyOn(IDBTransaction.prototype, "commit").mockImplementationOnce(function (this: IDBTransaction) {
      this.abort();
    });
    await expect(database.write(["things"], "strict", (table) => table("things").put("two", "b"))).rejects.toBe(null);
    expect(await thing(database, "b")).toBeUndefined();
  });
});

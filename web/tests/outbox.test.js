import { describe, expect, test } from "vitest";
import { lineageOf } from "../src/core/lineage.ts";
import { Outbox } from "../src/core/outbox.ts";
import { randomHex, randomKey } from "../src/core/random.ts";
import { MemoryShelf } from "../src/core/shelf.ts";
function keys(prefix) {
    let count = 0;
    return () => `${prefix}${count++}`;
}
const texts = (outbox) => outbox.waiting().map((draft) => draft.text);
class FullShelf extends MemoryShelf {
    write() {
        throw new Error("quota exceeded");
    }
}
describe("the outbox", () => {
    test("keeps the order, keys and texts of its drafts over a reload", () => {
        const shelf = new MemoryShelf();
        const before = new Outbox(shelf, keys("z-"));
        for (const text of ["one", "two", "three"])
            before.add(text);
        const after = new Outbox(shelf, keys("a-"));
        after.add("four");
        expect(after.waiting().map(({ key, text }) => [key, text])).toEqual([
            ["z-0", "one"],
            ["z-1", "two"],
            ["z-2", "three"],
            ["a-0", "four"],
        ]);
    });
    test("forgets a draft that the server has stored", () => {
        const shelf = new MemoryShelf();
        const outbox = new Outbox(shelf, keys("k"));
        outbox.add("one");
        outbox.add("two");
        outbox.stored("k0");
        expect(texts(outbox)).toEqual(["two"]);
        expect(texts(new Outbox(shelf, keys("k")))).toEqual(["two"]);
    });
    test("keeps a refused draft with its code over a reload and does not send it", () => {
        const shelf = new MemoryShelf();
        new Outbox(shelf, keys("k")).add("one");
        new Outbox(shelf, keys("k")).refused("k0", "conflict");
        const outbox = new Outbox(shelf, keys("k"));
        expect(outbox.waiting()).toEqual([]);
        expect(outbox.all()).toEqual([{ key: "k0", text: "one", place: 1, code: "conflict" }]);
        outbox.discard("k0");
        expect(new Outbox(shelf, keys("k")).all()).toEqual([]);
    });
    test("does not take what it cannot keep", () => {
        const outbox = new Outbox(new FullShelf(), keys("k"));
        expect(outbox.add("one").kind).toBe("not-kept");
        expect(outbox.all()).toEqual([]);
    });
    test("takes text up to 16 KiB of UTF-8 and no more", () => {
        const outbox = new Outbox(new MemoryShelf(), keys("k"));
        expect(outbox.add("ж".repeat(8 * 1024)).kind).toBe("kept");
        expect(outbox.add(`${"ж".repeat(8 * 1024)}.`).kind).toBe("too-long");
        expect(outbox.add(" \n").kind).toBe("empty");
    });
    test("is bounded", () => {
        const outbox = new Outbox(new MemoryShelf(), keys("k"));
        for (let count = 0; count < 200; count++)
            expect(outbox.add("text").kind).toBe("kept");
        expect(outbox.add("text").kind).toBe("full");
    });
    test("mends half a surrogate pair and keeps a byte order mark", () => {
        const outbox = new Outbox(new MemoryShelf(), keys("k"));
        outbox.add("a\ud800b");
        outbox.add("\ufeffa");
        expect(texts(outbox)).toEqual(["a\ufffdb", "\ufeffa"]);
    });
    test("puts a draft behind those of another tab", () => {
        const shelf = new MemoryShelf();
        const ada = new Outbox(shelf, keys("a"));
        const bob = new Outbox(shelf, keys("b"));
        ada.add("one");
        bob.add("two");
        ada.add("three");
        expect(texts(ada)).toEqual(["one", "two", "three"]);
    });
    test("drops on refresh what another tab has finished", () => {
        const shelf = new MemoryShelf();
        const ada = new Outbox(shelf, keys("a"));
        ada.add("one");
        new Outbox(shelf, keys("b")).stored("a0");
        ada.refresh();
        expect(ada.all()).toEqual([]);
    });
    test.each(["", "{", "null", "7", '{"text":1,"place":1}', '{"text":"a"}', '{"text":"a","place":1.5}'])("ignores the damaged entry %j", (value) => {
        const shelf = new MemoryShelf();
        shelf.write("tidings.outbox.k", value);
        expect(new Outbox(shelf, keys("k")).all()).toEqual([]);
    });
});
describe("random names", () => {
    const counting = {
        getRandomValues: (bytes) => {
            for (let index = 0; index < bytes.length; index++)
                bytes[index] = index;
        },
    };
    test("need no secure context", () => {
        expect(randomKey(counting)).toBe("000102030405060708090a0b0c0d0e0f");
        expect(randomKey({ ...counting, randomUUID: () => "uuid" })).toBe("uuid");
    });
    test("never repeat in practice", () => {
        const made = new Set(Array.from({ length: 1000 }, () => randomHex(crypto)));
        expect(made.size).toBe(1000);
    });
    test("a lineage is made once and kept", () => {
        const shelf = new MemoryShelf();
        const made = lineageOf(shelf, crypto);
        expect(made).toMatch(/^[0-9a-f]{32}$/);
        expect(lineageOf(shelf, counting)).toBe(made);
        expect(lineageOf(new FullShelf(), counting)).toBe("000102030405060708090a0b0c0d0e0f");
    });
});

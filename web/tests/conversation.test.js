import { describe, expect, test } from "vitest";
import { Conversation } from "../src/core/conversation.ts";
import { Outbox } from "../src/core/outbox.ts";
import { MemoryShelf } from "../src/core/shelf.ts";
/** A link whose other end is the test itself. */
class TestLink {
    sent = [];
    interrupts = 0;
    restarts = 0;
    events;
    credentials;
    open(events, credentials) {
        this.events = events;
        this.credentials = credentials;
    }
    send(text, key, answered) {
        this.sent.push({ text, key, answered });
    }
    interrupt() {
        this.interrupts++;
    }
    restart() {
        this.restarts++;
    }
}
class TestView {
    lines = [];
    outbox = [];
    status;
    broken = false;
    showLine(line) {
        if (this.broken)
            throw new Error("no room on the page");
        this.lines.push(line);
    }
    clearLines() {
        this.lines = [];
    }
    showOutbox(drafts) {
        this.outbox = drafts;
    }
    showConnection(connection, waiting) {
        this.status = [connection, waiting];
    }
}
const STORED = { kind: "stored" };
function start(shelf = new MemoryShelf(), prefix = "k") {
    const link = new TestLink();
    const view = new TestView();
    const timers = [];
    let count = 0;
    const conversation = new Conversation(link, new Outbox(shelf, () => `${prefix}${count++}`), view, (milliseconds, due) => {
        const timer = { milliseconds, due };
        timers.push(timer);
        return () => void timers.splice(timers.indexOf(timer), 1);
    });
    conversation.start("lineage");
    const sent = () => link.sent.map((one) => one.text);
    const answer = (index, given = STORED) => link.sent[index]?.answered(given);
    return { link, view, timers, conversation, sent, answer };
}
describe("a conversation", () => {
    test("keeps what is said offline and sends it in order when it connects", () => {
        const { link, view, conversation, sent } = start();
        conversation.say("one");
        conversation.say("two");
        expect(sent()).toEqual([]);
        expect(view.status).toEqual(["connecting", 2]);
        link.events?.connected();
        expect(sent()).toEqual(["one", "two"]);
        expect(view.outbox.map((draft) => draft.text)).toEqual(["one", "two"]);
    });
    test("writes to the shelf before the network", () => {
        const shelf = new MemoryShelf();
        const { link, conversation } = start(shelf);
        link.events?.connected();
        let kept = [];
        link.send = () => (kept = shelf.names());
        conversation.say("one");
        expect(kept).toEqual(["tidings.outbox.k0"]);
    });
    test("sends unanswered messages again in order with the same keys after a cut", () => {
        const { link, conversation, answer } = start();
        link.events?.connected();
        for (const text of ["one", "two", "three"])
            conversation.say(text);
        answer(0);
        link.events?.disconnected();
        conversation.say("four");
        link.sent = [];
        link.events?.connected();
        expect(link.sent.map(({ key, text }) => [key, text])).toEqual([
            ["k1", "two"],
            ["k2", "three"],
            ["k3", "four"],
        ]);
    });
    test("sends unanswered messages again with the same keys after a reload", () => {
        const shelf = new MemoryShelf();
        const before = start(shelf);
        before.link.events?.connected();
        before.conversation.say("one");
        const after = start(shelf, "n");
        after.link.events?.connected();
        expect(after.link.sent.map(({ key, text }) => [key, text])).toEqual([["k0", "one"]]);
    });
    test("takes an answer once, also when it comes for both copies", () => {
        const { link, view, conversation, answer } = start();
        link.events?.connected();
        conversation.say("one");
        link.events?.disconnected();
        link.events?.connected();
        answer(0);
        answer(1);
        expect(view.outbox).toEqual([]);
        expect(view.status).toEqual(["online", 0]);
    });
    test("shows a refusal with its code and goes on with the next message", () => {
        const { link, view, conversation, answer } = start();
        link.events?.connected();
        conversation.say("one");
        conversation.say("two");
        answer(0, { kind: "refused", code: "conflict" });
        expect(view.outbox.map(({ text, code }) => [text, code])).toEqual([
            ["one", "conflict"],
            ["two", undefined],
        ]);
        expect(view.status).toEqual(["online", 1]);
        conversation.discard("k0");
        expect(view.outbox.map((draft) => draft.text)).toEqual(["two"]);
    });
    test("has a bounded number of messages under way", () => {
        const { link, conversation, sent, answer } = start();
        for (let count = 0; count < 40; count++)
            conversation.say(`text ${count}`);
        link.events?.connected();
        expect(sent().length).toBe(32);
        answer(0);
        expect(sent().length).toBe(33);
        expect(sent()[32]).toBe("text 32");
    });
    test("gives up a link that does not answer, each time more patiently", () => {
        const { link, timers, conversation, answer } = start();
        link.events?.connected();
        conversation.say("one");
        conversation.say("two");
        expect(timers.map((timer) => timer.milliseconds)).toEqual([15000]);
        timers.shift()?.due();
        expect(link.interrupts).toBe(1);
        link.events?.disconnected();
        link.events?.connected();
        expect(timers.map((timer) => timer.milliseconds)).toEqual([30000]);
        answer(2);
        expect(timers.map((timer) => timer.milliseconds)).toEqual([15000]);
        answer(3);
        expect(timers).toEqual([]);
    });
    test("shows every line once and asks for what follows the last shown one", () => {
        const { link, view } = start();
        expect(link.credentials?.()).toEqual({ serverOffset: 0, lineage: "lineage" });
        link.events?.connected();
        link.events?.message("one", 1);
        link.events?.message("three", 3);
        link.events?.message("three", 3);
        link.events?.message("one", 1);
        expect(view.lines.map((line) => line.text)).toEqual(["one", "three"]);
        expect(link.credentials?.().serverOffset).toBe(3);
        expect(link.restarts).toBe(0);
    });
    test("does not move the cursor past a line that could not be shown", () => {
        const { link, view } = start();
        link.events?.connected();
        link.events?.message("one", 1);
        view.broken = true;
        expect(() => link.events?.message("two", 2)).toThrow();
        expect(link.credentials?.().serverOffset).toBe(1);
    });
    test("starts anew when the server's past has changed", () => {
        const { link, view } = start();
        link.events?.connected();
        link.events?.message("one", 1);
        link.events?.message("two", 2);
        link.events?.message("another two", 2);
        expect(link.restarts).toBe(1);
        expect(view.lines).toEqual([]);
        expect(link.credentials?.().serverOffset).toBe(0);
        link.events?.connected();
        link.events?.message("one", 1);
        link.events?.message("another two", 2);
        expect(view.lines.map((line) => line.text)).toEqual(["one", "another two"]);
    });
    test("sends what a closed tab has left behind at the next connect", () => {
        const shelf = new MemoryShelf();
        const ada = start(shelf, "a");
        const bob = start(shelf, "b");
        bob.conversation.say("left behind");
        ada.link.events?.connected();
        expect(ada.link.sent.map(({ key, text }) => [key, text])).toEqual([["b0", "left behind"]]);
    });
});

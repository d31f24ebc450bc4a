// One user's side of the chat: outbox and transcript over a link that comes and goes.
//
//   user ── say ──► outbox ── in order, a window at a time ──► link ──► server
//                     ▲  stored / refused                       │
//                     └─────────────────────────────────────────┤
//   view ◄── show ── transcript ◄────────── message ────────────┘
//
// After every connect all unanswered messages are sent again in their order and under their old keys, so the server
// can tell a repeat from a new one. Knows neither the DOM nor Socket.IO.
import { Transcript } from "./transcript.ts";
const WINDOW = 32;
const ANSWER_DEADLINE_MS = 15000;
const ANSWER_DEADLINE_MAX_MS = 120000;
export class Conversation {
    #link;
    #outbox;
    #view;
    #timer;
    #transcript;
    #underWay = new Set();
    #connection = "connecting";
    #deadline = ANSWER_DEADLINE_MS;
    #cancelDeadline;
    constructor(link, outbox, view, timer) {
        this.#link = link;
        this.#outbox = outbox;
        this.#view = view;
        this.#timer = timer;
        this.#transcript = new Transcript((line) => view.showLine(line));
    }
    start(lineage) {
        this.#show();
        const credentials = () => ({ serverOffset: this.#transcript.cursor, lineage });
        this.#link.open({
            connected: () => this.#connected(),
            disconnected: () => this.#disconnected(),
            message: (text, offset) => this.#message({ text, offset }),
        }, credentials);
    }
    say(text) {
        const added = this.#outbox.add(text);
        if (added.kind === "kept") {
            this.#send();
            this.#show();
        }
        return added;
    }
    discard(key) {
        this.#outbox.discard(key);
        this.#show();
    }
    #connected() {
        this.#connection = "online";
        this.#underWay.clear();
        // A tab that was closed may have left messages behind; whoever connects next sends them.
        this.#outbox.refresh();
        this.#send();
        this.#show();
    }
    #disconnected() {
        this.#connection = "offline";
        this.#underWay.clear();
        this.#stopWatch();
        this.#show();
    }
    #message(line) {
        if (this.#transcript.accept(line) !== "rewritten")
            return;
        this.#transcript.reset();
        this.#view.clearLines();
        this.#disconnected();
        this.#link.restart();
    }
    #send() {
        if (this.#connection !== "online")
            return;
        const waiting = this.#outbox.waiting();
        for (const draft of waiting) {
            if (this.#underWay.size >= WINDOW)
                break;
            if (this.#underWay.has(draft.key))
                continue;
            this.#underWay.add(draft.key);
            this.#link.send(draft.text, draft.key, (answer) => this.#answered(draft.key, answer));
        }
        this.#watch();
    }
    #answered(key, answer) {
        this.#underWay.delete(key);
        this.#deadline = ANSWER_DEADLINE_MS;
        this.#stopWatch();
        if (answer.kind === "stored")
            this.#outbox.stored(key);
        else
            this.#outbox.refused(key, answer.code);
        this.#send();
        this.#show();
    }
    // The heartbeat takes 45 s to notice a link that swallows everything; an unanswered message notices it earlier. A
    // server that is merely slow is given more time with each attempt.
    #watch() {
        if (this.#underWay.size === 0 || this.#cancelDeadline !== undefined)
            return;
        this.#cancelDeadline = this.#timer(this.#deadline, () => {
            this.#cancelDeadline = undefined;
            this.#deadline = Math.min(2 * this.#deadline, ANSWER_DEADLINE_MAX_MS);
            this.#link.interrupt();
        });
    }
    #stopWatch() {
        this.#cancelDeadline?.();
        this.#cancelDeadline = undefined;
    }
    #show() {
        this.#view.showOutbox(this.#outbox.all());
        this.#view.showConnection(this.#connection, this.#outbox.waiting().length);
    }
}

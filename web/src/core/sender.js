// Sends what is in the outbox: in order, a window at a time, until each command has its final answer.
//
// After every connect all of it is sent again under its old numbers; the server tells a repeat from a new one. It
// answers `expected` when a number is not in turn: then sending goes on from there, or, when that command is not here
// any more, all that is left moves to a new device, as after a `conflict`. Never guesses: unknown is not failed.
import { renumbered, spoiled, unsent } from "./numbering.ts";
import { payloadOf, readAck, UNSPENT_CODES } from "./wire.ts";
const WINDOW = 32;
const ANSWER_DEADLINE_MS = 15000;
const AGAIN_MIN_MS = 50;
const AGAIN_MAX_MS = 5000;
export class Sender {
    #model;
    #transport;
    #world;
    #events;
    /** Sent on this connection and not answered. */
    #flying = new Map();
    /** Answered, and not out of the outbox yet. */
    #answered = new Set();
    #open = false;
    #device = "";
    /** Counts the times that sending began anew: an older `expected` says nothing. */
    #round = 0;
    #moving = false;
    #pause = AGAIN_MIN_MS;
    #cancelPause = null;
    #cancelDeadline = null;
    constructor(model, transport, world, events) {
        this.#model = model;
        this.#transport = transport;
        this.#world = world;
        this.#events = events;
    }
    /** The connection stands for this device. */
    open(device) {
        this.#open = true;
        this.#device = device;
        this.#begin();
    }
    close() {
        this.#open = false;
        this.#round += 1;
        this.#moving = false;
        this.#flying.clear();
        this.#answered.clear();
        this.#stopTimers();
    }
    pump() {
        if (!this.#open || this.#moving || this.#cancelPause !== null)
            return;
        for (const row of unsent(this.#model.outbox)) {
            if (this.#flying.size >= WINDOW)
                break;
            if (this.#flying.has(row.id) || this.#answered.has(row.id))
                continue;
            // The server would take it for a command of the device that this connection stands for.
            if (row.device !== this.#device)
                return this.#transport.interrupt();
            this.#send(row);
        }
        this.#watch();
    }
    #begin() {
        this.#round += 1;
        this.#flying.clear();
        this.#stopTimers();
        this.pump();
    }
    #send(row) {
        const round = this.#round;
        this.#flying.set(row.id, row);
        this.#transport.emit(row.command.event, payloadOf(row.command, row.n), (value) => {
            if (!this.#open)
                return;
            this.#answer(row, readAck(value), round);
        });
    }
    #answer(row, ack, round) {
        if (ack.kind === "expected") {
            if (round === this.#round && !this.#moving)
                this.#outOfTurn(row, ack.expected);
            else if (round === this.#round)
                this.#landed(row);
            return;
        }
        if (this.#answered.has(row.id))
            return;
        if (ack.kind === "refused" && ack.code === "conflict") {
            if (round !== this.#round)
                return;
            this.#moving = true;
            return this.#landed(row);
        }
        this.#answered.add(row.id);
        this.#pause = AGAIN_MIN_MS;
        this.#landed(row);
        void this.#finish(row, ack).finally(() => {
            this.#answered.delete(row.id);
            if (this.#moving)
                this.#move();
            else
                this.pump();
        });
    }
    #finish(row, ack) {
        if (ack.kind === "stored")
            return this.#events.stored(row, ack);
        if (!UNSPENT_CODES.has(ack.code))
            return this.#events.refused(row, ack.code);
        if (ack.code === "no_device") {
            this.#transport.interrupt();
            return Promise.resolve();
        }
        return this.#events.change((state) => spoiled(state, row.id, ack.code));
    }
    /** The row needs no more answer on this connection. */
    #landed(row) {
        this.#flying.delete(row.id);
        this.#stopDeadline();
        if (this.#moving)
            this.#move();
        else
            this.pump();
        this.#watch();
    }
    #outOfTurn(row, expected) {
        this.#round += 1;
        this.#stopDeadline();
        const known = unsent(this.#model.outbox).some(({ n }) => n === expected);
        if (!known && expected < row.n) {
            // Those before it are in turn, and their answers are on their way.
            for (const [id, { n }] of this.#flying)
                if (n >= expected)
                    this.#flying.delete(id);
            this.#moving = true;
            this.#move();
            this.#watch();
            return;
        }
        // The server could not store that one for now, and tries of ours must not become a storm.
        this.#flying.clear();
        this.#cancelPause = this.#world.setTimer(this.#pause, () => {
            this.#cancelPause = null;
            this.#begin();
        });
        this.#pause = Math.min(AGAIN_MAX_MS, this.#pause * 2);
    }
    /** To a new device, once it is known what became of all that is under way. A new connection has to name it. */
    #move() {
        if (!this.#open || this.#flying.size > 0 || this.#answered.size > 0)
            return;
        const device = this.#world.randomId();
        void this.#events.change((state) => renumbered(state, device)).then(() => this.#transport.interrupt());
        this.#open = false;
    }
    #watch() {
        if (this.#flying.size === 0)
            return this.#stopDeadline();
        this.#cancelDeadline ??= this.#world.setTimer(ANSWER_DEADLINE_MS, () => {
            this.#cancelDeadline = null;
            this.#transport.interrupt();
        });
    }
    #stopDeadline() {
        this.#cancelDeadline?.();
        this.#cancelDeadline = null;
    }
    #stopTimers() {
        this.#stopDeadline();
        this.#cancelPause?.();
        this.#cancelPause = null;
    }
}

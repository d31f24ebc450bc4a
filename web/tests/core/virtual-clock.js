// Time that passes only when a test says so, and chance that a seed decides.
export class VirtualClock {
    #now = 1000000;
    #timers = [];
    #number = 0;
    now = () => this.#now;
    setTimer = (milliseconds, due) => {
        const timer = { at: this.#now + Math.max(0, milliseconds), number: (this.#number += 1), due };
        this.#timers.push(timer);
        return () => {
            this.#timers = this.#timers.filter((other) => other !== timer);
        };
    };
    /** Lets time pass; what is due happens in its order, each thing to its end. */
    async pass(milliseconds) {
        const end = this.#now + milliseconds;
        await settled();
        for (;;) {
            const next = this.#timers.reduce((first, timer) => (first === null || earlier(timer, first) ? timer : first), null);
            if (next === null || next.at > end)
                break;
            this.#timers = this.#timers.filter((timer) => timer !== next);
            this.#now = Math.max(this.#now, next.at);
            next.due();
            await settled();
        }
        this.#now = end;
    }
    /** Lets time pass until something holds. */
    async until(holds, about, limit = 120000) {
        const end = this.#now + limit;
        await settled();
        while (!holds()) {
            if (this.#now >= end)
                throw new Error(`${about} did not come in ${limit} ms`);
            await this.pass(10);
        }
    }
}
const earlier = (a, b) => a.at < b.at || (a.at === b.at && a.number < b.number);
/** All promises that can be kept now are. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));
/** Random numbers that a seed decides (mulberry32). */
export class Chance {
    #state;
    constructor(seed) {
        this.#state = seed >>> 0;
    }
    /** From 0 up to 1. */
    next = () => {
        this.#state = (this.#state + 0x6d2b79f5) >>> 0;
        let t = this.#state;
        t = Math.imul(t ^ (t >>> 15), t | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    below(bound) {
        return Math.floor(this.next() * bound);
    }
    is(probability) {
        return this.next() < probability;
    }
    pick(items) {
        const item = items[this.below(items.length)];
        if (item === undefined)
            throw new Error("nothing to pick from");
        return item;
    }
    id() {
        return Array.from({ length: 32 }, () => this.below(16).toString(16)).join("");
    }
}

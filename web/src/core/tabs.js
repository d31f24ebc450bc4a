// How the tabs of one browser share one connection: who leads, and what they tell each other.
//
// The leader has the socket and is the only one who writes what comes from the server; the others hear what was kept
// and apply it to their own copies. The outbox belongs to all: its numbers are given in transactions of the store.
// When the leader dies, its lock falls to another, which reads everything anew from the store.
/** One tab alone. */
export class NoTabs {
    lead(begin) {
        begin();
    }
    post() { }
    listen() { }
    close() { }
}
/** Tabs within one process: for tests, and for bots that share a store. */
export class TabHub {
    #members = new Set();
    #leader = null;
    join() {
        const tab = new HubTab(this);
        this.#members.add(tab);
        return tab;
    }
    post(from, message) {
        for (const tab of this.#members) {
            if (tab !== from)
                queueMicrotask(() => tab.hear(structuredClone(message)));
        }
    }
    elect() {
        if (this.#leader !== null && this.#members.has(this.#leader))
            return;
        const next = [...this.#members].find((tab) => tab.isCandidate());
        this.#leader = next ?? null;
        next?.begin();
    }
    leave(tab) {
        this.#members.delete(tab);
        this.elect();
    }
}
class HubTab {
    #hub;
    #begin = null;
    #heard = null;
    constructor(hub) {
        this.#hub = hub;
    }
    isCandidate() {
        return this.#begin !== null;
    }
    begin() {
        const begin = this.#begin;
        if (begin !== null)
            queueMicrotask(begin);
    }
    hear(message) {
        this.#heard?.(message);
    }
    lead(begin) {
        this.#begin = begin;
        this.#hub.elect();
    }
    post(message) {
        this.#hub.post(this, message);
    }
    listen(heard) {
        this.#heard = heard;
    }
    close() {
        this.#heard = null;
        this.#hub.leave(this);
    }
}

// People with chats, against a model server, in virtual time.
import { createChat } from "../../src/core/chat.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import { ModelServer } from "./model-server.ts";
import { Chance, VirtualClock } from "./virtual-clock.ts";
export const LOBBY = 1;
export class World {
    clock = new VirtualClock();
    chance;
    server;
    constructor(seed = 1, weather, behindMax) {
        this.chance = new Chance(seed);
        this.server = new ModelServer({
            now: this.clock.now,
            setTimer: this.clock.setTimer,
            ...(weather === undefined ? {} : { weather }),
            ...(behindMax === undefined ? {} : { behindMax }),
        });
    }
    options(options = {}) {
        return {
            store: new MemoryStore(new MemoryDisk()),
            transport: () => this.server.transport(),
            now: this.clock.now,
            setTimer: this.clock.setTimer,
            randomId: () => this.chance.id(),
            ...options,
        };
    }
    chat(options = {}) {
        return createChat(this.options(options));
    }
    /** Somebody who is online and has a name. */
    async person(name, options = {}) {
        const chat = await this.chat(options);
        await this.online(chat);
        await this.does(chat.setName(name));
        return chat;
    }
    online(chat) {
        return this.clock.until(() => chat.connection.value.state === "online", "the connection");
    }
    /** Lets time pass until a promise is kept. */
    async does(promise) {
        let done = false;
        void promise.finally(() => (done = true));
        await this.clock.until(() => done, "an answer");
        return promise;
    }
}
export const texts = (view) => view.rows.value.flatMap((row) => (row.kind === "message" || row.kind === "pending" ? [row.text] : []));
export const rowsOf = (view, kind) => view.rows.value.filter((row) => row.kind === kind);

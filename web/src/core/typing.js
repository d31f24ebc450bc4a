// Who is typing in which room: shown for five seconds, or until the message comes.
const SHOWN_MS = 5000;
const PEOPLE_MAX = 20;
export class Typing {
    #setTimer;
    #changed;
    #rooms = new Map();
    constructor(setTimer, changed) {
        this.#setTimer = setTimer;
        this.#changed = changed;
    }
    in(room) {
        return [...(this.#rooms.get(room)?.values() ?? [])].map(({ who }) => who);
    }
    show(room, who) {
        const people = this.#rooms.get(room) ?? new Map();
        const name = nameOf(who);
        if (!people.has(name) && people.size >= PEOPLE_MAX)
            return;
        people.get(name)?.cancel();
        people.set(name, { who, cancel: this.#setTimer(SHOWN_MS, () => this.hide(room, who)) });
        this.#rooms.set(room, people);
        this.#changed(room);
    }
    hide(room, who) {
        const people = this.#rooms.get(room);
        const shown = people?.get(nameOf(who));
        if (people === undefined || shown === undefined)
            return;
        shown.cancel();
        people.delete(nameOf(who));
        if (people.size === 0)
            this.#rooms.delete(room);
        this.#changed(room);
    }
    stop() {
        for (const people of this.#rooms.values())
            for (const { cancel } of people.values())
                cancel();
        this.#rooms.clear();
    }
}
const nameOf = (who) => (who.user === undefined ? `guest ${who.guest ?? ""}` : who.user);

// The messages that this browser has taken from its user and the server has not answered yet.
//
// A message is on the shelf before anybody may send it, and leaves it only when the server has stored it or the user
// has discarded it. Each one stands under a name of its own, so tabs that share the shelf cannot undo each other's
// changes. Knows nothing of connections: see `conversation.ts`.
const PREFIX = "tidings.outbox.";
const TEXT_BYTES_MAX = 16 * 1024;
const DRAFTS_MAX = 200;
export class Outbox {
    #shelf;
    #newKey;
    #drafts = new Map();
    constructor(shelf, newKey) {
        this.#shelf = shelf;
        this.#newKey = newKey;
        this.refresh();
    }
    /** Everything on the shelf in order, refused messages included. */
    all() {
        return [...this.#drafts.values()];
    }
    /** What is still to be sent, in order. */
    waiting() {
        return this.all().filter((draft) => draft.code === undefined);
    }
    add(input) {
        if (input.trim() === "")
            return { kind: "empty" };
        const bytes = new TextEncoder().encode(input);
        if (bytes.length > TEXT_BYTES_MAX)
            return { kind: "too-long" };
        if (this.#drafts.size >= DRAFTS_MAX)
            return { kind: "full" };
        // Half of a surrogate pair cannot travel as UTF-8: what is kept is what will be sent.
        const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
        // Another tab may have added a message meanwhile, and places are handed out behind all of them.
        this.refresh();
        const place = 1 + Math.max(0, ...this.all().map((draft) => draft.place));
        const draft = { key: this.#newKey(), text, place };
        try {
            this.#keep(draft);
        }
        catch {
            return { kind: "not-kept" };
        }
        return { kind: "kept", draft };
    }
    stored(key) {
        this.discard(key);
    }
    refused(key, code) {
        const draft = this.#drafts.get(key);
        if (draft === undefined)
            return;
        const refused = { ...draft, code };
        try {
            this.#keep(refused);
        }
        catch {
            // A full shelf must not hide the refusal; after a reload the server will refuse it again.
            this.#drafts.set(key, refused);
        }
    }
    discard(key) {
        this.#shelf.remove(PREFIX + key);
        this.#drafts.delete(key);
    }
    /** Takes over what other tabs have added and drops what they have finished. */
    refresh() {
        const drafts = [];
        for (const name of this.#shelf.names()) {
            if (!name.startsWith(PREFIX))
                continue;
            const draft = parse(name.slice(PREFIX.length), this.#shelf.read(name));
            if (draft !== null)
                drafts.push(draft);
        }
        drafts.sort((a, b) => a.place - b.place || (a.key < b.key ? -1 : 1));
        this.#drafts = new Map(drafts.map((draft) => [draft.key, draft]));
    }
    #keep(draft) {
        const { key, ...rest } = draft;
        this.#shelf.write(PREFIX + key, JSON.stringify(rest));
        this.#drafts.set(key, draft);
    }
}
function parse(key, value) {
    if (value === null)
        return null;
    let kept;
    try {
        kept = JSON.parse(value);
    }
    catch {
        return null;
    }
    if (typeof kept !== "object" || kept === null)
        return null;
    const { text, place, code } = kept;
    if (typeof text !== "string" || typeof place !== "number" || !Number.isSafeInteger(place))
        return null;
    return typeof code === "string" ? { key, text, place, code } : { key, text, place };
}

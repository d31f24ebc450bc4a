// What this page shows of the log, and up to where.
//
// The cursor moves only when a line has been shown, so a line is asked for again rather than lost. What is at or
// below the cursor has been shown already. Should the server tell another story about such a place (its data was
// restored from a backup), that is reported, never hidden.
export class Transcript {
    #show;
    #texts = new Map();
    #cursor = 0;
    constructor(show) {
        this.#show = show;
    }
    get cursor() {
        return this.#cursor;
    }
    accept(line) {
        if (line.offset > this.#cursor) {
            this.#show(line);
            this.#texts.set(line.offset, line.text);
            this.#cursor = line.offset;
            return "shown";
        }
        return this.#texts.get(line.offset) === line.text ? "known" : "rewritten";
    }
    reset() {
        this.#texts.clear();
        this.#cursor = 0;
    }
}

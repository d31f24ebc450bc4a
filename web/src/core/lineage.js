// The secret that gives this browser's message keys their scope (DESIGN 6).
//
// It is made once and kept, so that a message sent again after a reload is known to be the same one.
import { randomHex } from "./random.ts";
const NAME = "tidings.lineage";
export function lineageOf(shelf, source) {
    const kept = shelf.read(NAME);
    if (kept !== null && /^[0-9a-f]{32}$/.test(kept))
        return kept;
    const made = randomHex(source);
    try {
        shelf.write(NAME, made);
    }
    catch {
        return made;
    }
    // Of two tabs that start at the same moment the later writer wins for both.
    return shelf.read(NAME) ?? made;
}

// What outlives the page: the outbox, and what this device has seen of the chat.
//
// A store promises two things. `commit` is all or nothing, so the cursor never stands further than what it stands for.
// `changeOutbox` reads and writes in one transaction that no other tab can come between, so a number is given to one
// command only. "Returned" means kept. Knows nothing of connections.
/** Leaves out what a later change of the same batch overwrites. */
export function condensed(changes) {
    const seen = new Set();
    const kept = [];
    for (const change of changes.toReversed()) {
        const name = nameOf(change);
        if (name !== null) {
            if (seen.has(name))
                continue;
            seen.add(name);
        }
        else if (change.kind === "forget all" || change.kind === "forget room") {
            // What stands before it must not be taken for overwritten by what stands behind it.
            seen.clear();
        }
        kept.push(change);
    }
    return kept.reverse();
}
function nameOf(change) {
    switch (change.kind) {
        case "room":
            return `room ${change.room.room}`;
        case "cursor":
        case "session":
            return change.kind;
        case "draft":
            return `draft ${change.room}`;
        case "person":
            return `person ${change.person.user}`;
        case "message":
        case "notice":
        case "forget room":
        case "forget messages":
        case "settled":
        case "refused":
        case "forget all":
            return null;
    }
}

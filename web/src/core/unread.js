// How many messages of a room its reader has not seen: derived from what is known, never counted up.
//
// Exact over the messages that are here. Where some are not, the server's own count stands in for them, and as long
// as there is none the number is only a lower bound (`exact` is false: somebody should ask).
import { lowerBound } from "./model.ts";
import { covers } from "./spans.ts";
export const UNREAD_MAX = 100;
export function unreadOf(facts) {
    const { read, seq, held, away } = facts;
    if (seq <= read)
        return { count: 0, capped: false, exact: true };
    if (covers(held, read + 1, seq))
        return { ...counted(facts, read), exact: true };
    if (away === undefined || away.read !== read)
        return { ...counted(facts, read), exact: false };
    const newer = counted(facts, Math.max(away.mark, read));
    const sum = away.count + newer.count;
    const capped = away.capped || newer.capped || sum > UNREAD_MAX;
    return { count: Math.min(sum, UNREAD_MAX), capped, exact: away.capped || covers(held, away.mark + 1, seq) };
}
/** Those that are here after `after`; counting ends at the bound. */
function counted(facts, after) {
    let count = 0;
    for (let place = lowerBound(facts.messages, (message) => message.seq <= after); place < facts.messages.length; place += 1) {
        const message = facts.messages[place];
        if (message === undefined || !facts.counts(message))
            continue;
        if (count === UNREAD_MAX)
            return { count, capped: true };
        count += 1;
    }
    return { count, capped: false };
}

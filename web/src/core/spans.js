// Sets of message numbers as spans: which messages of a room are here, and where the holes are.
//
// A set is an ascending list of spans with both ends inclusive that neither overlap nor touch.
/** The set with the span in it. */
export function withSpan(spans, from, to) {
    if (from > to)
        return spans;
    const before = spans.filter((span) => span[1] < from - 1);
    const after = spans.filter((span) => span[0] > to + 1);
    const touching = spans.slice(before.length, spans.length - after.length);
    const first = touching[0]?.[0] ?? from;
    const last = touching.at(-1)?.[1] ?? to;
    return [...before, [Math.min(from, first), Math.max(to, last)], ...after];
}
/** The set without the span. */
export function withoutSpan(spans, from, to) {
    return spans.flatMap((span) => {
        if (span[1] < from || span[0] > to)
            return [span];
        const left = [span[0], from - 1];
        const right = [to + 1, span[1]];
        return [left, right].filter((part) => part[0] <= part[1]);
    });
}
/** What lies between `from` and `to` and is not in the set. */
export function holesOf(spans, from, to) {
    const holes = [];
    let next = from;
    for (const [start, end] of spans) {
        if (end < next)
            continue;
        if (start > to)
            break;
        if (start > next)
            holes.push([next, start - 1]);
        next = end + 1;
    }
    if (next <= to)
        holes.push([next, to]);
    return holes;
}
export function contains(spans, seq) {
    return spans.some((span) => span[0] <= seq && seq <= span[1]);
}
export function covers(spans, from, to) {
    return from > to || spans.some((span) => span[0] <= from && to <= span[1]);
}

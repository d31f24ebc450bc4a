// Where a run is cut: behind which notes, and how much of what was not flushed is there all the same.

import { textsIn } from "./disk-oracle.mjs";

/** The acts of a run: where each begins and ends. */
function acts(notes) {
  const begins = [...notes.keys()].filter((index) => notes[index].kind === "P" && JSON.parse(notes[index].bytes.toString()).act !== undefined);
  return begins.map((begin, number) => [begin, begins[number + 1] ?? notes.length]);
}

const isPromise = ({ kind, bytes }) => kind === "P" || (kind === "S" && textsIn(bytes).length > 0);
const isName = ({ kind }) => ["C", "U", "R", "L", "M"].includes(kind);
const isFlush = ({ kind }) => kind === "F";

/** The cuts at the end of each act, in order: nothing is there that was not flushed. */
export function cutsAtEnds(notes, windows = acts(notes)) {
  return acts(notes).flatMap(([begin, end]) => {
    const last = begin + notes.slice(begin, end).findLastIndex(isPromise);
    return windows.some(([first, behind]) => last >= first && last < behind) ? [{ point: last + 1, share: 0 }] : [];
  });
}

/** `count` cuts, in order, as many in each act, or window: next to promises, flushes and names, or anywhere. */
export function cutsAnywhere(notes, dice, count, windows = acts(notes)) {
  const cuts = Array.from({ length: count }, (_, number) => {
    const [begin, end] = count < windows.length ? dice.pick(windows) : windows[number % windows.length];
    const inside = Array.from({ length: end - begin }, (_, index) => begin + index);
    const likes = dice.pick([isPromise, isFlush, isName, () => true]);
    const liked = inside.filter((index) => likes(notes[index]));
    const point = dice.pick(liked.length > 0 ? liked : inside) + 1;
    return { point, share: dice.chance(0.6) ? dice.next() : 0 };
  });
  return cuts.sort((one, other) => one.point - other.point);
}

// The history checker: ten invariants over what clients sent, were told and saw, and over the log as it is in the end.
//
// It knows nothing of servers and sockets: a history is plain data, so that hand-made bad ones test the checker itself.
// What it judges is written down by `Recorder` (proof/support/recorder.mjs) while a test runs.
//
// A history:
// - `log`      `[{ offset, text }]`: the whole log, as a reader reads it that has seen nothing
// - `sent`     `[{ sender, key, text }]` in the order of sending; a retry is no new send
// - `acked`    `[{ sender, key }]`: sends that were acked as stored
// - `refused`  `[{ sender, key }]`: sends that were refused for good
// - `views`    `[{ client, steps }]`, where a step is a line, `{ offset, text }`, or a connect,
//              `{ connect: { recovered, after, resync } }`: `after` is the last offset that the client said it has, and
//              `resync` that the test expects to be given everything once more (a database that went back in time)
// - `readers`  `[{ acked: [{ sender, key }], lines }]`: somebody who came after those acks
// - `settled`  `[{ client, took, limit }]`: milliseconds until a client had everything after the last fault
//
// Texts must be unique among the sends whose fate matters; the tests see to that.

export const INVARIANTS = {
  I1: "every acked message stands in the log exactly once",
  I2: "nothing stands in the log that nobody sent, and nothing twice",
  I3: "each view is contiguous, without doubles, increasing",
  I4: "all views agree with each other and with the log on what stands where",
  I5: "each sender's messages stand in the order of sending",
  I6: "what anybody saw is still there in the end",
  I7: "after an ack, every new reader sees the message",
  I8: "recovered means that nothing is missing",
  I9: "after the fault everybody has everything, in time",
  I10: "what was refused is not in the log",
};

/** A verdict: for each invariant how often it was looked at and what was wrong. */
export function check(history) {
  const facts = new Facts(history);
  const verdict = {};
  for (const [name, judge] of Object.entries(JUDGES)) {
    const findings = new Findings();
    judge(facts, findings);
    verdict[name] = { checked: findings.checked, faults: findings.faults };
  }
  return verdict;
}

/** The names of the invariants that do not hold. */
export function broken(verdict) {
  return Object.keys(verdict).filter((name) => verdict[name].faults.length > 0);
}

/** Throws with all that is wrong. */
export function demand(verdict, about = "the history") {
  const names = broken(verdict);
  if (names.length === 0) return verdict;
  const lines = names.map((name) => `${name}, ${INVARIANTS[name]}:\n  ${verdict[name].faults.slice(0, 8).join("\n  ")}`);
  throw new Error(`${about} breaks ${names.join(", ")}\n${lines.join("\n")}`);
}

class Findings {
  checked = 0;
  faults = [];

  expect(holds, fault) {
    this.checked += 1;
    if (!holds) this.faults.push(fault());
  }
}

/** The history with what several judges look up. */
class Facts {
  constructor({ log, sent = [], acked = [], refused = [], views = [], readers = [], settled = [] }) {
    Object.assign(this, { log, sent, acked, refused, views, readers, settled });
    this.textOf = new Map(sent.map((send) => [name(send), send.text]));
    this.timesSent = tally(sent.map((send) => send.text));
    this.timesStored = tally(log.map((line) => line.text));
    this.textAt = new Map(log.map((line) => [line.offset, line.text]));
    this.head = log.at(-1)?.offset ?? 0;
  }
}

const JUDGES = {
  I1({ log, acked, textOf, timesStored }, findings) {
    for (const [index, { offset }] of log.entries()) {
      findings.expect(offset === index + 1, () => `the log has ${offset} where ${index + 1} belongs`);
    }
    const wanted = new Map();
    for (const send of unique(acked)) {
      const text = textOf.get(name(send));
      findings.expect(text !== undefined, () => `${name(send)} was acked and never sent`);
      if (text !== undefined) wanted.set(text, (wanted.get(text) ?? 0) + 1);
    }
    for (const [text, times] of wanted) {
      const stored = timesStored.get(text) ?? 0;
      findings.expect(stored === times, () => `${show(text)} was acked ${times} times and stands ${stored} times in the log`);
    }
  },

  I2({ timesStored, timesSent }, findings) {
    for (const [text, stored] of timesStored) {
      const sent = timesSent.get(text) ?? 0;
      findings.expect(stored <= sent, () => `${show(text)} stands ${stored} times in the log and was sent ${sent} times`);
    }
  },

  I3({ views }, findings) {
    for (const { client, steps } of views) {
      for (const { offset, expected } of walk(steps)) {
        findings.expect(offset === expected, () => `${client} got ${offset} where ${expected} was due`);
      }
    }
  },

  I4({ views, textAt }, findings) {
    // A database that went back in time numbers anew: what was seen before is compared with its like only.
    const eras = [new Map(textAt)];
    for (const { client, steps } of views) {
      let era = steps.filter((step) => step.connect?.resync === true).length;
      for (const step of steps) {
        if (step.connect !== undefined) {
          if (step.connect.resync === true) era -= 1;
          continue;
        }
        const seen = (eras[era] ??= new Map());
        const other = seen.get(step.offset) ?? step.text;
        findings.expect(
          other === step.text,
          () => `${client} saw ${show(step.text)} at ${step.offset}, where others have ${show(other)}`,
        );
        seen.set(step.offset, other);
      }
    }
  },

  I5({ sent, log, timesSent }, findings) {
    const placeOf = new Map(log.map(({ offset, text }) => [text, offset]));
    const last = new Map();
    for (const { sender, text } of sent) {
      const place = placeOf.get(text);
      if (place === undefined || timesSent.get(text) > 1) continue;
      const before = last.get(sender);
      findings.expect(
        before === undefined || before.place < place,
        () => `${sender} sent ${show(before.text)} before ${show(text)}, which stand at ${before.place} and ${place}`,
      );
      last.set(sender, { place, text });
    }
  },

  I6({ views, timesStored, head }, findings) {
    for (const { client, steps } of views) {
      // What a database forgot that went back in time is the one loss that no server can undo.
      const from = steps.findLastIndex((step) => step.connect?.resync === true) + 1;
      for (const { offset, text } of lines(steps.slice(from))) {
        const kept = timesStored.has(text) && offset <= head;
        findings.expect(kept, () => `${client} saw ${show(text)} at ${offset}, and it is gone`);
      }
    }
  },

  I7({ readers, textOf }, findings) {
    for (const [index, { acked, lines: read }] of readers.entries()) {
      const texts = new Set(read.map((line) => line.text));
      for (const send of acked) {
        const text = textOf.get(name(send));
        findings.expect(texts.has(text), () => `reader ${index} came after the ack of ${show(text)} and did not see it`);
      }
    }
  },

  I8({ views }, findings) {
    for (const { client, steps } of views) {
      for (const { offset, expected, recovered, first } of walk(steps)) {
        if (!recovered || !first) continue;
        findings.expect(offset === expected, () => `${client} was recovered, and got ${offset} where ${expected} was due`);
      }
    }
  },

  I9({ views, settled, head }, findings) {
    for (const { client, steps } of views) {
      const last = lines(steps).at(-1)?.offset ?? head;
      findings.expect(last === head, () => `${client} has everything up to ${last} of ${head}`);
    }
    for (const { client, took, limit } of settled) {
      findings.expect(took <= limit, () => `${client} needed ${took} ms of ${limit} to have everything`);
    }
  },

  I10({ refused, textOf, timesStored, timesSent }, findings) {
    for (const send of unique(refused)) {
      const text = textOf.get(name(send));
      const stored = timesStored.get(text) ?? 0;
      // The same text may have been stored for another send of it.
      const others = (timesSent.get(text) ?? 0) - 1;
      findings.expect(stored <= others, () => `${show(text)} was refused and is in the log`);
    }
  },
};

/** Each line of a view with the offset that was due there, and what the connect before it said. */
function* walk(steps) {
  let last;
  let recovered = false;
  let first = false;
  for (const step of steps) {
    if (step.connect !== undefined) {
      ({ recovered } = step.connect);
      first = true;
      if (step.connect.resync === true) last = 0;
      else if (last === undefined && step.connect.after !== undefined) last = step.connect.after;
      continue;
    }
    yield { offset: step.offset, expected: last === undefined ? step.offset : last + 1, recovered, first };
    last = step.offset;
    first = false;
  }
}

const lines = (steps) => steps.filter((step) => step.connect === undefined);

const name = ({ sender, key }) => `${sender}/${key}`;

const show = (text) => JSON.stringify(text)?.slice(0, 60);

function unique(sends) {
  return new Map(sends.map((send) => [name(send), send])).values();
}

function tally(items) {
  const counts = new Map();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}

// The checker is trusted only while it finds what is wrong in histories made by hand, and says which promise it is.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { broken, check, demand, INVARIANTS } from "../harness/checker.mjs";

/** Three people, five messages, a cut, a reader who came late, a refusal: all as it should be. */
function good() {
  const texts = ["a0", "b0", "a1", "b1", "a2"];
  const log = texts.map((text, index) => ({ offset: index + 1, text }));
  const send = (text) => ({ sender: text.startsWith("a") ? "ada" : "bob", key: text.slice(1), text });
  return {
    log,
    sent: [...texts.map(send), { sender: "bob", key: "9", text: "too long" }],
    acked: texts.map(send),
    refused: [{ sender: "bob", key: "9" }],
    views: [
      { client: "ada", steps: [connect(false, 0), ...log] },
      { client: "bob", steps: [connect(false, 0), ...log.slice(0, 2), connect(true, 2), ...log.slice(2)] },
      { client: "cleo", steps: [connect(false, 3), log[3], connect(false, 4), log[4]] },
    ],
    readers: [{ acked: texts.slice(0, 4).map(send), lines: log }],
    settled: [{ client: "ada", took: 40, limit: 10_000 }],
  };
}

const connect = (recovered, after, more = {}) => ({ connect: { recovered, after, ...more } });

/** A good history with one thing changed, and the invariants that this breaks. */
const BAD = {
  "an acked message is not in the log": [["I1"], (h) => {
    h.sent.push({ sender: "cleo", key: "0", text: "c0" });
    h.acked.push({ sender: "cleo", key: "0" });
  }],
  "an acked message stands there twice": [["I1", "I2", "I5"], (h) => {
    h.log.push({ offset: 6, text: "a0" });
    for (const view of h.views) view.steps.push({ offset: 6, text: "a0" });
  }],
  "a retry that was never acked was stored twice": [["I2"], (h) => {
    h.sent.push({ sender: "cleo", key: "0", text: "c0" });
    for (const offset of [6, 7]) {
      h.log.push({ offset, text: "c0" });
      for (const view of h.views) view.steps.push({ offset, text: "c0" });
    }
  }],
  "the log has a hole": [["I1", "I3", "I8", "I9"], (h) => {
    for (const line of h.log.slice(2)) line.offset += 1;
    h.views.length = 2;
    h.views[0].steps.pop();
  }],
  "a text was changed on its way to the disk": [["I1", "I2", "I4", "I6", "I7"], (h) => {
    h.log[2] = { offset: 3, text: "A1" };
  }],
  "somebody's message is in the log that nobody sent": [["I2"], (h) => {
    h.log.push({ offset: 6, text: "ghost" });
    for (const view of h.views) view.steps.push({ offset: 6, text: "ghost" });
  }],
  "a live message overtook the replay": [["I3"], (h) => {
    const { steps } = h.views[0];
    [steps[2], steps[4]] = [steps[4], steps[2]];
  }],
  "a message was shown twice": [["I3"], (h) => h.views[0].steps.splice(3, 0, h.views[0].steps[2])],
  "a message was skipped": [["I3"], (h) => h.views[0].steps.splice(3, 1)],
  "a client that asked from an offset got less": [["I3"], (h) => {
    h.views[2].steps.splice(0, 2, connect(false, 2));
    h.views[2].steps.splice(1, 1);
  }],
  "two clients saw an order of their own": [["I4"], (h) => {
    h.views[1].steps = h.views[1].steps.map((step) => ({ ...step }));
    const [, one, two] = h.views[1].steps;
    [one.text, two.text] = [two.text, one.text];
  }],
  "a sender's second message was stored first": [["I5"], (h) => {
    [h.sent[0], h.sent[2]] = [h.sent[2], h.sent[0]];
  }],
  "a message was seen and did not outlive the crash": [["I6"], (h) => {
    h.sent.push({ sender: "cleo", key: "0", text: "c0" }, { sender: "cleo", key: "1", text: "c1" });
    h.log.push({ offset: 6, text: "c1" });
    h.views = [{ client: "ada", steps: [connect(false, 5), { offset: 6, text: "c0" }] }];
  }, ["I4"]],
  "a message was seen behind the end of the log": [["I6", "I9"], (h) => {
    h.sent.push({ sender: "cleo", key: "0", text: "c0" });
    h.views[0].steps.push({ offset: 6, text: "c0" });
  }],
  "a new reader missed what had been acked": [["I7"], (h) => h.readers[0].lines = h.log.slice(0, 3)],
  "recovered, and one is missing": [["I3", "I8"], (h) => h.views[1].steps.splice(4, 1)],
  "recovered, and one comes again": [["I3", "I8"], (h) => h.views[1].steps.splice(4, 0, h.log[1])],
  "not recovered, and one is missing": [["I3"], (h) => {
    h.views[1].steps[3] = connect(false, 2);
    h.views[1].steps.splice(4, 1);
  }],
  "a client went deaf": [["I9"], (h) => h.views[1].steps.pop()],
  "a client came back too late": [["I9"], (h) => h.settled[0].took = 10_001],
  "a refused message is in the log": [["I10"], (h) => {
    h.log.push({ offset: 6, text: "too long" });
    for (const view of h.views) view.steps.push({ offset: 6, text: "too long" });
  }],
  "an ack for what nobody sent": [["I1"], (h) => h.acked.push({ sender: "cleo", key: "5" })],
};

describe("the history checker", () => {
  test("finds nothing in a good history, and looks at every invariant", () => {
    const verdict = check(good());
    assert.deepEqual(broken(verdict), []);
    assert.deepEqual(Object.keys(verdict), Object.keys(INVARIANTS));
    for (const [name, { checked }] of Object.entries(verdict)) assert.ok(checked > 0, name);
    demand(verdict);
  });

  test("lets a history be sent again after a database went back in time", () => {
    const history = good();
    history.views[0].steps = [connect(false, 0), { offset: 1, text: "a0" }, { offset: 2, text: "lost" }, connect(false, 2, { resync: true }), ...history.log];
    assert.deepEqual(broken(check(history)), []);
    history.views[1].steps.unshift(connect(false, 0), { offset: 1, text: "a0" }, { offset: 2, text: "other" }, connect(false, 2, { resync: true }));
    assert.deepEqual(broken(check(history)), ["I4"], "those who saw the lost part have to agree on it, too");
  });

  test("knows two people who say the same from one who is stored twice", () => {
    const history = good();
    for (const [sender, offset] of [["ada", 6], ["bob", 7]]) {
      history.sent.push({ sender, key: "hi", text: "hi" });
      history.acked.push({ sender, key: "hi" });
      history.log.push({ offset, text: "hi" });
      for (const view of history.views) view.steps.push({ offset, text: "hi" });
    }
    assert.deepEqual(broken(check(history)), []);
    history.acked.push({ sender: "ada", key: "hi" });
    assert.deepEqual(broken(check(history)), [], "an ack that comes twice is one ack");
  });

  for (const [what, [expected, spoil, also = []]] of Object.entries(BAD)) {
    test(`finds it when ${what}`, () => {
      const history = structuredClone(good());
      spoil(history);
      const verdict = check(history);
      assert.deepEqual(broken(verdict).filter((name) => !also.includes(name)), expected);
      assert.throws(() => demand(verdict), new RegExp(INVARIANTS[expected[0]]));
    });
  }
});

// What the tests of the core use of vitest, for the bench: it runs them hundreds of times in one process, which vitest is not
// made for. Tests are only noted here, in the order of the files; `bench.mjs` runs them.

import { ASYMMETRIC_MATCHERS_OBJECT, chai, JestAsymmetricMatchers, JestChaiExpect, JestExtend, setState } from "@vitest/expect";
import { restoreAllMocks, spyOn } from "@vitest/spy";

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);

export const expect = (value, message) => chai.expect(value, message);
Object.assign(expect, chai.expect, globalThis[ASYMMETRIC_MATCHERS_OBJECT]);
setState({ assertionCalls: 0, isExpectingAssertions: false, isExpectingAssertionsError: null, expectedAssertionsNumber: null, expectedAssertionsNumberErrorGen: null }, expect);

/** What has been noted since the last time. */
let noted = { tests: [], after: [] };

export function takeNoted() {
  const taken = noted;
  noted = { tests: [], after: [] };
  return taken;
}

export const afterEach = (act) => void noted.after.push(act);

const bodyOf = (parts) => parts.find((part) => typeof part === "function");
const rows = (table) => table.map((row) => (Array.isArray(row) ? row : [row]));
const whole = (names, name) => [...names, name].join(" > ");
/** What the next test is in, the file first. */
const names = [""];

/** What comes now is in this file. */
export const begin = (file) => void (names[0] = file);

export function describe(name, ...parts) {
  names.push(name);
  bodyOf(parts)();
  names.pop();
}
describe.each =
  (table) =>
  (name, ...parts) =>
    rows(table).forEach((row, index) => describe(`${name} #${index}`, () => bodyOf(parts)(...row)));

const PATIENCE_MAX_MS = 60_000;

/** One that may take very long is left out. */
export function test(name, ...parts) {
  if (!parts.some((part) => part > PATIENCE_MAX_MS)) noted.tests.push({ name: whole(names, name), run: bodyOf(parts) });
}
test.each =
  (table) =>
  (name, ...parts) =>
    rows(table).forEach((row, index) => test(`${name} #${index}`, () => bodyOf(parts)(...row), ...parts.filter((part) => typeof part === "number")));
test.runIf = (condition) => (condition ? test : () => undefined);

export const vi = { spyOn, restoreAllMocks };

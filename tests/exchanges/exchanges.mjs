// What people and a server of `/v1` say to each other: one script, which the real server and the model server of the app's
// tests both go through. What they answer has to be what is recorded in `answers.json`.
//
// Ids, times, cursors, tokens and codes differ from run to run: each is replaced by a name.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

export const ANSWERS = here("answers.json");
export const script = JSON.parse(readFileSync(here("script.json"), "utf8"));
export const recorded = () => JSON.parse(readFileSync(ANSWERS, "utf8"));

/** Neither stored nor told in an order. */
const EPHEMERAL = new Set(["presence", "typing", "typing stopped", "read"]);
/** What concerns one person alone; the model server has no sign-ins that end. */
const PERSONAL = new Set(["signed in", "signed out"]);
const LAST = "the end";

/**
 * Goes through the script. `open(auth)` gives a connection: `events`, a list of `{ event, ...fields }` that grows,
 * `refusal`, `ask(event, payload)`, `until(condition, what)` and `close()`.
 */
export async function runScript(open) {
  const people = new Map();
  const names = new Map();
  const kept = new Map();
  const answers = [];
  const note = (step, answer) => answers.push(`${step} -> ${JSON.stringify(named(answer, names))}`);

  const connect = async (step) => {
    const { connects: name, again } = step;
    const before = people.get(name);
    const auth = { v: 1, device: before?.device ?? deviceOf(people.size), ...step.with };
    if (before !== undefined) {
      await before.connection.close();
      const cursor = again === "from the cursor" ? before.connection.events.findLast(({ cursor }) => cursor !== undefined)?.cursor : "1.zzzz.1";
      Object.assign(auth, { token: before.token, cursor });
    }
    const connection = await open(auth);
    await connection.until(() => connection.refusal !== undefined || connection.events.some(({ event }) => event === "welcome"), "a welcome");
    if (connection.refusal !== undefined) return note(`${name} connects`, { refused: connection.refusal });
    const { event: _, online: __, ...welcome } = connection.events.find(({ event }) => event === "welcome");
    names.set(welcome.user.user, `<${name}>`);
    kept.set(name, welcome.user.user);
    people.set(name, { device: auth.device, token: before?.token ?? welcome.token, connection, heard: [...(before?.heard ?? []), connection] });
    note(`${name} connects${again === undefined ? "" : ` again, ${again}`}`, welcome);
  };

  const send = async ({ who, sends, with: fields, keeps = {} }) => {
    const answer = await people.get(who).connection.ask(sends, filled(fields, kept));
    for (const [field, name] of Object.entries(keeps)) kept.set(name, answer[field]);
    note(`${who}: ${sends} ${JSON.stringify(fields)}`, answer);
  };

  for (const step of script) {
    if (step.connects !== undefined) await connect(step);
    else if (step.leaves === true) await people.get(step.who).connection.close();
    else for (let times = 0; times < (step.repeats ?? 1); times += 1) await send(step.from === undefined ? step : { ...step, with: { n: step.from + times, ...step.with } });
  }
  const events = {};
  for (const [name, { connection, heard }] of people) {
    // What the last one says comes after everything else; it does not hear itself.
    const isLast = script.at(-1).who === name;
    if (!isLast) await connection.until(() => connection.events.some(({ text }) => text === LAST), `the end for ${name}`);
    const durable = heard.flatMap(({ events: all }) => all.filter(({ event }) => event !== "welcome" && !EPHEMERAL.has(event) && !PERSONAL.has(event)));
    // What is edited or deleted before it has reached somebody comes as it is then, sooner or later: `changes` tells the texts.
    events[name] = durable.map(({ text: _, edited: __, deleted: ___, ...event }) => JSON.stringify(named(event, names)));
  }
  return { answers, events };
}

const deviceOf = (index) => String(index + 1).repeat(32);

/** With what was kept of earlier answers in the places of `$name`. */
function filled(value, kept) {
  if (typeof value === "string" && value.startsWith("$")) return kept.get(value.slice(1)) ?? value;
  if (Array.isArray(value)) return value.map((item) => filled(item, kept));
  if (typeof value !== "object" || value === null) return value;
  if (typeof value.repeat === "string") return value.repeat.repeat(value.times);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(item, kept)]));
}

// Who is online is known a moment later.
const PLACES = { online: "<whether>", cursor: "<cursor>", at: "<time>", expires: "<time>", token: "<token>", server: "<server>", sign_in: "<sign-in>", id: "<sign-in>" };

/** Without what differs from run to run; the order of fields says nothing. */
function named(value, names, key) {
  if (key in PLACES && value !== undefined) return PLACES[key];
  if (typeof value === "string") {
    if (key === "code" && /^invite-|^.{20,}$/.test(value)) return "<code>";
    if (value.length > 200) return `${value[0]} x ${value.length}`;
    return names.get(value) ?? value;
  }
  if (Array.isArray(value)) {
    const items = value.map((item) => named(item, names));
    // People stand in the order of their ids, which are random.
    return items.every((item) => typeof item?.user === "string") ? items.sort((a, b) => (a.user < b.user ? -1 : 1)) : items;
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([field, item]) => [names.get(field) ?? field, named(item, names, field)]));
}

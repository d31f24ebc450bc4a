// Sample data for the client in memory: people, rooms, and a few days of messages.

import type { Person } from "../src/core/facade.ts";
import { MemoryChat } from "./memory-chat.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

function person(digit: string, name?: string): Person {
  return { user: digit.repeat(16), ...(name === undefined ? {} : { name }) };
}

export const ada = person("a", "ada");
export const bob = person("b", "bob");
export const cleo = person("c", "cleo");
const dilara = person("d", "Dilara");
const samir = person("e", "سمير");
const guest = person("7");
const everybody = [ada, bob, cleo, dilara, samir, guest];

const TALK: readonly (readonly [Person, number, string])[] = [
  [bob, 2 * DAY + 61 * MINUTE, "Has anybody tried the new build on a slow line?"],
  [cleo, 2 * DAY + 58 * MINUTE, "Yes, on the train this morning. Three tunnels, nothing lost :)"],
  [cleo, 2 * DAY + 58 * MINUTE, "It said *waiting for the network* and then just sent everything, in order."],
  [bob, 2 * DAY + 50 * MINUTE, "👏"],
  [ada, DAY + 300 * MINUTE, "Notes from today:\n\n- the **outbox** is written before anything is sent\n- a retry gives back the *first* answer\n- holes are filled when you scroll to them\n\nDetails in https://example.org/notes_(draft)."],
  [dilara, DAY + 296 * MINUTE, "> a retry gives back the first answer\n\nAlso a year later?"],
  [ada, DAY + 295 * MINUTE, "Also a year later. The check is one line:\n\n```rust\nif let Some(known) = keys.get(&draft.key) {\n    return Ok(known.offset);\n}\n```"],
  [dilara, DAY + 294 * MINUTE, "Lovely. I tried `kill -9` in the middle of it, it did not care."],
  [guest, 190 * MINUTE, "hello from a plain Socket.IO client"],
  [samir, 185 * MINUTE, "مرحبا! هل يعمل كل شيء هنا من اليمين إلى اليسار أيضًا؟"],
  [ada, 184 * MINUTE, "It does. Every message finds its own direction."],
  [bob, 42 * MINUTE, "Lunch at one? The place with the long tables."],
  [cleo, 40 * MINUTE, "I am in."],
  [cleo, 40 * MINUTE, "~~Soup~~ Dumplings!"],
  [ada, 38 * MINUTE, "See you there"],
];

export interface World {
  readonly chat: MemoryChat;
  readonly everybody: readonly Person[];
}

export function world(options: { readonly named: boolean; readonly rows: number }): World {
  const chat = new MemoryChat({ user: ada.user ?? null, name: options.named ? "ada" : null, owner: false });
  const now = Date.now();
  chat.meet(everybody);
  chat.online.value = { people: [ada, bob, cleo, samir], count: 4 };
  chat.addRoom({ room: 1, kind: "public", name: "Lobby", topic: "Where everybody meets", joined: true, members: everybody });
  chat.addRoom({ room: 2, kind: "public", name: "design", topic: "Colours, type and other opinions", joined: true, members: [ada, bob, dilara], host: "a".repeat(16) });
  chat.addRoom({ room: 3, kind: "private", name: "tea room", topic: "", joined: true, members: [ada, cleo], host: "c".repeat(16) });
  chat.addRoom({ room: 4, kind: "direct", name: "", topic: "", joined: true, with: [bob], members: [ada, bob] });
  chat.addRoom({ room: 5, kind: "direct", name: "", topic: "", joined: true, with: [cleo, dilara], members: [ada, cleo, dilara] });
  chat.addRoom({ room: 6, kind: "public", name: "random", topic: "Anything", joined: false, members: [bob] });
  for (let index = 0; index < options.rows; index += 1) {
    const from = everybody[(index >> 2) % everybody.length] ?? bob;
    chat.arrive(1, from, `line ${index}: ${"words ".repeat(1 + ((index * 7) % 30))}`, now - 4 * DAY - (options.rows - index) * 2 * MINUTE);
  }
  for (const [index, [from, ago, text]] of TALK.entries()) {
    chat.arrive(1, from, text, now - ago);
    if (index === 8) chat.notice(1, { what: "joined", from: samir, who: samir }, now - 187 * MINUTE);
    if (index === 10) chat.notice(1, { what: "topic", from: bob, text: "Where everybody meets" }, now - 100 * MINUTE);
  }
  const lobby = chat.log(1);
  lobby.read.value = lobby.seq - 3;
  lobby.replace(lobby.seq, (row) => ({ ...row, edited: true }));
  for (const text of ["Is the accent too loud?", "In the dark look it is fine.", "I made it a little calmer."]) chat.arrive(2, dilara, text, now - 20 * MINUTE);
  chat.arrive(3, cleo, "The kettle is on.", now - 60 * MINUTE);
  chat.log(3).read.value = 1;
  chat.arrive(4, bob, "Did you see my note?", now - 15 * MINUTE);
  chat.setDraft({ room: 3 }, "Earl Grey, please");
  return { chat, everybody };
}

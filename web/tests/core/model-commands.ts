// The durable commands of the model server: numbers, permissions, and what they write.

import { isBlank } from "../../src/core/written.ts";
import type { ModelSession, ServerSight } from "./model-server.ts";
import { isMember, personOf, roomOf, type LogEntry, type RoomState, type State } from "./model-state.ts";

type Fields = Record<string, unknown>;
type Answer = Fields | null;

const COMMANDS = new Set(
  "say edit delete create direct rename join leave add remove name claim skip".split(" ").concat("set topic", "sign out"),
);
const TEXT_MAX = 16_384;

/** A permanent refusal. */
class Refusal extends Error {}

export class Commands {
  readonly links = new Map<string, { readonly server: string; readonly user: string }>();
  readonly #state: () => State;
  readonly #now: () => number;
  readonly #deliver: (entry: LogEntry) => void;
  readonly #sees: (sight: ServerSight) => void;
  #codes = 0;

  constructor(state: () => State, now: () => number, deliver: (entry: LogEntry) => void, sees: (sight: ServerSight) => void) {
    this.#sees = sees;
    this.#state = state;
    this.#now = now;
    this.#deliver = deliver;
  }

  isCommand(name: string): boolean {
    return COMMANDS.has(name);
  }

  newUser(): string {
    const state = this.#state();
    const user = (state.nextUser++).toString(16).padStart(16, "0");
    state.users.set(user, { name: null });
    return user;
  }

  newLink(user: string): string {
    const code = `link-${(this.#codes += 1)}`;
    this.links.set(code, { server: this.#state().server, user });
    return code;
  }

  /** Whose link of this server it is. */
  ownerOfLink(code: string): string | undefined {
    const link = this.links.get(code);
    return link?.server === this.#state().server ? link.user : undefined;
  }

  run(session: ModelSession, name: string, payload: Fields): Answer {
    const n = Number(payload["n"]);
    if (session.device === null) return { ok: false, code: "no_device", n };
    if (!Number.isSafeInteger(n) || n < 1) return { ok: false, code: "invalid" };
    const device = this.#device(session);
    const content = JSON.stringify([name, payload]);
    const known = device.results.get(n);
    if (known !== undefined) {
      const isSame = name === "skip" || known.content === content;
      if (isSame) this.#sees("a repeat was answered from the log");
      const { seq: _, ...skipped } = known.answer;
      return isSame ? (name === "skip" ? skipped : known.answer) : { ok: false, n, code: "conflict" };
    }
    if (n !== device.last + 1) this.#sees("a number was out of turn");
    else if (name === "skip") this.#sees("a number was skipped");
    if (n !== device.last + 1) return { ok: false, code: "expected", expected: device.last + 1 };
    let answer: Fields;
    try {
      answer = { ok: true, n, ...this.#carryOut(session, name, payload) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      answer = { ok: false, n, code: error.message };
    }
    device.last = n;
    device.results.set(n, { content, answer });
    return answer;
  }

  /** It cannot be stored now: there is no answer, or the disk is full. Those behind it are out of turn. */
  postpone(session: ModelSession, name: string, payload: Fields): Answer {
    const n = Number(payload["n"]);
    if (session.device === null || this.#device(session).last + 1 !== n) return this.run(session, name, payload);
    this.#sees("a command could not be stored for now");
    if (n % 2 === 1) return null;
    this.#sees("the disk was full");
    return { ok: false, code: "storage_full" };
  }

  #device(session: ModelSession) {
    const { devices } = this.#state();
    const name = `${session.user}/${session.device}`;
    const device = devices.get(name) ?? { last: 0, results: new Map<number, { content: string; answer: Fields }>() };
    devices.set(name, device);
    return device;
  }

  #carryOut(session: ModelSession, name: string, payload: Fields): Fields {
    const { user } = session;
    const state = this.#state();
    switch (name) {
      case "skip":
        return { skipped: true };
      case "say":
        return this.#say(session, payload);
      case "edit":
      case "delete":
        return this.#rewrite(session, name, payload);
      case "create": {
        this.#named(user);
        const kind = payload["kind"] === "private" ? "private" : "public";
        return this.#create(session, kind, String(payload["name"]), String(payload["topic"] ?? ""), [user], user);
      }
      case "direct":
        return this.#direct(session, payload);
      case "rename": {
        const room = this.#governed(payload, user);
        if (room.name === payload["name"]) return { room: room.room };
        room.name = String(payload["name"]);
        return this.#write(session, room, "room renamed", { name: room.name }, room.kind === "public" ? "all" : "room");
      }
      case "set topic": {
        const room = this.#governed(payload, user);
        if (room.topic === payload["topic"]) return { room: room.room };
        room.topic = String(payload["topic"]);
        return this.#write(session, room, "topic", { topic: room.topic }, room.kind === "public" ? "all" : "room");
      }
      case "join":
        return this.#join(session, payload);
      case "leave": {
        const room = this.#room(payload, user);
        if (room.room === 1) throw new Refusal("forbidden");
        if (!room.members.has(user)) return { room: room.room };
        return this.#out(session, room, "left", user);
      }
      case "add": {
        const room = this.#room(payload, user);
        const who = String(payload["user"]);
        if (room.kind !== "private") throw new Refusal("forbidden");
        if (!state.users.has(who)) throw new Refusal("not_found");
        if (room.members.has(who)) return { room: room.room };
        return this.#enter(session, room, who);
      }
      case "remove": {
        const room = this.#room(payload, user);
        const who = String(payload["user"]);
        if (room.kind === "direct" || room.room === 1 || room.host !== user || who === user) throw new Refusal("forbidden");
        if (!room.members.has(who)) return { room: room.room };
        room.barred.add(who);
        return this.#out(session, room, "removed", who);
      }
      case "name": {
        const taken = [...state.users].some(([other, { name: has }]) => other !== user && has === payload["name"]);
        if (taken) throw new Refusal("name_taken");
        if (state.users.get(user)?.name === payload["name"]) return { room: 0 };
        state.users.set(user, { name: String(payload["name"]) });
        return this.#house(session, "named");
      }
      // Each person of the model has one sign-in, which nobody ends.
      case "sign out":
        return { room: 0 };
      case "claim":
        if (payload["code"] !== "setup") throw new Refusal("bad_code");
        state.owners.add(user);
        return this.#house(session, "owner");
      default:
        throw new Refusal("invalid");
    }
  }

  #say(session: ModelSession, payload: Fields): Fields {
    const room = this.#room(payload, session.user);
    const text = String(payload["text"]);
    if (!isMember(room, session.user)) throw new Refusal(room.kind === "public" ? "forbidden" : "not_found");
    if (isBlank(text)) throw new Refusal("empty");
    if (text.length > TEXT_MAX) throw new Refusal("too_large");
    room.seq += 1;
    const own = { device: session.device ?? "", n: Number(payload["n"]) };
    const answer = this.#write(session, room, "message", { seq: room.seq, text, ...own }, "room");
    const at = Number(answer["at"]);
    room.messages.push({ room: room.room, seq: room.seq, rev: room.rev, at, user: session.user, text, ...own });
    return { ...answer, seq: room.seq };
  }

  #rewrite(session: ModelSession, name: "edit" | "delete", payload: Fields): Fields {
    const room = this.#room(payload, session.user);
    const message = room.messages[Number(payload["seq"]) - 1];
    if (message === undefined || (message.deleted === true && name === "edit")) throw new Refusal("not_found");
    const may = message.user === session.user || (name === "delete" && room.host === session.user);
    if (!may) throw new Refusal("forbidden");
    if (message.deleted === true) return { room: room.room };
    message.text = name === "edit" ? String(payload["text"]) : "";
    if (name === "edit") message.edited = true;
    else {
      message.deleted = true;
      delete message.edited;
    }
    const fields = name === "edit" ? { seq: message.seq, text: message.text } : { seq: message.seq };
    return this.#write(session, room, name === "edit" ? "edited" : "deleted", fields, "room");
  }

  #create(session: ModelSession, kind: RoomState["kind"], name: string, topic: string, people: string[], host?: string): Fields {
    const state = this.#state();
    const base = { kind, name, topic, seq: 0, rev: 0, barred: new Set<string>(), reads: new Map<string, number>(), messages: [] };
    const since = { position: state.log.length + 1, seq: 0, rev: 1 };
    const members = new Map(people.map((user) => [user, since]));
    const room: RoomState = { ...base, room: state.nextRoom++, members, ...(host === undefined ? {} : { host }) };
    state.rooms.set(room.room, room);
    const listed = kind === "public" ? {} : { members: people.map((user) => personOf(state, user)) };
    const fields = { kind, name, topic, ...listed, ...(host === undefined ? {} : { host }) };
    return this.#write(session, room, "room created", fields, kind === "public" ? "all" : "room");
  }

  #direct(session: ModelSession, payload: Fields): Fields {
    this.#named(session.user);
    const state = this.#state();
    const others = (payload["with"] as string[]).filter((user) => state.users.has(user));
    const people = [...new Set([session.user, ...others])].sort();
    const existing = [...state.rooms.values()].find(
      ({ kind, members }) => kind === "direct" && [...members.keys()].sort().join() === people.join(),
    );
    if (existing !== undefined) return { room: existing.room };
    return this.#create(session, "direct", "", "", people);
  }

  #join(session: ModelSession, payload: Fields): Fields {
    this.#named(session.user);
    const state = this.#state();
    const invite = payload["invite"];
    const id = typeof invite === "string" ? Number(invite.replace("invite-", "")) : Number(payload["room"]);
    const room = state.rooms.get(id);
    if (room === undefined) throw new Refusal(typeof invite === "string" ? "bad_code" : "not_found");
    if (room.barred.has(session.user)) throw new Refusal(room.kind === "public" ? "forbidden" : "bad_code");
    if (room.kind !== "public" && typeof invite !== "string") throw new Refusal("not_found");
    if (isMember(room, session.user)) return { room: room.room };
    return { ...this.#enter(session, room, session.user), about: roomOf(state, room, session.user) };
  }

  #enter(session: ModelSession, room: RoomState, who: string): Fields {
    const state = this.#state();
    room.barred.delete(who);
    room.members.set(who, { position: state.log.length + 1, seq: room.seq, rev: room.rev + 1 });
    room.reads.set(who, Math.max(room.reads.get(who) ?? 0, room.seq));
    const about = { ...roomOf(state, room, who), rev: room.rev + 1, read: room.seq };
    return this.#write(session, room, "joined", { who: personOf(state, who), about }, "room", [who]);
  }

  #out(session: ModelSession, room: RoomState, event: "left" | "removed", who: string): Fields {
    room.members.delete(who);
    return this.#write(session, room, event, { who: personOf(this.#state(), who) }, "room", [who]);
  }

  #house(session: ModelSession, event: "named" | "owner"): Fields {
    const state = this.#state();
    state.houseRev += 1;
    return this.#append(session, 0, state.houseRev, event, { who: personOf(state, session.user) }, "all", []);
  }

  #write(session: ModelSession, room: RoomState, event: string, fields: Fields, audience: "all" | "room", also: string[] = []): Fields {
    room.rev += 1;
    return this.#append(session, room.room, room.rev, event, fields, audience, also);
  }

  #append(session: ModelSession, room: number, rev: number, event: string, fields: Fields, audience: "all" | "room", also: string[]): Fields {
    const state = this.#state();
    const at = this.#now();
    const payload = { room, rev, at, from: personOf(state, session.user), ...fields };
    const entry: LogEntry = { position: state.log.length + 1, event, payload, room, rev, audience, also, socket: session.id };
    state.log.push(entry);
    this.#deliver(entry);
    return { cursor: session.server.cursor(entry.position), room, rev, at };
  }

  #room(payload: Fields, user: string): RoomState {
    const room = this.#state().rooms.get(Number(payload["room"]));
    if (room === undefined || (room.kind !== "public" && !isMember(room, user))) throw new Refusal("not_found");
    return room;
  }

  /** A room whose name and topic one may change. */
  #governed(payload: Fields, user: string): RoomState {
    const room = this.#room(payload, user);
    const isFree = room.kind === "private" && room.host === undefined;
    if (room.kind === "direct" || (room.host !== user && !isFree)) throw new Refusal("forbidden");
    return room;
  }

  #named(user: string): void {
    if ((this.#state().users.get(user)?.name ?? null) === null) throw new Refusal("name_required");
  }
}

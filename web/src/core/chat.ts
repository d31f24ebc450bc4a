// One tab's chat as the page knows it: commands, requests and signals, each handed to the part that does it.
//
//   page ── commands ──► outbox (store) ──► share ──► leader ──► server
//   page ◄── signals ── shown ◄── model ◄── kept changes ◄─┘
//
// Puts the parts together and owns nothing else: `outbox` owns the commands, `drafts` what is typed, `share` this tab's
// part in the one connection, `shown` what the page sees.

import type { ChatClient, CodeMeaning, DraftPlace, Result, RoomId, RoomMember, RoomSummary, RoomView, Seq, SignIn, UserId } from "./facade.ts";
import { Drafts } from "./drafts.ts";
import { Model } from "./model.ts";
import { renewed, withdrawn } from "./numbering.ts";
import { Outbox } from "./outbox.ts";
import type { Notepad, OnHide, OnWake, SetTimer, Transport, World } from "./ports.ts";
import { randomHex } from "./random.ts";
import { Share } from "./share.ts";
import { Shown } from "./shown.ts";
import { socketTransport } from "./socket-line.ts";
import type { Store } from "./store.ts";
import { summaryOfListed } from "./summary.ts";
import { NoTabs, type Tabs } from "./tabs.ts";
import * as wire from "./wire.ts";

export interface ChatOptions {
  /** The origin of the server, for the official client; a page names its own. */
  readonly url?: string;
  readonly namespace?: string;
  readonly store: Store;
  /** Without them this tab is alone. */
  readonly tabs?: Tabs;
  readonly transport?: () => Transport;
  readonly now?: () => number;
  readonly randomId?: () => string;
  readonly setTimer?: SetTimer;
  readonly random?: () => number;
  readonly onWake?: OnWake;
  readonly onHide?: OnHide;
  readonly notepad?: Notepad;
  /** Whether somebody can see this page; without it: yes. */
  readonly isWatched?: () => boolean;
  /** What the list of devices calls this one, such as "Chromium on Linux". */
  readonly label?: string;
}

/** Opens what is kept, and begins to connect. Works without a network from then on. */
export async function createChat(options: ChatOptions): Promise<ChatClient> {
  const chat = new Chat(options);
  await chat.start();
  return chat;
}

class Chat implements ChatClient {
  readonly connection: ChatClient["connection"];
  readonly me: ChatClient["me"];
  readonly rooms: ChatClient["rooms"];
  readonly outside: ChatClient["outside"];
  readonly online: ChatClient["online"];
  readonly people: ChatClient["people"];
  readonly strays: ChatClient["strays"];
  readonly ahead: ChatClient["ahead"];
  readonly untrusted: ChatClient["untrusted"];
  readonly lost: ChatClient["lost"];
  readonly #options: ChatOptions;
  readonly #world: World;
  readonly #model = new Model();
  readonly #outbox: Outbox;
  readonly #drafts: Drafts;
  readonly #shown: Shown;
  readonly #share: Share;
  #stopWake: (() => void) | null = null;
  #stopHide: (() => void) | null = null;

  constructor(options: ChatOptions) {
    this.#options = options;
    const world = (this.#world = worldOf(options));
    const { store, tabs = new NoTabs(), transport = () => socketTransport({ url: "", ...options }, world) } = options;
    const shown = (this.#shown = new Shown(this.#model, world, {
      isKeeping: () => this.#share.isKeeping,
      share: () => this.#drafts.share,
      history: (room, page, limit) => this.#share.ask({ ask: "history", room, page, limit }).then((answer) => answer === true),
      visit: (room) => this.#share.ask({ ask: "visit", room }).then((answer) => answer === true),
      markRead: (room, seq) => this.#share.tell({ kind: "read", room, seq }),
    }));
    ({ connection: this.connection, me: this.me, rooms: this.rooms, outside: this.outside, online: this.online } = shown);
    ({ people: this.people, strays: this.strays, ahead: this.ahead, untrusted: this.untrusted, lost: this.lost } = shown);
    const outbox = (this.#outbox = new Outbox(this.#model, store, world, {
      changed: (difference) => tabs.post({ kind: "outbox", difference }),
      reading: () => this.#share.reading(),
      read: () => {
        this.#drafts.refresh();
        // Before anything is shown: a row that is gone has become a message of which was told meanwhile.
        this.#share.read();
        shown.publish();
        this.#share.pump();
      },
    }));
    const drafts = (this.#drafts = new Drafts(this.#model, outbox, world, options.notepad ?? null));
    this.#share = new Share({ model: this.#model, store, tabs, world, transport, outbox, drafts, shown });
  }

  async start(): Promise<void> {
    this.#share.listen();
    this.#share.reading();
    await this.#drafts.begin();
    await this.#share.readAll();
    this.#share.read();
    void this.#drafts.tidy();
    this.#share.start();
    this.#stopWake = this.#options.onWake?.(() => this.hurry()) ?? null;
    this.#stopHide = this.#options.onHide?.(() => void this.#drafts.hide()) ?? null;
  }

  open(room: RoomId): RoomView {
    return this.#shown.open(room);
  }

  say(room: RoomId, text: string): Promise<Result> {
    return this.#outbox.command({ event: "say", room, text });
  }

  edit(room: RoomId, seq: Seq, text: string): Promise<Result> {
    return this.#outbox.command({ event: "edit", room, seq, text });
  }

  delete(room: RoomId, seq: Seq): Promise<Result> {
    return this.#outbox.command({ event: "delete", room, seq });
  }

  create(kind: "public" | "private", name: string, topic?: string): Promise<Result> {
    return this.#outbox.command({ event: "create", kind, name: tidied(name), ...(topic === undefined ? {} : { topic }) });
  }

  direct(withUsers: readonly UserId[]): Promise<Result> {
    return this.#outbox.command({ event: "direct", with: [...withUsers] });
  }

  rename(room: RoomId, name: string): Promise<Result> {
    return this.#outbox.command({ event: "rename", room, name: tidied(name) });
  }

  setTopic(room: RoomId, topic: string): Promise<Result> {
    return this.#outbox.command({ event: "set topic", room, topic });
  }

  join(room: RoomId): Promise<Result> {
    return this.#outbox.command({ event: "join", room });
  }

  joinByInvite(code: string): Promise<Result> {
    return this.#outbox.command({ event: "join", invite: code });
  }

  leave(room: RoomId): Promise<Result> {
    return this.#outbox.command({ event: "leave", room });
  }

  add(room: RoomId, user: UserId): Promise<Result> {
    return this.#outbox.command({ event: "add", room, user });
  }

  remove(room: RoomId, user: UserId): Promise<Result> {
    return this.#outbox.command({ event: "remove", room, user });
  }

  setName(name: string): Promise<Result> {
    return this.#outbox.command({ event: "name", name: tidied(name) });
  }

  claim(code: string): Promise<Result> {
    return this.#outbox.command({ event: "claim", code });
  }

  async signOut(which: string): Promise<Result> {
    if (which !== "others") return this.#outbox.command({ event: "sign out", sign_in: which });
    const keep = this.#model.session?.signIn;
    return keep === undefined ? { ok: false, code: "offline" } : this.#outbox.command({ event: "sign out", keep });
  }

  async retry(n: number): Promise<void> {
    await this.#outbox.change({ rows: [n] }, (state) => renewed(state, n, this.#world.now()));
  }

  async discard(n: number): Promise<string> {
    const command = await this.#outbox.change({ rows: [n] }, (state) => withdrawn(state, n));
    this.#outbox.answer(n, { ok: false, code: "discarded" });
    return command !== null && "text" in command ? command.text : "";
  }

  takeBack(n: number): Promise<DraftPlace | null> {
    return this.#drafts.takeBack(n);
  }

  async browse(after?: RoomId): Promise<Result<{ readonly rooms: readonly RoomSummary[] }>> {
    const answer = await this.#share.request("rooms", after === undefined ? {} : { after });
    const rooms = wire.readRooms(answer);
    return rooms === null ? refused(answer) : { ok: true, rooms: rooms.map((room) => summaryOfListed(this.#model, room)) };
  }

  async members(room: RoomId, after?: UserId): Promise<Result<{ readonly members: readonly RoomMember[]; readonly more: boolean }>> {
    const answer = await this.#share.request("members", { room, ...(after === undefined ? {} : { after }) });
    const page = wire.readMembers(answer);
    return page === null ? refused(answer) : { ok: true, ...page };
  }

  async invite(room: RoomId): Promise<Result<{ readonly code: string }>> {
    const answer = await this.#share.request("invite", { room });
    const read = wire.readCode(answer);
    return read === null ? refused(answer) : { ok: true, code: read.code };
  }

  async link(): Promise<Result<{ readonly code: string; readonly expires: number }>> {
    const answer = await this.#share.request("link", {});
    const read = wire.readCode(answer);
    return read === null ? refused(answer) : { ok: true, code: read.code, expires: read.expires ?? 0 };
  }

  async signIns(): Promise<Result<{ readonly signIns: readonly SignIn[] }>> {
    const answer = await this.#share.request("sign ins", {});
    const read = wire.readSignIns(answer);
    const own = this.#model.session?.signIn;
    return read === null ? refused(answer) : { ok: true, signIns: read.sign_ins.map((signIn) => ({ ...signIn, own: signIn.id === own })) };
  }

  async meaning(code: string): Promise<Result<{ readonly meaning: CodeMeaning }>> {
    const answer = await this.#share.request("code", { code });
    const meaning = wire.readMeaning(answer);
    return meaning === null ? refused(answer) : { ok: true, meaning };
  }

  typing(room: RoomId): void {
    this.#share.tell({ kind: "typing", room });
  }

  typingStopped(room: RoomId): void {
    this.#share.tell({ kind: "typing stopped", room });
  }

  setDraft(place: DraftPlace, text: string | null): void {
    this.#drafts.set(place, text);
  }

  draft(place: DraftPlace): string | null {
    return this.#drafts.text(place);
  }

  send(place: DraftPlace, text: string): Promise<Result> {
    return this.#drafts.send(place, text);
  }

  hurry(): void {
    this.#share.tell({ kind: "hurry" });
  }

  async stop(): Promise<void> {
    if (this.#share.isStopped) return;
    this.#stopWake?.();
    this.#stopHide?.();
    this.#share.hangUp();
    await this.#drafts.hide();
    this.#drafts.stop();
    await this.#share.stop();
    this.#options.store.close();
    this.#shown.stop();
  }
}

function worldOf(options: ChatOptions): World {
  const {
    now = Date.now,
    random = Math.random,
    isWatched = () => true,
    randomId = () => randomHex(crypto),
    setTimer = (milliseconds: number, due: () => void) => {
      const timer = setTimeout(due, milliseconds);
      return () => clearTimeout(timer);
    },
  } = options;
  const { label } = options;
  return { now, random, randomId, setTimer, isWatched, ...(label === undefined ? {} : { label }) };
}

/** As the server will have it. */
function tidied(name: string): string {
  return name.normalize("NFC").trim().replace(/\s+/gu, " ");
}

function refused(answer: unknown): { readonly ok: false; readonly code: string } {
  return { ok: false, code: answer === null ? "offline" : wire.refusalOf(answer) };
}

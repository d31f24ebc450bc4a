// The state of the page itself: the open room, the open dialog, the message that is being edited. The core has what
// people wrote.
//
// Created once and passed down by a context. Opens the view of the room in the address, and closes the one before.

import { type ReadonlySignal, type Signal, computed, effect, signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { ChatClient, Person, RoomId, RoomSummary, RoomView, Seq } from "../../core/facade.ts";
import type { Identities, Identity } from "../../core/identities.ts";
import { refusal } from "../../texts/refusals.ts";
import { text } from "../../texts/texts.ts";
import { type RoomFacts, factsOf } from "./facts.ts";
import { media } from "./media.ts";
import { remember, remembered } from "./preferences.ts";
import { LOBBY, roomName, unknownRoomName } from "../parts/names.ts";
import { RoomOrder } from "../rooms/order.ts";
import { type Code, type Route, parseCode, parseRoute, roomHash } from "./route.ts";

export type { RoomFacts };

export type Dialog =
  | { readonly kind: "switcher" | "browse" | "create" | "direct" | "settings" | "help" | "room" | "invite" | "add" | "leave" | "strays" | "unknown" | "identities" | "devices" }
  /** A code of the address, which waits for a decision. */
  | { readonly kind: "code"; readonly leads: Code["kind"]; readonly code: string }
  | { readonly kind: "delete"; readonly seq: Seq }
  | { readonly kind: "remove"; readonly person: Person }
  | { readonly kind: "forget"; readonly identity: Identity };

/** The message that is being changed. What is typed for it is its draft, in the core. */
export interface Editing {
  readonly room: RoomId;
  readonly seq: Seq;
  /** As the message is now. */
  readonly text: string;
}

const NOTE_MS = 4000;

export class Ui {
  readonly chat: ChatClient;
  /** Null where nothing can be kept. */
  readonly identities: Identities | null;
  readonly route: Signal<Route>;
  readonly view: ReadonlySignal<RoomView>;
  /** Rooms that were seen in the list of public rooms; one may look into them before joining. */
  readonly browsed: Signal<ReadonlyMap<RoomId, RoomSummary>> = signal(new Map());
  /** The room that is open. Not its counts: they change with every message, and most views do not show them. */
  readonly room: ReadonlySignal<RoomFacts | undefined>;
  readonly unread: ReadonlySignal<{ readonly count: number; readonly capped: boolean }>;
  /** The conversations as they are listed. */
  readonly ordered: ReadonlySignal<readonly RoomSummary[]>;
  /** The room of the address, if there is no such room for this person. */
  readonly missing: Signal<RoomId | null> = signal(null);
  /** What the room of the address is called, also when one is no longer in it. */
  readonly roomName: ReadonlySignal<string>;
  /** Why the message of the address is not shown. */
  readonly deadLink: Signal<"missing" | "away" | null> = signal(null);
  readonly dialog: Signal<Dialog | null> = signal(null);
  readonly editing: Signal<Editing | null> = signal(null);
  readonly invite: Signal<string | null> = signal(null);
  readonly owning: Signal<boolean> = signal(false);
  readonly nameAsked: Signal<boolean> = signal(remembered("name-asked") !== null);
  /** The proxy of which the owner does not want to hear any more. */
  readonly dismissed: Signal<string | null> = signal(remembered("dismissed"));
  readonly peopleShown: Signal<boolean> = signal(remembered("people") !== "hidden");
  readonly narrow = media("(max-width: 45rem)");
  readonly touch = media("(pointer: coarse)");
  readonly spoken: Signal<string> = signal("");
  readonly note: Signal<string | null> = signal(null);
  /** The room whose newest message is in view of a reader who is there: nothing in it is unread for longer than a blink. */
  readonly attended: Signal<RoomId | null> = signal(null);
  /** Set by the timeline that is shown: to the end, past everything between. */
  showLatest: () => void = () => undefined;
  /** To the end, where one's own message is; what lies between stays unread. */
  showSent: () => void = () => undefined;
  #noteTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(chat: ChatClient, identities: Identities | null) {
    this.chat = chat;
    this.identities = identities;
    this.route = signal({ room: LOBBY, seq: null, pane: "timeline" });
    this.#readAddress();
    const open = computed(() => {
      const { room } = this.route.value;
      return [...chat.rooms.value, ...chat.outside.value].find((known) => known.room === room) ?? this.browsed.value.get(room);
    });
    let facts: RoomFacts | undefined;
    this.room = computed(() => (facts = factsOf(open.value, facts)));
    let unread = { count: 0, capped: false };
    this.unread = computed(() => {
      const { unread: count = 0, unreadCapped: capped = false } = open.value ?? {};
      if (count !== unread.count || capped !== unread.capped) unread = { count, capped };
      return unread;
    });
    this.roomName = computed(() => {
      const { room } = this.route.value;
      const known = this.room.value ?? chat.lost.value.get(room);
      return known === undefined ? unknownRoomName(room) : roomName(known);
    });
    const order = new RoomOrder();
    this.ordered = computed(() => order.of(chat.rooms.value));
    this.view = this.#followRoom();
    effect(() => {
      const isUnknown = open.value === undefined && chat.connection.value.state === "online";
      if (isUnknown) void this.#lookUp(this.route.value.room);
    });
    addEventListener("hashchange", () => this.#readAddress());
  }

  /** The address alone led here. What there is of a public room comes with its view. */
  async #lookUp(room: RoomId): Promise<void> {
    const answer = await this.chat.browse(room - 1);
    if (answer.ok && answer.rooms[0]?.room !== room) this.missing.value = room;
  }

  #followRoom(): ReadonlySignal<RoomView> {
    const room = computed(() => this.route.value.room);
    const view = signal(this.chat.open(room.peek()));
    effect(() => {
      const wanted = room.value;
      if (view.peek().room === wanted) return;
      const before = view.peek();
      // What they ask is about the room before.
      this.editing.value = this.dialog.value = null;
      view.value = this.chat.open(wanted);
      before.close();
    });
    return view;
  }

  #readAddress(): void {
    const { hash } = location;
    const { room, seq } = this.route.peek();
    const route = parseRoute(hash, room);
    if (route !== null) {
      this.route.value = route;
      return;
    }
    // Neither a code nor what names no place has any business in the history.
    history.replaceState(null, "", roomHash(room, seq ?? undefined));
    const code = parseCode(hash);
    if (code !== undefined) this.dialog.value = { kind: "code", leads: code.kind, code: code.code };
    else this.tellRefusal("not_found");
  }

  go(hash: string): void {
    if (location.hash !== hash) location.hash = hash;
    else this.#readAddress();
  }

  openRoom(room: RoomId): void {
    this.dialog.value = null;
    this.go(roomHash(room));
    this.focusComposer();
  }

  focusComposer(): void {
    // A touch keyboard that opens by itself hides half of the page.
    if (this.touch.peek()) return;
    requestAnimationFrame(() => document.getElementById("message-field")?.focus());
  }

  speak(spoken: string): void {
    // The same text twice in a row would not be read again.
    this.spoken.value = this.spoken.peek() === spoken ? `${spoken}\u00a0` : spoken;
  }

  /** Says something short, to the eye and to the ear. */
  tell(note: string): void {
    this.speak(note);
    this.note.value = note;
    clearTimeout(this.#noteTimer);
    this.#noteTimer = setTimeout(() => {
      this.note.value = null;
    }, NOTE_MS);
  }

  tellRefusal(code: string): void {
    if (code === "name_required") this.nameAsked.value = false;
    this.tell(text("failed", { reason: refusal(code) }));
  }

  setNameAsked(): void {
    remember("name-asked", "yes");
    this.nameAsked.value = true;
  }

  showPeople(shown: boolean): void {
    remember("people", shown ? null : "hidden");
    this.peopleShown.value = shown;
  }

  /** Opens the conversation with one person as soon as it exists. */
  async message(person: Person): Promise<void> {
    if (person.user === undefined) return;
    const known = this.chat.rooms.peek().find((room) => room.kind === "direct" && room.with?.length === 1 && room.with[0]?.user === person.user);
    if (known !== undefined) return this.openRoom(known.room);
    const result = await this.chat.direct([person.user]);
    if (result.ok) this.openRoom(result.room);
    else this.tellRefusal(result.code);
  }
}

const UiContext = createContext<Ui | null>(null);

export const UiProvider = UiContext.Provider;

export function useUi(): Ui {
  const ui = useContext(UiContext);
  if (ui === null) throw new Error("a view stands outside of the page");
  return ui;
}

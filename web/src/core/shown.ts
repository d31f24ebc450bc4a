// What one tab shows: the signals of the page, the open views, who is online and who is typing.
//
// It follows the model, and shows a change only once it is stored. Knows nothing of tabs and connections: it is told
// the state of the connection, who is online and who is typing.

import { batch, signal } from "@preact/signals-core";
import { allCalled } from "./called.ts";
import type { Connection, LostRoom, Me, Person, RoomId, RoomSummary, RoomView, Stray, UserId } from "./facade.ts";
import type { Model } from "./model.ts";
import { unsent } from "./numbering.ts";
import type { World } from "./ports.ts";
import { NOBODY, type PresenceState } from "./presence.ts";
import { OpenView, type ViewContext } from "./room-view.ts";
import type { Change } from "./store.ts";
import { alike, straysOf } from "./strays.ts";
import { Summaries } from "./summary.ts";
import { Typing } from "./typing.ts";

export interface ShownContext extends Pick<ViewContext, "history" | "visit" | "markRead"> {
  /** The model is ahead of the store: what it says now must not be shown yet. */
  readonly isKeeping: () => boolean;
  /** What the drafts of this tab have behind the point. */
  readonly share: () => number;
}

export class Shown {
  readonly connection = signal<Connection>({ state: "connecting", since: 0, waiting: 0 });
  readonly me = signal<Me>({ user: null, name: null, owner: false });
  readonly rooms = signal<readonly RoomSummary[]>([]);
  readonly outside = signal<readonly RoomSummary[]>([]);
  readonly online = signal<{ readonly people: readonly Person[]; readonly count: number }>({ people: [], count: 0 });
  readonly people = signal<ReadonlyMap<UserId, Person>>(new Map());
  readonly strays = signal<readonly Stray[]>([]);
  readonly ahead = signal(0);
  readonly untrusted = signal("");
  readonly lost = signal<ReadonlyMap<RoomId, LostRoom>>(new Map());
  readonly typing: Typing;
  readonly #model: Model;
  readonly #world: World;
  readonly #context: ShownContext;
  readonly #summaries = new Summaries();
  readonly #views = new Set<OpenView>();
  /** Views that have something to show as soon as it is kept. */
  readonly #postponed = new Set<OpenView>();
  #presence = NOBODY;
  #state: Connection["state"] = "connecting";
  #reason = "";
  #since: number;
  #peopleVersion = -1;

  constructor(model: Model, world: World, context: ShownContext) {
    this.#model = model;
    this.#world = world;
    this.#context = context;
    this.#since = world.now();
    this.typing = new Typing(world.setTimer, (room) => this.#showTyping(room));
  }

  open(room: RoomId): RoomView {
    const { isKeeping, history, visit, markRead } = this.#context;
    const view = new OpenView(room, {
      model: this.#model,
      isOnline: () => this.#state === "online",
      mayShow: (asking) => {
        if (isKeeping()) this.#postponed.add(asking);
        return !isKeeping();
      },
      history,
      visit,
      markRead,
      closed: (closed) => this.#views.delete(closed),
    });
    view.typing.value = this.#typingIn(room);
    this.#views.add(view);
    return view;
  }

  /** What a tab that has come wants to know besides what the store says. */
  get standing(): { readonly state: Connection["state"]; readonly since: number; readonly reason: string } {
    return { state: this.#state, since: this.#since, reason: this.#reason };
  }

  get presence(): PresenceState {
    return this.#presence;
  }

  /** These are kept: they are shown, and who has said something types no more. */
  take(changes: readonly Change[]): void {
    for (const change of changes) if (change.kind === "message") this.typing.hide(change.message.room, change.message.from);
    this.publish();
  }

  publish(): void {
    // Nothing is shown that a crash could take back: there is another call when it is kept.
    if (this.#context.isKeeping()) return;
    batch(() => {
      const touched = this.#model.takeTouched();
      for (const view of this.#postponed) view.update();
      this.#postponed.clear();
      if (touched.size > 0) {
        const known = this.#summaries.update(this.#model, touched);
        this.rooms.value = known.filter(({ joined }) => joined);
        this.outside.value = known.filter(({ joined }) => !joined);
      }
      const strays = straysOf(this.#model, this.#context.share());
      if (!alike(strays, this.strays.peek())) this.strays.value = strays;
      for (const view of this.#views) if (touched.has(view.room)) view.update();
      if (this.#peopleVersion !== this.#model.peopleVersion) {
        this.#peopleVersion = this.#model.peopleVersion;
        this.people.value = new Map(this.#model.people);
        this.#showOnline();
        for (const view of this.#views) {
          view.update();
          this.#showTyping(view.room);
        }
      }
      this.lost.value = this.#model.lost;
      this.ahead.value = this.#model.session?.ahead ?? 0;
      this.untrusted.value = this.#model.session?.untrusted ?? "";
      const { user, name, owner, server } = this.#model.session ?? { user: null, name: null, owner: false };
      const me = this.me.peek();
      if (me.user !== user || me.name !== name || me.owner !== owner || me.server !== server) {
        this.me.value = { user, name, owner, ...(server === undefined ? {} : { server }) };
      }
      this.#showConnection();
    });
  }

  /** False if that is the state already. */
  setState(state: Connection["state"], reason: string, since?: number): boolean {
    if (this.#state === state && this.#reason === reason) return false;
    this.#state = state;
    this.#reason = reason;
    this.#since = since ?? this.#world.now();
    batch(() => {
      this.#showConnection();
      for (const view of this.#views) view.update();
    });
    if (state === "online") for (const view of this.#views) void view.refresh();
    return true;
  }

  stop(): void {
    this.typing.stop();
    this.setState("stopped", "");
  }

  setPresence(presence: PresenceState): void {
    this.#presence = presence;
    this.#showOnline();
  }

  #showConnection(): void {
    const reason = this.#reason === "" ? {} : { reason: this.#reason };
    const next: Connection = { state: this.#state, since: this.#since, waiting: unsent(this.#model.outbox).length, ...reason };
    const now = this.connection.peek();
    if (now.state !== next.state || now.reason !== next.reason || now.since !== next.since || now.waiting !== next.waiting) this.connection.value = next;
  }

  #showOnline(): void {
    const { people, count } = this.#presence.online;
    this.online.value = { people: allCalled(this.#model.people, people), count };
  }

  #showTyping(room: RoomId): void {
    for (const view of this.#views) if (view.room === room) view.typing.value = this.#typingIn(room);
  }

  #typingIn(room: RoomId): readonly Person[] {
    return allCalled(this.#model.people, this.typing.in(room));
  }
}

// Which tab leads: its heartbeat, what the others do without it, and the generation that tells an old leader from a new
// one.
//
// A tab that hangs or is frozen keeps its lock. So the leader posts a heartbeat each second, and a visible tab that
// misses it takes over. Each leader gets a generation number from the store, which refuses writes of older generations.
// When an old leader wakes, it can do no harm: it notices, and becomes a follower. A tab in the background never takes
// over, because its timers may be throttled.
//
// A disk that takes nothing gives no number, and a page leads all the same. It writes nothing then, and what it tells is
// worth less than what a later leader tells: it goes by the time at which it began, as a fraction above the last number
// that it knows.

import type { World } from "./ports.ts";
import type { Generation, Store } from "./store.ts";
import type { Tabs } from "./tabs.ts";

const BEAT_MS = 1_000;
const LOOK_MS = 500;
/** With the pause between two looks: less than three seconds. */
const SILENT_MS = 2_400;
/** A tab that could not get a number follows one without for so long, before it tries again. */
const RESIGNED_MS = 30_000;
/** More milliseconds than will have passed since 1970 for a hundred years. */
const FOREVER_MS = 2 ** 42;

export interface LeadershipEvents {
  /**
   * This tab leads, as long as `isMine` says so; null where no tab can keep the others from leading, and where the store gives no
   * number yet: then nothing may be written.
   */
  begin(own: Generation | null, isMine: () => boolean): void;
  /** It leads no more. */
  end(): void;
  beat(): void;
}

export class Leadership {
  readonly #tabs: Tabs;
  readonly #store: Store;
  readonly #world: World;
  readonly #events: LeadershipEvents;
  /** The tabs have chosen this one; it leads as soon as the store has given it a number. */
  #isChosen = false;
  #isLeading = false;
  #own: Generation | null = null;
  /** The latest leader that is known of. */
  #known: Generation = 0;
  /** When it began to lead without a number, or last tried in vain to get one. */
  #since = 0;
  #refused = -Infinity;
  /** Counts beginnings and ends: a beginning that was overtaken is none. */
  #turn = 0;
  #term = 0;
  /** The store takes its time to give a number. */
  #isAsking = false;
  #seen = 0;
  #looked = 0;
  #cancel: () => void = () => undefined;

  constructor(tabs: Tabs, store: Store, world: World, events: LeadershipEvents) {
    this.#tabs = tabs;
    this.#store = store;
    this.#world = world;
    this.#events = events;
  }

  start(): void {
    this.#follow();
    this.#apply();
  }

  stop(): void {
    this.#turn += 1;
    this.#isLeading = false;
    this.#cancel();
    this.#tabs.close();
  }

  /** By which others know this tab while it leads. */
  get number(): Generation {
    if (!this.#isLeading) return 0;
    return this.#own ?? Math.max(this.#known, Math.floor(this.#known) + this.#since / FOREVER_MS);
  }

  /** The store knows of this leader. */
  learn(leader: Generation): void {
    this.#known = Math.max(this.#known, leader);
  }

  /** Whether a message of this leader counts; a later one than oneself ends the own lead. */
  heeds(leader: Generation): boolean {
    if (leader < this.#known || (this.#isLeading && leader <= this.number)) return false;
    this.#known = leader;
    const now = this.#world.now();
    // One without a number may be replaced by a tab that gets one.
    if (Number.isInteger(leader) || now - this.#refused < RESIGNED_MS) this.#seen = now;
    this.deposed(this.#own);
    return true;
  }

  /** A new leader that nobody looks at: a tab that is looked at is the better one, as long as nothing has begun. */
  prefer(isWatched: boolean): void {
    if (!isWatched && !this.#isLeading && this.#world.isWatched()) this.#tabs.takeOver();
  }

  /** Somebody else leads instead of that one, as the store has said. */
  deposed(own: Generation | null): void {
    if (!this.#isLeading || this.#own !== own) return;
    this.#turn += 1;
    this.#isLeading = false;
    this.#own = null;
    this.#follow();
    this.#events.end();
  }

  #apply(): void {
    this.#tabs.lead(
      () => {
        this.#isChosen = true;
        void this.#begin();
      },
      () => {
        this.#isChosen = false;
        this.#turn += 1;
        this.deposed(this.#own);
        this.#apply();
      },
    );
  }

  async #begin(): Promise<void> {
    // A tab that leads already continues: a second session would store what the first has not.
    if (this.#isLeading && (this.#own !== null || !this.#tabs.areExclusive)) return;
    const turn = (this.#turn += 1);
    const isWanted = (): boolean => turn === this.#turn;
    this.#isAsking = true;
    const own = this.#tabs.areExclusive ? await this.#store.lead(isWanted).catch(() => null) : null;
    this.#isAsking = false;
    if (!isWanted()) return;
    this.#cancel();
    const now = this.#world.now();
    if (own !== null) this.learn(own);
    else this.#refused = now;
    if (this.#isLeading) {
      if (own === null) return this.#beat();
      this.#events.end();
    }
    this.#isLeading = true;
    this.#own = own;
    this.#since = now;
    if (this.#tabs.areExclusive) this.#beat();
    const term = (this.#term += 1);
    this.#events.begin(own, () => this.#isLeading && term === this.#term);
  }

  #beat(): void {
    this.#events.beat();
    // A leader without a number writes nothing until it has one.
    this.#cancel = this.#world.setTimer(BEAT_MS, () => (this.#own === null ? void this.#begin() : this.#beat()));
  }

  #follow(): void {
    this.#cancel();
    this.#seen = this.#looked = this.#world.now();
    this.#look();
  }

  #look(): void {
    const now = this.#world.now();
    // Who was not awake, or is not looked at, has missed nothing.
    const wasAwake = now - this.#looked < 2 * LOOK_MS;
    if (!wasAwake || !(this.#world.isWatched() || this.#isChosen)) this.#seen = now;
    this.#looked = now;
    if (now - this.#seen >= SILENT_MS) {
      this.#seen = now;
      // Chosen, and deposed by one that was not chosen in the end.
      if (!this.#isChosen) this.#tabs.takeOver();
      else if (!this.#isAsking) void this.#begin();
    }
    this.#cancel = this.#world.setTimer(LOOK_MS, () => this.#look());
  }
}

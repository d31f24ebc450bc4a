// A store that watches over the promises of the store while runs of chance use it: what a leader of the past writes changes
// nothing, a change of the outbox touches only what it looked at, and the cursor is never ahead of what is kept.

import type { DraftPlace } from "../../src/core/facade.ts";
import { MemoryStore, type MemoryDisk } from "../../src/core/store-memory.ts";
import { Deposed, type Change, type Changed, type Committed, type Durability, type Generation, type Look, type OutboxChange, type OutboxPart } from "../../src/core/store.ts";
import { reach } from "./storm-states.ts";

export class FencedStore extends MemoryStore {
  readonly #disk: MemoryDisk;
  readonly #fault: (fault: string) => void;
  /** Whether any tab of the browser has a commit under way. */
  readonly #isCommitting: () => boolean;

  constructor(disk: MemoryDisk, fault: (fault: string) => void, isCommitting: () => boolean) {
    super(disk);
    this.#disk = disk;
    this.#fault = fault;
    this.#isCommitting = isCommitting;
  }

  override async lead(isWanted: () => boolean): Promise<Generation | null> {
    const before = this.#disk.leader;
    const leader = await super.lead(isWanted);
    if (leader === null) reach("a number for a leader was not wanted any more");
    else if (before > 0) reach("a leader was replaced by another tab");
    if (leader !== null && this.#isCommitting()) reach("a tab took over while a commit was under way");
    return leader;
  }

  override async changeOutbox<T>(look: Look, change: (part: OutboxPart) => OutboxChange<T>, durability?: Durability, leader: Generation | null = null): Promise<Changed<T>> {
    const { device } = this.#disk;
    const rows = new Set(this.#disk.rows.keys());
    try {
      const changed = await super.changeOutbox(look, change, durability, leader);
      const { put, drafts } = changed.difference;
      const seen: readonly number[] = look.rows === "all" ? [...rows] : (look.rows ?? []);
      if (put.some(({ id }) => rows.has(id) && !seen.includes(id))) this.#fault("a row was changed that nobody looked at");
      const isSeen = ({ room, seq }: DraftPlace): boolean => look.drafts === "all" || look.drafts?.some((place) => place.room === room && place.seq === seq) === true;
      if (![...drafts.values()].every(isSeen)) this.#fault("a draft was changed that nobody looked at");
      return changed;
    } catch (error) {
      if (error instanceof Deposed) reach("a change of the outbox by a deposed leader was refused");
      throw error;
    } finally {
      if (device !== null && device.id !== this.#disk.device?.id) reach("the outbox moved to another device");
    }
  }

  override async commit(changes: readonly Change[], leader: Generation | null): Promise<Committed> {
    const { leader: current, cursor } = this.#disk;
    if (leader === this.#disk.leader) this.#look(changes);
    if (leader === null) this.#fault("a leader without a number has written");
    try {
      const committed = await super.commit(changes, leader);
      if (leader !== current) this.#fault(`leader ${leader} has written, and ${current} leads`);
      this.#judgeHeld();
      return committed;
    } catch (error) {
      if (!(error instanceof Deposed) || this.#disk.cursor !== cursor) this.#fault("what was refused has moved the cursor");
      reach("a commit of a deposed leader was refused");
      throw error;
    }
  }

  /** What these changes are about to change. */
  #look(changes: readonly Change[]): void {
    const { rooms, lost, rows, drafts } = this.#disk;
    for (const [index, change] of changes.entries()) {
      if (change.kind === "forget all") reach("all was forgotten");
      if (change.kind === "refused") reach("a message was refused");
      if (change.kind === "room" && change.room.joined && lost.has(change.room.room)) reach("a lost room was joined again");
      if (change.kind === "lost" && change.lost !== null) {
        reach("a room was lost");
        if ([...rows.values()].some(({ command }) => command.event === "say" && command.room === change.room)) reach("a room with an unsent text was lost");
        if ([...drafts.values()].some(({ room, text }) => room === change.room && text !== null)) reach("a room with a typed text was lost");
      }
      const next = changes[index + 1];
      const isHole = change.kind === "forget messages" && change.from === 0 && next?.kind === "room" && next.room.held.length === 0;
      const known = isHole ? rooms.get(change.room) : undefined;
      if (isHole && known?.joined === true && known.applied !== null && (next.room.applied ?? 0) > known.applied) reach("a gap was given up");
    }
  }

  /** A message that is said to be here is here. */
  #judgeHeld(): void {
    const { rooms, messages } = this.#disk;
    for (const { room, held } of rooms.values()) {
      for (const [from, to] of held) {
        for (let seq = from; seq <= to; seq += 1) if (!messages.has(`${room} ${seq}`)) this.#fault(`message ${seq} of room ${room} is said to be kept`);
      }
    }
  }
}

// The message field: writes messages and changes messages.
//
// It owns no text: it shows the draft, which the core keeps, and never waits for the network. While somebody composes a
// character, it leaves the field alone.

import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { DraftPlace } from "../../core/facade.ts";
import { isBlank } from "../../core/written.ts";
import { text } from "../../texts/texts.ts";
import { isInFence } from "../markdown/fence.ts";
import { safeAddress } from "../markdown/links.ts";
import { Icon } from "../parts/icon.tsx";
import { roomName } from "../parts/names.ts";
import { composerCommand } from "../state/keys.ts";
import { type Editing, type RoomFacts, type Ui, useUi } from "../state/ui.ts";
import { grow } from "./grow.ts";

const TEXT_BYTES_MAX = 16 * 1024;
const TYPING_MS = 1000;

export function Composer({ room }: { readonly room: RoomFacts }) {
  const ui = useUi();
  const field = useRef<HTMLTextAreaElement>(null);
  const complaint = useSignal<string | null>(null);
  const typed = useRef(-Infinity);
  const composing = useRef(false);
  const editing = ui.editing.value?.room === room.room ? ui.editing.value : null;
  const place: DraftPlace = editing === null ? { room: room.room } : { room: room.room, seq: editing.seq };
  const written = (): string => ui.chat.draft(place) ?? editing?.text ?? "";
  const shown = composing.current ? (field.current?.value ?? "") : written();

  // Before the next key: it belongs to the text that is edited.
  useLayoutEffect(() => {
    complaint.value = null;
    if (editing !== null) field.current?.focus();
  }, [editing]);
  useEffect(() => grow(field.current), [shown, editing]);

  const change = (value: string) => {
    complaint.value = null;
    ui.chat.setDraft(place, value === editing?.text ? null : value);
    const now = performance.now();
    if (value !== "" && editing === null && now - typed.current >= TYPING_MS) {
      typed.current = now;
      ui.chat.typing(room.room);
    } else if (value === "" && editing === null && typed.current > -Infinity) {
      typed.current = -Infinity;
      ui.chat.typingStopped(room.room);
    }
  };
  const submit = () => {
    const content = written().replace(/^\s*\n/, "").trimEnd();
    const blank = isBlank(content);
    const bytes = new TextEncoder().encode(content).length;
    if (bytes > TEXT_BYTES_MAX) {
      complaint.value = text("tooLong", { size: Math.ceil(bytes / 1024), limit: TEXT_BYTES_MAX / 1024 });
      return;
    }
    if (editing !== null) {
      if (blank) ui.dialog.value = { kind: "delete", seq: editing.seq };
      if (!blank && content !== editing.text) void send(ui, place, content, editing);
      else ui.chat.setDraft(place, null);
      ui.editing.value = null;
    } else if (!blank) {
      void send(ui, place, content, null);
      typed.current = -Infinity;
      ui.showSent();
    }
    field.current?.focus();
  };
  const cancel = () => {
    ui.chat.setDraft(place, null);
    ui.editing.value = null;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const value = written();
    const inFence = isInFence(value, field.current?.selectionStart ?? 0);
    switch (composerCommand(event, { text: value, inFence, touch: ui.touch.peek() })) {
      case "send":
        event.preventDefault();
        submit();
        return;
      case "editLast":
        if (editLast(ui)) event.preventDefault();
        return;
      case "latest":
        event.preventDefault();
        ui.showLatest();
        return;
      case "escape":
        if (editing === null) readAll(ui);
        else cancel();
        return;
      case "line":
      case undefined:
    }
  };
  const name = roomName(room);
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {editing !== null && (
        <p class="editing">
          <Icon name="edit" />
          {text("editingBanner")}
          <button type="button" class="link" onClick={cancel}>
            {text("cancel")}
          </button>
        </p>
      )}
      <div class="composer-box">
        <textarea
          id="message-field"
          data-focus-key="message"
          ref={field}
          rows={1}
          dir={shown === "" ? undefined : "auto"}
          aria-label={text("composerLabel")}
          aria-describedby={complaint.value === null ? undefined : "composer-complaint"}
          placeholder={text("composerPlaceholder", { room: name })}
          enterkeyhint={ui.touch.value ? "enter" : "send"}
          value={shown}
          onInput={(event) => change(event.currentTarget.value)}
          onCompositionStart={() => (composing.current = true)}
          onCompositionEnd={(event) => {
            composing.current = false;
            change(event.currentTarget.value);
          }}
          onKeyDown={onKeyDown}
          onPaste={linkSelection}
        />
        <button type="submit" class="send" aria-label={editing === null ? text("send") : text("save")} disabled={isBlank(shown)}>
          <Icon name={editing === null ? "send" : "check"} />
        </button>
      </div>
      <p class="complaint" id="composer-complaint" role="alert">
        {complaint.value}
      </p>
    </form>
  );
}

/** Refusals of the server stand in the timeline; what never came as far as the outbox is a draft again. */
async function send(ui: Ui, place: DraftPlace, content: string, editing: Editing | null): Promise<void> {
  const result = await ui.chat.send(place, content);
  if (result.ok || (result.code !== "not_kept" && result.code !== "full")) return;
  ui.tellRefusal(result.code);
  if (ui.route.peek().room === place.room) ui.editing.value ??= editing;
}

function editLast(ui: Ui): boolean {
  const view = ui.view.peek();
  const last = view.rows.peek().findLast((row) => row.kind === "pending" || (row.kind === "message" && row.own && !row.deleted));
  // What waits to be sent is the last, and cannot be changed yet: the one before it is not meant.
  if (last?.kind !== "message") return false;
  ui.editing.value = { room: view.room, seq: last.seq, text: last.text };
  return true;
}

export function readAll(ui: Ui): void {
  const view = ui.view.peek();
  view.clearNew();
  view.passOver();
}

/** An address that is pasted over a selection makes a link of it. */
function linkSelection(event: ClipboardEvent & { readonly currentTarget: HTMLTextAreaElement }): void {
  const { selectionStart, selectionEnd, value } = event.currentTarget;
  const selected = value.slice(selectionStart, selectionEnd);
  const pasted = event.clipboardData?.getData("text/plain").trim() ?? "";
  if (selected === "" || /[[\]\n]/.test(selected) || safeAddress(selected) !== undefined || safeAddress(pasted) === undefined) return;
  event.preventDefault();
  // Unlike writing to the field this can be undone, and tells the field that it was changed.
  document.execCommand("insertText", false, `[${selected}](${pasted})`);
}

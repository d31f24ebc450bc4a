// The draft of a room: shown at once, handed to the core a moment later, and in any case before the page goes.

import { type ReadonlySignal, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { ChatClient, RoomId } from "../../core/facade.ts";

const SAVE_MS = 400;

interface Draft {
  readonly draft: ReadonlySignal<string>;
  readonly keep: (value: string) => void;
}

export function useDraft(chat: ChatClient, room: RoomId): Draft {
  const draft = useSignal(chat.draft(room));
  const saver = useMemo(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const save = () => {
      clearTimeout(timer);
      timer = undefined;
      if (chat.draft(room) !== draft.peek()) chat.setDraft(room, draft.peek());
    };
    const keep = (value: string) => {
      draft.value = value;
      // An empty field is the end of a draft: it may not come back with the next page.
      if (value === "") save();
      else timer ??= setTimeout(save, SAVE_MS);
    };
    return { save, keep };
  }, [chat, room]);
  useEffect(() => {
    addEventListener("pagehide", saver.save);
    return () => {
      removeEventListener("pagehide", saver.save);
      saver.save();
    };
  }, [saver]);
  return { draft, keep: saver.keep };
}

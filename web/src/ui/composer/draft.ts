// The draft of a room: shown at once, and handed to the core, which stores it a moment later.

import { type ReadonlySignal, useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { ChatClient, RoomId } from "../../core/facade.ts";

interface Draft {
  readonly draft: ReadonlySignal<string>;
  readonly keep: (value: string) => void;
}

export function useDraft(chat: ChatClient, room: RoomId): Draft {
  const draft = useSignal(chat.draft(room));
  const keep = useMemo(
    () => (value: string) => {
      draft.value = value;
      chat.setDraft(room, value);
    },
    [chat, room],
  );
  return { draft, keep };
}

// A native dialog: it traps the focus, Escape closes it, and the focus returns to where it was.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { text } from "../../texts/texts.ts";
import { useUi } from "../state/ui.ts";
import { LaterIcon } from "./later-icon.tsx";

interface Properties {
  readonly title: string;
  readonly children: ComponentChildren;
}

export function Modal({ title, children }: Properties) {
  const ui = useUi();
  const titleId = useId();
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const opened = element.current;
    opened?.showModal();
    return () => {
      opened?.close();
      if (document.activeElement === document.body) ui.focusComposer();
    };
  }, [ui]);
  const close = () => {
    ui.dialog.value = null;
  };
  return (
    <dialog
      ref={element}
      class="modal"
      aria-labelledby={titleId}
      onClose={(event) => {
        // The event comes late: a dialog that has gone already may not close the one after it.
        if (event.currentTarget.isConnected) close();
      }}
      onClick={(event) => {
        // The dialog itself is hit only where nothing of its content is: on the backdrop.
        if (event.target === element.current) close();
      }}
    >
      <div class="modal-content">
        <header class="modal-header">
          <h2 id={titleId} dir="auto">
            {title}
          </h2>
          <button type="button" class="quiet square" aria-label={text("close")} onClick={close}>
            <LaterIcon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

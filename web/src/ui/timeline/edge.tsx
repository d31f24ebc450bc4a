// The ends of the window: more rows are requested when one of them comes near.

import { useComputed } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { RoomView } from "../../core/facade.ts";
import { useUi } from "../state/ui.ts";
import { whenNear } from "./near.ts";

interface Properties {
  readonly view: RoomView;
  readonly side: "older" | "newer";
}

export function Edge({ view, side }: Properties) {
  const { chat } = useUi();
  const element = useRef<HTMLDivElement>(null);
  const reached = (side === "older" ? view.first : view.last).value;
  const online = useComputed(() => chat.connection.value.state === "online").value;
  useEffect(() => {
    const edge = element.current;
    if (reached || edge === null) return undefined;
    return askWhileNear(edge, async () => {
      const before = view.rows.peek();
      await (side === "older" ? view.older() : view.newer()).catch(() => undefined);
      return view.rows.peek() !== before;
    });
  }, [view, side, reached, online]);
  return <div class={`edge ${side}`} ref={element} aria-hidden="true" />;
}

/** Asks again and again while the edge stays near and each answer brought something; one question at a time. */
function askWhileNear(edge: Element, ask: () => Promise<boolean>): () => void {
  let stop: (() => void) | undefined;
  let closed = false;
  const watch = () => {
    stop?.();
    if (closed) return;
    let asked = false;
    stop = whenNear(edge, () => {
      if (asked) return;
      asked = true;
      // Only a new watch tells whether the edge is still near: an observer reports changes.
      void ask().then((brought) => brought && requestAnimationFrame(watch));
    });
  };
  watch();
  return () => {
    closed = true;
    stop?.();
  };
}

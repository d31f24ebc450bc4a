// Puts the page together around a client: the look, the language, what the address asks for, and the views.

import { render } from "preact";
import type { ChatClient } from "../core/facade.ts";
import { chooseLanguage, direction, locale } from "../texts/texts.ts";
import { acceptInvite } from "./composer/name-card.tsx";
import { loadDialogsSoon } from "./dialogs/later.tsx";
import { App } from "./shell/app.tsx";
import { applyTheme, wantedLanguages } from "./state/preferences.ts";
import { type Code, parseCode } from "./state/route.ts";
import { Ui, UiProvider } from "./state/ui.ts";

/** Before anything is shown: the look and the language of this reader. */
export async function prepare(): Promise<void> {
  applyTheme();
  await chooseLanguage(wantedLanguages());
  document.documentElement.lang = locale();
  document.documentElement.dir = direction();
}

/** The one-time code of the address. It is taken out of it: a code has no business in a history or on a screen. */
export function takeCode(): Code | undefined {
  const code = parseCode(location.hash);
  if (code !== undefined) history.replaceState(null, "", `${location.pathname}${location.search}`);
  return code;
}

export function show(chat: ChatClient, code: Code | undefined): Ui {
  const ui = new Ui(chat);
  const root = document.getElementById("root");
  if (root === null) throw new Error("the page has no place for the views");
  // A link opened in a tab that is open already changes the address only.
  addEventListener("hashchange", () => {
    const late = takeCode();
    if (late?.kind === "link") reloadWith(late);
    else if (late !== undefined) void follow(ui, late);
  });
  render(
    <UiProvider value={ui}>
      <App />
    </UiProvider>,
    root,
  );
  loadDialogsSoon();
  if (code !== undefined) void follow(ui, code);
  if (ui.chat.me.peek().name !== null || ui.nameAsked.peek()) ui.focusComposer();
  return ui;
}

function tellOfBadLink(ui: Ui): void {
  const stop = ui.chat.connection.subscribe(({ state }) => {
    if (state === "unavailable") ui.tellRefusal("bad_link");
    if (state === "unavailable" || state === "online") queueMicrotask(() => stop());
  });
}

/** Another person can only be taken on by a page that starts. */
function reloadWith({ code }: Code): void {
  history.replaceState(null, "", `#link=${encodeURIComponent(code)}`);
  location.reload();
}

async function follow(ui: Ui, { kind, code }: Code): Promise<void> {
  switch (kind) {
    case "setup": {
      const claimed = await ui.chat.claim(code);
      ui.owning.value = claimed.ok;
      if (!claimed.ok) ui.tellRefusal(claimed.code);
      return;
    }
    case "invite":
      // Who has a name already has nothing to fill in.
      if (ui.chat.me.peek().name === null) ui.invite.value = code;
      else await acceptInvite(ui, code);
      return;
    case "link":
      // The core connects with it; where it is refused, this device begins as somebody new.
      return tellOfBadLink(ui);
  }
}

// Starts the page for a client: theme, language, the codes and places in the address, and the views.

import { effect } from "@preact/signals";
import { render } from "preact";
import type { ChatClient } from "../core/facade.ts";
import type { Identities } from "../core/identities.ts";
import { chooseLanguage, direction, locale } from "../texts/texts.ts";
import { loadSoon } from "./dialogs/later.tsx";
import { App } from "./shell/app.tsx";
import { acceptSetup } from "./state/accept.ts";
import { followClock } from "./state/clock.ts";
import { askToKeep, applyTheme, remembered, wantedLanguages } from "./state/preferences.ts";
import { type Code, parseCode } from "./state/route.ts";
import { Ui, UiProvider } from "./state/ui.ts";

/** Before anything is shown: the look and the language of this reader. */
export async function prepare(): Promise<void> {
  applyTheme();
  await chooseLanguage(wantedLanguages());
  document.documentElement.lang = locale();
  document.documentElement.dir = direction();
}

/** The one-time code of the address that opened the page. It is taken out of it: a code has no business in a history or on a screen. */
export function takeCode(): Code | undefined {
  const code = parseCode(location.hash);
  if (code !== undefined) history.replaceState(null, "", `${location.pathname}${location.search}`);
  return code;
}

export function show(chat: ChatClient, code: Code | undefined, identities: Identities | null = null): Ui {
  const ui = new Ui(chat, identities);
  followClock(chat.ahead);
  const isNobody = chat.me.peek().user === null;
  render(
    <UiProvider value={ui}>
      <App />
    </UiProvider>,
    document.getElementById("root") ?? document.body,
  );
  loadSoon();
  keepForLong(ui);
  if (code !== undefined) void begin(ui, code, isNobody);
  if (ui.chat.me.peek().name !== null || ui.nameAsked.peek()) ui.focusComposer();
  return ui;
}

/** A code never acts by itself, unless there is nobody on this device yet whom it could be done to. */
async function begin(ui: Ui, { kind, code }: Code, isNobody: boolean): Promise<void> {
  const isFirst = isNobody && kind !== "link" && ((await ui.identities?.others()) ?? []).length === 0;
  if (!isFirst) ui.dialog.value = { kind: "code", leads: kind, code };
  else if (kind === "invite") ui.invite.value = code;
  else await acceptSetup(ui, code);
}

/** Asks the browser not to delete what is kept, as soon as there is something to lose: a name, or a message. */
function keepForLong(ui: Ui): void {
  const stop = effect(() => {
    if (ui.chat.me.value.name === null && ui.chat.connection.value.waiting === 0) return;
    queueMicrotask(() => stop());
    if (remembered("storage") === null) void askToKeep();
  });
}

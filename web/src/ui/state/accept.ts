// Carries out the codes in the address, once somebody has agreed.

import type { Ui } from "./ui.ts";

export async function acceptInvite(ui: Ui, code: string): Promise<void> {
  const joined = await ui.chat.joinByInvite(code);
  ui.invite.value = null;
  if (joined.ok) ui.openRoom(joined.room);
  else ui.tellRefusal(joined.code);
}

export async function acceptSetup(ui: Ui, code: string): Promise<void> {
  const claimed = await ui.chat.claim(code);
  ui.owning.value = claimed.ok;
  if (claimed.ok) return;
  // The dialog says more about it.
  if (claimed.code === "bad_code") ui.dialog.value = { kind: "code", leads: "setup", code };
  else ui.tellRefusal(claimed.code);
}

// Shows the open dialog: one at a time.

import { enDialogs } from "../../texts/en-dialogs.ts";
import { addTexts } from "../../texts/texts.ts";
import { useUi } from "../state/ui.ts";
import { AddDialog, DirectDialog } from "./choose-people.tsx";
import { BrowseDialog } from "./browse.tsx";
import { DeleteDialog, ExpelDialog, LeaveDialog } from "./confirm.tsx";
import { CodeDialog } from "./code.tsx";
import { CreateDialog } from "./create.tsx";
import { DevicesDialog } from "./devices.tsx";
import { ForgetDialog } from "./forget.tsx";
import { HelpDialog } from "./help.tsx";
import { IdentitiesDialog, UnknownDialog } from "./identities.tsx";
import { InviteDialog } from "./invite.tsx";
import { RoomDialog } from "./room.tsx";
import { SettingsDialog } from "./settings.tsx";
import { StraysDialog } from "./strays.tsx";
import { Switcher } from "./switcher.tsx";

addTexts(enDialogs);

export { DeadLink } from "./dead-link.tsx";
export { Elsewhere } from "./elsewhere.tsx";
export { People } from "../people/people.tsx";
export { Announcements } from "../timeline/announcements.ts";
export { Trouble } from "../shell/trouble.tsx";
export { act, actOnButton } from "../timeline/actions.ts";
export { Toolbar } from "../timeline/toolbar.tsx";

export function Dialogs() {
  const ui = useUi();
  const dialog = ui.dialog.value;
  const room = ui.room.value;
  switch (dialog?.kind) {
    case undefined:
      return null;
    case "switcher":
      return <Switcher />;
    case "browse":
      return <BrowseDialog />;
    case "create":
      return <CreateDialog />;
    case "direct":
      return <DirectDialog />;
    case "settings":
      return <SettingsDialog />;
    case "help":
      return <HelpDialog />;
    case "strays":
      return <StraysDialog />;
    case "code":
      return <CodeDialog leads={dialog.leads} code={dialog.code} key={dialog.code} />;
    case "unknown":
      return <UnknownDialog />;
    case "identities":
      return <IdentitiesDialog />;
    case "devices":
      return <DevicesDialog />;
    case "forget":
      return <ForgetDialog identity={dialog.identity} />;
    case "delete":
      return <DeleteDialog room={ui.view.peek().room} seq={dialog.seq} />;
    case "remove":
      return <ExpelDialog room={ui.view.peek().room} person={dialog.person} />;
    case "room":
      return room === undefined ? null : <RoomDialog room={room} />;
    case "invite":
      return room === undefined ? null : <InviteDialog room={room} />;
    case "add":
      return room === undefined ? null : <AddDialog room={room} />;
    case "leave":
      return room === undefined ? null : <LeaveDialog room={room} />;
  }
}

// The people of this device, and what to do when the server does not know who you are.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { leavePorts } from "../../core/browser/link-ports.ts";
import type { Person } from "../../core/facade.ts";
import type { Identity } from "../../core/identities.ts";
import { forgetUnused } from "../../core/unused.ts";
import { text } from "../../texts/texts.ts";
import { LaterIcon } from "../parts/later-icon.tsx";
import { Modal } from "../parts/modal.tsx";
import { personName } from "../parts/names.ts";
import { Avatar, Name } from "../parts/person.tsx";
import { remember } from "../state/preferences.ts";
import { roomHash } from "../state/route.ts";
import { LOBBY } from "../parts/names.ts";
import { type Ui, useUi } from "../state/ui.ts";
import { useTask } from "./task.ts";

export function IdentitiesDialog() {
  return (
    <Modal title={text("identities")}>
      <p>{text("identitiesHelp")}</p>
      <Choices withMe />
    </Modal>
  );
}

/** It goes as soon as the server knows who this is. */
export function UnknownDialog() {
  const ui = useUi();
  const isOnline = ui.chat.connection.value.state === "online";
  const isSignedOut = ui.chat.connection.value.reason === "signed_out";
  useEffect(() => {
    if (isOnline) ui.dialog.value = null;
  }, [isOnline]);
  return (
    <Modal title={text(isSignedOut ? "signedOut" : "unknownServer")}>
      <p>{text(isSignedOut ? "signedOutHelp" : "unknownHelp")}</p>
      {!isSignedOut && (
        <button type="button" class="primary" autofocus onClick={() => ui.chat.hurry()}>
          {text("unknownRetry")}
        </button>
      )}
      <Choices isUnknown />
    </Modal>
  );
}

interface ChoicesProperties {
  readonly withMe?: boolean;
  /** The server that answers does not know this person, so it may be another one than theirs. */
  readonly isUnknown?: boolean;
}

function Choices({ withMe = false, isUnknown = false }: ChoicesProperties) {
  const ui = useUi();
  const task = useTask();
  const others = useSignal<readonly Identity[]>([]);
  useEffect(() => {
    void ui.identities?.others().then((all) => (others.value = all));
  }, []);
  const be = async (choose: () => Promise<void>) => {
    if (ui.identities === null) return void (task.complaint.value = text("refusedNotKept"));
    await choose();
    await reopen(ui);
  };
  const me = ui.chat.me.value;
  const isLikeMe = ({ server }: Identity) => isUnknown && server !== undefined && server === me.server;
  // Those who may be known here come first.
  const choices = others.value.toSorted((one, other) => Number(isLikeMe(one)) - Number(isLikeMe(other)));
  return (
    <>
      <ul class="choose-list">
        {withMe && (
          <li class="choose">
            <Avatar person={personOf(me)} />
            <span class="choose-text">
              <Name person={personOf(me)} />
            </span>
            <span class="choose-end">{text("you")}</span>
          </li>
        )}
        {choices.map((identity) => {
          const person = personOf(identity);
          return (
            <li class="member" key={identity.store}>
              <button type="button" class="choose" onClick={() => void be(async () => ui.identities?.choose(identity.store))}>
                <Avatar person={person} />
                <span class="choose-text">
                  <Name person={person} />
                  {isLikeMe(identity) && <small> {text("unknownAlike")}</small>}
                </span>
                <span class="choose-end">{text("identitiesUse", { who: personName(person) })}</span>
              </button>
              <button
                type="button"
                class="quiet square small"
                aria-label={text("forgetDo", { who: personName(person) })}
                title={text("forgetDo", { who: personName(person) })}
                onClick={() => (ui.dialog.value = { kind: "forget", identity })}
              >
                <LaterIcon name="close" />
              </button>
            </li>
          );
        })}
      </ul>
      <p class="complaint" role="alert">
        {task.complaint.value}
      </p>
      <footer class="form-footer start">
        <button type="button" class="soft" onClick={() => void be(async () => ui.identities?.begin())}>
          {text("identitiesNew")}
        </button>
      </footer>
    </>
  );
}

export function personOf({ user, name }: Pick<Identity, "user" | "name">): Person {
  return { ...(user === null ? {} : { user }), ...(name === null ? {} : { name }) };
}

/** Opens the page anew, as the person who was chosen; what was typed is kept first. */
export async function reopen(ui: Ui): Promise<void> {
  await ui.chat.stop();
  // In doubt they stay on the list.
  if (ui.identities !== null) await forgetUnused(ui.identities, leavePorts).catch(() => undefined);
  // Somebody new is asked for a name as on a first visit.
  remember("name-asked", null);
  // Rooms have other numbers for somebody else, and a question about a name is another one.
  history.replaceState(null, "", roomHash(LOBBY));
  location.reload();
}

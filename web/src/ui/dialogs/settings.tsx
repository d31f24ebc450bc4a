// The settings of a person: name, theme, language, other devices.

import { useSignal } from "@preact/signals";
import { LANGUAGES, text } from "../../texts/texts.ts";
import { Copyable } from "../parts/copyable.tsx";
import { Icon } from "../parts/icon.tsx";
import { Modal } from "../parts/modal.tsx";
import { type Theme, askToKeep, chooseTheme, remember, remembered, theme } from "../state/preferences.ts";
import { useUi } from "../state/ui.ts";
import { Field, LoopbackWarning } from "./parts.tsx";
import { useTask } from "./task.ts";

const NAME_MAX = 32;

export function SettingsDialog() {
  const ui = useUi();
  return (
    <Modal title={text("settings")}>
      <NameForm />
      <Appearance />
      <Language />
      <LinkDevice />
      {!isSecureContext && <p class="help">{text("offlineNeedsHttps")}</p>}
      <Kept />
      <section class="field">
        <button type="button" class="soft" onClick={() => (ui.dialog.value = { kind: "identities" })}>
          {text("identities")}
        </button>
      </section>
      <footer class="form-footer start">
        <button type="button" class="soft" onClick={() => (ui.dialog.value = { kind: "help" })}>
          {text("keyboardHelp")}
        </button>
      </footer>
    </Modal>
  );
}

function NameForm() {
  const ui = useUi();
  const task = useTask();
  const name = useSignal(ui.chat.me.peek().name ?? "");
  const changed = name.value.trim() !== "" && name.value.trim() !== ui.chat.me.value.name;
  const save = async () => {
    if ((await task.run(() => ui.chat.setName(name.peek().trim()))) !== undefined) ui.setNameAsked();
  };
  return (
    <form
      class="inline-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (changed) void save();
      }}
    >
      <Field label={text("nameLabel")} value={name.value} max={NAME_MAX} onInput={(value) => (name.value = value)} />
      <button type="submit" class="primary" disabled={!changed || task.busy.value}>
        {text("save")}
      </button>
      <p class="complaint" role="alert">
        {task.complaint.value}
      </p>
    </form>
  );
}

function Appearance() {
  const chosen = useSignal<Theme>(theme());
  const choose = (value: Theme) => {
    chosen.value = value;
    chooseTheme(value);
  };
  const option = (value: Theme, label: string) => (
    <label>
      <input type="radio" name="theme" checked={chosen.value === value} onChange={() => choose(value)} />
      <span>{label}</span>
    </label>
  );
  return (
    <fieldset class="segments">
      <legend>{text("theme")}</legend>
      {option("system", text("themeSystem"))}
      {option("light", text("themeLight"))}
      {option("dark", text("themeDark"))}
    </fieldset>
  );
}

function Language() {
  const choose = (tag: string) => {
    remember("language", tag === "" ? null : tag);
    // Everything that is shown was made with the old texts.
    const address = new URL(location.href);
    address.searchParams.delete("lang");
    history.replaceState(null, "", address);
    location.reload();
  };
  const chosen = remembered("language") ?? "";
  return (
    <label class="field">
      <span>{text("language")}</span>
      <select value={chosen} onChange={(event) => choose(event.currentTarget.value)}>
        <option value="">{text("languageSystem")}</option>
        {Object.entries(LANGUAGES).map(([tag, { name }]) => (
          <option value={tag} lang={tag} key={tag}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Only where the browser may delete what is kept. */
function Kept() {
  const refused = useSignal(remembered("storage") === "refused");
  const ask = async () => {
    await askToKeep();
    refused.value = remembered("storage") === "refused";
  };
  if (!refused.value) return null;
  return (
    <section class="field">
      <h3>{text("storage")}</h3>
      <p class="help">{text("storageRefused")}</p>
      <button type="button" class="soft" onClick={() => void ask()}>
        {text("storageAsk")}
      </button>
    </section>
  );
}

function LinkDevice() {
  const ui = useUi();
  const task = useTask();
  const link = useSignal<string | null>(null);
  const make = async () => {
    const answer = await task.run(() => ui.chat.link());
    if (answer !== undefined) link.value = `${location.origin}${location.pathname}#link=${encodeURIComponent(answer.code)}`;
  };
  return (
    <section class="field">
      <h3>{text("linkDevice")}</h3>
      <LoopbackWarning />
      <p class="help">{text("linkHelp")}</p>
      {link.value === null ? (
        <button type="button" class="soft" disabled={task.busy.value} onClick={() => void make()}>
          <Icon name="link" />
          {text("linkMake")}
        </button>
      ) : (
        <Copyable label={text("linkLabel")} value={link.value} />
      )}
      <p class="complaint" role="alert">
        {task.complaint.value}
      </p>
      <button type="button" class="soft" onClick={() => (ui.dialog.value = { kind: "devices" })}>
        {text("devicesTitle")}
      </button>
    </section>
  );
}

// Parts that several dialogs share.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { text } from "../../texts/texts.ts";
import { isLoopback, portOf } from "../parts/hosts.ts";
import { Icon } from "../parts/icon.tsx";
import { useUi } from "../state/ui.ts";
import type { Task } from "./task.ts";

const OWN_NAME_MAX = 32;

interface FieldProperties {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly help?: string;
  readonly max?: number;
  readonly autoFocus?: boolean;
}

export function Field({ label, value, onInput, help, max, autoFocus }: FieldProperties) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        dir="auto"
        value={value}
        maxLength={max}
        autofocus={autoFocus}
        autocomplete="off"
        aria-describedby={help === undefined ? undefined : `${id}-help`}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      {help !== undefined && (
        <small id={`${id}-help`} class="help">
          {help}
        </small>
      )}
    </div>
  );
}

interface FormProperties {
  readonly task: Task;
  readonly submit: string;
  readonly cancel?: string;
  readonly kind?: "primary" | "danger";
  readonly disabled?: boolean;
  readonly onSubmit: () => void;
  readonly onCancel: () => void;
  readonly children?: ComponentChildren;
}

export function Form({ task, submit, cancel = text("cancel"), kind = "primary", disabled = false, onSubmit, onCancel, children }: FormProperties) {
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      {children}
      <p class="complaint" role="alert">
        {task.complaint.value}
      </p>
      <footer class="form-footer">
        <button type="button" class="soft" onClick={onCancel}>
          {cancel}
        </button>
        <button type="submit" class={kind} disabled={disabled || task.busy.value} autofocus={kind === "danger"}>
          {submit}
        </button>
      </footer>
    </form>
  );
}

/** With every link for another device: nobody but this computer can open one to itself. */
export function LoopbackWarning() {
  if (!isLoopback(location.hostname)) return null;
  return (
    <p class="warning">
      <Icon name="alert" />
      <span>{text("inviteLoopback", { port: portOf(location) })}</span>
    </p>
  );
}

interface OwnName {
  /** Nothing for those who have a name. */
  readonly field: ComponentChildren;
  readonly isMissing: boolean;
  /** Takes the name; false if it was refused, which the dialog then says. */
  readonly take: () => Promise<boolean>;
}

/** One's own name, in a dialog about something that nobody may do without one. */
export function useOwnName(task: Task): OwnName {
  const { chat } = useUi();
  const name = useSignal("");
  if (chat.me.value.name !== null) return { field: null, isMissing: false, take: () => Promise.resolve(true) };
  const field = <Field label={text("nameLabel")} value={name.value} max={OWN_NAME_MAX} help={text("nameNeeded")} autoFocus onInput={(value) => (name.value = value)} />;
  const take = async () => (await task.run(() => chat.setName(name.peek().trim()))) !== undefined;
  return { field, isMissing: name.value.trim() === "", take };
}

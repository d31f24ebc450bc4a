// One message. It is rendered again only when its item changes, because there are hundreds of rows.

import { Component } from "preact";
import type { MessageRow, PendingRow, Person } from "../../core/facade.ts";
import { refusal } from "../../texts/refusals.ts";
import { text } from "../../texts/texts.ts";
import { Markdown } from "../markdown/markdown.tsx";
import { fullTime, shortTime, timeOfDay } from "../parts/dates.ts";
import { Icon } from "../parts/icon.tsx";
import { personKey, personName } from "../parts/names.ts";
import { Avatar, Name } from "../parts/person.tsx";
import type { MessageItem } from "./arrange.ts";

const LABEL_MAX = 200;

interface Properties {
  readonly item: MessageItem;
  /** Who writes what is not sent yet. */
  readonly me: Person;
}

export class MessageView extends Component<Properties> {
  override shouldComponentUpdate(next: Readonly<Properties>): boolean {
    return next.item !== this.props.item || (next.me !== this.props.me && next.item.row.kind === "pending");
  }

  override render({ item: { key, row, head }, me }: Properties) {
    const from = row.kind === "pending" ? me : row.from;
    const own = row.kind === "pending" || row.own;
    return (
      <article
        class={`row message${head ? " head" : ""}${own ? " own" : ""}${isUnsent(row) ? " unsent" : ""}`}
        data-key={key}
        data-seq={row.kind === "message" ? row.seq : undefined}
        data-state={stateName(row)}
        aria-label={label(row, from)}
        tabIndex={-1}
      >
        {head ? <Avatar person={from} /> : <Time at={row.at} shown={shortTime(row.at)} />}
        <div class="content">
          {head && (
            <header class="byline">
              <strong class="author">
                {isAuthorLost(row) ? text("authorLost") : <Name person={from} />}
              </strong>
              <Time at={row.at} shown={timeOfDay(row.at)} />
            </header>
          )}
          <div class="body">{row.kind === "message" && row.deleted ? <p class="deleted">{text(row.damaged ? "damagedText" : "deletedText")}</p> : <Markdown text={row.text} />}</div>
          <State row={row} />
          {row.kind === "message" && row.draft && <Unsaved />}
        </div>
        <div class="slot" />
      </article>
    );
  }
}

function Time({ at, shown }: { readonly at: number; readonly shown: string }) {
  return (
    <time dateTime={new Date(at).toISOString()} title={fullTime(at)}>
      {shown}
    </time>
  );
}

/** What is damaged may not even tell whose it was. */
function isAuthorLost(row: MessageRow | PendingRow): boolean {
  return row.kind === "message" && row.damaged === true && personKey(row.from) === "";
}

function isUnsent(row: MessageRow | PendingRow): boolean {
  return row.kind === "pending" || row.change === "editing" || row.change === "deleting";
}

function stateName(row: MessageRow | PendingRow): string | undefined {
  if (row.kind === "pending") return typeof row.state === "string" ? row.state : "refused";
  return row.change === undefined || typeof row.change === "string" ? row.change : "refused";
}

function stateText(row: MessageRow | PendingRow): string | undefined {
  if (row.kind === "pending") {
    if (row.state === "sending") return text("rowSending");
    if (row.state === "waiting") return text("rowWaiting");
    return text("rowRefused", { reason: refusal(row.state.refused) });
  }
  if (row.change === "editing") return text("changeEditing");
  if (row.change === "deleting") return text("changeDeleting");
  if (row.change !== undefined) return text("changeRefused", { reason: refusal(row.change.refused) });
  return row.edited && !row.deleted ? text("rowEdited") : undefined;
}

function label(row: MessageRow | PendingRow, from: Person): string {
  const deleted = row.kind === "message" && row.deleted;
  const content = deleted ? text(row.damaged ? "damagedText" : "rowDeleted") : row.text.slice(0, LABEL_MAX);
  const name = isAuthorLost(row) ? text("authorLost") : personName(from);
  const whole = text("rowLabel", { name, time: timeOfDay(row.at), text: content });
  const state = row.kind === "message" && row.draft ? text("changeDraft") : stateText(row);
  return state === undefined ? whole : `${whole}, ${state}`;
}

/** What is not usual about a row. The clock of a message on its way is shown by the style sheet after a second. */
function State({ row }: { readonly row: MessageRow | PendingRow }) {
  const name = stateName(row);
  const words = stateText(row);
  if (words === undefined) return null;
  if (name === undefined) return <p class="state">({words})</p>;
  const refused = name === "refused";
  return (
    <p class={`state ${name}`}>
      <Icon name={refused ? "alert" : "clock"} />
      <span>{words}</span>
      {refused && <RefusedActions />}
    </p>
  );
}

// Handled by the timeline, by the name of the action: a row that holds functions of its own would never stay equal.
function Unsaved() {
  return (
    <p class="state">
      <Icon name="edit" />
      <span>{text("changeDraft")}</span>
      <span class="actions">
        <button type="button" class="link" data-action="edit-draft">
          {text("edit")}
        </button>
        <button type="button" class="link" data-action="discard-draft">
          {text("discard")}
        </button>
      </span>
    </p>
  );
}

function RefusedActions() {
  return (
    <span class="actions">
      <button type="button" class="link" data-action="retry">
        {text("retry")}
      </button>
      <button type="button" class="link" data-action="edit-refused">
        {text("edit")}
      </button>
      <button type="button" class="link" data-action="discard">
        {text("delete")}
      </button>
    </span>
  );
}

// Notices: changes of the room, and who joined and left, condensed into one line that opens.

import { useSignal } from "@preact/signals";
import type { ComponentChild } from "preact";
import type { Notice, NoticeRow, Person } from "../../core/facade.ts";
import { text } from "../../texts/texts.ts";
import { fullTime, timeOfDay } from "../parts/dates.ts";
import { nameList, personName } from "../parts/names.ts";
import { rich } from "../parts/rich.ts";
import { useUi } from "../state/ui.ts";
import { type Condensed, condense, passageOf } from "./condense.ts";

export function NoticesView({ rows, rowKey }: { readonly rows: readonly NoticeRow[]; readonly rowKey: string }) {
  const open = useSignal(false);
  const me = useUi().chat.me.value.user;
  const [first] = rows;
  if (first === undefined) return null;
  return (
    <div class="row notice" data-key={rowKey} tabIndex={-1} role="group">
      <div class="notice-lines">
        {open.value || rows.length === 1 ? rows.map((row) => <Line row={row} me={me} key={row.key} />) : <p>{summary(rows, me)}</p>}
      </div>
      {rows.length > 1 && (
        <button type="button" class="link" aria-expanded={open.value} onClick={() => (open.value = !open.value)}>
          {open.value ? text("showLess") : text("showAll")}
        </button>
      )}
    </div>
  );
}

function summary(rows: readonly NoticeRow[], me: string | null): ComponentChild[] {
  return condense(rows).flatMap((passed, index) => [index === 0 ? null : <span class="dot"> · </span>, ...passing(passed, me)]);
}

/** People who came or went; that somebody was added by another is news to nobody more than to them. */
function passing({ what, from, people }: Condensed, me: string | null): ComponentChild[] {
  const slots = { from: from !== undefined && <bdi>{personName(from)}</bdi>, who: <bdi>{nameList(people)}</bdi> };
  if (what === "left") return rich("noticeLeft", slots);
  if (what === "joined") return rich("noticeJoined", slots);
  return rich(people.length === 1 && people[0]?.user === me ? "noticeAddedYou" : "noticeAdded", slots);
}

function Line({ row, me }: { readonly row: NoticeRow; readonly me: string | null }) {
  return (
    <p>
      <time dateTime={new Date(row.at).toISOString()} title={fullTime(row.at)}>
        {timeOfDay(row.at)}
      </time>{" "}
      {sentence(row.notice, me)}
    </p>
  );
}

function sentence(notice: Notice, me: string | null): ComponentChild[] {
  const name = (person: Person) => <bdi>{personName(person)}</bdi>;
  const passage = passageOf(notice);
  if (passage !== undefined) return passing({ ...passage, people: [passage.person] }, me);
  const slots = { from: name(notice.from), who: name(notice.who ?? notice.from), text: <bdi>{notice.text ?? ""}</bdi> };
  switch (notice.what) {
    case "created":
      return rich("noticeCreated", slots);
    case "renamed":
      return rich("noticeRenamed", slots);
    case "topic":
      return rich((notice.text ?? "") === "" ? "noticeTopicCleared" : "noticeTopic", slots);
    case "removed":
      return rich("noticeRemoved", slots);
    case "joined":
    case "left":
      return [];
  }
}

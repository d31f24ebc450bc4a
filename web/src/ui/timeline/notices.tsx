// Notices: what happened to the room, and who came and went, condensed into one line that opens.

import { useSignal } from "@preact/signals";
import type { ComponentChild } from "preact";
import type { Notice, NoticeRow, Person } from "../../core/facade.ts";
import { type PlainKey, text } from "../../texts/texts.ts";
import { fullTime, timeOfDay } from "../parts/dates.ts";
import { nameList, personKey, personName } from "../parts/names.ts";
import { rich } from "../parts/rich.ts";
import { type Passing, condense } from "./condense.ts";

const PASSING: Readonly<Record<Passing, PlainKey>> = {
  joined: "noticeJoined",
  left: "noticeLeft",
  online: "noticeOnline",
  offline: "noticeOffline",
};

export function NoticesView({ rows, rowKey }: { readonly rows: readonly NoticeRow[]; readonly rowKey: string }) {
  const open = useSignal(false);
  const [first] = rows;
  if (first === undefined) return null;
  return (
    <div class="row notice" data-key={rowKey} tabIndex={-1} role="group">
      <div class="notice-lines">
        {open.value || rows.length === 1 ? rows.map((row) => <Line row={row} key={row.key} />) : <p>{summary(rows)}</p>}
      </div>
      {rows.length > 1 && (
        <button type="button" class="link" aria-expanded={open.value} onClick={() => (open.value = !open.value)}>
          {open.value ? text("showLess") : text("showAll")}
        </button>
      )}
    </div>
  );
}

function summary(rows: readonly NoticeRow[]): ComponentChild[] {
  return condense(rows).flatMap(({ what, people }, index) => [
    index === 0 ? null : <span class="dot"> · </span>,
    ...rich(PASSING[what], { who: <bdi>{nameList(people)}</bdi> }),
  ]);
}

function Line({ row }: { readonly row: NoticeRow }) {
  return (
    <p>
      <time dateTime={new Date(row.at).toISOString()} title={fullTime(row.at)}>
        {timeOfDay(row.at)}
      </time>{" "}
      {sentence(row.notice)}
    </p>
  );
}

function sentence(notice: Notice): ComponentChild[] {
  const name = (person: Person) => <bdi>{personName(person)}</bdi>;
  if ("people" in notice) return rich(PASSING[notice.what], { who: <bdi>{nameList(notice.people)}</bdi> });
  const who = notice.who ?? notice.from;
  const slots = { from: name(notice.from), who: name(who), text: <bdi>{notice.text ?? ""}</bdi> };
  switch (notice.what) {
    case "created":
      return rich("noticeCreated", slots);
    case "renamed":
      return rich("noticeRenamed", slots);
    case "topic":
      return rich((notice.text ?? "") === "" ? "noticeTopicCleared" : "noticeTopic", slots);
    case "joined":
      return rich(personKey(who) === personKey(notice.from) ? "noticeJoined" : "noticeAdded", slots);
    case "left":
      return rich("noticeLeft", slots);
    case "removed":
      return rich("noticeRemoved", slots);
  }
}

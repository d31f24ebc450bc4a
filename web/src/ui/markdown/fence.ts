// Code fences as in CommonMark: three or more backticks or tildes, indented by at most three spaces.

export interface Fence {
  readonly marker: string;
  readonly length: number;
  readonly indent: number;
  /** The first word behind the fence; what follows it says nothing here. */
  readonly language: string;
}

const OPENING = /^( {0,3})(?:(`{3,})([^`]*)|(~{3,})([^]*))$/;
const CLOSING = /^ {0,3}(`{3,}|~{3,})[ \t]*$/;

export function openingFence(line: string): Fence | undefined {
  const found = OPENING.exec(line);
  if (found === null) return undefined;
  const fence = found[2] ?? found[4] ?? "";
  const about = (found[3] ?? found[5] ?? "").trim();
  return { marker: fence.charAt(0), length: fence.length, indent: found[1]?.length ?? 0, language: about.split(/\s/, 1)[0] ?? "" };
}

export function closesFence(line: string, { marker, length }: Fence): boolean {
  const fence = CLOSING.exec(line)?.[1] ?? "";
  return fence.length >= length && fence.startsWith(marker);
}

/** A line of code without the indentation that it owes to its fence. */
export function withoutIndent(line: string, { indent }: Fence): string {
  let start = 0;
  while (start < indent && line.charAt(start) === " ") start += 1;
  return line.slice(start);
}

/** Whether the caret stands in a fenced block that is not closed before it: Enter makes a line there. */
export function isInFence(text: string, caret: number): boolean {
  let open: Fence | undefined;
  for (const line of text.slice(0, caret).split("\n")) {
    if (open === undefined) open = openingFence(line);
    else if (closesFence(line, open)) open = undefined;
  }
  return open !== undefined;
}

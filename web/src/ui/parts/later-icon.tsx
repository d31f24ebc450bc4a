// The icons that only later parts of the page use.

import { Drawing, Icon, type IconName } from "./icon.tsx";

const PATHS = {
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  close: "M6 6l12 12M18 6 6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  leave: "M10 4H4v16h6M9 12h11M16 7l5 5-5 5",
  message: "M4 5h16v11H10l-5 4v-4H4z",
} as const;

export type LaterIconName = keyof typeof PATHS;

export function LaterIcon({ name }: { readonly name: LaterIconName | IconName }) {
  return name in PATHS ? <Drawing path={PATHS[name as LaterIconName]} /> : <Icon name={name as IconName} />;
}

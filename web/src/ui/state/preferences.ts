// What this browser remembers about how the page looks. Nothing of it is important: a browser without storage just
// forgets it.

export type Theme = "system" | "light" | "dark";

const PREFIX = "tidings.";

export function remembered(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

export function remember(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    // A private window may have no storage.
  }
}

export function theme(): Theme {
  const chosen = remembered("theme");
  return chosen === "light" || chosen === "dark" ? chosen : "system";
}

export function chooseTheme(chosen: Theme): void {
  remember("theme", chosen === "system" ? null : chosen);
  applyTheme();
}

/** Whether the browser keeps what is stored even when space is short. Null: it has not been asked. */
export async function askToKeep(): Promise<void> {
  if (!("storage" in navigator)) return;
  const isKept = await navigator.storage.persist().catch(() => false);
  remember("storage", isKept ? "kept" : "refused");
}

/** The style sheet has both looks; this only overrules the system's choice. */
export function applyTheme(): void {
  const chosen = theme();
  if (chosen === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = chosen;
}

/** The languages that the reader wants, best first: the address, the choice made here, the browser's list. */
export function wantedLanguages(): readonly string[] {
  const asked = new URLSearchParams(location.search).get("lang");
  const chosen = remembered("language");
  return [...(asked === null ? [] : [asked]), ...(chosen === null ? [] : [chosen]), ...navigator.languages];
}

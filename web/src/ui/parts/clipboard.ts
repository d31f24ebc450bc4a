// Copies a text to the clipboard, also on a page without a secure connection.

export async function copy(written: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(written);
    return true;
  } catch {
    return copySelected(written);
  }
}

// A chat in a local network is often reached by plain HTTP, where browsers hide the clipboard.
function copySelected(written: string): boolean {
  const field = document.createElement("textarea");
  field.value = written;
  field.className = "unseen";
  const open = document.querySelector("dialog[open]") ?? document.body;
  open.append(field);
  const focused = document.activeElement;
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return done;
}

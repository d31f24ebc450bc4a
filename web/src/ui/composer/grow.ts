// Lets a text field grow with its text where the style sheet alone cannot. The greatest height is the style sheet's.

const BY_STYLE = CSS.supports("field-sizing", "content");

export function grow(field: HTMLTextAreaElement | null): void {
  if (BY_STYLE || field === null) return;
  field.style.blockSize = "auto";
  field.style.blockSize = `${field.scrollHeight}px`;
}

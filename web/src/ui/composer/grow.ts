// Makes a text field grow with its text where CSS alone cannot. CSS sets the greatest height.

const BY_STYLE = CSS.supports("field-sizing", "content");

export function grow(field: HTMLTextAreaElement | null): void {
  if (BY_STYLE || field === null) return;
  field.style.blockSize = "auto";
  field.style.blockSize = `${field.scrollHeight}px`;
}

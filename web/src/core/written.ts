// What a message may contain: the server's rules, so that this device shows at once what everybody will get.
// docs/text.json has the same rules, and the tests of the server read it too.

/** Whether a text shows nothing: the server refuses it as `empty`. */
export const isBlank = (text: string): boolean => /^[\s\p{Cc}\p{DI}\u2800\ufff9-\ufffb\u{16fe4}\u{1d159}]*$/u.test(text);

/** The text as everybody gets it: line breaks are `\n`, and what is no text is U+FFFD. */
export const cleaned = (text: string): string =>
  text.replace(/\r\n?|[\v\f\x85]/g, "\n").replace(/[^\P{Cc}\n\t]|\u202d|\u202e/gu, "\ufffd");

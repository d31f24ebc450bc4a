// How the address of a link is shown: so that its host cannot be taken for another one.
//
// Letters of different scripts look the same (`еxample.com` with a Cyrillic е). A host in one script is shown as it was
// written. Any other is shown in Punycode, as browsers do.

/** Scripts with letters that look like those of another one of these. */
const ALIKE = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u, /\p{Script=Armenian}/u, /\p{Script=Cherokee}/u];
/** Letters that only some fonts tell apart from plain ones: all that are not of a language of Europe, and four that are. */
const UNUSUAL = /[ıĸŉſ]|(?![a-zß-ſ])\p{Script=Latin}|\p{Script=Inherited}/u;
const WRITTEN_HOST = /^(https?:\/\/)([^/?#\\]+)/iu;

/** What is shown for an address as somebody wrote it. */
export function shownAddress(written: string, href: string): string {
  const host = WRITTEN_HOST.exec(written)?.[2];
  if (host === undefined || isPlain(host)) return written;
  return isDeceptive(host.normalize("NFC").toLowerCase()) ? href : written;
}

/** Whether a label is an address that leads to another host than the link. */
export function isOtherHost(label: string, href: string): boolean {
  if (!WRITTEN_HOST.test(label.trim())) return false;
  try {
    return new URL(label.trim()).host !== new URL(href).host;
  } catch {
    return true;
  }
}

function isPlain(host: string): boolean {
  return /^[\x21-\x7e]+$/.test(host);
}

function isDeceptive(host: string): boolean {
  const scripts = ALIKE.filter((script) => script.test(host));
  return scripts.length > 1 || UNUSUAL.test(host) || !/^[\p{L}\p{M}\p{N}.:-]+$/u.test(host);
}

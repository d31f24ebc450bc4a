// Hosts that are made to be taken for others, and hosts of all the world.

import { describe, expect, it } from "vitest";

import { shownAddress } from "../../src/ui/markdown/host.ts";
import { safeAddress } from "../../src/ui/markdown/links.ts";

function shown(written: string): string {
  const href = safeAddress(written);
  if (href === undefined) throw new Error(`no address: ${written}`);
  return shownAddress(written, href);
}

describe("the host of a link", () => {
  it.each([
    "https://еxample.com/a",
    "https://exаmple.com",
    "https://ехample.org",
    "http://gооgle.com",
    "https://аррӏе.com",
    "https://раураl.com/login",
    "https://αpple.com",
    "https://ΟΟΟ.com",
    "https://ոaver.com",
    "https://gıthub.com",
    "https://ạpple.com",
    "https://example.com.ехаmple.org:8080/x",
    "https://faceboo\u0138.com",
    "https://ᏚᎢ.com",
    "https://good.examplе",
  ])("is shown in Punycode if it mixes scripts, or has letters that few can tell apart: %s", (written) => {
    expect(shown(written)).toMatch(/^https?:\/\/[\x21-\x7e]+$/);
    expect(shown(written)).toContain("xn--");
  });

  it.each([
    "https://example.com",
    "https://example.com/п",
    "https://münchen.de",
    "https://straße.example",
    "https://пример.рф",
    "https://παράδειγμα.ελ",
    "https://日本語.jp",
    "https://例え.テスト",
    "https://한국.kr",
    "https://مثال.إختبار",
    "https://दूकान.com",
    "https://łódź.pl:8443/a?b#c",
    "HTTPS://MÜNCHEN.DE",
  ])("is shown as it was written otherwise: %s", (written) => {
    expect(shown(written)).toBe(written);
  });
});

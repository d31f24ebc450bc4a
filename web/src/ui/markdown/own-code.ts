// Addresses of this chat with a one-time code. In a message they are not links: such a code asks people who they want
// to be, and that must not be one click away in a stranger's message.

const CODE = /^#(?:setup|invite|link)=/i;
const LOOPBACK = /^(?:localhost|.*\.localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1?\]|\[::ffff:7f[\da-f]{2}:[\da-f]{1,4}\])$/;

/** Whether an address has the host of this page, on any port, and a code. */
export function isOwnCode({ hash, hostname }: URL, own = here()): boolean {
  return CODE.test(decoded(hash)) && sameHost(plain(hostname), plain(own));
}

/** A server may be reached by several addresses of the same machine. */
function sameHost(one: string, other: string): boolean {
  return one === other || (LOOPBACK.test(one) && LOOPBACK.test(other));
}

/** The address parser has decoded the host and made it lower case. */
function plain(hostname: string): string {
  return hostname.replace(/\.$/, "");
}

function here(): string {
  return typeof location === "undefined" ? "" : location.hostname;
}

function decoded(hash: string): string {
  try {
    return decodeURIComponent(hash);
  } catch {
    // What follows the sign of equality may be anything.
    return hash.replace(/%[\da-f]{2}/gi, (escape) => String.fromCharCode(parseInt(escape.slice(1), 16)));
  }
}

// What the address of the page says about who can open it.

/** Only this computer has that address. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|.{1,200}\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i.test(host);
}

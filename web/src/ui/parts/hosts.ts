// What the address of the page says about who can open it.

/** Whether only this computer has that address. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|.{1,200}\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i.test(host);
}

/** The port, also where the address leaves it out. */
export function portOf({ port, protocol }: Pick<Location, "port" | "protocol">): string {
  return port === "" ? (protocol === "https:" ? "443" : "80") : port;
}

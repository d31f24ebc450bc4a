// Random ids for devices and for requests between tabs.
//
// Also works on plain-http origins, where `crypto.randomUUID` does not exist.

export interface RandomSource {
  getRandomValues(bytes: Uint8Array<ArrayBuffer>): unknown;
}

/** 128 random bits as 32 hexadecimal digits. */
export function randomHex(source: RandomSource): string {
  const bytes = new Uint8Array(16);
  source.getRandomValues(bytes);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Random names: the key of a message and the lineage of this browser.
//
// Promises at least 122 random bits, also on plain-http origins, where `randomUUID` does not exist.
export function randomKey(source) {
    return source.randomUUID === undefined ? randomHex(source) : source.randomUUID();
}
/** 128 random bits as 32 hexadecimal digits. */
export function randomHex(source) {
    const bytes = new Uint8Array(16);
    source.getRandomValues(bytes);
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

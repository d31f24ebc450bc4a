// Matches a few typed letters with a name, whatever their case and accents.

export function matches(name: string, query: string): boolean {
  const plain = fold(name);
  return fold(query)
    .split(/\s+/)
    .every((word) => plain.includes(word));
}

function fold(written: string): string {
  return written.normalize("NFKD").replace(/\p{M}+/gu, "").toLocaleLowerCase().trim();
}

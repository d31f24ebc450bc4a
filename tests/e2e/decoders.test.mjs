// Each decoder at the edge of the server beside Node's, over a generated corpus: what one of them takes, both take, and
// they make the same of it. What remains is in DIFFERENCES, with its reason in docs/differences.md. The test fails at a
// difference that is not listed, and at a listed one that is none any more.
//
// CONFORMANCE_BIN names the program whose `decoders` is our side; one process each. DECODERS_SEED names another corpus.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse as parseQuery } from "node:querystring";
import { StringDecoder } from "node:string_decoder";
import { isDeepStrictEqual } from "node:util";
import { test } from "node:test";
import { decodePayload } from "engine.io-parser";
import { Decoder } from "socket.io-parser";

const CASES_PER_KIND = 3_000;
const SEEDS = process.env.DECODERS_SEED === undefined ? [1, 7, 31, 105] : [Number(process.env.DECODERS_SEED)];
const DOCUMENT = join(import.meta.dirname, "../../docs/differences.md");

// Randomness that a seed repeats (mulberry32).
let state = 0;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
const below = (count) => Math.floor(random() * count);
const pick = (list) => list[below(list.length)];
const times = (max, make) => Array.from({ length: below(max + 1) }, make);
const chance = (share) => random() < share;

/** A text with a few of its characters exchanged, removed or doubled. */
function damaged(text, alphabet) {
  const characters = [...text];
  for (let changes = below(3); changes > 0; changes--) {
    const at = below(characters.length + 1);
    characters.splice(at, below(2), ...times(2, () => pick(alphabet)));
  }
  return characters.join("");
}

const json = {
  string: () => `"${times(6, () => pick(["a", "é", "😀", "\u2028", " ", "\\n", "\\u0000", "\\ud83d", "\\uDE00", "\\ud83d\\ude00", "\\\\", '\\"', "\\/", "\\u00e9"])).join("")}"`,
  number: () => pick([`${below(100)}`, `-${below(9)}`, "0", "1.0", `${random()}`, `${random() * 1e20}`, `${1 + below(9)}e${below(300)}`, `1E-${below(400)}`, "-0.0", "9007199254740991", "1.5e+3"]),
  value: (depth = 0) =>
    pick([
      json.string,
      json.number,
      () => pick(["true", "false", "null"]),
      () => (depth > 3 ? "[]" : `[${times(3, () => json.value(depth + 1)).join(pick([",", " , ", ",\n"]))}]`),
      () => (depth > 3 ? "{}" : `{${times(3, () => `${json.key()}:${json.value(depth + 1)}`).join(",")}}`),
    ])(),
  key: () => pick(['"a"', '"a"', '"b"', '"1"', '"__proto__"', '"constructor"', '""', '"\\u0061"', json.string()]),
};

const placeholder = () => pick([`{"_placeholder":true,"num":${below(4)}}`, `{"num":${below(3)},"_placeholder":true}`, '{"_placeholder":true}', '{"_placeholder":1,"num":0}', '{"_placeholder":true,"num":"0"}', '{"_placeholder":true,"num":-1}', '{"_placeholder":true,"num":5,"num":0}', '{"_placeholder":false,"num":9}']);
const hexOf = () => Buffer.from(times(4, () => below(256))).toString("hex");

/** What is compared, for each decoder: a generator, Node's side, and samples that random cases may not hit. */
const KINDS = {
  base64: {
    make: () => damaged(Buffer.from(times(70, () => below(256))).toString(pick(["base64", "base64url"])), [..."AZaz09+/-_==\n\r \t!*~\u007f\u0001é"]).replace(/.{20}/g, (line) => (chance(0.1) ? `${line}\r\n` : line)),
    node: (text) => payloadOf(`b${text}`),
    samples: ["", "=", "YQ", "YQ=", "YQ==", "YQ==YQ==", "YQ=Q", "Y", "YWJjY", "YW-_", "YQ\n==\n", "ŁQQQ", "YWJj😀YWJj"],
  },
  utf8: {
    make: () => Buffer.from(times(12, () => pick([0x41, 0x80, 0xbf, 0xc0, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xed, 0xa0, 0xef, 0xbb, 0xbf, 0xf0, 0x9f, 0x98, 0x80, 0xf5, 0xff, 0x00]))).toString("hex"),
    node: (hex) => {
      const decoder = new StringDecoder("utf8");
      return decoder.write(Buffer.from(hex, "hex")) + decoder.end();
    },
    samples: ["", "efbbbf41", "eda0bdedb880", "f09f98", "c3"],
  },
  payload: {
    make: () => times(4, () => pick(["4hi", "2", "3", "0{}", "6", "5", "1", "bAQID", "b", "4", "4é\u2028", "7", "", "x", " 4a"])).join("\u001e"),
    node: payloadOf,
    samples: ["", "\u001e", "4a\u001e\u001e4b"],
  },
  query: {
    make: () => times(5, () => `${pick(["EIO", "transport", "sid", "t", "%45IO", "", "x"])}${pick(["=", "=", "", "=="])}${damaged(pick(["4", "polling", "a%20b", "a+b", "%C3%A9", "%c3", "é"]), [..."%&=+;aF2"])}`).join(pick(["&", "&&"])),
    node: (text) => {
      const query = parseQuery(text);
      const joined = (name) => (query[name] === undefined ? null : String(query[name]));
      return { EIO: joined("EIO"), transport: joined("transport"), sid: joined("sid") };
    },
    samples: ["", "&", "EIO=4&transport=polling&sid=a%2Db", "sid=a&sid=b", "sid=%zz", "sid=%f", "sid=%ff%C3", "sid=é%ff"],
  },
  packet: {
    make: () =>
      damaged(
        `${pick(["0", "1", "2", "2", "3", "4", "51-", "61-", "52-", "510-", "511-"])}${pick(["", "", "/chat,", "/a/b,", "/é,"])}${pick(["", "", "7", "0", "12"])}${pick(['["a",1]', '["a"]', "[]", '{"a":1}', '"text"', "", "[1,2]", '["connect"]', '["disconnecting"]', "[null]", '[["a"]]', "[1.5]", "true", "null"])}`,
        [..."0123456789/,-[]{}\"a. e+"],
      ),
    node: packetOf,
    samples: ["2", "3", "31", "4", "2[1.5]", "2[1e2]", "2[-1]", '2["newListener"]', '2 ["a"]', '2 7["a"]', '51e0-["a"]', '5 1-["a"]', '501-["a"]', '50x1-["a"]', '218446744073709551616["a"]', '29007199254740993["a"]', "2/chat", '2/a?b=c,["a"]', '2/chat,["a"]x', "0/", "0/,", '2["a"] ', "1{}", "8", ""],
  },
  json: {
    make: () => (chance(0.3) ? damaged(json.value(), [..."\"\\[]{}:,0-1.eEtrue \t\u000b\u0000é"]) : json.value()),
    node: (text) => eventOf(`2["a",${text}]`, [], (args) => args[0]),
    samples: ['"\\ud83d"', '{"\\ude00":1}', "1e400", "-1e400", "1e-400", "9007199254740993", "123456789012345678901234567890", "-0", "01", "+1", "1.", ".5", "0x1", "NaN", '"\t"', '"\u007f"', '{"a":1,"a":2}', '{"b":1,"1":2}', '{"__proto__":{"a":1}}', `${"[".repeat(126)}${"]".repeat(126)}`, `${"[".repeat(200)}${"]".repeat(200)}`, "", "1,2", '"\\x"', '"\\u12"', "\u00a0 1", "\ufeff1", "/**/1"],
  },
  binary: {
    make: () => {
      const attachments = times(3, hexOf);
      const count = chance(0.8) ? attachments.length : below(4);
      return { text: `5${count}-["a",${times(3, () => pick([placeholder, placeholder, json.value])()).join(",") || "1"}]`, attachments };
    },
    node: ({ text, attachments }) => eventOf(text, attachments, (args) => args),
    samples: [
      { text: '51-["a",{"_placeholder":true,"num":0.5}]', attachments: ["00"] },
      { text: '51-["a",{"_placeholder":true,"num":0.0}]', attachments: ["00"] },
      { text: '51-["a",{"_placeholder":true,"num":0,"more":1}]', attachments: ["0102"] },
      { text: '51-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]', attachments: ["0102"] },
      { text: '51-["a",[{"deep":{"_placeholder":true,"num":0}}]]', attachments: ["ff"] },
      { text: '51-[{"_placeholder":true,"num":0}]', attachments: ["ff"] },
      { text: '51-["a"]', attachments: ["ff"] },
      { text: '52-["a",1]', attachments: ["ff"] },
      { text: '52-["a",{"_placeholder":true,"num":7}]', attachments: ["ff"] },
      { text: '51-["a","\\ud83d"]', attachments: ["ff"] },
    ],
  },
};

function payloadOf(text) {
  return decodePayload(text, "nodebuffer").map((packet) => {
    if (packet.type === "error") return "error";
    if (Buffer.isBuffer(packet.data)) return ["b", packet.data.toString("hex")];
    return [["open", "close", "ping", "pong", "message", "upgrade", "noop"].indexOf(packet.type), packet.data ?? ""];
  });
}

function packetOf(text) {
  try {
    const { type, nsp, id, attachments, data } = new Decoder().decodeString(text);
    return { type, attachments: attachments ?? 0, namespace: nsp, id: id === undefined ? null : String(id), data };
  } catch {
    return "error";
  }
}

/** The arguments that a Node program gets, as JSON shows them, with bytes as hexadecimal. */
function eventOf(text, attachments, select) {
  const decoder = new Decoder();
  let packet;
  decoder.on("decoded", (decoded) => (packet = decoded));
  try {
    decoder.add(text);
    for (const bytes of attachments) if (packet === undefined) decoder.add(Buffer.from(bytes, "hex"));
  } catch {
    return "closed";
  }
  if (packet === undefined) return "incomplete";
  const [name, ...args] = packet.data ?? [];
  return { name: String(name).toWellFormed(), args: select(args) };
}

const shown = (value) =>
  JSON.stringify(value, function (key, inner) {
    const original = this[key];
    return Buffer.isBuffer(original) ? { $bytes: original.toString("hex") } : inner;
  });

const isSame = (one, other) => isDeepStrictEqual(JSON.parse(one), JSON.parse(other));

/** Whether both sides have made the same of a case. */
function agree(kind, node, ours) {
  if (kind === "packet" && typeof node === "object" && typeof ours === "object") {
    const data = ours.data === "" ? undefined : JSON.parse(ours.data);
    return isDeepStrictEqual({ ...ours, data }, node);
  }
  // As JSON, which knows no minus zero; the order of keys is not compared.
  if (kind === "json" || kind === "binary") return isSame(shown(node), shown(ours));
  return isDeepStrictEqual(ours, node);
}

const isTaken = (result) => typeof result === "object" && result !== null;
/** A value as JSON in which every half of a pair is U+FFFD, in keys as well; two keys may become one by that. */
const mended = (value) => shown(value).replace(/(\\\\)|\\ud[89a-f][0-9a-f]{2}/g, (half, pair) => pair ?? "\ufffd");

/** Whether a number beyond a double stands anywhere in a JSON text, also under a key that a later one takes the place of. */
const holdsInfinity = (text) => text.replace(/"(?:\\.|[^"\\])*"/g, "").match(/-?\d[\d.eE+-]*/g)?.some((number) => !Number.isFinite(Number(number))) ?? false;

/** Every difference that is meant: which kind it is about, and whether a case that differs is one of it. */
const DIFFERENCES = {
  "characters beyond Latin-1 in base64": ["base64", (text) => /[^\u0000-\u00ff]/.test(text)],
  "half of a surrogate pair": [
    ["json", "binary"],
    (input, node, ours) => isTaken(ours) && /\\u[dD][89a-fA-F]/.test(input.text ?? input) && isSame(mended(node), shown(ours)),
  ],
  "numbers beyond a double": ["json", (text, node, ours) => ours === "misfit" && isTaken(node) && holdsInfinity(text)],
  "nesting over 127 levels": ["json", (text, node, ours) => ours === "misfit" && isTaken(node) && text.includes("[".repeat(127))],
  "a name that is a fraction": ["packet", (_, node, ours) => isTaken(node) && ours === "error" && typeof node.data?.[0] === "number"],
  "a packet without its body": ["packet", (_, node, ours) => isTaken(node) && ours === "error" && node.data === undefined],
  "spaces in the number of a packet": ["packet", (text, node, ours) => isTaken(node) && !isDeepStrictEqual(node, ours) && /^[^[{"]* /.test(text.replace(/\/[^,]*,?/, ""))],
  "an ack id beyond 2^53": ["packet", (text, node) => isTaken(node) && Number(node.id) >= 2 ** 53],
  "odd spellings of the number of attachments": ["packet", (text, node, ours) => isTaken(node) && ours === "error" && /^[56](?![1-9]\d*-)/.test(text)],
  "the query of a namespace": ["packet", (text, node, ours) => isTaken(ours) && node.namespace.includes("?")],
  "a wrong placeholder before the last attachment": ["binary", (_, node, ours) => node === "incomplete" && ours === "closed"],
  "a broken escape beside raw UTF-8 in a query": ["query", (text) => /[^\u0000-\u007f]/.test(text) && /%(?![0-7][0-9a-fA-F])/.test(text)],
  "a placeholder with a fraction": ["binary", ({ text }, node, ours) => ours === "closed" && /"num":\d+\.\d/.test(text)],
};

/** The name of the difference that a case shows; undefined if it is none that is listed. */
function differenceOf(kind, input, node, ours) {
  const found = Object.entries(DIFFERENCES).find(([, [kinds, applies]]) => [kinds].flat().includes(kind) && applies(input, node, ours));
  return found?.[0];
}

async function decodeWithOurs(cases) {
  const path = process.env.CONFORMANCE_BIN;
  if (path === undefined) throw new Error("CONFORMANCE_BIN has to name the program of crates/conformance");
  const child = spawn(path, ["decoders"], { stdio: ["pipe", "pipe", "inherit"] });
  const output = [];
  child.stdout.on("data", (chunk) => output.push(chunk));
  child.stdin.end(cases.map((one) => `${JSON.stringify(one)}\n`).join(""));
  const [code] = await once(child, "close");
  assert.equal(code, 0, "the decoders end well");
  return Buffer.concat(output).toString("utf8").trimEnd().split("\n").map((line) => JSON.parse(line));
}

test("every decoder takes what Node's takes and makes the same of it, but for the listed differences", async () => {
  const seen = new Set();
  for (const seed of SEEDS) for (const difference of await differencesOf(seed)) seen.add(difference);
  assert.deepEqual([...seen].sort(), Object.keys(DIFFERENCES).sort(), "every listed difference is one");
  const rows = readFileSync(DOCUMENT, "utf8").matchAll(/^\| \*\*(.+?)\*\* \|/gm);
  assert.deepEqual([...rows].map((row) => row[1]).sort(), Object.keys(DIFFERENCES).sort(), "docs/differences.md lists them");
});

/** The listed differences that the corpus of a seed shows; it shows no others. */
async function differencesOf(seed) {
  state = seed;
  const cases = Object.entries(KINDS).flatMap(([kind, { make, samples }]) =>
    [...samples, ...Array.from({ length: CASES_PER_KIND }, make)].map((input) => ({ kind, input })),
  );
  const results = await decodeWithOurs(cases);
  assert.equal(results.length, cases.length);
  const seen = new Set();
  const unlisted = [];
  cases.forEach(({ kind, input }, at) => {
    const [node, ours] = [KINDS[kind].node(input), results[at]];
    if (agree(kind, node, ours)) return;
    const difference = differenceOf(kind, input, node, ours);
    if (difference === undefined) unlisted.push({ kind, input, node: shown(node), ours: shown(ours) });
    else seen.add(difference);
  });
  assert.deepEqual(unlisted.slice(0, 10), [], `${unlisted.length} of ${cases.length} cases differ, seed ${seed}`);
  return seen;
}

import path from "node:path";
import { defineConfig, type Plugin } from "vite";

// What is fetched later than the page itself, with the parts that nothing else needs: see src/ui/dialogs/later.tsx.
const LATER = /\/src\/ui\/dialogs\/(?!later\.)|\/src\/ui\/people\/|\/src\/ui\/parts\/(?:modal|copyable|hosts|match|clipboard|later-icon)\.|\/src\/ui\/(?:shell\/trouble|state\/announcer|timeline\/(?:toolbar|actions|announcements))\.|\/src\/texts\/(?:de|ar|en-dialogs)\.|\/src\/core\/(?:store-memory|redeem|follow-link|forget|unused|browser\/link-ports)\./;

// The core gives the official client transports of its own, so those that the client would choose from stay unused.
const LEFT_OUT = /\/engine\.io-client\/build\/[^/]+\/transports\/(?:index|polling-xhr|webtransport)\.js$/;

const leaveOut: Plugin = {
  name: "leave-out-transports",
  load: (id) => (LEFT_OUT.test(id.replaceAll("\\", "/")) ? "export const transports = {}, XHR = null, WT = null;" : null),
};

// Everything of `/v1` is JSON: what the client would do with bytes is never asked for.
const TEXT_ONLY: readonly (readonly [RegExp, string])[] = [
  // The core reads and writes the packets itself, see src/core/packets.ts: the client needs only the names of their types.
  [
    /\/socket\.io-parser\/build\/[^/]+\/index\.js$/,
    "export const PacketType = { CONNECT: 0, DISCONNECT: 1, EVENT: 2, ACK: 3, CONNECT_ERROR: 4, BINARY_EVENT: 5, BINARY_ACK: 6 }, protocol = 5;",
  ],
  [
    /\/engine\.io-parser\/build\/[^/]+\/encodePacket\.browser\.js$/,
    'import { PACKET_TYPES } from "./commons.js"; export const encodePacket = ({ type, data = "" }, _, told) => told(PACKET_TYPES[type] + data), encodePacketToBinary = null;',
  ],
  [
    /\/engine\.io-parser\/build\/[^/]+\/decodePacket\.browser\.js$/,
    'import { ERROR_PACKET, PACKET_TYPES_REVERSE } from "./commons.js"; export const decodePacket = (text) => { const type = PACKET_TYPES_REVERSE[text[0]]; return type ? { type, data: text.slice(1) || undefined } : ERROR_PACKET; };',
  ],
];

const jsonOnly: Plugin = {
  name: "json-only",
  load: (id) => TEXT_ONLY.find(([path]) => path.test(id.replaceAll("\\", "/")))?.[1] ?? null,
};

// The page speaks to nobody but the server that it came from, so there is no address to take apart. In brackets there stands the
// number of a host, which the client puts into brackets by itself.
const OWN_SERVER: readonly (readonly [RegExp, string])[] = [
  [/\/socket\.io-client\/build\/[^/]+\/index\.js$/, 'export { Manager } from "./manager.js"; export { Fetch, NodeWebSocket } from "engine.io-client";'],
  [
    /\/engine\.io-client\/build\/[^/]+\/contrib\/parseuri\.js$/,
    'export const parse = (origin) => { const { hostname, protocol, port } = new URL(origin); return { host: hostname.replace(/[[\\]]/g, ""), protocol: protocol.slice(0, -1), port }; };',
  ],
];

const ownServer: Plugin = {
  name: "own-server",
  load: (id) => OWN_SERVER.find(([path]) => path.test(id.replaceAll("\\", "/")))?.[1] ?? null,
};

// The core connects anew by itself, and switches the retries of the client off.
const withoutRetries: Plugin = {
  name: "without-retries",
  load: (id) => (/\/socket\.io-client\/build\/[^/]+\/contrib\/backo2\.js$/.test(id.replaceAll("\\", "/")) ? "export function Backoff() { this.attempts = 0; this.reset = () => {}; }" : null),
};

// A chunk that is fetched later brings no style and no chunk of its own, so nothing has to be loaded ahead of it.
const plainImport: Plugin = {
  name: "plain-import",
  enforce: "pre",
  load: (id) => (id.endsWith("vite/preload-helper.js") ? "export const __vitePreload = (load) => load();" : null),
};

// Inlined assets would need `data:` in the content security policy, so nothing is inlined.
export default defineConfig({
  base: "/",
  plugins: [leaveOut, jsonOnly, ownServer, withoutRetries, plainImport],
  build: {
    target: "es2022",
    // The oldest browsers that know `light-dark()`: nothing is rewritten for older ones.
    cssTarget: ["chrome123", "firefox121", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: false,
    sourcemap: false,
    rolldownOptions: {
      output: {
        // All of the first visit in one file: one request, and it compresses better.
        codeSplitting: {
          includeDependenciesRecursively: false,
          groups: [{ name: "page", test: (id) => !LATER.test(id.replaceAll("\\", "/")) }],
        },
      },
    },
  },
});

// Planted bugs: who one is on this device.

/** @type {import("./bugs.mjs").Bug[]} */
export const identity = [
  {
    name: "a code of this chat is a link when its host ends with a dot",
    file: "src/ui/markdown/own-code.ts",
    find: 'return hostname.replace(/\\.$/, "");',
    replace: "return hostname;",
    tests: ["tests/ui/own-code.test.ts"],
  },
  {
    name: "a code of this chat is a link when its name is escaped",
    file: "src/ui/markdown/own-code.ts",
    find: "CODE.test(decoded(hash))",
    replace: "CODE.test(hash)",
    tests: ["tests/ui/own-code.test.ts"],
  },
  {
    name: "a person's token is forgotten when a server does not know it",
    file: "src/core/session.ts",
    find: "if (code === \"bad_token\") this.#events.connection(\"unknown\");",
    replace: "if (code === \"bad_token\") void this.#ledger.submit((apply) => apply([{ kind: \"forget all\" }])).then(() => (this.#model.session = null));",
    tests: ["tests/core/identity.test.ts"],
  },
  {
    name: "a person of another server with the same number is taken for oneself",
    file: "src/core/session.ts",
    find: "return session.user !== user.user || (session.server ?? server) !== (server ?? session.server);",
    replace: "return session.user !== user.user;",
    tests: ["tests/core/identity.test.ts"],
  },
  {
    name: "a welcome for another person is taken",
    file: "src/core/session.ts",
    find: "if (isForeign(session, welcome)) return this.#events.connection(\"unknown\");",
    replace: "",
    tests: ["tests/core/identity.test.ts"],
  },
  {
    name: "a tab goes on as the new person that another tab was quicker to replace",
    file: "src/core/session.ts",
    find: "if (isForeign(bound, welcome)) return this.#transport.interrupt();",
    replace: "",
    tests: ["tests/core/identity.test.ts"],
  },
  {
    name: "what comes while a new person is kept is lost",
    file: "src/core/session.ts",
    find: "for (const { name, payload } of early) this.#event(name, payload);",
    replace: "early.length = 0;",
    tests: ["tests/core"],
  },
  {
    name: "a store is given to the last person who asks for it",
    file: "src/core/browser/store-idb.ts",
    find: "if (known === undefined) await tx.store.put(session, \"session\");",
    replace: "await tx.store.put(session, \"session\");",
    tests: ["tests/core/browser"],
  },
  {
    name: "a store takes the session of another person",
    file: "src/core/browser/store-idb.ts",
    find: "return known === undefined || known.user === session.user ? sessions.put(session, \"session\") : undefined;",
    replace: "return sessions.put(session, \"session\");",
    tests: ["tests/core/browser"],
  },
  {
    name: "the person one leaves is not kept before a server has said who it is",
    file: "src/core/browser/identities-idb.ts",
    find: "[left, { store, user: null, name: null }]",
    replace: "[{ store, user: null, name: null }]",
    tests: ["tests/core/browser"],
  },
  {
    name: "a person of another server is found on the device by number",
    file: "src/core/follow-link.ts",
    find: "user === person.user && server === person.server",
    replace: "user === person.user",
    tests: ["tests/core/browser"],
  },
  {
    name: "a link is followed into the store of the person before",
    file: "src/core/follow-link.ts",
    find: "const store = identities.newStore();",
    replace: "const store = await table.chosen();",
    tests: ["tests/core/browser"],
  },
];

// People at the app's own core, in Node: the same code that runs in the page, over the official client.
//
// The core is TypeScript, so it is bundled first, once per test file, by the bundler of the web app.

import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Observable } from "./waiting.mjs";

const WEB = fileURLToPath(new URL("../../web/", import.meta.url));

/** The exports of web/src/core/index.ts, and `effect` of its signals. */
export async function loadCore(after) {
  const { build } = await import(pathToFileURL(createRequire(join(WEB, "package.json")).resolve("vite")).href);
  // Its own dependencies are found from there.
  const outDir = mkdtempSync(join(WEB, "node_modules", ".core-"));
  after(() => rmSync(outDir, { recursive: true, force: true }));
  await build({
    root: WEB,
    configFile: false,
    logLevel: "error",
    build: { ssr: join(WEB, "src/core/index.ts"), outDir, target: "node20", rollupOptions: { output: { entryFileNames: "core.mjs" } } },
  });
  const core = await import(pathToFileURL(join(outDir, "core.mjs")).href);
  const signals = createRequire(join(WEB, "package.json")).resolve("@preact/signals-core");
  const { effect } = await import(pathToFileURL(signals.replace(/\.js$/, ".mjs")).href);
  return { ...core, effect };
}

/** Somebody with a browser: its store outlives the tabs. */
export class CorePerson extends Observable {
  /** Everything that a view has shown, and that must not be: doubles, disorder. */
  faults = [];
  answers = [];

  static async open(test, core, url, { name, disk = new core.MemoryDisk(), ...options } = {}) {
    const person = new CorePerson(core, url, disk);
    test.after(() => person.chat.stop());
    await person.start(options);
    if (name !== undefined) {
      const named = await person.chat.setName(name);
      if (!named.ok) throw new Error(`no such name: ${named.code}`);
    }
    return person;
  }

  constructor(core, url, disk) {
    super();
    Object.assign(this, { core, url, disk, views: new Map() });
  }

  async start(options = {}) {
    const { createChat, MemoryStore, effect } = this.core;
    const onWake = (woken) => {
      this.wake = woken;
      return () => undefined;
    };
    this.chat = await createChat({ url: this.url, store: new MemoryStore(this.disk), onWake, ...options });
    this.views.clear();
    for (const signal of ["connection", "rooms", "me"]) {
      effect(() => {
        void this.chat[signal].value;
        this.changed();
      });
    }
  }

  /** The tab is gone, without a farewell to the others. */
  async reload() {
    await this.chat.stop();
    await this.start();
  }

  view(room) {
    const known = this.views.get(room);
    if (known !== undefined) return known;
    const view = this.chat.open(room);
    this.views.set(room, view);
    this.core.effect(() => {
      this.#look(view.rows.value);
      void view.typing.value;
      this.changed();
    });
    return view;
  }

  texts(room) {
    return this.view(room).rows.value.flatMap((row) => (row.kind === "message" ? [row.text] : []));
  }

  say(room, text) {
    const said = this.chat.say(room, text);
    void said.then((result) => {
      this.answers.push({ text, result });
      this.changed();
    });
    return said;
  }

  online() {
    return this.until(() => this.chat.connection.value.state === "online", "the connection");
  }

  sees(room, text) {
    this.view(room);
    return this.until(() => this.texts(room).includes(text), `the message ${JSON.stringify(text)}`);
  }

  sent() {
    return this.until(() => this.chat.connection.value.waiting === 0, "an empty outbox");
  }

  /** All of a room, by its pages: `{ offset, text }` as the history checker wants them. */
  async readRoom(room) {
    const view = this.chat.open(room);
    const lines = new Map();
    await view.latest();
    for (;;) {
      for (const row of view.rows.value) {
        if (row.kind === "hole") throw new Error(`there is a hole from ${row.from} to ${row.to}`);
        if (row.kind === "message") lines.set(row.seq, row.text);
      }
      if (view.first.value) break;
      await view.older();
    }
    view.close();
    return [...lines].sort((a, b) => a[0] - b[0]).map(([offset, text]) => ({ offset, text }));
  }

  toJSON() {
    return { connection: this.chat.connection.value, rooms: this.chat.rooms.value, faults: this.faults };
  }

  #look(rows) {
    const seqs = rows.flatMap((row) => (row.kind === "message" ? [row.seq] : []));
    if (seqs.some((seq, index) => index > 0 && seq <= seqs[index - 1])) this.faults.push(`the order ${seqs}`);
    const texts = rows.flatMap((row) => (row.kind === "message" || row.kind === "pending" ? [row.text] : []));
    if (new Set(texts).size !== texts.length) this.faults.push(`a double among ${texts.slice(-20)}`);
  }
}

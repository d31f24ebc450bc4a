// A small disk that can be filled, and the server's word on it.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, fsyncSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmdirSync, rmSync, statfsSync, truncateSync, unlinkSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { PATIENCE_MS, within } from "./waiting.mjs";
import { request } from "./wire.mjs";

/** Why no disk can be mounted here, if none can. */
export const cannotMount = process.platform === "linux" && process.getuid() === 0 ? false : "mounting a small disk needs Linux and root";

export class SmallDisk {
  /** Mounts a file system of so many MB; it is gone when the test is over. */
  static mount(t, megabytes) {
    const disk = new SmallDisk();
    disk.folder = mkdtempSync(join(tmpdir(), "tidings-disk-"));
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tidings-test", disk.folder]);
    t.after(() => {
      // Lazily: the server that lives on it is ended by a hook of its own.
      execFileSync("umount", ["--lazy", disk.folder]);
      rmdirSync(disk.folder);
    });
    return disk;
  }

  /** The folder for a server. */
  get data() {
    return join(this.folder, "data");
  }

  get freeBytes() {
    const { bavail, bsize } = statfsSync(this.folder);
    return bavail * bsize;
  }

  /** Takes all the room but so many bytes. */
  fill(leave = 0) {
    const file = openSync(join(this.folder, "ballast"), "a");
    const page = Buffer.alloc(4_096);
    try {
      while (this.freeBytes > leave) writeSync(file, page);
    } catch (err) {
      assert.equal(err.code, "ENOSPC");
    } finally {
      fsyncSync(file);
      closeSync(file);
    }
  }

  /** Lets nobody write (`ro`), or everybody (`rw`). */
  remount(how) {
    execFileSync("mount", ["-o", `remount,${how}`, this.folder]);
  }

  /** Gives it back, and so many MB in all. */
  free(megabytes) {
    unlinkSync(join(this.folder, "ballast"));
    execFileSync("mount", ["-o", `remount,size=${megabytes}m`, this.folder]);
  }
}

/** A file system of 64 MB in a file, which the kernel can be made to take for broken. */
export class BreakableDisk {
  /** Why it does not work here, if it does not. */
  reason;

  static mount(t) {
    const disk = new BreakableDisk();
    const place = mkdtempSync(join(tmpdir(), "tidings-disk-"));
    disk.folder = join(place, "mounted");
    disk.image = join(place, "image");
    mkdirSync(disk.folder);
    writeFileSync(disk.image, "");
    truncateSync(disk.image, 64 << 20);
    t.after(() => {
      spawnSync("umount", ["--lazy", disk.folder]);
      rmSync(place, { recursive: true, force: true });
    });
    for (const [program, ...args] of [["mkfs.ext4", "-q", disk.image], disk.#mounting]) {
      const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
      if (status !== 0) disk.reason = `${program} does not work here: ${error ?? stderr}`;
    }
    return disk;
  }

  get #mounting() {
    return ["mount", "-o", "loop,errors=remount-ro", this.image, this.folder];
  }

  get data() {
    return join(this.folder, "data");
  }

  /** From now on nothing can be written there, also by those who have files open. */
  break() {
    const device = execFileSync("findmnt", ["-n", "-o", "SOURCE", this.folder], { encoding: "utf8" }).trim();
    writeFileSync(`/sys/fs/ext4/${basename(device)}/trigger_fs_error`, "broken by a test");
  }

  /** Repairs it, when nobody uses it. */
  repair() {
    execFileSync("umount", [this.folder]);
    // 1: it has mended something.
    assert.ok(spawnSync("e2fsck", ["-f", "-y", this.image]).status <= 1);
    const [program, ...args] = this.#mounting;
    execFileSync(program, args);
  }
}

/** Waits until the server says this of its health. */
export async function healthOf(server, status, text) {
  const asked = async () => {
    for (;;) {
      const answer = await request(`${server.url}/health`);
      if (answer.status === status && text.test(answer.text)) return answer.text;
      await setTimeout(50);
    }
  };
  return within(asked(), PATIENCE_MS, `${status} and ${text} from /health`);
}

/** What `/health` says of a server that stores nothing. */
export const readOnly = (reason) => new RegExp(`^ready\nread_only: true\nreason: ${reason}\nfree_bytes: \\d+\n$`, "u");

/** Flips a bit in the row of each text, in the file. */
export function flip(server, texts) {
  const file = join(server.data, "chat.db");
  const bytes = readFileSync(file);
  for (const [index, text] of texts.entries()) {
    let copies = 0;
    // SQLite leaves copies in the free part of a page that it has split.
    for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) {
      bytes[at + (index % text.length)] ^= 1 << (index % 8);
      copies += 1;
    }
    assert.ok(copies > 0, text);
  }
  writeFileSync(file, bytes);
}

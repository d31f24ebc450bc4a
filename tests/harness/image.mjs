// A copy of this machine's files that a test may change: an overlay, seen by nobody else, gone with the test.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATIENCE_MS, within } from "./waiting.mjs";

const MOUNT = `
set -e
mount -t tmpfs overlay "$1"
mkdir "$1/changes" "$1/work" "$1/machine"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/changes,workdir=$1/work" "$1/machine"
mount --bind /proc "$1/machine/proc"
mount --bind /dev "$1/machine/dev"
mount -t tmpfs run "$1/machine/run"
echo mounted
exec cat
`;

export class Image {
  #holder;
  #root;

  /** Null where this system does not let us: it takes root, and overlays. */
  static async make(test) {
    const folder = mkdtempSync(join(tmpdir(), "tidings-image-"));
    test.after(() => rmSync(folder, { recursive: true, force: true }));
    const holder = spawn("unshare", ["--mount", "--propagation", "private", "sh", "-c", MOUNT, "sh", folder], { stdio: ["pipe", "pipe", "pipe"] });
    const ended = new Promise((resolve) => holder.once("close", () => resolve(false)).once("error", () => resolve(false)));
    const mounted = new Promise((resolve) => holder.stdout.once("data", () => resolve(true)));
    if (!(await within(Promise.race([mounted, ended]), PATIENCE_MS, "the overlay"))) return null;
    test.after(async () => {
      holder.stdin.end();
      await ended;
    });
    return new Image(holder, join(folder, "machine"));
  }

  constructor(holder, root) {
    this.#holder = holder;
    this.#root = root;
  }

  /** The program and the arguments that run this inside. */
  command(...words) {
    return ["nsenter", ["--target", String(this.#holder.pid), "--mount", "chroot", this.#root, ...words]];
  }
}

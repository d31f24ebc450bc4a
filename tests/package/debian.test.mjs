// The Debian package: installed, started, used, upgraded, removed and purged on a copy of this machine's files.
//
// TIDINGS_DEB and TIDINGS_DEB_BEFORE name the package and one of a lower version. No init system runs in the copy: what
// the unit says is read from the file that the package has installed, and is started by hand.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { Image } from "../harness/image.mjs";
import { LOBBY, V1Person } from "../harness/person.mjs";
import { within } from "../harness/waiting.mjs";

const [PACKAGE, BEFORE] = ["TIDINGS_DEB", "TIDINGS_DEB_BEFORE"].map((name) => {
  const path = process.env[name];
  if (path === undefined) throw new Error(`${name} has to name a Debian package`);
  return path;
});
const UNIT = "/usr/lib/systemd/system/tidings.service";

test("the package holds the binary, the service, its settings and what explains them", () => {
  const paths = execFileSync("dpkg-deb", ["--fsys-tarfile", PACKAGE], { maxBuffer: 2 ** 28 });
  const list = execFileSync("tar", ["--list"], { input: paths, encoding: "utf8" }).split("\n");
  for (const path of ["usr/bin/tidings", UNIT.slice(1), "etc/default/tidings", "usr/share/doc/tidings/README.md", "usr/share/doc/tidings/copyright"]) {
    assert.ok(list.includes(`./${path}`), `${path} is in ${list.join(" ")}`);
  }
  const field = (name) => execFileSync("dpkg-deb", ["--field", PACKAGE, name], { encoding: "utf8" }).trim();
  assert.equal(field("Package"), "tidings");
  assert.match(field("Depends"), /\badduser\b/);
  assert.match(field("Depends"), /\blibc6 \(>= /);
  execFileSync("dpkg", ["--compare-versions", execFileSync("dpkg-deb", ["--field", BEFORE, "Version"], { encoding: "utf8" }).trim(), "lt", field("Version")]);
});

describe("the package on a machine", () => {
  let image;
  const ends = [];
  before(async () => {
    image = await Image.make({ after: (end) => ends.unshift(end) });
    // Where there is no such copy to be had, the contents were looked at above.
    if (image === null) assert.notEqual(process.getuid(), 0, "root can make a copy of the machine");
  });
  after(async () => {
    for (const end of ends) await end();
  });

  const run = (...words) => {
    const [program, args] = image.command(...words);
    return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", DEBIAN_FRONTEND: "noninteractive" } });
  };
  const shell = (line) => run("sh", "-c", line);
  const install = (file) => run("dpkg", "--install", "--force-confold", file);

  test("is installed, used, upgraded with its chat, removed, and purged without taking the chat", async (t) => {
    if (image === null) return t.diagnostic("only unpacked: this takes root");
    install(BEFORE);
    assert.match(shell("getent passwd tidings"), /^tidings:.*:\/var\/lib\/tidings:\/usr\/sbin\/nologin$/m);
    assert.equal(shell("stat --format='%U:%G %a' /var/lib/tidings").trim(), "tidings:tidings 700");
    assert.match(shell("ls /etc/systemd/system/multi-user.target.wants"), /tidings\.service/, "it starts with the machine");
    shell("sed --in-place 's/^#TIDINGS_LISTEN=.*/TIDINGS_LISTEN=127.0.0.1:0/' /etc/default/tidings");
    const first = await Service.start(t, image, shell);
    const ada = await V1Person.connect(t, first.url, { name: "ada" });
    await ada.say("before the upgrade");
    const { token } = ada.welcome;
    await ada.leave();
    await first.stop();

    install(PACKAGE);
    assert.match(shell("cat /etc/default/tidings"), /^TIDINGS_LISTEN=127\.0\.0\.1:0$/m, "the settings stay");
    const second = await Service.start(t, image, shell);
    const again = await V1Person.connect(t, second.url, { auth: { token } });
    assert.equal(again.user, ada.user);
    const { messages } = await again.ask("history", { room: LOBBY });
    assert.ok(messages.some(({ text }) => text === "before the upgrade"), JSON.stringify(messages));
    await second.stop();

    run("dpkg", "--remove", "tidings");
    assert.throws(() => shell("test -e /usr/bin/tidings"));
    run("dpkg", "--purge", "tidings");
    assert.throws(() => shell("test -e /etc/default/tidings"));
    assert.equal(shell("test -e /var/lib/tidings/chat.db && echo kept").trim(), "kept");
    assert.equal(existsSync("/usr/bin/tidings"), false, "this machine is as it was");
  });

  test("has a unit without a mistake", (t) => {
    if (image === null) return t.diagnostic("only unpacked: this takes root");
    install(PACKAGE);
    assert.equal(shell(`if command -v systemd-analyze > /dev/null; then systemd-analyze verify ${UNIT} 2>&1; fi`), "");
  });

  test("has a unit that leaves the service little", (t) => {
    if (image === null) return t.diagnostic("only unpacked: this takes root");
    install(PACKAGE);
    const score = shell(`if command -v systemd-analyze > /dev/null; then systemd-analyze security --offline=true --threshold=15 --no-pager ${UNIT} 2>&1; fi`);
    t.diagnostic(score.split("\n").findLast((line) => line.includes("exposure")) ?? "systemd-analyze is not here");
  });
});

/** The service as its unit says. */
class Service {
  #child;
  #ended;

  static async start(t, image, shell) {
    const unit = shell(`cat ${UNIT}`);
    const setting = (name) => [...unit.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map((match) => match[1]);
    const [[user], [group], [program], [file], variables] = ["User", "Group", "ExecStart", "EnvironmentFile", "Environment"].map(setting);
    const line = `set -a; . ${file.replace(/^-/, "")}; exec setpriv --reuid ${user} --regid ${group} --init-groups ${program}`;
    const service = new Service();
    const [command, args] = image.command("env", ...variables, "sh", "-c", line);
    service.#child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
    service.#ended = once(service.#child, "close");
    t.after(() => service.#child.kill("SIGKILL"));
    let output = "";
    const ready = new Promise((resolve) => {
      service.#child.stdout.setEncoding("utf8").on("data", (text) => {
        output += text;
        const url = /^tidings is ready on (\S+)$/m.exec(output)?.[1];
        if (url !== undefined) resolve(url);
      });
    });
    const gone = service.#ended.then(([code]) => Promise.reject(new Error(`the service ended with ${code}: ${output}`)));
    gone.catch(() => undefined);
    service.url = await within(Promise.race([ready, gone]), 20_000, "the line that says ready");
    return service;
  }

  async stop() {
    this.#child.kill("SIGTERM");
    assert.deepEqual(await within(this.#ended, 20_000, "the end of the service"), [0, null]);
  }
}

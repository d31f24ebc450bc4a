// The devices of a person: what the list shows, and what becomes of one that is signed out.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Person } from "../harness/app.mjs";
import { assertAccessible } from "../harness/axe.mjs";
import { launch } from "../harness/browser.mjs";
import { Server } from "../harness/server.mjs";

/** The connection is closed within a second. Then the page comes back, and is refused. */
const TOLD_MS = 5_000;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** Ada at her desk, and her phone. */
async function twoDevices(t) {
  const server = await Server.start(t);
  const ada = await Person.arrive(t, browser, server.url, "ada");
  const phone = await Person.open(t, browser, await ada.deviceLink());
  await phone.button("Become ada", phone.dialog).click();
  // The page opens anew.
  await phone.button("Settings of ada", phone.rooms).waitFor();
  phone.name = "ada";
  await phone.eventually(() => phone.user === ada.user, "a welcome for ada");
  return { server, ada, phone };
}

async function devices(person) {
  await person.settings();
  await person.button("Your devices", person.dialog).click();
  await person.dialog.getByRole("listitem").first().waitFor();
  return person.dialog.getByRole("listitem").allInnerTexts();
}

describe("your devices", () => {
  test("are listed, and one that is signed out is told at once, keeps what it wrote, and comes back by a link", async (t) => {
    const { ada, phone } = await twoDevices(t);
    const shown = await devices(ada);
    assert.equal(shown.length, 2);
    assert.match(shown[0], /Chromium on Linux[\s\S]*since [\s\S]*this device/);
    assert.match(shown[1], /Chromium on Linux[\s\S]*Sign out/);
    await assertAccessible(ada.page, "the devices of a person");
    await phone.context.setOffline(true);
    await phone.status("Offline");
    await phone.write("unsent");
    await phone.waits("unsent");
    await phone.context.setOffline(false);
    await phone.shows("unsent");
    await phone.write("sent");
    await phone.shows("unsent", "sent");
    await ada.button("Sign out Chromium on Linux", ada.dialog).click();
    await ada.dialog.getByText("Sign out Chromium on Linux?").waitFor();
    await assertAccessible(ada.page, "the question before a sign-out");
    const asked = Date.now();
    await ada.button("Sign out", ada.dialog).click();
    await phone.status("This device was signed out");
    const took = Date.now() - asked;
    assert.ok(took < TOLD_MS, `it took ${took} ms until the page says so`);
    await ada.dialog.getByRole("listitem").nth(1).waitFor({ state: "detached" });
    await ada.close();
    await ada.write("not for the phone");
    await ada.shows("unsent", "sent", "not for the phone");
    await phone.write("kept");
    await phone.waits("kept");
    await phone.page.reload();
    await phone.status("This device was signed out");
    await phone.waits("kept");
    assert.deepEqual(await phone.texts(), ["unsent", "sent", "kept"]);
    await phone.button("What to do").click();
    await phone.dialog.getByText("Another of your devices signed this one out.").waitFor();
    await assertAccessible(phone.page, "a device that was signed out");
    await phone.close();
    await phone.answers(await ada.deviceLink(), "Sign in");
    await phone.dialog.waitFor({ state: "detached" });
    await phone.shows("unsent", "sent", "not for the phone", "kept");
    await ada.shows("unsent", "sent", "not for the phone", "kept");
    assert.equal(phone.user, ada.user);
    assert.equal((await devices(phone)).length, 2);
    phone.assertContent();
    ada.assertContent();
  });

  test("are signed out all at once but for the one in use, and need a network", async (t) => {
    const { ada, phone } = await twoDevices(t);
    await ada.write("hello");
    await phone.shows("hello");
    assert.equal((await devices(phone)).length, 2);
    await phone.context.setOffline(true);
    await phone.eventually(() => phone.button("Sign out all others", phone.dialog).isDisabled(), "no network");
    await phone.context.setOffline(false);
    await phone.button("Sign out all others", phone.dialog).click();
    await phone.dialog.getByText("Sign out all other devices?").waitFor();
    await phone.page.keyboard.press("Escape");
    await phone.dialog.waitFor({ state: "detached" });
    assert.equal((await devices(phone)).length, 2, "Escape changes nothing");
    await phone.button("Sign out all others", phone.dialog).click();
    await phone.button("Sign out", phone.dialog).click();
    await ada.status("This device was signed out");
    await phone.close();
    await phone.write("still here");
    await phone.shows("hello", "still here");
    phone.assertContent();
  });
});

// Goal: everything that depends on the language follows the one that was chosen: texts, plurals, numbers, lists, order, direction.

import { afterEach, describe, expect, test } from "vitest";
import { chooseLanguage, compareNames, counted, direction, list, locale, number } from "../../src/texts/texts.ts";

afterEach(() => chooseLanguage(["en"]));

describe("a reader's own variant of a language", () => {
  test.each([
    ["ar-EG", "rtl"],
    ["ar", "rtl"],
    ["de-AT", "ltr"],
    ["en-GB", "ltr"],
    // There is no such language here.
    ["he-IL", "ltr"],
  ] as const)("%s is read from the side of its language: %s", async (wanted, side) => {
    await chooseLanguage([wanted]);
    expect(direction()).toBe(side);
    expect(locale()).toBe(wanted === "he-IL" ? "en" : wanted);
  });

  test("is chosen by the first that there is, whatever its case", async () => {
    await chooseLanguage(["xx", "DE", "ar"]);
    expect(locale()).toBe("de");
    await chooseLanguage([]);
    expect(locale()).toBe("en");
    await chooseLanguage(["de-this is no tag"]);
    expect([locale(), direction()]).toEqual(["en", "ltr"]);
  });
});

describe("what is counted", () => {
  const forms = (counts: readonly number[]): number => new Set(counts.map((count) => counted("roomMembers", count).replace(/[\d\u0660-\u0669.,]+/g, "#"))).size;

  test("has the plurals of the language", async () => {
    await chooseLanguage(["ar"]);
    expect(forms([1, 2, 3, 11, 100])).toBeGreaterThan(3);
    await chooseLanguage(["de"]);
    expect(forms([1, 2, 3, 11, 100])).toBe(2);
    await chooseLanguage(["en"]);
    expect([forms([1, 2, 3, 11, 100]), forms([2, 3])]).toEqual([2, 1]);
  });

  test("is written as the language writes numbers, lists and their order", async () => {
    await chooseLanguage(["de"]);
    expect([number(1_234.5), list(["ada", "bob", "cleo"]), compareNames("Äpfel", "Zebra") < 0]).toEqual(["1.234,5", "ada, bob und cleo", true]);
    await chooseLanguage(["en"]);
    expect([number(1_234.5), list(["ada", "bob", "cleo"])]).toEqual(["1,234.5", "ada, bob, and cleo"]);
    expect([compareNames("room 9", "room 10") < 0, compareNames("b", "a") > 0]).toEqual([true, true]);
  });
});

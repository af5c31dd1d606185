// The reading site as people use it: in a real Chromium, against a platform with the starter catalogue.
// Run by crates/server/tests/it/browser.rs; by hand: BASE=http://127.0.0.1:7410 node --test crates/public/tests/browser/
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { BASE, NOTATED, SONG, TYPES, go, newPage, shared, withQuery } from "./browser.mjs";
import { visit } from "./visit.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SCRIPTS = ["", "devanagari", "tamil", "telugu", "kannada", "malayalam"];
const LANGUAGES = ["ta", "te", "kn", "ml", "hi"];
const FIRST_VIEW_BYTES_MAX = 230 * 1024;
const PAGE_BYTES_MAX = 40 * 1024;
const SCRIPT_BYTES_MAX = 15 * 1024;

/** Waits for the suggestions of the whole text; those of its beginnings may come before. */
const suggested = async (page, text) => {
  const asksFor = (url) => url.pathname === "/v1/suggest" && url.searchParams.get("q") === text;
  const answer = await page.waitForResponse((answer) => asksFor(new URL(answer.url())));
  await answer.finished();
};

visit("typing finds songs, and the arrow keys choose one", {}, async (page) => {
  await go(page, "/");
  const box = page.getByRole("combobox");
  const list = page.getByRole("listbox");
  await Promise.all([suggested(page, "vatapi ganapatim"), box.pressSequentially("vatapi ganapatim", { delay: 20 })]);
  await list.getByRole("option").first().waitFor();
  await box.press("ArrowDown");
  const chosen = list.locator("[aria-selected=true]");
  assert.match(await chosen.textContent(), /vatapi/i);
  assert.equal(await box.getAttribute("aria-activedescendant"), await chosen.getAttribute("id"));
  await box.press("Escape");
  await list.waitFor({ state: "hidden" });
  await box.press("h");
  await box.press("Backspace");
  await list.getByRole("option").first().waitFor();
  await box.press("ArrowDown");
  await Promise.all([page.waitForURL("**/compositions/**"), box.press("Enter")]);
  assert.match(await page.locator("h1").textContent(), /v[aā]t[aā]pi/i);
});

visit("another script keeps the line that is read where it is", { viewport: { width: 1000, height: 500 } }, async (page) => {
  await go(page, SONG);
  const last = page.locator(".words .line[id]").last();
  const id = await last.getAttribute("id");
  await page.evaluate((id) => window.scrollTo({ top: document.getElementById(id).getBoundingClientRect().top + scrollY - 40, behavior: "instant" }), id);
  const read = await page.evaluate(() => {
    const line = [...document.querySelectorAll(".line[id]")].find((line) => line.getBoundingClientRect().top >= 0);
    return [line.id, line.getBoundingClientRect().top, line.textContent];
  });
  await page.evaluate(() => { window.sameDocument = true; });
  await page.evaluate(() => [...document.querySelectorAll("a[data-script]")].find((link) => link.lang === "te-Telu").click());
  await page.waitForURL("**script=telugu");
  const now = await page.evaluate((id) => [document.getElementById(id).getBoundingClientRect().top, document.getElementById(id).textContent], read[0]);
  assert.ok(Math.abs(now[0] - read[1]) < 4, `${read[0]} stood at ${read[1]}, stands at ${now[0]}`);
  assert.match(now[1], /[\u0c00-\u0c7f]/);
  assert.ok(await page.evaluate(() => window.sameDocument), "no page was loaded");
  await page.goBack();
  await page.waitForFunction((text) => document.querySelector("main").textContent.includes(text), read[2]);
});

visit("two scripts stand side by side, and under each other on a phone", {}, async (page) => {
  await go(page, SONG, { script: "tamil" });
  await page.getByText("Side by side").click();
  await page.locator(".drop a[lang=te-Telu]").click();
  await page.waitForURL("**beside=telugu**");
  const boxes = async () => {
    const [first, second] = await Promise.all([page.locator(".pair .line").nth(0).boundingBox(), page.locator(".pair .line").nth(1).boundingBox()]);
    return { first, second };
  };
  const wide = await boxes();
  assert.ok(Math.abs(wide.first.y - wide.second.y) < 12 && wide.second.x > wide.first.x + 200, JSON.stringify(wide));
  assert.match(await page.locator(".pair .line").nth(0).textContent(), /[\u0b80-\u0bff]/);
  assert.match(await page.locator(".pair .second").first().textContent(), /[\u0c00-\u0c7f]/);
  await page.setViewportSize({ width: 390, height: 800 });
  const narrow = await boxes();
  assert.ok(narrow.second.y > narrow.first.y + 10 && Math.abs(narrow.second.x - narrow.first.x) < 2, JSON.stringify(narrow));
});

visit("songs that are kept make a setlist with a link", {}, async (page) => {
  for (const path of [SONG, "/compositions/endaro-mahanubhavulu"]) {
    await go(page, path);
    await page.getByRole("button", { name: "Keep this song" }).click();
    await page.locator("button[data-keep][aria-pressed=true]").waitFor();
  }
  await go(page, "/favourites");
  await page.getByRole("button", { name: /^Move up/ }).click();
  await page.getByLabel("Name of the setlist").fill("Friday <b>evening</b>");
  await page.getByRole("button", { name: "Make a setlist of these songs" }).click();
  const link = page.locator(".mine ul a");
  assert.match(await link.getAttribute("href"), /songs=endaro-mahanubhavulu%2Cvatapi-ganapatim/);
  await link.click();
  await page.waitForURL("**songs=**");
  assert.equal(await page.locator("h1").textContent(), "Friday <b>evening</b>");
  assert.equal(await page.locator("ol.songs a.song").count(), 2);
  await page.reload();
  await go(page, SONG);
  assert.equal(await page.locator("button[data-keep]").getAttribute("aria-pressed"), "true");
});

visit("a scale plays and a beat moves", {}, async (page) => {
  await go(page, TYPES.raga);
  await page.getByRole("button", { name: "Play the scale" }).click();
  await page.locator(".key.sounding").first().waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  assert.equal(await page.locator(".key.sounding").count(), 0);
  await go(page, TYPES.tala);
  await page.getByRole("button", { name: "Keep the beat" }).click();
  await page.locator(".beat.now").waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
});

visit("without scripts everything can be read and sent", { javaScriptEnabled: false }, async (page) => {
  await go(page, "/");
  await page.getByRole("searchbox").fill("vatapi ganapatim");
  await page.getByRole("button", { name: "Search" }).click();
  await page.locator("a.song").first().click();
  await page.locator("nav.scripts a[lang=ta-Taml]").click();
  await page.waitForURL("**script=tamil");
  assert.match(await page.locator(".line").first().textContent(), /[\u0b80-\u0bff]/);
  await page.locator(".drop summary").click();
  await page.locator(".drop a[lang=kn-Knda]").click();
  await page.waitForURL("**beside=kannada**");
  assert.ok(await page.locator(".pair .second").count());
  for (const hidden of ["button[data-keep]", "button[data-print]"]) assert.ok(!(await page.locator(hidden).isVisible()), hidden);
  await page.locator(".report summary").click();
  assert.ok(await page.getByLabel("What should it be?").isVisible());
  await page.locator(".tongues summary").click();
  await page.locator(".tongues a[lang=ta-Taml]").click();
  await page.waitForURL("**lang=ta**");
  assert.equal(await page.locator("html").getAttribute("lang"), "ta");
});

// The second line of a section that has one, as a reader would choose it in the form.
async function fillReport(page, text) {
  const section = await page.evaluate(() => document.querySelector(".line[id$='-l2']").closest("[data-section]").dataset.section);
  await page.locator(".report select").selectOption(section);
  await page.getByLabel("Line (may stay empty)").fill("2");
  await page.getByLabel("What should it be?").fill(text);
  await page.getByLabel("Where can we reach you?").fill("reader@example.org");
}

visit("a report is sent without leaving the page", {}, async (page) => {
  await go(page, SONG);
  await page.locator(".line[id$='-l2']").first().click();
  assert.equal(await page.locator(".report input[name=line]").inputValue(), "2", "the line that was clicked is offered");
  await page.locator(".tools a[href='#report']").click();
  await fillReport(page, "A line as I learnt it, with scripts");
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByText("Thank you. An editor will look at it.").waitFor();
  assert.equal(new URL(page.url()).pathname, SONG);
  assert.equal(await page.getByLabel("What should it be?").inputValue(), "", "the form is empty again");
});

visit("without scripts a report leads to a page that says thank you", { javaScriptEnabled: false }, async (page) => {
  await go(page, SONG, { lang: "ta" });
  await page.locator(".report summary").click();
  const section = await page.locator("[data-section]:has(.line[id$='-l2'])").first().getAttribute("data-section");
  await page.locator(".report select").selectOption(section);
  await page.locator(".report input[name=line]").fill("2");
  await page.locator(".report textarea").fill("A line as I learnt it, without scripts");
  await page.locator(".report input[name=contact]").fill("reader@example.org");
  await page.locator(".report button[type=submit]").click();
  await page.waitForURL("**/reported?**");
  assert.equal(await page.locator("html").getAttribute("lang"), "ta");
  assert.match(await page.locator("main .lead").textContent(), /[\u0b80-\u0bff]/);
  await page.locator("main a").click();
  await page.waitForURL(`**${SONG}?lang=ta`);
});

visit("the keyboard alone finds a song, changes its script and opens the report", {}, async (page) => {
  const focus = () => page.evaluate(() => document.activeElement.textContent.trim().slice(0, 40));
  await go(page, "/");
  await page.keyboard.press("Tab");
  assert.equal(await focus(), "Skip to the content");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.id === "main");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.name), "q");
  await Promise.all([suggested(page, "vatapi ganapatim"), page.keyboard.type("vatapi ganapatim")]);
  await page.getByRole("option").first().waitFor();
  await page.keyboard.press("ArrowDown");
  await Promise.all([page.waitForURL("**/compositions/**"), page.keyboard.press("Enter")]);
  const tabTo = async (wanted, limit = 40) => {
    for (let press = 0; press < limit; press += 1) {
      await page.keyboard.press("Tab");
      if ((await focus()).startsWith(wanted)) return;
    }
    assert.fail(`no Tab leads to ${wanted}; the last was ${await focus()}`);
  };
  await tabTo("English");
  await page.keyboard.press("Enter");
  assert.ok(await page.locator(".tongues ul").isVisible());
  await page.keyboard.press("Escape");
  assert.ok(!(await page.locator(".tongues ul").isVisible()));
  await tabTo("தமிழ்");
  await page.keyboard.press("Enter");
  await page.waitForURL("**script=tamil");
  await page.waitForFunction(() => document.activeElement.textContent.trim() === "தமிழ்");
  await tabTo("Report an error");
  await page.keyboard.press("Enter");
  await page.locator(".report form").waitFor();
  const outlined = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.notEqual(outlined, "none", "what has the focus is seen");
});

// Every page type in every script, by day and by night; and in one of the other languages by day.
for (const [index, [type, path]] of Object.entries(TYPES).entries()) {
  test(`axe finds nothing on ${type}`, async () => {
    const page = await newPage(await shared(), { colorScheme: "light" });
    const faces = [...SCRIPTS.map((script) => ({ script })), { lang: LANGUAGES[index % LANGUAGES.length] }];
    try {
      for (const face of faces) {
        await go(page, path, face);
        await page.evaluate(() => document.querySelectorAll("details").forEach((details) => { details.open = !details.matches(".tongues, .drop"); }));
        await page.evaluate(AXE);
        assert.deepEqual(await violations(page), [], `${type} ${JSON.stringify(face)} by day`);
        if (face.lang) continue;
        await page.emulateMedia({ colorScheme: "dark" });
        assert.deepEqual(await violations(page, ["color-contrast"]), [], `${type} ${JSON.stringify(face)} by night`);
        await page.emulateMedia({ colorScheme: "light" });
      }
      assert.deepEqual(page.complaints.filter((complaint) => type !== "missing" || !complaint.includes("404")), []);
    } finally {
      await page.context().close();
    }
  });
}

function violations(page, rules) {
  return page.evaluate(async (rules) => {
    const options = { resultTypes: ["violations"], ...(rules && { runOnly: { type: "rule", values: rules } }) };
    const { violations } = await globalThis.axe.run(document, options);
    return violations.map((found) => `${found.id}: ${found.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
  }, rules);
}

visit("a first view stays within its weight, and nothing moves while it arrives", {}, async (page) => {
  await page.addInitScript(() => {
    globalThis.shift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) globalThis.shift += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  for (const path of ["/", TYPES.search, SONG, TYPES.raga]) {
    for (const script of SCRIPTS) {
      await page.goto("about:blank");
      await page.goto(withQuery(path, { script }), { waitUntil: "networkidle" });
      await page.evaluate(() => document.fonts.ready);
      const { bytes, shift } = await page.evaluate(() => {
        const entries = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
        return { bytes: entries.reduce((sum, entry) => sum + entry.decodedBodySize, 0), shift: globalThis.shift };
      });
      assert.ok(bytes <= FIRST_VIEW_BYTES_MAX, `${path} ${script}: ${bytes} bytes, not compressed`);
      assert.ok(shift <= 0.05, `${path} ${script}: layout shift ${shift}`);
    }
  }
});

// What a reader downloads of a page, whoever compresses it on the way.
test("every page is light, and so is the script", async () => {
  const weight = async (path, more = {}) => {
    const answer = await fetch(withQuery(path, more));
    return gzipSync(Buffer.from(await answer.arrayBuffer()), { level: 6 }).length;
  };
  const heavy = [];
  for (const [type, path] of Object.entries({ ...TYPES, notated: NOTATED })) {
    for (const more of [{}, { lang: "ta" }, { script: "malayalam" }]) {
      const bytes = await weight(path, more);
      if (bytes > PAGE_BYTES_MAX) heavy.push(`${type} ${JSON.stringify(more)}: ${bytes} bytes`);
    }
  }
  assert.deepEqual(heavy, []);
  const home = await (await fetch(new URL("/", BASE))).text();
  const script = await weight(home.match(/\/static\/app-[0-9a-f]+\.js/)[0]);
  assert.ok(script <= SCRIPT_BYTES_MAX, `the script has ${script} bytes`);
});

visit("nothing is cut off between 320 and 1,600 px", {}, async (page) => {
  for (const [type, path] of Object.entries(TYPES).filter(([type]) => type !== "missing")) {
    for (const more of [{}, { lang: "ta" }, { script: "malayalam" }]) {
      await go(page, path, more);
      for (const width of [320, 390, 768, 1280, 1600]) {
        await page.setViewportSize({ width, height: 900 });
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(over <= 0, `${type} ${JSON.stringify(more)} at ${width}: ${over} px too wide`);
      }
    }
  }
});

visit("on paper only the song is left", {}, async (page) => {
  await go(page, SONG, { script: "telugu" });
  await page.emulateMedia({ media: "print" });
  for (const gone of ["header.site", "footer.site", ".tools", ".report"]) assert.ok(!(await page.locator(gone).isVisible()), gone);
  assert.ok(await page.locator(".line").first().isVisible());
});

test("pages come from one place and set nothing", async () => {
  const answer = await fetch(new URL(SONG, BASE));
  assert.equal(answer.headers.get("set-cookie"), null);
  assert.match(answer.headers.get("content-security-policy"), /default-src 'none'/);
});

// A real Chromium, and pages in it that remember what went wrong on them.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const PLACES = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required", "--mute-audio",
];

export const BASE = process.env.BASE ?? "http://127.0.0.1:7410";

// The pages that are looked at: every type, with an example from the starter catalogue.
export const TYPES = {
  home: "/",
  search: "/search?q=endaro",
  songs: "/compositions",
  composition: "/compositions/endaro-mahanubhavulu",
  raga: "/ragas/mohanam",
  ragas: "/ragas",
  melakartas: "/melakartas",
  tala: "/talas/adi",
  composer: "/composers/tyagaraja",
  deity: "/deities/rama",
  temple: "/temples/kamakshi-temple-kanchipuram",
  place: "/places/kanchipuram",
  group: "/groups/ghana-raga-pancharatna",
  browse: "/browse/compositions?letter=A",
  about: "/about",
  takedown: "/takedown",
  favourites: "/favourites",
  reported: "/reported?song=vatapi-ganapatim",
  missing: "/no-such-page",
};

// A song with words in several sections, one of them with a passage in madhyama kala.
export const SONG = "/compositions/vatapi-ganapatim";

// A varnam with its swaras over its words.
export const NOTATED = "/compositions/ninnu-kori-yunnanura";

// What readers type: misspelt, in other scripts, half a line, several facts at once, swaras, nonsense.
export const SEARCHES = [
  "endaro mahanubavulu", "vathapi ganapathim baje", "நகுமோமு", "ఎందరో", "mohanam", "tyagaraja todi adi",
  "banturiti kolu viya", "antharangamuna", "raga by dikshitar", "omkara swarupini", "srgpds", "xyzzy quux",
];

export function withQuery(path, more) {
  const url = new URL(path, BASE);
  for (const [name, value] of Object.entries(more)) if (value) url.searchParams.set(name, value);
  return url.href;
}

export async function open() {
  const executablePath = PLACES.find((path) => path && existsSync(path));
  if (!executablePath) throw new Error("no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM to its path");
  return chromium.launch({ executablePath, args: FLAGS });
}

// A page whose complaints are kept in `page.complaints`: console errors, content-policy violations, exceptions.
export async function newPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(`exception: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") page.complaints.push(`console: ${message.text()} at ${page.url()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(BASE) && !request.url().startsWith("data:")) page.complaints.push(`elsewhere: ${request.url()}`);
  });
  page.setDefaultTimeout(15_000);
  return page;
}

export const go = (page, path, more = {}) => page.goto(withQuery(path, more));

// One browser for all tests of a file.
let browser;
export const shared = async () => (browser ??= await open());
export const close = () => browser?.close();

// Makes docs/screenshots/ anew: every page type on a phone and on a desk, by day and by night, in four scripts; and what
// readers see who search. One contact sheet a page type and width keeps them small. With arguments, only these sheets:
//     node screenshots.mjs swaras searches
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { NOTATED, SEARCHES, TYPES, newPage, open, withQuery } from "./browser.mjs";

const TARGET = new URL("../../../../docs/screenshots/", import.meta.url);
const WIDTHS = { 390: 844, 1280: 800 };
const FACES = [["latin", {}], ["tamil", { lang: "ta" }], ["telugu", { lang: "te" }], ["devanagari", { lang: "hi" }]];
const SCHEMES = ["light", "dark"];
const QUALITY = 62;

const wanted = process.argv.slice(2);
const isWanted = (name) => !wanted.length || wanted.includes(name);
mkdirSync(TARGET, { recursive: true });
for (const file of readdirSync(TARGET)) if (file.endsWith(".webp") && isWanted(file.replace(/-\d+\.webp$/, ""))) rmSync(new URL(file, TARGET));
const browser = await open();

// Two rows (day, night) of four scripts.
const PAGES = { ...TYPES, "side-by-side": "/compositions/vatapi-ganapatim?beside=telugu", swaras: NOTATED };
for (const [type, path] of Object.entries(PAGES).filter(([type]) => isWanted(type))) {
  for (const [width, height] of Object.entries(WIDTHS)) {
    const shots = [];
    for (const colorScheme of SCHEMES) {
      const page = await newPage(browser, { viewport: { width: Number(width), height }, colorScheme });
      for (const [name, more] of FACES) {
        const face = type === "side-by-side" && name === "telugu" ? { lang: "te", beside: "tamil" } : more;
        shots.push(await shot(page, withQuery(path, face), type === "swaras" ? ".notation" : "body"));
      }
      await page.context().close();
    }
    await sheet(shots, Number(width), height, 4, `${type}-${width}`);
  }
}

// A picture for each search.
for (const [width, height] of isWanted("searches") ? Object.entries(WIDTHS) : []) {
  const page = await newPage(browser, { viewport: { width: Number(width), height } });
  const shots = [];
  for (const text of SEARCHES) shots.push(await shot(page, withQuery("/search", { q: text }), "body"));
  await page.context().close();
  await sheet(shots, Number(width), height, Number(width) > 800 ? 3 : 6, `searches-${width}`);
}
await browser.close();

async function shot(page, url, from) {
  const answer = await page.goto(url, { waitUntil: "load" });
  if (answer.status() >= 500) throw new Error(`${answer.url()}: ${answer.status()}`);
  await page.evaluate(() => document.fonts.ready);
  await page.evaluate((from) => document.querySelector(from)?.scrollIntoView({ behavior: "instant" }), from);
  return page.screenshot({ type: "png" });
}

// Pictures in rows, as one WebP.
async function sheet(shots, width, height, columns, name) {
  const page = await newPage(browser, { viewport: { width: 800, height: 600 } });
  const pictures = shots.map((shot) => `data:image/png;base64,${shot.toString("base64")}`);
  const scale = width > 800 ? 0.4 : 0.5;
  const encoded = await page.evaluate(async ([pictures, width, height, columns, quality]) => {
    const canvas = document.createElement("canvas");
    canvas.width = width * columns;
    canvas.height = height * Math.ceil(pictures.length / columns);
    const pen = canvas.getContext("2d");
    pen.imageSmoothingQuality = "high";
    for (const [index, source] of pictures.entries()) {
      const picture = new Image();
      picture.src = source;
      await picture.decode();
      pen.drawImage(picture, (index % columns) * width, Math.floor(index / columns) * height, width - 4, height - 4);
    }
    return canvas.toDataURL("image/webp", quality / 100);
  }, [pictures, Math.round(width * scale), Math.round(height * scale), columns, QUALITY]);
  writeFileSync(new URL(`${name}.webp`, TARGET), Buffer.from(encoded.split(",")[1], "base64"));
  await page.context().close();
  console.log(name, readFileSync(new URL(`${name}.webp`, TARGET)).length);
}

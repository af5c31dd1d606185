// Makes docs/screenshots/ anew: every page type on a phone and on a desk, by day and by night, in four scripts.
// One contact sheet a page type and width keeps them small; each picture on it is reduced to half.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { TYPES, newPage, open, withQuery } from "./browser.mjs";

const TARGET = new URL("../../../../docs/screenshots/", import.meta.url);
const WIDTHS = { 390: 844, 1280: 800 };
const FACES = [["latin", {}], ["tamil", { lang: "ta" }], ["telugu", { lang: "te" }], ["devanagari", { lang: "hi" }]];
const SCHEMES = ["light", "dark"];
const QUALITY = 62;

mkdirSync(TARGET, { recursive: true });
for (const file of readdirSync(TARGET)) if (file.endsWith(".webp")) rmSync(new URL(file, TARGET));
const browser = await open();
for (const [type, path] of Object.entries({ ...TYPES, "side-by-side": "/compositions/vatapi-ganapatim?beside=telugu" })) {
  for (const [width, height] of Object.entries(WIDTHS)) {
    const shots = [];
    for (const colorScheme of SCHEMES) {
      const page = await newPage(browser, { viewport: { width: Number(width), height }, colorScheme });
      for (const [name, more] of FACES) {
        const face = type === "side-by-side" && name === "telugu" ? { lang: "te", beside: "tamil" } : more;
        const answer = await page.goto(withQuery(path, face), { waitUntil: "load" });
        if (answer.status() >= 500) throw new Error(`${answer.url()}: ${answer.status()}`);
        await page.evaluate(() => document.fonts.ready);
        shots.push(await page.screenshot({ type: "png" }));
      }
      await page.context().close();
    }
    await sheet(shots, Number(width), height, `${type}-${width}`);
  }
}
await browser.close();

// Two rows (day, night) of four pictures, as one WebP.
async function sheet(shots, width, height, name) {
  const page = await newPage(browser, { viewport: { width: 800, height: 600 } });
  const pictures = shots.map((shot) => `data:image/png;base64,${shot.toString("base64")}`);
  const scale = width > 800 ? 0.4 : 0.5;
  const encoded = await page.evaluate(async ([pictures, width, height, quality]) => {
    const canvas = document.createElement("canvas");
    canvas.width = width * 4;
    canvas.height = height * 2;
    const pen = canvas.getContext("2d");
    pen.imageSmoothingQuality = "high";
    for (const [index, source] of pictures.entries()) {
      const picture = new Image();
      picture.src = source;
      await picture.decode();
      pen.drawImage(picture, (index % 4) * width, Math.floor(index / 4) * height, width - 4, height - 4);
    }
    return canvas.toDataURL("image/webp", quality / 100);
  }, [pictures, Math.round(width * scale), Math.round(height * scale), QUALITY]);
  writeFileSync(new URL(`${name}.webp`, TARGET), Buffer.from(encoded.split(",")[1], "base64"));
  await page.context().close();
  console.log(name, readFileSync(new URL(`${name}.webp`, TARGET)).length);
}

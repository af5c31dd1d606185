import assert from "node:assert/strict";
import { after, test } from "node:test";
import { close, newPage, shared } from "./browser.mjs";

after(close);

// A test with a page of its own, on which nothing may go wrong unsaid.
export function visit(name, options, steps) {
  test(name, async () => {
    const page = await newPage(await shared(), options);
    try {
      await steps(page);
      assert.deepEqual(page.complaints, []);
    } finally {
      await page.context().close();
    }
  });
}

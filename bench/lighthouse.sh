#!/usr/bin/env bash
# Lighthouse on the first page, a search, a song and a raga of a running platform, as a phone sees them.
# Usage: bench/lighthouse.sh [BASE], by default the edge of region A of ./run. Needs Node, npm and a Chromium.
set -euo pipefail
base="${1:-http://127.0.0.1:7400}"
chromium="${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
(cd "$folder" && npm install --no-audit --no-fund --silent lighthouse@12.8.2)

printf '%-14s %11s %13s %14s %3s\n' page performance accessibility best-practices seo
for page in home:/ search:/search?q=endaro song:/compositions/vatapi-ganapatim raga:/ragas/mohanam; do
  report="$folder/${page%%:*}.json"
  CHROME_PATH="$chromium" "$folder/node_modules/.bin/lighthouse" "$base${page#*:}" --quiet --output=json --output-path="$report" \
    --only-categories=performance,accessibility,best-practices,seo \
    --chrome-flags="--headless=new --no-sandbox --disable-gpu" >/dev/null
  node -e '
    const { categories, audits } = JSON.parse(require("fs").readFileSync(process.argv[2]));
    const score = (name) => Math.round(categories[name].score * 100);
    console.log(process.argv[1].padEnd(14), String(score("performance")).padStart(11), String(score("accessibility")).padStart(13),
      String(score("best-practices")).padStart(14), String(score("seo")).padStart(3),
      ` LCP ${audits["largest-contentful-paint"].displayValue}, CLS ${audits["cumulative-layout-shift"].displayValue}, ${audits["total-byte-weight"].displayValue}`);
    for (const { auditRefs } of Object.values(categories))
      for (const { id } of auditRefs)
        if (audits[id].score !== null && audits[id].score < 0.9) console.log(`    ${id}: ${audits[id].displayValue ?? audits[id].title}`);
  ' "${page%%:*}" "$report"
done

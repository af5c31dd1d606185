#!/usr/bin/env bash
# Purges by key through the admin API of a real platform, and five edges before an origin of our own, two in region A and
# three in region B: from the API's answer until none of them shows what was purged.
#   1. on one machine; 2. with a relay of 100 ms one way between the log of purges and the edges of B;
#   3. the relay drops everything for a while (60 s) and purges go on: what is shown meanwhile, how long the catching up
#      takes, and that no edge shows anything old that it has acknowledged;
#   4. one key on a million objects in memory, beside a thousand.
# Usage: bench/edge/purge.sh [PURGES] [SECONDS_OF_THE_CUT]; starts a platform of its own at base port 7600, or BASE_PORT.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
count="${1:-1000}"
seconds="${2:-60}"
base="${BASE_PORT:-7600}"
program="${SANGRAHA:-target/release/sangraha}"
bench="${BENCH:-target/release/bench}"
crowd="${CROWD:-target/release/examples/purge_crowd}"

[ -x "$program" ] && [ -x "$bench" ] || cargo build --release --quiet --package server --package bench
[ -x "$crowd" ] || cargo build --release --quiet --package edge --example purge_crowd
work="$(mktemp -d)"
chmod 711 "$work" # PostgreSQL runs as another user where we are root, and lies in here
"$program" up --detach --data "$work/data" --base-port "$base" >"$work/up.txt"
trap '"$program" down --data "$work/data"; rm -rf "$work"' EXIT
token="$("$program" setup-token --data "$work/data")"
key="$(curl -sS -X POST "http://127.0.0.1:$base/v1/admin/setup" -H 'content-type: application/json' \
  -d "{\"token\": \"$token\", \"name\": \"bench\"}" | grep -o 'sgp_[A-Za-z0-9]*')"
world=(--program "$program" --folder "$work" --admin "http://127.0.0.1:$base" --key "$key"
  --feeds "127.0.0.1:$((base + 12)),127.0.0.1:$((base + 22))")

echo "on one machine:"
"$bench" edge-purge "${world[@]}" --count "$count"
echo "the edges of B behind 100 ms one way:"
"$bench" edge-purge "${world[@]}" --count "$count" --way-ms 100
echo "the edges of B cut off:"
"$bench" edge-partition "${world[@]}" --way-ms 100 --seconds "$seconds"
"$crowd"

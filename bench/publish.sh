#!/usr/bin/env bash
# 1,000 publishes, one at a time: from the answer to the publish until it is found in region A and seen in region B.
# Usage: bench/publish.sh [CATALOGUE_FOLDER]; starts a platform of its own at base port 7600 and stops it again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
data="$(mktemp -d)/sangraha"
base=7600
program=target/release/sangraha

cargo build --release --quiet --package server --package bench
"$program" up --detach --data "$data" --base-port "$base"
trap '"$program" down --data "$data"' EXIT
[ $# -gt 0 ] && "$program" load "$1" --data "$data"

token="$("$program" setup-token --data "$data")"
key="$(curl -sS -X POST "http://127.0.0.1:$base/v1/admin/setup" -H 'content-type: application/json' \
  -d "{\"token\": \"$token\", \"name\": \"bench\"}" | grep -o 'sgp_[A-Za-z0-9]*')"

target/release/bench publish --key "$key" --admin "http://127.0.0.1:$base" \
  --api-a "http://127.0.0.1:$((base + 10))" --edge-b "http://127.0.0.1:$((base + 1))"

#!/usr/bin/env bash
# Searches and suggestions a second of region A's node over HTTP, client included, none from a cache.
# Usage: bench/search-http.sh [CATALOGUE_FOLDER …]; starts a platform of its own at base port 7600, loads the folders
# into it beside the starter catalogue and stops it again. BASE=http://… asks a node that is running instead.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
options=(--runs "${RUNS:-3}" --seconds "${SECONDS_EACH:-10}" --connections "${CONNECTIONS:-8}")
program=target/release/sangraha
if [ -n "${BASE:-}" ]; then
  cargo build --release --quiet --package bench
  exec target/release/bench search-http --base "$BASE" "${options[@]}"
fi
cargo build --release --quiet --package server --package bench
port=7600
data="$(mktemp -d)/sangraha"
trap '"$program" down --data "$data"' EXIT
"$program" up --detach --data "$data" --base-port "$port"
for folder in catalogue "$@"; do "$program" load "$folder" --data "$data"; done
target/release/bench search-http --base "http://127.0.0.1:$((port + 10))" "${options[@]}"

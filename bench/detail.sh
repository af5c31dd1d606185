#!/usr/bin/env bash
# Details a second from region A's node, client included: from its cache, then with the cache switched off.
# Usage: bench/detail.sh [CATALOGUE_FOLDER]; starts platforms of its own at base port 7600 and stops them again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
base=7600
program=target/release/sangraha
cargo build --release --quiet --package server --package bench

measure() {
  local title="$1" data="$2"
  echo "$title"
  target/release/bench detail --base "http://127.0.0.1:$((base + 10))"
  "$program" down --data "$data"
}

data="$(mktemp -d)/sangraha"
"$program" up --detach --data "$data" --base-port "$base"
[ $# -gt 0 ] && "$program" load "$1" --data "$data"
measure "from the cache" "$data"
SANGRAHA__PUBLIC__CACHED=false "$program" up --detach --data "$data" --base-port "$base"
measure "with the cache off" "$data"

#!/usr/bin/env bash
# How fast a search is over generated works, beside an OpenSearch with the same works and queries.
# Usage: bench/search.sh [WORKS …]; 3065, 100000 and 1000000 where none is named. PEER=no leaves OpenSearch out; RUNS
# is the number of runs (3), SECONDS_EACH the length of one of throughput (10).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cargo build --release --quiet --package bench
program=target/release/bench
script=deploy/opensearch/opensearch.sh
port=9790
folder="$(mktemp -d)"
# The node may run as another account.
chmod a+rx "$folder"
peer=()

if [ "${PEER:-yes}" = yes ]; then
  "$script" fetch >/dev/null
  # As one runs it: its own collector and compiler, 1 GiB of heap.
  export OPENSEARCH_HEAP=1g OPENSEARCH_JVM="-XX:+UseG1GC"
  mkfifo "$folder/end"
  "$script" serve "$folder/node" "$port" <"$folder/end" >"$folder/log" 2>&1 &
  node=$!
  exec 9>"$folder/end"
  # The node ends when its standard input does.
  trap 'exec 9>&-; wait "$node" || true; rm -rf "$folder"' EXIT
  for _ in $(seq 120); do
    curl -sf -m 2 "http://127.0.0.1:$port/_cluster/health?wait_for_status=yellow" >/dev/null && break
    kill -0 "$node" 2>/dev/null || break
    sleep 1
  done
  curl -sf -m 2 "http://127.0.0.1:$port/" >/dev/null || { tail -n 20 "$folder/log" >&2; exit 1; }
  peer=(--opensearch "127.0.0.1:$port")
else
  trap 'rm -rf "$folder"' EXIT
fi

[ $# -gt 0 ] || set -- 3065 100000 1000000
for works in "$@"; do
  # A process for each size: its memory is its own.
  "$program" search --works "$works" --runs "${RUNS:-3}" --seconds "${SECONDS_EACH:-10}" "${peer[@]}"
  echo
done

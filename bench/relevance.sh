#!/usr/bin/env bash
# What people find, by every engine of ours and by trigrams in PostgreSQL and Tantivy as it comes, on judged queries.
# Usage: bench/relevance.sh QUERIES [CATALOGUE …]; without a catalogue, over the starter catalogue of the tree.
# Starts a PostgreSQL and an OpenSearch of its own; without one, its columns are missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
queries="${1:?judged queries, one JSON object a line}"
shift
[ $# -gt 0 ] || set -- catalogue
cargo build --release --quiet --package bench
folder="$(mktemp -d)"
# The servers may run as another account.
chmod a+rx "$folder"
arguments=(--queries "$queries")
for catalogue in "$@"; do arguments+=(--catalogue "$catalogue"); done
node=""
as=()
end() {
  [ ! -d "$folder/data" ] || "${as[@]}" pg_ctl -w -s -m immediate -D "$folder/data" stop || true
  # The node ends when its standard input does.
  exec 9>&-
  [ -z "$node" ] || wait "$node" || true
  rm -rf "$folder"
}
trap end EXIT

if [ "$(id -u)" -eq 0 ]; then
  # PostgreSQL refuses root.
  as=(setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups)
  chown nobody "$folder"
fi
if command -v initdb >/dev/null && command -v pg_ctl >/dev/null && command -v psql >/dev/null; then
  "${as[@]}" initdb -A trust -U postgres -E UTF8 --locale=C -D "$folder/data" >/dev/null
  "${as[@]}" pg_ctl -w -s -D "$folder/data" -l "$folder/log" -o "-k $folder -c listen_addresses=" start
  arguments+=(--postgres "$folder")
fi
if deploy/opensearch/opensearch.sh fetch >/dev/null; then
  port=9792
  mkfifo "$folder/end"
  deploy/opensearch/opensearch.sh serve "$folder/node" "$port" <"$folder/end" >"$folder/opensearch.log" 2>&1 &
  node=$!
  exec 9>"$folder/end"
  for _ in $(seq 120); do
    curl -sf -m 2 "http://127.0.0.1:$port/_cluster/health?wait_for_status=yellow" >/dev/null && break
    kill -0 "$node" 2>/dev/null || break
    sleep 1
  done
  arguments+=(--opensearch "127.0.0.1:$port")
fi
target/release/bench relevance "${arguments[@]}"

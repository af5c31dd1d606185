#!/usr/bin/env bash
# What people find, beside trigrams in PostgreSQL and Tantivy as it comes, on judged queries.
# Usage: bench/relevance.sh QUERIES [CATALOGUE …]; without a catalogue, over the starter catalogue of the tree.
# Starts a PostgreSQL of its own; without one, its column is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
queries="${1:?judged queries, one JSON object a line}"
shift
[ $# -gt 0 ] || set -- catalogue
cargo build --release --quiet --package bench
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
arguments=(--queries "$queries")
for catalogue in "$@"; do arguments+=(--catalogue "$catalogue"); done

as=()
if [ "$(id -u)" -eq 0 ]; then
  # PostgreSQL refuses root.
  as=(setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups)
  chown nobody "$folder"
fi
if command -v initdb >/dev/null && command -v pg_ctl >/dev/null && command -v psql >/dev/null; then
  "${as[@]}" initdb -A trust -U postgres -E UTF8 --locale=C -D "$folder/data" >/dev/null
  "${as[@]}" pg_ctl -w -s -D "$folder/data" -l "$folder/log" -o "-k $folder -c listen_addresses=" start
  trap '"${as[@]}" pg_ctl -w -s -m immediate -D "$folder/data" stop; rm -rf "$folder"' EXIT
  arguments+=(--psql "psql -XqAt -v ON_ERROR_STOP=1 -h $folder -U postgres postgres")
fi
target/release/bench relevance "${arguments[@]}"

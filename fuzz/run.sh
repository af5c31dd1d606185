#!/usr/bin/env bash
# Fuzzes every target for so many seconds each, one at a time, at the lowest priority, and says what was found.
# Usage: fuzz/run.sh [SECONDS] [TARGET…]; needs a nightly compiler, a C++ compiler and `cargo install cargo-fuzz`.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
seconds="${1:-600}"
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(strict policy range structured purge key search)

cp ../Cargo.lock Cargo.lock # the versions that the product has
found=0
for target in "${targets[@]}"; do
  features=()
  [ "$target" = search ] && features=(--no-default-features --features search)
  mkdir -p "corpus/$target"
  log="$(mktemp)"
  # Our code has no `unsafe`: panics, hangs and memory without end are sought, which no sanitizer is needed for.
  nice -n 19 cargo +nightly fuzz run --fuzz-dir . --sanitizer none "${features[@]}" "$target" "corpus/$target" "seeds/$target" -- \
    -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 >"$log" 2>&1
  code=$?
  executions="$(awk '/stat::number_of_executed_units/ { print $2 }' "$log")"
  if [ "$code" -eq 0 ]; then
    echo "$target: ${executions:-0} executions in $seconds s, nothing found"
  else
    found=1
    echo "$target: FAILED (${executions:-0} executions)"
    tail -40 "$log"
  fi
  rm -f "$log"
done
exit "$found"

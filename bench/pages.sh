#!/usr/bin/env bash
# p50 and p95 of every type of page at 100 requests a second, client included, from the public node of a running platform.
# Usage: bench/pages.sh [BASE], by default the node of region A of ./run. To have every page made anew, start the
# platform with its cache off: SANGRAHA__PUBLIC__CACHED=false ./run --detach
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cargo build --release --quiet --package bench
target/release/bench pages --base "${1:-http://127.0.0.1:7410}"

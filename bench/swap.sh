#!/usr/bin/env bash
# 200 searches a second at a node of a running platform while the indexes of both regions are built anew and swapped.
# Usage: bench/swap.sh [BASE], by default the node of region A of ./run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cargo build --release --quiet --package bench
target/release/bench swap --base "${1:-http://127.0.0.1:7410}" --program "${SANGRAHA:-target/release/sangraha}"
target/release/sangraha index verify

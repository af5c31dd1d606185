#!/usr/bin/env bash
# What an edge's cache on disk still has after a restart: the first pass over all objects after an orderly stop, after
# kill -9, and after bytes of its files were damaged. No answer may have a wrong byte.
# Usage: bench/edge/restart.sh [OBJECTS]; takes 512 MiB of the temporary folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
program="${SANGRAHA:-target/release/sangraha}"
bench="${BENCH:-target/release/bench}"

[ -x "$program" ] && [ -x "$bench" ] || cargo build --release --quiet --package server --package bench
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
"$bench" edge-restart --program "$program" --folder "$work" --objects "${1:-20000}"

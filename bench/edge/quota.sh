#!/usr/bin/env bash
# Four edges share one quota and are asked for more than it; then one is killed and one cut off: how much is admitted?
# Usage: bench/edge/quota.sh [QUOTA] [WINDOWS]; starts a platform of its own at base port 7600, or BASE_PORT.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
base="${BASE_PORT:-7600}"
program="${SANGRAHA:-target/release/sangraha}"
bench="${BENCH:-target/release/bench}"

[ -x "$program" ] && [ -x "$bench" ] || cargo build --release --quiet --package server --package bench
work="$(mktemp -d)"
chmod 711 "$work" # PostgreSQL runs as another user where we are root, and lies in here
"$program" up --detach --data "$work/data" --base-port "$base" >"$work/up.txt"
trap '"$program" down --data "$work/data"; rm -rf "$work"' EXIT
"$bench" edge-quota --program "$program" --folder "$work" --feed "127.0.0.1:$((base + 12))" \
  --quota "${1:-2000}" --windows "${2:-3}"

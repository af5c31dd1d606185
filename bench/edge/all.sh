#!/usr/bin/env bash
# Every number of the edge from one command: throughput beside nginx and Varnish, purges, a shared quota, reloads under
# load and restarts; at the end one table of all of them with their bars. Takes some 20 minutes of an idle machine.
# Usage: bench/edge/all.sh [SECONDS] [ROUNDS], of run.sh; what each part needs is said in it. Fails where a bar is missed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

part() { # name command…
  local name="$1"
  shift
  printf '\n== %s\n' "$*"
  "$@" 2>&1 | tee "$work/$name" || echo "$name missed a bar, or could not run"
}
part run ./run.sh "${1:-5}" "${2:-3}"
part purge ./purge.sh 1000 60
part quota ./quota.sh 2000 3
part reload ./reload.sh 10 10000
part restart ./restart.sh 20000

awk '
  function row(what, ours, anchor, bar, reached) {
    if (!reached) missed++
    printf "%-58s %14s %20s %12s  %s\n", what, ours, anchor, bar, bar == "" ? "" : reached ? "reached" : "MISSED"
  }
  # A line of a table, without the name before its columns.
  function columns(name) { split(substr($0, length(name) + 1), column, " ") }
  BEGIN { printf "\n%-58s %14s %20s %12s\n", "number", "ours", "anchor", "bar" }

  FILENAME ~ /run$/ && $2 == "nginx" { rps = $3; p99 = $5; us = $6 }
  FILENAME ~ /run$/ && $2 == "edge" {
    row($1 ", requests/s", $3, "nginx " rps, ">= " $11 + 0 " x", $8 >= $11 + 0)
    if ($1 == "hit-2k") {
      row($1 ", µs of a processor for each", $6, "nginx " us, "<= 0.774 x", $9 <= 0.774)
      row($1 ", p99 in ms", $5, "nginx " p99, "<= 2", $5 <= 2)
    } else row($1 ", µs of a processor for each", $6, "nginx " us, "", 1)
  }

  FILENAME ~ /purge$/ && /^on one machine/ { where = "one machine"; bar = 50 }
  FILENAME ~ /purge$/ && /^the edges of B behind/ { where = "100 ms one way"; bar = 1000 }
  FILENAME ~ /purge$/ && /invisible on all five/ {
    columns("API'\''s answer to invisible on all five")
    row("purge, five edges, " where ", p99 in ms", column[4], "p50 " column[2], "<= " bar, column[4] <= bar)
  }
  FILENAME ~ /purge$/ && /^stale answers after/ { row("partition of 60 s, answers older than acknowledged", $NF, "", "0", $NF == 0) }
  FILENAME ~ /purge$/ && $1 ~ /^[0-9]+$/ && $1 >= 1000 { row("purge of one key on " $1 " objects, p50 in µs", $6, "", "O(1)", $6 < 1) }

  FILENAME ~ /quota$/ && /^(four edges|one killed)/ { row("quota of four, " $1 " " $2 ", admitted", $NF, "", "<= 1.1", $NF <= 1.1) }
  FILENAME ~ /reload$/ && /^HTTP\/1.1:/ { row("reloads under " $4 ", HTTP/1.1, failed", $NF, "", "0", $NF == 0) }
  FILENAME ~ /reload$/ && /^HTTP\/2 over TLS: requests/ { failed = $13 + $15 + $17; row("reloads, HTTP/2 and TLS, failed of " $5, failed, "", "0", failed == 0) }
  FILENAME ~ /restart$/ && /^after (an orderly|kill)/ { row("restart " $1 " " $2 " " $3 ", hits of the first pass, %", $(NF - 3), "", ">= 90", $(NF - 3) >= 90) }
  FILENAME ~ /restart$/ && /damaged bytes/ { row("restart with damaged files, wrong answers", $(NF - 1), "", "0", $(NF - 1) == 0) }
  END { exit missed > 0 }
' "$work/run" "$work/purge" "$work/quota" "$work/reload" "$work/restart"

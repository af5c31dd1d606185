#!/usr/bin/env bash
# The edge beside nginx and Varnish: the same answers from the same origin, one at a time on processor 0, load and
# origin on processor 1, rounds interleaved. Prints medians (least to most) of requests a second, p99 and processor
# time a request, and the ratio to nginx of the same rounds.
# Usage: bench/edge/run.sh [SECONDS] [ROUNDS]; needs nginx, varnish and wrk (Debian packages of these names).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
seconds="${1:-5}"
rounds="${2:-3}"
program="${SANGRAHA:-target/release/sangraha}"

for tool in nginx varnishd wrk taskset; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: apt-get install nginx varnish wrk util-linux" >&2; exit 1; }
done
[ -x "$program" ] || cargo build --release --quiet --package server
[ "$(nproc)" -ge 2 ] || { echo "two processors are needed: one for what is measured, one for the load" >&2; exit 1; }

work="$(mktemp -d)"
pids=()
finish() {
  [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

# Something to serve: JSON of four sizes. What lies below /pass is never kept.
mkdir -p "$work/www/hit" "$work/www/pass" "$work/cache" "$work/temp"
for size in 200 2048 16384 1048576; do
  head -c "$((size - 12))" /dev/zero | tr '\0' 'a' | sed 's/^/{"text": "/; s/$/"}/' >"$work/www/hit/$size.json"
done
cp "$work/www/hit/200.json" "$work/www/pass/200.json"

common="daemon off; master_process off; worker_processes 1; error_log $work/error.log crit; pid $work/%s.pid;
events { worker_connections 4096; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; types { application/json json; }
client_body_temp_path $work/temp; proxy_temp_path $work/temp; fastcgi_temp_path $work/temp; uwsgi_temp_path $work/temp;
scgi_temp_path $work/temp;"

# shellcheck disable=SC2059
{
  printf "$common" origin
  echo "server { listen 127.0.0.1:18000; root $work/www;
location /hit { add_header Cache-Control 'public, max-age=3600'; }
location /pass { add_header Cache-Control no-store; } } }"
} >"$work/origin.conf"
# shellcheck disable=SC2059
{
  printf "$common" proxy
  echo "proxy_cache_path $work/cache levels=1:2 keys_zone=z:16m max_size=1g inactive=1h use_temp_path=off;
upstream origin { server 127.0.0.1:18000; keepalive 64; }
server { listen 127.0.0.1:18001;
location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host \$host;
proxy_cache z; proxy_cache_lock on; add_header X-Cache-Status \$upstream_cache_status; } } }"
} >"$work/proxy.conf"
cat >"$work/default.vcl" <<'VCL'
vcl 4.1;
backend default { .host = "127.0.0.1"; .port = "18000"; }
VCL

wait_for() {
  for _ in $(seq 100); do
    curl -sf -m 1 -o /dev/null "http://127.0.0.1:$1/hit/200.json" && return
    sleep 0.1
  done
  echo "nothing answers at port $1" >&2
  exit 1
}

taskset -c 1 nginx -p "$work" -c "$work/origin.conf" & pids+=($!)
wait_for 18000
taskset -c 0 nginx -p "$work" -c "$work/proxy.conf" & nginx_pid=$!; pids+=($!)
taskset -c 0 varnishd -F -n "$work/varnish" -a 127.0.0.1:18002 -T none -f "$work/default.vcl" -s malloc,512m \
  -p thread_pools=1 >"$work/varnish.log" 2>&1 & varnish_pid=$!; pids+=($!)
taskset -c 0 "$program" edge --origin http://127.0.0.1:18000 --listen 127.0.0.1:18003 --workers 1 --memory 512M \
  --log warn >/dev/null & edge_pid=$!; pids+=($!)
for port in 18001 18002 18003; do wait_for "$port"; done

# A process with its children: Varnish works in a child.
ticks() {
  local total=0 pid
  for pid in "$1" $(pgrep -P "$1" || true); do
    read -r -a stat <"/proc/$pid/stat"
    total=$((total + stat[13] + stat[14]))
  done
  echo "$total"
}

# name port pid case connections path: one line "name case rps p99_ms us"
measure() {
  local name="$1" port="$2" pid="$3" case="$4" connections="$5" path="$6" before after out
  taskset -c 1 wrk -t1 -c"$connections" -d2s "http://127.0.0.1:$port$path" >/dev/null
  before="$(ticks "$pid")"
  out="$(taskset -c 1 wrk -t1 -c"$connections" -d"${seconds}s" --latency "http://127.0.0.1:$port$path")"
  after="$(ticks "$pid")"
  echo "$out" | awk -v name="$name" -v case="$case" -v ticks="$((after - before))" -v hz="$(getconf CLK_TCK)" '
    /99%/ { p99 = $2; if (p99 ~ /us$/) { sub("us", "", p99); p99 /= 1000 } else if (p99 ~ /ms$/) sub("ms", "", p99)
            else { sub("s", "", p99); p99 *= 1000 } }
    /requests in/ { requests = $1 }
    /Requests\/sec/ { rps = $2 }
    /Non-2xx/ { bad = $NF }
    END { if (bad) { print name, case, "had answers that were no success:", bad > "/dev/stderr"; exit 1 }
          printf "%s %s %.0f %.2f %.2f\n", name, case, rps, p99, ticks / hz * 1e6 / requests }'
}

cases="hit-2k:64:/hit/2048.json hit-200:64:/hit/200.json hit-16k:64:/hit/16384.json hit-1m:16:/hit/1048576.json
hit-2k-1conn:1:/hit/2048.json hit-2k-256conn:256:/hit/2048.json pass-200:64:/pass/200.json"
for round in $(seq "$rounds"); do
  for one in $cases; do
    IFS=: read -r case connections path <<<"$one"
    measure nginx 18001 "$nginx_pid" "$case" "$connections" "$path"
    measure varnish 18002 "$varnish_pid" "$case" "$connections" "$path"
    measure edge 18003 "$edge_pid" "$case" "$connections" "$path"
  done
  echo "round $round of $rounds" >&2
done >"$work/results"

sort -k2,2 -k1,1 -k3,3n "$work/results" | awk '
  function median(list, n) { return list[int((n + 1) / 2)] }
  function sort(list, n,   i, j, held) {
    for (i = 2; i <= n; i++) {
      held = list[i]
      for (j = i - 1; j > 0 && list[j] + 0 > held + 0; j--) list[j + 1] = list[j]
      list[j + 1] = held
    }
  }
  function flush() {
    if (n == 0) return
    sort(r, n); sort(us, n); sort(p, n)
    rps_of[key] = median(r, n); us_of[key] = median(us, n)
    line[++lines] = key
    text[key] = sprintf("%8d (%d-%d) %8.2f %8.2f", median(r, n), r[1], r[n], median(p, n), median(us, n))
    delete r; delete p; delete us; n = 0
  }
  { this = $2 " " $1; if (this != key) { flush(); key = this } n++; r[n] = $3; p[n] = $4; us[n] = $5 }
  END {
    flush()
    printf "%-16s %-8s %28s %8s %8s %14s\n", "case", "who", "requests/s", "p99 ms", "us/req", "rps to nginx"
    for (i = 1; i <= lines; i++) {
      split(line[i], part, " "); base = rps_of[part[1] " nginx"]
      printf "%-16s %-8s %s %13.2fx\n", part[1], part[2], text[line[i]], base ? rps_of[line[i]] / base : 0
    }
  }'

#!/usr/bin/env bash
# The edge beside nginx and Varnish: the same answers from the same origin, one at a time on processor 0, load and
# origin on processor 1, rounds interleaved. Ours keeps limits, writes its access log and says Cache-Status; nginx does
# none of that (the row `nginx+` does, for comparison). Prints medians (least to most) and a verdict a row.
# Usage: bench/edge/run.sh [--fast | --cases "NAME ..."] [SECONDS] [ROUNDS]
#   --fast    hit and pass-through alone, two seconds, one round, no Varnish: for looking at processor time
# Needs nginx, varnish, wrk, nghttp2-client, openssl and util-linux (Debian packages of these names).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
default_seconds=5 default_rounds=3 wanted="" rivals="nginx varnish edge"
case "${1:-}" in
  --fast) default_seconds=2 default_rounds=1 wanted="hit-2k pass-200" rivals="nginx edge"; shift ;;
  --cases) wanted="$2"; shift 2 ;;
esac
seconds="${1:-$default_seconds}"
rounds="${2:-$default_rounds}"
program="${SANGRAHA:-target/release/sangraha}"

for tool in nginx varnishd wrk h2load openssl taskset; do
  command -v "$tool" >/dev/null ||
    { echo "$tool is missing: apt-get install nginx varnish wrk nghttp2-client openssl util-linux" >&2; exit 1; }
done
[ -x "$program" ] || cargo build --release --quiet --package server
[ "$(nproc)" -ge 2 ] || { echo "two processors are needed: one for what is measured, one for the load" >&2; exit 1; }

# name connections scheme path bar: requests a second, as a share of nginx's
cases="
hit-2k 64 http /hit/2048.json 1.30
hit-200 64 http /hit/200.json 1.00
hit-16k 64 http /hit/16384.json 1.00
hit-1m 16 http /hit/1048576.json 1.00
hit-2k-c1 1 http /hit/2048.json 1.00
hit-2k-c256 256 http /hit/2048.json 1.00
hit-2k-tls 64 https /hit/2048.json 1.00
hit-2k-h2 64 h2 /hit/2048.json 1.00
pass-200 64 http /pass/200.json 1.00
pass-2k 64 http /pass/2048.json 1.00
"
us_bar=0.774 p99_bar=2.0 # of the first case: 6.5 µs where nginx takes 8.4, and milliseconds

work="$(mktemp -d)"
pids=()
finish() {
  [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

# Something to serve: JSON of four sizes. What lies below /pass is never kept.
mkdir -p "$work/www/hit" "$work/www/pass" "$work/cache" "$work/temp"
for size in 200 2048 16384 1048576; do
  head -c "$((size - 12))" /dev/zero | tr '\0' 'a' | sed 's/^/{"text": "/; s/$/"}/' >"$work/www/hit/$size.json"
done
cp "$work/www/hit/200.json" "$work/www/hit/2048.json" "$work/www/pass/"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
  -keyout "$work/key.pem" -out "$work/chain.pem" 2>/dev/null

common="daemon off; master_process off; worker_processes 1; error_log $work/error.log crit; pid $work/%s.pid;
events { worker_connections 4096; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; types { application/json json; }
client_body_temp_path $work/temp; proxy_temp_path $work/temp; fastcgi_temp_path $work/temp; uwsgi_temp_path $work/temp;
scgi_temp_path $work/temp;"
# Passed through without its cache: its lock would let those who ask the same wait for each other.
proxied="proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host \$host;
location / { proxy_pass http://origin; proxy_cache z; proxy_cache_lock on;
add_header X-Cache-Status \$upstream_cache_status; }
location /pass { proxy_pass http://origin; }"

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
limit_req_zone \$binary_remote_addr zone=l:16m rate=1000000r/s;
upstream origin { server 127.0.0.1:18000; keepalive 64; keepalive_requests 1000000000; }
server { listen 127.0.0.1:18001; listen 127.0.0.1:18011 ssl http2;
ssl_certificate $work/chain.pem; ssl_certificate_key $work/key.pem; $proxied }
server { listen 127.0.0.1:18021; limit_req zone=l burst=100000 nodelay;
access_log $work/nginx.log combined buffer=64k flush=1s; $proxied } }"
} >"$work/proxy.conf"
cat >"$work/default.vcl" <<'VCL'
vcl 4.1;
backend default { .host = "127.0.0.1"; .port = "18000"; }
VCL

wait_for() {
  for _ in $(seq 100); do
    curl -skf -m 1 -o /dev/null "$1/hit/200.json" && return
    sleep 0.1
  done
  echo "nothing answers at $1" >&2
  exit 1
}

declare -A pid_of port_of
start() { # name port command...
  local name="$1"
  port_of[$name]="$2"
  shift 2
  taskset -c 0 "$@" & pid_of[$name]=$!; pids+=($!)
}
taskset -c 1 nginx -p "$work" -c "$work/origin.conf" 2>/dev/null & pids+=($!)
wait_for http://127.0.0.1:18000
start nginx 18001 nginx -p "$work" -c "$work/proxy.conf" 2>/dev/null
pid_of[nginx+]="${pid_of[nginx]}"
port_of[nginx+]=18021
start varnish 18002 varnishd -j none -F -n "$work/varnish" -a 127.0.0.1:18002 -T none -f "$work/default.vcl" \
  -s malloc,512m -p thread_pools=1 >"$work/varnish.log" 2>&1
edge() { # port flags...
  local port="$1"
  shift
  exec "$program" edge --origin http://127.0.0.1:18000 --listen "127.0.0.1:$port" --workers 1 --memory 512M \
    --log warn --rate-limit 100000000/60 --access-log "$work/edge-$port.log" "$@"
}
(exec taskset -c 0 bash -c "$(declare -f edge); program='$program' work='$work'; edge 18003") >/dev/null &
pid_of[edge]=$! port_of[edge]=18003; pids+=($!)
(exec taskset -c 0 bash -c "$(declare -f edge); program='$program' work='$work'
  edge 18013 --tls-cert '$work/chain.pem' --tls-key '$work/key.pem'") >/dev/null &
pid_of[edge-tls]=$! pids+=($!)
for url in http://127.0.0.1:{18001,18002,18003,18021} https://127.0.0.1:{18011,18013}; do wait_for "$url"; done

# A process with its children: Varnish works in a child.
ticks() {
  local total=0 pid stat
  for pid in "$1" $(pgrep -P "$1" || true); do
    read -r -a stat <"/proc/$pid/stat"
    total=$((total + stat[13] + stat[14]))
  done
  echo "$total"
}

load() { # scheme connections seconds url
  case "$1" in
    h2) taskset -c 1 h2load -t1 -c"$2" -m4 -D"$3" "${4/#h2/https}" ;;
    *) taskset -c 1 wrk -t1 -c"$2" -d"${3}s" --latency "$4" ;;
  esac
}

# name case connections scheme path: one line "name case rps p99_ms us share"
measure() {
  local name="$1" case="$2" connections="$3" scheme="$4" path="$5" port pid before after out
  port="${port_of[$name]}" pid="${pid_of[$name]}"
  if [ "$scheme" != http ]; then
    port=$((port + 10))
    [ "$name" != edge ] || pid="${pid_of[edge-tls]}"
  fi
  load "$scheme" "$connections" 1 "$scheme://127.0.0.1:$port$path" >/dev/null
  before="$(ticks "$pid")"
  out="$(load "$scheme" "$connections" "$seconds" "$scheme://127.0.0.1:$port$path")"
  after="$(ticks "$pid")"
  echo "$out" | awk -v name="$name" -v case="$case" -v ticks="$((after - before))" -v hz="$(getconf CLK_TCK)" \
    -v seconds="$seconds" '
    BEGIN { p99 = "-" }
    $1 == "99%" { p99 = $2; if (p99 ~ /us$/) { sub("us", "", p99); p99 /= 1000 } else if (p99 ~ /ms$/) sub("ms", "", p99)
            else { sub("s", "", p99); p99 *= 1000 } }
    /requests in/ { requests = $1 }
    /Requests\/sec/ { rps = $2 }
    /Non-2xx/ { bad = $NF }
    /^finished in/ { rps = $4 }
    /^status codes/ { requests = $3; bad = $5 + $7 + $9 }
    END { if (bad || !requests) { print name, case, "had answers that were no success:", bad + 0 > "/dev/stderr"; exit 1 }
          printf "%s %s %.0f %s %.2f %.0f\n", name, case, rps, p99, ticks / hz * 1e6 / requests, ticks / hz / seconds * 100 }'
}

for round in $(seq "$rounds"); do
  while read -r case connections scheme path _; do
    [ -n "$case" ] || continue
    [ -z "$wanted" ] || [[ " $wanted " == *" $case "* ]] || continue
    for name in $rivals; do
      [ "$name" != varnish ] || { [ "$scheme" = http ] && [[ "$case" == hit* ]]; } || continue
      measure "$name" "$case" "$connections" "$scheme" "$path"
    done
    [ "$case" != hit-2k ] || measure nginx+ "$case" "$connections" "$scheme" "$path"
  done <<<"$cases"
  echo "round $round of $rounds" >&2
done >"$work/results"

awk -v cases="$cases" -v us_bar="$us_bar" -v p99_bar="$p99_bar" '
  function sorted(list, n,   i, j, held) {
    for (i = 2; i <= n; i++) {
      held = list[i]
      for (j = i - 1; j > 0 && list[j] + 0 > held + 0; j--) list[j + 1] = list[j]
      list[j + 1] = held
    }
  }
  function median(text, n,   list) {
    n = split(text, list, " "); sorted(list, n)
    least = list[1]; most = list[n]
    return list[int((n + 1) / 2)]
  }
  { key = $2 " " $1; rps[key] = rps[key] " " $3; p99[key] = p99[key] " " $4; us[key] = us[key] " " $5; share[key] = share[key] " " $6 }
  END {
    printf "%-12s %-8s %26s %8s %8s %6s %8s %8s  %s\n", "case", "who", "requests/s (least-most)", "p99 ms", "us/req", "cpu %", "rps x", "us x", "bar"
    n = split(cases, line, "\n")
    for (i = 1; i <= n; i++) {
      if (split(line[i], part, " ") < 5) continue
      base = part[1] " nginx"
      if (!(base in rps)) continue
      base_rps = median(rps[base]); base_us = median(us[base])
      m = split("nginx nginx+ varnish edge", who, " ")
      for (j = 1; j <= m; j++) {
        key = part[1] " " who[j]
        if (!(key in rps)) continue
        p = median(p99[key]); u = median(us[key]); s = median(share[key]); r = median(rps[key])
        verdict = ""
        if (who[j] == "edge") {
          verdict = sprintf(">= %.2f", part[5]); passed = r / base_rps >= part[5]
          if (part[1] == "hit-2k") {
            verdict = verdict sprintf(", us <= %.2f, p99 <= %.0f ms", us_bar, p99_bar)
            passed = passed && u / base_us <= us_bar && p <= p99_bar
          }
          verdict = verdict (passed ? ": pass" : ": FAIL")
        }
        printf "%-12s %-8s %26s %8s %8.2f %6d %8.2f %8.2f  %s\n", part[1], who[j],
          sprintf("%d (%d-%d)", r, least, most), p, u, s, r / base_rps, u / base_us, verdict
      }
    }
  }' "$work/results"

#!/usr/bin/env bash
# Another configuration, another certificate and other lists, again and again under load: how many requests failed?
# The load runs over plain HTTP/1.1 and, at the same time, over TLS with HTTP/2; every half second the file of
# settings (limits, lists, bounds, origins) and the certificate are written anew and HUP is sent. Every third file is
# broken, and must change nothing.
# Usage: bench/edge/reload.sh [SECONDS] [REQUESTS_A_SECOND]; needs nginx, wrk, h2load and openssl.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
seconds="${1:-10}"
rate="${2:-10000}"
program="${SANGRAHA:-target/release/sangraha}"

for tool in nginx wrk h2load openssl curl; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: apt-get install nginx wrk nghttp2-client openssl curl" >&2; exit 1; }
done
[ -x "$program" ] || cargo build --release --quiet --package server

work="$(mktemp -d)"
pids=()
finish() {
  [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

mkdir -p "$work/www/hit"
for page in $(seq 50); do head -c 2036 /dev/zero | tr '\0' 'a' >"$work/www/hit/$page.json"; done
origin() {
  echo "daemon off; master_process off; error_log $work/error.log crit; pid $work/$1.pid; events { worker_connections 1024; }
http { access_log off; keepalive_requests 1000000; client_body_temp_path $work/temp; proxy_temp_path $work/temp;
fastcgi_temp_path $work/temp; uwsgi_temp_path $work/temp; scgi_temp_path $work/temp;
server { listen 127.0.0.1:$1; root $work/www; add_header Cache-Control 'public, max-age=1'; } }" >"$work/$1.conf"
  nginx -p "$work" -c "$work/$1.conf" & pids+=($!)
}
certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout "$work/new.key" -out "$work/new.pem" 2>/dev/null
  mv "$work/new.key" "$work/site.key" && mv "$work/new.pem" "$work/site.pem"
}
settings() { # a number
  local first=18100 second=18101
  (( $1 % 2 )) && { first=18101; second=18100; }
  echo "public = [\"http://127.0.0.1:$first\", \"http://127.0.0.1:$second\"]
tls = [{ chain = \"$work/site.pem\", key = \"$work/site.key\" }]
trusted_proxies = [\"10.$(( $1 % 250 )).0.0/16\"]
http2_streams_max = $(( 100 + $1 % 100 ))
log = \"$( (( $1 % 2 )) && echo warn || echo error )\"
[limits]
denied = [\"192.0.2.$(( $1 % 250 ))/32\"]
[[limits.rules]]
name = \"all\"
quota = $(( 1000000000 + $1 ))
window_s = 60" >"$2.new"
  mv "$2.new" "$2"
}

origin 18100; origin 18101
certificate
settings 0 "$work/edge.toml"
sed '/^tls/d' "$work/edge.toml" >"$work/plain.toml"
"$program" edge --config "$work/edge.toml" --listen 127.0.0.1:18443 --private 127.0.0.1:18444 >/dev/null 2>&1 & tls_pid=$!; pids+=($!)
"$program" edge --config "$work/plain.toml" --listen 127.0.0.1:18080 --private 127.0.0.1:18081 >/dev/null 2>&1 & plain_pid=$!; pids+=($!)
for url in http://127.0.0.1:18080/hit/1.json https://127.0.0.1:18443/hit/1.json; do
  for _ in $(seq 100); do curl -skf -m 1 -o /dev/null "$url" && break; sleep 0.1; done
done

cat >"$work/pages.lua" <<'LUA'
local page = 0
request = function() page = page % 50 + 1; return wrk.format(nil, "/hit/" .. page .. ".json") end
done = function(summary)
  local e = summary.errors
  io.write(string.format("%d %d %d\n", summary.requests, e.status + e.connect + e.read + e.write + e.timeout, summary.duration))
end
LUA
seq -f 'https://127.0.0.1:18443/hit/%g.json' 50 >"$work/urls"
wrk -t1 -c32 -d"${seconds}s" -s "$work/pages.lua" http://127.0.0.1:18080 >"$work/wrk.txt" & wrk_pid=$!
h2load -t1 -c8 -m4 --rps="$(( rate / 8 ))" -D "$seconds" -i "$work/urls" >"$work/h2load.txt" 2>&1 & h2_pid=$!

changes=0 broken=0
end=$(( $(date +%s) + seconds ))
while [ "$(date +%s)" -lt "$end" ]; do
  changes=$(( changes + 1 ))
  if (( changes % 3 == 0 )); then
    broken=$(( broken + 1 ))
    echo 'limits = "none"' >"$work/edge.toml"; cp "$work/edge.toml" "$work/plain.toml"
  else
    certificate
    settings "$changes" "$work/edge.toml"
    sed '/^tls/d' "$work/edge.toml" >"$work/plain.toml"
  fi
  kill -HUP "$tls_pid" "$plain_pid"
  sleep 0.5
done
wait "$wrk_pid" "$h2_pid"

read -r requests failed duration <<<"$(tail -1 "$work/wrk.txt")"
metric() { curl -s "http://127.0.0.1:$1/metrics" | awk -v name="sangraha_$2" '$1 == name { print $2 }'; }
echo "changes told: $changes, of which broken: $broken"
for port in 18081 18444; do
  echo "port $port: version $(metric $port edge_config_version), refused $(metric $port edge_config_refused_total)"
done
echo "HTTP/1.1: $requests requests, $(( requests * 1000000 / duration ))/s, failed: $failed"
grep -E '^(finished|requests:|status codes:)' "$work/h2load.txt" | sed 's/^/HTTP\/2 over TLS: /'
h2_failed="$(awk '/^requests:/ { print $10 + $12 + $14 }' "$work/h2load.txt")"
[ "$failed" -eq 0 ] && [ "$h2_failed" -eq 0 ] && echo "0 failed requests"

#!/usr/bin/env bash
# S2S over HTTP: Assay with the default rule and records written, HAProxy doing less, and a
# bare hyper server answering a constant. Each alone on one pinned core, the others stopped;
# the same prepared requests from wrk on the other core; in turn, median of the ratios.
# Afterwards every answered request must stand in the click report.
#
#   bench/s2s.sh [ROUNDS] [SECONDS]          default: 5 rounds of 10 s each
#
# REQUESTS (500000), CONNECTIONS (64), SERVER_CORE (0), CLIENT_CORE (1) by environment.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/measure.sh"

rounds=${1:-5} seconds=${2:-10}
requests=${REQUESTS:-500000} connections=${CONNECTIONS:-64}
server_core=${SERVER_CORE:-0} client_core=${CLIENT_CORE:-1}
here=$repository/bench
token=bench-bench-bench-bench-bench-bench

[ "$(nproc)" -ge 2 ] || die 'needs two cores: one for the server, one for wrk'
need wrk wrk
need haproxy haproxy
need curl curl
need taskset util-linux
build assay-server --bin assay
build assay-gateway --example bare_hyper
describe_machine
echo "$(haproxy -v | head -n 1), $(wrk -v 2>&1 | head -n 1 | cut -d' ' -f1-2)"

declare -A pid url
pinned() { taskset -c "$server_core" "$@"; }

start_assay() {
  ASSAY_BOOTSTRAP_TOKEN=$token ASSAY__GATEWAY__LANES=1 \
    pinned "$target/release/assay" serve --data "$scratch/data" \
    --data-listen 127.0.0.1:0 --console-listen 127.0.0.1:0 >"$scratch/assay" 2>&1 &
  pid[assay]=$! pids+=($!)
  url[assay]=$(announced "$scratch/assay" 'data:')
  console=$(announced "$scratch/assay" 'console:')
  api -d '{"name":"bench","kind":"s2s"}' "$console/api/v1/integrations" >"$scratch/integration"
  integration=$(sed -n 's/^[^}]*"id": *\([0-9]*\).*/\1/p' "$scratch/integration")
  [ -n "$integration" ] || die "no integration: $(cat "$scratch/integration")"
}

start_haproxy() {
  # Thirty thousand ranges from /14 to /24, always the same.
  awk 'BEGIN {
    srand(7)
    while (n < 30000) {
      bits = 14 + int(rand() * 11)
      size = 2 ^ (32 - bits)
      base = int((16777216 + rand() * 3741319168) / size) * size
      line = sprintf("%d.%d.%d.%d/%d", base / 16777216, base / 65536 % 256, base / 256 % 256, base % 256, bits)
      if (!(line in seen)) { seen[line]; n++; print line, "hosting" }
    }
  }' >"$scratch/networks.map"
  cp "$here/bots.lst" "$scratch/bots.lst"
  local tries port
  for ((tries = 0; tries < 20; tries++)); do
    port=$((20000 + RANDOM % 20000))
    sed "s#PORT#$port#; s#DIR#$scratch#" "$here/haproxy.cfg" >"$scratch/haproxy.cfg"
    pinned haproxy -db -f "$scratch/haproxy.cfg" >"$scratch/haproxy" 2>&1 &
    local started=$!
    sleep 1
    if kill -0 "$started" 2>/dev/null; then
      pid[haproxy]=$started pids+=("$started") url[haproxy]=http://127.0.0.1:$port
      return
    fi
  done
  cat "$scratch/haproxy" >&2
  die 'HAProxy does not start'
}

start_bare() {
  pinned "$target/release/examples/bare_hyper" >"$scratch/bare" 2>&1 &
  pid[bare]=$! pids+=($!)
  url[bare]=$(announced "$scratch/bare" 'data:')
}

api() { curl -sS --max-time 30 -H "Authorization: Bearer $token" -H 'Content-Type: application/json' "$@"; }

# Runs wrk against one server while the others are stopped: requests/s, share of the core,
# CPU per request; adds what was answered to the sum of that server.
declare -A answered=([assay]=0 [haproxy]=0 [bare]=0)
offset=0
turn() {
  local who=$1 length=$2 other line
  for other in assay haproxy bare; do
    [ "$other" = "$who" ] || kill -STOP "${pid[$other]}"
  done
  kill -CONT "${pid[$who]}"
  sleep 0.3
  local before after
  before=$(cpu_us "${pid[$who]}")
  line=$(timeout $((length + 120)) taskset -c "$client_core" wrk -t1 -c"$connections" -d"${length}s" --timeout 5s \
    -s "$here/replay.lua" "${url[$who]}" -- "$scratch/requests" "$offset" | sed -n 's/^answered //p')
  after=$(cpu_us "${pid[$who]}")
  for other in assay haproxy bare; do kill -CONT "${pid[$other]}"; done
  local count duration errors p99
  read -r count duration errors p99 <<<"$line"
  [ "$errors" -eq 0 ] || die "$who: $errors errors"
  answered[$who]=$((answered[$who] + count))
  # The next turn goes on where this one ended.
  [ "$who" != bare ] || offset=$(((offset + count) % requests))
  awk -v n="$count" -v d="$duration" -v c=$((after - before)) \
    'BEGIN { printf "%.0f %.1f %.2f\n", n * 1e6 / d, c * 100 / d, c / n }'
}

start_assay
start_haproxy
start_bare
"$target/release/assay" simulate --events "$requests" --format s2s --integration-id "$integration" >"$scratch/requests"
echo "$(wc -l <"$scratch/requests") requests of $(awk '{ n += length } END { printf "%.0f", n / NR }' "$scratch/requests") bytes on average, $connections connections, $rounds rounds of $seconds s"
echo "first answers: $(curl -s "${url[assay]}$(head -n 1 "$scratch/requests")") $(curl -s "${url[haproxy]}$(head -n 1 "$scratch/requests")") $(curl -s "${url[bare]}/")"
answered[assay]=1

for who in assay haproxy bare; do turn "$who" 3 >/dev/null; done
printf '%-6s %-8s %11s %7s %9s\n' round server 'requests/s' 'core %' 'CPU µs'
for ((round = 1; round <= rounds; round++)); do
  for who in assay haproxy bare; do
    turn "$who" "$seconds" >"$scratch/turn"
    read -r rate share cost <"$scratch/turn"
    printf '%-6s %-8s %11s %7s %9s\n' "$round" "$who" "$rate" "$share" "$cost"
    echo "$rate" >>"$scratch/$who.rate"
    echo "$cost" >>"$scratch/$who.cost"
  done
done

ratio() { paste "$1" "$2" | awk '{ printf "%.3f\n", $1 / $2 }' | median; }
echo "median of $rounds ratios:"
echo "  requests/s  assay / haproxy $(ratio "$scratch/assay.rate" "$scratch/haproxy.rate")   assay / bare hyper $(ratio "$scratch/assay.rate" "$scratch/bare.rate")"
echo "  by CPU time haproxy / assay $(ratio "$scratch/haproxy.cost" "$scratch/assay.cost")   bare hyper / assay $(ratio "$scratch/bare.cost" "$scratch/assay.cost")"
echo "median CPU per request: assay $(median <"$scratch/assay.cost") µs, haproxy $(median <"$scratch/haproxy.cost") µs, bare hyper $(median <"$scratch/bare.cost") µs"
echo "load after: $(cut -d' ' -f1-3 /proc/loadavg); assay: $(resident_mb "${pid[assay]}") MB resident"

# Requests under way when wrk hangs up are decided and kept, and not counted by wrk.
turns=$((rounds + 1))
least=${answered[assay]} most=$((answered[assay] + turns * connections))
yesterday=$(date -u -d yesterday +%F)
for ((tries = 0; tries < 30; tries++)); do
  api "$console/api/v1/reports/clicks?from=$yesterday" >"$scratch/report"
  clicks=$(sed -n 's/.*"totals": *{[^}]*"clicks": *\([0-9]*\).*/\1/p' "$scratch/report")
  [ "${clicks:-0}" -ge "$least" ] && break
  sleep 2
done
echo "answered $least (at most $most with those under way), in the click report: ${clicks:-none}"
curl -s "$console/metrics" | grep -E '^assay_(decisions_total|degraded_total|lost_records_total|refused_total|spool_bytes|counter_evictions_total|user_agent_cache_total)' || true
if [ "${clicks:-0}" -lt "$least" ] || [ "$clicks" -gt "$most" ]; then
  cat "$scratch/report" >&2
  die 'the click report does not hold what was answered'
fi

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
# Replaces the subshell it is called in, so that $! is the server itself.
pinned() { exec taskset -c "$server_core" "$@"; }

start_assay() {
  pinned env ASSAY_BOOTSTRAP_TOKEN=$token ASSAY__GATEWAY__LANES=1 "$binaries/assay" serve --data "$scratch/data" \
    --data-listen 127.0.0.1:0 --console-listen 127.0.0.1:0 >"$scratch/assay" 2>&1 &
  pid[assay]=$! pids+=($!)
  url[assay]=$(announced "$scratch/assay" 'data:')
  console=$(announced "$scratch/assay" 'console:')
  api -d '{"name":"bench","kind":"s2s"}' "$console/api/v1/integrations" >"$scratch/integration"
  integration=$(grep -o '"id":[0-9]*' "$scratch/integration" | head -n 1 | cut -d: -f2 || true)
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
  pinned "$binaries/examples/bare_hyper" >"$scratch/bare" 2>&1 &
  pid[bare]=$! pids+=($!)
  url[bare]=$(announced "$scratch/bare" 'data:')
}

api() { curl -sS --max-time 30 -H "Authorization: Bearer $token" -H 'Content-Type: application/json' "$@"; }

# Runs wrk against one server while the others are stopped; prints requests/s, the share of
# its core that the server used, and CPU per request: in all, and of what answers (of Assay
# the lane; sealing into files is what goes on behind the answers). Adds up what was answered.
declare -A answered=([assay]=0 [haproxy]=0 [bare]=0) answering=([assay]=lane [haproxy]= [bare]=)
offset=0
turn() {
  local who=$1 length=$2 other
  for other in assay haproxy bare; do
    [ "$other" = "$who" ] || kill -STOP "${pid[$other]}"
  done
  kill -CONT "${pid[$who]}"
  timeout $((length + 120)) taskset -c "$client_core" stdbuf -oL wrk -t1 -c"$connections" -d"${length}s" --timeout 5s \
    -s "$here/replay.lua" "${url[$who]}" -- "$scratch/requests" "$offset" >"$scratch/wrk" 2>&1 &
  local wrk=$! since until all part
  # Measured while requests flow: wrk reads its file first, and says when it begins.
  announced "$scratch/wrk" Running >/dev/null
  sleep 0.5
  since=$(date +%s%6N) all=$(cpu_us "${pid[$who]}") part=$(cpu_us "${pid[$who]}" "${answering[$who]}")
  sleep $((length - 1))
  until=$(date +%s%6N)
  all=$(($(cpu_us "${pid[$who]}") - all)) part=$(($(cpu_us "${pid[$who]}" "${answering[$who]}") - part))
  wait "$wrk" || die "wrk failed: $(cat "$scratch/wrk")"
  for other in assay haproxy bare; do kill -CONT "${pid[$other]}"; done
  local count duration errors
  read -r count duration errors _ < <(sed -n 's/^answered //p' "$scratch/wrk")
  [ "$errors" -eq 0 ] || die "$who: $errors errors"
  answered[$who]=$((answered[$who] + count))
  # The next round goes on where this one ended.
  [ "$who" != bare ] || offset=$(((offset + count) % requests))
  awk -v n="$count" -v d="$duration" -v all="$all" -v part="$part" -v w=$((until - since)) 'BEGIN {
    rate = n / d
    printf "%.0f %.1f %.2f %.2f\n", rate * 1e6, all * 100 / w, all / w / rate, part / w / rate
  }'
}

start_assay
start_haproxy
start_bare
# Impressions are not in the click report, so they could not be counted afterwards.
timeout 300 "$binaries/assay" simulate --events "$requests" --format s2s --integration-id "$integration" |
  grep -v '&et=impression' >"$scratch/requests"
requests=$(wc -l <"$scratch/requests")
echo "$requests requests of $(awk '{ n += length } END { printf "%.0f", n / NR }' "$scratch/requests") bytes on average, $connections connections, $rounds rounds of $seconds s"
echo "first answers: $(curl -s "${url[assay]}$(head -n 1 "$scratch/requests")") $(curl -s "${url[haproxy]}$(head -n 1 "$scratch/requests")") $(curl -s "${url[bare]}/")"
answered[assay]=1

for who in assay haproxy bare; do turn "$who" 3 >/dev/null; done
printf '%-6s %-8s %11s %7s %13s  %15s\n' round server 'requests/s' 'core %' 'CPU/request' 'of it answering'
for ((round = 1; round <= rounds; round++)); do
  for who in assay haproxy bare; do
    turn "$who" "$seconds" >"$scratch/turn"
    read -r rate share all part <"$scratch/turn"
    printf '%-6s %-8s %11s %7s %10s µs %12s µs\n' "$round" "$who" "$rate" "$share" "$all" "$part"
    echo "$rate" >>"$scratch/$who.rate"
    echo "$all" >>"$scratch/$who.all"
    echo "$part" >>"$scratch/$who.part"
  done
done

ratio() { paste "$scratch/$1" "$scratch/$2" | awk '{ printf "%.3f\n", $1 / $2 }' | median; }
echo "median of $rounds ratios, Assay to:            HAProxy   bare hyper"
echo "  requests/s                                $(ratio assay.rate haproxy.rate)     $(ratio assay.rate bare.rate)"
echo "  by CPU time of what answers               $(ratio haproxy.part assay.part)     $(ratio bare.part assay.part)"
echo "  by CPU time in all, sustained             $(ratio haproxy.all assay.all)     $(ratio bare.all assay.all)"
echo "load after: $(cut -d' ' -f1-3 /proc/loadavg); assay: $(resident_mb "${pid[assay]}") MB resident"

# Calls that are refused (-1 ERR) are answered and are no clicks. Requests under way when wrk
# hangs up are decided and kept, and not counted by wrk.
metric() { curl -s "$console/metrics" | awk -v name="$1" 'index($1, name) == 1 { n += $2 } END { printf "%.0f\n", n }'; }
refused=$(metric assay_refused_total) lost=$(metric assay_lost_records_total)
least=$((answered[assay] - refused))
most=$((answered[assay] - refused + (rounds + 1) * connections))
yesterday=$(date -u -d yesterday +%F)
for ((tries = 0; tries < 30; tries++)); do
  api "$console/api/v1/reports/clicks?from=$yesterday" >"$scratch/report"
  clicks=$(grep -o '"totals":{[^}]*}' "$scratch/report" | grep -o '"clicks":[0-9]*' | cut -d: -f2 || true)
  [ "${clicks:-0}" -ge "$least" ] && break
  sleep 2
done
echo "answered ${answered[assay]}, of these refused $refused; in the click report: ${clicks:-none} ($least to $most expected)"
echo "degraded $(metric assay_degraded_total), lost records $lost, spool $(($(metric assay_spool_bytes) / 1000000)) MB"
if [ "${clicks:-0}" -lt "$least" ] || [ "$clicks" -gt "$most" ] || [ "$lost" -ne 0 ]; then
  cat "$scratch/report" >&2
  die 'the click report does not hold what was answered'
fi

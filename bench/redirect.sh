#!/usr/bin/env bash
# Redirects over HTTP: Assay judges each click by the default rule, seals its id, fills its
# destination and writes its record; a bare hyper server answers a constant. Each alone on one
# pinned core, the other stopped; the same prepared requests from wrk on the other core; in
# turn, median of the ratios. Then Assay alone at about half of its own rate: p99.
# Afterwards every answered click must stand in the click report.
#
#   bench/redirect.sh [ROUNDS] [SECONDS]     default: 5 rounds of 10 s each
#
# REQUESTS (200000), CONNECTIONS (64), SERVER_CORE (0), CLIENT_CORE (1) by environment.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/measure.sh"

rounds=${1:-5} seconds=${2:-10}
requests=${REQUESTS:-200000} connections=${CONNECTIONS:-64}
server_core=${SERVER_CORE:-0} client_core=${CLIENT_CORE:-1}
here=$repository/bench
token=bench-bench-bench-bench-bench-bench
profile=${PROFILE:-release}

[ "$(nproc)" -ge 2 ] || die 'needs two cores: one for the server, one for wrk'
need wrk wrk
need curl curl
need taskset util-linux
build assay-server --bin assay
build assay-gateway --example bare_hyper
describe_machine
echo "$(wrk -v 2>&1 | head -n 1 | cut -d' ' -f1-2)"

declare -A pid url
# Replaces the subshell it is called in, so that $! is the server itself.
pinned() { exec taskset -c "$server_core" "$@"; }

api() { curl -sS --max-time 30 -H "Authorization: Bearer $token" -H 'Content-Type: application/json' "$@"; }

start_assay() {
  pinned env ASSAY_BOOTSTRAP_TOKEN=$token ASSAY__GATEWAY__LANES=1 "$target/$profile/assay" serve --data "$scratch/data" \
    --data-listen 127.0.0.1:0 --console-listen 127.0.0.1:0 --trusted-proxy 127.0.0.1 >"$scratch/assay" 2>&1 &
  pid[assay]=$! pids+=($!)
  url[assay]=$(announced "$scratch/assay" 'data:')
  console=$(announced "$scratch/assay" 'console:')
  api -d '{"name":"bench","kind":"custom","clicks":{
    "approved_url":"https://shop.example/{offer}?cid={transaction_id}&pub={publisher}&sub={sub_id}",
    "fallback_url":"https://fallback.example/?offer={offer}","append":["external_transaction_id"]}}' \
    "$console/api/v1/integrations" >"$scratch/integration"
  integration=$(grep -o '"id":[0-9]*' "$scratch/integration" | head -n 1 | cut -d: -f2 || true)
  [ -n "$integration" ] || die "no integration: $(cat "$scratch/integration")"
}

start_bare() {
  pinned "$target/$profile/examples/bare_hyper" >"$scratch/bare" 2>&1 &
  pid[bare]=$! pids+=($!)
  url[bare]=$(announced "$scratch/bare" 'data:')
}

# Runs wrk against one server while the other is stopped: requests/s, CPU per request, p99.
answered=0 offset=0
turn() {
  local who=$1 length=$2 delay=${3:-0} sockets=${4:-$connections} other all since until
  [ "$who" = assay ] && other=bare || other=assay
  kill -STOP "${pid[$other]}"
  DELAY_MS=$delay timeout $((length + 120)) taskset -c "$client_core" stdbuf -oL wrk -t1 -c"$sockets" -d"${length}s" \
    --timeout 5s --latency -s "$here/redirect.lua" "${url[$who]}" -- "$scratch/requests" "/click/$integration" "$offset" >"$scratch/wrk" 2>&1 &
  local wrk=$!
  announced "$scratch/wrk" Running >/dev/null
  sleep 0.5
  since=$(date +%s%6N) all=$(cpu_us "${pid[$who]}")
  sleep $((length - 1))
  until=$(date +%s%6N) all=$(($(cpu_us "${pid[$who]}") - all))
  wait "$wrk" || die "wrk failed: $(cat "$scratch/wrk")"
  kill -CONT "${pid[$other]}"
  local count duration errors p99
  read -r count duration errors p99 < <(sed -n 's/^answered //p' "$scratch/wrk")
  [ "$errors" -eq 0 ] || die "$who: $errors errors"
  [ "$who" = bare ] || answered=$((answered + count))
  [ "$who" != bare ] || offset=$(((offset + count) % requests))
  awk -v n="$count" -v d="$duration" -v all="$all" -v w=$((until - since)) -v p="$p99" 'BEGIN {
    rate = n / d
    printf "%.0f %.2f %.0f\n", rate * 1e6, all / w / rate, p
  }'
}

start_assay
start_bare
timeout 300 "$target/$profile/assay" simulate --events "$requests" --format s2s --integration-id "$integration" |
  grep -v '&et=impression' >"$scratch/requests"
requests=$(wc -l <"$scratch/requests")
echo "$requests clicks, $connections connections, $rounds rounds of $seconds s"
echo "first answer: $(curl -s -o "$scratch/body" -w '%{http_code} %{redirect_url}' -H 'X-Forwarded-For: 86.129.0.1' \
  -H 'User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36' \
  "${url[assay]}/click/$integration?offer=o1&publisher=p1&external_transaction_id=e1")"
answered=1

for who in assay bare; do turn "$who" 3 >"$scratch/turn"; done
printf '%-6s %-8s %11s %13s %9s\n' round server 'requests/s' 'CPU/request' p99
for ((round = 1; round <= rounds; round++)); do
  for who in assay bare; do
    turn "$who" "$seconds" >"$scratch/turn"
    read -r rate cpu p99 <"$scratch/turn"
    printf '%-6s %-8s %11s %10s µs %6s µs\n' "$round" "$who" "$rate" "$cpu" "$p99"
    echo "$rate" >>"$scratch/$who.rate"
    echo "$cpu" >>"$scratch/$who.cpu"
  done
done
ratio() { paste "$scratch/$1" "$scratch/$2" | awk '{ printf "%.3f\n", $1 / $2 }' | median; }
echo "median of $rounds ratios, Assay to bare hyper: requests/s $(ratio assay.rate bare.rate), by CPU time in all $(ratio bare.cpu assay.cpu)"

# Each connection waits as long as makes the sum half of what was reached.
full=$(median <"$scratch/assay.rate")
sockets=256
delay=$(awk -v c=$sockets -v r="$full" 'BEGIN { printf "%.0f", 2000 * c / r }')
turn assay "$seconds" "$delay" "$sockets" >"$scratch/turn"
read -r rate cpu p99 <"$scratch/turn"
echo "at $rate/s ($(awk -v a="$rate" -v b="$full" 'BEGIN { printf "%.0f", a * 100 / b }') % of full load): p99 $p99 µs"

metric() { curl -s "$console/metrics" | awk -v name="$1" 'index($1, name) == 1 { n += $2 } END { printf "%.0f\n", n }'; }
refused=$(metric assay_refused_total) lost=$(metric assay_lost_records_total)
least=$((answered - refused)) most=$((answered - refused + (rounds + 1) * connections + sockets))
for ((tries = 0; tries < 30; tries++)); do
  api "$console/api/v1/reports/clicks?from=$(date -u -d yesterday +%F)" >"$scratch/report"
  clicks=$(grep -o '"totals":{[^}]*}' "$scratch/report" | grep -o '"clicks":[0-9]*' | cut -d: -f2 || true)
  [ "${clicks:-0}" -ge "$least" ] && break
  sleep 2
done
echo "answered $answered, of these refused $refused; in the click report: ${clicks:-none} ($least to $most expected); lost records $lost"
if [ "${clicks:-0}" -lt "$least" ] || [ "$clicks" -gt "$most" ] || [ "$lost" -ne 0 ]; then
  die 'the click report does not hold what was answered'
fi

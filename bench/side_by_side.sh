# Sourced by the benchmarks that put servers side by side: each alone on one pinned core, the
# others stopped; the same prepared requests from wrk on the other core; in turn. Wants
# measure.sh first.
# shellcheck shell=bash disable=SC2034

connections=${CONNECTIONS:-64} server_core=${SERVER_CORE:-0} client_core=${CLIENT_CORE:-1}
here=$repository/bench
token=bench-bench-bench-bench-bench-bench

[ "$(nproc)" -ge 2 ] || die 'needs two cores: one for the server, one for wrk'
need wrk wrk
need curl curl
need taskset util-linux

# Of Assay the lane answers; sealing into files is what goes on behind the answers.
declare -A pid url answered=() answering=([assay]=lane)

# Replaces the subshell it is called in, so that $! is the server itself.
pinned() { exec taskset -c "$server_core" "$@"; }

api() { curl -sS --max-time 30 -H "Authorization: Bearer $token" -H 'Content-Type: application/json' "$@"; }

# Assay with one lane and one integration, as JSON; further arguments go to `serve`.
start_assay() {
  local settings=$1
  shift
  pinned env ASSAY_BOOTSTRAP_TOKEN=$token ASSAY__GATEWAY__LANES=1 "$binaries/assay" serve --data "$scratch/data" \
    --data-listen 127.0.0.1:0 --console-listen 127.0.0.1:0 "$@" >"$scratch/assay" 2>&1 &
  pid[assay]=$! pids+=($!)
  url[assay]=$(announced "$scratch/assay" 'data:')
  console=$(announced "$scratch/assay" 'console:')
  api -d "$settings" "$console/api/v1/integrations" >"$scratch/integration"
  integration=$(grep -o '"id":[0-9]*' "$scratch/integration" | head -n 1 | cut -d: -f2 || true)
  [ -n "$integration" ] || die "no integration: $(cat "$scratch/integration")"
}

# Rules as a large network has them: so many for publishers and offers that the traffic has
# not, and one last for all traffic with every filter on.
add_rules() {
  local count=$1 number
  need jq jq
  for ((number = 1; number < count; number++)); do
    jq -cn --arg n "$number" '{name: "rule \($n)", status: "active", protection: "both", sub_id_mapping: "sub_id",
      scope: {publishers: {include: [range(5) | "publisher-\($n)-\(.)"]}, offers: {include: [range(5) | "offer-\($n)-\(.)"]},
      countries: {exclude: ["AQ"]}}}' >"$scratch/rule"
    api -d @"$scratch/rule" "$console/api/v1/rules" >"$scratch/answer"
    grep -q '"id"' "$scratch/answer" || die "rule $number: $(cat "$scratch/answer")"
  done
  api "$console/openapi.json" | jq -c --slurpfile own "$here/all_filters.json" '{name: "everything", status: "active",
    protection: "both", sub_id_mapping: "sub_id", filters: ([.components.schemas.FilterKey.enum[]
    | {(.): (($own[0][.] // {}) + {enabled: true})}] | add)}' >"$scratch/rule"
  api -d @"$scratch/rule" "$console/api/v1/rules" >"$scratch/answer"
  grep -q '"id"' "$scratch/answer" || die "the rule with every filter: $(cat "$scratch/answer")"
  echo "$count rules, the last with $(jq '.filters | length' "$scratch/answer") filters on"
}

start_bare() {
  pinned "$binaries/examples/bare_hyper" >"$scratch/bare" 2>&1 &
  pid[bare]=$! pids+=($!)
  url[bare]=$(announced "$scratch/bare" 'data:')
}

# Labelled traffic without impressions: these are not in the click report, so they could not
# be counted afterwards.
prepare_requests() {
  timeout 300 "$binaries/assay" simulate --events "$1" --format s2s --integration-id "$integration" |
    grep -v '&et=impression' >"$scratch/requests"
  requests=$(wc -l <"$scratch/requests")
}

# Runs wrk against one server while the others are stopped: turn SERVER SECONDS SCRIPT [ARG…].
# Prints requests/s, the share of its core that the server used, CPU per request in all and of
# what answers, and the 99th percentile of the answers' times. Adds up what was answered.
offset=0
turn() {
  local who=$1 length=$2 script=$3 other
  shift 3
  for other in "${!pid[@]}"; do
    [ "$other" = "$who" ] || kill -STOP "${pid[$other]}"
  done
  kill -CONT "${pid[$who]}"
  BENCH=$here timeout $((length + 120)) taskset -c "$client_core" stdbuf -oL wrk -t1 -c"$connections" -d"${length}s" --timeout 5s \
    --latency -s "$here/$script" "${url[$who]}" -- "$scratch/requests" "$offset" "$@" >"$scratch/wrk" 2>&1 &
  local wrk=$! since until all part
  # Measured while requests flow: wrk reads its file first, and says when it begins.
  announced "$scratch/wrk" Running >/dev/null
  sleep 0.5
  since=$(date +%s%6N) all=$(cpu_us "${pid[$who]}") part=$(cpu_us "${pid[$who]}" "${answering[$who]:-}")
  sleep $((length - 1))
  until=$(date +%s%6N)
  all=$(($(cpu_us "${pid[$who]}") - all)) part=$(($(cpu_us "${pid[$who]}" "${answering[$who]:-}") - part))
  wait "$wrk" || die "wrk failed: $(cat "$scratch/wrk")"
  for other in "${!pid[@]}"; do kill -CONT "${pid[$other]}"; done
  local count duration errors p99
  read -r count duration errors p99 < <(sed -n 's/^answered //p' "$scratch/wrk")
  [ "$errors" -eq 0 ] || die "$who: $errors errors"
  answered[$who]=$((${answered[$who]:-0} + count))
  # The next round goes on where this one ended.
  [ "$who" != bare ] || offset=$(((offset + count) % requests))
  awk -v n="$count" -v d="$duration" -v all="$all" -v part="$part" -v w=$((until - since)) -v p="$p99" 'BEGIN {
    rate = n / d
    printf "%.0f %.1f %.2f %.2f %.0f\n", rate * 1e6, all * 100 / w, all / w / rate, part / w / rate, p
  }'
}

# A round that is not counted fills caches and the memory of tables, then all servers in turn.
rounds_in_turn() {
  local count=$1 length=$2 script=$3 who round rate share all part p99
  shift 3
  local servers=("${!pid[@]}")
  for who in "${servers[@]}"; do turn "$who" "$length" "$script" "$@" >/dev/null; done
  printf '%-6s %-8s %11s %7s %13s  %15s %9s\n' round server 'requests/s' 'core %' 'CPU/request' 'of it answering' p99
  for ((round = 1; round <= count; round++)); do
    for who in "${servers[@]}"; do
      turn "$who" "$length" "$script" "$@" >"$scratch/turn"
      read -r rate share all part p99 <"$scratch/turn"
      printf '%-6s %-8s %11s %7s %10s µs %12s µs %6s µs\n' "$round" "$who" "$rate" "$share" "$all" "$part" "$p99"
      echo "$rate" >>"$scratch/$who.rate"
      echo "$all" >>"$scratch/$who.all"
      echo "$part" >>"$scratch/$who.part"
    done
  done
  local peer
  for peer in "${servers[@]}"; do
    [ "$peer" != assay ] || continue
    echo "median of $count ratios, Assay to $peer: requests/s $(ratio assay.rate "$peer.rate")," \
      "by CPU time of what answers $(ratio "$peer.part" assay.part)," \
      "by CPU time in all, sustained $(ratio "$peer.all" assay.all)"
  done
  echo "load after: $(cut -d' ' -f1-3 /proc/loadavg); assay: $(resident_mb "${pid[assay]}") MB resident"
}

ratio() { paste "$scratch/$1" "$scratch/$2" | awk '{ printf "%.3f\n", $1 / $2 }' | median; }

# Below full load, at about half of Assay's rate: each connection waits a whole number of
# milliseconds that makes the sum so; a peer's figure beside it says what the load itself costs.
half_load() {
  local length=$1 script=$2 who full rate share all part p99 delay
  shift 2
  full=$(median <"$scratch/assay.rate")
  delay=$(awk -v c="$connections" -v r="$full" 'BEGIN { d = int(2000 * c / r + 0.5); print d < 1 ? 1 : d }')
  for who in bare assay; do
    DELAY_MS=$delay turn "$who" "$length" "$script" "$@" >"$scratch/turn"
    read -r rate share all part p99 <"$scratch/turn"
    echo "$who at $rate/s ($(awk -v a="$rate" -v b="$full" 'BEGIN { printf "%.0f", a * 100 / b }') % of Assay's full load):" \
      "p99 $p99 µs, answering took $part µs of CPU a request"
  done
}

metric() { curl -s "$console/metrics" | awk -v name="$1" 'index($1, name) == 1 { n += $2 } END { printf "%.0f\n", n }'; }

# Every answered request must stand in the click report. Calls that are refused (-1 ERR) are
# answered and are no clicks; requests under way when wrk hangs up are decided and kept, and
# not counted by wrk: HUNG_UP at most.
all_in_report() {
  local hung_up=$1 refused lost least most clicks tries
  refused=$(metric assay_refused_total) lost=$(metric assay_lost_records_total)
  least=$((answered[assay] - refused)) most=$((answered[assay] - refused + hung_up))
  for ((tries = 0; tries < 30; tries++)); do
    api "$console/api/v1/reports/clicks?from=$(date -u -d yesterday +%F)" >"$scratch/report"
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
}

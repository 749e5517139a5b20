#!/usr/bin/env bash
# Replay of recorded events: events/s and the most memory it takes.
#
#   bench/replay.sh [EVENTS]                 default: 10000000
#
# The events go the real way: through the data listener of a server, into its spool and its
# Parquet files. Then three replays: by the rules in force (every verdict must come out again),
# with another threshold (stored counters), with another window (counters made anew, in order).
# BATCH events are sent at a time.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/measure.sh"

events=${1:-10000000}
batch=${BATCH:-5000}
# Seconds after which events go from the spool into files.
seal_s=5
token=bench-bench-bench-bench-bench-bench
need curl curl
build assay-server --bin assay
describe_machine

ASSAY_BOOTSTRAP_TOKEN=$token ASSAY__STORAGE__SEAL_S=$seal_s "$binaries/assay" serve --data "$scratch/data" \
  --data-listen 127.0.0.1:0 --console-listen 127.0.0.1:0 >"$scratch/serve" 2>&1 &
server=$!
pids+=("$server")
data=$(announced "$scratch/serve" 'data:')
console=$(announced "$scratch/serve" 'console:')
api() { curl -fsS -H "Authorization: Bearer $token" -H 'Content-Type: application/json' "$@"; }
integration=$(api -d '{"name":"bench","kind":"s2s"}' "$console/api/v1/integrations" |
  grep -o '"id":[0-9]*' | head -n 1 | cut -d: -f2)

# The simulator names no integration.
feed() {
  "$binaries/assay" simulate --events "$events" --per-second 2000 --start "$start" |
    sed "s/^{/{\"integration_id\":$integration,/"
}
post() {
  curl -fsS -o /dev/null -H "Authorization: Bearer $token" -H 'Content-Type: application/x-ndjson' \
    --data-binary @- "$data/v1/score/batch"
}
export -f post
export token data

# Given times must lie within the last 90 days.
start=$(date -u -d "@$(($(date +%s) - 86400 - events / 2000))" +%Y-%m-%dT%H:%M:%SZ)
echo "-- recording $events events of $((events / 2000)) s"
began=$(date +%s.%N)
feed | split --lines="$batch" --filter='post' -
awk -v n="$events" -v a="$began" -v b="$(date +%s.%N)" \
  'BEGIN { printf "%.0f s: %.0f events/s\n", b - a, n / (b - a) }'

# What is in no file yet would be replayed from the spool.
sleep "$((3 * seal_s))"
kill "$server" && wait "$server" || true
pids=()
du -sm "$scratch/data/events" | awk '{ printf "%d MB of events in files\n", $1 }'

replay() {
  echo "-- $1"
  shift
  "$binaries/assay" replay --from 2020-01-01 --data "$scratch/data" --json "$@" >"$scratch/report" 2>"$scratch/errors" &
  local replay=$! peak=0 now
  while kill -0 "$replay" 2>/dev/null; do
    now=$(resident_mb "$replay" 2>/dev/null || echo 0)
    [ "${now:-0}" -gt "$peak" ] && peak=$now
    sleep 0.1
  done
  wait "$replay" || { cat "$scratch/errors" >&2; die 'a replay failed, or verdicts did not come out again'; }
  awk -v peak="$peak" '
    function field(name) { match($0, "\"" name "\": [0-9.]+"); return RSTART ? substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 4) : "" }
    /"seconds"/ { seconds = field("seconds") }
    /"same"/ { same = field("same") }
    /"different"/ { different = field("different") }
    /"verdicts"/ { rebuilt = field("verdicts") }
    END { printf "%d verdicts came out the same, %d differently, %d rebuilt; %.1f s, %.0f events/s, at most %d MB resident\n",
          same, different, rebuilt, seconds, same / seconds, peak }' "$scratch/report"
}

candidate() {
  cat >"$scratch/candidate.toml" <<TOML
name = "candidate"
status = "active"
protection = "both"
sub_id_mapping = "sub_id"
[filters.click_flooding]
click_threshold = $1
time_window = "$2"
TOML
}
replay 'rules in force' --threads 1
candidate 50 1h
replay 'another threshold, one thread' --threads 1 --rules "$scratch/candidate.toml"
replay 'another threshold, all cores' --rules "$scratch/candidate.toml"
candidate 50 2h
replay 'another window' --rules "$scratch/candidate.toml"

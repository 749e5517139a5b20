#!/usr/bin/env bash
# `assay score` over NDJSON lines: rows/s, one verdict line each, thrown away.
#
#   bench/score.sh [LINES]                   default: 10000000
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/measure.sh"

lines=${1:-10000000}
build assay-server --bin assay
describe_machine
echo "-- writing $lines events"
time timeout 1200 "$binaries/assay" simulate --events "$lines" --per-second 2000 \
  --start 2026-01-01T00:00:00Z >"$scratch/events.ndjson"
ls -l "$scratch/events.ndjson" | awk '{ printf "%.2f GB\n", $5 / 1e9 }'
echo '-- scoring'
started=$(date +%s.%N)
timeout 1200 "$binaries/assay" score --data "$scratch/data" --format ndjson \
  "$scratch/events.ndjson" >"$scratch/verdicts" 2>"$scratch/summary" &
pids+=($!)
peak=0
while kill -0 "${pids[0]}" 2>/dev/null; do
  # `timeout` is the parent; the scorer is its only child.
  child=$(pgrep -P "${pids[0]}" || true)
  now=$( [ -n "$child" ] && resident_mb "$child" 2>/dev/null || echo 0)
  [ "${now:-0}" -gt "$peak" ] && peak=$now
  sleep 1
done
wait "${pids[0]}"
ended=$(date +%s.%N)
cat "$scratch/summary"
verdicts=$(wc -l <"$scratch/verdicts")
[ "$verdicts" -eq "$lines" ] || die "$verdicts verdicts for $lines lines"
awk -v n="$lines" -v a="$started" -v b="$ended" -v m="$peak" \
  'BEGIN { printf "%d verdicts in %.1f s: %.0f rows/s, at most %d MB resident\n", n, b - a, n / (b - a), m }'

#!/usr/bin/env bash
# Conversions over HTTP: each postback names an id of its own and is answered once it is on the
# disk. Assay on one pinned core, wrk on the other, by how many wait at once; beside it what the
# disk syncs alone. The time of an answer is the wait for the group's commit and all before it.
#
#   bench/conversions.sh [SECONDS]           default: 10 s each
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/measure.sh"
source "$(dirname "${BASH_SOURCE[0]}")/side_by_side.sh"

seconds=${1:-10}
need jq jq
build assay-server --bin assay
describe_machine

# Blocks of 4 KiB that the disk takes for good in a second, one after the other.
disk_syncs() {
  local since
  since=$(date +%s%6N)
  dd if=/dev/zero of="$scratch/sync" bs=4k count=1000 oflag=dsync status=none
  awk -v us=$(($(date +%s%6N) - since)) 'BEGIN { printf "the disk alone: %.0f syncs/s\n", 1000 * 1e6 / us }'
  rm "$scratch/sync"
}

start_assay '{"name":"bench","kind":"custom","conversions":{"clickless":true}}'
seq 1 3000000 | awk -v door="/postback/$integration" '{ printf "%s?external_transaction_id=c%d&payout=1.50\n", door, $1 }' >"$scratch/requests"
requests=3000000
echo "first answer: $(curl -s "${url[assay]}/postback/$integration?external_transaction_id=first&payout=1.50")"
answered[assay]=1
disk_syncs
printf '%-8s %14s %12s %15s %9s\n' waiting conversions/s 'core %' 'CPU each' p99
before=1
for connections in 1 8 64 256; do
  turn assay "$seconds" replay.lua >"$scratch/turn"
  read -r rate share all _ p99 <"$scratch/turn"
  printf '%-8s %14s %12s %12s µs %6s µs\n' "$connections" "$rate" "$share" "$all" "$p99"
  # The next turn's ids are new ones.
  offset=$((offset + answered[assay] - before))
  before=${answered[assay]}
done
in_ledger=$(api "$console/api/v1/reports/conversions?from=$(date -u -d yesterday +%F)" | jq .totals.conversions)
echo "answered ${answered[assay]}; in the ledger ${in_ledger:-none}"
[ "${in_ledger:-0}" -ge "${answered[assay]}" ] || die 'an answered conversion is not in the ledger'

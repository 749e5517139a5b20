#!/usr/bin/env bash
# Resident memory of the counter table with ten million live keys, and of an idle server
# (tables, caches) beside it.
#
#   bench/memory.sh [KEYS] [SLOTS]           default: 10000000 keys in 15000000 slots
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/measure.sh"

build assay-store --example counters_mem
build assay-server --bin assay
describe_machine
echo '-- counter table'
timeout 300 "$binaries/examples/counters_mem" "${1:-10000000}" "${2:-15000000}"
echo '-- idle server with an empty table'
ASSAY_BOOTSTRAP_TOKEN=bench-bench-bench-bench-bench-bench \
  "$binaries/assay" serve --data "$scratch/data" --data-listen 127.0.0.1:0 \
  --console-listen 127.0.0.1:0 >"$scratch/serve" 2>&1 &
pids+=($!)
announced "$scratch/serve" 'data:' >/dev/null
echo "resident: $(resident_mb "${pids[0]}") MB"

#!/usr/bin/env bash
# A long queue of postbacks over the real store: rate in and out, memory, and whether one slow
# receiver holds up the others. Receivers, store and sender share one process.
#
#   bench/postbacks.sh [MESSAGES] [SECONDS]   default: 1000000 messages, sent for 120 s at most
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/measure.sh"

build assay-server --example postbacks
describe_machine
timeout 3600 "$binaries/examples/postbacks" "$scratch/postbacks" "${1:-1000000}" "${2:-120}"

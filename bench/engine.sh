#!/usr/bin/env bash
# The engine alone on one pinned core: decisions/s from mapped hit to encoded record.
#
#   bench/engine.sh [EVENTS] [DECISIONS]     default: 20000 distinct events, 2000000 a round
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/measure.sh"

build assay-server --example engine
describe_machine
taskset -c 0 timeout 300 "$binaries/examples/engine" "${1:-20000}" "${2:-2000000}"

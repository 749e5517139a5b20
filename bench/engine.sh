#!/usr/bin/env bash
# The engine alone on one pinned core: decisions/s from mapped hit to encoded record.
#
#   bench/engine.sh [EVENTS] [DECISIONS] [RULES]   default: 20000 distinct events, 2000000 a
# round, no rule but the default one; then the same with 200 rules and every filter on.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/measure.sh"

build assay-server --example engine
describe_machine
run() { taskset -c 0 timeout 300 "$binaries/examples/engine" "$@"; }
run "${1:-20000}" "${2:-2000000}"
echo "With ${3:-200} rules, the last for all traffic with every filter on:"
run "${1:-20000}" "${2:-2000000}" "${3:-200}"

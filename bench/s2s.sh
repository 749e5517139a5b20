#!/usr/bin/env bash
# S2S over HTTP: Assay with the default rule and records written, HAProxy doing less, and a
# bare hyper server answering a constant. In turn, median of the ratios (side_by_side.sh). Then
# Assay alone at about half of its own rate: p99. Afterwards every answered request must stand
# in the click report.
#
#   bench/s2s.sh [ROUNDS] [SECONDS]          default: 5 rounds of 10 s each
#
# REQUESTS (500000), CONNECTIONS (64), SERVER_CORE (0), CLIENT_CORE (1), and RULES (0: the
# default rule alone; 200: so many rules, every filter on) by environment.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/measure.sh"
source "$(dirname "${BASH_SOURCE[0]}")/side_by_side.sh"

rounds=${1:-5} seconds=${2:-10}
need haproxy haproxy
build assay-server --bin assay
build assay-gateway --example bare_hyper
describe_machine
echo "$(haproxy -v | head -n 1), $(wrk -v 2>&1 | head -n 1 | cut -d' ' -f1-2)"

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

start_assay '{"name":"bench","kind":"s2s"}'
[ "${RULES:-0}" -eq 0 ] || add_rules "$RULES"
start_haproxy
start_bare
prepare_requests "${REQUESTS:-500000}"
echo "$requests requests of $(awk '{ n += length } END { printf "%.0f", n / NR }' "$scratch/requests") bytes on average, $connections connections, $rounds rounds of $seconds s"
echo "first answers: $(curl -s "${url[assay]}$(head -n 1 "$scratch/requests")") $(curl -s "${url[haproxy]}$(head -n 1 "$scratch/requests")") $(curl -s "${url[bare]}/")"
answered[assay]=1

rounds_in_turn "$rounds" "$seconds" replay.lua
half_load "$seconds" replay.lua
all_in_report $(((rounds + 2) * connections))

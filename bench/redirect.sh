#!/usr/bin/env bash
# Redirects over HTTP: Assay judges each click by the default rule, seals its id, fills its
# destination and writes its record; a bare hyper server answers a constant. In turn, median of
# the ratios (side_by_side.sh). Then Assay alone at about half of its own rate: p99.
# Afterwards every answered click must stand in the click report.
#
#   bench/redirect.sh [ROUNDS] [SECONDS]     default: 5 rounds of 10 s each
#
# REQUESTS (200000), CONNECTIONS (64), SERVER_CORE (0), CLIENT_CORE (1) by environment.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/measure.sh"
source "$(dirname "${BASH_SOURCE[0]}")/side_by_side.sh"

rounds=${1:-5} seconds=${2:-10}
build assay-server --bin assay
build assay-gateway --example bare_hyper
describe_machine
echo "$(wrk -v 2>&1 | head -n 1 | cut -d' ' -f1-2)"

start_assay '{"name":"bench","kind":"custom","clicks":{
  "approved_url":"https://shop.example/{offer}?cid={transaction_id}&pub={publisher}&sub={sub_id}",
  "fallback_url":"https://fallback.example/?offer={offer}","append":["external_transaction_id"]}}' \
  --trusted-proxy 127.0.0.1
start_bare
prepare_requests "${REQUESTS:-200000}"
link=/click/$integration
echo "$requests clicks, $connections connections, $rounds rounds of $seconds s"
echo "first answer: $(curl -s -o "$scratch/body" -w '%{http_code} %{redirect_url}' -H 'X-Forwarded-For: 86.129.0.1' \
  -H 'User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36' \
  "${url[assay]}$link?offer=o1&publisher=p1&external_transaction_id=e1")"
answered[assay]=1

rounds_in_turn "$rounds" "$seconds" redirect.lua "$link"
half_load "$seconds" redirect.lua "$link"
all_in_report $(((rounds + 2) * connections))

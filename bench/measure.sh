# Sourced by the benchmarks: a temporary folder that goes, processes that end, figures.
# shellcheck shell=bash
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=${CARGO_TARGET_DIR:-$repository/target}
# As shipped; PROFILE=release builds faster and runs a tenth slower.
profile=${PROFILE:-dist}
binaries=$target/$profile
scratch=$(mktemp -d)
pids=()

finish() {
  local pid
  for pid in "${pids[@]:-}"; do
    [ -n "$pid" ] || continue
    kill -CONT "$pid" 2>/dev/null || true
    kill "$pid" 2>/dev/null || true
  done
  for pid in "${pids[@]:-}"; do
    [ -n "$pid" ] && wait "$pid" 2>/dev/null || true
  done
  rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT TERM

die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# Installs a Debian package for a command that is missing, or says what to install.
need() {
  command -v "$1" >/dev/null 2>&1 && return
  local as_root=(env DEBIAN_FRONTEND=noninteractive)
  [ "$(id -u)" -eq 0 ] || as_root=(sudo -n "${as_root[@]}")
  "${as_root[@]}" apt-get update -qq && "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$2" || true
  command -v "$1" >/dev/null 2>&1 || die "please install $1 (package $2)"
}

# Builds a binary or example: build PACKAGE --bin|--example NAME. BUILD=0 measures
# what lies in the target folder already.
build() { [ "${BUILD:-1}" = 0 ] || (cd "$repository" && cargo build --profile "$profile" --locked --quiet -p "$1" "$2" "$3"); }

# What the figures were taken on; a busy machine makes requests/s noise.
describe_machine() {
  echo "$(nproc) cores, $(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1), kernel $(uname -r)"
  echo "commit $(git -C "$repository" rev-parse --short HEAD 2>/dev/null || echo unknown), load before: $(cut -d' ' -f1-3 /proc/loadavg)"
}

# The middle of numbers on standard input.
median() { sort -g | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)] }'; }

# CPU time in microseconds of a process's threads, of those whose name begins with a word.
cpu_us() {
  local thread sum=0 name used
  for thread in "/proc/$1"/task/*; do
    name=$(cat "$thread/comm" 2>/dev/null) && read -r used _ <"$thread/schedstat" || continue
    [[ "$name" == "${2:-}"* ]] && sum=$((sum + used / 1000))
  done
  echo "$sum"
}

resident_mb() { awk '/^VmRSS/ { printf "%.0f\n", $2 / 1000 }' "/proc/$1/status"; }

# Waits until a line that begins with a word stands in a file; prints what follows it.
announced() {
  local file=$1 word=$2 tries
  for ((tries = 0; tries < 300; tries++)); do
    if grep -q "^$word" "$file" 2>/dev/null; then
      sed -n "s/^$word *//p" "$file" | head -n 1
      return
    fi
    sleep 0.1
  done
  cat "$file" >&2
  die "nothing announced $word within 30 s"
}

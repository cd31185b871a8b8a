#!/usr/bin/env bash
# How long it takes from a clone to a first verdict of one's own: clone, build, an
# endpoint, "llmops init", a load test. It prints the seconds of each step.
#
#   docs/newcomer.sh [REPOSITORY]      default: the repository this script is in
#
# FRESH=1 (default) builds with an empty build cache, as on a new machine; FRESH=0 with
# the one that is there. FRESH=2 also fetches all modules anew, which needs a network.
# The endpoint is "llmops sim"; with URL set, that one.
set -euo pipefail

source="${1:-$(cd "$(dirname "$0")/.." && pwd)}"
work="$(mktemp -d)"
server=""
finish() {
  [[ -n "$server" ]] && kill "$server" 2> /dev/null
  chmod -R u+w "$work" && rm -rf "$work" # Go writes its modules without the right to delete them
}
trap finish EXIT

begin=$(date +%s%N)
last=$begin
step() {
  local now
  now=$(date +%s%N)
  printf '%7.1f s  %s\n' "$(((now - last) / 100000000))e-1" "$1"
  last=$now
}

[[ "${FRESH:-1}" -ge 1 ]] && export GOCACHE="$work/cache"
[[ "${FRESH:-1}" -ge 2 ]] && export GOMODCACHE="$work/modules"

git clone --quiet "$source" "$work/llmops"
cd "$work/llmops"
step "git clone"
make --silent build
step "make build"
mkdir "$work/own"
cd "$work/own"
if [[ -z "${URL:-}" ]]; then
  ../llmops/bin/llmops sim --listen 127.0.0.1:0 > listening 2> /dev/null &
  server=$!
  until grep -q '^listening on ' listening; do sleep 0.1; done
  URL=$(sed 's/^listening on //' listening)
fi
../llmops/bin/llmops init "$URL" > /dev/null
step "llmops init"
code=0
../llmops/bin/llmops loadtest "$URL" --out run1 > report.txt 2> errors.txt || code=$?
step "llmops loadtest: exit $code, $(grep '^verdict: ' report.txt || echo 'no verdict')"
last=$begin
step "from the clone to the verdict"
exit "$code"

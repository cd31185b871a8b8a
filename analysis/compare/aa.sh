#!/usr/bin/env bash
# Compares a service with itself: pairs of short load tests of the simulated server, and
# how many of the comparisons find a change where there is none.
#
#   analysis/compare/aa.sh                  # 20 pairs, about 4 minutes
#   PAIRS=5 REQUESTS=1000 analysis/compare/aa.sh --concurrency 8
#
# PAIRS, REQUESTS  how many, and of how many requests each run is
# LLMOPS           the binary (default: llmops from the PATH, else bin/llmops)
# OUT              folder for the runs (default: a new one)
# Arguments go to llmops loadtest (default: --rate 100 --arrivals poisson).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
llmops=${LLMOPS:-$(command -v llmops || echo "$here/../../bin/llmops")}
out=${OUT:-$(mktemp -d)}
pairs=${PAIRS:-20}
requests=${REQUESTS:-500}
[ $# -gt 0 ] || set -- --rate 100 --arrivals poisson
mkdir -p "$out"

"$llmops" sim --quiet --listen 127.0.0.1:0 >"$out/sim.out" 2>"$out/sim.log" &
sim=$!
trap 'kill "$sim" 2>/dev/null || true' EXIT
for _ in {1..100}; do
	url=$(sed -n 's|^listening on \(http://.*\)$|\1|p' "$out/sim.out")
	[ -z "$url" ] || break
	sleep 0.1
done

pass=0 fail=0 none=0 moved=0
for ((i = 1; i <= pairs; i++)); do
	for side in a b; do
		seed=$((2 * i))
		[ "$side" = a ] || seed=$((seed + 1))
		"$llmops" loadtest "$url" --quiet "$@" --requests "$requests" --prompt-tokens 64 --output-tokens 16 --seed "$seed" --out "$out/$i$side" -o json >/dev/null 2>&1 || true
	done
	code=0
	"$llmops" compare "$out/${i}a" "$out/${i}b" -o json --output "$out/$i.json" 2>/dev/null || code=$?
	case $code in
	0) pass=$((pass + 1)) ;;
	3) fail=$((fail + 1)) ;;
	4) none=$((none + 1)) ;;
	*) echo "compare $i: exit code $code" >&2 ;;
	esac
	if grep -Eq '"verdict": "(better|worse)"' "$out/$i.json"; then moved=$((moved + 1)); fi
done
echo "$pairs pairs: $pass pass, $fail fail, $none without a verdict; a change is seen in $moved"

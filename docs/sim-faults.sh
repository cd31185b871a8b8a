#!/bin/sh
# Records faults of the simulated server with "llmops snapshot --record" and diagnoses them:
# the real programs, over real connections, four minutes in all. Run it from any folder that
# can be written to; LLMOPS names the binary.
#
#   LLMOPS=bin/llmops sh docs/sim-faults.sh [NAME…]     names: healthy leak creep stalls hang
set -eu
LLMOPS=${LLMOPS:-llmops}
SECONDS_EACH=${SECONDS_EACH:-240}
HEALTHY=${HEALTHY:-70s}

one() { # NAME PORT EXPECTED FLAG…
	name=$1 port=$2 want=$3
	shift 3
	"$LLMOPS" sim --listen "127.0.0.1:$port" "$@" >"sim-$name.log" 2>&1 &
	sim=$!
	sleep 1
	"$LLMOPS" loadtest "http://127.0.0.1:$port/v1" --rate 4 --duration "$((SECONDS_EACH + 10))s" --output-tokens 40 \
		--out "load-$name" >"load-$name.log" 2>&1 &
	load=$!
	rm -f "$name.jsonl"
	sleep 3
	"$LLMOPS" snapshot --gpu none --server "http://127.0.0.1:$port" --watch --interval 1s --count "$SECONDS_EACH" \
		--record "$name.jsonl" -q >/dev/null 2>"snapshot-$name.log" || true
	kill "$load" "$sim" 2>/dev/null || true
	got=$("$LLMOPS" diagnose "$name.jsonl" -q -o csv | sed -n '2s/^[^,]*,[^,]*,[^,]*,[^,]*,\([^,]*\),.*/\1/p')
	if [ "${got:-none}" = "$want" ]; then echo "pass  $name: ${got:-none}"; else echo "FAIL  $name: ${got:-none}, want $want"; return 1; fi
}

[ $# -gt 0 ] || set -- healthy leak creep stalls hang
jobs=
for name; do
	case $name in
	healthy) one healthy 9401 none & ;;
	leak) one leak 9402 gpu_memory_leak --gpu-memory-mib 12288 --fault "gpu-leak:mib_per_s=15,from=$HEALTHY" & ;;
	creep) one creep 9403 model_degradation --fault "latency-creep:per_minute=1,from=$HEALTHY" & ;;
	stalls) one stalls 9404 model_degradation --fault "stall:after=5,duration=2s,p=0.3,from=$HEALTHY" & ;;
	hang) one hang 9405 collective_hang --fault "hang:from=$HEALTHY" & ;;
	*) echo "no case is called $name" >&2; exit 2 ;;
	esac
	jobs="$jobs $!"
done
bad=0
for job in $jobs; do wait "$job" || bad=1; done
exit $bad

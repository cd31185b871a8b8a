#!/usr/bin/env bash
# Puts the same load on the same simulated server with llmops and with every
# other load tester that is in the PATH, one after the other, and prints what
# each cost and what each saw against what the server wrote down.
# README.md says what is compared, and how to read it.
#
#   docs/peers/run.sh              # all tools, 3 rounds, under 8 minutes
#   ROUNDS=1 LOADS=16x32x32 TOOLS="llmops k6" docs/peers/run.sh
#
# LOADS   streams x mean output tokens x requests, several separated by spaces
# ROUNDS  how often each tool runs each load; the table has the medians
# TOOLS   which tools, in the order in which they run
# LLMOPS  the binary (default: llmops from the PATH, else bin/llmops)
# OUT     folder for all that the tools wrote (default: a new one)
# CLIENT_CPU, SERVER_CPU  the core for the tool and that for the server
# LIMIT   seconds after which a run is given up
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
read -ra loads <<<"${LOADS:-16x32x128 200x64x1200}"
read -ra tools <<<"${TOOLS:-llmops k6 vllm aiperf guidellm}"
rounds=${ROUNDS:-3}
out=${OUT:-$(mktemp -d)}
client_cpu=${CLIENT_CPU:-0}
server_cpu=${SERVER_CPU:-1}
limit=${LIMIT:-120}
llmops=${LLMOPS:-$(command -v llmops || echo "$here/../../bin/llmops")}
mkdir -p "$out"
out=$(cd "$out" && pwd)

say() { echo "peers: $*" >&2; }

for need in python3 taskset setsid timeout pkill awk; do
	command -v "$need" >/dev/null || { say "error: $need is missing"; exit 1; }
done
[ -x "$llmops" ] || { say "error: no llmops: run make build, or set LLMOPS"; exit 1; }
[ "$(nproc --all)" -ge 2 ] || { say "error: needs 2 cores, one for the tool and one for the server"; exit 1; }

# stop ends what belongs to a run: the tool, if it left something behind, the
# watcher and the server.
sim='' watcher='' dir=''
stop() {
	local pid
	[ ! -s "$dir/sid" ] || pkill -s "$(cat "$dir/sid")" || true
	for pid in $watcher $sim; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true
	done
	sim='' watcher=''
}
trap stop EXIT
trap 'exit 130' INT TERM

# start_sim: a fresh server, so that no run finds the cache of another.
# A decode step is 20 ms, 50 tokens/s a stream, whatever runs beside it.
start_sim() {
	: >"$dir/sim.out"
	taskset -c "$server_cpu" "$llmops" sim --quiet --listen 127.0.0.1:0 --request-log "$dir/server.jsonl" \
		--decode-base 20ms --decode-per-sequence 0 --max-running 1024 --kv-blocks 65536 >"$dir/sim.out" 2>"$dir/sim.log" &
	sim=$!
	for _ in {1..100}; do
		url=$(sed -n 's|^listening on \(http://[^/]*\)/v1$|\1|p' "$dir/sim.out")
		[ -z "$url" ] || return 0
		sleep 0.05
	done
	say "error: the server does not start: $(cat "$dir/sim.log")"
	exit 1
}

# The commands, each with the settings that its documentation gives for a
# closed loop, and without anything that draws on the terminal or asks a hub.
# They use $url, $streams, $requests and $prompts, and write into $dir.
run_llmops() {
	"$llmops" loadtest "$url/v1" --quiet --concurrency "$streams" --requests "$requests" \
		--dataset "$prompts" -o json >"$dir/result.json"
}
run_k6() {
	URL=$url STREAMS=$streams REQUESTS=$requests PROMPTS=$prompts RESULT=$dir/result.json \
		k6 run --quiet --no-usage-report --no-color "$here/k6.js"
}
run_vllm() {
	vllm bench serve --backend openai-chat --base-url "$url" --endpoint /v1/chat/completions --model sim --tokenizer "$out/tokenizer" \
		--dataset-name custom --dataset-path "$prompts" --skip-chat-template --disable-shuffle --custom-output-len -1 \
		--num-prompts "$requests" --max-concurrency "$streams" --temperature 0 --ready-check-timeout-sec 0 --disable-tqdm \
		--percentile-metrics ttft --metric-percentiles 50,99 --save-result --result-dir "$dir" --result-filename result.json
}
run_aiperf() { # its offline mode knows names of hubs only, a folder needs no hub
	env -u HF_HUB_OFFLINE -u TRANSFORMERS_OFFLINE \
		aiperf profile --model sim --url "$url" --endpoint-type chat --streaming --concurrency "$streams" --request-count "$requests" \
		--input-file "$prompts" --custom-dataset-type single_turn --dataset-sampling-strategy sequential \
		--tokenizer "$out/tokenizer" --use-server-token-count --ui none --no-gpu-telemetry --no-server-metrics \
		--export-level summary --artifact-dir "$dir"
	mv "$dir/profile_export_aiperf.json" "$dir/result.json"
}
run_guidellm() { # ten processes, its default, do worse on one core
	GUIDELLM__MAX_WORKER_PROCESSES=${GUIDELLM__MAX_WORKER_PROCESSES:-1} guidellm run --backend "kind=openai_http,target=$url,model=sim" --profile "kind=concurrent,streams=$streams" \
		--constraint "kind=max_requests,count=$requests" --data "kind=json_file,path=$prompts" \
		--output "kind=json,path=$dir/result.json" --disable-console
}

version_of() {
	case $1 in
	llmops) "$llmops" version -o json | python3 -c 'import json,sys; print(json.load(sys.stdin)["version"])' ;;
	k6) k6 version | awk '{print $2; exit}' ;;
	vllm | aiperf | guidellm) # the command itself takes seconds, or wants a GPU, to say it
		"$(dirname "$(readlink -f "$(command -v "$1")")")/python" -c "import importlib.metadata as m; print(m.version('$1'))" ;;
	esac
}

# watch SID FILE: four times a second a line with the time in µs, the CPU time
# of the processes of a session in clock ticks, and once a second the sum of
# their proportional set sizes in KiB. It runs on the server's core and starts
# no process, so that it costs next to nothing.
watch() {
	local never stat text pid beat=0 total kib pids=()
	local -a field
	local -A used=()
	exec {never}<> <(:) # a pipe to wait on: nobody writes to it
	while :; do
		if ((beat % 4 == 0)); then
			pids=()
			for stat in /proc/[0-9]*/stat; do
				read -r text 2>/dev/null <"$stat" || continue
				read -ra field <<<"${text##*) }" # state, parent, group, session, …
				if [ "${field[3]}" = "$1" ]; then pids+=("${text%% *}"); fi
			done
		fi
		for pid in "${pids[@]}"; do
			read -r text 2>/dev/null <"/proc/$pid/stat" || continue
			read -ra field <<<"${text##*) }"
			used[$pid]=$((field[11] + field[12]))
		done
		total=0 kib=
		for pid in "${!used[@]}"; do total=$((total + used[$pid])); done
		if ((beat++ % 4 == 3)); then
			kib=0
			for pid in "${pids[@]}"; do
				while read -r text stat _; do
					if [ "$text" = Pss: ]; then
						kib=$((kib + stat))
						break
					fi
				done 2>/dev/null <"/proc/$pid/smaps_rollup" || true
			done
		fi
		echo "${EPOCHREALTIME/[.,]/} $total $kib"
		read -rt 0.25 -u "$never" || true
	done >"$2"
}

# measure TOOL FOLDER: one run, with all that it leaves in one folder.
measure() {
	local tool=$1 began code=0
	dir=$2
	mkdir -p "$dir"
	rm -f "$dir/sid"
	start_sim
	export url dir
	(
		while [ ! -s "$dir/sid" ]; do sleep 0.02; done
		watch "$(cat "$dir/sid")" "$dir/watch"
	) &
	watcher=$!
	taskset -cp "$server_cpu" "$watcher" >/dev/null
	began=${EPOCHREALTIME/[.,]/}
	# bash's time counts the processes that were waited for, down the whole tree.
	TIMEFORMAT='%U %S %R'
	{ time taskset -c "$client_cpu" setsid --wait bash -c "echo \$\$ >\"\$dir/sid\"; exec timeout \$limit bash -c run_$tool" >"$dir/log" 2>&1; } 2>"$dir/time" || code=$?
	echo "$began ${EPOCHREALTIME/[.,]/}" >"$dir/span"
	stop
	echo "$code" >"$dir/code"
	[ "$code" -eq 0 ] || say "$tool failed with exit code $code, see $dir/log"
}

export here out llmops limit HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 HF_HUB_DISABLE_TELEMETRY=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1
export -f run_llmops run_k6 run_vllm run_aiperf run_guidellm

present=()
for tool in "${tools[@]}"; do
	if [ "$tool" != llmops ] && ! command -v "$tool" >/dev/null; then
		say "$tool is not in the PATH: left out"
	else
		present+=("$tool")
		echo "$tool $(version_of "$tool")" >>"$out/versions"
	fi
done

getconf CLK_TCK >"$out/ticks"
for load in "${loads[@]}"; do
	IFS=x read -r streams tokens requests <<<"$load"
	prompts=$out/$load/prompts.jsonl
	mkdir -p "$out/$load"
	python3 "$here/inputs.py" "$requests" "$tokens" "$prompts" "$out/tokenizer"
	export streams requests prompts
	for ((round = 1; round <= rounds; round++)); do
		for tool in "${present[@]}"; do
			say "$load, round $round of $rounds: $tool"
			measure "$tool" "$out/$load/$tool/$round"
		done
	done
done
python3 "$here/table.py" "$out" "${loads[@]}"
say "all that the tools wrote is in $out"

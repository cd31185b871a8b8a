#!/usr/bin/env bash
# Puts the same load on the same simulated server with another load tester and
# with "llmops loadtest --compat" of that name, and prints the figures of both, marked
# where they differ by more than 1 %. docs/compat.md has a table that it made.
#
#   docs/peers/compat.sh                  # all tools that are in the PATH
#   TOOLS=aiperf REQUESTS=20 docs/peers/compat.sh
#
# TOOLS     which of vllm guidellm aiperf inference-perf, in this order
# STREAMS   requests in flight (default 4)
# REQUESTS  how many (default 32)
# LLMOPS    the binary (default: llmops from the PATH, else bin/llmops)
# ALL       1 prints every figure, not only means, medians, counts and totals
# OUT       folder for all that the tools wrote (default: a new one)
# SERVER    URL of a server that runs: the tools are run against it, and nothing else is
#           done. TestSameBytes in cmd/internal/loadtestcmd uses it
# LIMIT     seconds after which a run is given up (default 600: some import for minutes)
#
# PREFILL, DECODE  what the server takes to the first token, and for each of the
#           others (default 1s, 100ms), whatever else it does: so slow that what a
#           client adds itself is below 1 %, unless the machine is busy
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
read -ra tools <<<"${TOOLS:-vllm guidellm aiperf inference-perf}"
streams=${STREAMS:-4} requests=${REQUESTS:-32} limit=${LIMIT:-600}
tokens=30 # inference-perf's limit where its data give none
out=${OUT:-$(mktemp -d)}
mkdir -p "$out"
out=$(cd "$out" && pwd)
llmops=${LLMOPS:-$(command -v llmops || echo "$here/../../bin/llmops")}

say() { echo "compat: $*" >&2; }
[ -x "$llmops" ] || [ -n "${SERVER:-}" ] || { say "error: no llmops: run make build, or set LLMOPS"; exit 1; }

sim=''
stop() { [ -z "$sim" ] || { kill "$sim" && wait "$sim" || true; } 2>/dev/null; sim=''; }
trap stop EXIT
trap 'exit 130' INT TERM

start_sim() { # a fresh server each time, so that no run finds the cache of another
	stop
	: >"$out/sim.out"
	"$llmops" sim --quiet --listen 127.0.0.1:0 --prefill-base "${PREFILL:-1s}" --prefill-per-token 0 \
		--decode-base "${DECODE:-100ms}" --decode-per-sequence 0 >"$out/sim.out" 2>"$out/sim.log" &
	sim=$!
	for _ in {1..100}; do
		url=$(sed -n 's|^listening on \(http://[^/]*\)/v1$|\1|p' "$out/sim.out")
		[ -z "$url" ] || return 0
		sleep 0.05
	done
	say "error: the server does not start: $(cat "$out/sim.log")"
	exit 1
}

export HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 HF_HUB_DISABLE_TELEMETRY=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1

run_vllm() {
	timeout "$limit" vllm bench serve --backend openai-chat --base-url "$url" --endpoint /v1/chat/completions --model sim --tokenizer "$out/tokenizer" \
		--dataset-name custom --dataset-path "$out/prompts.jsonl" --skip-chat-template --disable-shuffle --custom-output-len -1 \
		--num-prompts "$requests" --max-concurrency "$streams" --temperature 0 --ready-check-timeout-sec 0 --disable-tqdm \
		--percentile-metrics ttft,tpot,itl,e2el --metric-percentiles 50,90,95,99 --save-result --result-dir "$out" --result-filename vllm.json
}
run_guidellm() {
	GUIDELLM__MAX_WORKER_PROCESSES=1 timeout "$limit" guidellm run --backend "kind=openai_http,target=$url,model=sim" --profile "kind=concurrent,streams=$streams" \
		--constraint "kind=max_requests,count=$requests" --data "kind=json_file,path=$out/prompts.jsonl" \
		--output "kind=json,path=$out/guidellm.json" --disable-console
}
run_aiperf() { # its offline mode knows names of hubs only, a folder needs no hub
	env -u HF_HUB_OFFLINE -u TRANSFORMERS_OFFLINE timeout "$limit" \
		aiperf profile --model sim --url "$url" --endpoint-type chat --streaming --concurrency "$streams" --request-count "$requests" \
		--input-file "$out/prompts.jsonl" --custom-dataset-type single_turn --dataset-sampling-strategy sequential \
		--tokenizer "$out/tokenizer" --use-server-token-count --ui none --no-gpu-telemetry --no-server-metrics \
		--export-level summary --artifact-dir "$out/aiperf"
	mv "$out/aiperf/profile_export_aiperf.json" "$out/aiperf.json"
}
run_inference-perf() { # it makes its prompts itself, those of mock.jsonl
	cat >"$out/inference-perf.yaml" <<-END
		api: {type: chat, streaming: true}
		data: {type: mock}
		load: {type: concurrent, num_workers: 1, worker_max_concurrency: $streams, stages: [{num_requests: $requests, concurrency_level: $streams}]}
		server: {type: vllm, model_name: sim, base_url: "$url"}
		tokenizer: {pretrained_model_name_or_path: "$out/tokenizer"}
		report: {request_lifecycle: {summary: true, per_stage: false, use_server_output_tokens: true}}
		storage: {local_storage: {path: "$out/inference-perf"}}
	END
	timeout "$limit" inference-perf --config_file "$out/inference-perf.yaml"
	mv "$out/inference-perf/summary_lifecycle_metrics.json" "$out/inference-perf.json"
}

python3 "$here/inputs.py" 1 8 "$out/unused.jsonl" "$out/tokenizer"
python3 "$here/compat.py" inputs "$requests" "$tokens" "$out"
failed=0
for tool in "${tools[@]}"; do
	if ! command -v "$tool" >/dev/null; then
		say "$tool is not in the PATH: left out"
		continue
	fi
	prompts=$out/prompts.jsonl
	[ "$tool" != inference-perf ] || prompts=$out/mock.jsonl
	say "$tool"
	if [ -n "${SERVER:-}" ]; then
		url=$SERVER
		"run_$tool" >"$out/$tool.log" 2>&1 || { say "$tool failed, see $out/$tool.log"; failed=1; }
		continue
	fi
	start_sim
	"run_$tool" >"$out/$tool.log" 2>&1 || { say "$tool failed, see $out/$tool.log"; failed=1; continue; }
	start_sim
	"$llmops" loadtest "$url/v1" --quiet --concurrency "$streams" --requests "$requests" --dataset "$prompts" \
		--telemetry=false --compat "$tool" >"$out/$tool.ours.json"
	python3 "$here/compat.py" table "$tool" "$out/$tool.json" "$out/$tool.ours.json" ${ALL:+all}
done
say "all that the tools wrote is in $out"
exit "$failed"

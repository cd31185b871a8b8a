#!/usr/bin/env python3
"""Reads the same request logs with llmops budget and with what else reads them
fast, in turn, and prints what each took and the ratio, run by run.

    python3 docs/peers/logs.py            # 1 GB a log, 5 rounds, about 5 minutes

LLMOPS  the binary (default: llmops from the PATH, else bin/llmops)
ROUNDS  how often each reads each log, after one that is not counted
SIZE    bytes of each log
LOGS    which of envoy, llmops, nginx
OUT     folder for the logs, which stay there (default: a new one, removed)

DuckDB is asked as the Python module duckdb, with two threads, in two ways:
"four numbers" counts events, bad ones and slow ones and finds the last one;
"same figures" also gives what llmops budget prints: percentiles of latency, and
the events and bad events of each minute. The command fails if the four numbers
are not those of llmops. DuckDB's seconds are those of its queries alone, without
Python's start; the others' are those of the whole process. goaccess, which takes minutes, reads nginx's log once.
"""
import datetime
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

START = 1_772_323_200_000  # ms
SLOW = 8000  # ms


def iso(ms):
    t = datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc)
    return t.strftime("%Y-%m-%dT%H:%M:%S") + f".{ms % 1000:03d}Z"


def event(r, i):
    ms, ttft = r.randrange(50, 9000), r.randrange(20, 900)
    status = 200 if r.random() > 0.01 else r.choice([500, 502, 503, 429])
    return START + i * 80 + r.randrange(4000), ms, ttft, status


def envoy(r, i):
    at, ms, ttft, status = event(r, i)
    a, b, m, u = r.randrange(256), r.randrange(256), i % 4, f"{r.getrandbits(128):032x}"
    sent, got = r.randrange(4000), r.randrange(800)
    model = ["mistral-small-24b", "qwen2.5-72b-instruct", "llama-3.3-70b", "deepseek-v3"][m]
    agent = ["langchain/0.3.7 (batch)", "OpenAI/Python 1.54.4", "python-httpx/0.27.2", "Go-http-client/2.0"][r.randrange(4)]
    return (
        f'{{"start_time":"{iso(at)}","method":"POST","x-envoy-origin-path":"/v1/chat/completions","protocol":"HTTP/1.1",'
        f'"response_code":{status},"response_code_details":"via_upstream","connection_termination_details":null,"response_flags":"-",'
        f'"upstream_transport_failure_reason":null,"bytes_received":{4 * sent},"bytes_sent":{20 * got},"duration":{ms},'
        f'"x-envoy-upstream-service-time":"{ttft}","x-forwarded-for":"10.12.{a}.{b}","user-agent":"{agent}",'
        f'"x-request-id":"{u[:8]}-{u[8:12]}-{u[12:16]}-{u[16:20]}-{u[20:]}",":authority":"llm.example.com","upstream_host":"10.1.0.{m}:8000",'
        f'"upstream_cluster":"httproute/default/llm/rule/{m}","upstream_local_address":"10.1.9.9:{20000 + a}",'
        f'"downstream_local_address":"10.1.9.9:10080","downstream_remote_address":"10.12.{a}.{b}:{30000 + b}","requested_server_name":null,'
        f'"route_name":"httproute/default/llm/rule/{m}/match/0/*","genai_model_name":"{model}","genai_model_name_override":null,'
        f'"genai_backend_name":"default/vllm/route/llm/rule/{m}/ref/0","genai_tokens_input":{sent},"genai_tokens_output":{got},'
        f'"genai_tokens_total":{sent + got},"token_latency_ttft":{ttft},"token_latency_itl":{r.randrange(40)}.{r.randrange(100):02d},'
        f'"session.id":"team-growth-{b % 9}"}}\n'
    )


def llmops(r, i):
    at, ms, ttft, status = event(r, i)
    ok, error = ("true", "") if status == 200 else ("false", f"http_{status}")
    sent = iso(at - ms)
    return (
        f'{{"schema":"llmops.request/v1","id":{i},"scheduled_at":"{sent}","sent_at":"{sent}","done_at":"{iso(at)}","status":{status},'
        f'"ok":{ok},"error":"{error}","prompt_tokens":{r.randrange(4000)},"completion_tokens":{r.randrange(800)},'
        f'"ttft_ms":{ttft}.{r.randrange(1000):03d},"tpot_ms":21.5125,"latency_ms":{ms}.{r.randrange(1000):03d},"queue_ms":0,'
        f'"model":"mistral-small-{i % 5}","session":"","quality":null}}\n'
    )


def nginx(r, i):
    at, ms, ttft, status = event(r, i)
    t = datetime.datetime.fromtimestamp(at / 1000, datetime.timezone.utc).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return (
        f'10.1.{i % 256}.{i * 3 % 256} - - [{t}] "POST /v1/chat/completions HTTP/1.1" {status} {r.randrange(90000)} "-" '
        f'"OpenAI/Python 1.54.4" {ms // 1000}.{ms % 1000:03d} {ttft / 1000:.3f}\n'
    )


# Of each log what makes its rows, and where DuckDB finds time, status and latency in ms.
LOGS = {
    "envoy": (envoy, "start_time + to_milliseconds(duration)", "response_code", "duration",
              "read_json('{f}', format='newline_delimited', columns={{start_time:'TIMESTAMP', response_code:'INTEGER', duration:'BIGINT', genai_model_name:'VARCHAR'}})"),
    "llmops": (llmops, "done_at", "status", "latency_ms",
               "read_json('{f}', format='newline_delimited', columns={{done_at:'TIMESTAMP', status:'INTEGER', error:'VARCHAR', latency_ms:'DECIMAL(18,6)', model:'VARCHAR'}})"),
    "nginx": (nginx, "strptime(m.t, '%d/%b/%Y:%H:%M:%S +0000')", "m.s::int", "1000 * m.l::decimal(18,6)",
              r"""(select regexp_extract(line, '^(\S+) \S+ (\S+) \[([^\]]+)\] "([^"]*)" (\d+) (\d+) "([^"]*)" "([^"]*)" (\S+) (\S+)$',
               ['ip', 'user', 't', 'request', 's', 'bytes', 'referer', 'agent', 'l', 'f']) m
               from read_csv('{f}', columns={{line:'VARCHAR'}}, delim='\x01', quote='', escape='', header=false))"""),
}

CHILD = """
import duckdb, sys, time
c = duckdb.connect()
c.execute("set threads=2")
c.execute("set enable_progress_bar=false")
start = time.monotonic()
for q in sys.argv[1:]:
    rows = c.execute(q).fetchall()
print(time.monotonic() - start, *rows[0])
"""


def queries(log, file, same):
    _, at, status, latency, source = LOGS[log]
    source = source.format(f=file)
    numbers = "select count(*), count(*) filter (s >= 400), count(*) filter (s < 400 and l >= {slow}), epoch_ms(max(t))".format(slow=SLOW)
    fields = f"select {at} t, {status} s, {latency} l from {source}"
    if not same:
        return [f"{numbers} from ({fields})"]
    return [
        f"create table e as {fields}",
        "select date_trunc('minute', t), count(*), count(*) filter (s >= 400), count(*) filter (s < 400 and l >= %d) from e group by 1" % SLOW,
        "select quantile_disc(l, [0.5, 0.9, 0.95, 0.99, 0.999]) filter (s < 400) from e",
        f"{numbers} from e",
    ]


def run(command):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 3):
        sys.exit(f"error: {command[0]}: {done.stderr.strip()}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def numbers_of(report):
    r = json.loads(report)
    up, slow = r["slos"]
    last = datetime.datetime.fromisoformat(r["source"]["last"].replace("Z", "+00:00"))
    return [up["total"], up["bad"], slow["bad"], round(last.timestamp() * 1000)]


def main():
    binary = os.environ.get("LLMOPS") or shutil.which("llmops") or os.path.join(os.path.dirname(__file__), "../../bin/llmops")
    rounds, size = int(os.environ.get("ROUNDS", 5)), int(float(os.environ.get("SIZE", 1e9)))
    logs = os.environ.get("LOGS", "envoy llmops nginx").split()
    out = os.environ.get("OUT") or tempfile.mkdtemp()
    try:
        import duckdb
    except ImportError:
        sys.exit("error: no Python module duckdb: pip install duckdb")
    print(f"duckdb {duckdb.__version__}, {rounds} rounds, medians; ratio: other / llmops, median (least to most)")
    print(f"{'log':8} {'reader':22} {'wall s':>8} {'CPU s':>8} {'GB/s':>6}  ratio")
    for log in logs:
        file = os.path.join(out, f"{log}-{size}.log")
        if not os.path.exists(file):
            r, written = random.Random(1), 0
            with open(file + ".part", "w") as f:
                for i in range(1 << 62):
                    written += f.write(LOGS[log][0](r, i))
                    if written >= size:
                        break
            os.rename(file + ".part", file)
        # The caller's mistakes count as bad with DuckDB's "s >= 400": there are none in these logs.
        commands = {
            "llmops budget": [binary, "budget", file, "--slo", "success_rate >= 99%", "--slo", f"p95_latency_ms < {SLOW}", "-o", "json"],
            "duckdb, four numbers": [sys.executable, "-c", CHILD, *queries(log, file, False)],
            "duckdb, same figures": [sys.executable, "-c", CHILD, *queries(log, file, True)],
        }
        taken = {name: [] for name in commands}
        for round in range(rounds + 1):
            found = {}
            for name, command in commands.items():
                wall, cpu, printed = run(command)
                if name == "llmops budget":
                    found[name] = numbers_of(printed)
                else:
                    wall, *found[name] = (float(x) for x in printed.split())
                if round > 0:
                    taken[name].append((wall, cpu))
            if any(x != found["llmops budget"] for x in found.values()):
                sys.exit(f"error: {log}: not the same answers: {found}")
        if log == "nginx" and shutil.which("goaccess"):
            form = '%h %^ %e [%d:%t %^] "%r" %s %b "%R" "%u" %T %^'
            wall, cpu, _ = run(["goaccess", file, "--log-format", form, "--date-format", "%d/%b/%Y", "--time-format", "%T",
                                "-o", os.path.join(out, "goaccess.json"), "--no-progress"])
            commands["goaccess (once)"], taken["goaccess (once)"] = None, [(wall, cpu)] * rounds
        mine = taken["llmops budget"]
        for name in commands:
            wall, cpu = (statistics.median(x[k] for x in taken[name]) for k in (0, 1))
            ratios = [a[0] / b[0] for a, b in zip(taken[name], mine)]
            ratio = "" if name == "llmops budget" else f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
            print(f"{log:8} {name:22} {wall:8.2f} {cpu:8.2f} {os.path.getsize(file) / 1e9 / wall:6.2f}  {ratio}", flush=True)
    if "OUT" not in os.environ:
        shutil.rmtree(out)


main()

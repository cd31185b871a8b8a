"""Prints the tables from what run.sh left in a folder.

table.py FOLDER LOAD...

For each load and tool, the median over the rounds of each figure. The truth
is the server's log of exactly the requests of that run.
"""

import json
import pathlib
import statistics
import sys
from datetime import datetime

folder = pathlib.Path(sys.argv[1])


def ns(stamp):
    """An RFC 3339 time in UTC, in nanoseconds: datetime has microseconds only."""
    whole, _, fraction = stamp.rstrip("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole + "+00:00").timestamp())
    return seconds * 10**9 + int(fraction.ljust(9, "0"))


def percentile(values, p):
    """Linear between the closest ranks."""
    values = sorted(values)
    at = (len(values) - 1) * p / 100
    low = int(at)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (at - low)


# What each tool reports: successful requests, p50 and p99 in ms.
def llmops(r):
    m = r["metrics"]["ttft_ms"]
    return r["requests"]["succeeded"], m["p50"], m["p99"]


def k6(r):
    m = r["http_req_waiting"]["values"]
    good = r["http_reqs"]["values"]["count"] - r["http_req_failed"]["values"]["passes"]
    return good, m["p(50)"], m["p(99)"]


def vllm(r):
    return r["completed"], r["p50_ttft_ms"], r["p99_ttft_ms"]


def aiperf(r):
    m = r["time_to_first_token"]
    assert m["unit"] == "ms", m["unit"]
    return r["request_count"]["avg"], m["p50"], m["p99"]


def guidellm(r):
    b = r["benchmarks"][0]
    m = b["metrics"]["time_to_first_token_ms"]["successful"]["percentiles"]
    return b["scheduler_metrics"]["requests_made"]["successful"], m["p50"], m["p99"]


READERS = {f.__name__: f for f in (llmops, k6, vllm, aiperf, guidellm)}


def whole_cpu(run):
    """CPU seconds of the tool from its start to its end."""
    user, system, _ = (run / "time").read_text().split()[-3:]
    return float(user) + float(system)


def watched(run):
    """(time in ns, CPU seconds) in ascending order, and the peak memory in MiB."""
    ticks = int((folder / "ticks").read_text())
    began, ended = (int(at) * 1000 for at in (run / "span").read_text().split())
    cpu, kib = [(began, 0.0)], []
    for line in (run / "watch").read_text().splitlines():
        at, used, *memory = line.split()
        cpu.append((int(at) * 1000, int(used) / ticks))
        kib += map(int, memory)
    cpu.append((ended, max(whole_cpu(run), cpu[-1][1])))
    return cpu, max(kib) / 1024 if kib else None


def between(cpu, start, end):
    """CPU seconds from start to end, linear between the samples."""

    def at(t):
        for (t0, c0), (t1, c1) in zip(cpu, cpu[1:]):
            if t0 <= t < t1:
                return c0 + (c1 - c0) * (t - t0) / (t1 - t0)
        return cpu[-1][1]

    return at(end) - at(start)


def read(tool, run):
    """The figures of one run, or None when the tool failed."""
    if (run / "code").read_text().strip() != "0":
        return None
    log = [json.loads(line) for line in (run / "server.jsonl").open()]
    done = [r for r in log if r["ok"]]
    first = "first_byte_at" if tool == "k6" else "first_token_at"
    truth = [(ns(r[first]) - ns(r["sent_at"])) / 1e6 for r in done]
    good, p50, p99 = READERS[tool](json.loads((run / "result.json").read_text()))
    events = sum(r["completion_tokens"] for r in done)
    start, end = min(ns(r["sent_at"]) for r in done), max(ns(r["done_at"]) for r in done)
    took = (end - start) / 1e9
    samples, mib = watched(run)
    true50, true99 = percentile(truth, 50), percentile(truth, 99)
    return {
        "requests": len(done),
        "agree": good == len(done) == len(log),
        "events": events,
        "events/s": events / took,
        "requests/s": len(done) / took,
        "CPU s": whole_cpu(run),
        "CPU us/event": between(samples, start, end) / events * 1e6,
        "MiB": mib,
        "p50": p50,
        "true p50": true50,
        "p50 error": p50 - true50,
        "p99": p99,
        "true p99": true99,
        "p99 error": p99 - true99,
    }


def median(runs, key):
    values = [r[key] for r in runs if r[key] is not None]
    return statistics.median(values) if values else None


def number(v):
    if v is None:
        return "-"
    return f"{v:,.0f}" if abs(v) >= 100 else f"{v:.3g}" if abs(v) < 1 else f"{v:.1f}"


def count(v):
    return f"{v:,.0f}"


def signed(v):
    return "-" if v is None else ("+" if v >= 0 else "") + number(v)


COLUMNS = [
    ("requests", "requests", count),
    ("requests/s", "requests/s", number),
    ("events", "events", count),
    ("CPU in all, s", "CPU s", number),
    ("CPU, µs an event", "CPU us/event", number),
    ("peak MiB", "MiB", number),
    ("p50, ms", "p50", number),
    ("server's", "true p50", number),
    ("error", "p50 error", signed),
    ("p99, ms", "p99", number),
    ("server's", "true p99", number),
    ("error", "p99 error", signed),
]


def row(cells):
    print("| " + " | ".join(cells) + " |")


versions = dict(line.split(maxsplit=1) for line in (folder / "versions").read_text().splitlines())
for load in sys.argv[2:]:
    streams, tokens, _ = load.split("x")
    print(f"\n{streams} streams × 50 tokens/s, {tokens} output tokens a request on average\n")
    row(["tool", "measures"] + [title for title, _, _ in COLUMNS])
    row(["---", "---"] + ["---:"] * len(COLUMNS))
    for tool, version in versions.items():
        rounds = sorted((folder / load / tool).iterdir())
        runs = [r for r in (read(tool, run) for run in rounds) if r]
        name = f"{tool} {version}"
        if not runs:
            row([name, "failed"] + ["-"] * len(COLUMNS))
            continue
        measures = "TTFB" if tool == "k6" else "TTFT"
        row([name, measures] + [show(median(runs, key)) for _, key, show in COLUMNS])
        if len(runs) < len(rounds):
            print(f"peers: {load}, {tool}: {len(rounds) - len(runs)} of {len(rounds)} runs failed", file=sys.stderr)
        if not all(r["agree"] for r in runs):
            print(f"peers: {load}, {tool}: tool and server do not count the same successes", file=sys.stderr)

"""Inputs and results of compat.sh.

compat.py inputs REQUESTS TOKENS DIR    writes DIR/prompts.jsonl and DIR/mock.jsonl
compat.py table TOOL THEIRS OURS [all]  compares two documents of one tool

The table has one line a figure that both have, and by how much ours is above
theirs: means, medians, counts and totals, or with "all" every one.
"""

import json
import pathlib
import random
import sys


def inputs(requests: int, tokens: int, out: pathlib.Path) -> None:
    words = "time queue token block cache batch model layer head graph shard route".split()
    draw = random.Random(1)
    for name in "prompts", "mock":
        with (out / f"{name}.jsonl").open("w") as f:
            for i in range(requests):
                prompt = f"mock prompt {i + 1}" if name == "mock" else f"request {i} " + " ".join(draw.choices(words, k=6))
                length = dict.fromkeys(["max_tokens", "output_tokens", "output_tokens_count", "output_length"], tokens)
                f.write(json.dumps({"prompt": prompt, "text": prompt, **length}) + "\n")


# Settings and wall-clock times, not figures.
SKIP = {"start_time", "end_time", "request_start_time", "measure_start_time", "measure_end_time", "request_end_time", "version"}


def pairs(theirs, ours, path=()):
    """Yields the numbers that both documents have."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key, value in theirs.items():
            if key in ours and key not in SKIP and key not in ("errored", "incomplete", "total", "config"):
                yield from pairs(value, ours[key], (*path, key))
    elif isinstance(theirs, list) and isinstance(ours, list) and theirs and ours:
        yield from pairs(theirs[0], ours[0], path)
    elif all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in (theirs, ours)):
        yield ".".join(p for p in path if p not in ("benchmarks", "metrics", "successful", "successes")), theirs, ours


def main_figure(name: str) -> bool:
    """Tells the means, medians, counts and totals. Tails and deviations are of what
    disturbed the one run or the other, and the distribution of a rate over time of
    how the streams lay to each other."""
    *metric, last = name.split(".")
    if last == "p50" and metric[-1:] == ["percentiles"]:
        return False  # the median once more
    if last in ("median", "p50"):
        return "per_second" not in metric[0]
    if last in ("avg", "mean"):
        return True
    return not metric and not last.startswith(("p5", "p9", "std_"))


def table(tool: str, theirs: str, ours: str, every: bool) -> None:
    rows = list(pairs(json.load(open(theirs)), json.load(open(ours))))
    shown = [row for row in rows if every or main_figure(row[0])]
    near = 0
    print(f"\n{tool}\n{'figure':66} {'theirs':>12} {'ours':>12} {'difference':>11}")
    for name, a, b in shown:
        off = 0.0 if a == b else 100 * (b - a) / a if a else float("inf")
        near += abs(off) <= 1
        print(f"{name:66} {a:12.6g} {b:12.6g} {off:+10.2f}%{'' if abs(off) <= 1 else ' *'}")
    print(f"{near} of {len(shown)} figures within 1 % ({len(rows)} are in both documents)")


if sys.argv[1] == "inputs":
    inputs(int(sys.argv[2]), int(sys.argv[3]), pathlib.Path(sys.argv[4]))
else:
    table(*sys.argv[2:5], "all" in sys.argv[5:])

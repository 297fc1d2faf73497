#!/usr/bin/env python3
"""Turns the records of bench/run.sh into tables: medians, ranges, ratios.

usage: report.py RECORDS.jsonl --command TEXT [--load TEXT] [--out FILE]
"""
import argparse
import collections
import datetime
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess

# case -> (most that weir / raw may be, least that SDK / weir has to be)
CLIENT_CASES = {
    "requests-64": (1.5, 50),
    "requests-512": (None, None),
    "calm-500": (None, 7),
    "paced-500": (None, 7),
    "paced-1000": (1.4, None),
    "open-4000": (None, None),
    "saturated-64": (None, None),
}
# What other programs put behind these tables, and what stays there.
OTHERS = ("## Simulator against its peers", "## JSON and schemas")
SERVER_CASES = ("sim-requests-64", "sim-streams-64")


def load(path):
    runs = collections.defaultdict(list)
    with open(path, encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            runs[record["case"], record["who"]].append(record)
    return runs


def values(runs, case, who, field):
    return [run["client"][field] for run in runs.get((case, who), [])]


def median(numbers):
    return statistics.median(numbers) if numbers else None


def shown(numbers, digits=1):
    """The median, and the range when there is one."""
    if not numbers:
        return "–"
    middle = f"{median(numbers):,.{digits}f}"
    if len(numbers) == 1:
        return middle
    return f"{middle} [{min(numbers):,.{digits}f}–{max(numbers):,.{digits}f}]"


def title(runs, case):
    """What was measured, in the words of the records."""
    run = next(run for (name, _), group in runs.items() if name == case for run in group)
    connections, interval = run["client"]["connections"], run["interval_ms"]
    if not run["client"]["events"]:
        return f"request, {connections:,} connections"
    if interval == 0:
        return f"event, {connections:,} streams, as fast as they come"
    rate = connections * 1000 // interval
    return f"event, {connections:,} streams, one each {interval} ms ({rate:,} a second)"


def those_measured(runs, cases):
    return [case for case in cases if any(name == case for name, _ in runs)]


def ratio(above, below):
    return median(above) / median(below) if above and below else None


def judged(value, target, at_most):
    if value is None:
        return "–"
    text = f"{value:.2f}" if at_most else f"{value:.0f}"
    if target is None:
        return text
    good = value <= target if at_most else value >= target
    return f"{text} ({'≤' if at_most else '≥'} {target}: {'met' if good else 'missed'})"


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def client_table(runs):
    rows = []
    for case in those_measured(runs, CLIENT_CASES):
        limit, lead = CLIENT_CASES[case]
        raw, weir, sdk = (values(runs, case, who, "cpu_us") for who in ("raw", "weir", "sdk"))
        rows.append([title(runs, case), shown(raw), shown(weir), judged(ratio(weir, raw), limit, True),
                     shown(sdk), judged(ratio(sdk, weir), lead, False)])
    return table(["CPU µs per", "raw epoll", "weir", "weir / raw", "openai SDK", "SDK / weir"], rows)


def chain_table(runs):
    bare, recorded = (values(runs, "chain-64", who, "cpu_us") for who in ("bare", "recorded"))
    row = ["request, 64 connections", shown(bare), shown(recorded), judged(ratio(recorded, bare), 1.5, True)]
    return table(["CPU µs per", "the HTTP engine alone", "retry, limit, verify, events to a file", "ratio"], [row])


def memory_table(runs):
    rows = []
    for case in those_measured(runs, ("paced-500", "paced-1000", "open-4000")):
        raw, weir = (values(runs, case, who, "rss_kib_per_stream") for who in ("raw", "weir"))
        events = values(runs, case, "weir", "events")
        rows.append([title(runs, case).split(", ", 1)[1], shown(raw), shown(weir),
                     f"{int(median(events)):,}, all" if events else "–",
                     shown(values(runs, case, "raw", "events_per_read"), 2)])
    return table(["streams", "raw KiB per stream", "weir KiB per stream", "events that came",
                  "events per read (raw)"], rows)


def latency_table(runs):
    raw, weir, sdk = (values(runs, "latency", who, "p50_us") for who in ("raw", "weir", "sdk"))
    tails = [values(runs, "latency", who, "p99_us") for who in ("raw", "weir", "sdk")]
    added = [f"{median(side) - median(raw):+.0f}" if side and raw else "–" for side in (weir, sdk)]
    rows = [["p50 µs", shown(raw), shown(weir), added[0], shown(sdk), added[1]],
            ["p99 µs", shown(tails[0]), shown(tails[1]), "", shown(tails[2]), ""]]
    return table(["one request after the other", "raw epoll", "weir", "added", "openai SDK", "added"],
                 rows)


def server_table(runs):
    rows = []
    for case in those_measured(runs, SERVER_CASES):
        cells = [title(runs, case)]
        for who in ("raw", "weir"):
            costs = [run["server_us"] / (run["client"]["events"] or run["client"]["requests"])
                     for run in runs.get((case, who), [])]
            cells += [shown(costs), shown(values(runs, case, who, "per_second"), 0)]
        rows.append(cells)
    return table(["server CPU µs per", "raw server", "a second", "weir sim --instant", "a second"],
                 rows)


def first_line(*command):
    if not shutil.which(command[0]):
        return "not there"
    return subprocess.run(command, capture_output=True, text=True, timeout=10,
                          check=False).stdout.split("\n")[0]


def machine():
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    compiler = first_line("clang++-19", "--version")
    return (f"{model}, {os.cpu_count()} cores, Linux {platform.release().split('-')[0]}; "
            f"{compiler}; node {first_line('node', '--version')}")


def report(runs, command, load_average):
    rounds = max((run["round"] for group in runs.values() for run in group), default=0)
    cpus = "server on CPU 0, client on CPU 1" if (os.cpu_count() or 1) >= 2 else "one CPU for both"
    return f"""# Side by side

`{command}` on {datetime.date.today()}: medians of {rounds}, the range in brackets.

{machine()}. Loopback, {cpus}, load average {load_average}.

Every client talks to the same single-threaded epoll server. *Raw epoll* is the limit: it finds the
ends of responses and events and decodes nothing. *weir* is the whole chain that every program of
weir uses (retry, limit, encode, HTTP, decode; no event sink); it decodes every reply and delta. CPU
time is user + system of the client process, connecting included; the SDK's is taken after a
warm-up. Raw epoll wakes for each event; weir looks at streams every two milliseconds while events
come more often. Where a client cannot keep up with the pace, several events wait for each of its
reads and cost it less: the SDK at 25,000 events a second. Requests come so quickly from raw epoll
that the server never sleeps; a slower client pays for waking it, about 0.5 µs a request. On a
shared machine read CPU time and ratios; rates and latencies only show the order of magnitude.

## Client

{client_table(runs)}

{chain_table(runs)}

{memory_table(runs)}

{latency_table(runs)}

## Simulator

The raw client against `weir sim --instant --threads 1`, beside the raw server, whose answers are
ready-made bytes.

{server_table(runs)}
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("records")
    parser.add_argument("--command", required=True)
    parser.add_argument("--load", default="unknown")
    parser.add_argument("--out")
    options = parser.parse_args()
    text = report(load(options.records), options.command, options.load)
    print(text)
    if options.out:
        out = pathlib.Path(options.out)
        rest = out.read_text(encoding="utf-8") if out.exists() else ""
        others = [rest.index(heading) for heading in OTHERS if heading in rest]
        out.write_text(text + ("\n" + rest[min(others):] if others else ""), encoding="utf-8")


if __name__ == "__main__":
    main()

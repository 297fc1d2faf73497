#!/usr/bin/env python3
"""Measures JSON repair and schema validation beside their rivals from npm, on the same inputs, in
one run, and puts the tables at the end of bench/RESULTS.md.

usage: documents.py [--build DIR] [--rounds N] [--out FILE]     (--out '' only prints)
"""
import argparse
import collections
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADING = "## JSON and schemas"
MEGABYTE = 1_000_000


def run(command, **options):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, **options).stdout


def benchmarks(binary, pattern):
    """name/label -> (ns of CPU time, MB/s) of Google Benchmark's rows."""
    rows = json.loads(run([binary, f"--benchmark_filter={pattern}", "--benchmark_min_time=0.2",
                           "--benchmark_format=json"]))["benchmarks"]
    found = {}
    for row in rows:
        name = row["name"].split("/")[0] + "/" + row.get("label", "") if row.get("label") else row["name"]
        unit = {"ns": 1, "us": 1e3, "ms": 1e6}[row["time_unit"]]
        found[name] = (row["cpu_time"] * unit, row.get("bytes_per_second", 0) / MEGABYTE)
    return found


def rivals():
    """Whether node and the pinned packages are there; installs them when it can."""
    if not shutil.which("node") or not shutil.which("npm"):
        return False
    folder = ROOT / "bench/npm"
    if (folder / "node_modules/ajv").is_dir() and (folder / "node_modules/jsonrepair").is_dir():
        return True
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, capture_output=True)
    return done.returncode == 0


def gather(build, rounds):
    runs = collections.defaultdict(list)
    with_rivals = rivals()
    if not with_rivals:
        print("bench: no node, or its packages cannot be installed: the rivals' columns stay empty", file=sys.stderr)
    for _ in range(rounds):
        for name, (ns, speed) in benchmarks(f"{build}/bin/json_bench", "RepairTo|BM_Read").items():
            runs[name].append(speed)
            runs[name + " ns"].append(ns)
        for name, (ns, _) in benchmarks(f"{build}/bin/schema_bench", "Validate|CompileLarge").items():
            runs[name].append(ns)
        if not with_rivals:
            continue
        for line in run(["node", "bench/npm/ajv.mjs"]).splitlines():
            row = json.loads(line)
            runs["ajv validate/" + row["name"]].append(row["validate_ns"])
            runs["ajv text/" + row["name"]].append(row["text_ns"])
        for line in run(["node", "bench/npm/jsonrepair.mjs"]).splitlines():
            row = json.loads(line)
            runs[f"jsonrepair/{row['bytes']}"].append(row["mb_per_s"])
    return {name: statistics.median(values) for name, values in runs.items()}


def shown(number, digits=0):
    return "–" if number is None else f"{number:,.{digits}f}"


def ratio(a, b):
    return "–" if a is None or b is None else f"{a / b:.2f} ×"


def repair_table(at):
    yield "Repair, MB of text per second of CPU time (records of which one in eight has a defect):"
    yield ""
    yield "| what | 100 KB | 64 MB | time per byte, 64 MB to 100 KB |"
    yield "|---|---|---|---|"
    for name, title in (("RepairToText", "weir, text to text"), ("RepairToValue", "weir, text to value")):
        small, large = at.get(f"{name}/100000/1"), at.get(f"{name}/64000000/1")
        yield f"| {title} | {shown(small)} | {shown(large)} | {ratio(small, large)} |"
    yield f"| jsonrepair | {shown(at.get('jsonrepair/100000'), 1)} | at 1 MB: {shown(at.get('jsonrepair/1000000'), 1)} | |"


def schema_table(at):
    yield "Validation, ns of CPU time for one instance; the ratio is ajv's time by ours:"
    yield ""
    yield "| schema | validate: ajv | weir | ratio (≥ 0.7) | from text: JSON.parse + ajv | weir | ratio (≥ 1.5) |"
    yield "|---|---|---|---|---|---|---|"
    names = sorted(name.split("/")[1] for name in at if name.startswith("BM_Validate/"))
    for name in names:
        cells = [at.get("ajv validate/" + name), at.get("BM_Validate/" + name), at.get("ajv text/" + name), at.get("BM_ReadAndValidate/" + name)]
        yield (f"| {name} | {shown(cells[0])} | {shown(cells[1])} | {ratio(cells[0], cells[1])} "
               f"| {shown(cells[2])} | {shown(cells[3])} | {ratio(cells[2], cells[3])} |")
    large = at.get("BM_CompileLarge")
    yield ""
    yield f"Compiling a schema of 100 KB: {shown(large and large / 1e6, 1)} ms."


def main():
    flags = argparse.ArgumentParser()
    flags.add_argument("--build", default="build/release")
    flags.add_argument("--rounds", type=int, default=3)
    flags.add_argument("--out", default="bench/RESULTS.md")
    flags = flags.parse_args()

    at = gather(flags.build, flags.rounds)
    load = os.getloadavg()[0]
    lines = [HEADING, "", f"`bench/documents.py`, medians of {flags.rounds} rounds, the rivals in the same run; load {load:.1f} at the end.", ""]
    section = "\n".join([*lines, *repair_table(at), "", *schema_table(at), ""])
    print(section)
    if flags.out:
        path = ROOT / flags.out
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(text.split(HEADING)[0].rstrip() + "\n\n" + section, encoding="utf-8")


if __name__ == "__main__":
    main()

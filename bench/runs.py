#!/usr/bin/env python3
"""What a run of a flow costs: many rows through an instant simulator (memory, CPU, the last tenth
against the others), and how much of a paced server's tokens per second `weir run` gets, against a
bare load generator that sends the same requests.

usage: runs.py [--build DIR] [--rows N] [--rounds N] [--out FILE]   (--out '' only prints)
"""
import argparse
import asyncio
import datetime
import json
import os
import pathlib
import re
import resource
import statistics
import subprocess
import tempfile
import time
import urllib.request

CONNECTIONS = 64
CALLS = 640
TOKENS = 64
TWO_NODES = """
warmup: false
nodes:
  - {step: a, user: "{{ n }}", choice: [yes, no]}
  - {step: b, user: "{{ a }} {{ n }}", choice: [one, two]}
"""
PACED = f"""
warmup: false
nodes:
  - {{step: a, user: "Tell of {{{{ n }}}}", max_tokens: {TOKENS}, min_tokens: {TOKENS}, keep_cut: true}}
"""


def write(folder, name, text):
    path = pathlib.Path(folder) / name
    path.write_text(text)
    return str(path)


def rows(folder, count):
    """Line by line: what this process takes would count as the peak of those that it starts."""
    path = pathlib.Path(folder) / "rows.jsonl"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f'{{"n": {n}}}\n' for n in range(count))
    return str(path)


def many_rows(weir, count):
    """CPU a call, peak memory, and the time of the last tenth over that of the median tenth."""
    with tempfile.TemporaryDirectory() as folder:
        flow = write(folder, "flow.yaml", TWO_NODES)
        write(folder, "weir.yaml", "engines: {sim: {kind: sim, sim: {pace: instant}}}\n")
        process = subprocess.Popen([weir, "run", flow, "-i", rows(folder, count), "-e", "sim", "-o", f"{folder}/out"],
                                   stderr=subprocess.PIPE, text=True)
        began = time.monotonic()
        log = process.stderr.readlines()
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit("".join(log[-5:]))
        seconds = time.monotonic() - began
        ends = [line[7:31] for line in open(f"{folder}/out/events.jsonl") if '"node.end"' in line]
        times = [datetime.datetime.fromisoformat(end.replace("Z", "+00:00")).timestamp() for end in
                 (ends[min(len(ends) - 1, len(ends) * k // 10)] for k in range(11))]
        cpu = usage.ru_utime + usage.ru_stime
        spent = [b - a for a, b in zip(times, times[1:])]
        return {"rows": count, "seconds": seconds, "cpu_us_per_call": cpu / count / 2 * 1e6,
                "peak_mb": usage.ru_maxrss / 1024, "tenths": spent, "lines_per_row_and_node": len(ends) / count / 2}


def generated(url):
    with urllib.request.urlopen(url + "/metrics") as answer:
        page = answer.read().decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines()
               if line.startswith("vllm:generation_tokens_total"))


class Sim:
    def __init__(self, weir):
        self.process = subprocess.Popen([weir, "sim", "--listen", "127.0.0.1:0", "--ttft", "100", "--itl", "20",
                                         "--max-num-seqs", str(CONNECTIONS)], stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().split()[-1]

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        self.process.terminate()
        self.process.wait()


async def bare(url):
    """The same requests over as many connections, answers read to their end and forgotten."""
    host, port = url.removeprefix("http://").split(":")
    numbers = iter(range(CALLS))

    async def connection():
        reader, writer = await asyncio.open_connection(host, int(port))
        for n in numbers:
            body = json.dumps({"model": "sim-model", "messages": [{"role": "user", "content": f"Tell of {n}"}],
                               "max_tokens": TOKENS, "min_tokens": TOKENS}).encode()
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: sim\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
            writer.write(head.encode() + b"\r\n\r\n" + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(re.search(rb"(?i)content-length: (\d+)", answer)[1]))
        writer.close()

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))


def paced(weir, how):
    sim = Sim(weir)
    try:
        before, cpu, began = generated(sim.url), sim.cpu(), time.monotonic()
        if how == "bare":
            asyncio.run(bare(sim.url))
        else:
            with tempfile.TemporaryDirectory() as folder:
                flow = write(folder, "flow.yaml", PACED)
                done = subprocess.run([weir, "run", flow, "-i", rows(folder, CALLS), "-e", sim.url, "-o",
                                       f"{folder}/out", "--concurrency", str(CONNECTIONS), "--quiet"],
                                      capture_output=True, text=True)
                if done.returncode:
                    raise SystemExit(done.stderr)
        spent = time.monotonic() - began
        return {"tokens_per_s": (generated(sim.url) - before) / spent, "server_core": (sim.cpu() - cpu) / spent}
    finally:
        sim.end()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", default="BENCHMARK.md")
    flags = parser.parse_args()
    weir = f"{flags.build}/bin/weir"
    rounds = [(paced(weir, "bare"), paced(weir, "run")) for _ in range(flags.rounds)]
    ratio = statistics.median(run["tokens_per_s"] / direct["tokens_per_s"] for direct, run in rounds)
    direct = statistics.median(each["tokens_per_s"] for each, _ in rounds)
    run = statistics.median(each["tokens_per_s"] for _, each in rounds)
    core = statistics.median(each["server_core"] for each, _ in rounds)
    many = many_rows(weir, flags.rows)
    middle = statistics.median(many["tenths"])
    page = f"""# What a run costs

Two cores, Debian 12; `bench/runs.py` makes this page anew.

## Parity: `weir run` against the same requests sent directly

A simulator at a server's pace (first token after 100 ms, then one every 20 ms, {CONNECTIONS} seats), {CALLS} requests
of {TOKENS} tokens over {CONNECTIONS} connections. The bare generator writes bytes and forgets the answers; `weir run`
renders, asks, checks, writes ledger, outputs, events and figures. Medians of {flags.rounds} rounds, side by side.

| | tokens/s |
|---|---|
| bare load generator | {direct:,.0f} |
| `weir run` | {run:,.0f} |
| ratio | {ratio:.3f} |

The server used {core:.2f} of a core meanwhile.

## {many["rows"]:,} rows through two nodes, instant simulator in the same process

| | |
|---|---|
| time | {many["seconds"]:,.0f} s |
| CPU for a call, simulator included | {many["cpu_us_per_call"]:.1f} µs |
| peak memory | {many["peak_mb"]:.1f} MB |
| last tenth of the rows against the median tenth | {many["tenths"][-1] / middle:.2f} |
| lines of events.jsonl for a row and node | {many["lines_per_row_and_node"]:.2f} |
"""
    print(page)
    if flags.out:
        pathlib.Path(flags.out).write_text(page)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    main()

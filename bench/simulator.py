#!/usr/bin/env python3
"""Measures `weir sim` beside its peers from npm, on the same requests, in one run; how late the
tokens of 5,000 paced streams leave; and what the prefix cache is worth. Puts the tables into
bench/RESULTS.md, before those of documents.py.

usage: simulator.py [--build DIR] [--rounds N] [--quick] [--stream-threads N] [--out FILE]
       (--out '' only prints)
"""
import argparse
import collections
import concurrent.futures
import contextlib
import glob
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
RIVALS = ROOT / "bench/rivals"
HEADING = "## Simulator against its peers"
NEXT = "## JSON and schemas"
LIMIT_S = 300  # no process of a run lives longer
CORES = 2
REPLY = "The dam holds back what the river brings and lets it down the race to the mill."
PREFIX_TOKENS = 2000

# The client's own body says 200; where both stand, servers go by this one. It is put in by way of
# the model's name, which the client copies into its body as it is.
MODEL = 'sim-model","max_completion_tokens":16,"user":"bench'

PEERS = {
    "raw": "raw epoll server, 1 thread, ready-made bytes (the limit)",
    "weir": "weir sim --instant --threads 2, makes up its replies",
    "scripted": "the same, with a scripted reply",
    "aimock": "aimock",
    "mock-llm": "mock-llm",
}
Sizes = collections.namedtuple("Sizes", "seconds streams tokens requests threads", defaults=[1])
FULL = Sizes(seconds=4, streams=5000, tokens=60, requests=500)
QUICK = Sizes(seconds=0.3, streams=200, tokens=20, requests=24)


def say(text):
    print(text, file=sys.stderr, flush=True)


def pinned(cpu):
    """The prefix of a command that is to stay on one processor."""
    return ["taskset", "-c", str(cpu)] if (os.cpu_count() or 1) >= 2 and shutil.which("taskset") else []


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server that listens; its process id is that of the program itself, not of `timeout`."""

    def __init__(self, command, port=None, environment=None):
        self.process = subprocess.Popen(
            ["timeout", str(LIMIT_S), *command], cwd=ROOT, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL if port else subprocess.PIPE,
            stderr=subprocess.DEVNULL, env={**os.environ, **(environment or {})})
        self.port = port or self.named_port()
        self.wait()
        self.pid = self.child()

    def named_port(self):
        """The number that ends the first line."""
        found = re.search(r"(\d+)\s*$", self.process.stdout.readline())
        if not found:
            raise RuntimeError(f"no server: {' '.join(self.process.args)}")
        return int(found[1])

    def wait(self):
        for _ in range(150):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"nothing listens: {' '.join(self.process.args)}")

    def child(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text("ascii")
        return int(text.split()[0])

    def cpu_s(self):
        files = glob.glob(f"/proc/{self.pid}/task/*/schedstat")
        return sum(int(pathlib.Path(file).read_text("ascii").split()[0]) for file in files) / 1e9

    def peak_mb(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text("ascii")
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024 / 1e6

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        text = reply.read().decode()
        connection.close()
        if reply.status != 200:
            raise RuntimeError(f"{method} {path}: {reply.status} {text[:100]}")
        return text

    def stop(self):
        self.process.send_signal(signal.SIGTERM)  # `timeout` hands it on
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def sim(build, *flags, before=()):
    return Server([*before, f"{build}/bin/weir", "sim", "--listen", "127.0.0.1:0", *flags])


def rivals():
    """Whether node and the pinned packages are there; installs them when it can."""
    if not shutil.which("node") or not shutil.which("npm"):
        return False
    if all((RIVALS / "node_modules" / name).is_dir() for name in ("@copilotkit/aimock", "@dwmkerr/mock-llm")):
        return True
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=RIVALS,
                          capture_output=True, check=False)
    return done.returncode == 0


def start(who, build, folder):
    """Each server as its own documentation starts it, quiet, with one rule that fits everything."""
    if who == "raw":
        return Server([f"{build}/bin/bench_upstream", "--seconds", "200"])
    if who == "weir":
        return sim(build, "--instant", "--threads", "2")
    script = pathlib.Path(folder) / f"{who}.json"
    port = free_port()
    if who == "scripted":
        script.write_text(json.dumps([{"reply": {"text": REPLY}}]), encoding="utf-8")
        return sim(build, "--instant", "--threads", "2", "--scenario", str(script))
    if who == "aimock":
        fixture = {"match": {"userMessage": "river"}, "response": {"content": REPLY}}
        script.write_text(json.dumps({"fixtures": [fixture]}), encoding="utf-8")
        return Server(["node", str(RIVALS / "node_modules/@copilotkit/aimock/dist/cli.js"), "--port", str(port),
                       "--fixtures", str(script), "--log-level", "silent"], port)
    message = {"role": "assistant", "content": REPLY}
    reply = {"id": "chatcmpl-1", "object": "chat.completion", "model": "sim-model",
             "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    rule = {"path": "/v1/chat/completions", "method": "POST", "match": "@",
            "response": {"status": 200, "content": json.dumps(reply)}}
    script.write_text(json.dumps({"rules": [rule]}), encoding="utf-8")
    return Server(["node", str(RIVALS / "node_modules/@dwmkerr/mock-llm/dist/main.js"), "--config", str(script)], port,
                  {"HOST": "127.0.0.1", "PORT": str(port)})


def ask(build, server, count):
    line = subprocess.run([f"{build}/bin/bench_raw_client", "requests", "--connections", "64", "--count", str(count),
                           "--seconds", "90", "--port", str(server.port), "--model", MODEL],
                          cwd=ROOT, check=True, capture_output=True, text=True, timeout=100).stdout
    return json.loads(line)


def measure_requests(runs, who, build, sizes):
    with tempfile.TemporaryDirectory() as folder, start(who, build, folder) as server:
        speed = ask(build, server, 1000)["per_second"]  # what is compiled while it runs is compiled now
        before = server.cpu_s()
        client = ask(build, server, max(200, int(speed * sizes.seconds)))
        runs[who, "server_us"].append((server.cpu_s() - before) * 1e6 / client["requests"])
    runs[who, "per_second"].append(client["per_second"])
    runs[who, "client_us"].append(client["cpu_us"])
    say(f"{who}: {client['per_second']:.0f} requests/s, server {runs[who, 'server_us'][-1]:.1f} us each")


def sleeper_p99_us():
    """How late a bare timer wakes on the server's processor: what the machine itself adds."""
    program = ("import time\nlate = []\nfor _ in range(1000):\n  due = time.monotonic() + 0.001\n  time.sleep(0.001)\n"
               "  late.append(time.monotonic() - due)\nprint(sorted(late)[989] * 1e6)")
    return float(subprocess.run([*pinned(0), sys.executable, "-c", program], check=True, capture_output=True, text=True,
                                timeout=60).stdout)


def measure_streams(runs, kind, build, sizes):
    alone = sizes.threads == 1
    flags = ["--threads", str(sizes.threads), "--ttft", "100", "--itl", "100", "--max-num-seqs", str(sizes.streams),
             "--kv-blocks", "65536"]
    with tempfile.TemporaryDirectory() as folder:
        if kind == "streams scripted":
            script = pathlib.Path(folder) / "script.json"
            script.write_text(json.dumps([{"reply": {"text": " ".join([REPLY] * 10)}}]), encoding="utf-8")
            flags += ["--scenario", str(script)]
        runs[kind, "sleeper_us"].append(sleeper_p99_us())
        with sim(build, *flags, before=pinned(0) if alone else ()) as server:
            server.call("DELETE", "/sim/lateness")
            before = server.cpu_s()
            line = subprocess.run([*(pinned(1) if alone else ()), sys.executable, "bench/paced.py", str(server.port), str(sizes.streams),
                                   str(sizes.tokens), "1000"],
                                  cwd=ROOT, check=True, capture_output=True, text=True, timeout=200).stdout
            client = json.loads(line)
            late = json.loads(server.call("GET", "/sim/lateness"))
            runs[kind, "server_share"].append((server.cpu_s() - before) / client["wall_s"])
            runs[kind, "rss_mb"].append(server.peak_mb())
    for name in ("p50_us", "p99_us", "max_us"):
        runs[kind, name].append(late[name])
    for name in ("events", "expected", "cpu_share", "whole"):
        runs[kind, name].append(client[name])
    say(f"{kind}: {late}, {client}")


def words(server):
    """A text of PREFIX_TOKENS tokens as the simulator counts them."""
    stock = ("the mill river water wheel stone grain flour miller dam low high gate race bank village day night "
             "carries turns holds opens closes").split()
    choice = random.Random(1)
    text = [choice.choice(stock) for _ in range(PREFIX_TOKENS)]
    count = json.loads(server.call("POST", "/tokenize", {"prompt": " ".join(text)}))["count"]
    return text[:PREFIX_TOKENS * PREFIX_TOKENS // count]


def first_token_ms(server, prompt):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.connect()
    body = json.dumps({"model": "sim-model", "messages": [{"role": "user", "content": prompt}], "max_tokens": 16,
                       "ignore_eos": True, "stream": True})
    begin = time.monotonic()
    connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
    reply, first = connection.getresponse(), None
    for line in reply:
        if first is None and line.startswith(b"data: {"):
            choices = json.loads(line[6:])["choices"]
            if choices and choices[0]["delta"].get("content"):
                first = (time.monotonic() - begin) * 1000
    connection.close()
    if first is None:
        raise RuntimeError("a stream without a token")
    return first


def counters(server):
    text = server.call("GET", "/metrics")
    return [float(re.search(rf"^vllm:prefix_cache_{name}_total{{.*}} (\S+)$", text, re.MULTILINE)[1])
            for name in ("hits", "queries")]


def measure_prefix(runs, _, build, sizes):
    with sim(build, "--profile", "8b-h100", "--threads", "1") as server:
        prefix = words(server)
        for kind in ("unshared", "shared"):
            choice = random.Random(2)
            prompts = []
            for number in range(sizes.requests):
                own = prefix if kind == "shared" else choice.sample(prefix, len(prefix))
                prompts.append(f"{'' if kind == 'shared' else number} {' '.join(own)} Question {number}: how high is it?")
            before = counters(server)
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                times = list(pool.map(lambda prompt: first_token_ms(server, prompt), prompts))
            after = counters(server)
            runs[kind, "ttft_ms"].append(statistics.median(times))
            runs[kind, "hits"].append(after[0] - before[0])
            runs[kind, "queries"].append(after[1] - before[1])
            say(f"{kind}: p50 {runs[kind, 'ttft_ms'][-1]:.1f} ms, hits {before[0]:.0f} -> {after[0]:.0f}, "
                f"queries {before[1]:.0f} -> {after[1]:.0f}")


def shown(numbers, digits=1):
    """The median, and the range when there is one."""
    if not numbers:
        return "–"
    middle = f"{statistics.median(numbers):,.{digits}f}"
    if len(numbers) == 1:
        return middle
    return f"{middle} [{min(numbers):,.{digits}f}–{max(numbers):,.{digits}f}]"


def verdict(good, target):
    return f"{target}: {'met' if good else 'missed'}"


def middle(numbers):
    return statistics.median(numbers) if numbers else None


def lead(ours, theirs):
    return middle(ours) / middle(theirs) if ours and theirs else None


def requests_table(runs):
    yield ("| whole replies, 64 connections | requests a second | server CPU µs per request | client CPU µs | what two "
           "whole cores would serve | weir made up is ahead | weir scripted is ahead |")
    yield "|---|---|---|---|---|---|---|"
    for who, title in PEERS.items():
        speed, cost = runs[who, "per_second"], runs[who, "server_us"]
        rate, ahead, scripted = shown(speed, 0), "", ""
        if who == "weir" and speed:
            rate += f" ({verdict(middle(speed) >= 30000, '≥ 30,000')})"
        times = lead(runs["weir", "per_second"], speed)
        if who in ("aimock", "mock-llm") and times:
            ahead = f"{times:.1f} × ({verdict(times >= 10, '≥ 10 ×')})"
            scripted = f"{lead(runs['scripted', 'per_second'], speed) or 0:.1f} ×"
        whole = shown([CORES * 1e6 / each for each in cost], 0)
        yield f"| {title} | {rate} | {shown(cost)} | {shown(runs[who, 'client_us'])} | {whole} | {ahead} | {scripted} |"


def streams_table(runs, sizes):
    def row(title, cell):
        kinds = ("streams", "streams scripted")
        return f"| {title} | " + " | ".join(cell(kind) if runs[kind, "p99_us"] else "–" for kind in kinds) + " |"

    def numbers(name, digits=0):
        return lambda kind: shown(runs[kind, name], digits)

    def judged(name, limit, digits):
        return lambda kind: (f"{shown(runs[kind, name], digits)} "
                             f"({verdict(middle(runs[kind, name]) < limit, f'< {limit:,}')})")

    def events(kind):
        came, expected = runs[kind, "events"], runs[kind, "expected"]
        return f"{sum(came):,} of {sum(expected):,} ({verdict(came == expected, 'every one')})"

    yield f"| {sizes.streams:,} streams, a token each 100 ms, {sizes.tokens} tokens each | made up | scripted |"
    yield "|---|---|---|"
    yield row("lateness of tokens p99, µs (in steps of 50)", judged("p99_us", 2000, 0))
    yield row("p50, µs", numbers("p50_us"))
    yield row("the latest, µs", numbers("max_us"))
    yield row("a bare timer of 1 ms on the same CPU just before: lateness p99, µs", numbers("sleeper_us"))
    yield row("memory of the simulator at its peak, MB", judged("rss_mb", 100, 1))
    yield row("events that came, of those expected, all rounds", events)
    yield row("CPU of the simulator, cores", numbers("server_share", 2))
    yield row("CPU of the client, cores", numbers("cpu_share", 2))


def prefix_table(runs, sizes):
    yield f"| {sizes.requests} requests, 8 at once | time to first token p50, ms | `prefix_cache_hits_total` grew by | `prefix_cache_queries_total` grew by |"
    yield "|---|---|---|---|"
    for kind, title in (("unshared", f"nothing shared, {PREFIX_TOKENS:,} tokens"), ("shared", f"the first {PREFIX_TOKENS:,} tokens shared")):
        yield f"| {title} | {shown(runs[kind, 'ttft_ms'])} | {shown(runs[kind, 'hits'], 0)} | {shown(runs[kind, 'queries'], 0)} |"
    if not (runs["shared", "ttft_ms"] and runs["unshared", "ttft_ms"]):
        return
    ratios = [a / b for a, b in zip(runs["shared", "ttft_ms"], runs["unshared", "ttft_ms"])]
    yield ""
    yield f"Time to first token, shared by unshared: {shown(ratios, 3)} ({verdict(statistics.median(ratios) <= 1 / 3, '≤ 1/3')})."


def section(runs, flags, sizes, load):
    place = ("server on CPU 0 with one thread, client on CPU 1" if sizes.threads == 1
             else f"server with {sizes.threads} threads, which share the cores with the client")
    return "\n".join([
        HEADING, "",
        f"`bench/simulator.py`, medians of {flags.rounds}, the range in brackets; load average {load} before, "
        f"{os.getloadavg()[0]:.2f} after.", "",
        "The same raw client asks every server for the same small chat (36 words, at most 16 tokens of reply), after 1,000",
        "requests to warm up. Nothing is pinned: client and server share the cores. *What two whole cores would serve* is 2 s",
        "by the server's CPU time per request; a rival is one process and would need a second one for it. The rivals answer",
        "from one rule with a fixed sentence, as weir does when it is scripted; else it writes 16 tokens per reply.", "",
        *requests_table(runs), "",
        f"Streams: {place}. They open over one second, so that their phases are spread",
        "evenly. Lateness is what `GET /sim/lateness` says, for every token from the first one on. The second column has a",
        "text from a script: the pace without the writing.", "",
        *streams_table(runs, sizes), "",
        "Prefix caching, `weir sim --profile 8b-h100` (modelled pace), time to first token as the client sees it:", "",
        *prefix_table(runs, sizes), ""])


def put(path, text):
    """In place of the section of the last time, else before documents.py's, else at the end."""
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    if HEADING in old:
        head, rest = old.split(HEADING, 1)
        tail = rest[rest.index("\n## ") + 1:] if "\n## " in rest else ""
    else:
        head, mark, tail = old.partition(NEXT)
        tail = mark + tail
    path.write_text(head.rstrip() + "\n\n" + text + ("\n" + tail if tail else ""), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one tiny round, only printed")
    parser.add_argument("--stream-threads", type=int, default=1, help="1: pinned to CPU 0, client to CPU 1")
    parser.add_argument("--out", default="bench/RESULTS.md")
    flags = parser.parse_args()
    sizes = (QUICK if flags.quick else FULL)._replace(threads=flags.stream_threads)
    if flags.quick:
        flags.rounds, flags.out = 1, ""

    runs, load = collections.defaultdict(list), f"{os.getloadavg()[0]:.2f}"
    with_rivals = rivals()
    if not with_rivals:
        say("bench: no node, or its packages cannot be installed: the rivals' rows stay empty")
    failed = False
    for number in range(flags.rounds):
        say(f"-- round {number + 1} of {flags.rounds}")
        steps = [(measure_requests, who) for who in PEERS if with_rivals or who not in ("aimock", "mock-llm")]
        steps += [(measure_streams, "streams"), (measure_streams, "streams scripted"), (measure_prefix, "prefix")]
        for step, what in steps:
            try:
                step(runs, what, flags.build, sizes)
            except (RuntimeError, OSError, subprocess.SubprocessError) as error:
                say(f"bench: {what}: {error}")
                failed = True
    text = section(runs, flags, sizes, load)
    print(text)
    if flags.out:
        put(ROOT / flags.out, text)
    sys.exit(failed)


if __name__ == "__main__":
    main()

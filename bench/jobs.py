#!/usr/bin/env python3
"""What a queue of jobs costs, and what it survives: parity with a bare load generator, jobs a second through an instant
engine, workers killed every second while the database is restarted, and memory over many rows.

usage: jobs.py [--build DIR] [--part parity|instant|kills|memory] [--jobs N] [--rows N] [--rounds N] [--out FILE]
"""
import argparse
import asyncio
import json
import os
import pathlib
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import runs

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/end_to_end"))
from postgres import Postgres  # noqa: E402

SAY = """
name: say
warmup: false
nodes:
  - {step: say, user: "say {{ n }}", choice: [red, green, blue]}
"""
PACED = "name: paced\n" + runs.PACED
CONCURRENCY = 16


def run(weir, *args):
    done = subprocess.run([weir, "jobs", *args], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done


def answered(url):
    with urllib.request.urlopen(url + "/metrics") as answer:
        page = answer.read().decode()
    return int(sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines()
                   if line.startswith("vllm:request_success_total")))


def queue(weir, store):
    found = json.loads(run(weir, "status", "--store", store, "-o", "json").stdout)["queues"][0]
    return {**found, **found["jobs"]}


def cpu_of(pid):
    """Of a process and its children that have ended."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


class Sqlite:
    """A store in a file, with the face of Postgres."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.url = f"sqlite:{self.folder.name}/jobs.db"
        return self

    def __exit__(self, *unused):
        self.folder.cleanup()


def parity(weir, rounds):
    """Tokens a second that a paced server gives a worker, over those it gives a bare generator."""
    def direct():
        sim = runs.Sim(weir)
        try:
            before, began = runs.generated(sim.url), time.monotonic()
            asyncio.run(runs.bare(sim.url))
            return (runs.generated(sim.url) - before) / (time.monotonic() - began)
        finally:
            sim.end()

    def worked(kind):
        sim = runs.Sim(weir)
        try:
            with kind() as store, tempfile.TemporaryDirectory() as folder:
                flow = runs.write(folder, "flow.yaml", PACED)
                run(weir, "submit", flow, "-i", runs.rows(folder, runs.CALLS), "--store", store.url)
                before, began = runs.generated(sim.url), time.monotonic()
                run(weir, "work", flow, "--store", store.url, "-e", sim.url, "--concurrency", str(runs.CONNECTIONS),
                    "--exit-when-empty", "--quiet", "--journal", folder + "/answers")
                return (runs.generated(sim.url) - before) / (time.monotonic() - began)
        finally:
            sim.end()

    lines = []
    for kind in (Sqlite, Postgres):
        ratio = statistics.median(worked(kind) / direct() for _ in range(rounds))
        lines.append(f"| parity, {kind.__name__} | {ratio:.3f} of a bare generator's tokens a second |")
    return lines


def instant(weir, jobs):
    """Jobs a second and CPU a job, engine and all, with an engine that answers at once."""
    lines = []
    for kind, workers in ((Sqlite, 1), (Postgres, 1), (Postgres, 2)):
        with kind() as store, tempfile.TemporaryDirectory() as folder:
            flow = runs.write(folder, "flow.yaml", SAY)
            runs.write(folder, "weir.yaml", "engines: {fast: {kind: sim, sim: {pace: instant}}}\n")
            began = time.monotonic()
            run(weir, "submit", flow, "-i", runs.rows(folder, jobs), "--store", store.url)
            submitted = jobs / (time.monotonic() - began)
            server = cpu_of(store.process.pid) if kind is Postgres else 0
            before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
            team = [subprocess.Popen([weir, "jobs", "work", flow, "--store", store.url, "-e", "fast", "--concurrency",
                                      "128", "--exit-when-empty", "--quiet", "--journal", folder + "/answers"],
                                     stderr=subprocess.DEVNULL) for _ in range(workers)]
            for process in team:
                if process.wait():
                    raise SystemExit("a worker failed")
            spent = time.monotonic() - began
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            time.sleep(0.5)  # until the backends have gone and count as the server's
            server = cpu_of(store.process.pid) - server if kind is Postgres else 0
            lines.append(f"| instant engine, {kind.__name__}, {workers} worker(s), {jobs:,} jobs | "
                         f"{submitted:,.0f} submitted/s, {jobs / spent:,.0f} worked/s; CPU a job: "
                         f"{own / jobs * 1e6:.0f} us worker and engine, {server / jobs * 1e6:.0f} us server |")
    return lines


def kills(weir, jobs):
    """kill -9 of a worker every second, on PostgreSQL also two crashes of the database."""
    lines = []
    for kind, workers in ((Postgres, 4), (Sqlite, 2)):
        chance, killed, restarts = random.Random(5), 0, 0
        with kind() as store, tempfile.TemporaryDirectory() as folder:
            sim = subprocess.Popen([weir, "sim", "--listen", "127.0.0.1:0", "--ttft", "120", "--itl", "0",
                                    "--max-num-seqs", "256"], stdout=subprocess.PIPE, text=True)
            url = sim.stdout.readline().split()[-1]
            flow = runs.write(folder, "flow.yaml", SAY)
            run(weir, "submit", flow, "-i", runs.rows(folder, jobs), "--store", store.url, "--max-crashes", "1000000")
            start = lambda: subprocess.Popen(
                [weir, "jobs", "work", flow, "--store", store.url, "-e", url, "--concurrency", str(CONCURRENCY),
                 "--exit-when-empty", "--quiet", "--lease", "3s", "--journal", folder + "/answers"],
                stderr=subprocess.DEVNULL)
            team = [start() for _ in range(workers)]
            began = time.monotonic()
            while any(process.poll() is None for process in team):
                time.sleep(1)
                open_jobs = queue(weir, store.url)
                done = open_jobs["done"] / jobs
                if kind is Postgres and restarts < 2 and done > (restarts + 1) / 3:
                    store.restart()
                    restarts += 1
                if done > 0.95:
                    continue  # the last ones may end in peace
                victim = chance.randrange(workers)
                team[victim].kill()
                team[victim].wait()
                killed += 1
                team[victim] = start()
            spent = time.monotonic() - began
            asked = answered(url)
            sim.terminate()
            sim.wait()
            run(weir, "export", "--store", store.url, "-o", folder + "/out.jsonl")
            ids = [json.loads(line)["id"] for line in open(folder + "/out.jsonl")]
            lost = jobs - len(set(ids))
            end = queue(weir, store.url)
            good = ids == [str(n) for n in range(jobs)] and end["done"] == jobs and asked - jobs <= killed * CONCURRENCY
            lines.append(f"| {killed} x kill -9, {restarts} crashes of the database, {kind.__name__}, {workers} workers, "
                         f"{jobs:,} jobs in {spent:.0f} s | {end['done']:,} results, {lost} lost, "
                         f"{len(ids) - len(set(ids))} twice, in order: {ids == sorted(ids, key=int)}; "
                         f"{asked - jobs} calls asked twice, {end['repeated_calls']} counted, "
                         f"at most {killed * CONCURRENCY} were in flight{'' if good else '; NOT GOOD'} |")
    return lines


def memory(weir, rows):
    """Peak memory of each step over many rows, on SQLite."""
    lines = []
    with Sqlite() as store, tempfile.TemporaryDirectory() as folder:
        flow = runs.write(folder, "flow.yaml", SAY)
        runs.write(folder, "weir.yaml", "engines: {fast: {kind: sim, sim: {pace: instant}}}\n")
        steps = (("submit", flow, "-i", runs.rows(folder, rows)),
                 ("work", flow, "-e", "fast", "--concurrency", "128", "--exit-when-empty", "--quiet"),
                 ("export", "-o", folder + "/out.jsonl"))
        for step in steps:
            began = time.monotonic()
            process = subprocess.Popen([weir, "jobs", *step, "--store", store.url], stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            if status:
                raise SystemExit(f"{step[0]} failed")
            lines.append(f"| {step[0]} of {rows:,} rows, Sqlite | {usage.ru_maxrss / 1024:.0f} MB, "
                         f"{time.monotonic() - began:.0f} s, {(usage.ru_utime + usage.ru_stime) / rows * 1e6:.0f} us CPU a row |")
        order = all(line.startswith(f'{{"id":"{n}"') for n, line in enumerate(open(folder + "/out.jsonl")))
        lines.append(f"| order of the export | {'as submitted' if order else 'WRONG'} |")
    return lines


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--part", action="append", choices=["parity", "instant", "kills", "memory"])
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", default="")
    flags = parser.parse_args()
    weir = os.path.abspath(f"{flags.build}/bin/weir")
    parts = {"parity": lambda: parity(weir, flags.rounds), "instant": lambda: instant(weir, flags.jobs),
             "kills": lambda: kills(weir, flags.jobs), "memory": lambda: memory(weir, flags.rows)}
    lines = [line for name in flags.part or parts for line in parts[name]()]
    page = ("# What a queue of jobs costs\n\nTwo cores, Debian 12; `bench/jobs.py` makes this page anew.\n\n"
            "| what | measured |\n|---|---|\n" + "\n".join(lines) + "\n")
    print(page)
    if flags.out:
        pathlib.Path(flags.out).write_text(page)


if __name__ == "__main__":
    main()

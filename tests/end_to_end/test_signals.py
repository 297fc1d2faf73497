"""SIGHUP: a worker reads its configuration again, other commands end as they do after a SIGTERM; nohup keeps it away."""
import contextlib
import json
import signal
import subprocess
import threading
import unittest

from harness import PATIENCE, WEIR, Case, Sim, does, environment, until, weir
from test_jobs_work import SAY, Gate, Workers, answered

ECHO = "warmup: false\nnodes: [{step: first, user: 'first {{ n }}'}]\n"
READS = "SIGHUP: the configuration is read again"


def ignore_hangup():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


@contextlib.contextmanager
def patience_with(process):
    """Who reads what it says does not wait for ever."""
    timer = threading.Timer(PATIENCE, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Worker(Workers):
    def config(self, url):
        self.write("next.yaml", f"engines: {{it: {{kind: vllm, base_url: '{url}/v1', model: sim-model}}}}\n")
        (self.folder / "next.yaml").rename(self.folder / "weir.yaml")

    def start(self):
        return self.worker("--exit-when-empty", "--concurrency", "4", "-e", "it", stderr=subprocess.PIPE)

    def hears(self, process, text):
        """What the worker has said until it said that."""
        said = ""
        with patience_with(process):
            while text not in said:
                line = process.stderr.readline()
                self.assertTrue(line, said)
                said += line
        return said

    def hang_up(self, process):
        """What the worker has said until it knows of it."""
        process.send_signal(signal.SIGHUP)
        return self.hears(process, READS)

    def rest(self, process):
        """What the worker says until it ends. Not communicate(): lines that came at once with those that were heard
        are in the buffer of the stream."""
        with patience_with(process):
            said = process.stderr.read()
        process.wait(PATIENCE)
        return said

    def test_reads_its_configuration_again_at_once(self):
        self.submit(SAY, 40)
        with Sim("--instant") as first, Sim("--instant") as second, Gate(first, 10) as gate:
            self.config(gate.url)
            process = self.start()
            until(lambda: answered(first) >= 10, "ten jobs are done")
            self.config(second.url)
            said = self.hang_up(process)
            gate.open.set()
            said += self.rest(process)
            self.assertEqual(process.returncode, 0, said)
            # Those that were under way end where they began.
            self.assertLessEqual(answered(first), 14, said)
            self.assertEqual(answered(first) + answered(second), 40)
        self.assertEqual(self.queue()["done"], 40)

    def test_goes_on_with_what_it_has_where_that_cannot_be_read(self):
        self.submit(SAY, 40)
        with Sim("--instant") as sim, Gate(sim, 10) as gate:
            self.config(gate.url)
            process = self.start()
            until(lambda: answered(sim) >= 10, "ten jobs are done")
            self.write("weir.yaml", "engines: {it: {bose_url: x}}\n")
            said = self.hang_up(process)
            gate.open.set()
            said += self.rest(process)
            self.assertEqual(process.returncode, 0, said)
            self.assertEqual(answered(sim), 40)
        self.assertEqual(said.count("the configuration of say cannot be used"), 1, said)
        self.assertIn("bose_url", said)

    def test_reads_what_the_configuration_names_again_also_without_a_job(self):
        self.submit(SAY, 1)
        cards = self.folder / "cards.yaml"
        cards.write_text("cards: []\n")
        self.write("weir.yaml", f"model_cards: {cards}\nengines: {{it: {{kind: sim, sim: {{pace: instant}}}}}}\n")
        process = self.worker("-e", "it", stderr=subprocess.PIPE)
        until(lambda: self.queue()["done"] == 1, "the job is done")
        cards.write_text("cards: 7\n")
        self.hang_up(process)
        self.assertIn("cards.yaml", self.hears(process, "the configuration of say cannot be used"))
        process.send_signal(signal.SIGTERM)
        said = self.rest(process)
        self.assertEqual(process.returncode, 0, said)

    def test_ignores_it_under_nohup(self):
        self.submit(SAY, 1)
        self.write("weir.yaml", "engines: {it: {kind: sim, sim: {pace: instant}}}\n")
        process = subprocess.Popen([WEIR, "jobs", "work", self.flow, "--store", self.store, "-e", "it"],
                                   preexec_fn=ignore_hangup, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, text=True, env=environment(), cwd=self.folder)
        self.processes.append(process)
        until(lambda: self.queue()["done"] == 1, "the job is done")
        process.send_signal(signal.SIGHUP)
        self.assertTrue(does(process, "SigIgn", signal.SIGHUP))
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=PATIENCE)[1]
        self.assertEqual(process.returncode, 0, said)
        self.assertNotIn(READS, said)


class Run(Case):
    def start(self, **how):
        flow = self.write("flow.yaml", ECHO)
        self.out = self.folder / "out"
        process = subprocess.Popen([WEIR, "run", flow, "-o", str(self.out), "-e", "sim"], stdin=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=environment(), **how)
        process.stdin.write(b'{"n": 1}\n{"n"')
        process.stdin.flush()
        until((self.out / "first").exists, "the first row is written")
        return process

    def state(self):
        return json.loads((self.out / "run.json").read_text())["state"]

    def test_stops_and_can_be_gone_on_with(self):
        process = self.start()
        process.send_signal(signal.SIGHUP)
        self.assertEqual(process.wait(PATIENCE), 4)
        said = process.communicate(timeout=PATIENCE)[1]
        self.assertIn(b"--resume", said)
        self.assertNotEqual(self.state(), "running")
        done = weir("run", "--resume", str(self.out), stdin='{"n": 1}\n{"n": 2}\n')
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_ignores_it_under_nohup(self):
        process = self.start(preexec_fn=ignore_hangup)
        process.send_signal(signal.SIGHUP)
        self.assertTrue(does(process, "SigIgn", signal.SIGHUP))
        said = process.communicate(b": 2}\n", timeout=PATIENCE)[1]
        self.assertEqual(process.returncode, 0, said)


class Others(Case):
    """Those that have no engine to ask."""

    def hung_up(self, *args, stdin=subprocess.DEVNULL, **how):
        """Starts it, hangs up as soon as it can be, and gives the process."""
        process = subprocess.Popen([WEIR, *args], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=environment(), cwd=self.folder, **how)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        until(lambda: does(process, "SigIgn" if how else "SigCgt", signal.SIGHUP), "it can be hung up on")
        return process

    def test_the_simulator_ends_its_streams_and_leaves_no_socket(self):
        process = self.hung_up("sim", "--listen", f"unix:{self.folder}/sim.sock")
        until((self.folder / "sim.sock").exists, "it listens")
        process.send_signal(signal.SIGHUP)
        self.assertEqual(process.wait(PATIENCE), 0)
        self.assertFalse((self.folder / "sim.sock").exists())

    def test_a_submission_says_how_far_it_came(self):
        self.write("flow.yaml", ECHO)
        process = self.hung_up("jobs", "submit", "flow.yaml", "--store", "sqlite:jobs.db", stdin=subprocess.PIPE)
        process.send_signal(signal.SIGHUP)
        self.assertEqual(process.wait(PATIENCE), 4)
        self.assertIn(b"stopped after 0 rows; the same command goes on", process.stderr.read())

    def test_an_export_that_waits_writes_nothing(self):
        self.write("flow.yaml", ECHO)
        weir("jobs", "submit", "flow.yaml", "--store", "sqlite:jobs.db", stdin='{"n": 1}\n', cwd=self.folder)
        process = self.hung_up("jobs", "export", "--wait", "-o", "out.jsonl", "--store", "sqlite:jobs.db")
        process.send_signal(signal.SIGHUP)
        self.assertEqual(process.wait(PATIENCE), 4)
        self.assertIn(b"nothing was written", process.stderr.read())
        self.assertFalse((self.folder / "out.jsonl").exists())

    def test_ignore_it_under_nohup(self):
        self.write("flow.yaml", ECHO)
        process = self.hung_up("jobs", "submit", "flow.yaml", "--store", "sqlite:jobs.db", stdin=subprocess.PIPE,
                               preexec_fn=ignore_hangup)
        until(lambda: does(process, "SigCgt", signal.SIGTERM), "it can be told to end")
        self.assertTrue(does(process, "SigIgn", signal.SIGHUP))
        process.send_signal(signal.SIGHUP)
        said = process.communicate(b'{"n": 1}\n', timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, said)


class Call(Case):
    def test_is_cancelled(self):
        with Sim("--ttft", "600000") as sim:
            process = subprocess.Popen([WEIR, "call", "-e", sim.url, "hi"], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
            until(lambda: does(process, "SigCgt", signal.SIGTERM), "it can be told to end")
            until(lambda: does(process, "SigCgt", signal.SIGHUP), "it can be hung up on")
            process.send_signal(signal.SIGHUP)
            self.assertEqual(process.wait(PATIENCE), 4)


if __name__ == "__main__":
    unittest.main()

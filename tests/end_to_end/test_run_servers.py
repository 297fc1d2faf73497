"""weir run with engines of its own: started when they are needed, gone afterwards, whatever happens."""
import json
import pathlib
import signal
import unittest

from harness import PATIENCE, free_port, until
from test_servers import Servers, members

FLOW = """
warmup: false
nodes:
  - {step: s1, engine: a, user: "{{ n }}", choice: [x, y]}
  - {step: s2, engine: a, user: "{{ s1 }}", choice: [x, y]}
  - {step: s3, engine: b, user: "{{ s2 }}", choice: [x, y]}
  - {step: s4, engine: a, user: "{{ s3 }}", choice: [x, y]}
"""


class RunsWithServers(Servers):
    def setUp(self):
        super().setUp()
        (self.folder / "flow.yaml").write_text(FLOW)
        (self.folder / "rows.jsonl").write_text("".join(f'{{"n": {n}}}\n' for n in range(6)))

    def engines(self, lifecycle):
        engines = "".join(
            f"  {name}: {{kind: vllm, model: {name}-model, serve: {{lifecycle: {lifecycle}, port: {free_port()},"
            f" stop_timeout: 5}}}}\n" for name in ("a", "b"))
        (self.folder / "weir.yaml").write_text("engines:\n" + engines)

    def told(self):
        kept = ("engine.start", "engine.stop")
        rows = map(json.loads, (self.folder / "out/events.jsonl").read_text().splitlines())
        return [f'{row["engine"]} {row["event"][7:]}' for row in rows if row["event"] in kept]

    def groups_of_run(self):
        rows = map(json.loads, (self.folder / "out/events.jsonl").read_text().splitlines())
        return {row["pid"] for row in rows if row["event"] == "engine.start"}

    def test_lazy_engines_start_and_stop_in_the_order_of_the_nodes(self):  # R-PRC-04
        self.engines("lazy")
        done = self.run_weir("run", "flow.yaml", "-i", "rows.jsonl", "-o", "out")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.told(), ["a start", "a stop", "b start", "b stop", "a start", "a stop"])
        for group in self.groups_of_run():
            self.assertEqual(members(group), [])
        rows = (self.folder / "out/s4/000.jsonl").read_text().splitlines()
        self.assertEqual(len(rows), 6)

    def test_persistent_engines_live_for_the_whole_run(self):  # R-PRC-05
        self.engines("persistent")
        done = self.run_weir("run", "flow.yaml", "-i", "rows.jsonl", "-o", "out")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(self.told()[:2]), ["a start", "b start"])
        self.assertEqual(sorted(self.told()[2:]), ["a stop", "b stop"])
        for group in self.groups_of_run():
            self.assertEqual(members(group), [])

    def test_a_run_that_is_killed_leaves_no_server_and_goes_on_with_a_new_one(self):
        self.engines("lazy")
        process = self.start("run", "flow.yaml", "-i", "rows.jsonl", "-o", "out",
                             WEIR_SIM_FLAGS="--ttft 5000")
        server = until(lambda: self.state(), "a server runs")[0]
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=PATIENCE)
        self.assert_ended(server["pgid"])
        done = self.run_weir("run", "--resume", "out")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len((self.folder / "out/s4/000.jsonl").read_text().splitlines()), 6)

    def test_who_ends_weir_by_its_command_line_leaves_no_server_either(self):
        self.engines("lazy")
        process = self.start("run", "flow.yaml", "-i", "rows.jsonl", "-o", "out", WEIR_SIM_FLAGS="--ttft 5000")
        server = until(lambda: self.state(), "a server runs")[0]
        words = pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes()
        # Behind a fork they look alike for a moment.
        until(lambda: self.alike(words) == [process.pid], "weir stands alone")
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=PATIENCE)
        self.assert_ended(server["pgid"])

    def alike(self, words):
        return [int(path.parent.name) for path in pathlib.Path("/proc").glob("[0-9]*/cmdline")
                if self.bytes_of(path) == words]

    @staticmethod
    def bytes_of(path):
        try:
            return path.read_bytes()
        except OSError:  # it has ended meanwhile
            return b""

    def test_a_server_that_does_not_start_ends_the_run_with_its_log(self):
        (self.folder / "weir.yaml").write_text(
            "engines:\n"
            "  a: {kind: vllm, model: m, serve: {command: [sh, -c, 'echo CUDA out of memory; exit 1']}}\n"
            "  b: {kind: sim}\n")
        done = self.run_weir("run", "flow.yaml", "-i", "rows.jsonl", "-o", "out")
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("CUDA out of memory", done.stderr)


if __name__ == "__main__":
    unittest.main()

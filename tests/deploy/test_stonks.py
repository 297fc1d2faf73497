"""examples/stonks, as its README tells it."""
import json
import os
import pathlib
import shlex
import subprocess
import tempfile
import unittest

import yaml

from chart import ROOT
from harness import PATIENCE, WEIR, jobs_help, weir

EXAMPLE = ROOT / "examples" / "stonks"
NODES = {"extract": "fact", "classify": "event_class"}


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


class Stonks(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        (self.folder / "examples").symlink_to(ROOT / "examples")

    def good(self, *words, **environment):
        done = weir(*words, cwd=self.folder, **environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def expected(self, flow):
        """What is expected of a flow, by row: the values of its node."""
        values = {}
        for line in lines(EXAMPLE / "expected" / NODES[flow] / "000.jsonl"):
            row = line.pop("row_id")
            values[row] = line["text"] if flow == "classify" else line
        return values

    def running(self, environment):
        said = json.loads(self.good("jobs", "status", "-o", "json", **environment).stdout)
        return {queue["name"]: queue["jobs"]["running"] for queue in said["queues"]}["extract"]

    def test_both_flows_give_what_is_expected(self):
        for flow, node in NODES.items():
            self.good("flow", "check", f"examples/stonks/{flow}.yaml")
            self.good("run", f"examples/stonks/{flow}.yaml", "-i", "examples/stonks/rows.jsonl", "-o", flow)
            made = (self.folder / flow / node / "000.jsonl").read_text()
            self.assertEqual(made, (EXAMPLE / "expected" / node / "000.jsonl").read_text())

    def test_the_texts_that_are_read_are_those_that_were_given(self):
        rows = {row["id"]: row["document_text"] for row in lines(EXAMPLE / "rows.jsonl")}
        self.assertEqual(len(rows), 12)
        for flow in NODES:
            self.assertEqual(self.expected(flow).keys(), rows.keys())
        for row, fact in self.expected("extract").items():
            self.assertTrue(fact["company"] is None or fact["company"] in rows[row])

    def test_the_readme_switches_a_queue_while_it_is_worked(self):
        jobs_help("work")
        commands = [line[4:] for line in (EXAMPLE / "README.md").read_text().splitlines()
                    if line.startswith(("    weir jobs", "    export"))]
        environment = dict(word.split("=", 1) for word in shlex.split(commands.pop(0))[1:])
        worker = None
        for command in commands:
            words = shlex.split(command)[1:]
            if words[-1] == "&":
                worker = subprocess.Popen([WEIR, *words[:-1]], cwd=self.folder, stderr=subprocess.PIPE, text=True,
                                          stdin=subprocess.DEVNULL,
                                          env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **environment})
                self.addCleanup(worker.stderr.close)
                self.addCleanup(worker.kill)
                while not self.running(environment):  # else the switch might come before the first job
                    self.assertIsNone(worker.poll())
            else:
                self.good(*words, **environment)
        said = worker.communicate(timeout=PATIENCE)[1]
        self.assertEqual(worker.returncode, 0, said)
        for flow, file in (("extract", "facts.jsonl"), ("classify", "classes.jsonl")):
            made = lines(self.folder / file)
            self.assertEqual([line["id"] for line in made], [row["id"] for row in lines(EXAMPLE / "rows.jsonl")])
            self.assertEqual({line["id"]: line["result"][NODES[flow]] for line in made}, self.expected(flow))
            # Whoever made a record is who it says, also in the middle of the switch.
            who = {(line["metadata"]["variant_id"], line["metadata"]["engine"]) for line in made}
            self.assertLessEqual(who, {("", "main"), ("v2", "second")} if flow == "extract" else {("v1", "main")})
        switched = [line for line in lines(self.folder / "facts.jsonl") if line["metadata"]["variant_id"] == "v2"]
        self.assertTrue(switched, said)
        self.assertIn("variant v2", said)

    def test_what_is_commented_out_is_right_too(self):
        """The servers of weir.yaml, and the further choices of overlay.yaml."""
        text = (EXAMPLE / "weir.yaml").read_text()
        kept = [line.replace("# ", "", 1) for line in text.splitlines() if line.startswith("  # ") and "{" in line]
        self.assertEqual(len(kept), 2)
        file = self.folder / "weir.yaml"
        file.write_text("engines:\n" + "\n".join(kept) + "\n")
        self.good("config", "check", file)
        overlay = (EXAMPLE / "overlay.yaml").read_text()
        for line in overlay.splitlines():
            if "{" in line:
                agent, = yaml.safe_load(line.removeprefix("# ")).values()
                self.assertLessEqual(agent.keys(), {"variant", "engine", "model", "provider"})


if __name__ == "__main__":
    unittest.main()

"""The programs of examples/ as their head comments start them, and its flows as their READMEs do."""
import json
import os
import re
import shlex
import shutil
import subprocess
import unittest
import urllib.request

from harness import PATIENCE, ROOT, WEIR, Case, Sim, environment, weir


def run(name, *args, stdin=""):
    program = os.path.join(os.path.dirname(WEIR), f"example_{name}")
    return subprocess.run([program, *args], input=stdin, capture_output=True, text=True, timeout=PATIENCE,
                          env=environment())


class Examples(Case):
    def sim(self, script):
        return Sim("--instant", "--scenario", self.write("script.yaml", script))

    def good(self, done):
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_stream_prints_the_answer_or_leaves_it(self):
        with self.sim("[{reply: {text: one two three four five}}]") as sim:
            self.assertEqual(self.good(run("stream", sim.url, "hi")), "one two three four five\n(6 tokens)\n")
            self.assertEqual(self.good(run("stream", sim.url, "hi", "4")).splitlines()[-1], "(that is enough)")

    def test_extract_fills_a_struct(self):
        with self.sim("""[{reply: {text: '{"name": "Ada", "age": 36, "skills": ["mathematics"]}'}}]""") as sim:
            self.assertEqual(self.good(run("extract", sim.url, "Ada, 36")), "Ada is 36 and can do 1 things\n")

    def test_agent_calls_its_tools(self):
        with self.sim("[{match: {turn: 3}, reply: {text: In Rome.}},"
                      " {match: {turn: 2}, reply: {tool_calls: [{name: weather, arguments: {city: Rome}}]}},"
                      " {reply: {tool_calls: [{name: weather, arguments: {city: Atlantis}}]}}]") as sim:
            said = self.good(run("agent", sim.url, "Where is it warm?")).splitlines()
        self.assertIn("there is no station; try Rome or Oslo", said[0])
        self.assertIn('-> {"sky":"clear","degrees":24.5}', said[1])
        self.assertEqual(said[2:], ["In Rome.", "(3 turns, 2 calls)"])

    def test_chat_remembers(self):
        with self.sim("[{match: {turn: 2, contains: first question, system: one sentence}, reply: {text: second}},"
                      " {match: {turn: 1}, reply: {text: first}}]") as sim:
            said = self.good(run("chat", sim.url, stdin="first question\nand now?\n"))
        self.assertEqual(said, "first\nsecond\n(4 messages)\n")

    def test_a_ticket_goes_to_the_adapter_of_its_class(self):
        script = """
- {match: {last_user: What is this ticket about, contains: charged}, reply: {text: billing}}
- {match: {last_user: What is this ticket about}, reply: {text: other}}
- {match: {model: billing-lora, system: Solve}, reply: {text: We pay it back.}}
- {match: {system: Solve}, reply: {text: Turn it off and on.}}
"""
        shell = [str(ROOT / "examples/solve_ticket.sh")]
        path = self.write("script.yaml", script)
        with Sim("--instant", "--scenario", path, "--adapter", "billing-lora", "--adapter", "network-lora") as sim:
            for ticket, said in (("I was charged twice.", "[billing, billing-lora]\nWe pay it back.\n"),
                                 ("It is slow.", "[other, base model]\nTurn it off and on.\n")):
                self.assertEqual(self.good(run("solve_ticket", sim.url, ticket)), said)
                done = subprocess.run([*shell, sim.url, ticket], capture_output=True, text=True, timeout=PATIENCE,
                                      env=environment(WEIR_BIN=WEIR))
                self.assertEqual(self.good(done), said)

    def test_what_is_wrong_is_said_on_stderr(self):
        for name in ("ask", "stream", "extract", "agent", "solve_ticket"):
            self.assertEqual(run(name).returncode, 64)
            wrong = run(name, "nowhere", "hi")
            self.assertIn(wrong.returncode, (2, 3))
            self.assertIn("there is no engine 'nowhere'", wrong.stderr)


FLOWS = ("clinical_qa", "translate_and_digest", "ticket_routing", "extract_invoices")


class Flows(Case):
    """WEIR_UPDATE_GOLDEN=1 writes expected/ anew."""

    def setUp(self):
        super().setUp()
        (self.folder / "examples").symlink_to(ROOT / "examples")

    def weir(self, *args):
        done = weir(*args, cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def commands(self, name):
        """What the README tells to run; those that need somebody's server left out."""
        lines = (ROOT / "examples" / name / "README.md").read_text().splitlines()
        commands = [shlex.split(line)[1:] for line in lines if line.startswith("    weir ")]
        self.assertTrue(commands)
        return [command for command in commands if "-e" not in command]

    def check(self, name, out):
        """The nodes' files of a run are those of expected/, byte by byte."""
        expected = ROOT / "examples" / name / "expected"
        made = {path.relative_to(out): path.read_bytes() for path in out.glob("*/*.jsonl")
                if path.parent.name != "flattened"}
        self.assertFalse((out / "errors.jsonl").exists())
        if os.environ.get("WEIR_UPDATE_GOLDEN"):
            shutil.rmtree(expected, ignore_errors=True)
            for path, content in made.items():
                (expected / path).parent.mkdir(parents=True, exist_ok=True)
                (expected / path).write_bytes(content)
        kept = {path.relative_to(expected): path.read_bytes() for path in expected.glob("*/*")}
        self.assertEqual(sorted(made), sorted(kept))
        for path, content in made.items():
            self.assertEqual(content.decode(), kept[path].decode(), f"{name}: {path}")

    def test_the_commands_of_the_readmes_give_what_is_expected(self):
        for name in FLOWS:
            with self.subTest(name):
                self.weir("flow", "check", f"examples/{name}")
                first, *others = self.commands(name)
                out = self.folder / f"out-{name}"
                self.weir(*first[:-1], str(out))  # the last word is the folder
                self.check(name, out)
                for command in others:
                    self.weir(*command)

    def test_what_the_readmes_show_is_there(self):
        for name in FLOWS:
            folder = ROOT / "examples" / name
            said = "".join(path.read_text() for path in folder.glob("expected/*/*.jsonl")).splitlines()
            shown = [line.strip() for line in (folder / "README.md").read_text().splitlines() if '{"row_id"' in line]
            self.assertTrue(shown)
            for line in shown:
                self.assertIn(line, said, name)

    def test_one_line_changes_to_a_server(self):
        """The commented line of weir.yaml instead of the next, with a server's address: the same outputs."""
        for name in FLOWS:
            with self.subTest(name):
                copy = self.folder / name
                shutil.copytree(ROOT / "examples" / name, copy)
                config = (copy / "weir.yaml").read_text()
                config, changes = re.subn(r"  # (main: .*)\n  main: .*\n", r"  \1\n", config)
                self.assertEqual(changes, 1)
                with Sim("--instant", "--scenario", str(copy / "scenario.yaml")) as sim:
                    (copy / "weir.yaml").write_text(config.replace("http://gpu-1:8000", sim.url))
                    out = self.folder / f"out-{name}"
                    rows = ["-i", str(copy / "rows.jsonl")] if (copy / "rows.jsonl").exists() else []
                    self.weir("run", str(copy), *rows, "-o", str(out))
                self.check(name, out)

    def test_a_scenario_that_is_not_there_is_named(self):
        self.write("weir.yaml", "engines: {main: {kind: sim, sim: {scenario: none.yaml}}}")
        done = weir("call", "hi", cwd=self.folder)
        self.assertEqual(done.returncode, 3)
        self.assertIn("there is no file none.yaml; check `sim.scenario` of engine main", done.stderr)


AGENTS = ("lint", "docstring", "sample_data", "test_writer", "solve_ticket")


class Agents(Case):
    def setUp(self):
        super().setUp()
        shutil.copytree(ROOT / "examples", self.folder / "examples")  # tools write: no link to the sources

    def weir(self, *args):
        done = weir(*args, cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def test_the_commands_of_the_readmes_hand_in_what_is_expected(self):
        for name in AGENTS:
            with self.subTest(name):
                self.weir("agent", "check", f"examples/{name}")
                lines = (ROOT / "examples" / name / "README.md").read_text().splitlines()
                command = shlex.split(next(line for line in lines if line.startswith("    weir run")))[1:]
                out = self.folder / f"out-{name}"
                self.weir(*command[:-1], str(out))
                self.assertFalse((out / "errors.jsonl").exists())
                made = {}
                for path in sorted(out.glob("*/0*.jsonl")):
                    if path.parent.name != "flattened":
                        made[path.relative_to(out)] = "".join(sorted(path.read_text().splitlines(True)))
                expected = ROOT / "examples" / name / "expected"
                if os.environ.get("WEIR_UPDATE_GOLDEN"):
                    shutil.rmtree(expected, ignore_errors=True)
                    for path, text in made.items():
                        (expected / path).parent.mkdir(parents=True, exist_ok=True)
                        (expected / path).write_text(text)
                kept = {path.relative_to(expected): path.read_text() for path in expected.glob("*/*")}
                self.assertEqual(made, kept)

    def test_nothing_of_the_source_changes_before_the_review(self):
        before = {path: path.read_bytes() for path in (self.folder / "examples/lint/src").rglob("*.py")}
        self.assertEqual(len(before), 6)
        for rows in ((), ("--files", "examples/lint/src/**")):
            self.weir("run", "examples/lint", *rows, "-o", str(self.folder / f"out{len(rows)}"))
            self.assertEqual(before, {path: path.read_bytes() for path in before})

    def test_three_models_are_named_on_the_wire(self):
        copy = self.folder / "copy"
        shutil.copytree(ROOT / "examples/solve_ticket", copy)
        flags = ("--adapter", "billing-lora", "--adapter", "network-lora", "--scenario", str(copy / "scenario.yaml"))
        with Sim("--instant", *flags) as sim:
            adapters = "adapters: {billing-lora: , network-lora: }"
            engine = f"{{kind: vllm, base_url: '{sim.url}', model: sim-model, {adapters}}}"
            (copy / "weir.yaml").write_text(f"engines: {{main: {engine}}}")
            self.weir("run", str(copy), "-i", str(copy / "rows.jsonl"), "-o", str(self.folder / "out"))
            said = urllib.request.urlopen(sim.url + "/sim/requests").read()
        models = {json.loads(one["body"])["model"] for one in json.loads(said)
                  if one["target"] == "/v1/chat/completions"}
        self.assertEqual(models, {"sim-model", "billing-lora", "network-lora"})


if __name__ == "__main__":
    unittest.main()

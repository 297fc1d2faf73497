"""`weir config import` as a user meets it: where text and notes go, and what is never overwritten."""
import json
import pathlib
import unittest

from harness import Case, ROOT, weir

BASIC = ROOT / "tests/config/import/providers/basic.yaml"
BUNDLE = ROOT / "tests/config/import/agents/tidy"
FLOW = """
files: {glob: "src/*.py", unit: function}
nodes: [{agent: tidy, definition: agents/tidy.yaml}]
"""
SCRIPT = """
- {match: {turn: 1}, reply: {tool_calls: [{name: count_lines, arguments: {}}]}}
- {match: {turn: 2}, reply: {tool_calls: [{name: mend, arguments: {lines: [2]}}]}}
- {reply: {tool_calls: [{name: submit_result, arguments: {summary: tidied}}]}}
"""
LINES = "export VLLM_BASE_URL=http://gpu-1:8000\nOLLAMA_MODEL=m\nPORT=1\n"


class Import(Case):
    def test_the_file_goes_to_stdout_and_the_notes_to_stderr(self):
        done = weir("config", "import", "amplifier", str(BASIC))
        self.assertEqual(done.returncode, 0)
        self.assertIn("api: completions", done.stdout)
        self.assertIn("basic.yaml:3:5: providers.source is only recorded here", done.stderr)

    def test_what_comes_out_is_checked_by_weir(self):
        path = str(self.folder / "weir.yaml")
        done = weir("config", "import", "stonks-env", "-", "-o", path, stdin=LINES)
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertIn("stdin:3:1: PORT is not carried", done.stderr)
        self.assertIn("2 engines", weir("config", "check", path).stdout)

    def test_a_file_that_is_there_stays_as_it_is(self):
        path = self.write("weir.yaml", "mine")
        done = weir("config", "import", "stonks-env", "-", "-o", path, stdin=LINES)
        self.assertEqual(done.returncode, 3)
        self.assertIn("is there already", done.stderr)
        self.assertEqual(pathlib.Path(path).read_text(), "mine")

    def test_a_wrong_value_is_told_with_its_line(self):
        done = weir("config", "import", "remora", "-", stdin="runner:\n  temperature: 9\n")
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("stdin:2:3: runner.temperature does not fit", done.stderr)

    def test_a_bundle_of_an_agent_becomes_a_definition_that_passes_its_check(self):
        path = str(self.folder / "tidy.yaml")
        done = weir("config", "import", "remora", str(BUNDLE), "-o", path)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        self.assertIn("bundle.yaml:37:1: priority is not carried", done.stderr)
        checked = weir("agent", "check", path)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        self.assertNotIn("warning", checked.stdout)
        again = weir("config", "import", "remora", str(BUNDLE / "bundle.yaml"), "-o", path)
        self.assertEqual(again.returncode, 3)

    def test_the_scripts_of_a_bundle_run_as_tools_of_the_agent(self):
        (self.folder / "agents").mkdir()
        (self.folder / "src").mkdir()
        weir("config", "import", "remora", str(BUNDLE), "-o", "agents/tidy.yaml", cwd=self.folder)
        definition = self.folder / "agents/tidy.yaml"
        # The simulator has one model, and no adapters.
        definition.write_text(definition.read_text().replace("adapter: tidy\n", "")
                              .replace("model: Qwen/Qwen3-4B\n", ""))
        self.write("flow.yaml", FLOW)
        self.write("script.yaml", SCRIPT)
        self.write("weir.yaml", "engines: {sim: {kind: sim, sim: {pace: instant, scenario: script.yaml}}}\n")
        self.write("src/a.py", "def f():\n    return 1   \n")
        checked = weir("flow", "check", "flow.yaml", cwd=self.folder)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        done = weir("run", "flow.yaml", "-o", "out", "--auto-accept", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.folder / "src/a.py").read_text(), "def f():\n    return 1\n")
        transcript, = (self.folder / "out/agents/tidy").glob("*.json")
        said = [part for message in json.loads(transcript.read_text())["messages"]
                if message["role"] == "tool" for part in [json.dumps(message)]]
        self.assertIn('src/a.py', said[0])
        self.assertIn("no blanks at the ends of lines", said[1])
        self.assertIn('mended', said[1])

    def test_a_value_that_no_agent_takes_is_told_with_the_line_of_the_bundle(self):
        done = weir("config", "import", "remora", "-", stdin="tools: []\nmax_turns: 0\n")
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("stdin:2:1: max_turns does not fit", done.stderr)

    def test_an_unknown_word_is_a_usage_error(self):
        self.assertEqual(weir("config", "import", "chainete", "-", stdin="").returncode, 64)


if __name__ == "__main__":
    unittest.main()

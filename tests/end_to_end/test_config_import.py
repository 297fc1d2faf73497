"""`weir config import` as a user meets it: where text and notes go, and what is never overwritten."""
import pathlib
import unittest

from harness import Case, ROOT, weir

BASIC = ROOT / "tests/config/import/providers/basic.yaml"
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

    def test_an_unknown_word_is_a_usage_error(self):
        self.assertEqual(weir("config", "import", "chainete", "-", stdin="").returncode, 64)


if __name__ == "__main__":
    unittest.main()

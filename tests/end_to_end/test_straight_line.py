"""The straight line of ARCHITECTURE.md is the one that a call really takes."""
import json
import re
import unittest

from harness import ROOT, Case, Sim, weir

ROW = re.compile(r"^\| \d+ \| `([a-z]+\.[a-z.]+)` \| `([^`]+)` \|")


def table():
    rows = [ROW.match(line) for line in (ROOT / "ARCHITECTURE.md").read_text().splitlines()]
    return [(row[1], row[2]) for row in rows if row]


class StraightLine(Case):
    def spans(self, *flags):
        events = self.folder / "events.jsonl"
        with Sim("--instant") as sim:
            done = weir("call", "-e", sim.url, "--events", str(events), *flags, "hi")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [json.loads(line) for line in events.read_text().splitlines()]
        return [line for line in lines if line["event"] == "span.start"]

    def test_spans_of_a_call_are_those_of_the_table_in_their_order(self):
        names = [span["span"] for span in self.spans()]
        self.assertEqual(names, [span for span, _ in table()])

    def test_a_whole_reply_takes_the_same_line(self):
        names = [span["span"] for span in self.spans("--no-stream")]
        self.assertEqual(names, [span for span, _ in table()])

    def test_the_files_of_the_table_exist(self):
        for span, file in table():
            self.assertTrue((ROOT / file).is_file(), f"{span}: {file}")

    def test_the_root_span_encloses_all_others(self):
        spans = self.spans()
        self.assertEqual(spans[0]["parent"], 0)
        known = {spans[0]["id"]}
        for span in spans[1:]:
            self.assertIn(span["parent"], known)
            known.add(span["id"])


if __name__ == "__main__":
    unittest.main()

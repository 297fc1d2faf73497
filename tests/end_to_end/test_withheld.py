"""Answers that are not given: the model refuses, or the server filters."""
import json
import unittest

from harness import Case, Sim, weir

WITHHELD = """
- match: {last_user: nope}
  reply: {refusal: I cannot do that.}
- match: {last_user: city}
  reply: {text: '{"city":"B', finish: content_filter}
- match: {last_user: half}
  reply: {text: Half an answ, finish: content_filter}
- match: {last_user: nothing}
  reply: {text: "", finish: content_filter}
"""
ENGINES = """
engines:
  o: {kind: openai, base_url: URL, model: sim-model, api_key: x}
  responses: {kind: openai, api: responses, base_url: URL, model: sim-model, api_key: x}
  v: {kind: vllm, base_url: URL, model: sim-model}
"""


class Withheld(Case):
    def setUp(self):
        super().setUp()
        sim = Sim("--instant", "--dialect", "openai", "--scenario", self.write("script.yaml", WITHHELD))
        self.config = self.write("weir.yaml", ENGINES.replace("URL", sim.__enter__().url))
        self.addCleanup(sim.__exit__)
        self.schema = self.write("c.json", '{"type": "object", "properties": {"city": {"type": "string"}}}')

    def call(self, engine, *args):
        return weir("--config", self.config, "call", "-e", engine, *args)

    def test_a_refusal_is_printed_streamed_or_whole(self):
        for engine in ("o", "responses", "v"):
            for form in ((), ("--no-stream",), ("--stream",)):
                with self.subTest(engine=engine, form=form):
                    done = self.call(engine, *form, "nope")
                    self.assertEqual((done.returncode, done.stdout), (0, "I cannot do that.\n"), done.stderr)

    def test_a_refusal_is_no_answer_to_a_constraint(self):
        for form in ((), ("--no-stream",), ("--stream",)):
            with self.subTest(form=form):
                done = self.call("o", "--schema", self.schema, *form, "nope")
                came = "" if "--no-stream" in form else "I cannot do that.\n"
                self.assertEqual((done.returncode, done.stdout), (2, came), done.stderr)
                self.assertIn("weir: content_filter: the model refused to answer", done.stderr)
                self.assertIn("It said: I cannot do that.", done.stderr)

    def test_a_filtered_answer_is_an_error_with_what_came(self):
        for engine in ("o", "responses"):
            for form in ((), ("--no-stream",)):
                for question, words, why in (("half", "Half an answ\n", "cut the answer off"),
                                             ("nothing", "", "held the answer back")):
                    with self.subTest(engine=engine, form=form, question=question):
                        done = self.call(engine, *form, question)
                        self.assertEqual((done.returncode, done.stdout), (2, words), done.stderr)
                        self.assertIn("weir: content_filter: ", done.stderr)
                        self.assertIn(why, done.stderr)
        document = json.loads(self.call("o", "-o", "json", "half").stdout)
        self.assertEqual((document["error"]["name"], document["text"]), ("content_filter", "Half an answ"))

    def test_a_filter_is_not_blamed_on_the_constraint(self):
        done = self.call("o", "--schema", self.schema, "--events", str(self.folder / "events"), "city")
        self.assertEqual((done.returncode, done.stdout), (2, '{"city":"B\n'), done.stderr)
        self.assertIn("weir: content_filter: ", done.stderr)
        self.assertNotIn("ignores", done.stderr)
        self.assertNotIn("verify:retry", (self.folder / "events").read_text())

    def test_a_row_whose_answer_is_filtered_fails(self):
        self.write("flow.yaml", "engine: o\nnodes: [{step: say, user: '{{ q }}'}]")
        self.write("rows.jsonl", '{"q": "half"}\n{"q": "nope"}\n')
        done = weir("--config", self.config, "run", "flow.yaml", "-i", "rows.jsonl", "-o", "out", cwd=self.folder)
        self.assertEqual(done.returncode, 1, done.stderr)
        failed = [json.loads(line) for line in (self.folder / "out" / "errors.jsonl").read_text().splitlines()]
        self.assertEqual([row["error"] for row in failed], ["content_filter"])


if __name__ == "__main__":
    unittest.main()

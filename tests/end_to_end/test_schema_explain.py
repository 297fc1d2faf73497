"""`weir schema explain` as a user meets it: what decoders make of a schema."""
import json
import unittest

from harness import Case, weir

SCHEMA = {"type": "object", "properties": {"n": {"type": "number", "multipleOf": 0.5}, "s": {"type": "string"}},
          "required": ["n", "s"], "additionalProperties": False}
DECODERS = ["xgrammar", "guidance", "outlines", "llama.cpp", "openai-strict"]


class Explain(Case):
    def setUp(self):
        super().setUp()
        self.path = self.write("schema.json", json.dumps(SCHEMA))

    def test_each_keyword_has_its_place_and_a_sentence(self):
        done = weir("schema", "explain", self.path, "--decoder", "xgrammar")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, 'at /properties/n: xgrammar refuses "multipleOf": vLLM refuses it\n')

    def test_a_schema_without_findings_is_said_to_be_so(self):
        done = weir("schema", "explain", "--decoder", "openai-strict", stdin=json.dumps(SCHEMA))
        self.assertEqual((done.returncode, done.stdout), (0, "openai-strict: nothing in it is known to be ignored or refused\n"))

    def test_output_json_tells_all_decoders_and_how_sure(self):
        done = weir("schema", "explain", "--schema", self.path, "-o", "json")
        told = json.loads(done.stdout)
        self.assertEqual([one["decoder"] for one in told], DECODERS)
        self.assertTrue(all(one["checked_against"] for one in told))
        outlines = told[2]["findings"][0]
        self.assertEqual((outlines["pointer"], outlines["keyword"], outlines["verdict"], outlines["certain"]),
                         ("/properties/n", "multipleOf", "ignored", False))
        self.assertIn("(not certain)", outlines["message"])

    def test_a_wrong_schema_is_refused(self):
        done = weir("schema", "explain", "-o", "json", stdin='{"type": 3}')
        self.assertEqual(done.returncode, 3)
        self.assertIn("weir: invalid_schema: ", done.stderr)
        self.assertIn("error", json.loads(done.stdout))
        self.assertEqual(weir("schema", "explain", "/nowhere/schema.json").returncode, 3)

    def test_an_unknown_decoder_names_the_nearest(self):
        done = weir("schema", "explain", self.path, "--decoder", "outline")
        self.assertEqual(done.returncode, 64)
        self.assertIn("outlines", done.stderr)


if __name__ == "__main__":
    unittest.main()

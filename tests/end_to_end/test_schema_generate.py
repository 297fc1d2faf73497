"""`weir schema generate`: documents that obey a schema, or a sentence that says why there are none."""
import json
import unittest

from harness import Case, weir


class SchemaGenerate(Case):
    SCHEMA = {"type": "object", "required": ["name", "age"], "additionalProperties": False,
              "properties": {"name": {"type": "string", "minLength": 1}, "age": {"type": "integer", "minimum": 0},
                             "tags": {"type": "array", "items": {"enum": ["a", "b"]}}}}

    def generate(self, schema, *args, stdin=None):
        path = self.write("schema.json", json.dumps(schema))
        return weir("schema", "generate", "--schema", path, *args, stdin=stdin)

    def test_every_document_passes_the_check(self):
        made = self.generate(self.SCHEMA, "--count", "50")
        self.assertEqual((made.returncode, made.stderr, len(made.stdout.splitlines())), (0, "", 50))
        path = self.write("schema.json", json.dumps(self.SCHEMA))
        checked = weir("schema", "check", "--schema", path, "--lines", stdin=made.stdout)
        self.assertEqual((checked.returncode, set(checked.stdout.splitlines())), (0, {'{"valid":true}'}))

    def test_a_seed_decides_everything(self):
        first = self.generate(self.SCHEMA, "--seed", "7", "--count", "5").stdout
        self.assertEqual(self.generate(self.SCHEMA, "--seed", "7", "--count", "5").stdout, first)
        self.assertNotEqual(self.generate(self.SCHEMA, "--seed", "8", "--count", "5").stdout, first)

    def test_optional_properties_by_probability(self):
        always = self.generate(self.SCHEMA, "--optional", "1", "--count", "9").stdout.splitlines()
        never = self.generate(self.SCHEMA, "--optional", "0", "--count", "9").stdout.splitlines()
        self.assertTrue(all("tags" in json.loads(line) for line in always))
        self.assertFalse(any("tags" in json.loads(line) for line in never))

    def test_what_cannot_be_is_said_with_its_place(self):
        done = self.generate({"properties": {"n": {"type": "integer", "minimum": 5, "maximum": 4}}, "required": ["n"],
                              "type": "object"})
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("at /properties/n/minimum of the schema: no integer was found that is at least 5 and at most 4",
                      done.stderr)

    def test_rows_bring_their_schemas_and_seeds(self):
        rows = [{"schema": {"const": 1}}, {"schema": False}, {"schema": self.SCHEMA, "seed": 3}, {"schema": self.SCHEMA, "seed": 3},
                {"schema": {"items": [{"const": 1}], "type": "array", "minItems": 1}, "draft": "7"}, {"schema": True, "seed": -1}, {}]
        done = weir("schema", "generate", "--lines", stdin="".join(json.dumps(row) + "\n" for row in rows))
        told = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual((done.returncode, told[0]), (1, {"value": 1}))
        self.assertIn("`false` accepts nothing", told[1]["error"])
        self.assertEqual(told[2], told[3])
        self.assertEqual(told[4]["value"][0], 1)
        self.assertIn("the seed -1", told[5]["error"])
        self.assertIn("no \"schema\"", told[6]["error"])

    def test_flags_that_make_no_sense_are_told(self):
        for args, sentence in (((), "no schema is given"), (("--lines", "--count", "2"), "exclude each other"),
                               (("--optional", "2"), "from 0 to 1")):
            done = weir("schema", "generate", *args)
            self.assertEqual(done.returncode, 3, args)
            self.assertIn(sentence, done.stderr)


if __name__ == "__main__":
    unittest.main()

"""`weir json` and `weir schema` as a user meets them: texts, rows, exit codes, sentences."""
import base64
import json
import os
import resource
import subprocess
import unittest

from harness import PATIENCE, WEIR, Case, environment, weir


def rows(*objects):
    return "".join(json.dumps(row) + "\n" for row in objects)


def answers(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


class Check(Case):
    def test_json_passes_in_silence(self):
        done = weir("json", "check", stdin='{"a": [1, 2.50]}')
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_an_error_has_its_place_and_a_caret_below_it(self):
        path = self.write("doc.json", '{\n  "a": 1\n  "b": 2\n}\n')
        done = weir("json", "check", path)
        self.assertEqual(done.returncode, 2)
        self.assertIn("weir: invalid_json: ", done.stderr)
        self.assertIn("line 3, column 3 (byte 13)", done.stderr)
        self.assertTrue(done.stderr.endswith('  3 |   "b": 2\n    |   ^\n'), done.stderr)

    def test_the_excerpt_of_a_long_line_is_cut_around_its_place(self):
        done = weir("json", "check", stdin="[" + "1, " * 500 + "x" + ", 2" * 500 + "]")
        shown, caret = done.stderr.splitlines()[-2:]
        self.assertLess(len(shown), 120)
        self.assertEqual(shown[caret.index("^")], "x")

    def test_output_json_tells_offset_line_and_column(self):
        done = weir("json", "check", "-o", "json", stdin="[1,\n2,]")
        told = json.loads(done.stdout)
        self.assertEqual((done.returncode, told["valid"]), (2, False))
        self.assertEqual((told["offset"], told["line"], told["column"]), (6, 2, 3))

    def test_rows_are_answered_in_order(self):
        done = weir("json", "check", "--lines", stdin=rows(
            {"text": "[1]"}, {"base64": base64.b64encode(b'"\xff"').decode()}, {"nothing": 1}, {"base64": "!"}) + "\n{}")
        told = answers(done)
        self.assertEqual([row.get("valid") for row in told], [True, False, None, None, None, None])
        self.assertIn("invalid UTF-8", told[1]["error"])
        self.assertTrue(all("error" in row for row in told[1:]))
        self.assertEqual(done.returncode, 1)

    def test_limits_are_options(self):
        self.assertEqual(weir("json", "check", "--max-bytes", "5", stdin="[1,2,3]").returncode, 3)
        deep = weir("json", "check", "--max-depth", "2", stdin="[[[]]]")
        self.assertEqual(deep.returncode, 2)
        self.assertIn("more than 2 arrays", deep.stderr)

    def test_a_line_that_is_too_long_is_said_and_the_next_is_read(self):
        done = weir("json", "check", "--lines", "--max-bytes", "100", stdin=rows(
            {"text": "1"}, {"text": "2" * 600_000}, {"text": "3"}))
        told = answers(done)
        self.assertEqual([row.get("valid") for row in told], [True, None, True])
        self.assertIn("line 2 of stdin is longer than the limit of 100 bytes", told[1]["error"])

    def test_a_missing_file_is_said(self):
        done = weir("json", "check", "nowhere.json")
        self.assertEqual(done.returncode, 3)
        self.assertIn("cannot read nowhere.json [No such file or directory]", done.stderr)

    def test_a_row_has_one_text(self):
        both = weir("json", "check", "--lines", stdin=rows({"text": "1", "base64": "MQ=="}, {"text": "1", "base64": None}))
        self.assertIn('a "text" and a "base64"', answers(both)[0]["error"])
        self.assertIs(answers(both)[1]["valid"], True)


class Repair(Case):
    def test_mended_text_on_stdout_and_what_was_mended_on_stderr(self):
        done = weir("json", "repair", stdin="{'a': 1,\n \"b\": [1, 2,], \"c\": True}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, '{"a":1,"b":[1,2],"c":true}\n')
        self.assertIn("weir: mended ", done.stderr)
        self.assertIn("line 2 column 21: constant", done.stderr)

    def test_valid_json_is_left_alone_in_silence(self):
        done = weir("json", "repair", stdin='{"n": 1.50, "e": 1E5}')
        self.assertEqual((done.stdout, done.stderr), ('{"n":1.50,"e":1E5}\n', ""))

    def test_output_json_lists_repairs_and_says_whether_all_was_there(self):
        done = weir("json", "repair", "-o", "json", stdin='{"a": [1, 2')
        told = json.loads(done.stdout)
        self.assertEqual(told["value"], {"a": [1, 2]})
        self.assertIs(told["complete"], False)
        self.assertEqual(set(told["repairs"][-1]), {"kind", "offset", "line", "column"})
        self.assertIn("cut_off", [repair["kind"] for repair in told["repairs"]])

    def test_indent_is_for_people(self):
        self.assertEqual(weir("json", "repair", "--indent", "2", stdin="{a: 1}").stdout, '{\n  "a": 1\n}\n')
        huge = weir("json", "repair", "--indent", "17", stdin="{a: 1}")
        self.assertEqual((huge.returncode, huge.stdout), (3, ""))
        self.assertIn("--indent must be in [0, 16], got 17", huge.stderr)

    def test_strictness_decides_what_is_taken(self):
        text = 'Here it is: {"a": 1'
        self.assertEqual(weir("json", "repair", stdin=text).returncode, 2)
        self.assertEqual(weir("json", "repair", "--strictness", "strict", stdin="{a: 1}").returncode, 2)
        salvaged = weir("json", "repair", "--strictness", "salvage", stdin=text)
        self.assertEqual((salvaged.returncode, salvaged.stdout), (0, '{"a":1}\n'), salvaged.stderr)

    def test_rows_are_answered_in_order(self):
        done = weir("json", "repair", "--lines", stdin=rows({"text": "[1,]"}, {"text": ""}, {"text": "{}"}))
        told = answers(done)
        self.assertEqual(told[0], {"ok": True, "value": [1]})
        self.assertIs(told[1]["ok"], False)
        self.assertEqual(told[2], {"ok": True, "value": {}})
        self.assertEqual(done.returncode, 1)

    def test_an_answer_comes_before_the_next_question(self):
        with subprocess.Popen([WEIR, "json", "repair", "--lines"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True, env=environment()) as process:
            for number in range(3):
                process.stdin.write(json.dumps({"text": f"[{number},]"}) + "\n")
                process.stdin.flush()
                self.assertEqual(json.loads(process.stdout.readline())["value"], [number])
            process.stdin.close()
            self.assertEqual(process.wait(PATIENCE), 0)

    @unittest.skipIf("ASAN_OPTIONS" in os.environ, "the sanitizer has its own ideas of memory")
    def test_many_lines_take_flat_memory(self):
        line = rows({"text": "{'key': 'a value of the usual length', list: [1, 2, 3,]"}).encode()
        with subprocess.Popen([WEIR, "json", "repair", "--lines"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, env=environment(),
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (64 << 20, 64 << 20))) as process:
            for _ in range(100):
                process.stdin.write(line * 10_000)
            process.stdin.close()
            self.assertEqual(process.wait(PATIENCE), 0)


class SchemaCheck(Case):
    SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
              "required": ["name"]}

    def check(self, schema, instance, *args):
        path = self.write("schema.json", json.dumps(schema))
        return weir("schema", "check", "--schema", path, *args, stdin=json.dumps(instance))

    def test_what_obeys_passes_in_silence(self):
        done = self.check(self.SCHEMA, {"name": "Ada", "age": 36})
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_every_violation_is_told_with_its_place(self):
        done = self.check(self.SCHEMA, {"age": -1})
        self.assertEqual(done.returncode, 2)
        self.assertIn("/age", done.stderr)
        self.assertIn("name", done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 2)

    def test_output_json_has_the_parts_of_each_violation(self):
        told = json.loads(self.check(self.SCHEMA, {"age": "x", "name": "n"}, "-o", "json").stdout)
        self.assertIs(told["valid"], False)
        self.assertEqual([(e["instance_path"], e["keyword"]) for e in told["errors"]], [("/age", "type")])

    def test_violations_that_are_not_told_are_counted(self):
        def stderr(*args):
            return self.check({"items": {"type": "string"}}, list(range(70)), *args).stderr.splitlines()

        self.assertEqual((len(stderr()), stderr()[-1]), (65, "weir: and 6 more; --max-errors tells more of them"))
        self.assertEqual((len(stderr("--max-errors", "70")), stderr("--max-errors", "69")[-1][:16]),
                         (70, "weir: and 1 more"))
        told = json.loads(self.check({"items": {"type": "string"}}, [1, 2, 3], "-o", "json", "--max-errors", "2").stdout)
        self.assertEqual((len(told["errors"]), told["error_count"]), (2, 3))
        many = self.check({"items": {"type": "string"}}, [1] * 10_001, "--max-errors", "1")
        self.assertIn("and at least 9999 more", many.stderr)
        none = self.check({"items": {"type": "string"}}, [1], "--max-errors", "0")
        self.assertEqual(none.returncode, 3)
        self.assertIn("--max-errors must be at least 1", none.stderr)

    def test_a_bad_schema_is_told_apart_from_a_bad_document(self):
        self.assertEqual(self.check({"type": "strng"}, 1).returncode, 3)
        self.assertEqual(weir("schema", "check", stdin="1").returncode, 3)
        path = self.write("schema.json", "{}")
        self.assertEqual(weir("schema", "check", "--schema", path, stdin="{").returncode, 2)

    def test_formats_are_checked_when_asked(self):
        self.assertEqual(self.check({"format": "date"}, "soon").returncode, 0)
        self.assertEqual(self.check({"format": "date"}, "soon", "--formats").returncode, 2)

    def test_references_lead_into_mapped_folders(self):
        self.write("word.json", '{"type": "string"}')
        schema = {"$ref": "http://example.com/s/word.json"}
        mapped = ("--map", f"http://example.com/s/={self.folder}")
        self.assertEqual(self.check(schema, "x", *mapped).returncode, 0)
        self.assertEqual(self.check(schema, 1, *mapped).returncode, 2)
        self.assertEqual(self.check(schema, 1).returncode, 3)

    def test_the_draft_decides(self):
        schema = {"items": [{"type": "string"}]}
        self.assertEqual(self.check(schema, [1], "--draft", "7").returncode, 2)

    def test_rows_bring_their_schemas(self):
        done = weir("schema", "check", "--lines", stdin=rows(
            {"schema": self.SCHEMA, "instance": {"name": "x"}}, {"schema": self.SCHEMA, "instance": 1},
            {"schema": {"items": [{"type": "string"}]}, "instance": [1], "draft": "7"},
            {"schema": {"$ref": "#/nowhere"}, "instance": 1}, {"schema": True}, {"schema": True, "instance": 1, "draft": "5"}))
        told = answers(done)
        self.assertEqual([row.get("valid") for row in told], [True, False, False, None, None, None])
        self.assertTrue(told[1]["errors"][0]["message"])
        self.assertTrue(all(row["error"] for row in told[3:]))
        self.assertEqual(done.returncode, 1)

    def test_with_a_schema_each_line_is_an_instance(self):
        path = self.write("schema.json", '{"type": "integer"}')
        done = weir("schema", "check", "--schema", path, "--lines", stdin='1\n"x"\n[\n2')
        self.assertEqual([row.get("valid") for row in answers(done)], [True, False, None, True])


class Completion(Case):
    def test_nested_commands_are_completed(self):
        script = weir("completion", "bash").stdout
        asked = script + "COMP_WORDS=(weir json re); COMP_CWORD=2; _weir; echo ${COMPREPLY[@]}\n" \
                         "COMP_WORDS=(weir json repair --str); COMP_CWORD=3; _weir; echo ${COMPREPLY[@]}\n"
        done = subprocess.run(["bash"], input=asked, capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.stdout.split(), ["repair", "--strictness"], done.stderr)


if __name__ == "__main__":
    unittest.main()

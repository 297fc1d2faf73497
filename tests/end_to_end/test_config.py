"""`weir config init`, `check` and `show` as a user meets them."""
import json
import os
import pathlib
import unittest

from harness import Case, weir


class Init(Case):
    def test_init_and_import_write_new_files_alike(self):
        for number, command in enumerate((("init",), ("import", "stonks-env", "-", "-o"))):
            path = str(self.folder / f"{number}.yaml")
            lines = "VLLM_MODEL=m\n"
            first = weir("config", *command, path, stdin=lines)
            self.assertEqual(first.returncode, 0, first.stderr)
            self.assertIn(f"wrote {path}; next: weir config check", first.stderr)
            written = pathlib.Path(path).read_text()
            self.assertEqual(weir("config", "check", path).returncode, 0)
            again = weir("config", *command, path, stdin=lines)
            self.assertEqual((again.returncode, again.stderr), (3, (
                f"weir: config_error: {path} is there already and stays as it is; give another name, "
                "or move it away first\n")))
            self.assertEqual(pathlib.Path(path).read_text(), written)
            nowhere = weir("config", *command, str(self.folder / "no/where.yaml"), stdin=lines)
            self.assertIn("io_error: cannot write ", nowhere.stderr)
            self.assertIn("No such file", nowhere.stderr)

    def test_a_new_file_has_the_rights_that_the_umask_leaves(self):
        path = self.folder / "weir.yaml"
        old = os.umask(0o027)
        try:
            weir("config", "init", str(path))
        finally:
            os.umask(old)
        self.assertEqual(path.stat().st_mode & 0o777, 0o640)


class Check(Case):
    def test_the_file_of_the_cards_is_checked_too(self):
        self.write("cards.yaml", "cards: [{pattern: mine, famly: qwen3}]")
        path = self.write("weir.yaml", f"model_cards: {self.folder}/cards.yaml\nengines: {{a: {{}}}}\n")
        done = weir("config", "check", path)
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("famly", done.stderr)
        (self.folder / "cards.yaml").unlink()
        self.assertIn("there is no file", weir("config", "check", path).stderr)

    def test_an_ollama_without_a_model_is_warned_about(self):
        path = self.write("weir.yaml", "engines:\n  small: {kind: ollama}\n")
        done = weir("config", "check", path)
        self.assertEqual(done.returncode, 0)
        self.assertIn(f"{path}:2:17: engine small has no model", done.stderr)
        self.assertIn("write model: NAME", done.stderr)
        path = self.write("weir.yaml", "engines:\n  small: {kind: ollama, model: m}\n")
        self.assertEqual(weir("config", "check", path).stderr, "")

    def test_an_engine_that_is_there_twice_hides_no_other_mistake(self):
        path = self.write("weir.yaml", "engines:\n  a: {kind: olama}\n  a: {modell: x}\nfoo: 1\n")
        done = weir("config", "check", path)
        self.assertEqual(done.returncode, 3)
        for words in (":2:13: kind must be one of", ':3:3: the key "a" occurs twice',
                      ":3:7: unknown key 'modell'", ":4:1: unknown key 'foo'", "4 problems"):
            self.assertIn(words, done.stderr)


class Show(Case):
    def test_json_has_the_origin_of_each_value(self):
        path = self.write("weir.yaml", "engines:\n  a: {timeout: 5}\n")
        done = weir("--config", path, "config", "show", "-o", "json", env={"VLLM_MODEL": "m"})
        engine = json.loads(done.stdout)["engines"]["a"]
        self.assertEqual(engine["timeouts"]["total"], {"value": 5, "from": f"{path}:2:16"})
        self.assertEqual(engine["model"], {"value": "m", "from": "$VLLM_MODEL"})
        self.assertEqual(engine["timeouts"]["idle"], {"value": 60, "from": "default"})
        alone = weir("--config", path, "config", "show", "-e", "a", "-o", "json", env={"VLLM_MODEL": "m"})
        self.assertEqual(json.loads(alone.stdout)["engines"]["a"], engine)


if __name__ == "__main__":
    unittest.main()

"""`weir config init`, `check` and `show` as a user meets them."""
import json
import os
import pathlib
import unittest

from dialects import Server
from harness import Case, Sim, weir


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


class Keys(Case):
    def test_a_server_that_wants_another_key_hears_whose_was_sent_but_never_the_key(self):
        key = "sk-0123456789abcdef"
        with Sim("--instant", "--api-key", "right") as sim:
            engine = f"engines:\n  it:\n    base_url: {sim.url}\n    model: sim-model\n    "
            for number, (lines, env, name, said) in enumerate((
                    ("", {}, sim.url, "weir sent no key"),
                    ("", {"VLLM_API_KEY": key}, sim.url, "weir sent the key of $VLLM_API_KEY"),
                    ("api_key_env: MY_KEY\n", {"MY_KEY": key}, "it", "weir sent the key of 0.yaml:5:18 ($MY_KEY)"),
                    (f"api_key: {key}\n", {}, "it", "weir sent the key of 0.yaml:5:14"),
                    ("auth: none\n", {"VLLM_API_KEY": key}, "it", "weir sent no key"),
                    # Who has refused is not known, or what was meant as the key.
                    ("fallback: [other]\n  other: {base_url: 'http://127.0.0.1:9', model: m}\n", {}, "it", None),
                    ("headers: {x-key: a}\n", {}, "it", None))):
                with self.subTest(number):
                    flags = ["--config", self.write("0.yaml", engine + lines)] if lines else []
                    done = weir(*flags, "call", "-e", name, "hi", env=env, cwd=self.folder)
                    self.assertEqual(done.returncode, 2, done.stderr)
                    self.assertIn("http_401", done.stderr)
                    self.assertIn(said.replace("0.yaml", flags[1]) if said and flags else said or "http_401", done.stderr)
                    self.assertEqual("; weir sent" in done.stderr, said is not None, done.stderr)
                    self.assertNotIn(key, done.stderr)


class Check(Case):
    def test_the_file_of_the_cards_is_checked_too(self):
        self.write("cards.yaml", "cards: [{pattern: mine, famly: qwen3}]")
        path = self.write("weir.yaml", f"model_cards: {self.folder}/cards.yaml\nengines: {{a: {{}}}}\n")
        done = weir("config", "check", path)
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("famly", done.stderr)
        (self.folder / "cards.yaml").unlink()
        self.assertIn("there is no file", weir("config", "check", path).stderr)

    def test_what_check_finds_is_there_as_json(self):
        path = self.write("a.yaml", "engines: {one: {kind: vllm, base_url: 'http://127.0.0.1:9', modle: x}}\n")
        done = weir("config", "check", path, "-o", "json")
        self.assertEqual((done.returncode, done.stderr), (3, ""))
        found = json.loads(done.stdout)
        self.assertFalse(found["ok"])
        self.assertIn("modle", found["problems"][0]["message"])
        done = weir("config", "check", str(self.folder / "nope.yaml"), "-o", "json")
        self.assertIn("check its name", json.loads(done.stdout)["problems"][0]["message"])
        self.assertEqual(done.returncode, 3)

    def test_flows_are_for_another_command_to_check(self):
        path = self.write("b.yaml", "engines: {sim: {kind: sim}}\nflows: {f: {nodes: [{step: a}]}}\n")
        done = weir("config", "check", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, f"{path}: ok, 1 engine; its flows are not looked at here: weir flow check {path}\n")

    def test_an_ollama_without_a_model_is_warned_about(self):
        path = self.write("weir.yaml", "engines:\n  small: {kind: ollama}\n")
        done = weir("config", "check", path)
        self.assertEqual(done.returncode, 0)
        self.assertIn(f"{path}:2:17: engine small has no model", done.stderr)
        self.assertIn("write model: NAME", done.stderr)
        path = self.write("weir.yaml", "engines:\n  small: {kind: ollama, model: m}\n")
        self.assertEqual(weir("config", "check", path).stderr, "")

    def test_a_host_that_nobody_knows_is_a_warning(self):
        engines = ("engines:\n  a: {base_url: 'http://gpu.invalid:8000'}\n"
                   "  b: {base_url: 'http://localhost:8000'}\n  c: {base_url: 'http://10.255.255.1:8000'}\n")
        path = self.write("weir.yaml", engines)
        done = weir("config", "check", path)
        self.assertEqual((done.returncode, done.stdout), (0, f"{path}: ok, 3 engines\n"))
        self.assertIn("engine a: the host 'gpu.invalid' cannot be found from here", done.stderr)
        self.assertEqual(done.stderr.count("cannot be found"), 1)
        self.assertNotIn("cannot be found", weir("config", "check", "--offline", path).stderr)

    def test_defaults_take_all_that_a_call_can_say_and_hold_it_to_its_range(self):
        path = self.write("weir.yaml", "engines:\n  a: {defaults: {bad_words: [x], logit_bias: {'5': -100}, n: 2, "
                          "stop_token_ids: [1, 2], allowed_token_ids: [3], ignore_eos: true, length_penalty: 1.5, "
                          "truncate_prompt_tokens: -1, best_of: 3, beam_width: 2, "
                          "repetition_detection: {max_pattern_size: 4}}}\n")
        self.assertEqual(weir("config", "check", path).returncode, 0, weir("config", "check", path).stderr)
        for key in ("logprobs: -1", "logit_bias: {'5': 101}", "stop_token_ids: [x]", "n: 0"):
            path = self.write("bad.yaml", f"engines:\n  a: {{defaults: {{{key}}}}}\n")
            done = weir("config", "check", path)
            self.assertEqual(done.returncode, 3, key)
            self.assertIn(key.split(":")[0], done.stderr)

    def test_an_engine_that_is_there_twice_hides_no_other_mistake(self):
        path = self.write("weir.yaml", "engines:\n  a: {kind: olama}\n  a: {modell: x}\nfoo: 1\n")
        done = weir("config", "check", path)
        self.assertEqual(done.returncode, 3)
        for words in (":2:13: kind must be one of", ':3:3: the key "a" occurs twice',
                      ":3:7: unknown key 'modell'", ":4:1: unknown key 'foo'", "4 problems"):
            self.assertIn(words, done.stderr)


class Defaults(Case):
    def test_calls_have_what_the_engine_is_given_and_further_fields_keep_their_ranges(self):
        with Server("vllm-latest") as server:
            keys = ("model: sim-model", "defaults: {bad_words: [x], logit_bias: {'5': -100}, stop_token_ids: [7]}")
            done = server.run("call", "hi", keys=keys)
            self.assertEqual(done.returncode, 0, done.stderr)
            body = json.loads(next(r for r in server.requests if r["target"] == "/v1/chat/completions")["body"])
            self.assertEqual((body["bad_words"], body["logit_bias"], body["stop_token_ids"]),
                             (["x"], {"5": -100}, [7]))
            for extra, range_ in (("presence_penalty=3", "[-2, 2]"), ('logit_bias={"5": 101}', "[-100, 100]")):
                done = server.run("call", "--extra", extra, "hi")
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(range_, done.stderr)
                self.assertEqual([r for r in server.requests if r["target"] == "/v1/chat/completions"], [])


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

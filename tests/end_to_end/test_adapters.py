"""weir adapters: list, load, unload and check, against the simulator."""
import json
import pathlib
import unittest

from dialects import Server
from harness import Case, weir


def loads(server):
    return [json.loads(r["body"]) for r in json.loads(server.ask("GET", "/sim/requests"))
            if r["target"] == "/v1/load_lora_adapter"]


class Adapters(Case):
    def test_one_is_loaded_listed_used_and_unloaded(self):
        with Server("vllm-latest") as server:
            address = server.url + "/v1"
            done = weir("adapters", "load", address, "sql", "/adapters/sql")
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "Adapter sql loaded.\n", ""))
            self.assertEqual(loads(server), [{"lora_name": "sql", "lora_path": "/adapters/sql"}])
            again = weir("adapters", "load", address, "sql", "/adapters/sql")
            self.assertEqual((again.returncode, again.stdout), (0, "Adapter sql loaded.\n"))
            self.assertIn("loaded already", again.stderr)
            listed = weir("adapters", "list", address)
            self.assertEqual(listed.stdout, "sql  adapter of sim-model, from /adapters/sql\n")
            document = json.loads(weir("adapters", "list", address, "-o", "json").stdout)
            self.assertEqual(document["adapters"], [{"name": "sql", "parent": "sim-model", "path": "/adapters/sql",
                                                     "servers": 1}])
            self.assertEqual(weir("call", "-e", address, "--adapter", "sql", "hi").returncode, 0)
            gone = weir("adapters", "unload", address, "sql")
            self.assertEqual((gone.returncode, gone.stdout), (0, "Adapter sql unloaded.\n"))
            self.assertEqual(weir("adapters", "list", address).stdout, "")

    def test_what_fails_keeps_the_words_of_the_server(self):
        with Server("vllm-latest") as server:
            done = weir("adapters", "load", server.url, "sql", "/missing")
            self.assertNotEqual(done.returncode, 0)
            self.assertEqual(done.stdout, "")
            self.assertIn("Loading lora sql failed", done.stderr)
            done = weir("adapters", "unload", server.url, "sql")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("The lora adapter 'sql' cannot be found.", done.stderr)

    def test_a_server_that_loads_none_says_what_to_start_it_with(self):
        with Server("vllm-latest", "--no-runtime-lora") as server:
            done = weir("adapters", "load", server.url, "sql", "/adapters/sql", "-o", "json")
            self.assertNotEqual(done.returncode, 0)
            for word in ("VLLM_ALLOW_RUNTIME_LORA_UPDATING", "--enable-lora"):
                self.assertIn(word, json.loads(done.stdout)["error"]["message"])

    def test_the_check_tells_what_is_there_what_can_be_loaded_and_what_is_missing(self):
        with Server("vllm-latest") as server:
            weir("adapters", "load", server.url, "here", "/adapters/here")
            config = server.config("adapters: {here: '', later: /adapters/later, lost: ''}")
            done = weir("--config", config, "adapters", "check", "it", "-o", "json")
            states = {a["name"]: a["state"] for a in json.loads(done.stdout)["adapters"]}
            self.assertEqual(states, {"here": "loaded", "later": "can be loaded", "lost": "missing"})
            self.assertEqual(done.returncode, 2)
            loaded = weir("--config", config, "adapters", "load", "it", "later")
            self.assertEqual(loaded.stdout, "Adapter later loaded.\n")
            self.assertEqual(loads(server)[-1]["lora_path"], "/adapters/later")

    def test_the_servers_of_one_engine_all_load_and_unload_and_the_list_says_who_lacks_one(self):
        with Server("vllm-latest") as first, Server("vllm-latest") as second:
            config = first.config(f"replicas: ['{second.url}']")
            run = ("--config", config, "adapters")
            self.assertEqual(weir(*run, "load", "it", "sql", "/adapters/sql").returncode, 0)
            self.assertEqual((len(loads(first)), len(loads(second))), (1, 1))
            self.assertIn("on 2 of 2 servers", weir(*run, "list", "it").stdout)
            self.assertEqual(weir("adapters", "unload", second.url, "sql").returncode, 0)
            listed = weir(*run, "list", "it").stdout
            self.assertIn("on 1 of 2 servers, not on " + second.url, listed)
            document = json.loads(weir(*run, "list", "it", "-o", "json").stdout)
            self.assertEqual(len(document["adapters"][0]["not_on"]), 1)
            self.assertEqual(weir(*run, "load", "it", "sql", "/adapters/sql").returncode, 0)
            self.assertEqual(weir(*run, "unload", "it", "sql").returncode, 0)
            self.assertEqual(weir("adapters", "list", second.url).stdout, "")

    def test_the_check_without_a_name_is_of_all_engines_that_want_adapters(self):
        with Server("vllm-latest") as first, Server("vllm-latest") as second:
            config = first.config("adapters: {later: /adapters/later}")
            text = pathlib.Path(config).read_text()
            more = f", plain: {{base_url: '{first.url}'}}, other: {{base_url: '{second.url}', adapters: {{lost: ''}}}}}}"
            pathlib.Path(config).write_text(text.rstrip()[:-1] + more)
            done = weir("--config", config, "adapters", "check")
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("it later: can be loaded", done.stdout)
            self.assertIn("other lost: missing", done.stdout)
            self.assertNotIn("plain", done.stdout)
            document = json.loads(weir("--config", config, "adapters", "check", "-o", "json").stdout)
            self.assertEqual([e["engine"] for e in document["engines"]], ["it", "other"])

    def test_without_a_path_nothing_is_asked(self):
        with Server("vllm-latest") as server:
            done = weir("adapters", "load", server.url, "sql")
            self.assertEqual(done.returncode, 3)
            self.assertIn("adapters: {sql: PATH}", done.stderr)
            self.assertEqual(loads(server), [])

    def test_the_embedded_simulator_answers_as_a_server_without_the_adapter_does(self):
        done = weir("call", "-e", "sim", "--adapter", "foo", "hi", "-o", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("instead of the adapter 'foo'", json.dumps(json.loads(done.stdout)["degradations"]))
        config = self.write("weir.yaml", "engines: {it: {kind: sim, sim: {pace: instant}, adapters: {sql: /a/sql},"
                            " adapter_fallback: error}}\n")
        given = weir("--config", config, "call", "-e", "it", "--adapter", "sql", "hi", "-o", "json")
        self.assertEqual(given.returncode, 0, given.stderr)
        self.assertEqual(json.loads(given.stdout)["model"], "sql")
        refused = weir("--config", config, "call", "-e", "it", "--adapter", "foo", "hi")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("config_error", refused.stderr)


if __name__ == "__main__":
    unittest.main()

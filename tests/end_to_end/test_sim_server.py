"""What `weir sim` does as a server: replicas, recordings, late starts, and flags that make no sense together."""
import http.client
import json
import signal
import subprocess
import unittest
import urllib.parse

from harness import PATIENCE, WEIR, Case, Sim, does, environment, until, weir

CHAT = "/v1/chat/completions"


def ask(url, path, body=None, key=None):
    """Status, content type and body of one request."""
    where = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=PATIENCE)
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    try:
        connection.request("POST" if body else "GET", path, json.dumps(body) if body else None, headers)
        reply = connection.getresponse()
        return reply.status, reply.getheader("content-type"), reply.read()
    finally:
        connection.close()


def chat(text, **more):
    return {"messages": [{"role": "user", "content": text}], "max_tokens": 12, **more}


class Recordings(Case):
    ASKS = [("/v1/models", None), (CHAT, chat("hi")), (CHAT, chat("hi", stream=True)), ("/nowhere", None),
            (CHAT, chat("hi"))]

    def test_what_was_recorded_is_played_without_the_server(self):
        tape = str(self.folder / "tape")
        with Sim("--instant", "--api-key", "sk-0123456789abcdef0123") as up:
            with Sim("--record", tape, "--upstream", up.url) as door:
                recorded = [ask(door.url, *a, key="sk-0123456789abcdef0123") for a in self.ASKS]
        self.assertEqual([status for status, _, _ in recorded], [200, 200, 200, 404, 200])
        self.assertTrue(recorded[2][2].endswith(b"data: [DONE]\n\n"))
        for file in (self.folder / "tape").iterdir():
            self.assertNotIn(b"sk-0123456789", file.read_bytes())
        with Sim("--replay", tape, "--instant") as door:
            self.assertEqual([ask(door.url, *a) for a in self.ASKS], recorded)
            status, kind, body = ask(door.url, CHAT, chat("ho"))
        self.assertEqual((status, kind), (404, "application/json"))
        self.assertIn(".exchange, whose body differs from byte", json.loads(body)["error"]["message"])

    def test_a_folder_that_cannot_serve_is_refused_before_anything_listens(self):
        def refused(args, *sentences):
            done = weir("sim", *args)
            self.assertEqual((done.returncode, done.stdout), (3, ""), done.stderr)
            self.assertIn("weir: config_error: ", done.stderr)
            for sentence in sentences:
                self.assertIn(sentence, done.stderr)

        tape, file = self.folder / "tape", self.write("file", "")
        refused(["--record", f"{file}/below", "--upstream", "http://127.0.0.1:9"], "cannot write into the folder", "Not a directory")
        refused(["--tls", f"{tape}/no.pem,{file}"], f"cannot read {tape}/no.pem", "No such file")
        refused(["--replay", str(tape)], f"there is no folder {tape}", "--record")
        tape.mkdir()
        refused(["--replay", str(tape)], f"no recording in the folder {tape}", "--upstream URL")
        refused(["--replay", file], "Not a directory")
        refused(["--record", file, "--upstream", "http://127.0.0.1:1"], "Not a directory")
        with Sim("--instant") as up, Sim("--record", str(tape), "--upstream", up.url) as door:
            ask(door.url, "/v1/models")
        refused(["--record", str(tape), "--upstream", up.url], "holds a recording of 1 exchange already", "--replay")
        (tape / "0002.exchange").write_text("nonsense")
        refused(["--replay", str(tape)], "0002.exchange")

    def test_an_upstream_that_is_down_is_a_502(self):
        with Sim("--instant") as gone:
            pass
        with Sim("--record", str(self.folder / "tape"), "--upstream", gone.url) as door:
            status, _, body = ask(door.url, "/v1/models")
        self.assertEqual((status, json.loads(body)["error"]["type"]), (502, "UpstreamError"))


class Replicas(Case):
    def test_each_has_a_port_and_counters_of_its_own_and_the_same_answers(self):
        with Sim("--instant", "--replicas", "3") as sim:
            lines = [sim.process.stdout.readline() for _ in range(2)]
            prefix = "weir sim: listening on "
            self.assertTrue(all(line.startswith(prefix) for line in lines), lines)
            urls = [sim.url] + [line[len(prefix):].strip() for line in lines]
            self.assertEqual(len(set(urls)), 3)
            texts = [json.loads(ask(url, CHAT, chat("hi"))[2])["choices"] for url in urls]
            ask(urls[0], CHAT, chat("again"))
            logs = [json.loads(ask(url, "/sim/requests")[2]) for url in urls]
            posts = [sum(entry["method"] == "POST" for entry in log) for log in logs]
        self.assertEqual((texts[0], texts[0]), (texts[1], texts[2]))
        self.assertEqual(posts, [2, 1, 1])
        self.assertEqual((sim.process.returncode, sim.rest), (0, ""))

    def test_a_socket_has_one_place(self):
        done = weir("sim", "--replicas", "2", "--listen", f"unix:{self.folder}/s")
        self.assertEqual(done.returncode, 3)
        self.assertIn("several servers need several ports", done.stderr)


class Starts(Case):
    def test_nothing_listens_before_the_delay_is_over_and_a_signal_ends_it(self):
        process = subprocess.Popen([WEIR, "sim", "--startup-delay", "600000"], stdout=subprocess.PIPE, text=True,
                                   env=environment())
        until(lambda: does(process, "SigCgt", signal.SIGTERM), "it can be told to end")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.communicate(timeout=PATIENCE)[0], "")
        self.assertEqual(process.returncode, 0)

    def test_flags_reach_the_server(self):
        with Sim("--instant", "--api-key", "a", "--api-key", "b", "--version-string", "0.28.1+x", "--adapter",
                 "sql=/loras/sql", "--model", "m", "--model", "n", "--max-model-len", "77") as sim:
            self.assertEqual([ask(sim.url, "/v1/models", key=key)[0] for key in ("a", "b", "c")], [200, 200, 401])
            models = json.loads(ask(sim.url, "/v1/models", key="a")[2])["data"]
            self.assertEqual(json.loads(ask(sim.url, "/version")[2])["version"], "0.28.1+x")
        self.assertEqual([model["id"] for model in models], ["m", "n", "sql"])
        self.assertEqual((models[0]["max_model_len"], models[2]["root"]), (77, "/loras/sql"))


class Rules(Case):
    def test_a_rule_without_a_name_is_told_by_its_place(self):
        script = self.write("s.yaml", "- {name: one, reply: {text: a}}\n- reply: {text: b}\n\n- reply: {text: c}\n")
        with Sim("--instant", "--scenario", script) as sim:
            rules = json.loads(ask(sim.url, "/sim/config")[2])["rules"]
        self.assertEqual([rule["name"] for rule in rules], ["one", "rule 2, line 2", "rule 3, line 4"])


class Requests(Case):
    def test_a_number_of_requests_that_is_none_is_refused(self):
        with Sim("--instant") as sim:
            for value in ("x", "-1", "1.5"):
                status, _, body = ask(sim.url, f"/sim/requests?last={value}")
                self.assertEqual(status, 400)
                self.assertIn("last must be a whole number", body.decode())
            self.assertEqual(ask(sim.url, "/sim/requests?last=0")[2], b"[]")


class Combinations(Case):
    def refused(self, code, args, *sentences):
        done = weir("sim", *args)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        for sentence in sentences:
            self.assertIn(sentence, done.stderr)

    def test_flags_that_contradict_each_other_are_refused(self):
        self.refused(3, ["--record", "d"], "--record needs --upstream URL")
        self.refused(3, ["--upstream", "http://h"], "--upstream needs --record DIR")
        self.refused(3, ["--record", "d", "--upstream", "http://h", "--replay", "d"], "cannot stand together")
        self.refused(3, ["--replay", "d", "--seed", "1"], "--seed is about a simulated server")
        self.refused(3, ["--replay", "d", "--replicas", "2"], "--replicas is for simulated servers")
        self.refused(3, ["--record", "d", "--upstream", "h"], "--upstream: ")
        self.refused(3, ["--instant", "--itl", "1"], "--instant leaves nothing for --itl")
        self.refused(3, ["--profile", "8b-h100", "--ttft", "1"], "models steps of an engine")
        self.refused(3, ["--profile", "8b"], "8b-h100")
        self.refused(3, ["--ttft", "200-50"], "the lower one first")
        self.refused(3, ["--replicas", "0"], "--replicas must be in [1, 64]")
        self.refused(3, ["--block-size", "0"], "--block-size must be in [1,")
        self.refused(3, ["--adapter", "=x"], "--adapter must be NAME or NAME=PATH")
        self.refused(3, ["--models-path", "models"], "--models-path must begin with a slash")
        self.refused(64, ["--scheduling-policy", "fair"], "'fair' is none of fcfs, priority")
        self.refused(64, ["--as-vllm"], "--as-vllm serve MODEL")
        self.refused(64, ["serve", "m"], "--as-vllm serve MODEL")


if __name__ == "__main__":
    unittest.main()

"""The simulator as the program vllm: what those who start and watch servers see."""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import unittest

from harness import PATIENCE, WEIR, Case, does, environment, free_port

LINE = re.compile(r"\((APIServer|EngineCore) pid=\d+\) (INFO \d\d-\d\d \d\d:\d\d:\d\d \[[\w.]+(:\d+)?\]|INFO:    ) .+")


def run(*args, flags=(), **env):
    return subprocess.run([WEIR, "sim", *flags, "--as-vllm", *args], capture_output=True, text=True, timeout=PATIENCE,
                          env=environment(**env))


class Vllm:
    """`vllm serve m` on a free loopback port, ended by its pid."""

    def __init__(self, *args, flags=("--instant",), **env):
        self.port = free_port()
        command = [WEIR, "sim", *flags, "--as-vllm", "serve", "m", "--host", "127.0.0.1", "--port", str(self.port), *args]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(**env))
        self.lines = []

    def wait_until_ready(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.endswith("Application startup complete.\n"):
                return
        raise AssertionError("\n".join(self.lines))

    def ask(self, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("POST" if body else "GET", path, json.dumps(body) if body else None,
                               {"Content-Type": "application/json"})
            reply = connection.getresponse()
            text = reply.read()
            is_json = reply.headers.get_content_type() == "application/json"
            return reply.status, json.loads(text or b"null") if is_json else text
        finally:
            connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=PATIENCE)


class Starts(Case):
    def test_the_log_has_vllms_order_and_form(self):
        with Vllm("--dtype", "auto", "--api_key=secret") as vllm:
            vllm.wait_until_ready()
            self.assertEqual(vllm.ask("/health")[0], 200)
        for line in vllm.lines:
            self.assertRegex(line, LINE)
        text = "\n".join(vllm.lines)
        self.assertNotIn("secret", text)
        self.assertIn("GPU KV cache size: 131,072 tokens", text)
        self.assertIn("Maximum concurrency for 32,768 tokens per request: 4.00x", text)
        order = ["vLLM API server version 0.28.0", "non-default args: {'model_tag': 'm', 'host': '127.0.0.1'",
                 "Starting to load model m", "GPU KV cache size", "init engine", "Supported tasks",
                 f"Starting vLLM server on http://127.0.0.1:{vllm.port}", "Available routes are:",
                 "Route: /health, Methods: GET", "Started server process", "Waiting for application startup."]
        places = [text.find(words) for words in order]
        self.assertNotIn(-1, places, text)
        self.assertEqual(places, sorted(places))

    def test_connections_are_refused_until_it_is_ready(self):
        with Vllm(flags=("--instant", "--startup-delay", "1000")) as vllm:
            self.assertIn("vLLM API server version", vllm.process.stdout.readline())
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", vllm.port), timeout=PATIENCE)
            vllm.wait_until_ready()
            self.assertEqual(vllm.ask("/v1/models")[1]["data"][0]["id"], "m")

    def test_switches_are_off_as_in_vllm_unless_asked_for(self):
        body = {"model": "m", "messages": [{"role": "user", "content": "hi"}],
                "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]}
        with Vllm() as vllm:
            vllm.wait_until_ready()
            self.assertEqual(vllm.ask("/v1/chat/completions", body)[0], 400)
            self.assertEqual(vllm.ask("/is_sleeping")[0], 404)
        with Vllm("--enable-auto-tool-choice", "--tool-call-parser", "hermes", VLLM_SERVER_DEV_MODE="1") as vllm:
            vllm.wait_until_ready()
            self.assertEqual(vllm.ask("/v1/chat/completions", body)[0], 200)
            self.assertEqual(vllm.ask("/is_sleeping")[0], 200)

    def test_what_needs_a_flag_fails_without_it(self):
        adapter = {"lora_name": "sql", "lora_path": "/adapters/sql"}
        for flags, code in (((), 500), (("--enable-sleep-mode", "--enable-lora"), 200)):
            with Vllm(*flags, VLLM_SERVER_DEV_MODE="1", VLLM_ALLOW_RUNTIME_LORA_UPDATING="1") as vllm:
                vllm.wait_until_ready()
                self.assertEqual(vllm.ask("/v1/load_lora_adapter", adapter)[0], code)
                self.assertEqual(vllm.ask("/sleep", {"nothing": 0})[0], code)

    def test_several_servers_do_not_load_adapters_at_run_time(self):
        with Vllm("--api-server-count", "2", VLLM_ALLOW_RUNTIME_LORA_UPDATING="1") as vllm:
            self.assertNotEqual(vllm.process.wait(PATIENCE), 0)

    def test_a_link_named_vllm_is_the_program(self):
        link = self.folder / "vllm"
        os.symlink(WEIR, link)
        done = subprocess.run([link, "--version"], capture_output=True, text=True, timeout=PATIENCE,
                              env=environment(WEIR_SIM_FLAGS="--dialect vllm-0.10"))
        self.assertEqual((done.returncode, done.stdout), (0, "0.10.0\n"), done.stderr)
        done = subprocess.run([link, "serve", "m", "--enable-reasoning"], capture_output=True, text=True,
                              timeout=PATIENCE, env=environment())
        self.assertEqual(done.returncode, 2)


class Ends(Case):
    def test_it_ends_when_it_is_told(self):
        with Vllm() as vllm:
            vllm.wait_until_ready()
            vllm.process.send_signal(signal.SIGTERM)
            rest = vllm.process.communicate(timeout=PATIENCE)[0]
        self.assertEqual(vllm.process.returncode, 0)
        self.assertIn("[shutdown] API server:", rest)

    def test_it_can_be_deaf_to_sigterm(self):
        with Vllm(WEIR_SIM_IGNORE_SIGTERM="1") as vllm:
            vllm.wait_until_ready()
            vllm.process.send_signal(signal.SIGTERM)
            self.assertTrue(does(vllm.process, "SigIgn", signal.SIGTERM))
            self.assertEqual(vllm.ask("/health")[0], 200)
            self.assertIsNone(vllm.process.poll())


class Refusals(Case):
    def test_wrong_flags_end_as_argparse_ends(self):
        done = run("serve", "m", "--enable-reasoning")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(done.stderr, "usage: vllm serve [model_tag] [options]\n"
                                      "vllm serve: error: unrecognized arguments: --enable-reasoning\n")

    def test_flags_of_the_simulator_are_told_their_place(self):
        done = run("serve", "m", "--instant", "--no-such-flag", "--ttft=5")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        for flag in ("--instant", "--ttft"):
            self.assertIn(f"weir: {flag} is a flag of weir sim", done.stderr)
            self.assertIn(f"weir sim {flag} --as-vllm serve", done.stderr)
        self.assertIn("WEIR_SIM_FLAGS", done.stderr)
        self.assertNotIn("--no-such-flag is a flag", done.stderr)
        self.assertIn("vllm serve: error: unrecognized arguments: --instant --no-such-flag --ttft=5\n", done.stderr)

    def test_what_fails_at_the_start_ends_in_a_traceback(self):
        done = run("serve", "m", "--enable-auto-tool-choice", "--tool-call-parser", "x")
        self.assertEqual(done.returncode, 1)
        self.assertIn("KeyError: 'invalid tool call parser: x (chose from { apertus,", done.stderr)
        done = run("serve", "m", "--host", "127.0.0.1", WEIR_SIM_FAIL_START="1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("EngineCore failed to start.", done.stdout)
        self.assertIn("RuntimeError: Engine core initialization failed.", done.stderr)

    def test_what_it_was_given_is_echoed_without_secrets(self):
        done = run("serve", "m", "--api-key", "hush", "--port", "x", WEIR_SIM_ECHO="1", VLLM_API_KEY="hush2")
        self.assertEqual(done.returncode, 2)
        echo = json.loads(done.stdout.removeprefix("weir sim: started with "))
        self.assertEqual(echo["argv"], ["serve", "m", "--api-key", "***", "--port", "x"])
        self.assertEqual(echo["env"]["VLLM_API_KEY"], "***")
        self.assertNotIn("hush", done.stdout)


if __name__ == "__main__":
    unittest.main()

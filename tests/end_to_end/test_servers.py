"""Servers that weir starts, shares and stops; the simulator, called by the name vllm, is the server."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import unittest
import urllib.request

from harness import PATIENCE, WEIR, Case, Sim, environment, free_port, until


def members(group):
    """The living processes of a process group."""
    alive = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] not in "ZX":
            alive.append(int(stat.parent.name))
    return alive


class Servers(Case):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "bin").mkdir()
        (self.folder / "bin" / "vllm").symlink_to(WEIR)
        self.port = free_port()
        self.groups = set()
        self.addCleanup(self.end_all)

    def end_all(self):
        """Nothing that a test started outlives it."""
        for server in self.state():
            self.groups.add(server["pgid"])
        for group in self.groups:
            for pid in members(group):
                os.kill(pid, signal.SIGKILL)

    def env(self, **more):
        paths = f"{self.folder}/bin:{os.environ['PATH']}"
        base = {"PATH": paths, "XDG_STATE_HOME": str(self.folder / "state"), "WEIR_SIM_FLAGS": "--instant"}
        return environment(**{**base, **more})

    def config(self, serve="", more=""):
        text = f"engines:\n  a: {{model: m, serve: {{port: {self.port}, stop_timeout: 5{serve}}}}}\n{more}"
        (self.folder / "weir.yaml").write_text(text)

    def start(self, *args, **env):
        return subprocess.Popen([WEIR, *args], cwd=self.folder, env=self.env(**env), text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run_weir(self, *args, **env):
        return subprocess.run([WEIR, *args], cwd=self.folder, env=self.env(**env), text=True, input="",
                              capture_output=True, timeout=PATIENCE)

    def state(self):
        servers = []
        for record in (self.folder / "state").glob("weir/servers/*.json"):
            servers.append(json.loads(record.read_text()))
        return servers

    def ps(self):
        return json.loads(self.run_weir("engines", "ps", "-o", "json").stdout)["servers"]

    def only_server(self):
        server, = until(self.state, "there is a server")
        self.groups.add(server["pgid"])
        return server

    def models(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v1/models", timeout=PATIENCE) as reply:
            return [model["id"] for model in json.load(reply)["data"]]

    def assert_ended(self, group):
        until(lambda: not members(group), f"the group {group} is gone")


class Starts(Servers):
    def test_a_call_starts_its_server_and_stops_it(self):  # R-PRC-04, R-PRC-18
        self.config(more="  b: {model: other, serve: {}}\n")
        events = self.folder / "events.jsonl"
        done = self.run_weir("call", "-e", "a", "hi", "--events", str(events))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.strip())
        self.assertIn(f"engine a: starting a server with m on port {self.port}", done.stderr)
        self.assertIn("engine a: stopped", done.stderr)
        told = [json.loads(line) for line in events.read_text().splitlines()]
        told = [event for event in told if event.get("event", event.get("name", "")) in
                ("engine.start", "engine.ready", "engine.stop")]
        self.assertEqual(len(told), 3)
        self.assertEqual(self.state(), [])
        with self.assertRaises(OSError):
            self.models()

    def test_up_prints_the_address_and_the_server_goes_on(self):  # R-PRC-01, R-PRC-07
        self.config()
        done = self.run_weir("engines", "up", "a")
        self.assertEqual((done.returncode, done.stdout), (0, f"http://localhost:{self.port}/v1\n"), done.stderr)
        server = self.only_server()
        self.assertEqual(self.models(), ["m"])
        listed, = self.ps()
        self.assertEqual((listed["pid"], listed["port"], listed["model"], listed["owner"]),
                         (server["pid"], self.port, "m", "user"))
        text = self.run_weir("engines", "ps").stdout
        self.assertRegex(text, rf"(?m)^a +{server['pid']} +{self.port} +m +\d+s +user +/.*\.log$")
        engines = json.loads(self.run_weir("engines", "list", "-o", "json").stdout)["engines"]
        self.assertEqual([(e["name"], e["lifecycle"], e["state"]) for e in engines], [("a", "lazy", "running")])
        logs = self.run_weir("engines", "logs", "a", "-n", "1")
        self.assertIn("Application startup complete.", logs.stdout)
        # A run uses it and leaves it alone.
        self.assertEqual(self.run_weir("call", "-e", "a", "hi").returncode, 0)
        self.assertEqual(self.models(), ["m"])
        down = self.run_weir("engines", "down", "a")
        self.assertEqual(down.returncode, 0, down.stderr)
        self.assertEqual(members(server["pgid"]), [])
        self.assertEqual(self.ps(), [])

    def test_argv_and_environment_are_as_the_design_says(self):  # R-PRC-11, R-PRC-13
        (self.folder / "weir.yaml").write_text(f"""engines:
  a:
    model: m
    backend: vllm_api
    port: {self.port}
    extra_serve_flags:
      - "--enable-reasoning"
      - "--reasoning-parser=deepseek_r1"
      - "--tensor-parallel-size=2"
      - "--tokenizer_mode=mistral"
      - "--config_format=mistral"
      - "--load_format=mistral"
    env:
      CUDA_VISIBLE_DEVICES: "0,1"
""")
        flags = "--instant --dialect vllm-0.6"
        done = self.run_weir("engines", "up", "a", WEIR_SIM_ECHO="1", WEIR_SIM_FLAGS=flags, VLLM_TEMPERATURE="0.5",
                             VLLM_USE_V1="1")
        self.assertEqual(done.returncode, 0, done.stderr)
        log = pathlib.Path(self.only_server()["log"]).read_text()
        echo = json.loads(re.search(r"weir sim: started with (.*)", log)[1])
        self.assertEqual(echo["argv"], ["serve", "m", "--port", str(self.port), "--enable-reasoning",
                                        "--reasoning-parser=deepseek_r1", "--tensor-parallel-size=2",
                                        "--tokenizer_mode=mistral", "--config_format=mistral",
                                        "--load_format=mistral"])
        self.assertEqual(echo["env"]["CUDA_VISIBLE_DEVICES"], "0,1")
        self.assertEqual(echo["env"]["VLLM_USE_V1"], "1")
        self.assertNotIn("VLLM_TEMPERATURE", echo["env"])

    def test_duplicate_flags_are_warned_about(self):  # R-PRC-12
        self.config(', gpu_ids: "0,1,2,3", tensor_parallel: 2, flags: [--tensor-parallel-size=1]')
        done = self.run_weir("call", "-e", "a", "hi")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("--tensor-parallel-size is given twice", done.stderr)

    def test_more_gpus_than_there_are_is_said_before_the_start(self):
        self.config(", tensor_parallel: 4, gpu_ids: '0,1'")
        done = self.run_weir("engines", "up", "a")
        self.assertEqual(done.returncode, 3)
        self.assertIn("wants 4 GPUs (tensor_parallel)", done.stderr)
        self.assertEqual(self.state(), [])

    def test_a_missing_program_has_an_install_hint(self):  # R-PRC-14, R-PRC-15
        (self.folder / "bin" / "vllm").unlink()
        with Sim("--instant") as sim:
            self.config(", lifecycle: persistent", f"  far: {{base_url: '{sim.url}'}}\n")
            up = self.run_weir("engines", "up", "a", PATH="/usr/bin:/bin")
            self.assertEqual(up.returncode, 3)
            self.assertIn("there is no program 'vllm' on PATH; install vLLM (pip install vllm)", up.stderr)
            call = self.run_weir("call", "-e", "far", "hi", PATH="/usr/bin:/bin")
            self.assertEqual(call.returncode, 0, call.stderr)
            warm = self.run_weir("warmup", "a", "far", PATH="/usr/bin:/bin")
            self.assertEqual((warm.returncode, warm.stdout), (0, f"far {sim.url}\n"), warm.stderr)
            self.assertIn("warning: config_error: engine 'a' cannot be started", warm.stderr)

    def test_a_server_that_ends_early_is_explained_by_its_log(self):
        self.config()
        done = self.run_weir("call", "-e", "a", "hi", WEIR_SIM_FAIL_START="1")
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertRegex(done.stderr, r"engine 'a' did not start: 'vllm' ended with status 1 after")
        self.assertIn("the GPU has too little free memory", done.stderr)
        self.assertIn("torch.OutOfMemoryError", done.stderr)
        self.assertEqual(self.state(), [])
        self.assertIn("CUDA out of memory", self.run_weir("engines", "logs", "a").stdout)

    def test_an_unknown_flag_is_explained(self):
        self.config(", flags: [--no-such-flag]")
        done = self.run_weir("engines", "up", "a")
        self.assertEqual(done.returncode, 5)
        self.assertIn("unrecognized arguments: --no-such-flag", done.stderr)
        self.assertIn("check serve.flags", done.stderr)

    def test_any_program_with_a_health_address_will_do(self):
        command = f"[{WEIR}, sim, --instant, --listen, '{{host}}:{{port}}', --dialect, ollama]"
        (self.folder / "weir.yaml").write_text(
            f"engines:\n  o: {{kind: ollama, model: x, serve: {{port: {self.port}, command: {command}}}}}\n")
        done = self.run_weir("engines", "up", "o")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.only_server()
        self.assertEqual(self.run_weir("kill", "--all").returncode, 0)
        self.assertEqual(self.state(), [])

    def test_serve_vllm_takes_vllms_words(self):
        done = self.run_weir("serve-vllm", "org/m", "--port", str(self.port), "--served-model-name", "short")
        self.assertEqual((done.returncode, done.stdout), (0, f"http://localhost:{self.port}/v1\n"), done.stderr)
        self.only_server()
        self.assertEqual(self.models(), ["short"])
        self.assertEqual(self.run_weir("engines", "down", "m").returncode, 0)


class Warmups(Servers):
    def test_warmup_starts_what_is_not_lazy(self):  # R-PRC-16, R-PRC-17
        other = free_port()
        self.config(", lifecycle: persistent", f"  lazy: {{model: n, serve: {{port: {other}}}}}\n")
        done = self.run_weir("engines", "warmup")
        self.assertEqual((done.returncode, done.stdout), (0, f"a http://localhost:{self.port}/v1\n"), done.stderr)
        kind = self.run_weir("warmup", "--kind", "vllm_api")
        self.assertEqual(kind.stdout, f"a http://localhost:{self.port}/v1\nlazy http://localhost:{other}/v1\n")
        self.assertEqual(len(self.ps()), 2)
        self.assertEqual(self.run_weir("engines", "down", "--all").returncode, 0)
        self.assertEqual(self.ps(), [])


class Reuse(Servers):
    def test_a_server_that_lists_the_model_is_used_and_left_alone(self):  # R-ENG-07, R-ENG-09
        for path in ("/v1/models", "/models"):
            flags = ["--instant", "--models-path", path, "--listen", f"127.0.0.1:{self.port}", "--model", "m"]
            with self.subTest(path), Sim(*flags):
                self.config()
                done = self.run_weir("call", "-e", "a", "hi")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(f"using the server that runs on port {self.port}", done.stderr)
                self.assertNotIn("stopped", done.stderr)
                self.assertEqual(self.run_weir("call", "-e", f"http://127.0.0.1:{self.port}", "hi").returncode, 0)

    def test_a_port_with_another_model_is_an_error_that_names_both(self):  # R-ENG-08
        with Sim("--instant", "--listen", f"127.0.0.1:{self.port}", "--model", "other"):
            self.config()
            done = self.run_weir("call", "-e", "a", "hi")
        self.assertEqual(done.returncode, 3)
        self.assertIn(f"port {self.port} has a server with the model 'other', and engine 'a' wants 'm'", done.stderr)

    def test_a_port_with_something_else_is_an_error(self):
        with socket.create_server(("127.0.0.1", self.port)):
            self.config()
            done = self.run_weir("engines", "up", "a")
        self.assertEqual(done.returncode, 3)
        self.assertIn(f"port {self.port} is taken by something that lists no models", done.stderr)

    def test_without_a_port_one_is_found(self):  # R-PRC-06
        (self.folder / "weir.yaml").write_text("engines:\n  a: {model: m, serve: {}}\n")
        done = self.run_weir("engines", "up", "a")
        self.assertEqual(done.returncode, 0, done.stderr)
        server = self.only_server()
        self.assertGreaterEqual(server["port"], 8000)
        self.assertEqual(done.stdout, f"http://localhost:{server['port']}/v1\n")
        # The next command finds it again.
        models = self.run_weir("models", "-e", "a")
        self.assertEqual((models.returncode, models.stdout.split()[:1]), (0, ["m"]), models.stderr)

    def test_two_processes_share_one_server(self):
        self.config()
        first = self.start("chat", "-e", "a")
        server = self.only_server()
        until(lambda: "Application startup complete" in pathlib.Path(server["log"]).read_text(), "it is ready")
        second = self.start("chat", "-e", "a")
        second.stdin.write("hello\n")
        second.stdin.flush()
        self.assertTrue(second.stdout.readline())
        # The one that started it ends; the other still has it.
        out, err = first.communicate(timeout=PATIENCE)
        self.assertIn("others use the server", err)
        self.assertEqual(self.models(), ["m"])
        self.assertEqual([entry["pid"] for entry in self.ps()], [server["pid"]])
        out, err = second.communicate(timeout=PATIENCE)
        self.assertIn("engine a: stopped", err)
        self.assertEqual(members(server["pgid"]), [])


class Ends(Servers):
    def chat(self, **env):
        process = self.start("chat", "-e", "a", **env)
        server = self.only_server()
        until(lambda: "Application startup complete" in pathlib.Path(server["log"]).read_text(), "it is ready")
        return process, server

    def end(self, process):
        process.kill()
        process.communicate(timeout=PATIENCE)

    def test_no_server_outlives_a_killed_weir(self):
        self.config()
        process, server = self.chat()
        self.end(process)
        self.assert_ended(server["pgid"])
        self.assertEqual(self.ps(), [])

    def test_a_server_that_ignores_sigterm_is_killed_after_the_grace(self):  # R-PRC-03
        (self.folder / "weir.yaml").write_text(
            f"engines:\n  a: {{model: m, serve: {{port: {self.port}, stop_timeout: 0.2}}}}\n")
        done = self.run_weir("call", "-e", "a", "hi", WEIR_SIM_IGNORE_SIGTERM="1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("engine a: stopped", done.stderr)
        process, server = self.chat(WEIR_SIM_IGNORE_SIGTERM="1")
        self.end(process)
        self.assert_ended(server["pgid"])

    def test_the_last_of_two_that_are_killed_ends_the_server(self):
        self.config()
        first, server = self.chat()
        second = self.start("chat", "-e", "a")
        second.stdin.write("hello\n")
        second.stdin.flush()
        self.assertTrue(second.stdout.readline())
        self.end(first)
        # Its watcher looks ten times a second, and sees that the server is in use.
        self.assertEqual(self.models(), ["m"])
        second.stdin.write("hello\n")
        second.stdin.flush()
        self.assertTrue(second.stdout.readline())
        self.end(second)
        self.assert_ended(server["pgid"])

    def test_a_start_that_is_cancelled_leaves_nothing(self):
        self.config()
        process = self.start("call", "-e", "a", "hi", WEIR_SIM_FLAGS="--instant --startup-delay 100")
        server = self.only_server()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 4)
        self.assert_ended(server["pgid"])
        self.assertEqual(self.ps(), [])


if __name__ == "__main__":
    unittest.main()

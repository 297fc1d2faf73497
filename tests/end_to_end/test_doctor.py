"""`weir doctor`: what it finds on good and bad servers, its remedies, its exit codes."""
import json
import signal
import socket
import subprocess
import unittest

from harness import PATIENCE, WEIR, Case, RawServer, Sim, environment, weir

STEPS = ["address", "proxy", "dns", "tcp", "tls", "health", "auth", "version", "models", "adapters", "limits", "load",
         "clock", "call", "reasoning", "constraint", "regex", "tools"]


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Doctor(Case):
    def examine(self, *args, exit_code=0, env=None):
        """The findings by step; where a step has several, the worst."""
        done = weir("doctor", *args, "-o", "json", env=env)
        self.assertEqual(done.returncode, exit_code, done.stdout + done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(report["ok"], exit_code == 0)
        order = ["skipped", "ok", "note", "warning", "failed"]
        worst = {}
        for finding in report["findings"]:
            old = worst.get(finding["step"])
            if old is None or order.index(finding["verdict"]) > order.index(old["verdict"]):
                worst[finding["step"]] = finding
        self.assertEqual([step for step in STEPS if step in worst], STEPS)
        return worst

    def check(self, finding, verdict, *words):
        self.assertEqual(finding["verdict"], verdict, finding)
        for word in words:
            self.assertIn(word, finding["what"] + "\n" + finding.get("remedy", ""))

    def certificate(self):
        key, certificate = self.folder / "key.pem", self.folder / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        return f"{certificate},{key}", certificate


class GoodServers(Doctor):
    def test_what_runs_in_this_process_has_no_address(self):
        done = weir("doctor", "sim", "--no-probe", "-o", "json")
        self.assertEqual(json.loads(done.stdout)["base_url"], "")

    def test_what_is_broken_off_says_nothing_of_the_server(self):
        script = self.write("slow.yaml", "- reply: {ttft: 600s, text: late}\n")
        with Sim("--scenario", script) as sim:
            process = subprocess.Popen([WEIR, "doctor", sim.url], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True, env=environment())
            log = ""
            while "clock " not in log:
                log += process.stdout.readline()
            process.send_signal(signal.SIGINT)
            rest, said = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 4, said)
        self.assertNotIn("FAIL", rest)
        self.assertIn("weir doctor: cancelled; ", rest)

    def test_a_vllm_of_every_version(self):
        for dialect, version in (("vllm-0.6", "0.6.6"), ("vllm-0.11", "0.11.2"), ("vllm-latest", "0.28.0")):
            with Sim("--instant", "--dialect", dialect) as sim:
                found = self.examine(sim.url)
            self.check(found["version"], "ok", f"vLLM {version}")
            for step in ("health", "auth", "models", "limits", "load", "clock", "call", "constraint", "regex"):
                self.check(found[step], "ok")
            self.check(found["constraint"], "ok", "3 of 3")

    def test_openai_and_ollama_have_other_steps(self):
        with Sim("--instant", "--dialect", "openai") as sim:
            config = self.write("it.yaml", f"engines: {{it: {{kind: openai, base_url: '{sim.url}', api_key: x}}}}")
            found = self.examine("--config", config, "it")
        for step in ("health", "adapters", "load", "regex"):
            self.check(found[step], "skipped")
        self.check(found["constraint"], "ok")
        with Sim("--instant", "--dialect", "ollama") as sim:
            config = self.write("it.yaml", f"engines: {{it: {{kind: ollama, base_url: '{sim.url}'}}}}")
            found = self.examine("--config", config, "it")
        self.check(found["version"], "ok", "Ollama")
        self.check(found["constraint"], "ok")
        self.check(found["regex"], "ok")

    def test_an_ollama_that_is_taken_for_vllm(self):
        with Sim("--instant", "--dialect", "ollama") as sim:
            found = self.examine(sim.url, "--no-probe")
        self.check(found["version"], "warning", "this is Ollama", "kind: ollama")

    def test_the_simulator_inside(self):
        found = self.examine("sim")
        self.check(found["address"], "ok", "lives in this process")
        self.check(found["constraint"], "ok")
        self.check(found["tcp"], "skipped")

    def test_a_unix_socket(self):
        with Sim("--instant", "--listen", f"unix:{self.folder}/x.sock"):
            found = self.examine(f"unix:{self.folder}/x.sock", "--no-probe")
        self.check(found["tcp"], "ok", "x.sock")
        self.check(found["call"], "skipped", "--no-probe")
        gone = self.examine(f"unix:{self.folder}/no.sock", exit_code=5)
        self.check(gone["tcp"], "failed", "--uds")

    def test_text_has_a_line_for_each_finding_and_a_summary(self):
        with Sim("--instant") as sim:
            done = weir("doctor", "-e", sim.url)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertNotIn("\033", done.stdout)
        lines = done.stdout.splitlines()
        self.assertTrue(lines[0].startswith("  ok    address"), lines[0])
        self.assertTrue(lines[-1].startswith("weir doctor: "), lines[-1])


class Constraints(Doctor):
    def test_a_server_that_ignores_them(self):
        with Sim("--instant", "--ignore-constraints") as sim:
            found = self.examine(sim.url, exit_code=2)
            text = weir("doctor", sim.url)
        self.check(found["constraint"], "failed", "does not keep it", "--structured-outputs-config.backend")
        self.assertEqual(found["constraint"]["error"], "constraint_violated")
        self.check(found["regex"], "failed")
        self.check(found["call"], "ok")
        self.assertEqual(text.returncode, 2)
        self.assertIn("  FAIL  constraint", text.stdout)
        self.assertIn("  -> ", text.stdout)

    def test_a_wrong_dialect_is_told(self):
        with Sim("--instant", "--dialect", "vllm-latest") as sim:
            config = self.write("it.yaml", f"engines: {{it: {{base_url: '{sim.url}', dialect: vllm-0.10}}}}")
            found = self.examine("--config", config, exit_code=2)
        self.check(found["version"], "warning", "`dialect: vllm-0.10` is set")
        self.check(found["regex"], "failed", "dialect:")


class Parsers(Doctor):
    def test_tools_that_the_server_refuses(self):
        with Sim("--instant", "--no-auto-tool-choice") as sim:
            found = self.examine(sim.url)
        self.check(found["tools"], "warning", "--enable-auto-tool-choice", "--tool-call-parser")

    def test_thoughts_that_come_apart(self):
        with Sim("--instant", "--reasoning") as sim:
            found = self.examine(sim.url)
        self.check(found["reasoning"], "ok", "apart")
        self.check(found["constraint"], "ok")

    def test_thoughts_and_tool_calls_in_the_text(self):
        script = self.write("raw.yaml", "- match: {contains: '17 + 25'}\n  reply: {text: '<think>hm</think>42'}\n"
                                        "- match: {contains: 'weather in Paris'}\n"
                                        "  reply: {text: '[TOOL_CALLS][{\"name\": \"get_weather\"}]'}\n")
        with Sim("--instant", "--scenario", script) as sim:
            found = self.examine(sim.url)
        self.check(found["reasoning"], "warning", "--reasoning-parser")
        self.check(found["tools"], "warning", "--tool-call-parser")


class Wrong(Doctor):
    def test_a_closed_port(self):
        port = closed_port()
        found = self.examine(f"http://127.0.0.1:{port}", exit_code=5)
        self.check(found["dns"], "ok")
        self.check(found["tcp"], "failed", "refused", "/health", "firewall", "--host 0.0.0.0")
        for step in STEPS[4:]:
            self.check(found[step], "skipped", "not reached")

    def test_a_closed_port_has_the_remedies_of_its_kind_of_server(self):
        port = closed_port()
        for kind, words in (("ollama", ("/api/version", "ollama serve", "OLLAMA_HOST=0.0.0.0")),
                            ("openai", ("/v1/models", "0.0.0.0"))):
            config = self.write("it.yaml", f"engines: {{it: {{kind: {kind}, model: m, "
                                           f"base_url: 'http://127.0.0.1:{port}'}}}}")
            found = self.examine("--config", config, "it", exit_code=5)
            self.check(found["tcp"], "failed", "refused", "firewall", *words)
            for word in ("/health", "vLLM", "--host"):
                self.assertNotIn(word, found["tcp"]["remedy"])

    def test_a_name_that_does_not_resolve(self):
        found = self.examine("http://no-such-host.invalid:8000", exit_code=5)
        self.check(found["dns"], "failed", "no-such-host.invalid", "spelling")

    def test_a_key_that_is_missing_or_wrong(self):
        with Sim("--instant", "--api-key", "right") as sim:
            none = self.examine(sim.url, exit_code=2)
            wrong = self.examine(sim.url, exit_code=2, env={"VLLM_API_KEY": "not-it"})
            right = self.examine(sim.url, env={"VLLM_API_KEY": "right"})
        self.check(none["auth"], "failed", "none is sent", "VLLM_API_KEY")
        self.assertEqual(none["auth"]["error"], "http_401")
        self.check(wrong["auth"], "failed", "does not take the key", "--api-key")
        self.check(right["auth"], "ok")
        self.check(none["models"], "skipped")

    def test_a_model_that_is_not_there(self):
        with Sim("--instant", "--model", "qwen3-8b", "--adapter", "sql") as sim:
            found = self.examine(sim.url, "-m", "qwen3-8", exit_code=3)
            config = self.write("it.yaml", f"engines: {{it: {{base_url: '{sim.url}', adapters: [sql, legal]}}}}")
            adapters = self.examine("--config", config, "--no-probe")
        self.check(found["models"], "failed", "qwen3-8", "did you mean 'qwen3-8b'")
        self.check(found["constraint"], "skipped")
        self.check(adapters["adapters"], "warning", "loaded: sql", "missing: legal", "--lora-modules")

    def test_an_unknown_authority_and_a_short_certificate(self):
        pair, certificate = self.certificate()
        with Sim("--instant", "--tls", pair) as sim:
            url = sim.url.replace("127.0.0.1", "localhost")
            unknown = self.examine(url, exit_code=5)
            config = self.write("it.yaml", f"engines: {{it: {{base_url: '{url}', tls: {{ca_file: '{certificate}'}}}}}}")
            trusted = self.examine("--config", config, "--no-probe")
        self.check(unknown["tls"], "failed", "not trusted", "ca_file")
        self.assertIn("CN=localhost", unknown["tls"]["detail"])
        self.check(trusted["tls"], "warning", "TLSv1.3", "CN=localhost", "good for ", "renew")

    def test_https_spoken_to_a_plain_port(self):
        with Sim("--instant") as sim:
            found = self.examine(sim.url.replace("http:", "https:"), exit_code=5)
        self.check(found["tls"], "failed", "https")

    def test_an_engine_that_has_died(self):
        with RawServer(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n") as server:
            found = self.examine(server.url, exit_code=5)
        self.check(found["health"], "failed", "503", "log")

    def test_a_clock_that_is_wrong_and_a_version_that_is_hidden(self):
        body = '{"object":"list","data":[{"id":"m"}]}'
        reply = ("HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: close\r\n"
                 f"Content-Length: {len(body)}\r\n\r\n{body}")
        with RawServer(reply.encode()) as server:
            found = self.examine(server.url, "--no-probe")
        self.check(found["clock"], "warning", "behind", "NTP")
        self.check(found["version"], "warning", "does not tell", "dialect:")

    def test_a_proxy_is_told(self):
        port = closed_port()
        found = self.examine("http://far.example:8000", exit_code=5, env={"HTTP_PROXY": f"http://127.0.0.1:{port}"})
        self.check(found["proxy"], "note", f"127.0.0.1:{port}", "HTTP_PROXY", "NO_PROXY")
        self.check(found["tcp"], "failed", "proxy")
        with Sim("--instant") as sim:
            local = self.examine(sim.url, "--no-probe", env={"HTTP_PROXY": f"http://127.0.0.1:{port}"})
        self.check(local["proxy"], "ok", "does not count")

    def test_an_unknown_engine_is_a_configuration_error(self):
        done = weir("doctor", "-e", "nobody")
        self.assertEqual(done.returncode, 3, done.stderr)


if __name__ == "__main__":
    unittest.main()

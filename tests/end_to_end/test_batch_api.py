"""Batches at a provider: `weir batch` against the simulator of OpenAI's server."""
import base64
import http.server
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import unittest
import urllib.request

from harness import PATIENCE, WEIR, Case, Pane, Sim, environment, weir

CHAT = "/v1/chat/completions"


def request(name, content="hello", url=CHAT, **body):
    return json.dumps({"custom_id": name, "method": "POST", "url": url, "body": {
        "model": "sim-model", "messages": [{"role": "user", "content": content}], "max_tokens": 3, **body}})


def requests(count):
    return "".join(request(f"r{n}", f"question {n}") + "\n" for n in range(count))


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def ids(path):
    return [line["custom_id"] for line in lines(path)]


def batches(url):
    with urllib.request.urlopen(url + "/v1/batches") as answer:
        return json.load(answer)["data"]


def peak_kilobytes(process):
    """The most memory that a running process has had; 0 once it has gone."""
    try:
        with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
            found = re.search(r"VmHWM:\s+(\d+)", status.read())
            return int(found.group(1)) if found else 0
    except OSError:
        return 0


class DroppingProxy:
    """Passes everything on to `url`, but drops the first answers to what creates a batch."""

    def __init__(self, url, drops=1):
        host, port = url.removeprefix("http://").split(":")
        self.upstream, self.drops, self.dropped = (host, int(port)), drops, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.accept, daemon=True)

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, socket.create_connection(self.upstream) as server:
            client.settimeout(PATIENCE)
            server.settimeout(PATIENCE)
            try:
                while message := self.message(client):
                    server.sendall(message)
                    answer = self.message(server)
                    if message.startswith(b"POST /v1/batches ") and self.dropped < self.drops:
                        self.dropped += 1
                        return
                    client.sendall(answer)
            except OSError:
                return

    @staticmethod
    def message(stream):
        """One request or answer with a Content-Length."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = stream.recv(1 << 16)
            if not piece:
                return b""
            data += piece
        head = data.partition(b"\r\n\r\n")[0]
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        total = len(head) + 4 + (int(length.group(1)) if length else 0)
        while len(data) < total:
            data += stream.recv(1 << 16)
        return data

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(PATIENCE)


class FewTokens(http.server.ThreadingHTTPServer):
    """A provider that answers the first request of its first batch, refuses the second batch, and then answers all."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.uploads = []
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)

    def batch(self, number):
        status = {1: "expired", 2: "failed"}.get(number, "completed")
        refused = [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}]
        return {"id": f"batch_{number}", "object": "batch", "endpoint": CHAT, "input_file_id": f"file-{number}",
                "completion_window": "24h", "created_at": 1, "status": status,
                **({"errors": {"object": "list", "data": refused}} if status == "failed"
                   else {"output_file_id": f"output-{number}"})}

    def output(self, number):
        sent = re.findall(rb'"custom_id": "(\w+)"', self.uploads[number - 1])
        answer = {"status_code": 200, "request_id": "q", "body": {"choices": []}}
        return "".join(json.dumps({"id": "r", "custom_id": name.decode(), "response": answer, "error": None}) + "\n"
                       for name in (sent[:1] if number == 1 else sent)).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *unused):
            pass

        def answer(self, body):
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/files":
                self.server.uploads.append(body)
                return self.answer({"id": f"file-{len(self.server.uploads)}", "object": "file"})
            return self.answer(self.server.batch(len(self.server.uploads)))

        def do_GET(self):
            number = int(re.search(r"\d+", self.path.removeprefix("/v1/")).group())
            return self.answer(self.server.output(number) if "/files/" in self.path else self.server.batch(number))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.shutdown()
        self.thread.join(PATIENCE)
        self.server_close()


class Submit(Case):
    def sim(self, *flags, scenario=None):
        if scenario:
            flags += ("--scenario", self.write("scenario.yaml", scenario))
        return Sim("--dialect", "openai", "--instant", *flags)

    def submit(self, url, batch, *flags):
        return weir("batch", "submit", batch, "-e", url, "-o", str(self.folder / "out.jsonl"),
                    "--poll", "0.05", *flags)

    def out(self):
        return self.folder / "out.jsonl"

    def test_answers_come_in_the_order_of_the_requests(self):
        batch = self.write("in.jsonl", requests(300))
        with self.sim() as sim:
            done = self.submit(sim.url, batch, "--wait", "--json", "--metadata", "who=me")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(ids(self.out()), [f"r{n}" for n in range(300)])
            self.assertEqual({line["response"]["status_code"] for line in lines(self.out())}, {200})
            told = json.loads(done.stdout)
            self.assertEqual((told["requests"], told["good"], told["missing"]), (300, 300, 0))
            kept, = batches(sim.url)
            self.assertEqual(kept["id"], told["batch_id"])
            self.assertEqual(kept["metadata"]["who"], "me")
            again = self.submit(sim.url, batch, "--wait")
            self.assertEqual(again.returncode, 3)
            self.assertIn("is there already", again.stderr)
            self.assertEqual(len(batches(sim.url)), 1)

    def test_an_answer_is_what_a_direct_call_gets(self):
        batch = self.write("in.jsonl", request("a", "what is up", temperature=0.5) + "\n")
        with self.sim() as sim:
            self.assertEqual(self.submit(sim.url, batch, "--wait").returncode, 0)
            body = json.dumps(json.loads(request("a", "what is up", temperature=0.5))["body"]).encode()
            call = urllib.request.Request(sim.url + CHAT, body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(call) as answer:
                direct = json.load(answer)
        self.assertEqual(lines(self.out())[0]["response"]["body"]["choices"], direct["choices"])

    def test_a_client_that_is_killed_goes_on_with_its_batch(self):
        batch = self.write("in.jsonl", requests(20) + request("slow", "slow") + "\n")
        scenario = "- {match: {contains: slow}, times: 1, reply: {delay: 3s}}\n"
        with self.sim(scenario=scenario) as sim:
            command = [WEIR, "batch", "submit", batch, "-e", sim.url, "-o", str(self.out()), "--poll", "0.05", "--wait"]
            with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment()) as client:
                for line in client.stderr:
                    if "in_progress" in line:
                        break
                client.send_signal(signal.SIGKILL)
            self.assertFalse(self.out().exists())
            done = self.submit(sim.url, batch, "--wait")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("going on with the batch batch_", done.stderr)
            self.assertEqual(len(batches(sim.url)), 1)
        self.assertEqual(ids(self.out()), [f"r{n}" for n in range(20)] + ["slow"])

    def test_a_lost_answer_to_the_creation_does_not_make_two_batches(self):
        batch = self.write("in.jsonl", requests(3))
        with self.sim() as sim, DroppingProxy(sim.url) as proxy:
            done = self.submit(proxy.url, batch, "--wait")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(proxy.dropped, 1)
            self.assertEqual(len(batches(sim.url)), 1)
        self.assertEqual(ids(self.out()), ["r0", "r1", "r2"])

    def test_a_file_with_mistakes_is_not_sent(self):
        batch = self.write("in.jsonl", "\n".join([
            request("a"), "{nonsense", request("a"), request("b", url="/v1/nothing"),
            request("c", url="/v1/completions"), request("d", stream=True)]) + "\n")
        with self.sim() as sim:
            done = self.submit(sim.url, batch, "--wait")
            with urllib.request.urlopen(sim.url + "/sim/requests") as answer:
                self.assertEqual(json.load(answer), [])
        self.assertEqual(done.returncode, 3)
        for line, code in ((2, "invalid_json_line"), (3, "duplicate_custom_id"), (4, "invalid_url"),
                           (5, "url_mismatch"), (6, "invalid_request")):
            self.assertIn(f"in.jsonl:{line}: {code}: ", done.stderr)
        self.assertIn("nothing was sent", done.stderr)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["in.jsonl"])

    def test_failures_are_lines_of_the_output(self):
        scenario = "- {match: {contains: busy}, reply: {error: {status: 429, message: slow down}}}\n" \
                   "- {match: {contains: reset}, reply: {faults: [{kind: reset}]}}\n"
        batch = self.write("in.jsonl", "\n".join(
            [request("a"), request("b", "busy"), request("c", "reset"), request("d")]) + "\n")
        with self.sim(scenario=scenario) as sim:
            done = self.submit(sim.url, batch, "--wait", "--json")
        self.assertEqual(done.returncode, 1, done.stderr)
        told = json.loads(done.stdout)
        self.assertEqual((told["good"], told["failed"], told["missing"]), (2, 1, 1))
        found = lines(self.out())
        self.assertEqual([line["custom_id"] for line in found], ["a", "b", "c", "d"])
        self.assertEqual(found[1]["response"]["status_code"], 429)
        self.assertEqual(found[2]["error"]["code"], "server_error")

    def test_what_expired_is_told_and_sent_again_alone(self):
        scenario = "- {match: {contains: stall}, times: 1, reply: {faults: [{kind: stall}]}}\n"
        batch = self.write("in.jsonl", "\n".join([request("a"), request("b", "stall"), request("c")]) + "\n")
        with self.sim("--batch-window", "0.7", scenario=scenario) as sim:
            done = self.submit(sim.url, batch, "--wait")
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("1 without an answer since the batch is expired", done.stderr)
            found = lines(self.out())
            self.assertEqual([line["custom_id"] for line in found], ["a", "b", "c"])
            self.assertEqual(found[1]["error"]["code"], "batch_expired")
            again = self.submit(sim.url, batch, "--resubmit-missing", "--wait")
            self.assertEqual(again.returncode, 0, again.stderr)
            self.assertEqual([one["request_counts"]["total"] for one in batches(sim.url)], [1, 3])
            self.assertEqual([line["error"] for line in lines(self.out())], [None] * 3)
            self.assertEqual(ids(self.out()), ["a", "b", "c"])
            none = self.submit(sim.url, batch, "--resubmit-missing")
            self.assertEqual(none.returncode, 3)
            self.assertIn("nothing is missing", none.stderr)

    def test_a_batch_is_seen_cancelled_and_collected(self):
        scenario = "- {match: {contains: stall}, reply: {faults: [{kind: stall}]}}\n"
        batch = self.write("in.jsonl", "\n".join([request("a"), request("b", "stall")]) + "\n")
        with self.sim(scenario=scenario) as sim:
            sent = self.submit(sim.url, batch)
            self.assertEqual(sent.returncode, 0, sent.stderr)
            identity = sent.stdout.strip()
            while weir("batch", "status", str(self.out())).stdout.count("1 of 2 answered") == 0:
                pass
            early = weir("batch", "collect", str(self.out()))
            self.assertEqual(early.returncode, 5)
            self.assertIn("in_progress", early.stderr)
            status = weir("batch", "status", identity, "-e", sim.url, "--json")
            self.assertEqual(json.loads(status.stdout)["status"], "in_progress")
            stopped = weir("batch", "cancel", str(self.out()), "--json")
            self.assertEqual(json.loads(stopped.stdout)["status"], "cancelling", stopped.stderr)
            done = weir("batch", "collect", str(self.out()), "--wait", "--poll", "0.05")
            self.assertEqual(done.returncode, 1, done.stderr)
            found = lines(self.out())
            self.assertEqual([line["custom_id"] for line in found], ["a", "b"])
            self.assertEqual(found[0]["response"]["status_code"], 200)
            self.assertEqual(found[1]["error"]["code"], "batch_cancelled")
            listed = weir("batch", "list", "-e", sim.url)
            self.assertRegex(listed.stdout, rf"^{identity}  cancelled  1 of 2 answered  by weir\n$")

    def test_a_terminal_shows_the_counts_and_ctrl_c_ends_only_the_waiting(self):
        scenario = "- {match: {contains: stall}, reply: {faults: [{kind: stall}]}}\n"
        batch = self.write("in.jsonl", "\n".join([request("a"), request("b", "stall")]) + "\n")
        with self.sim(scenario=scenario) as sim:
            with Pane(self.folder, "batch", "submit", batch, "-e", sim.url, "-o", "out.jsonl", "--wait", "--poll", "0.05",
                      width=100) as pane:
                pane.until(lambda screen: "in_progress  1 of 2 answered" in screen)
                pane.keys("C-c")
                screen = pane.until(lambda screen: "ended with 4" in screen)
                self.assertIn("weir batch collect out.jsonl --wait", screen)
            self.assertEqual(batches(sim.url)[0]["status"], "in_progress")

    def test_a_file_that_was_never_submitted_is_told_as_that(self):
        with Sim("--instant") as sim:
            for verb in ("status", "cancel"):
                done = weir("batch", verb, "out.jsonl", "-e", sim.url, cwd=self.folder)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn("there is no out.jsonl.batch.json, so that this is taken for an id", done.stderr)
            done = weir("batch", "list", "-e", sim.url, "-o", "json")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", "weir: there are no batches\n"))
        done = weir("batch", "submit", "in.jsonl", "-o", "json", "-e", "http://127.0.0.1:9", cwd=self.folder)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("--json asks for objects", done.stderr)

    def test_a_batch_of_others_is_collected_by_its_id(self):
        batch = self.write("in.jsonl", requests(5))
        with self.sim() as sim:
            identity = self.submit(sim.url, batch).stdout.strip()
            other = self.folder / "other.jsonl"
            done = weir("batch", "collect", identity, "-e", sim.url, "-o", str(other), "--wait", "--poll", "0.05")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(ids(other), [f"r{n}" for n in range(5)])
            lost = weir("batch", "status", "batch_none", "-e", sim.url)
            self.assertEqual(lost.returncode, 2)
            self.assertIn("No batch found", lost.stderr)

    def test_other_requests_do_not_go_on_with_a_batch(self):
        batch = self.write("in.jsonl", requests(2))
        with self.sim() as sim:
            self.assertEqual(self.submit(sim.url, batch).returncode, 0)
            self.write("in.jsonl", requests(3))
            other = self.submit(sim.url, batch)
            self.assertEqual(other.returncode, 3)
            self.assertIn("other requests", other.stderr)
            self.assertEqual(len(batches(sim.url)), 1)

    def test_answers_are_collected_by_the_requests_that_were_sent(self):
        for name in ("a", "b"):
            (self.folder / name).mkdir()
        sent = self.write("a/in.jsonl", requests(3))
        self.write("b/in.jsonl", request("foreign") + "\n")
        text = (self.folder / "a" / "in.jsonl").read_text()
        out = self.folder / "a" / "out.jsonl"
        with self.sim() as sim:
            done = weir("batch", "submit", "in.jsonl", "-o", "out.jsonl", "-e", sim.url, cwd=self.folder / "a")
            self.assertEqual(done.returncode, 0, done.stderr)
            done = weir("batch", "collect", "../a/out.jsonl", "--wait", "--poll", "0.05", cwd=self.folder / "b")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(ids(out), ["r0", "r1", "r2"])
            before = out.read_text()
            self.write("a/in.jsonl", text.splitlines(keepends=True)[0])
            other = weir("batch", "collect", str(out))
            self.assertEqual(other.returncode, 3, other.stderr)
            self.assertIn(f"{sent} holds other requests now than those that were sent", other.stderr)
            self.assertEqual(out.read_text(), before)
            moved = weir("batch", "collect", str(out), "-i", self.write("moved.jsonl", text))
            self.assertEqual(moved.returncode, 0, moved.stderr)

    def test_who_goes_on_may_name_the_engine_otherwise(self):
        batch = self.write("in.jsonl", requests(2))
        with self.sim("--api-key", "secret") as sim:
            shut = self.submit(sim.url, batch)
            self.assertEqual(shut.returncode, 2)
            self.assertIn("API key", shut.stderr)
            config = self.write("weir.yaml",
                                f"engines: {{cloud: {{kind: openai, base_url: '{sim.url}', api_key: secret}}}}\n")
            done = weir("--config", config, "batch", "submit", batch, "-e", "cloud", "-o", str(self.out()))
            self.assertEqual(done.returncode, 0, done.stderr)
            seen = weir("--config", config, "batch", "collect", str(self.out()), "--wait", "--poll", "0.05")
            self.assertEqual(seen.returncode, 0, seen.stderr)
            late = weir("--config", config, "batch", "collect", str(self.out()))
            self.assertEqual(late.returncode, 0, "what was collected can be collected again")
            for secret in self.folder.glob("out.jsonl.batch*.json"):
                self.assertNotIn("secret", secret.read_text())

    def test_a_refused_batch_may_be_mended_and_sent_anew(self):
        mixed = self.write("in.jsonl", request("a") + "\n" + request("b", model="other") + "\n")
        with self.sim() as sim:
            refused = self.submit(sim.url, mixed, "--wait")
            self.assertEqual(refused.returncode, 3, refused.stderr)
            self.assertIn("in.jsonl:2: asks for another model", refused.stderr)
            self.assertIn("in.jsonl:2: model_mismatch", refused.stderr)
            self.assertEqual(self.submit(sim.url, self.write("in.jsonl", requests(2)), "--wait").returncode, 0)

    def test_a_refused_resubmission_is_given_again(self):
        batch = self.write("in.jsonl", requests(2))
        for collected in (True, False):
            with self.subTest(collected=collected), FewTokens() as provider:
                self.assertEqual(self.submit(provider.url, batch, "--wait").returncode, 1)
                refused = self.submit(provider.url, batch, "--resubmit-missing", *["--wait"][:collected])
                self.assertEqual(refused.returncode, 3 if collected else 0, refused.stderr)
                self.assertEqual("token_limit_exceeded" in refused.stderr, collected)
                if collected:
                    late = weir("batch", "collect", str(self.out()))
                    self.assertEqual(late.returncode, 1, "what was answered before: " + late.stderr)
                again = self.submit(provider.url, batch, "--resubmit-missing", "--wait")
                self.assertEqual(again.returncode, 0, again.stderr)
                self.assertEqual("has refused the batch batch_2" in again.stderr, not collected)
                self.assertEqual([line["error"] for line in lines(self.out())], [None] * 2)
            self.out().unlink()
            (self.folder / "out.jsonl.batch.json").unlink()
            shutil.rmtree(self.folder / "out.jsonl.batch")

    def test_servers_without_batches_say_so(self):
        batch = self.write("in.jsonl", requests(1))
        with Sim("--dialect", "vllm-0.10", "--instant") as sim:
            done = self.submit(sim.url, batch)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("/v1/files", done.stderr)
        inside = self.submit("sim", batch)
        self.assertEqual(inside.returncode, 3)
        self.assertIn("weir batch run", inside.stderr)

    @unittest.skipIf("ASAN_OPTIONS" in os.environ, "the sanitizer has its own ideas of memory")
    def test_memory_is_flat_with_twenty_thousand_requests(self):
        count = 20_000
        peaks = {}
        with self.sim() as sim:
            for size in (1_000, count):
                batch = self.write(f"in{size}.jsonl", requests(size))
                out = str(self.folder / f"out{size}.jsonl")
                command = [WEIR, "batch", "submit", batch, "-e", sim.url, "-o", out, "--wait", "--quiet",
                           "--poll", "0.2"]
                with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment()) as client:
                    while client.poll() is None:
                        peaks[size] = max(peaks.get(size, 0), peak_kilobytes(client))
                    self.assertEqual(client.returncode, 0)
                self.assertEqual(ids(out), [f"r{n}" for n in range(size)])
        if "WEIR_FIGURES" in os.environ:
            print(f"peak of the client in kB, by requests: {peaks}")
        # The file that is sent is in memory while it is sent, and the index of results.
        sent = os.path.getsize(self.folder / f"in{count}.jsonl") // 1024
        self.assertLess(peaks[count] - peaks[1_000], 3 * sent + 20_000)


class Local(Case):
    def test_a_batch_is_run_here_under_both_names(self):
        batch = self.write("in.jsonl", requests(3))
        for words, name in ((["batch", "run", batch, "-m", "sim-model"], "one.jsonl"),
                            (["run-batch", "-i", batch, "--model", "sim-model"], "two.jsonl")):
            out = self.folder / name
            done = weir(*words, "-o", str(out), "-e", "sim", "--quiet")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(ids(out), ["r0", "r1", "r2"])

    def test_texts_to_embed_stand_among_chats_and_are_tried_again_like_them(self):
        vector = {"url": "/v1/embeddings", "method": "POST"}
        rows = [{"custom_id": "two", **vector, "body": {"input": ["a river", "the sea"], "dimensions": 4}},
                {"custom_id": "packed", **vector, "body": {"input": "a river", "dimensions": 4, "encoding_format": "base64"}},
                {"custom_id": "ids", **vector, "body": {"input": [1, 2]}}]
        batch = self.write("in.jsonl", requests(2) + "".join(json.dumps(row) + "\n" for row in rows))
        scenario = self.write("busy.yaml", "- {match: {path: /v1/embeddings}, times: 1, reply: {error: {status: 503}}}\n")
        out = self.folder / "out.jsonl"
        with Sim("--instant", "--scenario", scenario) as sim:
            done = weir("batch", "run", batch, "-o", str(out), "-e", sim.url, "-m", "sim-model")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("trying again", done.stderr)
        self.assertEqual(ids(out), ["r0", "r1", "two", "packed", "ids"])
        *_, two, packed, refused = lines(out)
        self.assertEqual([len(item["embedding"]) for item in two["response"]["body"]["data"]], [4, 4])
        self.assertGreater(two["response"]["body"]["usage"]["prompt_tokens"], 0)
        raw = base64.b64decode(packed["response"]["body"]["data"][0]["embedding"])
        self.assertEqual(list(struct.unpack("<4f", raw)),
                         [struct.unpack("f", struct.pack("f", x))[0] for x in two["response"]["body"]["data"][0]["embedding"]])
        self.assertEqual(refused["response"]["status_code"], 400)
        self.assertIn("token ids", refused["error"]["error"]["message"])

    def test_the_embedded_simulator_says_that_it_has_no_vectors(self):
        batch = self.write("in.jsonl", json.dumps({"custom_id": "a", "method": "POST", "url": "/v1/embeddings", "body": {"input": "x"}}))
        done = weir("batch", "run", batch, "-o", str(self.folder / "out.jsonl"), "-e", "sim", "--quiet")
        self.assertEqual(done.returncode, 2, done.stderr)
        line, = lines(self.folder / "out.jsonl")
        self.assertIn("start `weir sim`", line["error"]["error"]["message"])

    def test_a_command_line_of_vllm_run_batch_runs_and_what_it_says_to_a_server_is_told(self):
        batch = self.write("in.jsonl", requests(2))
        server = ["--max-model-len", "4096", "-tp", "2", "--enforce_eager", "--disable-log-requests", "-O3", "--swap-space=4",
                  "--lora-modules", "a=b", "c=d", "--hf-token", "hf_secret", "--max-num-batched-tokens", "-1",
                  "--compilation-config", '{"mode": 3}', "--enable_metrics", "--url", "0.0.0.0", "--output_tmp_dir", "d", "--tokenizer", "sim"]
        out = self.folder / "out.jsonl"
        done = weir("run-batch", *server, "-i", batch, "-o", str(out), "--model", "sim-model", "-e", "sim", "--quiet")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(ids(out), ["r0", "r1"])
        notes = [line for line in done.stderr.splitlines() if "flags of vLLM" in line]
        self.assertEqual(len(notes), 1, done.stderr)
        for name in ("max-model-len", "tensor-parallel-size", "enforce-eager", "disable-log-requests", "optimization-level",
                     "swap-space", "lora-modules", "hf-token", "compilation-config", "enable-metrics", "url", "tokenizer"):
            self.assertIn(f"--{name}", notes[0])
        self.assertNotIn("hf_secret", done.stderr)
        for words, why in ((["--max-modle-len", "1"], "takes it: unrecognized arguments: --max-modle-len"),
                           (["--enforce-eager", "stray"], "'stray' belongs to no flag"),
                           (["--max_model_len", "long"], "argument --max-model-len: invalid"),
                           (["--config", str(self.folder / "weir.yaml")], "weir --config FILE run-batch")):
            done = weir("run-batch", "-i", batch, "-o", str(self.folder / "no.jsonl"), "-e", "sim", *words)
            self.assertEqual(done.returncode, 64, done.stderr)
            self.assertIn(why, done.stderr)


if __name__ == "__main__":
    unittest.main()

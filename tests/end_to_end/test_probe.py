"""What weir finds out of a server that does not tell its version, and whole calls that stream inside."""
import http.server
import json
import threading
import unittest

from harness import PATIENCE, Case, Sim, weir, with_more_time

OLD_FIELDS = ["messages", "guided_json", "guided_regex", "cache_salt"]
NEW_FIELDS = ["messages", "structured_outputs", "truncation_side", "cache_salt"]


class Server:
    """A chat server on loopback. `paths` are fixed answers: path -> (status, body). `long` is the time that an answer
    takes behind its first piece; without a stream it then never comes."""

    def __init__(self, paths, long=0):
        self.seen, self.paths, self.long, self.over = [], paths, long, threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status, body, kind="application/json"):
                data = body.encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self):
                outer.seen.append(("GET", self.path, None))
                self.answer(*outer.paths.get(self.path, (404, '{"detail":"Not Found"}')))

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.seen.append(("POST", self.path, body))
                if not body:
                    return self.answer(*outer.paths.get("{}", (400, '{"detail":"?"}')))
                if body.get("stream"):
                    return self.stream()
                if outer.long:
                    outer.over.wait(PATIENCE)
                    self.close_connection = True
                    return None
                self.answer(200, json.dumps({"id": "a", "object": "chat.completion", "created": 1, "model": "m", "choices": [
                    {"index": 0, "message": {"role": "assistant", "content": "[1]"}, "finish_reason": "stop"}]}))

            def stream(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                for text, finish in (("[", None), ("1", None), ("]", "stop")):
                    outer.over.wait(outer.long if finish else 0)
                    chunk = {"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [
                        {"index": 0, "delta": {"content": text}, "finish_reason": finish}]}
                    self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
                self.wfile.write(b"data: [DONE]\n\n")
                self.close_connection = True

            def log_message(self, *unused):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *unused: None  # a client that hangs up is no news
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.over.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def asked(self):
        return [body for _, _, body in self.seen if body]


def openapi(fields):
    return 200, json.dumps({"components": {"schemas": {"ChatCompletionRequest": {"properties": dict.fromkeys(fields, {})}}}})


class Probe(Case):
    def ask_for_one(self, paths):
        with Server(paths) as server:
            done = weir("call", "-e", server.url, "--regex", r"\[[0-9]\]", "--no-stream", "hi")
            self.assertEqual((done.returncode, done.stdout), (0, "[1]\n"), done.stderr)
            return server

    def test_the_list_of_fields_decides_the_spelling(self):
        for fields, key in ((OLD_FIELDS, "guided_regex"), (NEW_FIELDS, "structured_outputs")):
            with self.subTest(key):
                server = self.ask_for_one({"/openapi.json": openapi(fields)})
                self.assertIn(key, server.asked()[0])
                self.assertEqual([path for _, path, _ in server.seen],
                                 ["/version", "/openapi.json", "/v1/chat/completions"])

    def test_the_shape_of_errors_decides_where_there_is_no_list(self):
        flat = json.dumps({"object": "error", "message": "m", "type": "BadRequestError", "param": None, "code": 400})
        nested = json.dumps({"error": {"message": "m", "type": "BadRequestError", "param": None, "code": 400}})
        for error, key in ((flat, "guided_regex"), (nested, "structured_outputs")):
            with self.subTest(key):
                self.assertIn(key, self.ask_for_one({"{}": (400, error)}).asked()[0])

    def test_a_server_that_shows_nothing_is_spoken_to_as_the_latest(self):
        self.assertIn("structured_outputs", self.ask_for_one({}).asked()[0])

    def test_a_gateway_that_fails_is_not_asked_for_more(self):
        server = self.ask_for_one({"/version": (502, "bad gateway")})
        self.assertEqual([path for _, path, _ in server.seen], ["/version", "/v1/chat/completions"])


class StreamInside(Case):
    def call(self, url, inside, first_token):
        config = self.write("weir.yaml", f"engines: {{e: {{base_url: {url}, dialect: vllm-latest, "
                                         f"timeouts: {{first_token: {first_token}}}, stream_inside: {inside}, retry: {{max_retries: 0}}}}}}\n")
        return weir("--config", config, "call", "--no-stream", "hi")

    def test_a_long_answer_is_no_silence_when_it_streams_inside(self):
        def ask(seconds):
            with Server({}, long=1.5 * float(seconds)) as server:
                done = self.call(server.url, "true", seconds)
                self.assertTrue(all(body["stream"] for body in server.asked()))
                return done

        done = with_more_time(ask, lambda done: done.returncode == 0)
        self.assertEqual((done.returncode, done.stdout), (0, "[1]\n"), done.stderr)

    def test_without_it_the_whole_answer_must_come_within_the_time_of_the_first_token(self):
        with Server({}, long=1) as server:
            done = self.call(server.url, "false", 1)
            self.assertEqual(done.returncode, 5)
            self.assertIn("stream_inside", done.stderr)


class Together(Case):
    def test_the_figures_of_a_call_are_a_prometheus_page(self):
        with Sim("--instant") as sim:
            config = self.write("weir.yaml", f"engines: {{e: {{base_url: {sim.url}}}}}\nevents: {{metrics_file: figures.prom}}\n"
                                             "limits: {max_in_flight: 4}\n")
            done = weir("--config", config, "call", "hi", cwd=self.folder)
            self.assertEqual(done.returncode, 0, done.stderr)
        page = (self.folder / "figures.prom").read_text()
        self.assertIn('weir_requests_total{engine="e",error="",model="', page)
        self.assertIn('weir_requests_in_flight{engine="e"} 0.0\n', page)
        self.assertIn('kind="output"', page)

    def test_commands_that_only_look_tell_what_they_did_too(self):
        with Sim("--instant") as sim:
            for command in (["models", sim.url], ["doctor", sim.url, "--no-probe"], ["embed", "-e", sim.url, "hi"]):
                with self.subTest(command[0]):
                    path = self.folder / f"{command[0]}.jsonl"
                    self.assertEqual(weir(*command, "--events", str(path)).returncode, 0)
                    self.assertIn("span.end", path.read_text())


class DryRun(Case):
    def body(self, keys, *args):
        config = self.write("weir.yaml", f"engines: {{e: {{base_url: 'http://127.0.0.1:9', {keys}}}}}\n")
        done = weir("--config", config, "call", *args, "--dry-run", "hi")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout.splitlines()[-1])

    def test_it_shows_what_the_call_becomes_on_its_way(self):
        tools = self.write("tools.json", '[{"name": "now"}]')
        self.assertEqual(self.body("", "--best-of", "4")["n"], 4)
        self.assertTrue(self.body("", "--confidence", "-v")["logprobs"])
        guided = self.body("tool_mode: guided", "--tools", tools)
        self.assertNotIn("tools", guided)
        self.assertIn("response_format", guided)
        prompted = self.body("tool_mode: prompted", "--tools", tools)
        self.assertIn('"now"', prompted["messages"][0]["content"])
        self.assertEqual(self.body("defaults: {top_k: 7}")["top_k"], 7)


class Figures(Case):
    def test_confidence_is_shown_or_refused_and_never_dropped(self):
        self.assertEqual(weir("call", "-e", "sim", "--confidence", "hi").returncode, 3)
        done = weir("call", "-e", "sim", "--confidence", "-v", "hi")
        self.assertIn("confidence", done.stderr)

    def test_the_folder_of_the_events_is_made(self):
        config = self.write("weir.yaml", "engines: {e: {kind: sim}}\nevents: {file: .weir/events.jsonl}\n")
        self.assertEqual(weir("--config", config, "call", "hi", cwd=self.folder).returncode, 0)
        self.assertTrue((self.folder / ".weir/events.jsonl").exists())


if __name__ == "__main__":
    unittest.main()

"""Twenty-six things that clients of vLLM get wrong: each has its claim here, and its row in docs/dialects.md."""
import http.server
import json
import signal
import subprocess
import threading
import unittest

from dialects import NO_RETRY, Fleet, Server
from harness import PATIENCE, WEIR, Case, RawServer, environment, weir, with_more_time

TOOLS = json.dumps([
    {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}},
    {"type": "function", "function": {"name": "get_weather", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}])
QUICK = "retry: {base_delay: 0.01, jitter: 0}"
HEAD_OF_STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
THOUGHTS = {"message": {"role": "assistant", "content": None, "reasoning": "42"}, "finish_reason": "stop"}

fleet = Fleet()


def tearDownModule():
    fleet.close()


def whole(**choice):
    """The document of an answer of one choice."""
    return {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [{"index": 0, **choice}]}


def said(text):
    return whole(message={"role": "assistant", "content": text}, finish_reason="stop")


def event(finish=None, **delta):
    return {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def events(*documents):
    texts = (one if isinstance(one, str) else json.dumps(one) for one in documents)
    return "".join(f"data: {text}\n\n" for text in texts).encode()


def stream(*documents):
    return HEAD_OF_STREAM + events(*documents)


def whole_bytes(document):
    body = json.dumps(document).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class Scripted:
    """A server whose answers a function gives: (method, path, body) -> (status, document, further headers).
    Bytes are events; None is no answer until the test is over. Each connection ends after its answer, which says so
    unless `silent` is set."""

    def __init__(self, answer, silent=False):
        self.seen, self.over, self.closed = [], threading.Event(), threading.Semaphore(0)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self):
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "null")
                outer.seen.append((self.command, self.path, dict(self.headers), body))
                status, document, *more = answer(self.command, self.path, body)
                if document is None:
                    outer.over.wait(PATIENCE)
                    self.close_connection = True
                    return
                data = document if isinstance(document, bytes) else json.dumps(document).encode()
                kind = "text/event-stream" if isinstance(document, bytes) else "application/json"
                self.send_response(status)
                self.send_header("Content-Type", kind)
                if not silent:
                    self.send_header("Connection", "close")
                for name, value in more:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
                self.close_connection = True

            do_GET = do_POST = do

            def log_message(self, *unused):
                pass

        class Listener(http.server.ThreadingHTTPServer):
            def shutdown_request(self, connection):
                connection.close()  # at once and for both ways, as vLLM's server does
                outer.closed.release()

        self.server = Listener(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.over.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def bodies(self):
        return [body for method, _, _, body in self.seen if method == "POST"]

    def asked(self):
        return [(method, path) for method, path, _, _ in self.seen]


def in_order(*documents):
    """Answers POSTs with these, one after another; there are no other paths."""
    left = list(documents)
    return lambda method, path, body: (200, left.pop(0)) if method == "POST" else (404, {"detail": "Not Found"})


class MistakeCase(Case):
    def setUp(self):
        super().setUp()
        self.tools = self.write("tools.json", TOOLS)

    def config(self, url, *keys):
        keys = ", ".join([f"base_url: '{url}'", "model: m", *keys])
        return self.write("weir.yaml", f"engines: {{it: {{{keys}}}}}")

    def ask(self, url, *args, keys=("dialect: vllm-latest", NO_RETRY), **how):
        return weir("--config", self.config(url, *keys), "call", *args, "hi", **how)

    def document(self, reply, *args, **how):
        """Exit code and document of a call that gets these bytes."""
        with RawServer(reply) as server:
            done = self.ask(server.url, *args, "-o", "json", **how)
        return done.returncode, json.loads(done.stdout)

    def scripted(self, reply, *args, name="vllm-latest", **how):
        """Exit code, document and server, after a call to a simulator that answers so."""
        server = fleet[name]
        server.script(*(reply if isinstance(reply, list) else [{"reply": reply}]))
        try:
            code, document, _ = server.document(*args, **how)
        finally:
            server.script()
        return code, document, server


class Thoughts(MistakeCase):
    # 1
    def test_thoughts_are_read_under_both_names_and_never_doubled(self):
        for names in (("reasoning",), ("reasoning_content",), ("reasoning", "reasoning_content")):
            with self.subTest(names=names):
                thoughts = dict.fromkeys(names, "hm")
                message = {"content": "a", **thoughts}
                for reply, how in (
                        (stream(event(**thoughts), event(content="a"), event("stop"), "[DONE]"), ()),
                        (whole_bytes(whole(message=message, finish_reason="stop")), ("--no-stream",))):
                    code, document = self.document(reply, *how)
                    self.assertEqual((code, document["text"], document["reasoning"]), (0, "a", "hm"))

    def replay(self, name, *keys):
        """The names under which `weir chat` sends the thoughts of its first answer with the second question."""
        with Server(name, "--reasoning") as server:
            server.script({"reply": {"reasoning": "I greet back.", "text": "Hello."}})
            done = server.run("chat", stdin="hi\nagain\n", keys=("model: sim-model", NO_RETRY, *keys))
            self.assertEqual(done.returncode, 0, done.stderr)
            message = server.sent()[-1][1]["messages"][1]
        self.assertEqual((message["role"], message["content"]), ("assistant", "Hello."))
        return {key for key, value in message.items() if value == "I greet back."}

    # 2
    def test_thoughts_go_back_under_the_name_that_the_server_reads(self):
        for name, wanted in (("vllm-0.10", {"reasoning_content"}), ("vllm-0.11", {"reasoning", "reasoning_content"}),
                             ("vllm-0.16", {"reasoning"}), ("vllm-latest", {"reasoning"})):
            with self.subTest(dialect=name):
                self.assertEqual(self.replay(name, f"dialect: {name}"), wanted)

    # 2
    def test_thoughts_go_back_under_the_right_name_without_a_dialect_in_the_file(self):
        self.assertIn("reasoning_content", self.replay("vllm-0.10"))

    # 21
    def test_an_answer_that_a_parser_took_for_thoughts_is_kept_apart_and_where_it_must_fit_asked_for_again(self):
        code, document = self.document(whole_bytes(whole(**THOUGHTS)), "--no-stream")
        self.assertEqual((code, document["text"], document["reasoning"]), (0, "", "42"))
        with Scripted(in_order(whole(**THOUGHTS), said("42"))) as server:
            done = self.ask(server.url, "--no-stream", "--seed", "3", "--choice", "41,42")
        self.assertEqual((done.returncode, done.stdout), (0, "42\n"), done.stderr)
        self.assertEqual([body["seed"] for body in server.bodies()], [3, 4])

    # 21
    def test_an_answer_that_is_nothing_but_thoughts_is_not_printed_as_nothing_in_silence(self):
        with RawServer(whole_bytes(whole(**THOUGHTS))) as server:
            done = self.ask(server.url, "--no-stream")
        self.assertTrue(done.stdout.strip() or done.stderr.strip())


class Constraints(MistakeCase):
    # 3
    def test_a_constraint_is_spelled_as_the_version_reads_it_or_nothing_is_sent(self):
        for name, key in (("vllm-0.10", "guided_regex"), ("vllm-0.11", "structured_outputs"),
                          ("vllm-latest", "structured_outputs")):
            with self.subTest(dialect=name):
                server = fleet[name]
                done = server.run("call", "--regex", "[0-9]{3}", "hi")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual({k for k in server.body() if "guided" in k or "structured" in k}, {key})
        done = fleet["openai"].run("call", "--regex", "[0-9]{3}", "hi")
        self.assertEqual((done.returncode, fleet["openai"].requests), (3, []))
        self.assertIn("weir: unsupported_constraint: ", done.stderr)

    # 4
    def test_a_constraint_that_was_ignored_with_a_200_never_gives_an_answer(self):
        schema = self.write("schema.json", '{"type": "object", "required": ["a"]}')
        constraints = (("--regex", "[0-9]{3}"), ("--choice", "red,green"), ("--schema", schema))
        for name, keys in (("vllm-0.6", ()), ("vllm-latest", ()), ("vllm-latest", ("dialect: vllm-0.10",))):
            for constraint in constraints:
                with self.subTest(dialect=name, keys=keys, constraint=constraint):
                    code, document, server = self.scripted(
                        {"text": "Sure, gladly!", "faults": ["ignore_constraint"]}, "call", *constraint, "hi", name=name,
                        keys=("model: sim-model", NO_RETRY, *keys))
                    self.assertEqual(code, 2)
                    self.assertIn(document["error"]["name"], ("constraint_violated", "invalid_json", "schema_mismatch"))
                    self.assertEqual(len(server.sent()), 2)  # it was asked again


class ToolCalls(MistakeCase):
    # 5
    def test_a_tool_that_was_called_without_arguments_has_empty_ones(self):
        bare = {"tool_calls": [{"name": "now", "arguments": ""}]}
        code, document, _ = self.scripted(bare, "call", "--tools", self.tools, "hi")
        self.assertEqual((code, document["tool_calls"][0]["arguments"]), (0, "{}"))
        self.assertIn("called without arguments", document["repairs"][0])

    # 5
    def test_a_tool_that_was_called_without_arguments_has_empty_ones_in_a_stream_too(self):
        started = {"index": 0, "id": "a", "type": "function", "function": {"name": "now"}}
        with RawServer(stream(event(tool_calls=[started]), event("tool_calls"), "[DONE]")) as server:
            done = self.ask(server.url, "--tools", self.tools, "--stream")
        self.assertEqual(json.loads(done.stdout)["arguments"], "{}")

    # 6
    def test_arguments_that_lost_only_their_brace_are_mended(self):
        lost = {"tool_calls": [{"name": "get_weather", "arguments": '{"city": "Paris"'}]}
        code, document, server = self.scripted(lost, "call", "--tools", self.tools, "hi")
        self.assertEqual((code, len(server.sent())), (0, 1))
        self.assertEqual(json.loads(document["tool_calls"][0]["arguments"]), {"city": "Paris"})
        self.assertTrue(document["repairs"])

    # 6
    def test_arguments_are_mended_and_coerced_whether_they_are_streamed_or_not(self):
        tools = self.write("forecast.json", json.dumps([{"type": "function", "function": {
            "name": "forecast", "parameters": {"type": "object", "required": ["city"], "properties": {
                "city": {"type": "string"}, "days": {"type": "integer"}}}}}]))
        for arguments, wanted in (('{"city": "Rome", "days": "3"}', {"city": "Rome", "days": 3}),
                                  ("{city: Rome}", {"city": "Rome"}), ('{"city": "Rome"', {"city": "Rome"})):
            server = fleet["vllm-latest"]
            server.script({"reply": {"text": "Let me see.", "tool_calls": [{"name": "forecast", "arguments": arguments}]}})
            try:
                for how in ((), ("--stream",), ("--no-stream",)):
                    with self.subTest(arguments=arguments, how=how):
                        done = server.run("call", "--tools", tools, *how, "hi")
                        self.assertEqual((done.returncode, len(server.sent())), (0, 1), done.stderr)
                        text, call = done.stdout.splitlines()
                        self.assertEqual((text, json.loads(json.loads(call)["arguments"])), ("Let me see.", wanted))
                        self.assertIn("mended", done.stderr)
                done = server.run("chat", "--tools", tools, stdin="hi\n")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(json.dumps(json.dumps(wanted, separators=(",", ":"))), done.stdout)
            finally:
                server.script()

    # 6
    def test_arguments_that_lost_their_end_are_asked_for_again(self):
        lost = {"times": 1, "reply": {"tool_calls": [{"name": "get_weather", "arguments": '{"city": "Pa'}]}}
        good = {"reply": {"tool_calls": [{"name": "get_weather", "arguments": {"city": "Paris"}}]}}
        code, document, server = self.scripted([lost, good], "call", "--tools", self.tools, "hi")
        self.assertEqual((code, len(server.sent())), (0, 2))
        self.assertEqual(json.loads(document["tool_calls"][0]["arguments"]), {"city": "Paris"})
        server.script(lost, good)
        try:
            done = server.run("call", "--tools", self.tools, "hi")
        finally:
            server.script()
        self.assertEqual((done.returncode, len(server.sent())), (0, 2), done.stderr)
        self.assertEqual(json.loads(json.loads(done.stdout)["arguments"]), {"city": "Paris"})

    # 7
    def test_arguments_are_joined_by_index_whatever_is_null_or_said_twice(self):
        first = [{"id": "a", "index": 0, "type": "function", "function": {"name": "get_weather", "arguments": None}},
                 {"id": "b", "index": 1, "function": {"name": "now", "arguments": ""}}]
        second = [{"index": 1, "function": {"arguments": "{"}},
                  {"index": 0, "id": "a", "function": {"name": "get_weather", "arguments": '{"city'}},
                  {"index": 0, "function": {"arguments": '":"Rome"}'}}]
        third = [{"index": 1, "function": {"arguments": "}"}}]
        reply = stream(*(event(tool_calls=calls) for calls in (first, second, third)), event("tool_calls"), "[DONE]")
        with RawServer(reply) as server:
            done = self.ask(server.url, "--tools", self.tools, "--stream")
        self.assertEqual([json.loads(line) for line in done.stdout.splitlines()],
                         [{"id": "a", "name": "get_weather", "arguments": '{"city":"Rome"}'},
                          {"id": "b", "name": "now", "arguments": "{}"}], done.stderr)

    # 8
    def test_a_finish_reason_does_not_hide_arguments_that_were_cut(self):
        cut = {"tool_calls": [{"name": "get_weather", "arguments": '{"city": "Par'}], "finish": "tool_calls"}
        for how in (("--no-stream",), ()):
            code, document, _ = self.scripted(cut, "call", "--tools", self.tools, *how, "hi")
            self.assertEqual((code, document["error"]["name"]), (2, "invalid_json"))
        told = {"tool_calls": [{"name": "get_weather", "arguments": {"city": "Paris"}}], "finish": "length"}
        code, document, _ = self.scripted(told, "call", "--tools", self.tools, "hi")
        self.assertEqual((code, document["error"]["name"]), (2, "truncated"))

    # 9
    def test_a_finish_for_tool_calls_with_none_of_them_is_an_error_where_one_was_required(self):
        for content in ("", "I would rather talk.", None):
            reply = whole(message={"role": "assistant", "content": content, "tool_calls": []}, finish_reason="tool_calls")
            with self.subTest(content=content), Scripted(in_order(*[reply] * 4)) as server:
                done = self.ask(server.url, "--no-stream", "--tools", self.tools, "--tool-choice", "required")
                self.assertEqual((done.returncode, done.stdout.count("get_weather")), (2, 0), done.stderr)

    # 10
    def test_calls_count_whatever_the_finish_reason_says(self):
        called = {"tool_calls": [{"name": "get_weather", "arguments": {"city": "Paris"}}]}
        for finish in ("stop", "tool_calls"):
            for choice in ("auto", "required", "get_weather"):
                code, document, _ = self.scripted({**called, "finish": finish}, "call", "--tools", self.tools,
                                                  "--tool-choice", choice, "hi")
                self.assertEqual((code, document["tool_calls"][0]["name"]), (0, "get_weather"))
        code, document, _ = self.scripted({"text": "No tool is needed.", "finish": "tool_calls"}, "call", "--tools",
                                          self.tools, "hi")
        self.assertEqual((code, document["text"], document.get("tool_calls", [])), (0, "No tool is needed.", []))


class Streams(MistakeCase):
    # 11
    def test_done_without_a_finish_reason_is_a_broken_stream(self):
        for sent in ((), (event(role="assistant", content=""),), (event(content="a"),)):
            with self.subTest(sent=sent):
                code, document = self.document(stream(*sent, "[DONE]"))
                self.assertEqual((code, document["error"]["name"]), (5, "stream_truncated"))

    # 12
    def test_an_error_inside_a_200_is_a_failure_with_its_own_status(self):
        for status, code in ((400, 2), (500, 5)):
            error = {"error": {"message": "so it is", "type": "Whatever", "param": None, "code": status}}
            for before in ((), (event(content="a"),)):
                got, document = self.document(stream(*before, error, "[DONE]"))
                self.assertEqual((got, document["error"]["name"]), (code, f"http_{status}"))
                self.assertIn("so it is", document["error"]["message"])

    # 13
    def test_usage_is_asked_for_in_streams_and_its_event_has_no_choices(self):
        usage = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}
        answer = (event(content="a"), event("stop"))
        for sent, total in (((*answer, usage), 3), (answer, None)):
            body = events(*sent, "[DONE]")
            with Scripted(lambda *unused, body=body: (200, body)) as server:
                done = self.ask(server.url, "-o", "json")
            document = json.loads(done.stdout)
            self.assertEqual((done.returncode, document["text"], document["usage"].get("total_tokens")), (0, "a", total))
            self.assertIs(server.bodies()[0]["stream_options"]["include_usage"], True)

    # 24
    def test_nulls_and_missing_fields_harm_nobody(self):
        nothing = dict.fromkeys(("reasoning", "tool_calls", "function_call", "refusal", "audio"))
        last = {"choices": [{"delta": {"content": "b"}, "logprobs": None, "finish_reason": "stop", "stop_reason": None}],
                "usage": None, "system_fingerprint": None}
        sent = (event(role="assistant", content=None, **nothing), event(content="a", **nothing),
                {"choices": [{"index": 0, "finish_reason": None}]}, last)
        code, document = self.document(stream(*sent, "[DONE]"))
        self.assertEqual((code, document["text"], document["finish"]), (0, "ab", "stop"))
        body = {"choices": [{"message": {"content": "ab", **nothing}, "finish_reason": "stop", "logprobs": None}],
                "usage": None, "prompt_logprobs": None}
        code, document = self.document(whole_bytes(body), "--no-stream")
        self.assertEqual((code, document["text"], document["usage"]), (0, "ab", {}))

    # 22
    def test_the_floor_of_log_probabilities_is_a_probability_of_nothing(self):
        floor = {"token": "b", "logprob": -9999.0, "bytes": [98]}
        token = {"token": "a", "logprob": -9999.0, "bytes": [97], "top_logprobs": [floor]}
        reply = whole(message={"content": "a"}, finish_reason="stop", logprobs={"content": [token]})
        code, document = self.document(whole_bytes(reply), "--no-stream", "--confidence")
        self.assertEqual((code, document["tokens"][0]["logprob"], document["confidence"]["lowest"]), (0, -9999, 0))


class Connections(MistakeCase):
    # 14
    def test_a_hanging_engine_behind_good_health_runs_into_a_clock_that_is_named(self):
        def hangs(method, path, unused):
            if path == "/v1/models":
                return 200, {"object": "list", "data": [{"id": "m", "object": "model", "max_model_len": 100}]}
            return (200, {}) if method == "GET" else (200, None)
        for how in ((), ("--no-stream",)):
            with Scripted(hangs) as server:
                done = self.ask(server.url, *how, keys=("timeouts: {first_token: 0.2}", NO_RETRY))
            self.assertEqual(done.returncode, 5)
            self.assertIn("weir: timeout: ", done.stderr)
            self.assertIn("first_token", done.stderr)

        def examine(seconds):
            with Scripted(hangs) as server:
                done = weir("--config", self.config(server.url), "doctor", "it", "--timeout", seconds, "-o", "json")
            verdicts = {finding["step"]: finding["verdict"] for finding in json.loads(done.stdout)["findings"]}
            return [verdicts.get(step) for step in ("health", "models", "call")]

        found = ["ok", "ok", "failed"]
        self.assertEqual(with_more_time(examine, found.__eq__), found)
        with RawServer(stream(event(content="a")), end="wait") as server:
            done = self.ask(server.url, keys=("dialect: vllm-latest", "timeouts: {idle: 0.2}", NO_RETRY))
        self.assertEqual(done.returncode, 5)
        self.assertIn("weir: stream_idle_timeout: ", done.stderr)

    def talk(self, server, turns):
        """What one process says to so many questions; each follows when the server has closed the connection."""
        process = subprocess.Popen([WEIR, "--config", self.config(server.url, "dialect: vllm-latest", NO_RETRY), "chat"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=environment())
        for turn in range(turns):
            process.stdin.write(f"question {turn}\n")
            process.stdin.flush()
            self.assertTrue(server.closed.acquire(timeout=PATIENCE))
        return process.communicate(timeout=PATIENCE)

    # 15
    def test_a_kept_connection_that_the_server_closed_costs_no_answer(self):
        body = events(event(content="yes"), event("stop"), "[DONE]")
        with Scripted(lambda *unused: (200, body), silent=True) as server:
            out, errors = self.talk(server, 5)
        self.assertEqual((out.count("yes"), len(server.bodies()), errors), (5, 5, ""))

    def ids(self, server):
        return [value for request in server.requests if request["method"] == "POST"
                for name, value in request["headers"] if name == "X-Request-Id"]

    # 16
    def test_every_attempt_has_a_request_id_of_its_own(self):
        busy = {"times": 2, "reply": {"error": {"status": 503}}}
        _, document, server = self.scripted([busy], "call", "hi", keys=("model: sim-model", QUICK))
        ids = self.ids(server)
        self.assertEqual((len(ids), len(set(ids)), document["request_id"]), (3, 3, ids[-1]))
        self.scripted({"text": "no"}, "call", "--choice", "a,b", "hi")  # asked again because of its answer
        ids = self.ids(server)
        self.assertEqual((len(ids), len(set(ids))), (2, 2))

    # 17
    def test_a_key_counts_as_good_only_where_it_is_checked_and_goes_nowhere_else(self):
        with Server("vllm-latest", "--api-key", "k-right") as server:
            for key, code, verdict in (("k-wrong", 2, "failed"), ("k-right", 0, "ok")):
                keys = ("model: sim-model", f"api_key: {key}")
                done = server.run("doctor", "it", "--no-probe", "-o", "json", keys=keys)
                verdicts = {finding["step"]: finding["verdict"] for finding in json.loads(done.stdout)["findings"]}
                self.assertEqual((done.returncode, verdicts["health"], verdicts["auth"]), (code, "ok", verdict))
        with Scripted(in_order(said("a"))) as elsewhere:
            moved = ("Location", elsewhere.url + "/v1/chat/completions")
            with Scripted(lambda *unused: (307, {}, moved)) as server:
                done = self.ask(server.url, "--no-stream", keys=("dialect: vllm-latest", "api_key: k-secret", NO_RETRY))
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual((len(server.seen), elsewhere.seen), (1, []))
        self.assertEqual(server.seen[0][2]["Authorization"], "Bearer k-secret")
        self.assertNotIn("k-secret", done.stdout + done.stderr)

    # 18
    def test_an_overloaded_server_is_asked_again_and_not_before_it_wants_to_be(self):
        def busy_for_once(wait):
            answers = [(503, {"error": {"message": "busy", "type": "Service Unavailable", "code": 503}}, *wait),
                       (200, said("yes"))]
            return lambda *unused: answers.pop(0)
        for wait, least in (((), 10), ((("Retry-After", "0.3"),), 300)):
            with Scripted(busy_for_once(wait)) as server:
                record = str(self.folder / f"{least}.jsonl")
                done = self.ask(server.url, "--no-stream", "--events", record, keys=("dialect: vllm-latest", QUICK))
            self.assertEqual((done.returncode, done.stdout, len(server.seen)), (0, "yes\n", 2), done.stderr)
            with open(record) as lines:
                delays = [line["delay_ms"] for line in map(json.loads, lines) if line["event"] == "provider:retry"]
            self.assertEqual(len(delays), 1)
            self.assertGreaterEqual(delays[0], least)
        with Scripted(busy_for_once((("Retry-After", "300"),))) as server:
            done = self.ask(server.url, "--no-stream", keys=("dialect: vllm-latest", QUICK))
        self.assertEqual((done.returncode, len(server.seen)), (5, 1))
        self.assertIn("300 s", done.stderr)

    # 23
    def test_a_call_that_is_cancelled_or_too_late_closes_its_connection(self):
        for reply, how in ((HEAD_OF_STREAM, ()), (b"", ("--no-stream",))):
            with self.subTest(how=how):
                with RawServer(reply, end="wait") as server:
                    process = subprocess.Popen(
                        [WEIR, "--config", self.config(server.url, "dialect: vllm-latest", NO_RETRY), "call", *how, "hi"],
                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
                    self.assertTrue(server.got_request.wait(PATIENCE))
                    process.send_signal(signal.SIGINT)
                    process.communicate(timeout=PATIENCE)
                    self.assertEqual(process.returncode, 4)
                    self.assertTrue(server.peer_closed.wait(PATIENCE))

                def late(seconds):
                    with RawServer(reply, end="wait") as server:
                        done = self.ask(server.url, *how, "--timeout", seconds)
                        self.assertEqual(done.returncode, 5, done.stderr)
                        asked = server.got_request.is_set()
                        self.assertTrue(not asked or server.peer_closed.wait(PATIENCE))
                        return asked

                self.assertTrue(with_more_time(late, bool))


class Sampling(MistakeCase):
    # 19
    def test_sampling_that_was_set_is_sent_whatever_the_model_came_with(self):
        keys = ("model: sim-model", NO_RETRY, "defaults: {temperature: 0.7, top_p: 0.95, top_k: 0}")
        server = fleet["vllm-latest"]
        server.run("call", "hi", keys=keys)
        sent = server.body()
        self.assertEqual((sent["temperature"], sent["top_p"], sent["top_k"]), (0.7, 0.95, 0))
        server.run("call", "--temperature", "0", "hi", keys=keys)
        self.assertEqual(server.body()["temperature"], 0)
        shown = weir("--config", server.config(*keys), "config", "show")
        self.assertIn("0.95", shown.stdout)  # so that nobody has to guess

    # 20
    def test_a_seed_is_sent_as_it_is_and_promises_nothing(self):
        with Scripted(in_order(said("one"), said("two"))) as server:
            answers = [self.ask(server.url, "--no-stream", "--seed", "7", "--temperature", "0").stdout for _ in range(2)]
        self.assertEqual(answers, ["one\n", "two\n"])  # the same question twice: nothing is taken from memory
        self.assertEqual([(body["seed"], body["temperature"]) for body in server.bodies()], [(7, 0), (7, 0)])
        fleet["vllm-latest"].run("call", "hi")
        self.assertNotIn("seed", fleet["vllm-latest"].body())


class Features(MistakeCase):
    # 25
    def test_an_adapter_is_loaded_on_every_replica_and_looked_for_again_after_a_404(self):
        adapter = ("model: sim-model", NO_RETRY, "adapters: {sql: /adapters/sql}")
        with Server("vllm-latest") as server, Server("vllm-latest") as other:
            code, document, _ = server.document("call", "--adapter", "sql", "hi",
                                                keys=(*adapter, f"replicas: ['{other.url}']"))
            self.assertEqual((code, document["degradations"]), (0, []))
            for one in (server, other):
                loads = [r["target"] for r in json.loads(one.ask("GET", "/sim/requests")) if "load_lora" in r["target"]]
                self.assertEqual(loads, ["/v1/load_lora_adapter"])
        with Server("vllm-latest", "--adapter", "sql") as server:
            server.script({"times": 1, "reply": {"error": {"status": 404, "type": "NotFoundError",
                                                           "message": "The model `sql` does not exist."}}})
            code, document, _ = server.document("call", "--adapter", "sql", "hi", keys=adapter)
            self.assertEqual((code, document["model"]), (0, "sql"))
            chat = ("POST", "/v1/chat/completions")
            self.assertEqual([(r["method"], r["target"]) for r in server.requests],
                             [("GET", "/v1/models"), chat, ("GET", "/v1/models"), chat])

    # 26
    def test_what_a_server_has_is_found_out_by_asking_and_a_404_is_an_answer(self):
        def only_chat(method, path, unused):
            if path == "/v1/models":
                return 200, {"object": "list", "data": [{"id": "m", "object": "model"}]}
            if (method, path) == ("POST", "/v1/chat/completions"):
                return 200, said("123")
            return 404, {"detail": "Not Found"}
        with Scripted(only_chat) as server:
            done = self.ask(server.url, "--no-stream", "--regex", "[0-9]{3}", keys=(NO_RETRY,))
        self.assertEqual((done.returncode, done.stdout), (0, "123\n"), done.stderr)
        self.assertEqual(server.asked()[0], ("GET", "/version"))
        self.assertIn("structured_outputs", server.bodies()[-1])
        with Scripted(only_chat) as server:
            config = self.config(server.url, NO_RETRY)
            report = json.loads(weir("--config", config, "doctor", "it", "--no-probe", "-o", "json").stdout)
            load = weir("--config", config, "adapters", "load", "it", "sql", "/adapters/sql")
        self.assertNotIn("failed", [finding["verdict"] for finding in report["findings"]])
        self.assertNotEqual(load.returncode, 0)
        self.assertIn("VLLM_ALLOW_RUNTIME_LORA_UPDATING", load.stderr)


if __name__ == "__main__":
    unittest.main()

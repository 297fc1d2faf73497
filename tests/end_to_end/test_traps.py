"""Traps that clients of model servers have fallen into; each has its name here, for every kind of server."""
import functools
import json
import signal
import unittest

from dialects import DIALECTS, NO_RETRY, Fleet, Server
from harness import Case, RawServer, weir

KINDS = ("vllm-latest", "openai", "ollama")
fleet = Fleet()


def tearDownModule():
    fleet.close()


def on(names=KINDS):
    """A test is run with the server of each of these dialects."""
    def decorate(test):
        @functools.wraps(test)
        def run(self):
            for name in names:
                with self.subTest(dialect=name):
                    test(self, fleet[name])
        return run
    return decorate


def scalars(value):
    """Every key and every value that holds no others."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from scalars(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from scalars(inner)
    else:
        yield value


def whole_reply(kind, **more):
    """A whole answer as it comes off the socket of a server of this kind."""
    if kind == "ollama":
        body = {"model": "m", "message": {"role": "assistant", "content": "hello"}, "done": True, "done_reason": "stop"}
    else:
        body = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}]}
    text = json.dumps({**body, **more}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(text) + text


class Requests(Case):
    def keys(self, server):
        """The fields of Authorization in what the server got."""
        return [value for request in server.requests for name, value in request["headers"] if name == "Authorization"]

    @on()
    def test_extra_body_is_never_nested(self, server):
        keys = ("model: sim-model", "extra: {bar: {baz: 2}}", NO_RETRY)
        done = server.run("call", "--extra", "foo=[1]", "hi", keys=keys)
        self.assertEqual(done.returncode, 2 if server.name == "openai" else 0, done.stderr)  # OpenAI knows no foo
        body = server.body()
        self.assertEqual((body["foo"], body["bar"]), ([1], {"baz": 2}))
        nested = (("call", "--extra", 'extra_body={"top_k":3}', "hi"), {}), (
            ("call", "hi"), {"keys": ("model: sim-model", "extra: {extra_body: {top_k: 3}}", NO_RETRY)})
        for args, how in nested:
            done = server.run(*args, **how)
            self.assertEqual((done.returncode, server.requests), (3, []))
            self.assertIn("weir: invalid_request: ", done.stderr)
            self.assertIn("extra_body", done.stderr)

    def test_a_v1_in_the_middle_of_an_address_stays(self):
        paths = [("", ""), ("/v1", ""), ("/v1/", ""), ("/team/v1", "/team"), ("/v1/proxy", "/v1/proxy"),
                 ("/v1beta", "/v1beta"), ("/team/v1x", "/team/v1x"), ("/v1/v1", "/v1"), ("/a/v1/b/v1", "/a/v1/b")]
        for path, left in paths:
            for name in KINDS:
                with self.subTest(path=path, dialect=name):
                    dialect = DIALECTS[name]
                    config = self.write("weir.yaml", f"engines: {{it: {{kind: {dialect.kind}, model: m, "
                                                     f"base_url: 'http://v1.example:8000{path}'}}}}")
                    dry = weir("--config", config, "call", "--dry-run", "hi")
                    self.assertEqual(dry.stdout.splitlines()[0], f"POST http://v1.example:8000{left}{dialect.chat}")

    @on()
    def test_use_completions_is_honoured_both_ways(self, server):
        for value, path in (("false", server.dialect.chat), ("true", server.dialect.prompt)):
            keys = ("model: sim-model", f"use_completions: {value}", "max_tokens: 400", NO_RETRY)
            done = server.run("call", "hi", keys=keys)
            self.assertEqual((done.returncode, server.sent()[0][0]), (0, path), done.stderr)

    @on()
    def test_empty_is_no_key(self, server):
        variables = {"VLLM_API_KEY": "EMPTY", "WEIR_API_KEY": "EMPTY", "OPENAI_API_KEY": "EMPTY"}
        for keys, env, sent in (((), {}, []), (("api_key: EMPTY",), {}, []), ((), variables, []),
                                (("api_key: k-123",), {}, ["Bearer ***"]), (("api_key: k-123", "auth: none"), {}, []),
                                (("api_key: EMPTY", "auth: bearer"), {}, ["Bearer EMPTY"])):
            with self.subTest(keys=keys):
                done = server.run("call", "hi", keys=("model: sim-model", NO_RETRY, *keys), env=env)
                self.assertEqual((done.returncode, self.keys(server)), (0, sent), done.stderr)

    @on(tuple(DIALECTS))
    def test_what_is_not_set_is_not_sent_and_never_null(self, server):
        schema = self.write("schema.json", '{"type": "object"}')
        tools = self.write("tools.json", '[{"type": "function", "function": {"name": "f"}}]')
        for args in ((), ("--schema", schema), ("--tools", tools), ("--seed", "3", "--stop", "zzz", "--no-stream")):
            server.run("call", *args, "hi")
            body = server.body()
            found = list(scalars(body))
            self.assertNotIn(None, found)
            self.assertNotIn("extra_body", found)
            for key in ("temperature", "top_p", "max_tokens", "n", "logprobs", "tool_choice", "think"):
                self.assertNotIn(key, body)
        server.run("complete", "hi")
        self.assertNotIn(None, list(scalars(server.body())))

    @on(tuple(DIALECTS))
    def test_a_prompt_goes_out_whole(self, server):
        text = "".join(f"line {i} of a long prompt, äöü €\n" for i in range(3000))
        server.run("call", "--max-tokens", "1", stdin=text)
        self.assertEqual(server.body()["messages"][0]["content"], text)
        server.run("complete", "--max-tokens", "1", stdin=text)
        self.assertEqual(server.body()["prompt"], text)

    def test_a_prompt_that_does_not_fit_is_an_error_and_not_cut(self):
        for name in DIALECTS:
            with self.subTest(dialect=name), Server(name, "--max-model-len", "100") as server:
                for command in (("call",), ("complete", "--max-tokens", "5")):
                    code, document, done = server.document(*command, "word " * 500)
                    self.assertEqual((code, document["error"]["class"]), (2, "context_length"), done.stderr)
                    self.assertEqual(len(server.sent()), 1)
                if name == "ollama":
                    code, document, done = server.document("embed", "word " * 500)
                    self.assertEqual((code, document["error"]["class"]), (2, "context_length"), done.stderr)
                    done = server.run("call", "--extra", "truncate=true", "--extra", 'options={"num_predict": 1}',
                                      "word " * 500)
                    self.assertIn("truncated", done.stderr)


class Replies(Case):
    def test_usage_that_is_not_told_is_not_zero(self):
        told = {"ollama": ({"prompt_eval_count": 0, "eval_count": 0},),
                "vllm": ({"usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}},)}
        for kind in ("vllm", "openai", "ollama"):
            for more in ({}, *told.get(kind, told["vllm"])):
                with self.subTest(kind=kind, more=more), RawServer(whole_reply(kind, **more)) as server:
                    config = self.write("weir.yaml", f"engines: {{it: {{kind: {kind}, model: m, "
                                                     f"base_url: '{server.url}'}}}}")
                    done = weir("--config", config, "call", "-o", "json", "--no-stream", "hi")
                    usage = json.loads(done.stdout)["usage"]
                    self.assertEqual((usage.get("prompt_tokens"), usage.get("completion_tokens")),
                                     (0, 0) if more else (None, None))

    def scripted(self, server, reply, *args, **how):
        server.script({"reply": reply})
        try:
            return server.document(*args, **how)
        finally:
            server.script()

    @on(tuple(DIALECTS))
    def test_a_stream_that_breaks_off_is_never_an_answer(self, server):
        for reply in ({"drop_after": 4}, {"faults": [{"kind": "close", "after": 4}]},
                      {"faults": [{"kind": "truncated_chunk", "after": 4}]}, {"faults": [{"kind": "no_finish"}]}):
            with self.subTest(reply=reply):
                code, document, done = self.scripted(server, reply, "call", "hi")
                self.assertEqual((code, document["error"]["name"]), (5, "stream_truncated"), done.stderr)
                self.assertTrue(document["text"])

    @on(tuple(DIALECTS))
    def test_a_stream_that_falls_silent_ends(self, server):
        quiet = ("model: sim-model", "timeouts: {idle: 0.2}", NO_RETRY)
        code, document, _ = self.scripted(server, {"stall_after": 4}, "call", "hi", keys=quiet)
        self.assertEqual((code, document["error"]["name"]), (5, "stream_idle_timeout"))
        late = ("model: sim-model", "timeouts: {first_token: 0.2}", NO_RETRY)
        for how in ((), ("--no-stream",)):
            code, document, _ = self.scripted(server, {"delay": "30s"}, "call", *how, "hi", keys=late)
            self.assertEqual((code, document["error"]["name"]), (5, "timeout"))

    @on(tuple(DIALECTS))
    def test_an_error_inside_a_stream_is_an_error(self, server):
        reply = {"faults": [{"kind": "error_event", "after": 3, "message": "EngineCore died"}]}
        code, document, done = self.scripted(server, reply, "call", "hi")
        self.assertNotEqual(code, 0)
        self.assertIn("EngineCore died", document["error"]["message"] + document["error"].get("cause", ""), done.stderr)

    @on(tuple(DIALECTS))
    def test_nothing_is_made_up_where_json_broke_off(self, server):
        schema = self.write("schema.json", json.dumps({
            "type": "object", "properties": {"name": {"type": "string"}, "age": {"type": ["integer", "null"]}},
            "required": ["name", "age"]}))
        for text in ('{"name": "Bob", "age":', '{"name": "Bob", "age": 12', '{"name": "Bo', '{"name": "Bob"}'):
            with self.subTest(text=text):
                code, document, _ = self.scripted(server, {"text": text}, "call", "--schema", schema, "hi")
                self.assertEqual((code, document["text"]), (2, text))
                self.assertIn(document["error"]["name"], ("invalid_json", "schema_mismatch"))

    @on(tuple(DIALECTS))
    def test_an_empty_answer_is_an_error(self, server):
        code, document, done = self.scripted(server, {"text": ""}, "call", "hi")
        self.assertEqual((code, document["error"]["name"]), (2, "empty_model_response"), done.stderr)

    def test_a_tool_that_had_to_be_called_and_was_not_is_an_error(self):
        tools = self.write("tools.json", '[{"type": "function", "function": {"name": "f", "parameters": {}}}]')
        for name in ("vllm-latest", "openai"):
            for choice in ("required", "f"):
                code, _, _ = self.scripted(fleet[name], {"text": "I would rather talk."}, "call", "--tools", tools,
                                           "--tool-choice", choice, "hi")
                self.assertEqual(code, 2)


class Fallbacks(Case):
    """vLLM with Ollama behind it, as in the seeds: the first is killed, the second takes over."""

    def config(self, first, second, model=""):
        return self.write("weir.yaml", f"""
engines:
  big: {{kind: vllm, base_url: '{first.url}', {model} fallback: [small], {NO_RETRY}}}
  small: {{kind: ollama, base_url: '{second.url}', model: llama3, {NO_RETRY}}}
""")

    def lose_the_first(self, model, *args):
        """What a call says once the first server was killed, and the bodies that the second one got."""
        with Server("vllm-latest") as first, Server("ollama", "--model", "llama3") as second:
            config = self.config(first, second, model)
            before = weir("--config", config, *args, "-o", "json", "hi")
            self.assertEqual(json.loads(before.stdout)["engine"], "big")
            first.process.send_signal(signal.SIGKILL)
            first.process.wait()
            texts = weir("--config", config, *args, "hi")
            done = weir("--config", config, *args, "-o", "json", "hi")
            second.requests = json.loads(second.ask("GET", "/sim/requests"))
            return done, texts, [body for _, body in second.sent()]

    def check(self, model, *args):
        done, texts, bodies = self.lose_the_first(model, *args)
        document = json.loads(done.stdout)
        self.assertEqual((done.returncode, document["engine"], document["model"]), (0, "small", "llama3"), done.stderr)
        self.assertEqual([note["what"] for note in document["degradations"]], ["engine"])
        self.assertIn("big", document["degradations"][0]["why"])
        self.assertEqual(document["failed_attempts"][0]["name"], "connection_error")
        self.assertEqual({body["model"] for body in bodies}, {"llama3"})
        self.assertEqual(texts.returncode, 0)
        self.assertTrue(texts.stdout.strip())
        self.assertEqual(texts.stderr.count("going on with small"), 1, texts.stderr)

    def test_the_second_engine_answers_and_says_so(self):
        for args in (("call",), ("call", "--no-stream"), ("complete", "--max-tokens", "500")):
            with self.subTest(args=args):
                self.check("", *args)

    def test_the_second_engine_is_asked_for_its_own_model(self):
        self.check("model: sim-model,", "call")

    def test_the_second_engine_has_its_own_defaults(self):
        _, _, bodies = self.lose_the_first("defaults: {temperature: 0.9},", "call")
        self.assertNotIn("options", bodies[0])

    def test_the_change_is_told_in_one_line(self):
        _, texts, _ = self.lose_the_first("", "call")
        self.assertEqual(texts.stderr.count("weir: warning: "), 1, texts.stderr)

    def test_a_constraint_that_the_second_cannot_hold_is_an_error_that_names_the_first(self):
        with Server("vllm-latest") as first, Server("ollama", "--model", "llama3") as second:
            config = self.config(first, second)
            first.process.send_signal(signal.SIGKILL)
            first.process.wait()
            grammar = self.write("digit.ebnf", 'root ::= "1" | "2"')
            done = weir("--config", config, "call", "--grammar", grammar, "hi")
        self.assertEqual(done.returncode, 3)
        self.assertIn("big failed with connection_error", done.stderr)

    def test_a_wrong_name_is_told_with_the_nearest(self):
        url = "base_url: 'http://127.0.0.1:1'"
        for text, args, words in (
                (f"engines: {{big: {{{url}}}}}", ("-e", "bgi"), "did you mean 'big'?"),
                (f"engines: {{big: {{kind: vlm, {url}}}}}", (), "did you mean 'vllm'?"),
                (f"engines: {{big: {{kind: olama, {url}}}}}", (), "did you mean 'ollama'?"),
                (f"engines: {{big: {{{url}, fallback: [smal]}}, small: {{{url}}}}}", (), "did you mean 'small'?"),
                (f"default_engine: bg\nengines: {{big: {{{url}}}}}", (), "did you mean 'big'?"),
                (f"engines: {{big: {{{url}, api: response}}}}", (), "did you mean 'responses'?"),
                (f"engines: {{big: {{{url}, dialect: vllm-0.7}}}}", (), "did you mean vllm-0.6?"),
                (f"engines: {{big: {{{url}, prompt_format: chatlm}}}}", (), "did you mean 'chatml'?")):
            with self.subTest(words=words):
                done = weir("--config", self.write("weir.yaml", text), "call", *args, "hi")
                self.assertEqual(done.returncode, 3)
                self.assertIn("weir: config_error: ", done.stderr)
                self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()

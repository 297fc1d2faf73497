"""One suite of behaviours, through the binary, against every dialect of the simulator."""
import functools
import json
import math
import re
import sys
import unittest

try:
    import jsonschema
except ImportError:
    jsonschema = None

from dialects import DIALECTS, NO_RETRY, VLLM, Fleet
from harness import Case

SCHEMAS = {
    "an object with an optional member": {
        "type": "object", "properties": {"name": {"type": "string", "maxLength": 20},
                                         "age": {"type": "integer", "minimum": 0, "maximum": 120},
                                         "nick": {"type": "string"}},
        "required": ["name", "age"], "additionalProperties": False},
    "a list": {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1, "maxItems": 3},
    "a number": {"type": "integer", "minimum": 3, "maximum": 9},
    "a choice of types": {"anyOf": [{"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"]},
                                    {"type": "null"}]},
    "a tree": {"$ref": "#/$defs/node", "$defs": {"node": {
        "type": "object", "properties": {"leaf": {"type": "boolean"},
                                         "kids": {"type": "array", "maxItems": 2, "items": {"$ref": "#/$defs/node"}}},
        "required": ["leaf"], "additionalProperties": False}}},
    "a pattern": {"type": "object", "properties": {"code": {"type": "string", "pattern": "^[A-Z]{2}[0-9]{3}$"}},
                  "required": ["code"]},
}
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "The weather of a city.", "parameters": {
    "type": "object", "properties": {"city": {"type": "string", "maxLength": 12}}, "required": ["city"],
    "additionalProperties": False}}}
GRAMMAR = 'root ::= "yes" | "no"'
IGNORED = "ignores constraints ("

fleet = Fleet()
thinking = Fleet("--reasoning")
ignoring = Fleet("--ignore-constraints")


def setUpModule():
    if jsonschema is None:
        print("the Python package jsonschema is not there: answers are NOT validated", file=sys.stderr)


def tearDownModule():
    for servers in (fleet, thinking, ignoring):
        servers.close()


def validate(value, schema):
    """Holds a value against a schema with a validator that is not weir's."""
    if jsonschema is not None:
        jsonschema.validate(value, schema)


def on(names=tuple(DIALECTS), servers=fleet):
    """A test is run with the server of each of these dialects."""
    def decorate(test):
        @functools.wraps(test)
        def run(self):
            for name in names:
                with self.subTest(dialect=name):
                    test(self, servers[name])
        return run
    return decorate


class EngineCase(Case):
    def constraints(self):
        """Flags that ask for a form, the field of vLLM that carries it, and what holds of a right answer."""
        grammar = self.write("grammar.txt", GRAMMAR)
        return [(("--regex", "[0-9]{3}"), "regex", "[0-9]{3}", lambda text: re.fullmatch("[0-9]{3}", text)),
                (("--choice", "red,green"), "choice", ["red", "green"], lambda text: text in ("red", "green")),
                (("--grammar", grammar), "grammar", GRAMMAR, lambda text: text in ("yes", "no"))]

    def refused(self, server, name, *args, **how):
        """The call is refused before anything of it is sent."""
        code, document, done = server.document(*args, **how)
        self.assertEqual((code, document["error"]["name"]), (3, name), done.stderr)
        self.assertEqual(server.sent(), [])


class Answers(EngineCase):
    @on()
    def test_a_streamed_answer_is_the_whole_answer(self, server):
        streamed = server.run("call", "hi")
        self.assertEqual((streamed.returncode, streamed.stderr), (0, ""))
        (path, body), = server.sent()
        self.assertEqual((path, body["stream"]), (server.dialect.chat, True))
        whole = server.run("call", "--no-stream", "hi")
        self.assertEqual(whole.stdout, streamed.stdout)
        self.assertTrue(whole.stdout.strip())
        self.assertIsNot(server.body().get("stream"), True)

    @on()
    def test_a_system_message_stands_before_the_prompt(self, server):
        self.assertEqual(server.run("call", "--system", "Be brief.", "hi").returncode, 0)
        self.assertEqual(server.body()["messages"], [{"role": "system", "content": "Be brief."},
                                                     {"role": "user", "content": "hi"}])

    @on()
    def test_a_text_is_continued(self, server):
        done = server.run("complete", "--max-tokens", "400", "Once upon a time")
        self.assertEqual(done.returncode, 0, done.stderr)
        (path, body), = server.sent()
        self.assertEqual((path, body["prompt"]), (server.dialect.prompt, "Once upon a time"))
        whole = server.run("complete", "--max-tokens", "400", "--no-stream", "Once upon a time")
        self.assertEqual(whole.stdout, done.stdout)

    @on()
    def test_usage_is_told_and_the_same_in_a_stream(self, server):
        documents = [server.document("call", *how, "hi")[1] for how in ((), ("--no-stream",))]
        for document in documents:
            usage = document["usage"]
            self.assertEqual((document["engine"], document["finish"]), ("it", "stop"))
            self.assertGreater(min(usage["prompt_tokens"], usage["completion_tokens"]), 0)
            self.assertEqual(usage["total_tokens"], usage["prompt_tokens"] + usage["completion_tokens"])
        counts = [[d["usage"][k] for k in ("prompt_tokens", "completion_tokens")] for d in documents]
        self.assertEqual(counts[0], counts[1])

    @on()
    def test_log_probabilities_come_with_their_rivals(self, server):
        _, document, _ = server.document("call", "--logprobs", "2", "--max-tokens", "3", "hi")
        tokens = document["tokens"]
        self.assertEqual("".join(token["token"] for token in tokens), document["text"])
        for token in tokens:
            self.assertLessEqual(token["logprob"], 0)
            self.assertEqual(len(token["top"]), 2)

    @on()
    def test_a_stop_text_ends_the_answer(self, server):
        free = server.run("call", "hi").stdout.strip()
        code, document, _ = server.document("call", "--stop", "e", "hi")
        self.assertEqual((code, document["finish"], document["text"]), (0, "stop", free.partition("e")[0]))

    @on()
    def test_a_seed_gives_the_same_text_twice_and_another_one_another(self, server):
        texts = []
        for seed in ("5", "5", "6"):
            texts.append(server.run("call", "--seed", seed, "--temperature", "1", "hi").stdout)
            body = server.body()
            self.assertEqual(body.get("options", body)["seed"], int(seed))
        self.assertEqual(texts[0], texts[1])
        self.assertNotEqual(texts[0], texts[2])

    @on()
    def test_an_answer_that_was_cut_is_an_error_and_is_printed(self, server):
        code, document, done = server.document("call", "--max-tokens", "5", "hi")
        self.assertEqual((code, document["error"]["name"]), (2, "truncated"), done.stderr)
        self.assertEqual((document["finish"], document["usage"]["completion_tokens"]), ("length", 5))
        self.assertTrue(document["text"])
        body = server.body()
        self.assertEqual(body.get("options", body)[server.dialect.most_tokens], 5)

    @on(servers=thinking)
    def test_thoughts_are_shown_apart_from_the_answer(self, server):
        code, document, done = server.document("call", "hi")
        self.assertEqual(code, 0, done.stderr)
        shown = server.run("call", "--reasoning", "show", "hi")
        tells = server.dialect.thoughts != "never"  # apart by the server, or inside the text and read out of it
        self.assertEqual(bool(document.get("reasoning")), tells)
        self.assertNotIn("think>", document["text"])
        if tells:
            self.assertIn(document["reasoning"].strip(), shown.stderr)
            self.assertNotIn(document["reasoning"], shown.stdout)
            self.assertEqual(server.run("call", "hi").stderr, "")
            whole = server.document("call", "--no-stream", "hi")[1]
            self.assertEqual((whole["reasoning"], whole["text"]), (document["reasoning"], document["text"]))


class Shapes(EngineCase):
    @on()
    def test_an_answer_fits_its_schema(self, server):
        for what, schema in SCHEMAS.items():
            path = self.write("schema.json", json.dumps(schema))
            for how in ((), ("--no-stream",)):
                with self.subTest(schema=what, how=how):
                    done = server.run("call", "--schema", path, *how, "Tell me.")
                    self.assertEqual(done.returncode, 0, done.stderr)
                    validate(json.loads(done.stdout), schema)
            self.assertEqual(server.sent("GET"), [])
            body = server.body()
            if server.dialect.kind == "ollama":
                self.assertEqual(body["format"], schema)
            else:
                form = body["response_format"]
                self.assertEqual(form["type"], "json_schema")
                self.assertEqual(form["json_schema"].get("strict"), server.name == "openai" or None)

    @on()
    def test_an_answer_in_json_lines_fits_its_schema(self, server):
        for what, schema in SCHEMAS.items():
            with self.subTest(schema=what):
                path = self.write("schema.json", json.dumps(schema))
                done = server.run("call", "--schema", path, "-o", "json", "--stream", "Tell me.")
                self.assertEqual(done.returncode, 0, done.stderr)

    @on(["vllm-latest", "openai", "ollama"])
    def test_a_server_that_was_not_told_is_not_blamed(self, server):
        path = self.write("schema.json", json.dumps(SCHEMAS["a pattern"]))
        keys = ("model: sim-model", "defaults: {guided_json: false}", NO_RETRY)
        done = server.run("call", "--schema", path, "hi", keys=keys)
        self.assertEqual(done.returncode, 2)
        self.assertNotIn(IGNORED, done.stderr)

    @on(["vllm-latest", "openai", "ollama"])
    def test_a_model_is_told_the_schema_that_its_server_is_not(self, server):
        schema = {"type": "object", "properties": {"told": {"type": "integer"}}}
        path = self.write("schema.json", json.dumps(schema))
        for key in ("defaults: {guided_json: false}", "structured: {format: json_object}"):
            with self.subTest(key=key):
                server.run("call", "--schema", path, "hi", keys=("model: sim-model", key, NO_RETRY))
                first = server.sent()[0][1]["messages"][0]
                self.assertEqual(first["role"], "system")
                self.assertIn("Respond ONLY in JSON", first["content"])
                self.assertIn(json.dumps(schema, separators=(",", ":")), first["content"])

    @on(["openai"])
    def test_who_wants_the_word_json_in_a_message_gets_it(self, server):
        for prompt, told in (("Describe a person.", True), ("A person as JSON.", False)):
            done = server.run("call", "--json", prompt)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(server.body()["messages"][0]["role"] == "system", told)

    @on()
    def test_some_json_is_json(self, server):
        done = server.run("call", "--json", "Some json, please.")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIsInstance(json.loads(done.stdout), dict)
        body = server.body()
        self.assertEqual(body.get("format") or body["response_format"]["type"],
                         "json" if server.dialect.kind == "ollama" else "json_object")

    @on(["ollama"])
    def test_a_choice_and_a_regex_are_the_schema_of_a_string(self, server):
        carried = {"choice": {"type": "string", "enum": ["red", "green"]},
                   "regex": {"type": "string", "pattern": "^([0-9]{3})$"}}
        for flags, field, _, fits in self.constraints()[:2]:
            for how in ((), ("--stream",), ("--no-stream",)):
                done = server.run("call", *flags, *how, "hi")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertTrue(fits(done.stdout.strip()), done.stdout)
                self.assertEqual(server.body()["format"], carried[field])

    @on()
    def test_other_constraints_are_spelled_for_the_version_or_refused(self, server):
        for flags, field, value, fits in self.constraints():
            with self.subTest(field=field):
                spelling = server.dialect.constraints
                if server.dialect.kind == "ollama" and field != "grammar":
                    continue  # the next test
                if not spelling:
                    self.refused(server, "unsupported_constraint", "call", *flags, "hi")
                    continue
                code, document, done = server.document("call", *flags, "hi")
                self.assertEqual((code, done.stderr), (0, ""))
                self.assertTrue(fits(document["text"]), document["text"])
                body = server.body()
                got = body.get(f"guided_{field}") if spelling == "guided" else body["structured_outputs"].get(field)
                self.assertEqual(got, value)
                self.assertEqual("structured_outputs" in body, spelling == "structured")
                self.assertEqual(any(key.startswith("guided_") for key in body), spelling == "guided")

    @on(VLLM)
    def test_the_version_is_asked_once_where_it_matters(self, server):
        server.run("call", "--regex", "[0-9]{3}", "hi")
        self.assertEqual(server.sent("GET"), [("/version", None)])
        server.run("call", "--regex", "[0-9]{3}", "hi", keys=("dialect: vllm-latest", NO_RETRY))
        self.assertEqual(server.sent("GET"), [])
        ignoring[server.name].run("call", "--regex", "[0-9]{3}", "hi")  # which is asked for twice
        self.assertEqual(len(ignoring[server.name].sent()), 2)
        self.assertEqual(ignoring[server.name].sent("GET"), [("/version", None)])

    @on()
    def test_the_version_is_not_asked_for_what_all_versions_read(self, server):
        tools = self.write("tools.json", json.dumps([TOOL]))
        server.document("call", "--system", "Be brief.", "--temperature", "0.5", "--top-p", "0.9",
                        "--seed", "1", "--stop", "zzz", "--max-tokens", "500", "--logprobs", "1", "--tools", tools,
                        "hi")
        self.assertEqual(len(server.sent()), 1)
        self.assertEqual(server.sent("GET"), [])

    @on(servers=ignoring)
    def test_a_server_that_ignores_constraints_is_found_out(self, server):
        schema = SCHEMAS["an object with an optional member"]
        wanted = [(("--schema", self.write("schema.json", json.dumps(schema))), lambda text: True),
                  (("--json",), lambda text: isinstance(json.loads(text), dict)),
                  *((flags, fits) for flags, _, _, fits in self.constraints())]
        for flags, fits in wanted:
            if not server.dialect.constraints and flags[0] not in ("--schema", "--json"):
                continue
            with self.subTest(flags=flags):
                code, document, done = server.document("call", *flags, "Tell me some json.")
                self.assertEqual(done.stderr.count(IGNORED), 1, done.stderr)
                if code == 0:
                    self.assertTrue(fits(document["text"]))
                    if flags[0] == "--schema":
                        validate(json.loads(document["text"]), schema)
                else:
                    self.assertEqual(code, 2)
                    self.assertIn(document["error"]["name"],
                                  ("invalid_json", "schema_mismatch", "constraint_violated"))
                self.assertLessEqual(len(server.sent()), 2)

    @on()
    def test_an_answer_in_a_fence_is_mended_and_it_is_said(self, server):
        path = self.write("schema.json", json.dumps(SCHEMAS["a pattern"]))
        server.script({"reply": {"text": "Here it is:\n```json\n{\"code\": \"AB123\",}\n```"}})
        self.addCleanup(server.script)
        code, document, done = server.document("call", "--schema", path, "hi")
        self.assertEqual((code, json.loads(document["text"])), (0, {"code": "AB123"}), done.stderr)
        self.assertTrue(document["repairs"])


class Tools(EngineCase):
    def setUp(self):
        super().setUp()
        self.tools = ("--tools", self.write("tools.json", json.dumps([TOOL])))

    def called(self, server, *args):
        code, document, done = server.document("call", *self.tools, *args)
        self.assertEqual((code, done.stderr), (0, ""))
        call, = document["tool_calls"]
        self.assertEqual(call["name"], "get_weather")
        self.assertTrue(call["id"])
        validate(json.loads(call["arguments"]), TOOL["function"]["parameters"])

    @on()
    def test_a_tool_is_called_when_the_model_wants_to(self, server):
        for how in ((), ("--no-stream",)):
            self.called(server, "--tool-choice", "auto", *how, "What is the weather?")
        code, document, _ = server.document("call", *self.tools, "--tool-choice", "auto", "Good day.")
        self.assertEqual((code, "tool_calls" in document), (0, False))

    @on()
    def test_a_tool_that_must_be_called_is_called_or_the_call_is_refused(self, server):
        for choice in ("required", "get_weather"):
            if server.dialect.kind == "ollama":
                self.refused(server, "unsupported_param", "call", *self.tools, "--tool-choice", choice, "hi")
            else:
                self.called(server, "--tool-choice", choice, "hi")

    @on()
    def test_a_tool_that_must_not_be_called_is_not(self, server):
        _, document, _ = server.document("call", *self.tools, "--tool-choice", "none", "What is the weather?")
        self.assertNotIn("tool_calls", document)
        said = any(note["what"] == "tools" for note in document["degradations"])
        self.assertEqual(said, server.dialect.kind == "ollama")


class Lists(EngineCase):
    @on()
    def test_models_are_listed(self, server):
        code, document, _ = server.document("models")
        self.assertEqual((code, document["kind"]), (0, server.dialect.kind))
        self.assertEqual([model["id"] for model in document["models"]], [server.dialect.model])
        self.assertIs(DIALECTS[document["dialect"]], server.dialect)
        asked = [server.dialect.models, *(["/version"] if server.dialect.kind == "vllm" else [])]
        self.assertEqual(server.sent("GET"), [(path, None) for path in asked])

    @on()
    def test_texts_become_vectors(self, server):
        code, document, done = server.document("embed", "one", "two", "one")
        self.assertEqual(code, 0, done.stderr)
        one, two, again = document["embeddings"]
        self.assertEqual(one, again)
        self.assertNotEqual(one, two)
        self.assertAlmostEqual(math.hypot(*one), 1, places=4)
        self.assertGreater(document["prompt_tokens"], 0)
        (path, body), = server.sent()
        self.assertEqual((path, body["input"]), (server.dialect.embed, ["one", "two", "one"]))
        lines = server.run("embed", "--lines", stdin="one\n\ntwo\n").stdout.splitlines()
        self.assertEqual([json.loads(lines[0]), json.loads(lines[2])], [one, two])
        self.assertEqual(len(lines), 3)
        short = server.run("embed", "--dimensions", "3", "one")
        self.assertEqual(len(json.loads(short.stdout)), 3)


class OtherApis(EngineCase):
    RESPONSES = ("model: sim-model", "api: responses", NO_RETRY)

    @on(["vllm-0.10", "vllm-0.16", "vllm-latest", "openai"])
    def test_responses_answer_as_chat_does(self, server):
        for how in ((), ("--no-stream",)):
            said = server.run("call", "--system", "Be brief.", *how, "hi").stdout
            code, document, _ = server.document("call", "--system", "Be brief.", *how, "hi", keys=self.RESPONSES)
            self.assertEqual((code, document["text"] + "\n", document["finish"]), (0, said, "stop"))
            self.assertGreater(document["usage"]["completion_tokens"], 0)
            (path, body), = server.sent()
            self.assertEqual((path, body["store"]), ("/v1/responses", False))
        cut, document, _ = server.document("call", "--max-tokens", "16", "hi", keys=self.RESPONSES)  # OpenAI's least
        self.assertEqual((cut, document["error"]["name"], document["finish"]), (2, "truncated", "length"))
        self.assertEqual(server.body()["max_output_tokens"], 16)

    @on(["vllm-latest", "openai"])
    def test_responses_have_schemas_and_tools(self, server):
        tools = ("--tools", self.write("tools.json", json.dumps([TOOL])), "--tool-choice", "required")
        for what, schema in SCHEMAS.items():
            path = self.write("schema.json", json.dumps(schema))
            with self.subTest(schema=what):
                done = server.run("call", "--schema", path, "hi", keys=self.RESPONSES)
                self.assertEqual(done.returncode, 0, done.stderr)
                validate(json.loads(done.stdout), schema)
                self.assertEqual(server.body()["text"]["format"]["type"], "json_schema")
        code, document, done = server.document("call", *tools, "hi", keys=self.RESPONSES)
        self.assertEqual(code, 0, done.stderr)
        validate(json.loads(document["tool_calls"][0]["arguments"]), TOOL["function"]["parameters"])

    @on(["vllm-0.10", "vllm-0.16", "vllm-latest", "openai"])
    def test_responses_carry_a_constraint_where_the_server_reads_it(self, server):
        for flags, field, value, fits in self.constraints():
            if server.name != "vllm-latest":
                self.refused(server, "unsupported_constraint", "call", *flags, "hi", keys=self.RESPONSES)
                continue
            done = server.run("call", *flags, "hi", keys=self.RESPONSES)
            self.assertTrue(done.returncode == 0 and fits(done.stdout.strip()), done)
            self.assertEqual(server.body()["structured_outputs"], {field: value})

    def test_a_server_without_responses_says_so(self):
        self.refused(fleet["ollama"], "unsupported_param", "call", "hi", keys=self.RESPONSES)
        code, document, _ = fleet["vllm-0.6"].document("call", "hi", keys=self.RESPONSES)
        self.assertEqual((code, document["error"]["name"]), (2, "http_404"))

    @on([*VLLM, "ollama"])
    def test_messages_become_a_prompt_for_completions(self, server):
        prompts = {"roles": "[SYSTEM]\nBe brief.\n[USER]\nhi\n[ASSISTANT]\n",
                   "chatml": "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n"
                             "<|im_start|>assistant\n"}
        for form, prompt in prompts.items():
            keys = ("model: sim-model", "api: completions", f"prompt_format: {form}", "max_tokens: 800", NO_RETRY)
            code, document, done = server.document("call", "--system", "Be brief.", "hi", keys=keys)
            self.assertEqual(code, 0, done.stderr)
            self.assertTrue(document["text"])
            (path, body), = server.sent()
            self.assertEqual((path, body["prompt"]), (server.dialect.prompt, prompt))
            self.assertEqual(len(body.get("options", body)["stop"]), 1)

    @on()
    def test_a_constraint_holds_for_completions_too(self, server):
        keys = ("model: sim-model", "api: completions", "max_tokens: 800", NO_RETRY)
        path = self.write("schema.json", json.dumps(SCHEMAS["a number"]))
        if server.name == "openai":
            self.refused(server, "unsupported_constraint", "call", "--schema", path, "hi", keys=keys)
            return
        done = server.run("call", "--schema", path, "hi", keys=keys)
        self.assertEqual(done.returncode, 0, done.stderr)
        validate(json.loads(done.stdout), SCHEMAS["a number"])


class Degrade(EngineCase):
    KEYS = ("model: sim-model", "degrade: true", NO_RETRY)

    @on()
    def test_a_parameter_is_refused_or_with_permission_left_out_and_told(self, server):
        cases = [("top_k", ("--top-k", "3"), ["openai"]), ("min_tokens", ("--min-tokens", "2"), ["ollama", "openai"])]
        for what, flags, without in cases:
            with self.subTest(what):
                if server.name not in without:
                    self.assertEqual(server.run("call", *flags, "hi").returncode, 0)
                    self.assertIn(what, json.dumps(server.body()))
                    continue
                self.refused(server, "unsupported_param", "call", *flags, "hi")
                code, document, done = server.document("call", *flags, "hi", keys=self.KEYS)
                self.assertEqual((code, [note["what"] for note in document["degradations"]]), (0, [what]))
                self.assertEqual(done.stderr.count("weir: warning: "), 1)
                self.assertNotIn(what, server.body())

    def test_several_answers_of_an_api_that_gives_one_are_asked_for_at_once(self):
        server = fleet["ollama"]
        code, document, done = server.document("call", "--best-of", "3", "--seed", "5", "--temperature", "1", "hi")
        self.assertEqual(code, 0, done.stderr)
        self.assertEqual(len(document["others"]), 2)
        sent = [body for _, body in server.sent()]
        self.assertEqual(sorted(body["options"]["seed"] for body in sent), [5, 6, 7])
        self.assertTrue(all(body["logprobs"] for body in sent))
        done = server.run("call", "--n", "2", "hi")
        self.assertEqual((done.returncode, len(server.sent())), (0, 2))

    @on([name for name in DIALECTS if name != "ollama"])
    def test_the_best_of_several_is_chosen_here(self, server):
        code, document, done = server.document("call", "--best-of", "3", "--temperature", "1", "--no-stream", "hi", keys=self.KEYS)
        self.assertEqual(code, 0, done.stderr)
        self.assertEqual((server.body().get("n"), server.body().get("best_of")), (3, None))
        self.assertEqual((len(document["choices"]) if "choices" in document else 1, len(document["others"])), (1, 2))

    def test_a_refusal_for_all_versions_asks_nothing(self):
        for flags in (("--regex", ".[0-9]"), ("--min-tokens", "2")):
            fleet["ollama"].run("call", *flags, "hi")
            self.assertEqual(fleet["ollama"].requests, [])

    @on(["openai", "ollama"])
    def test_a_constraint_is_never_given_up(self, server):
        for flags, field, *_ in self.constraints():
            if server.name == "openai" or field == "grammar":
                self.refused(server, "unsupported_constraint", "call", *flags, "hi", keys=self.KEYS)


class WhatIsSaid(EngineCase):
    """What a person hears of on stderr, once, when a call is not quite what was asked for."""

    @on(VLLM + ["ollama"])
    def test_a_raw_field_that_the_server_ignores_is_named_and_what_to_write_instead(self, server):
        reads = server.dialect.constraints == "guided" or server.name == "vllm-0.11"
        done = server.run("call", "--extra", 'guided_regex="[0-9]+"', "--extra", 'guided_decoding_backend="outlines"', "hi")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.count("guided_regex: "), 0 if reads else 1)
        self.assertEqual(done.stderr.count("--regex"), 0 if reads else 1)
        self.assertEqual("guided_decoding_backend: " in done.stderr, not reads)
        self.assertEqual(server.body().get("guided_decoding_backend"), "outlines" if reads else None)
        self.assertEqual(server.run("call", "--extra", "keep_alive=1", "hi").stderr, "")

    @on(VLLM)
    def test_logprobs_of_prompts_break_no_stream_and_their_price_is_said(self, server):
        keys = ("model: sim-model", NO_RETRY, "defaults: {prompt_logprobs: 2}")
        done = server.run("call", "hi", keys=keys)
        self.assertEqual((done.returncode, done.stderr.count("prompt_logprobs: ")), (0, 1), done.stderr)
        self.assertNotIn("prompt_logprobs", server.body())
        done = server.run("call", "--no-stream", "hi", keys=keys)
        self.assertEqual((done.returncode, done.stderr.count("prefix cache")), (0, 1), done.stderr)
        self.assertEqual(server.body()["prompt_logprobs"], 2)

    def test_a_dry_run_says_which_dialect_it_assumes_where_that_matters(self):
        server = fleet["vllm-0.10"]
        for keys, flags, said in (((), ("--regex", "a+"), True), ((), (), False),
                                  (("dialect: vllm-0.10",), ("--regex", "a+"), False)):
            done = server.run("call", *flags, "--dry-run", "hi", keys=keys)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual("vllm-latest is assumed" in done.stderr, said)
            self.assertEqual(server.requests, [])
        done = server.run("call", "--min-tokens", "2", "--extra", "guided_json={}", "--dry-run", "hi")
        self.assertIn("weir: guided_json: vLLM 0.28.0 ignores", done.stderr)

    @on()
    def test_an_answer_without_content_is_asked_for_again(self, server):
        for form in ("--stream", "--no-stream"):
            server.script({"reply": {"text": ""}, "times": 1}, {"reply": {"text": "four"}})
            done = server.run("call", form, "hi", keys=("model: sim-model", "retry: {base_delay: 0.01}"))
            server.script()
            self.assertEqual((done.returncode, done.stdout.strip()), (0, "four"), done.stderr)
            self.assertIn("empty_model_response", done.stderr)
            self.assertEqual(len([path for path, _ in server.sent() if path == server.dialect.chat]), 2)

    def test_an_engine_that_fails_again_and_again_is_said_to_be_left_alone(self):
        server = fleet["vllm-latest"]
        server.script({"reply": {"error": {"status": 500}}})
        keys = ("model: sim-model", "retry: {base_delay: 0.01, max_retries: 5}", "breaker: {failures: 2}")
        done = server.run("call", "hi", keys=keys)
        server.script()
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertEqual(done.stderr.count("weir: warning: engine it failed several times in a row"), 1, done.stderr)


if __name__ == "__main__":
    unittest.main()

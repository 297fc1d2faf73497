"""Raw replies of a real server go through HTTP, SSE and decoding as they came off its socket."""
import glob
import json
import os
import re
import sys
import unittest

from harness import Case, RawServer, weir

SUITES = os.environ.get("WEIR_SUITES")
CHAT = ("chat-stream", "tools-stream", "think-stream", "schema-stream", "logprobs-stream")


def dechunk(body):
    out = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        out, body = out + body[:length], body[length + 2:]
    return out


def expected(raw):
    """What a naive reader gets out of the recording: text, reasoning, arguments, finish reasons."""
    body = dechunk(raw.partition(b"\r\n\r\n")[2]).decode()
    text, reasoning, arguments, finish = "", "", "", []
    for data in re.findall(r"^data: (\{.*)$", body, re.M):
        for choice in json.loads(data)["choices"]:
            delta = choice["delta"]
            text += delta.get("content") or ""
            reasoning += delta.get("reasoning_content") or ""
            for call in delta.get("tool_calls") or []:
                arguments += call["function"].get("arguments") or ""
            if choice["finish_reason"]:
                finish.append(choice["finish_reason"])
    return text, reasoning, arguments, finish


class Recordings(Case):
    def setUp(self):
        super().setUp()
        if not SUITES:
            print("WEIR_SUITES is not set: recorded replies are NOT tested", file=sys.stderr)
            self.skipTest("WEIR_SUITES is not set")

    def test_every_recorded_chat_stream_gives_what_a_naive_reader_sees(self):
        paths = [p for p in sorted(glob.glob(f"{SUITES}/recordings/*.http")) if os.path.basename(p).startswith(CHAT)]
        self.assertGreater(len(paths), 10)
        for path in paths:
            with self.subTest(os.path.basename(path)), open(path, "rb") as file:
                raw = file.read()
                with RawServer(raw) as server:
                    done = weir("call", "-e", server.url, "-o", "json", "--stream", "hi")
                pieces = [json.loads(line) for line in done.stdout.splitlines()]
                calls = [call for piece in pieces for call in piece.get("tool_calls", [])]
                got = ("".join(piece.get("text", "") for piece in pieces),
                       "".join(piece.get("reasoning", "") for piece in pieces),
                       "".join(call.get("arguments", "") for call in calls),
                       [piece["finish"] for piece in pieces if "finish" in piece])
                self.assertEqual(got, expected(raw), done.stderr)
                self.assertIn(done.returncode, (0, 2), done.stderr)

    def replayed(self, name, engine="", *args):
        """Runs a call against each recording of that name: its bytes, the pieces that came, and how weir ended."""
        paths = sorted(glob.glob(f"{SUITES}/recordings/{name}-*.http"))
        self.assertTrue(paths)
        for path in paths:
            with open(path, "rb") as file:
                raw = file.read()
            with RawServer(raw) as server:
                config = self.write("weir.yaml", f"engines: {{it: {{base_url: '{server.url}', {engine}"
                                                 "structured: {max_attempts: 1}, retry: {max_retries: 0}}}")
                done = weir("--config", config, "call", "-o", "json", "--stream", *args, "hi")
            yield os.path.basename(path), raw, [json.loads(line) for line in done.stdout.splitlines()], done

    def test_every_recorded_stream_of_responses_gives_its_text_and_usage(self):
        for name, raw, pieces, done in self.replayed("responses-stream", "api: responses, dialect: vllm-latest, "):
            with self.subTest(name):
                events = [json.loads(data) for data in
                          re.findall(r"^data: (\{.*)$", dechunk(raw.partition(b"\r\n\r\n")[2]).decode(), re.M)]
                text = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
                usage = events[-1]["response"]["usage"]
                self.assertEqual((done.returncode, "".join(piece.get("text", "") for piece in pieces)), (0, text))
                told, = [piece["usage"] for piece in pieces if "usage" in piece]
                self.assertEqual((told["prompt_tokens"], told["completion_tokens"]),
                                 (usage["input_tokens"], usage["output_tokens"]))

    def test_recorded_answers_of_a_schema_are_held_to_it(self):
        schema = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"},
                                                   "tags": {"type": "array", "items": {"type": "string"}}},
                  "required": ["name", "age", "tags"]}
        good = self.write("good.json", json.dumps(schema))
        for name, _, _, done in self.replayed("schema-stream", "", "--schema", good):
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)
        bad = self.write("bad.json", json.dumps({**schema, "required": ["name", "age", "email"]}))
        for name, _, _, done in self.replayed("schema-stream", "", "--schema", bad):
            self.assertEqual(done.returncode, 2, name)
            self.assertIn("email", done.stderr)

    def test_recorded_tool_calls_are_held_to_the_schemas_of_their_tools(self):
        for required, finished in (([], 0), (["no_recording_has_this"], 2)):
            tools = self.write("tools.json", json.dumps([{"type": "function", "function": {
                "name": name, "parameters": {"type": "object", "required": required}}}
                for name in ("get_time", "get_weather")]))
            for name, raw, _, done in self.replayed("tools-stream", "", "--tools", tools, "-m", "m"):
                with self.subTest(name, required=required):
                    cut = expected(raw)[3] != ["tool_calls"]
                    self.assertEqual(done.returncode, 2 if cut else finished, done.stderr)
                    if required and not cut:
                        self.assertIn("weir: schema_mismatch: ", done.stderr)

    def test_an_error_of_a_real_server_names_the_context_window(self):
        with open(f"{SUITES}/recordings/err-ctx.http", "rb") as file, RawServer(file.read()) as server:
            done = weir("call", "-e", server.url, "-o", "json", "hi")
        error = json.loads(done.stdout)["error"]
        self.assertEqual((done.returncode, error["name"], error["class"]), (2, "http_400", "context_length"))
        self.assertIn("2048 tokens", error["message"])


if __name__ == "__main__":
    unittest.main()

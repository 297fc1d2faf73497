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

    def test_an_error_of_a_real_server_names_the_context_window(self):
        with open(f"{SUITES}/recordings/err-ctx.http", "rb") as file, RawServer(file.read()) as server:
            done = weir("call", "-e", server.url, "-o", "json", "hi")
        error = json.loads(done.stdout)["error"]
        self.assertEqual((done.returncode, error["name"], error["class"]), (2, "http_400", "context_length"))
        self.assertIn("2048 tokens", error["message"])


if __name__ == "__main__":
    unittest.main()

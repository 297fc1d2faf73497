"""`weir call` and `weir complete` as a user meets them: answers, forms, exit codes, sentences."""
import json
import os
import pty
import signal
import subprocess
import unittest
import urllib.request

from harness import PATIENCE, WEIR, Case, RawServer, Sim, environment, until, weir, with_more_time

OK_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(text):
    body = f"data: {text}\n\n".encode()
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"


def delta(text, finish=None):
    return chunk(json.dumps({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [
        {"index": 0, "delta": {"content": text}, "finish_reason": finish}]}))


class Answers(Case):
    def test_streamed_and_whole_answers_are_equal(self):
        with Sim("--instant") as sim:
            streamed = weir("call", "-e", sim.url, "--seed", "7", "What is a weir?")
            whole = weir("call", "-e", sim.url, "--seed", "7", "--no-stream", "What is a weir?")
        self.assertEqual(streamed.returncode, 0, streamed.stderr)
        self.assertTrue(streamed.stdout.strip())
        self.assertEqual(streamed.stdout, whole.stdout)
        self.assertEqual(streamed.stderr, "")

    def test_the_last_line_of_a_stream_says_how_sure_it_was(self):
        with Sim("--instant") as sim:
            args = ("call", "-e", sim.url, "--confidence", "-o", "json", "--seed", "1", "hi")
            streamed, whole = weir(*args, "--stream"), weir(*args, "--no-stream")
        self.assertEqual(streamed.returncode, 0, streamed.stderr)
        last = json.loads(streamed.stdout.splitlines()[-1])
        self.assertEqual(last["confidence"]["mean"], json.loads(whole.stdout)["confidence"]["mean"])

    def test_thinking_is_switched_the_way_of_the_server_and_kills_no_call(self):
        for kind, word, key, value in (("vllm", "off", "chat_template_kwargs", {"enable_thinking": False}),
                                       ("vllm", "low", "reasoning_effort", "low"), ("ollama", "off", "think", False),
                                       ("ollama", "on", "think", True), ("ollama", "high", "think", "high"),
                                       ("openai", "on", "chat_template_kwargs", None),
                                       ("openai", "medium", "reasoning_effort", "medium")):
            with self.subTest(kind=kind, word=word):
                path = self.write("weir.yaml", "engines: {it: {kind: %s, model: qwen3-8b, base_url: 'http://127.0.0.1:9', "
                                  "%s}}" % (kind, "dialect: vllm-latest" if kind == "vllm" else ""))
                done = weir("--config", path, "call", "--thinking", word, "--dry-run", "hi")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(json.loads(done.stdout.split("\n\n", 1)[1]).get(key), value)
        self.assertIn("medium", weir("call", "--thinking", "mdium", "hi").stderr)

    def test_the_embedded_simulator_says_the_same_as_the_one_behind_http(self):
        with Sim("--instant") as sim:
            outside = weir("call", "-e", sim.url, "--max-tokens", "64", "--no-stream", "-o", "json", "hello")
        inside = weir("call", "-e", "sim", "--max-tokens", "64", "--no-stream", "-o", "json", "hello")
        self.assertEqual(json.loads(outside.stdout)["text"], json.loads(inside.stdout)["text"])

    def test_json_output_is_one_document_and_with_stream_json_lines(self):
        with Sim("--instant") as sim:
            one = weir("call", "-e", sim.url, "-o", "json", "hi")
            many = weir("call", "-e", sim.url, "-o", "json", "--stream", "hi")
        document = json.loads(one.stdout)
        self.assertEqual(document["finish"], "stop")
        self.assertGreater(document["usage"]["completion_tokens"], 0)
        lines = [json.loads(line) for line in many.stdout.splitlines()]
        self.assertEqual("".join(line.get("text", "") for line in lines), document["text"])
        self.assertEqual([line["finish"] for line in lines if "finish" in line], ["stop"])

    def test_complete_echoes_its_prompt(self):
        with Sim("--instant") as sim:
            done = weir("complete", "-e", sim.url, "--echo", "Once upon a time")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.startswith("Once upon a time"), done.stdout)

    def prompt(self, *args, stdin):
        dry = weir("call", "-e", "http://127.0.0.1:1", "--dry-run", *args, stdin=stdin)
        return json.loads(dry.stdout.split("\n\n", 1)[1])["messages"][0]["content"]

    def test_stdin_is_the_prompt_or_stands_before_it_when_asked(self):
        self.assertEqual(self.prompt(stdin="from a pipe"), "from a pipe")
        self.assertEqual(self.prompt("-", stdin="from a pipe"), "from a pipe")
        self.assertEqual(self.prompt("--stdin", "Summarise.", stdin="a document\n"), "a document\n\nSummarise.")

    def test_stdin_is_left_alone_beside_a_prompt(self):
        self.assertEqual(self.prompt("Summarise.", stdin="not for weir"), "Summarise.")

    def test_an_empty_stdin_that_was_asked_for_is_a_mistake(self):
        for stdin in ("", " \n"):
            done = weir("call", "-e", "sim", "--stdin", "Summarise.", stdin=stdin)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn("--stdin, but stdin is empty", done.stderr)

    def test_what_is_not_utf_8_is_refused_with_its_place(self):
        for args, stdin, place in ((["call", "-e", "sim"], b"caf\xe9", "byte 3 stands 0xE9"),
                                   (["call", "-e", "sim", b"a\xff"], b"", "byte 1 stands 0xFF"),
                                   (["call", "-e", "sim", "--system", b"\xc3", "hi"], b"", "byte 0 stands 0xC3"),
                                   (["complete", "-e", "sim", b"\xc3\xa9\xe9"], b"", "byte 2 stands 0xE9"),
                                   (["embed", "-e", "http://127.0.0.1:9"], b"ab\xe2\x82", "byte 2 stands 0xE2"),
                                   (["embed", "-e", "http://127.0.0.1:9", b"\xe9"], b"", "byte 0 stands 0xE9")):
            done = subprocess.run([WEIR, *args], input=stdin, capture_output=True, env=environment(), timeout=PATIENCE)
            self.assertEqual((done.returncode, done.stdout), (3, b""), done.stderr)
            self.assertIn("is not UTF-8: at " + place, done.stderr.decode())

    def test_where_no_engine_was_named_it_is_said_how(self):
        done = weir("call", "hi", env={"VLLM_MAX_RETRIES": "0", "HTTP_PROXY": "", "ALL_PROXY": ""}, cwd=self.folder)
        if "nothing listens" in done.stderr:
            self.assertIn("name one with -e ADDRESS, try -e sim", done.stderr)
        named = weir("call", "-e", "http://127.0.0.1:9", "hi", env={"VLLM_MAX_RETRIES": "0"}, cwd=self.folder)
        self.assertNotIn("no engine was named", named.stderr)

    def test_where_nothing_listens_each_kind_of_server_is_spoken_of_in_its_own_words(self):
        for kind, words in (("vllm", "while it loads its model"), ("ollama", "`ollama serve` starts it"), ("openai", "")):
            config = self.write(f"{kind}.yaml", "engines:\n  there:\n    base_url: http://127.0.0.1:9\n"
                                f"    kind: {kind}\n    model: m\n    retry: {{max_retries: 0}}\n")
            done = weir("call", "--config", config, "-e", "there", "hi", cwd=self.folder)
            self.assertEqual(done.returncode, 5, done.stderr)
            self.assertIn("nothing listens at 127.0.0.1:9: is the server up?", done.stderr)
            self.assertIn(words, done.stderr)
            self.assertEqual("vLLM" in done.stderr, kind == "vllm", done.stderr)

    def test_who_sees_the_answer_is_not_told_how_to(self):
        script = self.write("replies.yaml", "- reply: {text: no json here}\n")
        with Sim("--instant", "--scenario", script) as sim:
            for form, times in (("text", 1), ("json", 0)):
                done = weir("call", "-e", sim.url, "--json", "-o", form, "hi")
                self.assertEqual(done.returncode, 2)
                self.assertEqual(done.stderr.count("see what the answer is: weir call -o json"), times, done.stderr)

    def test_an_answer_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([WEIR, "call", "-e", "sim", "--max-tokens", "3", "hi"], stdin=subprocess.DEVNULL,
                                  stdout=full, stderr=subprocess.PIPE, text=True, env=environment(), timeout=PATIENCE)
        self.assertEqual(done.returncode, 2)
        self.assertIn("weir: io_error: ", done.stderr)

    def test_beams_are_told_apart(self):
        with Sim("--instant") as sim:
            done = weir("call", "-e", sim.url, "--beam", "2", "hi")
        self.assertIn("--- answer 1\n", done.stdout)

    def test_an_empty_choice_is_refused(self):
        for choice in ("", "a,,b"):
            self.assertEqual(weir("call", "-e", "sim", "--choice", choice, "hi").returncode, 3)

    def test_the_four_spellings_of_an_address_reach_the_same_path(self):
        for ending in ("", "/", "/v1", "/v1/"):
            dry = weir("call", "-e", f"http://127.0.0.1:9{ending}", "--dry-run", "hi")
            self.assertEqual(dry.stdout.splitlines()[0], "POST http://127.0.0.1:9/v1/chat/completions")

    def test_a_unix_socket_is_an_address(self):
        path = str(self.folder / "sim.sock")
        with Sim("--instant", "--listen", f"unix:{path}") as sim:
            self.assertEqual(sim.url, f"unix:{path}")
            done = weir("call", "-e", sim.url, "hi")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse(os.path.exists(path))

    def test_tokens_are_printed_as_they_come(self):
        with RawServer(OK_HEAD + delta("first "), end="wait") as server:
            process = subprocess.Popen([WEIR, "call", "-e", server.url, "hi"], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
            self.assertEqual(os.read(process.stdout.fileno(), 100), b"first ")
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=PATIENCE)

    def test_several_answers_are_told_apart(self):
        with Sim("--instant") as sim:
            done = weir("call", "-e", sim.url, "--n", "2", "--temperature", "1", "hi")
        self.assertIn("--- answer 0\n", done.stdout)
        self.assertIn("--- answer 1\n", done.stdout)


    def test_a_failed_call_says_how_long_it_took(self):
        script = self.write("replies.yaml", "- reply: {drop_after: 3, ttft: 30ms}\n")
        with Sim("--scenario", script) as sim:
            document = json.loads(weir("call", "-e", sim.url, "-o", "json", "hi").stdout)
        self.assertEqual(document["error"]["name"], "stream_truncated")
        self.assertGreaterEqual(document["total_ms"], document["first_token_ms"])

    def test_a_good_answer_of_a_schema_is_quiet(self):
        schema = self.write("s.json", '{"type": "object", "properties": {"a": {"type": "integer"}}}')
        with Sim("--instant") as sim:
            text = weir("call", "-e", sim.url, "--schema", schema, "hi")
            document = json.loads(weir("call", "-e", sim.url, "--schema", schema, "-o", "json", "hi").stdout)
        self.assertEqual((text.returncode, text.stderr), (0, ""))
        self.assertEqual(document["degradations"], [])

    def test_an_answer_that_breaks_its_constraint_says_where(self):
        schema = self.write("s.json", '{"type": "object", "properties": {"a": {"type": "integer"}}}')
        answers = [("--schema", schema, '{"a": "x"}', "schema_mismatch", "/a"),
                   ("--regex", "[0-9]+", "12x", "constraint_violated", "at byte 2"),
                   ("--grammar", self.write("g.txt", 'root ::= "yes" | "no"'), "yesno", "constraint_violated", "byte 3")]
        for flag, constraint, said, name, place in answers:
            script = self.write("replies.yaml", "- reply: {text: " + json.dumps(said) + "}\n")
            with Sim("--instant", "--scenario", script) as sim:
                done = weir("call", "-e", sim.url, flag, constraint, "hi")
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(f"weir: {name}: ", done.stderr)
            self.assertIn(place, done.stderr)
            self.assertIn(said, done.stdout)

    def test_a_constraint_that_weir_cannot_judge_is_said_where_it_can_be_skipped(self):
        script = self.write("replies.yaml", "- reply: {text: a}\n")
        with Sim("--instant", "--scenario", script) as sim:
            text = weir("call", "-e", sim.url, "--regex", "(?=a)a", "hi")
            said = weir("call", "-e", sim.url, "--regex", "(?=a)a", "-v", "hi")
            document = json.loads(weir("call", "-e", sim.url, "--regex", "(?=a)a", "-o", "json", "hi").stdout)
        self.assertEqual((text.returncode, text.stderr), (0, ""))
        self.assertIn("trusts the server", said.stderr)
        self.assertIn("check of the regex constraint", document["degradations"][0]["what"])

    def test_a_constraint_that_weir_cannot_read_is_warned_of_each_time(self):
        script = self.write("replies.yaml", "- reply: {text: a}\n")
        with Sim("--instant", "--scenario", script) as sim:
            for flags in (("--regex", "(?i)a"), ("--grammar", self.write("g.txt", "root ::= Token(7)"))):
                done = weir("call", "-e", sim.url, *flags, "hi")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("weir: warning: no check of the ", done.stderr)

    def test_a_schema_that_is_none_is_refused_before_anything_is_sent(self):
        for text, name in (('{"type": "objekt"}', "invalid_schema"), ('{"pattern": "("}', "invalid_pattern")):
            done = weir("call", "-e", "http://127.0.0.1:9", "--schema", self.write("s.json", text), "hi")
            self.assertEqual(done.returncode, 3)
            self.assertIn(f"weir: {name}: ", done.stderr)

    def test_a_pattern_or_grammar_that_is_none_is_refused_before_anything_is_sent(self):
        grammar = self.write("g.txt", "root ::= (")
        for flags, name in ((("--regex", "("), "invalid_pattern"), (("--grammar", grammar), "invalid_grammar")):
            for engine in ("sim", "http://127.0.0.1:9"):
                done = weir("call", "-e", engine, *flags, "-o", "json", "hi")
                self.assertEqual((done.returncode, json.loads(done.stdout)["error"]["name"]), (3, name), done.stderr)
                self.assertIn(f"weir: {name}: ", done.stderr)

    def test_a_document_calls_an_address_by_its_name(self):
        with Sim("--instant") as sim:
            document = json.loads(weir("call", "-e", sim.url, "-o", "json", "hi").stdout)
            config = self.write("weir.yaml", f"engines: {{it: {{base_url: '{sim.url}'}}}}")
            named = json.loads(weir("--config", config, "call", "-e", "it", "-o", "json", "hi").stdout)
        self.assertEqual((document["engine"], named["engine"]), (sim.url, "it"))

    def test_no_reasoning_where_only_reasoning_was_asked_for_is_an_error(self):
        with Sim("--instant") as sim:
            for form in ((), ("--no-stream",), ("--n", "2")):
                done = weir("call", "-e", sim.url, "--reasoning", "only", *form, "hi")
                self.assertEqual(done.returncode, 2)
                self.assertIn("weir: empty_model_response: ", done.stderr)
                self.assertIn("--reasoning-parser", done.stderr)

    def test_a_verdict_stands_in_the_document_beside_the_answer(self):
        with Sim("--instant") as sim:
            done = weir("call", "-e", sim.url, "--max-tokens", "3", "-o", "json", "hi")
        document = json.loads(done.stdout)
        self.assertEqual((done.returncode, document["error"]["name"]), (2, "truncated"))
        self.assertTrue(document["text"])


class DryRun(Case):
    def test_nothing_null_nothing_called_extra_body_and_no_key(self):
        done = weir("call", "-e", "http://127.0.0.1:1", "--dry-run", "--top-k", "5", "--extra", "foo=[1]",
                    "--seed", "3", "hi", env={"VLLM_API_KEY": "sk-very-secret-key-0123456789"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("very-secret", done.stdout + done.stderr)
        self.assertIn("Authorization: ***", done.stdout)
        body = json.loads(done.stdout.split("\n\n", 1)[1])
        self.assertNotIn("extra_body", body)
        self.assertNotIn(None, body.values())
        self.assertEqual((body["top_k"], body["foo"], body["seed"]), (5, [1], 3))

    def test_it_shows_the_very_bytes_that_are_sent(self):
        with RawServer(b"HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n") as server:
            config = self.write("weir.yaml", f"engines: {{it: {{base_url: '{server.url}', model: m, retry: {{max_retries: 0}}}}}}")
            weir("--config", config, "call", "--seed", "3", "hi")
            dry = weir("--config", config, "call", "--seed", "3", "--dry-run", "hi")
        sent = server.request.decode().split("\r\n\r\n", 1)
        shown = dry.stdout.rstrip("\n").split("\n\n", 1)
        self.assertEqual(shown[1], sent[1])
        fields = [line.split(": ", 1) for line in sent[0].split("\r\n")[1:]]
        self.assertEqual([line.split(": ", 1)[0] for line in shown[0].split("\n")[1:]], [name for name, value in fields])
        for (name, value), line in zip(fields, shown[0].split("\n")[1:]):
            if name != "X-Request-Id":
                self.assertEqual(line, f"{name}: {value}")

    def test_what_would_be_refused_is_refused(self):
        done = weir("call", "-e", "http://127.0.0.1:1", "--regex", "(", "--dry-run", "hi")
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("invalid_pattern", done.stderr)


class Failures(Case):
    def check(self, done, code, name, *sentences):
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(f"weir: {name}: ", done.stderr)
        for sentence in sentences:
            self.assertIn(sentence, done.stderr)

    def call(self, url, *args, **timeouts):
        """A call without retries, so that each failure is met once."""
        clocks = ", ".join(f"{clock}: {value}" for clock, value in timeouts.items())
        config = self.write("weir.yaml", f"engines:\n  it:\n    base_url: '{url}'\n    retry: {{max_retries: 0}}\n"
                                         f"    timeouts: {{{clocks}}}\n")
        return weir("--config", config, "call", *args, "hi")

    def test_refused_connection(self):
        done = self.call("http://127.0.0.1:1")
        self.check(done, 5, "connection_error", "127.0.0.1:1", "/health", "Connection refused")

    def test_retries_are_announced_and_counted(self):
        config = self.write("weir.yaml", "engines: {it: {base_url: 'http://127.0.0.1:1', "
                                         "retry: {max_retries: 2, base_delay: 0.01}}}")
        done = weir("--config", config, "call", "hi")
        self.check(done, 5, "connection_error", "(1 of 2)", "(2 of 2)", "after 3 attempts")

    def test_a_retry_that_would_come_too_late_says_so(self):
        script = self.write("s.yaml", "- {match: {last_user: soon}, reply: {error: {status: 503}}}\n"
                                      "- reply: {error: {status: 429, retry_after: 30}}\n")
        with Sim("--instant", "--scenario", script) as sim:
            config = self.write("weir.yaml", f"engines: {{it: {{base_url: '{sim.url}', retry: {{base_delay: 50}}}}}}")
            asked = weir("--config", config, "call", "--timeout", "20", "hi")
            late = weir("--config", config, "call", "--timeout", "20", "soon")
        self.check(asked, 2, "http_429", "it asks to wait 30 s, but the call has only ", "--timeout")
        self.check(late, 5, "http_503", "the wait before another attempt would be longer than the ", "--timeout")

    def test_unknown_host(self):
        done = self.call("http://no-such-host.invalid:8000")
        self.check(done, 5, "connection_error", "cannot find the host 'no-such-host.invalid'")

    def test_killed_in_the_middle_of_a_stream(self):
        with RawServer(OK_HEAD + delta("half an ans")) as server:
            done = self.call(server.url)
        self.check(done, 5, "stream_truncated")
        self.assertEqual(done.stdout, "half an ans\n")
        self.assertEqual(server.accepted, 1)

    def test_a_clean_end_without_a_finish_reason_is_truncated_too(self):
        with RawServer(OK_HEAD + delta("half") + chunk("[DONE]") + b"0\r\n\r\n") as server:
            done = self.call(server.url)
        self.check(done, 5, "stream_truncated", "without a finish reason")

    def test_stall_before_the_first_token(self):
        with RawServer(OK_HEAD, end="wait") as server:
            done = self.call(server.url, first_token=0.1)
        self.check(done, 5, "timeout", "`first_token` of 100 ms", "timeouts.first_token")

    def test_stall_in_the_middle(self):
        with RawServer(OK_HEAD + delta("one"), end="wait") as server:
            done = self.call(server.url, idle=0.1)
        self.check(done, 5, "stream_idle_timeout", "`idle` of 100 ms", "timeouts.idle")

    def test_the_whole_call_takes_too_long(self):
        with RawServer(OK_HEAD + delta("one"), end="wait") as server:
            done = self.call(server.url, "--timeout", "0.1")
        self.check(done, 5, "timeout", "`total` of 100 ms", "--timeout")

    def test_garbage_that_is_not_http(self):
        with RawServer(b"SSH-2.0-OpenSSH_9.2\r\n") as server:
            done = self.call(server.url)
        self.check(done, 2, "protocol_error", "SSH-2.0")

    def test_garbage_in_a_stream(self):
        with RawServer(OK_HEAD + chunk("{\"choices\": [[[")) as server:
            done = self.call(server.url)
        self.check(done, 2, "protocol_error")

    def test_an_html_page(self):
        page = b"<html><head><title>Starting up</title></head></html>"
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(page)
        with RawServer(head + page) as server:
            done = self.call(server.url)
        self.check(done, 2, "protocol_error", "text/html", "Starting up")

    def test_https_spoken_to_a_plain_port(self):
        with Sim("--instant") as sim:
            done = self.call(sim.url.replace("http:", "https:"))
        self.check(done, 5, "connection_error", "TLS")

    def test_wrong_certificate_and_the_way_out(self):
        key, certificate = self.folder / "key.pem", self.folder / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        with Sim("--instant", "--tls", f"{certificate},{key}") as sim:
            url = sim.url.replace("127.0.0.1", "localhost")
            unknown = self.call(url)
            self.check(unknown, 5, "connection_error", "not trusted", "ca_file")
            config = self.write("tls.yaml", f"engines: {{it: {{base_url: '{url}', tls: {{ca_file: '{certificate}'}}}}}}")
            trusted = weir("--config", config, "call", "hi")
            self.assertEqual(trusted.returncode, 0, trusted.stderr)
            config = self.write("tls.yaml", f"engines: {{it: {{base_url: '{sim.url}', tls: {{ca_file: '{certificate}'}}, "
                                            "retry: {max_retries: 0}}}")
            other_name = weir("--config", config, "call", "hi")
            self.check(other_name, 5, "connection_error", "not for '127.0.0.1'")

    def test_wrong_key_unknown_model_and_token_limit(self):
        with Sim("--instant", "--api-key", "right") as sim:
            self.check(self.call(sim.url), 2, "http_401", "key")
            good = weir("call", "-e", sim.url, "hi", env={"VLLM_API_KEY": "right"})
            self.assertEqual(good.returncode, 0, good.stderr)
        with Sim("--instant") as sim:
            self.check(self.call(sim.url, "-m", "nope"), 2, "http_404", "nope")
            cut = self.call(sim.url, "--max-tokens", "3")
            self.check(cut, 2, "truncated", "--max-tokens")
            self.assertTrue(cut.stdout.strip())

    def test_errors_are_json_when_json_was_asked_for(self):
        done = self.call("http://127.0.0.1:1", "-o", "json")
        error = json.loads(done.stdout)["error"]
        self.assertEqual((error["name"], error["class"], error["retryable"]), ("connection_error", "network", True))

    def test_a_document_holds_what_came_before_the_error(self):
        def ask(seconds):
            with RawServer(OK_HEAD + delta("half an "), end="wait") as server:
                return self.call(server.url, "-o", "json", "--timeout", seconds)

        done = with_more_time(ask, lambda done: json.loads(done.stdout).get("text"))
        document = json.loads(done.stdout)
        self.assertEqual((done.returncode, document["text"], document["error"]["name"]), (5, "half an ", "timeout"))
        self.assertNotIn("finish", document)
        with RawServer(OK_HEAD + delta("half an ")) as server:
            broken = json.loads(self.call(server.url, "-o", "json").stdout)
        self.assertEqual((broken["text"], broken["error"]["name"]), ("half an ", "stream_truncated"))

    def test_several_answers_that_broke_off_are_printed_as_far_as_they_came(self):
        with RawServer(OK_HEAD + delta("half an ")) as server:
            done = self.call(server.url, "--n", "2")
        self.check(done, 5, "stream_truncated")
        self.assertEqual(done.stdout, "half an \n")

    def test_an_unknown_engine_names_the_nearest(self):
        config = self.write("weir.yaml", "engines: {qwen: {base_url: 'http://127.0.0.1:1'}}")
        done = weir("--config", config, "call", "-e", "qwem", "hi")
        self.check(done, 3, "config_error", "did you mean 'qwen'?")

    def test_a_wrong_key_of_the_configuration_is_shown_with_its_place(self):
        config = self.write("weir.yaml", "engines:\n  it:\n    base_ulr: http://127.0.0.1:1\n")
        done = weir("--config", config, "call", "hi")
        self.check(done, 3, "config_error", "weir.yaml:3:5", "'base_url'")

    def test_ranges_are_refused_before_anything_is_sent(self):
        done = weir("call", "-e", "http://127.0.0.1:1", "--temperature", "2.5", "hi")
        self.check(done, 3, "invalid_request", "[0, 2]")

    def test_usage_errors_exit_with_64(self):
        self.assertEqual(weir("call", "--no-such-flag", "hi").returncode, 64)
        self.assertEqual(weir().returncode, 64)
        self.assertEqual(weir("call", stdin="").returncode, 3)


class CtrlC(Case):
    def test_cancels_the_wait_for_a_retry_with_4(self):
        process = subprocess.Popen([WEIR, "call", "-e", "http://127.0.0.1:1", "hi"], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
        self.assertIn("trying again", process.stderr.readline())
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 4)

    def test_cancels_with_4_and_closes_the_connection(self):
        with RawServer(OK_HEAD + delta("one "), end="wait") as server:
            process = subprocess.Popen([WEIR, "call", "-e", server.url, "hi"], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
            self.assertTrue(server.got_request.wait(PATIENCE))
            process.stdout.read(1)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=PATIENCE)
            self.assertTrue(server.peer_closed.wait(PATIENCE))
        self.assertEqual(process.returncode, 4)
        self.assertIn("weir: cancelled: ", errors)


    def test_leaves_what_came_in_the_document(self):
        events = self.folder / "events.jsonl"
        with RawServer(OK_HEAD + delta("one "), end="wait") as server:
            process = subprocess.Popen([WEIR, "call", "-e", server.url, "-o", "json", "-v", "--events", str(events), "hi"],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       text=True, env=environment())
            until(lambda: events.exists() and '"span.end","span":"wire.decode"' in events.read_text(), "a piece is there")
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=PATIENCE)
        document = json.loads(out)
        self.assertEqual((process.returncode, document["text"], document["error"]["name"]), (4, "one ", "cancelled"))


class Terminals(Case):
    def test_colour_only_on_a_terminal_and_not_with_no_color(self):
        def errors(**env):
            master, slave = pty.openpty()
            process = subprocess.Popen([WEIR, "call", "-e", "nowhere-at-all", "hi"], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=slave, env=environment(**env))
            process.wait(PATIENCE)
            os.close(slave)
            text = os.read(master, 10000)
            os.close(master)
            return text

        self.assertIn(b"\033[31m", errors(TERM="xterm"))
        self.assertNotIn(b"\033", errors(TERM="xterm", NO_COLOR="1"))
        self.assertNotIn("\033", weir("call", "-e", "nowhere-at-all", "hi").stderr)


    def on_one_terminal(self, *args):
        master, slave = pty.openpty()
        process = subprocess.Popen([WEIR, "call", *args, "hi"], stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
                                   env=environment())
        process.wait(PATIENCE)
        os.close(slave)
        text = os.read(master, 10000)
        os.close(master)
        return text

    def test_what_is_said_of_an_answer_begins_a_line(self):
        thought = chunk(json.dumps({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [
            {"index": 0, "delta": {"reasoning": "hm"}, "finish_reason": None}]}))

        def ask(reply, last):
            def once(seconds):
                with RawServer(OK_HEAD + reply, end="wait") as server:
                    return self.on_one_terminal("-e", server.url, "--reasoning", "show", "-v", "--timeout", seconds)

            return with_more_time(once, lambda said: last in said)

        said = ask(thought, b"hm")
        self.assertTrue(said.startswith(b"hm\r\nweir: "), said)
        said = ask(thought + delta("one"), b"one")
        self.assertTrue(said.startswith(b"hm\r\none\r\nweir: "), said)
        with RawServer(OK_HEAD + delta("a", "stop") + chunk("[DONE]") + b"0\r\n\r\n") as server:
            # The dialect is given: this server answers one request, which would be that for its version.
            config = self.write("weir.yaml", f"engines: {{one: {{base_url: {server.url}, dialect: vllm-latest}}}}")
            said = self.on_one_terminal("--config", config, "-v", "--regex", "(?=a)a")
        self.assertTrue(said.startswith(b"a\r\nweir: no check of the regex"), said)


class Library(Case):
    def test_the_example_program_asks_and_streams(self):
        example = os.path.join(os.path.dirname(WEIR), "example_ask")
        with Sim("--instant") as sim:
            done = subprocess.run([example, sim.url, "hi"], capture_output=True, text=True, timeout=PATIENCE,
                                  env=environment())
            asked = weir("call", "-e", sim.url, "hi")
        self.assertEqual((done.returncode, done.stdout), (0, asked.stdout), done.stderr)
        wrong = subprocess.run([example, "nowhere", "hi"], capture_output=True, text=True, env=environment())
        self.assertEqual(wrong.returncode, 3)
        self.assertIn("there is no engine 'nowhere'", wrong.stderr)

    def test_the_example_for_openai_runs_with_a_key_and_says_when_it_skips(self):
        example = os.path.join(os.path.dirname(WEIR), "example_openai_structured")

        def run(**env):
            return subprocess.run([example], capture_output=True, text=True, timeout=PATIENCE, env=environment(**env))

        self.assertEqual((run().returncode, run().stdout), (0, "skipped: OPENAI_API_KEY is not set\n"))
        with Sim("--instant", "--dialect", "openai", "--model", "gpt-4.1-mini", "--api-key", "k-live") as sim:
            done = run(OPENAI_API_KEY="k-live", OPENAI_BASE_URL=sim.url)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("severity ", done.stdout)
            self.assertEqual(run(OPENAI_API_KEY="k-wrong", OPENAI_BASE_URL=sim.url).returncode, 2)


class Program(Case):
    def test_version_and_help(self):
        self.assertRegex(weir("--version").stdout, r"^weir \d+\.\d+\.\d+\n$")
        for command in ("call", "complete", "sim", "completion"):
            self.assertIn(command, weir("--help").stdout)
            self.assertEqual(weir(command, "--help").returncode, 0)

    def test_completion_scripts_load_and_complete(self):
        script = weir("completion", "bash").stdout + ("\nCOMP_WORDS=(weir ca) COMP_CWORD=1; _weir; "
                                                      "echo ${COMPREPLY[@]}; COMP_WORDS=(weir call --temp) "
                                                      "COMP_CWORD=2; _weir; echo ${COMPREPLY[@]}")
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
        self.assertEqual(done.stdout, "call\n--temperature\n", done.stderr)
        for shell in ("zsh", "fish"):
            self.assertIn("temperature", weir("completion", shell).stdout)

    def test_the_simulator_prints_one_line_and_ends_when_told(self):
        with Sim("--instant") as sim:
            pass
        self.assertEqual(sim.rest, "")
        self.assertEqual(sim.process.returncode, 0)

    @staticmethod
    def requests(sim):
        with urllib.request.urlopen(sim.url + "/sim/requests") as answer:
            return answer.read().decode()

    def test_the_simulator_drains_before_it_ends(self):
        with Sim("--ttft", "300", "--itl", "0") as sim:
            process = subprocess.Popen([WEIR, "call", "-e", sim.url, "hi"], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
            until(lambda: "POST" in self.requests(sim), "it was asked")
            sim.process.send_signal(signal.SIGTERM)
            out, errors = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, errors)
        self.assertTrue(out.strip())


if __name__ == "__main__":
    unittest.main()

"""Where a call goes: addresses as people write them, proxies in between, and whom an error is about."""
import json
import os
import unittest

from harness import Case, RawServer, Sim, weir

FAR = "http://far.example:8000"


def page(status, body, *fields):
    head = [f"HTTP/1.1 {status}", *fields, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode() + body.encode()


class Addresses(Case):
    def asked(self, address):
        return weir("call", "-e", address, "--dry-run", "hi").stdout.splitlines()[0]

    def test_the_path_of_an_endpoint_is_not_part_of_the_address(self):
        for path in ("", "/v1", "/v1/chat/completions", "/v1/completions/", "/v1/models"):
            self.assertEqual(self.asked(f"http://h:9/x{path}"), "POST http://h:9/x/v1/chat/completions")
        self.assertEqual(self.asked("http://v1/models"), "POST http://v1/models/v1/chat/completions")
        self.assertEqual(self.asked("h:9/v1"), "POST http://h:9/v1/chat/completions")

    def test_a_relative_socket_is_taken_by_server_and_client(self):
        here = os.getcwd()
        os.chdir(self.folder)
        self.addCleanup(os.chdir, here)
        os.mkdir("run")
        with Sim("--instant", "--listen", "unix:run/x.sock"):
            done = weir("call", "-e", "unix:run/x.sock", "hi")
            self.assertEqual(done.returncode, 0, done.stderr)
            config = self.write("it.yaml", "engines: {it: {base_url: 'unix:run/x.sock'}}")
            self.assertEqual(weir("--config", config, "call", "hi").returncode, 0)

    def test_a_wrong_path_shows_what_was_asked(self):
        with RawServer(page("404 Not Found", '{"detail":"Not Found"}')) as server:
            done = weir("call", "-e", f"{server.url}/api", "hi")
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"asked: POST {server.url}/api/v1/chat/completions", done.stderr)
        self.assertIn(f"the base URL is {server.url}/api", done.stderr)


class WrongServers(Case):
    REPLY = json.dumps({
        "id": "a", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]})

    def test_a_server_that_does_not_stream(self):
        whole = page("200 OK", self.REPLY, "Content-Type: application/json")
        with RawServer(whole) as server:
            done = weir("call", "-e", server.url, "hi")
            self.assertEqual(done.returncode, 2)
            self.assertIn("--no-stream", done.stderr)
            self.assertNotIn("500", done.stderr)
            self.assertEqual(weir("call", "-e", server.url, "--no-stream", "hi").stdout, "Hi\n")

    def test_a_status_without_an_answer_is_the_one_that_came(self):
        for flag in ("--stream", "--no-stream"):
            with RawServer(b"HTTP/1.1 204 No Content\r\n\r\n") as server:
                done = weir("call", "-e", server.url, flag, "hi")
            self.assertEqual(done.returncode, 2)
            self.assertIn("204", done.stderr)
            self.assertNotIn("200", done.stderr.replace(server.url, ""))
            self.assertNotIn("500", done.stderr.replace(server.url, ""))

    def test_a_port_that_does_not_speak_https_is_asked_once(self):
        with RawServer(b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
            done = weir("call", "-e", server.url.replace("http:", "https:"), "-o", "json", "hi",
                        env={"VLLM_MAX_RETRIES": "3"})
        error = json.loads(done.stdout)["error"]
        self.assertEqual((done.returncode, error["name"], error["retryable"]), (5, "connection_error", False))
        self.assertIn("speaks https", error["message"])
        self.assertEqual(server.accepted, 1)

    def test_a_server_that_says_nothing_may_want_https(self):
        with RawServer(b"") as server:
            done = weir("call", "-e", server.url, "hi", env={"VLLM_MAX_RETRIES": "0"})
        self.assertEqual(done.returncode, 5)
        self.assertIn("does it want https://", done.stderr)

    def test_an_answer_is_here_with_its_mark_though_the_body_stays_open(self):
        piece = {"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "m",
                 "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
        with RawServer(f"{head}data: {json.dumps(piece)}\n\ndata: [DONE]\n\n".encode(), end="wait") as server:
            done = weir("call", "-e", server.url, "hi")
        self.assertEqual((done.returncode, done.stdout), (0, "Hi\n"), done.stderr)


class Proxies(Case):
    def through(self, reply, address=FAR):
        with RawServer(reply) as proxy:
            done = weir("call", "-e", address, "hi",
                        env={"HTTP_PROXY": proxy.url, "HTTPS_PROXY": proxy.url, "VLLM_MAX_RETRIES": "0"})
        where = proxy.url.removeprefix("http://")
        self.assertIn(f"proxy {where}", done.stderr)
        self.assertIn("NO_PROXY", done.stderr)
        self.assertNotIn("vLLM", done.stderr)
        return done

    def test_a_proxy_that_wants_a_password(self):
        for address in (FAR, "https://far.example"):
            done = self.through(page("407 Proxy Authentication Required", ""), address)
            self.assertIn("wants a user name and password (407)", done.stderr)
            self.assertIn("USER:PASSWORD@", done.stderr)
            self.assertIn("http_407", done.stderr)
            self.assertEqual(done.returncode, 2)

    def test_a_proxy_that_reaches_nobody(self):
        done = self.through(page("502 Bad Gateway", "<html><title>no route</title></html>"))
        self.assertEqual(done.returncode, 5)
        self.assertIn(f"got no answer from {FAR} (502)", done.stderr)
        self.assertIn("no route", done.stderr)

    def test_a_proxy_that_refuses(self):
        for address in (FAR, "https://far.example"):
            done = self.through(page("403 Forbidden", "<html><title>policy</title></html>"), address)
            self.assertIn("403", done.stderr)

    def test_a_proxy_that_is_down(self):
        with RawServer() as proxy:
            url = proxy.url
        done = weir("call", "-e", FAR, "hi", env={"HTTP_PROXY": url, "VLLM_MAX_RETRIES": "0"})
        self.assertEqual(done.returncode, 5)
        self.assertIn(f"proxy {url.removeprefix('http://')}", done.stderr)
        self.assertIn("HTTP_PROXY", done.stderr)
        self.assertNotIn("vLLM", done.stderr)


class Waits(Case):
    def test_a_server_that_asks_for_too_much_patience(self):
        script = self.write("busy.yaml", "- reply: {error: {status: 429, message: slow down, retry_after: 300}}\n")
        with Sim("--instant", "--scenario", script) as sim:
            done = weir("call", "-e", sim.url, "-o", "json", "hi")
        error = json.loads(done.stdout)["error"]
        self.assertEqual((done.returncode, error["name"]), (2, "http_429"))
        for words in ("300 s", "`retry.max_retry_after` of 120 s"):
            self.assertIn(words, error["message"])


if __name__ == "__main__":
    unittest.main()

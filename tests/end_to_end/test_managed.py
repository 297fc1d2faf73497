"""What else uses the servers that weir starts: embeddings, fallbacks, and several weirs at once."""
import json
import unittest

from harness import PATIENCE, free_port, until
from test_servers import Servers


class Managed(Servers):
    def test_embed_starts_its_server_and_stops_it(self):
        self.config()
        done = self.run_weir("embed", "-e", "a", "some words")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(json.loads(done.stdout))
        self.assertIn(f"engine a: starting a server with m on port {self.port}", done.stderr)
        self.assertIn("engine a: stopped", done.stderr)
        self.assertEqual(self.state(), [])

    def test_a_fallback_whose_server_does_not_run_says_how_it_is_started(self):
        (self.folder / "weir.yaml").write_text(
            f"engines:\n  a: {{base_url: 'http://127.0.0.1:{free_port()}', retry: {{max_retries: 0}}, fallback: [b]}}\n"
            f"  b: {{model: m, retry: {{max_retries: 0}}, serve: {{port: {self.port}}}}}\n")
        done = self.run_weir("call", "-e", "a", "hi")
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("engine 'b' is managed, and its server does not run: start it with `weir engines up b`",
                      done.stderr)

    def test_two_weirs_with_different_engines_never_choose_the_same_port(self):
        running = []
        for name in ("a", "b"):
            config = self.folder / f"{name}.yaml"
            config.write_text(f"engines:\n  {name}: {{model: {name}-model, serve: {{}}}}\n")
            running.append(self.start("chat", "-e", name, WEIR_CONFIG=str(config)))
        until(lambda: len(self.state()) + sum(process.poll() is not None for process in running) >= 2,
              "both have a server")
        servers = self.state()
        self.groups.update(server["pgid"] for server in servers)
        self.assertEqual(len({server["port"] for server in servers}), 2, servers)
        for process in running:
            process.stdin.write("hello\n")
            process.stdin.flush()
            self.assertTrue(process.stdout.readline())
            out, err = process.communicate(timeout=PATIENCE)
            self.assertEqual(process.returncode, 0, err)


if __name__ == "__main__":
    unittest.main()

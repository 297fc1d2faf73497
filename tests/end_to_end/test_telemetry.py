"""What a collector of OpenTelemetry receives of a call."""
import http.server
import json
import threading
import unittest

from harness import Case, Sim, weir


class Collector:
    """Takes OTLP over HTTP and keeps it; answers with `status`."""

    def __init__(self, status=200):
        outer = self
        self.posts = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.posts.append((self.path, dict(self.headers), json.loads(body)))
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *unused):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *unused):
        self.server.shutdown()
        self.server.server_close()

    def bodies(self, path):
        return [body for where, _, body in self.posts if where == path]


def attributes(item):
    return {a["key"]: next(iter(a["value"].values())) for a in item.get("attributes", [])}


class Telemetry(Case):
    def call(self, collector, sim, *flags):
        config = self.write("weir.yaml", f"""
engines: {{main: {{base_url: {sim.url}, model: sim-model, retry: {{max_retries: 0}}}}}}
events: {{otlp: {collector.url}, otlp_headers: {{X-Scope: tests}}}}
""")
        return weir("--config", config, "call", *flags, "hi")

    def test_spans_and_figures_of_a_call_arrive_under_the_names_of_the_convention(self):
        with Sim("--instant") as sim, Collector() as collector:
            done = self.call(collector, sim)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(collector.posts[0][1]["X-Scope"], "tests")
        self.assertEqual(collector.posts[0][1]["Content-Type"], "application/json")
        traces = collector.bodies("/v1/traces")[0]["resourceSpans"][0]
        self.assertEqual(attributes(traces["resource"])["service.name"], "weir")
        spans = traces["scopeSpans"][0]["spans"]
        self.assertEqual(len({span["traceId"] for span in spans}), 1)
        ids = {span["spanId"] for span in spans}
        self.assertEqual(len(ids), len(spans))
        for span in spans:
            self.assertRegex(span["traceId"], "^[0-9a-f]{32}$")
            self.assertRegex(span["spanId"], "^[0-9a-f]{16}$")
            self.assertLessEqual(int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"]))
            if span.get("parentSpanId"):
                self.assertIn(span["parentSpanId"], ids)
        asked = [attributes(span) for span in spans if "gen_ai.request.model" in attributes(span)]
        self.assertEqual(len(asked), 1)
        self.assertEqual(asked[0]["gen_ai.operation.name"], "chat")
        self.assertGreater(int(asked[0]["gen_ai.usage.output_tokens"]), 0)
        metrics = collector.bodies("/v1/metrics")[0]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
        self.assertEqual({metric["name"] for metric in metrics},
                         {"gen_ai.client.operation.duration", "gen_ai.client.token.usage"})
        for metric in metrics:
            point = metric["histogram"]["dataPoints"][0]
            self.assertEqual(len(point["bucketCounts"]), len(point["explicitBounds"]) + 1)
            self.assertEqual(sum(map(int, point["bucketCounts"])), int(point["count"]))

    def test_a_collector_that_refuses_or_is_gone_harms_no_call(self):
        with Sim("--instant") as sim, Collector(status=500) as collector:
            done = self.call(collector, sim)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("no telemetry was sent: ", done.stderr)
        with Sim("--instant") as sim:
            done = self.call(collector, sim)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("no telemetry was sent: ", done.stderr)
        self.assertTrue(done.stdout)


if __name__ == "__main__":
    unittest.main()

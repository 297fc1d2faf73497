"""What a store keeps of the calls of a job, and what a worker says of itself while an engine stands in."""
import json
import signal
import subprocess

from harness import PATIENCE, Sim, until
from test_jobs_work import SAY, Workers, look

FIX = """
name: fix
warmup: false
nodes:
  - agent: fix
    user: "fix {{ n }}"
    tools: [list_files]
    submit: {type: object, required: [word], additionalProperties: false, properties: {word: {enum: [red, green]}}}
"""


class Records(Workers):
    def attempts(self, *args):
        self.work(*args)
        rows = self.export("--attempts")
        self.assertEqual([row["status"] for row in rows], ["ok"])
        attempts = rows[0]["attempts"]
        self.assertEqual([attempt["attempt"] for attempt in attempts], list(range(1, len(attempts) + 1)))
        self.assertEqual([attempt["success"] for attempt in attempts], [False] * (len(attempts) - 1) + [True])
        self.assertEqual(json.loads(attempts[-1]["raw_text"]), rows[0]["result"]["say"])
        for key in ("provider", "engine", "model"):
            self.assertEqual(attempts[-1][key], rows[0]["metadata"][key])
        return attempts

    def test_a_try_that_failed_and_the_one_that_answered_are_two_records(self):
        self.submit(SAY, 1)
        script = self.write("script.yaml", "- {times: 1, reply: {error: {status: 503}}}\n- {reply: {}}\n")
        with Sim("--instant", "--scenario", script) as sim:
            self.write("weir.yaml", f"engines: {{it: {{kind: vllm, base_url: '{sim.url}/v1', model: sim-model,"
                       " retry: {base_delay: 10}}}\nevents: {metrics_file: figures.prom}\n")
            attempts = self.attempts("-e", "it")
        self.assertIn("weir_", (self.folder / "figures.prom").read_text())
        self.assertEqual([attempt.get("error") for attempt in attempts], ["http_503", None])
        self.assertEqual([attempt["engine"] for attempt in attempts], ["it", "it"])
        self.assertGreater(attempts[1]["usage"]["prompt_tokens"], 0)

    def test_a_job_that_failed_names_who_was_asked(self):
        self.submit(SAY, 1)
        script = self.write("script.yaml", "- {reply: {error: {status: 400, message: no}}}\n")
        with Sim("--instant", "--scenario", script) as sim:
            self.write("weir.yaml", f"default_engine: it\nengines: {{it: {{kind: vllm, base_url: '{sim.url}/v1'}}}}\n")
            self.work(code=2)
        row = self.export("--attempts", "--state", "failed", code=2)[0]
        self.assertEqual((row["metadata"]["engine"], row["metadata"]["provider"]), ("it", "vllm"))
        self.assertEqual([attempt["engine"] for attempt in row["attempts"]], ["it"] * len(row["attempts"]))

    def test_an_answer_that_was_asked_for_again_is_the_last_record(self):
        self.submit(SAY, 1)
        script = self.write("script.yaml", "- {times: 1, reply: {text: no JSON at all}}\n- {reply: {}}\n")
        with Sim("--instant", "--scenario", script) as sim:
            attempts = self.attempts("-e", sim.url)
        self.assertEqual([attempt.get("error") for attempt in attempts], ["invalid_json", None])

    def test_the_engine_that_answered_for_another_has_its_name_and_its_provider(self):
        self.submit(SAY, 1)
        script = self.write("script.yaml", "- {reply: {error: {status: 500}}}\n")
        with Sim("--instant", "--scenario", script) as first, Sim("--dialect", "ollama", "--instant") as second:
            self.write("weir.yaml", "engines:\n"
                       f"  main: {{kind: vllm, base_url: '{first.url}/v1', model: sim-model, fallback: second,"
                       " retry: {max_retries: 0}}\n"
                       f"  second: {{kind: ollama, base_url: '{second.url}', model: sim-model}}\n")
            attempts = self.attempts("-e", "main")
        self.assertEqual([(attempt["engine"], attempt["provider"]) for attempt in attempts],
                         [("main", "vllm"), ("second", "ollama")])

    def test_the_turns_of_an_agent_are_records_of_one_try(self):
        self.submit(FIX, 1)
        script = self.write("script.yaml", "- {match: {turn: 1}, reply: {tool_calls: [{name: list_files, arguments: {}}]}}\n"
                            "- {reply: {tool_calls: [{name: submit_result, arguments: {word: red}}]}}\n")
        with Sim("--instant", "--scenario", script) as sim:
            self.work("-e", sim.url)
        row = self.export("--attempts")[0]
        self.assertEqual(row["status"], "ok", row)
        attempts = row["attempts"]
        self.assertEqual([(attempt["attempt"], attempt["turn"]) for attempt in attempts], [(1, 1), (1, 2)])
        calls = [json.loads(attempt["raw_text"]) for attempt in attempts]
        self.assertEqual([call["name"] for turn in calls for call in turn], ["list_files", "submit_result"])
        self.assertEqual([attempt.get("parsed") for attempt in attempts], [None, {"word": "red"}])
        for key in ("prompt_hash", "schema_hash"):
            self.assertEqual(len({attempt[key] for attempt in attempts}), 1)
            self.assertRegex(row["metadata"][key], "^[0-9a-f]{16}$")

    def test_an_engine_that_stands_in_from_the_start_is_told_by_name_and_shown(self):
        self.submit(SAY, 1)
        with Sim("--dialect", "ollama", "--instant") as small:
            self.write("weir.yaml", "engines:\n"
                       "  gpu: {kind: vllm, base_url: 'http://127.0.0.1:9/v1', model: m, retry: {max_retries: 0}}\n"
                       f"  small: {{kind: ollama, base_url: '{small.url}', model: sim-model}}\n"
                       "routes: {default: gpu}\nevents: {file: events.jsonl}\n")
            process = self.worker("--metrics", ":0", "--drain-timeout", "500ms", stderr=subprocess.PIPE)
            said = ""
            while "figures are at" not in said:
                said = process.stderr.readline()
            page = said.split("figures are at ")[1].strip()
            shown = 'weir_worker_stands_in{from="gpu",to="small"} 1'
            until(lambda: shown in look(page)[1], "it is shown that small stands in")
            process.send_signal(signal.SIGTERM)
            said = process.communicate(timeout=PATIENCE)[1]
        self.assertIn("have 500 ms, ", said)
        events = [json.loads(line) for line in (self.folder / "events.jsonl").read_text().splitlines()]
        for name in ("health.fail", "engine.warning"):
            self.assertEqual({event["engine"] for event in events if event.get("event") == name}, {"gpu"})

"""`weir events` as a user meets it: files of events, read, counted and followed."""
import json
import subprocess
import unittest

from harness import PATIENCE, WEIR, Case, environment, weir


def line(seq, event, **fields):
    return json.dumps({"ts": f"2026-01-31T23:59:{seq:02}.500Z", "seq": seq, "event": event, **fields},
                      separators=(",", ":")) + "\n"


STORY = (line(1, "llm:request", engine="fast", model="m", message_count=2, stream=True)
         + line(2, "provider:retry", retry=1, max_retries=3, delay_ms=500, error="http_503", message="busy")
         + line(3, "llm:response", engine="fast", status="ok", duration_ms=1500, ttft_ms=80,
                prompt_tokens=10, completion_tokens=5, finish_reason="stop")
         + line(4, "llm:response", engine="slow", status="error", error="timeout", message="late",
                duration_ms=2000))


class Events(Case):
    def test_tail_tells_the_last_events_in_words(self):
        done = weir("events", "tail", "-n", "2", self.write("e.jsonl", STORY))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout.splitlines(), [
            "23:59:03.500  llm:response    fast answered in 1.5 s (first token after 80 ms), 10 + 5 tokens, stop",
            "23:59:04.500  llm:response    slow failed after 2 s: timeout: late"])

    def test_output_json_gives_the_lines_as_they_are(self):
        for command in ("tail", "replay"):
            self.assertEqual(weir("events", command, "-o", "json", stdin=STORY).stdout, STORY)

    def test_replay_tells_the_time_since_the_first(self):
        shown = weir("events", "replay", stdin=STORY + "no json\n").stdout.splitlines()
        self.assertEqual(shown[0], "+0.000s     llm:request     fast is asked for m, 2 messages, streamed")
        self.assertTrue(shown[1].startswith("+1.000s     provider:retry  again in 500 ms (1 of 3) after http_503"))
        self.assertIn("not an event", shown[4])
        self.assertEqual(weir("events", "replay", "--speed", "0", stdin=STORY).returncode, 3)

    def test_stats_counts(self):
        done = weir("events", "stats", "-o", "json", stdin=STORY + "no json\n")
        told = json.loads(done.stdout)
        self.assertEqual((told["lines"], told["invalid"], told["retries"], told["fallbacks"]), (4, 1, 1, 0))
        self.assertEqual(told["engines"]["fast"]["duration_ms"], {"p50": 1500, "p95": 1500})
        self.assertEqual(told["engines"]["slow"]["error"], 1)
        self.assertEqual(told["errors"], {"timeout": 1})
        self.assertIn("first token p50", weir("events", "stats", stdin=STORY).stdout)

    def test_a_file_that_is_not_there_is_a_configuration_error(self):
        self.assertEqual(weir("events", "stats", "no/such/file").returncode, 3)

    def test_follow_goes_on_with_what_is_appended(self):
        path = self.write("e.jsonl", STORY)
        with subprocess.Popen([WEIR, "events", "tail", "-f", "-n", "1", "-o", "json", path],
                              stdout=subprocess.PIPE, text=True, env=environment()) as follower:
            try:
                self.assertIn('"seq":4', follower.stdout.readline())
                with open(path, "a") as file:
                    file.write(line(5, "config.refresh"))
                self.assertIn("config.refresh", follower.stdout.readline())
            finally:
                follower.terminate()
                follower.communicate(timeout=PATIENCE)


if __name__ == "__main__":
    unittest.main()

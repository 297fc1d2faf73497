"""`weir top` as a user meets it: in a pipe, and on a terminal (tmux); and moments of the past."""
import datetime
import json
import shutil
import subprocess
import unittest

from harness import PATIENCE, WEIR, Case, Pane, Sim, environment, weir


def line(seconds, event, **fields):
    """An event so many seconds after 12:00."""
    return json.dumps({"ts": f"2026-01-31T12:{seconds // 60:02}:{seconds % 60:02}.000Z", "event": event, **fields},
                      separators=(",", ":")) + "\n"


def now(event, **fields):
    time = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    return json.dumps({"ts": time, "event": event, **fields}, separators=(",", ":")) + "\n"


STORY = (line(0, "agent.start", agent="fix/0", engine="fast", tools=2, max_turns=20, turn=0)
         + line(0, "agent.start", agent="fix/1", engine="fast", tools=2, max_turns=20, turn=0)
         + line(1, "llm:request", agent="fix/0", engine="fast", request_id="a", message_count=2)
         + line(1, "llm:request", agent="fix/1", engine="fast", request_id="b", message_count=2)
         + line(2, "llm:stream_block_delta", agent="fix/1", request_id="b", choice=0, text="I shall look at it.")
         + line(3, "llm:response", agent="fix/0", engine="fast", request_id="a", status="ok", duration_ms=2000,
                prompt_tokens=100, completion_tokens=20)
         + line(3, "agent.turn", agent="fix/0", turn=1, phase="first", prompt_tokens=100, completion_tokens=20,
                duration_ms=2000, tool_calls=0)
         + line(4, "agent.end", agent="fix/0", status="ok", turns=1, tool_calls=0, duration_ms=4000)
         + line(5, "llm:response", agent="fix/1", engine="fast", request_id="b", status="error", error="http_503",
                message="busy", duration_ms=4000)
         + line(6, "agent_error", agent="fix/1", error_code="AGENT_003", error="http_503", message="busy", turn=1))


class InAPipe(Case):
    def moment(self, at, *args):
        done = weir("events", "replay", self.write("e.jsonl", STORY), "--at", at, "-o", "json", *args)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def test_a_snapshot_of_a_pipe_is_that_of_its_last_event(self):
        done = weir("top", "-", stdin=STORY, env={"LC_ALL": "C.UTF-8"})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("weir top · 12:00:06 UTC", done.stdout)
        self.assertIn("0 of 2 agents busy (1 failed) · 0 in flight", done.stdout)
        self.assertIn("Recent events", done.stdout)
        self.assertNotIn("\033", done.stdout)
        self.assertLess(len(done.stdout.splitlines()), 24)

    def test_a_snapshot_of_a_file_is_that_of_now(self):
        path = self.write("e.jsonl", now("llm:request", engine="fast", request_id="a")
                          + line(0, "llm:request", engine="fast", request_id="old"))
        told = json.loads(weir("top", path, "-o", "json").stdout)
        self.assertEqual((told["throughput"]["in_flight"], told["throughput"]["stale"]), (1, 1))
        told = json.loads(weir("top", path, "-o", "json", "--stale", "1000000").stdout)
        self.assertEqual(told["throughput"]["stale"], 1)

    def test_the_folder_of_a_run_is_its_events(self):
        self.write("events.jsonl", STORY)
        told = json.loads(weir("top", str(self.folder), "-o", "json").stdout)
        self.assertEqual([agent["agent"] for agent in told["agents"]], ["fix/1", "fix/0"])
        for command in ("tail", "stats", "replay"):
            told = weir("events", command, str(self.folder), "-o", "json")
            self.assertEqual((told.returncode, told.stderr), (0, ""), command)
            self.assertIn("agent_error", told.stdout)

    def test_replay_rebuilds_any_moment(self):
        first = self.moment("+1.5")
        self.assertEqual(first["ts"], "2026-01-31T12:00:01.500Z")
        self.assertEqual((first["throughput"]["in_flight"], first["throughput"]["agents_busy"]), (2, 2))
        self.assertEqual(self.moment("12:00:02")["streams"][0]["text"], "I shall look at it.")
        third = self.moment("2026-01-31T12:00:03Z")
        self.assertEqual({agent["agent"]: agent["state"] for agent in third["agents"]},
                         {"fix/0": "idle", "fix/1": "busy"})
        self.assertEqual(third["agents"][1]["turn"], 1)
        last = self.moment("+6", "--agent", "fix/1")
        self.assertEqual([agent["state"] for agent in last["agents"]], ["failed"])
        self.assertEqual(last["throughput"]["in_flight"], 0)
        text = weir("events", "replay", "--at", "+2", self.write("e.jsonl", STORY), env={"LC_ALL": "C.UTF-8"}).stdout
        self.assertIn("▍fix/1: I shall look at it.", text)

    def test_what_is_no_moment_is_refused(self):
        self.assertEqual(weir("events", "replay", "--at", "noon", stdin=STORY).returncode, 3)
        self.assertEqual(weir("top", "--speed", "2", stdin=STORY).returncode, 3)
        self.assertEqual(weir("top").returncode, 3)
        self.assertEqual(weir("top", str(self.folder / "no.jsonl")).returncode, 3)

    def test_one_agent_alone_is_told_of(self):
        for command in ("tail", "replay"):
            shown = weir("events", command, "--agent", "fix/1", "-o", "json", stdin=STORY).stdout
            self.assertEqual({json.loads(event)["agent"] for event in shown.splitlines()}, {"fix/1"})
            self.assertEqual(len(shown.splitlines()), 5)

    def test_servers_of_engines_tell_how_busy_they_are(self):
        with Sim("--instant") as sim:
            self.write("weir.yaml", f"engines: {{fast: {{base_url: {sim.url}, model: sim-model}}}}\nevents: {{file: e.jsonl}}\n")
            subprocess.run([WEIR, "call", "-e", "fast", "hi"], cwd=self.folder, check=True, timeout=PATIENCE,
                           env=environment(), capture_output=True)
            told = json.loads(weir("top", "-o", "json", cwd=self.folder).stdout)
        engine = told["engines"][0]
        self.assertEqual((engine["engine"], engine["requests"]), ("fast", 1))
        self.assertEqual((engine["running"], engine["waiting"]), (0, 0))
        self.assertIn("kv_use", engine)


@unittest.skipUnless(shutil.which("tmux"), "tmux IS MISSING: the terminal side of weir top is NOT tested")
class OnATerminal(Case):
    def append(self, text):
        with open(self.folder / "e.jsonl", "a") as file:
            file.write(text)

    def test_a_growing_file_is_watched_and_the_terminal_is_left_as_it_was(self):
        with Pane(self.folder, "top", "e.jsonl", width=80, height=24) as pane:
            pane.until(lambda screen: "waits for the file" in screen)
            self.append(now("agent.start", agent="fix/0", engine="fast", tools=2, max_turns=20, turn=0)
                        + now("llm:request", agent="fix/0", engine="fast", request_id="a", message_count=2)
                        + now("agent.start", agent="fix/1", engine="fast", tools=2, max_turns=20, turn=0))
            screen = pane.until(lambda screen: "2 of 2 agents busy · 1 in flight" in screen)
            self.assertTrue(screen.startswith("weir top · "))
            for panel in ("Throughput", "Engines", "Agents", "Recent events", "q quit"):
                self.assertIn(panel, screen)
            self.assertEqual(len(screen.splitlines()), 23)
            self.append(now("llm:stream_block_delta", agent="fix/0", request_id="a", choice=0, text="It is "))
            pane.until(lambda screen: "fix/0: It is" in screen)
            self.append(now("llm:stream_block_delta", agent="fix/0", request_id="a", choice=0, text="noon."))
            pane.until(lambda screen: "fix/0: It is noon." in screen)

            pane.resize(40, 10)
            pane.until(lambda screen: len(screen.splitlines()) == 9 and screen.startswith("weir top · ")
                       and "2/2 busy" in screen and max(map(len, screen.splitlines())) < 40)
            pane.resize(120, 40)
            screen = pane.until(lambda screen: len(screen.splitlines()) == 39)
            self.assertEqual(screen.count("weir top"), 1)

            pane.keys("Tab")
            pane.until(lambda screen: "▸ fix/0" in screen and "Events of fix/0" in screen)
            pane.keys("Down")
            screen = pane.until(lambda screen: "▸ fix/1" in screen)
            self.assertNotIn("It is noon.", screen)
            pane.keys("Escape")
            pane.until(lambda screen: "Recent events" in screen and "▸" not in screen)
            pane.keys("?")
            pane.until(lambda screen: "keys and words" in screen)
            pane.keys("?", "p")
            pane.until(lambda screen: "paused" in screen and "Agents" in screen)
            self.append(now("llm:response", agent="fix/0", engine="fast", request_id="a", status="error",
                            error="timeout", message="late"))
            pane.keys("p")
            pane.until(lambda screen: "0 in flight" in screen and "1 error" in screen and "paused" not in screen)

            (self.folder / "e.jsonl").rename(self.folder / "e.jsonl.1")
            self.append(now("agent.end", agent="fix/0", status="ok", turns=1, tool_calls=0))
            pane.until(lambda screen: "fix/0: is done after 1 turn" in screen)
            pane.keys("q")
            pane.until(lambda screen: screen == "ended with 0")
            pane.keys("shown again")
            pane.until(lambda screen: screen.endswith("shown again"))

    def test_the_control_file_lets_events_flow_meanwhile(self):
        self.write("weir.yaml", "events: {file: e.jsonl, control_file: control}\n")
        control = self.folder / "control"
        control.write_text("off\n")
        with Pane(self.folder, "top", width=80) as pane:
            pane.until(lambda screen: "waits for the file" in screen)
            self.assertEqual(control.read_text(), "")
            pane.keys("C-c")
            pane.until(lambda screen: screen.startswith("ended with"))
        self.assertEqual(control.read_text(), "off\n")
        with Pane(self.folder, "top", "--no-control", width=80) as pane:
            pane.until(lambda screen: "waits for the file" in screen)
            self.assertEqual(control.read_text(), "off\n")

    def test_a_file_is_played_as_it_was(self):
        self.write("e.jsonl", STORY)
        with Pane(self.folder, "top", "--replay", "e.jsonl", "--speed", "4", width=80) as pane:
            pane.until(lambda screen: "fix/1: I shall look at it." in screen)
            pane.until(lambda screen: "the end" in screen and "12:00:06 UTC" in screen)
            pane.keys("q")
            pane.until(lambda screen: screen == "ended with 0")

    def test_one_moment_is_printed_when_that_is_asked_for(self):
        self.write("e.jsonl", STORY)
        with Pane(self.folder, "top", "--once", "e.jsonl", width=80) as pane:
            pane.until(lambda screen: "ended with 0" in screen and "Recent events" in screen)


if __name__ == "__main__":
    unittest.main()

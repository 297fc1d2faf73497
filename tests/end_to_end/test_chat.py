"""`weir chat` in a pipe and on a terminal (tmux): turns, commands, sessions, interruption."""
import json
import select
import shutil
import signal
import subprocess
import time
import unittest

from harness import PATIENCE, WEIR, Case, Pane, Sim, environment, weir

SCRIPT = """
- match: {tool_result: noon}
  reply: {text: "It is noon."}
- match: {last_user: code}
  reply: {text: "**Bold**\\n\\n```c\\nint x;\\n```"}
- match: {last_user: slow}
  reply: {ttft: 1ms, itl: 250ms, text: "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"}
- match: {last_user: again, call_number: 1}
  reply: {text: "First."}
- match: {last_user: again}
  reply: {text: "Second."}
- match: {last_user: "Sum up our conversation"}
  reply: {text: "They said hello."}
- match: {last_user: broken down}
  reply: {error: {status: 503, message: "not now"}}
- match: {last_user: broken}
  reply: {error: {status: 400, message: "no such thing"}}
- match: {last_user: clock}
  reply: {tool_calls: [{name: now, arguments: {}}]}
- match: {last_user: refused}
  reply: {refusal: "I cannot do that."}
- match: {last_user: half}
  reply: {text: "Half an answ", finish: content_filter}
- match: {last_user: nothing}
  reply: {text: "", finish: content_filter}
- match: {}
  reply: {text: "Hello."}
"""


class Chats(Case):
    def setUp(self):
        super().setUp()
        self.script = self.write("script.yaml", SCRIPT)

    def chat(self, *lines, args=(), sim_args=()):
        with Sim("--instant", "--scenario", self.script, *sim_args) as sim:
            return weir("chat", "-e", sim.url, *args, stdin="".join(line + "\n" for line in lines),
                        env={"HOME": str(self.folder)}, cwd=self.folder)

    def session(self):
        return json.loads((self.folder / "s.json").read_text())

    def test_a_piped_answer_is_byte_exact(self):
        done = self.chat("show code", "hi")
        self.assertEqual(done.stdout, "**Bold**\n\n```c\nint x;\n```\nHello.\n")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_session_is_saved_after_each_turn_and_goes_on(self):
        self.chat("hi", args=("--session", "s.json", "--system", "Be kind."))
        self.chat("more", args=("--session", "s.json"))
        saved = self.session()
        self.assertEqual([m["role"] for m in saved["messages"]], ["user", "assistant"] * 2)
        self.assertEqual(saved["system"], "Be kind.")
        self.assertEqual(saved["usage"]["answers"], 2)
        self.assertEqual((self.folder / "s.json").stat().st_mode & 0o777, 0o600)

    def test_save_and_load(self):
        done = self.chat("hi", "/save s.json", "/clear", "/load s.json", "/usage")
        self.assertIn("loaded 2 messages from s.json", done.stderr)
        self.assertIn("2 messages are remembered", done.stderr)
        self.assertIn("needs FILE", self.chat("/load").stderr)

    def test_retry_takes_the_place_of_the_answer(self):
        done = self.chat("again", "/retry", args=("--session", "s.json"))
        self.assertEqual(done.stdout, "First.\nSecond.\n")
        self.assertEqual([m["content"] for m in self.session()["messages"]], ["again", "Second."])

    def test_compact_replaces_what_was_said(self):
        done = self.chat("hi", "hi again?", "/compact", args=("--session", "s.json"))
        self.assertIn("4 messages became a summary", done.stderr)
        self.assertEqual(self.session()["messages"][1]["content"], "They said hello.")

    def test_a_failed_turn_is_told_and_the_talk_goes_on(self):
        done = self.chat("broken", "hi", "/modle x", args=("--session", "s.json"))
        self.assertEqual((done.returncode, done.stdout), (0, "Hello.\n"))
        self.assertIn("no such thing", done.stderr)
        self.assertIn("is /model meant?", done.stderr)
        self.assertEqual([m["content"] for m in self.session()["messages"]], ["hi", "Hello."])

    def test_a_model_that_the_server_does_not_list_is_said_at_once(self):
        done = self.chat("/model sim-model", "/model nope")
        self.assertEqual(done.stderr.count("does not list a model"), 1, done.stderr)
        self.assertIn("does not list a model nope; /model without a name says what there is", done.stderr)

    def test_a_refusal_and_half_an_answer_are_shown_and_kept(self):
        done = self.chat("refused", "half", args=("--session", "s.json", "--model", "sim-model"),
                         sim_args=("--dialect", "openai"))
        self.assertEqual((done.returncode, done.stdout), (0, "I cannot do that.\nHalf an answ\n"))
        self.assertIn("a filter of the server cut the answer off", done.stderr)
        self.assertEqual([m["content"] for m in self.session()["messages"]],
                         ["refused", "I cannot do that.", "half", "Half an answ"])

    def test_a_filter_that_leaves_nothing_fails_the_turn(self):
        done = self.chat("nothing", "hi", args=("--session", "s.json"))
        self.assertEqual((done.returncode, done.stdout), (0, "Hello.\n"))
        self.assertIn("content_filter: a filter of the server held the answer back", done.stderr)
        self.assertEqual([m["content"] for m in self.session()["messages"]], ["hi", "Hello."])

    def test_the_line_behind_a_tool_call_is_its_result(self):
        self.write("tools.json", '[{"name": "now", "description": "the time"}]')
        done = self.chat("clock?", "noon", args=("--tools", "tools.json"))
        lines = done.stdout.splitlines()
        self.assertEqual(json.loads(lines[0])["name"], "now")
        self.assertEqual(lines[1], "It is noon.")

    def test_a_file_goes_along_and_a_missing_one_asks_nothing(self):
        self.write("note.txt", "seven swans")
        self.chat("see @note.txt", "see @missing.txt", args=("--session", "s.json"))
        messages = self.session()["messages"]
        self.assertEqual(len(messages), 2)
        self.assertIn("```txt\nseven swans\n```", messages[0]["content"])

    def test_a_backslash_goes_on_with_the_next_line(self):
        self.chat("one\\", "two", args=("--session", "s.json"))
        self.assertEqual(self.session()["messages"][0]["content"], "one\ntwo")

    def test_a_session_in_a_folder_that_is_not_there_is_refused_at_the_start(self):
        done = self.chat("hi", args=("--session", "nowhere/s.json"))
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("there is no folder nowhere", done.stderr)

    def test_a_file_that_is_no_session_is_refused(self):
        self.write("s.json", '{"format": "weir-chat", "version": 9}')
        done = self.chat("hi", args=("--session", "s.json"))
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("by a later weir", done.stderr)


class Open:
    """A chat whose input stays open: one line, and all that is said about it."""

    def __init__(self, folder, *args):
        self.errors = folder / "stderr"
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen([WEIR, "chat", *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=errors, text=True, cwd=folder, env=environment(HOME=str(folder)))

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.stdin.close()
        self.process.wait(timeout=PATIENCE)
        self.process.stdout.close()

    def type(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def say(self, line):
        """The answer, of one line."""
        self.type(line)
        if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
            raise AssertionError(f"no answer to {line!r}:\n{self.errors.read_text()}")
        return self.process.stdout.readline().rstrip("\n")

    def wait_for(self, text, times=1):
        end = time.monotonic() + PATIENCE
        while self.errors.read_text().count(text) < times:
            if time.monotonic() > end:
                raise AssertionError(f"{text!r} was never said:\n{self.errors.read_text()}")
            time.sleep(0.02)


class Surroundings(Case):
    def test_what_no_server_would_take_is_refused_at_the_start(self):
        for flag, value in (("--temperature", "9"), ("--top-p", "2"), ("--max-tokens", "0")):
            done = weir("chat", "-e", "http://127.0.0.1:9", flag, value, stdin="hi\n")
            self.assertEqual((done.returncode, done.stdout), (3, ""), done.stderr)
            self.assertIn("invalid_request", done.stderr)

    """What changes while a chat waits for the next line."""

    def config(self, url, rest=""):
        self.write("next.yaml", f"engines:\n  main: {{kind: vllm, base_url: '{url}'{rest}}}\n")
        (self.folder / "next.yaml").rename(self.folder / "weir.yaml")

    def test_a_changed_configuration_is_taken_over_and_a_broken_one_said_once(self):
        one, two = (self.write(f"{name}.yaml", f"- match: {{}}\n  reply: {{text: {name}}}\n") for name in ("one", "two"))
        with Sim("--instant", "--scenario", one) as first, Sim("--instant", "--scenario", two) as second:
            self.config(first.url)
            with Open(self.folder) as chat:
                self.assertEqual(chat.say("hi"), "one")
                self.config(second.url)
                self.assertEqual(chat.say("hi"), "two")
                self.write("weir.yaml", "engines: {main: {bose_url: x}}")
                self.assertEqual([chat.say("hi"), chat.say("hi")], ["two", "two"])
                self.config(first.url)
                self.assertEqual(chat.say("hi"), "one")
                chat.process.send_signal(signal.SIGHUP)
                self.assertEqual(chat.say("hi"), "one")
        said = (self.folder / "stderr").read_text()
        self.assertEqual(said.count("configuration read again"), 3, said)
        self.assertEqual(said.count("the configuration stays as it was"), 1, said)
        self.assertIn("base_url", said)

    def test_an_engine_that_goes_away_and_comes_back_is_told(self):
        quick = ", health: {interval: 0.0001}, retry: {max_retries: 0}"
        sim = Sim("--instant", "--scenario", self.write("s.yaml", "- match: {}\n  reply: {text: here}\n"))
        sim.__enter__()
        address = sim.url.removeprefix("http://")
        self.config(sim.url, quick)
        with Open(self.folder, "--events", "events.jsonl") as chat:
            self.assertEqual(chat.say("hi"), "here")
            sim.__exit__()
            chat.type("hi")
            chat.type("hi")
            chat.wait_for("\nweir: connection_error", times=2)
            with Sim("--instant", "--scenario", sim.args[2], "--listen", address):
                self.assertEqual(chat.say("hi"), "here")
        said = (self.folder / "stderr").read_text()
        self.assertEqual(said.count("engine main is away"), 1, said)
        self.assertEqual(said.count("engine main is there again"), 1, said)
        events = [json.loads(line)["event"] for line in (self.folder / "events.jsonl").read_text().splitlines()]
        self.assertEqual([name for name in events if name.startswith("health.")], ["health.fail", "health.ok"])


@unittest.skipUnless(shutil.which("tmux"), "tmux IS MISSING: the terminal side of weir chat is NOT tested")
class OnATerminal(Case):
    def setUp(self):
        super().setUp()
        sim = Sim("--scenario", self.write("script.yaml", SCRIPT))
        self.sim = sim.__enter__()
        self.addCleanup(sim.__exit__)

    def ready(self, pane):
        return pane.until(lambda screen: screen.splitlines()[-1:] == [">"])

    def test_typing_streaming_stopping_saving_and_going_on(self):
        with Pane(self.folder, "chat", "-e", self.sim.url) as pane:
            self.ready(pane)
            pane.keys("show code", "Enter")
            pane.until(lambda screen: "tokens/s" in screen)
            lines = self.ready(pane).splitlines()
            begin = lines.index("> show code")
            self.assertEqual(lines[begin + 1:begin + 6], ["Bold", "", "```c", "int x;", "```"])

            pane.keys("slow", "Enter")
            pane.until(lambda screen: "one two three" in screen)
            pane.keys("C-c")
            screen = pane.until(lambda screen: "stopped; what came is kept" in screen)
            self.assertNotIn("fourteen", screen)

            pane.keys("half a line")
            pane.until(lambda screen: screen.endswith("> half a line"))
            pane.keys("C-c")
            self.ready(pane)
            pane.keys("/sav", "Tab", "s.json", "Enter")
            pane.until(lambda screen: "saved 4 messages in s.json" in screen)
            pane.keys("Up", "Up")
            pane.until(lambda screen: screen.endswith("> slow"))
            pane.keys("C-c")
            self.ready(pane)
            pane.keys("C-d")
            pane.until(lambda screen: screen.endswith("ended with 0"))

        saved = json.loads((self.folder / "s.json").read_text())
        self.assertTrue(saved["messages"][3]["partial"])
        self.assertTrue(saved["messages"][3]["content"].startswith("one two three"))
        with Pane(self.folder, "chat", "-e", self.sim.url, "--session", "s.json") as pane:
            pane.until(lambda screen: "going on after 4 messages of s.json" in screen)
            self.ready(pane)
            pane.keys("/usage", "Enter")
            pane.until(lambda screen: "4 messages are remembered" in screen)

    def test_what_is_told_of_an_engine_stands_below_the_answer(self):
        self.write("weir.yaml", f"engines: {{main: {{kind: vllm, base_url: '{self.sim.url}', retry: {{max_retries: 0}}, "
                                "breaker: {failures: 1, open_for: 0.01}}}\n")
        with Pane(self.folder, "chat") as pane:
            self.ready(pane)
            pane.keys("broken down", "Enter")
            pane.until(lambda screen: "left alone" in screen)
            self.ready(pane)
            pane.keys("slow", "Enter")
            pane.until(lambda screen: "answers again" in screen)
            lines = self.ready(pane).splitlines()
        told = [number for number, line in enumerate(lines) if "answers again" in line]
        self.assertEqual([lines[number].startswith("weir: engine main") for number in told], [True], lines)
        self.assertIn("fourteen", lines[told[0] - 1])

    def test_a_refusal_is_shown_as_an_answer_is(self):
        with Sim("--instant", "--dialect", "openai", "--scenario", str(self.folder / "script.yaml")) as sim:
            with Pane(self.folder, "chat", "-e", sim.url, "--model", "sim-model") as pane:
                self.ready(pane)
                pane.keys("refused", "Enter")
                pane.until(lambda screen: "first after" in screen)
                lines = self.ready(pane).splitlines()
                self.assertEqual(lines[lines.index("> refused") + 1], "I cannot do that.")

    def test_only_what_changes_is_drawn_and_long_texts_wrap(self):
        with Pane(self.folder, "chat", "-e", self.sim.url, width=30) as pane:
            self.ready(pane)
            pane.keys("slow", "Enter")
            screen = pane.until(lambda screen: "fourteen" in screen)
        lines = screen.splitlines()
        begin = lines.index("> slow")
        self.assertEqual(lines[begin + 1:begin + 4],
                         ["one two three four five six", "seven eight nine ten eleven", "twelve thirteen fourteen"])

    def test_several_lines_are_pasted_or_typed_as_one_message(self):
        with Pane(self.folder, "chat", "-e", self.sim.url, "--session", "s.json") as pane:
            self.ready(pane)
            pane.keys("first", "M-Enter", "second äö日", "Enter")
            pane.until(lambda screen: "Hello." in screen)
            self.ready(pane)
        saved = json.loads((self.folder / "s.json").read_text())
        self.assertEqual(saved["messages"][0]["content"], "first\nsecond äö日")

    def test_secrets_do_not_stay_in_the_history(self):
        with Pane(self.folder, "chat", "-e", self.sim.url) as pane:
            self.ready(pane)
            pane.keys("/system api_key=abcdefgh12345678", "Enter")
            pane.until(lambda screen: "system prompt:" in screen)
            pane.keys("hello", "Enter")
            pane.until(lambda screen: "Hello." in screen)
        history = self.folder / ".local/state/weir/chat_history"
        self.assertEqual(history.read_text(), '"hello"\n')
        self.assertEqual(history.stat().st_mode & 0o777, 0o600)


if __name__ == "__main__":
    unittest.main()

"""Agents in flows: worked to the end, killed and resumed, reviewed."""
import collections
import fcntl
import json
import os
import random
import resource
import signal
import subprocess
import unittest

from harness import PATIENCE, WEIR, Case, Sim, environment, free_port, until, weir

FLOW = """
name: fix
files: {glob: "src/*.txt"}
warmup: false
nodes:
  - agent: fix
    system: You fix texts. Look first, then change, then hand in.
    user: "Fix {{ row.path }}"
    max_turns: 10
    tools:
      - {name: look, description: Shows the text., exec: [./look.py], mutates: false}
      - {name: shout, description: Makes the text louder., exec: [./shout.py], mutates: true}
    submit:
      type: object
      required: [summary]
      additionalProperties: false
      properties: {summary: {type: string}}
"""
LOOK = """#!/usr/bin/env python3
import json, pathlib, sys
print(pathlib.Path(json.load(sys.stdin)["row"]["path"]).read_text())
"""
# Counts itself outside of the workspace, before it does anything.
SHOUT = """#!/usr/bin/env python3
import json, os, pathlib, sys
path = pathlib.Path(json.load(sys.stdin)["row"]["path"])
if "WEIR_TOOL_LOG" in os.environ:
    with open(os.environ["WEIR_TOOL_LOG"], "a") as log:
        log.write(f"{os.environ['WEIR_AGENT']}\\n")
path.write_text(path.read_text() + "!\\n")
print(json.dumps({"lines": len(path.read_text().splitlines())}))
"""
# So many calls begin as the gate says, and that one waits until it says more.
GATE = """
import time
gate, log = (pathlib.Path(os.environ[name]) for name in ("WEIR_TOOL_GATE", "WEIR_TOOL_LOG"))
while len(log.read_text().split()) >= int(gate.read_text()):
    time.sleep(0.02)
"""
# The eighth call and those behind it end when the server is gone.
WAITS = """
import time
gone, log = (pathlib.Path(os.environ[name]) for name in ("WEIR_TOOL_GONE", "WEIR_TOOL_LOG"))
while len(log.read_text().split()) >= 8 and not gone.exists():
    time.sleep(0.02)
"""
SCRIPT = """
- {match: {turn: 1}, reply: {tool_calls: [{name: look, arguments: {}}]}}
- {match: {turn: 2}, reply: {tool_calls: [{name: shout, arguments: {}}]}}
- {match: {turn: 3}, reply: {tool_calls: [{name: look, arguments: {}}, {name: look, arguments: {}}]}}
- {match: {turn: 4}, reply: {tool_calls: [{name: shout, arguments: {}}]}}
- {match: {turn: 5}, reply: {tool_calls: [{name: look, arguments: {}}]}}
- {reply: {tool_calls: [{name: submit_result, arguments: {summary: louder}}]}}
"""
# A server of the Model Context Protocol with one tool, which tells of its environment.
MCP_SERVER = """
import json, os, sys
for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        continue
    said = {"initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {}},
            "tools/list": {"tools": [{"name": "tell", "inputSchema": {"type": "object"}}]},
            "tools/call": {"content": [{"type": "text", "text": f"{os.environ['SAID']}, {os.environ['OTHER']}"}]}}
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": said.get(asked["method"], {})}), flush=True)
"""
KILLS = int(os.environ.get("WEIR_KILLS", "8"))


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


class Agents(Case):
    def setUp(self):
        super().setUp()
        self.write("flow.yaml", FLOW)
        self.write("script.yaml", SCRIPT)
        for name, text in (("look.py", LOOK), ("shout.py", SHOUT)):
            os.chmod(self.write(name, text), 0o755)
        self.write("weir.yaml", "engines: {sim: {kind: sim, sim: {pace: instant, scenario: script.yaml}}}\n")
        (self.folder / "src").mkdir()
        self.out = self.folder / "out"

    def files(self, count):
        for n in range(count):
            (self.folder / "src" / f"{n:03}.txt").write_text(f"text {n}\n")

    def go(self, *args, **env):
        return weir("run", "flow.yaml", "-o", "out", "-e", "sim", *args, cwd=self.folder, env=env)

    def transcripts(self):
        return [json.loads(path.read_text()) for path in sorted((self.out / "agents/fix").glob("*.json"))]

    def test_every_file_is_worked_on_and_nothing_of_the_source_changes(self):
        self.files(20)
        done = self.go()
        self.assertEqual(done.returncode, 0, done.stderr)
        results = lines(self.out / "fix/000.jsonl")
        self.assertEqual([row["summary"] for row in results], ["louder"] * 20)
        self.assertEqual((self.folder / "src/007.txt").read_text(), "text 7\n")
        self.assertEqual((self.out / "workspaces/fix/7.kept/src/007.txt").read_text(), "text 7\n!\n!\n")
        self.assertIn("20 rows are pending", done.stderr)
        figures = json.loads((self.out / "run.json").read_text())["summary"]["nodes"]["fix"]["agents"]
        self.assertEqual((figures["ended"], figures["turns"], figures["tool_calls"]), (20, 120, 120))
        self.assertEqual(figures["tool_success"], 1)
        self.assertIn("tool calls", (self.out / "report.html").read_text())
        self.assertFalse(list((self.out / "agents/fix").glob("*.journal")))

    def test_events_tell_what_agents_did(self):
        self.files(1)
        self.assertEqual(self.go().returncode, 0)
        told = lines(self.out / "events.jsonl")
        mine = [event for event in told if event.get("agent") == "fix/0"]
        counts = collections.Counter(event["event"] for event in mine)
        for name, times in (("agent.start", 1), ("agent.turn", 6), ("tool_call", 6), ("tool_result", 6),
                            ("submit_result", 1), ("agent.end", 1), ("llm:request", 6), ("llm:response", 6)):
            self.assertEqual(counts[name], times, name)
        self.assertEqual({event["row"] for event in mine}, {"0"})
        self.assertIn('"temperature":0', json.dumps(mine, separators=(",", ":")))

    def test_the_pieces_of_streams_are_told_where_they_are_asked_for(self):
        self.files(1)
        self.assertEqual(self.go().returncode, 0)
        pieces = [event for event in lines(self.out / "events.jsonl")
                  if event["event"].startswith("llm:stream_block_")]
        self.assertEqual(pieces, [])
        with open(self.folder / "weir.yaml", "a") as config:
            config.write("events: {deltas: true}\n")
        again = weir("run", "flow.yaml", "-o", "again", "-e", "sim", cwd=self.folder)
        self.assertEqual(again.returncode, 0, again.stderr)
        pieces = [event for event in lines(self.folder / "again/events.jsonl")
                  if event["event"] == "llm:stream_block_delta"]
        self.assertEqual({event["agent"] for event in pieces}, {"fix/0"})
        self.assertIn('{"summary":"louder"}', "".join(event["text"] for event in pieces).replace(" ", ""))

    def test_a_status_that_there_is_not_is_never_taken_for_success(self):
        statuses = ["no success", "Not a success.", ["success"], "s\u00faccess", {"result": "success"}]
        self.files(len(statuses))
        self.write("flow.yaml", FLOW[:FLOW.index("    submit:")])
        rules = []
        for n, status in enumerate(statuses):
            match = {"turn": 1, "contains": f"src/{n:03}.txt"}
            arguments = {"status": status, "summary": "first"}
            call = {"name": "submit_result", "arguments": arguments}
            rules += [{"match": {**match, "tool": "look"}, "reply": {"tool_calls": [call]}},
                      {"match": match, "reply": {"text": json.dumps(call)}}]
        call = {"name": "submit_result", "arguments": {"status": "failed", "summary": "second"}}
        rules += [{"match": {"tool": "look"}, "reply": {"tool_calls": [call]}}, {"reply": {"text": json.dumps(call)}}]
        self.write("script.yaml", json.dumps(rules))
        for mode in ("native", "guided", "prompted"):
            with self.subTest(mode=mode):
                self.write("weir.yaml", f"engines: {{sim: {{kind: sim, tool_mode: {mode}, "
                                        "sim: {pace: instant, scenario: script.yaml}}}\n")
                self.out = self.folder / mode
                done = weir("run", "flow.yaml", "-o", mode, "-e", "sim", cwd=self.folder)
                self.assertEqual(done.returncode, 0, done.stderr)
                results = [(row["status"], row["summary"]) for row in lines(self.out / "fix/000.jsonl")]
                self.assertEqual(results, [("failed", "second")] * len(statuses))
                for transcript in self.transcripts():
                    self.assertIn("the result was not accepted", json.dumps(transcript["messages"]))

    def test_auto_accept_changes_the_tree(self):
        self.files(3)
        done = self.go("--auto-accept")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.folder / "src/002.txt").read_text(), "text 2\n!\n!\n")
        self.assertIn("nothing is left to review", done.stderr)

    def test_one_is_accepted_one_rejected_and_one_tried_again(self):
        self.files(3)
        self.assertEqual(self.go().returncode, 0)
        done = weir("review", "out", "--accept", "0", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(weir("review", "out", "--reject", "1", cwd=self.folder).returncode, 0)
        done = weir("review", "out", "--retry", "2", "--set", "max_turns=3", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.folder / "src/000.txt").read_text(), "text 0\n!\n!\n")
        self.assertEqual((self.folder / "src/001.txt").read_text(), "text 1\n")
        done = weir("run", "--resume", "out", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("row 2 was sent back and has failed (turn_limit", done.stderr)  # three turns are too few
        self.assertFalse((self.out / "errors.jsonl").exists())
        self.assertEqual([row["row_id"] for row in lines(self.out / "fix/000.jsonl")], ["0", "1", "2"])
        self.assertEqual((self.folder / "src/000.txt").read_text(), "text 0\n!\n!\n")

        asked = len(lines(self.out / "calls.jsonl")) if (self.out / "calls.jsonl").exists() else None
        done = weir("run", "--resume", "out", cwd=self.folder)
        self.assertNotIn("sent back", done.stderr)
        if asked is not None:
            self.assertEqual(len(lines(self.out / "calls.jsonl")), asked, "it was not tried again")
        rows = {row["row"]: row for row in json.loads(weir("review", "out", "-o", "json", cwd=self.folder).stdout)["rows"]}
        self.assertEqual([rows[row]["state"] for row in "012"], ["accepted", "rejected", "pending"])
        done = weir("review", "out", "--accept", "src/002.txt", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.folder / "src/002.txt").read_text(), "text 2\n!\n!\n")

    def test_a_row_that_was_sent_back_and_succeeds_has_the_new_result_alone(self):
        self.files(2)
        self.assertEqual(self.go().returncode, 0)
        settings = ("max_tokens=77", "tool_choice=auto", "temperature.first=0.5", "note=Not so loud.")
        done = weir("review", "out", "--retry", "1", "--set", *settings, cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.write("script.yaml", SCRIPT.replace("summary: louder", "summary: anew"))
        done = weir("run", "--resume", "out", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([row["summary"] for row in lines(self.out / "fix/000.jsonl")], ["louder", "anew"])
        self.assertFalse(list((self.out / "workspaces/fix").glob("*.tmp")))
        said = self.transcripts()[1]["messages"]
        self.assertEqual(said[1]["content"], "Fix src/001.txt\n\nNot so loud.")
        turns = [event for event in lines(self.out / "events.jsonl")
                 if event["event"] == "agent.turn" and event["agent"] == "fix/1"]
        self.assertEqual([event["temperature"] for event in turns if event["turn"] == 1], [0, 0.5])

    def test_a_review_shows_functions_by_their_names_while_another_is_open(self):
        self.write("flow.yaml", FLOW.replace('{glob: "src/*.txt"}', '{glob: "src/*.py", unit: function}'))
        (self.folder / "src").mkdir(exist_ok=True)
        self.write("src/a.py", "class Account:\n    def pay(self):\n        pass\n\n\ndef close():\n    pass\n")
        self.assertEqual(self.go().returncode, 0)
        with open(self.out / "workspaces/review", "w") as journal:
            fcntl.flock(journal, fcntl.LOCK_EX)
            journal.write("weir-journal 1\n")
            journal.flush()
            shown = weir("review", "out", "--list", cwd=self.folder)
            self.assertEqual(shown.returncode, 0, shown.stderr)
            names = [line.split()[0] for line in shown.stdout.splitlines()[1:]]
            self.assertEqual(sorted(names), ["src/a.py:Account.pay", "src/a.py:close"])
            diff = weir("review", "out", "--diff", "src/a.py:close", cwd=self.folder)
            self.assertEqual(diff.returncode, 0, diff.stderr)
            self.assertEqual(weir("review", "out", "--reject", "src/a.py:close", cwd=self.folder).returncode, 2)
        self.assertEqual(weir("review", "out", "--reject", "src/a.py:close", cwd=self.folder).returncode, 0)

    def test_a_row_and_a_child_of_the_same_name_do_not_share_their_work(self):
        (self.folder / "src").mkdir(exist_ok=True)
        flow = FLOW.replace('files: {glob: "src/*.txt"}\n', "id: key\n").replace(
            "nodes:\n", "nodes:\n  - {apply: parts, each: row.parts}\n")
        self.write("flow.yaml", flow)
        self.write("rows.jsonl", '{"key": "a", "path": "src/x", "parts": [1]}\n{"key": "a.0", "path": "src/y", "parts": [1, 2]}\n')
        self.write("src/x", "x\n")
        self.write("src/y", "y\n")
        done = self.go("-i", "rows.jsonl")
        self.assertEqual(done.returncode, 0, done.stderr)
        kept = sorted(path.name for path in (self.out / "workspaces/fix").glob("*.kept"))
        self.assertEqual(kept, ["a.0..0.kept", "a.0..1.kept", "a.0.kept"])
        self.assertEqual(sorted(path.read_text() for path in (self.out / "workspaces/fix").glob("*.kept/src/*")),
                         ["x\n!\n!\n", "y\n!\n!\n", "y\n!\n!\n"])

    def test_a_run_of_an_earlier_version_keeps_the_names_of_its_work(self):
        (self.folder / "src").mkdir(exist_ok=True)
        self.write("flow.yaml", FLOW.replace('files: {glob: "src/*.txt"}\n', "id: key\n"))
        self.write("rows.jsonl", '{"key": "v1.0", "path": "src/x"}\n')
        self.write("src/x", "x\n")
        self.assertEqual(self.go("-i", "rows.jsonl").returncode, 0)
        self.assertTrue((self.out / "workspaces/fix/v1.0..json").exists())
        # As it looked before: no mark, and ids as names.
        os.remove(self.out / "agents/.keys")
        record = json.loads((self.out / "workspaces/fix/v1.0..json").read_text())
        (self.out / "workspaces/fix/v1.0.json").write_text(json.dumps({**record, "row": "v1.0"}))
        os.remove(self.out / "workspaces/fix/v1.0..json")
        os.rename(self.out / "workspaces/fix/v1.0..kept", self.out / "workspaces/fix/v1.0.kept")
        self.assertEqual(weir("review", "out", "--retry", "v1.0", cwd=self.folder).returncode, 0)
        done = weir("run", "--resume", "out", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse((self.out / "workspaces/fix/v1.0..json").exists())
        done = weir("review", "out", "--accept", "v1.0", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.folder / "src/x").read_text(), "x\n!\n!\n")

    def test_the_file_of_an_agent_runs_as_a_flow_of_one_node(self):
        self.files(2)
        agent = FLOW.split("  - agent: fix\n")[1].replace("\n    ", "\n").replace("    system", "system", 1)
        self.write("fix.yaml", "name: fix\n" + agent)
        done = weir("run", "fix.yaml", "--files", "src/*.txt", "-o", "out", "-e", "sim", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([row["summary"] for row in lines(self.out / "fix/000.jsonl")], ["louder"] * 2)
        done = weir("run", "--resume", "out", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = weir("flow", "check", "fix.yaml", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_an_agent_that_fails_stops_no_other_and_leaves_no_workspace(self):
        self.files(4)
        self.write("script.yaml", "- {match: {contains: 002.txt}, reply: {text: I cannot help with that.}}\n" + SCRIPT)
        done = self.go()
        self.assertEqual(done.returncode, 1, done.stderr)
        errors = lines(self.out / "errors.jsonl")
        self.assertEqual([(error["row_id"], error["error"]) for error in errors], [("2", "no_submit")])
        self.assertFalse((self.out / "workspaces/fix/2").exists())
        self.assertIn("I cannot help", json.dumps(self.transcripts()[2]))
        failed = [event for event in lines(self.out / "events.jsonl") if event["event"] == "agent_error"]
        self.assertEqual([event["error_code"] for event in failed], ["AGENT_003"])

    def test_a_full_disk_stops_the_run_and_blames_no_row(self):
        self.files(3)
        # What the tool writes is more than weir itself may write into one file.
        self.write("shout.py", "#!/bin/sh\nulimit -S -f unlimited\nhead -c 3000000 /dev/zero > big.bin\n")

        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))

        done = subprocess.run([WEIR, "run", "flow.yaml", "-o", "out", "-e", "sim"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, env=environment(), cwd=self.folder, preexec_fn=limit,
                              restore_signals=False)
        self.assertNotIn(done.returncode, (0, 1), done.stderr)
        self.assertIn("File too large", done.stderr)
        self.assertFalse((self.out / "errors.jsonl").exists())
        done = weir("run", "--resume", "out", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(lines(self.out / "fix/000.jsonl")), 3)

    def test_sixteen_agents_work_at_once(self):
        self.files(40)
        self.assertEqual(self.go().returncode, 0)
        busy = most = 0
        for event in lines(self.out / "events.jsonl"):
            busy += {"agent.start": 1, "agent.end": -1}.get(event["event"], 0)
            most = max(most, busy)
        self.assertEqual(most, 16)

    def test_a_narrowed_tool_edits_the_file_of_its_row_and_no_other(self):
        self.files(2)
        args = "{type: object, required: [old, new], properties: {old: {type: string}, new: {type: string}}}"
        self.write("flow.yaml", "name: fix\nfiles: {glob: 'src/*.txt'}\nwarmup: false\nnodes:\n"
                                "  - agent: fix\n    user: '{{ path }}'\n"
                                f"    tools: [{{builtin: edit_file, args: {args}}}]\n"
                                "    submit: {type: object, properties: {summary: {type: string}}}\n")
        edit = "{name: edit_file, arguments: {path: src/000.txt, old: text, new: mended}}"
        self.write("script.yaml", f"- {{match: {{turn: 1}}, reply: {{tool_calls: [{edit}]}}}}\n"
                                  "- {reply: {tool_calls: [{name: submit_result, arguments: {summary: x}}]}}\n")
        done = self.go("--auto-accept")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([(self.folder / f"src/00{n}.txt").read_text() for n in range(2)],
                         ["mended 0\n", "mended 1\n"])

    def test_a_server_gets_the_values_of_variables_and_a_missing_one_is_found_before_the_first_row(self):
        self.files(1)
        self.write("server.py", MCP_SERVER)
        flow = FLOW.partition("    tools:")[0] + ("    workspace: none\n    mcp: [{name: keeper, exec: [python3, server.py], "
                                                  "env: {SAID: 'is ${E2E_TOKEN}', OTHER: '${E2E_HOST:-here}'}}]\n")
        self.write("flow.yaml", flow)
        self.write("script.yaml", "- {match: {turn: 1}, reply: {tool_calls: [{name: tell, arguments: {}}]}}\n"
                                  "- {reply: {tool_calls: [{name: submit_result, arguments: "
                                  "{status: success, summary: x}}]}}\n")
        for args in (("run", "flow.yaml", "-o", "out", "-e", "sim"), ("flow", "check", "flow.yaml")):
            done = weir(*args, cwd=self.folder)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn("server keeper of fix: `env.SAID` needs the variable E2E_TOKEN, which is not set", done.stderr)
        done = self.go(E2E_TOKEN="tok-98765")
        self.assertEqual(done.returncode, 0, done.stderr)
        said = [message["content"] for message in self.transcripts()[0]["messages"] if message["role"] == "tool"]
        self.assertEqual(said, ["is tok-98765, here"])

    def test_a_tool_that_is_not_there_is_found_before_the_first_row(self):
        self.files(2)
        os.remove(self.folder / "shout.py")
        done = self.go()
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("shout", done.stderr)

    def test_check_finds_all_that_the_check_of_a_flow_finds(self):
        agent = self.write("own.yaml", "name: own\nmax_turn: 3\nmax_turns: 0\ntools: [read_fil]\n"
                                       "user: '{{ vars.nothing }}'\n")
        found = {}
        for command in ("flow", "agent"):
            done = weir(command, "check", agent, "-o", "json")
            self.assertEqual(done.returncode, 3, done.stderr)
            document = json.loads(done.stdout)
            found[command] = (document if command == "flow" else document[0])["problems"]
        self.assertEqual(found["agent"], found["flow"])
        self.assertGreaterEqual(len(found["flow"]), 3)
        self.assertTrue(all(one["place"].startswith(agent + ":") for one in found["agent"]))
        done = weir("agent", "check", agent)
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("weir: config_error: ", done.stderr)
        self.write("values.yaml", "flows: {}\n")
        self.assertNotIn("values.yaml", weir("agent", "list", str(self.folder)).stdout)
        for verb in ("check", "show", "list"):
            done = weir("agent", verb, str(self.folder / "nope"), "-o", "json")
            self.assertEqual(json.loads(done.stdout)["error"]["name"], "config_error")

    def test_a_folder_that_a_link_leads_to_is_refused_and_stays_as_it_is(self):
        self.files(2)
        os.rename(self.folder / "src", self.folder / "real")
        (self.folder / "src").symlink_to("real")
        done = self.go()
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("a link leads to", done.stderr)
        self.assertEqual((self.folder / "real/000.txt").read_text(), "text 0\n")

    def test_killed_runs_go_on_and_no_mutating_tool_runs_twice(self):
        self.files(50)
        log = self.folder / "tools.log"
        command = [WEIR, "run", "flow.yaml", "-o", "out", "-e", "sim", "--concurrency", "8"]
        env = environment(WEIR_TOOL_LOG=str(log))
        kills = 0
        chance = random.Random(8)
        while True:
            if self.out.exists() and (self.out / "run.json").exists():
                command = [WEIR, "run", "--resume", "out", "--concurrency", "8"]
            process = subprocess.Popen(command, cwd=self.folder, env=env, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE, text=True, start_new_session=True)
            try:
                if kills >= KILLS:
                    raise ValueError
                process.wait(chance.uniform(0.05, 0.6))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                kills += 1
                continue
            except ValueError:
                pass
            error = process.communicate(timeout=PATIENCE * 5)[1]
            break
        self.assertEqual(process.returncode, 0, error)
        results = lines(self.out / "fix/000.jsonl")
        self.assertEqual([row["row_id"] for row in results], [str(n) for n in range(50)])
        ran = collections.Counter(log.read_text().split())
        broken_off = collections.Counter()
        for transcript in self.transcripts():
            broken_off[transcript["agent"]] = transcript["figures"].get("interrupted", 0)
        for n in range(50):
            name = f"fix/{n}"
            # Each of the two calls ran once, or was broken off (before or after its log line) and said so.
            self.assertLessEqual(ran[name], 2, name)
            self.assertGreaterEqual(ran[name] + broken_off[name], 2, name)
        print(f"\n{kills} kills; {sum(broken_off.values())} calls were broken off, none ran again")

    def counted(self, out="out"):
        """What agents did, by the figures of a run."""
        node = json.loads((self.folder / out / "run.json").read_text())["summary"]["nodes"]["fix"]
        return {name: node["agents"][name] for name in ("ended", "turns", "tool_calls", "nudges")}

    def gated(self):
        """One agent works at a time, behind a gate. Gives the environment, and what kills a run where the gate is."""
        log, gate = self.folder / "tools.log", self.folder / "gate"
        self.write("shout.py", SHOUT.replace("path.write_text", GATE + "path.write_text", 1))
        env = {"WEIR_TOOL_LOG": str(log), "WEIR_TOOL_GATE": str(gate)}

        def killed(calls, *args):
            # Put in place whole: a call may be looking.
            self.write("gate.new", str(calls))
            os.rename(self.folder / "gate.new", gate)
            run = subprocess.Popen([WEIR, "run", *args, "--concurrency", "1"], cwd=self.folder,
                                   env=environment(**env), stderr=subprocess.DEVNULL)
            until(lambda: log.exists() and len(log.read_text().split()) >= calls, "tools run")
            run.kill()
            run.wait()
            self.write("gate.new", "999")
            os.rename(self.folder / "gate.new", gate)
        return env, killed

    def test_kills_take_nothing_away_from_the_figures(self):
        self.files(6)
        env, killed = self.gated()
        killed(4, "flow.yaml", "-o", "out", "-e", "sim")  # one agent has ended, and the second is at work
        for calls in (7, 8, 11):
            killed(calls, "--resume", "out")
            # A session that ends before the first row takes nothing away, either.
            os.rename(self.folder / "shout.py", self.folder / "away.py")
            self.assertEqual(weir("run", "--resume", "out", cwd=self.folder, env=env).returncode, 3)
            os.rename(self.folder / "away.py", self.folder / "shout.py")
        done = weir("run", "--resume", "out", cwd=self.folder, env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.counted(), {"ended": 6, "turns": 36, "tool_calls": 36, "nudges": 0})

    def test_work_that_failed_counts_once_whatever_is_killed_and_tried_again(self):
        self.files(5)
        self.write("flow.yaml", FLOW.replace("    max_turns", "    retries: 1\n    max_turns"))
        self.write("script.yaml", "- {match: {contains: 001.txt}, reply: {text: I cannot help with that.}}\n" + SCRIPT)
        env, killed = self.gated()
        killed(5, "flow.yaml", "-o", "out", "-e", "sim")  # row 3 is at work, and row 1 waits for its second attempt
        for tried in (1, 2, 3):
            done = weir("run", "--resume", "out", *(["--retry-failed"] if tried > 1 else []), cwd=self.folder, env=env)
            self.assertEqual(done.returncode, 1, done.stderr)
            # Each time twice, with two nudges.
            self.assertEqual(self.counted(), {"ended": 4 + 2 * tried, "turns": 24 + 6 * tried, "tool_calls": 24,
                                              "nudges": 4 * tried})
        self.write("script.yaml", SCRIPT)
        killed(9, "--resume", "out", "--retry-failed")  # row 1 is at work now
        done = weir("run", "--resume", "out", "--retry-failed", cwd=self.folder, env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.counted(), {"ended": 11, "turns": 48, "tool_calls": 30, "nudges": 12})

    def test_work_that_was_given_up_counts_beside_what_it_was_to_replace(self):
        self.files(2)
        self.assertEqual(self.go().returncode, 0)
        self.assertEqual(weir("review", "out", "--retry", "1", "--set", "max_turns=3", cwd=self.folder).returncode, 0)
        done = weir("run", "--resume", "out", cwd=self.folder)
        self.assertIn("row 1 was sent back and has failed", done.stderr)
        self.assertEqual(self.counted(), {"ended": 3, "turns": 15, "tool_calls": 16, "nudges": 0})
        self.assertEqual(weir("run", "--resume", "out", cwd=self.folder).returncode, 0)
        self.assertEqual(self.counted(), {"ended": 3, "turns": 15, "tool_calls": 16, "nudges": 0})

    def test_work_goes_on_where_it_was_when_the_server_comes_back(self):
        self.files(12)
        self.write("shout.py", SHOUT.replace("path.write_text", WAITS + "path.write_text", 1))
        log = self.folder / "tools.log"
        gone = self.folder / "gone"
        script = str(self.folder / "script.yaml")
        with Sim("--instant", "--listen", f"127.0.0.1:{free_port()}", "--scenario", script) as sim:
            run = subprocess.Popen([WEIR, "run", "flow.yaml", "-o", "out", "-e", sim.url, "--concurrency", "6"],
                                   cwd=self.folder, env=environment(WEIR_TOOL_LOG=str(log), WEIR_TOOL_GONE=str(gone)),
                                   stderr=subprocess.PIPE, text=True)
            until(lambda: log.exists() and len(log.read_text().split()) >= 8, "tools run")
        gone.touch()
        error = run.communicate(timeout=PATIENCE)[1]
        self.assertEqual(run.returncode, 5, error)
        with Sim("--listen", sim.url.removeprefix("http://"), "--instant", "--scenario", script):
            done = weir("run", "--resume", "out", cwd=self.folder, env={"WEIR_TOOL_LOG": str(log), "WEIR_TOOL_GONE": str(gone)})
        self.assertEqual(done.returncode, 0, done.stderr)
        for n in range(12):
            kept = (self.out / f"workspaces/fix/{n}.kept/src/{n:03}.txt").read_text()
            self.assertEqual(kept, f"text {n}\n!\n!\n")
        self.assertEqual(len(log.read_text().split()), 24)

    def test_history_keeps_its_beginning_so_that_prefixes_stay_cached(self):
        self.files(30)
        with Sim("--instant", "--scenario", str(self.folder / "script.yaml")) as sim:
            done = weir("run", "flow.yaml", "-o", "out", "-e", sim.url, cwd=self.folder)
            self.assertEqual(done.returncode, 0, done.stderr)
        node = json.loads((self.out / "run.json").read_text())["summary"]["nodes"]["fix"]
        self.assertGreaterEqual(node["cache_hit_rate"], 0.5, node)


if __name__ == "__main__":
    unittest.main()

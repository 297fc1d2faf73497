"""`weir review`: by flags in a pipe, and by hand on a terminal (tmux)."""
import json
import os
import shutil
import subprocess
import time
import unittest

from harness import PATIENCE, WEIR, Case, environment, weir
from test_chat import Pane

SOURCE = {"a.py": "one\ntwo\nthree\nfour\n", "b.py": "b\n"}


class Run(Case):
    """A run folder with the workspaces of three rows, as `weir run` leaves it."""

    def setUp(self):
        super().setUp()
        for name, text in SOURCE.items():
            for folder in (self.folder / "source", self.folder / "run/workspaces/base"):
                folder.mkdir(parents=True, exist_ok=True)
                (folder / name).write_text(text)
        self.run_folder = self.folder / "run"
        (self.run_folder / "run.json").write_text("{}")
        (self.run_folder / "events.jsonl").write_text("")
        source = {"format": 1, "source": str(self.folder / "source"), "mode": "copy"}
        (self.run_folder / "workspaces/source.json").write_text(json.dumps(source))
        self.row("1", {"a.py": "ONE\ntwo\nthree\nfour\n"}, "Renamed one.")
        self.row("2", {"b.py": "B\n"}, "Renamed b.")
        self.row("3", {"a.py": "UNO\ntwo\nthree\nFOUR\n"}, "Renamed uno.")

    def row(self, row, changed, summary, node="lint"):
        folder = self.run_folder / "workspaces" / node
        kept = folder / (row + ".kept")
        kept.mkdir(parents=True)
        for name, text in changed.items():
            (kept / name).write_text(text)
        changes = [{"path": name, "kind": "changed", "mode": "100644", "binary": False, "added": 1, "removed": 1}
                   for name in changed]
        record = {"format": 1, "id": f"id-{row}", "node": node, "row": row,
                  "result": {"status": "success", "summary": summary}, "changes": changes}
        (folder / (row + ".json")).write_text(json.dumps(record))

    def tree(self):
        return {path.name: path.read_text() for path in (self.folder / "source").iterdir()}

    def review(self, *args):
        return weir("review", "run", *args, cwd=self.folder)

    def states(self):
        rows = json.loads(self.review("-o", "json").stdout)["rows"]
        return {row["row"]: row["state"] for row in rows}


class ByFlags(Run):
    def test_rows_are_listed(self):
        done = self.review("--list")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0].split(), ["row", "state", "files", "lines", "says"])
        self.assertEqual(lines[1].split(), ["1", "pending", "1", "+1", "-1", "success", "Renamed", "one."])
        self.assertEqual(self.review().stdout, done.stdout, "a pipe is not asked")
        row = json.loads(self.review("--list", "-o", "json").stdout)["rows"][1]
        self.assertEqual(row["files"], [{"path": "b.py", "kind": "changed", "added": 1, "removed": 1, "binary": False}])

    def test_one_is_accepted_one_rejected_one_sent_back(self):
        done = self.review("--accept", "1", "--reject", "2", "--retry", "lint/3", "--set", "max_turns=30")
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        self.assertEqual(self.tree(), {**SOURCE, "a.py": "ONE\ntwo\nthree\nfour\n"})
        self.assertEqual(self.states(), {"1": "accepted", "2": "rejected", "3": "retrying"})
        self.assertIn("weir run --resume run", done.stderr)
        events = [json.loads(line) for line in (self.run_folder / "events.jsonl").read_text().splitlines()]
        self.assertEqual([(event["event"], event["row"], event["files"]) for event in events],
                         [("review.reject", "2", 1), ("review.retry", "3", 1), ("review.accept", "1", 1)])
        again = self.review("--accept", "1")
        self.assertEqual(again.returncode, 1)
        self.assertIn("is accepted, not pending", again.stderr)

    def test_a_conflict_is_shown_and_writes_nothing_unless_asked_for(self):
        done = self.review("--accept", "all")
        self.assertEqual(done.returncode, 1)
        self.assertIn("a.py: the tree and the row have changed the same lines, in 1 place", done.stderr)
        for line in ("<<<<<<< the tree", "ONE", "=======", "UNO", ">>>>>>> row 3"):
            self.assertIn("      " + line + "\n", done.stderr)
        self.assertIn("weir review run --accept 3 --write-conflicts", done.stderr)
        self.assertEqual(self.tree(), {"a.py": "ONE\ntwo\nthree\nfour\n", "b.py": "B\n"})
        self.assertEqual(self.states(), {"1": "accepted", "2": "accepted", "3": "pending"})

        done = self.review("--accept", "3", "--write-conflicts")
        self.assertEqual(done.returncode, 1)
        self.assertIn("<<<<<<< the tree\nONE\n=======\nUNO\n>>>>>>> row 3\n", self.tree()["a.py"])
        self.assertTrue(self.tree()["a.py"].endswith("FOUR\n"))
        self.assertEqual(self.states()["3"], "accepted")

    def test_a_diff_is_one_that_git_applies(self):
        diff = self.review("--diff", "3").stdout
        self.assertTrue(diff.startswith("diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1,4 +1,4 @@\n-one\n+UNO\n"))
        if shutil.which("git"):
            subprocess.run(["git", "apply", "-"], input=diff, text=True, check=True, cwd=self.folder / "source")
            self.assertEqual(self.tree()["a.py"], "UNO\ntwo\nthree\nFOUR\n")

    def test_what_is_wrong_is_said(self):
        for args, code, says in [(("run", "--accept", "11"), 64, "has no row 11"),
                                 (("run", "--set", "a=1"), 64, "--set"),
                                 (("run", "--retry", "1", "--set", "a"), 64, "write KEY=VALUE"),
                                 (("run", "--retry", "1", "--set", "a=1"), 3, "confidence.max_retries and note can"),
                                 (("run", "--diff", "1", "--accept", "1"), 64, "excludes"),
                                 (("run", "--list", "--accept", "1"), 64, "excludes"),
                                 (("run", "--accept", "1", "--reject", "lint/1"), 64, "row 1 is in two of"),
                                 (("run", "--reject", "2", "--retry", "2"), 64, "row 2 is in two of"),
                                 ((".",), 3, "is no run folder"),
                                 (("nowhere", "--list"), 3, "is no run folder")]:
            done = weir("review", *args, cwd=self.folder)
            self.assertEqual(done.returncode, code, (args, done.stderr))
            self.assertIn(says, done.stderr)
        self.assertEqual(self.tree(), SOURCE)
        self.assertEqual(self.states(), {"1": "pending", "2": "pending", "3": "pending"})
        done = weir("review", ".", "-o", "json", cwd=self.folder)
        self.assertEqual(json.loads(done.stdout)["error"]["name"], "config_error")

    def test_rows_of_two_nodes_are_told_apart(self):
        self.row("1", {"b.py": "other\n"}, "", node="format")
        done = self.review("--accept", "1")
        self.assertEqual(done.returncode, 64)
        self.assertIn("format/1 or lint/1", done.stderr)
        self.assertEqual(self.review("--accept", "format/1").returncode, 0)
        self.assertEqual(self.tree()["b.py"], "other\n")


class ReviewPane(Pane):
    def __init__(self, folder, *args, height=24, **env):
        self.name = f"weir-test-{os.getpid()}-{time.monotonic_ns()}"
        env = environment(HOME=str(folder), TERM="screen-256color", LC_ALL="C.UTF-8", **env)
        command = ["env", "-i", *[f"{key}={value}" for key, value in env.items()],
                   "sh", "-c", 'trap : INT; "$@"; echo "ended with $?"; read never', "sh", WEIR, "review", *args]
        subprocess.run(["tmux", "-L", self.name, "-f", "/dev/null", "-u", "new-session", "-d", "-x", "90",
                        "-y", str(height), "-c", str(folder), *command], check=True, timeout=PATIENCE)

    def asked(self):
        return self.until(lambda screen: screen.endswith("and Enter:"))

    def colours(self):
        return subprocess.run(["tmux", "-L", self.name, "capture-pane", "-p", "-e"], check=True, text=True,
                              capture_output=True, timeout=PATIENCE).stdout


@unittest.skipUnless(shutil.which("tmux"), "tmux IS MISSING: the terminal side of weir review is NOT tested")
class ByHand(Run):
    def test_accept_diff_reject_retry_and_go_on_later(self):
        with ReviewPane(self.folder, "run") as pane:
            screen = pane.asked()
            self.assertIn("row 1  1 file, +1 -1  success\n  Renamed one.\n  M a.py  +1 -1\n", screen)
            pane.keys("d", "Enter")
            screen = pane.until(lambda screen: " four" in screen and screen.endswith("and Enter:"))
            self.assertIn("@@ -1,4 +1,4 @@\n-one\n+ONE\n two\n", screen)
            self.assertIn("\x1b[31m-one", pane.colours())
            pane.keys("x", "Enter")
            pane.until(lambda screen: "decide later" in screen and screen.endswith("and Enter:"))
            pane.keys("a", "Enter")
            pane.until(lambda screen: "row 1 is accepted: 1 file of" in screen and "row 2 " in screen)
            pane.keys("s", "Enter")
            pane.until(lambda screen: "Renamed uno." in screen and screen.endswith("and Enter:"))
            pane.keys("a", "Enter")
            pane.until(lambda screen: "row 3 conflicts in 1 file; nothing was written" in screen
                       and screen.endswith("and Enter:"))
            pane.keys("t", "Enter")
            pane.until(lambda screen: screen.endswith("or nothing):"))
            pane.keys("max_turns=30", "Enter")
            pane.until(lambda screen: screen.endswith("ended with 1"))
        self.assertEqual(self.states(), {"1": "accepted", "2": "pending", "3": "retrying"})
        with ReviewPane(self.folder, "run", NO_COLOR="1") as pane:
            screen = pane.asked()
            self.assertIn("row 2  1 file", screen)
            pane.keys("d", "Enter")
            pane.until(lambda screen: "+B" in screen and screen.endswith("and Enter:"))
            self.assertNotIn("\x1b[", pane.colours())
            pane.keys("r", "Enter")
            screen = pane.until(lambda screen: screen.endswith("ended with 0"))
            self.assertIn("1 row waits to be tried again: weir run --resume run", screen)
        self.assertEqual(self.tree(), {**SOURCE, "a.py": "ONE\ntwo\nthree\nfour\n"})

    def test_a_long_diff_is_paged(self):
        self.row("0", {"b.py": "".join(f"line {i}\n" for i in range(40))}, "Long.")
        with ReviewPane(self.folder, "run", height=12) as pane:
            pane.asked()
            pane.keys("d", "Enter")
            screen = pane.until(lambda screen: screen.endswith("-- more: Enter, or q --"))
            self.assertIn("+line 4\n", screen)
            self.assertNotIn("+line 12\n", screen)
            pane.keys("Enter")
            pane.until(lambda screen: "+line 12\n" in screen)
            pane.keys("q", "Enter")
            pane.asked()
            pane.keys("q", "Enter")
            pane.until(lambda screen: screen.endswith("ended with 0"))
        self.assertEqual(set(self.states().values()), {"pending"})

    def test_the_end_of_the_input_stops_it(self):
        with ReviewPane(self.folder, "run") as pane:
            pane.asked()
            pane.keys("C-d")
            pane.until(lambda screen: screen.endswith("ended with 0"))
        self.assertEqual(set(self.states().values()), {"pending"})


if __name__ == "__main__":
    unittest.main()

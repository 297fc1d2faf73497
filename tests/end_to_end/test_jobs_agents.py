"""Agents as jobs: what their rows begin from, and who else works in their folder."""
import contextlib
import os
import sqlite3
import subprocess

from harness import PATIENCE, WEIR, environment, weir
from test_jobs_work import Workers

FLOW = """
name: lint
id: id
warmup: false
nodes:
  - agent: a
    user: "do {{ id }}"
    workspace: {mode: copy, source: src}
    tools:
      - {name: look, description: Looks., exec: [./look.sh], mutates: true}
"""
LOOK = '#!/bin/sh\ncat text.txt\nls | wc -l\necho "$(cat text.txt) $(ls | wc -l)" >> "$WEIR_TOOL_SEEN"\necho x > new.txt\n'
SCRIPT = """
- {match: {turn: 1}, reply: {tool_calls: [{name: look, arguments: {}}]}}
- {reply: {tool_calls: [{name: submit_result, arguments: {status: success, summary: done}}]}}
"""


class JobsOfAgents(Workers):
    def setUp(self):
        super().setUp()
        self.flow = self.write("flow.yaml", FLOW)
        os.chmod(self.write("look.sh", LOOK), 0o755)
        script = self.write("script.yaml", SCRIPT)
        self.write("weir.yaml", f"engines: {{main: {{kind: sim, sim: {{pace: instant, scenario: {script}}}}}}}\n")
        (self.folder / "src").mkdir()
        self.write("src/text.txt", "first")
        self.environment = {"WEIR_TOOL_SEEN": str(self.folder / "seen")}

    def submit_rows(self, *ids):
        rows = self.write("rows.jsonl", "".join(f'{{"id": "{one}"}}\n' for one in ids))
        done = weir("jobs", "submit", self.flow, "-i", rows, "--store", self.store)
        self.assertEqual(done.returncode, 0, done.stderr)

    def start(self, *args):
        process = subprocess.Popen([WEIR, "jobs", "work", self.flow, "--store", self.store, "--exit-when-empty", "-e", "main",
                                    *args], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True, env=environment(**self.environment),
                                   cwd=self.folder)
        self.processes.append(process)
        return process

    def end(self, process, code=0):
        _, said = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, code, said)
        return said

    def seen(self):
        return (self.folder / "seen").read_text().splitlines()

    def test_a_worker_sees_the_source_as_it_is_and_reviews_what_was_there(self):
        self.submit_rows("r1")
        self.end(self.start())
        self.write("src/text.txt", "second")
        self.write("src/more.txt", "more")
        self.submit_rows("r2")
        self.end(self.start())
        self.assertEqual(self.seen(), ["first 1", "second 2"])
        folder, = (self.folder / "jobs.db.answers").glob("*/lint")
        for row in ("r1@1", "r2@2"):
            diff = weir("review", str(folder), "--diff", row)
            self.assertEqual(diff.returncode, 0, diff.stderr)
            self.assertIn("b/new.txt", diff.stdout)
            self.assertNotIn("b/more.txt", diff.stdout)

    def test_the_store_and_the_journal_are_not_of_the_source(self):
        self.flow = self.write("flow.yaml", FLOW.replace(", source: src", ""))
        self.write("text.txt", "first")
        for row in ("r1", "r2"):
            self.submit_rows(row)
            self.end(self.start())
        snapshots = [one for one in self.folder.glob("jobs.db.answers/*/lint/workspaces/.snapshots/*") if one.is_dir()]
        self.assertEqual(sorted(one.name for one in snapshots[0].iterdir() if "db" in one.name), [])

    def test_a_queue_whose_name_is_a_path_leads_out_of_no_folder(self):
        self.submit_rows("r1")
        done = weir("jobs", "submit", self.flow, "-i", str(self.folder / "rows.jsonl"), "--store", self.store, "-q", "../x")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('cannot be called "../x"', done.stderr)
        # As one who has the database, or an earlier version, would have it.
        store = sqlite3.connect(self.folder / "jobs.db")
        with contextlib.closing(store), store:
            store.execute("UPDATE weir_queues SET name = '../../../outside'")
        self.end(self.start("-q", "../../../outside"))
        self.assertEqual(self.seen(), ["first 1"])
        self.assertFalse((self.folder / "outside").exists() or (self.folder.parent / "outside").exists())
        folder, = (self.folder / "jobs.db.answers").glob("*/*outside~*")
        self.assertEqual(weir("review", str(folder), "--diff", "r1@1").returncode, 0)

    def test_workers_that_start_at_once_share_one_whole_snapshot(self):
        for number in range(800):
            self.write(f"src/{number}.txt", "x\n")
        self.submit_rows(*(f"r{number}" for number in range(9)))
        for process in [self.start() for _ in range(3)]:
            self.end(process)
        self.assertEqual(self.seen(), ["first 801"] * 9)

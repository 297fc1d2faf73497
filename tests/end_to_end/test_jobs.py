"""`weir jobs` but for its worker: what is queued, shown, changed and written out."""
import contextlib
import csv
import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import unittest

from harness import PATIENCE, WEIR, Case, Pane, environment, weir

FLOW = """name: lint
engine: sim
input: {type: object, required: [q], properties: {q: {type: string}, sku: {type: string}, n: {type: integer}}}
nodes:
  - step: answer
    user: "{{ row.q }}"
"""


def rows(count, **more):
    return "".join(json.dumps({"q": f"question {number}", **more}) + "\n" for number in range(count))


class Jobs(Case):
    def setUp(self):
        super().setUp()
        self.write("flow.yaml", FLOW)

    def run_jobs(self, *args, code=0, **more):
        done = weir("jobs", *args, cwd=self.folder, **more)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        return done

    def submit(self, *args, code=0, **more):
        return self.run_jobs("submit", "flow.yaml", *args, code=code, **more)

    def told(self, *args, code=0):
        return json.loads(self.run_jobs(*args, "-o", "json", code=code).stdout)

    def counts(self, queue="lint"):
        queues = {one["name"]: one["jobs"] for one in self.told("status")["queues"]}
        return {state: count for state, count in queues[queue].items() if count}

    def end(self, state, result=None, error=None, where="1"):
        """Ends jobs as a worker would, without one: straight in the store."""
        names = {"done": 3, "failed": 4, "cancelled": 5}
        store = sqlite3.connect(self.folder / "weir-jobs.db")
        with contextlib.closing(store), store:
            ended = [job for job, in store.execute(f"SELECT id FROM weir_jobs WHERE {where}")]
            for job in ended:
                store.execute("UPDATE weir_jobs SET state = ?, error = ?, message = ?, ended_at = 1 WHERE id = ?",
                              (names[state], error or "", "it said so" if error else "", job))
                if result:
                    store.execute("INSERT INTO weir_results VALUES (?, ?, '')", (job, result))


class Submit(Jobs):
    def test_rows_become_jobs_and_the_same_rows_are_the_same_jobs(self):
        self.write("rows.jsonl", rows(40))
        done = self.submit("-i", "rows.jsonl")
        self.assertEqual(done.stdout, "40 jobs submitted (queue lint; 40 queued)\n")
        self.assertIn("sqlite:weir-jobs.db of this folder", done.stderr)
        self.assertIn("start one with: weir jobs work\n", done.stderr)
        done = self.submit("-i", "-", stdin=rows(42))
        self.assertEqual(done.stdout, "2 jobs submitted, 40 were there already (queue lint; 42 queued)\n")
        done = self.submit("-i", "rows.jsonl")
        self.assertIn("every row was there already", done.stderr)
        self.assertEqual(self.counts(), {"queued": 42})

    def test_another_engine_model_flow_or_again_makes_other_jobs(self):
        self.write("rows.jsonl", rows(1))
        for args in ([], ["-e", "a"], ["-e", "b"], ["-m", "a"], ["--again"], ["--again"]):
            self.assertIn("1 job submitted (", self.submit("-i", "rows.jsonl", *args).stdout)
        self.write("flow.yaml", FLOW + "    system: shorter\n")
        done = self.submit("-i", "rows.jsonl")
        self.assertIn("1 job submitted (", done.stdout)
        self.assertIn("the flow has changed since; 6 jobs", done.stderr)
        self.assertEqual(self.counts(), {"queued": 7})

    def test_a_field_is_the_key_when_it_is_named(self):
        text = '{"q":"a","sku":"s1"}\n{"q":"b","sku":"s1"}\n{"q":"c","sku":"s2"}\n{"q":"d"}\n'
        done = self.submit("-i", "-", "--key", "sku", stdin=text, code=1)
        self.assertIn("2 jobs submitted, 1 was there already, 1 row is no job", done.stdout)
        self.assertIn("stdin, line 4: the row has no key: `sku` is not there", done.stderr)
        self.submit("-i", "-", "--key", "sku", "-e", "sim", stdin=text, code=3)

    def test_bad_rows_are_told_with_their_lines_and_good_ones_go_in(self):
        done = self.submit("-i", "-", stdin='{"q":"a"}\n\n{"q":7}\nno json\n[1]\n{"q":"b"}\n', code=1)
        self.assertIn("2 jobs submitted, 3 rows are no job", done.stdout)
        for place in ("stdin, line 3: ", "stdin, line 4 is no JSON", "stdin, line 5 is no JSON object"):
            self.assertIn(place, done.stderr)
        done = self.submit("-i", "-", stdin='{"q":7}\n' * 30, code=2)
        self.assertEqual(done.stderr.count("no job: "), 10)
        self.assertIn("are only counted", done.stderr)
        self.assertIn("30 rows are no job", done.stdout)
        told = json.loads(self.submit("-i", "-", "-o", "json", stdin='{"q":7}\n{"q":"c"}\n', code=1).stdout)
        self.assertEqual((told["rows"], told["submitted"], told["bad"], told["queued"]), (2, 1, 1, 3))
        self.assertEqual(told["store"], "sqlite:weir-jobs.db")

    def test_rows_come_from_csv_and_from_files_too(self):
        self.write("rows.csv", "q,n\nfirst,1\nsecond,x\n")
        done = self.submit("-i", "rows.csv", code=1)
        self.assertIn("rows.csv, line 3", done.stderr)
        self.assertIn("1 job submitted, 1 row is no job", done.stdout)
        self.write("open.yaml", FLOW.replace("input:", "# input:"))
        self.write("a.txt", "one")
        self.write("b.txt", "two")
        done = self.run_jobs("submit", "open.yaml", "--files", "*.txt", "-q", "texts", "--limit", "1")
        self.assertEqual(done.stdout, "1 job submitted (queue texts; 1 queued)\n")

    def test_limits_of_a_queue_stay_until_they_are_named_again(self):
        self.submit("-i", "-", "--concurrency", "4", "--rate", "2.5", "--max-attempts", "5", stdin=rows(1))
        self.submit("-i", "-", "--max-crashes", "2", "--rate", "0", stdin=rows(1))
        queue = self.told("status")["queues"][0]
        self.assertEqual((queue["concurrency"], queue.get("rate"), queue["max_attempts"], queue["max_crashes"]),
                         (4, None, 5, 2))
        self.assertEqual(queue["flow"], str(self.folder.resolve() / "flow.yaml"))

    def test_jobs_wait_for_their_time(self):
        done = self.submit("-i", "-", "--at", "+1h", stdin=rows(2))
        self.assertIn("(queue lint; 0 queued, 2 waiting for their time)", done.stdout)
        self.submit("-i", "-", "--at", "noon", stdin=rows(2), code=3)

    def test_a_queue_with_open_jobs_is_not_given_to_another_flow(self):
        self.submit("-i", "-", stdin=rows(2))
        self.write("other.yaml", FLOW)
        done = self.run_jobs("submit", "other.yaml", "-i", "-", stdin=rows(3), code=3)
        self.assertIn("take another queue with -q", done.stderr)
        self.run_jobs("cancel", "--all")
        self.run_jobs("submit", "other.yaml", "-i", "-", stdin=rows(3))

    def test_the_store_is_that_of_the_flag_the_variable_or_the_configuration(self):
        self.write("weir.yaml", "engines: {sim: {kind: sim}}\njobs: {store: 'sqlite:c.db'}\n")
        self.submit("-i", "-", stdin=rows(1))
        self.submit("-i", "-", stdin=rows(1), env={"WEIR_JOBS_STORE": "sqlite:b.db"})
        self.submit("-i", "-", "--store", "sqlite:a.db", stdin=rows(1))
        self.assertEqual(sorted(path.name for path in self.folder.glob("*.db")), ["a.db", "b.db", "c.db"])
        done = weir("config", "show", cwd=self.folder, env={"WEIR_JOBS_STORE": "postgres://me:secret@db/weir"})
        self.assertNotIn("secret", done.stdout)
        self.assertIn("@db/weir", done.stdout)

    def test_what_is_wrong_is_told_before_anything_is_made(self):
        self.run_jobs("submit", code=3)
        self.submit("-i", "no.jsonl", code=3)
        self.submit("-i", "-", "--files", "*", code=3)
        self.submit("-i", "-", "--max-attempts", "0", stdin=rows(1), code=3)
        self.submit("-i", "-", "--store", "mysql:x", stdin=rows(1), code=3)
        self.assertIn("--store has an empty value", self.submit("-i", "-", "--store", "", code=3).stderr)
        self.assertEqual(list(self.folder.glob("*.db*")), [])

    def test_a_batch_is_submitted_without_a_flow(self):
        good = {"custom_id": "q-1", "method": "POST", "url": "/v1/chat/completions",
                "body": {"model": "m", "messages": [{"role": "user", "content": "hi"}]}}
        bad = {"custom_id": "q-2", "method": "POST", "url": "/v1/images", "body": {}}
        text = json.dumps(good) + "\n" + json.dumps(bad) + "\n"
        done = self.run_jobs("submit", "--format", "openai-batch", "-i", "-", stdin=text, code=1)
        self.assertIn("1 job submitted, 1 row is no job (queue openai-batch", done.stdout)
        self.assertIn("stdin, line 2: URL /v1/images was used", done.stderr)
        self.end("done", result=json.dumps({"batch": {"id": "chatcmpl-1"}}))
        line = json.loads(self.run_jobs("export", "--format", "openai-batch").stdout)
        self.assertEqual((line["custom_id"], line["response"]["body"]["id"]), ("q-1", "chatcmpl-1"))

    def test_ctrl_c_says_how_to_go_on_and_nothing_is_made_twice(self):
        process = subprocess.Popen([WEIR, "jobs", "submit", "flow.yaml", "-i", "-"], cwd=self.folder, text=True,
                                   env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        process.stdin.write(rows(3))
        process.stdin.flush()
        while not list(self.folder.glob("*.db")) or self.counts_or_none() != {"queued": 3}:
            self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 4, err)
        self.assertIn("3 jobs submitted (queue lint; 3 queued)", out)
        self.assertIn("stopped after 3 rows; the same command goes on", err)
        self.assertIn("2 jobs submitted, 3 were there already", self.submit("-i", "-", stdin=rows(5)).stdout)

    def counts_or_none(self):
        done = weir("jobs", "status", "-o", "json", cwd=self.folder)
        queues = json.loads(done.stdout)["queues"] if done.returncode == 0 else []
        return {state: count for state, count in queues[0]["jobs"].items() if count} if queues else None


class Look(Jobs):
    def test_without_a_store_or_a_queue_it_is_said_what_to_do(self):
        done = self.run_jobs("status", code=3)
        self.assertIn("there are no jobs in sqlite:weir-jobs.db: nobody has submitted any", done.stderr)
        self.assertEqual(list(self.folder.glob("*.db*")), [])
        self.submit("-i", "-", stdin=rows(1))
        self.submit("-i", "-", "-q", "more", stdin=rows(1))
        self.assertIn("say with -q which one is meant, of lint, more", self.run_jobs("retry", code=3).stderr)
        self.assertIn("did you mean 'lint'?", self.run_jobs("retry", "-q", "lnt", code=3).stderr)

    def test_status_is_a_table_of_queues(self):
        self.submit("-i", "-", stdin=rows(3))
        done = self.run_jobs("status")
        self.assertRegex(done.stdout, r"queue +queued +running +done +failed +oldest +flow\nlint +3 +0 +0 +0 ")
        self.assertIn("no worker is there: weir jobs work starts one", done.stdout)
        self.assertIn("--watch wants a terminal", self.run_jobs("status", "--watch").stderr)
        self.run_jobs("status", "--watch", "--failed", code=3)

    def test_one_job_is_shown_with_all_that_is_known(self):
        self.submit("-i", "-", stdin=rows(2))
        self.end("failed", error="timeout", where="id = 2")
        done = self.run_jobs("status", "--job", "2")
        for part in ("job 2 of queue lint: failed", "timeout: it said so", "question 1", "what to do"):
            self.assertIn(part, done.stdout)
        told = self.told("status", "--job", "2")
        self.assertEqual((told["state"], told["row"], told["attempts"]), ("failed", {"q": "question 1"}, []))
        self.run_jobs("status", "--job", "9", code=3)
        self.run_jobs("status", "--job", "x", code=3)

    def test_what_failed_is_grouped_by_error(self):
        self.submit("-i", "-", stdin=rows(5))
        self.assertEqual(self.run_jobs("status", "--failed").stdout, "no job of queue lint has failed\n")
        self.end("failed", error="timeout", where="id < 4")
        self.end("failed", error="quarantined", where="id = 4")
        done = self.run_jobs("status", "--failed")
        self.assertIn("timeout: 3 jobs\n  job 1 (row 0): it said so\n", done.stdout)
        self.assertIn("weir jobs retry -q lint --error quarantined", done.stdout)
        self.assertEqual([(one["error"], one["jobs"]) for one in self.told("status", "--failed")["errors"]],
                         [("timeout", 3), ("quarantined", 1)])

    @unittest.skipUnless(shutil.which("tmux"), "tmux IS MISSING: weir jobs status --watch is NOT tested")
    def test_watch_is_drawn_anew_until_q(self):
        self.submit("-i", "-", stdin=rows(3))
        with Pane(self.folder, "jobs", "status", "--watch", width=70, height=16) as pane:
            pane.until(lambda screen: "q quit" in screen and "weir jobs · sqlite:weir-jobs.db · " in screen)
            self.submit("-i", "-", stdin=rows(5))
            pane.until(lambda screen: any(line.split()[:2] == ["lint", "5"] for line in screen.splitlines()))
            pane.resize(30, 12)
            pane.until(lambda screen: max(map(len, screen.splitlines())) < 30 and "q quit" in screen)
            pane.keys("q")
            pane.until(lambda screen: screen.endswith("ended with 0"))


class Change(Jobs):
    def setUp(self):
        super().setUp()
        self.submit("-i", "-", stdin=rows(6))

    def test_failed_and_cancelled_jobs_are_queued_again(self):
        self.end("failed", error="timeout", where="id <= 2")
        self.end("failed", error="http_503", where="id = 3")
        self.end("cancelled", where="id = 4")
        self.assertEqual(self.run_jobs("retry", "--error", "timeout").stdout, "2 jobs queued again (queue lint)\n")
        self.assertEqual(self.told("retry", "--job", "3"), {"retried": 1, "queues": ["lint"]})
        done = self.run_jobs("retry")
        self.assertEqual(done.stdout, "1 job queued again (queue lint)\n")
        self.assertIn("start one with: weir jobs work", done.stderr)
        self.assertIn("no job that is meant had failed or was cancelled", self.run_jobs("retry").stderr)
        self.assertEqual(self.counts(), {"queued": 6})
        self.run_jobs("retry", "--state", "done", code=3)

    def test_all_of_retry_is_what_it_does_without_it(self):
        self.end("failed", error="timeout", where="id <= 2")
        self.end("cancelled", where="id = 3")
        self.assertIn("leave away what chooses some", self.run_jobs("retry", "--all", "--job", "1", code=3).stderr)
        self.assertEqual(self.run_jobs("retry", "--all").stdout, "3 jobs queued again (queue lint)\n")

    def test_an_error_that_no_job_has_is_told_with_those_that_they_have(self):
        self.assertIn("no job that is meant failed with timout; none has failed",
                      self.run_jobs("retry", "--error", "timout").stderr)
        self.end("failed", error="timeout", where="id <= 2")
        self.end("failed", error="http_503", where="id = 3")
        for command in ("retry", "purge"):
            done = self.run_jobs(command, "--error", "timout")
            self.assertIn("failed with timout; the failed ones have: http_503 (1), timeout (2)", done.stderr)
        self.assertEqual(self.told("retry", "--error", "timout"),
                         {"retried": 0, "queues": ["lint"], "errors": {"http_503": 1, "timeout": 2}})

    def test_a_queue_goes_with_its_last_jobs_when_that_is_asked_for(self):
        self.run_jobs("purge", "--queue-too", "--state", "done", code=3)
        done = self.run_jobs("purge", "--all", "--queue-too", code=3)
        self.assertIn("queue lint has 6 jobs that have not ended, and stays: weir jobs cancel", done.stderr)
        self.run_jobs("cancel", "--all")
        with contextlib.closing(sqlite3.connect(self.folder / "weir-jobs.db")) as store, store:
            store.execute("INSERT INTO weir_workers (name, since, lease_ms, lease_until) "
                          f"VALUES ('w-1', 0, {10**15}, {10**15})")
        done = self.run_jobs("purge", "--all", "--queue-too", code=3)
        self.assertIn("worker w-1 may work queue lint, which stays as long", done.stderr)
        self.assertEqual(self.counts(), {"cancelled": 6})
        with contextlib.closing(sqlite3.connect(self.folder / "weir-jobs.db")) as store, store:
            store.execute("DELETE FROM weir_workers")
        done = self.run_jobs("purge", "--all", "--queue-too")
        self.assertEqual(done.stdout, "6 jobs removed, with their results (queue lint)\n"
                         "queue lint removed, with its limits\n")
        self.assertEqual(self.told("status")["queues"], [])
        self.submit("-i", "-", stdin=rows(1))
        self.run_jobs("cancel", "--all")
        self.assertEqual(self.told("purge", "--all", "--queue-too"),
                         {"purged": 1, "queues": ["lint"], "queue_removed": True})

    def test_jobs_are_cancelled_when_it_is_said_which(self):
        self.assertIn("say which jobs are meant: --all, or --state queued", self.run_jobs("cancel", code=3).stderr)
        self.run_jobs("cancel", "--all", "--job", "1", code=3)
        self.assertEqual(self.run_jobs("cancel", "--job", "1,3").stdout, "2 jobs cancelled (queue lint)\n")
        self.assertEqual(self.run_jobs("cancel", "--state", "queued").stdout, "4 jobs cancelled (queue lint)\n")
        self.assertEqual(self.counts(), {"cancelled": 6})
        self.assertIn("there is no job 99", self.run_jobs("cancel", "--job", "99", code=3).stderr)

    def test_ended_jobs_are_purged_and_forgotten(self):
        self.run_jobs("purge", code=3)
        self.assertEqual(self.run_jobs("purge", "--all").stdout, "0 jobs removed, with their results (queue lint)\n")
        self.run_jobs("cancel", "--job", "1", "--job", "2")
        self.assertIn("0 jobs removed", self.run_jobs("purge", "--older-than", "7d").stdout)
        self.run_jobs("purge", "--older-than", "soon", code=3)
        self.assertIn("2 jobs removed", self.run_jobs("purge", "--state", "cancelled").stdout)
        again = self.submit("-i", "-", "--priority", "5", stdin=rows(6))
        self.assertIn("2 jobs submitted, 4 were there already", again.stdout)
        self.assertIn("keep their priority", again.stderr)

    def test_jobs_that_are_named_may_be_of_several_queues(self):
        self.submit("-i", "-", "-q", "more", stdin=rows(1))
        done = self.run_jobs("cancel", "--job", "1,7")
        self.assertEqual(done.stdout, "2 jobs cancelled (queues lint, more)\n")
        self.assertIn("job 7 is one of queue more, not of lint",
                      self.run_jobs("cancel", "-q", "lint", "--job", "7", code=3).stderr)

    def test_migrate_says_which_version_there_is(self):
        self.assertIn("sqlite:weir-jobs.db: schema 2, up to date", self.run_jobs("migrate", "--check").stdout)
        self.assertEqual(self.told("migrate"), {"store": "sqlite:weir-jobs.db", "was": 2, "version": 2, "writes": 2})
        with sqlite3.connect(self.folder / "weir-jobs.db") as store:
            store.execute("UPDATE weir_meta SET value = 1 WHERE name = 'version'")
            store.execute("DROP TRIGGER weir_job_begins_anew")
            for column in ("paused", "resting", "next_try"):
                store.execute(f"ALTER TABLE weir_workers DROP COLUMN {column}")
        store.close()
        self.assertIn("weir jobs migrate", self.run_jobs("status", code=3).stderr)
        self.assertIn("schema 1", self.run_jobs("migrate", "--check").stdout)
        self.assertEqual(self.told("migrate"), {"store": "sqlite:weir-jobs.db", "was": 1, "version": 2, "writes": 2})
        self.assertEqual(self.counts(), {"queued": 6})
        done = self.run_jobs("migrate", "--check", "--store", "sqlite:none.db")
        self.assertIn("has no jobs yet", done.stdout)
        self.assertFalse((self.folder / "none.db").exists())

    def test_variants_are_written_listed_and_activated(self):
        self.assertIn("has no variants", self.run_jobs("variant", "lint").stderr)
        self.assertIn("there is no queue lnit yet", self.run_jobs("variant", "lnit").stderr)
        done = self.run_jobs("variant", "lint", "a", "-e", "sim", "-m", "m1")
        self.assertEqual(done.stdout, "variant a of lint is active\n")
        self.assertIn("workers look every 100 jobs", done.stderr)
        self.write("weir.yaml", "engines: {small: {kind: vllm}, big: {kind: vllm}}\n")
        self.run_jobs("variant", "lint", "b", "--provider", "vllm", "--no-activate")
        listed = {one["variant"]: one for one in self.told("variant", "lint")["variants"]}
        self.assertEqual((listed["a"]["active"], listed["a"]["config"]), (True, {"engine": "sim", "model": "m1"}))
        self.assertEqual((listed["b"]["active"], listed["b"]["config"]), (False, {"provider": "vllm"}))
        self.run_jobs("variant", "lint", "b")
        self.assertRegex(self.run_jobs("variant").stdout, r"lint +b +yes +vllm")
        self.run_jobs("variant", "lint", "c", code=3)
        self.run_jobs("variant", "lint", "-e", "sim", code=3)
        self.assertIn("give one of them",
                      self.run_jobs("variant", "lint", "c", "-e", "sim", "--provider", "vllm", code=3).stderr)
        self.assertIn("there is no queue other yet", self.run_jobs("variant", "other", "a", "-e", "small").stderr)

    def test_a_variant_that_nobody_here_could_work_with_is_not_activated_unless_that_is_forced(self):
        self.write("weir.yaml", "engines: {small: {kind: vllm}, big: {kind: vllm}}\n")
        done = self.run_jobs("variant", "lint", "a", "-e", "smal", code=3)
        self.assertIn("there is no engine 'smal'; did you mean 'small'?", done.stderr)
        self.assertIn("--force", done.stderr)
        self.assertEqual(self.told("variant", "lint")["variants"], [])
        self.assertIn("nobody", self.run_jobs("variant", "lint", "d", "--provider", "nobody").stderr)
        done = self.run_jobs("variant", "lint", "a", "-e", "smal", "--no-activate")
        self.assertIn("could not work with the variant: there is no engine 'smal'", done.stderr)
        self.assertIn("did you mean 'small'?", self.run_jobs("variant", "lint", "a", code=3).stderr)
        self.assertEqual([(one["variant"], one["active"]) for one in self.told("variant", "lint")["variants"]],
                         [("a", False), ("d", True)])
        done = self.run_jobs("variant", "lint", "a", "--force")
        self.assertEqual(done.stdout, "variant a of lint is active\n")
        self.run_jobs("variant", "lint", "b", "-m", "m1")


class Export(Jobs):
    def setUp(self):
        super().setUp()
        self.submit("-i", "-", stdin=rows(5))
        self.end("done", result='{"answer":"a, b"}', where="id IN (5, 2)")
        self.end("failed", error="timeout", where="id = 4")
        self.end("cancelled", where="id = 1")

    def test_a_form_is_no_file(self):
        self.assertIn("--format", self.run_jobs("export", "-o", "json", code=3).stderr)
        self.assertFalse((self.folder / "json").exists())

    def test_lines_stand_in_the_order_of_submission(self):
        done = self.run_jobs("export", code=1)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([(line["id"], line["job"], line["status"]) for line in lines],
                         [("1", 2, "ok"), ("3", 4, "failed"), ("4", 5, "ok")])
        self.assertEqual(lines[0]["result"], {"answer": "a, b"})
        self.assertEqual(lines[1]["error"], {"name": "timeout", "message": "it said so"})
        self.assertIn("1 job failed; why: weir jobs status --failed -q lint", done.stderr)
        self.assertIn("1 job had not ended when this began; --wait", done.stderr)
        lines = self.run_jobs("export", "--state", "done,cancelled", "--attempts").stdout.splitlines()
        self.assertEqual([json.loads(line)["status"] for line in lines], ["cancelled", "ok", "ok"])
        self.assertEqual(json.loads(lines[1])["attempts"], [])
        self.assertEqual(self.run_jobs("export", "--state", "failed", code=2).stdout.count("\n"), 1)
        self.assertIn("have no result yet", self.run_jobs("export", "--state", "queued", code=3).stderr)

    def test_csv_has_a_column_for_what_results_have(self):
        table = list(csv.reader(io.StringIO(self.run_jobs("export", "--format", "csv", code=1).stdout)))
        self.assertEqual(table, [["id", "status", "error", "answer"], ["1", "ok", "", "a, b"],
                                 ["3", "failed", "timeout", ""], ["4", "ok", "", "a, b"]])

    def test_a_file_is_replaced_when_all_of_it_is_there(self):
        path = self.folder / "out.jsonl"
        path.write_text("before\n")
        done = self.run_jobs("export", "-o", "out.jsonl", code=1)
        self.assertEqual(done.stdout, "")
        self.assertIn("3 jobs of queue lint are in out.jsonl", done.stderr)
        self.assertEqual(len(path.read_text().splitlines()), 3)
        done = self.run_jobs("export", "-o", "out.jsonl", "--format", "openai-batch", code=3)
        self.assertIn("is no request of a batch", done.stderr)
        self.assertEqual(len(path.read_text().splitlines()), 3)
        self.assertEqual([name for name in os.listdir(self.folder) if name.endswith(".part")], [])
        self.run_jobs("export", "-o", "no/such/out.jsonl", code=3)
        self.run_jobs("export", "-o", ".", code=3)

    def test_wait_waits_for_the_last_job(self):
        process = subprocess.Popen([WEIR, "jobs", "export", "--wait", "-o", "out.jsonl"], cwd=self.folder, text=True,
                                   env=environment(), stderr=subprocess.PIPE)
        with process.stderr:
            told = ""
            while "start one with: weir jobs work" not in told:
                told = process.stderr.readline()
                self.assertNotEqual(told, "")
            self.assertIn("queue lint has 1 job to do", told)
            self.end("done", result='{"answer":"late"}', where="id = 3")
            self.assertEqual(process.wait(PATIENCE), 1)
        lines = (self.folder / "out.jsonl").read_text().splitlines()
        self.assertEqual([json.loads(line)["job"] for line in lines], [2, 3, 4, 5])

    def test_ctrl_c_ends_the_wait_and_writes_nothing(self):
        process = subprocess.Popen([WEIR, "jobs", "export", "--wait", "-o", "out.jsonl"], cwd=self.folder, text=True,
                                   env=environment(), stderr=subprocess.PIPE)
        with process.stderr:
            while "start one with" not in process.stderr.readline():
                self.assertIsNone(process.poll())
            process.send_signal(signal.SIGINT)
            self.assertIn("nothing was written", process.stderr.read())
            self.assertEqual(process.wait(PATIENCE), 4)
        self.assertFalse((self.folder / "out.jsonl").exists())


if __name__ == "__main__":
    unittest.main()

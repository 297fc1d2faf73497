"""weir run: rows through a flow into a folder, killed and resumed."""
import collections
import gzip
import json
import os
import pathlib
import random
import signal
import subprocess
import time
import unittest
import urllib.request

from harness import PATIENCE, WEIR, Case, Sim, environment, free_port, weir

ECHO = """
name: two
warmup: false
nodes:
  - {step: first, user: "first {{ n }}", choice: [red, green, blue]}
  - {step: second, user: "{{ first }} {{ n }}", choice: [one, two, three]}
"""
KILLS = int(os.environ.get("WEIR_KILLS", "12"))


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def results(folder):
    """Every file of results with its bytes."""
    kept = ("first", "second", "flattened")
    files = {str(path.relative_to(folder)): path.read_bytes()
             for name in kept for path in sorted((folder / name).iterdir())}
    errors = folder / "errors.jsonl"
    files["errors.jsonl"] = errors.read_bytes() if errors.exists() else b""
    return files


class Runs(Case):
    def rows(self, count):
        return self.write("rows.jsonl", "".join(json.dumps({"n": n}) + "\n" for n in range(count)))

    def go(self, *args, flow=ECHO, engine="sim", stdin=None, out="out", env=None):
        flow = self.write("flow.yaml", flow)
        self.write("weir.yaml", "engines: {sim: {kind: sim, sim: {pace: instant}}}\n")
        return weir("run", flow, "-o", str(self.folder / out), "-e", engine, *args, stdin=stdin,
                    env=env)

    def test_rows_come_out_in_order_with_their_values(self):
        done = self.go("-i", self.rows(100))
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        first = lines(self.folder / "out/first/000.jsonl")
        self.assertEqual([row["row_id"] for row in first], [str(n) for n in range(100)])
        self.assertTrue(all(row["text"] in ("red", "green", "blue") for row in first))
        flat = lines(self.folder / "out/flattened/000.jsonl")
        self.assertEqual(set(flat[0]), {"row_id", "first", "second"})
        self.assertIn("100 rows", done.stderr)
        for name in ("run.json", "graph.json", "metadata.json"):
            json.loads((self.folder / "out" / name).read_text())
        self.assertIn("<html", (self.folder / "out/report.html").read_text())

    def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not(self):
        rows = self.rows(50)
        for out, seed in (("a", "1"), ("b", "1"), ("c", "2")):
            self.assertEqual(self.go("-i", rows, "--seed", seed, out=out).returncode, 0)
        self.assertEqual(results(self.folder / "a"), results(self.folder / "b"))
        self.assertNotEqual(results(self.folder / "a"), results(self.folder / "c"))

    def test_ninety_nine_good_rows_and_a_bad_one_are_99_results_and_exit_code_1(self):
        good = [json.dumps({"n": n}) for n in range(99)]
        rows = self.write("rows.jsonl", "\n".join(good[:40] + ['{"n": '] + good[40:]) + "\n")
        done = self.go("-i", rows)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(lines(self.folder / "out/second/000.jsonl")), 99)
        errors = lines(self.folder / "out/errors.jsonl")
        self.assertEqual([(error["row_id"], error["node"]) for error in errors], [("40", "input")])
        self.assertIn("1 of 100 rows failed", done.stderr)

    def test_when_every_row_fails_the_exit_code_is_2(self):
        rows = self.rows(3)
        done = self.go("-i", rows, flow='nodes: [{step: first, user: "{{ missing }}"}]')
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(len(lines(self.folder / "out/errors.jsonl")), 3)
        self.assertIn("missing", (self.folder / "out/errors.jsonl").read_text())

    def test_rows_come_from_stdin_and_csv_and_go_to_csv(self):
        done = self.go(stdin='{"n": 1}\n{"n": 2}\n')
        self.assertEqual(done.returncode, 0, done.stderr)
        table = self.write("rows.csv", 'n,word\n1,"a, b"\n2,c\n')
        done = self.go("-i", table, "--format", "csv", out="csv")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex((self.folder / "csv/first/000.csv").read_text(), r"^row_id,text,extra\n0,")

    def test_a_folder_that_is_not_empty_is_refused_and_resume_is_named(self):
        rows = self.rows(3)
        self.assertEqual(self.go("-i", rows).returncode, 0)
        done = self.go("-i", rows)
        self.assertEqual(done.returncode, 3)
        self.assertIn("--resume", done.stderr)

    def test_a_finished_run_has_nothing_left_to_do(self):
        self.assertEqual(self.go("-i", self.rows(3)).returncode, 0)
        before = results(self.folder / "out")
        done = weir("run", "--resume", str(self.folder / "out"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(results(self.folder / "out"), before)

    def test_resume_refuses_another_flow_and_says_so(self):
        self.assertEqual(self.go("-i", self.rows(3)).returncode, 0)
        self.write("flow.yaml", ECHO.replace("first {{ n }}", "changed {{ n }}"))
        done = weir("run", "--resume", str(self.folder / "out"))
        self.assertEqual(done.returncode, 3)
        self.assertIn("flow", done.stderr)

    def test_resume_refuses_rows_that_were_changed_in_place_before_they_were_read(self):
        rows = self.rows(200)
        stopped = self.go("-i", rows, "--max-total-tokens", "500", "--concurrency", "1")
        self.assertEqual(stopped.returncode, 6, stopped.stderr)
        text = pathlib.Path(rows).read_text(encoding="utf-8")
        pathlib.Path(rows).write_text(text[:-4] + text[-4:].replace("9", "8"), encoding="utf-8")
        done = weir("run", "--resume", str(self.folder / "out"), "--max-total-tokens", "10000000")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("input", done.stderr)

    def test_resume_refuses_files_that_were_changed_though_none_of_their_rows_is_asked_again(self):
        flow = 'files: "texts/*.txt"\n' + ECHO.replace("{{ n }}", "{{ text }}")
        (self.folder / "texts").mkdir()
        for number in range(3):
            self.write(f"texts/{number}.txt", f"text {number}")
        self.assertEqual(self.go(flow=flow).returncode, 0)
        resume = ["run", "--resume", str(self.folder / "out")]
        self.assertEqual(weir(*resume).returncode, 0)
        for change in [("texts/2.txt", "text two"), ("texts/3.txt", "new")]:
            self.write(*change)
            done = weir(*resume)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn("input.digest", done.stderr)
            self.write("texts/2.txt", "text 2")
        (self.folder / "texts/3.txt").unlink()
        self.assertEqual(weir(*resume).returncode, 0)

    def test_a_run_goes_on_from_elsewhere_and_its_own_files_are_no_rows(self):
        flow = 'files: "**/*.json*"\n' + ECHO.replace("{{ n }}", "{{ text }}")
        (self.folder / "texts").mkdir()
        for number in range(3):
            self.write(f"texts/{number}.jsonl", f"text {number}")
        for out, args in [("own", []), ("named", ["--files", "texts/*.jsonl"])]:
            self.write("flow.yaml", flow)
            self.write("weir.yaml", "engines: {sim: {kind: sim, sim: {pace: instant}}}\n")
            out = self.folder / "texts" / out
            done = weir("run", str(self.folder / "flow.yaml"), "-o", str(out), "-e", "sim", *args,
                        cwd=str(self.folder))
            self.assertEqual(done.returncode, 0, done.stderr)
            done = weir("run", "--resume", str(out), cwd="/")
            self.assertEqual(done.returncode, 0, done.stderr)
            rows = lines(out / "flattened/000.jsonl")
            self.assertEqual(len(rows), 3, rows)
            flow = flow.replace("**", "texts")

    def test_what_stars_find_in_the_folders_of_other_runs_are_no_rows(self):
        flow = 'files: "**/*.jsonl"\n' + ECHO.replace("{{ n }}", "{{ text }}")
        self.write("one.jsonl", "text")
        for out in ("a", "b"):
            self.assertEqual(self.go(flow=flow, out=out).returncode, 0)
            self.assertEqual(len(lines(self.folder / out / "flattened/000.jsonl")), 1)
        self.assertEqual(weir("run", "--resume", str(self.folder / "a")).returncode, 0)
        named = flow.replace("**", str(self.folder / "a/flattened"))
        self.assertEqual(self.go(flow=named, out="c").returncode, 0)
        self.assertEqual(len(lines(self.folder / "c/flattened/000.jsonl")), 1)

    def test_a_run_of_an_earlier_version_goes_on_without_a_digest_of_its_files(self):
        flow = 'files: "*.txt"\n' + ECHO.replace("{{ n }}", "{{ text }}")
        self.write("one.txt", "text")
        self.assertEqual(self.go(flow=flow).returncode, 0)
        path = self.folder / "out/run.json"
        run = json.loads(path.read_text())
        for name in ("count", "bytes", "digest"):
            del run["identity"]["input"][name]
        path.write_text(json.dumps(run))
        done = weir("run", "--resume", str(self.folder / "out"))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_dry_run_shows_prompts_and_sends_nothing(self):
        with Sim("--instant") as sim:
            done = self.go("-i", self.rows(5), "--dry-run", engine=sim.url)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("first 0", done.stdout)
            self.assertIn("5 rows", done.stdout)
            self.assertFalse((self.folder / "out").exists())
            with urllib.request.urlopen(sim.url + "/sim/requests") as answer:
                self.assertNotIn("chat/completions", answer.read().decode())

    def test_a_dry_run_says_that_it_waits_for_a_silent_pipe_and_ctrl_c_shows_the_plan_so_far(self):
        flow = self.write("flow.yaml", ECHO)
        process = subprocess.Popen([WEIR, "run", flow, "--dry-run", "-e", "sim"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        process.stdin.write(b'{"n": 1}\n{"n": 2}\n{"n"')
        process.stdin.flush()
        told = process.stderr.readline()
        self.assertIn(b"waiting for rows from stdin; Ctrl-C shows", told)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(PATIENCE), 4)
        plan = process.stdout.read().decode()
        self.assertIn("first 1", plan)
        self.assertIn("--- 2 rows so far; nothing was sent", plan)
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()

    def test_a_dry_run_counts_the_turns_of_agents(self):
        agent = "nodes: [{agent: fix, user: 'mend {{ n }}', max_turns: 7}]"
        done = self.go("-i", self.rows(5), "--dry-run", flow=agent)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("fix: 5 rows of an agent with 1 to 7 turns each: at least 5 calls and at most about 35",
                      done.stdout)

    def test_a_dry_run_says_at_most_of_what_rows_may_pass_by(self):
        flow = ("nodes: [{apply: few, where: n > 1}, {step: behind, user: '{{ n }}'}, "
                "{switch: kind, on: n, cases: {1: [{step: one, user: '{{ n }}'}]}, default: []}]")
        done = self.go("-i", self.rows(5), "--dry-run", flow=flow)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("behind: up to 5 calls", done.stdout)
        self.assertIn("one: up to 5 calls", done.stdout)
        self.assertIn("at most about", done.stdout)

    def test_a_run_does_not_go_on_with_another_model_behind_the_same_address(self):
        address = f"127.0.0.1:{free_port()}"
        with Sim("--instant", "--listen", address, "--model", "first") as sim:
            begun = self.go("-i", self.rows(20), "--max-total-tokens", "200", engine=sim.url)
            self.assertIn("--resume", begun.stderr)
        resume = ["run", "--resume", str(self.folder / "out")]
        with Sim("--instant", "--listen", address, "--model", "second"):
            done = weir(*resume)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("began with the model first, and", done.stderr)
        with Sim("--instant", "--listen", address, "--model", "first"):
            done = weir(*resume)
        self.assertNotIn("began with the model", done.stderr)

    def test_a_server_that_is_not_there_ends_the_run_before_the_first_row(self):
        done = self.go("-i", self.rows(5), engine="http://127.0.0.1:1")
        self.assertEqual(done.returncode, 5)
        self.assertIn("cannot be used", done.stderr)
        self.assertNotIn("0 rows in", done.stderr)  # where nothing was begun there is nothing to sum up

    def test_rows_in_the_place_of_a_flow_and_the_other_way_round_are_told(self):
        rows = self.rows(1)
        self.assertIn("is a file of rows and no flow: weir run FLOW -i", weir("run", rows).stderr)
        self.assertIn("flow.yaml is no file of rows", self.go("-i", self.write("flow.yaml", ECHO)).stderr)

    def test_a_node_may_name_the_simulator_without_any_configuration(self):
        flow = self.write("flow.yaml", ECHO.replace("step:", "engine: sim, step:"))
        done = weir("run", flow, "-i", self.rows(2), "-o", str(self.folder / "out"), cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_another_engine_stands_in_for_one_that_no_configuration_has(self):
        flow = "engine: qwen\n" + ECHO
        done = self.go("-i", self.rows(2), flow=flow)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = weir("run", str(self.folder / "flow.yaml"), "-i", self.rows(2), "--dry-run", "-e", "sim")
        self.assertEqual(done.returncode, 0, done.stderr)
        done = weir("flow", "check", str(self.folder / "flow.yaml"), "-e", "sim")
        self.assertEqual(done.returncode, 0, done.stderr)
        done = weir("jobs", "work", "flow.yaml", "-e", "sim", "--exit-when-empty", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = weir("run", str(self.folder / "flow.yaml"), "-i", self.rows(2), "--dry-run")
        self.assertEqual(done.returncode, 3)
        self.assertIn("add it to `engines` of weir.yaml, or ask another one instead with -e", done.stderr)

    def test_rows_that_break_the_input_are_found_by_a_dry_run_too(self):
        flow = "input: {type: object, required: [n], properties: {n: {type: integer}}}\n" + ECHO
        rows = self.write("rows.jsonl", '{"n": 1}\n{"n": "x"}\nnonsense\n')
        done = self.go("-i", rows, "--dry-run", flow=flow)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("3 rows, 2 of them bad", done.stdout)
        self.assertIn(f"row 1: {rows}, line 2: at /n: ", done.stderr)
        done = self.go("-i", rows, flow=flow)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(f"{rows}, line 2: at /n: ", (self.folder / "out/errors.jsonl").read_text())
        self.assertIn("mend them, and start a new run with another -o", done.stderr)
        self.assertNotIn("--retry-failed", done.stderr)

    def test_a_form_is_no_folder_and_neither_is_a_file(self):
        for form in ("json", "text", "csv"):
            done = self.go("-i", self.rows(1), "-o", form)
            self.assertEqual(done.returncode, 64, done.stderr)  # -o is given twice
            done = weir("run", "flow.yaml", "-i", "rows.jsonl", "-e", "sim", "-o", form, cwd=self.folder)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn(f"-o names the run's folder, --format the form of results ({form}?)", done.stderr)
            self.assertFalse((self.folder / form).exists())
        done = weir("run", "flow.yaml", "-i", "rows.jsonl", "-e", "sim", "-o", "rows.jsonl", cwd=self.folder)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("config_error: rows.jsonl is a file, and a run makes a folder", done.stderr)
        done = weir("batch", "run", "rows.jsonl", "-o", "json", "-e", "sim", cwd=self.folder)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("for one of that name write ./json", done.stderr)

    def test_calls_side_by_side_do_not_pass_the_budget_and_rows_that_are_left_are_counted(self):
        flow = ("{name: one, warmup: false, nodes: [{step: first, user: 'say {{ n }}', choice: [a, b], "
                "max_tokens: 40}]}")
        done = self.go("-i", self.rows(200), "--max-total-tokens", "1000", "--concurrency", "16", flow=flow)
        self.assertEqual(done.returncode, 6, done.stderr)
        summary = json.loads((self.folder / "out/run.json").read_text())["summary"]
        node = summary["nodes"]["first"]
        used = node["prompt_tokens"] + node["completion_tokens"]
        self.assertGreater(used, 500)
        self.assertLessEqual(used, 1000)
        self.assertEqual(summary["rows"]["done"] + summary["rows"]["skipped"], 200)
        self.assertIn(f"{summary['rows']['skipped']} rows were skipped", done.stderr)
        done = weir("run", "--resume", str(self.folder / "out"), "--max-total-tokens", "10000000")
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = json.loads((self.folder / "out/run.json").read_text())["summary"]["rows"]
        self.assertEqual((rows["done"], "skipped" in rows), (200, False))

    def test_the_counters_of_the_server_are_read_before_and_after(self):
        flow = self.write("flow.yaml", "{name: one, warmup: false, nodes: [{step: first, system: '" + "word " * 200 +
                          "', user: 'say {{ n }}', choice: [a, b]}]}")
        with Sim("--instant", "--dialect", "vllm-latest") as sim:
            for out in ("one", "two"):
                done = weir("run", flow, "-i", self.rows(10), "-e", sim.url, "-o", str(self.folder / out))
                self.assertEqual(done.returncode, 0, done.stderr)
        summaries = [json.loads((self.folder / out / "run.json").read_text())["summary"] for out in ("one", "two")]
        for summary in summaries:
            prompts = summary["nodes"]["first"]["prompt_tokens"]
            self.assertEqual(summary["server_prefixes"]["looked_up"], prompts)
        self.assertGreater(summaries[1]["server_prefixes"]["found"], summaries[0]["server_prefixes"]["found"])

    def test_costs_have_their_currency_and_are_null_where_nothing_is_known(self):
        self.assertEqual(self.go("-i", self.rows(2), out="free").returncode, 0)
        summary = json.loads((self.folder / "free/run.json").read_text())["summary"]
        self.assertEqual((summary["nodes"]["first"]["cost"], "currency" in summary), (None, False))
        config = self.write("priced.yaml", "engines: {sim: {kind: sim, sim: {pace: instant}, "
                            "prices: {input: 1, output: 2, currency: EUR}}}\n")
        done = weir("--config", config, "run", self.write("flow.yaml", ECHO), "-i", self.rows(2), "-e", "sim",
                    "-o", str(self.folder / "out"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("cost (EUR)", done.stderr)
        summary = json.loads((self.folder / "out/run.json").read_text())["summary"]
        self.assertEqual(summary["currency"], "EUR")
        self.assertGreater(summary["nodes"]["first"]["cost"], 0)
        self.assertIn("cost (EUR)", (self.folder / "out/report.html").read_text())

    def test_limit_set_and_budget(self):
        flow = ECHO.replace("first {{ n }}", "{{ vars.word }} {{ n }}")
        flow += "vars: {word: hello}\n"
        done = self.go("-i", self.rows(20), "--limit", "4", "--set", "word=bye", flow=flow)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(lines(self.folder / "out/first/000.jsonl")), 4)
        done = self.go("-i", self.rows(200), "--max-total-tokens", "500", out="poor")
        self.assertEqual(done.returncode, 6, done.stderr)
        done = weir("run", "--resume", str(self.folder / "poor"), "--max-total-tokens", "10000000")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(lines(self.folder / "poor/first/000.jsonl")), 200)

    def test_failed_rows_are_tried_again_and_the_hint_says_how(self):
        rows = self.write("rows.jsonl", "".join(json.dumps({"n": n}) + "\n" for n in range(30)))
        marker = self.folder / "mended"
        program = self.write("shaky.sh", f"""#!/bin/sh
while read -r line; do
  case "$line" in
    *'"n":7'*|*'"n":20'*) [ -e {marker} ] || exit 3; echo '["late"]' ;;
    *) echo '["fine"]' ;;
  esac
done
""")
        os.chmod(program, 0o755)
        flow = ECHO + "  - {apply: made, exec: [./shaky.sh]}\n"
        done = self.go("-i", rows, flow=flow)
        self.assertEqual(done.returncode, 1, done.stderr)
        out = self.folder / "out"
        self.assertIn(f"weir run --resume {out} --retry-failed", done.stderr)
        self.assertEqual(len(lines(out / "errors.jsonl")), 2)
        before = (out / "first/000.jsonl").read_bytes()
        attempts = len(lines(out / "attempts.jsonl"))

        marker.touch()
        done = weir("run", "--resume", str(out), "--retry-failed")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse((out / "errors.jsonl").exists() and lines(out / "errors.jsonl"))
        made = lines(out / "made/000.jsonl")
        self.assertEqual([row["row_id"] for row in made], [str(n) for n in range(30)])
        self.assertEqual([row["row_id"] for row in made if row["text"] == "late"], ["7", "20"])
        self.assertEqual((out / "first/000.jsonl").read_bytes(), before)
        self.assertEqual(len(lines(out / "attempts.jsonl")), attempts)
        done = weir("run", "--resume", str(out), "--retry-failed")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("no row had failed", done.stderr)
        self.assertEqual(weir("run", "flow.yaml", "--retry-failed").returncode, 64)

    def test_a_silent_pipe_does_not_hold_ctrl_c_up(self):
        flow = self.write("flow.yaml", ECHO)
        out = self.folder / "out"
        process = subprocess.Popen([WEIR, "run", flow, "-o", str(out), "-e", "sim"],
                                   stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        process.stdin.write(b'{"n": 1}\n{"n"')
        process.stdin.flush()
        until = time.monotonic() + PATIENCE
        while not (out / "second").exists():
            self.assertLess(time.monotonic(), until, "the first row is not written")
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(PATIENCE), 4)
        self.assertIn(b"--resume", process.stderr.read())
        process.stdin.close()
        process.stderr.close()

    def test_cells_ids_and_packed_files(self):
        flow = ("id: k\ninput: {type: object, properties: {n: {type: integer}}}\n"
                "nodes: [{apply: twice, set: {n: n * 2}}]\n")
        table = self.folder / "rows.csv.gz"
        table.write_bytes(gzip.compress(b"k;n\na;1\nb;x\na;3\n"))
        done = self.go("-i", str(table), flow=flow)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stderr.count("semicolons and no comma"), 1)
        self.assertEqual(lines(self.folder / "out/twice/000.jsonl"), [{"row_id": "a", "n": 2}])
        errors = [error["message"] for error in lines(self.folder / "out/errors.jsonl")]
        self.assertRegex(errors[0], 'line 3: column "n" has "x", .* integer')
        self.assertRegex(errors[1], 'row 2 has the id "a" .* row 0 has')

    def test_attempts_name_the_engine_as_the_configuration_does(self):
        flow = self.write("flow.yaml", ECHO)
        self.write("weir.yaml", "engines: {mine: {kind: sim, sim: {pace: instant}}}\n")
        done = weir("run", flow, "-i", self.rows(1), "-o", str(self.folder / "out"), "-e", "mine")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("1 row in", done.stderr)
        self.assertIn("prefix cache: ", done.stderr)
        for attempt in lines(self.folder / "out/attempts.jsonl"):
            self.assertEqual(attempt["engine"], "mine")
            self.assertTrue(attempt["request_id"])

    def test_flow_check_tells_everything_in_one_go(self):
        flow = self.write("flow.yaml", """nodes:
  - {step: a, user: "{{ n }}", temprature: 1}
  - {step: b, user: "{{ a | nofilter }}"}
  - {step: c, user: "{{ nobody.x }} {{ b }}", engine: none}
  - {apply: d, exec: [./not-there]}
  - {step: e, user: x, output: {type: object, requred: [x]}}
""")
        self.write("weir.yaml", "engines: {sim: {kind: sim}}\nroutes: {default: sim}\n")
        done = weir("flow", "check", flow, "-o", "json")
        self.assertEqual(done.returncode, 3, done.stderr)
        found = json.loads(done.stdout)
        self.assertFalse(found["ok"])
        text = "\n".join(f"{one['place']} {one['warning']} {one['message']}" for one in found["problems"])
        for line, words in ((2, "temprature"), (3, "nofilter"), (4, "the engine none"), (5, "not-there"),
                            (6, "did you mean `required`")):
            self.assertRegex(text, rf"flow.yaml:{line}:\d+ .*{words}")
        told = weir("flow", "check", flow)
        self.assertEqual(told.returncode, 3)
        self.assertIn("temprature", told.stderr)
        lines = told.stderr.splitlines()
        self.assertTrue(all(line.startswith(("weir: config_error: ", "weir: warning: ")) for line in lines), lines)
        self.assertIn("not-there", told.stderr)

    def test_a_batch_file_goes_in_and_comes_out(self):
        def request(name, **body):
            return json.dumps({"custom_id": name, "method": "POST", "url": "/v1/chat/completions",
                               "body": {"model": "sim-model", **body}})
        hello = [{"role": "user", "content": "hello"}]
        batch = self.write("in.jsonl", "\n".join([
            request("a", messages=hello, max_tokens=5), request("b", messages=hello, stream=True),
            request("c", messages=hello, max_tokens=6)]) + "\n")
        out = self.folder / "out.jsonl"
        done = weir("run", "--format", "openai-batch", "-i", batch, "-o", str(out), "-e", "sim")
        self.assertEqual(done.returncode, 1, done.stderr)
        answers = lines(out)
        self.assertEqual([line["custom_id"] for line in answers], ["a", "b", "c"])
        self.assertEqual([line["response"]["status_code"] for line in answers], [200, 400, 200])
        self.assertEqual(answers[0]["response"]["body"]["usage"]["completion_tokens"], 5)
        self.assertIn("stream", answers[1]["error"]["error"]["message"])

    def test_rows_that_are_wrong_themselves_are_not_to_be_tried_again(self):
        batch = self.write("in.jsonl", json.dumps({"custom_id": "a", "method": "POST", "url": "/v1/nope", "body": {}}) + "\n{\n")
        done = weir("run", "--format", "openai-batch", "-i", batch, "-o", str(self.folder / "out.jsonl"), "-e", "sim")
        self.assertIn("the rows themselves are wrong", done.stderr)
        self.assertNotIn("--retry-failed", done.stderr)

    def test_an_input_without_rows_is_named(self):
        self.write("empty.jsonl", "")
        done = self.go("-i", str(self.folder / "empty.jsonl"))
        self.assertIn(f"there are no rows in {self.folder}/empty.jsonl", done.stderr)
        quoted = self.write("quoted.csv", 'n,"te\r\nxt"\r\n1,x\r\n')
        self.assertEqual(self.go("-i", quoted, out="quoted").returncode, 0)
        self.write("old.csv", "n,text\r1,x\r")
        done = self.go("-i", str(self.folder / "old.csv"), out="old")
        self.assertEqual(done.returncode, 3)
        self.assertIn("its lines end with CR", done.stderr)

    def test_requests_of_a_batch_that_share_an_id_are_all_answered(self):
        hello = [{"role": "user", "content": "hello"}]
        requests = [{"custom_id": name, "method": "POST", "url": "/v1/chat/completions",
                     "body": {"messages": hello if name.islower() else [], "max_tokens": 2}} for name in "abaXaXdeAfA"]
        for request in requests:
            request["custom_id"] = request["custom_id"].lower()
        batch = self.write("in.jsonl", "".join(json.dumps(request) + "\n" for request in requests))
        out = self.folder / "out.jsonl"
        with Sim("--instant") as sim:
            done = weir("run", "--format", "openai-batch", "-i", batch, "-o", str(out), "-e", sim.url)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual([(line["custom_id"], line["response"]["status_code"]) for line in lines(out)],
                         [(name.lower(), 200 if name.islower() else 400) for name in "abaXaXdeAfA"])

    def test_json_logs_are_events(self):
        done = self.go("-i", self.rows(5), "--json-logs")
        events = [json.loads(line)["event"] for line in done.stderr.splitlines()]
        self.assertEqual(events[0], "run.start")
        self.assertIn("run.end", events[-2:])
        kept = collections.Counter(line["event"] for line in lines(self.folder / "out/events.jsonl"))
        self.assertEqual(kept["node.end"], 10)

    def test_events_of_calls_name_their_row_and_node_and_steps_are_no_changed_prefixes(self):
        flow = """
name: two
nodes:
  - {step: first, system: "One.", user: "{{ n }}", choice: [red, green]}
  - {step: second, system: "Two.", user: "{{ first }}", choice: [one, two]}
"""
        file = self.folder / "all.jsonl"
        done = self.go("-i", self.rows(3), flow=flow, env={"WEIR_EVENTS_FILE": str(file)})
        self.assertEqual(done.returncode, 0, done.stderr)
        events = lines(file)
        asked = collections.Counter((line["row"], line["node"]) for line in events
                                    if line["event"] == "llm:request" and "row" in line)
        self.assertEqual(asked, {(str(n), node): 1 for n in range(3)
                                 for node in ("first", "second")})
        self.assertNotIn("prefix.changed", [line["event"] for line in events])


class Killed(Case):
    def start(self, *args):
        return subprocess.Popen([WEIR, "run", *args], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                env=environment())

    def test_a_run_that_is_killed_again_and_again_gives_the_bytes_of_a_whole_one(self):
        count = 2000 if KILLS > 100 else 300
        flow = self.write("flow.yaml", ECHO)
        rows = self.write("rows.jsonl", "".join(json.dumps({"n": n}) + "\n" for n in range(count)))
        chance = random.Random(7)
        with Sim("--ttft", "15", "--itl", "0", "--max-num-seqs", "64") as sim:
            common = (flow, "-i", rows, "-e", sim.url, "--seed", "3")
            whole = self.start(*common, "-o", str(self.folder / "whole"))
            self.assertEqual(whole.wait(PATIENCE), 0)
            before = self.answered(sim)
            self.assertEqual(before, 2 * count)
            kills = rounds = 0
            while kills < KILLS:
                rounds += 1
                out = self.folder / f"killed{rounds}"
                process = self.start(*common, "-o", str(out))
                while True:
                    try:
                        code = process.wait(chance.uniform(0.02, 0.12))
                    except subprocess.TimeoutExpired:
                        process.kill()
                        process.wait()
                        kills += 1
                        if not (out / "run.json").exists():
                            process = self.start(*common, "-o", str(out))
                            continue
                        process = self.start("--resume", str(out)) if kills < KILLS else None
                        if process is None:
                            process = self.start("--resume", str(out))
                            code = process.wait(PATIENCE)
                        else:
                            continue
                    self.assertEqual(code, 0)
                    break
                self.assertEqual(results(out), results(self.folder / "whole"))
            asked = self.answered(sim) - before
            self.assertLessEqual(asked, rounds * 2 * count + kills * 16)
            if KILLS > 100:
                print(f"{kills} kills in {rounds} runs of {count} rows: {asked} calls, "
                      f"{asked - rounds * 2 * count} of them twice")

    @staticmethod
    def answered(sim):
        with urllib.request.urlopen(sim.url + "/metrics") as answer:
            page = answer.read().decode()
        return int(sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines()
                       if line.startswith("vllm:request_success_total")))


if __name__ == "__main__":
    unittest.main()

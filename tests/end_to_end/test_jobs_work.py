"""weir jobs work: workers on a store, killed and told to end, with engines that come and go."""
import http.server
import json
import os
import random
import selectors
import signal
import socket
import subprocess
import threading
import time
import unittest
import urllib.error
import urllib.request

from harness import PATIENCE, WEIR, Case, Sim, environment, free_port, until, weir
from postgres import Postgres, programs

FLOW = """
name: two
warmup: false
nodes:
  - {step: first, user: "first {{ n }}", choice: [red, green, blue]}
  - {step: second, user: "{{ first }} {{ n }}", choice: [one, two, three]}
"""
SAY = """
name: say
warmup: false
nodes:
  - step: say
    user: "say {{ n }}"
    output: {type: object, required: [word], additionalProperties: false, properties: {word: {enum: [red, green]}}}
"""
KILLS = int(os.environ.get("WEIR_KILLS", "6"))
CONCURRENCY = 8
LOST = "silent for too long"  # what a worker says that has lost its lease


def answered(sim):
    with urllib.request.urlopen(sim.url + "/metrics") as answer:
        page = answer.read().decode()
    return int(sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines()
                   if line.startswith("vllm:request_success_total")))


def look(url):
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


class Gate:
    """Stands before a server, and lets so many POSTs through before it is `open`."""

    def __init__(self, sim, few):
        self.open, self.few = threading.Event(), threading.Semaphore(few)
        gate = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.command == "POST" and not gate.few.acquire(blocking=False):
                    gate.open.wait(PATIENCE)
                request = urllib.request.Request(sim.url + self.path, body or None, dict(self.headers), method=self.command)
                try:
                    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                        self.answer(answer.status, answer.headers, answer.read())
                except urllib.error.HTTPError as error:
                    with error:
                        self.answer(error.code, error.headers, error.read())

            do_GET = do_POST = do

            def answer(self, status, headers, body):
                self.send_response(status)
                self.send_header("Content-Type", headers["Content-Type"])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *unused):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.open.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Workers(Case):
    def setUp(self):
        super().setUp()
        self.store = f"sqlite:{self.folder}/jobs.db"
        self.processes = []

    def tearDown(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def rows(self, count):
        return self.write("rows.jsonl", "".join(json.dumps({"n": n}) + "\n" for n in range(count)))

    def submit(self, flow, count, *args):
        self.flow = self.write("flow.yaml", flow)
        done = weir("jobs", "submit", self.flow, "-i", self.rows(count), "--store", self.store, *args)
        self.assertEqual(done.returncode, 0, done.stderr)

    def worker(self, *args, stderr=subprocess.DEVNULL):
        process = subprocess.Popen([WEIR, "jobs", "work", self.flow, "--store", self.store, "--journal",
                                    str(self.folder / "answers"), *args], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=stderr, text=True,
                                   env=environment(), cwd=self.folder)
        self.processes.append(process)
        return process

    def work(self, *args, code=0):
        done = weir("jobs", "work", self.flow, "--store", self.store, "--exit-when-empty", *args, cwd=self.folder)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def export(self, *args, code=None):
        out = self.folder / "out.jsonl"
        done = weir("jobs", "export", "--store", self.store, "-o", str(out), *args)
        self.assertIn(done.returncode, (0, 1) if code is None else (code,), done.stderr)
        return [json.loads(line) for line in out.read_text().splitlines()]

    def queue(self):
        done = weir("jobs", "status", "--store", self.store, "-o", "json")
        queue = json.loads(done.stdout)["queues"][0]
        return {**queue, **queue["jobs"]}


class Work(Workers):
    def test_results_come_out_in_the_order_of_the_rows(self):
        self.submit(FLOW, 300)
        self.write("weir.yaml", "engines: {fast: {kind: sim, sim: {pace: instant}}}\n")
        done = self.work("-e", "fast")
        self.assertIn("300 jobs done", done.stderr)
        rows = self.export()
        self.assertEqual([row["id"] for row in rows], [str(n) for n in range(300)])
        self.assertTrue(all(row["result"]["first"] in ("red", "green", "blue") for row in rows))

    def test_a_provider_that_is_switched_at_job_120_is_the_new_one_from_job_200_on(self):  # R-JOB-02, R-EVT-06
        with Sim("--instant") as first, Sim("--instant") as second, Gate(first, 150) as gate:
            self.write("weir.yaml", f"engines:\n  old: {{kind: vllm, base_url: '{gate.url}/v1', model: sim-model}}\n"
                       f"  new: {{kind: openai, base_url: '{second.url}/v1', model: sim-model}}\n"
                       "events: {file: events.jsonl}\n")
            self.submit(SAY, 250)
            overlay = self.folder / "overlay.yaml"
            overlay.write_text("say: {engine: old, variant_id: v1}\n")
            process = self.worker("--exit-when-empty", "--overlay", str(overlay), "--concurrency", "4",
                                  stderr=subprocess.PIPE)
            until(lambda: answered(first) >= 120, "120 jobs are done")
            overlay.write_text("say: {engine: new, variant_id: v2}\n")
            gate.open.set()
            said = process.communicate(timeout=PATIENCE)[1]
            self.assertEqual(process.returncode, 0, said)
            self.assertEqual((answered(first), answered(second)), (200, 50))
        made = [(row["metadata"]["engine"], row["metadata"]["provider"], row["metadata"]["variant_id"])
                for row in self.export("--attempts")]
        self.assertEqual(made[:200], [("old", "vllm", "v1")] * 200)
        self.assertEqual(made[200:], [("new", "openai", "v2")] * 50)
        events = [json.loads(line) for line in (self.folder / "events.jsonl").read_text().splitlines()]
        switches = [event for event in events if event["event"] == "provider.switch"]
        self.assertEqual([(event["old_provider"], event["new_provider"], event["old_model"], event["model"],
                           event["variant_id"]) for event in switches],
                         [("vllm", "openai", "sim-model", "sim-model", "v2")])

    def test_a_switch_between_engines_that_name_no_model_tells_what_their_servers_have(self):  # R-EVT-06
        with Sim("--instant", "--model", "small") as first, Sim("--instant", "--model", "large") as second, \
                Gate(first, 2) as gate:
            self.write("weir.yaml", f"engines:\n  old: {{kind: vllm, base_url: '{gate.url}/v1'}}\n"
                       f"  new: {{kind: vllm, base_url: '{second.url}/v1'}}\nevents: {{file: events.jsonl}}\n")
            self.submit(SAY, 8)
            overlay = self.folder / "overlay.yaml"
            overlay.write_text("say: {engine: old}\n")
            process = self.worker("--exit-when-empty", "--overlay", str(overlay), "--concurrency", "1",
                                  "--refresh-every", "4", stderr=subprocess.PIPE)
            until(lambda: answered(first) >= 2, "two jobs are done")
            overlay.write_text("say: {engine: new}\n")
            gate.open.set()
            said = process.communicate(timeout=PATIENCE)[1]
            self.assertEqual(process.returncode, 0, said)
        events = [json.loads(line) for line in (self.folder / "events.jsonl").read_text().splitlines()]
        switches = [event for event in events if event["event"] == "provider.switch"]
        self.assertEqual([(event["old_model"], event["model"]) for event in switches], [("small", "large")])

    def test_the_model_of_a_server_that_comes_later_is_known_once_it_answers(self):
        port = free_port()
        self.write("weir.yaml", f"engines:\n  main: {{kind: vllm, base_url: 'http://127.0.0.1:{port}/v1', "
                   "retry: {max_retries: 0}}\nevents: {file: events.jsonl}\n")
        self.submit(SAY, 2)

        def events(name):
            text = self.folder / "events.jsonl"
            lines = text.read_text().splitlines() if text.exists() else []
            return [event for line in lines if (event := json.loads(line))["event"] == name]

        process = self.worker("--exit-when-empty", "--concurrency", "1", stderr=subprocess.PIPE)
        until(lambda: events("jobs.paused"), "nothing answers yet")
        with Sim("--instant", "--model", "late", "--listen", f"127.0.0.1:{port}"):
            said = process.communicate(timeout=PATIENCE)[1]
        self.assertEqual(process.returncode, 0, said)
        self.assertEqual({event["model"] for event in events("job.end")}, {"late"})
        self.assertEqual(events("provider.switch"), [])

    def test_a_variant_of_the_store_is_worked_with(self):
        self.write("weir.yaml", "engines:\n  a: {kind: sim, sim: {pace: instant}}\n  b: {kind: sim, sim: {pace: instant}}\n")
        self.submit(SAY, 3)
        done = weir("jobs", "variant", "say", "v7", "-e", "b", "--store", self.store, cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.work()
        self.assertEqual({(row["metadata"]["engine"], row["metadata"]["variant_id"]) for row in self.export()},
                         {("b", "v7")})

    def test_a_dead_vllm_server_gives_way_to_ollama_at_the_start(self):  # R-FAC-06, R-CLS-02
        with Sim("--dialect", "ollama", "--instant") as ollama:
            self.write("weir.yaml", "engines:\n"
                       "  gpu: {kind: vllm, base_url: 'http://127.0.0.1:9/v1', model: m, retry: {max_retries: 0}}\n"
                       f"  small: {{kind: ollama, base_url: '{ollama.url}', model: sim-model}}\n")
            self.submit(SAY, 5)
            done = self.work("-e", "gpu")
            self.assertIn("go on with small", done.stderr)
        rows = self.export()
        self.assertEqual({row["metadata"]["provider"] for row in rows}, {"ollama"})
        self.assertEqual(len(rows), 5)

    def test_an_engine_that_goes_away_stops_the_claiming_until_it_is_back(self):
        self.submit(SAY, 60)
        script = self.write("script.yaml", "- {times: 10, reply: {}}\n- {reply: {delay: 10m}}\n")
        address = f"127.0.0.1:{free_port()}"
        with Sim("--instant", "--listen", address, "--scenario", script) as sim:
            self.write("weir.yaml", f"engines:\n  it: {{kind: vllm, base_url: '{sim.url}/v1', model: sim-model,"
                       " retry: {max_retries: 0}}\n")
            process = self.worker("--exit-when-empty", "--concurrency", "4", "-e", "it", stderr=subprocess.PIPE)
            until(lambda: answered(sim) >= 10, "ten jobs are done")
            sim.process.kill()
            sim.process.wait()
        while "wait until an engine answers" not in process.stderr.readline():
            self.assertIsNone(process.poll())
        with Sim("--instant", "--listen", address):
            said = process.communicate(timeout=PATIENCE)[1]
            self.assertEqual(process.returncode, 0, said)
        self.assertIn("go on", said)
        queue = self.queue()
        self.assertEqual((queue["done"], queue["failed"]), (60, 0))

    def test_where_no_engine_is_named_and_nothing_answers_that_is_said_at_the_start(self):
        self.submit(SAY, 3)
        process = subprocess.Popen([WEIR, "jobs", "work", self.flow, "--store", self.store], cwd=self.folder, text=True,
                                   env=environment(VLLM_BASE_URL="http://127.0.0.1:9"), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.processes.append(process)
        said = ""
        while "wait until an engine answers" not in said:
            self.assertIsNone(process.poll())
            said += process.stderr.readline()
        self.assertIn("nothing listens at 127.0.0.1:9", said)
        self.assertIn("name another engine with -e URL, or in a weir.yaml", said)
        worker = {}
        while "paused" not in worker:
            done = weir("jobs", "status", "--store", self.store, "-o", "json")
            worker = (json.loads(done.stdout)["workers"] or [{}])[0]
        self.assertIn("say: ", worker["paused"])
        self.assertIn(" waits: say: ", weir("jobs", "status", "--store", self.store).stdout)
        process.send_signal(signal.SIGTERM)
        said += process.communicate(timeout=PATIENCE)[1]
        self.assertEqual(process.returncode, 0, said)
        self.assertNotIn("went away", said)
        queue = self.queue()
        self.assertEqual((queue["queued"], queue["failed"]), (3, 0))

    def test_sigterm_ends_what_is_under_way_and_leaves_the_rest(self):
        self.submit(SAY, 400)
        with Sim("--ttft", "30", "--itl", "0") as sim:
            process = self.worker("-e", sim.url, "--metrics", ":0", stderr=subprocess.PIPE)
            line = ""
            while "figures are at" not in line:
                line = process.stderr.readline()
            door = line.split("figures are at ")[1].strip().removesuffix("/metrics")
            self.assertEqual(look(door + "/healthz")[0], 200)
            self.assertEqual(look(door + "/readyz")[0], 200)
            until(lambda: answered(sim) >= 20, "20 jobs are done")
            page = look(door + "/metrics")[1]
            self.assertIn('weir_jobs{queue="say",state="running"}', page)
            self.assertIn("weir_requests_total", page)
            process.send_signal(signal.SIGTERM)
            said = process.communicate(timeout=PATIENCE)[1]
            self.assertEqual(process.returncode, 0, said)
            queue = self.queue()
            self.assertEqual(queue["running"], 0)
            self.assertEqual(queue["done"] + queue["queued"], 400)
            # Everything that was paid for is there.
            self.assertEqual(queue["done"], answered(sim))

    def test_a_quiet_worker_tells_the_port_that_nobody_else_knows(self):
        self.submit(SAY, 1)
        with Sim("--instant") as sim:
            args = ("-e", sim.url, "--quiet", "--limit", "1", "--metrics")
            for address, times in ((":0", 1), (f"127.0.0.1:{free_port()}", 0)):
                done = self.work(*args, address)
                self.assertEqual(done.stderr.count("its figures are at http://127.0.0.1:"), times, done.stderr)
                self.assertNotIn("takes jobs of", done.stderr)

    def test_a_job_of_prompts_schema_and_document_needs_no_flow(self):  # R-JOB-07
        self.write("weir.yaml", "engines: {fast: {kind: sim, sim: {pace: instant}}}\n")
        schema = {"type": "object", "required": ["event"], "properties": {"event": {"enum": ["merger", "other"]}}}
        jobs = [{"id": f"n-{n}", "prompts": {"system": "Read.", "user": "What happened?"}, "schema": schema,
                 "document_text": f"Document {n}"} for n in range(3)]
        rows = self.write("jobs.jsonl", "".join(json.dumps(job) + "\n" for job in jobs + [{"id": "bad"}]))
        done = weir("jobs", "submit", "--format", "prompts", "-i", rows, "--store", self.store)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("line 4: a job has", done.stderr)
        done = weir("jobs", "work", "--store", self.store, "--exit-when-empty", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = self.export()
        self.assertEqual([row["id"] for row in rows], ["n-0", "n-1", "n-2"])
        for row in rows:
            answer = json.loads(row["result"]["batch"]["choices"][0]["message"]["content"])
            self.assertIn(answer["event"], ("merger", "other"))

    def test_extractor_and_classifier_are_two_flows_of_one_worker(self):  # R-JOB-01
        self.write("weir.yaml", "engines: {fast: {kind: sim, sim: {pace: instant}}}\n"
                   "worker: {flow: two.yaml, classifier: {flow: say.yaml}}\n")
        self.write("two.yaml", FLOW)
        self.write("say.yaml", SAY)
        for flow in ("two", "say"):
            done = weir("jobs", "submit", f"{flow}.yaml", "-i", self.rows(5), "--store", self.store, cwd=self.folder)
            self.assertEqual(done.returncode, 0, done.stderr)
        done = weir("jobs", "work", "--store", self.store, "--exit-when-empty", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("10 jobs done", done.stderr)


class Proxy(threading.Thread):
    """Stands between a worker and its database: while `held` is set nothing passes, in either direction."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.to = ("127.0.0.1", port)
        self.held = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.pairs = []

    def run(self):
        selector = selectors.DefaultSelector()
        selector.register(self.listener, selectors.EVENT_READ, None)
        while self.listener.fileno() >= 0:
            if self.held.is_set():
                time.sleep(0.01)
                continue
            for key, _ in selector.select(0.05):
                if key.data is None:
                    near, far = self.listener.accept()[0], socket.create_connection(self.to)
                    self.pairs += [near, far]
                    selector.register(near, selectors.EVENT_READ, far)
                    selector.register(far, selectors.EVENT_READ, near)
                    continue
                try:
                    data = key.fileobj.recv(65536)
                    key.data.sendall(data)
                except OSError:
                    data = b""
                if not data:
                    for end in (key.fileobj, key.data):
                        if end in (entry.fileobj for entry in list(selector.get_map().values())):
                            selector.unregister(end)
                        end.close()
        selector.close()

    def end(self):
        self.listener.close()
        self.join()
        for end in self.pairs:
            end.close()


class CutOff(Workers):
    @unittest.skipUnless(programs(), "PostgreSQL is not installed: NOTHING of it is tested here")
    def test_a_worker_that_is_cut_off_from_the_database_loses_its_jobs_and_writes_nothing_of_them(self):
        with Postgres() as database, Sim("--ttft", "25", "--itl", "0") as sim, Gate(sim, 0) as gate:
            self.store = database.url
            self.submit(SAY, 400)
            proxy = Proxy(database.port)
            proxy.start()
            common = ("-e", gate.url, "--concurrency", "4", "--lease", "1s", "--exit-when-empty")
            near = self.worker(*common, stderr=subprocess.PIPE)
            self.store = database.url.replace(f":{database.port}/", f":{proxy.port}/")
            far = self.worker(*common, stderr=subprocess.PIPE)
            self.store = database.url
            busy = "SELECT count(*) FROM weir_workers WHERE id IN (SELECT worker FROM weir_jobs)"
            until(lambda: database.ask(busy) == [["2"]], "both workers have jobs")
            proxy.held.set()
            gate.open.set()
            until(lambda: database.ask("SELECT count(*) FROM weir_workers") == [["1"]], "one is given up")
            proxy.held.clear()
            said = far.communicate(timeout=PATIENCE)[1]
            others = near.communicate(timeout=PATIENCE)[1]
            self.assertEqual((near.returncode, far.returncode), (0, 0), said + others)
            proxy.end()
            self.assertIn(LOST, said)
            rows = self.export()
            self.assertEqual([(row["id"], row["status"]) for row in rows], [(str(n), "ok") for n in range(400)])
            # A cut costs at most what was under way or claimed ahead. On a machine that stalls there are more than one.
            self.assertLessEqual(answered(sim), 400 + (said + others).count(LOST) * 2 * 4)


class Killed(Workers):
    """Workers that are killed again and again, on one store."""

    @staticmethod
    def at_work(team, database):
        """Whether the store knows of everyone who has not come to the end."""
        names = database.ask("SELECT name FROM weir_workers")
        return all(any(name.endswith(f"-{one.pid}") for name, in names) or one.poll() is not None for one in team)

    def go(self, workers, count, kills, database=None):
        chance = random.Random(11)
        with Sim("--ttft", "15", "--itl", "0", "--max-num-seqs", "64") as sim:
            self.submit(FLOW, count, "--max-crashes", "1000000")
            common = ("-e", sim.url, "--concurrency", str(CONCURRENCY), "--lease", "1s", "--exit-when-empty")
            said = {}

            def start():
                path = self.folder / f"said{len(said)}"
                with open(path, "w") as file:
                    process = self.worker(*common, stderr=file)
                said[process] = path
                return process

            team = [start() for _ in range(workers)]
            for kill in range(kills):
                time.sleep(chance.uniform(0.1, 0.4))
                victim = chance.randrange(workers)
                team[victim].kill()
                team[victim].wait()
                team[victim] = start()
                if database and kill in (kills // 3, 2 * kills // 3):
                    # Who begins while there is no database ends with that; who is at work waits for it.
                    until(lambda: self.at_work(team, database), "all are at work")
                    database.restart()
            for process in team:
                self.assertEqual(process.wait(PATIENCE), 0, said[process].read_text())
            asked = answered(sim)
        rows = self.export()
        self.assertEqual([row["id"] for row in rows], [str(n) for n in range(count)])
        self.assertTrue(all(row["status"] == "ok" for row in rows))
        queue = self.queue()
        # Twice is asked what was in flight when a worker died, and that is counted. One that stalls is lost like a dead one.
        cuts = kills + sum(path.read_text().count(LOST) for path in said.values())
        self.assertLessEqual(asked, 2 * count + cuts * CONCURRENCY)
        self.assertGreaterEqual(queue["repeated_calls"], asked - 2 * count)
        self.assertLessEqual(queue["repeated_calls"], cuts * CONCURRENCY)
        print(f"{workers} workers, {kills} kills, {count} jobs of two calls: {asked} answers, "
              f"{asked - 2 * count} of them twice, {queue['repeated_calls']} said to be")

    def test_on_sqlite_nothing_is_lost_or_done_twice(self):
        self.go(2, 300, KILLS)

    @unittest.skipUnless(programs(), "PostgreSQL is not installed: NOTHING of it is tested here")
    def test_on_postgresql_nothing_is_lost_or_done_twice_also_when_the_database_crashes(self):
        with Postgres() as database:
            self.store = database.url
            self.go(4, 300, KILLS, database)


if __name__ == "__main__":
    unittest.main()

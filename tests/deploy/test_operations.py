"""Units of systemd, alerts, dashboard, and the run book that belongs to them. NOT checked here: that
systemd runs the unit and that Grafana shows the dashboard. promtool and systemd-analyze are used
where they are installed."""
import json
import pathlib
import re
import shlex
import sys
import tempfile
import unittest

import yaml

from chart import DEPLOY, ROOT, defaults
from harness import WEIR, jobs_help, program, run

HERE = pathlib.Path(__file__).parent
ALERTS = DEPLOY / "prometheus" / "alerts.yaml"
DASHBOARD = DEPLOY / "grafana" / "weir-jobs.json"
RUN_BOOK = ROOT / "docs" / "operations.md"
UNIT = DEPLOY / "systemd" / "weir-worker@.service"

# What a worker shows at --metrics, with its labels.
METRICS = {
    "weir_jobs": {"queue", "state"}, "weir_jobs_oldest_seconds": {"queue"}, "weir_worker_in_flight": set(),
    "weir_worker_limit": set(), "weir_worker_paused": set(), "weir_worker_draining": set(), "weir_workers": set(),
    "weir_jobs_ended_total": {"queue", "how"}, "weir_jobs_claimed_total": {"queue"}, "weir_leases_lost_total": set(),
    "weir_repeated_calls_total": set(), "weir_answers_found_total": set(), "weir_provider_switches_total": set(),
    "weir_store_errors_total": set(), "weir_jobs_quarantined_total": set(),
    "weir_requests_total": {"engine", "model", "status", "error"},
    "weir_request_duration_seconds": {"engine", "model"}, "weir_first_token_seconds": {"engine", "model"},
    "weir_tokens_total": {"engine", "model", "kind"}, "weir_retries_total": {"error"},
    "weir_fallbacks_total": {"from", "to"}, "weir_requests_in_flight": {"engine"},
    "weir_worker_stands_in": {"from", "to"}, "weir_repairs_total": {"engine"}, "weir_answer_retries_total": {"error"},
}
VALUES = {"state": {"waiting", "queued", "running", "done", "failed", "cancelled"},
          "how": {"done", "failed", "again", "back", "lost"}, "status": {"ok", "error"}}


def rules():
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def expressions():
    """(where it stands, PromQL) of everything that asks Prometheus."""
    for rule in rules():
        yield rule["alert"], rule["expr"]
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    yield "values.yaml", defaults()["autoscaling"]["keda"]["prometheus"]["query"]


class Figures(unittest.TestCase):
    def test_only_figures_that_there_are_are_asked_for(self):
        for where, expression in expressions():
            names = re.findall(r"\bweir_\w+", expression)
            self.assertTrue(names, where)
            for name in names:
                self.assertIn(re.sub(r"_(bucket|count|sum)$", "", name), METRICS, where)

    def test_only_labels_that_they_have_are_asked_for(self):
        for where, expression in expressions():
            for name, matchers in re.findall(r"\b(weir_\w+)\{([^}]*)\}", expression):
                labels = METRICS[re.sub(r"_(bucket|count|sum)$", "", name)] | {"le", "instance"}
                for label, text in re.findall(r'(\w+)\s*=~?\s*"([^"]*)"', matchers):
                    self.assertIn(label, labels, where)
                    if label in VALUES:
                        self.assertLessEqual(set(text.split("|")), VALUES[label], where)
            known = set().union(*(METRICS[re.sub(r"_(bucket|count|sum)$", "", name)]
                                  for name in re.findall(r"\bweir_\w+", expression)))
            for by in re.findall(r"\bby \(([^)]*)\)", expression):
                self.assertLessEqual(set(by.replace(" ", "").split(",")), known | {"le", "instance"}, where)

    def test_figures_that_all_workers_share_are_never_summed_over_them(self):
        for where, expression in expressions():
            for name in ("weir_jobs", "weir_jobs_oldest_seconds", "weir_workers"):
                for before in re.findall(rf"(\w+(?: by \([^)]*\))? ?)\(\s*{name}\b(?!_)", expression):
                    self.assertIn(before.split()[0], {"max", "absent"}, where)

    def test_counters_are_only_used_by_their_growth(self):
        for where, expression in expressions():
            for name in re.findall(r"\bweir_\w+_total\b", expression):
                for use in re.finditer(rf"\b{name}\b", expression):
                    self.assertRegex(expression[:use.start()], r"(rate|increase)\($", where)

    def test_every_figure_is_in_the_run_book_and_in_the_sources(self):
        said = RUN_BOOK.read_text()
        sources = "".join(path.read_text() for folder in ("jobs", "cli", "events")
                          for path in (ROOT / "weir" / folder).rglob("*.cc"))
        shown = {name for name in METRICS if f'"{name}"' in sources}
        for name in METRICS:
            self.assertIn(f"`{name}", said)
        if "weir_jobs" not in shown:
            self.skipTest("NOT CHECKED: the sources have no figures of jobs yet")
        self.assertEqual(set(METRICS) - shown, set())


class Alerts(unittest.TestCase):
    def test_every_alert_is_whole_and_has_its_section(self):
        sections = re.findall(r"^### (Weir\w+)$", RUN_BOOK.read_text(), re.M)
        names = [rule["alert"] for rule in rules()]
        self.assertEqual(sections, names, "the run book has the alerts in their order")
        self.assertEqual(len(names), len(set(names)))
        for rule in rules():
            self.assertIn(rule["labels"]["severity"], {"warning", "critical"})
            self.assertEqual(rule["annotations"]["runbook"], f"docs/operations.md#{rule['alert'].lower()}")
            self.assertTrue(rule["annotations"]["summary"])

    def test_every_section_says_what_it_means_what_to_look_at_and_what_to_do(self):
        for part in re.split(r"^### ", RUN_BOOK.read_text(), flags=re.M)[1:]:
            name, text = part.split("\n", 1)
            text = text.split("\n## ")[0]
            if name.startswith("Weir"):
                for word in ("**Means.**", "**Look.**", "**Do.**"):
                    self.assertIn(word, text, name)
                self.assertRegex(text, r"`weir |\n    (\$ )?weir |`kubectl|`curl", f"{name}: with which command?")

    def test_they_fire_when_they_should(self):
        promtool = program("promtool", "no Prometheus has read the alerts (Debian's package prometheus)")
        self.assertEqual(run(promtool, "check", "rules", ALERTS).returncode, 0)
        with tempfile.TemporaryDirectory() as folder:
            for file in (ALERTS, HERE / "alerts.test.yaml"):
                pathlib.Path(folder, file.name).write_text(file.read_text())
            done = run(promtool, "test", "rules", "alerts.test.yaml", cwd=folder)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        cases = yaml.safe_load((HERE / "alerts.test.yaml").read_text())["tests"]
        for case in cases[:2]:  # all well, nothing well
            self.assertEqual([one["alertname"] for one in case["alert_rule_test"]],
                             [rule["alert"] for rule in rules()])


class Dashboard(unittest.TestCase):
    def test_it_shows_what_was_promised(self):
        panels = json.loads(DASHBOARD.read_text())["panels"]
        asked = " ".join(target["expr"] for panel in panels for target in panel.get("targets", []))
        for name in set(METRICS):
            self.assertIn(name, asked)
        self.assertIn("histogram_quantile(0.5,", asked)
        self.assertIn("histogram_quantile(0.95,", asked)
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))

    def test_no_panel_lies_on_another(self):
        taken = set()
        for panel in json.loads(DASHBOARD.read_text())["panels"]:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(cells & taken, panel["title"])
            self.assertLessEqual(at["x"] + at["w"], 24)
            taken |= cells

    def test_any_data_source_will_do(self):
        text = DASHBOARD.read_text()
        self.assertEqual(set(re.findall(r'"uid": "([^"]*)"', text)), {"${datasource}", "weir-jobs"})


class Unit(unittest.TestCase):
    def setUp(self):
        self.keys = {}
        for line in UNIT.read_text().splitlines():
            if "=" in line and not line.startswith("#"):
                key, value = line.split("=", 1)
                self.keys.setdefault(key, []).append(value)

    def test_it_drains_and_comes_back(self):
        command = shlex.split(self.keys["ExecStart"][0])
        drain = next(word for word in command if word.startswith("--drain-timeout="))
        self.assertGreaterEqual(int(self.keys["TimeoutStopSec"][0]),
                                int(drain.split("=")[1].removesuffix("s")) + 10)
        self.assertEqual(self.keys["KillSignal"], ["SIGTERM"])
        self.assertEqual(self.keys["Restart"], ["on-failure"])
        self.assertEqual(self.keys["RestartPreventExitStatus"], ["3 64"])
        self.assertEqual(self.keys["User"], ["weir"])
        self.assertNotIn("ProcSubset", self.keys, "SQLite's store reads /proc/sys/kernel/random/boot_id")

    def test_systemd_understands_it(self):
        analyze = program("systemd-analyze", "systemd has not read the unit")
        with tempfile.TemporaryDirectory() as folder:
            unit = pathlib.Path(folder, "weir-worker@a.service")
            unit.write_text(UNIT.read_text().replace("/usr/local/bin/weir", WEIR))
            done = run(analyze, "verify", "--man=no", unit)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            done = run(analyze, "security", "--offline=true", "--threshold=20", unit)
            self.assertEqual(done.returncode, 0, done.stdout)  # 2.0 of 10

    def test_its_flags_are_those_that_weir_has(self):
        said = jobs_help("work")
        words = shlex.split(self.keys["ExecStart"][0])
        words += shlex.split(re.search(r"^WEIR_WORKER_FLAGS=(.*)$",
                                       (DEPLOY / "systemd/worker.env.example").read_text(), re.M)[1])
        for word in words:
            if word.startswith("--"):
                self.assertIn(word.split("=")[0], said)


class Schemas(unittest.TestCase):
    def test_the_manifests_obey_the_schemas_of_others(self):
        """manifests.test.mjs, where its packages are installed: `npm ci --ignore-scripts` in tests/deploy."""
        node = program("node", "no manifest was held against the schemas of Kubernetes")
        if not (HERE / "node_modules").is_dir():
            self.skipTest("NOT CHECKED: no manifest was held against the schemas of Kubernetes, KEDA and Compose; "
                          "they come with `npm ci --ignore-scripts` in tests/deploy")
        done = run(node, "--test", HERE / "manifests.test.mjs", cwd=HERE, PYTHON=sys.executable)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main()

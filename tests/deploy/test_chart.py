"""The Helm chart. NOT checked here: Helm itself (template.py reads the templates instead; where Go is
installed, Go's own templates have to agree with it) and a real cluster. Schemas of Kubernetes, KEDA
and the Prometheus operator are checked by kubernetes.test.mjs."""
import json
import pathlib
import re
import tempfile
import unittest

import yaml

import chart
import template
from chart import CASES, CHART, manifests
from harness import Postgres, jobs_help, program, run, weir


def pods(made):
    """The pod templates of what was made, with their owners."""
    return [(key, document["spec"]["template"]) for key, document in made.items()
            if "template" in document.get("spec", {})]


def worker(over=None):
    made = manifests(over)
    return next(pod for (kind, _), pod in pods(made) if kind == "Deployment"), made


def flags(words):
    return dict(word.split("=", 1) for word in words if word.startswith("--") and "=" in word)


class Chart(unittest.TestCase):
    def refused(self, over, words):
        with self.assertRaises(template.TemplateError) as said:
            manifests(over)
        self.assertIn(words, str(said.exception))

    def test_every_case_is_rendered_whole(self):
        for name, case in CASES.items():
            with self.subTest(name):
                for path, text in chart.texts(chart.merged(chart.defaults(), case)).items():
                    self.assertNotIn("<no value>", text, path)
                    self.assertNotRegex(text, r"\de\+\d", f"{path}: a number as Go prints floats")
                for (kind, its), document in manifests(case).items():
                    self.assertTrue(document["apiVersion"] and kind)
                    self.assertRegex(its, r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$")

    def test_R_OPS_01_the_values_are_variables_of_the_worker_and_the_key_comes_from_a_secret(self):
        for case in ("default", "everything"):
            pod, made = worker(CASES[case])
            container = pod["spec"]["containers"][0]
            variables = {}
            for source in container["envFrom"]:
                variables |= made["ConfigMap", source["configMapRef"]["name"]]["data"]
            config = chart.merged(chart.defaults(), CASES[case])["config"]
            for name in ("VLLM_BASE_URL", "VLLM_MODEL", "VLLM_TIMEOUT", "VLLM_MAX_RETRIES", "VLLM_TEMPERATURE"):
                given = config[name]
                self.assertEqual(variables.get(name, ""), str(given), name)
            self.assertTrue(all(isinstance(value, str) for value in variables.values()))
            secrets = {one["name"]: one.get("valueFrom", {}).get("secretKeyRef") for one in container["env"]}
            self.assertEqual(secrets["WEIR_JOBS_STORE"], {"name": "weir-store", "key": "url"})
            if case == "everything":
                self.assertEqual(secrets["VLLM_API_KEY"], {"name": "llm-key", "key": "key"})
            else:
                self.assertNotIn("VLLM_API_KEY", secrets)
            self.assertFalse(any("API_KEY" in key for one in made.values() for key in one.get("data", {})))
            self.assertFalse([kind for kind, _ in made if kind == "Secret"])

    def test_weir_understands_what_the_values_become(self):
        for name, case in CASES.items():
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                pod, made = worker(case)
                env = next(one for (_, its), one in made.items() if its.endswith("-env"))["data"]
                file = pathlib.Path(folder, "weir.yaml")
                file.write_text(next(one for (_, its), one in made.items() if its.endswith("-config"))
                                ["data"]["weir.yaml"])
                variables = {**env, "WEIR_CONFIG": str(file), "VLLM_API_KEY": "EMPTY"}
                done = weir("config", "check", **variables)
                self.assertEqual(done.returncode, 0, done.stderr)
                shown = json.loads(weir("config", "show", "-o", "json", **variables).stdout)
                self.assertEqual(shown["engines"]["main"]["base_url"]["value"], env["VLLM_BASE_URL"])

    def test_flags_are_those_that_weir_has(self):
        said = jobs_help("work")
        pod, _ = worker(CASES["everything"])
        for word in pod["spec"]["containers"][0]["args"]:
            if word.startswith("--"):
                self.assertIn(word.split("=")[0], said)
        jobs_help("migrate")

    def test_a_key_in_the_values_is_refused(self):
        self.refused({"config": {"VLLM_API_KEY": "sk-1"}}, "put it into a Secret")
        self.refused({"store": {"existingSecret": ""}}, "store.existingSecret")

    def test_nothing_is_called_vllm(self):
        self.refused({"fullnameOverride": "vllm"}, 'may be called "vllm"')
        self.refused({"nameOverride": "vllm", "fullnameOverride": "vllm-"}, 'may be called "vllm"')
        with self.assertRaises(template.TemplateError):
            manifests_of = chart.texts(chart.merged(chart.defaults(), {"nameOverride": "vllm"}), release="vllm")
            self.fail(manifests_of)
        for case in CASES.values():
            self.assertNotIn(("Service", "vllm"), manifests(case))

    def test_no_pod_gets_the_variables_of_services_or_a_token(self):
        for case in CASES.values():
            for key, pod in pods(manifests(case)):
                self.assertIs(pod["spec"]["enableServiceLinks"], False, key)
                self.assertIs(pod["spec"]["automountServiceAccountToken"], False, key)

    def test_every_container_is_locked_up(self):
        for case in CASES.values():
            for key, pod in pods(manifests(case)):
                self.assertTrue(pod["spec"]["securityContext"]["runAsNonRoot"], key)
                self.assertGreater(pod["spec"]["securityContext"]["runAsUser"], 0)
                self.assertEqual(pod["spec"]["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
                for container in pod["spec"]["containers"]:
                    self.assertEqual(container["securityContext"],
                                     {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                      "capabilities": {"drop": ["ALL"]}})
                    self.assertIn("memory", container["resources"]["limits"])
                    self.assertNotRegex(container["image"], r":latest$|^[^:]*$")

    def test_a_worker_is_given_the_time_that_it_needs_to_drain(self):
        for case in CASES.values():
            pod, _ = worker(case)
            drain = int(flags(pod["spec"]["containers"][0]["args"])["--drain-timeout"].removesuffix("s"))
            self.assertGreaterEqual(pod["spec"]["terminationGracePeriodSeconds"], drain + 10)

    def test_slow_calls_hold_a_worker_back_where_that_is_wanted(self):
        for name, value in (("default", None), ("everything", "20s")):
            pod, _ = worker(CASES[name])
            self.assertEqual(flags(pod["spec"]["containers"][0]["args"]).get("--slow-after"), value)

    def test_probes_ask_the_port_of_the_metrics(self):
        for case in CASES.values():
            pod, made = worker(case)
            container = pod["spec"]["containers"][0]
            port = container["ports"][0]
            self.assertEqual(flags(container["args"])["--metrics"], f"0.0.0.0:{port['containerPort']}")
            for probe, path in (("startupProbe", "/healthz"), ("livenessProbe", "/healthz"),
                                ("readinessProbe", "/readyz")):
                self.assertEqual(container[probe]["httpGet"], {"path": path, "port": port["name"]})
            service = next(one for (kind, _), one in made.items() if kind == "Service")
            self.assertEqual(service["spec"]["clusterIP"], "None")
            self.assertEqual(service["spec"]["ports"][0]["targetPort"], port["name"])

    def test_what_selects_the_workers_selects_them(self):
        for case in CASES.values():
            made = manifests(case)
            deployment = next(one for (kind, _), one in made.items() if kind == "Deployment")
            labels = deployment["spec"]["template"]["metadata"]["labels"]
            selectors = [deployment["spec"]["selector"]["matchLabels"]]
            selectors += [one["labelSelector"]["matchLabels"] for one in
                          deployment["spec"]["template"]["spec"].get("topologySpreadConstraints", [])]
            for (kind, _), one in made.items():
                if kind in ("PodDisruptionBudget", "ServiceMonitor"):
                    selectors.append(one["spec"]["selector"]["matchLabels"])
                elif kind == "Service":
                    selectors.append(one["spec"]["selector"])
                elif kind == "NetworkPolicy":
                    selectors.append(one["spec"]["podSelector"]["matchLabels"])
                elif kind in ("HorizontalPodAutoscaler", "ScaledObject"):
                    self.assertEqual(one["spec"]["scaleTargetRef"]["name"], deployment["metadata"]["name"])
            for selector in selectors:
                self.assertLessEqual(selector.items(), labels.items())
            for key, pod in pods(made):
                if key[0] == "Job":
                    self.assertNotEqual(pod["metadata"]["labels"]["app.kubernetes.io/component"], "worker")

    def test_what_is_mounted_is_there(self):
        for case in CASES.values():
            pod, made = worker(case)
            volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
            for mount in pod["spec"]["containers"][0]["volumeMounts"]:
                self.assertIn(mount["name"], volumes)
            for volume in volumes.values():
                source = volume.get("configMap", {}).get("name")
                self.assertTrue(source in (None, "flows") or ("ConfigMap", source) in made, source)
            self.assertIn(("ServiceAccount", pod["spec"]["serviceAccountName"]), made)

    def test_the_hook_needs_nothing_of_the_release(self):
        made = manifests()
        job = next(one for (kind, _), one in made.items() if kind == "Job")
        self.assertEqual(job["metadata"]["annotations"]["helm.sh/hook"], "pre-install,pre-upgrade")
        text = json.dumps(job)
        for word in ("configMap", "serviceAccountName", "volumes"):
            self.assertNotIn(word, text)
        self.assertEqual(job["spec"]["template"]["spec"]["containers"][0]["args"], ["jobs", "migrate"])

    def test_a_change_of_the_configuration_restarts_and_one_of_the_overlay_does_not(self):
        def checksum(over):
            return worker(over)[0]["metadata"]["annotations"]["checksum/config"]

        self.assertRegex(checksum({}), r"^[0-9a-f]{64}$")
        for over in ({"config": {"VLLM_MODEL": "other"}}, {"flows": {"a.yaml": "nodes: []\n"}},
                     {"weir": {"engines": {"main": {"limits": {"max_in_flight": 1}}}}}):
            self.assertNotEqual(checksum(over), checksum({}), over)
        self.assertEqual(checksum({"overlay": {"a": {"variant": "v2"}}}), checksum({}))
        for mount in worker()[0]["spec"]["containers"][0]["volumeMounts"]:
            self.assertFalse(mount["name"] == "overlay" and "subPath" in mount, "a subPath is never read again")

    def test_the_files_are_those_that_were_given(self):
        _, made = worker(CASES["everything"])
        self.assertEqual(made["ConfigMap", "oracle-flows"]["data"]["fact.schema.json"], '{"type": "object"}\n')
        self.assertIn('user: "{{ document_text }}"', made["ConfigMap", "oracle-flows"]["data"]["classify.yaml"])
        overlay = yaml.safe_load(made["ConfigMap", "oracle-overlay"]["data"]["overlay.yaml"])
        self.assertEqual(overlay, CASES["everything"]["overlay"])

    def test_a_worker_is_told_its_flows(self):
        def words(case):
            return [word for word in worker(CASES[case])[0]["spec"]["containers"][0]["args"] if "/flows/" in word
                    or "--queue" in word]

        self.assertEqual(words("everything"), ["/etc/weir/flows/classify.yaml"], "the schema is no flow")
        self.assertEqual(words("little"), ["/etc/weir/flows/a.yaml", "/etc/weir/flows/b.yaml"])
        self.assertEqual(words("queues"), ["--queue=extract", "--queue=classify"])
        self.assertEqual(words("default"), [])

    def test_one_scaler_or_none(self):
        kinds = {name: [kind for kind, _ in manifests(case) if kind in ("HorizontalPodAutoscaler", "ScaledObject")]
                 for name, case in CASES.items()}
        self.assertEqual(kinds, {"default": [], "hpa": ["HorizontalPodAutoscaler"], "keda": ["ScaledObject"],
                                 "keda by prometheus": ["ScaledObject"], "everything": [], "little": [], "queues": []})
        for name, case in CASES.items():
            deployment = next(one for (kind, _), one in manifests(case).items() if kind == "Deployment")
            self.assertEqual("replicas" in deployment["spec"], not kinds[name], "a scaler owns the number")
        trigger = manifests(CASES["keda"])["ScaledObject", "test-weir-worker"]["spec"]["triggers"][0]
        self.assertEqual(trigger["metadata"]["targetQueryValue"], "2000000")
        self.assertEqual(trigger["metadata"]["connectionFromEnv"], "WEIR_JOBS_STORE")

    def test_what_cannot_work_is_refused(self):
        self.refused({"journal": {"type": "pvc", "accessMode": "ReadWriteOnce"}}, "ReadWriteMany")
        self.refused({"journal": {"type": "existingClaim"}}, "which claim")
        for scaler in ({"type": "hpa"}, {"type": "keda", "keda": {"trigger": "prometheus"}}):
            self.refused({"autoscaling": {**scaler, "minReplicas": 0}}, "minReplicas: 0")
        self.refused({"autoscaling": {"type": "hpa", "minReplicas": 11}}, "above")
        self.refused({"flows": {"a.yaml": ""}, "existingFlows": "b"}, "only one")
        self.refused({"flows": {"a.yaml": ""}, "worker": {"queues": ["a"]}}, "given flows")
        self.refused({"gateway": {"enabled": True}}, "there is no gateway in weir 0.1.0")
        one = {"journal": {"type": "pvc", "accessMode": "ReadWriteOnce"}, "worker": {"replicas": 1}}
        self.assertIn(("PersistentVolumeClaim", "test-weir-journal"), manifests(one))

    def test_the_schema_of_the_values_knows_them_and_nothing_else(self):
        def check(over):
            done = weir("schema", "check", "--schema", CHART / "values.schema.json",
                        stdin=json.dumps(chart.merged(chart.defaults(), over)))
            return done.returncode, done.stderr

        for name, case in CASES.items():
            self.assertEqual(check(case)[0], 0, (name, check(case)))
        for wrong in ({"wroker": {}}, {"worker": {"replica": 2}}, {"config": {"VLLM_API_KEY": "sk-1"}},
                      {"config": {"VLLM_BASEURL": "x"}}, {"image": {"tag": "latest"}}, {"fullnameOverride": "vllm"},
                      {"autoscaling": {"type": "vpa"}}, {"worker": {"replicas": "two"}},
                      {"config": {"VLLM_BASE_URL": None}}, {"store": {"existingSecret": ""}}):
            self.assertEqual(check(wrong)[0], 2, (wrong, check(wrong)))

    def test_every_value_is_used_and_every_use_has_a_value(self):
        used = set()
        for text in chart.templates().values():
            used |= set(re.findall(r"\.Values\.([\w.]+)", text))

        def leaves(values, at=()):
            for key, value in values.items():
                # Maps that are passed on as they are end at their name.
                if isinstance(value, dict) and value and ".".join((*at, key)) not in used:
                    yield from leaves(value, (*at, key))
                else:
                    yield ".".join((*at, key))

        known = set(leaves(chart.defaults()))
        self.assertEqual(used - known, {"config.VLLM_API_KEY"})  # within `config`, which is ranged over
        self.assertEqual(known - used, set())

    def test_the_version_is_that_of_weir(self):
        self.assertEqual(weir("--version").stdout, f"weir {chart.chart()['appVersion']}\n")

    def test_the_query_of_keda_counts_the_jobs_that_are_open(self):
        """On a real PostgreSQL with the schema of weir, in a folder of its own."""
        query = manifests(CASES["keda"])["ScaledObject", "test-weir-worker"]["spec"]["triggers"][0]["metadata"]["query"]
        self.assertIn(f"LIMIT {40 * 2000000 + 1})", query)
        source = (chart.ROOT / "weir/jobs/postgres_schema.cc").read_text()
        schema = re.search(r'kVersion1\[\] = R"sql\((.*?)\)sql"', source, re.S)[1]
        jobs = ", ".join(f"(1, 0, 0, {state}, {before}, '{key}', '', '')" for key, (state, before) in enumerate(
            [(0, 5), (0, 10**14), (1, "null"), (1, "null"), (2, "null"), (3, "null"), (4, "null"), (5, "null")]))
        insert = ("INSERT INTO weir_jobs (queue, submitted_at, priority, state, not_before, key, row_id, row) "
                  f"VALUES {jobs}")
        with Postgres() as database:
            self.assertEqual(database.run(f"{schema}; {insert}; {query}"), "4")
            self.assertEqual(database.run(query.replace("LIMIT 80000001", "LIMIT 2")), "2")


class Templates(unittest.TestCase):
    """template.py against rules of Go's templates that are easily got wrong."""

    def render(self, source, **values):
        made = template.Renderer({"a": source}, {"name": "c", "version": "1", "appVersion": "1"}, values)
        return made.render("c/templates/a")

    def test_the_language(self):
        for source, expected in (
                ("a {{- 1 }} b", "a1 b"), ("a {{ 1 -}} b", "a 1b"), ("{{/* no */}}x", "x"),
                ("{{ if .Values.no }}a{{ else if .Values.yes }}b{{ else }}c{{ end }}d", "bd"),
                ("{{ with .Values.map }}{{ .k }}{{ $.Values.yes }}{{ end }}", "vtrue"),
                ("{{ range .Values.list }}{{ . }},{{ else }}none{{ end }}", "x,y,"),
                ("{{ range .Values.none }}{{ . }}{{ else }}none{{ end }}", "none"),
                ("{{ range $k, $v := .Values.map }}{{ $k }}={{ $v }}{{ end }}", "k=v"),
                ("{{ $a := 1 }}{{ if true }}{{ $a = 2 }}{{ end }}{{ $a }}", "2"),
                ("{{ $a := 1 }}{{ if true }}{{ $a := 2 }}{{ end }}{{ $a }}", "1"),
                ('{{ define "x" }}[{{ . }}]{{ end }}{{ include "x" "y" | quote }}', '"[y]"'),
                ('{{ default "d" .Values.none }}{{ default "d" .Values.map.k }}', "dv"),
                ("{{ and .Values.yes (not .Values.no) }}{{ or .Values.no 7 }}", "true7"),
                ('{{ printf "%s-%s" "a" "b" | trunc 2 | trimSuffix "-" }}', "a"),
                ("{{ .Values.big }} {{ int .Values.big }} {{ .Values.small }}", "1e+06 1000000 0.5"),
                ('{{ "a\\nb" | nindent 2 }}', "\n  a\n  b"), ("{{ .Values.map | toJson }}", '{"k": "v"}')):
            with self.subTest(source):
                self.assertEqual(self.render(source, yes=True, no=False, map={"k": "v"}, list=["x", "y"], none=[],
                                             big=1000000, small=0.5), expected)

    def test_what_is_not_known_is_an_error(self):
        for source in ("{{ .Values.a.b }}", "{{ env }}", "{{ if true }}", "{{ end }}", "{{ $x }}", "{{ 1 | }}",
                       '{{ fail "no" }}', '{{ required "no" .Values.a }}', '{{ include "x" . }}', "{{ eq 1 \"1\" }}",
                       "{{ .Values.list }}", "{{ 1 2 }}", "{{ else }}", "{{ .Values"):
            with self.subTest(source), self.assertRaises(template.TemplateError):
                self.render(source, list=["x"])


class Go(unittest.TestCase):
    def test_gos_own_templates_give_the_same(self):
        go = program("go", "no other reader of templates has seen the chart")
        libraries = pathlib.Path("/usr/share/gocode")
        for library in ("Masterminds/sprig", "ghodss/yaml"):
            if not (libraries / "src/github.com" / library).is_dir():
                self.skipTest(f"NOT CHECKED: Go's library {library} is not installed (Debian's "
                              "golang-github-masterminds-sprig-dev, golang-github-ghodss-yaml-dev)")
        with tempfile.TemporaryDirectory() as folder:
            built = run(go, "build", "-o", f"{folder}/render", pathlib.Path(__file__).with_name("render.go"),
                        GO111MODULE="off", GOPATH=str(libraries), GOCACHE=f"{folder}/cache", GOFLAGS="-p=1")
            self.assertEqual(built.returncode, 0, built.stderr)
            for name, case in CASES.items():
                values = chart.merged(chart.defaults(), case)
                renderer = template.Renderer(chart.templates(), chart.chart(), values)
                done = run(f"{folder}/render", stdin=json.dumps(
                    {"chart": "weir", "templates": chart.templates(), "data": renderer.data}))
                self.assertEqual(done.returncode, 0, done.stderr)
                ours, theirs = chart.texts(values), json.loads(done.stdout)
                self.assertEqual(ours.keys(), theirs.keys())
                for path in ours:
                    with self.subTest(name, path=path):
                        # Two writers of YAML indent lists and quote texts each in its own way.
                        self.assertEqual(self.meaning(path, ours[path]), self.meaning(path, theirs[path]))

    def meaning(self, path, text):
        if path == "NOTES.txt":
            return text
        documents = [document for document in yaml.safe_load_all(text) if document is not None]
        for document in documents:
            for key, file in document.get("data", {}).items():
                if key in ("weir.yaml", "overlay.yaml"):
                    document["data"][key] = yaml.safe_load(file)
            annotations = document.get("spec", {}).get("template", {}).get("metadata", {}).get("annotations", {})
            annotations.pop("checksum/config", None)  # of the text
        return documents


if __name__ == "__main__":
    unittest.main()

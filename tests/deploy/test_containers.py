"""The image and compose.yaml. NOT checked here: that the image is built and that the containers come
up, which needs a Docker daemon and the network."""
import http.server
import json
import re
import subprocess
import threading
import unittest

import yaml

from chart import DEPLOY, ROOT
from harness import jobs_help, run, weir

DOCKERFILE = DEPLOY / "docker" / "Dockerfile"


def instructions():
    """(INSTRUCTION, its words as one line) of the Dockerfile."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


class Dockerfile(unittest.TestCase):
    def setUp(self):
        self.all = instructions()
        last = max(at for at, (name, _) in enumerate(self.all) if name == "FROM")
        self.build, self.final = self.all[:last], self.all[last:]

    def words(self, name, where=None):
        return [words for its, words in (where or self.final) if its == name]

    def test_bases_are_pinned(self):
        for image in self.words("FROM", self.all):
            self.assertRegex(image.split()[0], r"^debian:bookworm-20\d{6}(-slim)?(@sha256:[0-9a-f]{64})?$")
        dates = {re.search(r"20\d{6}", image)[0] for image in self.words("FROM", self.all)}
        self.assertEqual(len(dates), 1, "the build's libraries are those of the image")
        self.assertNotIn("latest", DOCKERFILE.read_text())
        self.assertIn(self.words("FROM")[0].split()[0], " ".join(self.words("LABEL")))

    def test_it_runs_as_nobody_special_and_without_a_shell(self):
        self.assertRegex(self.words("USER")[-1], r"^[1-9]\d+:[1-9]\d+$")
        self.assertEqual(json.loads(self.words("ENTRYPOINT")[-1]), ["weir"])
        self.assertIsInstance(json.loads(self.words("CMD")[-1]), list)
        self.assertRegex(self.words("HEALTHCHECK")[-1], r'CMD \["healthy", "9464", "/healthz"\]$')
        after = [its for its, _ in self.final[[its for its, _ in self.final].index("USER"):]]
        self.assertNotIn("RUN", after)

    def test_the_image_has_two_packages_and_no_lists_of_them(self):
        run_line, = self.words("RUN")
        installed = re.search(r"install -y -qq --no-install-recommends\s+([^&]*)", run_line)[1].split()
        self.assertEqual(installed, ["ca-certificates", "libpq5"])
        for line in self.words("RUN", self.all):
            if "apt-get" in line:
                self.assertIn("--no-install-recommends", line)
                self.assertIn("rm -rf /var/lib/apt/lists/*", line)
        self.assertFalse(self.words("ADD", self.all))
        self.assertFalse([line for line in self.words("ENV", self.all) + self.words("ARG", self.all)
                          if re.search("KEY|TOKEN|PASSWORD|SECRET", line)])

    def test_what_is_copied_is_there_and_not_ignored(self):
        rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines()
                 if line and not line.startswith("#")]
        self.assertEqual(rules[0], "*")
        kept = [rule[1:] for rule in rules if rule.startswith("!")]
        for rule in kept:
            self.assertTrue((ROOT / rule).exists(), rule)
        for line in self.words("COPY", self.all):
            words = [word for word in line.split() if not word.startswith("--")]
            if "--from=build" in line:
                continue
            for source in words[:-1]:
                self.assertTrue((ROOT / source).exists(), source)
                self.assertTrue(any(source == rule or source.startswith(rule + "/") for rule in kept), source)

    def test_it_is_built_of_what_dev_names(self):
        line = next(line for line in self.words("RUN", self.build) if "PACKAGES" in line)
        command = re.search(r'eval "\$\((.*?)\)"', line)[1].replace("/tmp/dev", str(ROOT / "dev"))
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", f'eval "$({command})"; echo $PACKAGES'],
                              capture_output=True, text=True, check=True)
        packages = done.stdout.split()
        self.assertGreater(len(packages), 20)
        for package in ("cmake", "clang-19", "ninja-build", "libpq-dev"):
            self.assertIn(package, packages)
        for package in packages:
            self.assertRegex(package, r"^[a-z0-9][a-z0-9.+-]+$")
        self.assertIn("cmake --preset release", " ".join(self.words("RUN", self.build)))
        copied = " ".join(self.words("COPY", self.build)).split()
        for folder in re.findall(r"add_subdirectory\((\w+)[/)]", (ROOT / "CMakeLists.txt").read_text()):
            self.assertIn(folder, copied, "CMake wants it")

    def test_the_versions_are_one(self):
        version = weir("--version").stdout.split()[1]
        self.assertIn(f'org.opencontainers.image.version="{version}"', " ".join(self.words("LABEL")))
        self.assertIn(f"image: weir:{version}\n", (DEPLOY / "compose.yaml").read_text())

    def test_healthy_tells_who_is(self):
        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200 if self.path == "/healthz" else 503)
                self.end_headers()

            def log_message(self, *words):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port, script = str(server.server_port), DEPLOY / "docker" / "healthy"
        self.assertEqual(run(script, port, "/healthz").returncode, 0)
        self.assertNotEqual(run(script, port, "/readyz").returncode, 0)
        server.shutdown()
        server.server_close()
        self.assertNotEqual(run(script, port, "/healthz").returncode, 0)


class Compose(unittest.TestCase):
    def setUp(self):
        self.all = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
        self.services = self.all["services"]
        self.weirs = {name: one for name, one in self.services.items() if one["image"].startswith("weir:")}

    def test_it_is_what_was_promised(self):
        self.assertEqual(set(self.services), {"postgres", "sim", "llm", "migrate", "submit-extract",
                                              "submit-classify", "worker-1", "worker-2"})
        for name, one in self.services.items():
            self.assertRegex(one["image"], r":v?\d", "a version, and not the latest")
            self.assertIn("healthcheck", one)
            self.assertIn("restart", one)
        self.assertEqual({name for name, one in self.services.items() if "profiles" in one}, {"sim", "llm"})
        env = (DEPLOY / ".env").read_text()
        self.assertIn("\nCOMPOSE_PROFILES=sim\nVLLM_BASE_URL=http://sim:8000\n", env)
        for host in re.findall(r"VLLM_BASE_URL=http://(\w+):8000", env):
            self.assertIn(host, self.services)

    def test_no_secret_is_in_the_files(self):
        for file in ("compose.yaml", ".env"):
            self.assertNotRegex((DEPLOY / file).read_text(), r"(?i)(password|api_key|token)\s*[:=]\s*\S")
            self.assertNotIn("postgres://", (DEPLOY / file).read_text())
        self.assertIn("/secrets/", (DEPLOY / ".gitignore").read_text().split())
        for one in self.services.values():
            for file in one.get("env_file", []):
                example = DEPLOY / file.replace("secrets/", "secrets.example/")
                self.assertTrue(example.exists(), example)
                self.assertRegex(example.read_text(), "change-me")

    def test_what_is_mounted_and_depended_on_is_there(self):
        for name, one in self.services.items():
            for volume in one.get("volumes", []):
                source = volume.split(":")[0]
                if source.startswith("."):
                    self.assertTrue((DEPLOY / source).exists(), source)
                else:
                    self.assertIn(source, self.all["volumes"])
            for other, how in one.get("depends_on", {}).items():
                self.assertIn(other, self.services)
                if "profiles" in self.services[other]:
                    self.assertIs(how["required"], False, f"{other} may not be there")
            for network in one["networks"]:
                self.assertIn(network, self.all["networks"])
            for word in one.get("command", []):
                if word.startswith("/etc/weir/flows/"):
                    self.assertTrue((ROOT / "examples/stonks" / word.split("/")[-1]).exists(), word)

    def test_only_those_who_need_it_reach_the_store(self):
        self.assertTrue(self.all["networks"]["store"]["internal"])
        outside = {name for name, one in self.services.items() if "store" not in one["networks"]}
        self.assertEqual(outside, {"sim", "llm"})
        self.assertFalse([name for name, one in self.services.items() if "ports" in one])
        self.assertNotIn("vllm", self.services)

    def test_our_containers_are_locked_up(self):
        for name, one in self.weirs.items():
            self.assertTrue(one["read_only"], name)
            self.assertEqual(one["cap_drop"], ["ALL"])
            self.assertEqual(one["security_opt"], ["no-new-privileges:true"])

    def test_workers_have_the_time_to_drain(self):
        for name in ("worker-1", "worker-2"):
            command = self.services[name]["command"]
            drain = int(next(word for word in command if "--drain-timeout" in word).split("=")[1].removesuffix("s"))
            self.assertGreaterEqual(int(self.services[name]["stop_grace_period"].removesuffix("s")), drain + 10)
            self.assertIn("--journal=/var/lib/weir/journal", command)
            self.assertIn("journal:/var/lib/weir", self.services[name]["volumes"])

    def test_weir_has_these_commands_and_flags(self):
        for name, one in self.weirs.items():
            command = one["command"]
            said = jobs_help(command[1]) if command[0] == "jobs" else weir(command[0], "--help").stdout
            for word in command:
                if word.startswith("-"):
                    self.assertRegex(said, rf"(?m)(^\s*|,){re.escape(word.split('=')[0])}\b", name)

    def test_weir_understands_its_configuration(self):
        done = weir("config", "check", DEPLOY / "compose" / "weir.yaml", VLLM_BASE_URL="http://sim:8000",
                    VLLM_TIMEOUT="600", VLLM_MAX_RETRIES="3", VLLM_MODEL="", VLLM_TEMPERATURE="")
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()

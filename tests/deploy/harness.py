"""What these tests share."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from chart import ROOT

WEIR = os.environ.get("WEIR_BIN", str(ROOT / "build/release/bin/weir"))
PATIENCE = 60  # seconds until a hanging program fails its test


def program(name, what):
    """The path of a program that need not be there; without it the test is skipped, and says so."""
    path = shutil.which(name)
    if not path:
        raise unittest.SkipTest(f"NOT CHECKED: there is no {name} here, so {what}")
    return path


def run(*command, stdin="", cwd=None, **environment):
    base = {"PATH": os.environ["PATH"], "HOME": tempfile.gettempdir() + "/weir-no-home", "TERM": "dumb"}
    return subprocess.run([str(word) for word in command], input=stdin, capture_output=True, text=True,
                          timeout=PATIENCE, cwd=cwd, env={**base, **environment})


def weir(*words, **more):
    return run(WEIR, *words, **more)


def jobs_help(verb):
    """What `weir jobs VERB` says of itself."""
    done = weir("jobs", verb, "--help")
    if f"weir jobs {verb}" not in done.stdout:
        raise unittest.SkipTest(f"NOT CHECKED: this weir has no `jobs {verb}`, so its flags are taken on trust")
    return done.stdout


class Postgres:
    """A PostgreSQL of its own, behind a socket in a temporary folder. It never runs as root."""

    def __enter__(self):
        folders = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
        if not folders:
            raise unittest.SkipTest("NOT CHECKED: there is no PostgreSQL here (Debian's package postgresql)")
        self.programs = folders[-1]
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.become = []
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
            self.become = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        self.call("initdb", "-D", self.folder / "data", "-U", "weir", "--auth=trust", "--no-sync")
        self.call("pg_ctl", "-D", self.folder / "data", "-w", "-l", self.folder / "log", "-o",
                  f"-k {self.folder} -c listen_addresses='' -c fsync=off", "start")
        return self

    def __exit__(self, *error):
        self.call("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.folder)

    def call(self, name, *words):
        # Not captured: the server would keep the pipe open.
        subprocess.run([*map(str, [*self.become, self.programs / name, *words])], check=True, timeout=PATIENCE,
                       cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def run(self, sql):
        """What the last statement says, without a table around it."""
        done = run("psql", "-h", self.folder, "-U", "weir", "-d", "postgres", "-qAtX", "-v", "ON_ERROR_STOP=1", "-c",
                   sql)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

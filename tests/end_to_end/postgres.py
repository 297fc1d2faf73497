"""A PostgreSQL of the test's own: a cluster in a temporary folder, on loopback, ended by its pid."""
import glob
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from harness import PATIENCE


def programs():
    """The folder of initdb and postgres; None where they are not installed."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
    return pathlib.Path(folders[-1]) if folders and (pathlib.Path(folders[-1]) / "initdb").exists() else None


class Postgres:
    """In a with-block: a running server, and its url."""

    def __init__(self, *settings):
        self.settings = settings

    def __enter__(self):
        self.bin = programs()
        self.folder = tempfile.mkdtemp(prefix="weir-pg-")
        # PostgreSQL does not run as root.
        self.user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
        if self.user:
            shutil.chown(self.folder, "postgres", "postgres")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.data = self.folder + "/data"
        subprocess.run([*self.user, self.bin / "initdb", "-D", self.data, "-U", "weir", "--auth=trust", "-E", "UTF8",
                        "--no-locale", "--no-sync"], check=True, capture_output=True, cwd=self.folder, timeout=PATIENCE)
        self.url = f"postgres://weir@127.0.0.1:{self.port}/postgres"
        self.start()
        return self

    def start(self):
        settings = [part for setting in ("listen_addresses=127.0.0.1", f"port={self.port}",
                                         f"unix_socket_directories={self.folder}", "shared_buffers=64MB",
                                         *self.settings) for part in ("-c", setting)]
        self.log = open(self.folder + "/log", "ab")
        self.process = subprocess.Popen([*self.user, self.bin / "postgres", "-D", self.data, *settings],
                                        stdout=self.log, stderr=self.log, cwd=self.folder)
        self.log.close()
        end = time.monotonic() + PATIENCE
        while subprocess.run([self.bin / "pg_isready", "-h", "127.0.0.1", "-p", str(self.port), "-q"]).returncode:
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(pathlib.Path(self.folder + "/log").read_text())
            time.sleep(0.05)

    def stop(self, how=signal.SIGINT):
        """SIGINT: as an administrator does it; SIGQUIT: at once, as a crash."""
        self.process.send_signal(how)
        self.process.wait(PATIENCE)

    def restart(self, how=signal.SIGQUIT):
        self.stop(how)
        self.start()

    def ask(self, sql):
        """The rows of a query, as lists of texts."""
        done = subprocess.run([self.bin / "psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "weir", "-d",
                               "postgres", "-AtF", "\t", "-c", sql], capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode:
            raise AssertionError(done.stderr)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def __exit__(self, *unused):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

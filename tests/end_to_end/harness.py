"""What the end-to-end tests share: the binary, a simulator in a with-block, temporary folders."""
import os
import pathlib
import random
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEIR = os.environ.get("WEIR_BIN", str(ROOT / "build/release/bin/weir"))
PATIENCE = 180  # seconds until a hanging program fails its test


def environment(**more):
    """A small fixed environment: nothing of the caller's configuration leaks in."""
    base = {"PATH": os.environ["PATH"], "HOME": tempfile.gettempdir() + "/weir-no-home", "TERM": "dumb"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
        if name in os.environ:
            base[name] = os.environ[name]
    return {**base, **more}


def weir(*args, stdin=None, env=None, cwd=None):
    """Runs weir to its end. stdin None is an empty one."""
    return subprocess.run([WEIR, *args], input=stdin or "", capture_output=True, text=True,
                          timeout=PATIENCE, env=environment(**(env or {})), cwd=cwd)


def until(true, what):
    """Waits until `true()` is, and gives what it is."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = true()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("waited in vain until " + what)


def with_more_time(ask, good):
    """What `ask(seconds)` gives. Where the machine was too slow for `good` to come about, it is asked with more of them."""
    for seconds in ("0.2", "1", "5", "25"):
        given = ask(seconds)
        if good(given):
            break
    return given


def does(process, what, number):
    """Whether a process has a handler for a signal ("SigCgt"), or ignores it ("SigIgn")."""
    lines = pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines()
    mask = next(line for line in lines if line.startswith(what + ":")).split()[1]
    return bool(int(mask, 16) >> (number - 1) & 1)


def free_port():
    """A port on loopback below those that connections and port 0 are given, so that nobody takes it by chance."""
    while True:
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", random.randrange(20000, 32000)))
            except OSError:
                continue
            return listener.getsockname()[1]


class Sim:
    """`weir sim` on a free port (or as --listen says), ended by its pid."""

    def __init__(self, *args):
        self.args = args

    def __enter__(self):
        self.process = subprocess.Popen([WEIR, "sim", *self.args], stdout=subprocess.PIPE,
                                        text=True, env=environment())
        line = self.process.stdout.readline()
        prefix = "weir sim: listening on "
        if not line.startswith(prefix):
            raise AssertionError(f"no ready line but {line!r}")
        self.url = line[len(prefix):].strip()
        return self

    def __exit__(self, *unused):
        self.process.send_signal(signal.SIGTERM)
        self.rest = self.process.communicate(timeout=PATIENCE)[0]


class RawServer:
    """Answers one connection with fixed bytes, then does what `end` says: close, or wait."""

    def __init__(self, reply=b"", end="close"):
        self.reply, self.end = reply, end
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(PATIENCE)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.request = b""
        self.accepted = 0
        self.peer_closed = threading.Event()
        self.got_request = threading.Event()
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def serve(self):
        try:
            while True:
                connection, _ = self.listener.accept()
                self.accepted += 1
                connection.settimeout(PATIENCE)
                with connection:
                    self.request = connection.recv(1 << 20)
                    self.got_request.set()
                    self.answer(connection)
        except OSError:
            return  # the test is over and has closed the listener

    def answer(self, connection):
        try:
            connection.sendall(self.reply)
            while self.end == "wait" and connection.recv(1 << 20):
                pass  # the rest of a request that came in pieces
        except (ConnectionResetError, BrokenPipeError):
            pass  # closed by a client that had not read the reply
        if self.end == "wait":
            self.peer_closed.set()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(PATIENCE)


class Pane:
    """A terminal of its own (tmux), with a command of weir in it."""

    def __init__(self, folder, *args, width=60, height=24):
        self.name = f"weir-test-{os.getpid()}-{time.monotonic_ns()}"
        env = environment(HOME=str(folder), TERM="screen-256color", LC_ALL="C.UTF-8")
        # The shell tells of the end: tmux itself does not always notice that a program has ended.
        tell = 'trap : INT; "$@"; echo "ended with $?"; read never'
        command = ["env", "-i", *[f"{key}={value}" for key, value in env.items()],
                   "sh", "-c", tell, "sh", WEIR, *args]
        subprocess.run(["tmux", "-L", self.name, "-f", "/dev/null", "-u", "new-session", "-d", "-x", str(width),
                        "-y", str(height), "-c", str(folder), *command], check=True, timeout=PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        subprocess.run(["tmux", "-L", self.name, "kill-server"], timeout=PATIENCE, capture_output=True)

    def keys(self, *keys):
        subprocess.run(["tmux", "-L", self.name, "send-keys", *keys], check=True, timeout=PATIENCE)

    def resize(self, width, height):
        subprocess.run(["tmux", "-L", self.name, "resize-window", "-x", str(width), "-y", str(height)], check=True,
                       timeout=PATIENCE)

    def screen(self):
        return subprocess.run(["tmux", "-L", self.name, "capture-pane", "-p"], check=True, text=True,
                              capture_output=True, timeout=PATIENCE).stdout.rstrip()

    def until(self, good):
        """The screen, once `good` says so."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            screen = self.screen()
            if good(screen):
                return screen
            time.sleep(0.02)
        raise AssertionError("this never came to the screen:\n" + self.screen())


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)

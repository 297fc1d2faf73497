"""The dialects of `weir sim`, and what a call looks like on the wire of each."""
import contextlib
import json
import pathlib
import tempfile
import urllib.request
from typing import NamedTuple

from harness import Sim, weir


class Dialect(NamedTuple):
    """What is expected of one dialect."""
    kind: str = "vllm"
    constraints: str = ""  # how regex, choice and grammar are spelled: guided, structured, or not at all
    thoughts: str = "apart"  # where they come: apart from the text, inside of it, or not at all
    best_of: bool = False
    responses: bool = True
    chat: str = "/v1/chat/completions"
    prompt: str = "/v1/completions"
    embed: str = "/v1/embeddings"
    models: str = "/v1/models"
    version: str = "/version"
    model: str = "sim-model"  # as the list of models names it
    most_tokens: str = "max_tokens"


DIALECTS = {
    "vllm-0.6": Dialect(constraints="guided", thoughts="inside", best_of=True, responses=False),
    "vllm-0.10": Dialect(constraints="guided", best_of=True),
    "vllm-0.11": Dialect(constraints="structured", best_of=True),
    "vllm-0.12": Dialect(constraints="structured"),
    "vllm-0.16": Dialect(constraints="structured"),
    "vllm-latest": Dialect(constraints="structured"),
    "openai": Dialect(kind="openai", thoughts="never", most_tokens="max_completion_tokens"),
    "ollama": Dialect(kind="ollama", responses=False, chat="/api/chat", prompt="/api/generate", embed="/api/embed",
                      models="/api/tags", version="/api/version", model="sim-model:latest", most_tokens="num_predict"),
}
VLLM = [name for name, dialect in DIALECTS.items() if dialect.kind == "vllm"]
NO_RETRY = "retry: {max_retries: 0}"


class Server(Sim):
    """A simulator of one dialect, and the engine `it` that stands for it in a configuration."""

    def __init__(self, name, *args):
        super().__init__("--instant", "--dialect", name, *args)
        self.name, self.dialect = name, DIALECTS[name]

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        return super().__enter__()

    def __exit__(self, *unused):
        super().__exit__(*unused)
        self.folder.cleanup()

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.url + path, method=method, data=body and body.encode())
        with urllib.request.urlopen(request) as response:
            return response.read()

    def script(self, *rules):
        self.ask("POST", "/sim/config", json.dumps(rules))

    def config(self, *keys):
        path = pathlib.Path(self.folder.name) / "weir.yaml"
        keys = ", ".join([f"kind: {self.dialect.kind}", f"base_url: '{self.url}'", *keys])
        path.write_text(f"engines: {{it: {{{keys}}}}}")
        return str(path)

    def run(self, *args, keys=("model: sim-model", NO_RETRY), **how):
        """Runs weir with the engine; what the server got is in `requests` then."""
        self.ask("DELETE", "/sim/requests")
        done = weir("--config", self.config(*keys), *args, **how)
        self.requests = json.loads(self.ask("GET", "/sim/requests"))
        return done

    def document(self, *args, **how):
        """The same with -o json: the exit code and the document."""
        done = self.run(*args, "-o", "json", **how)
        return done.returncode, json.loads(done.stdout), done

    def sent(self, method="POST"):
        """Path and body of the requests that came."""
        return [(request["target"], json.loads(request["body"] or "null")) for request in self.requests
                if request["method"] == method]

    def body(self):
        (_, body), = self.sent()
        return body


class Fleet:
    """One server of each dialect, started when it is asked for first."""

    def __init__(self, *args):
        self.args = args
        self.stack = contextlib.ExitStack()
        self.servers = {}

    def __getitem__(self, name):
        if name not in self.servers:
            self.servers[name] = self.stack.enter_context(Server(name, *self.args))
        return self.servers[name]

    def close(self):
        self.stack.close()

#!/usr/bin/env python3
"""run_script SCRIPT: runs a tool script of an imported agent bundle as a program of weir.

Written by `weir config import`. SCRIPT counts from the folder of this file, and works in the
workspace. Its inputs come as JSON on stdin, what the row holds stands in for inputs that the model
does not give, and the value of its last line is printed as JSON. Scripts are run by Python itself:
nothing confines them but `sandbox: true` of the agent.
"""
import ast
import asyncio
import inspect
import json
import os
import pathlib
import subprocess
import sys
import types

RESULT = "_result_of_the_script"


def read_file(path):
    return pathlib.Path(path).read_text(encoding="utf-8")


def write_file(path, content):
    file = pathlib.Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, encoding="utf-8")
    return True


def file_exists(path):
    return pathlib.Path(path).exists()


def run_command(cmd, args=()):
    done = subprocess.run([cmd, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return {"exit_code": done.returncode, "stdout": done.stdout, "stderr": done.stderr}


GIVEN = {given.__name__: given for given in (read_file, write_file, file_exists, run_command)}


def external(declared):
    """The function that a script declares, as it is given here."""
    name = declared.__name__

    def call(*positional, **named):
        if name not in GIVEN:
            raise RuntimeError(f"{name} is not given to scripts here; add it to run_script")
        return GIVEN[name](*positional, **named)

    async def wait(*positional, **named):
        return call(*positional, **named)

    return wait if inspect.iscoroutinefunction(declared) else call


def main():
    script = pathlib.Path(__file__).resolve().parent / sys.argv[1]
    given = json.loads(sys.stdin.read() or "{}")
    row = given.get("row")
    row = row if isinstance(row, dict) else {}
    standard = {
        "node_text": row.get("text"),
        "node_name": row.get("name"),
        "node_type": row.get("kind"),
        "target_file": row.get("path"),
        "file_path": row.get("path"),
        "workspace_id": os.environ.get("WEIR_AGENT"),
    }
    inputs = {name: value for name, value in standard.items() if value is not None} | given

    def declared_input(name, *default, **named):
        if name in inputs:
            return inputs[name]
        if default or "default" in named:
            return default[0] if default else named["default"]
        sys.exit(f"{sys.argv[1]} needs the input '{name}'")

    module = types.ModuleType("grail")
    module.Input, module.external = declared_input, external
    sys.modules["grail"] = module
    # What scripts without declared inputs read.
    os.environ["REMORA_INPUT"] = json.dumps(inputs)
    os.environ["REMORA_WORKSPACE_DIR"] = os.getcwd()
    os.environ["REMORA_WORKSPACE_ID"] = standard["workspace_id"] or ""
    if standard["target_file"]:
        os.environ["REMORA_TARGET_FILE"] = standard["target_file"]

    try:
        tree = ast.parse(script.read_text(encoding="utf-8"), str(script))
    except (OSError, SyntaxError) as error:
        sys.exit(f"cannot read the script: {error}")
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = tree.body[-1]
        target = ast.copy_location(ast.Name(RESULT, ast.Store()), last)
        tree.body[-1] = ast.copy_location(ast.Assign([target], last.value), last)
    code = compile(tree, str(script), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    names = {"__name__": "__main__", "__file__": str(script)}
    running = eval(code, names)
    if inspect.iscoroutine(running):
        asyncio.run(running)
    if names.get(RESULT) is not None:
        json.dump(names[RESULT], sys.stdout)


main()

#!/usr/bin/env python3
"""Fails when a source file holds what the house has banned, with the reason and what to do instead.

Comments and strings are code too for TODO; for the rest they are blanked out first.
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
MAX_LINES = 600
IN_TESTS = re.compile(r"_(test|testing|bench|fuzz)\.(cc|h)$")

# pattern, files it is allowed in (None: nowhere), reason
IN_TEXT = [
    (r"\b(TODO|FIXME)\b", None, "finish it, or open an issue; the tree holds no promises"),
]
IN_CODE = [
    (r"\bstd::regex|<regex>", None, "std::regex overflows the stack and is not linear in time"),
    (r"\bboost::json::|<boost/json\b", None, "it rounds doubles wrongly and is slower; json has reader, scanner and writer"),
    (r"\b(sleep_for|sleep_until|usleep|nanosleep)\b", IN_TESTS,
     "time comes from the Context's clock; await its timer"),
    (r"\basio::(detached|co_spawn|use_awaitable)\b", None, "nothing runs detached; give it to a TaskScope, and await with async::kAwait"),
    (r"\bstd::(cout|cerr|clog)\b|<iostream>|\bstd::f?printf\b|(?<![\w:.])f?printf\(|\bputs\(", r"weir/cli/",
     "only cli talks to the terminal; return a value or take a Log"),
]
NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])*\'', re.S)
problems = []


def blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def check(name, text, rules):
    for pattern, allowed, reason in rules:
        if allowed and re.search(allowed, name):
            continue
        for match in re.finditer(pattern, text):
            line = text.count("\n", 0, match.start()) + 1
            problems.append(f"{name}:{line}: {match[0].strip()}: {reason}")


for folder in ("weir", "bench", "tests"):
    for file in sorted((root / folder).rglob("*")):
        if file.suffix not in (".h", ".cc") or not file.is_file():
            continue
        name, text = file.relative_to(root).as_posix(), file.read_text()
        if text.count("\n") > MAX_LINES:
            problems.append(f"{name}: longer than {MAX_LINES} lines; split it where the idea changes")
        check(name, text, IN_TEXT)
        if folder == "weir":
            check(name, NOISE.sub(blank, text), IN_CODE)

if problems:
    print("\n".join(problems))
sys.exit(bool(problems))

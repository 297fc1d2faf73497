#!/usr/bin/env python3
"""Fails when the house rules on includes are broken (the CTest entry `layers`).

- a module includes only modules that its weir_module() line declares, and the edges have no cycle;
- Asio and Beast appear only in async and http; yaml-cpp only in json; RE2 only in schema; CLI11
  only in cli; and none of OpenSSL, CLI11, yaml-cpp, RE2 in a header;
- nobody outside cli reads the process environment.
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1]) / "weir"
OWNERS = {
    r"<boost/(asio|beast)\b": {"async", "http"},
    r"<yaml-cpp/": {"json"},
    r"<re2/": {"schema"},
    r"<CLI/": {"cli"},
    r"<openssl/": {"http"},
}
NOT_IN_HEADERS = re.compile(r"<(openssl|CLI|yaml-cpp|re2|spdlog)/")
problems, edges = [], {}

for file in sorted(root.glob("*/CMakeLists.txt")):
    call = re.search(r"weir_module\((\w+)([^)]*)\)", file.read_text())
    if not call:
        problems.append(f"{file}: no weir_module() call")
        continue
    deps = re.search(r"\bDEPS\s+([\w\s]+?)(?:\bEXTERNAL\b|$)", call[2])
    edges[call[1]] = set(deps[1].split()) if deps else set()


def visit(module, path):
    if module in path:
        problems.append("cycle: " + " -> ".join([*path, module]))
        return
    for dep in edges.get(module, ()):
        visit(dep, [*path, module])


for module in edges:
    visit(module, [])
    for file in sorted((root / module).rglob("*.[ch]*")):
        if file.suffix not in (".h", ".cc"):
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            where = f"{file}:{number}"
            ours = re.match(r'#include "weir/(\w+)/', line)
            if ours and ours[1] != module and ours[1] not in edges[module]:
                problems.append(f"{where}: {module} may not include {line[9:]}")
            if line.startswith("#include"):
                for pattern, owners in OWNERS.items():
                    if re.search(pattern, line) and module not in owners:
                        problems.append(f"{where}: only {' and '.join(sorted(owners))} may include {line[9:]}")
                if file.suffix == ".h" and NOT_IN_HEADERS.search(line):
                    problems.append(f"{where}: {line[9:]} does not belong in a header")
            # Tests may look for cases of others (WEIR_SUITES).
            is_test = file.name.endswith("_test.cc")
            if re.search(r"\bgetenv\(", line) and module != "cli" and not is_test:
                problems.append(f"{where}: only cli reads the environment; take it from base::Env")

print("\n".join(problems))
sys.exit(bool(problems))

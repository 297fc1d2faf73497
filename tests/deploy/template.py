"""Go's text/template as far as the chart uses it, and the functions of Helm that the chart calls.

Whatever the chart does not use is an error here, so that nothing is rendered by a guess: this is a
second reading of the chart, not a second Helm. test_go.py holds it against Go's own templates.
"""
import hashlib
import json
import re

import yaml


class TemplateError(Exception):
    """The template is wrong, or it called `fail` or `required`."""


# Words of an action.
TOKEN = re.compile(r"""\s+|(?P<text>"(?:\\.|[^"\\])*")|(?P<raw>`[^`]*`)|(?P<number>-?\d+)|(?P<assign>:=|=)"""
                   r"""|(?P<field>(?:\$\w*|\.)(?:\.?\w+(?:\.\w+)*)?)|(?P<word>\w+)|(?P<sign>[|(),])""")
ACTION = re.compile(r"\{\{(?P<trim>- )?(?P<body>(?:\s*/\*.*?\*/\s*)|(?:\"(?:\\.|[^\"\\])*\"|`[^`]*`|[^\"`])*?)"
                    r"(?P<last> -)?\}\}", re.S)


def tokens(body):
    at, found = 0, []
    while at < len(body):
        match = TOKEN.match(body, at)
        if not match:
            raise TemplateError(f"not understood: {body[at:]!r} in {{{{{body}}}}}")
        at = match.end()
        kind = match.lastgroup
        if kind:
            found.append((kind, match[kind]))
    return found


# --- Reading: a template is a list of texts and nodes.

class Node:
    def __init__(self, kind, head=None):
        self.kind, self.head, self.body, self.other = kind, head, [], None


def read(source, defined, name):
    """The nodes of `source`; what it defines goes to `defined`."""
    pieces, at = [], 0
    for match in ACTION.finditer(source):
        pieces.append([source[at:match.start()], match["body"], bool(match["trim"]), bool(match["last"])])
        at = match.end()
    rest = source[at:]
    if "{{" in rest:
        raise TemplateError(f"{name}: an action without an end: {rest[rest.index('{{'):][:60]!r}")
    root = Node("root")
    stack, trim_next = [root], False
    into = root.body
    for text, body, trim, last in pieces:
        text = text.lstrip(" \t\r\n") if trim_next else text
        text = text.rstrip(" \t\r\n") if trim else text
        trim_next = last
        if text:
            into.append(text)
        body = body.strip()
        if body.startswith("/*"):
            continue
        words = tokens(body)
        first = words[0][1] if words[0][0] == "word" else None
        if first in ("if", "range", "with", "define"):
            node = Node(first, words[1:])
            if first != "define":
                into.append(node)
            stack.append(node)
            into = node.body
        elif first == "else":
            owner = stack[-1]
            if owner.other is not None or owner.kind not in ("if", "range", "with"):
                raise TemplateError(f"{name}: an else too many")
            owner.other = []
            into = owner.other
            if len(words) > 1:  # else if: a node inside, which ends together with this one
                node = Node(words[1][1], words[2:])
                into.append(node)
                node.chained = True
                stack.append(node)
                into = node.body
        elif first == "end":
            while getattr(stack[-1], "chained", False):
                stack.pop()
            node = stack.pop()
            if node is root:
                raise TemplateError(f"{name}: an end too many")
            if node.kind == "define":
                defined[json.loads(node.head[0][1])] = node.body
            into = stack[-1].other if stack[-1].other is not None else stack[-1].body
        else:
            into.append(Node("action", words))
    if len(stack) != 1:
        raise TemplateError(f"{name}: {stack[-1].kind} without end")
    rest = rest.lstrip(" \t\r\n") if trim_next else rest
    if rest:
        root.body.append(rest)
    return root.body


# --- Values. Numbers of values.yaml are floats, as in Helm, which reads it by way of JSON.

def as_helm(value):
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, list):
        return [as_helm(item) for item in value]
    return {key: as_helm(item) for key, item in value.items()}


def as_json(value):
    """Floats that are whole become integers, as Go writes them in JSON."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in sorted(value.items())}
    return value


def printed(value):
    """As Go's %v."""
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value and not 1e-4 <= abs(value) < 1e21:
            raise TemplateError(f"this number is not printed here: {value}")
        if value.is_integer() and abs(value) < 1e6:
            return str(int(value))
        if abs(value) >= 1e6:  # 1e+06: what makes such a number unfit for a manifest
            digits, power = f"{value:.16e}".split("e")
            return f"{digits.rstrip('0').rstrip('.')}e+{int(power):02d}"
        return repr(value)
    if isinstance(value, (int, str)):
        return str(value)
    raise TemplateError(f"a list or a map is printed without toYaml: {value!r}")


def true(value):
    return not (value is None or value is False or value == 0 or value == "" or value == [] or value == {})


def quote(value):
    text = printed(value) if value is not None else ""
    return json.dumps(text, ensure_ascii=False)


def to_yaml(value):
    if value in ({}, []):
        return "{}" if value == {} else "[]"
    return yaml.safe_dump(as_json(value), sort_keys=True, allow_unicode=True, default_flow_style=False,
                          width=10**9).removesuffix("\n").removesuffix("\n...")


def indent(width, text):
    return "\n".join(" " * int(width) + line for line in text.split("\n"))


def compare(what):
    def function(one, other):
        if type(one) is not type(other):
            raise TemplateError(f"incompatible types for comparison: {one!r}, {other!r}")
        return what(one, other)
    return function


def fail(message):
    raise TemplateError(message)


def kind_of(value):
    return {str: "string", bool: "bool", float: "float64", int: "int", list: "slice", dict: "map",
            type(None): "invalid"}[type(value)]


def printf(form, *values):
    if re.search(r"%[^s]", form):
        fail(f"printf: only %s is known here: {form!r}")
    return form % tuple(printed(value) for value in values)


FUNCTIONS = {
    "default": lambda other, value=None: value if true(value) else other,
    "quote": quote,
    "printf": printf,
    "print": lambda *values: "".join(printed(value) for value in values),
    "trunc": lambda length, text: text[:int(length)],
    "trimSuffix": lambda suffix, text: text.removesuffix(suffix),
    "contains": lambda part, text: part in text,
    "eq": compare(lambda one, other: one == other),
    "ne": compare(lambda one, other: one != other),
    "gt": compare(lambda one, other: one > other),
    "lt": compare(lambda one, other: one < other),
    "not": lambda value: not true(value),
    "int": lambda value: int(value or 0),
    "mul": lambda one, other: int(one) * int(other),
    "hasSuffix": lambda suffix, text: text.endswith(suffix),
    "add": lambda *values: sum(int(value) for value in values),
    "kindIs": lambda kind, value: kind_of(value) == kind,
    "toYaml": to_yaml,
    "toJson": lambda value: json.dumps(as_json(value), ensure_ascii=False),
    "indent": indent,
    "nindent": lambda width, text: "\n" + indent(width, text),
    "sha256sum": lambda text: hashlib.sha256(text.encode()).hexdigest(),
    "fail": fail,
    "required": lambda message, value: fail(message) if value is None or value == "" else value,
}


# --- Rendering.

class Scope:
    """`.` and the variables; `$` is where the template began."""

    def __init__(self, dot, variables):
        self.dot, self.variables = dot, variables


class Renderer:
    def __init__(self, templates, chart, values, release="test", namespace="default"):
        self.defined, self.files = {}, {}
        self.data = {
            "Values": as_helm(values),
            "Chart": {"Name": chart["name"], "Version": chart["version"], "AppVersion": chart["appVersion"]},
            "Release": {"Name": release, "Namespace": namespace, "Service": "Helm"},
            "Template": {"BasePath": f"{chart['name']}/templates"},
        }
        for name, source in templates.items():
            path = f"{chart['name']}/templates/{name}"
            self.files[path] = self.defined[path] = read(source, self.defined, name)

    def render(self, path):
        return self.run(self.files[path], Scope(self.data, [("$", self.data)]))

    def run(self, nodes, scope):
        out = []
        scope = Scope(scope.dot, list(scope.variables))
        for node in nodes:
            out.append(node if isinstance(node, str) else self.node(node, scope))
        return "".join(out)

    def node(self, node, scope):
        if node.kind == "action":
            return self.action(node.head, scope)
        if node.kind == "range":
            return self.range(node, scope)
        value = self.pipeline(node.head, scope)
        if not true(value):
            return self.branch(node.other or [], scope.dot, scope)
        return self.branch(node.body, value if node.kind == "with" else scope.dot, scope)

    def branch(self, nodes, dot, scope, more=()):
        # Variables that are assigned inside are those outside: the list is copied, its cells are not.
        return self.run(nodes, Scope(dot, [*scope.variables, *more]))

    def range(self, node, scope):
        head, names = node.head, []
        marks = [at for at, word in enumerate(head) if word == ("assign", ":=")]
        if marks:
            names = [word for kind, word in head[:marks[0]] if kind == "field"]
            head = head[marks[0] + 1:]
        value = self.pipeline(head, scope)
        if not true(value):
            return self.branch(node.other or [], scope.dot, scope)
        pairs = sorted(value.items()) if isinstance(value, dict) else list(enumerate(value))
        out = []
        for key, item in pairs:
            bound = {1: [item], 2: [key, item]}.get(len(names), [])
            out.append(self.branch(node.body, item, scope, [[name, cell] for name, cell in zip(names, bound)]))
        return "".join(out)

    def action(self, words, scope):
        if len(words) > 1 and words[1][0] == "assign":
            name, value = words[0][1], self.pipeline(words[2:], scope)
            if words[1][1] == ":=":
                scope.variables.append([name, value])
            else:
                self.cell(name, scope)[1] = value
            return ""
        return printed(self.pipeline(words, scope))

    def cell(self, name, scope):
        for cell in reversed(scope.variables):
            if cell[0] == name:
                return cell
        raise TemplateError(f"undefined variable {name}")

    def pipeline(self, words, scope):
        stages, depth = [[]], 0
        for word in words:
            depth += {("sign", "("): 1, ("sign", ")"): -1}.get(word, 0)
            if word == ("sign", "|") and not depth:
                stages.append([])
            else:
                stages[-1].append(word)
        value = self.command(stages[0], scope)
        for stage in stages[1:]:
            value = self.command(stage, scope, [value])
        return value

    def command(self, words, scope, piped=()):
        if not words:
            raise TemplateError("an empty command")
        function = words[0][1] if words[0][0] == "word" and words[0][1] not in ("true", "false", "nil") else None
        rest = words[1:] if function else words
        operands, at = [], 0
        while at < len(rest):
            if rest[at] == ("sign", "("):
                end, depth = at + 1, 1
                while depth:
                    depth += {("sign", "("): 1, ("sign", ")"): -1}.get(rest[end], 0)
                    end += 1
                operands.append(lambda part=rest[at + 1:end - 1]: self.pipeline(part, scope))
                at = end
            else:
                operands.append(lambda word=rest[at]: self.operand(word, scope))
                at += 1
        if function in ("and", "or"):  # stop at the first that decides, as since Go 1.18
            for operand in operands:
                value = operand()
                if true(value) != (function == "and"):
                    break
            return value
        values = [operand() for operand in operands] + list(piped)
        if function is None:
            if len(values) != 1:
                raise TemplateError(f"a value with arguments: {words}")
            return values[0]
        if function == "include":
            name, dot = values
            if name not in self.defined:
                raise TemplateError(f"no template {name!r}")
            return self.run(self.defined[name], Scope(dot, [["$", dot]]))
        if function not in FUNCTIONS:
            raise TemplateError(f"the function {function} is not known here; does Helm have it?")
        return FUNCTIONS[function](*values)

    def operand(self, word, scope):
        kind, text = word
        if kind == "text":
            return json.loads(text)
        if kind == "raw":
            return text[1:-1]
        if kind == "number":
            return int(text)
        if kind == "word":
            return {"true": True, "false": False, "nil": None}[text]
        if kind != "field":
            raise TemplateError(f"not a value: {text}")
        if text.startswith("$"):
            name, *fields = text.split(".")
            value = self.cell(name, scope)[1]
        else:
            value, fields = scope.dot, [field for field in text.split(".") if field]
        for field in fields:
            if value is None:
                raise TemplateError(f"nil pointer evaluating interface {{}}.{field} in {text}")
            if not isinstance(value, dict):
                raise TemplateError(f"can't evaluate field {field} in {text}")
            value = value.get(field)
        return value

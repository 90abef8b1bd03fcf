"""The sentences that the source raises as problems, advice and what is allowed, found in its syntax trees."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import limitkeeper

SOURCE = Path(limitkeeper.__file__).parent

COMMAND_LINE = (
    "shells/cli", "shells/terminal", "shells/feeds", "shells/demonstration.py", "shells/serving.py", "shells/visitors.py",
    "shells/telemetry.py", "learn", "simulation", "store/migrations",
    *(f"connectors/{name}.py" for name in ("books", "bounces", "kafka", "taiwan", "watched_folder", "webhook")),
)  # fmt: skip
"""What only whoever runs a command or the server meets: its errors reach no browser."""

KINDS = ("problem", "allowed", "advice")

HELPERS = {
    "_refused": {1: "problem"},
    "error": {1: "problem"},
    "Break": {1: "problem"},
    "_error": {0: "problem"},
}
"""Functions that make an error of sentences, by the place of each among their arguments."""

PROBLEM_PLACES = {1: "problem", 3: "allowed", 4: "advice"}
"""Where a problem of a strategy has its sentences."""

TABLES = {"HINTS": ("advice",), "words": ("problem", "allowed"), "ALLOWED_KINDS": ("allowed",)}
"""Dictionaries whose values are sentences, or rows of them."""

TELLERS = {
    "_syntax_advice": "advice",
    "did_you_mean": "advice",
    "allowed_at": "allowed",
    "_bounded": "allowed",
}
"""Functions that give back a sentence, alone or out of a dictionary."""

RULES = ("RefusedError", "RequestError", "LifeError", "TrialError", "NotLetInError", "BarredError")
"""Errors whose first argument is a rule's name: each rule has its own Chinese, its advice has not."""

WORDS = re.compile(r"(^|[ (])[a-z]+[ ,;:.]|[a-z] [a-z]+$|^\w+\.$|^nobody$")
"""What is in a sentence and not in a code."""

Sentence = tuple[str, str]
"""Its kind, and its text, in which each value is ``{}`` and a brace is doubled where there are values."""


@cache
def raised(*, every: bool = False) -> dict[Sentence, str]:
    """Every sentence that reaches a browser, and a place where it is raised; with ``every`` codes as well."""
    found: dict[Sentence, str] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if not name.startswith(COMMAND_LINE):
            for kind, text, line in _of_module(ast.parse(path.read_text(encoding="utf-8"))):
                if every or WORDS.search(text):
                    found.setdefault((kind, text), f"{name}:{line}")
    return found


@cache
def constants() -> dict[str, ast.expr]:
    """What the names of constants stand for, across modules; a name that stands for several is left out."""
    found: dict[str, list[ast.expr]] = {}
    for path in SOURCE.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found.setdefault(node.targets[0].id, []).append(node.value)
    return {name: values[0] for name, values in found.items() if len(values) == 1 and name.isupper()}


def _of_module(tree: ast.Module) -> Iterator[tuple[str, str, int]]:
    local: dict[str, list[ast.expr]] = {}
    owners: dict[ast.AST, ast.ClassDef] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            owners.update(dict.fromkeys(ast.walk(node), node))
        if isinstance(node, ast.Assign):
            for name, value in _named(node.targets[0], node.value):
                local.setdefault(name, []).append(value)
    for node in ast.walk(tree):
        for kind, part in _parts(node, owners.get(node)):
            for text in _texts(part, local):
                yield kind, text, part.lineno


def _named(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, each in zip(target.elts, value.elts, strict=True):
            yield from _named(one, each)


def _parts(node: ast.AST, owner: ast.ClassDef | None) -> Iterator[tuple[str, ast.expr]]:
    """The expressions of a node that say a sentence, with its kind."""
    if isinstance(node, ast.Call):
        places = _places(node, owner)
        if places is not None:
            yield from ((kind, node.args[at]) for at, kind in places.items() if at < len(node.args))
            yield from ((key.arg, key.value) for key in node.keywords if key.arg in KINDS)
    elif isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        kinds = TABLES.get(target.id, ()) if isinstance(target, ast.Name) else ()
        for value in node.value.values if kinds else ():
            yield from zip(kinds, value.elts if isinstance(value, ast.Tuple) else (value,), strict=False)
    elif isinstance(node, ast.FunctionDef):
        kind = TELLERS.get(node.name)
        for each in ast.walk(node) if kind else ():
            if isinstance(each, ast.Return) and each.value is not None:
                told = each.value.value if isinstance(each.value, ast.Subscript) else each.value
                yield from ((kind, one) for one in (told.values if isinstance(told, ast.Dict) else (told,)))


def _places(call: ast.Call, owner: ast.ClassDef | None) -> dict[int, str] | None:
    """Where a call has sentences among its arguments; None where it makes no error of ours."""
    func = call.func.func if isinstance(call.func, ast.Call) else call.func
    name = func.id if isinstance(func, ast.Name) else getattr(func, "attr", "")
    if name == "__init__" and owner is not None and owner.name.endswith("Error"):
        has_chinese = ".chinese" in ast.unparse(owner)  # of its sentence, not of its advice
        return {} if has_chinese else {0: "problem"}
    if name in {"Problem", "LocatedProblem"}:
        return PROBLEM_PLACES
    if name in RULES:
        return {}
    if name in {"AssertionError", "LookupError", "TypeError", "RuntimeError", "ProblemError", "ValueError"}:
        return None
    return {0: "problem"} if name.endswith("Error") else HELPERS.get(name)


def _texts(part: ast.expr, local: dict[str, list[ast.expr]]) -> Iterator[str]:
    """The sentences that an expression may be, without those that are no words but values."""
    if isinstance(part, ast.IfExp | ast.BoolOp):
        for each in (part.body, part.orelse) if isinstance(part, ast.IfExp) else part.values:
            yield from _texts(each, local)
    elif isinstance(part, ast.Name):
        known = local.get(part.id) or ([constants()[part.id]] if part.id in constants() else [])
        for each in known:
            if not (isinstance(each, ast.Name) and each.id == part.id):
                yield from _texts(each, local)
    elif isinstance(part, ast.Call) and getattr(part.func, "attr", "") == "get" and len(part.args) > 1:
        yield from _texts(part.args[1], local)
    elif (text := _template(part)) is not None:
        yield text


def _template(part: ast.expr) -> str | None:
    if isinstance(part, ast.Constant):
        return part.value if isinstance(part.value, str) else None
    pieces = _pieces(part)
    if pieces is None:
        return None
    return "".join("{}" if each is None else each.replace("{", "{{").replace("}", "}}") for each in pieces)


def _pieces(part: ast.expr) -> list[str | None] | None:
    """The pieces of a text that is put together, None for each value; None where it is no such text."""
    if isinstance(part, ast.Constant) and isinstance(part.value, str):
        return [part.value]
    if isinstance(part, ast.JoinedStr):
        return [each.value if isinstance(each, ast.Constant) else None for each in part.values]
    if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Add):
        left, right = _pieces(part.left), _pieces(part.right)
        return None if left is None and right is None else [*(left or [None]), *(right or [None])]
    return None

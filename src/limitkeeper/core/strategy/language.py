"""The language of rules: boolean expressions over named quantities, parsed, type-checked and bounded.

It is a small part of Python's expressions, and nothing else of Python:

- names of quantities and parameters, and numbers
- ``+ - * /``, ``abs(x)``, ``min(x, y, ...)``, ``max(x, y, ...)``; missing if an operand is, or at ``x / 0``
- ``< <= > >= == !=``, also chained (``0.2 <= x < 0.5``)
- ``and``, ``or``, ``not``, ``is_known(x)``, ``is_missing(x)``; a quantity of unit ``flag`` stands alone

A comparison with something missing is unknown, and so is its negation (Kleene's three-valued logic); a rule
hits only where its expression is true.
"""

import ast
import math
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from limitkeeper.core.kernel.errors import PolicyError, did_you_mean
from limitkeeper.core.kernel.quantity import Quantity

LENGTH_MAX = 1_000
"""Characters of an expression."""
NODES_MAX = 150
"""Names, numbers and operators of an expression."""
DEPTH_MAX = 16
"""Levels of an expression."""

PARSINGS_MAX = 10
"""Times that a text is parsed where Python trips over another thread's parsing."""

SOURCE_NAME = "<rule>"
"""As Python's warnings name the text."""

BOOLEAN = "boolean"
"""What a comparison is; every other kind is a unit, and a bare number has none: ``""``."""

PLAIN_UNITS = frozenset({"share", "ratio", "annual rate"})
"""Numbers without dimension: they scale a unit and do not change it, and compare with each other."""

TESTS = ("is_known", "is_missing")
FUNCTIONS = (*TESTS, "abs", "min", "max")


class ExpressionError(PolicyError):
    """An expression that does not hold, and where: ``offset`` counts characters from its start."""

    def __init__(
        self,
        problem: str,
        offset: int,
        *,
        value: object = None,
        allowed: object = None,
        advice: str | None = None,
    ) -> None:
        super().__init__(problem, value=value, allowed=allowed, advice=advice)
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression: its text, its tree, and the names in it in order of appearance."""

    text: str
    tree: ast.expr
    names: tuple[str, ...]


def expression(text: str, quantities: Mapping[str, Quantity]) -> Expression:
    """The checked boolean expression that a text says.

    Parameters
    ----------
    text
        At most :data:`LENGTH_MAX` characters; may run over lines.
    quantities
        Every name that may be used; a constant is a quantity whose range is one point.

    Raises
    ------
    ExpressionError
        When the text is no expression of the language, a name is unknown, kinds or units do not fit, or a
        comparison can never be true.

    Examples
    --------
    >>> known = {"pd": Quantity("pd", "share", "PD", "违约概率", low=0.0, high=1.0)}
    >>> expression("0.2 <= pd < 0.5", known).names
    ('pd',)
    >>> expression("pdd > 0.2", known)
    Traceback (most recent call last):
    limitkeeper.core.strategy.language.ExpressionError: There is no quantity or parameter 'pdd'. Given: pdd.
    Did you mean 'pd'?
    """
    tree = _parsed(text)
    checker = _Checker(text, quantities)
    checker.check_size(tree)
    checker.require_boolean(tree)
    names = dict.fromkeys(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
    return Expression(text, tree, tuple(name for name in names if name in quantities))


def tree_of(text: str) -> ast.expr:
    """The tree of a text in brackets on lines of their own, so that it may run over lines and end in a comment.

    Raises
    ------
    SyntaxError
        When it is no expression, or Python warns of it.
    RecursionError, MemoryError, ValueError
        When it is too deep, or holds what no source may.

    Examples
    --------
    >>> ast.unparse(tree_of("pd >= 0.2  # high"))
    'pd >= 0.2'
    """
    for _ in range(PARSINGS_MAX - 1):
        try:
            return _tree(text)
        except SystemError:  # Python before 3.11.8 counts the depth of all threads' trees together
            continue
    return _tree(text)


def _tree(text: str) -> ast.expr:
    with warnings.catch_warnings():
        # Of this text alone: filters are the whole process's, and a warning elsewhere is no error.
        warnings.filterwarnings("error", module=re.escape(SOURCE_NAME))
        return ast.parse(f"(\n{text}\n)", SOURCE_NAME, mode="eval").body


def _parsed(text: str) -> ast.expr:
    if len(text) > LENGTH_MAX:
        raise ExpressionError(
            "The expression is too long.",
            0,
            value=f"{len(text)} characters",
            allowed=f"at most {LENGTH_MAX}",
            advice="Write two rules.",
        )
    strange = next((at for at, character in enumerate(text) if not _is_plain(character)), None)
    if strange is not None:
        raise ExpressionError(
            "The expression holds a character that the language does not know.",
            strange,
            value=repr(text[strange]),
            allowed="plain ASCII",
        )
    try:
        tree = tree_of(text)
    except SyntaxError as error:
        line, column = (error.lineno or 2) - 2, max((error.offset or 1) - 1, 0)
        offset = min(_offset(text, line, column), max(len(text) - 1, 0))
        raise ExpressionError(
            "The expression cannot be read.",
            offset,
            value=text[offset : offset + 20].strip() or "nothing",
            advice=_syntax_advice(text),
        ) from None
    except (RecursionError, MemoryError, ValueError):
        raise ExpressionError("The expression cannot be read.", 0, advice="Write it simpler.") from None
    if isinstance(tree, ast.Tuple) and not tree.elts:
        raise ExpressionError("The expression is empty.", 0, advice="Example: pd >= 0.2.")
    return tree


def _is_plain(character: str) -> bool:
    return character in "\n\t" or " " <= character <= "~"


def _syntax_advice(text: str) -> str:
    if "&&" in text or "||" in text:
        return "Write 'and' and 'or'."
    if "=" in text.replace("==", "").replace("<=", "").replace(">=", "").replace("!=", ""):
        return "Compare with '=='."
    if "!" in text.replace("!=", ""):
        return "Write 'not'."
    return "Example: pd >= 0.2 and utilisation > 0.9."


def _offset(text: str, line: int, column: int) -> int:
    """Characters before a line and column of the text."""
    return sum(len(before) + 1 for before in text.split("\n")[: max(line, 0)]) + (column if line >= 0 else 0)


OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip

HINTS: dict[type[ast.AST], str] = {
    ast.Call: f"Only {', '.join(FUNCTIONS)} may be called.",
    ast.Attribute: "Names are whole: there is nothing behind a dot.",
    ast.Subscript: "Names are whole: nothing can be picked from them.",
    ast.IfExp: "Write two rules instead.",
    ast.Lambda: "Rules define no functions.",
    ast.NamedExpr: "Declare a parameter instead.",
    ast.Pow: "Multiply instead.",
    ast.Mod: "Allowed are + - * /.",
    ast.FloorDiv: "Allowed are + - * /.",
    ast.In: "Write a range as low <= x <= high, or values as x == 1 or x == 2.",
    ast.NotIn: "Write x != 1 and x != 2.",
    ast.Is: "Compare with '==', or test is_missing(x).",
    ast.IsNot: "Compare with '!=', or test is_known(x).",
    ast.BitAnd: "Write 'and'.",
    ast.BitOr: "Write 'or'.",
    ast.Invert: "Write 'not'.",
}


class _Checker:
    """Finds the kind of each part of a tree and refuses what is not of the language."""

    def __init__(self, text: str, quantities: Mapping[str, Quantity]) -> None:
        self.text, self.quantities = text, quantities
        self.kinds: dict[type[ast.AST], Callable[..., str]] = {
            ast.Constant: self.number,
            ast.Name: self.name,
            ast.UnaryOp: self.unary,
            ast.BinOp: self.arithmetic,
            ast.Compare: self.comparison,
            ast.BoolOp: self.conjunction,
            ast.Call: self.call,
        }

    def check_size(self, tree: ast.expr) -> None:
        """Refuse a tree that is too deep or too large, before anything recurses into it."""
        level: list[ast.AST] = [tree]
        nodes = 0
        for _ in range(DEPTH_MAX):
            nodes += len(level)
            level = [
                child for node in level for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)
            ]
        if level or nodes > NODES_MAX:
            raise ExpressionError(
                "The expression is too large.",
                0,
                value=f"{nodes} parts" if not level else "nested too deep",
                allowed=f"at most {NODES_MAX} parts in {DEPTH_MAX} levels",
                advice="Write two rules.",
            )

    def error(
        self, node: ast.AST, problem: str, *, allowed: str | None = None, advice: str | None = None
    ) -> ExpressionError:
        start = _offset(self.text, getattr(node, "lineno", 2) - 2, getattr(node, "col_offset", 0))
        stop = _offset(self.text, getattr(node, "end_lineno", 2) - 2, getattr(node, "end_col_offset", 0))
        return ExpressionError(problem, start, value=self.text[start:stop], allowed=allowed, advice=advice)

    def refused(self, node: ast.AST, what: ast.AST | None = None) -> ExpressionError:
        what = what or node
        hint = HINTS.get(type(what), "Allowed are names, numbers, + - * /, comparisons, and, or, not.")
        return self.error(node, "This is not part of the rule language.", advice=hint)

    def kind(self, node: ast.expr) -> str:
        handler = self.kinds.get(type(node))
        if handler is None:
            raise self.refused(node)
        return handler(node)

    def require_boolean(self, node: ast.expr) -> None:
        """Check a condition: a boolean, or a flag standing for itself."""
        kind = self.kind(node)
        if kind != BOOLEAN and not (kind == "flag" and isinstance(node, ast.Name)):
            raise self.error(
                node, "A condition is expected here, and this is a number.", advice="Compare it: x > 0.5."
            )

    def require_number(self, node: ast.expr) -> str:
        kind = self.kind(node)
        if kind == BOOLEAN:
            raise self.error(
                node,
                "A number is expected here, and this is a condition.",
                advice="Join conditions with and, or.",
            )
        return kind

    def number(self, node: ast.Constant) -> str:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self.error(node, "This is no number.", allowed="numbers and names of quantities")
        try:
            finite = math.isfinite(float(node.value))
        except OverflowError:
            finite = False
        if not finite:
            raise self.error(node, "This number is too large.", allowed="numbers below 1.8e308")
        return ""

    def name(self, node: ast.Name) -> str:
        if node.id not in self.quantities:
            advice = did_you_mean(node.id, self.quantities) or (
                f"'{node.id}' is a function: {node.id}(x)."
                if node.id in FUNCTIONS
                else "`limitkeeper strategy names` lists every name; declare thresholds under parameters."
            )
            raise self.error(node, f"There is no quantity or parameter '{node.id}'.", advice=advice)
        return self.quantities[node.id].unit

    def unary(self, node: ast.UnaryOp) -> str:
        if isinstance(node.op, ast.Not):
            self.require_boolean(node.operand)
            return BOOLEAN
        if not isinstance(node.op, ast.USub | ast.UAdd):
            raise self.refused(node, node.op)
        return self.require_number(node.operand)

    def conjunction(self, node: ast.BoolOp) -> str:
        for value in node.values:
            self.require_boolean(value)
        return BOOLEAN

    def arithmetic(self, node: ast.BinOp) -> str:
        if type(node.op) not in OPERATORS:
            raise self.refused(node, node.op)
        left, right = self.require_number(node.left), self.require_number(node.right)
        if isinstance(node.op, ast.Add | ast.Sub):
            return self.common_unit(node, [left, right])
        if isinstance(node.op, ast.Mult):
            return _product_unit(left, right)
        if self.bounds(node.right) == (0.0, 0.0):
            raise self.error(node, "This divides by zero.")
        return _quotient_unit(left, right)

    def call(self, node: ast.Call) -> str:
        function = node.func.id if isinstance(node.func, ast.Name) else None
        if function not in FUNCTIONS or node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            advice = did_you_mean(function, FUNCTIONS) if function else None
            raise self.error(node, "This is not part of the rule language.", advice=advice or HINTS[ast.Call])
        least, most = (2, 8) if function in {"min", "max"} else (1, 1)
        if not least <= len(node.args) <= most:
            one, more = f"{function} takes one argument.", f"{function} takes {least} to {most} arguments."
            raise self.error(node, one if most == 1 else more)
        units = [self.require_number(argument) for argument in node.args]
        return BOOLEAN if function in TESTS else self.common_unit(node, units)

    def comparison(self, node: ast.Compare) -> str:
        operands = [node.left, *node.comparators]
        for operator in node.ops:
            if type(operator) not in OPERATORS:
                raise self.refused(node, operator)
        self.common_unit(node, [self.require_number(operand) for operand in operands])
        for left, operator, right in zip(operands, node.ops, operands[1:], strict=False):
            if self.is_never_true(left, operator, right):
                low, high = self.bounds(left)
                raise self.error(
                    node,
                    "This is never true.",
                    allowed=f"{ast.unparse(left)} lies in [{low:g}, {high:g}]",
                    advice="Is the unit right? Shares are fractions of 1, amounts are cents.",
                )
        return BOOLEAN

    def bounds(self, node: ast.expr) -> tuple[float, float]:
        """Range of a number or a name; of anything else, everything."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            low, high = self.bounds(node.operand)
            return -high, -low
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return float(node.value), float(node.value)
        if isinstance(node, ast.Name):
            return self.quantities[node.id].low, self.quantities[node.id].high
        return -math.inf, math.inf

    def is_never_true(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> bool:
        (left_low, left_high), (right_low, right_high) = self.bounds(left), self.bounds(right)
        if isinstance(operator, ast.Lt):
            return left_low >= right_high and math.isfinite(left_low)
        if isinstance(operator, ast.LtE):
            return left_low > right_high
        if isinstance(operator, ast.Gt):
            return left_high <= right_low and math.isfinite(left_high)
        if isinstance(operator, ast.GtE):
            return left_high < right_low
        if isinstance(operator, ast.Eq):
            return left_low > right_high or left_high < right_low
        return False

    def common_unit(self, node: ast.expr, units: list[str]) -> str:
        """The unit that all share; a bare number takes the others' unit."""
        known = [unit for unit in units if unit]
        if len({"" if unit in PLAIN_UNITS else unit for unit in known}) > 1:
            raise self.error(
                node,
                "The units do not agree.",
                allowed=f"one unit; these are {', '.join(dict.fromkeys(known))}",
                advice="Compare like with like, for instance cents with cents.",
            )
        return known[0] if known else ""


def _product_unit(left: str, right: str) -> str:
    if not left or left in PLAIN_UNITS:
        return right or left
    return left if not right or right in PLAIN_UNITS else f"{left} * {right}"


def _quotient_unit(left: str, right: str) -> str:
    if not right or right in PLAIN_UNITS:
        return left
    return "ratio" if left == right else f"{left or '1'} / {right}"

"""The source that a strategy's rules are compiled to: readable Python, the same for one row and for many."""

import ast
import math
from collections.abc import Mapping

from limitkeeper.core.strategy.account import PRODUCT_CODES
from limitkeeper.core.strategy.definition import Strategy
from limitkeeper.core.strategy.language import OPERATORS
from limitkeeper.core.strategy.rule import Rule

OPPOSITES: dict[type[ast.AST], str] = {
    ast.Lt: ">=", ast.LtE: ">", ast.Gt: "<=", ast.GtE: "<", ast.Eq: "!=", ast.NotEq: "==",
}  # fmt: skip


def generated_source(strategy: Strategy, constants: Mapping[str, float]) -> str:
    """The source of a strategy's rules.

    One function a rule, named by its id; ``rules_hit(before, ...)``, the mask of the rules that hit one row;
    and ``write_hits(hits, before, ...)``, the same over columns. All run as plain Python and, unchanged, as
    numba kernels, and give the same bits: NaN is carried by ``min`` and ``max``, a division by zero is NaN,
    and ``not`` is pushed down to the comparisons so that missing never hits.

    Parameters
    ----------
    strategy
        Whose rules are written, in order of precedence: rule k sets bit k.
    constants
        Values of the parameters used: the strategy's own and the market's.

    Returns
    -------
    Source text, a pure function of the arguments; both functions take the columns in the order of
    ``strategy.names``.
    """
    functions = [_RuleWriter(bit, rule, constants) for bit, rule in enumerate(strategy.rules)]
    names = ", ".join(strategy.names)
    return "\n".join(
        [
            f'"""Rules of strategy {strategy.name} {strategy.version}: generated, not edited.',
            f'\n{strategy.hash}\n"""',
            "",
            'nan = float("nan")',
            *(f"{name} = {_number(value)}" for name, value in sorted(constants.items())),
            *(f"\n\n{function.source}" for function in functions),
            "",
            "",
            f"def rules_hit(before, {names}):",
            "    hits = 0",
            *(f"    if {function.call}:\n        hits |= 1 << {function.bit}" for function in functions),
            "    return hits",
            "",
            "",
            # One loop a rule, so that the compiler makes each of them a vector loop.
            f"def write_hits(hits, before, {names}):",
            "    for i in range(len(hits)):",
            "        hits[i] = 0",
            *(
                f"    for i in range(len(hits)):\n        hits[i] |= {function.call_at_i} << {function.bit}"
                for function in functions
            ),
            "",
        ]
    )


def rule_source(rule: Rule, constants: Mapping[str, float]) -> str:
    """The source of one rule alone: ``holds(before, ...)``, the same code as in its strategy.

    Parameters
    ----------
    rule
        Which; its names become arguments.
    constants
        Values of the parameters that it uses.
    """
    writer = _RuleWriter(0, rule, constants)
    names = ["before", *(name for name in writer.arguments if name != "before")]
    return "\n".join(
        [
            'nan = float("nan")',
            *(f"{name} = {_number(value)}" for name, value in sorted(constants.items())),
            writer.source,
            f"def holds({', '.join(names)}):",
            f"    return {writer.call}",
            "",
        ]
    )


def _number(value: float) -> str:
    return repr(float(value)) if math.isfinite(value) else f'float("{value}")'


class _RuleWriter:
    """Writes a rule's checked trees as a Python function; what is used twice is a line of its own, before."""

    def __init__(self, bit: int, rule: Rule, constants: Mapping[str, float]) -> None:
        self.bit, self.name = bit, rule.id
        self.parts: dict[str, str] = {}
        hit = self.condition(rule.when.tree, negated=False)
        arguments = [name for name in rule.names if name not in constants]
        if rule.release is not None:
            released = self.condition(rule.release.tree, negated=False)
            hit = f"({hit} or (before >> {bit} & 1 == 1 and not {released}))"
            arguments.insert(0, "before")
        if len(rule.products) < len(PRODUCT_CODES):
            arguments.append("product_code")
            hit = f"product_code == {PRODUCT_CODES[rule.products[0]]} and {hit}"
        self.arguments = tuple(dict.fromkeys(arguments))
        self.source = "\n".join(
            [
                f"def {rule.id}({', '.join(self.arguments)}):",
                f"    # {rule.trigger} -> {rule.action.code} ({rule.severity.code})",
                *(f"    {name} = {text}" for text, name in self.parts.items()),
                f"    return {hit}",
            ]
        )

    @property
    def call(self) -> str:
        """The call on one row."""
        return f"{self.name}({', '.join(self.arguments)})"

    @property
    def call_at_i(self) -> str:
        """The call on row i of columns."""
        return f"{self.name}({', '.join(f'{argument}[i]' for argument in self.arguments)})"

    def condition(self, node: ast.expr, *, negated: bool) -> str:
        """A condition that is true where the node is (negated: where it is known to be false)."""
        if isinstance(node, ast.BoolOp):
            both = isinstance(node.op, ast.And) != negated
            parts = [self.condition(value, negated=negated) for value in node.values]
            return f"({(' and ' if both else ' or ').join(parts)})"
        if isinstance(node, ast.UnaryOp):
            return self.condition(node.operand, negated=not negated)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            known = (node.func.id == "is_known") != negated
            part = self.part(node.args[0])
            return f"{part} {'==' if known else '!='} {part}"
        if isinstance(node, ast.Compare):
            return self.comparison(node, negated=negated)
        return self.compared(self.number(node), "!=" if negated else "==", "1.0")

    def comparison(self, node: ast.Compare, *, negated: bool) -> str:
        operands = [node.left, *node.comparators]
        single = len(node.ops) == 1 and not isinstance(node.ops[0], ast.Eq | ast.NotEq)
        texts = [self.number(operand) if single else self.part(operand) for operand in operands]
        signs = [OPPOSITES[type(op)] if negated else OPERATORS[type(op)] for op in node.ops]
        parts = [self.compared(a, sign, b) for a, sign, b in zip(texts, signs, texts[1:], strict=False)]
        return parts[0] if len(parts) == 1 else f"({(' or ' if negated else ' and ').join(parts)})"

    @staticmethod
    def compared(left: str, sign: str, right: str) -> str:
        """A comparison that is false where a side is NaN, ``!=`` included."""
        if sign == "!=":
            return f"({left} < {right} or {left} > {right})"
        return f"{left} {sign} {right}"

    def number(self, node: ast.expr) -> str:
        if isinstance(node, ast.Constant):
            return _number(float(node.value))  # type: ignore[arg-type]  # the checker lets numbers pass only
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.UnaryOp):
            return f"({'-' if isinstance(node.op, ast.USub) else '+'}{self.number(node.operand)})"
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            upper, lower = self.number(node.left), self.part(node.right)
            return f"({upper} / {lower} if {lower} != 0.0 else nan)"
        if isinstance(node, ast.BinOp):
            return f"({self.number(node.left)} {OPERATORS[type(node.op)]} {self.number(node.right)})"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self.function(node.func.id, node.args)
        raise TypeError(f"unchecked expression: {ast.dump(node)}")

    def function(self, name: str, arguments: list[ast.expr]) -> str:
        if name == "abs":
            return f"abs({self.number(arguments[0])})"
        first, *others = [self.part(argument) for argument in arguments]
        sign = "<" if name == "min" else ">"
        for other in others:
            # The first where it wins or is missing, else the other, which may be missing too.
            first = self.named(f"({first} if {first} {sign} {other} or {first} != {first} else {other})")
        return first

    def part(self, node: ast.expr) -> str:
        """A number that may be written twice: a name, or a line of its own."""
        text = self.number(node)
        return text if isinstance(node, ast.Name | ast.Constant) else self.named(text)

    def named(self, text: str) -> str:
        return self.parts.setdefault(text, f"_{len(self.parts) + 1}")

"""The language of rules: what it accepts, what it refuses, and what it says."""

import ast
import gc
import math
import sys
import threading
import time
import warnings

import pytest

from limitkeeper.core.kernel.quantity import Quantity
from limitkeeper.core.strategy.language import DEPTH_MAX, LENGTH_MAX, ExpressionError, expression, tree_of

KNOWN = {
    quantity.name: quantity
    for quantity in (
        Quantity("pd", "share", "PD", "违约概率", low=0.0, high=1.0),
        Quantity("utilisation", "ratio", "Utilisation", "使用率"),
        Quantity("raroc", "annual rate", "RAROC", "回报率"),
        Quantity("balance_cents", "cents", "Balance", "余额"),
        Quantity("limit_cents", "cents", "Limit", "额度", low=0.0),
        Quantity("days_late", "days", "Days late", "逾期天数", low=0.0),
        Quantity("is_frozen", "flag", "Frozen", "冻结", low=0.0, high=1.0),
        Quantity("pd_high", "share", "Threshold", "阈值", low=0.4, high=0.4),
    )
}


def refusal(text: str) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        expression(text, KNOWN)
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        "pd > 0.5",
        "pd >= pd_high and not is_frozen",
        "0.2 <= pd < 0.5",
        "(balance_cents - 500_000) / limit_cents > 0.9",
        "is_missing(raroc) or raroc < 0.12",
        "max(pd, utilisation, 0.1) > min(0.9, raroc) or abs(raroc) > 1",
        "-balance_cents > +5e3",
        "is_known(balance_cents / limit_cents)",
        "pd > 0.5 # a comment ends the line",
        "pd > 0.5\n  and utilisation > 0.9",
        "days_late * 2 != 60",
        "balance_cents * pd > 1000",
        "balance_cents * days_late > limit_cents * days_late",
    ],
)
def test_expression_of_the_language_is_accepted(text: str) -> None:
    assert expression(text, KNOWN).text == text


def test_names_are_given_in_order_of_appearance_and_once() -> None:
    assert expression("pd > pd_high and utilisation > 0.5 and pd < 0.9", KNOWN).names == (
        "pd",
        "pd_high",
        "utilisation",
    )


MALICIOUS = [
    "__import__('os').system('true')",
    "().__class__.__bases__[0].__subclasses__()",
    "open('/etc/passwd').read()",
    "eval('1')",
    "exec('x = 1')",
    "(lambda: 1)()",
    "[pd for pd in (1, 2)]",
    "{pd: 1}",
    "{1, 2}",
    "(x := 5) > 3",
    "pd.real > 1",
    "pd[0] > 1",
    "pd if pd > 1 else 2",
    "f'{pd}' == 1",
    "'a' < 'b'",
    "b'a' < b'b'",
    "pd ** 9 ** 9 > 1",
    "pd % 2 == 0",
    "pd // 2 == 0",
    "pd @ pd > 1",
    "pd << 3 > 1",
    "~pd > 1",
    "pd & 1 > 0",
    "pd in (1, 2)",
    "pd is 1",
    "True",
    "None == pd",
    "... == pd",
    "1j > pd",
    "max(*[1, 2]) > 0",
    "max(pd, utilisation, key=abs) > 0",
    "abs(pd)(1) > 0",
    "await pd",
    "yield",
    "print(pd)",
    "pd > 1; import os",
    "pd > 1)\nimport os\n(1",
    "import os",
    "pd = 1",
    "del pd",
    "ｐｄ > 1",
    "pd > 1\x00",
    "pd > \N{ARABIC-INDIC DIGIT ONE}",
    "1 if 1 else 1",
    "a" * (LENGTH_MAX + 1),
    "(" * 300 + "pd" + ")" * 300 + " > 1",
    "not " * 60 + "is_frozen",
    "-" * 400 + "1 > pd",
    " + ".join(["pd"] * 200) + " > 1",
    "9" * 400 + " > pd",
    "pd > 1or pd < 0",
    "1e999 > pd",
]


@pytest.mark.parametrize("text", MALICIOUS)
def test_anything_else_of_python_is_refused(text: str) -> None:
    found = refusal(text)
    assert 0 <= found.offset <= len(text)
    assert found.advice or found.allowed or found.problem


def test_unknown_name_is_answered_with_the_nearest_known_one() -> None:
    found = refusal("pd > 0.5 and utilization > 0.9")
    assert (found.offset, found.value, found.advice) == (13, "utilization", "Did you mean 'utilisation'?")


def test_unknown_name_on_the_second_line_is_found_there() -> None:
    text = "pd > 0.5\n  and utilization > 0.9"
    assert text[refusal(text).offset :].startswith("utilization")


def test_unknown_function_is_answered_with_the_nearest_known_one() -> None:
    assert refusal("is_mising(pd)").advice == "Did you mean 'is_missing'?"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("pd", "A condition is expected"),
        ("pd and is_frozen", "A condition is expected"),
        ("not pd", "A condition is expected"),
        ("0.5", "A condition is expected"),
        ("(pd > 0.5) + 1 > 0", "A number is expected"),
        ("(pd > 0.1) > 0.5", "A number is expected"),
        ("max(pd > 0.1, 2) > 0", "A number is expected"),
        ("is_known(pd > 0.1)", "A number is expected"),
        ("balance_cents > pd", "The units do not agree"),
        ("balance_cents + days_late > 1", "The units do not agree"),
        ("max(balance_cents, pd) > 1", "The units do not agree"),
        ("pd < balance_cents < limit_cents", "The units do not agree"),
        ("pd > 1.5", "This is never true"),
        ("pd >= 35", "This is never true"),
        ("limit_cents < 0", "This is never true"),
        ("days_late == -1", "This is never true"),
        ("pd_high > 0.5", "This is never true"),
        ("0.5 < pd < -0.5", "This is never true"),
        ("balance_cents / 0 > 1", "This divides by zero"),
        ("abs(pd, raroc) > 0", "abs takes one argument"),
        ("max(pd) > 0", "max takes 2 to 8 arguments"),
        ("is_known() and pd > 0", "is_known takes one argument"),
        ("pd >", "cannot be read"),
        ("", "is empty"),
        ("# nothing", "is empty"),
        ("pd > 0.5 &&", "cannot be read"),
    ],
)
def test_expression_that_does_not_hold_says_why(text: str, problem: str) -> None:
    assert problem in refusal(text).problem


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("pd > 0.5 && is_frozen", "Write 'and' and 'or'."),
        ("pd = 0.5", "Compare with '=='."),
        ("!is_frozen", "Write 'not'."),
        ("pd in (1, 2)", "low <= x <= high"),
        ("pd ** 2 > 1", "Multiply instead."),
        ("abs", "abs(x)"),
    ],
)
def test_habit_of_another_language_gets_a_hint(text: str, advice: str) -> None:
    assert advice in (refusal(text).advice or "")


def test_quotient_of_cents_compares_with_a_share() -> None:
    expression("balance_cents / limit_cents > pd", KNOWN)


def test_nesting_at_the_bound_is_accepted() -> None:
    expression("not " * (DEPTH_MAX - 3) + "pd > 0.5", KNOWN)


def test_infinite_range_never_refuses_a_comparison() -> None:
    assert math.isinf(KNOWN["balance_cents"].low)
    expression("balance_cents < -1e15", KNOWN)


def test_texts_parsed_by_several_threads_at_once_are_all_read() -> None:
    """Python before 3.11.8 fails where a collection of garbage lets another thread parse in the midst of it."""

    class Yielding:
        def __init__(self) -> None:
            self.own = self

        def __del__(self) -> None:
            time.sleep(0)

    failures: list[Exception] = []

    def parse() -> None:
        try:
            for _ in range(300):
                Yielding()
                expression("(pd >= 0.2 and is_known(raroc)) or min(pd, pd, pd) > max(pd, 0.5) * 3 + 1", KNOWN)
        except Exception as error:  # noqa: BLE001 - of another thread
            failures.append(error)

    threshold, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(50, 2, 2)
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=parse) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gc.set_threshold(*threshold)
        sys.setswitchinterval(interval)
    assert failures == []


def test_warning_of_another_thread_is_no_error_while_a_text_is_parsed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def parse(*_arguments: object, **_more: object) -> ast.Expression:
        warnings.warn("of somebody else", RuntimeWarning, stacklevel=1)
        return ast.Expression(ast.Constant(1))

    monkeypatch.setattr("limitkeeper.core.strategy.language.ast.parse", parse)
    with pytest.warns(RuntimeWarning, match="of somebody else"):
        tree_of("pd")

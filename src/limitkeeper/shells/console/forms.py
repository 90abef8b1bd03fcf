"""What a form says, as the JSON that the API takes.

A field is called as the API calls it, with its kind after a colon: ``limit:cents``, ``lower:limit``,
``days:number``, ``tier:integer``, ``consents:switch``, ``roles:list``, ``lines:lines``, ``share:percent``,
``screen:json``. A question mark at the end leaves an empty one out; a list of an empty one is a list of nothing. A dot
leads into an object: ``assessment.purpose``. A file is one field more, of its text.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from limitkeeper.core.kernel.errors import InputError

MINOR_UNITS = 100

FIELD_WORDS = {
    "limit_cents": "limit",
    "cut_cents_max": "largest cut",
    "exposure_cents_max": "largest exposure",
    "share": "per cent",
}
"""Fields as they are told: people write neither minor units nor shares."""

AMOUNT = re.compile(r"\b[1-9]\d*\b")
"""Of minor units, in what is allowed."""


def cents_of(text: str) -> int:
    """An amount as people write it, in minor units.

    Raises
    ------
    InputError
        When it is none, or finer than a minor unit.

    Examples
    --------
    >>> cents_of("6,000"), cents_of("¥ 1 250.50")
    (600000, 125050)
    """
    plain = "".join(letter for letter in text if letter not in ", ¥￥$€£\u00a0")
    try:
        amount = Decimal(plain) * MINOR_UNITS
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount != amount.to_integral_value():
        raise InputError("This is no amount.", value=text[:50], allowed="as 6,000 or 1250.50")
    return int(amount)


def limit_of(text: str) -> int:
    """A limit to which a line is lowered, in minor units: one of nothing closes it, which is another deed.

    Raises
    ------
    InputError
        When it is none.

    Examples
    --------
    >>> limit_of("6,000")
    600000
    """
    cents = cents_of(text)
    if cents == 0:
        raise InputError(
            "A limit of 0 closes the line.", value=text[:50], advice="To close it, use “Close the line”."
        )
    return cents


def number_of(text: str) -> float:
    """A number.

    Raises
    ------
    InputError
        When it is none.
    """
    try:
        return float(text)
    except ValueError as error:
        raise InputError("This is no number.", value=text[:50], allowed="as 30 or 0.5") from error


def integer_of(text: str) -> int:
    """A whole number.

    Raises
    ------
    InputError
        When it is none.
    """
    try:
        return int(text)
    except ValueError as error:
        raise InputError("This is no whole number.", value=text[:50], allowed="as 30") from error


def share_of_percent(text: str) -> float:
    """A share, of a text in per cent.

    Raises
    ------
    InputError
        When it is none.

    Examples
    --------
    >>> share_of_percent("25"), share_of_percent("12.5 %")
    (0.25, 0.125)
    """
    plain = text.replace("%", "").strip()
    return round(number_of(plain) / 100, 12)


def json_of(text: str) -> Any:  # noqa: ANN401 - JSON
    """What a text says that is JSON, as a program wrote it.

    Raises
    ------
    InputError
        When it is none.
    """
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise InputError("This is no JSON.", value=text[:50], allowed="the file as it was written") from error


def text_of(text: str) -> str:
    r"""A text without the blanks around it; its lines end as they do everywhere but in forms.

    Examples
    --------
    >>> text_of(" one\r\ntwo ")
    'one\ntwo'
    """
    return text.replace("\r\n", "\n").strip()


def lines_of(text: str) -> list[str]:
    """The lines of a text that say something."""
    return [line.strip() for line in text.replace(",", "\n").splitlines() if line.strip()]


KINDS: dict[str, Callable[[str], Any]] = {
    "text": text_of,
    "cents": cents_of,
    "limit": limit_of,
    "number": number_of,
    "integer": integer_of,
    "switch": lambda text: text == "on",
    "lines": lines_of,
    "percent": share_of_percent,
    "json": json_of,
}


def content_of(fields: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The JSON that the fields of a form say.

    Parameters
    ----------
    fields
        Names and values, in order; those that begin with an underscore are not of the content. The last value of a
        switch counts, so that one that is off can be said by a hidden field before it.

    Raises
    ------
    InputError
        When a value is not of its kind; the field is named.

    Examples
    --------
    >>> content_of([("tier:integer", "2"), ("actions:list", "freeze"), ("actions:list", "close"), ("days:number?", "")])
    {'tier': 2, 'actions': ['freeze', 'close']}
    >>> content_of([("assessment.purpose", "Limits follow risk."), ("assessment.necessity", "None milder.")])
    {'assessment': {'purpose': 'Limits follow risk.', 'necessity': 'None milder.'}}
    >>> content_of([("roles:list", "")])
    {'roles': []}
    """
    found: dict[str, Any] = {}
    for field, text in fields:
        if field.startswith("_"):
            continue
        path, _, kind = field.removesuffix("?").partition(":")
        if field.endswith("?") and not text.strip():
            continue
        *parents, name = path.split(".")
        inner = found
        for parent in parents:
            inner = inner.setdefault(parent, {})
            if not isinstance(inner, dict):
                raise InputError("A field is within one that has a value.", value=path[:50])
        if kind == "list":
            inner.setdefault(name, []).extend([text] if text else [])
            continue
        try:
            inner[name] = KINDS[kind or "text"](text)
        except InputError as error:
            raise InputError(f"{FIELD_WORDS.get(path, path)}: {error.problem}", value=error.value, allowed=error.allowed,
                             advice=error.advice) from error  # fmt: skip
    return found


def amounts_as_written(
    problem: Mapping[str, Any], fields: Iterable[tuple[str, str]], money: Callable[[int], str]
) -> dict[str, Any]:
    """A problem about an amount of a form as people write it: the API names minor units.

    Parameters
    ----------
    problem
        As the API tells it.
    fields
        Of the form, as of :func:`content_of`.
    money
        An amount in minor units, in words.

    Examples
    --------
    >>> problem = {"detail": "Too much.", "value": 600000, "allowed": "0 to 500000"}
    >>> amounts_as_written(problem, [("limit:cents", "6,000")], lambda cents: f"¥{cents / 100:,.0f}")
    {'detail': 'Too much.', 'value': '6,000', 'allowed': '0 to ¥5,000'}
    """
    for field, text in fields:
        if not field.removesuffix("?").endswith((":cents", ":limit")) or not text.strip():
            continue
        if str(problem.get("value")) == str(cents_of(text)):
            said = {
                name: AMOUNT.sub(lambda found: money(int(found[0])), str(problem[name]))
                for name in ("allowed", "allowed_zh")
                if problem.get(name)
            }
            return {**problem, "value": text, **said}
    return dict(problem)

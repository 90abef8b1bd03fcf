"""What a form says, as the JSON that the API takes.

A field is called as the API calls it, with its kind after a colon: ``limit:cents``, ``days:number``, ``tier:integer``,
``consents:switch``, ``roles:list``, ``lines:lines``. A question mark at the end leaves an empty one out.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from limitkeeper.core.kernel.errors import InputError

MINOR_UNITS = 100


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


def lines_of(text: str) -> list[str]:
    """The lines of a text that say something."""
    return [line.strip() for line in text.replace(",", "\n").splitlines() if line.strip()]


KINDS: dict[str, Callable[[str], Any]] = {
    "text": str.strip,
    "cents": cents_of,
    "number": number_of,
    "integer": integer_of,
    "switch": lambda text: text == "on",
    "lines": lines_of,
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
    """
    found: dict[str, Any] = {}
    for field, text in fields:
        if field.startswith("_"):
            continue
        name, _, kind = field.removesuffix("?").partition(":")
        if field.endswith("?") and not text.strip():
            continue
        if kind == "list":
            found.setdefault(name, []).append(text)
            continue
        try:
            found[name] = KINDS[kind or "text"](text)
        except InputError as error:
            raise InputError(f"{name}: {error.problem}", value=error.value, allowed=error.allowed) from error
    return found

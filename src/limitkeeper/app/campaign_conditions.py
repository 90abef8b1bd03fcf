"""The condition on a campaign's items that a text says, by which it is split."""

import polars as pl

from limitkeeper.app.campaign_rows import COLUMNS
from limitkeeper.core.kernel.errors import InputError

OPERATORS = ("!=", ">=", "<=", "=", ">", "<")


def condition(text: str) -> pl.Expr:
    """The condition on items that a text says: ``segment = gold``, ``cut_cents >= 100000``, ``account_id < m``.

    Raises
    ------
    InputError
        When it cannot be read.

    Examples
    --------
    >>> frame = pl.DataFrame({"segment": ["gold", None]})
    >>> frame.select(condition("segment = gold").fill_null(False)).to_series().to_list()
    [True, False]
    """
    numbers = ("cut_cents", *(name for name, kind in COLUMNS.items() if kind.is_numeric()))
    words = [name for name, kind in COLUMNS.items() if not kind.is_numeric()]
    sign = min(
        (each for each in OPERATORS if each in text),
        key=lambda each: (text.index(each), -len(each)),
        default=None,
    )
    name, _, value = (part.strip() for part in text.partition(sign)) if sign else (text, "", "")
    if sign is None or name not in (*numbers, *words) or not value:
        raise InputError(
            "The condition cannot be read.",
            value=text,
            allowed=f"NAME {'|'.join(OPERATORS)} VALUE; names: {', '.join((*numbers, *words))}",
        )
    before = (
        pl.col("limit_before_cents") - pl.col("limit_after_cents") if name == "cut_cents" else pl.col(name)
    )
    given: float | str = value
    if name in numbers:
        try:
            given = float(value)
        except ValueError as error:
            raise InputError("The value is no number.", value=text) from error
    return {
        "=": before.eq,
        "!=": before.ne,
        ">": before.gt,
        ">=": before.ge,
        "<": before.lt,
        "<=": before.le,
    }[sign](pl.lit(given))

"""From a lender's table to columns of numbers: what each column is, and how it is read."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.kernel.errors import InputError, ModelError, did_you_mean
from limitkeeper.core.risk.model import InputColumn

CATEGORIES_MOST = 50
"""Words of a text column that get a code of their own; the rest is missing."""

CATEGORY_ROWS_LEAST = 10
"""Rows a word needs to get a code of its own."""

IDENTIFIER_SHARE = 0.5
"""A text column with more distinct words than this share of its rows names things; it does not describe."""

NUMBER_IN_TEXT = (
    r"^\s*[$€£¥]?\s*([-+]?[0-9][0-9,]*\.?[0-9]*|[-+]?\.[0-9]+)\s*(?:%|months?|years?|yrs?|days?)?\s*$"
)
DATE_IN_TEXT = (
    r"^\s*(?:\d{4}[-/]\d{1,2}[-/]\d{1,2}.*|\d{1,2}[-/]\d{1,2}[-/]\d{2,4}.*|\d{1,2}-[A-Za-z]{3}-\d{2,4}"
    r"|[A-Za-z]{3}-\d{2,4})\s*$"
)
MISSING_WORDS = ("", "?", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")
IDENTIFIER_NAME = re.compile(
    r"(^|[^a-z])(id|ids|key|no|nr|number|index|row)$|^unnamed|^$|^index$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Preparation:
    """How a table is read, found from its columns alone, never from the target."""

    inputs: tuple[InputColumn, ...]
    notes: tuple[str, ...]


def trimmed(frame: pl.DataFrame) -> pl.DataFrame:
    """The table with text stripped, and the usual words for missing as missing."""
    text = [name for name, kind in frame.schema.items() if kind in (pl.String, pl.Categorical, pl.Enum)]
    return frame.with_columns(
        pl.when(pl.col(name).cast(pl.String).str.strip_chars().is_in(MISSING_WORDS))
        .then(None)
        .otherwise(pl.col(name).cast(pl.String).str.strip_chars())
        .alias(name)
        for name in text
    )


def preparation_of(frame: pl.DataFrame, left_out: Iterable[str] = ()) -> Preparation:
    """What each column is, and which are left out, with a note on each.

    Parameters
    ----------
    frame
        The lender's table, through `trimmed`.
    left_out
        The target and the columns that must not be read.
    """
    inputs, notes = [], []
    for name in frame.columns:
        if name in set(left_out):
            continue
        column, note = input_of(frame[name])
        if column is not None:
            inputs.append(column)
        if note is not None:
            notes.append(note)
    return Preparation(tuple(inputs), tuple(notes))


def input_of(  # noqa: PLR0911 - one return a kind of column
    series: pl.Series,
) -> tuple[InputColumn | None, str | None]:
    """How one column is read, or why it is left out."""
    name, known = series.name, series.drop_nulls()
    distinct = known.n_unique()
    if distinct <= 1 and len(known) in (0, len(series)):
        return None, f"{name}: left out, it never varies."
    if series.dtype.is_temporal():
        return None, f"{name}: left out, a date by itself says when, not who."
    if series.dtype == pl.Boolean:
        return InputColumn(name, "number"), None
    if series.dtype.is_numeric():
        if series.dtype.is_integer() and is_identifier(known, distinct):
            return None, f"{name}: left out, it looks like an identifier."
        return InputColumn(name, "number"), None
    if series.dtype != pl.String:
        return None, f"{name}: left out, columns of {series.dtype} are not read."
    return text_input_of(known, distinct, len(series))


def is_identifier(known: pl.Series, distinct: int) -> bool:
    """Whether whole numbers, all different, count the rows or are named as an identifier."""
    if distinct < len(known):
        return False
    differences = known.cast(pl.Int64, strict=False).diff().drop_nulls()
    counted = bool((differences == 1).all()) if len(differences) else False
    return counted or IDENTIFIER_NAME.search(known.name) is not None


def text_input_of(known: pl.Series, distinct: int, rows: int) -> tuple[InputColumn | None, str | None]:
    """How a column of words is read: as numbers, as categories, or not at all."""
    name = known.name
    if bool(known.str.contains(NUMBER_IN_TEXT).all()):
        as_numbers = numbers_in(known)
        whole = bool((as_numbers == as_numbers.floor()).all())
        if whole and is_identifier(as_numbers.cast(pl.Int64).rename(name), distinct):
            return None, f"{name}: left out, it looks like an identifier."
        return InputColumn(name, "number in text"), f"{name}: read as numbers."
    if bool(known.str.contains(DATE_IN_TEXT).all()):
        return None, f"{name}: left out, a date by itself says when, not who."
    if distinct > IDENTIFIER_SHARE * len(known) and distinct > CATEGORIES_MOST:
        return None, f"{name}: left out, nearly every row has its own text."
    counts = known.value_counts(sort=False).filter(pl.col("count") >= CATEGORY_ROWS_LEAST)
    common = (
        counts.sort(["count", name], descending=[True, False]).head(CATEGORIES_MOST)[name].sort().to_list()
    )
    if not common:
        return None, f"{name}: left out, no word of it is on {CATEGORY_ROWS_LEAST} rows."
    note = None
    if len(common) < distinct:
        note = f"{name}: {distinct - len(common)} rare words of {distinct} are read as missing ({rows} rows)."
    return InputColumn(name, "text", tuple(common)), note


def numbers_in(series: pl.Series) -> pl.Series:
    """The numbers that texts such as ``$1,200``, ``13.5%`` or ``36 months`` hold; null elsewhere."""
    return series.str.extract(NUMBER_IN_TEXT, 1).str.replace_all(",", "").cast(pl.Float64, strict=False)


def encoded(frame: pl.DataFrame, inputs: Sequence[InputColumn]) -> Columns:
    """The columns as numbers: text as the code of its category; missing and unseen as NaN.

    Raises
    ------
    ModelError
        When a column is missing or holds another type, naming each.
    """
    check_fits(frame, inputs)
    values = np.empty((len(inputs), frame.height))
    for k, column in enumerate(inputs):
        values[k] = encoded_column(frame[column.name], column)
    return Columns(tuple(column.name for column in inputs), values)


def encoded_column(series: pl.Series, column: InputColumn) -> NDArray[np.float64]:
    """One column as numbers."""
    if column.type == "text":
        codes = {word: float(code) for code, word in enumerate(column.categories)}
        numbers = series.cast(pl.String).replace_strict(codes, default=None, return_dtype=pl.Float64)
    elif column.type == "number in text" and series.dtype == pl.String:
        numbers = numbers_in(series)
    else:
        numbers = series.cast(pl.Float64)
    return numbers.fill_null(float("nan")).to_numpy()


def check_fits(frame: pl.DataFrame, inputs: Sequence[InputColumn]) -> None:
    """Refuse a table without a column that is read, or with one of another type."""
    absent = [column.name for column in inputs if column.name not in frame.columns]
    if absent:
        advice = " ".join(filter(None, (did_you_mean(name, frame.columns) for name in absent[:3])))
        raise ModelError(
            f"The table lacks {len(absent)} of the {len(inputs)} columns that the model reads.",
            value=f"no {', '.join(absent)}",
            advice=advice or "Score a table with the columns that the model was trained on.",
        )
    wrong = [
        f"{column.name} is {frame.schema[column.name]}, not {column.type}"
        for column in inputs
        if not fits(frame[column.name], column)
    ]
    if wrong:
        raise ModelError(
            "The table holds other types than the model was trained on.",
            value="; ".join(wrong),
            advice="Convert these columns, or train a model on them.",
        )


def fits(series: pl.Series, column: InputColumn) -> bool:
    """Whether a column can be read as the model reads it."""
    if series.dtype == pl.Null or series.null_count() == len(series):
        return True
    if column.type == "text":
        return not series.dtype.is_temporal() and not series.dtype.is_nested()
    if series.dtype == pl.String:
        return column.type == "number in text" and bool(
            series.drop_nulls().str.contains(NUMBER_IN_TEXT).all()
        )
    return series.dtype.is_numeric() or series.dtype == pl.Boolean


def target_of(series: pl.Series, positive: str | None) -> tuple[NDArray[np.float64], str]:
    """The target as 0, 1 and NaN (missing), and the value that counts as 1.

    Raises
    ------
    InputError
        When it has another number of classes than two and none is named positive.
    """
    known = series.drop_nulls().drop_nans() if series.dtype.is_float() else series.drop_nulls()
    words = known.cast(pl.String).unique().sort().to_list()
    if series.dtype.is_numeric() or series.dtype == pl.Boolean:
        numbers = series.cast(pl.Float64)
        distinct = numbers.drop_nulls().drop_nans().unique().sort().to_list()
        wanted = number_named(positive, distinct)
        if wanted is None and set(distinct) <= {0.0, 1.0}:
            wanted = 1.0
        matched = None if wanted is None else numbers == wanted
    else:
        wanted_word = positive if positive is not None else next((w for w in words if w == "1"), None)
        numbers = series.cast(pl.String)
        matched = (
            numbers == wanted_word
            if wanted_word in words and (positive or set(words) <= {"0", "1"})
            else None
        )
    if matched is None:
        shown = ", ".join(words[:10]) + (" ..." if len(words) > 10 else "")  # noqa: PLR2004 - enough to see
        raise InputError(
            f"The target '{series.name}' does not say which value is the bad outcome."
            if positive is None
            else f"The target '{series.name}' never is '{positive}'.",
            value=shown,
            advice="Name it with --positive." if positive is None else did_you_mean(str(positive), words),
        )
    target = matched.cast(pl.Float64).fill_null(float("nan")).to_numpy().copy()
    if series.dtype.is_float():
        target[~np.isfinite(series.fill_null(float("nan")).to_numpy())] = np.nan
    named = positive if positive is not None else ("true" if series.dtype == pl.Boolean else "1")
    return target, named


def number_named(positive: str | None, distinct: Sequence[float]) -> float | None:
    """The value that ``--positive`` names among a column's numbers, or None."""
    if positive is None:
        return None
    try:
        named = {"true": 1.0, "false": 0.0}.get(positive.lower())
        wanted = float(positive) if named is None else named
    except ValueError:
        return None
    return wanted if wanted in distinct else None

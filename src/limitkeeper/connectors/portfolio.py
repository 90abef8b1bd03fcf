"""A lender's own portfolio, mapped by a small YAML file."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema
import polars as pl
import yaml

from limitkeeper.connectors.tables import table
from limitkeeper.core.kernel.errors import InputError, did_you_mean
from limitkeeper.core.kernel.hashing import content_hash

SCHEMA = json.loads((files("limitkeeper.policy") / "portfolio.schema.json").read_text(encoding="utf-8"))


def portfolio_mapping(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds, checked against ``policy/portfolio.schema.json``.

    Raises
    ------
    InputError
        When the file cannot be read or a part of it is not as the schema says.
    """
    try:
        mapping = yaml.load(path.read_text(encoding="utf-8"), Loader=_TextDates)  # noqa: S506 - a safe loader
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"The portfolio file cannot be read: {error}.", value=path) from error
    for problem in sorted(jsonschema.Draft202012Validator(SCHEMA).iter_errors(mapping), key=str):
        place = ".".join(str(step) for step in problem.absolute_path) or "the file"
        raise InputError(
            f"The portfolio file does not hold at {place}: {problem.message}.",
            value=path,
            allowed=", ".join(SCHEMA["properties"]),
            advice="See docs/review.md for an example.",
        )
    return dict(mapping)


class _TextDates(yaml.SafeLoader):
    """YAML without its own reading of dates: an instant without an offset must be refused, not guessed."""


_TextDates.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def mapped_table(source: dict[str, Any], folder: Path) -> pl.DataFrame:
    """A table under Limitkeeper's column names, multiplied into minor units where the mapping says so.

    Raises
    ------
    InputError
        When the file or a mapped column is missing, or a column to multiply is no number.
    """
    frame = table(folder / source["file"])
    names: dict[str, str] = source.get("columns", {})
    for ours, theirs in names.items():
        if theirs not in frame.columns:
            raise InputError(
                f"The table has no column '{theirs}' to take as '{ours}'.",
                value=source["file"],
                allowed=", ".join(frame.columns),
                advice=did_you_mean(theirs, frame.columns),
            )
    frame = frame.with_columns(pl.col(theirs).alias(ours) for ours, theirs in names.items())
    frame = frame.drop(theirs for theirs in names.values() if theirs not in names)
    for column, factor in source.get("multiply", {}).items():
        if column not in frame.columns:
            raise InputError(
                f"There is no column '{column}' to multiply.",
                value=source["file"],
                allowed=", ".join(frame.columns),
                advice=did_you_mean(column, frame.columns),
            )
        frame = frame.with_columns(multiplied(frame[column], factor))
    return frame


TABLES = ("accounts", "events")
"""Parts of a mapping that name files."""


def portfolio_hash(mapping: Mapping[str, Any], folder: Path) -> str:
    """The hash of a portfolio's content: of its mapping and, in place of their names, of the files that it names.

    Raises
    ------
    InputError
        When a file cannot be read.
    """
    contents = {}
    for part in TABLES:
        if part in mapping:
            path = folder / mapping[part]["file"]
            try:
                with path.open("rb") as content:
                    digest = hashlib.file_digest(content, "sha256").hexdigest()
            except OSError as error:
                raise InputError(f"The file cannot be read: {error}.", value=path) from error
            contents[part] = {**mapping[part], "file": digest}
    return content_hash({**mapping, **contents})


def multiplied(column: pl.Series, factor: float) -> pl.Series:
    """A column times a factor; what is no number stays as it is, for its row to be refused with a reason.

    Examples
    --------
    >>> multiplied(pl.Series("limit_cents", [12.34, 5.0]), 100).to_list()
    [1234.0, 500.0]
    >>> multiplied(pl.Series("limit_cents", ["12", "much"]), 100).to_list()
    ['1200.0', 'much']
    """
    amounts = column.cast(pl.Float64, strict=False)
    product = amounts * factor
    # A factor such as 100 may leave 1234.0000000000002: minor units are whole.
    near = (product - product.round()).abs() < 1e-6 * product.abs().clip(1.0)
    whole = product.round().zip_with(near.fill_null(value=False), product)
    unread = amounts.is_null() & column.is_not_null()
    return column.cast(pl.String).zip_with(unread, whole.cast(pl.String)) if unread.any() else whole


def instant(text: str) -> dt.datetime:
    """The UTC instant that ISO 8601 text names; an offset must be given.

    Raises
    ------
    InputError
        When it is no instant or has no offset.

    Examples
    --------
    >>> instant("2026-10-31T08:00:00+08:00")
    datetime.datetime(2026, 10, 31, 0, 0, tzinfo=datetime.timezone.utc)
    """
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InputError(
            "The instant cannot be read.",
            value=text,
            allowed="ISO 8601 with an offset, as 2026-10-31T23:59:59Z",
        )
    return moment.astimezone(dt.UTC)


def time_zone(name: str) -> str:
    """The name of a time zone that exists.

    Raises
    ------
    InputError
        When there is none of that name.
    """
    try:
        return ZoneInfo(name).key
    except (ValueError, KeyError, OSError) as error:
        raise InputError(
            "There is no such time zone.", value=name, allowed="a name such as Asia/Shanghai"
        ) from error

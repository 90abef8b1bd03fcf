"""A portfolio under review: its lines, their events, and apart from both what is only for measuring."""

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import polars as pl

from limitkeeper.connectors.portfolio import (
    instant,
    mapped_table,
    portfolio_hash,
    portfolio_mapping,
    time_zone,
)
from limitkeeper.core.kernel.errors import InputError, did_you_mean

Product = Literal["purchase", "cash"]
PRODUCTS: tuple[Product, ...] = ("purchase", "cash")

AMOUNTS = ("limit_cents", "opening_balance_cents", "limit_before_reduction_cents")
"""Columns of accounts that hold whole minor units."""


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Credit lines and events as of an instant.

    Parameters
    ----------
    name, market, currency, time_zone
        What the report says, whose parameters apply, ISO 4217, and local time.
    as_of
        Nothing later is used, UTC.
    accounts
        One row a line: ``account_id``, ``product``, and the lender's own columns; no protected attribute,
        no outcome.
    events
        See ``docs/reference/events.md``; None where the accounts' own columns are the portrait.
    outcome
        Default after the review, one value an account, to judge by; None where unknown.
    protected
        Protected attributes, one row an account, to measure by; None where unknown.
    rejects
        Rows of accounts that were refused, with ``reason``.
    read
        Rows of accounts that were read: ``accounts + rejects``.
    content_hash
        Of the mapping and the files that it names; None of one that was made in memory.
    """

    name: str
    market: str
    currency: str
    time_zone: str
    as_of: dt.datetime
    accounts: pl.DataFrame
    events: pl.DataFrame | None
    outcome: pl.Series | None
    protected: pl.DataFrame | None
    rejects: pl.DataFrame
    read: int
    content_hash: str | None = None


def portfolio_of_accounts(
    accounts: pl.DataFrame,
    *,
    name: str,
    market: str,
    currency: str,
    as_of: dt.datetime,
    time_zone: str = "Asia/Shanghai",
    product: Product = "purchase",
    events: pl.DataFrame | None = None,
    outcome: str | None = None,
    positive: object = 1,
    protected: tuple[str, ...] = (),
) -> Portfolio:
    """A portfolio whose bad rows are set aside and whose outcome and protected columns are set apart.

    Parameters
    ----------
    accounts
        One row a line, Limitkeeper's names for what it knows (``account_id``, ``limit_cents``, ...).
    outcome, positive
        Column that says what happened, and its value that means default.
    protected
        Columns that no score or strategy may see.

    Raises
    ------
    InputError
        When ``account_id`` or a named column is missing, or there is no account left.
    """
    for column in ("account_id", *protected, *([outcome] if outcome else [])):
        if column not in accounts.columns:
            raise InputError(
                f"The accounts have no column '{column}'.",
                allowed=", ".join(accounts.columns),
                advice=did_you_mean(column, accounts.columns),
            )
    if "product" not in accounts.columns:
        accounts = accounts.with_columns(pl.lit(product).alias("product"))
    amounts = [column for column in AMOUNTS if column in accounts.columns]
    judged = accounts.with_columns(_reject_reason(amounts).alias("reason"))
    rejects = judged.filter(pl.col("reason").is_not_null())
    kept = judged.filter(pl.col("reason").is_null()).drop("reason")
    if kept.is_empty():
        raise InputError(
            "The portfolio has no account to review.",
            value=f"{accounts.height} rows read, {rejects.height} refused",
            advice="See the reasons of the refused rows." if rejects.height else "Check the file.",
        )
    apart = [*protected, *([outcome] if outcome else [])]
    return Portfolio(
        name=name,
        market=market,
        currency=currency,
        time_zone=time_zone,
        as_of=as_of,
        accounts=kept.drop(apart).with_columns(pl.col(amounts).cast(pl.Float64)),
        events=events,
        outcome=_default_flags(kept[outcome], positive) if outcome else None,
        protected=kept.select(protected) if protected else None,
        rejects=rejects,
        read=accounts.height,
    )


def portfolio_from_file(path: Path) -> Portfolio:
    """The portfolio that a mapping says (see ``docs/review.md``), its tables read and renamed.

    Raises
    ------
    InputError
        When the mapping or a table does not hold.
    """
    mapping = portfolio_mapping(path)
    outcome = mapping.get("outcome", {})
    found = portfolio_of_accounts(
        mapped_table(mapping["accounts"], path.parent),
        name=mapping["name"],
        market=mapping["market"],
        currency=mapping["currency"],
        as_of=instant(mapping["as_of"]),
        time_zone=time_zone(mapping.get("time_zone", "Asia/Shanghai")),
        product=mapping.get("product", "purchase"),
        events=mapped_table(mapping["events"], path.parent) if "events" in mapping else None,
        outcome=outcome.get("column"),
        positive=outcome.get("positive", 1),
        protected=tuple(mapping.get("protected", ())),
    )
    return replace(found, content_hash=portfolio_hash(mapping, path.parent))


def _default_flags(outcome: pl.Series, positive: object) -> pl.Series:
    """Whether each account defaulted; unknown stays null."""
    flags = outcome.cast(pl.String) == str(positive)
    if outcome.dtype.is_numeric() and isinstance(positive, int | float):
        flags = outcome == positive
    return flags.alias("outcome")


def _reject_reason(amounts: list[str]) -> pl.Expr:
    """The first reason to refuse a row, or null."""
    reason = (
        pl.when(pl.col("account_id").is_null())
        .then(pl.lit("account_id_missing"))
        .when(~pl.col("account_id").is_first_distinct())
        .then(pl.lit("account_id_twice"))
        .when(~pl.col("product").is_in(PRODUCTS) | pl.col("product").is_null())
        .then(pl.lit("product_unknown"))
    )
    for column in amounts:
        amount = pl.col(column).cast(pl.Float64, strict=False)
        broken = amount.is_null() & pl.col(column).is_not_null()
        reason = reason.when(broken | amount.is_infinite()).then(pl.lit(f"{column}_not_a_number"))
        reason = reason.when(amount.is_not_nan() & (amount != amount.round())).then(
            pl.lit(f"{column}_not_whole_minor_units")
        )
        if column != "opening_balance_cents":
            reason = reason.when(amount < 0).then(pl.lit(f"{column}_negative"))
    return reason.otherwise(None)

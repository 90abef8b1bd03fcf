"""Features of event files, and portraits of accounts as of a time."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from limitkeeper.connectors.events import event_batch, id_text, microseconds, numbered, read_events
from limitkeeper.core.behaviour.events import ACCEPTED, AMOUNT_CENTS_MAX, DUPLICATE, NEVER_US, UNKNOWN_CENTS
from limitkeeper.core.behaviour.features import FEATURE_NAMES
from limitkeeper.core.behaviour.state import Behaviour
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.progress import Progress, unseen

BLOCK_EVENTS = 65_536
"""Events applied between two words of progress."""

STATUS_REASONS = {1: "duplicate", 2: "too_late"}


@dataclass
class Books:
    """The behaviour of accounts, and which number each has: what is kept between two files.

    Parameters
    ----------
    behaviour
        The rings.
    numbers
        Account id, as text, to its number.
    """

    behaviour: Behaviour = field(default_factory=Behaviour)
    numbers: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EventFeatures:
    """What came of an event table; ``read = accepted + rejected + duplicate``.

    Parameters
    ----------
    features
        One row an accepted event, in the table's order: ``event_id`` and the features.
    refused
        Rejected rows and duplicates as they were, with ``row`` (from 0) and ``reason``.
    counts
        ``read, accepted, rejected, duplicate``.
    books
        The state after them.
    """

    features: pl.DataFrame
    refused: pl.DataFrame
    counts: Mapping[str, int]
    books: Books


def features_of_events(
    events: pl.DataFrame,
    *,
    accounts: pl.DataFrame | None = None,
    time_zone: str = "Asia/Shanghai",
    as_of: dt.datetime | None = None,
    books: Books | None = None,
    progress: Progress = unseen,
) -> EventFeatures:
    """The features of each event of a table.

    Parameters
    ----------
    events
        As ``docs/reference/events.md`` says.
    accounts
        What is stated of accounts (``opened_at``, ``first_credit_at``, ``opening_balance_cents``,
        ``limit_cents``, ``customer_id``); those already in the books stay as they are.
    time_zone
        Of the market.
    as_of
        Events after this are refused.
    books
        The state that earlier files left; changed.
    progress
        Told of each finished block.

    Raises
    ------
    InputError
        When a required column is missing.
    """
    books = books or Books()
    read = read_events(events, as_of)
    if accounts is not None:
        register_accounts(books, accounts)
    values, status = applied(books, read.accepted, time_zone, progress)
    accepted = status == ACCEPTED
    features = (
        read.accepted.filter(pl.Series(accepted)).select("event_id").hstack(feature_frame(values[accepted]))
    )
    reasons = read.accepted.select(
        "row",
        pl.Series("reason", status).replace_strict(STATUS_REASONS, default=None, return_dtype=pl.String),
    ).drop_nulls("reason")
    refused = pl.concat(
        [read.rejected, numbered(events).join(reasons, on="row", maintain_order="left")]
    ).sort("row")
    duplicate = int((status == DUPLICATE).sum())
    counts = {
        "read": events.height,
        "accepted": features.height,
        "rejected": refused.height - duplicate,
        "duplicate": duplicate,
    }
    if counts["read"] != counts["accepted"] + counts["rejected"] + counts["duplicate"]:
        raise AssertionError(f"The counts of events do not reconcile: {counts}")
    return EventFeatures(features, refused, counts, books)


def applied(
    books: Books, events: pl.DataFrame, time_zone: str, progress: Progress = unseen
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Apply events; their features and what became of each, in their order.

    They are worked on customer by customer, each in arrival order: the features of an event depend on its
    customer's events only, and a ring stays in the cache while it is worked on.
    """
    account = numbers_of(books, events["account_id"].to_list())
    order = np.argsort(books.behaviour.customers()[account], kind="stable")
    batch = event_batch(events, account, time_zone)
    values = np.empty((len(batch), len(FEATURE_NAMES)))
    status = np.empty(len(batch), np.uint8)
    for start in range(0, len(batch), BLOCK_EVENTS):
        which = order[start : start + BLOCK_EVENTS]
        values[which], status[which] = books.behaviour.apply(batch.part(which))
        progress("events", start + len(which), len(batch))
    return values, status


def numbers_of(books: Books, account_ids: Sequence[str]) -> NDArray[np.int64]:
    """The number of each account; accounts that are new are added."""
    known = books.numbers
    numbers = [known.get(account, -1) for account in account_ids]
    if -1 in numbers:
        new = list(dict.fromkeys(account for account in account_ids if account not in known))
        known.update({account: len(known) + k for k, account in enumerate(new)})
        books.behaviour.add_accounts(len(new))
        numbers = [known[account] for account in account_ids]
    return np.array(numbers, np.int64)


def register_accounts(books: Books, accounts: pl.DataFrame) -> None:
    """Add what is stated of accounts that the books do not have.

    Raises
    ------
    InputError
        When ``account_id`` is missing or twice, or a stated column cannot be read.
    """
    if "account_id" not in accounts.columns:
        raise InputError("The accounts have no column 'account_id'.", allowed=", ".join(accounts.columns))
    ids = id_text(accounts["account_id"])
    if ids.null_count() or ids.n_unique() < len(ids):
        twice = ids.filter(~ids.is_first_distinct()).head(1).to_list()
        raise InputError("An account is missing its id or stands twice.", value=twice or None)
    new = accounts.filter(pl.Series([each not in books.numbers for each in ids.to_list()], dtype=pl.Boolean))
    first = len(books.numbers)
    customer = None
    if "customer_id" in new.columns:
        alone = pl.col("customer_id").is_null()
        line = pl.col("line").cast(pl.Int64)  # a column: in a window a range would count within its group
        customer = new.with_row_index("line").select(
            pl.when(alone).then(line).otherwise(line.first().over("customer_id")) + first
        ).to_series().to_numpy()  # fmt: skip
    stated = {
        "customer": customer,
        "opened_us": stated_times(new, "opened_at"),
        "first_credit_us": stated_times(new, "first_credit_at"),
        "opening_balance_cents": stated_cents(new, "opening_balance_cents", 0),
        "limit_cents": stated_cents(new, "limit_cents", UNKNOWN_CENTS, low=0),
    }
    # All is read before anything changes: a column that cannot be read leaves the books as they were.
    books.behaviour.add_accounts(new.height, **stated)
    names = id_text(new["account_id"]).to_list()
    books.numbers.update({account: first + k for k, account in enumerate(names)})


def stated_times(accounts: pl.DataFrame, name: str) -> NDArray[np.int64] | None:
    """A column of times as UTC microseconds, or None where there is none.

    Raises
    ------
    InputError
        When a time cannot be read.
    """
    if name not in accounts.columns or accounts[name].dtype == pl.Null:
        return None
    times = microseconds(accounts[name])
    unread = accounts[name].filter(times.is_null() & accounts[name].is_not_null())
    if len(unread):
        raise InputError(
            f"The accounts' column '{name}' holds what is no time.",
            value=unread[0],
            allowed="ISO 8601, as 2026-10-31 or 2026-10-31T23:59:59Z",
        )
    return times.fill_null(NEVER_US).to_numpy()


def stated_cents(
    accounts: pl.DataFrame, name: str, missing: int, low: int = -AMOUNT_CENTS_MAX
) -> NDArray[np.int64] | None:
    """A column of whole minor units, or None where there is none.

    Raises
    ------
    InputError
        When an amount is no whole number or out of its bounds.
    """
    if name not in accounts.columns:
        return None
    amounts = accounts[name].cast(pl.Float64, strict=False)
    whole = amounts.is_between(low, AMOUNT_CENTS_MAX) & (amounts == amounts.round())
    known = accounts[name].is_not_null() & ~amounts.is_nan().fill_null(value=False)
    wrong = accounts[name].filter(known & ~whole.fill_null(value=False))
    if len(wrong):
        raise InputError(
            f"The accounts' column '{name}' holds what is no amount of whole minor units.",
            value=wrong[0],
            allowed=f"{low} to {AMOUNT_CENTS_MAX}",
        )
    return amounts.fill_nan(None).fill_null(missing).cast(pl.Int64).to_numpy()


def feature_frame(values: NDArray[np.float64]) -> pl.DataFrame:
    """Features ``(n, 45)`` as named columns; missing is NaN, as everywhere."""
    return pl.DataFrame({name: np.ascontiguousarray(values[:, k]) for k, name in enumerate(FEATURE_NAMES)})


@dataclass(frozen=True, slots=True)
class Portraits:
    """The accounts' features as of a time, in the order asked for, and the events that were refused."""

    features: pl.DataFrame
    refused: pl.DataFrame
    counts: Mapping[str, int]


def portraits_of_accounts(
    events: pl.DataFrame,
    accounts: pl.DataFrame,
    *,
    as_of: dt.datetime,
    time_zone: str,
    progress: Progress = unseen,
) -> Portraits:
    """Every account's features as of a time, from its events until then.

    Parameters
    ----------
    events
        Events of unknown accounts, and those after ``as_of``, are refused.
    accounts
        As in :func:`features_of_events`; all get a portrait, with events or without.
    as_of
        UTC.
    time_zone
        Of the market.
    """
    ids = id_text(accounts["account_id"])
    strange = ~id_text(events["account_id"]).is_in(ids.implode()) if "account_id" in events.columns else None
    rows = numbered(events)
    unknown = rows.clear()
    if strange is not None:
        strange = strange.fill_null(value=False)  # an event without an account is refused for that
        unknown, rows, events = rows.filter(strange), rows.filter(~strange), events.filter(~strange)
    found = features_of_events(events, accounts=accounts, time_zone=time_zone, as_of=as_of, progress=progress)
    as_of_us = int(as_of.timestamp()) * 1_000_000 + as_of.microsecond
    values = found.books.behaviour.portraits(as_of_us)
    numbers = numbers_of(found.books, ids.to_list())
    counts = {
        **found.counts,
        "read": found.counts["read"] + unknown.height,
        "rejected": found.counts["rejected"] + unknown.height,
    }
    features = accounts.select("account_id").hstack(feature_frame(values[numbers]))
    refused = found.refused.with_columns(
        rows["row"].gather(found.refused["row"])
    )  # its row in the whole table
    unknown = unknown.with_columns(pl.lit("unknown_account").alias("reason"))
    return Portraits(features, pl.concat([refused, unknown]).sort("row"), counts)

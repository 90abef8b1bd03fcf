"""Event files: each row read as an event, or refused with its reason."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, chain
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from limitkeeper.core.behaviour.events import (
    AMOUNT_CENTS_MAX,
    HOUR_US,
    KINDS,
    NEVER_US,
    UNKNOWN_CENTS,
    EventBatch,
)
from limitkeeper.core.behaviour.validity import (
    NO_ACCOUNT_ID,
    NO_EVENT_ID,
    NO_TIME_US,
    ODD_ID,
    REASONS,
    UNKNOWN_KIND,
    UNREAD_TIME_US,
    VALID,
    write_reasons,
)
from limitkeeper.core.kernel.compiled import compiled
from limitkeeper.core.kernel.errors import InputError, did_you_mean

REQUIRED = ("event_id", "account_id", "ts", "kind")
AMOUNTS = ("amount", "paid", "minimum_due", "days_past_due")
IDS = ("merchant_id", "device_id", "city", "counterparty_id")
OPTIONAL = (*AMOUNTS, *IDS, "reason")

KIND_CODES = {kind: code for code, kind in enumerate(KINDS)}

ID_BYTES_MAX = 200
"""Bytes of an id at most."""

REJECT_REASONS = {
    "unreadable": ("The message is no JSON object of an event.", "消息不是有效的事件 JSON 对象。"),
    "event_id_missing": ("The event has no id.", "缺少事件编号。"),
    "account_id_missing": ("The event has no account.", "缺少账户编号。"),
    "id_not_plain": (
        "An id is longer than 200 bytes or holds a null character.",
        "编号超过200字节或含空字符。",
    ),
    "ts_missing": ("The event has no time.", "缺少事件时间。"),
    "ts_unreadable": ("The time cannot be read; write ISO 8601.", "事件时间无法识别，请使用 ISO 8601 格式。"),
    "kind_unknown": ("The kind is none of the event kinds.", "事件类型未知。"),
    "amount_missing": ("This kind needs an amount.", "该类型事件需要金额。"),
    "amount_not_whole": ("The amount is no whole number of minor units.", "金额不是整数最小货币单位。"),
    "amount_negative": (
        "The amount is negative; the kind says the direction.",
        "金额为负，方向应由事件类型表示。",
    ),
    "amount_too_large": ("The amount is above the bound.", "金额超过上限。"),
    "bill_incomplete": ("The bill lacks what was paid or the days past due.", "账单缺少已还金额或逾期天数。"),
    "bill_not_plausible": (
        "A figure of the bill is negative, not whole or too large.",
        "账单数据为负、非整数或过大。",
    ),
    "in_future": ("The event lies after the as-of time.", "事件时间晚于评估时点。"),
    "unknown_account": ("The accounts have no such account.", "账户表中没有该账户。"),
    "too_late": (
        "The event is older than 90 days before its account's newest, or than its account's 4,000 newest.",
        "事件早于该账户最新事件90天以上，或早于该账户最近的4000条事件。",
    ),
    "duplicate": ("An event with this id was applied before.", "相同编号的事件已处理。"),
}
"""Why a row is not applied, in English and Chinese."""


@dataclass(frozen=True, slots=True)
class ReadEvents:
    """The rows of an event table: what is an event, and what is not, each with its number in the table.

    Parameters
    ----------
    accepted
        Normalised columns: ``row``, ``event_id``, ``account_id``, ``ts_us``, ``kind`` (code), amounts (-1
        unknown), ids as text.
    rejected
        The rows as they were, :func:`numbered`, with ``reason``.
    """

    accepted: pl.DataFrame
    rejected: pl.DataFrame


def read_events(frame: pl.DataFrame, as_of: dt.datetime | None = None) -> ReadEvents:
    """The events of a table, in its order, and the rows that are none, with the first reason that holds.

    Parameters
    ----------
    frame
        As ``docs/reference/events.md`` says; types that hold the same values are taken.
    as_of
        Events after this are refused; None takes them all.

    Raises
    ------
    InputError
        When a required column is missing, or a column's type cannot hold its values.
    """
    for name in REQUIRED:
        if name not in frame.columns:
            raise InputError(
                f"The events have no column '{name}'.",
                allowed=", ".join((*REQUIRED, *OPTIONAL)),
                advice=did_you_mean(name, frame.columns),
            )
    for name in (*REQUIRED, *OPTIONAL):
        if name in frame.columns and not _is_readable(frame[name].dtype, name):
            raise InputError(
                f"The events' column '{name}' is of a type that holds no such values.",
                value=frame[name].dtype,
                allowed="numbers or text" if name in AMOUNTS else "text, numbers or times",
            )
    rows = numbered(frame)
    absent = [name for name in (*AMOUNTS, *IDS) if name not in frame.columns]
    whole = rows.with_columns(pl.lit(None).alias(name) for name in absent)
    ids = {name: id_text(whole[name]) for name in ("event_id", "account_id", *IDS)}
    times = microseconds(whole["ts"]).fill_null(UNREAD_TIME_US).set(whole["ts"].is_null(), NO_TIME_US)
    kinds = id_text(whole["kind"]).replace_strict(KIND_CODES, default=UNKNOWN_KIND, return_dtype=pl.Int16)
    figures = np.empty((frame.height, len(AMOUNTS)))
    missing = np.empty((frame.height, len(AMOUNTS)), np.bool_)
    for k, name in enumerate(AMOUNTS):
        given = whole[name]
        missing[:, k] = (
            given.is_null() | given.is_nan() if given.dtype.is_float() else given.is_null()
        ).to_numpy()
        figures[:, k] = given.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    reasons = reject_reasons(id_faults(ids), times.to_numpy(), kinds.to_numpy(), figures, missing, as_of)
    accepted = normalised(ids, times.to_numpy(), kinds.to_numpy(), figures, reasons == VALID)
    return ReadEvents(accepted, rows.filter(pl.Series(reasons != VALID)).with_columns(reason_names(reasons)))


def id_faults(ids: Mapping[str, pl.Series]) -> NDArray[np.uint8]:
    """Bits of what is wrong with each row's ids, shape ``(n,)``."""
    faults = np.zeros(len(ids["event_id"]), np.uint8)
    faults |= NO_EVENT_ID * ids["event_id"].is_null().to_numpy().astype(np.uint8)
    faults |= NO_ACCOUNT_ID * ids["account_id"].is_null().to_numpy().astype(np.uint8)
    for text in ids.values():
        odd = (text.str.len_bytes() > ID_BYTES_MAX) | text.str.contains("\0", literal=True)
        faults |= ODD_ID * odd.fill_null(value=False).to_numpy().astype(np.uint8)
    return faults


def reject_reasons(
    faults: NDArray[np.uint8],
    times_us: NDArray[np.int64],
    kinds: NDArray[np.int16],
    figures: NDArray[np.float64],
    missing: NDArray[np.bool_],
    as_of: dt.datetime | None,
) -> NDArray[np.int8]:
    """Why each row is refused, as a code, -1 where it is not; arguments as ``write_reasons`` takes them."""
    as_of_us = NEVER_US
    if as_of is not None:
        as_of_us = int(as_of.timestamp()) * 1_000_000 + as_of.microsecond
    reasons = np.empty(len(times_us), np.int8)
    write_reasons(faults, times_us, kinds, figures, missing, as_of_us, reasons)
    return reasons


def reason_names(reasons: NDArray[np.int8]) -> pl.Series:
    """The names of the reasons of the rows that are refused."""
    return pl.Series("reason", [REASONS[code] for code in reasons if code != VALID], dtype=pl.String)


def normalised(
    ids: Mapping[str, pl.Series],
    times_us: NDArray[np.int64],
    kinds: NDArray[np.int16],
    figures: NDArray[np.float64],
    valid: NDArray[np.bool_],
) -> pl.DataFrame:
    """The valid rows, as :class:`ReadEvents` has them."""
    rows = np.flatnonzero(valid)
    taken = ids if len(rows) == len(valid) else {name: text.gather(rows) for name, text in ids.items()}
    return event_table({"row": rows, **event_figures(rows, times_us, kinds, figures)}, taken)


EVENT_NAMES = ("row", "event_id", "account_id", "ts_us", "kind", *AMOUNTS, *IDS)
"""The columns of normalised events."""


def event_table(
    figures: Mapping[str, NDArray[Any]], ids: Mapping[str, pl.Series | Sequence[str | None]]
) -> pl.DataFrame:
    """Normalised events as a table, from their columns."""
    text = {name: values if isinstance(values, pl.Series) else pl.Series(name, values, dtype=pl.String)
            for name, values in ids.items()}  # fmt: skip
    return pl.DataFrame({name: text[name] if name in text else figures[name] for name in EVENT_NAMES})


def event_records(
    figures: Mapping[str, NDArray[Any]], ids: Mapping[str, Sequence[str | None]]
) -> pa.RecordBatch:
    """As :func:`event_table`, for a few events, of which a table costs more than they do."""
    size = len(figures["row"])
    # One call for all ids: each costs more than what it makes of a few.
    texts = pa.array(list(chain.from_iterable(ids.values())), pa.large_string())
    parts = {name: texts.slice(place * size, size) for place, name in enumerate(ids)}
    columns = [parts[name] if name in parts else pa.array(figures[name]) for name in EVENT_NAMES]
    return pa.RecordBatch.from_arrays(columns, EVENT_NAMES)


def event_figures(
    rows: NDArray[np.int64],
    times_us: NDArray[np.int64],
    kinds: NDArray[np.int16],
    figures: NDArray[np.float64],
) -> dict[str, NDArray[Any]]:
    """Time, kind and amounts of some rows, normalised."""
    figures = figures[rows]
    unknown = np.isnan(figures)
    figures[unknown] = UNKNOWN_CENTS
    figures[unknown[:, 0], 0] = 0
    # What is no bill's is not judged, but bounded.
    whole = figures.clip(UNKNOWN_CENTS, AMOUNT_CENTS_MAX).astype(np.int64)
    amounts = dict(zip(AMOUNTS, np.ascontiguousarray(whole.T), strict=True))
    return {"ts_us": times_us[rows], "kind": kinds[rows].astype(np.uint8), **amounts}


def numbered(frame: pl.DataFrame) -> pl.DataFrame:
    """A table with the number of each row, from 0, as ``row``.

    Columns that a refused row is to have, ``row`` and ``reason``, are kept as ``given_row`` and ``given_reason``
    where the table has its own.
    """
    for name in ("row", "reason"):
        given = name
        while given in frame.columns:
            given = f"given_{given}"
        frame = frame.rename({name: given}, strict=False)
    return frame.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))


def _is_readable(dtype: pl.DataType, name: str) -> bool:
    if name in AMOUNTS:
        return dtype.is_numeric() or dtype in (pl.String, pl.Null)
    return not dtype.is_nested() and dtype not in (pl.Binary, pl.Object)


def id_text(ids: pl.Series) -> pl.Series:
    """Ids as text: a whole float is as its integer; NaN and empty text are missing.

    Examples
    --------
    >>> id_text(pl.Series([5.0, 0.5, float("nan")])).to_list(), id_text(pl.Series(["5", " "])).to_list()
    (['5', '0.5', None], ['5', None])
    """
    text = ids.cast(pl.String)
    if ids.dtype.is_float():
        whole = ids.cast(pl.Int64, strict=False)
        text = whole.cast(pl.String).zip_with((whole == ids).fill_null(value=False), text)
        return text.set(ids.is_nan(), None)
    return text.set(text.str.strip_chars() == "", None)


def microseconds(ts: pl.Series) -> pl.Series:
    """Times as UTC microseconds; null where they cannot be read. A time without an offset is UTC."""
    if ts.dtype == pl.String:
        # An offset is taken where there is one; a time without is read by the second format.
        offset = ts.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
        plain = ts.str.replace(" ", "T").str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
        day = ts.str.to_datetime("%Y-%m-%d", time_unit="us", strict=False)
        found = plain.fill_null(day).dt.replace_time_zone("UTC")
        return offset.fill_null(found).dt.timestamp("us")
    if isinstance(ts.dtype, pl.Datetime):
        zoned = ts.dt.cast_time_unit("us")
        return zoned.dt.timestamp("us")
    if ts.dtype == pl.Date:
        return ts.cast(pl.Datetime("us")).dt.timestamp("us")
    return pl.Series(ts.name, [None] * len(ts), dtype=pl.Int64)


FNV_OFFSET = np.uint64(14695981039346656037)
FNV_PRIME = np.uint64(1099511628211)


@compiled
def _hashes(content: NDArray[np.uint8], offsets: NDArray[np.int64], hashes: NDArray[np.uint64]) -> None:
    for i in range(hashes.shape[0]):
        value = FNV_OFFSET
        for k in range(offsets[i], offsets[i + 1]):
            value = (value ^ np.uint64(content[k])) * FNV_PRIME
        # FNV mixes the last bytes little: a final mix (MurmurHash3's) spreads them.
        value ^= value >> np.uint64(33)
        value *= np.uint64(0xFF51AFD7ED558CCD)
        value ^= value >> np.uint64(33)
        hashes[i] = value if value != np.uint64(0) else np.uint64(1)


def id_hashes(ids: pl.Series | Sequence[str | None]) -> NDArray[np.int64]:
    """A 64-bit hash of each id's text, the same on every machine and day; 0 where it is missing.

    Source
    ------
    G. Fowler, L. C. Noll, K.-P. Vo: FNV-1a, with the final mix of MurmurHash3 (A. Appleby).

    Examples
    --------
    >>> found = id_hashes(pl.Series(["7", "shop", None]))
    >>> found[0] == id_hashes(["7"])[0], found[2]
    (np.True_, np.int64(0))
    """
    hashes = np.zeros(len(ids), np.uint64)
    if isinstance(ids, pl.Series):
        text = ids.cast(pl.String).to_arrow(compat_level=pl.CompatLevel.oldest())
        _, offsets, content = text.buffers()
        if len(ids) and content is not None:
            places = np.frombuffer(offsets, np.int64)[text.offset : text.offset + len(ids) + 1]
            _hashes(np.frombuffer(content, np.uint8), places, hashes)
            hashes[ids.is_null().to_numpy()] = 0
        elif len(ids):  # all are missing or empty
            hashes[ids.is_not_null().to_numpy()] = id_hashes([""]).view(np.uint64)[0]
    else:
        known = [text for text in ids if text is not None]
        joined = "".join(known)
        content = joined.encode()
        plain = len(content) == len(joined)
        lengths = map(len, known) if plain else (len(text.encode()) for text in known)
        offsets = np.fromiter(accumulate(lengths, initial=0), np.int64, len(known) + 1)
        if len(known) == len(ids):
            _hashes(np.frombuffer(content, np.uint8), offsets, hashes)
        else:
            found = np.empty(len(known), np.uint64)
            _hashes(np.frombuffer(content, np.uint8), offsets, found)
            hashes[[place for place, text in enumerate(ids) if text is not None]] = found
    return hashes.view(np.int64)


def hashes_by_name(ids: Mapping[str, Sequence[str | None]]) -> dict[str, NDArray[np.int64]]:
    """The hashes of several columns of ids of one length, as :func:`id_hashes` gives them, in one turn."""
    found = id_hashes(list(chain.from_iterable(ids.values())))
    return dict(zip(ids, found.reshape(len(ids), -1), strict=True))


HASHED = ("merchant_id", "device_id", "city", "event_id")
"""The ids that an event batch holds as hashes."""


def event_batch(events: pl.DataFrame, account: NDArray[np.int64], time_zone: str) -> EventBatch:
    """Accepted events as the core takes them.

    Parameters
    ----------
    events
        As in :class:`ReadEvents`.
    account
        Number of each event's account, shape ``(n,)``.
    time_zone
        Of the market, for what is at night.
    """
    figures = {name: events[name].to_numpy() for name in ("ts_us", "kind", *AMOUNTS)}
    hashes = {name: id_hashes(events[name]) for name in HASHED}
    return batch_of_columns(figures, hashes, account, time_zone)


def batch_of_columns(
    figures: Mapping[str, NDArray[Any]],
    hashes: Mapping[str, NDArray[np.int64]],
    account: NDArray[np.int64],
    time_zone: str,
) -> EventBatch:
    """As :func:`event_batch`, from figures and hashes of ids by their names."""
    return EventBatch(
        account=account,
        ts_us=figures["ts_us"],
        kind=figures["kind"],
        amount_cents=figures["amount"],
        paid_cents=figures["paid"],
        minimum_due_cents=figures["minimum_due"],
        days_past_due=figures["days_past_due"],
        merchant=hashes["merchant_id"],
        device=hashes["device_id"],
        city=hashes["city"],
        event=hashes["event_id"],
        night=is_night(figures["ts_us"], time_zone),
    )


QUARTER_US = HOUR_US // 4
"""Clocks change at whole quarters of an hour."""

NIGHT_ENDS_HOUR = 6


def is_night(ts_us: NDArray[np.int64], time_zone: str) -> NDArray[np.bool_]:
    """Whether the local hour is in [0, 6), shape ``(n,)``."""
    quarters = ts_us // QUARTER_US
    if len(ts_us) and (quarters == quarters[0]).all():
        offset_us = _offset_us(int(quarters[0]), time_zone)
        alike: NDArray[np.bool_] = (ts_us + offset_us) // HOUR_US % 24 < NIGHT_ENDS_HOUR
        return alike
    quarters, where = np.unique(quarters, return_inverse=True)
    offsets = np.array([_offset_us(quarter, time_zone) for quarter in quarters.tolist()], np.int64)
    night: NDArray[np.bool_] = (ts_us + offsets[where]) // HOUR_US % 24 < NIGHT_ENDS_HOUR
    return night


@lru_cache(maxsize=65_536)
def _offset_us(quarter: int, time_zone: str) -> int:
    """How far local time is ahead of UTC in a quarter of an hour."""
    moment = EPOCH + dt.timedelta(microseconds=quarter * QUARTER_US)
    offset = moment.astimezone(ZoneInfo(time_zone)).utcoffset()
    return 0 if offset is None else round(offset.total_seconds()) * 1_000_000


EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

"""Events as JSON messages: decoded by msgspec, read as the same events as a file's rows."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import msgspec
import numpy as np
import polars as pl
from msgspec.structs import astuple
from numpy.typing import NDArray

from limitkeeper.connectors.events import (
    AMOUNTS,
    EPOCH,
    ID_BYTES_MAX,
    IDS,
    KIND_CODES,
    ReadEvents,
    event_figures,
    event_table,
    reason_names,
    reject_reasons,
)
from limitkeeper.core.behaviour.validity import (
    NO_ACCOUNT_ID,
    NO_EVENT_ID,
    NO_TIME_US,
    ODD_ID,
    UNKNOWN_KIND,
    UNREAD_TIME_US,
    VALID,
)
from limitkeeper.core.kernel.errors import InputError

MESSAGES_MAX = 200_000
"""Events of one request."""

WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""What a file's reader takes for white space (Unicode's); Python's own has four separators more."""

MICROSECOND = dt.timedelta(microseconds=1)

Id = str | int
Number = float | int


class EventMessage(msgspec.Struct, forbid_unknown_fields=True):
    """One event as a JSON object; see ``docs/reference/events.md``. A missing field is null."""

    event_id: Id | None = None
    account_id: Id | None = None
    ts: str | None = None
    kind: str | None = None
    amount: Number | None = None
    paid: Number | None = None
    minimum_due: Number | None = None
    days_past_due: Number | None = None
    merchant_id: Id | None = None
    device_id: Id | None = None
    city: Id | None = None
    counterparty_id: Id | None = None
    reason: str | None = None


_one = msgspec.json.Decoder(EventMessage)
_many = msgspec.json.Decoder(list[EventMessage])

COLUMNS = EventMessage.__struct_fields__


def messages(body: bytes, *, lines: bool = False) -> list[EventMessage]:
    """The events of a JSON body: one object, a list of objects, or, with ``lines``, an object a line.

    Raises
    ------
    InputError
        When it is no such JSON, has an unknown field, or holds too many.

    Examples
    --------
    >>> messages(b'{"event_id": 1, "kind": "login"}')[0].kind
    'login'
    """
    try:
        if lines:
            found = _one.decode_lines(body)
        else:
            found = _many.decode(body) if body.lstrip()[:1] == b"[" else [_one.decode(body)]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"The body is no JSON of events: {error}.",
            allowed="an object or a list of objects with " + ", ".join(COLUMNS),
            advice="See docs/reference/events.md.",
        ) from error
    if len(found) > MESSAGES_MAX:
        raise InputError("There are too many events in one request.", value=len(found), allowed=MESSAGES_MAX)
    return found


@dataclass(frozen=True, slots=True)
class CheckedMessages:
    """Messages as columns, and why each is refused; arrays of shape ``(n,)`` in their order.

    Parameters
    ----------
    ids
        Ids as text, by name.
    times_us, kinds, figures
        As ``write_reasons`` takes them.
    reasons
        Codes, -1 where it is an event.
    """

    ids: dict[str, list[str | None]]
    times_us: NDArray[np.int64]
    kinds: NDArray[np.int16]
    figures: NDArray[np.float64]
    reasons: NDArray[np.int8]

    def rejected(self) -> pl.DataFrame:
        """The rows that are refused, with their reasons."""
        rows = np.flatnonzero(self.reasons != VALID)
        names = {name: [self.ids[name][row] for row in rows.tolist()] for name in ("event_id", "account_id")}
        return pl.DataFrame(
            {"row": rows, **{name: pl.Series(values, dtype=pl.String) for name, values in names.items()},
             "reason": reason_names(self.reasons)}
        )  # fmt: skip

    def accepted(self) -> tuple[NDArray[np.int64], dict[str, NDArray[Any]], dict[str, list[str | None]]]:
        """The rows that are events: their numbers, figures and ids."""
        rows = np.flatnonzero(self.reasons == VALID)
        ids = self.ids
        if len(rows) < len(self.reasons):
            which = rows.tolist()
            ids = {name: [values[row] for row in which] for name, values in ids.items()}
        return rows, event_figures(rows, self.times_us, self.kinds, self.figures), ids


def checked_messages(rows: Sequence[EventMessage], as_of: dt.datetime | None = None) -> CheckedMessages:
    """Messages, each judged by the same rules as a file's row; arguments as of :func:`read_messages`."""
    columns = dict(zip(COLUMNS, zip(*map(astuple, rows), strict=True) if rows else repeat(()), strict=False))
    ids = {name: _ids(columns[name]) for name in ("event_id", "account_id", *IDS)}
    times = np.array(list(map(_time_us, columns["ts"])), np.int64)
    kinds = np.array([KIND_CODES.get(kind or "", UNKNOWN_KIND) for kind in columns["kind"]], np.int16)
    given = [columns[name] for name in AMOUNTS]
    try:
        amounts = np.array(given, np.float64)  # None becomes NaN
    except OverflowError:
        amounts = np.array([[_figure(value) for value in column] for column in given])
    figures = np.ascontiguousarray(amounts.T)
    missing = np.isnan(figures)  # JSON has no NaN of its own
    return CheckedMessages(
        ids, times, kinds, figures, reject_reasons(_faults(ids), times, kinds, figures, missing, as_of)
    )


def read_messages(rows: Sequence[EventMessage], as_of: dt.datetime | None = None) -> ReadEvents:
    """The events of messages, in their order, and those that are none, with the first reason that holds.

    Parameters
    ----------
    rows
        As decoded.
    as_of
        Events after this are refused; None takes them all.
    """
    checked = checked_messages(rows, as_of)
    numbers, figures, ids = checked.accepted()
    return ReadEvents(event_table({"row": numbers, **figures}, ids), checked.rejected())


def read_each(bodies: Sequence[bytes], as_of: dt.datetime | None = None) -> ReadEvents:
    """The events of bodies that hold one JSON object each; one that cannot be decoded is refused as ``unreadable``.

    Parameters
    ----------
    bodies
        In their order; the number of each is its row.
    as_of
        Events after this are refused; None takes them all.

    Examples
    --------
    >>> read_each([b"{", b'{"event_id": 1}']).rejected["reason"].to_list()
    ['unreadable', 'account_id_missing']
    """
    found, places, unread = list[EventMessage](), list[int](), list[int]()
    for place, body in enumerate(bodies):
        try:
            found.append(_one.decode(body))
            places.append(place)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            unread.append(place)
    return with_unread(read_messages(found, as_of), places, unread)


def with_unread(read: ReadEvents, places: Sequence[int], unread: Sequence[int]) -> ReadEvents:
    """What was read of the rows at some places, and the rows that could not be, all under their own numbers.

    Parameters
    ----------
    read
        Of the rows at ``places``, numbered from 0.
    places, unread
        Numbers of all rows.
    """
    if not unread:
        return read
    own = np.array(places, np.int64)

    def placed(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(pl.Series("row", own[rows["row"].to_numpy()], pl.Int64))

    lost = pl.DataFrame({"row": unread, "reason": "unreadable"}, schema_overrides={"row": pl.Int64})
    rejected = pl.concat([placed(read.rejected), lost], how="diagonal").sort("row")
    return ReadEvents(placed(read.accepted), rejected)


def _faults(texts: dict[str, list[str | None]]) -> NDArray[np.uint8]:
    """As ``id_faults``, without the cost of a table's operations on a few rows."""
    faults = np.zeros(len(texts["event_id"]), np.uint8)
    for name, bit in (("event_id", NO_EVENT_ID), ("account_id", NO_ACCOUNT_ID)):
        if None in texts[name]:
            faults |= np.array([bit * (text is None) for text in texts[name]], np.uint8)
    for values in texts.values():
        known = list(filter(None, values))
        if not known or (max(map(len, known)) * 4 <= ID_BYTES_MAX and "\0" not in "".join(known)):
            continue
        for row, text in enumerate(values):
            if text is not None and ("\0" in text or len(text) * 4 > ID_BYTES_MAX < len(text.encode())):
                faults[row] |= ODD_ID
    return faults


def _ids(values: Sequence[Id | None]) -> list[str | None]:
    """Ids as text; nearly all are text already, or all are missing."""
    if values.count(None) == len(values):
        return [None] * len(values)
    return [value if isinstance(value, str) and value.strip(WHITE_SPACE) else _id(value) for value in values]


def _id(value: Id | None) -> str | None:
    if value is None or isinstance(value, int):
        return None if value is None else str(value)
    return value if value.strip(WHITE_SPACE) else None


def _figure(value: Number | None) -> float:
    try:
        return np.nan if value is None else float(value)
    except OverflowError:
        return np.inf


def _time_us(text: str | None) -> int:
    """UTC microseconds; without an offset a time is UTC."""
    if text is None:
        return NO_TIME_US
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return UNREAD_TIME_US
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    try:
        return (moment - EPOCH) // MICROSECOND
    except OverflowError:
        return UNREAD_TIME_US

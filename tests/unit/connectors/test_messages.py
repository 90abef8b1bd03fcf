import datetime as dt
import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limitkeeper.connectors.events import read_events
from limitkeeper.connectors.messages import COLUMNS, MESSAGES_MAX, EventMessage, messages, read_messages
from limitkeeper.core.behaviour.events import KINDS
from limitkeeper.core.kernel.errors import InputError

ids = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.text(max_size=5), st.just("x" * 201))
figures = st.one_of(
    st.none(), st.integers(-5, 10**13), st.floats(allow_nan=False, allow_infinity=False, width=32)
)
times = st.one_of(
    st.none(),
    st.sampled_from(["2026-01-01", "2026-01-01T08:30:00.25+08:00", "2026-01-01 00:00:00", "soon", ""]),
    # without an offset, as a sender may write it
    st.datetimes(dt.datetime(1971, 1, 1), dt.datetime(2200, 1, 1)).map(  # noqa: DTZ001
        lambda moment: moment.isoformat() + "Z"
    ),
)
rows = st.fixed_dictionaries(
    dict.fromkeys(("event_id", "account_id", "merchant_id", "device_id", "city"), ids)
    | dict.fromkeys(("amount", "paid", "minimum_due", "days_past_due"), figures)
    | {"ts": times, "kind": st.sampled_from([*KINDS, "purchse", "", None])}
)

AS_OF = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


def as_table(given_rows: list[dict[str, Any]]) -> pl.DataFrame:
    """The rows as a file would hold them: ids as text, figures as floats."""
    text = dict.fromkeys(
        ("event_id", "account_id", "merchant_id", "device_id", "city", "ts", "kind"), pl.String
    )
    plain = [
        {name: value if value is None or name not in text else str(value) for name, value in row.items()}
        for row in given_rows
    ]
    numbers = dict.fromkeys(("amount", "paid", "minimum_due", "days_past_due"), pl.Float64)
    return pl.DataFrame(plain, schema=text | numbers)


@pytest.mark.parametrize("text", [" ", "a ", " a", "\x1c", "\u3000", "\r", "a\r", "\x85"])
def test_id_with_white_space_is_the_same_in_a_message_and_a_file(text: str) -> None:
    row = {"event_id": text, "account_id": "a", "ts": "2026-01-01", "kind": "login"}
    from_file, from_json = read_events(as_table([row])), read_messages([EventMessage(**row)])
    assert from_json.accepted["event_id"].to_list() == from_file.accepted["event_id"].to_list()


@settings(max_examples=150, deadline=None)
@given(st.lists(rows, min_size=1, max_size=8))
def test_message_is_read_as_the_same_event_as_a_row_of_a_file(given_rows: list[dict[str, Any]]) -> None:
    from_file = read_events(as_table(given_rows), AS_OF)
    from_json = read_messages(messages(json.dumps(given_rows).encode()), AS_OF)
    assert from_json.accepted.equals(from_file.accepted, null_equal=True)
    assert from_json.rejected["row"].to_list() == from_file.rejected["row"].to_list()
    assert from_json.rejected["reason"].to_list() == from_file.rejected["reason"].to_list()


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[1]", b'{"event_id": {}}', b'{"events": []}', b"\xff", b'"x"', b'{"amount": "1"}', b"[[]]"],
)
def test_body_that_is_no_json_of_events_is_refused_whole(body: bytes) -> None:
    with pytest.raises(InputError, match="no JSON of events"):
        messages(body)


def test_lines_are_read_one_event_a_line() -> None:
    assert [each.event_id for each in messages(b'{"event_id": 1}\n{"event_id": "b"}\n', lines=True)] == [
        1,
        "b",
    ]


def test_more_events_than_a_request_may_hold_are_refused() -> None:
    with pytest.raises(InputError, match="too many"):
        messages(b"[" + b",".join([b"{}"] * (MESSAGES_MAX + 1)) + b"]")


def test_amount_beyond_every_float_is_refused_with_a_reason() -> None:
    row = EventMessage("e", "a", "2026-01-01", "purchase", amount=10**400)
    assert read_messages([row]).rejected["reason"].to_list() == ["amount_not_whole"]


def test_message_has_every_column_of_the_event_file() -> None:
    from limitkeeper.connectors.events import OPTIONAL, REQUIRED

    assert set(COLUMNS) == {*REQUIRED, *OPTIONAL}

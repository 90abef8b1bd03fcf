"""Event files: every reason to refuse a row, every form that is taken, and the page that says so."""

import datetime as dt
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from limitkeeper.connectors.events import (
    ID_BYTES_MAX,
    OPTIONAL,
    REJECT_REASONS,
    REQUIRED,
    event_batch,
    id_hashes,
    read_events,
)
from limitkeeper.core.behaviour.events import AMOUNT_CENTS_MAX, BILL, KINDS
from limitkeeper.core.behaviour.features import FEATURES
from limitkeeper.core.behaviour.validity import DAYS_PAST_DUE_MAX
from limitkeeper.core.kernel.errors import InputError

PAGE = (Path(__file__).parents[3] / "docs/reference/events.md").read_text(encoding="utf-8")
NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
PURCHASE: dict[str, Any] = {
    "event_id": "e1", "account_id": "a1", "ts": NOON, "kind": "purchase", "amount": 100.0, "paid": None,
    "minimum_due": None, "days_past_due": None, "merchant_id": "m", "device_id": None, "city": None,
}  # fmt: skip
CLOSED = {"kind": "bill", "paid": 0.0, "minimum_due": 10.0, "days_past_due": 0.0}
SCHEMA = {
    name: pl.Float64 if name in {"amount", "paid", "minimum_due", "days_past_due"} else pl.String
    for name in PURCHASE
} | {"ts": pl.Datetime("us", "UTC")}


def table(**changed: Any) -> pl.DataFrame:
    return pl.DataFrame([PURCHASE | changed], schema=SCHEMA)


def reason(frame: pl.DataFrame, as_of: dt.datetime | None = None) -> str | None:
    read = read_events(frame, as_of)
    assert read.accepted.height + read.rejected.height == frame.height
    return read.rejected["reason"][0] if read.rejected.height else None


REFUSED = [
    ("event_id_missing", {"event_id": None}),
    ("event_id_missing", {"event_id": "  "}),
    ("account_id_missing", {"account_id": None}),
    ("account_id_missing", {"account_id": ""}),
    ("id_not_plain", {"event_id": "e" * (ID_BYTES_MAX + 1)}),
    ("id_not_plain", {"account_id": "a\0b"}),
    ("id_not_plain", {"city": "\0"}),
    ("ts_missing", {"ts": None}),
    ("kind_unknown", {"kind": "purchse"}),
    ("kind_unknown", {"kind": None}),
    ("amount_missing", {"amount": None}),
    ("amount_missing", {"amount": float("nan")}),
    ("amount_not_whole", {"amount": 0.5}),
    ("amount_not_whole", {"amount": float("inf")}),
    ("amount_not_whole", {"amount": -float("inf")}),
    ("amount_negative", {"amount": -1.0}),
    ("amount_too_large", {"amount": AMOUNT_CENTS_MAX + 1.0}),
    ("bill_incomplete", CLOSED | {"paid": None}),
    ("bill_incomplete", CLOSED | {"days_past_due": None}),
    ("bill_incomplete", CLOSED | {"paid": float("nan")}),
    ("bill_not_plausible", CLOSED | {"paid": -1.0}),
    ("bill_not_plausible", CLOSED | {"paid": AMOUNT_CENTS_MAX + 1.0}),
    ("bill_not_plausible", CLOSED | {"minimum_due": -1.0}),
    ("bill_not_plausible", CLOSED | {"minimum_due": 0.5}),
    ("bill_not_plausible", CLOSED | {"days_past_due": float("inf")}),
    ("bill_not_plausible", CLOSED | {"days_past_due": DAYS_PAST_DUE_MAX + 1.0}),
]


@pytest.mark.parametrize(("expected", "changed"), REFUSED)
def test_row_that_is_no_event_is_refused_with_its_reason(expected: str, changed: dict[str, Any]) -> None:
    assert reason(table(**changed)) == expected


def test_event_after_the_as_of_time_is_refused_and_one_at_it_is_taken() -> None:
    assert reason(table(), NOON) is None
    assert reason(table(), NOON - dt.timedelta(microseconds=1)) == "in_future"


def test_every_reason_of_reading_is_tried_here() -> None:
    elsewhere = {"too_late", "duplicate", "unknown_account", "unreadable"}
    tried = {expected for expected, _ in REFUSED} | {"in_future", "ts_unreadable"}
    assert tried == set(REJECT_REASONS) - elsewhere


@pytest.mark.parametrize("changed", [{"amount": 0.0}, {"amount": float(AMOUNT_CENTS_MAX)}, CLOSED,
                                     CLOSED | {"minimum_due": None}])  # fmt: skip
def test_row_on_the_edge_is_taken(changed: dict[str, Any]) -> None:
    assert reason(table(**changed)) is None


@pytest.mark.parametrize("kind", KINDS)
def test_only_some_kinds_go_without_an_amount(kind: str) -> None:
    found = reason(table(**(CLOSED | {"kind": kind, "amount": None})))
    assert found == (None if kind in ("declined", "login", "flag", "flag_withdrawn") else "amount_missing")


@pytest.mark.parametrize(
    "text",
    ["2026-01-01T12:00:00Z", "2026-01-01T20:00:00+08:00", "2026-01-01 20:00:00+08:00", "2026-01-01T12:00:00",
     "2026-01-01 12:00:00.000000"],
)  # fmt: skip
def test_text_names_an_instant_and_without_an_offset_it_is_utc(text: str) -> None:
    read = read_events(table().with_columns(ts=pl.lit(text)))
    assert read.accepted["ts_us"].to_list() == [int(NOON.timestamp()) * 1_000_000]


@pytest.mark.parametrize("text", ["yesterday", "01/02/2026", "2026-13-01", "12:00", ""])
def test_text_that_names_no_instant_is_refused(text: str) -> None:
    assert reason(table().with_columns(ts=pl.lit(text))) == "ts_unreadable"


@pytest.mark.parametrize("dtype", [pl.Datetime("ns"), pl.Datetime("ms", "Asia/Shanghai"), pl.Datetime("us")])
def test_timestamp_of_any_unit_or_zone_is_the_same_instant(dtype: pl.DataType) -> None:
    frame = table().with_columns(
        pl.col("ts").dt.convert_time_zone("Asia/Shanghai").cast(dtype) if dtype.time_zone  # type: ignore[attr-defined]
        else pl.col("ts").dt.replace_time_zone(None).cast(dtype)
    )  # fmt: skip
    assert read_events(frame).accepted["ts_us"].to_list() == [int(NOON.timestamp()) * 1_000_000]


def test_date_is_its_first_instant_and_a_number_is_no_time() -> None:
    read = read_events(table().with_columns(ts=pl.lit(NOON.date())))
    assert read.accepted["ts_us"].to_list() == [int(NOON.timestamp() - 43_200) * 1_000_000]
    assert reason(table().with_columns(ts=pl.lit(1_767_268_800))) == "ts_unreadable"


@pytest.mark.parametrize("dtype", [pl.Int32, pl.Int64, pl.UInt16, pl.Float32, pl.Float64, pl.String])
def test_amount_of_any_type_of_number_or_as_text_is_the_same(dtype: pl.DataType) -> None:
    frame = table().with_columns(pl.lit(100).cast(dtype).alias("amount"), pl.lit(7).alias("merchant_id"))
    read = read_events(frame)
    assert (read.accepted["amount"].to_list(), read.accepted["merchant_id"].to_list()) == ([100], ["7"])


def test_amount_as_text_that_is_no_number_is_refused_and_the_row_kept_as_it_was() -> None:
    frame = table().with_columns(amount=pl.lit("12,50"))
    read = read_events(frame)
    assert read.rejected.drop("row", "reason").equals(frame)
    assert read.rejected.select("row", "reason").rows() == [(0, "amount_not_whole")]


@pytest.mark.parametrize("name", ["amount", "merchant_id", "event_id"])
def test_column_of_lists_is_an_error_that_names_it(name: str) -> None:
    with pytest.raises(InputError, match=f"'{name}' is of a type"):
        read_events(table().with_columns(pl.concat_list(pl.lit(1)).alias(name)))


def test_missing_required_column_is_an_error_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match=r"no column 'kind'.*Did you mean 'kinds'\?"):
        read_events(table().rename({"kind": "kinds"}))


def test_missing_optional_columns_are_missing_values() -> None:
    read = read_events(table().select("event_id", "account_id", "ts", pl.lit("login").alias("kind")))
    assert read.accepted.select("amount", "paid", "minimum_due", "merchant_id").rows() == [(0, -1, -1, None)]


def test_column_of_ours_that_is_not_in_the_file_does_no_harm_and_one_of_theirs_is_kept() -> None:
    frame = table(kind="nonsense").with_columns(note=pl.lit("keep me"))
    assert read_events(frame).rejected["note"].to_list() == ["keep me"]


def test_reason_and_row_of_the_senders_own_stand_beside_ours() -> None:
    frame = table(kind="nonsense").with_columns(reason=pl.lit("stolen card"), row=pl.lit(77))
    rejected = read_events(frame).rejected
    assert rejected.select("row", "reason").rows() == [(0, "kind_unknown")]
    assert rejected.select("given_row", "given_reason").rows() == [(77, "stolen card")]
    again = read_events(rejected).rejected  # a rejects file that is sent again
    assert again.select("row", "reason", "given_reason").rows() == [(0, "kind_unknown", "stolen card")]
    assert again["given_given_reason"].to_list() == ["kind_unknown"]


def test_table_without_rows_has_no_events() -> None:
    read = read_events(table().clear())
    assert (read.accepted.height, read.rejected.height) == (0, 0)


def test_hash_of_an_id_is_that_of_its_text_and_fixed_for_good() -> None:
    found = id_hashes(pl.Series(["a1", None, "a1", "中文", "", "a2"]))
    assert found[0] == found[2]
    assert found[1] == 0
    assert len(set(found.tolist())) == 5
    # FNV-1a of "a1", then MurmurHash3's mix, computed here in plain Python.
    value = 14695981039346656037
    for byte in b"a1":
        value = (value ^ byte) * 1099511628211 % 2**64
    value ^= value >> 33
    value = value * 0xFF51AFD7ED558CCD % 2**64
    value ^= value >> 33
    assert found[0] == np.uint64(value).astype(np.int64)


@pytest.mark.parametrize(("hour", "night"), [(0, True), (5, True), (6, False), (23, False)])
def test_night_is_the_markets_own(hour: int, night: bool) -> None:
    local = dt.datetime.fromisoformat(f"2026-01-01T{hour:02}:59:59+08:00")
    events = read_events(table(ts=local.astimezone(dt.UTC))).accepted
    batch = event_batch(events, np.zeros(1, np.int64), "Asia/Shanghai")
    assert batch.night.tolist() == [night]


def test_batch_carries_the_figures_of_a_bill() -> None:
    events = read_events(
        table(**(CLOSED | {"minimum_due": None, "paid": 7.0, "days_past_due": 3.0}))
    ).accepted
    batch = event_batch(events, np.zeros(1, np.int64), "UTC")
    assert (batch.kind[0], batch.amount_cents[0], batch.paid_cents[0]) == (BILL, 100, 7)
    assert (batch.minimum_due_cents[0], batch.days_past_due[0]) == (-1, 3)


def test_page_documents_every_column_and_kind() -> None:
    cells = set(re.findall(r"`(\w+)`", PAGE))
    assert {*REQUIRED, *OPTIONAL, *KINDS} <= cells
    assert {feature.name for feature in FEATURES} & cells == {"utilisation", "window_bounded"}


@pytest.mark.parametrize("code", REJECT_REASONS)
def test_page_documents_every_reason_in_both_languages(code: str) -> None:
    english, chinese = REJECT_REASONS[code]
    assert f"| `{code}` | {english} | {chinese} |" in PAGE


def test_example_on_the_page_is_taken_whole(tmp_path: Path) -> None:
    example = re.search(r"```csv\n(.*?)```", PAGE, re.DOTALL)
    assert example
    path = tmp_path / "events.csv"
    path.write_text(example[1], encoding="utf-8")
    read = read_events(pl.read_csv(path))
    assert (read.accepted.height, read.rejected.height) == (3, 0)

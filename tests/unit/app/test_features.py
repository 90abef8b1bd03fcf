"""Features of event tables: counts reconcile, rows keep their order, and a kept state goes on with the same bits."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from limitkeeper.app.features import Books, features_of_events, portraits_of_accounts, register_accounts
from limitkeeper.connectors.books import state_read, state_written
from limitkeeper.core.behaviour.events import KINDS
from limitkeeper.core.behaviour.features import FEATURE_NAMES
from limitkeeper.core.kernel.errors import InputError
from tests.simulated_events import simulated_batch

NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


def stream(seed: int = 0) -> pl.DataFrame:
    """A simulated stream as the table that a sender would send."""
    batch = simulated_batch(40, days=200, events_a_day=0.5, seed=seed)
    return pl.DataFrame(
        {
            "event_id": batch.event,
            "account_id": batch.account,
            "ts": pl.Series(batch.ts_us).cast(pl.Datetime("us", "UTC")),
            "kind": [KINDS[code] for code in batch.kind.tolist()],
            "amount": batch.amount_cents,
            "paid": batch.paid_cents,
            "days_past_due": batch.days_past_due,
            "merchant_id": batch.merchant,
        }
    )


def events(*rows: dict[str, Any]) -> pl.DataFrame:
    """Events at noon, a purchase of 1.00 where nothing else is said."""
    usual = {"event_id": "e", "account_id": "a", "ts": NOON, "kind": "purchase", "amount": 100}
    return pl.DataFrame([usual | row for row in rows])


def days(count: float) -> dt.timedelta:
    return dt.timedelta(days=count)


def test_every_row_is_accepted_rejected_or_a_duplicate_and_is_given_back_as_it_was() -> None:
    table = events(
        {"event_id": "1"},
        {"event_id": "2", "amount": -5},
        {"event_id": "1", "amount": 7},
        {"event_id": "3", "ts": NOON - days(91)},
        {"event_id": "4", "ts": NOON + days(1)},
        {"event_id": "2", "amount": 50},
        {"event_id": None},
    )
    found = features_of_events(table, as_of=NOON)
    assert found.counts == {"read": 7, "accepted": 2, "rejected": 4, "duplicate": 1}
    assert found.features["event_id"].to_list() == [
        "1",
        "2",
    ]  # a refused row makes no duplicate of its correction
    assert found.refused.select("row", "reason").rows() == [
        (1, "amount_negative"), (2, "duplicate"), (3, "too_late"), (4, "in_future"), (6, "event_id_missing"),
    ]  # fmt: skip
    assert_frame_equal(found.refused.drop("row", "reason"), table[[1, 2, 3, 4, 6]])


def test_one_id_is_another_event_on_another_account_and_after_one_that_came_too_late() -> None:
    table = events(
        {"event_id": "1"},
        {"event_id": "1", "account_id": "b"},
        {"event_id": "2", "ts": NOON - days(91)},
        {"event_id": "2"},
    )
    assert features_of_events(table).counts == {"read": 4, "accepted": 3, "rejected": 1, "duplicate": 0}


def test_whole_float_is_the_same_id_as_its_integer_and_nan_is_none() -> None:
    nan = float("nan")
    table = events(
        {"event_id": 1.0, "account_id": 1001.0, "merchant_id": 7.0},
        {"event_id": 2.0, "account_id": 1001.0, "merchant_id": nan},
        {"event_id": 3.0, "account_id": nan, "merchant_id": nan},
    )
    accounts = pl.DataFrame({"account_id": [1001]})
    found = portraits_of_accounts(table, accounts, as_of=NOON, time_zone="UTC")
    assert found.features.select("merchant_count_30d", "spend_count_30d").rows() == [(1.0, 2.0)]
    assert found.refused["reason"].to_list() == ["account_id_missing"]
    assert features_of_events(table).features["event_id"].to_list() == ["1", "2"]


def test_features_come_in_the_order_of_the_file_with_every_name() -> None:
    table = events(*({"event_id": str(k), "account_id": "ab"[k % 2], "amount": k} for k in range(9)))
    found = features_of_events(table).features
    assert found.columns == ["event_id", *FEATURE_NAMES]
    assert found["event_id"].to_list() == [str(k) for k in range(9)]
    assert found["spend_sum_1d_cents"].to_list() == [0, 1, 2, 4, 6, 9, 12, 16, 20]


def test_order_of_accounts_in_a_file_makes_no_difference() -> None:
    table = stream()
    by_account = table.sort("account_id", maintain_order=True)
    mixed = features_of_events(table).features.sort("event_id")
    assert_frame_equal(features_of_events(by_account).features.sort("event_id"), mixed, check_exact=True)


def test_table_without_rows_gives_a_table_without_rows() -> None:
    found = features_of_events(stream().clear())
    assert found.features.columns == ["event_id", *FEATURE_NAMES]
    assert found.features.height == 0
    assert set(found.counts.values()) == {0}


def test_two_files_with_a_kept_state_between_give_the_bits_of_one(tmp_path: Path) -> None:
    table = stream()
    whole = features_of_events(table).features
    half = table.height // 2
    first = features_of_events(table[:half])
    state_written(first.books.behaviour, first.books.numbers, tmp_path / "state")
    books = Books(*state_read(tmp_path / "state"))
    second = features_of_events(table[half - 10 :], books=books)
    assert second.counts["duplicate"] == 10
    assert_frame_equal(pl.concat([first.features, second.features]), whole, check_exact=True)


def test_run_that_was_killed_before_its_state_was_saved_is_run_again_with_the_same_bits(
    tmp_path: Path,
) -> None:
    table = stream()
    half = table.height // 2
    first = features_of_events(table[:half]).books
    path = state_written(first.behaviour, first.numbers, tmp_path / "state")
    lost = features_of_events(table[half:], books=Books(*state_read(path))).features
    again = features_of_events(table[half:], books=Books(*state_read(path)))
    assert_frame_equal(again.features, lost, check_exact=True)
    assert again.counts["duplicate"] == 0


def test_state_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    paths = []
    for name in ("one", "two"):
        books = features_of_events(stream()).books
        paths.append(state_written(books.behaviour, books.numbers, tmp_path / name))
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"one", "two"}


@pytest.mark.parametrize("damage", ["byte", "cut", "other", "empty"])
def test_broken_state_file_is_refused(tmp_path: Path, damage: str) -> None:
    books = features_of_events(events({})).books
    path = state_written(books.behaviour, books.numbers, tmp_path / "state")
    content = bytearray(path.read_bytes())
    if damage == "byte":
        content[-100] ^= 1
    broken = {"byte": content, "cut": content[:-1], "other": b"PAR1" + content, "empty": b""}[damage]
    path.write_bytes(broken)
    with pytest.raises(InputError, match="broken or of another version"):
        state_read(path)


def test_missing_state_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        state_read(tmp_path / "none")


def test_what_is_stated_of_accounts_holds_from_the_first_event_on() -> None:
    accounts = pl.DataFrame(
        {
            "account_id": ["a", "b", "c"],
            "customer_id": ["x", "x", None],
            "limit_cents": [1_000, 2_000, None],
            "opening_balance_cents": [150, 0, None],
            "opened_at": [NOON - days(30), None, None],
            "first_credit_at": [None, NOON - days(700), None],
        }
    )
    table = events(*({"event_id": account, "account_id": account} for account in "abcd"))
    found = features_of_events(table, accounts=accounts).features
    assert found["utilisation"].fill_nan(None).to_list() == [0.25, 0.05, None, None]
    assert found["days_since_opened"].to_list() == [30, 0, 0, 0]
    assert found["days_since_first_credit"].to_list() == [700, 700, 0, 0]


@pytest.mark.parametrize(
    ("stated", "problem"),
    [
        ({"account": ["a"]}, "no column 'account_id'"),
        ({"account_id": ["a", "a"]}, "stands twice"),
        ({"account_id": [None]}, "missing its id"),
        ({"account_id": ["a"], "limit_cents": ["much"]}, "'limit_cents' holds what is no amount"),
        ({"account_id": ["a"], "limit_cents": [-1]}, "'limit_cents' holds what is no amount"),
        ({"account_id": ["a"], "limit_cents": [0.5]}, "'limit_cents' holds what is no amount"),
        (
            {"account_id": ["a"], "opening_balance_cents": [float("inf")]},
            "'opening_balance_cents' holds what is no",
        ),
        ({"account_id": ["a"], "opened_at": ["long ago"]}, "'opened_at' holds what is no time"),
        ({"account_id": ["a"], "first_credit_at": [20_000]}, "'first_credit_at' holds what is no time"),
    ],
)
def test_accounts_that_cannot_be_read_are_refused_by_column(stated: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        features_of_events(events({}), accounts=pl.DataFrame(stated))


def test_amount_that_is_not_stated_is_none_or_nan() -> None:
    stated = pl.DataFrame({"account_id": ["a"], "limit_cents": [float("nan")], "opened_at": [None]})
    found = features_of_events(events({}), accounts=stated).features
    assert np.isnan(found["limit_cents"][0])
    assert found["days_since_opened"][0] == 0


def test_night_follows_the_time_zone_of_the_market() -> None:
    table = events({"ts": dt.datetime(2026, 1, 1, 20, tzinfo=dt.UTC)})
    share = {zone: features_of_events(table, time_zone=zone).features["night_share_30d"][0]
             for zone in ("Asia/Shanghai", "UTC")}  # fmt: skip
    assert share == {"Asia/Shanghai": 1.0, "UTC": 0.0}


def test_progress_ends_with_all_events() -> None:
    told: list[tuple[str, int, int]] = []
    table = stream()
    features_of_events(table, progress=lambda what, done, total: told.append((what, done, total)))
    assert told[-1] == ("events", table.height, table.height)


def test_portrait_of_each_account_is_in_the_order_of_the_accounts_and_refuses_strangers() -> None:
    table = events(
        {"event_id": "1", "account_id": "b"},
        {"event_id": "2", "account_id": "stranger"},
        {"event_id": "3", "account_id": "b", "ts": NOON + days(3)},
        {"event_id": "4", "account_id": None},
    )
    accounts = pl.DataFrame({"account_id": ["a", "b"]})
    found = portraits_of_accounts(table, accounts, as_of=NOON + days(2), time_zone="UTC")
    assert found.features["account_id"].to_list() == ["a", "b"]
    assert found.features["spend_count_30d"].to_list() == [0, 1]
    assert found.features["days_since_last_spend"].fill_nan(None).to_list() == [None, 2.0]
    assert found.counts == {"read": 4, "accepted": 1, "rejected": 3, "duplicate": 0}
    assert found.refused.select("row", "reason").rows() == [
        (1, "unknown_account"), (2, "in_future"), (3, "account_id_missing"),
    ]  # fmt: skip
    assert_frame_equal(found.refused.drop("row", "reason"), table[[1, 2, 3]])


def test_reason_that_a_sender_gives_is_not_taken_for_ours() -> None:
    table = events(
        {"event_id": "1", "account_id": "stranger", "kind": "flag", "reason": "fraud"},
        {"event_id": "2", "kind": "flag", "reason": "fraud"},
        {"event_id": "2", "kind": "flag", "reason": "arrears"},
    )
    found = portraits_of_accounts(table, pl.DataFrame({"account_id": ["a"]}), as_of=NOON, time_zone="UTC")
    assert found.refused.select("row", "reason", "given_reason").rows() == [
        (0, "unknown_account", "fraud"), (2, "duplicate", "arrears"),
    ]  # fmt: skip
    assert features_of_events(table, as_of=NOON).refused["reason"].to_list() == ["duplicate"]


def test_portraits_of_all_accounts_are_the_features_of_a_login_then() -> None:
    table = stream()
    accounts = table.select(pl.col("account_id").unique(maintain_order=True))
    as_of = table["ts"].max()
    assert isinstance(as_of, dt.datetime)
    portraits = portraits_of_accounts(table, accounts, as_of=as_of + days(1), time_zone="UTC").features
    logins = accounts.select(
        pl.int_range(10**6, 10**6 + pl.len()).alias("event_id"), "account_id",
        pl.lit(as_of + days(1)).cast(table["ts"].dtype).alias("ts"), pl.lit("login").alias("kind"),
    )  # fmt: skip
    both = features_of_events(pl.concat([table, logins], how="diagonal"), time_zone="UTC").features
    assert_frame_equal(
        portraits.drop("account_id"), both.tail(logins.height).drop("event_id"), check_exact=True
    )


def test_accounts_that_cannot_be_read_leave_the_books_as_they_were() -> None:
    books = Books()
    register_accounts(books, pl.DataFrame({"account_id": ["a"]}))
    with pytest.raises(InputError):
        register_accounts(books, pl.DataFrame({"account_id": ["b"], "limit_cents": [-5]}))
    assert (len(books.numbers), books.behaviour.count) == (1, 1)


def test_lines_of_different_customers_are_told_apart() -> None:
    books = Books()
    ids, customers = ["a", "b", "c", "d", "e"], ["x", "y", "x", None, "z"]
    register_accounts(books, pl.DataFrame({"account_id": ids, "customer_id": customers}))
    assert books.behaviour.customers().tolist() == [0, 1, 0, 3, 4]

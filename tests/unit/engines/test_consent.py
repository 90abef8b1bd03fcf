"""Consents to relations as a running monitor holds to them: withdrawn, given again, before an account is known."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from limitkeeper.connectors.events import read_events
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.portrait import portrait
from limitkeeper.engines.embedded.requests import Request
from tests.live_engines import engine, state_bytes

START = dt.datetime(2026, 3, 1, 4, tzinfo=dt.UTC)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Engine]:
    """Lines a and b of kim, c of lee who declared a as his guarantor, d of nobody else; all log in by one device."""
    found = engine(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)
    accounts = {"account_id": ["a", "b", "c", "d"], "customer_id": ["kim", "kim", "lee", "d"],
                "guarantor_account_id": [None, None, "a", None], "limit_cents": [1_000_000] * 4}  # fmt: skip
    found.submit(Request("accounts", pl.DataFrame(accounts))).result()
    seen(found, 0, "abcd")
    yield found
    found.stop()


def seen(running: Engine, day: int, accounts: str) -> None:
    """Let accounts log in by the one device, and the next day pass, so that relations are computed."""
    ids = [*((each, day, each) for each in accounts), ("clock", day + 2, "clock")]
    rows = [
        {"event_id": f"{name}-{at}", "account_id": account, "ts": START + dt.timedelta(days=at), "kind": "login",
         "device_id": None if name == "clock" else "phone"}
        for name, at, account in ids
    ]  # fmt: skip
    read = read_events(pl.DataFrame(rows, schema_overrides={"device_id": pl.String}))
    assert running.submit(Request("events", read, len(rows))).result().rejected == 0


def told(running: Engine, *ids: str, is_withdrawn: bool = True, needs_consent: bool = True) -> None:
    table = pl.DataFrame({"id": ids}).with_columns(
        pl.lit(is_withdrawn).alias("is_withdrawn"), pl.lit(needs_consent).alias("needs_consent")
    )
    running.submit(Request("consent", table)).result()


def linked(running: Engine) -> list[float | None]:
    found: list[dict[str, Any]] = [
        portrait(running, account, running.state.watermark_us) for account in "abcd"
    ]
    return [each["relations"]["linked_accounts"] for each in found]


def test_withdrawn_consent_takes_relations_away_at_once_and_from_others_at_the_next_turn(
    running: Engine,
) -> None:
    assert linked(running) == [3, 3, 3, 3]
    told(running, "a", "b", "kim")
    assert linked(running) == [None, None, 3, 3]
    seen(running, 3, "abcd")
    assert linked(running) == [None, None, 1, 1]
    told(running, "a", "b", "kim", is_withdrawn=False)
    assert linked(running)[:2] == [0, 0]
    seen(running, 6, "abcd")
    assert linked(running) == [3, 3, 3, 3]


def test_declared_links_alone_end_where_the_market_needs_no_consent_for_the_others(running: Engine) -> None:
    told(running, "c", "lee", needs_consent=False)
    seen(running, 3, "abcd")
    assert linked(running) == [3, 3, 3, 3]
    assert len(running.state.web.relations.arrays()["declared_guarantor"]) == 0


def test_line_that_comes_after_the_withdrawal_is_held_to_it(running: Engine) -> None:
    told(running, "kim", "e")
    late = {"account_id": ["f"], "customer_id": ["kim"], "guarantor_account_id": ["d"], "limit_cents": [1]}
    running.submit(Request("accounts", pl.DataFrame(late))).result()
    seen(running, 3, "defg")
    found = [portrait(running, name, running.state.watermark_us)["relations"] for name in "defg"]
    assert [each["linked_accounts"] for each in found] == [4, None, None, 4]


def test_line_whose_owner_is_told_after_the_withdrawal_is_held_to_it(running: Engine) -> None:
    told(running, "kim", "a", "b")
    known = {"account_id": ["d", "c"], "customer_id": ["kim", "lee"], "limit_cents": [1, 1]}
    running.submit(Request("accounts", pl.DataFrame(known))).result()
    assert linked(running) == [None, None, 3, None]
    seen(running, 3, "abcd")
    assert linked(running) == [None, None, 0, None]


def test_withdrawn_consent_outlives_a_crash_and_a_snapshot(running: Engine, tmp_path: Path) -> None:
    told(running, "a", "b", "kim")
    seen(running, 3, "abcd")
    before = state_bytes(running)
    running.take_snapshot()
    running.store.close()  # as a crash leaves it
    again = engine(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)
    assert state_bytes(again) == before
    assert linked(again) == [None, None, 1, 1]
    again.stop()

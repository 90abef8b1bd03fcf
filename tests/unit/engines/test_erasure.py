"""A person's ids taken out of a running monitor: its state, journal and snapshots, on every store."""

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from limitkeeper.connectors.events import read_events
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.erasure import ids_erased
from limitkeeper.engines.embedded.requests import BusyError, Request
from limitkeeper.store.entries import entry_table
from tests.live_engines import engine, portraits, state_bytes

START = dt.datetime(2026, 11, 1, 4, tzinfo=dt.UTC)
NAMES = {"kim-c": "erased-c", "kim-a": "erased-a", "kim-b": "erased-b"}


def lived(url: str, folder: Path) -> Engine:
    """Two lines of kim, who withdrew her consent, and one of lee, whose guarantor she is; all by one device."""
    found = engine(url, folder)
    accounts = {"account_id": ["kim-a", "kim-b", "lee-a"], "customer_id": ["kim-c", "kim-c", "lee-c"],
                "guarantor_account_id": [None, None, "kim-a"], "limit_cents": [1_000_000] * 3}  # fmt: skip
    found.submit(Request("accounts", pl.DataFrame(accounts))).result()
    rows = [
        {"event_id": f"{name}-{day}", "account_id": name, "ts": START + dt.timedelta(days=day), "kind": "purchase",
         "amount": 12_300, "device_id": "the phone", "city": "Jinan"}
        for day in range(3)
        for name in accounts["account_id"]
    ]  # fmt: skip
    found.submit(Request("events", read_events(pl.DataFrame(rows)), len(rows))).result()
    withdrawn = {"id": ["kim-a", "kim-b", "kim-c"], "is_withdrawn": [True] * 3, "needs_consent": [True] * 3}
    found.submit(Request("consent", pl.DataFrame(withdrawn))).result()
    found.submit(Request("read", lambda running: running.take_snapshot())).result()
    return found


def journal_text(running: Engine) -> str:
    return "".join(str(entry_table(each.content).to_dicts()) for each in running.store.entries_after(0))


def snapshots_text(folder: Path) -> bytes:
    return b"".join(each.read_bytes() for each in sorted(folder.rglob("*-*/*")))


def features(running: Engine, account: str) -> Any:
    return portraits(running, [account])[account]["features"]


def test_erased_ids_are_nowhere_and_the_state_comes_back_with_the_new_ones(
    store_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "snapshots"
    running = lived(store_url, folder)
    before = {new: features(running, old) for old, new in NAMES.items() if old != "kim-c"}
    others = features(running, "lee-a")
    ids_erased(running, NAMES)
    assert "kim" not in journal_text(running)
    assert journal_text(running).count("'city': 'Jinan'") == 3, "lee's are as they were"
    assert b"kim" not in snapshots_text(folder)
    assert sorted(running.state.unlinked.ids) == sorted(NAMES.values())
    assert {name: features(running, name) for name in before} == before
    state = state_bytes(running)
    running.stop()
    again = engine(store_url, folder)
    assert state_bytes(again) == state
    again.stop()
    shutil.rmtree(folder)  # the journal alone
    whole = engine(store_url, folder)
    assert features(whole, "lee-a") == others
    (spent, spent_before) = (
        each["spend_sum_90d_cents"] for each in (features(whole, "erased-a"), before["erased-a"])
    )
    assert spent == spent_before
    assert sorted(whole.state.unlinked.ids) == sorted(NAMES.values())
    whole.stop()
    assert b"kim" not in snapshots_text(folder)


def test_erasure_that_was_cut_off_leads_to_the_same_state_and_is_done_to_its_end(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "snapshots"
    running = lived(store_url, folder)

    def full(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr("limitkeeper.engines.embedded.engine.snapshot_written", full)
        with pytest.raises(BusyError, match="still name an erased person"):
            ids_erased(running, NAMES)
        running.stop()
    again = engine(store_url, folder)  # the snapshot from before, and the journal behind it
    assert sorted(again.state.unlinked.ids) == sorted(NAMES.values())
    assert again.state.number("kim-a") is None
    ids_erased(again, NAMES)
    assert b"kim" not in snapshots_text(folder)
    again.stop()

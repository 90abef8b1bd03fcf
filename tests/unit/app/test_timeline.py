"""What the monitor still holds of an account, as items of its timeline."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limitkeeper.app.timeline import SOURCES, is_behind, monitor_items
from limitkeeper.connectors.events import id_hashes
from limitkeeper.core.behaviour.ring import RING_US
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import Request
from tests.live_engines import engine, life, sent

PLACES = st.tuples(st.integers(0, 2), st.sampled_from(["bill", "case"]), st.sampled_from(["a", "b"]))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder: Path = tmp_path_factory.mktemp("timeline")
    found = engine(f"sqlite:///{folder}/store.db", folder)
    lived = life(20, 220)
    found.submit(Request("accounts", lived.accounts)).result()
    sent(found, lived.events)
    yield found
    found.stop()


def test_items_are_the_events_of_the_last_180_days_with_their_own_time_kind_and_amount(
    running: Engine,
) -> None:
    events = life(20, 220).events.unique("event_id", keep="first", maintain_order=True)
    compared = 0
    for account_id in events["account_id"].unique(maintain_order=True):
        place = running.state.number(account_id)
        assert place is not None
        history = running.state.shards[place[0]].books.behaviour.history(place[1])
        assert history.ts_us.tolist() == sorted(history.ts_us.tolist())
        told = [item for place, item in monitor_items(history) if place[1] == "event"]
        own = events.filter(account_id=account_id).with_columns(us=pl.col("ts").dt.epoch("us"))
        names = dict(zip(id_hashes(own["event_id"]).view("uint64").tolist(), own["event_id"], strict=True))
        sent_as = {row["event_id"]: row for row in own.iter_rows(named=True)}
        for item in told:
            row = sent_as[names[int(item["id"], 16)]]
            assert (item["what"], item["at"]) == (row["kind"], row["ts"].isoformat())
            assert item["amount_cents"] in (row["amount"], None)
            compared += item["amount_cents"] is not None
        newest_us = own["us"].max()
        recent = own.filter(
            pl.col("us") >= newest_us - RING_US, ~pl.col("kind").is_in(["bill", "bill_corrected"])
        )
        assert len(told) >= recent.height * 0.9  # what came too late was refused
        assert len({item["id"] for item in told}) == len(told)
    assert compared > 1_000


def test_bills_are_told_with_what_was_paid_of_them(running: Engine) -> None:
    billed = life(20, 220).events.filter(kind="bill")
    account_id = billed["account_id"][0]
    place = running.state.number(account_id)
    assert place is not None
    history = running.state.shards[place[0]].books.behaviour.history(place[1])
    told = [item for place, item in monitor_items(history) if place[1] == "bill"]
    own = billed.filter(account_id=account_id).unique("event_id").sort("ts")
    assert [(each["at"], each["amount_cents"], each["paid_cents"]) for each in told] == [
        (row["ts"].isoformat(), row["amount"], row["paid"]) for row in own.iter_rows(named=True)
    ]


def test_history_of_an_account_that_is_not_there_is_refused(running: Engine) -> None:
    with pytest.raises(InputError):
        running.state.shards[0].books.behaviour.history(10**6)


@settings(max_examples=50, deadline=None)
@given(st.sets(PLACES), PLACES)
def test_a_page_and_what_is_behind_it_are_all_there_is(places: set, after: tuple) -> None:
    ordered = sorted(places, key=lambda place: (-place[0], *place[1:]))
    behind = [place for place in ordered if is_behind(place, after)]
    assert behind == (ordered[ordered.index(after) + 1 :] if after in places else behind)
    assert [place for place in ordered if not is_behind(place, after)] + behind == ordered


@pytest.mark.parametrize("kind", SOURCES)
def test_each_table_is_read_by_its_index_on_the_account(running: Engine, kind: str) -> None:
    query = SOURCES[kind].query("a").compile(running.store.database, compile_kwargs={"literal_binds": True})
    with running.store.database.connect() as connection:
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")]
    searches = [step for step in plan if step.startswith("SEARCH")]
    assert searches
    assert all("(account_id=?" in step for step in searches), plan
    assert [
        step for step in plan if step.startswith("SCAN") and "subquery" not in step and "anon" not in step
    ] == []

"""Campaigns by chance: each row is counted once and kept by a split; reconciliation finds what was planted alone."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.bank import acknowledged
from limitkeeper.app.campaigns import CampaignError, Proposal, items_of, proposed, split, taken_rows
from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.limits import LimitChange, planned
from limitkeeper.app.reconciliation import Reconciled, reconciled
from limitkeeper.core.access.actors import STRATEGIST, SYSTEM, Actor
from limitkeeper.core.behaviour.events import HOUR_US
from limitkeeper.store.limit_tables import lines
from limitkeeper.store.sql import Store
from limitkeeper.store.work import reading, work

NOW_US = 1_790_040_000_000_000
POLICY = approval_policy()
SUE = Actor("sue", frozenset({STRATEGIST}))
FEW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

amounts = st.none() | st.integers(-5, 50).map(float) | st.sampled_from([0.5, 1e30])
rows = st.lists(
    st.tuples(
        st.none() | st.sampled_from([f"a{k}" for k in range(12)]),
        amounts,
        amounts,
        st.sampled_from([None, "decrease", "close", "increase", "none", "freeze"]),
        st.sampled_from(["gold", "plain", None]),
    ),
    min_size=1,
    max_size=25,
)
NAMES = ("account_id", "limit_before_cents", "limit_after_cents", "action", "segment")
SCHEMA = dict(zip(NAMES, (pl.String, pl.Float64, pl.Float64, pl.String, pl.String), strict=True))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = Store(f"sqlite:///{tmp_path}/store.db")
    found.take({})
    yield found
    found.close()


@FEW
@given(rows=rows, part=st.sets(st.integers(1, 25)))
def test_each_row_is_counted_once_and_a_split_keeps_each_account_in_one_part(
    store: Store, rows: list[tuple], part: set[int]
) -> None:
    frame = pl.DataFrame(rows, SCHEMA, orient="row")
    with reading(store, SUE, NOW_US) as w:  # nothing of it stays
        taken = taken_rows(w, frame, reasons=["product_change"])
        counts = taken.counts()
        left = sum(counts["set_aside"].values()) + sum(counts["refused"].values())
        assert counts["read"] == len(rows) == counts["taken"] + left
        assert taken.items["account_id"].is_unique().all()
        if taken.items.is_empty():
            return
        campaign_id = proposed(w, Proposal("by chance", taken), POLICY)
        before = items_of(w, campaign_id)
        numbers = part & set(before["number"])
        if not numbers or len(numbers) == before.height:
            with pytest.raises(CampaignError, match="empty"):
                split(w, campaign_id, pl.col("number").is_in(list(numbers)), POLICY)
            return
        parts = [
            items_of(w, each) for each in split(w, campaign_id, pl.col("number").is_in(list(numbers)), POLICY)
        ]
        assert set(parts[0]["number"]) == numbers
        assert pl.concat(parts).sort("number").equals(before)
        assert items_of(w, campaign_id).is_empty()


ACCOUNTS = ("A", "a", "a1", "b", "é")
PLANTS = {"missing_there": None, "other_limit": (601, False), "frozen_there_only": (600, True)}


@FEW
@given(
    plants=st.dictionaries(st.sampled_from(ACCOUNTS), st.sampled_from(sorted(PLANTS))),
    more=st.sets(st.sampled_from(("0", "c", "ü"))),
    count=st.integers(1, 6),
)
def test_reconciliation_finds_the_planted_differences_and_no_others(
    store: Store, tmp_path: Path, plants: dict[str, str], more: set[str], count: int
) -> None:
    if not store.rows(sa.select(lines)):
        with work(store, SYSTEM, NOW_US) as w:
            ids = [planned(w, LimitChange(each, "decrease", 1_000, 600, NOW_US, "risk")) for each in ACCOUNTS]
        effected_due(store, NOW_US, lambda _w, _notice: True)
        with work(store, SYSTEM, NOW_US + 1) as w:
            for each in ids:
                acknowledged(w, each, "done")
    at_bank = {each: PLANTS[plants[each]] if each in plants else (600, False) for each in ACCOUNTS}
    at_bank |= dict.fromkeys(more, (5, False))
    told = [(each, *values) for each, values in at_bank.items() if values is not None]
    schema = {"account_id": pl.String, "limit_cents": pl.Int64, "frozen": pl.Boolean}
    pl.DataFrame(told, schema, orient="row").write_parquet(tmp_path / "bank.parquet")
    found = Reconciled()
    pages = reconciled(store, tmp_path / "bank.parquet", NOW_US + 48 * HOUR_US, found=found, count=count)
    differences = sorted(pl.concat(list(pages)).select("account_id", "kind").rows())
    assert differences == sorted([*plants.items(), *((each, "missing_here") for each in more)])
    assert found.same == len(ACCOUNTS) - len(plants)

"""Aggregates that leave the house: noise that is what it says, a person who counts once, a budget that ends."""

import datetime as dt
from collections.abc import Iterator

import pytest

from limitkeeper.app.private_aggregates import private_aggregate, spent_epsilon
from limitkeeper.connectors.private_counts import accuracy, private_counts
from limitkeeper.core.access.actors import COMPLIANCE, SYSTEM, Actor
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import stated_accounts
from limitkeeper.store.work import work

NOW_US, DAY_US = 1_790_000_000_000_000, 86_400_000_000
TODAY = day_of(NOW_US)
IVY = Actor("ivy", frozenset({COMPLIANCE}))
pytest.importorskip("opendp")


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """Three hundred customers of two lines each: the first was lowered, later the second was closed."""
    found = Store(store_url)
    with work(found, SYSTEM, NOW_US) as w:
        for k in range(300):
            for number, action in enumerate(("decrease", "close")):
                name = f"a-{k}-{number}"
                w.add(
                    stated_accounts,
                    {"account_id": name, "customer_id": f"c-{k}", "segment": "gold" if k < 100 else "x"},
                )
                w.add(lines, {"account_id": name, "customer_id": f"c-{k}", "limit_cents": 0, "is_frozen": False,
                              "entries": 1, "version": 1})  # fmt: skip
                w.add(limit_entries, {
                    "entry_id": name, "account_id": name, "number": 1, "action": action, "state": "effective",
                    "target_cents": 0, "delta_cents": 0, "planned_us": NOW_US, "effective_us": NOW_US + number,
                    "is_assessed": True, "by_request": False, "why": "w", "maker_id": "system", "made_us": NOW_US,
                    "bank_state": "none", "version": 1,
                })  # fmt: skip
    yield found
    found.close()


def counts(
    store: Store, epsilon: float = 1.0, segments: tuple[str, ...] = ("gold",)
) -> dict[tuple[str, str | None], int]:
    with work(store, IVY, NOW_US) as w:
        found = private_aggregate(w, TODAY, TODAY, epsilon, list(segments))
    return {(each["action"], each["segment"]): each["customers"] for each in found["counts"]}


def test_each_customer_counts_once_by_his_first_change(store: Store) -> None:
    found = counts(store)
    assert abs(found["decrease", "gold"] - 100) < 25
    assert abs(found["decrease", None] - 200) < 25
    assert found["close", "gold"] < 25


def test_cells_do_not_follow_from_the_data(store: Store) -> None:
    with work(store, IVY, NOW_US) as w:
        empty = private_aggregate(w, TODAY - dt.timedelta(900), TODAY - dt.timedelta(800), 0.5, ["gold"])
    assert {(each["action"], each["segment"]) for each in empty["counts"]} == set(counts(store, 0.5))


def test_budget_of_a_year_ends_and_comes_back(store: Store) -> None:
    for _ in range(4):
        counts(store)
    with pytest.raises(InputError, match=r"4 spent, 0\.1 asked"):
        counts(store, 0.1)
    with work(store, IVY, NOW_US + 366 * DAY_US) as w:
        assert spent_epsilon(w) == 0.0


def test_segments_are_bounded_and_named_once(store: Store) -> None:
    for segments in (("a", "a"), tuple(f"s{k}" for k in range(51))):
        with pytest.raises(InputError, match="do not hold"):
            counts(store, 0.1, segments)


def test_noise_has_the_spread_that_is_told() -> None:
    drawn = private_counts([1_000] * 4_000, 0.5)
    off = [abs(each - 1_000) for each in drawn]
    inside = sum(each <= accuracy(0.5) for each in off) / len(off)
    assert 0.94 <= inside <= 0.99  # whole numbers: a little more than 0.95
    assert len(set(drawn)) > 10
    assert abs(sum(drawn) / len(drawn) - 1_000) < 0.5


@pytest.mark.parametrize("epsilon", [0.0, -1.0, 11.0])
def test_epsilon_that_is_none_is_refused(epsilon: float) -> None:
    with pytest.raises(InputError, match="epsilon is none"):
        private_counts([1], epsilon)

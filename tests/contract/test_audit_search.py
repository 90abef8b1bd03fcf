"""Events of the audit looked for, on every store: by who, to what, what, and when."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from limitkeeper.app.audit import Search, events_found, found_events
from limitkeeper.core.access.actors import OFFICER, Actor
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.sql import Store
from limitkeeper.store.work import work
from tests.statements import sqlite_plan

TIMES_US = (10, 20, 900, 30, 30, 40)
"""Of the events in their order: where time goes by events, a login between them is told by the clock on the wall."""


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    for place, ts_us in enumerate(TIMES_US):
        name = ("ann", "bob")[place % 2]
        with work(found, Actor(name, frozenset({OFFICER})), ts_us) as w:
            w.note("case.look", f"case:{place}")
    yield found
    found.close()


@pytest.mark.parametrize(
    ("search", "numbers"),
    [
        (Search(), [6, 5, 4, 3, 2, 1]),
        (Search(from_us=20, to_us=40), [5, 4, 2]),
        (Search(from_us=30), [6, 5, 4, 3]),
        (Search(to_us=30), [2, 1]),
        (Search(actor_id="bob", from_us=20, to_us=41), [6, 4, 2]),
        (Search(subject="case:2", to_us=900), []),
        (Search(from_us=901), []),
        (Search(from_us=40, to_us=40), []),
    ],
)
def test_events_of_a_period_are_found_the_newest_first(
    store: Store, search: Search, numbers: list[int]
) -> None:
    assert [row["number"] for row in found_events(store, search)] == numbers
    assert [row["number"] for row in found_events(store, search, 2)] == numbers[:2]


def test_period_is_found_by_its_index_and_not_put_in_order(tmp_path: Path) -> None:
    """By SQLite; PostgreSQL decides by how many rows there are."""
    store = Store(f"sqlite:///{tmp_path}/store.db")
    asked: list[sa.Select[tuple[object]]] = []

    def rows(query: sa.Select[tuple[object]]) -> list[dict[str, object]]:
        asked.append(query)
        return store.rows(query)

    asked.append(events_found(rows, Search(from_us=20, to_us=40)).order_by(audit_events.c.number.desc()))
    bounds, page = (query.compile(store.database) for query in asked)
    assert "COVERING INDEX audit_events_by_time" in sqlite_plan(store.database, str(bounds), (20, 40))[0]
    assert sqlite_plan(store.database, str(page), (1, 6, 20, 40)) == [
        "SEARCH audit_events USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"
    ]
    store.close()

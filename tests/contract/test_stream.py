"""The stream on every store: who comes back is told of everything since the last whole micro-batch that he heard."""

import asyncio
import re

import pytest
import sqlalchemy as sa

from limitkeeper.shells.api import stream
from limitkeeper.shells.api.findings import CHANGED
from limitkeeper.shells.api.stream import Follower, missed
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import portfolio_alerts


@pytest.fixture
def store(store_url: str) -> Store:
    found = Store(store_url)
    rows = [
        {"alert_id": f"a{number:02}", "trigger": "late", "day": "2026-11-01", "alerts": 1, "expected": 0.0,
         "sigmas": 4.0, "events": 9, "sequence": 1 + number // 5}
        for number in range(17)
    ]  # fmt: skip
    with found.database.begin() as connection:
        connection.execute(sa.insert(portfolio_alerts), rows)
    return found


def told(chunks: list[bytes]) -> list[tuple[str, int | None]]:
    """Which alerts, and the ids of their messages."""
    found = []
    for chunk in chunks:
        number = re.match(rb"id: (\d+)\n", chunk)
        found.append((re.search(rb"a\d\d", chunk)[0].decode(), int(number[1]) if number else None))
    return found


@pytest.mark.parametrize("page_rows", [1, 3, 100])
def test_id_ends_a_micro_batch_and_nothing_is_missed_however_it_is_paged(
    store: Store, page_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "PAGE_ROWS", page_rows)
    whole = told(list(missed(store, 0, CHANGED)))
    assert [name for name, _ in whole] == [f"a{number:02}" for number in range(17)]
    assert [(name, number) for name, number in whole if number] == [
        ("a04", 1),
        ("a09", 2),
        ("a14", 3),
        ("a16", 4),
    ]
    for place in range(len(whole)):  # cut off after each message
        last = max((number for _, number in whole[:place] if number), default=0)
        again = [name for name, _ in told(list(missed(store, last, CHANGED)))]
        assert {name for name, _ in whole[place:]} <= set(again)
    store.close()


def test_listener_that_lags_is_told_so_last_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "STREAM_MESSAGES", 4)

    async def heard() -> list[bytes]:
        follower = Follower()
        for sequence in (1, 2, 3):
            follower.listen([{"topic": "alert.opened", "sequence": sequence}] * 2)
        await asyncio.sleep(0)
        found = []
        while not follower.is_over:
            found.append(await follower.chunk())
        return found

    (only,) = asyncio.run(heard())
    assert only.startswith(b"event: lagged")

"""Pages of alerts and proposals by HTTP on each store: all rows once, whatever comes meanwhile, and found by an index."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.findings import TRIGGERS
from limitkeeper.engines.embedded.settings import Settings
from limitkeeper.engines.embedded.start import Place, running_engine
from limitkeeper.shells.api.application import application
from limitkeeper.shells.console.asking import Asking, ProblemError
from limitkeeper.store.tables import alerts, proposals
from tests.statements import sent_statements, sqlite_plan

ROWS = 84
NOW_US = 1_790_000_000_000_000


def alert(k: int) -> dict[str, Any]:
    """Alerts of a few accounts, several seen at the same time."""
    return {"alert_id": f"{k * 7919 % 1009:04}", "account_id": f"a-{k % 7}", "trigger": TRIGGERS[k % 4],
            "severity": ("severe", "mild")[k % 2], "status": ("open", "open", "acknowledged")[k % 3], "rules": "[]",
            "hits": 1, "opened_us": NOW_US, "seen_us": NOW_US + k // 4, "decision_id": "d", "trace": "{}",
            "sequence": 1}  # fmt: skip


def proposal(k: int) -> dict[str, Any]:
    """Proposals of a few accounts, several made at the same time."""
    return {"proposal_id": f"{k * 7919 % 1009:04}", "account_id": f"a-{k % 7}", "decision_id": "d",
            "action": ("decrease", "freeze")[k % 2], "made_us": NOW_US + k // 4, "trace": "{}", "sequence": 1,
            "status": ("open", "superseded")[k % 3 == 1], "status_us": NOW_US}  # fmt: skip


@pytest.fixture
def engine(store_url: str, tmp_path: Path) -> Iterator[Engine]:
    found = running_engine(Place(store_url, Settings(tmp_path, 0.0)), lambda: NOW_US)
    with found.store.database.begin() as connection:
        connection.execute(alerts.insert(), [alert(k) for k in range(ROWS)])
        connection.execute(proposals.insert(), [proposal(k) for k in range(ROWS)])
    yield found
    found.stop()


Get = Callable[[str], httpx.Response]


@pytest.fixture
def get(engine: Engine) -> Get:
    app = application(engine)
    return lambda path: asyncio.run(Asking(app, "").answer("GET", path))


def followed(get: Get, path: str) -> Iterator[list[dict[str, Any]]]:
    """The pages of a list, each found by the header of the one before."""
    while path:
        answer = get(path)
        yield answer.json()
        path = answer.links.get("next", {}).get("url", "")


@pytest.mark.parametrize("path", ["/v1/alerts", f"/v1/alerts?status=open&trigger={TRIGGERS[0]}", "/v1/proposals",
                                  "/v1/proposals?account_id=a-3"])  # fmt: skip
def test_pages_by_cursor_are_the_list_and_a_row_that_comes_meanwhile_moves_none(
    engine: Engine, get: Get, path: str
) -> None:
    name = "alert_id" if "alerts" in path else "proposal_id"
    sign = "&" if "?" in path else "?"
    whole = [each[name] for each in get(path).json()]
    assert len(whole) > 5
    assert [get(f"{path}{sign}limit=1&offset={k}").json()[0][name] for k in range(5)] == whole[:5]
    pages = followed(get, f"{path}{sign}limit=4&offset=1")
    seen = [each[name] for each in next(pages)]
    newer_us = NOW_US + ROWS
    engine.store.change(alerts.insert().values(alert(0) | {"alert_id": "newer", "seen_us": newer_us}))
    engine.store.change(
        proposals.insert().values(proposal(3) | {"proposal_id": "newer", "made_us": newer_us})
    )
    assert seen + [each[name] for page in pages for each in page] == whole[1:]
    assert get(path).json()[0][name] == "newer"


def test_cursor_that_is_none_of_the_list_is_refused_and_the_last_page_names_no_other(get: Get) -> None:
    with pytest.raises(ProblemError, match="cursor cannot be read"):
        get("/v1/alerts?cursor=WyJhLTciXQ")
    assert "link" not in get(f"/v1/alerts?limit={ROWS}").headers


ALERT_FILTERS = ("", "status=open", "status=acknowledged", f"trigger={TRIGGERS[0]}", "severity=severe",
                 f"status=open&trigger={TRIGGERS[0]}&severity=severe")  # fmt: skip
PROPOSAL_FILTERS = ("", "status=open", "action=freeze", "status=open&action=freeze")


def test_every_filter_is_served_by_an_index_in_the_order_of_the_list(engine: Engine, get: Get) -> None:
    if not engine.store.is_sqlite:
        pytest.skip("the other database plans by statistics")
    for table, column, filters in (
        ("alerts", "seen_us", ALERT_FILTERS),
        ("proposals", "made_us", PROPOSAL_FILTERS),
    ):
        for each in filters:
            first, second = plans(engine, get, f"/v1/{table}?limit=2&{each}")
            assert "USING INDEX" in first[0], each
            assert f"{column}<?)" in second[0], each
            assert "USE TEMP B-TREE FOR ORDER BY" not in first + second
            for plan in plans(engine, get, f"/v1/{table}?limit=2&account_id=a-1&{each}"):
                assert "_by_account (account_id=?" in plan[0], each


def plans(engine: Engine, get: Get, path: str) -> list[list[str]]:
    """How the database finds the first page of a list, and the second."""
    with sent_statements(engine.store.database) as sent:
        pages = followed(get, path)
        next(pages), next(pages, None)
    asked = [each for each in sent if " LIMIT " in each[0]]  # the engine writes meanwhile
    return [sqlite_plan(engine.store.database, *each) for each in asked]

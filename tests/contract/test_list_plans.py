"""How a database without statistics finds the rows of lists: by an index that is in their order, or by account."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from limitkeeper.shells.api.cursors import By, cursor_of, page, rows_with
from limitkeeper.store.appeal_tables import appeals
from limitkeeper.store.case_tables import cases
from limitkeeper.store.sql import Store
from tests.statements import sent_statements, sqlite_plan

CASES = By(cases.c.due_us), By(cases.c.case_id)
APPEALS = By(appeals.c.answer_until_us), By(appeals.c.appeal_id)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder: Path = tmp_path_factory.mktemp("plans")
    return Store(f"sqlite:///{folder}/store.db")


@pytest.mark.parametrize(
    ("table", "order", "wanted", "first"),
    [
        (cases, CASES, {}, "cases USING INDEX cases_by_due_of_all"),
        (cases, CASES, {"is_live": True}, "SEARCH cases USING INDEX cases_by_due (is_live=?"),
        (cases, CASES, {"is_live": True, "tier": 2}, "SEARCH cases USING INDEX cases_by_tier (is_live=? AND tier=?"),
        (cases, CASES, {"is_live": True, "claimed_by": "ann"},
         "SEARCH cases USING INDEX cases_by_claimer (claimed_by=? AND is_live=?"),
        (cases, CASES, {"is_live": True, "account_id": "a"}, "SEARCH cases USING INDEX cases_by_account (account_id=?"),
        (appeals, APPEALS, {}, "appeals USING INDEX appeals_by_answer_of_all"),
        (appeals, APPEALS, {"is_live": True}, "SEARCH appeals USING INDEX appeals_by_answer (is_live=?"),
        (appeals, APPEALS, {"is_live": True, "tier": 2}, "SEARCH appeals USING INDEX appeals_by_answer (is_live=?"),
        (appeals, APPEALS, {"is_live": True, "account_id": "a"},
         "SEARCH appeals USING INDEX appeals_by_account (account_id=?"),
        (appeals, APPEALS, {"is_live": True, "customer_id": "c"},
         "SEARCH appeals USING INDEX appeals_by_customer (customer_id=?"),
    ],
)  # fmt: skip
def test_list_is_found_by_an_index(
    store: Store, table: sa.Table, order: tuple[By, ...], wanted: dict[str, Any], first: str
) -> None:
    for cursor in (None, cursor_of([1, "x"])):
        plan = plan_of(store, table, order, wanted, cursor)
        assert first in plan[0], plan
        if "account_id" not in wanted and "customer_id" not in wanted:
            assert "USE TEMP B-TREE FOR ORDER BY" not in plan


def plan_of(
    store: Store, table: sa.Table, order: tuple[By, ...], wanted: dict[str, Any], cursor: str | None
) -> list[str]:
    """The steps of the query of a page."""
    with sent_statements(store.database) as sent:
        page(store, rows_with(table, wanted), order, 2, cursor)
    ((statement, parameters),) = sent
    return sqlite_plan(store.database, statement, parameters)

"""What an approved case leads to on every store: told and planned from the limit as it is, nothing where it is moot."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.cases import CaseOpening, case_acted, case_opened, terms_in_force
from limitkeeper.app.customer_preferences import preferences_set
from limitkeeper.app.decisions import effects
from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.known_notices import inbox
from limitkeeper.app.limits import LimitChange, planned
from limitkeeper.app.line_requests import SeenLine, request_made
from limitkeeper.app.notice_policy import notice_policy
from limitkeeper.core.access.actors import CUSTOMER, OFFICER, SYSTEM, Actor
from limitkeeper.core.behaviour.events import DAY_US, NEVER_US
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.case_tables import cases, mandates
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.sql import Store
from limitkeeper.store.work import Work, work
from tests.vaults import SEAL

NOW_US = 1_790_040_000_000_000  # by day in Shanghai
LATER_US = NOW_US + 10 * DAY_US
POLICY = approval_policy()
EFFECTS = effects(SEAL, notice_policy("CN"))
ANN = Actor("ann", frozenset({OFFICER}))
KIM = Actor("kim", frozenset({CUSTOMER}), "a")


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    found.take({})
    with work(found, SYSTEM, NOW_US) as w:
        w.add(mandates, {"mandate_id": "ann", "person_id": "ann", "tier": 2, "actions": "[]", "cut_cents_max": None,
                         "exposure_cents_max": None, "from_us": 0, "to_us": NEVER_US, "version": 1})  # fmt: skip
        preferences_set(w, "a", {"language": "en"})
    yield found
    found.close()


def is_out(_w: Work, _notice: str) -> bool:
    return True


def opened(store: Store, action: str, after_cents: int, before_cents: int = 1_000_000) -> str:
    """A case of the lender's that waits for a person, opened on a limit as it was then."""
    opening = CaseOpening(
        "decision", action, "a", before_cents, after_cents, 1_000_000, "system", customer_id="a",
        facts={"refused_automation": True},
    )  # fmt: skip
    with work(store, SYSTEM, NOW_US) as w:
        return case_opened(w, opening, POLICY, EFFECTS)


def lowered_by_the_customer(store: Store, limit_cents: int) -> None:
    """Kim's own request takes effect while the case waits."""
    with work(store, KIM, NOW_US + 1) as w:
        request_made(w, POLICY, EFFECTS, "a", limit_cents, SeenLine(1_000_000, 0))
    effected_due(store, LATER_US, is_out)


def approved(store: Store, case_id: str) -> None:
    for act in ("claim", "approve"):
        with work(store, ANN, LATER_US) as w:
            terms, version = terms_in_force(w, POLICY), w.found(cases, case_id)["version"]
            case_acted(w, SEAL, case_id, version, act, terms, EFFECTS, "why")


def letters(store: Store) -> list[dict[str, Any]]:
    """What Kim has been told, the newest first."""
    with work(store, KIM, LATER_US) as w:
        return inbox(w, SEAL, "a")


def preview(store: Store, case_id: str) -> str | None:
    with work(store, ANN, LATER_US) as w:
        found = EFFECTS.preview(w, w.found(cases, case_id), "en")
    return None if found is None else found.text


def entries(store: Store, case_id: str) -> list[dict[str, Any]]:
    mine = sa.select(limit_entries).where(limit_entries.c.case_id == case_id)
    return store.rows(mine.order_by(limit_entries.c.number))


def is_moot(store: Store, case_id: str) -> bool:
    subject = audit_events.c.subject == f"case:{case_id}"
    return bool(store.rows(sa.select(audit_events).where(audit_events.c.act == "case.moot", subject)))


@pytest.mark.parametrize("lower_cents", [300_000, 600_000])
def test_cut_to_a_limit_that_the_customer_has_gone_below_tells_and_plans_nothing(
    store: Store, lower_cents: int
) -> None:
    case_id = opened(store, "decrease", 600_000)
    lowered_by_the_customer(store, lower_cents)
    assert preview(store, case_id) is None
    approved(store, case_id)
    assert [each["kind"] for each in letters(store)] == ["lowered_at_request"]
    assert entries(store, case_id) == []
    assert is_moot(store, case_id)


def test_cut_is_told_and_stepped_from_the_limit_as_it_is_when_it_is_approved(store: Store) -> None:
    case_id = opened(store, "decrease", 300_000)
    lowered_by_the_customer(store, 400_000)
    shown = preview(store, case_id)
    approved(store, case_id)
    said = letters(store)[0]
    assert said["kind"] == "limit_decreased"
    assert shown == "\n\n".join(said["paragraphs"])
    assert "¥4,000.00" in shown
    assert "¥10,000.00" not in shown
    assert [row["target_cents"] for row in entries(store, case_id)] == [300_000]


def test_closing_is_told_from_the_limit_as_it_is_and_moot_only_where_the_line_is_closed(store: Store) -> None:
    case_id = opened(store, "close", 0)
    lowered_by_the_customer(store, 400_000)
    shown = preview(store, case_id)
    assert shown is not None
    assert "¥10,000.00" not in shown
    with work(store, KIM, LATER_US) as w:
        request_made(w, POLICY, EFFECTS, "a", 0, SeenLine(400_000, 0))
    effected_due(store, LATER_US + 10 * DAY_US, is_out)
    assert preview(store, case_id) is None


def test_closing_of_a_line_that_was_cut_to_nothing_is_still_told(store: Store) -> None:
    case_id = opened(store, "close", 0)
    with work(store, SYSTEM, NOW_US) as w:
        planned(w, LimitChange("a", "decrease", 1_000_000, 0, NOW_US, "risk", "a"))
    effected_due(store, LATER_US, is_out)
    approved(store, case_id)
    assert letters(store)[0]["kind"] == "line_closed"
    assert [row["action"] for row in entries(store, case_id)] == ["close"]


def test_cut_on_a_line_whose_ledger_knows_only_its_freeze_is_told_from_the_limit_of_the_case(
    store: Store,
) -> None:
    with work(store, SYSTEM, NOW_US) as w:
        planned(w, LimitChange("a", "freeze", 0, None, NOW_US, "flag", "a"))
    effected_due(store, LATER_US, is_out)
    case_id = opened(store, "decrease", 600_000)
    approved(store, case_id)
    assert any("¥10,000.00" in each for each in letters(store)[0]["paragraphs"])
    assert [row["target_cents"] for row in entries(store, case_id)] == [600_000]


def test_increase_above_which_the_line_already_stands_tells_and_plans_nothing(store: Store) -> None:
    lowered_by_the_customer(store, 900_000)
    case_id = opened(store, "increase", 800_000, before_cents=700_000)
    approved(store, case_id)
    assert [each["kind"] for each in letters(store)] == ["lowered_at_request"]
    assert entries(store, case_id) == []
    assert is_moot(store, case_id)

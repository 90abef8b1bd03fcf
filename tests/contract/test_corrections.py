"""Letters about a planned cut on every store, where the customer's own request comes before it, or is taken back."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.cases import CaseOpening, case_acted, case_opened, terms_in_force
from limitkeeper.app.customer_preferences import preferences_set
from limitkeeper.app.decisions import effects
from limitkeeper.app.limits import effected_due
from limitkeeper.app.line_requests import SeenLine, request_made, request_taken_back
from limitkeeper.app.notice_policy import notice_policy
from limitkeeper.app.notices import contact_added, deliver_notices, inbox, is_out
from limitkeeper.connectors.letters import Letter
from limitkeeper.core.access.actors import CUSTOMER, OFFICER, SYSTEM, Actor
from limitkeeper.core.access.chain import first_break
from limitkeeper.core.behaviour.events import DAY_US, NEVER_US
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.case_tables import mandates
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import proposals, stated_accounts
from limitkeeper.store.work import work
from tests.vaults import SEAL

NOW_US = 1_790_040_000_000_000  # by day in Shanghai
POLICY = approval_policy()
EFFECTS = effects(SEAL, notice_policy("CN"))
ANN = Actor("ann", frozenset({OFFICER}))
KIM = Actor("kim", frozenset({CUSTOMER}), "c-1")
TRACE: dict[str, Any] = {
    "decision_id": "d",
    "rules": [{"action": "decrease", "hit": True}],
    "reasons": [{"code": "late_recent", "en": "Late", "zh": "逾期", "help_en": "Pay", "help_zh": "还款"}],
}


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    with work(found, SYSTEM, NOW_US) as w:
        w.add(stated_accounts, {"account_id": "a", "customer_id": "c-1", "segment": None})
        w.add(mandates, {"mandate_id": "m", "person_id": "ann", "tier": 2, "actions": "[]", "cut_cents_max": None,
                         "exposure_cents_max": None, "from_us": 0, "to_us": NEVER_US, "version": 1})  # fmt: skip
        preferences_set(w, "c-1", {"language": "en"})
        contact_added(w, SEAL, "c-1", "mail", "kim@mail.test", 1)
    yield found
    found.close()


def cut(store: Store, after_cents: int, now_us: int) -> None:
    """A decision of the lender's that ann approves."""
    opening = CaseOpening("decision", "decrease", "a", 1_000_000, after_cents, 1_000_000, "system", "c-1", "p",
                          facts={"refused_automation": True})  # fmt: skip
    with work(store, SYSTEM, now_us) as w:
        w.add(proposals, {"proposal_id": "p", "account_id": "a", "decision_id": "d", "action": "decrease", "rule": "r",
                          "limit_before_cents": 1_000_000, "limit_after_cents": after_cents, "made_us": now_us,
                          "status": "open", "status_us": now_us, "reason": None, "trace": json.dumps(TRACE),
                          "sequence": 1})  # fmt: skip
        case_id = case_opened(w, opening, POLICY, EFFECTS)
    for version, act in ((1, "claim"), (2, "approve")):
        with work(store, ANN, now_us) as w:
            case_acted(w, SEAL, case_id, version, act, terms_in_force(w, POLICY), EFFECTS, "seen")


def asked(store: Store, limit_cents: int, now_us: int) -> None:
    with work(store, KIM, now_us) as w:
        request_made(w, POLICY, EFFECTS, "a", limit_cents, SeenLine(1_000_000, 0))


def taken_back(store: Store, now_us: int) -> None:
    with work(store, KIM, now_us) as w:
        request_taken_back(w, POLICY, EFFECTS, "a")


def sent(store: Store, now_us: int) -> list[Letter]:
    """What goes out by mail."""
    mail: list[Letter] = []
    deliver_notices(store, {"mail": mail.append}, SEAL, lambda: now_us)
    return mail


def of_cuts(letters: list[Letter]) -> str:
    """The one letter that tells of the lender's cut."""
    (letter,) = (
        each for each in letters if "asked us to" not in each.subject and "taken back" not in each.subject
    )
    return letter.text


def test_cut_that_is_approved_while_a_request_is_planned_is_told_from_the_limit_that_it_will_find(
    store: Store,
) -> None:
    asked(store, 600_000, NOW_US)
    cut(store, 300_000, NOW_US + DAY_US)
    told = of_cuts(sent(store, NOW_US + DAY_US))
    # Of its steps to 6,500 and 3,000 the first takes nothing any more.
    assert "is ¥3,000.00. Until then it is ¥6,000.00" in told
    assert "10,000" not in told
    assert "6,500" not in told
    assert "asked us yourself to lower this line: to ¥6,000.00" in told
    assert "That is counted in" in told
    for days in (3, 8, 38):
        effected_due(store, NOW_US + days * DAY_US, is_out)
    steps = store.rows(sa.select(limit_entries).where(limit_entries.c.state == "planned"))
    assert [row["target_cents"] for row in steps] == [300_000]  # it waits to be looked at
    assert {row["limit_cents"] for row in store.rows(sa.select(lines))} == {600_000}


def test_cut_that_a_request_goes_further_than_is_told_with_it(store: Store) -> None:
    asked(store, 400_000, NOW_US)
    cut(store, 500_000, NOW_US + DAY_US)
    told = of_cuts(sent(store, NOW_US + DAY_US))
    assert "to ¥4,000.00" in told
    assert "the change above takes nothing more" in told


@pytest.mark.parametrize("wanted", [600_000, 250_000])
def test_letter_that_is_out_is_corrected_when_a_request_comes_before_its_cut_and_when_it_is_taken_back(
    store: Store, wanted: int
) -> None:
    cut(store, 300_000, NOW_US)
    assert "from ¥10,000.00 to ¥3,000.00" in of_cuts(sent(store, NOW_US))
    asked(store, wanted, NOW_US + DAY_US)
    told = of_cuts(sent(store, NOW_US + DAY_US))
    if wanted == 600_000:
        assert "the limit is lowered from ¥6,000.00 to ¥3,000.00" in told
    else:
        assert "lowers the limit to ¥2,500.00" in told
        assert "takes nothing more" in told
    taken_back(store, NOW_US + 2 * DAY_US)
    told = of_cuts(sent(store, NOW_US + 2 * DAY_US))
    assert "the limit is lowered from ¥10,000.00 to ¥3,000.00" in told
    assert "¥6,500.00" in told
    rows = store.rows(sa.select(limit_entries).where(limit_entries.c.state == "planned"))
    assert [row["target_cents"] for row in rows] == [650_000, 300_000]  # nothing was planned anew


def test_letter_that_nobody_knows_yet_is_written_anew_and_its_cut_waits_for_it(store: Store) -> None:
    cut(store, 300_000, NOW_US)
    asked(store, 600_000, NOW_US + DAY_US)
    with work(store, KIM, NOW_US + DAY_US) as w:
        kinds = [each["kind"] for each in inbox(w, SEAL, "c-1")]
    assert sorted(kinds) == ["limit_decreased", "lowered_at_request"]
    told = of_cuts(sent(store, NOW_US + DAY_US))
    assert "Until then it is ¥6,000.00" in told
    assert "1. Late" in told
    rows = store.rows(sa.select(limit_entries).order_by(limit_entries.c.number))
    cuts = [row for row in rows if row["action"] == "decrease" and not row["by_request"]]
    assert [row["state"] for row in cuts] == ["cancelled", "cancelled", "planned", "planned"]
    first = cuts[2]
    assert (
        first["planned_us"] == NOW_US + 8 * DAY_US
    )  # its days of notice begin with the letter that goes out
    (withdrawn,) = store.rows(sa.select(notices).where(notices.c.state == "withdrawn"))
    assert withdrawn["notice_id"] != first["notice_id"]
    assert first_break(store.rows(sa.select(audit_events).order_by(audit_events.c.number))) is None


def test_request_that_comes_after_the_cut_leaves_its_letter_as_it_is(store: Store) -> None:
    cut(store, 900_000, NOW_US)
    sent(store, NOW_US)
    asked(store, 600_000, NOW_US + 6 * DAY_US)
    (letter,) = sent(store, NOW_US + 6 * DAY_US)
    assert "from ¥9,000.00 to ¥6,000.00" in letter.text

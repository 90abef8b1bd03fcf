"""Decisions that were approved and told, in a store, for tests of appeals."""

import json
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.appeals import AppealDesk, appeal_acted, appeal_submitted
from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.cases import case_acted, terms_in_force
from limitkeeper.app.decisions import effects
from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.limits import LimitChange, entries_of, entry_of, planned
from limitkeeper.app.notice_policy import notice_policy
from limitkeeper.app.proposal_cases import cases_of_proposals
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.access.actors import CUSTOMER, OFFICER, SYSTEM, Actor
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.limits.ledger import Line, line_of
from limitkeeper.store.appeal_tables import appeals
from limitkeeper.store.case_tables import cases
from limitkeeper.store.records import Commit, ProposalChange
from limitkeeper.store.sql import Store
from limitkeeper.store.work import work
from tests.mandated import mandated
from tests.vaults import SEAL

NOW_US = 1_790_000_000_000_000
POLICY = approval_policy()


def desk_of(seal: Seal) -> AppealDesk:
    """Where appeals are answered, with a seal."""
    return AppealDesk(effects(seal, notice_policy("CN")), POLICY)


DESK = desk_of(SEAL)
KIM = Actor("kim", frozenset({CUSTOMER}), "a")
"""The customer of line ``a``."""

LATE_RULE = {
    "id": "late_repeatedly", "trigger": "declining_repayment_capacity", "action": "decrease", "hit": True,
    "hit_before": False, "when": "late_share_6 >= 0.5 and on_time_streak <= 1", "release": None,
    "values": {"late_share_6": 0.5, "on_time_streak": 0.0}, "parameters": {},
}  # fmt: skip
TRACE = {
    "as_of": "2026-09-21T00:00:00+00:00",
    "inputs": {"balance_cents": 900_000.0, "bills_12": 8.0, "late_share_6": 0.5, "on_time_streak": 0.0},
    "rules": [LATE_RULE],
    "action": {"rule": "late_repeatedly", "constraints": ["line_cap"]},
    "versions": {"model": "sha256:m1"},
    "reasons": [{"code": "late_recent", "en": "Late", "zh": "逾期", "help_en": "Pay", "help_zh": "还款"}],
}


def officer(name: str) -> Actor:
    return Actor(name, frozenset({OFFICER}))


def staffed(store: Store) -> None:
    """Ann and bob on the second tier, eva and fay on the third."""
    with work(store, SYSTEM, NOW_US) as w:
        mandated(w, ("ann", 2), ("bob", 2), ("eva", 3), ("fay", 3))


def proposed(store: Store, action: str, number: int = 1, after_cents: int = 400_000) -> str:
    """The case of a proposal on line ``a`` that waits on the second tier."""
    row = {"proposal_id": f"p{number}", "account_id": "a", "decision_id": f"d{number}", "action": action,
           "rule": "late_repeatedly", "limit_before_cents": 1_000_000, "limit_after_cents": after_cents,
           "made_us": number, "trace": json.dumps(TRACE)}  # fmt: skip
    store.write(
        Commit(number, "events", 1, 1, b"", proposals=[ProposalChange("a", number, "superseded", row=row)])
    )
    cases_of_proposals(store, POLICY, NOW_US, DESK.effects)
    (case,) = store.rows(sa.select(cases).where(cases.c.proposal_id == f"p{number}"))
    return str(case["case_id"])


def frozen_by_the_monitor(store: Store) -> str:
    """The case of a freeze of line ``a`` that acts already and waits for somebody who confirms it."""
    with work(store, SYSTEM, NOW_US) as w:
        planned(w, LimitChange("a", "freeze", 1_000_000, None, NOW_US, "late_recent", "a", decision_id="d1"))
    in_effect(store, NOW_US)
    return proposed(store, "freeze", after_cents=1_000_000)


def decided(store: Store, action: str = "decrease", *, number: int = 1, after_cents: int = 400_000) -> str:
    """The case of a decision on line ``a`` that ann has approved: its change waits for its time."""
    case_id = proposed(store, action, number, after_cents)
    for act in ("claim", "approve"):
        case_act(store, case_id, "ann", act)
    return case_id


def case_act(store: Store, case_id: str, name: str, doing: str, now_us: int | None = None) -> None:
    """Act on a case as it is."""
    with work(store, officer(name), NOW_US if now_us is None else now_us) as w:
        version = w.found(cases, case_id)["version"]
        terms = terms_in_force(w, POLICY)
        case_acted(w, DESK.seal, case_id, version, doing, terms, DESK.effects, "agreed with her husband")


def in_effect(store: Store, now_us: int = NOW_US + 20 * DAY_US) -> None:
    """Let what is due take effect, all notices being out."""
    effected_due(store, now_us, lambda _w, _notice: True)


def submitted(store: Store, case_id: str, actor: Actor = KIM, now_us: int = NOW_US + DAY_US) -> str:
    with work(store, actor, now_us) as w:
        return appeal_submitted(w, DESK, case_id, "a", "I paid on time.")


def act(
    store: Store, appeal_id: str, *acts: str, now_us: int = NOW_US + 2 * DAY_US, words: str = "words", **given: Any
) -> dict[str, Any]:  # fmt: skip
    """Do acts like ``bob claim``, each on the appeal as it is; what is given belongs to the last."""
    for place, each in enumerate(acts, start=1):
        name, doing = each.split()
        with work(store, KIM if name == "kim" else officer(name), now_us) as w:
            version = w.found(appeals, appeal_id)["version"]
            more = given if place == len(acts) else {}
            appeal_acted(w, DESK, appeal_id, version, doing, words, **more)
    return appeal_row(store, appeal_id)


def appeal_row(store: Store, appeal_id: str) -> dict[str, Any]:
    return dict(store.rows(sa.select(appeals).where(appeals.c.appeal_id == appeal_id))[0])


def ledger_line(store: Store) -> Line:
    """Line ``a`` as its ledger makes it."""
    with work(store, SYSTEM, NOW_US) as w:
        return line_of(entry_of(row) for row in entries_of(w, "a"))

"""Every code that a page may show has its words in both languages."""

import pytest

from limitkeeper.app.appeal_effects import WHY
from limitkeeper.app.appeal_holds import GRANTED_BEFORE
from limitkeeper.app.freezes import WHY_OVER
from limitkeeper.app.policy import reason_wording
from limitkeeper.app.regulation_policy import shipped_register
from limitkeeper.core.access.actors import ROLES
from limitkeeper.core.appeal import appeals
from limitkeeper.core.approval import cases
from limitkeeper.core.approval.clocks import END, ESCALATE, REMIND
from limitkeeper.core.behaviour.events import KINDS as EVENT_KINDS
from limitkeeper.core.compliance import register, requests
from limitkeeper.core.decision.assessment import ESTIMATE_NAMES
from limitkeeper.core.limits.ledger import ACTIONS
from limitkeeper.core.notice.notice import KINDS as NOTICE_KINDS
from limitkeeper.core.strategy.actions import Action, Severity, Trigger
from limitkeeper.core.strategy.holdout import HOLDOUT_DRAW
from limitkeeper.core.strategy.vocabulary import SHARED_QUANTITIES
from limitkeeper.shells.api.answer_schemas import ALERT_STATUSES, PROPOSAL_STATUSES
from limitkeeper.shells.api.campaign_schemas import STATES as CAMPAIGN_STATES
from limitkeeper.shells.api.case_schemas import CASE_ACTS, CASE_KINDS
from limitkeeper.shells.console.labels import labels, why_words

SHOWN = {
    "action": (*(each.code for each in Action), *ACTIONS),
    "trigger": [str(each) for each in Trigger],
    "severity": [each.code for each in Severity],
    "alert_status": ALERT_STATUSES,
    "proposal_status": PROPOSAL_STATUSES,
    "case_kind": CASE_KINDS,
    "case_state": (*cases.LIVE_STATES, *cases.END_STATES),
    "case_act": (*CASE_ACTS, "open", "withdraw", *(f"clock.{stage}" for stage in (REMIND, ESCALATE, END))),
    "case_outcome": (
        "system",
        "clock",
        "committee",
        "split",
        "cancelled",
        "taken back",
        GRANTED_BEFORE,
        *PROPOSAL_STATUSES[1:],
    ),
    "feature": (*SHARED_QUANTITIES, *ESTIMATE_NAMES, HOLDOUT_DRAW),
    "role": ROLES,
    "appeal_state": (*appeals.LIVE_STATES, *appeals.END_STATES),
    "appeal_act": (
        *(act.replace("_", "-") for act in appeals.ACTS),
        *(f"clock.{stage}" for stage in (REMIND, ESCALATE, END, appeals.REPLY)),
    ),
    "notice_kind": NOTICE_KINDS,
    "event_kind": EVENT_KINDS,
    "campaign_state": CAMPAIGN_STATES,
    "rights_kind": requests.KINDS,
    "register_source": shipped_register().classes,
    "ledger_why": (*reason_wording("en"), *WHY_OVER.values(), WHY, "by decision", "lifted"),
    "unit": {quantity.unit for quantity in SHARED_QUANTITIES.values()},
    "purpose": register.PURPOSES,
    "legal_basis": register.BASES,
    "sensitivity": register.SENSITIVITIES,
    "rights_act": requests.ACTS,
    "rights_state": (*requests.LIVE_STATES, *requests.END_STATES),
}


@pytest.mark.parametrize("group", SHOWN)
def test_every_code_has_words_in_both_languages(group: str) -> None:
    for language in ("en", "zh"):
        assert [code for code in SHOWN[group] if not labels(language)[group].get(code)] == []


def test_both_languages_name_the_same_codes() -> None:
    english, chinese = labels("en"), labels("zh")
    assert {group: set(words) for group, words in english.items()} == {
        group: set(words) for group, words in chinese.items()
    }


def test_source_of_each_registered_class_is_told_as_the_register_says_it() -> None:
    found = shipped_register().classes
    assert labels("en")["register_source"] == {name: each.source for name, each in found.items()}


def test_why_of_an_entry_is_told_in_the_words_of_its_reasons_each_once() -> None:
    words = reason_wording("zh")
    assert (
        why_words("zh", "late_recent, repaid_little, late_recent")
        == f"{words['late_recent'].text}；{words['repaid_little'].text}"
    )
    assert why_words("zh", "late_recent, and he agreed") == "late_recent, and he agreed"

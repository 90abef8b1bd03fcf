"""A customer's own doing on every store: lower, close, take back, refuse automation, see, be explained."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.cases import CaseOpening, case_opened
from limitkeeper.app.customer_preferences import preferences_set
from limitkeeper.app.customers import (
    CONTACTS_MAX,
    consent_set,
    contact_forgotten,
    contact_given,
    customer_document,
    preferences_changed,
)
from limitkeeper.app.decisions import effects
from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.explanations import explanation
from limitkeeper.app.life import drafted
from limitkeeper.app.limits import LimitChange, planned
from limitkeeper.app.line_requests import SeenLine, request_made, request_taken_back
from limitkeeper.app.mandates import mandate_given
from limitkeeper.app.notice_policy import notice_policy
from limitkeeper.app.notices import deliver_notices
from limitkeeper.app.own_lines import Seen, last_seen, line_document, lines_document, portrait_document
from limitkeeper.app.ownership import own_line
from limitkeeper.app.steps import step_cancelled
from limitkeeper.app.strategies import strategy_from_text, strategy_path
from limitkeeper.connectors.letters import Letter
from limitkeeper.core.access.actors import CUSTOMER, OFFICER, SYSTEM, Actor
from limitkeeper.core.approval.mandates import Mandate
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.errors import InputError, PolicyError
from limitkeeper.core.limits.ledger import LedgerError
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.case_tables import cases
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.notice_tables import contacts, notices
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import proposals, stated_accounts
from limitkeeper.store.work import MissingError, Work, work
from tests.vaults import SEAL

NOW_US = 1_790_042_400_000_000  # at noon in Shanghai
POLICY = approval_policy()
EFFECTS = effects(SEAL, notice_policy("CN"))
ANN = Actor("ann", frozenset({OFFICER}))
KIM = Actor("kim", frozenset({CUSTOMER}), "c-1")
OWES = SeenLine(1_000_000, 300_000)
SEEN = Seen(
    {"limit_cents": 1_000_000.0, "balance_cents": 300_000.0, "on_time_streak": 2.0, "utilisation": 0.3,
     "cash_share_30d": None},
    {"rules": [{"action": "restore", "hit": False, "when": "on_time_streak >= restore_bills and pd < pd_good",
                "values": {"on_time_streak": 2.0, "pd": 0.1}, "parameters": {"restore_bills": 3.0, "pd_good": 0.2}}]},
)  # fmt: skip


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    with work(found, SYSTEM, NOW_US) as w:
        for account, customer in (("a-1", "c-1"), ("a-2", "c-1"), ("b-1", "c-2")):
            w.add(stated_accounts, {"account_id": account, "customer_id": customer, "segment": None})
    yield found
    found.close()


def is_out(_w: Work, _notice: str) -> bool:
    return True


def ask(store: Store, limit_cents: int, seen: SeenLine = OWES, now_us: int = NOW_US) -> dict[str, Any]:
    with work(store, KIM, now_us) as w:
        return w.found(cases, request_made(w, POLICY, EFFECTS, "a-1", limit_cents, seen))


def limit(store: Store) -> int:
    (row,) = store.rows(sa.select(lines))
    return int(row["limit_cents"])


def kinds(store: Store) -> list[str]:
    return [row["kind"] for row in store.rows(sa.select(notices).order_by(notices.c.made_us, notices.c.kind))]


def test_line_whose_ledger_a_freeze_began_is_lowered_from_the_limit_that_the_monitor_sees(
    store: Store,
) -> None:
    with work(store, SYSTEM, NOW_US) as w:
        planned(w, LimitChange("a-1", "freeze", 0, None, NOW_US, "flag", "c-1"))
    effected_due(store, NOW_US, is_out)
    assert ask(store, 400_000)["limit_before_cents"] == 1_000_000
    effected_due(store, NOW_US + 3 * DAY_US, is_out)
    assert limit(store) == 400_000


@pytest.mark.parametrize(("wanted", "kind"), [(400_000, "lowered_at_request"), (0, "closed_at_request")])
def test_own_request_is_approved_at_once_and_takes_effect_after_the_cooling_off(
    store: Store, wanted: int, kind: str
) -> None:
    case = ask(store, wanted)
    assert (case["kind"], case["state"], case["outcome"], case["customer_id"]) == (
        "request",
        "approved",
        "system",
        "c-1",
    )
    assert kinds(store) == [kind]
    effected_due(store, NOW_US + 3 * DAY_US - 1, is_out)
    assert limit(store) == 1_000_000
    effected_due(store, NOW_US + 3 * DAY_US, is_out)
    assert limit(store) == wanted
    with pytest.raises(LedgerError, match="waits"), work(store, KIM, NOW_US + 4 * DAY_US) as w:
        request_taken_back(w, POLICY, EFFECTS, "a-1")


def test_request_is_taken_back_within_the_cooling_off_and_can_be_made_anew(store: Store) -> None:
    ask(store, 0)
    with pytest.raises(LedgerError, match="waits already"):
        ask(store, 400_000)
    with work(store, KIM, NOW_US + DAY_US) as w:
        request_taken_back(w, POLICY, EFFECTS, "a-1")
    effected_due(store, NOW_US + 9 * DAY_US, is_out)
    assert limit(store) == 1_000_000
    assert kinds(store) == ["closed_at_request", "request_taken_back"]
    ask(store, 400_000, now_us=NOW_US + 9 * DAY_US)
    effected_due(store, NOW_US + 12 * DAY_US, is_out)
    assert limit(store) == 400_000


@pytest.mark.parametrize(("wanted", "told"), [(299_999, "owed"), (1_000_000, "lowers"), (-1, "lowers")])
def test_line_is_not_lowered_below_what_is_owed_nor_raised_by_asking(
    store: Store, wanted: int, told: str
) -> None:
    with pytest.raises(InputError, match=told):
        ask(store, wanted)
    assert store.rows(sa.select(cases)) == []


def test_line_that_the_lender_cut_to_nothing_is_still_closed_by_its_customer_and_only_once(
    store: Store,
) -> None:
    with work(store, SYSTEM, NOW_US) as w:
        planned(w, LimitChange("a-1", "decrease", 1_000_000, 0, NOW_US, "risk", "c-1"))
    effected_due(store, NOW_US, is_out)
    cut = SeenLine(0, 300_000)
    with pytest.raises(InputError, match="lowers"):
        ask(store, 1, cut)
    assert (ask(store, 0, cut)["action"], kinds(store)) == ("close", ["closed_at_request"])
    effected_due(store, NOW_US + 3 * DAY_US, is_out)
    with work(store, KIM, NOW_US + 3 * DAY_US) as w:
        assert lines_document(w, "c-1")[0]["is_closed"]
    with pytest.raises(InputError, match="closed already"):
        ask(store, 0, cut, NOW_US + 4 * DAY_US)


def test_request_where_the_balance_is_not_known_waits_for_a_person_and_can_be_taken_back(
    store: Store,
) -> None:
    case = ask(store, 400_000, SeenLine(1_000_000, None))
    assert (case["state"], json.loads(case["tier_rules"])) == ("open", ["balance_unknown"])
    with work(store, KIM, NOW_US) as w:
        request_taken_back(w, POLICY, EFFECTS, "a-1")
    (row,) = store.rows(sa.select(cases))
    assert (row["state"], row["outcome"]) == ("withdrawn", "taken back")


def test_who_refuses_automation_still_has_his_own_wish_done_at_once(store: Store) -> None:
    with work(store, KIM, NOW_US) as w:
        preferences_changed(w, "c-1", {"refuses_automation": True})
    assert ask(store, 400_000)["state"] == "approved"


def test_what_the_customer_lowered_himself_is_nothing_to_restore(store: Store) -> None:
    ask(store, 400_000)
    effected_due(store, NOW_US + 3 * DAY_US, is_out)
    with work(store, KIM, NOW_US + 3 * DAY_US) as w:
        document = line_document(w, EFFECTS, "a-1", "en", SEEN)
    assert document["restoration"]["old_limit_cents"] is None
    assert [each["by_request"] for each in document["ledger"]] == [False, True]


def test_step_is_cancelled_by_who_might_have_decided_on_it_and_who_looks_at_the_line_reads_why(
    store: Store,
) -> None:
    with work(store, SYSTEM, NOW_US) as w:
        opening = CaseOpening("decision", "decrease", "a-1", 1_000_000, 600_000, 1_000_000, "dai")
        case_id = case_opened(w, opening, POLICY, EFFECTS)
        w.connection.execute(cases.update().values(state="approved", tier=3, parties='["cem"]'))
        steps = [planned(w, LimitChange("a-1", "decrease", 1_000_000, after, NOW_US + DAY_US, "risk", "c-1",
                                        case_id=case_id)) for after in (800_000, 600_000)]  # fmt: skip
        for name, tier, cut_cents in (
            ("ann", 3, 400_000),
            ("bob", 3, 399_999),
            ("cem", 3, None),
            ("eva", 2, None),
        ):
            mandate_given(w, Mandate(name, tier, cut_cents_max=cut_cents), POLICY)
    # The committee approved it: nobody else undoes it, nor who had a part in it.
    for name, barred in (("bob", "mandate"), ("cem", "four_eyes"), ("dai", "four_eyes"), ("eva", "mandate")):
        with (
            pytest.raises(RefusedError) as error,
            work(store, Actor(name, frozenset({OFFICER})), NOW_US) as w,
        ):
            step_cancelled(w, EFFECTS, POLICY, steps[0], "I would rather not")
        assert error.value.rule == barred
    with work(store, ANN, NOW_US) as w:
        step_cancelled(w, EFFECTS, POLICY, steps[0], "Kim lost his work")
        document = line_document(w, EFFECTS, "a-1", "en", SEEN)
    kept = [row["cancelled_why"] for row in store.rows(sa.select(limit_entries)) if row["cancelled_why"]]
    assert len(kept) == 2
    assert not any("Kim" in each for each in kept)
    said = [each["cancelled_why"] for each in document["ledger"] if each["state"] == "cancelled"]
    assert said == ["Kim lost his work"] * 2


def test_customer_sees_his_lines_and_no_others(store: Store) -> None:
    ask(store, 400_000)
    with work(store, KIM, NOW_US) as w:
        found = lines_document(w, "c-1")
        assert own_line(w, "c-1", "a-1") == "a-1"
        with pytest.raises(MissingError):
            own_line(w, "c-1", "b-1")
    assert [(each["account_id"], each["limit_cents"]) for each in found] == [
        ("a-1", 1_000_000),
        ("a-2", None),
    ]


def test_path_to_restoration_says_what_must_improve_and_from_when(store: Store) -> None:
    with work(store, SYSTEM, NOW_US) as w:
        planned(w, LimitChange("a-1", "decrease", 1_000_000, 400_000, NOW_US, "risk", "c-1"))
    effected_due(store, NOW_US, is_out)
    with work(store, KIM, NOW_US + DAY_US) as w:
        english, chinese = (
            line_document(w, EFFECTS, "a-1", language, SEEN)["restoration"] for language in ("en", "zh")
        )
    assert english["old_limit_cents"] == 1_000_000
    assert [each["is_met"] for each in english["needs"]] == [False, True]
    assert english["earliest_at"].startswith("2026-11")
    assert any("3 bills on time" in each and "still open" in each for each in english["words"])
    assert any("连续3期" in each for each in chinese["words"])


def test_portrait_is_told_in_words_of_both_languages_without_what_is_missing(store: Store) -> None:
    with work(store, KIM, NOW_US) as w:
        english, chinese = (portrait_document(w, "a-1", language, SEEN)["words"] for language in ("en", "zh"))
        with pytest.raises(MissingError):
            portrait_document(w, "a-1", "en", Seen())
    assert english == [
        "You owe ¥3,000.00 on this line.", "You use 30% of your limit.", "You have paid your last 2 bills on time."
    ]  # fmt: skip
    assert chinese[0] == "该账户当前欠款¥3,000.00。"
    assert "_" not in "".join(english + chinese)


TRACE = {
    "decision_id": "d", "versions": {"strategy": "s", "model": "m", "parameters": "p", "program": "1"},
    "score": {"pd": 0.1, "pd_low": 0.08, "pd_high": 0.123,
              "lost_most": [{"label": "Bills paid late", "name": "late", "reason": None, "points_lost": 9}]},
    "rules": [
        {"id": "late_repeatedly", "action": "decrease", "hit": True, "uses_score": True,
         "values": {"late_share_6": 0.5, "pd": None}},
        {"id": "other", "action": "close", "hit": False, "uses_score": False, "values": {}},
    ],
    "inputs": {"limit_cents": 1_000_000.0, "balance_cents": 5.0},
    "reasons": [{"code": "late_recent", "en": "Late", "zh": "逾期", "help_en": "Pay", "help_zh": "还款"}],
}  # fmt: skip


def decided(store: Store, strategy_hash: str = "s") -> str:
    """A decision about a-1 by a strategy, approved by the system; the id of its case."""
    from limitkeeper.app.proposal_cases import cases_of_proposals

    trace = TRACE | {"versions": TRACE["versions"] | {"strategy": strategy_hash}}
    with work(store, SYSTEM, NOW_US) as w:
        w.add(proposals, {"proposal_id": "p", "account_id": "a-1", "decision_id": "d", "action": "decrease",
                          "rule": "late_repeatedly", "limit_before_cents": 1_000_000, "limit_after_cents": 900_000,
                          "made_us": NOW_US, "status": "open", "status_us": NOW_US, "reason": None,
                          "trace": json.dumps(trace), "sequence": 1})  # fmt: skip
    cases_of_proposals(store, POLICY, NOW_US, EFFECTS)
    (row,) = store.rows(sa.select(cases))
    return str(row["case_id"])


def test_explanation_tells_rules_values_versions_and_appeal_and_is_kept(store: Store) -> None:
    case_id = decided(store)
    with work(store, KIM, NOW_US) as w:
        found = explanation(w, "a-1", case_id, "en")
        chinese = explanation(w, "a-1", case_id, "zh")
        with pytest.raises(MissingError):
            explanation(w, "b-1", case_id, "en")
    with work(store, SYSTEM, NOW_US) as w:
        preferences_set(w, "c-1", {"time_zone": "Pacific/Pago_Pago"})
        west = explanation(w, "a-1", case_id, "zh")
    assert found["decided_by"] == "system"
    assert [rule["rule"] for rule in found["rules"]] == ["late_repeatedly"]
    assert [each["text"] for each in found["rules"][0]["values"]] == ["50%", "not known"]
    text = "\n".join(found["paragraphs"])
    for part in (
        "the limit is lowered",
        "¥10,000.00",
        "automated means alone",
        "Bills paid late",
        "default at 10.0%",
        "between 8.0% and 12.3%",
        "strategy s",
        "appeal",
    ):
        assert part in text
    assert "申诉" in "\n".join(chinese["paragraphs"])
    assert "2026年9月22日" in chinese["paragraphs"][0]
    assert "2026年9月21日" in west["paragraphs"][0], "a day is the customer's own"
    acts = [row["act"] for row in store.rows(sa.select(audit_events))]
    assert acts.count("decision.explain") == 3


def test_decision_of_a_strategy_that_decides_no_more_is_explained_in_its_own_words(store: Store) -> None:
    shipped = strategy_path("cautious").read_text(encoding="utf-8")
    rules = strategy_from_text(shipped, "cautious").rules
    told = next(rule.description for rule in rules if rule.id == "late_repeatedly")
    text = shipped.replace(told, "Paid late again and again here.")
    with work(store, SYSTEM, NOW_US) as w:
        drafted(w, text, "own", "CN", None, None)
    case_id = decided(store, strategy_from_text(text, "own").hash)
    with work(store, KIM, NOW_US) as w:
        found = explanation(w, "a-1", case_id, "en")
    assert [rule["text"] for rule in found["rules"]] == ["Paid late again and again here."]


def test_line_is_seen_as_the_monitor_last_wrote_of_it_where_it_cannot_be_asked(store: Store) -> None:
    decided(store)
    with work(store, KIM, NOW_US) as w:
        assert last_seen(w, "a-1").line == SeenLine(1_000_000, 5)
        assert last_seen(w, "b-1").line == SeenLine()
        (decision,) = line_document(w, EFFECTS, "a-1", "zh", last_seen(w, "a-1"))["decisions"]
    assert decision["reasons"] == [{"code": "late_recent", "text": "逾期", "help": "还款"}]


@pytest.mark.parametrize(
    "values",
    [{"language": "fr"}, {"time_zone": "Mars/Base"}, {"time_zone": "../etc/passwd"}, {"quiet_to_hour": 24},
     {"quiet_to_hour": True}, {"refuses_automation": "yes"}, {"version": 3}, {}],
)  # fmt: skip
def test_preference_that_is_none_is_refused(store: Store, values: dict[str, Any]) -> None:
    with pytest.raises((InputError, PolicyError)), work(store, KIM, NOW_US) as w:
        preferences_changed(w, "c-1", values)


def test_contact_is_used_with_consent_alone_shown_masked_and_forgotten_when_asked(store: Store) -> None:
    with work(store, KIM, NOW_US) as w:
        contact_id = contact_given(w, SEAL, "c-1", "mail", "kim@mail.test", consents=False)
    ask(store, 400_000)
    mail: list[Letter] = []
    deliver_notices(store, {"mail": mail.append}, SEAL, lambda: NOW_US)
    assert mail == []
    with work(store, KIM, NOW_US + 1) as w:
        consent_set(w, "c-1", contact_id, consents=True)
        request_taken_back(w, POLICY, EFFECTS, "a-1")
    deliver_notices(store, {"mail": mail.append}, SEAL, lambda: NOW_US + 1)
    assert [letter.address for letter in mail] == ["kim@mail.test"]
    with work(store, KIM, NOW_US + 2) as w:
        assert (
            customer_document(w, SEAL, "c-1", shows_addresses=False)["contacts"][0]["address"]
            == "k***@mail.test"
        )
        with pytest.raises(MissingError):
            consent_set(w, "c-2", contact_id, consents=False)
        contact_forgotten(w, SEAL, "c-1", contact_id)
        assert customer_document(w, SEAL, "c-1", shows_addresses=True)["contacts"] == []
    (row,) = store.rows(sa.select(contacts))
    assert SEAL.opened(row["address"], f"contact:{contact_id}", "c-1") == b""


@pytest.mark.parametrize(
    ("channel", "address"),
    [("mail", "kim"), ("mail", "kim@mail.test\nBcc: all@mail.test"), ("sms", "call me"), ("webhook", "http://10.0.0.1")],
)  # fmt: skip
def test_address_that_is_none_is_refused(store: Store, channel: str, address: str) -> None:
    with pytest.raises(InputError), work(store, KIM, NOW_US) as w:
        contact_given(w, SEAL, "c-1", channel, address, consents=True)


def test_contacts_of_a_customer_are_bounded(store: Store) -> None:
    with work(store, KIM, NOW_US) as w:
        for number in range(CONTACTS_MAX):
            contact_given(w, SEAL, "c-1", "mail", f"kim{number}@mail.test", consents=True)
        with pytest.raises(InputError, match="too many"):
            contact_given(w, SEAL, "c-1", "mail", "more@mail.test", consents=True)


def test_preview_of_a_notice_writes_nothing_and_says_what_will_be_written(store: Store) -> None:
    decided(store)
    (row,) = store.rows(sa.select(cases))
    with work(store, SYSTEM, NOW_US) as w:
        before = EFFECTS.preview(w, row | {"limit_after_cents": 800_000}, "en")
        assert EFFECTS.preview(w, row, "en") is None  # it is planned already
    assert before is not None
    assert "¥8,000.00" in before.text
    assert len(store.rows(sa.select(notices))) == 1

"""Cases on every store: opened from proposals, acted on, moved by their clocks, with every act kept."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.case_clocks import run_clocks
from limitkeeper.app.case_documents import case_document, case_offers_document, whole_case_document
from limitkeeper.app.cases import (
    CaseOpening,
    case_acted,
    case_of,
    case_opened,
    terms_in_force,
)
from limitkeeper.app.customer_preferences import preferences_set
from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.limits import ENGINE_TOPIC, LimitChange, planned
from limitkeeper.app.mandates import mandate_given
from limitkeeper.app.proposal_cases import ProposalsFollowed, cases_of_proposals
from limitkeeper.app.verification import evidence_verified
from limitkeeper.connectors.sealing import Seal, SealError
from limitkeeper.core.access.actors import OFFICER, SYSTEM, Actor
from limitkeeper.core.access.chain import first_break
from limitkeeper.core.approval.cases import clocked
from limitkeeper.core.approval.mandates import Mandate
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.behaviour.events import HOUR_US
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.case_tables import case_acts, cases
from limitkeeper.store.records import Commit, ProposalChange
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import outbox
from limitkeeper.store.work import ConflictError, MissingError, Work, work
from tests.mandated import mandated
from tests.statements import sent_statements, sqlite_plan
from tests.vaults import SEAL, seal_of

POLICY = approval_policy()
NOW_US = 1_790_000_000_000_000
TRACE = {
    "inputs": {"balance_cents": 900_000.0, "customer_limit_total_cents": 2_000_000.0},
    "rules": [{"id": "score_low", "trigger": "declining_repayment_capacity"}],
}


def officer(name: str) -> Actor:
    return Actor(name, frozenset({OFFICER}))


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    found.take({})
    with work(found, SYSTEM, NOW_US) as w:
        mandated(w, ("ann", 2), ("bob", 2), ("m0", 3), ("m1", 3), ("m2", 3))
    yield found
    found.close()


def proposal(
    store: Store, number: int, action: str = "decrease", after_cents: int = 100_000, account: str = "a",
    before_cents: int = 1_000_000, **seen: object,
) -> None:  # fmt: skip
    row = {"proposal_id": f"p{number}", "account_id": account, "decision_id": f"d{number}", "action": action,
           "rule": "score_low", "limit_before_cents": before_cents, "limit_after_cents": after_cents,
           "made_us": number, "trace": json.dumps(TRACE | seen)}  # fmt: skip
    store.write(
        Commit(
            number, "events", 1, 1, b"", proposals=[ProposalChange(account, number, "superseded", row=row)]
        )
    )


class Approved(list[str]):
    """The accounts whose cases were approved."""

    def __call__(self, _w: Work, row: dict[str, Any]) -> None:
        self.append(row["account_id"])


def opened(store: Store, **changed: object) -> str:
    facts = {"kind": "decision", "action": "decrease", "account_id": "a", "limit_before_cents": 1_000_000,
             "limit_after_cents": 400_000, "exposure_cents": 1_000_000, "maker_id": "system"}  # fmt: skip
    with work(store, SYSTEM, NOW_US) as w:
        return case_opened(w, CaseOpening(**(facts | changed)), POLICY, Approved())  # type: ignore[arg-type]


@pytest.mark.parametrize(("high", "is_unsure"), [(0.25, True), (0.15, False), (None, False)])
def test_cut_by_an_unsure_model_is_decided_by_people(
    store: Store, high: float | None, *, is_unsure: bool
) -> None:
    proposal(store, 1, after_cents=990_000, score={"pd": 0.1, "pd_low": 0.08, "pd_high": high})
    cases_of_proposals(store, POLICY, NOW_US, Approved())
    (row,) = store.rows(sa.select(cases))
    assert ("model_unsure" in row["tier_rules"]) == is_unsure
    assert row["required_tier"] == 1 + is_unsure


def act(
    store: Store, case_id: str, *acts: str, approved: Approved | None = None, now_us: int = NOW_US + 1,
    seal: Seal = SEAL, words: str = "why",
) -> None:  # fmt: skip
    """Do acts like ``ann claim``, each on the case as it is."""
    for each in acts:
        name, doing = each.split()
        with work(store, officer(name), now_us) as w:
            version = w.found(cases, case_id)["version"]
            terms = terms_in_force(w, POLICY)
            then = approved if approved is not None else Approved()
            case_acted(w, seal, case_id, version, doing, terms, then, words)


@pytest.mark.parametrize(("cut_cents_max", "rule"), [(1_000_000, "mandate"), (None, "lowest_tier")])
def test_cut_of_a_line_that_has_risen_since_is_decided_on_by_what_it_cuts_now(
    store: Store, cut_cents_max: int | None, rule: str
) -> None:
    case_id = opened(store)  # 6,000 of 10,000: the team's
    with work(store, SYSTEM, NOW_US) as w:
        mandate_given(w, Mandate("dai", 2, cut_cents_max=cut_cents_max), POLICY)
        planned(w, LimitChange("a", "increase", 1_000_000, 30_000_000, NOW_US, "asked for"))
    act(store, case_id, "dai claim")
    effected_due(store, NOW_US + 1, lambda _w, _notice: True)
    with pytest.raises(RefusedError) as error:
        act(store, case_id, "dai approve")
    assert error.value.rule == rule
    with work(store, officer("dai"), NOW_US + 1) as w:
        offers = {each["act"]: each["rule"] for each in case_offers_document(w, case_id, POLICY)["acts"]}
    assert offers["approve"] == rule
    assert offers["release"] is None


def test_small_cut_is_approved_by_the_system_and_a_large_one_waits(store: Store) -> None:
    proposal(store, 1, after_cents=900_000, account="small")
    proposal(store, 2, after_cents=400_000, account="large")
    approved = Approved()
    assert cases_of_proposals(store, POLICY, NOW_US, approved) == (2, 0)
    assert approved == ["small"]
    found = {row["account_id"]: row for row in store.rows(sa.select(cases))}
    assert (found["large"]["state"], found["large"]["tier"]) == ("open", 2)
    assert json.loads(found["large"]["tier_rules"]) == ["large_share"]
    assert cases_of_proposals(store, POLICY, NOW_US, approved) == (0, 0)


def small_cut(
    store: Store, number: int, before_cents: int, after_cents: int, **seen: object
) -> dict[str, Any]:
    """The case of a cut that the monitor proposes; what the system approves of it takes effect at once."""
    proposal(store, number, after_cents=after_cents, before_cents=before_cents, **seen)
    now_us = NOW_US + number

    def effect(w: Work, row: dict[str, Any]) -> None:
        changed(w, row["action"], before_cents, after_cents, now_us)

    cases_of_proposals(store, POLICY, now_us, effect)
    effected_due(store, now_us, lambda _w, _notice: True)
    (row,) = store.rows(sa.select(cases).where(cases.c.proposal_id == f"p{number}"))
    return row | {"facts": json.loads(row["facts"])}


def changed(w: Work, action: str, before_cents: int, after_cents: int, now_us: int) -> None:
    planned(w, LimitChange("a", action, before_cents, after_cents, now_us, "seen"))


def test_small_cuts_again_and_again_are_no_longer_the_systems_until_the_line_is_restored(
    store: Store,
) -> None:
    assert small_cut(store, 1, 1_000_000, 710_000)["state"] == "approved"
    second = small_cut(store, 2, 710_000, 504_100)
    assert (second["state"], second["tier_rules"]) == ("open", '["large_share"]')
    assert second["cut_cents"] == 205_900  # what mandates cover is what it cuts
    told = {name: second["facts"][name] for name in ("cut_cents", "cut_share", "earlier_cuts_cents")}
    assert told == {"cut_cents": 495_900, "cut_share": 0.4959, "earlier_cuts_cents": 290_000}
    with work(store, SYSTEM, NOW_US + 3) as w:
        changed(w, "restore", 710_000, 1_000_000, NOW_US + 3)
    effected_due(store, NOW_US + 3, lambda _w, _notice: True)
    assert small_cut(store, 3, 1_000_000, 710_000)["state"] == "approved"


def test_small_cut_of_a_line_without_a_ledger_counts_with_those_that_the_monitor_saw(store: Store) -> None:
    seen = {"inputs": TRACE["inputs"] | {"limit_before_reduction_cents": 1_000_000.0}}
    assert small_cut(store, 1, 710_000, 504_100, **seen)["tier_rules"] == '["large_share"]'


def state_account(
    store: Store, sequence: int, account: str, customer: str | None, segment: str | None = None
) -> None:
    stated = pl.DataFrame({"account_id": [account], "customer_id": [customer], "segment": [segment]})
    store.write(Commit(sequence, "accounts", 0, 1, b"", stated=stated))


def test_case_knows_whose_line_it_is_and_what_tiers_ask_of_him(store: Store) -> None:
    state_account(store, 1, "small", "c-1", "students")
    proposal(store, 2, after_cents=900_000, account="small")
    proposal(store, 3, after_cents=900_000, account="alone")
    cases_of_proposals(store, POLICY, NOW_US, Approved())
    found = {row["account_id"]: row for row in store.rows(sa.select(cases))}
    assert {name: row["customer_id"] for name, row in found.items()} == {"small": "c-1", "alone": "alone"}
    facts = json.loads(found["small"]["facts"])
    assert (facts["segment"], facts["customer_total_cents"], facts["refused_automation"]) == (
        "students", 2_000_000.0, False,
    )  # fmt: skip


def test_customer_who_refuses_automation_has_a_person_decide(store: Store) -> None:
    state_account(store, 1, "small", "c-1")
    with work(store, SYSTEM, NOW_US) as w:
        preferences_set(w, "c-1", {"refuses_automation": True})
    proposal(store, 2, after_cents=900_000, account="small")
    approved = Approved()
    cases_of_proposals(store, POLICY, NOW_US, approved)
    (row,) = store.rows(sa.select(cases))
    assert (row["state"], row["required_tier"], json.loads(row["tier_rules"])) == (
        "open",
        2,
        ["refused_automation"],
    )
    assert approved == []


def test_proposal_to_restore_is_a_case_of_restoration(store: Store) -> None:
    proposal(store, 1, "restore", after_cents=1_100_000)
    cases_of_proposals(store, POLICY, NOW_US, Approved())
    (row,) = store.rows(sa.select(cases))
    assert (row["kind"], row["state"], json.loads(row["tier_rules"])) == ("restoration", "open", ["raise"])


def test_case_of_a_proposal_that_is_superseded_is_withdrawn(store: Store) -> None:
    proposal(store, 1, after_cents=400_000)
    cases_of_proposals(store, POLICY, NOW_US, Approved())
    proposal(store, 2, after_cents=300_000)
    assert cases_of_proposals(store, POLICY, NOW_US, Approved()) == (1, 1)
    states = {row["proposal_id"]: (row["state"], row["outcome"]) for row in store.rows(sa.select(cases))}
    assert states == {"p1": ("withdrawn", "superseded"), "p2": ("open", None)}


def test_cases_follow_what_changed_since_the_last_look_and_nothing_is_asked_twice(store: Store) -> None:
    followed = ProposalsFollowed(store, POLICY, Approved(), 0, lambda _w, _rows: {})
    assert followed.follow(NOW_US) == 0
    proposal(store, 1, after_cents=400_000)
    proposal(store, 2, after_cents=400_000, account="other")
    assert followed.follow(NOW_US) == 2
    with sent_statements(store.database) as sent:
        assert followed.follow(NOW_US) == 0
    assert len(sent) == 1  # whether anything was written
    proposal(store, 3, after_cents=300_000)
    assert followed.follow(NOW_US) == 2
    states = {row["proposal_id"]: (row["state"], row["outcome"]) for row in store.rows(sa.select(cases))}
    assert states == {"p1": ("withdrawn", "superseded"), "p2": ("open", None), "p3": ("open", None)}


def test_look_that_failed_is_looked_again(store: Store) -> None:
    def failing(_w: Work, _row: dict[str, Any]) -> None:
        if fails:
            raise RuntimeError

    followed, fails = ProposalsFollowed(store, POLICY, failing, 0, lambda _w, _rows: {}), True
    proposal(store, 1, after_cents=900_000)
    with pytest.raises(RuntimeError):
        followed.follow(NOW_US)
    fails = False
    assert (followed.follow(NOW_US), followed.follow(NOW_US)) == (1, 0)


def test_only_proposals_that_changed_are_gone_through(store: Store) -> None:
    """Once many stand, a look over all of them would keep everybody else from the store for most of the time."""
    for number in range(1, 60):
        proposal(store, number, after_cents=400_000, account=f"a{number}")
    cases_of_proposals(store, POLICY, NOW_US, Approved())
    with sent_statements(store.database) as sent:
        assert cases_of_proposals(store, POLICY, NOW_US, Approved(), changed_after=58) == (0, 0)
    asked = [each for each in sent if "JOIN" in each[0]]
    assert len(asked) == 2
    if store.is_sqlite:  # PostgreSQL decides by how many rows there are
        for each in asked:
            assert "proposals_by_sequence" in sqlite_plan(store.database, *each)[0]


def test_approval_leads_to_its_effect_once_and_keeps_every_act(store: Store) -> None:
    case_id, approved = opened(store), Approved()
    act(store, case_id, "ann claim", "ann comment", "ann approve", approved=approved)
    assert approved == ["a"]
    acts = store.rows(sa.select(case_acts).order_by(case_acts.c.version))
    assert [(row["actor_id"], row["act"], row["version"]) for row in acts] == [
        ("system", "open", 1), ("ann", "claim", 2), ("ann", "comment", 3), ("ann", "approve", 4),
    ]  # fmt: skip
    events = store.rows(sa.select(audit_events).order_by(audit_events.c.number))
    doing = [row["act"] for row in events if row["act"] != "mandate.give"]
    assert doing == ["case.open", "case.claim", "case.comment", "case.approve"]
    assert first_break(events) is None


def looked_at(store: Store, seal: Seal, case_id: str) -> dict[str, Any]:
    with work(store, officer("ann"), NOW_US + 2) as w:
        return whole_case_document(w, seal, case_id)


def voted(store: Store, seal: Seal, customer_id: str | None) -> str:
    """A case that ann commented on, and m0 voted on, both naming the customer."""
    case_id = opened(store, customer_id=customer_id)
    act(store, case_id, "ann claim", "ann send_up", "m0 vote_for", seal=seal, words="Mrs Wang called")
    return case_id


def test_words_on_a_customers_case_are_sealed_and_read_as_they_were_said(
    store: Store, tmp_path: Path
) -> None:
    seal = seal_of(tmp_path)
    case_id = voted(store, seal, "kim")
    assert "Wang" not in repr(store.rows(sa.select(cases)) + store.rows(sa.select(case_acts)))
    found = looked_at(store, seal, case_id)
    assert [each["words"] for each in found["acts"]] == ["", *["Mrs Wang called"] * 3]
    assert [each["words"] for each in found["votes"]] == ["Mrs Wang called"]
    events = store.rows(sa.select(audit_events).where(audit_events.c.act == "case.look"))
    assert [row["actor_id"] for row in events] == ["ann"]
    assert "words" not in case_document(store.rows(sa.select(cases))[0])["votes"][0]


def test_words_on_a_case_are_erased_with_their_customers_key(store: Store, tmp_path: Path) -> None:
    seal = seal_of(tmp_path)
    case_id = voted(store, seal, "kim")
    seal.destroy("kim")
    found = looked_at(store, seal, case_id)
    assert {each["words"] for each in (*found["acts"], *found["votes"])} == {""}
    act(store, case_id, "m1 vote_for", seal=seal, words="Mrs Wang is no more")
    found = looked_at(store, seal, case_id)
    assert [(each["person_id"], each["words"]) for each in found["votes"]] == [("m0", ""), ("m1", "")]


def test_words_on_a_case_of_nobody_and_those_from_before_are_read_plain(store: Store, tmp_path: Path) -> None:
    seal = seal_of(tmp_path)
    assert looked_at(store, seal, voted(store, seal, None))["votes"][0]["words"] == "Mrs Wang called"
    case_id = voted(store, seal, "kim")
    with work(store, SYSTEM, NOW_US) as w:
        w.connection.execute(case_acts.update().values(words="before"))
        w.connection.execute(cases.update().values(votes='[["m0", "m0", "for", "before"]]'))
    found = looked_at(store, seal, case_id)
    assert {each["words"] for each in (*found["acts"], *found["votes"])} == {"before"}


def test_words_of_one_case_do_not_open_on_another(store: Store, tmp_path: Path) -> None:
    seal = seal_of(tmp_path)
    case_id, other = (voted(store, seal, "kim") for _ in range(2))
    with work(store, SYSTEM, NOW_US) as w:
        words = w.rows(sa.select(case_acts).where(case_acts.c.case_id == case_id))[-1]["words"]
        w.connection.execute(case_acts.update().where(case_acts.c.case_id == other).values(words=words))
    with pytest.raises(SealError):
        looked_at(store, seal, other)


def test_effect_that_fails_leaves_the_case_as_it_was(store: Store) -> None:
    case_id = opened(store)
    act(store, case_id, "ann claim")

    def fails(_w: Work, _row: dict[str, Any]) -> None:
        raise OSError("the ledger is away")

    def approve() -> None:
        with work(store, officer("ann"), NOW_US) as w:
            case_acted(w, SEAL, case_id, 2, "approve", terms_in_force(w, POLICY), fails, "why")

    with pytest.raises(OSError, match="away"):
        approve()
    (row,) = store.rows(sa.select(cases))
    assert (row["state"], row["version"]) == ("claimed", 2)


def test_two_who_saw_the_same_version_have_one_outcome(store: Store) -> None:
    case_id, outcomes = opened(store), list[str]()
    start = threading.Barrier(2)

    def claim(name: str) -> None:
        start.wait()
        try:
            with work(store, officer(name), NOW_US) as w:
                case_acted(w, SEAL, case_id, 1, "claim", terms_in_force(w, POLICY), Approved())
            outcomes.append("claimed")
        except (ConflictError, RefusedError) as error:
            outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=claim, args=(name,)) for name in ("ann", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 2
    assert outcomes.count("claimed") == 1


def test_case_that_is_not_there_is_told(store: Store) -> None:
    with pytest.raises(MissingError), work(store, SYSTEM, NOW_US) as w:
        case_acted(w, SEAL, "nothing", 1, "claim", terms_in_force(w, POLICY), Approved())


def test_clocks_remind_send_up_and_end_and_leave_the_others(store: Store) -> None:
    first = opened(store)
    with work(store, SYSTEM, NOW_US + 40 * HOUR_US) as w:
        late = CaseOpening("decision", "close", "b", 1, 0, 1, "system")
        other = case_opened(w, late, POLICY, Approved())
    assert run_clocks(store, POLICY, NOW_US + 4 * HOUR_US, Approved(), count=1) == 1
    assert run_clocks(store, POLICY, NOW_US + 48 * HOUR_US, Approved(), count=1, reminders=1) == 2
    found = {row["case_id"]: row for row in store.rows(sa.select(cases))}
    assert (found[first]["tier"], found[first]["clock"]) == (3, "remind")
    assert (found[other]["tier"], found[other]["clock"]) == (2, "escalate")
    for hours in (48 + 24, 48 + 168):
        run_clocks(store, POLICY, NOW_US + hours * HOUR_US, Approved())
    (row,) = store.rows(sa.select(cases).where(cases.c.case_id == first))
    assert (row["state"], row["outcome"], row["is_live"]) == ("lapsed", "clock", False)


def test_committee_decides_at_the_end_of_its_clock_and_the_effect_follows(store: Store) -> None:
    case_id = opened(store, action="close", limit_after_cents=0, facts={"trigger": "suspected_violation"})
    act(store, case_id, "ann claim", "ann send_up", "m0 vote_for", "m1 vote_for", "m2 vote_against")
    (row,) = store.rows(sa.select(cases))
    assert (row["state"], row["outcome"]) == ("approved", "committee")
    assert [vote[2] for vote in json.loads(row["votes"])] == ["for", "for", "against"]


def test_votes_and_parties_that_its_acts_do_not_lead_to_are_found_in_the_store(store: Store) -> None:
    case_id = opened(store, action="close", limit_after_cents=0, facts={"trigger": "suspected_violation"})
    act(
        store,
        case_id,
        "ann claim",
        "ann send_up",
        "m0 vote_for",
        "m1 vote_for",
        "m0 recuse",
        "m2 vote_against",
    )
    assert evidence_verified(store).faults == []
    (row,) = store.rows(sa.select(cases))
    against = row["votes"].replace("against", "for")
    for name, value in (
        ("votes", against),
        ("votes", "[]"),
        ("parties", "[]"),
        ("recused", "[]"),
        ("votes", "no"),
    ):
        with store.database.begin() as connection:
            connection.execute(cases.update().values({**row, name: value}))
        assert [each.where for each in evidence_verified(store).faults] == [f"cases {case_id}"], name


def test_one_member_does_not_undo_the_votes_of_the_others(store: Store) -> None:
    case_id = opened(store, action="close", limit_after_cents=0, facts={"trigger": "suspected_violation"})
    act(store, case_id, "ann claim", "ann send_up", "m0 vote_for")
    with pytest.raises(RefusedError) as error:
        act(store, case_id, "m2 send_back")
    assert error.value.rule == "votes_cast"
    approved = Approved()
    act(store, case_id, "m1 vote_for", "m2 vote_against", approved=approved)
    assert approved == ["a"]


def test_clocks_that_are_moved_together_are_moved_as_the_core_says(store: Store) -> None:
    ids = [opened(store, account_id=f"a{k}", limit_after_cents=k, action="close") for k in range(12)]
    act(store, ids[0], "ann claim")
    act(store, ids[1], "ann claim", "ann ask")
    for case_id in ids[2:6]:
        act(store, case_id, "ann claim", "ann send_up", "m0 vote_for")
    for hours in (4, 24, 48, 49, 72, 100, 200, 500):
        now_us = NOW_US + hours * HOUR_US
        before = store.rows(sa.select(cases).order_by(cases.c.case_id))
        with work(store, SYSTEM, now_us) as w:
            terms = terms_in_force(w, POLICY)
        expected = [clocked(case_of(row), terms, now_us) for row in before]
        while expected != [clocked(case, terms, now_us) for case in expected]:
            expected = [clocked(case, terms, now_us) for case in expected]
        run_clocks(store, POLICY, now_us, Approved(), count=3, reminders=5)
        after = store.rows(sa.select(cases).order_by(cases.c.case_id))
        assert [case_of(row) for row in after] == expected
    assert not any(row["is_live"] for row in after)
    acts = store.rows(sa.select(case_acts.c.case_id, case_acts.c.version))
    assert len(acts) == sum(row["version"] for row in after)
    assert evidence_verified(store).faults == []
    with store.database.begin() as connection:
        sent_up = case_acts.c.act == "clock.escalate"
        connection.execute(case_acts.update().where(sent_up, case_acts.c.case_id == ids[-1]).values(ts_us=1))
    [fault] = evidence_verified(store).faults
    assert (fault.where, fault.problem[:2]) == ("case_acts", "1 ")


def freeze_case(store: Store) -> str:
    """The case of a freeze of the monitor, which is the only one."""
    proposal(store, 1, action="freeze", after_cents=1_000_000)
    cases_of_proposals(store, POLICY, NOW_US, Approved())
    (row,) = store.rows(sa.select(cases))
    return str(row["case_id"])


def told_the_monitor(store: Store) -> list[dict[str, Any]]:
    query = sa.select(outbox.c.content).where(outbox.c.topic == ENGINE_TOPIC)
    return [json.loads(row["content"]) for row in store.rows(query)]


def test_refused_freeze_is_lifted_by_the_monitor_and_another_refused_case_tells_it_nothing(
    store: Store,
) -> None:
    case_id = freeze_case(store)
    other = opened(store, account_id="b", action="close", limit_after_cents=0)
    act(store, other, "ann claim", "ann refuse")
    assert told_the_monitor(store) == []
    act(store, case_id, "ann claim", "ann refuse")
    assert told_the_monitor(store) == [{"freeze_lifted": "a", "since_us": 1}]


@pytest.mark.parametrize("votes", [(), ("m0 vote_for", "m1 vote_against")])
def test_freeze_on_which_nobody_decided_in_time_is_lifted_by_the_monitor(
    store: Store, votes: tuple[str, ...]
) -> None:
    case_id = freeze_case(store)
    act(store, case_id, "ann claim", "ann send_up", *votes)
    for hours in (24, 168):
        run_clocks(store, POLICY, NOW_US + hours * HOUR_US + 1, Approved())
    (row,) = store.rows(sa.select(cases))
    assert row["state"] == "lapsed"
    assert told_the_monitor(store) == [{"freeze_lifted": "a", "since_us": 1}]


def test_refusing_a_freeze_that_is_over_already_lifts_nothing(store: Store) -> None:
    case_id = freeze_case(store)
    over = ProposalChange("a", 2, "lapsed", "freeze_not_confirmed")
    store.write(Commit(2, "tick", 0, 1, b"", proposals=[over]))
    act(store, case_id, "ann claim", "ann refuse")
    assert told_the_monitor(store) == []

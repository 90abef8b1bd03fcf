"""Campaigns on every store: proposed as one case, split without loss, worked off once, cancelled."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from limitkeeper.app.appeals import AppealDesk
from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.campaign_conditions import condition
from limitkeeper.app.campaign_rows import Taken, rows_taken
from limitkeeper.app.campaign_work import campaigns_worked
from limitkeeper.app.campaigns import (
    CampaignError,
    Proposal,
    cancelled,
    proposed,
    split,
    standing_of,
)
from limitkeeper.app.case_documents import whole_case_document
from limitkeeper.app.cases import CaseOpening, case_acted, case_opened, terms_in_force
from limitkeeper.app.customer_preferences import preferences_set
from limitkeeper.app.decisions import Effects, effects
from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.explanations import explanation
from limitkeeper.app.known_notices import inbox
from limitkeeper.app.late_letters import LateLetters
from limitkeeper.app.limits import LimitChange, entries_of, entry_of, planned
from limitkeeper.app.notice_policy import notice_policy
from limitkeeper.app.notices import deliver_notices, is_out, notice_content, read_marked
from limitkeeper.app.own_lines import Seen, line_document
from limitkeeper.app.policy import reason_wording
from limitkeeper.app.verification import evidence_verified
from limitkeeper.core.access.actors import COMMITTEE, CUSTOMER, STRATEGIST, SYSTEM, Actor
from limitkeeper.core.access.chain import first_break
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.limits.ledger import line_of
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.campaign_tables import campaign_items, campaigns
from limitkeeper.store.case_tables import cases
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.sql import Store
from limitkeeper.store.work import ConflictError, Work, work
from tests.mandated import mandated
from tests.simulated_accounts import campaign_rows
from tests.vaults import SEAL

NOW_US = 1_790_040_000_000_000  # by day in Shanghai
POLICY = approval_policy()
EFFECTS = effects(SEAL, notice_policy("CN"))
SUE = Actor("sue", frozenset({STRATEGIST}))
TOM = Actor("tom", frozenset({STRATEGIST}))
REASONS = ["product_change"]


def member(name: str) -> Actor:
    return Actor(name, frozenset({COMMITTEE}))


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    found.take({})
    give_mandates(found, ("ann", 2), ("m0", 3), ("m1", 3), ("m2", 3))
    yield found
    found.close()


def give_mandates(store: Store, *given: tuple[str, int]) -> None:
    with work(store, SYSTEM, NOW_US) as w:
        mandated(w, *given)


def valued_rows(count: int) -> pl.DataFrame:
    """Rows that tell what each line earns on its capital: a tenth before, three tenths after."""
    capital = pl.Series("economic_capital_cents_before", [1_000.0 * (k + 1) for k in range(count)])
    return campaign_rows(count).with_columns(
        capital, economic_capital_cents_after=capital / 2, raroc_before=0.1, raroc_after=0.3,
        economic_profit_cents_before=0.0, economic_profit_cents_after=0.0,
    )  # fmt: skip


def taken(store: Store, frame: pl.DataFrame) -> Taken:
    with work(store, SYSTEM, NOW_US) as w:
        return rows_taken(frame, standing_of(w, frame["account_id"]), reasons=REASONS)


def propose(store: Store, frame: pl.DataFrame, earliest_us: int = 0) -> str:
    with work(store, SUE, NOW_US) as w:
        found = rows_taken(frame, standing_of(w, frame["account_id"]), reasons=REASONS)
        return proposed(w, Proposal("autumn", found, earliest_us), POLICY)


def approve(store: Store, campaign_id: str, by: str = "ann") -> None:
    for act in ("claim", "approve"):
        with work(store, member(by), NOW_US + 1) as w:
            version = w.found(cases, campaign_id)["version"]
            case_acted(w, SEAL, campaign_id, version, act, terms_in_force(w, POLICY), EFFECTS, "good")


def work_off(store: Store, count: int = 3, rounds: int | None = None, after_us: int = 2) -> int:
    return campaigns_worked(store, EFFECTS, lambda: NOW_US + after_us, count, rounds=rounds)


def states(store: Store) -> list[str]:
    query = sa.select(campaign_items.c.state).order_by(campaign_items.c.account_id)
    return [row["state"] for row in store.rows(query)]


def test_every_row_is_taken_set_aside_or_refused_with_its_reason(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with work(store, SYSTEM, NOW_US) as w:
        case_opened(w, CaseOpening("decision", "close", "busy", 100, 0, 100, "system"), POLICY, EFFECTS)
    frame = pl.DataFrame(
        [("a", 1_000.0, 500.0, None), (None, 1.0, 0.0, None), ("a", 1_000.0, 400.0, None), ("b", None, 5.0, None),
         ("c", 10.0, None, None), ("d", 10.0, 5.5, None), ("e", 10.0, 10.0, "decrease"), ("f", 10.0, 5.0, "freeze"),
         ("g", 10.0, None, "close"), ("h", 10.0, 20.0, None), ("busy", 10.0, 5.0, None), ("i", 10.0, 5.0, "none"),
         ("j", 10.0, -1.0, None)],
        ["account_id", "limit_before_cents", "limit_after_cents", "action"], orient="row",
    )  # fmt: skip
    found = taken(store, frame)
    monkeypatch.setattr("limitkeeper.app.campaigns.FEW_ACCOUNTS", 0)
    assert taken(store, frame).left_out.equals(found.left_out), "of many accounts the same"
    assert found.items.select("account_id", "action", "limit_after_cents").rows() == [
        ("a", "decrease", 500), ("g", "close", 0), ("h", "increase", 20),
    ]  # fmt: skip
    assert found.counts() == {
        "read": 13, "taken": 3, "set_aside": {"live_case": 1, "nothing_to_do": 1},
        "refused": {"account_missing": 1, "account_repeated": 1, "action_unknown": 1, "limit_missing": 1,
                    "limit_not_changed": 1, "limit_not_whole": 2, "limit_unknown": 1},
    }  # fmt: skip


def test_campaign_is_one_case_and_its_maker_does_not_decide_on_it(store: Store) -> None:
    campaign_id = propose(store, campaign_rows())
    (case,) = store.rows(sa.select(cases))
    assert (case["kind"], case["account_id"], case["required_tier"], case["tier"]) == ("campaign", None, 2, 2)
    assert (case["cut_cents"], case["exposure_cents"]) == (80_006, 400_006)
    (row,) = store.rows(sa.select(campaigns))
    impact = json.loads(row["impact"])
    assert (impact["accounts"], impact["cut_cents"]) == (4, 80_006)
    assert [each["accounts"] for each in impact["by_segment"]] == [2, 2]
    with pytest.raises(RefusedError, match="does not decide"), work(store, SUE, NOW_US) as w:
        case_acted(w, SEAL, campaign_id, 1, "claim", terms_in_force(w, POLICY), EFFECTS)
    assert work_off(store) == 0


def test_wide_campaign_needs_the_committee(store: Store) -> None:
    propose(store, campaign_rows(1_001))
    (case,) = store.rows(sa.select(cases))
    assert case["required_tier"] == 3


def test_approved_campaign_plans_each_account_once_and_takes_effect_after_its_notices(store: Store) -> None:
    campaign_id = propose(store, campaign_rows())
    approve(store, campaign_id)
    assert work_off(store) == 4
    assert work_off(store) == 0
    assert states(store) == ["planned"] * 4
    (row,) = store.rows(sa.select(campaigns))
    assert (row["state"], row["planned"], row["set_aside"]) == ("planned", 4, 0)
    assert effected_due(store, NOW_US + 6 * DAY_US, is_out) == 0
    later = NOW_US + 8 * DAY_US
    assert deliver_notices(store, {}, SEAL, lambda: NOW_US + 3)["inbox"] == 4
    effected_due(store, later, is_out)
    assert {row["limit_cents"] for row in store.rows(sa.select(lines))} == {80_000}
    with work(store, SYSTEM, later) as w:
        for account in campaign_rows()["account_id"]:
            assert line_of(entry_of(each) for each in entries_of(w, account)).limit_cents == 80_000
    events = store.rows(sa.select(audit_events).order_by(audit_events.c.number))
    assert first_break(events) is None
    assert [json.loads(each["detail"])["planned"] for each in events if each["act"] == "campaign.plan"] == [
        3,
        1,
    ]
    assert evidence_verified(store).faults == []
    [told, _, _, other] = store.rows(sa.select(notices.c.notice_id).order_by(notices.c.account_id))
    [entry] = store.rows(sa.select(limit_entries.c.entry_id).where(
        limit_entries.c.account_id == "a00001", limit_entries.c.action == "decrease"
    ))  # fmt: skip
    with store.database.begin() as connection:
        connection.execute(notices.update().where(notices.c.notice_id == told["notice_id"]).values(out_us=1))
        connection.execute(notices.delete().where(notices.c.notice_id == other["notice_id"]))
        same = limit_entries.c.entry_id == entry["entry_id"]
        connection.execute(limit_entries.update().where(same).values(made_us=1))
    found = evidence_verified(store).faults
    assert {f"notices {told['notice_id']}", f"notices {other['notice_id']}", f"limit_entries {entry['entry_id']}",
            "notices", "limit_entries"} == {each.where for each in found}  # fmt: skip


def test_campaign_writes_the_notice_and_entries_that_a_single_case_would(store: Store) -> None:
    with work(store, SYSTEM, NOW_US) as w:
        preferences_set(w, "a00001", {"language": "en", "time_zone": "Pacific/Pago_Pago"})
    frame = pl.DataFrame(
        [("a00000", 100_000, 80_000, "decrease"), ("a00001", 100_000, 5_000, "decrease"),
         ("a00002", 90_000, None, "close")],
        ["account_id", "limit_before_cents", "limit_after_cents", "action"], orient="row",
    )  # fmt: skip
    campaign_id = propose(store, frame)
    approve(store, campaign_id)
    work_off(store, after_us=5)
    names = (
        "action",
        "state",
        "target_cents",
        "delta_cents",
        "planned_us",
        "look_us",
        "wait_us",
        "why",
        "is_assessed",
    )
    query = sa.select(limit_entries).order_by(limit_entries.c.account_id, limit_entries.c.number)
    bulk = {row["account_id"]: [] for row in store.rows(query)}
    for row in store.rows(query):
        bulk[row["account_id"]].append([row[name] for name in names])
    letters = {row["account_id"]: notice_content(row, SEAL) for row in store.rows(sa.select(notices))}
    kinds = {row["account_id"]: row["kind"] for row in store.rows(sa.select(notices))}
    assert kinds == {
        "a00000": "limit_decreased",
        "a00001": "limit_decreased_in_steps",
        "a00002": "line_closed",
    }
    with work(store, SYSTEM, NOW_US + 5) as w:
        (decision,) = line_document(w, EFFECTS, "a00000", "en", Seen())["decisions"]
        assert explanation(w, "a00000", campaign_id, "en")["limit_after_cents"] == 80_000
    assert (decision["case_id"], decision["limit_after_cents"]) == (campaign_id, 80_000)
    assert [each["code"] for each in decision["reasons"]] == REASONS
    assert decision["appeal_until"] is not None, "its customer may appeal against it"
    for place, row in enumerate(frame.iter_rows(named=True)):
        other = f"b{row['account_id'][1:]}"
        case = {"case_id": f"c{place}", "kind": "campaign-twin", "action": row["action"], "account_id": other,
                "limit_before_cents": row["limit_before_cents"], "limit_after_cents": row["limit_after_cents"] or 0,
                "customer_id": None, "proposal_id": None, "decision_id": None}  # fmt: skip
        with work(store, SYSTEM, NOW_US) as w:
            if row["account_id"] == "a00001":
                preferences_set(w, other, {"language": "en", "time_zone": "Pacific/Pago_Pago"})
        with work(store, SYSTEM, NOW_US + 5) as w:
            Twin(SEAL, EFFECTS.policy)(w, case)
            entries = [[each[name] for name in names] for each in entries_of(w, other)]
            (notice,) = inbox(w, SEAL, other)
        assert entries == bulk[row["account_id"]]
        assert (notice["subject"], tuple(notice["paragraphs"])) == (
            letters[row["account_id"]].subject, letters[row["account_id"]].paragraphs,
        )  # fmt: skip


class Twin(Effects):
    """What a single case of the same change leads to, for the same reason."""

    def _trace(self, _w: Work, _case: Mapping[str, Any]) -> dict[str, Any]:
        return {"reasons": [_reason()]}


def _reason() -> dict[str, str]:
    found = {"code": "product_change"}
    for language in ("en", "zh"):
        wording = reason_wording(language)["product_change"]
        found |= {language: wording.text, f"help_{language}": wording.help}
    return found


def test_account_that_got_a_case_or_a_higher_limit_in_between_is_set_aside(store: Store) -> None:
    campaign_id = propose(store, campaign_rows())
    with work(store, SYSTEM, NOW_US) as w:
        case_opened(w, CaseOpening("decision", "close", "a00001", 100, 0, 100, "system"), POLICY, EFFECTS)
        # More would be cut of it than was approved.
        before = campaign_rows()["limit_before_cents"][2]
        planned(w, LimitChange("a00002", "increase", before, before + 1, NOW_US, "asked for"))
    effected_due(store, NOW_US, is_out)
    approve(store, campaign_id)
    work_off(store)
    assert states(store) == ["planned", "set_aside", "set_aside", "planned"]
    assert {row["why"] for row in store.rows(sa.select(campaign_items.c.why))} == {
        None,
        "live_case",
        "limit_moved",
    }
    (row,) = store.rows(sa.select(campaigns))
    assert (row["planned"], row["set_aside"]) == (2, 2)


def test_two_campaigns_never_have_the_same_account(store: Store) -> None:
    first = propose(store, campaign_rows(2))
    found = taken(store, campaign_rows(4))
    assert found.counts()["set_aside"] == {"other_campaign": 2}
    approve(store, first)
    work_off(store)
    assert taken(store, campaign_rows(4)).counts()["set_aside"] == {"planned_change": 2}


def test_split_parts_have_each_account_once_and_need_their_own_approval(store: Store) -> None:
    give_mandates(store, ("tom", 2))
    campaign_id = propose(store, campaign_rows(6))
    with work(store, TOM, NOW_US + 1) as w:
        gold, plain = split(w, campaign_id, condition("segment = gold"), POLICY)
    found = {row["campaign_id"]: row for row in store.rows(sa.select(campaigns))}
    assert (found[campaign_id]["state"], found[gold]["items"], found[plain]["items"]) == ("split", 3, 3)
    items = store.rows(sa.select(campaign_items))
    assert {row["account_id"] for row in items if row["campaign_id"] == gold} == {
        "a00001",
        "a00003",
        "a00005",
    }
    assert len(items) == 6
    approve(store, gold)
    work_off(store)
    assert states(store) == ["waiting", "planned"] * 3
    for name in ("sue", "tom"):
        with pytest.raises(RefusedError, match="does not decide"), work(store, member(name), NOW_US) as w:
            case_acted(w, SEAL, plain, 1, "claim", terms_in_force(w, POLICY), EFFECTS)
    with pytest.raises(CampaignError, match="does not wait"), work(store, SUE, NOW_US) as w:
        split(w, campaign_id, condition("segment = gold"), POLICY)


def case_row(store: Store, case_id: str) -> dict[str, Any]:
    with work(store, SYSTEM, NOW_US) as w:
        return w.found(cases, case_id)


def act_on(store: Store, campaign_id: str, name: str, act: str) -> None:
    with work(store, member(name), NOW_US + 1) as w:
        version = w.found(cases, campaign_id)["version"]
        case_acted(w, SEAL, campaign_id, version, act, terms_in_force(w, POLICY), EFFECTS, "said")


def cancel(store: Store, campaign_id: str, name: str, after_us: int = 4) -> str:
    with work(store, member(name), NOW_US + after_us) as w:
        return cancelled(w, POLICY, campaign_id, "enough")


def split_at(store: Store, campaign_id: str, number: int, by: Actor = SUE) -> tuple[str, str]:
    with work(store, by, NOW_US + 2) as w:
        return split(w, campaign_id, pl.col("number") <= number, POLICY)


@pytest.mark.parametrize(
    ("who", "rule"),
    [("tom", "mandate"), ("ann", "four_eyes"), ("ike", "recused"), ("m0", None), ("sue", None)],
)
def test_campaign_is_split_by_its_maker_or_one_who_might_decide_on_it_and_by_nobody_else(
    store: Store, who: str, rule: str | None
) -> None:
    give_mandates(store, ("ike", 3))
    campaign_id = propose(store, campaign_rows(6))
    with pytest.raises(RefusedError, match="mandate"):
        split_at(store, campaign_id, 3, member("m0"))  # it lies on the team's tier
    for name, what in (("ann", "claim"), ("ann", "send_up"), ("ike", "recuse")):
        act_on(store, campaign_id, name, what)
    if rule is None:
        assert len(split_at(store, campaign_id, 3, member(who))) == 2
        return
    with pytest.raises(RefusedError) as error:
        split_at(store, campaign_id, 3, member(who))
    assert error.value.rule == rule


def test_part_of_a_part_knows_everybody_who_had_a_part_in_the_whole(store: Store) -> None:
    give_mandates(store, ("sue", 2), ("bob", 2), ("m3", 3))
    campaign_id = propose(store, campaign_rows(1_100))
    act_on(store, campaign_id, "ann", "claim")
    act_on(store, campaign_id, "ann", "send_up")
    act_on(store, campaign_id, "m3", "recuse")
    part, other = split_at(store, campaign_id, 550, member("m0"))
    for each in (other, *split_at(store, part, 10, member("m0"))):
        row = case_row(store, each)
        assert json.loads(row["parties"]) == (["ann", "sue"] if each == other else ["ann", "m0", "sue"])
        assert json.loads(row["recused"]) == ["m3"]
        for name in ("sue", "ann", "m0"):
            with pytest.raises(RefusedError, match="does not decide"):
                act_on(store, each, name, "claim")
        act_on(store, each, "bob", "claim")


def test_parts_of_a_wide_campaign_need_the_committee_that_the_whole_needed(store: Store) -> None:
    campaign_id = propose(store, campaign_rows(1_100))
    first, second = split_at(store, campaign_id, 550)
    few, others = split_at(store, first, 10)
    for each in (first, second, few, others):
        row = case_row(store, each)
        assert row["required_tier"] == 3
        assert "split_from" in json.loads(row["tier_rules"])
    assert json.loads(case_row(store, few)["tier_rules"]) == ["split_from"]
    act_on(store, second, "ann", "claim")
    with pytest.raises(RefusedError) as error:
        act_on(store, second, "ann", "approve")
    assert error.value.rule == "lowest_tier"


def test_parts_of_a_campaign_that_was_sent_up_need_the_committee_too(store: Store) -> None:
    campaign_id = propose(store, campaign_rows(6))
    act_on(store, campaign_id, "ann", "claim")
    act_on(store, campaign_id, "ann", "send_up")
    assert [case_row(store, each)["required_tier"] for each in split_at(store, campaign_id, 3)] == [3, 3]


def test_parts_of_a_campaign_of_the_team_are_the_teams(store: Store) -> None:
    parts = split_at(store, propose(store, campaign_rows(6)), 3)
    rows = [case_row(store, each) for each in parts]
    assert [(row["required_tier"], json.loads(row["tier_rules"])) for row in rows] == [(2, ["campaign"])] * 2


def test_campaign_on_which_somebody_voted_is_not_split(store: Store) -> None:
    campaign_id = propose(store, campaign_rows(1_100))
    act_on(store, campaign_id, "ann", "claim")
    act_on(store, campaign_id, "ann", "send_up")
    act_on(store, campaign_id, "m0", "vote_against")
    with pytest.raises(RefusedError) as error:
        split_at(store, campaign_id, 550)
    assert error.value.rule == "votes_cast"
    assert "投票" in error.value.chinese
    (row,) = store.rows(sa.select(campaigns))
    assert (row["state"], case_row(store, campaign_id)["is_live"]) == ("proposed", True)


def test_split_that_a_vote_came_before_is_not_done(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign_id = propose(store, campaign_rows(1_100))
    act_on(store, campaign_id, "ann", "claim")
    act_on(store, campaign_id, "ann", "send_up")
    before = case_row(store, campaign_id)
    act_on(store, campaign_id, "m0", "vote_against")
    looked: list[str] = []
    found = Work.found

    def first_as_before(w: Work, table: sa.Table, key: str) -> dict[str, Any]:
        """What a transaction of PostgreSQL sees that looks at the case, and again after somebody's commit."""
        if table is cases and not looked:
            looked.append(key)
            return before
        return found(w, table, key)

    monkeypatch.setattr(Work, "found", first_as_before)
    with pytest.raises(ConflictError):
        split_at(store, campaign_id, 550)
    assert looked == [campaign_id]


def test_campaign_that_waits_is_withdrawn_and_never_planned(store: Store) -> None:
    campaign_id = propose(store, campaign_rows())
    with pytest.raises(RefusedError, match="mandate"):
        cancel(store, campaign_id, "tom")
    assert cancel(store, campaign_id, "sue") == "cancelled"
    (case,) = store.rows(sa.select(cases))
    assert (case["state"], case["outcome"]) == ("withdrawn", "cancelled")
    assert work_off(store) == 0
    assert taken(store, campaign_rows()).items.height == 4


def test_one_member_stops_what_the_committee_approved_and_nobody_of_the_team_does(store: Store) -> None:
    campaign_id = propose(store, campaign_rows(1_100))
    act_on(store, campaign_id, "ann", "claim")
    act_on(store, campaign_id, "ann", "send_up")
    act_on(store, campaign_id, "m0", "vote_for")
    with pytest.raises(RefusedError) as error:  # one member would undo what another has said
        cancel(store, campaign_id, "m1")
    assert error.value.rule == "votes_cast"
    for name in ("m1", "m2"):
        act_on(store, campaign_id, name, "vote_for")
    give_mandates(store, ("bob", 2))
    for name, rule in (("sue", "four_eyes"), ("ann", "four_eyes"), ("bob", "mandate"), ("tom", "mandate")):
        with pytest.raises(RefusedError) as error:
            cancel(store, campaign_id, name)
        assert error.value.rule == rule
    assert case_row(store, campaign_id)["outcome"] == "committee"
    assert cancel(store, campaign_id, "m2") == "cancelling"
    with work(store, SYSTEM, NOW_US) as w:
        *_, last = whole_case_document(w, SEAL, campaign_id)["acts"]
    assert (last["act"], last["by"], last["words"], last["state"]) == ("stop", "m2", "enough", "approved")
    assert evidence_verified(store).faults == []


def test_cancelled_campaign_leaves_no_planned_entry_and_tells_whoever_was_told(store: Store) -> None:
    campaign_id = propose(store, campaign_rows())
    approve(store, campaign_id)
    work_off(store)
    assert deliver_notices(store, {}, SEAL, lambda: NOW_US + 3, count=1)["inbox"] == 1
    other = store.rows(sa.select(notices).where(notices.c.state == "waiting"))[0]
    with work(store, Actor("kim", frozenset({CUSTOMER}), other["customer_id"]), NOW_US + 3) as w:
        read_marked(w, other["notice_id"])
    assert cancel(store, campaign_id, "ann") == "cancelling"
    work_off(store, after_us=5)
    assert states(store) == ["cancelled"] * 4
    (row,) = store.rows(sa.select(campaigns))
    assert (row["state"], row["cancelled"]) == ("cancelled", 4)
    entries = store.rows(sa.select(limit_entries.c.state).where(limit_entries.c.case_id == campaign_id))
    assert {each["state"] for each in entries} == {"cancelled"}
    kinds = [each["kind"] for each in store.rows(sa.select(notices).where(notices.c.state != "withdrawn"))]
    assert sorted(kinds) == ["change_withdrawn"] * 2 + ["limit_decreased"] * 2  # who got it, and who read it
    deliver_notices(store, {}, SEAL, lambda: NOW_US + 6)
    effected_due(store, NOW_US + 30 * DAY_US, is_out)
    assert {row["limit_cents"] for row in store.rows(sa.select(lines))} == set(
        campaign_rows()["limit_before_cents"]
    )


def test_letters_of_a_campaign_that_go_out_late_are_written_anew_and_its_changes_wait_for_them(
    store: Store,
) -> None:
    campaign_id = propose(store, campaign_rows(2))
    approve(store, campaign_id)
    work_off(store)
    late_us, late = NOW_US + 3 * DAY_US, LateLetters(AppealDesk(EFFECTS, POLICY))
    for became in ("waiting", "inbox"):
        assert deliver_notices(store, {}, SEAL, lambda: late_us, renewed=late)[became] == 2
    letters = store.rows(sa.select(notices).where(notices.c.state == "out"))
    texts = [notice_content(dict(row), SEAL).text for row in letters]
    assert all(reason_wording("zh")["product_change"].text in text for text in texts)
    assert all("2026年10月2日" in text and "2026年10月25日" in text for text in texts)
    effected_due(store, late_us + 7 * DAY_US - 1, is_out)
    assert {row["limit_cents"] for row in store.rows(sa.select(lines))} == {100_000, 100_001}
    effected_due(store, late_us + 7 * DAY_US, is_out)
    assert {row["limit_cents"] for row in store.rows(sa.select(lines))} == {80_000}
    assert evidence_verified(store).faults == []


def test_campaign_cancelled_half_way_is_undone_as_far_as_it_went(store: Store) -> None:
    campaign_id = propose(store, campaign_rows(6))
    approve(store, campaign_id)
    assert work_off(store, count=2, rounds=1) == 2
    cancel(store, campaign_id, "ann")
    work_off(store, count=2)
    assert states(store) == ["cancelled"] * 6
    entries = store.rows(sa.select(limit_entries).where(limit_entries.c.case_id == campaign_id))
    assert {each["state"] for each in entries} == {"cancelled"}
    assert evidence_verified(store).faults == []
    with store.database.begin() as connection:
        same = limit_entries.c.entry_id == entries[0]["entry_id"]
        connection.execute(limit_entries.update().where(same).values(state="planned"))
    [fault] = evidence_verified(store).faults
    with store.database.begin() as connection:
        second = campaign_items.c.number == 2
        connection.execute(campaign_items.update().where(second).values(limit_after_cents=1))
    assert {each.where for each in evidence_verified(store).faults} == {
        fault.where,
        f"campaigns {campaign_id}",
    }
    [undone] = [each for each in store.rows(sa.select(audit_events).where(audit_events.c.act == "campaign.undo"))
                if json.loads(each["detail"])["entries"]]  # fmt: skip
    assert (fault.where, fault.event) == ("limit_entries", undone["number"])


def test_decision_of_which_a_step_took_effect_is_shown_when_its_campaign_is_cancelled(store: Store) -> None:
    campaign_id = propose(store, campaign_rows(2).with_columns(limit_after_cents=pl.Series([10_000, 80_000])))
    approve(store, campaign_id)
    work_off(store)
    line = limit_entries.c.account_id == "a00000"
    (told,) = {
        row["notice_id"] for row in store.rows(sa.select(limit_entries).where(line)) if row["notice_id"]
    }
    effected_due(store, NOW_US + 8 * DAY_US, lambda _w, notice_id: notice_id == told)
    cancel(store, campaign_id, "ann", 9 * DAY_US)
    work_off(store, after_us=9 * DAY_US)
    assert states(store) == ["cancelled"] * 2
    with work(store, SYSTEM, NOW_US + 9 * DAY_US) as w:
        (decision,) = line_document(w, EFFECTS, "a00000", "en", Seen())["decisions"]
        assert line_document(w, EFFECTS, "a00001", "en", Seen())["decisions"] == []
    assert (decision["case_id"], decision["limit_after_cents"]) == (campaign_id, 10_000)
    assert decision["appeal_until"] is not None, "its customer may appeal against it"


def test_no_change_of_a_campaign_takes_effect_before_its_earliest_day(store: Store) -> None:
    campaign_id = propose(store, campaign_rows(), earliest_us=NOW_US + 60 * DAY_US)
    approve(store, campaign_id)
    work_off(store)
    planned = sa.select(limit_entries.c.planned_us).where(limit_entries.c.case_id == campaign_id)
    assert {row["planned_us"] for row in store.rows(planned)} == {NOW_US + 60 * DAY_US}


def test_parts_of_a_split_tell_their_raroc_and_how_they_treat_groups(store: Store) -> None:
    campaign_id = propose(store, valued_rows(20))
    with work(store, SUE, NOW_US + 1) as w:
        parts = split(
            w, campaign_id, pl.col("number") <= 5, POLICY, None, lambda _w, name, _items: {"of": name}
        )
    with work(store, SYSTEM, NOW_US + 2) as w:
        impacts = [json.loads(w.found(campaigns, each)["impact"]) for each in (campaign_id, *parts)]
    assert [each["raroc_known"] for each in impacts] == [20, 5, 15]
    assert all(each["raroc_before"] == pytest.approx(0.1) for each in impacts)
    assert all(each["raroc_after"] == pytest.approx(0.3) for each in impacts)
    assert [each["fairness"] for each in impacts] == [None, {"of": "autumn (1)"}, {"of": "autumn (2)"}]

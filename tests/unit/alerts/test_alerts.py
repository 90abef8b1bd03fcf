"""Alerts, proposals and freezes of single accounts, as sentences, through the state that a server keeps."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import sqlalchemy as sa

from limitkeeper.connectors.events import read_events
from limitkeeper.core.alerts.fold import FoldTerms, fold_decisions
from limitkeeper.core.alerts.standing import (
    APPEALS,
    HITS_KEPT,
    NO_SLOT,
    NOT_TOLD,
    Standing,
    renumber_rules,
)
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.strategy.actions import Action
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.store.tables import freeze_changes
from tests.live_engines import engine, left_behind, state_bytes

START = dt.datetime(2026, 3, 1, 4, tzinfo=dt.UTC)


@pytest.fixture
def running(tmp_path: Path) -> Engine:
    found = engine(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)
    accounts = pl.DataFrame({"account_id": ["a", "b"], "limit_cents": [1_000_000, 1_000_000]})
    found.submit(Request("accounts", accounts)).result()
    yield found
    found.stop()


def happen(
    running: Engine, *events: tuple[float, str] | tuple[float, str, int], account: str = "a"
) -> list[dict]:
    """Let events happen, each so many days after the start; their assessments."""
    rows = [
        {"event_id": f"{account}-{day}-{kind}", "account_id": account, "ts": START + dt.timedelta(days=day), "kind": kind,
         "amount": rest[0] if rest else None}
        for day, kind, *rest in events
    ]  # fmt: skip
    read = read_events(pl.DataFrame(rows, schema_overrides={"amount": pl.Int64}))
    answer = running.submit(Request("events", read, len(rows), assess=True)).result()
    assert answer.accepted == len(rows)
    return answer.assessments


def proposals(running: Engine) -> list[tuple[str, str, str | None]]:
    rows = sorted(left_behind(running.store)["proposals"], key=lambda row: row["made_us"])
    return [(row["action"], row["status"], row["reason"]) for row in rows]


def alerts(running: Engine) -> list[dict]:
    return sorted(left_behind(running.store)["alerts"], key=lambda row: row["opened_us"])


def test_violation_freezes_at_once_and_raises_one_alert(running: Engine) -> None:
    (found,) = happen(running, (0, "flag"))
    assert (found["action"], found["rule"], found["alerts"]) == (
        "freeze",
        "violation_flagged",
        ["suspected_violation"],
    )
    assert proposals(running) == [("freeze", "open", None)]
    assert [row["hits"] for row in alerts(running)] == [1]


def test_same_cause_updates_its_alert_and_proposes_nothing_again(running: Engine) -> None:
    happen(running, (0, "flag"), (1, "login"), (2, "login"))
    (alert,) = alerts(running)
    assert alert["hits"] == 3
    assert len(proposals(running)) == 1


def test_alert_after_the_quiet_days_is_a_new_one(running: Engine) -> None:
    happen(running, (0, "flag"), (7, "login"), (14.5, "login"))
    assert [row["hits"] for row in alerts(running)] == [3, 1]  # the look when the freeze is lifted is one


def test_freeze_that_nobody_confirmed_is_lifted_by_itself_and_says_so(running: Engine) -> None:
    happen(running, (0, "flag"), (3.2, "login"))
    assert proposals(running)[0] == ("freeze", "lapsed", "freeze_not_confirmed")


def test_lifted_freeze_does_not_come_back_for_the_same_cause(running: Engine) -> None:
    (*_, last) = happen(running, (0, "flag"), (3.2, "login"), (4, "login"))
    assert last["action"] == "alert"
    assert [action for action, _, _ in proposals(running)] == ["freeze"]


def test_new_cause_freezes_again_after_the_old_one_let_go(running: Engine) -> None:
    happen(running, (0, "flag"), (3.2, "login"), (100, "login"))
    (found,) = happen(running, (101, "flag"))
    assert found["action"] == "freeze"
    assert [status for _, status, _ in proposals(running)] == ["lapsed", "open"]


def test_confirmed_freeze_for_a_violation_stands(running: Engine) -> None:
    happen(running, (0, "flag"))
    table = pl.DataFrame(
        {"account_id": ["a"], "confirm": [True], "ts_us": [int(START.timestamp()) * 1_000_000]}
    )
    running.submit(Request("freeze", table)).result()
    happen(running, (60, "login"))
    assert proposals(running) == [("freeze", "confirmed", "by hand")]


def test_closed_line_is_watched_but_nothing_more_is_proposed_of_it(running: Engine) -> None:
    happen(running, (0, "flag"), (1, "limit_set", 0))
    (found,) = happen(running, (400, "flag"))
    assert (found["action"], found["alerts"]) == ("none", ["suspected_violation"])
    assert proposals(running) == [("freeze", "lapsed", "freeze_not_confirmed")]
    (again,) = happen(running, (401, "limit_set", 500_000))
    assert again["action"] == "freeze"


def test_freeze_lifted_by_hand_is_over(running: Engine) -> None:
    happen(running, (0, "flag"))
    table = pl.DataFrame(
        {"account_id": ["a"], "confirm": [False], "ts_us": [int(START.timestamp()) * 1_000_000]}
    )
    running.submit(Request("freeze", table)).result()
    assert proposals(running) == [("freeze", "lifted", "by hand")]
    (found,) = happen(running, (1, "login"))
    assert found["action"] == "alert"


@pytest.mark.parametrize("confirm", [True, False])
def test_freeze_that_is_not_the_one_that_is_meant_is_neither_confirmed_nor_lifted(
    running: Engine, confirm: bool
) -> None:
    happen(running, (0, "flag"), (3.2, "login"), (100, "login"), (101, "flag"))
    begun = running.store.rows(sa.select(freeze_changes).where(freeze_changes.c.status == "begun"))
    assert len(begun) == 2
    first, second = (
        pl.DataFrame({"account_id": ["a"], "confirm": [confirm], "ts_us": [row["ts_us"]], "since_us": [row["ts_us"]]})
        for row in begun
    )  # fmt: skip
    with pytest.raises(InputError, match="Another freeze"):
        running.submit(Request("freeze", first)).result()
    running.submit(Request("freeze", second)).result()
    assert proposals(running)[1][1] == ("confirmed" if confirm else "lifted")


def test_account_that_is_not_frozen_has_no_freeze_to_confirm(running: Engine) -> None:
    happen(running, (0, "login"))
    table = pl.DataFrame({"account_id": ["a"], "confirm": [True], "ts_us": [0]})
    before = running.sequence
    with pytest.raises(InputError, match="not frozen"):
        running.submit(Request("freeze", table)).result()
    assert running.sequence == before


def test_account_of_another_is_left_alone(running: Engine) -> None:
    happen(running, (0, "flag"))
    (found,) = happen(running, (0, "login"), account="b")
    assert found["action"] == "none"


def test_clock_alone_lifts_a_freeze_where_no_events_come(running: Engine) -> None:
    happen(running, (0, "flag"))
    as_of = int((START + dt.timedelta(days=4)).timestamp()) * 1_000_000
    running.submit(Request("tick", pl.DataFrame({"as_of_us": [as_of]}))).result()
    assert proposals(running)[0][1] == "lapsed"


def test_reduced_line_is_looked_at_when_its_next_step_is_due(running: Engine) -> None:
    happen(running, (0, "purchase", 10_000), (1, "limit_set", 500_000), (2, "purchase", 10_000))
    looks = sum(value for (name, _), value in running.counts.items() if name == "decisions")
    happen(running, (31.2, "login"))
    after = sum(value for (name, _), value in running.counts.items() if name == "decisions")
    assert after - looks == 2  # the event, and the look after thirty days


def test_limit_that_was_lowered_is_remembered_until_it_is_reached_again(running: Engine) -> None:
    happen(running, (0, "limit_set", 800_000), (1, "limit_set", 600_000))
    shard, number = running.state.number("a") or (0, 0)
    standing = running.state.shards[shard].standing
    assert standing.slots[number] != NO_SLOT
    from limitkeeper.engines.embedded.portrait import standing_document

    assert standing_document(standing, number)["limit_before_reduction_cents"] == 1_000_000
    happen(running, (2, "limit_set", 1_000_000))
    assert standing_document(standing, number)["limit_before_reduction_cents"] is None


def test_rules_keep_their_past_by_their_id_when_the_strategy_changes(running: Engine) -> None:
    happen(running, (0, "flag"))
    shard, number = running.state.number("a") or (0, 0)
    standing = running.state.shards[shard].standing
    before = [rule.id for rule in running.policy.reporter.rules]
    row = standing.rows[standing.slots[number]].copy()
    slots = standing.slots[[number]]
    renumber_rules(standing, slots, before, before[::-1])
    assert not np.array_equal(standing.rows[standing.slots[number]], row)
    renumber_rules(standing, slots, before[::-1], before)
    assert np.array_equal(standing.rows[standing.slots[number]], row)


def late(running: Engine, *days: float) -> list[dict]:
    """Bills of so many days after the start, each paid a month late; their assessments."""
    rows = [
        {"event_id": f"late-{day}", "account_id": "a", "ts": START + dt.timedelta(days=day), "kind": "bill",
         "amount": 900_000, "paid": 50_000, "days_past_due": 30}
        for day in days
    ]  # fmt: skip
    read = read_events(pl.DataFrame(rows))
    return running.submit(Request("events", read, len(rows), assess=True)).result().assessments


def tell_appeals(running: Engine, *, is_open: bool) -> None:
    running.submit(Request("appeal", pl.DataFrame({"account_id": ["a"], "is_open": [is_open]}))).result()


def test_open_appeal_keeps_the_limit_from_being_lowered_until_it_is_answered(
    running: Engine, tmp_path: Path
) -> None:
    happen(running, (0, "purchase", 100_000))
    tell_appeals(running, is_open=True)
    *_, found = late(running, 30, 60, 90)
    assert (found["action"], found["rule"]) == ("none", "appeal_open")
    assert proposals(running) == []
    before = state_bytes(running)
    running.store.close()  # as a crash leaves it
    again = engine(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)
    assert state_bytes(again) == before
    (found,) = late(again, 91)
    assert (found["action"], proposals(again)) == ("none", [])
    tell_appeals(again, is_open=False)
    (found,) = late(again, 92)
    assert found["action"] == "decrease"
    assert [action for action, _, _ in proposals(again)] == ["decrease"]
    again.stop()


def test_appeal_of_an_unknown_account_is_refused_and_changes_nothing(running: Engine) -> None:
    before = running.sequence
    table = pl.DataFrame({"account_id": ["nobody"], "is_open": [True]})
    with pytest.raises(InputError, match="no such account"):
        running.submit(Request("appeal", table)).result()
    assert running.sequence == before


def test_standing_written_before_appeals_were_told_knows_of_none_and_keeps_the_rest() -> None:
    standing = Standing()
    standing.add_accounts(np.array([100]), np.array([0], np.uint8), np.array([0]))
    standing.tell_appeals(0, is_open=True)
    standing.rows[0, HITS_KEPT] = 5
    arrays = standing.arrays()
    assert Standing.from_arrays(arrays).rows[0].tolist() == standing.rows[0].tolist()
    older = arrays | {"standing_format": np.array([1]), "rows": arrays["rows"][:, :APPEALS]}
    found = Standing.from_arrays(older)
    assert found.rows[0].tolist() == [*standing.rows[0, :APPEALS].tolist(), NOT_TOLD]
    found.tell_appeals(0, is_open=True)
    assert found.rows[0].tolist() == standing.rows[0].tolist()


def folded(standing: Standing, action: Action, *times_us: int) -> list[bool]:
    """Whether each of some decisions on the first account makes a proposal."""
    proposed = np.zeros(len(times_us), np.bool_)
    terms = FoldTerms((0, 0, 0, 0), 0, (2,), (0,), DAY_US, 30 * DAY_US, 1, 30 * DAY_US)
    for place, t in enumerate(times_us):
        standing.mark += 1
        fold_decisions(
            standing.slots, standing.rows, standing.top, standing.marks, standing.mark, np.zeros(1, np.int64),
            np.array([t]), np.zeros(1, np.int16), np.ones(1, np.int64), np.zeros(1, np.int16),
            np.array([action], np.uint8), np.full(1, 100), terms, np.zeros((1, 4), np.uint8),
            np.zeros((1, 4, 5), np.int64), proposed[place : place + 1], np.zeros(1, np.bool_),
        )  # fmt: skip
    return [bool(each) for each in proposed]


def test_freeze_that_begins_is_proposed_though_a_close_is_open_and_then_stands() -> None:
    standing = Standing()
    standing.add_accounts(np.array([100]), np.array([0], np.uint8), np.array([0]))
    assert folded(standing, Action.CLOSE, DAY_US) == [True]
    assert folded(standing, Action.DECREASE, 2 * DAY_US) == [False]
    assert folded(standing, Action.FREEZE, 3 * DAY_US, 4 * DAY_US) == [True, False]


def test_standing_of_another_format_is_refused() -> None:
    arrays = Standing().arrays()
    with pytest.raises(InputError, match="no standing"):
        Standing.from_arrays({**arrays, "standing_format": np.array([99])})

"""What happens to appeals by itself: their clocks, and triage by the facts as they are known now."""

import datetime as dt
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.appeal_triage import rule_holds
from limitkeeper.app.appeals import AppealDesk, appeal_of, changed_appeal
from limitkeeper.app.customer_preferences import customer_row
from limitkeeper.app.notices import WAITING
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.appeal.appeals import REPLY, clocked, settled_by_facts
from limitkeeper.core.appeal.triage import CorrectedFact, triage
from limitkeeper.core.behaviour.events import HOUR_US
from limitkeeper.core.kernel.errors import LimitkeeperError
from limitkeeper.core.kernel.instants import us_of
from limitkeeper.core.strategy.vocabulary import SHARED_QUANTITIES
from limitkeeper.store.appeal_tables import appeals
from limitkeeper.store.case_tables import cases
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import proposals
from limitkeeper.store.work import ConflictError, Work, work

SWEEP_APPEALS = 500
"""Appeals that are looked at in one round, each in a transaction of its own."""

TRIAGE_LOOK_US = 6 * HOUR_US
"""Facts are looked at again after so long, while an appeal waits."""

_ASKED_STILL = sa.select(notices.c.notice_id).where(
    notices.c.account_id == sa.bindparam("account_id"), notices.c.kind == "appeal_asked", notices.c.state == WAITING
)  # fmt: skip
"""Questions about a line whose letters are on their way."""

KnownAsOf = Callable[[str, int], Mapping[str, float | None] | None]
"""An account's features as of a time, by what is known now; None where they are not known so far back."""


def run_appeals(
    store: Store, desk: AppealDesk, now_us: int, known_as_of: KnownAsOf, count: int = SWEEP_APPEALS
) -> int:
    """Look at the facts of appeals that are to be looked at, and move the clocks that have come; how many changed.

    Parameters
    ----------
    store
        Where appeals lie.
    desk
        Of appeals.
    now_us
        UTC microseconds.
    known_as_of
        What is known of accounts; called outside any transaction.
    count
        Appeals of each at most.

    Raises
    ------
    LimitkeeperError
        The first of what went wrong, after all others had their turn.
    """
    looked = sa.select(appeals).where(appeals.c.triage_us <= now_us).order_by(appeals.c.triage_us)
    due = sa.select(appeals).where(appeals.c.is_live, appeals.c.due_us <= now_us).order_by(appeals.c.due_us)
    problems: list[LimitkeeperError] = []

    def done(row: Mapping[str, Any], move: Callable[[Work, Mapping[str, Any]], bool]) -> bool:
        try:
            with work(store, SYSTEM, now_us) as w:
                return move(w, w.found(appeals, row["appeal_id"]))
        except ConflictError:
            return False  # somebody acted on it just now: it is looked at again in the next round
        except LimitkeeperError as error:
            problems.append(error)
            return False

    moved = 0
    for row in store.rows(looked.limit(count)):
        # Asked before the transaction: the monitor may be writing to the same store.
        trace = _trace(store, row["case_id"])
        known = None if trace is None else known_as_of(row["account_id"], _us(trace["as_of"]))
        moved += done(row, partial(_triaged, desk, trace, known))
    for row in store.rows(due.limit(count)):
        moved += done(row, partial(_clocked, desk))
    if problems:
        raise problems[0]
    return moved


def _clocked(desk: AppealDesk, w: Work, row: Mapping[str, Any]) -> bool:
    before, terms = appeal_of(row), desk.terms(w, row["customer_id"])
    if before.clock == REPLY and w.rows(_ASKED_STILL, account_id=row["account_id"]):
        # Nobody's time runs out untold: he has all of it from when the letter goes out.
        _look_again(w, row, due_us=terms.customers_end_us(w.now_us, 0))
        return False
    after = clocked(before, terms, w.now_us)
    if after is before:
        return False
    changed_appeal(w, desk, row, after, f"clock.{before.clock}", "")
    return True


def _triaged(
    desk: AppealDesk,
    trace: Mapping[str, Any] | None,
    known: Mapping[str, float | None] | None,
    w: Work,
    row: Mapping[str, Any],
) -> bool:
    """Grant an appeal that facts settle; else look again later, or never where there are no rules to judge."""
    if row["triage_us"] is None:
        return False  # it was answered in the meantime
    found = None if trace is None or known is None else triage(trace, known, rule_holds)
    if found is None or not found.is_settled:
        again_us = None if trace is None else w.now_us + TRIAGE_LOOK_US
        _look_again(w, row, triage_us=again_us)
        return False
    after = settled_by_facts(appeal_of(row), desk.terms(w, row["customer_id"]), w.now_us)
    language = customer_row(w, row["customer_id"])["language"]
    changed_appeal(w, desk, row, after, "facts", _fact_lines(found.corrected, language))
    facts = [fact._asdict() for fact in found.corrected]
    w.note("appeal.triage", f"appeal:{row['appeal_id']}", {"corrected": json.dumps(facts)})
    return True


def _look_again(w: Work, row: Mapping[str, Any], **values: int | None) -> None:
    """Change when an appeal is looked at next. No act: whoever has it before him still sees its newest version."""
    w.connection.execute(appeals.update().where(appeals.c.appeal_id == row["appeal_id"]).values(**values))


def _trace(store: Store, case_id: str) -> dict[str, Any] | None:
    query = sa.select(proposals.c.trace).join(cases, cases.c.proposal_id == proposals.c.proposal_id)
    rows = store.rows(query.where(cases.c.case_id == case_id))
    trace: dict[str, Any] = json.loads(rows[0]["trace"]) if rows else {}
    return trace if trace.get("rules") and "as_of" in trace else None


def _fact_lines(corrected: tuple[CorrectedFact, ...], language: str) -> str:
    """What was put right, in the customer's language."""
    lines = []
    for fact in corrected:
        quantity = SHARED_QUANTITIES[fact.name]
        told = quantity.description if language == "en" else quantity.description_zh
        lines.append(f"- {told} {_figure(fact.then)} → {_figure(fact.now)}")
    return "\n".join(lines)


def _figure(value: float | None) -> str:
    return "?" if value is None else f"{value:g}"


def _us(instant: str) -> int:
    return us_of(dt.datetime.fromisoformat(instant))

"""Aggregates that leave the house: how many customers' limits changed how, with differential privacy and a budget."""

import datetime as dt
import json
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.policy import POLICY, parameters_from_files
from limitkeeper.connectors.private_counts import CONFIDENCE, accuracy, private_counts
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.instants import day_of, instant_text, us_of_day
from limitkeeper.core.kernel.parameters import parameters_in_force
from limitkeeper.core.limits.ledger import ACTIONS, EFFECTIVE, OPEN
from limitkeeper.store.audit_tables import audit_events, audit_heads
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.tables import stated_accounts
from limitkeeper.store.work import Work

ACT = "aggregate.give"
"""On the audit, with what it spent: the ledger of the budget."""

SUBJECT = "aggregate:changes"

SEGMENTS_MAX = 50

NO_SEGMENT = ""


def private_aggregate(
    w: Work, first: dt.date, last: dt.date, epsilon: float, segments: list[str]
) -> dict[str, Any]:
    """How many customers had their limit changed by each action in a period, by segment, with noise.

    Each customer counts once: by the first change that took effect. So each is in one cell at most, and the whole table
    spends ``epsilon``, which is kept; what a year has left is in policy.

    Parameters
    ----------
    w
        Of whoever gives it out.
    first, last
        The days, both included.
    epsilon
        What it spends.
    segments
        That are told apart, named beforehand: cells that follow from the data would tell of it. Others count as none.

    Raises
    ------
    InputError
        When the period does not hold, the year's budget does not hold it, there are too many segments, or OpenDP is not
        there.
    """
    if not first <= last <= day_of(w.now_us):
        raise InputError(
            "The period does not hold.", value=f"{first} to {last}", allowed="days up to today, in order"
        )
    if len(set(segments)) > SEGMENTS_MAX or len(set(segments)) < len(segments):
        allowed = f"{SEGMENTS_MAX} different ones at most"
        raise InputError("The segments do not hold.", value=len(segments), allowed=allowed)
    w.rows(sa.select(audit_heads).with_for_update())  # two at once would both find the budget whole
    budget, spent = _budget(w), spent_epsilon(w)
    if spent + epsilon > budget:
        raise InputError(
            "The year's privacy budget does not hold this.", value=f"{spent:g} spent, {epsilon:g} asked",
            allowed=f"{budget:g} a year", advice="Wait, or ask for a smaller epsilon.",
        )  # fmt: skip
    cells = [(action, segment) for action in ACTIONS if action != OPEN for segment in (*segments, NO_SEGMENT)]
    found = dict.fromkeys(cells, 0)
    for row in w.rows(_first_changes(first, last)):
        segment = row["segment"] if row["segment"] in segments else NO_SEGMENT
        found[row["action"], segment] += 1
    noisy = private_counts([found[cell] for cell in cells], epsilon)
    w.note(ACT, SUBJECT, {"epsilon": epsilon, "from": first.isoformat(), "to": last.isoformat()})
    return {
        "from": first.isoformat(), "to": last.isoformat(), "made_at": instant_text(w.now_us), "epsilon": epsilon,
        "budget_left": round(budget - spent - epsilon, 6), "confidence": CONFIDENCE, "off_by_at_most": accuracy(epsilon),
        "counts": [{"action": action, "segment": segment or None, "customers": count}
                   for (action, segment), count in zip(cells, noisy, strict=True)],
    }  # fmt: skip


def given_aggregates(w: Work) -> list[dict[str, Any]]:
    """The aggregates of the 365 days before now, the newest first: when, by whom, of which days, what each spent."""
    since_us, audit = w.now_us - 365 * DAY_US, audit_events.c
    query = sa.select(audit_events).where(audit.subject == SUBJECT, audit.act == ACT, audit.ts_us > since_us)
    return [
        {"at": instant_text(row["ts_us"]), "by": row["actor_id"], **json.loads(row["detail"])}
        for row in w.rows(query.order_by(audit.number.desc()))
    ]


def budget_document(w: Work) -> dict[str, Any]:
    """The privacy budget of a year: what it is, what is left, and what spent it."""
    given, budget = given_aggregates(w), _budget(w)
    spent = sum(each["epsilon"] for each in given)
    return {
        "budget": budget,
        "spent": round(spent, 6),
        "budget_left": round(budget - spent, 6),
        "items": given,
    }


def spent_epsilon(w: Work) -> float:
    """What aggregates have spent in the 365 days before now."""
    return float(sum(each["epsilon"] for each in given_aggregates(w)))


def _budget(w: Work) -> float:
    path = POLICY / "rights" / "clocks.yaml"
    return parameters_in_force(parameters_from_files([path]), day_of(w.now_us))["privacy_epsilon_year"]


def _first_changes(first: dt.date, last: dt.date) -> sa.Select[Any]:
    """The first effective change of each customer in a period, with his segment."""
    from_us, to_us = us_of_day(first), us_of_day(last + dt.timedelta(days=1))
    entry = limit_entries.c
    whose = sa.func.coalesce(lines.c.customer_id, entry.account_id)
    place = sa.func.row_number().over(partition_by=whose, order_by=(entry.effective_us, entry.entry_id))
    ranked = (
        sa.select(entry.action, stated_accounts.c.segment, place.label("place"))
        .outerjoin(lines, lines.c.account_id == entry.account_id)
        .outerjoin(stated_accounts, stated_accounts.c.account_id == entry.account_id)
        .where(
            entry.state == EFFECTIVE,
            entry.action != OPEN,
            entry.effective_us >= from_us,
            entry.effective_us < to_us,
        )
        .subquery()
    )
    return sa.select(ranked.c.action, ranked.c.segment).where(ranked.c.place == 1)

"""How often people decided otherwise than was proposed, and how often appeals overturned a decision, month by month."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from scipy.stats import fisher_exact

from limitkeeper.app.monitoring import figure_document
from limitkeeper.core.access.rights import check_right
from limitkeeper.core.appeal.appeals import BY_CLOCK, GRANTING, UPHELD
from limitkeeper.core.approval.cases import APPROVED, REFUSED
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.compliance.shares import wilson_interval
from limitkeeper.core.drift.judgement import (
    NOTHING_BEFORE,
    TOO_FEW,
    Figure,
    Key,
    Terms,
    judged,
    standing_after,
)
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.store.appeal_tables import appeals
from limitkeeper.store.case_tables import case_acts, cases
from limitkeeper.store.work import Work

NOT_PEOPLE = ("system", "clock")
"""Outcomes of a case that no person decided."""


@dataclass(frozen=True, slots=True)
class Month:
    """What people did in a month, UTC.

    Parameters
    ----------
    name
        Like ``2026-03``.
    decided, overridden
        Proposals of the strategy that people decided on, and those of them that they refused.
    answered, overturned
        Appeals that were answered on their merits, and those of them that were granted, in whole or in part.
    """

    name: str
    decided: int
    overridden: int
    answered: int
    overturned: int


def months_of_people(w: Work, from_us: int = 0) -> list[Month]:
    """The months in which anything was decided or answered, oldest first; the one that is not over is left out.

    What the system approved, what lapsed, and what was granted only because nobody answered in time, is no judgement
    of a person and counts nowhere.

    Parameters
    ----------
    w
        The work that reads it.
    from_us
        Ended since then, UTC microseconds.

    Raises
    ------
    ForbiddenError
        When it is not his to read.
    """
    check_right(w.actor, "appeal.statistics")
    ended = sa.and_(case_acts.c.case_id == cases.c.case_id, case_acts.c.version == cases.c.version)
    decided = _by_day(
        w, case_acts.c.ts_us, cases.c.state, sa.select().select_from(sa.join(cases, case_acts, ended)).where(
            cases.c.kind == "decision", cases.c.maker_id == "system", cases.c.state.in_((APPROVED, REFUSED)),
            cases.c.outcome.not_in(NOT_PEOPLE), case_acts.c.ts_us >= from_us,
        ),
    )  # fmt: skip
    answered = _by_day(
        w, appeals.c.answered_us, appeals.c.state, sa.select().select_from(appeals).where(
            appeals.c.answered_us >= from_us, appeals.c.state.in_((UPHELD, *GRANTING)), sa.not_(appeals.c.is_live),
            appeals.c.outcome != BY_CLOCK,
        ),
    )  # fmt: skip
    found: dict[str, list[int]] = {}
    for place, otherwise, rows in ((0, (REFUSED,), decided), (2, GRANTING, answered)):
        for day_us, state, count in rows:
            month = found.setdefault(f"{day_of(day_us):%Y-%m}", [0, 0, 0, 0])
            month[place] += count
            month[place + 1] += count * (state in otherwise)
    this_month = f"{day_of(w.now_us):%Y-%m}"
    return [Month(name, *found[name]) for name in sorted(found) if name != this_month]


def _by_day(
    w: Work, at_us: sa.ColumnElement[Any], state: sa.ColumnElement[Any], query: sa.Select[Any]
) -> list[tuple[int, str, int]]:
    """How many of each state there are on each day."""
    day = (at_us - at_us % DAY_US).label("day_us")
    counted = query.add_columns(day, state, sa.func.count()).group_by(day, state)
    return [(int(day_us), name, int(count)) for day_us, name, count in w.connection.execute(counted)]


def judged_months(months: Sequence[Month], terms: Terms) -> list[dict[str, Any]]:
    """Each month's override and overturn rates against all months before it, as documents.

    Whether a rate changed is Fisher's exact test of the month against what came before.

    Parameters
    ----------
    months
        Oldest first.
    terms
        What an alert is.

    Examples
    --------
    >>> import datetime as dt
    >>> from limitkeeper.app.monitoring_policy import monitoring_terms
    >>> months = [Month("2026-01", 400, 20, 0, 0), Month("2026-02", 100, 40, 0, 0)]
    >>> found = judged_months(months, monitoring_terms(dt.date(2026, 3, 1)))
    >>> [month["figures"][0]["level"] for month in found]
    ['fine', 'alert']
    """
    documents, standing = [], dict[Key, str]()
    before = [0, 0, 0, 0]
    for month in months:
        now = [month.decided, month.overridden, month.answered, month.overturned]
        figures = [
            _rate(Key(kind), now[place], now[place + 1], before[place], before[place + 1], terms.least_cases)
            for kind, place in (("override", 0), ("overturn", 2))
        ]
        found = judged(figures, standing, terms)
        standing = standing_after(found, standing)
        before = [had + new for had, new in zip(before, now, strict=True)]
        documents.append({"name": month.name, "figures": [figure_document(each) for each in found]})
    return documents


def _rate(key: Key, rows: int, hits: int, rows_before: int, hits_before: int, least: int) -> Figure:
    low, high = wilson_interval(hits, rows) or (math.nan, math.nan)
    value = hits / rows if rows else math.nan
    note = {"hits": hits, "before": hits_before / rows_before if rows_before else None}
    if rows < least or rows_before < least:
        why = TOO_FEW if rows < least else NOTHING_BEFORE
        return Figure(key, value, low, high, math.nan, math.nan, rows, why, note)
    size = abs(value - hits_before / rows_before)
    table = [[hits, rows - hits], [hits_before, rows_before - hits_before]]
    return Figure(
        key, value, low, high, size, float(fisher_exact(table).pvalue), rows, None, note
    )  # fmt: skip

"""What campaigns are about in sums that may be counted together: accounts, exposure, and cuts apart from rises."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from operator import add
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.covered import covered_changes
from limitkeeper.core.limits.ledger import CLOSE, DECREASE, INCREASE, LOWERING, RAISING
from limitkeeper.store.campaign_tables import campaign_items
from limitkeeper.store.given import given
from limitkeeper.store.work import Work

BY_WEIGHT = (CLOSE, DECREASE, INCREASE)
"""The actions of campaigns, the gravest first."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Of some accounts, each once.

    Parameters
    ----------
    accounts, exposure_cents
        How many, and what is exposed of them.
    cut_cents, raised_cents
        Of the limits that fall, and of those that rise: neither is taken off the other.
    actions
        What is done to them.

    Examples
    --------
    >>> cuts, rises = Sums(1, 9, 5, 0, frozenset({"decrease"})), Sums(1, 9, 0, 4, frozenset({"increase"}))
    >>> cuts.plus(rises).changes()
    (('decrease', 5), ('increase', -4))
    """

    accounts: int
    exposure_cents: int
    cut_cents: int
    raised_cents: int
    actions: frozenset[str] = frozenset()

    def changes(self) -> tuple[tuple[str, int], ...]:
        """Each action with what it cuts, the gravest first: cuts of both kinds together, below 0 where limits rise."""
        return tuple(
            (action, self.cut_cents if action in LOWERING else -self.raised_cents)
            for action in BY_WEIGHT
            if action in self.actions
        )

    def plus(self, other: "Sums") -> "Sums":
        """Both together."""
        return self._with(other, add)

    def less(self, other: "Sums") -> "Sums":
        """What is left of it without another, nothing below 0; no action is taken away."""
        left = self._with(other, lambda mine, theirs: max(mine - theirs, 0))
        return replace(left, actions=self.actions)

    def at_least(self, other: "Sums") -> "Sums":
        """The larger of each."""
        return self._with(other, max)

    def _with(self, other: "Sums", one: Callable[[int, int], int]) -> "Sums":
        return Sums(
            one(self.accounts, other.accounts), one(self.exposure_cents, other.exposure_cents),
            one(self.cut_cents, other.cut_cents), one(self.raised_cents, other.raised_cents),
            self.actions | other.actions,
        )  # fmt: skip


def sums_of_impact(impact: Mapping[str, Any]) -> Sums:
    """Of a campaign's figures, as of :func:`limitkeeper.app.campaign_impact.impact_of`."""
    actions = frozenset(each["name"] for each in impact["by_action"])
    return Sums(
        impact["accounts"], impact["exposure_cents"], impact["cut_cents"], impact["raised_cents"], actions
    )


def sums_of_case(row: Mapping[str, Any]) -> Sums:
    """Of a campaign's case, with all that it was counted with itself."""
    facts = json.loads(row["facts"])
    changes = dict(covered_changes(row) or ((row["action"], row["cut_cents"]),))
    cuts = [cents for action, cents in changes.items() if action in LOWERING]
    rises = [-cents for action, cents in changes.items() if action in RAISING]
    accounts = facts.get("counted_accounts", facts["accounts"])
    return Sums(
        accounts, row["exposure_cents"], max(cuts, default=0), max(rises, default=0), frozenset(changes)
    )


def sums_of_campaigns(
    w: Work,
    ids: Collection[str],
    only: Collection[str] | None = None,
    where: sa.ColumnElement[bool] | None = None,
) -> Sums:
    """Of the items of campaigns, each account once, with the most that one of them would do to it.

    Parameters
    ----------
    w
        The work that reads it.
    ids
        The campaigns.
    only
        Of these accounts alone; None of all.
    where
        Of such items alone; None of all.
    """
    item = campaign_items.c
    change = item.limit_before_cents - item.limit_after_cents
    found = {"exposure_cents": item.exposure_cents, "cut_cents": change, "raised_cents": -change}
    found |= {action: sa.case((item.action == action, 1), else_=0) for action in BY_WEIGHT}
    several = len(ids) > 1
    values = [(sa.func.max(each) if several else each).label(name) for name, each in found.items()]
    query = sa.select(*values).where(item.campaign_id.in_(sorted(ids)))
    if where is not None:
        query = query.where(where)
    if only is not None:
        query = query.where(item.account_id.in_(sa.select(given(w.dialect, only).c.value)))
    one = (query.group_by(item.account_id) if several else query).subquery().c
    columns: list[sa.ColumnElement[Any]] = [
        sa.func.count().label("accounts"), sa.func.sum(one.exposure_cents).label("exposure_cents"),
        *(sa.func.sum(sa.case((one[name] > 0, one[name]), else_=0)).label(name)
          for name in ("cut_cents", "raised_cents")),
        *(sa.func.max(one[name]).label(name) for name in BY_WEIGHT),
    ]  # fmt: skip
    (row,) = w.rows(sa.select(*columns))
    accounts, exposure, cut, raised = (
        int(row[name] or 0) for name in ("accounts", "exposure_cents", "cut_cents", "raised_cents")
    )
    return Sums(accounts, exposure, cut, raised, frozenset(action for action in BY_WEIGHT if row[action]))

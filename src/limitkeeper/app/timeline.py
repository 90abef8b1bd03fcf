"""Everything that happened to an account on one axis of time, the newest first: from the monitor and from the store."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from limitkeeper.core.access.actors import Actor
from limitkeeper.core.access.rights import is_allowed
from limitkeeper.core.behaviour.events import (
    BALANCE_SET,
    BILL,
    BILL_CORRECTED,
    CASH_ADVANCE,
    CHARGE,
    DECLINED,
    KINDS,
    LIMIT_SET,
    PURCHASE,
    REFUND,
    REPAYMENT,
)
from limitkeeper.core.behaviour.history import History
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.core.limits.ledger import EFFECTIVE
from limitkeeper.store.appeal_tables import appeals
from limitkeeper.store.case_tables import cases
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.tables import alerts, proposals
from limitkeeper.store.work import Work

Place = tuple[int, str, str]
"""Where an item lies on the axis: its time, UTC microseconds, kind and id."""

MONITOR_KINDS = ("bill", "event")

MONEY = frozenset({PURCHASE, CASH_ADVANCE, REFUND, REPAYMENT, CHARGE, BALANCE_SET})
"""Kinds of event whose amount is always one of money."""

NOTHING = sa.null()


class Source(NamedTuple):
    """A table whose rows lie on the axis.

    Parameters
    ----------
    act
        Who may do it sees them.
    query
        Of one account: ``at_us, id, what, state, limit_before_cents, limit_after_cents``.
    """

    act: str
    query: Callable[[str], sa.Select[Any]]


def _of_table(
    table: sa.Table,
    identity: str,
    when: sa.ColumnElement[int],
    what: str,
    state: str,
    *,
    has_limits: bool = True,
) -> Callable[[str], sa.Select[Any]]:
    limits = ("limit_before_cents", "limit_after_cents")

    def query(account_id: str) -> sa.Select[Any]:
        return sa.select(
            when.label("at_us"), table.c[identity].label("id"), table.c[what].label("what"),
            table.c[state].label("state"),
            *((table.c[name] if has_limits else NOTHING).label(name) for name in limits),
        ).where(table.c.account_id == account_id)  # fmt: skip

    return query


def _limit_changes(account_id: str) -> sa.Select[Any]:
    """Entries of the ledger, of those in effect with the limit before and after; of the others with what they lead to."""
    entry = limit_entries.c
    after = sa.func.sum(entry.delta_cents).over(order_by=(entry.effective_us, entry.number))
    common = entry.entry_id.label("id"), entry.action.label("what"), entry.state
    in_effect = sa.select(
        entry.effective_us.label("at_us"), *common, (after - entry.delta_cents).label("limit_before_cents"),
        after.label("limit_after_cents"),
    ).where(entry.account_id == account_id, entry.state == EFFECTIVE)  # fmt: skip
    others = sa.select(
        entry.planned_us.label("at_us"), *common, sa.cast(NOTHING, sa.BigInteger).label("limit_before_cents"),
        entry.target_cents.label("limit_after_cents"),
    ).where(entry.account_id == account_id, entry.state != EFFECTIVE)  # fmt: skip
    return sa.select(sa.union_all(in_effect, others).subquery())


CASE_US = sa.case((cases.c.is_live, cases.c.opened_us), else_=cases.c.since_us)
"""A case that waits lies where it was opened, one that has ended where it was decided."""

SOURCES: dict[str, Source] = {
    "alert": Source("alerts.read", _of_table(alerts, "alert_id", alerts.c.opened_us, "trigger", "status",
                                             has_limits=False)),
    "appeal": Source("appeal.read", _of_table(appeals, "appeal_id", appeals.c.submitted_us, "action", "state")),
    "case": Source("case.read", _of_table(cases, "case_id", CASE_US, "action", "state")),
    "limit": Source("limit.read", _limit_changes),
    "notice": Source("notice.read", _of_table(notices, "notice_id", notices.c.made_us, "kind", "state",
                                              has_limits=False)),
    "proposal": Source("proposals.read", _of_table(proposals, "proposal_id", proposals.c.made_us, "action", "status")),
}  # fmt: skip
"""What the store adds, by kind; each query is served by an index on the account."""

ITEM_KINDS = tuple(sorted((*MONITOR_KINDS, *SOURCES)))


def unreadable_kinds(actor: Actor) -> list[str]:
    """The kinds of which an actor sees nothing."""
    return [kind for kind, source in SOURCES.items() if not is_allowed(actor, source.act)]


def timeline(
    w: Work, account_id: str, history: History | None, kinds: Iterable[str], limit: int, after: Place | None
) -> list[tuple[Place, dict[str, Any]]]:
    """The items of an account behind a place on the axis, the newest first, with the place of each.

    Parameters
    ----------
    w
        Where the tables are read.
    account_id
        The account.
    history
        What the monitor holds of it; None where it knows nothing.
    kinds
        Of :data:`ITEM_KINDS`, those that are wanted and may be seen.
    limit
        Items at most.
    after
        The place of the last one of the page before.
    """
    wanted = set(kinds)
    found = [
        (place, item)
        for place, item in (monitor_items(history) if history is not None else ())
        if place[1] in wanted and is_behind(place, after)
    ]
    for kind in wanted & SOURCES.keys():
        found += _stored(w, account_id, kind, limit, after)
    return sorted(found, key=lambda each: (-each[0][0], *each[0][1:]))[:limit]


def is_behind(place: Place, after: Place | None) -> bool:
    """Whether a place comes after another on the axis: earlier, or at the same time in order of kind and id.

    Examples
    --------
    >>> is_behind((5, "case", "a"), (5, "bill", "z")), is_behind((6, "case", "a"), (5, "bill", "z"))
    (True, False)
    """
    return after is None or (-place[0], *place[1:]) > (-after[0], *after[1:])


def monitor_items(history: History) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The events and bills that the monitor holds, as items."""
    columns = (column.tolist() for column in history[:4])
    for at_us, code, amount, event in zip(*columns, strict=True):
        if code in (BILL, BILL_CORRECTED):
            continue
        place = (at_us, "event", f"{event:016x}")
        figures = {
            "amount_cents": amount
            if code in MONEY or (code == DECLINED and amount)
            else None,  # 0: it was not said
            "limit_after_cents": amount if code == LIMIT_SET else None,
        }
        yield _item(place, KINDS[code], **figures)
    for at_us, amount, paid, _, days in history.bills.T.tolist():
        place = (at_us, "bill", f"{at_us:x}")
        yield _item(place, "bill", amount_cents=amount, paid_cents=paid, days_past_due=days)


def _item(place: Place, what: str, **more: object) -> tuple[Place, dict[str, Any]]:
    at_us, kind, identity = place
    empty = dict.fromkeys(
        ("state", "amount_cents", "paid_cents", "days_past_due", "limit_before_cents", "limit_after_cents")
    )
    return place, {"at": instant_text(at_us), "kind": kind, "id": identity, "what": what, **empty, **more}


def _stored(
    w: Work, account_id: str, kind: str, limit: int, after: Place | None
) -> Sequence[tuple[Place, dict[str, Any]]]:
    """The items of one kind from the store."""
    rows = SOURCES[kind].query(account_id).subquery()
    query = sa.select(rows)
    if after is not None:
        at_us, after_kind, after_id = after
        query = query.where(
            rows.c.at_us < at_us
            if kind < after_kind
            else rows.c.at_us <= at_us
            if kind > after_kind
            else sa.or_(rows.c.at_us < at_us, sa.and_(rows.c.at_us == at_us, rows.c.id > after_id))
        )
    found = w.rows(query.order_by(rows.c.at_us.desc(), rows.c.id).limit(limit))
    limits = ("limit_before_cents", "limit_after_cents")
    return [
        _item((row["at_us"], kind, row["id"]), row["what"], state=row["state"],
              **{name: None if row[name] is None else int(row[name]) for name in limits})
        for row in found
    ]  # fmt: skip

"""The decisions about a line: its own cases, and campaigns as far as they are about it."""

import json
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.campaign_states import ITEM_PLANNED
from limitkeeper.app.told import reasons_of_codes
from limitkeeper.core.limits.ledger import EFFECTIVE
from limitkeeper.store.campaign_tables import campaign_items
from limitkeeper.store.case_tables import cases
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.tables import proposals
from limitkeeper.store.work import Work

DECISIONS_MAX = 100
"""Of a line that are told, the newest."""

_OF_LINE = (
    sa.select(cases, proposals.c.trace)
    .outerjoin(proposals, cases.c.proposal_id == proposals.c.proposal_id)
    .where(cases.c.account_id == sa.bindparam("account_id"))
)
_ITEM = {
    name: campaign_items.c[name] for name in ("action", "limit_before_cents", "limit_after_cents", "reasons")
}
_HAS_TAKEN_EFFECT = sa.exists().where(
    limit_entries.c.account_id == campaign_items.c.account_id,
    limit_entries.c.case_id == campaign_items.c.campaign_id,
    limit_entries.c.state == EFFECTIVE,
)
"""Of an item: some of it, also where its campaign was cancelled before the other steps."""

_OF_CAMPAIGNS = (
    sa.select(cases, *(column.label(f"item_{name}") for name, column in _ITEM.items()))
    .join(campaign_items, campaign_items.c.campaign_id == cases.c.case_id)
    .where(
        campaign_items.c.account_id == sa.bindparam("account_id"),
        (campaign_items.c.state == ITEM_PLANNED) | _HAS_TAKEN_EFFECT,
    )
)


def decisions_about(w: Work, account_id: str, *wanted: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
    """The cases that decide about a line, the newest first, each with the trace behind it.

    Of a campaign the action and the limits are the line's, and all that is known of the trace is its reasons.

    Parameters
    ----------
    w
        The work that reads them.
    account_id
        The line.
    wanted
        Of the cases.
    """
    order = (cases.c.opened_us.desc(), cases.c.case_id)
    own, many = (
        w.rows(query.where(*wanted).order_by(*order).limit(DECISIONS_MAX), account_id=account_id)
        for query in (_OF_LINE, _OF_CAMPAIGNS)
    )
    found = [row | {"trace": json.loads(row["trace"]) if row["trace"] else {}} for row in own]
    for row in many:
        mine = {name: row[f"item_{name}"] for name in _ITEM}
        found.append(row | mine | {"trace": {"reasons": reasons_of_codes(mine["reasons"])}})
    return sorted(found, key=lambda row: (-row["opened_us"], row["case_id"]))[:DECISIONS_MAX]

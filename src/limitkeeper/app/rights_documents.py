"""Persons' requests as JSON, the same for the command line and HTTP."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.rights import request_of
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.store.rights_tables import rights_requests
from limitkeeper.store.sql import Store

LISTED_MAX = 1_000
"""Requests that are listed at once, the most urgent first."""


def request_document(row: Mapping[str, Any], now_us: int) -> dict[str, Any]:
    """A request as JSON; what was said of it is sealed and not in it."""
    names = ("request_id", "kind", "customer_id", "state", "verified_by", "version")
    answered = row["answered_us"]
    return {name: row[name] for name in names} | {
        "received_at": instant_text(row["received_us"]),
        "answer_until_at": instant_text(row["answer_until_us"]),
        "answered_at": None if answered is None else instant_text(answered),
        "is_overdue": request_of(row).is_overdue(now_us),
    }


def request_documents(store: Store, now_us: int, *, ended: bool = False) -> list[dict[str, Any]]:
    """Requests that wait, the most urgent first; with ``ended`` the others behind them."""
    query = sa.select(rights_requests)
    if not ended:
        query = query.where(rights_requests.c.is_live)
    order = query.order_by(rights_requests.c.is_live.desc(), rights_requests.c.answer_until_us)
    return [request_document(row, now_us) for row in store.rows(order.limit(LISTED_MAX))]

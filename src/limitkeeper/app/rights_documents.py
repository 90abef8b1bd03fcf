"""Persons' requests as JSON, the same for the command line and HTTP."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.erasure import UNASKED, Limits, bars_to_erasure
from limitkeeper.app.ownership import account_ids_of
from limitkeeper.app.rights import extension_days, request_of
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.access.rights import check_customers_right
from limitkeeper.core.compliance.requests import ERASE, bar_to_extension
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.store.rights_tables import rights_acts, rights_requests
from limitkeeper.store.sql import Store
from limitkeeper.store.work import Work

LISTED_MAX = 1_000
"""Requests that are listed at once, the most urgent first."""


def request_document(row: Mapping[str, Any], now_us: int, *, for_customer: bool = False) -> dict[str, Any]:
    """A request as JSON; what was said of it is sealed and not in it, and its customer is not told who works on it."""
    names = ("request_id", "kind", "customer_id", "state", "version")
    answered = row["answered_us"]
    inside = {} if for_customer else {"verified_by": row["verified_by"]}
    return {name: row[name] for name in names} | inside | {
        "is_live": bool(row["is_live"]),
        "received_at": instant_text(row["received_us"]),
        "answer_until_at": instant_text(row["answer_until_us"]),
        "extended_days": row["extended_days"],
        "answered_at": None if answered is None else instant_text(answered),
        "is_overdue": request_of(row).is_overdue(now_us),
    }  # fmt: skip


def request_documents(store: Store | Work, now_us: int, *, ended: bool = False) -> list[dict[str, Any]]:
    """Requests that wait, the most urgent first; with ``ended`` the others behind them."""
    query = sa.select(rights_requests)
    if not ended:
        query = query.where(rights_requests.c.is_live)
    order = query.order_by(rights_requests.c.is_live.desc(), rights_requests.c.answer_until_us)
    return [request_document(row, now_us) for row in store.rows(order.limit(LISTED_MAX))]


def request_read(w: Work, seal: Seal, request_id: str, limits: Limits = UNASKED) -> dict[str, Any]:
    """A request with what was said and done, what bars an erasure that waits, and by how many days it can be extended.

    That it was read is kept. ``limits`` are as of :func:`~limitkeeper.app.erasure.bars_to_erasure`.

    Raises
    ------
    MissingError
        When there is no such request.
    ForbiddenError
        When it is another's.
    """
    row = w.found(rights_requests, request_id)
    check_customers_right(w.actor, "rights.read", row["customer_id"])
    for_customer = w.actor.customer_id is not None
    w.note("rights.look", f"request:{request_id}")
    query = sa.select(rights_acts).where(rights_acts.c.request_id == request_id)
    done = w.rows(query.order_by(rights_acts.c.version))
    bars = bars_to_erasure(w, row["customer_id"], limits) if row["kind"] == ERASE and row["is_live"] else []
    can_extend = bar_to_extension(request_of(row), w.now_us) is None
    inside = {} if for_customer else {
        "extensible_days": extension_days(w.now_us) if can_extend else 0,
        "known_accounts": len(account_ids_of(w, row["customer_id"])),
    }  # fmt: skip
    return request_document(row, w.now_us, for_customer=for_customer) | inside | {
        "acts": [_act_document(each, seal, row["customer_id"], for_customer=for_customer) for each in done],
        "bars": [{"code": each.code, "en": each.english, "zh": each.chinese} for each in bars],
    }  # fmt: skip


def _act_document(
    act: Mapping[str, Any], seal: Seal, customer_id: str, *, for_customer: bool
) -> dict[str, Any]:
    place = f"rights:{act['request_id']}:{act['version']}"
    words = seal.words(act["words"], place, customer_id)
    inside = {} if for_customer else {"by": act["actor_id"]}
    return {"at": instant_text(act["ts_us"]), **inside, "act": act["act"], "words": words, "state": act["state"],
            "outcome": json.loads(act["outcome"]), "version": act["version"]}  # fmt: skip

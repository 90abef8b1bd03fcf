"""Releases as JSON, the same for the command line and HTTP."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.compliance.life import BUCKETS, LIVE, STATES
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.store.life_tables import artefacts, release_acts, releases
from limitkeeper.store.sql import Store
from limitkeeper.store.work import MissingError, Work, reading


def release_row(w: Work, start: str) -> dict[str, Any]:
    """The release whose id begins so.

    Raises
    ------
    MissingError
        When none does.
    InputError
        When several do.
    """
    rows = w.rows(
        sa.select(releases).where(releases.c.release_id.startswith(start, autoescape=True)).limit(2)
    )
    if not rows:
        raise MissingError("There is no such release.", value=start, advice="See limitkeeper life list.")
    if len(rows) > 1:
        raise InputError("Several releases begin so.", value=start, advice="Give more letters.")
    return rows[0]


def release_document(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A release as JSON; ``names`` are those of strategies and models by hash."""
    found = {name: row[name] for name in ("release_id", "market", "strategy_hash", "model_hash", "author_id", "state",
                                          "justified_by", "version")}  # fmt: skip
    failed = row["screens_failed"]
    return found | {
        "strategy": names.get(row["strategy_hash"], row["strategy_hash"]),
        "model": None if row["model_hash"] is None else names.get(row["model_hash"], row["model_hash"]),
        "screens_failed": None if failed is None else json.loads(failed),
        "approvals": [{"person_id": person, "role": role} for person, role in json.loads(row["approvals"])],
        "is_champion": bool(row["is_champion"]),
        "share": row["buckets"] / BUCKETS if row["state"] == LIVE else 0.0,
        "bucket_from": row["bucket_from"],
        "made_at": instant_text(row["made_us"]),
    }


def release_documents(store: Store, market: str | None = None) -> list[dict[str, Any]]:
    """The releases, the live ones first; a champion's share is what the challengers leave."""
    with reading(store, SYSTEM, 0) as w:
        query = sa.select(releases)
        if market is not None:
            query = query.where(releases.c.market == market)
        found = [release_document(row, _names(w)) for row in w.rows(query)]
    for each in found:
        if each["is_champion"] and each["state"] == LIVE:
            taken = sum(
                one["share"] for one in found if one["market"] == each["market"] and not one["is_champion"]
            )
            each["share"] = 1.0 - taken
    order = {state: place for place, state in enumerate(reversed(STATES[:-1]))}
    return sorted(
        found, key=lambda one: (order.get(one["state"], len(order)), not one["is_champion"], one["made_at"])
    )


def whole_release_document(store: Store, start: str) -> dict[str, Any]:
    """A release with everything that was done to it, in order.

    Raises
    ------
    MissingError
        When there is none.
    """
    with reading(store, SYSTEM, 0) as w:
        row = release_row(w, start)
        query = sa.select(release_acts).where(release_acts.c.release_id == row["release_id"])
        acts = w.rows(query.order_by(release_acts.c.version))
        found = release_document(row, _names(w))
    return found | {
        "acts": [
            {"at": instant_text(act["ts_us"]), "by": act["actor_id"], "act": act["act"], "state": act["state"],
             "version": act["version"], "detail": json.loads(act["detail"])}
            for act in acts
        ]
    }  # fmt: skip


def _names(w: Work) -> dict[str, str]:
    return {row["hash"]: row["name"] for row in w.rows(sa.select(artefacts.c.hash, artefacts.c.name))}

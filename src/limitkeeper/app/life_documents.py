"""Releases as JSON, the same for the command line and HTTP."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.life_contents import release_row_of
from limitkeeper.app.release_evidence import release_of
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.access.rights import RIGHTS
from limitkeeper.core.compliance.buckets import BUCKETS
from limitkeeper.core.compliance.life import LIVE, STATES, gate_standings, missing_approvals
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.store.life_tables import artefacts, release_acts, release_reviews, releases
from limitkeeper.store.sql import Store
from limitkeeper.store.work import MissingError, Work, reading

COPIED = (
    "release_id", "market", "strategy_hash", "model_hash", "register_hash", "author_id", "state", "justified_by",
    "bucket_from", "version",
)  # fmt: skip


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


def release_query() -> sa.Select[Any]:
    """Releases with the names of what they are made of, and what a market's challengers take."""
    strategy, model, challenger = artefacts.alias(), artefacts.alias(), releases.alias()
    taken = (
        sa.select(sa.func.sum(challenger.c.buckets))
        .where(challenger.c.market == releases.c.market, challenger.c.state == LIVE)
        .where(challenger.c.is_champion.is_(False))
        .scalar_subquery()
    )
    return (
        sa.select(releases, strategy.c.name.label("strategy"), model.c.name.label("model"),
                  taken.label("challenger_buckets"))
        .join(strategy, strategy.c.hash == releases.c.strategy_hash, isouter=True)
        .join(model, model.c.hash == releases.c.model_hash, isouter=True)
    )  # fmt: skip


def release_document(row: Mapping[str, Any]) -> dict[str, Any]:
    """A release as JSON, from a row of :func:`release_query`; a champion's share is what the challengers leave."""
    failed = row["screens_failed"]
    left = int(row["challenger_buckets"] or 0) if row["is_champion"] else 0
    return {name: row[name] for name in COPIED} | {
        "strategy": row["strategy"] or row["strategy_hash"],
        "model": row["model"] or row["model_hash"],
        "screens_failed": None if failed is None else json.loads(failed),
        "approvals": [{"person_id": person, "role": role} for person, role in json.loads(row["approvals"])],
        "is_champion": bool(row["is_champion"]),
        "share": (row["buckets"] - left) / BUCKETS if row["state"] == LIVE else 0.0,
        "made_at": instant_text(row["made_us"]),
    }


def release_documents(store: Store, market: str | None = None) -> list[dict[str, Any]]:
    """The releases, the live ones first."""
    query = release_query()
    if market is not None:
        query = query.where(releases.c.market == market)
    found = [release_document(row) for row in store.rows(query)]
    order = {state: place for place, state in enumerate(reversed(STATES[:-1]))}
    return sorted(
        found, key=lambda one: (order.get(one["state"], len(order)), not one["is_champion"], one["made_at"])
    )


def release_documents_of(w: Work, release_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Some releases, in the order in which they are named."""
    rows = w.rows(release_query().where(releases.c.release_id.in_(release_ids)))
    found = {row["release_id"]: release_document(row) for row in rows}
    return [found[each] for each in release_ids]


def whole_release_document(store: Store, start: str) -> dict[str, Any]:
    """The release whose id begins so, with its gates and everything that was done to it, in order.

    Raises
    ------
    MissingError
        When there is none.
    """
    with reading(store, SYSTEM, 0) as w:
        return whole_release(w, release_row(w, start)["release_id"])


def whole_release(w: Work, release_id: str) -> dict[str, Any]:
    """A release with its gates and everything that was done to it, in order.

    Raises
    ------
    MissingError
        When there is none.
    """
    row = release_row_of(w, release_id)
    named = w.rows(release_query().where(releases.c.release_id == release_id))[0]
    query = sa.select(release_acts).where(release_acts.c.release_id == release_id)
    acts = w.rows(query.order_by(release_acts.c.version))
    return release_document(named) | {
        "gates": gate_documents(row),
        "review": last_review(w, release_id),
        "acts": [
            {"at": instant_text(act["ts_us"]), "by": act["actor_id"], "act": act["act"], "state": act["state"],
             "version": act["version"], "detail": json.loads(act["detail"])}
            for act in acts
        ],
    }  # fmt: skip


def last_review(w: Work, release_id: str | None) -> dict[str, Any] | None:
    """What a release did on the last portfolio that it was reviewed on, as JSON; None where none was kept."""
    order = (release_reviews.c.as_of_us.desc(), release_reviews.c.made_us.desc())
    query = sa.select(release_reviews).where(release_reviews.c.release_id == release_id).order_by(*order)
    row = w.row(query.limit(1))
    if row is None:
        return None
    times = {"as_of": instant_text(row["as_of_us"]), "at": instant_text(row["made_us"])}
    return {"portfolio": row["portfolio"], **times, "by": row["actor_id"], **json.loads(row["figures"])}


def gate_documents(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The gates of a release in their order: how each stands, whose it is, and whose approvals are missing."""
    release = release_of(row)
    return [
        {"gate": gate, "standing": standing, "roles": list(RIGHTS[f"release.{gate}"]),
         "missing": list(missing_approvals(release)) if gate == "approve" else []}
        for gate, standing in gate_standings(release).items()
    ]  # fmt: skip


def fairness_query() -> sa.Select[Any]:
    """The fairness reports that the store holds: those that releases were assessed by."""
    return (
        sa.select(release_acts.c.release_id, release_acts.c.ts_us, release_acts.c.actor_id, release_acts.c.detail,
                  releases.c.market, releases.c.justified_by, artefacts.c.name.label("strategy"))
        .join(releases, releases.c.release_id == release_acts.c.release_id)
        .join(artefacts, artefacts.c.hash == releases.c.strategy_hash, isouter=True)
        .where(release_acts.c.act == "assess")
    )  # fmt: skip


def fairness_document(row: Mapping[str, Any]) -> dict[str, Any]:
    """A fairness report that the store holds, as JSON: what failed, and what did not simply pass."""
    names = ("release_id", "market", "strategy", "justified_by")
    return {name: row[name] for name in names} | {
        "at": instant_text(row["ts_us"]),
        "by": row["actor_id"],
        **json.loads(row["detail"])["screen"],
    }

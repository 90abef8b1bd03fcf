"""Releases held against the acts that led to them, and those against the audit: what decides is what was approved."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.evidence import KINDS, held_by
from limitkeeper.core.access.evidence import row_hash
from limitkeeper.core.compliance.acts import Act, release_of_acts
from limitkeeper.core.compliance.life import LifeError, Release, release_id_of
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.life_tables import release_acts, releases
from limitkeeper.store.snapshot import Rows
from limitkeeper.store.work import Work

RELEASES_AT_ONCE = 500


def release_of(row: Mapping[str, Any]) -> Release:
    """A release as its row keeps it."""
    failed = row["screens_failed"]
    return Release(
        row["release_id"], row["author_id"], row["state"], None if failed is None else tuple(json.loads(failed)),
        row["justified_by"], tuple((person, role) for person, role in json.loads(row["approvals"])),
        row["bucket_from"], row["buckets"], bool(row["is_champion"]),
    )  # fmt: skip


def held_to_acts(w: Work, rows: Sequence[Mapping[str, Any]]) -> None:
    """Nothing, where releases are what their acts on the audit led to.

    Raises
    ------
    LifeError
        When one is not: somebody wrote to the store behind the program's back.
    """
    ids = [row["release_id"] for row in rows]
    for release_id, problem in release_disagreements(w.rows, ids) if ids else ():
        raise LifeError(
            "evidence", value=f"{release_id}: {problem}",
            advice="Run limitkeeper audit verify --all, and put back what was changed; or put another one live.",
        )  # fmt: skip


def release_disagreements(rows: Rows, release_ids: Sequence[str] | None = None) -> Iterator[tuple[str, str]]:
    """Releases that are not what their acts led to, or whose acts the audit does not know: which, and how.

    Parameters
    ----------
    rows
        Of a store, which may be in use.
    release_ids
        Only these; None for all.
    """
    if release_ids is None:
        release_ids = [row["release_id"] for row in rows(sa.select(releases.c.release_id))]
    # A release and its acts by one query: an act that is written meanwhile is in both or in neither.
    acts = [column.label(f"act_{column.name}") for column in release_acts.c]
    query = (
        sa.select(releases, *acts)
        .outerjoin(release_acts, release_acts.c.release_id == releases.c.release_id)
        .order_by(releases.c.release_id, release_acts.c.version)
    )
    for start in range(0, len(release_ids), RELEASES_AT_ONCE):
        some = release_ids[start : start + RELEASES_AT_ONCE]
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in rows(query.where(releases.c.release_id.in_(some))):
            found[row["release_id"]].append(row)
        events = _events(rows, list(found))
        for release_id, joined in found.items():
            done = [_act_row(row) for row in joined if row["act_version"] is not None]
            problem = _problem(joined[0], done, events[release_id])
            if problem is not None:
                yield release_id, problem


def _act_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {column.name: row[f"act_{column.name}"] for column in release_acts.c}


Events = dict[int, Mapping[str, Any]]
"""What the audit keeps of a release's acts, by the version that each led to."""


def _events(rows: Rows, release_ids: Sequence[str]) -> defaultdict[str, Events]:
    query = sa.select(
        audit_events.c.subject, audit_events.c.actor_id, audit_events.c.act, audit_events.c.detail
    )
    query = query.where(audit_events.c.subject.in_([f"release:{each}" for each in release_ids]))
    found: defaultdict[str, Events] = defaultdict(dict)
    for event in rows(query.order_by(audit_events.c.number)):
        try:
            version = json.loads(event["detail"]).get("version")
        except (ValueError, AttributeError):
            continue  # the chain tells that
        if version is not None:
            found[event["subject"].removeprefix("release:")].setdefault(version, event)
    return found


def _problem(row: Mapping[str, Any], acts: Sequence[Mapping[str, Any]], events: Events) -> str | None:
    """How a release is not what its acts led to; None where it is."""
    release_id, version = row["release_id"], row["version"]
    if release_id_of(row["strategy_hash"], row["model_hash"], row["market"]) != release_id:
        return "its strategy, model or market is not what its id names"
    for act in acts:
        problem = _problem_of_act(row, act, events.get(act["version"]))
        if problem is not None:
            return problem
    if [act["version"] for act in acts] != list(range(1, version + 1)):
        return f"version {version}; it has {len(acts)} acts"
    try:
        stands = release_of(row)
        done = [Act(act["actor_id"], act["act"], act["state"], json.loads(act["detail"])) for act in acts]
        led_to = release_of_acts(release_id, done, stands.bucket_from)
    except (ValueError, LookupError, TypeError, AttributeError):
        return "it or its acts cannot be read"
    is_now, must_be = asdict(stands), asdict(led_to)
    other = [name for name in is_now if is_now[name] != must_be[name]]
    if other:
        return "; ".join(f"{name} is {is_now[name]}, its acts lead to {must_be[name]}" for name in other)
    return None


def _problem_of_act(
    row: Mapping[str, Any], act: Mapping[str, Any], event: Mapping[str, Any] | None
) -> str | None:
    said = f"its act {act['version']} ({act['act']} by {act['actor_id']})"
    if event is None:
        return f"the audit has no event of {said}"
    held = held_by(event).kept
    is_same = event["act"] == f"release.{act['act']}" and event["actor_id"] == act["actor_id"]
    for kind, of in (("release", row), ("release_act", act)):
        kept_hash = held.get(f"{kind}:{KINDS[kind].key(of)}")
        is_same = is_same and kept_hash in (None, row_hash(of, KINDS[kind].columns))
    return None if is_same else f"{said} is not what the audit keeps of it"

"""An account's links as a small picture: who is near it, by what, and who of them is bad."""

from collections import defaultdict
from typing import Any

import numpy as np

from limitkeeper.core.behaviour.events import DAY_US, LONG_AGO_US
from limitkeeper.core.kernel.instants import day_of, instant_text
from limitkeeper.core.kernel.missing import missing_document
from limitkeeper.core.relations.links import LINK_DAYS
from limitkeeper.core.relations.neighbourhood import Picture
from limitkeeper.core.relations.state import DECLARED_KINDS
from limitkeeper.engines.embedded.boundaries import SHARDS
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.portrait import standing_document
from limitkeeper.engines.embedded.shard import RELATION_NAMES
from limitkeeper.engines.embedded.web import web_number


def relations_picture(engine: Engine, account_id: str, as_of_us: int) -> dict[str, Any] | None:
    """The accounts within two links of one, at most 40, and the links between them; None where there is none such.

    Parameters
    ----------
    engine
        Asked in its own thread; nothing is changed.
    as_of_us
        UTC microseconds.
    """
    place = engine.state.number(account_id)
    if place is None:
        return None
    web = engine.state.web
    reason = _missing(engine, web_number(*place))
    refreshed_us = web.refreshed_us
    found: dict[str, Any] = {
        "account_id": account_id,
        "as_of": instant_text(as_of_us),
        "refreshed_at": None if refreshed_us == LONG_AGO_US else instant_text(refreshed_us),
        "linked_accounts": None,
        "nodes": [],
        "edges": [],
        "missing": None if reason is None else missing_document(reason),
    }
    if reason is not None:
        return found
    picture = web.relations.picture(web_number(*place), refreshed_us // DAY_US - LINK_DAYS)
    nodes = [_node(engine, number, hops) for number, hops in zip(picture.accounts, picture.hops, strict=True)]
    (linked,) = web.relations.columns(np.array([web_number(*place)]))[0].tolist()
    ids = [node["account_id"] for node in nodes]
    return found | {"linked_accounts": int(linked), "nodes": nodes, "edges": _edges(picture, ids)}


def _missing(engine: Engine, number: int) -> str | None:
    web = engine.state.web
    if not web.allowed:
        return "not_allowed"
    return "not_computed" if number >= len(web.bad) else None


def _node(engine: Engine, number: int, hops: int) -> dict[str, Any]:
    """An account of the picture, by its number among those of all shards."""
    shard, account = engine.state.shards[number % SHARDS], number // SHARDS
    standing = standing_document(shard.standing, account)
    contagion = engine.state.web.relations.columns(np.array([number]))[RELATION_NAMES.index("contagion"), 0]
    return {
        "account_id": shard.ids[account],
        "hops": hops,
        "is_frozen": standing["is_frozen"],
        "is_defaulted": standing["is_defaulted"],
        "contagion": float(contagion),
    }


def _edges(picture: Picture, ids: list[str]) -> list[dict[str, Any]]:
    """The links, each with what it is by: ids of a kind that are shared, and declarations."""
    by: dict[tuple[int, int], dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for each in picture.shared:
        pair = (min(each.first, each.second), max(each.first, each.second))
        by[pair][each.kind].append(ids[each.first] if each.kind in DECLARED_KINDS else each.day)
    return [
        {
            "first": ids[pair[0]],
            "second": ids[pair[1]],
            "by": [
                {"kind": kind, "shared_ids": 0, "seen_on": None, "declared_by": sorted(set(found))}
                if kind in DECLARED_KINDS
                else {
                    "kind": kind,
                    "shared_ids": len(found),
                    "seen_on": day_of(max(found) * DAY_US).isoformat(),
                    "declared_by": [],
                }
                for kind, found in sorted(by[pair].items())
            ],
        }
        for pair in picture.pairs
    ]

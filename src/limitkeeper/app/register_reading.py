"""The register of features and purposes as people read it in a market."""

import datetime as dt
from typing import Any

from limitkeeper.core.compliance.register import PURPOSES, DataClass, Register
from limitkeeper.core.strategy.vocabulary import SHARED_QUANTITIES

SEARCHED = ("name", "description", "description_zh")
"""What of a name is searched."""


def register_document(register: Register, market: str, day: dt.date, search: str = "") -> dict[str, Any]:
    """The classes of a register as JSON, with what holds in a market on a day.

    Parameters
    ----------
    register
        Which.
    market, day
        Where and when.
    search
        Only names that have these letters, in any case, in them or in their description, or whose class has;
        empty for all.

    Raises
    ------
    PolicyError
        When a class has no retention on that day.
    """
    names: dict[str, list[dict[str, Any]]] = {name: [] for name in register.classes}
    for name, owner in register.class_of.items():
        names[owner].append(_name_document(name))
    items = []
    for name, each in register.classes.items():
        told = names[name]
        if not _has(search, name, each.description, each.description_zh, each.source):
            told = [one for one in told if _has(search, *(one[key] or "" for key in SEARCHED))]
        if told:
            items.append(_class_document(each, market, day) | {"names": told})
    return {
        "market": market,
        "day": day.isoformat(),
        "hash": register.hash,
        "purposes": [
            {"purpose": name, "description": english, "description_zh": chinese}
            for name, (english, chinese) in PURPOSES.items()
        ],
        "items": items,
    }


def _has(search: str, *texts: str) -> bool:
    return any(search.strip().casefold() in text.casefold() for text in texts)


def _class_document(each: DataClass, market: str, day: dt.date) -> dict[str, Any]:
    return {
        "class": each.name,
        "description": each.description,
        "description_zh": each.description_zh,
        "source": each.source,
        "purposes": sorted(each.purposes),
        "basis": each.basis.get(market),
        "sensitivity": each.sensitivity,
        "retention_days": each.retained_days(day),
        "forbidden": [{"market": where, "rule": rule} for where, rule in sorted(each.forbidden.items())],
        "is_forbidden": market in each.forbidden,
    }


def _name_document(name: str) -> dict[str, Any]:
    """A name with what it means; a protected attribute has no unit: no rule or model reads it."""
    known = SHARED_QUANTITIES.get(name)
    return {
        "name": name,
        "unit": None if known is None else known.unit,
        "description": None if known is None else known.description,
        "description_zh": None if known is None else known.description_zh,
    }

"""A person's copy: everything that is kept of him, opened; what is left out of a file for its size is named."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

import sqlalchemy as sa

from limitkeeper.app.case_words import opened_text, opened_words
from limitkeeper.app.journal import journal_rows_of
from limitkeeper.app.personal_data import (
    PERSONAL,
    Personal,
    Whose,
    is_of,
    personal_rows,
    rows_of,
    subjects_of,
    whose,
)
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.access.actors import SERVICE, SYSTEM
from limitkeeper.core.behaviour.events import DAY_US, NEVER_US
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.store import audit_tables, case_tables, people_tables
from limitkeeper.store.sql import Store
from limitkeeper.store.work import Work, reading

ROWS_MAX = 10_000
"""Of one table in one person's copy; the others are given as a part of their own."""

PART_ROWS = 1_000
"""Rows of a part that are read at once."""

KEYS_AT_ONCE = 500
"""Of the audit's subjects, or of those who acted, in one query."""

DURATIONS = frozenset({"wait_us"})
"""Columns of microseconds that are no times."""

SHOWN = audit_tables.shown_accounts.name
"""Where it is kept which accounts lists showed: told of as who looked, and not as rows."""

PORTRAIT, HISTORY, JOURNAL = "portrait", "history", "journal"

BEYOND = (PORTRAIT, HISTORY, JOURNAL)
"""What is kept of a person beyond tables: by the monitor, now and of the last 180 days, and as it was sent."""

PARTS = (*(name for name in PERSONAL if name != SHOWN), JOURNAL)
"""What can be had as a part of its own, of any length."""

Key = TypeVar("Key", str, int)

NOTHING_MORE: Mapping[str, list[dict[str, Any]]] = MappingProxyType({})


def personal_copy(
    w: Work,
    seal: Seal,
    customer_id: str,
    beyond: Mapping[str, list[dict[str, Any]]] = NOTHING_MORE,
    rows_max: int | None = ROWS_MAX,
) -> dict[str, Any]:
    """Everything that is kept of a person, opened, as JSON; that it was read is kept.

    Parameters
    ----------
    w
        Of whoever reads it.
    seal
        Opens what is sealed.
    customer_id
        Whose.
    beyond
        Of :data:`BEYOND` what is at hand, as rows; the others are told to be left out.
    rows_max
        Rows of a table at most; a table with more is told to be left out in part.

    Raises
    ------
    ErasedError
        When he was erased.
    """
    rows = personal_rows(w, customer_id, rows_max and rows_max + 1)
    person = whose(w, customer_id)
    looked = _looks(w, customer_id, person)
    cut = [name for name, each in rows.items() if rows_max and len(each) > rows_max and name != SHOWN]
    found = {
        name: opened_rows(w, seal, customer_id, PERSONAL[name], each[:rows_max])
        for name, each in rows.items()
        if each and name != SHOWN
    } | {name: each for name, each in beyond.items() if each}
    w.note("rights.copy", f"customer:{customer_id}", {name: len(each) for name, each in found.items()})
    return {
        "customer_id": customer_id,
        "made_at": instant_text(w.now_us),
        "data": found,
        "left_out": [
            {"part": name, "rows_here": len(found.get(name, ()))}
            for name in (*cut, *(each for each in BEYOND if each not in beyond))
        ],
        "who_looked": looked,
    }  # fmt: skip


def part_rows(
    store: Store, seal: Seal, customer_id: str, person: Whose, part: str
) -> Iterator[dict[str, Any]]:
    """All rows of a person in one part, opened, a few at a time, whatever their number.

    Parameters
    ----------
    store, seal
        Where they lie, and what opens them.
    customer_id, person
        Whose, and by what his rows are known.
    part
        Of :data:`PARTS`. The journal is read from end to end: it knows events by their order alone.
    """
    if part == JOURNAL:
        yield from journal_rows_of(store, {*person["account_id"], customer_id})
        return
    of, after = PERSONAL[part], None
    while True:
        with reading(store, SYSTEM, 0) as w:
            rows = rows_of(w, of, person, PART_ROWS, after)
            found = opened_rows(w, seal, customer_id, of, rows)
        yield from found
        if len(rows) < PART_ROWS:
            return
        after = [rows[-1][column.name] for column in of.table.primary_key.columns]


def opened_rows(
    w: Work, seal: Seal, customer_id: str, of: Personal, rows: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Rows of a person as he is shown them: opened, times and JSON as what they are, without what is others'."""
    if of.name == "case_acts":
        rows = _with_words(w, seal, rows, customer_id)
    elif of.name == "limit_entries":
        rows = [_with_why(seal, row, customer_id) for row in rows]
    return [_shown(of, row, seal, customer_id) for row in rows]


def _with_why(seal: Seal, row: Mapping[str, Any], customer_id: str) -> Mapping[str, Any]:
    why, place = row["cancelled_why"], f"entry:{row['entry_id']}"
    return row if why is None else {**row, "cancelled_why": opened_text(seal, why, place, customer_id)}


def _with_words(
    w: Work, seal: Seal, rows: Sequence[Mapping[str, Any]], customer_id: str
) -> list[dict[str, Any]]:
    """The acts on a person's cases with what was said; of a case from when the line was another's, nothing sealed."""
    table, own = case_tables.cases, dict[str, dict[str, Any]]()
    for some in _pages(sorted({row["case_id"] for row in rows})):
        for each in w.rows(sa.select(table).where(table.c.case_id.in_(some))):
            is_his = each["customer_id"] == customer_id
            own[each["case_id"]] = each if is_his else each | {"customer_id": None}
    return [{**each, "words": opened_words(seal, each["words"], own[each["case_id"]])} for each in rows]


def _looks(w: Work, customer_id: str, person: Whose) -> list[dict[str, Any]]:
    """Who did what with the person's data, as the audit has it, newest last: his roles, for a name is his own data."""
    audit = audit_tables.audit_events.c
    columns = (audit.number, audit.ts_us, audit.actor_id, audit.act, audit.subject, audit.detail)
    found: list[dict[str, Any]] = []
    for some in _pages(subjects_of(w, customer_id, person)):
        # Sorted here: an order by number would let a database walk the whole audit instead of the subjects' index.
        found += w.rows(sa.select(*columns).where(audit.subject.in_(some)))
    shown = audit_tables.shown_accounts
    listed = w.rows(sa.select(shown.c.number).distinct().where(is_of(PERSONAL[SHOWN], person)))
    for numbers in _pages(sorted(int(row["number"]) for row in listed)):
        found += w.rows(sa.select(*columns).where(audit.number.in_(numbers)))
    roles = _roles(w, {row["actor_id"] for row in found})
    return [
        {"at": instant_text(row["ts_us"]), "act": row["act"], "subject": row["subject"],
         "roles": roles.get(row["actor_id"], []), "purpose": json.loads(row["detail"]).get("purpose")}
        for row in sorted(found, key=lambda row: int(row["number"]))
    ]  # fmt: skip


def _roles(w: Work, actor_ids: set[str]) -> dict[str, list[str]]:
    """The roles that actors have now; of whom nobody knows any more, none."""
    people, keys = people_tables.people.c, people_tables.api_keys.c
    found = {SYSTEM.actor_id: sorted(SYSTEM.roles)}
    for some in _pages(sorted(actor_ids)):
        services = w.rows(sa.select(keys.service_id).where(keys.service_id.in_(some)))
        found |= {row["service_id"]: [SERVICE] for row in services}
        persons = w.rows(sa.select(people.person_id, people.roles).where(people.person_id.in_(some)))
        found |= {row["person_id"]: sorted(json.loads(row["roles"])) for row in persons}
    return found


def _pages(keys: list[Key]) -> Iterator[list[Key]]:
    for first in range(0, len(keys), KEYS_AT_ONCE):
        yield keys[first : first + KEYS_AT_ONCE]


def _shown(of: Personal, row: Mapping[str, Any], seal: Seal, customer_id: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in row.items():
        if name in of.hidden:
            continue
        if name in of.sealed:
            content = b"" if not value else seal.opened(value, of.sealed[name].format_map(row), customer_id)
            found[name] = _text(content)
        elif name in DURATIONS:
            found[name.removesuffix("_us") + "_days"] = None if value is None else value / DAY_US
        elif name.endswith("_us"):
            is_time = value is not None and 0 < value < NEVER_US
            found[name.removesuffix("_us") + "_at"] = instant_text(value) if is_time else None
        elif isinstance(value, str) and value[:1] in ("{", "["):
            found[name] = _json(value)
        else:
            found[name] = _text(value) if isinstance(value, bytes) else value
    return found


def _json(text: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(text)
    except ValueError:
        return text


def _text(content: bytes) -> Any:  # noqa: ANN401 - text, JSON, or bytes in base64
    try:
        return _json(content.decode())
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}

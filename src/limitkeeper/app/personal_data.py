"""Where a person's data lies in a store: every table, how its rows belong to him, what of them is sealed."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

import sqlalchemy as sa

from limitkeeper.app.case_words import opened_text, opened_words
from limitkeeper.app.ownership import account_ids_of
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.access.actors import SERVICE, SYSTEM
from limitkeeper.core.behaviour.events import DAY_US, NEVER_US
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.store import (
    appeal_tables,
    audit_tables,
    campaign_tables,
    case_tables,
    limit_tables,
    notice_tables,
    people_tables,
    rights_tables,
    tables,
)
from limitkeeper.store.work import Work

ROWS_MAX = 100_000
"""Of one table in one person's copy."""

KEYS_AT_ONCE = 500
"""Of the audit's subjects, or of those who acted, in one query."""

DURATIONS = frozenset({"wait_us"})
"""Columns of microseconds that are no times."""

SHOWN = audit_tables.shown_accounts.name
"""Where it is kept which accounts lists showed: told of as who looked, and not as rows."""

Key = TypeVar("Key", str, int)


@dataclass(frozen=True)
class Personal:
    """A table with rows of persons.

    Parameters
    ----------
    table
        Which.
    by
        The column that says whose a row is: ``customer_id``, ``account_id``, or the key of a parent.
    parent
        The table whose rows of the person these belong to, by the same key.
    sealed
        Column -> its place, with the row's columns in braces.
    hidden
        Columns that are not the person's: others' names, secrets, marks of the machine.
    subject
        As what the audit knows its rows, by their key: ``case`` of ``case:ID``; empty where it does not.
    """

    table: sa.Table
    by: str
    parent: sa.Table | None = None
    sealed: Mapping[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    subject: str = ""

    @property
    def name(self) -> str:
        """Of the table."""
        return self.table.name


PERSONAL: Mapping[str, Personal] = MappingProxyType({each.name: each for each in (
    Personal(notice_tables.customers, "customer_id"),
    Personal(notice_tables.contacts, "customer_id", sealed={"address": "contact:{contact_id}"}),
    Personal(notice_tables.notices, "customer_id", sealed={"content": "notice:{notice_id}"},
             subject="notice"),
    Personal(notice_tables.deliveries, "notice_id", notice_tables.notices),
    Personal(tables.stated_accounts, "account_id", subject="account"),
    Personal(limit_tables.lines, "account_id", subject="account"),
    Personal(limit_tables.limit_entries, "account_id", hidden=frozenset({"maker_id"}), subject="entry"),
    Personal(tables.alerts, "account_id", subject="alert"),
    Personal(tables.proposals, "account_id", subject="proposal"),
    Personal(tables.freeze_changes, "account_id"),
    Personal(tables.rejects, "account_id"),
    Personal(campaign_tables.campaign_items, "account_id"),
    Personal(case_tables.cases, "account_id",
             hidden=frozenset({"votes", "parties", "recused", "claimed_by", "maker_id"}), subject="case"),
    Personal(case_tables.case_acts, "case_id", case_tables.cases, hidden=frozenset({"actor_id"})),
    Personal(appeal_tables.appeals, "customer_id", hidden=frozenset({"parties", "claimed_by"}),
             subject="appeal"),
    Personal(appeal_tables.appeal_acts, "appeal_id", appeal_tables.appeals,
             sealed={"words": "appeal:{appeal_id}:{version}"}, hidden=frozenset({"actor_id"})),
    Personal(appeal_tables.appeal_evidence, "appeal_id", appeal_tables.appeals,
             sealed={"name": "evidence:{evidence_id}:name", "content": "evidence:{evidence_id}"},
             hidden=frozenset({"added_by"})),
    Personal(rights_tables.rights_requests, "customer_id", hidden=frozenset({"verified_by"}),
             subject="request"),
    Personal(rights_tables.rights_acts, "request_id", rights_tables.rights_requests,
             sealed={"words": "rights:{request_id}:{version}"}, hidden=frozenset({"actor_id"})),
    Personal(rights_tables.consent_acts, "customer_id", hidden=frozenset({"actor_id"})),
    Personal(audit_tables.shown_accounts, "account_id"),
    Personal(people_tables.people, "customer_id", hidden=frozenset({"password_hash"})),
    Personal(people_tables.identities, "person_id", people_tables.people, hidden=frozenset({"identity_hash"})),
    Personal(people_tables.sessions, "person_id", people_tables.people, hidden=frozenset({"token_hash"})),
)})  # fmt: skip
"""Every table that holds rows of persons."""

IMPERSONAL: Mapping[str, str] = MappingProxyType({
    "store_heads": "one row: where the store stands",
    "journal": "events under the lender's pseudonyms; trimmed by age once a snapshot holds them",
    "offsets": "how far a topic is read",
    "portfolio_alerts": "counts of all accounts together",
    "outbox": "copies of alerts, proposals and commands on their way, under pseudonyms; deleted after they are sent",
    "idempotency_keys": "answers without personal data, forgotten after a day",
    "audit_events": "who did what, under pseudonyms and without personal data; evidence that must not change",
    "audit_heads": "one row: the end of the chain",
    "campaigns": "a campaign as a whole",
    "mandates": "of people inside",
    "absences": "of people inside",
    "api_keys": "of services",
    "artefacts": "strategies and models",
    "releases": "strategies and models",
    "release_acts": "strategies and models",
    "release_reviews": "sums over a portfolio",
})  # fmt: skip
"""Every other table, and why nothing in it is one person's."""


def personal_rows(w: Work, customer_id: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of a person in every table, as they are kept, in order of their keys."""
    accounts = account_ids_of(w, customer_id)
    wanted: dict[str, list[Any]] = {"customer_id": [customer_id], "account_id": accounts or [customer_id]}
    found: dict[str, list[dict[str, Any]]] = {}
    for name, each in PERSONAL.items():
        keys = wanted[each.by] if each.parent is None else [row[each.by] for row in found[each.parent.name]]
        query = sa.select(each.table).where(each.table.c[each.by].in_(keys))
        rows = w.rows(query.order_by(*each.table.primary_key.columns).limit(ROWS_MAX)) if keys else []
        found[name] = rows
    return found


def personal_copy(w: Work, seal: Seal, customer_id: str) -> dict[str, Any]:
    """Everything that a store holds of a person, opened, as JSON; that it was read is kept.

    Parameters
    ----------
    w
        Of whoever reads it.
    seal
        Opens what is sealed.
    customer_id
        Whose.

    Raises
    ------
    ErasedError
        When he was erased.
    """
    rows = personal_rows(w, customer_id)
    w.note("rights.copy", f"customer:{customer_id}", {name: len(each) for name, each in rows.items() if each})
    looked = _looks(w, customer_id, rows)
    rows["case_acts"] = _with_words(seal, rows, customer_id)
    for row in rows["limit_entries"]:
        if (kept := row["cancelled_why"]) is not None:
            row["cancelled_why"] = opened_text(seal, kept, f"entry:{row['entry_id']}", customer_id)
    return {
        "customer_id": customer_id,
        "made_at": instant_text(w.now_us),
        "data": {
            name: [_shown(PERSONAL[name], row, seal, customer_id) for row in each]
            for name, each in rows.items() if each and name != SHOWN
        },
        "who_looked": looked,
    }  # fmt: skip


def _with_words(
    seal: Seal, rows: Mapping[str, list[dict[str, Any]]], customer_id: str
) -> list[dict[str, Any]]:
    """The acts on a person's cases with what was said; of a case from when the line was another's, nothing sealed."""
    own = {
        each["case_id"]: each if each["customer_id"] == customer_id else each | {"customer_id": None}
        for each in rows["cases"]
    }
    return [
        each | {"words": opened_words(seal, each["words"], own[each["case_id"]])}
        for each in rows["case_acts"]
    ]


def _looks(w: Work, customer_id: str, rows: Mapping[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Who did what with the person's data, as the audit has it, newest last: his roles, for a name is his own data."""
    audit = audit_tables.audit_events.c
    columns = (audit.number, audit.ts_us, audit.actor_id, audit.act, audit.subject, audit.detail)
    found: list[dict[str, Any]] = []
    for some in _pages(_subjects(customer_id, rows)):
        # Sorted here: an order by number would let a database walk the whole audit instead of the subjects' index.
        found += w.rows(sa.select(*columns).where(audit.subject.in_(some)))
    listed = sorted({int(row["number"]) for row in rows[SHOWN]})  # pages of lists, by what they showed
    for numbers in _pages(listed):
        found += w.rows(sa.select(*columns).where(audit.number.in_(numbers)))
    roles = _roles(w, {row["actor_id"] for row in found})
    return [
        {"at": instant_text(row["ts_us"]), "act": row["act"], "subject": row["subject"],
         "roles": roles.get(row["actor_id"], []), "purpose": json.loads(row["detail"]).get("purpose")}
        for row in sorted(found, key=lambda row: int(row["number"]))
    ]  # fmt: skip


def _subjects(customer_id: str, rows: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    """As what the audit knows a person and his rows; an account that nobody stated is called as its customer."""
    found = {f"customer:{customer_id}"}
    for each in PERSONAL.values():
        if each.subject:
            (key,) = each.table.primary_key.columns
            found |= {f"{each.subject}:{row[key.name]}" for row in rows[each.name]}
    if not rows["stated_accounts"] and not rows["lines"]:
        found.add(f"account:{customer_id}")
    return sorted(found)


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

"""Where a person's data lies in a store: every table, how its rows belong to him, what of them is sealed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.ownership import account_ids_or_own
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

Whose = Mapping[str, list[str]]
"""Of a person: ``customer_id``, his own; ``account_id``, of his accounts."""


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
    Personal(people_tables.people, "customer_id", hidden=frozenset({"password_hash"}), subject="person"),
    Personal(people_tables.identities, "person_id", people_tables.people, hidden=frozenset({"identity_hash"})),
    Personal(people_tables.sessions, "person_id", people_tables.people, hidden=frozenset({"token_hash"})),
)})  # fmt: skip
"""Every table that holds rows of persons."""

IMPERSONAL: Mapping[str, str] = MappingProxyType({
    "store_heads": "one row: where the store stands",
    "journal": "events under the lender's pseudonyms; trimmed by age once a snapshot holds them",
    "offsets": "how far a topic is read",
    "portfolio_alerts": "counts of all accounts together",
    "outbox": "copies of alerts, proposals and commands on their way, deleted after they are sent, or by an erasure",
    "idempotency_keys": "answers without personal data, forgotten after two days, and by an erasure those that name him",
    "audit_events": "who did what, under pseudonyms and without personal data; an erasure takes away what names him",
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


def whose(w: Work, customer_id: str) -> Whose:
    """By what the rows of a person are his; an account that nobody stated is called as its customer."""
    return {"customer_id": [customer_id], "account_id": account_ids_or_own(w, customer_id)}


def shown_as(customer_id: str) -> str:
    """As what it is kept that a list showed a customer of whom no account was known then: a subject, no account's id.

    Examples
    --------
    >>> shown_as("kim")
    'customer:kim'
    """
    return f"customer:{customer_id}"


def is_of(of: Personal, person: Whose) -> sa.ColumnElement[bool]:
    """Whether a row of a table is a person's."""
    if of.table is audit_tables.shown_accounts:
        return of.table.c[of.by].in_([*person[of.by], *map(shown_as, person["customer_id"])])
    if of.parent is None:
        return of.table.c[of.by].in_(person[of.by])
    parents = sa.select(of.parent.c[of.by]).where(is_of(PERSONAL[of.parent.name], person))
    return of.table.c[of.by].in_(parents)


def rows_of(
    w: Work, of: Personal, person: Whose, rows_max: int | None = None, after: Sequence[Any] | None = None
) -> list[dict[str, Any]]:
    """The rows of a person in one table, as they are kept, in order of their keys: behind a key, up to a number."""
    keys = list(of.table.primary_key.columns)
    query = sa.select(of.table).where(is_of(of, person)).order_by(*keys).limit(rows_max)
    return w.rows(query if after is None else query.where(sa.tuple_(*keys) > sa.tuple_(*after)))


def personal_rows(w: Work, customer_id: str, rows_max: int | None = None) -> dict[str, list[dict[str, Any]]]:
    """The rows of a person in every table, as they are kept; of each up to a number, all where none is given."""
    person = whose(w, customer_id)
    return {name: rows_of(w, each, person, rows_max) for name, each in PERSONAL.items()}


def subjects_of(w: Work, customer_id: str, person: Whose) -> list[str]:
    """As what the audit knows a person and all his rows; an account that nobody stated is called as its customer."""
    found = {f"customer:{customer_id}"}
    for each in PERSONAL.values():
        if each.subject:
            (key,) = each.table.primary_key.columns
            of_him = w.rows(sa.select(key.label("key")).where(is_of(each, person)))
            found |= {f"{each.subject}:{row['key']}" for row in of_him}
    return sorted(found | {f"account:{each}" for each in person["account_id"]})

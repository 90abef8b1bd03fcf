"""A person's ids taken out of what is kept after an erasure: rows, the audit, and copies on their way."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from limitkeeper.app.appeal_effects import APPEALS_OF
from limitkeeper.app.consents import CONSENT_OF
from limitkeeper.app.evidence import KEPT, KINDS, WAS, Kind, held_by
from limitkeeper.app.personal_data import PERSONAL
from limitkeeper.core.access.chain import (
    BLANKED,
    BLANKED_HASH,
    ERASED_DETAIL,
    ERASURE,
    blanked_event,
    blanked_hash,
)
from limitkeeper.core.access.evidence import row_hash
from limitkeeper.store.answer_tables import idempotency_keys
from limitkeeper.store.audit_tables import audit_events, shown_accounts
from limitkeeper.store.case_tables import case_acts, cases
from limitkeeper.store.notice_tables import deliveries, notices
from limitkeeper.store.tables import alerts, freeze_changes, outbox, proposals
from limitkeeper.store.work import Work

Rows = Mapping[str, Sequence[Mapping[str, Any]]]

NAMED_APART = frozenset({"parties", "votes", "recused"})
"""Columns of people who took part: those are renamed where they are known."""

WHO = frozenset(
    {"actor_id", "maker_id", "author_id", "person_id", "deputy_id", "parties", "votes", "recused"}
)
"""Places of JSON that say who did something, beside those that end with "by"."""

OF_ACCOUNTS = frozenset({APPEALS_OF, "freeze_confirmed", "freeze_lifted"})
"""Places of messages to the monitor that hold an account."""

ERASE_IDS = "erase_ids"
"""In a message to the monitor: ids of a person who was erased, each with the name that leads nowhere."""

NOBODY, NOTHING = "erased", "erased"
"""Who acted, and on what, in an event of the audit whose content was taken away."""

KEYS_AT_ONCE = 500


def accounts_renamed(w: Work, rows: Rows, names: Mapping[str, str]) -> dict[str, int]:
    """Call a person's accounts by names that lead nowhere, in every table and in what rows tell of; rows by table.

    Parameters
    ----------
    rows
        The person's, by table, as they were before; other tables are left alone.
    names
        By each account's id, and his own, what it is called from now on.
    """
    done: dict[str, int] = {}
    for name in rows:
        of = PERSONAL[name]
        (first, *more) = of.table.primary_key.columns
        for row in rows[name]:
            values = {
                column: renamed_json(value, names)
                for column, value in row.items()
                if column not in NAMED_APART and isinstance(value, str) and value[:1] in ("{", "[")
            }
            changed = {column: value for column, value in values.items() if value != row[column]}
            if changed:
                mine = sa.and_(first == row[first.name], *(key == row[key.name] for key in more))
                w.connection.execute(of.table.update().where(mine).values(**changed))
        if "account_id" in of.table.c and of.table is not shown_accounts:
            for before, after in names.items():
                change = of.table.update().where(of.table.c.account_id == before).values(account_id=after)
                done[name] = done.get(name, 0) + w.connection.execute(change).rowcount
    return done


def renamed_json(text: str, names: Mapping[str, str]) -> str:
    """JSON in which each text that is an id is its new name; as it was where none is.

    Examples
    --------
    >>> renamed_json('{"account": "a-7", "of": ["a-7", "a-8"]}', {"a-7": "erased-1"})
    '{"account": "erased-1", "of": ["erased-1", "a-8"]}'
    """
    if not any(json.dumps(each, ensure_ascii=False)[1:-1] in text for each in names):
        return text
    try:
        before = json.loads(text)
    except ValueError:
        return text
    after = _renamed(before, names)
    return text if after == before else json.dumps(after, ensure_ascii=False)


def _renamed(value: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {names.get(key, key): _renamed(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, names) for each in value]
    return names.get(value, value) if isinstance(value, str) else value


class Names(NamedTuple):
    """By what a person is known. A customer, an account of another's and somebody inside may be called alike.

    Parameters
    ----------
    customer_id
        His own; None where only accounts are looked for.
    accounts
        Ids of his accounts.
    logins
        Names by which he logs in.

    Examples
    --------
    >>> names = Names("5", frozenset({"1001"}), frozenset({"kim"}))
    >>> [names.are_in(each) for each in ({"customer_id": "5"}, {"lines": [{"account_id": "1001"}]}, {"by": "kim"})]
    [True, True, True]
    >>> [names.are_in(each) for each in ({"account_id": "5"}, {"customer_id": "1001"}, {"by": "5"})]
    [False, False, False]
    """

    customer_id: str | None
    accounts: frozenset[str]
    logins: frozenset[str]

    def are_in(self, content: Any, place: str = "") -> bool:  # noqa: ANN401 - any JSON
        """Whether JSON names him: as its customer, by an account, or as who did something; its place tells as what."""
        if isinstance(content, dict):
            # What is yet to be erased in the monitor is another's, and goes once that is done.
            items = [(key, each) for key, each in content.items() if key != ERASE_IDS]
            return any(self.are_in(key, place) or self.are_in(each, key) for key, each in items)
        if isinstance(content, list):
            return any(self.are_in(each, place) for each in content)
        if place == "by" or place.endswith("_by") or place in WHO:
            return content in self.logins
        is_customer = self.customer_id is not None and bool(content == self.customer_id)
        is_account = content in self.accounts
        if "customer" in place or place == CONSENT_OF:
            return is_customer
        if "account" in place or place in OF_ACCOUNTS:
            return is_account
        return is_customer or is_account or content in self.logins


def copies_removed(w: Work, names: Names) -> dict[str, int]:
    """Delete messages and kept answers that name a person or his accounts: copies of what stands elsewhere, or stood."""
    texts = [
        json.dumps(each, ensure_ascii=False)
        for each in {names.customer_id, *names.accounts, *names.logins}
        if each is not None
    ]
    done = {}
    for table in (outbox, idempotency_keys):
        (key,) = table.primary_key.columns
        named = sa.or_(*(table.c.content.contains(each, autoescape=True) for each in texts))
        found = w.rows(sa.select(key.label("key"), table.c.content).where(named))
        mine = [row["key"] for row in found if names.are_in(json.loads(row["content"]))]
        for some in _pages(mine):
            w.connection.execute(table.delete().where(key.in_(some)))
        done[table.name] = len(mine)
    return done


LATE = (alerts, proposals, freeze_changes, cases, case_acts, notices, deliveries)
"""What the monitor writes under an old id until it knows the new one, and what follows from that by itself."""


def late_rows_renamed(w: Work, names: Mapping[str, str]) -> dict[str, int]:
    """Do to what was written of a person's accounts since his erasure what the erasure did; rows by table.

    Until the monitor itself was renamed, an event or a clock wrote under the old ids. Done again, it finds nothing.

    Parameters
    ----------
    names
        By each id the name that leads nowhere.
    """
    rows = _rows_about(w, names)
    if not any(rows.values()):
        return {}
    keys = {name: {_key(name, row) for row in found} for name, found in rows.items()}
    subjects = {f"{PERSONAL[name].subject}:{key}" for name, some in keys.items() for (key, *_) in some}
    subjects |= {f"account:{each}" for each in names}
    done = accounts_renamed(w, rows, names)
    for table in (cases, notices):
        for before, after in names.items():
            change = table.update().where(
                table.c.customer_id == before, table.c.account_id.in_(names.values())
            )
            w.connection.execute(change.values(customer_id=None if table is cases else after))
    done |= copies_removed(w, Names(None, frozenset(names), frozenset()))
    # Under the new ids are also those that the erasure itself has renamed.
    rows_now = {name: [row for row in found if _key(name, row) in keys[name]]
                for name, found in _rows_about(w, names.values()).items()}  # fmt: skip
    blanked = audit_blanked(w, rows, rows_now, sorted(subjects), ())
    w.note(ERASURE, "account:late", done | blanked)
    return done


def _key(name: str, row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in PERSONAL[name].table.primary_key.columns)


def _rows_about(w: Work, accounts: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """Rows of what is written late about some accounts, by table, in order of their keys."""
    found: dict[str, list[dict[str, Any]]] = {}
    for table in LATE:
        of, keys = PERSONAL[table.name], list(table.primary_key.columns)
        own = table if of.parent is None or "account_id" in table.c else of.parent
        is_about = own.c.account_id.in_(accounts)
        if own is not table:
            is_about = table.c[of.by].in_(sa.select(own.c[of.by]).where(is_about))
        found[table.name] = w.rows(sa.select(table).where(is_about).order_by(*keys))
    return found


def audit_blanked(
    w: Work, rows: Rows, rows_now: Rows, subjects: Sequence[str], logins: Collection[str]
) -> dict[str, Any]:
    """Take the content of the audit's events about a person away; what the event of the erasure keeps of them.

    When each was, which act it was, who of the staff did it, and its hash stay: with what the erasure keeps, the chain
    holds as before. The hashes of his rows that are evidence are kept anew, as the rows are now; one that did not hold
    before still does not.

    Parameters
    ----------
    rows, rows_now
        The person's, before and after.
    subjects
        As what the audit knows him and his rows.
    logins
        Names by which he logs in: somebody inside may be called as his customer's id is, and what he did stays.
    """
    events = {row["number"]: row for row in _events(w, subjects, sorted(logins))}
    numbers = sorted(events)
    hashes = {0: "0" * 64}
    for some in _pages([number - 1 for number in numbers]):
        found = w.rows(
            sa.select(audit_events.c.number, audit_events.c.hash).where(audit_events.c.number.in_(some))
        )
        hashes |= {row["number"]: row["hash"] for row in found}
    kept: dict[str, str] = {}
    for number in numbers:
        kept |= held_by(events[number]).kept
    # One who worked inside before: the row is gone, and its key names him.
    for login in logins:
        kept.pop(f"person:{login}", None)
    blanked = []
    for number in numbers:
        actor = events[number]["actor_id"]
        values = {
            "subject": NOTHING,
            "detail": ERASED_DETAIL,
            "actor_id": NOBODY if actor in logins else actor,
        }
        w.connection.execute(audit_events.update().where(audit_events.c.number == number).values(**values))
        blanked.append(blanked_event({**events[number], **values}, hashes[number - 1]))
    return {BLANKED: numbers, BLANKED_HASH: blanked_hash(blanked)} | _held_anew(kept, rows, rows_now)


def _events(w: Work, subjects: Sequence[str], logins: Sequence[str]) -> Iterator[dict[str, Any]]:
    for column, keys in ((audit_events.c.subject, subjects), (audit_events.c.actor_id, logins)):
        for some in _pages(list(keys)):
            query = sa.select(audit_events).where(column.in_(some))
            yield from (row for row in w.rows(query) if row["detail"] != ERASED_DETAIL)


def _held_anew(kept: Mapping[str, str], rows: Rows, rows_now: Rows) -> dict[str, dict[str, str]]:
    """The hashes of a person's rows as they are now; and as they were, of those that other events hold still."""
    found, was = dict(kept), {}
    for named, of, before, after in _evidence(rows, rows_now):
        hash_before, hash_now = row_hash(before, of.columns), row_hash(after, of.columns)
        if kept.get(named) == hash_before:
            found[named] = hash_now
        elif named not in kept and of.is_whole and hash_before != hash_now:
            found[named], was[named] = hash_now, hash_before
    return {KEPT: found} | ({WAS: was} if was else {})


def _evidence(rows: Rows, rows_now: Rows) -> Iterator[tuple[str, Kind, Mapping[str, Any], Mapping[str, Any]]]:
    """Rows that are evidence, each with its kind's name and key, its kind, and as it is now."""
    for kind, of in KINDS.items():
        some, some_now = (
            [row for row in each.get(of.table.name, ()) if of.has(row)] for each in (rows, rows_now)
        )
        for before, after in zip(some, some_now, strict=True):
            yield f"{kind}:{of.key(before)}", of, before, after


def _pages(keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for first in range(0, len(keys), KEYS_AT_ONCE):
        yield keys[first : first + KEYS_AT_ONCE]

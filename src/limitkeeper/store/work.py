"""A piece of work: what an act changes, its audit events and its messages, in one transaction."""

import contextlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from limitkeeper.core.access.actors import Actor
from limitkeeper.core.access.chain import event_hash
from limitkeeper.core.access.purposes import look_purpose
from limitkeeper.core.kernel.errors import LimitkeeperError
from limitkeeper.store import prepared
from limitkeeper.store.audit_tables import audit_events, audit_heads, shown_accounts
from limitkeeper.store.offsets import offset_statements
from limitkeeper.store.sql import HEAD, Store
from limitkeeper.store.tables import outbox, store_heads


class ConflictError(LimitkeeperError):
    """Somebody else changed it in the meantime."""


class MissingError(LimitkeeperError):
    """There is no such thing."""


_detail_text = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode


@dataclass
class Work:
    """A transaction under way, by somebody, at a time.

    Parameters
    ----------
    connection
        In its transaction.
    actor
        Who acts.
    now_us
        When, UTC microseconds.
    has_sent
        Whether something was put in the outbox.
    """

    connection: sa.Connection
    actor: Actor
    now_us: int
    _noted: list[dict[str, Any]] = field(default_factory=list)
    has_sent: bool = False
    _shown: dict[int, Collection[str]] = field(default_factory=dict)

    @property
    def dialect(self) -> sa.Dialect:
        """Of the database."""
        return self.connection.dialect

    @cached_property
    def store_settings(self) -> Mapping[str, Any]:
        """What the store's state depends on, such as its market; empty before a server has taken it."""
        head = prepared.select(store_heads, self.dialect).row(self.connection, {"key": HEAD})
        found: Mapping[str, Any] = {} if head is None else json.loads(head["settings"])
        return found

    def rows(self, query: sa.Select[Any], **values: object) -> list[dict[str, Any]]:
        """The rows of a query; one that is often asked is built once, with a parameter for each value."""
        return [dict(row) for row in self.connection.execute(query, values).mappings()]

    def row(self, query: sa.Select[Any]) -> dict[str, Any] | None:
        """The first row of a query, None where there is none."""
        found = self.connection.execute(query).mappings().first()
        return None if found is None else dict(found)

    def kept(self, table: sa.Table, key: str) -> dict[str, Any] | None:
        """The row of a key, None where there is none; SQLite's truth values are 0 and 1."""
        return prepared.select(table, self.dialect).row(self.connection, {"key": key})

    def found(self, table: sa.Table, key: str) -> dict[str, Any]:
        """The row of a key.

        Raises
        ------
        MissingError
            When there is none.
        """
        row = self.kept(table, key)
        if row is None:
            raise MissingError(f"There is no such row in {table.name}.", value=key)
        return row

    def add(self, table: sa.Table, *rows: Mapping[str, Any]) -> None:
        """Add rows, all of the same columns."""
        if rows:
            prepared.insert(table, tuple(rows[0]), self.dialect)(self.connection, *rows)

    def change(
        self,
        table: sa.Table,
        key: str,
        version: int,
        values: Mapping[str, Any],
        *,
        added: tuple[sa.Table, Mapping[str, Any]] | None = None,
    ) -> int:
        """Change the row of a key that still has a version, and add one of another table with it; its new version.

        Raises
        ------
        ConflictError
            When it was changed in the meantime; nothing is added then.
        """
        names, given = tuple(values), {**values, "key": key, "seen": version, "next": version + 1}
        if added is not None and self.dialect.name == "postgresql":
            other, row = added
            statement = prepared.change_and_insert(table, names, other, tuple(row), self.dialect)
            given |= {f"add_{name}": value for name, value in row.items()}
            added = None
        else:
            statement = prepared.change(table, names, self.dialect)
        if statement(self.connection, given) != 1:
            raise ConflictError(
                "It was changed in the meantime.",
                value=f"version {version} of {key}",
                advice="Read it again, and decide on what it is now.",
            )
        if added is not None:
            self.add(*added)
        return version + 1

    def note(
        self,
        act: str,
        subject: str,
        detail: Mapping[str, Any] | None = None,
        *,
        shown: Collection[str] = (),
    ) -> None:
        """Put an act, or a look at personal data, on the audit's chain; written last, just before the commit.

        Parameters
        ----------
        act
            Like ``case.approve``.
        subject
            Like ``case:4f2a...``.
        detail
            What else must be kept; no personal data. For what somebody looks is kept with it.
        shown
            Accounts that a page of a list showed: kept beside the chain, so that each person finds the look.
        """
        purpose = look_purpose(act, self.actor)
        text = _detail_text({**(detail or {}), **({} if purpose is None else {"purpose": purpose})})
        self._noted.append(
            {
                "ts_us": self.now_us,
                "actor_id": self.actor.actor_id,
                "act": act,
                "subject": subject,
                "detail": text,
            }
        )
        if shown:
            self._shown[len(self._noted) - 1] = shown

    def send(
        self, topic: str, subject: str, content: Mapping[str, Any], *, due_us: int | None = None
    ) -> None:
        """Put a message in the outbox: sent at least once after the commit, never without it."""
        message = {
            "subject": subject,
            "topic": topic,
            "content": json.dumps(content, ensure_ascii=False),
            "status": "waiting",
            "attempts": 0,
            "due_us": self.now_us if due_us is None else due_us,
            "error": None,
        }
        self.add(outbox, message)
        self.has_sent = True

    def move_offsets(self, topic: str, next_offsets: Mapping[int, int]) -> None:
        """Keep how far a topic was read, with what its messages led to."""
        for statement in offset_statements(
            {(topic, partition): offset for partition, offset in next_offsets.items()},
            is_sqlite=self.dialect.name == "sqlite",
        ):
            self.connection.execute(statement)

    def write_notes(self) -> None:
        """Chain what was noted behind the last event; others wait until the commit."""
        if not self._noted:
            return
        head = prepared.locked(audit_heads, self.dialect).row(self.connection, {})
        assert head is not None, "a store has a head of its audit"
        number, before = head["number"], head["hash"]
        rows = []
        shown = [
            {"number": number + 1 + place, "account_id": each, "shown_us": self.now_us}
            for place, accounts in self._shown.items()
            for each in accounts
        ]
        for each in self._noted:
            number += 1
            event = {"number": number, **each}
            before = event_hash(before, event)
            rows.append(event | {"hash": before})
        end = {"number": number, "hash": before}
        if len(rows) == 1 and self.dialect.name == "postgresql":
            both = prepared.insert_and_change_all(
                audit_events, tuple(rows[0]), audit_heads, tuple(end), self.dialect
            )
            both(self.connection, rows[0] | {f"end_{name}": value for name, value in end.items()})
        else:
            self.add(audit_events, *rows)
            prepared.change_all(audit_heads, tuple(end), self.dialect)(self.connection, end)
        self.add(shown_accounts, *shown)
        self._noted, self._shown = [], {}


@contextlib.contextmanager
def work(store: Store, actor: Actor, now_us: int) -> Iterator[Work]:
    """A piece of work that is written whole at the end of the block, or not at all.

    Raises
    ------
    ConflictError
        When what it rests on was changed in the meantime.
    StoreTakenError
        When another server has taken the store from the one that this is.
    StoreBusyError
        When too many write at once.
    """
    with store.transaction() as connection:
        found = Work(connection, actor, now_us)
        yield found
        found.write_notes()
    if found.has_sent:
        store.outbox_bell.ring()


@contextlib.contextmanager
def reading(store: Store, actor: Actor, now_us: int) -> Iterator[Work]:
    """A look that waits for nobody who writes; what is changed or noted in it is not kept."""
    with store.database.connect() as connection:
        yield Work(connection, actor, now_us)

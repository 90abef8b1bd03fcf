"""A store that is given back is free at once, on each kind of database."""

import pytest
import sqlalchemy as sa

from limitkeeper.store.sql import Store


def test_store_that_was_closed_is_free_though_the_database_has_not_ended_its_session_yet(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(store_url, upgrades=True)
    store.upgrade()
    sessions: list[sa.Connection] = []
    with monkeypatch.context() as slow:
        slow.setattr(sa.Connection, "close", lambda session: sessions.append(session))  # noqa: PLW0108 - bound
        store.close()
    again = Store(store_url)
    again.take({"market": "CN"})
    again.close()
    for session in sessions:
        session.invalidate()
        session.close()

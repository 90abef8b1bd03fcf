"""A server holds its store when PostgreSQL has lost its sessions, or ends, and never writes what is another's."""

import uuid
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.store.database import StoreError
from limitkeeper.store.lock import StoreBusyError, StoreTakenError
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import journal, outbox
from limitkeeper.store.work import work
from tests.conftest import Databases
from tests.contract.test_store import SETTINGS, commit

MESSAGE = {"subject": "x", "topic": "alert.opened", "content": "{}", "due_us": 3}


@pytest.fixture
def url(postgres_server: Databases, made_database: str) -> Iterator[str]:
    name = f"d{uuid.uuid4().hex}"
    yield postgres_server(name, made_database)
    postgres_server.drop(name)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    taken = Store(url)
    taken.take(SETTINGS)
    taken.write(commit(1, outbox=[MESSAGE]))
    yield taken
    taken.close()


@pytest.fixture
def administrator(store: Store) -> Iterator[sa.Connection]:
    url = store.url
    database = sa.create_engine(url, poolclass=sa.pool.NullPool, isolation_level="AUTOCOMMIT")
    with database.connect() as connection:
        yield connection


SESSIONS = sa.table("pg_stat_activity", sa.column("pid"), sa.column("datname"))
LOCKS = sa.table("pg_locks", sa.column("pid"), sa.column("locktype"), sa.column("objid"))
OF_THE_LOCK = LOCKS.c.locktype == "advisory"


def end_sessions(administrator: sa.Connection, *, only_the_locks: bool = False) -> None:
    """End the sessions of the database, and wait until they have."""
    ended = sa.select(sa.func.pg_terminate_backend(SESSIONS.c.pid, 20_000)).where(
        SESSIONS.c.datname == sa.func.current_database(), SESSIONS.c.pid != sa.func.pg_backend_pid()
    )
    if only_the_locks:
        ended = ended.where(SESSIONS.c.pid.in_(sa.select(LOCKS.c.pid).where(OF_THE_LOCK)))
    assert administrator.execute(ended).all()


def write_at_last(store: Store, sequence: int) -> None:
    """Write as the engine does: the first attempt meets the session that has ended."""
    with pytest.raises(sa.exc.OperationalError):
        store.write(commit(sequence))
    store.write(commit(sequence))


def test_server_whose_sessions_were_ended_takes_its_store_again_and_a_second_one_is_refused(
    store: Store, url: str, administrator: sa.Connection
) -> None:
    end_sessions(administrator)
    write_at_last(store, 2)
    second = Store(url)
    with pytest.raises(StoreTakenError, match="Another server"):
        second.take(SETTINGS)
    second.close()
    store.write(commit(3))


@pytest.mark.parametrize("is_gone", [False, True])
def test_server_whose_store_was_taken_meanwhile_writes_nothing_any_more(
    store: Store, url: str, administrator: sa.Connection, *, is_gone: bool
) -> None:
    end_sessions(administrator)
    second = Store(url)
    second.take(SETTINGS)
    if is_gone:
        second.close()
    with pytest.raises(StoreTakenError):
        write_at_last(store, 2)
    with pytest.raises(StoreTakenError), work(store, SYSTEM, 1):
        pytest.fail("an act began")
    for change in (lambda: store.change(outbox.update().values(status="dead")), lambda: store.trim(1, 8)):
        with pytest.raises(StoreTakenError):
            change()
    assert isinstance(store.lost, StoreError)
    if not is_gone:
        second.write(commit(2))
        second.close()
    assert len(store.rows(sa.select(journal.c.sequence))) == 2 - is_gone
    assert store.message_count("waiting") == 1


def test_act_of_a_server_that_wrote_no_event_since_finds_that_its_store_was_taken(
    store: Store, url: str, administrator: sa.Connection
) -> None:
    end_sessions(administrator)
    second = Store(url)
    second.take(SETTINGS)
    with pytest.raises(StoreTakenError), work(store, SYSTEM, 1):
        pytest.fail("an act began")
    second.close()


def test_server_without_work_holds_its_store_again(
    store: Store, url: str, administrator: sa.Connection
) -> None:
    end_sessions(administrator, only_the_locks=True)
    store.hold()
    second = Store(url)
    with pytest.raises(StoreTakenError):
        second.take(SETTINGS)
    second.close()


def test_session_of_a_servers_own_past_that_the_database_still_keeps_is_ended(
    store: Store, url: str, administrator: sa.Connection
) -> None:
    past, store._lock._session = store._lock._session, None
    with pytest.raises(StoreBusyError, match="held by another session"):
        store.hold()
    while administrator.scalar(sa.select(LOCKS.c.pid).where(OF_THE_LOCK)):
        pass
    store.hold()
    with pytest.raises(sa.exc.OperationalError):
        past.exec_driver_sql("select 1")
    second = Store(url)
    with pytest.raises(StoreTakenError):
        second.take(SETTINGS)
    second.close()


def test_session_of_somebody_else_that_has_the_lock_is_left_alone(
    store: Store, administrator: sa.Connection
) -> None:
    key = administrator.scalar(sa.select(LOCKS.c.objid).where(OF_THE_LOCK))
    end_sessions(administrator, only_the_locks=True)
    assert administrator.scalar(sa.select(sa.func.pg_try_advisory_lock(sa.cast(key, sa.BigInteger))))
    for _ in range(2):
        with pytest.raises(StoreBusyError):
            store.hold()
    administrator.exec_driver_sql("select pg_advisory_unlock_all()")
    store.hold()

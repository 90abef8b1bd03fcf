"""A store of an earlier program is brought up on every database: nothing lost, whole or not at all, by one at a time."""

import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata, render_python_code
from alembic.autogenerate.api import produce_migrations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from typer.testing import CliRunner

from limitkeeper.app.audit import verified
from limitkeeper.app.known_notices import inbox
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.shells.cli.main import application
from limitkeeper.store import migrations, tables
from limitkeeper.store.database import StoreError, database_at
from limitkeeper.store.lock import StoreTakenError
from limitkeeper.store.migrations import NEWEST, REVISIONS, UNREVISED, VERSION_TABLE
from limitkeeper.store.records import Commit
from limitkeeper.store.schema import metadata
from limitkeeper.store.sql import Store, opened_store
from limitkeeper.store.work import work
from tests.vaults import SEAL

BEFORE = Path(__file__).parents[1] / "stores_before"
SETTINGS = {"market": "CN"}
MONITOR = {table.name for table in vars(tables).values() if isinstance(table, sa.Table)}

Script = Callable[[str], None]
Rows = dict[str, list[tuple[Any, ...]]]


def run_script(url: str, script: str) -> None:
    """Run statements as an operator's own tool would."""
    database = database_at(url)
    with database.connect() as connection:
        if database.dialect.name == "sqlite":
            connection.connection.executescript(script)
        else:
            connection.connection.cursor().execute(script)
        connection.connection.commit()
    database.dispose()


def rows_of(url: str) -> Rows:
    database = database_at(url)
    with database.connect() as connection:
        names = sa.inspect(connection).get_table_names()
        found = {
            name: sorted(
                map(tuple, connection.execute(sa.select(sa.text("*")).select_from(sa.table(name)))), key=repr
            )
            for name in names
        }
    database.dispose()
    return found


def shape_of(url: str) -> dict[str, Any]:
    """Every column, key and index, as the database itself tells them."""
    database = database_at(url)
    with database.connect() as connection:
        look = sa.inspect(connection)
        found = {
            name: (
                sorted(
                    (each["name"], str(each["type"]), each["nullable"]) for each in look.get_columns(name)
                ),
                look.get_pk_constraint(name)["constrained_columns"],
                sorted(
                    (each["name"], each["column_names"], each["unique"]) for each in look.get_indexes(name)
                ),
                [each["column_names"] for each in look.get_unique_constraints(name)],
            )
            for name in look.get_table_names()
        }
    database.dispose()
    return found


@pytest.fixture
def before(database_url: str) -> str:
    """A store as the program before revisions made it, with a row in each of its tables."""
    run_script(
        database_url, (BEFORE / f"{sa.make_url(database_url).get_backend_name()}.sql").read_text("utf-8")
    )
    return database_url


def test_revisions_are_a_line_that_ends_at_the_newest() -> None:
    script = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert tuple(reversed([each.revision for each in script.walk_revisions()])) == REVISIONS
    assert script.get_heads() == [NEWEST]


def test_new_store_has_what_the_tables_say(database_url: str) -> None:
    store = Store(database_url)
    with store.database.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True}
        )
        if compare_metadata(context, metadata):
            missing = produce_migrations(context, metadata).upgrade_ops
            pytest.fail(
                f"src/limitkeeper/store/migrations/versions/revision_{NEWEST}_*.py lacks what store/*_tables.py have. "
                "Add this to it (to a revision of its own once that one is released):\n"
                + render_python_code(missing, migration_context=context)
            )
    store.close()


def test_store_of_an_earlier_program_becomes_what_the_tables_say_to_the_last_key(
    before: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    made = f"sqlite:///{tmp_path / 'made.db'}"
    if not before.startswith("sqlite"):
        made = request.getfixturevalue("postgres_server")("made_from_tables")
    database = database_at(made)
    metadata.create_all(database)
    database.dispose()
    store = Store(before, upgrades=True)
    store.upgrade()
    store.close()
    found = shape_of(before)
    del found[VERSION_TABLE]
    assert found == shape_of(made)


def test_upgrade_loses_nothing_and_the_server_goes_on(before: str) -> None:
    rows = rows_of(before)
    assert all(rows.values())
    store = Store(before, upgrades=True)
    assert store.take(SETTINGS) == 1
    now = rows_of(before)
    for (
        name,
        found,
    ) in rows.items():  # a column that is new comes last, and so do events of the upgrade itself
        same = [row[: len(found[0])] for row in now[name]][: len(found)]
        assert name in ("store_heads", "audit_heads") or same == found, name
    assert verified(store).broken is None
    head = now["store_heads"]
    assert [(row[1], row[2], json.loads(row[4])) for row in head] == [
        (tables.FORMAT, 1, {"events": {"accepted": 2, "rejected": 1}})
    ]
    store.write(Commit(2, "events", 1, 8, b"more", outbox=[
        {"subject": "y", "topic": "alert.opened", "content": "{}", "due_us": 3}]))  # fmt: skip
    assert [entry.content for entry in store.entries_after(0)] == [bytes(range(64)), b"more"]
    with work(store, SYSTEM, 1) as w:
        (notice,) = inbox(w, SEAL, "c")
        w.note("case.comment", "case:case-1")
    assert notice["kind"] == "freeze_lifted"
    assert verified(store).broken is None
    store.close()
    opened_store(before).close()


def test_store_of_the_monitor_alone_is_brought_up(before: str) -> None:
    store = Store(before, upgrades=True)
    with store.database.begin() as connection:
        for name in sorted(set(rows_of(before)) - MONITOR):
            connection.execute(sa.text(f"DROP TABLE {name}"))
    assert store.take(SETTINGS) == 1
    with work(store, SYSTEM, 1) as w:
        w.note("case.comment", "case:case-1")
    assert verified(store).events == 1
    store.close()


def test_counters_of_the_first_format_become_the_heads_counts(before: str) -> None:
    run_script(before, """
        ALTER TABLE store_heads DROP COLUMN counts; UPDATE store_heads SET format = 1; DROP TABLE portfolio_alerts;
        CREATE TABLE counters (name VARCHAR(40), label VARCHAR(80), value BIGINT NOT NULL, PRIMARY KEY (name, label));
        INSERT INTO counters VALUES ('events', 'accepted', 7), ('events', 'duplicate', 1), ('alerts', 'a"b', 2);
    """)  # fmt: skip
    store = Store(before, upgrades=True)
    assert store.take(SETTINGS) == 1
    assert store.counts() == {"events": {"accepted": 7, "duplicate": 1}, "alerts": {'a"b': 2}}
    assert "counters" not in rows_of(before)
    store.close()


def test_who_only_reads_an_earlier_store_is_told_how_to_upgrade_and_changes_nothing(before: str) -> None:
    rows = rows_of(before)
    for opened in (opened_store, Store):
        with pytest.raises(StoreError, match="limitkeeper store upgrade"):
            opened(before)
    assert rows_of(before) == rows


def test_store_of_a_newer_program_is_refused_by_all(database_url: str) -> None:
    Store(database_url).close()
    run_script(database_url, "UPDATE store_revision SET version_num = '9999'")
    for opened in (opened_store, Store, lambda url: Store(url, upgrades=True)):
        with pytest.raises(StoreError, match=f"newer program.*9999.*up to {NEWEST}"):
            opened(database_url)


def test_reader_makes_no_store_of_an_empty_database(database_url: str) -> None:
    run_script(database_url, "SELECT 1")
    with pytest.raises(StoreError, match="no such store"):
        opened_store(database_url)
    assert rows_of(database_url) == {}


def test_store_is_not_upgraded_under_a_server_that_runs(before: str) -> None:
    running = Store(before, upgrades=True)
    running.take(SETTINGS)
    second = Store(before, upgrades=True)
    with pytest.raises(StoreTakenError, match="Another server"):
        second.upgrade()
    second.close()
    running.close()


def test_engine_that_lost_its_lock_cannot_write_behind_an_upgrade(before: str) -> None:
    overtaken = Store(before, upgrades=True)
    overtaken.epoch = 1  # that of the server which made the store
    store = Store(before, upgrades=True)
    store.upgrade()
    with pytest.raises(StoreTakenError):
        overtaken.write(Commit(2, "events", 1, 8, b"late"))
    store.close()
    overtaken.close()


def test_many_who_open_an_empty_database_at_once_make_one_store(database_url: str) -> None:
    problems: list[BaseException] = []

    def opens() -> None:
        try:
            Store(database_url).close()
        except BaseException as error:  # noqa: BLE001 - told below
            problems.append(error)

    threads = [threading.Thread(target=opens) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert rows_of(database_url)[VERSION_TABLE] == [(NEWEST,)]
    assert len(rows_of(database_url)["audit_heads"]) == 1


def test_file_in_which_another_writes_while_it_is_opened_first_is_waited_for(tmp_path: Path) -> None:
    place = tmp_path / "store.db"
    other = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
    other.execute("begin immediate")
    later = threading.Timer(0.3, other.execute, ["commit"])
    later.start()
    Store(f"sqlite:///{place}").close()
    later.join()
    other.close()


KILLED = """
import os, signal, sys
import sqlalchemy as sa
from limitkeeper.store.sql import Store

seen = 0

def kill(_c, _cursor, statement, *_):
    global seen
    seen += statement.lstrip().upper().startswith(("CREATE", "UPDATE", "INSERT", "ALTER"))
    if seen == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

store = Store(sys.argv[1], upgrades=True)
sa.event.listen(store.database, "after_cursor_execute", kill)
store.upgrade()
"""


@pytest.mark.parametrize("statement", [1, 2, 12, 40, 44, 47])
def test_upgrade_that_is_killed_leaves_the_store_as_it_was_and_is_done_again(
    before: str, statement: int
) -> None:
    rows = rows_of(before)
    killed = subprocess.run([sys.executable, "-c", KILLED, before, str(statement)], check=False)
    assert killed.returncode == -9
    assert rows_of(before) == rows
    store = Store(before, upgrades=True)
    for patience in range(100):  # until the database has noticed that its client is gone
        try:
            assert store.take(SETTINGS) == 1
            break
        except StoreTakenError:
            assert patience < 99
            time.sleep(0.1)
    assert rows_of(before)[VERSION_TABLE] == [(NEWEST,)]
    store.close()


def limitkeeper(*arguments: str, code: int = 0) -> str:
    found = CliRunner().invoke(application, arguments, catch_exceptions=False)
    assert found.exit_code == code, found.output
    return found.output


def test_operator_sees_what_is_to_come_and_upgrades_himself(before: str) -> None:
    rows = rows_of(before)
    document = json.loads(limitkeeper("store", "status", "--store", before, "--json", code=1))
    assert document["revision"] == UNREVISED
    assert [step["revision"] for step in document["to_come"]] == list(REVISIONS)
    assert "To come" in limitkeeper("store", "status", "--store", before, code=1)
    assert "CREATE TABLE" in limitkeeper("store", "upgrade", "--store", before, "--dry-run")
    assert rows_of(before) == rows
    assert NEWEST in limitkeeper("store", "upgrade", "--store", before)
    assert "this program's" in limitkeeper("store", "status", "--store", before)
    assert json.loads(limitkeeper("store", "upgrade", "--store", before, "--dry-run", "--json"))["sql"] == ""


def test_statements_of_a_dry_run_do_what_the_upgrade_does(before: str) -> None:
    statements = limitkeeper("store", "upgrade", "--store", before, "--dry-run")
    assert "-- No statement makes known to the audit what stands" in statements
    run_script(before, statements)
    store = Store(before)
    assert store.take(SETTINGS) == 1
    assert verified(store).broken is None
    store.close()

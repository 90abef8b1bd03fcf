"""The schema's revisions: a store is made, and brought up from an earlier one, by the same steps."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from limitkeeper.store.turns import in_turn

REVISIONS = tuple(
    path.stem.split("_")[1] for path in sorted((Path(__file__).parent / "versions").glob("revision_*.py"))
)
"""In their order, each named by its file."""

NEWEST = REVISIONS[-1]

VERSION_TABLE = "store_revision"
"""Not Alembic's own name: others may keep their tables in the same database."""

EMPTY, UNREVISED = "", "0000"
"""Of a database without tables of ours, and of a store from before there were revisions."""

LOCK_SECONDS = 10
"""So long an upgrade waits for those who use the tables; then it gives up and nothing is changed."""


@dataclass(frozen=True, slots=True)
class Step:
    """A revision that is to come.

    Parameters
    ----------
    revision
        Of :data:`REVISIONS`.
    says
        What it brings, a line.
    """

    revision: str
    says: str


def revision_of(connection: sa.Connection) -> str:
    """The revision that a database is at: :data:`EMPTY`, :data:`UNREVISED`, or one that may be newer than any known."""
    tables = sa.inspect(connection).get_table_names()
    if VERSION_TABLE in tables:
        found = connection.scalar(sa.text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 - a constant
        return str(found or UNREVISED)
    return UNREVISED if "store_heads" in tables else EMPTY


def is_newer(revision: str) -> bool:
    """Whether a revision is of a later program than this one.

    Examples
    --------
    >>> is_newer(NEWEST), is_newer(UNREVISED), is_newer("9999")
    (False, False, True)
    """
    return revision not in (EMPTY, UNREVISED, *REVISIONS)


def steps_from(revision: str) -> list[Step]:
    """What is to be done to a store of a revision."""
    script = _script()
    return [
        Step(each.revision, each.doc.rstrip("."))
        for each in reversed(list(script.iterate_revisions(NEWEST, _alembic_name(revision) or "base")))
    ]


def upgrade(connection: sa.Connection) -> None:
    """Bring a store to the newest revision, or make one, in the transaction that is under way.

    Whoever comes second waits, and finds it done. An engine that still writes is fenced off in the same transaction.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
    in_turn(connection, "limitkeeper schema")
    revision = revision_of(connection)
    if revision == NEWEST:
        return
    if revision != EMPTY:
        connection.exec_driver_sql("UPDATE store_heads SET epoch = epoch + 1")
    _run(connection, revision)


def upgrade_sql(connection: sa.Connection) -> str:
    """The statements that :func:`upgrade` would run; nothing is changed."""
    content = io.StringIO()
    _run(connection, revision_of(connection), content)
    return content.getvalue()


def _run(connection: sa.Connection, revision: str, content: io.StringIO | None = None) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext

    config, script = Config(), _script()
    config.attributes["tables"] = frozenset(sa.inspect(connection).get_table_names())

    def steps(at: Any, _context: object) -> Any:  # noqa: ANN401 - Alembic's own
        return script._upgrade_revs("head", at)  # noqa: SLF001 - as Alembic's command does

    where: dict[str, Any] = {"as_sql": True, "starting_rev": _alembic_name(revision)} if content else {}
    with EnvironmentContext(config, script, fn=steps, destination_rev="head", **where) as environment:
        environment.configure(
            connection=connection,
            version_table=VERSION_TABLE,
            transactional_ddl=True,
            output_buffer=content,
        )
        environment.run_migrations()


def _alembic_name(revision: str) -> str | None:
    return None if revision in (EMPTY, UNREVISED) else revision


def _script() -> Any:  # noqa: ANN401 - imported late: only who upgrades waits for Alembic
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(Path(__file__).parent))

"""A person's ids taken out of the monitor: its state, the journal and every snapshot."""

from collections.abc import Mapping
from pathlib import Path

import sqlalchemy as sa
import structlog

from limitkeeper.core.kernel.errors import told_in_log
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.renaming import places_of
from limitkeeper.engines.embedded.requests import BusyError, Request
from limitkeeper.engines.embedded.snapshot import only_snapshot_kept
from limitkeeper.store.renaming import journal_renamed

log = structlog.get_logger()

ANSWER_SECONDS = 600.0


def ids_erased(engine: Engine, names: Mapping[str, str]) -> None:
    """Call a person's accounts and himself by names that lead nowhere, wherever the monitor keeps them.

    Done again after it was cut off, it does the rest. The snapshots from before go: one of now takes their place first.

    Parameters
    ----------
    engine
        Which runs.
    names
        By each id its new name.

    Raises
    ------
    BusyError
        When no snapshot can be written now.
    """
    places = engine.submit(Request("read", lambda running: places_of(running.state, names))).result(
        ANSWER_SECONDS
    )
    if places.height:
        engine.submit(Request("erase", places)).result(ANSWER_SECONDS)
    journal_renamed(engine.store, names)

    def snapshot(running: Engine) -> Path | None:
        try:
            return running.take_snapshot()
        except (OSError, sa.exc.SQLAlchemyError) as error:
            log.warning("snapshot_failed", problem=told_in_log(error))
            return None

    kept = engine.submit(Request("read", snapshot)).result(ANSWER_SECONDS)
    if kept is None:
        raise BusyError(
            "No snapshot can be written, and the ones before still name an erased person.",
            advice="Try again later.",
        )
    only_snapshot_kept(kept)

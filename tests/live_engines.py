"""Engines over simulated lives, and what they leave behind, for tests and long runs."""

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from limitkeeper.connectors.events import read_events
from limitkeeper.core.risk.model import Model
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import Answer, Request
from limitkeeper.engines.embedded.settings import Settings
from limitkeeper.engines.embedded.start import Decisive, Place, running_engine
from limitkeeper.simulation.life import SimulatedLife, simulated_life
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import alerts, portfolio_alerts, proposals

NOW_US = int(dt.datetime(2026, 11, 23, tzinfo=dt.UTC).timestamp()) * 1_000_000

NOT_COMPARED = {"sequence"}
"""Which micro-batch wrote a row depends on how events were cut; nothing else does."""


@cache
def life(accounts: int = 120, days: int = 150, seed: int = 3) -> SimulatedLife:
    """A simulated life, late events and duplicates included."""
    return simulated_life(accounts, days, seed)


def engine(url: str, folder: Path, *, snapshot_seconds: float = 0.0) -> Engine:
    """An engine that has recovered and runs, under the standard strategy without a model."""
    return running_engine(Place(url, Settings(folder, snapshot_seconds)), lambda: NOW_US)


@contextmanager
def lived_engine(folder: Path, model: Model) -> Iterator[Engine]:
    """An engine with a model whose accounts have lived for sixty days, until the end of the block."""
    place = Place(f"sqlite:///{folder}/store.db", Settings(folder, 0.0), Decisive(model=model))
    found = running_engine(place, lambda: NOW_US)
    lived = life(60, 60)
    found.submit(Request("accounts", lived.accounts)).result()
    sent(found, lived.events)
    yield found
    found.stop()


def sent(running: Engine, events: pl.DataFrame, cuts: Sequence[int] = ()) -> list[Answer]:
    """The answers to events that were sent in parts, each when the one before was committed."""
    bounds = [0, *sorted(cuts), events.height]
    answers = []
    for start, stop in pairwise(bounds):
        if stop > start:
            read = read_events(events[start:stop])
            answers.append(running.submit(Request("events", read, stop - start)).result())
    return answers


def left_behind(store: Store) -> dict[str, list[dict[str, Any]]]:
    """The alerts, proposals and unusual days of a store, in order of their ids."""
    found = {}
    keys = (alerts.c.alert_id, proposals.c.proposal_id, portfolio_alerts.c.alert_id)
    for table, key in zip((alerts, proposals, portfolio_alerts), keys, strict=True):
        columns = [column for column in table.c if column.name not in NOT_COMPARED]
        found[table.name] = store.rows(sa.select(*columns).order_by(key))
    return found


def state_bytes(running: Engine) -> list[dict[str, bytes]]:
    """The whole state, to the byte."""
    arrays = [{name: array.tobytes() for name, array in part.items()} for part in running.state.arrays()]
    return [*arrays, {"notes": json.dumps(running.state.notes()).encode()}]


def portraits(running: Engine, accounts: Iterable[str]) -> dict[str, Any]:
    """Portraits of accounts as of a fixed time."""
    from limitkeeper.engines.embedded.portrait import portrait

    return {account: portrait(running, account, NOW_US) for account in accounts}

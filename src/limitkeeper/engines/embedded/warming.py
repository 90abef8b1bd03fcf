"""Kernels are compiled, or loaded, before anybody looks: every view is had once of accounts that are nobody's.

They stand beside the engine that runs, which neither waits for them nor changes.
"""

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl

from limitkeeper.connectors.messages import EventMessage, checked_messages
from limitkeeper.core.behaviour.events import HOUR_US
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.engines.embedded.arrivals import arrivals_of_messages
from limitkeeper.engines.embedded.boundaries import SHARDS
from limitkeeper.engines.embedded.comparison import comparison
from limitkeeper.engines.embedded.economics import economics
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.portrait import looked_at, portrait
from limitkeeper.engines.embedded.relations_picture import relations_picture
from limitkeeper.engines.embedded.sample import Sample, sample_of, seen

NOBODYS = tuple(f"nobody-{k}" for k in range(4 * SHARDS))
"""Several in each shard: kernels of one row are others, where its columns lie otherwise."""

NOBODY = NOBODYS[0]


def warming(engine: Engine) -> Iterator[str]:
    """The names of the steps, each as soon as it is done; none is undone by leaving off between two.

    Parameters
    ----------
    engine
        Which runs: what decides there decides here.
    """
    beside = Engine(
        engine.store, engine.policy_of, engine.settings, engine.now_us
    )  # its store is never taken
    try:
        now_us = engine.now_us()
        for name, step in _steps(beside, now_us):
            step()
            yield name
    finally:
        beside.state.close()


def _steps(beside: Engine, now_us: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """Views first: of all kernels those of events take longest."""
    state, terms = beside.state, beside.policy.terms
    stated = pl.DataFrame({"account_id": NOBODYS, "limit_cents": [1_000_000.0] * len(NOBODYS)})
    yield "accounts", lambda: state.register(stated)
    yield "portrait", lambda: portrait(beside, NOBODY, now_us)
    yield "assessment", lambda: looked_at(beside, NOBODY, now_us)
    yield "economics", lambda: economics(beside, NOBODY, now_us)
    yield "sample", lambda: comparison(beside, NOBODY, now_us, _sample(beside, now_us))
    events = checked_messages(
        [
            EventMessage(f"of {name}", name, instant_text(now_us - HOUR_US), "purchase", 20_000)
            for name in NOBODYS
        ]
    )
    yield "events", lambda: state.apply(arrivals_of_messages(events, terms.time_zone))
    yield "clock", lambda: state.tick(now_us)
    yield "relations", lambda: relations_picture(beside, NOBODY, now_us)


def _sample(beside: Engine, now_us: int) -> Sample:
    """A sample of all of them."""
    shards = enumerate(beside.state.shards)
    slices = [seen(place, np.arange(len(shard.ids)))(beside) for place, shard in shards]
    return sample_of(beside, slices, len(NOBODYS), now_us)

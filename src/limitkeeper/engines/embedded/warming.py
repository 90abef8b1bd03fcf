"""Kernels are compiled, or loaded, before anybody looks: every view is had once of accounts that are nobody's.

They stand beside the engine that runs, which neither waits for them nor changes.
"""

from collections.abc import Callable, Iterator
from itertools import count

import numpy as np
import polars as pl

from limitkeeper.connectors.messages import EventMessage, checked_messages
from limitkeeper.core.alerts.arms import arm_of_bucket
from limitkeeper.core.behaviour.events import HOUR_US
from limitkeeper.core.compliance.buckets import bucket_of
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.engines.embedded.arrivals import arrivals_of_messages
from limitkeeper.engines.embedded.boundaries import SHARDS
from limitkeeper.engines.embedded.comparison import comparison
from limitkeeper.engines.embedded.economics import economics
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.policy import Policies
from limitkeeper.engines.embedded.portrait import looked_at, portrait
from limitkeeper.engines.embedded.relations_picture import relations_picture
from limitkeeper.engines.embedded.sample import Sample, sample_of, seen
from limitkeeper.engines.embedded.terms import LiveTerms

NOBODYS = 4 * SHARDS
"""So many of each arm, several in each shard: kernels of one row are others, where its columns lie otherwise."""


def nobodys(terms: LiveTerms) -> list[str]:
    """Names of accounts that are nobody's: some of each arm, the champion's first."""
    arms = arm_of_bucket([arm.buckets for arm in terms.arms])
    by_arm: list[list[str]] = [[] for _ in terms.arms]
    names = (f"nobody-{k}" for k in count())
    while min(map(len, by_arm)) < NOBODYS:
        name = next(names)
        own = by_arm[arms[bucket_of(name, terms.market)]]
        if len(own) < NOBODYS:
            own.append(name)
    return [name for own in by_arm for name in own]


def warming(engine: Engine, policies: Policies | None = None) -> Iterator[str]:
    """The names of the steps, each as soon as it is done; none is undone by leaving off between two.

    Parameters
    ----------
    engine
        Which runs.
    policies
        What decides; None for what decides there.
    """
    beside = Engine(  # its store is never taken
        engine.store, policies or engine.policies, engine.settings, engine.now_us
    )
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
    names = nobodys(terms)
    nobody, one_of_each_arm = names[0], names[::NOBODYS]
    stated = pl.DataFrame({"account_id": names, "limit_cents": [1_000_000.0] * len(names)})
    yield "accounts", lambda: state.register(stated)
    yield "portrait", lambda: portrait(beside, nobody, now_us)
    yield "assessment", lambda: [looked_at(beside, each, now_us) for each in one_of_each_arm]
    yield "economics", lambda: economics(beside, nobody, now_us)
    yield "sample", lambda: comparison(beside, nobody, now_us, _sample(beside, now_us))
    events = checked_messages(
        [
            EventMessage(f"of {name}", name, instant_text(now_us - HOUR_US), "purchase", 20_000)
            for name in names
        ]
    )
    yield "events", lambda: state.apply(arrivals_of_messages(events, terms.time_zone))
    yield "clock", lambda: state.tick(now_us)
    yield "relations", lambda: relations_picture(beside, nobody, now_us)


def _sample(beside: Engine, now_us: int) -> Sample:
    """A sample of all of them."""
    shards = enumerate(beside.state.shards)
    slices = [seen(place, np.arange(len(shard.ids)))(beside) for place, shard in shards]
    return sample_of(beside, slices, len(beside.state), now_us)

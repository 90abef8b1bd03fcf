"""What goes live decides at once: a running server takes it up between two micro-batches."""

import structlog

from limitkeeper.app.live import Shares, is_trial, live_arms, live_shares, shares_of
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.kernel.errors import LimitkeeperError
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.policy import Policies
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.engines.embedded.warming import warming
from limitkeeper.shells.feeds.loop import Loop
from limitkeeper.store.work import reading

LOOK_SECONDS = 2.0
"""Between two looks at what is live."""

log = structlog.get_logger()


def releases_loop(engine: Engine) -> Loop:
    """The thread that has what went live, was rolled back or retired decide; what cannot is told of in the log, once."""
    refused: Shares = []

    def work() -> bool:
        nonlocal refused
        live = shares_to_take_up(engine)
        if not live or live == refused:
            return False
        names = [name for name, _ in live]
        try:
            policies = live_policies(engine)
        except LimitkeeperError as error:
            log.warning("release_not_taken_up", releases=names, problem=str(error))
            refused = live
            return False
        engine.submit(Request("policy", policies)).result()
        log.info("release_taken_up", releases=names)
        return False

    return Loop("releases", work, LOOK_SECONDS)


def shares_to_take_up(engine: Engine) -> Shares:
    """What is live in a server's market where something else decides; empty in a trial, and where nothing is live."""
    market = engine.policies.market
    with reading(engine.store, SYSTEM, 0) as w:
        live = [] if is_trial(w) else live_shares(w, market)
    return [] if live == shares_of(engine.policies.arms, market) else live


def live_policies(engine: Engine) -> Policies:
    """What is live, ready to decide: its kernels are compiled here, so that no event waits for them.

    Raises
    ------
    LimitkeeperError
        When what is kept is not what its hash names, or live events do not give what it reads.
    """
    with reading(engine.store, SYSTEM, 0) as w:
        arms = live_arms(w, engine.policies.market)
    policies = engine.policies.with_arms(arms)
    for _ in warming(engine, policies):
        pass
    return policies

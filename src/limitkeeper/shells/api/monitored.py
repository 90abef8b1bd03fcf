"""What the monitor holds of a person's accounts, as rows of his copy: their portraits now, and their last 180 days."""

from collections.abc import Iterable
from typing import Any

from limitkeeper.app.personal_copy import HISTORY, PORTRAIT
from limitkeeper.app.timeline import monitor_items
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.portrait import portrait
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.shells.api.answers import done

Rows = dict[str, list[dict[str, Any]]]


async def limits_of(engine: Engine, account_ids: Iterable[str]) -> dict[str, float | None]:
    """The limits of accounts as of now, None where one is not known; of those that the monitor does not know, none."""

    def read(running: Engine) -> dict[str, float | None]:
        known = [each for each in account_ids if running.state.number(each) is not None]
        return {
            each: portrait(running, each, running.as_of_us())["features"]["limit_cents"] for each in known
        }

    found: dict[str, float | None] = await done(engine, Request("read", read))
    return found


async def monitored(engine: Engine, account_ids: Iterable[str]) -> Rows:
    """The portraits of accounts as of now, and their events and bills; of those that the monitor does not know, none."""

    def read(running: Engine) -> Rows:
        found: Rows = {PORTRAIT: [], HISTORY: []}
        for account_id in account_ids:
            place = running.state.number(account_id)
            if place is None:
                continue
            found[PORTRAIT].append(portrait(running, account_id, running.as_of_us()))
            history = running.state.shards[place[0]].books.behaviour.history(place[1])
            found[HISTORY] += [
                {"account_id": account_id, **{name: each for name, each in item.items() if each is not None}}
                for _, item in sorted(monitor_items(history), key=lambda each: each[0])
            ]
        return found

    known: Rows = await done(engine, Request("read", read))
    return known

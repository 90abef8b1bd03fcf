"""Events of a feed handed to the engine: it waits where the queue is full, and gives up only where the engine stops."""

import threading

from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import Answer, BusyError, Request


def handed_over(engine: Engine, request: Request, stopping: threading.Event) -> None:
    """Put a request in the engine's queue, as soon as there is room.

    Raises
    ------
    StoppedError
        When the engine takes nothing more.
    BusyError
        When the feed is to stop while there is no room.
    """
    while True:
        try:
            engine.submit(request)
        except BusyError:
            if stopping.wait(0.05):
                raise
        else:
            return


def answered(engine: Engine, request: Request, stopping: threading.Event) -> Answer:
    """What became of a request's events, once they are committed."""
    handed_over(engine, request, stopping)
    found: Answer = request.answer.result()
    return found

"""A thread that does its work again and again until it is told to stop."""

import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger()

FAILURE_SECONDS = 5.0
"""Rest after a round that failed."""


class Loop:
    """Rounds of work in a thread of its own; a round that fails is told of in the log, and the next one comes.

    Parameters
    ----------
    name
        Of the thread and in the log.
    work
        One round; whether more waits, so that the next one comes at once.
    rest_seconds
        Between rounds.
    end
        Done once, after the last round.
    """

    def __init__(
        self, name: str, work: Callable[[], bool], rest_seconds: float, end: Callable[[], None] | None = None
    ) -> None:
        self.name, self.work, self.rest_seconds, self.end = name, work, rest_seconds, end
        self.stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the rounds; not done in the making of it, because the work of a round may ask for its own loop."""
        self._thread.start()

    def _run(self) -> None:
        while not self.stopping.is_set():
            rest = self.rest_seconds
            try:
                if self.work():
                    rest = 0.0
            except Exception as error:  # noqa: BLE001 - a thread that ends in silence is seen by nobody
                log.warning("round_failed", loop=self.name, problem=f"{type(error).__name__}: {error}"[:500])
                rest = FAILURE_SECONDS
            self.stopping.wait(rest)
        if self.end is not None:
            self.end()

    def stop(self) -> None:
        """Stop after the round that is under way."""
        self.stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

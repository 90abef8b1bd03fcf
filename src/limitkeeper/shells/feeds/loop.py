"""A thread that does its work again and again until it is told to stop."""

import threading
from collections.abc import Callable, Mapping

import sqlalchemy as sa
import structlog

from limitkeeper.core.kernel.errors import told_in_log
from limitkeeper.store.bell import Bell
from limitkeeper.store.database import StoreError

log = structlog.get_logger()

FAILURE_SECONDS = 5.0
"""Rest after a round that failed."""


def each_done(stages: Mapping[str, Callable[[], int]]) -> int:
    """Do the stages of a round in their order, also those behind one that fails; how much was done.

    What cannot be done, such as one campaign, stops nothing else: letters go out and clocks end.

    Parameters
    ----------
    stages
        By the names that the log tells.

    Raises
    ------
    Exception
        The first failure, once every stage had its turn; at once, where the store is away.
    """
    done, failed = 0, None
    for name, stage in stages.items():
        try:
            done += stage()
        except (StoreError, sa.exc.OperationalError):
            raise
        except Exception as error:  # noqa: BLE001 - it is raised below
            log.warning("stage_failed", stage=name, problem=told_in_log(error)[:500])
            failed = failed or error
    if failed is not None:
        raise failed
    return done


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
    bell
        After the rest, the next round waits until it was rung since the last one began, at most ``silence_seconds``.
    silence_seconds
        After so long there is a round without the bell: others may have written, and what waits becomes due.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], bool],
        rest_seconds: float,
        end: Callable[[], None] | None = None,
        bell: Bell | None = None,
        silence_seconds: float = 0.0,
    ) -> None:
        self.name, self.work, self.rest_seconds, self.end = name, work, rest_seconds, end
        self.bell, self.silence_seconds = bell, silence_seconds
        self.stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the rounds; not done in the making of it, because the work of a round may ask for its own loop."""
        self._thread.start()

    def _run(self) -> None:
        while not self.stopping.is_set():
            rest, silence = self.rest_seconds, self.silence_seconds
            heard = self.bell.rung if self.bell else 0
            try:
                if self.work():
                    rest = silence = 0.0
            except Exception as error:  # noqa: BLE001 - a thread that ends in silence is seen by nobody
                log.warning("round_failed", loop=self.name, problem=told_in_log(error)[:500])
                rest, silence = FAILURE_SECONDS, 0.0
            if not self.stopping.wait(rest) and self.bell:
                self.bell.awaited(heard, silence)
        if self.end is not None:
            self.end()

    def stop(self) -> None:
        """Stop after the round that is under way."""
        self.stopping.set()
        if self.bell:
            self.bell.ring()
        if self._thread.ident is not None:
            self._thread.join()

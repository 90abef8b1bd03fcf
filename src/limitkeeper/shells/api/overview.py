"""The overview by HTTP: what comes in, what waits, what changed since yesterday, what the portfolio is worth."""

import time
from collections import deque
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from limitkeeper.app.kept import Kept
from limitkeeper.app.overview import work_overview
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.findings import TRIGGERS
from limitkeeper.engines.embedded.sample import Sample, Sampler
from limitkeeper.shells.api import overview_documents as documents
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.answer_schemas import PROPOSED
from limitkeeper.shells.api.answers import answer
from limitkeeper.shells.api.measures import alerts_quiet_us, event_time_lag_seconds
from limitkeeper.shells.terminal.figures import rate

WORK_SECONDS = 3.0
"""What is counted in the store is counted again after so long, however many ask."""

SAMPLE_SECONDS = 60.0
"""The portfolio is looked at again after so long."""

RATE_SECONDS = 10.0
"""Events a second are told over about so long."""

OUTCOMES = ("accepted", "rejected", "duplicate")


class EventRate:
    """Events accepted a second, between the looks of those who ask."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int]] = deque()

    def per_second(self, seconds: float, accepted: int) -> float | None:
        """The rate over the last seconds, None where nobody asked in them.

        Parameters
        ----------
        seconds
            By a clock that never goes back.
        accepted
            Events in all.

        Examples
        --------
        >>> seen = EventRate()
        >>> seen.per_second(0.0, 100), seen.per_second(2.0, 150), seen.per_second(60.0, 150)
        (None, 25.0, None)
        """
        while self._looks and seconds - self._looks[0][0] > RATE_SECONDS:
            self._looks.popleft()
        found = rate(self._looks[0][1], accepted, seconds - self._looks[0][0]) if self._looks else None
        if not self._looks or seconds - self._looks[-1][0] >= 1.0:  # so many looks are kept at most
            self._looks.append((seconds, accepted))
        return found


class Overview:
    """The figures of the whole bank, each made at most once in a while for all who ask.

    Parameters
    ----------
    engine
        Which runs.
    sample_seconds
        After which the portfolio is looked at again.
    work_seconds
        After which the store is counted again.
    """

    def __init__(
        self, engine: Engine, *, sample_seconds: float = SAMPLE_SECONDS, work_seconds: float = WORK_SECONDS
    ) -> None:
        self._engine, self._rate = engine, EventRate()
        self._work = Kept(
            lambda: work_overview(
                engine.store, engine.as_of_us(), alerts_quiet_us(engine), TRIGGERS, PROPOSED
            ),
            work_seconds,
        )
        self.sampler = Sampler(engine)
        self._sample = Kept(self.sampler.sample, sample_seconds)

    def sample(self) -> Sample:
        """The sample of the accounts, as it was looked at last."""
        return self._sample.value()

    def document(self) -> dict[str, Any]:
        """All of it as JSON."""
        sample = self.sample()
        portfolio = {"as_of": instant_text(sample.as_of_us)} | sample.portfolio
        return {**self._work.value(), "events": self._events(), "portfolio": portfolio}

    def _events(self) -> dict[str, Any]:
        engine = self._engine
        counts = {outcome: engine.counts.get(("events", outcome), 0) for outcome in OUTCOMES}
        return {
            **counts,
            "accepted_per_second": self._rate.per_second(time.monotonic(), counts["accepted"]),
            "event_time_lag_seconds": event_time_lag_seconds(engine),
            "waiting": engine.queue.waiting_events,
            "sequence": engine.sequence,
        }


def overview_router(overview: Overview) -> APIRouter:
    """The route of the overview."""
    router = APIRouter(tags=["overview"])

    @router.get("/v1/overview", responses=documents.OVERVIEW, dependencies=[Depends(May("overview.read"))])
    async def tell_overview() -> Response:
        """Tell what comes in, what waits, what changed since yesterday, and what the portfolio is worth.

        It may be asked for often: counts are of the last seconds (`at`), the portfolio of the last minute
        (`portfolio.as_of`), whoever asks. Of more than 20,000 accounts a sample of that many is looked at, always the
        same, and scaled up.
        """
        return answer(await run_in_threadpool(overview.document))

    return router

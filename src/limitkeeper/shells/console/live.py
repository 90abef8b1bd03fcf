"""What pages show as it happens: figures and alerts, worked out once a second for all who watch.

The engine's thread only leaves its messages; each second one task makes one text a language of them, and all watchers
who are told the same are sent the same bytes. So fifty open pages cost the engine what one costs.
"""

import asyncio
import contextlib
import datetime as dt
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool

from limitkeeper.app.kept import Kept
from limitkeeper.app.overview import waiting_now
from limitkeeper.core.kernel.errors import LimitkeeperError
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.findings import TRIGGERS
from limitkeeper.engines.embedded.requests import BusyError
from limitkeeper.shells.api.access import Gate
from limitkeeper.shells.api.acts import Desk
from limitkeeper.shells.api.measures import event_time_lag_seconds
from limitkeeper.shells.console.labels import label

WATCHERS_MAX = 256
"""Pages that may watch at a time."""

BEAT_SECONDS = 1.0

WAITING_SECONDS = 5.0
"""What waits is counted in the store again after so long, and only while a page that shows it is open."""

ALERTS_TOLD = 20
"""Alerts of a second that are told, the newest; the page has the others when it is opened again."""

SECONDS_BETWEEN_LOOKS_AT_SESSION = 15.0

BEATS_KEPT = 5
"""Seconds that wait for one watcher; of a slower one the older are dropped."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a watcher is told: in which language, and whether with what waits."""

    language: str
    waiting: bool = False


@dataclass
class Live:
    """Tells watchers what happens.

    Parameters
    ----------
    engine
        Which runs.
    gate
        Tells whether a session still stands.
    desk
        Where it is noted who watches.
    """

    engine: Engine
    gate: Gate
    desk: Desk
    _watchers: dict[asyncio.Queue[bytes], Told] = field(default_factory=dict, repr=False)
    _alerts: OrderedDict[str, dict[str, Any]] = field(default_factory=OrderedDict, repr=False)
    _task: "asyncio.Task[None] | None" = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self._waiting = Kept(lambda: waiting_now(self.engine.store, TRIGGERS), WAITING_SECONDS)

    async def watched(self, token: str, told: Told) -> AsyncIterator[bytes]:
        """Server-Sent Events for one watcher, until his session is over or the server stops."""
        with self._place(told) as beats:
            yield b": limitkeeper\n\n"
            looked = time.monotonic()
            while not self.engine.stopping:
                with contextlib.suppress(TimeoutError):
                    yield await asyncio.wait_for(beats.get(), 2 * BEAT_SECONDS)
                if time.monotonic() - looked > SECONDS_BETWEEN_LOOKS_AT_SESSION:
                    looked = time.monotonic()
                    try:
                        await self.gate.watching(token)
                    except LimitkeeperError:
                        return

    def check_place(self) -> None:
        """Nothing, where one more may watch.

        Raises
        ------
        BusyError
            When every place is taken.
        """
        if len(self._watchers) >= WATCHERS_MAX:
            raise BusyError("Too many pages watch.", value=len(self._watchers), allowed=WATCHERS_MAX)

    @contextlib.contextmanager
    def _place(self, told: Told) -> Iterator[asyncio.Queue[bytes]]:
        beats: asyncio.Queue[bytes] = asyncio.Queue(BEATS_KEPT)
        self._watchers[beats] = told
        if self._task is None:
            self.engine.listeners = [*self.engine.listeners, self._listen]
            self._task = asyncio.get_running_loop().create_task(self._tell())
        try:
            yield beats
        finally:
            del self._watchers[beats]
            if not self._watchers and self._task:
                self._task.cancel()
                self._task = None
                self.engine.listeners = [each for each in self.engine.listeners if each != self._listen]

    def _listen(self, messages: list[dict[str, Any]]) -> None:
        """Take messages in the engine's thread: the newest of each alert."""
        for message in messages[-ALERTS_TOLD:]:
            if message["topic"].startswith("alert."):
                self._alerts[message["subject"]] = message
        while len(self._alerts) > ALERTS_TOLD:
            with contextlib.suppress(KeyError):  # the other thread takes them meanwhile
                self._alerts.popitem(last=False)

    async def _tell(self) -> None:
        events, since = self._events(), time.monotonic()
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            now, seconds = self._events(), time.monotonic() - since
            rate, events, since = (now - events) / seconds, now, time.monotonic()
            alerts, self._alerts = list(self._alerts.values()), OrderedDict()
            wanted = set(self._watchers.values())
            waiting: dict[str, int] = {}
            if any(told.waiting for told in wanted):
                with contextlib.suppress(
                    DBAPIError
                ):  # a store that is away keeps nothing else from being told
                    waiting = await run_in_threadpool(self._waiting.value)
            texts = {
                told: self._text(told.language, rate, alerts, waiting if told.waiting else {})
                for told in wanted
            }
            for beats, told in self._watchers.items():
                if told not in texts:  # it came while the store was counted
                    continue
                if beats.full():
                    beats.get_nowait()
                beats.put_nowait(texts[told])

    def _events(self) -> int:
        return sum(count for (counter, _), count in self.engine.counts.copy().items() if counter == "events")

    def _text(
        self, language: str, rate: float, alerts: list[dict[str, Any]], waiting: dict[str, int]
    ) -> bytes:
        engine, zone = self.engine, self.engine.policy.terms.time_zone
        figures = {
            "events_per_second": f"{rate:,.0f}",
            "lag_seconds": f"{event_time_lag_seconds(engine):,.0f} s",
            "waiting_events": f"{engine.queue.waiting_events:,}",
            "accounts": f"{len(engine.state):,}",
            **{name: f"{count:,}" for name, count in waiting.items()},
        }
        text = b"event: figures\ndata: " + msgspec.json.encode(figures) + b"\n\n"
        if alerts:
            shown = [shown_alert(language, alert, zone) for alert in alerts]
            text += b"event: alerts\ndata: " + msgspec.json.encode(shown) + b"\n\n"
        return text


def shown_alert(language: str, alert: dict[str, Any], time_zone: str) -> dict[str, Any]:
    """An alert as the feed is told it: its codes, by which a page filters, and the words of a row.

    A page has the words of rules itself: who may not read strategies has none.

    Examples
    --------
    >>> alert = {"subject": "d4", "account_id": "a-7", "trigger": "pattern_change", "severity": "high",
    ...          "rules": ["spend_high"], "at": "2026-11-26T04:49:00+00:00"}
    >>> shown_alert("zh", alert, "Asia/Shanghai")["words"]["at"]
    '2026-11-26 12:49'
    """
    words = {name: label(language, name, alert[name]) for name in ("trigger", "severity")}
    words["at"] = time_text(alert["at"], time_zone)
    codes = {name: alert[name] for name in ("account_id", "trigger", "severity", "rules", "at")}
    return {"id": alert["subject"], **codes, "status": "open", "words": words}


def time_text(instant: str, time_zone: str) -> str:
    """A day and a time as pages show them.

    Examples
    --------
    >>> time_text("2026-11-26T04:49:00+00:00", "Asia/Shanghai")
    '2026-11-26 12:49'
    """
    return dt.datetime.fromisoformat(instant).astimezone(ZoneInfo(time_zone)).strftime("%Y-%m-%d %H:%M")

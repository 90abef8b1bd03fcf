"""What pages show as it happens: figures and alerts, worked out once a second for all who watch.

The engine's thread only leaves its messages; each second one task makes one text a language of them, and all watchers
who are told the same are sent the same bytes. So fifty open pages cost the engine what one costs.
"""

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool

from limitkeeper.app.kept import Kept
from limitkeeper.app.overview import newest_alerts, waiting_now
from limitkeeper.core.kernel.errors import LimitkeeperError
from limitkeeper.core.strategy.actions import Severity
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.findings import TRIGGERS
from limitkeeper.engines.embedded.requests import BusyError
from limitkeeper.shells.api.access import Gate
from limitkeeper.shells.api.acts import Desk
from limitkeeper.shells.api.findings import alert_document
from limitkeeper.shells.api.measures import alerts_quiet_us, event_time_lag_seconds
from limitkeeper.shells.console.labels import label
from limitkeeper.shells.console.times import clock, time_text

WATCHERS_MAX = 256
"""Pages that may watch at a time."""

BEAT_SECONDS = 1.0

WAITING_SECONDS = 5.0
"""What waits is counted in the store again after so long, and only while a page that shows it is open."""

NEWEST_ALERTS = 8
"""Of those that are open, on the overview."""

ALERTS_TOLD = 20
"""Alerts of a second that are told, the newest; the page has the others when it is opened again."""

SECONDS_BETWEEN_LOOKS_AT_SESSION = 15.0

NO_ALERT = {"alert_id": "", "account_id": "-", "trigger": TRIGGERS[0], "severity": Severity.SEVERE.code, "rules": [],
            "status": "open", "hits": 1, "seen_at": "1970-01-01T00:00:00+00:00"}  # fmt: skip
"""What the pattern shows that rows of a page are made by as they come."""

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
        self._waiting = Kept(self._counted, WAITING_SECONDS)

    def _counted(self) -> dict[str, Any]:
        store = self.engine.store
        waiting = waiting_now(store, self.engine.as_of_us(), alerts_quiet_us(self.engine), TRIGGERS)
        return waiting | {"newest": [alert_document(row) for row in newest_alerts(store, NEWEST_ALERTS)]}

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
            waiting: dict[str, Any] = {}
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
        self, language: str, rate: float, alerts: list[dict[str, Any]], waiting: Mapping[str, Any]
    ) -> bytes:
        engine, zone = self.engine, self.engine.policy.terms.time_zone
        figures = {
            "events_per_second": f"{rate:,.0f}",
            "lag_seconds": f"{event_time_lag_seconds(engine):,.0f} s",
            "waiting_events": f"{engine.queue.waiting_events:,}",
            "accounts": f"{len(engine.state):,}",
        }
        shown: dict[str, Any] = {"figures": figures}
        if waiting:
            figures |= {name: f"{count:,}" for name, count in waiting_figures(waiting).items()}
            now_us = engine.as_of_us()
            shown["clocks"] = {
                name: clock(language, each["soonest_due_at"], now_us, zone) for name, each in clocked(waiting)
            }
            shown["newest"] = [shown_alert(language, each, zone) for each in waiting["newest"]]
        if alerts:
            shown["alerts"] = [shown_alert(language, heard_alert(each), zone) for each in alerts]
        return b"".join(
            b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(each) + b"\n\n"
            for name, each in shown.items()
        )


def clocked(waiting: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What waits and has clocks, by the name of its figures: the cases of each tier, and appeals."""
    yield from ((f"cases.{row['tier']}", row) for row in waiting["cases"])
    yield "appeals", waiting["appeals"]


def waiting_figures(waiting: Mapping[str, Any]) -> dict[str, int]:
    """What waits, as figures by the names that pages have for their places.

    Examples
    --------
    >>> due = {"open": 3, "due_within_day": 1}
    >>> waiting_figures({"alerts": [], "cases": [due | {"tier": 2, "past_reminder": 0}], "appeals": due,
    ...                  "notices": {"undelivered": 4}})["cases.2.due"]
    1
    """
    found = {f"alerts.{row['trigger']}": row["current"] for row in waiting["alerts"]}
    for name, each in clocked(waiting):
        found |= {name: each["open"], f"{name}.due": each["due_within_day"]}
    found |= {f"cases.{row['tier']}.reminded": row["past_reminder"] for row in waiting["cases"]}
    return found | {"notices": waiting["notices"]["undelivered"]}


def heard_alert(message: Mapping[str, Any]) -> dict[str, Any]:
    """An alert that was heard of, by the names of one that is read."""
    return {**message, "alert_id": message["subject"], "seen_at": message["at"]}


def shown_alert(language: str, alert: Mapping[str, Any], time_zone: str) -> dict[str, Any]:
    """An open alert as a row of a page is told it: its codes, by which a page filters, and the words of a row.

    A page has the words of rules itself: who may not read strategies has none.

    Examples
    --------
    >>> alert = {"alert_id": "d4", "account_id": "a-7", "trigger": "pattern_change", "severity": "high",
    ...          "rules": ["spend_high"], "hits": 2, "seen_at": "2026-11-26T04:49:00+00:00"}
    >>> shown_alert("zh", alert, "Asia/Shanghai")["words"]["at"]
    '2026-11-26 12:49'
    """
    words = {name: label(language, name, alert[name]) for name in ("trigger", "severity")}
    words["at"] = time_text(alert["seen_at"], time_zone)
    codes = {name: alert[name] for name in ("account_id", "trigger", "severity", "rules", "hits")}
    return {"id": alert["alert_id"], **codes, "at": alert["seen_at"], "status": "open", "words": words}

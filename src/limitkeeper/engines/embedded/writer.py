"""What was worked out is written by a thread of its own, in order, while the next micro-batch is worked on.

Nothing is told before it is written: answers and messages come from here. At most two results wait, so an engine
whose database fails stands still, and the bounded queue in front of it fills.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
import structlog

from limitkeeper.engines.embedded.commits import Result, commit_of
from limitkeeper.engines.embedded.requests import Request, StoppedError
from limitkeeper.engines.embedded.settings import Settings
from limitkeeper.store.lock import StoreBusyError
from limitkeeper.store.records import Commit
from limitkeeper.store.sql import Store

log = structlog.get_logger()

RESULTS_WAITING = 1
"""Results that may wait to be written."""

RETRY_SECONDS = (0.05, 0.2, 0.5, 1.0, 2.0)
"""Waits between attempts to write, the last one again and again."""

GIVE_UP_SECONDS = 15.0
"""A writer that is to come to an end tries so long to write while the store is away.

With the time that requests under way get, and an attempt that waits for SQLite, it is about half a minute.
"""

FAILURES = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError, StoreBusyError)
"""What may be over at the next attempt."""

Told = Callable[[], None]


class Writer:
    """The thread that writes results in their order.

    Parameters
    ----------
    store
        Where to.
    settings
        Kinds of message that go to the outbox.
    now_us
        The clock, UTC microseconds.
    """

    def __init__(self, store: Store, settings: Settings, now_us: Callable[[], int]) -> None:
        self.store, self.settings, self.now_us = store, settings, now_us
        self.sequence = 0
        self.counts: dict[tuple[str, str], int] = {}
        self.listeners: list[Callable[[list[dict[str, Any]]], None]] = []
        self.failing_since: float | None = None
        self.failure: BaseException | None = None
        self._jobs: deque[tuple[Result | None, Sequence[Request], Told]] = deque()
        self._changed = threading.Condition()
        self._busy = False
        self._closing = False
        self._hurried = threading.Event()
        self._hurried_at, self._patience_seconds = 0.0, GIVE_UP_SECONDS
        self._thread: threading.Thread | None = None

    def put(self, result: Result | None, requests: Sequence[Request], told: Told) -> None:
        """Have a result written, and then tell; without one, tell when all before it is written.

        Parameters
        ----------
        result
            Of the next micro-batch.
        requests
            Whose answers are given up if it cannot be written.
        told
            Called when it is written.

        Raises
        ------
        BaseException
            What made the thread fail before.
        """
        with self._changed:
            while len(self._jobs) >= RESULTS_WAITING and self.failure is None:
                self._changed.wait()
            if self.failure is not None:
                raise self.failure
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
                self._thread.start()
            self._jobs.append((result, requests, told))
            self._changed.notify_all()

    def drain(self) -> None:
        """Wait until everything is written.

        Raises
        ------
        BaseException
            What made the thread fail.
        """
        with self._changed:
            while (self._jobs or self._busy) and self.failure is None:
                self._changed.wait()
            if self.failure is not None:
                raise self.failure

    def hurry(self, patience_seconds: float | None = None) -> None:
        """Try at once, and from now on give up what cannot be written for so long; the first word counts.

        Parameters
        ----------
        patience_seconds
            :data:`GIVE_UP_SECONDS` where nothing is said.
        """
        if not self._hurried.is_set():
            self._hurried_at = time.monotonic()
            self._patience_seconds = GIVE_UP_SECONDS if patience_seconds is None else patience_seconds
            self._hurried.set()

    def close(self) -> None:
        """End the thread when everything is written, or cannot be."""
        self.hurry()
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._jobs and not self._closing:
                    self._changed.wait()
                if not self._jobs:
                    return
                job = self._jobs.popleft()
                self._busy = True
                self._changed.notify_all()
            try:
                self._write(*job)
            except BaseException as error:  # noqa: BLE001 - handed to whoever comes next
                self._fail(error, job)
                return
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _fail(self, error: BaseException, job: tuple[Result | None, Sequence[Request], Told]) -> None:
        with self._changed:
            left, self._jobs = [job, *self._jobs], deque()
            self.failure, self._busy = error, False
            self._changed.notify_all()
        for _, requests, _ in left:
            for request in requests:
                if not request.answer.done():
                    request.answer.set_exception(StoppedError("The engine has failed."))

    def _write(self, result: Result | None, _requests: Sequence[Request], told: Told) -> None:
        if result is None:
            told()
            return
        commit, messages = commit_of(result, self.sequence + 1, self.now_us(), self.settings.outbox_topics)
        self._write_at_last(commit)
        self.sequence = commit.sequence
        for key, value in commit.counts.items():
            self.counts[key] = self.counts.get(key, 0) + value
        told()
        if messages:
            for listener in self.listeners:
                listener(messages)

    def _write_at_last(self, commit: Commit) -> None:
        """Write, again and again while the database fails, until it is written or the store is another's.

        Raises
        ------
        StoppedError
            When the end is near and the database has failed for too long: nothing is acknowledged then.
        """
        attempt = 0
        while True:
            try:
                self.store.write(commit)
            except FAILURES as error:
                if self.failing_since is None:
                    self.failing_since = time.monotonic()
                log.warning("store_failing", attempt=attempt + 1, problem=type(error).__name__)
                self._rest(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)], self.failing_since, error)
                attempt += 1
            else:
                self.failing_since = None
                return

    def _rest(self, seconds: float, since: float, error: Exception) -> None:
        """Wait before the next attempt, or give up."""
        if not self._hurried.is_set():
            self._hurried.wait(seconds)
            return
        left = max(since, self._hurried_at) + self._patience_seconds - time.monotonic()
        if left <= 0:
            raise StoppedError(
                "The store is away: what waits is not written, and nobody was told that it is.",
                advice="Start again when the store is back, and send again what was not acknowledged.",
            ) from error
        time.sleep(min(seconds, left))

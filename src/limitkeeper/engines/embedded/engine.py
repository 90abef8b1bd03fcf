"""The embedded engine: takes requests, works on them in micro-batches, and acknowledges what is committed.

One thread owns the state: it takes what waits (up to a bound) and applies it. Another writes what came of it, one
transaction a micro-batch, and only then answers. Where the database fails, the same micro-batch is tried again
until it succeeds: nobody is told of what is not written, and the queue in front is bounded.
"""

import datetime as dt
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa
import structlog

from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.behaviour.events import LONG_AGO_US
from limitkeeper.core.kernel.errors import LimitkeeperError, told_in_log
from limitkeeper.core.kernel.instants import instant
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.engines.embedded.arrivals import arrivals_of_table
from limitkeeper.engines.embedded.boundaries import BOUNDARY_US
from limitkeeper.engines.embedded.commands import apply_command
from limitkeeper.engines.embedded.commits import Result, stated_of_customers
from limitkeeper.engines.embedded.findings import Findings
from limitkeeper.engines.embedded.owners import take_up_owners
from limitkeeper.engines.embedded.policy import LivePolicy, Note, Policies, rules_noted
from limitkeeper.engines.embedded.queue import RequestQueue
from limitkeeper.engines.embedded.requests import (
    Request,
    StoppedError,
    Worked,
    add_late,
    answers_of,
    dead_letters,
    taken_events,
)
from limitkeeper.engines.embedded.settings import AHEAD_US, Settings
from limitkeeper.engines.embedded.snapshot import Snapshot, set_aside, snapshot_written, snapshots_read
from limitkeeper.engines.embedded.state import LiveState
from limitkeeper.engines.embedded.writer import Writer
from limitkeeper.store.database import StoreError
from limitkeeper.store.entries import entry_table
from limitkeeper.store.records import Entry, ProposalChange
from limitkeeper.store.sql import Store
from limitkeeper.store.work import reading

log = structlog.get_logger()


class Engine:
    """State, store and the thread between them.

    Parameters
    ----------
    store
        Taken for writing when recovered.
    policies
        What decides on a day, and how it is told.
    settings
        How it runs.
    now_us
        The clock, UTC microseconds.
    """

    def __init__(
        self, store: Store, policies: Policies, settings: Settings, now_us: Callable[[], int]
    ) -> None:
        self.store, self.policies, self.settings, self.now_us = store, policies, settings, now_us
        self.policy: LivePolicy = policies.of_day(instant(now_us()).date())
        self.note: Note = self.policy.note()
        self.state = LiveState(self.policy.terms)
        self.writer = Writer(store, settings, now_us)
        self.applied_sequence = 0
        self._failure: BaseException | None = None
        self.gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        self.watchers: list[Callable[[Worked], None]] = []
        self.queue = RequestQueue()
        self._thread: threading.Thread | None = None
        self._snapshot_sequence = -1
        self._refused_snapshots: list[Path] = []
        self._snapshot_at = 0.0

    # -- recovery ---------------------------------------------------------------------------------------------

    def recover(
        self, store_settings: dict[str, Any], progress: Progress = unseen, *, takes_over: bool = True
    ) -> int:
        """Take the store, read the last good snapshot, and apply the journal after it; how many entries.

        With ``takes_over`` the policy of the clock's day decides from then on, which is written.

        Raises
        ------
        StoreError
            When the store is taken, of other settings, or lacks entries that no snapshot holds.
        """
        try:
            applied = self._recovered(self.store.take(store_settings), progress)
            take_up_owners(self.store)
            if takes_over:
                # Not before all is well: of another store they may be good.
                set_aside(self._refused_snapshots)
                self._change_policy(self.policies.of_day(instant(self.now_us()).date()), commit=True)
        except BaseException:
            self.close()
            raise
        return applied

    def _recovered(self, last: int, progress: Progress) -> int:
        self.writer.counts = {
            (name, label): n for name, by in self.store.counts().items() for label, n in by.items()
        }
        for path, snapshot in snapshots_read(self.settings.folder):
            if snapshot is None or snapshot.sequence > last or self._is_of_another_store(snapshot):
                log.warning("snapshot_refused", snapshot=path.name)
                self._refused_snapshots.append(path)
                continue
            self.state.close()
            self.note = snapshot.notes["policy"]
            # Where nothing is to be replayed, it is enough to know how its rules were numbered.
            self.policy = self._policy_noted(self.note, must_be_at_hand=snapshot.sequence < last)
            self.state = LiveState.from_arrays(self.policy.terms, snapshot.shards, snapshot.notes)
            self.applied_sequence = self._snapshot_sequence = snapshot.sequence
            break
        applied = 0
        for entry in self.store.entries_after(self.applied_sequence):
            if entry.sequence != self.applied_sequence + 1:
                break
            self._replay(entry)
            self.applied_sequence = entry.sequence
            applied += 1
            progress("journal", entry.sequence, last)
        if self.applied_sequence != last:
            raise StoreError(
                "The journal lacks entries that no snapshot holds.",
                value=f"entry {self.applied_sequence + 1} of {last}",
                advice="Put a snapshot back that reaches further.",
            )
        self.writer.sequence = last
        self._snapshot_at = time.monotonic()
        return applied

    def _is_of_another_store(self, snapshot: Snapshot) -> bool:
        """Whether the journal's entry that a snapshot ends with is another than the one it was taken after."""
        noted = snapshot.notes.get("mark")  # none in a snapshot from before
        mark = self.store.mark(snapshot.sequence) if noted else None
        return mark is not None and mark != noted

    def _policy_noted(self, note: Note, *, must_be_at_hand: bool = True) -> LivePolicy:
        """The policy that a snapshot or an entry of the journal names; what decides now, where it need not be at hand.

        Raises
        ------
        StoreError
            When it must be, and is of another strategy, model or parameters than those at hand.
        """
        with reading(self.store, SYSTEM, 0) as w:
            found = self.policies.noted(note, w)
        if found is not None:
            return found
        policy = self.policies.of_day(dt.date.fromisoformat(note["day"]))
        if must_be_at_hand:
            raise StoreError(
                "The journal was written under another strategy, model or parameters.",
                value={name: value for name, value in policy.note().items() if name != "rules"},
                allowed={name: value for name, value in note.items() if name != "rules"},
                advice="Start once with those, stop in order, and then start with the new ones.",
            )
        return policy

    def _change_policy(self, policy: LivePolicy, *, commit: bool) -> None:
        """Let another policy decide from now on; rules keep their past by their id."""
        note = policy.note()
        if commit and self.applied_sequence and note == self.note:
            return
        self.state.decide_by(policy.terms, rules_noted(self.note))
        self.policy, self.note = policy, note
        if commit:
            self._commit(
                Result("policy", lambda: pl.DataFrame({"note": [json.dumps(note)]})), [], lambda: None
            )

    def _replay(self, entry: Entry) -> None:
        table, kind = entry_table(entry.content), entry.kind
        if kind == "policy":
            self._change_policy(self._policy_noted(json.loads(table["note"][0])), commit=False)
        elif kind == "events":
            self.state.apply(arrivals_of_table(table, self.policy.terms.time_zone))
        else:
            apply_command(self.state, kind, table)

    def preview(self, as_of_us: int) -> Findings:
        """What a look at a time would find. Nothing is written, but the state has moved on: close the engine then."""
        self._change_policy(self.policies.of_day(instant(as_of_us).date()), commit=False)
        return self.policy.findings(*self.state.tick(as_of_us))

    # -- requests ---------------------------------------------------------------------------------------------

    @property
    def failure(self) -> BaseException | None:
        """What made it fail, if it did."""
        return self._failure or self.writer.failure or self.store.lost

    @property
    def sequence(self) -> int:
        """The last micro-batch that is written."""
        return self.writer.sequence

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        """What was counted, by name and label."""
        return self.writer.counts

    @property
    def listeners(self) -> list[Callable[[list[dict[str, Any]]], None]]:
        """Who is told of what is written; to be replaced, not changed, since the writer reads it."""
        return self.writer.listeners

    @listeners.setter
    def listeners(self, listeners: list[Callable[[list[dict[str, Any]]], None]]) -> None:
        self.writer.listeners = listeners

    @property
    def store_failing_since(self) -> float | None:
        """Since when nothing can be written, by the monotonic clock; None where it can."""
        return self.writer.failing_since

    def state_bytes(self) -> int:
        """Bytes of the accounts' state."""
        return sum(shard.state_bytes() for shard in self.state.shards)

    @property
    def stopping(self) -> bool:
        """Whether nothing more is taken."""
        return self.queue.closed or self.failure is not None

    def submit(self, request: Request) -> "Future[Any]":
        """Put a request in the queue; the future of its answer, which comes when it is committed.

        Raises as :meth:`take` does.
        """
        request.answer = Future()
        self.take(request)
        return request.answer

    def take(self, request: Request) -> None:
        """Put a request in the queue; ``answer``, which it has already, is told when that is committed.

        Raises
        ------
        BusyError
            When too much waits already.
        StoppedError
            When the engine takes nothing more.
        """
        if self.failure is not None:
            raise StoppedError("The engine has failed.", advice="Try again when it runs.")
        self.queue.put(request)

    def latest_time(self) -> dt.datetime:
        """The time after which an event lies in the future."""
        return instant(self.now_us() + AHEAD_US)

    def as_of_us(self) -> int:
        """What time it is: by the clock, or where time passes only by events, by the newest of them."""
        watermark_us = self.state.watermark_us
        return watermark_us if self.settings.event_time and watermark_us != LONG_AGO_US else self.now_us()

    def tick_is_due(self) -> bool:
        """Whether the clock has passed a boundary that no event has."""
        watermark_us = self.state.watermark_us
        return watermark_us != LONG_AGO_US and self.now_us() // BOUNDARY_US > watermark_us // BOUNDARY_US

    def start(self) -> None:
        """Start the thread that works on requests."""
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def hurry(self) -> None:
        """Say that the end is near: where the store is away, those who wait for an answer are told before long."""
        self.writer.hurry()

    def stop(self) -> None:
        """Work off what waits, take a snapshot, and give the store back; where it is away, fail before long."""
        self.hurry()
        self.queue.close()
        if self._thread is not None:
            self._thread.join()
        if self.failure is None and self.applied_sequence > self._snapshot_sequence:
            self._try_snapshot()
        self.close()

    def close(self) -> None:
        """Give the store back, and leave the state as it was written."""
        self.writer.close()
        self.state.close()
        self.store.close()

    def _run(self) -> None:
        try:
            while True:
                batch = self.queue.next_batch()
                if batch is None:
                    self.writer.drain()
                    return
                self._work(batch)
                self._maybe_snapshot()
        except BaseException as error:
            self._failure = error
            log.exception("engine_failed")
            for request in self.queue.emptied():
                request.answer.set_exception(StoppedError("The engine has failed."))

    def _work(self, batch: list[Request]) -> None:
        try:
            if batch[0].kind == "events":
                self._work_on_events(batch)
            else:
                self._work_on_command(batch[0])
        except BaseException as error:
            for request in batch:
                if not request.answer.done():
                    request.answer.set_exception(StoppedError("The engine has failed."))
            raise error from None

    def _work_on_events(self, batch: list[Request]) -> None:
        started_ns = time.time_ns()
        taken = taken_events(batch, self.latest_time(), self.policy.terms.time_zone)
        outcome = self.state.apply(taken.events) if len(taken.events) else None
        findings = self.policy.findings(outcome.steps, outcome.unusual) if outcome else Findings()
        if outcome:
            add_late(batch, taken, outcome)
        offsets = {key: value for request in batch for key, value in request.offsets.items()}
        rejects = [row for rows in taken.rejected for row in rows]
        letters = dead_letters(batch, taken)
        answers = list(answers_of(taken, outcome, self.applied_sequence + 1))
        if outcome and any(request.assess for request in batch):
            summaries = self.policy.summaries(outcome.steps, len(taken.events))
            for number, answer in enumerate(answers):
                answer.assessments = summaries[slice(*taken.bounds[number : number + 2])]

        applied_ns = time.time_ns()

        def told() -> None:
            self.queue.answered(batch)
            for request, answer in zip(batch, answers, strict=True):
                request.answer.set_result(answer)
            self._watched(batch, started_ns, applied_ns)

        result = Result("events", taken.events.entry, findings, outcome, rejects, letters, offsets)
        self._commit(result, batch, told)

    def _watched(self, batch: list[Request], started_ns: int, applied_ns: int) -> None:
        if self.watchers:
            traces = tuple(request.trace for request in batch if request.trace)
            events = sum(request.events for request in batch)
            times = (started_ns, applied_ns, time.time_ns())
            worked = Worked(batch[0].kind, self.sequence, len(batch), events, *times, traces)
            for watcher in self.watchers:
                watcher(worked)

    def _work_on_command(self, request: Request) -> None:
        content, started_ns = request.content, time.time_ns()
        changes: list[ProposalChange] = []
        stated: pl.DataFrame | None = None
        try:
            if request.kind == "read":
                found = content(self)  # told when what it saw is written
                self.writer.put(None, [request], lambda: request.answer.set_result(found))
                return
            if request.kind == "policy":
                self.policies = content
                self._change_policy(content.of_day(instant(self.now_us()).date()), commit=True)
                self.writer.put(None, [request], lambda: request.answer.set_result(None))
                return
            if request.kind == "tick":
                day = instant(int(content["as_of_us"][0])).date()
                self._change_policy(self.policies.of_day(day), commit=True)
            steps, unusual = apply_command(self.state, request.kind, content)
            if request.kind == "accounts":
                stated = stated_of_customers(content)  # also of known ones: the store may lack whose they are
            elif request.kind == "freeze":
                status = "confirmed" if content["confirm"][0] else "lifted"
                change = ProposalChange(content["account_id"][0], int(content["ts_us"][0]), status, "by hand")
                changes.append(change)
        except LimitkeeperError as error:  # refused before anything changed
            request.answer.set_exception(error)
            return
        findings = self.policy.findings(steps, unusual)
        findings.proposals += changes

        sequence, applied_ns = self.applied_sequence + 1, time.time_ns()

        def told() -> None:
            request.answer.set_result(sequence)
            self._watched([request], started_ns, applied_ns)

        self._commit(Result(request.kind, lambda: content, findings, stated=stated), [request], told)

    def _commit(self, result: Result, requests: list[Request], told: Callable[[], None]) -> None:
        """Have a result written, in its turn."""
        self.writer.put(result, requests, told)
        self.applied_sequence += 1

    # -- snapshots --------------------------------------------------------------------------------------------

    def _maybe_snapshot(self) -> None:
        every = self.settings.snapshot_seconds
        if (
            every
            and time.monotonic() - self._snapshot_at >= every
            and self.applied_sequence > self._snapshot_sequence
        ):
            self._try_snapshot()

    def _try_snapshot(self) -> None:
        try:
            self.take_snapshot()
        except (OSError, sa.exc.SQLAlchemyError, StoreError) as error:  # the journal still holds everything
            log.warning("snapshot_failed", problem=told_in_log(error))
            self._snapshot_at = time.monotonic()

    def take_snapshot(self) -> Path:
        """Write a snapshot, and trim the journal of what the older kept one holds.

        Raises
        ------
        OSError
            When it cannot be written.
        sqlalchemy.exc.SQLAlchemyError
            When the database fails.
        """
        self.writer.drain()  # a snapshot is of what is written
        notes = self.state.notes() | {"policy": self.note, "mark": self.store.mark(self.sequence)}
        path = snapshot_written(self.settings.folder, self.sequence, self.state.arrays(), notes)
        kept_before, self._snapshot_sequence = self._snapshot_sequence, self.sequence
        self._snapshot_at = time.monotonic()
        if kept_before > 0:
            before_us = self.now_us() - int(self.settings.journal_days * 86_400_000_000)
            self.store.trim(kept_before - 1, before_us)  # its own entry tells whether it is of this store
        log.info("snapshot_written", sequence=self.sequence, accounts=len(self.state))
        return path

"""How an engine runs, and its bounds."""

from dataclasses import dataclass
from pathlib import Path

QUEUE_EVENTS = 262_144
"""Events that may wait; beyond this a request is refused and told to come again."""

BATCH_EVENTS = 65_536
"""Events of a micro-batch at most, but for a single request that is larger."""

AHEAD_US = 300_000_000
"""Clocks differ: an event up to five minutes ahead is taken."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How an engine runs.

    Parameters
    ----------
    folder
        Where snapshots lie.
    snapshot_seconds
        Between two snapshots; 0 takes none but the one at an orderly stop.
    journal_days
        For which entries are kept after a snapshot holds them.
    outbox_topics
        Kinds of message that also go to the outbox.
    event_time
        Whether time passes only by events, as for simulated streams.
    """

    folder: Path
    snapshot_seconds: float = 600.0
    journal_days: float = 7.0
    outbox_topics: frozenset[str] = frozenset()
    event_time: bool = False

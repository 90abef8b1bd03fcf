"""What came of a batch of events, or of a boundary of time: steps in their order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.alerts.due import Due
from limitkeeper.core.alerts.portfolio import UnusualRate
from limitkeeper.core.alerts.watch import Watched


@dataclass(frozen=True, slots=True)
class Step:
    """A part of what happened: events, of each shard its own in order, or looks at a boundary.

    Parameters
    ----------
    rows
        Rows of the batch that were applied, in the order of ``watched``; None for looks.
    account_ids
        Of each row of the batch; of each row of ``watched`` for looks.
    ts_us
        Of each row of ``watched``.
    watched
        What came of them.
    due
        Who was due, where it was a boundary.
    arm
        Whose terms assessed them; 0 is the champion.
    """

    rows: NDArray[np.int64] | None
    account_ids: list[str]
    ts_us: NDArray[np.int64]
    watched: Watched
    due: Due | None = None
    arm: int = 0

    def account_id(self, row: int) -> str:
        """Whose a row of ``watched`` is."""
        return self.account_ids[row if self.rows is None else int(self.rows[row])]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a batch of events.

    Features and status in its order, the steps in order of time, and the days that are over and were unusual.
    """

    features: NDArray[np.float64]
    status: NDArray[np.uint8]
    steps: list[Step]
    unusual: list[UnusualRate]

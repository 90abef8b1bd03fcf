"""Accounts of which an expression holds, each with the limit that it would get: the table of a campaign."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from limitkeeper.core.decision.assessment import value_at_limits
from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.strategy.language import Expression
from limitkeeper.core.value.economics import VALUE_NAMES
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.sample import asked, in_turns

SELECTED_MAX = 100_000
"""Accounts that are selected; who wants more narrows the expression, or brings a table."""

Holds = Callable[..., bool]

WORTH = ("expected_loss_cents", "economic_capital_cents", "raroc", "economic_profit_cents")


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of each limit.

    Parameters
    ----------
    share
        Of the limit before, 0 to 10.
    least_cents
        No limit is changed to less; of a line that is lower already nothing is changed.
    step_cents
        Limits are whole steps, rounded towards the limit before.
    """

    share: float
    least_cents: int = 0
    step_cents: int = 10_000

    def __post_init__(self) -> None:
        if not (0.0 <= self.share <= 10.0) or self.least_cents < 0 or self.step_cents < 1:  # noqa: PLR2004 - ten times as much
            raise InputError("No such change of limits.", value=f"{self.share}, {self.least_cents}, {self.step_cents}",
                             allowed="a share of 0 to 10, no negative limit, steps of 1 or more")  # fmt: skip

    def limits_after(self, before: Any) -> Any:  # noqa: ANN401 - an array
        """Limits after the change, shape ``(n,)``, NaN where the limit before is not known.

        Examples
        --------
        >>> Change(0.75, 300_000).limits_after(np.array([1_010_000.0, 350_000.0, 200_000.0])).tolist()
        [760000.0, 300000.0, 200000.0]
        """
        wanted = before * self.share
        steps = np.ceil(wanted / self.step_cents) if self.share < 1 else np.floor(wanted / self.step_cents)
        after = np.maximum(steps * self.step_cents, self.least_cents)
        return np.where(after > before, before, after) if self.share < 1 else after


def selected(engine: Engine, where: Expression, holds: Holds, change: Change) -> pl.DataFrame:
    """The accounts of which an expression holds now and whose limit would change, as a campaign's table.

    The engine looks at few accounts a turn, so that events wait for no more than that; the expression is judged in the
    thread of who asks. Frozen, closed and defaulted lines are left out: a campaign is no answer to those.

    Parameters
    ----------
    engine
        Which runs.
    where, holds
        The expression, and what judges it: a function of its names.
    change
        What is to become of each limit.

    Returns
    -------
    polars.DataFrame
        ``account_id, limit_before_cents, limit_after_cents, balance_cents``, and loss, capital, RAROC and profit
        before and after where a model tells them; in order of ids.

    Raises
    ------
    InputError
        When more than :data:`SELECTED_MAX` are chosen.
    BusyError, StoppedError
        As of :func:`limitkeeper.engines.embedded.sample.asked`.
    """
    parts: list[pl.DataFrame] = []
    chosen = 0
    for place, numbers in in_turns([np.arange(len(shard.ids)) for shard in engine.state.shards]):
        found = asked(engine, _look(place, numbers, change))
        part = found.filter(pl.Series(list(_judged(found, where, holds)), dtype=pl.Boolean)).select(KEPT)
        chosen += part.height
        if chosen > SELECTED_MAX:
            raise InputError("Too many accounts are chosen.", value=f"more than {SELECTED_MAX:,}",
                             allowed=SELECTED_MAX, advice="Narrow the expression.")  # fmt: skip
        parts.append(part)
    return pl.concat(parts).sort("account_id") if parts else pl.DataFrame()


def quantities(engine: Engine) -> tuple[str, ...]:
    """What an expression may read of an account here."""
    found = asked(engine, _look(0, np.zeros(0, np.int64), Change(1.0)))
    return tuple(name for name in found.columns if name not in KEPT[:3])


KEPT = (
    "account_id",
    "limit_before_cents",
    "limit_after_cents",
    "balance_cents",
    *(f"{name}_{when}" for name in WORTH for when in ("before", "after")),
)


def _look(place: int, numbers: Any, change: Change) -> Callable[[Engine], pl.DataFrame]:  # noqa: ANN401 - an array
    def look(engine: Engine) -> pl.DataFrame:
        shard, watch = engine.state.shards[place], engine.state.terms.watch
        _, found = shard.seen(numbers, engine.as_of_us(), watch, engine.state.web.relations_of(place))
        columns, assessment = found.columns, found.assessment
        before = columns["limit_cents"]
        after = change.limits_after(before)
        stands = (
            (columns["is_frozen"] != 1.0) & (columns["is_closed"] != 1.0) & (columns["is_defaulted"] != 1.0)
        )
        kept = np.flatnonzero(stands & (after != before) & ~np.isnan(before))
        few = Columns(columns.names, columns.values[:, kept])
        values, _ = value_at_limits(few, assessment.pd[kept], after[kept], watch.policy)
        frame = dict(zip(few.names, few.values, strict=True))
        frame |= {"pd": assessment.pd[kept], "points": assessment.points[kept]}
        frame |= {name: assessment.value_before[k, kept] for k, name in enumerate(VALUE_NAMES)}
        worth = {name: VALUE_NAMES.index(name) for name in WORTH}
        return pl.DataFrame(frame).with_columns(
            account_id=pl.Series([shard.ids[number] for number in numbers[kept]], dtype=pl.String),
            limit_before_cents=pl.Series(before[kept]).cast(pl.Int64),
            limit_after_cents=pl.Series(after[kept]).cast(pl.Int64),
            balance_cents=pl.Series(np.nan_to_num(columns["balance_cents"][kept])).cast(pl.Int64),
            **{f"{name}_before": pl.Series(assessment.value_before[k, kept]) for name, k in worth.items()},
            **{f"{name}_after": pl.Series(values[k]) for name, k in worth.items()},
        )

    return look


def _judged(frame: pl.DataFrame, where: Expression, holds: Holds) -> Iterator[bool]:
    names = [name for name in where.names if name in frame.columns]
    return (bool(holds(**dict(zip(names, row, strict=True)))) for row in frame.select(names).iter_rows())

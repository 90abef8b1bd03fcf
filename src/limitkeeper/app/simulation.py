"""A table to learn from, out of simulated lives: features as of a time, and what came after."""

import datetime as dt

import polars as pl

from limitkeeper.app.features import portraits_of_accounts
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.simulation.life import TIME_ZONE, SimulatedLife

TARGET = "defaulted"


def labelled_portraits(
    life: SimulatedLife, as_of: dt.datetime, horizon_days: int, *, progress: Progress = unseen
) -> pl.DataFrame:
    """The accounts' features as of a time, and whether they were 30 days late, or more, within a horizon.

    Accounts that had been 30 days late by then are left out: their outcome is known already.

    Parameters
    ----------
    life
        Of :func:`limitkeeper.simulation.life.simulated_life`.
    as_of
        Only what had arrived by then is seen.
    horizon_days
        Days after ``as_of`` in which the outcome is looked for; they must lie within the life.
    progress
        Told of the events' progress.

    Returns
    -------
    polars.DataFrame
        ``account_id``, the features, and ``defaulted`` (0 or 1).

    Raises
    ------
    InputError
        When the time or the horizon lies outside of the life.
    """
    until = as_of + dt.timedelta(days=horizon_days)
    if not (life.start <= as_of < until <= life.end):
        raise InputError(
            "The horizon lies outside of the simulated life.",
            value=f"{as_of.isoformat()} + {horizon_days} days",
            allowed=f"{life.start.isoformat()} to {life.end.isoformat()}",
        )
    late_at = pl.col("thirty_days_late_at")
    outcomes = life.truth.filter(late_at.is_null() | (late_at > as_of)).select(
        "account_id", (late_at <= until).fill_null(value=False).cast(pl.Int8).alias(TARGET)
    )
    accounts = life.accounts.join(outcomes, on="account_id", how="semi", maintain_order="left")
    seen = life.events.filter(pl.col("arrived_at") <= as_of).join(
        accounts, on="account_id", how="semi", maintain_order="left"
    )
    portraits = portraits_of_accounts(seen, accounts, as_of=as_of, time_zone=TIME_ZONE, progress=progress)
    return portraits.features.join(outcomes, on="account_id", how="left", maintain_order="left")

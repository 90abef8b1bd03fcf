"""A bank to look at: the reviewed real accounts beside simulated lives, whose days go on as an event stream."""

import datetime as dt
from dataclasses import dataclass

import polars as pl
import polars.selectors as cs

from limitkeeper.app.demo import TELLING
from limitkeeper.app.portfolio import Portfolio, portfolio_of_accounts
from limitkeeper.app.taiwan import AS_OF, PROTECTED, is_test, taiwan_accounts, taiwan_events
from limitkeeper.app.training import trained_model
from limitkeeper.connectors.taiwan import TARGET
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.core.risk.model import Model
from limitkeeper.simulation.life import simulated_life

LIVES, PAST_DAYS, COMING_DAYS, SEED = 2_000, 120, 45, 7
"""Simulated accounts, the days that they have lived when the bank opens, and those that they go on to live."""

NAME, MARKET, CURRENCY = "The bank as it opens", "CN", "CNY"
"""Of the whole bank as a portfolio."""

DOLLARS_IN_YUAN = 4
"""New Taiwan dollars for one yuan, as in 2005. One for one, many lines would lie above the cap of a Chinese line."""

TAIWAN = "taiwan-"
"""Before the ids of real accounts; those of simulated ones begin with ``sim-``."""


@dataclass(frozen=True, slots=True)
class DemoBank:
    """What the bank begins with, and what comes.

    Parameters
    ----------
    accounts
        As a lender states them.
    past
        Events up to the opening, in the order in which they arrived.
    coming
        Events after it, with ``arrived_at``.
    opens_at
        The opening; some of the simulated accounts' days lie before it, the others after.
    attributes
        Protected attributes of the real accounts, which nothing reads that decides.
    """

    accounts: pl.DataFrame
    past: pl.DataFrame
    coming: pl.DataFrame
    opens_at: dt.datetime
    attributes: pl.DataFrame

    @property
    def portfolio(self) -> Portfolio:
        """The bank as it opens, to be reviewed as a whole."""
        return portfolio_of_accounts(
            self.accounts, name=NAME, market=MARKET, currency=CURRENCY, as_of=self.opens_at, events=self.past
        )


def bank_model(training: pl.DataFrame, progress: Progress = unseen) -> Model:
    """The PD model of the bank: learned from what really happened to the training accounts, on features of events alone.

    The model of the review reads columns of statements besides, which no event has.
    """
    table = training.select(*TELLING, TARGET, *PROTECTED).with_columns(
        cs.ends_with("_cents") // DOLLARS_IN_YUAN  # as the bank's events have them
    )
    return trained_model(table, TARGET, protected=PROTECTED, progress=progress)


def demo_bank(
    statements: pl.DataFrame, now: dt.datetime, lives: int = LIVES, progress: Progress = unseen
) -> DemoBank:
    """The bank of a demonstration.

    The real accounts are those that the review reviews, in yuan, with their months of 2005 moved to lie before the
    opening; the simulated ones live up to it, and go on afterwards. Protected attributes are not among what it knows.

    Parameters
    ----------
    statements
        The Taiwan set as its authors publish it.
    now
        The coming days end about then, so that no event lies in the future.
    lives
        Simulated accounts.
    progress
        Told of the simulation.
    """
    opens_at = (now - dt.timedelta(days=COMING_DAYS)).replace(minute=0, second=0, microsecond=0)
    start = opens_at - dt.timedelta(days=PAST_DAYS)
    life = simulated_life(lives, PAST_DAYS + COMING_DAYS, SEED, start=start, progress=progress)
    people = taiwan_accounts(statements).filter(is_test())
    accounts = people.select("account_id", "limit_cents")
    real = taiwan_events(statements).join(accounts, on="account_id", how="semi", maintain_order="left")
    # By whole days: at another hour of the day what they bought would be told as bought at night.
    moved = pl.col("ts") + dt.timedelta(days=(opens_at - AS_OF).days)
    real = real.with_columns(pl.col("amount", "paid") // DOLLARS_IN_YUAN, account_id=_named("account_id"),
                             ts=moved, arrived_at=moved, event_id=pl.concat_str(pl.lit(TAIWAN), "event_id"))  # fmt: skip
    stated = accounts.select(
        account_id=_named("account_id"),
        customer_id=pl.concat_str(pl.lit(f"{TAIWAN}c"), pl.col("account_id").cast(pl.String)),
        product=pl.lit("purchase"),
        limit_cents=pl.col("limit_cents") // DOLLARS_IN_YUAN,
    )
    known = life.accounts.drop("simulated")
    is_past = pl.col("arrived_at") < opens_at
    past = pl.concat([real, life.events.filter(is_past)], how="diagonal_relaxed").sort("arrived_at")
    return DemoBank(
        pl.concat([stated, known], how="diagonal_relaxed"),
        past.drop("arrived_at"),
        life.events.filter(~is_past).sort("arrived_at"),
        opens_at,
        people.select(_named("account_id").alias("account_id"), *PROTECTED),
    )


def _named(column: str) -> pl.Expr:
    return pl.concat_str(pl.lit(TAIWAN), pl.col(column).cast(pl.String))

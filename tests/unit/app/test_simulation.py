"""Training tables out of simulated lives, and what the features show of a takeover."""

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest

from limitkeeper.app.features import features_of_events
from limitkeeper.app.simulation import TARGET, labelled_portraits
from limitkeeper.core.behaviour.features import FEATURE_NAMES
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.simulation.life import TIME_ZONE, SimulatedLife, simulated_life
from limitkeeper.simulation.mix import Mix

AS_OF = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
HORIZON_DAYS = 50


@pytest.fixture(scope="module")
def life() -> SimulatedLife:
    return simulated_life(400, 180, seed=2, mix=Mix(0.55, 0.05, 0.3, 0.05, 0.02, 0.01, 0.02))


@pytest.fixture(scope="module")
def portraits(life: SimulatedLife) -> pl.DataFrame:
    return labelled_portraits(life, AS_OF, HORIZON_DAYS)


def test_each_account_has_its_features_and_an_outcome(portraits: pl.DataFrame) -> None:
    assert portraits.columns == ["account_id", *FEATURE_NAMES, TARGET]
    assert set(portraits[TARGET]) == {0, 1}
    assert portraits["bills_12"].max() >= 3


def test_outcome_is_thirty_days_late_within_the_horizon(life: SimulatedLife, portraits: pl.DataFrame) -> None:
    both = portraits.join(life.truth, on="account_id")
    late_at = both["thirty_days_late_at"]
    until = AS_OF + dt.timedelta(days=HORIZON_DAYS)
    assert both.filter(late_at > until).height > 0
    assert (both[TARGET] == (late_at <= until).fill_null(value=False).cast(pl.Int8)).all()


def test_account_that_was_late_already_is_left_out(life: SimulatedLife, portraits: pl.DataFrame) -> None:
    late_before = life.truth.filter(pl.col("thirty_days_late_at") <= AS_OF)
    assert late_before.height > 10
    assert portraits.height == life.truth.height - late_before.height
    assert portraits.join(late_before, on="account_id", how="semi").is_empty()


def test_event_that_had_not_arrived_is_not_seen(life: SimulatedLife, portraits: pl.DataFrame) -> None:
    known = replace(life, events=life.events.filter(pl.col("arrived_at") <= AS_OF))
    assert known.events.height < life.events.height
    assert labelled_portraits(known, AS_OF, HORIZON_DAYS).equals(portraits)


@pytest.mark.parametrize("as_of", [AS_OF - dt.timedelta(days=200), AS_OF + dt.timedelta(days=30)])
def test_horizon_outside_of_the_life_is_refused(life: SimulatedLife, as_of: dt.datetime) -> None:
    with pytest.raises(InputError, match="outside of the simulated life"):
        labelled_portraits(life, as_of, HORIZON_DAYS)


def test_features_show_a_takeover_after_its_onset_and_hardly_before() -> None:
    life = simulated_life(150, 150, seed=4, mix=Mix(0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    found = features_of_events(life.events, accounts=life.accounts, time_zone=TIME_ZONE, as_of=life.end)
    once = life.events.unique("event_id", keep="first").select("event_id", "account_id", "ts")
    seen = (
        found.features.fill_nan(None)
        .join(once, on="event_id")
        .join(life.truth.select("account_id", "onset_at"), on="account_id")
        .with_columns(
            (
                (pl.col("spend_zscore_90d") >= 4)
                & (pl.col("spend_velocity_7d_90d") >= 3)
                & ((pl.col("device_count_30d") >= 4) | (pl.col("night_share_30d") >= 0.5))
            ).alias("signs")
        )
    )
    week = pl.col("ts").is_between(pl.col("onset_at"), pl.col("onset_at") + pl.duration(days=7))
    after = seen.filter(week).group_by("account_id").agg(pl.col("signs").any())
    before = seen.filter(pl.col("ts") < pl.col("onset_at"))
    assert after["signs"].mean() > 0.5
    assert before["signs"].mean() < 0.001
    assert before.height > 10_000

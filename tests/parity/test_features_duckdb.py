"""Every feature of the contract against DuckDB's windows, over more than 200,000 events."""

import numpy as np
import polars as pl
import pytest

from limitkeeper.core.behaviour.events import EventBatch
from limitkeeper.core.behaviour.features import FEATURE_NAMES
from limitkeeper.core.behaviour.state import Behaviour
from tests.features_in_sql import CONTRACT, sql_events, sql_features
from tests.simulated_events import simulated_batch

ACCOUNTS = 1_500


@pytest.fixture(scope="module")
def stream() -> EventBatch:
    batch = simulated_batch(ACCOUNTS, days=240, events_a_day=0.6, seed=0)
    assert len(batch) > 200_000
    return batch


@pytest.fixture(scope="module")
def ours(stream: EventBatch) -> np.ndarray:
    behaviour = Behaviour()
    behaviour.add_accounts(ACCOUNTS)
    values, status = behaviour.apply(stream)
    assert not status.any()
    return values


@pytest.fixture(scope="module")
def theirs(stream: EventBatch) -> pl.DataFrame:
    return sql_features(sql_events(stream))


@pytest.mark.parametrize("name", CONTRACT)
def test_feature_is_what_duckdb_computes(name: str, ours: np.ndarray, theirs: pl.DataFrame) -> None:
    found = ours[:, FEATURE_NAMES.index(name)]
    expected = theirs[name].to_numpy()
    assert np.isfinite(found).sum() > len(found) // 10  # the stream exercises it
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9, equal_nan=True)


def test_stream_has_events_at_one_instant_and_on_every_edge(stream: EventBatch) -> None:
    events = sql_events(stream).select("account", "ts")
    assert events.is_duplicated().sum() > 1_000
    for hours in (1, 24, 7 * 24, 30 * 24, 90 * 24):
        earlier = events.with_columns(pl.col("ts") - hours * 3_600_000_000)
        assert earlier.join(events, on=["account", "ts"], how="semi").height > 1_000

"""The real statements replayed: nothing is refused, and every balance is the statement's to the cent."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from limitkeeper.app.features import portraits_of_accounts
from limitkeeper.app.taiwan import AS_OF, TIME_ZONE, is_test, taiwan_accounts, taiwan_events
from limitkeeper.connectors.taiwan import taiwan_statements, verified
from limitkeeper.core.kernel.errors import InputError


@pytest.fixture(scope="module")
def statements(required: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    path = required("shared_data") / "uci350_taiwan" / "uci350.parquet"
    return taiwan_statements(tmp_path_factory.mktemp("cache"), path)


def test_event_ids_are_unique_and_amounts_are_not_negative(statements: pl.DataFrame) -> None:
    events = taiwan_events(statements)
    assert events["event_id"].is_unique().all()
    assert events["amount"].min() >= 0  # type: ignore[operator]


def test_replay_is_accepted_whole_and_ends_at_the_september_statement(statements: pl.DataFrame) -> None:
    some = statements.head(3_000)
    events = taiwan_events(some)
    found = portraits_of_accounts(
        events, taiwan_accounts(some).select("account_id"), as_of=AS_OF, time_zone=TIME_ZONE
    )
    assert found.counts["read"] == found.counts["accepted"] == events.height
    assert (found.features["balance_cents"] == some["BILL_AMT1"] * 100).all()
    assert (found.features["limit_cents"] == some["LIMIT_BAL"] * 100).all()
    assert (found.features["bills_12"] == 5).all()


def test_test_split_is_the_documented_hash(statements: pl.DataFrame) -> None:
    chosen = taiwan_accounts(statements).filter(is_test())["account_id"].to_list()
    share = int(0.30 * 2**32)
    assert chosen == [each for each in range(1, 30_001) if each * 2_654_435_761 % 2**32 < share]


def test_protected_words_cover_every_account(statements: pl.DataFrame) -> None:
    accounts = taiwan_accounts(statements)
    assert (
        accounts.select("sex", "age_band", "marital_status", "education").null_count().sum_horizontal()[0]
        == 0
    )
    assert set(accounts["sex"]) == {"male", "female"}


def test_another_set_of_figures_is_refused(statements: pl.DataFrame) -> None:
    with pytest.raises(InputError, match="not the one that is known"):
        verified(statements.head(10), "a file")


def test_age_band_holds_its_upper_end(statements: pl.DataFrame) -> None:
    ages = statements.select("AGE").hstack(taiwan_accounts(statements).select("age_band"))
    ends = ages.group_by("age_band").agg(low=pl.col("AGE").min(), high=pl.col("AGE").max()).sort("low")
    assert ends["age_band"].to_list() == ["25 and under", "26-35", "36-45", "46-55", "56 and over"]
    assert ends["high"].to_list()[:4] == [25, 35, 45, 55]

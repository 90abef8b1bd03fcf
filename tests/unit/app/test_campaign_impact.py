"""The impact of a campaign: its RAROC is that of all accounts together, and of no more than tell it."""

import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limitkeeper.app.campaign_impact import impact_of
from limitkeeper.app.campaign_rows import COLUMNS, Standing, rows_taken

NOBODY = Standing(
    pl.DataFrame(schema={"account_id": pl.String(), "ledger_cents": pl.Int64()}),
    pl.DataFrame(schema={"account_id": pl.String(), "busy": pl.String()}),
)
Worth = tuple[float, float, float]
"""Capital, RAROC and profit of one account."""

capitals = st.just(0.0) | st.floats(1, 1e9)
ratios = st.floats(-5, 5)


def row(k: int, before: Worth, after: Worth) -> dict[str, object]:
    told = {"account_id": f"a-{k}", "limit_before_cents": 100_000, "limit_after_cents": 50_000}
    for when, (capital, raroc, profit) in (("before", before), ("after", after)):
        told |= {f"economic_capital_cents_{when}": capital, f"raroc_{when}": raroc if capital else math.nan,
                 f"economic_profit_cents_{when}": profit}  # fmt: skip
    return told


def impact(rows: list[dict[str, object]]) -> dict[str, object]:
    taken = rows_taken(pl.DataFrame(rows), NOBODY, reasons=["product_change"])
    assert taken.items.height == len(rows)
    return impact_of(taken.items)


@settings(deadline=None)
@given(st.lists(st.tuples(capitals, ratios), min_size=1, max_size=20))
def test_raroc_is_the_return_of_all_on_the_capital_of_all(worth: list[tuple[float, float]]) -> None:
    found = impact(
        [row(k, (capital, ratio, 0.0), (capital / 2, ratio, 0.0)) for k, (capital, ratio) in enumerate(worth)]
    )
    capital = sum(each for each, _ in worth)
    if capital:
        expected = sum(each * ratio for each, ratio in worth) / capital
        assert found["raroc_before"] == pytest.approx(expected, abs=1e-9)
        assert found["raroc_after"] == pytest.approx(expected, abs=1e-9)
    else:
        assert found["raroc_before"] is found["raroc_after"] is None
    assert found["raroc_known"] == len(worth)


def test_return_of_an_account_without_capital_is_its_profit() -> None:
    found = impact(
        [row(0, (1_000.0, 0.1, 0.0), (1_000.0, 0.1, 0.0)), row(1, (0.0, 0.0, -50.0), (0.0, 0.0, 0.0))]
    )
    assert found["raroc_before"] == pytest.approx(0.05)
    assert found["raroc_after"] == pytest.approx(0.1)


def test_account_that_tells_no_capital_is_left_out_and_counted() -> None:
    unknown = row(1, (math.nan, math.nan, math.nan), (1.0, 0.1, 0.0))
    found = impact([row(0, (1_000.0, 0.1, 0.0), (500.0, 0.3, 0.0)), unknown])
    assert (found["raroc_before"], found["raroc_after"], found["raroc_known"]) == (
        pytest.approx(0.1), pytest.approx(0.3), 1,
    )  # fmt: skip


def test_rows_without_capital_have_no_raroc() -> None:
    found = impact([{"account_id": "a", "limit_before_cents": 2, "limit_after_cents": 1}])
    assert (found["raroc_before"], found["raroc_after"], found["raroc_known"]) == (None, None, 0)
    assert set(COLUMNS) >= {"capital_before_cents", "return_after_cents"}

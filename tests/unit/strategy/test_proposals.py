"""What a published strategy proposes: which rule decides, and that a line is judged alone."""

import datetime as dt
import math
from dataclasses import fields

import numpy as np
import pytest

from limitkeeper.app.strategies import published_strategy
from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.parameters import Parameters
from limitkeeper.core.strategy.actions import Action
from limitkeeper.core.strategy.description import strategy_description
from limitkeeper.core.strategy.proposals import PublishedStrategy, proposals_of
from limitkeeper.core.strategy.trace import rule_traces
from tests.strategy_documents import document, rule, strategy

PARAMETERS = Parameters(
    dt.date(2026, 1, 1), {"hurdle_rate": 0.12, "line_cap_cents": 30_000_000.0}, "sha256:test"
)
RULES = [
    rule("watched", "pd >= 0.1", "alert"),
    rule("raised", "pd >= 0.2 and raroc < hurdle_rate", release="pd < 0.15"),
    rule("high", "pd >= 0.4", severity="severe"),
    rule("on_cash", "pd >= 0.3", "freeze", products=["cash"]),
    rule("better", "pd < 0.1", "restore"),
]


@pytest.fixture(scope="module")
def published() -> PublishedStrategy:
    return published_strategy(strategy(document(RULES)), PARAMETERS)


def lines_of(published: PublishedStrategy, *lines: dict[str, float]) -> Columns:
    table = [[line.get(name, math.nan) for line in lines] for name in published.inputs]
    return Columns(published.inputs, np.array(table, dtype=np.float64))


def deciding(published: PublishedStrategy, **line: float) -> str | None:
    found = proposals_of(published, lines_of(published, {"product_code": 0.0, **line}))
    number = int(found.rules[0])
    return published.strategy.rules[number].id if number >= 0 else None


def test_first_action_in_order_of_precedence_decides_and_all_hits_are_recorded(
    published: PublishedStrategy,
) -> None:
    assert [rule.id for rule in published.strategy.rules] == [
        "on_cash",
        "high",
        "raised",
        "watched",
        "better",
    ]
    found = proposals_of(published, lines_of(published, {"pd": 0.5, "raroc": 0.0, "product_code": 1.0}))
    assert (found.hits[0], found.rules[0], found.actions[0]) == (0b01111, 0, Action.FREEZE)


def test_of_two_decreases_the_more_severe_decides(published: PublishedStrategy) -> None:
    assert deciding(published, pd=0.45, raroc=0.0) == "high"
    assert deciding(published, pd=0.25, raroc=0.0) == "raised"


def test_rule_of_another_product_does_not_hit(published: PublishedStrategy) -> None:
    assert deciding(published, pd=0.35, raroc=0.5) == "watched"
    assert deciding(published, pd=0.35, raroc=0.5, product_code=1.0) == "on_cash"


def test_rule_of_another_product_is_not_held_by_its_last_hit() -> None:
    rules = [rule("held", "pd >= 0.3", "freeze", products=["cash"], release="pd < 0.1")]
    one = published_strategy(strategy(document(rules)), PARAMETERS, compiled=False)
    values = {"pd": 0.2, "product_code": 0.0}
    assert one.rules_hit(1, *(values[name] for name in one.strategy.names)) == 0
    values["product_code"] = 1.0
    assert one.rules_hit(1, *(values[name] for name in one.strategy.names)) == 1


def test_no_rule_decides_where_nothing_is_known(published: PublishedStrategy) -> None:
    assert deciding(published) is None


def test_parameter_of_the_market_is_read_as_of_its_day(published: PublishedStrategy) -> None:
    assert published.constants == {"hurdle_rate": 0.12}
    assert deciding(published, pd=0.25, raroc=0.12) == "watched"


def test_cap_of_the_market_bounds_every_line(published: PublishedStrategy) -> None:
    line = {"product_code": 0.0, "limit_cents": 40_000_000.0, "balance_cents": 0.0}
    assert proposals_of(published, lines_of(published, line)).limits_after_cents[0] == 30_000_000


def test_column_that_is_not_there_is_named(published: PublishedStrategy) -> None:
    with pytest.raises(InputError, match=r"There is no column '(product_code|pd)'"):
        proposals_of(published, Columns(("limit_cents",), np.zeros((1, 3))))


def test_empty_portfolio_gives_empty_proposals(published: PublishedStrategy) -> None:
    found = proposals_of(published, Columns(published.inputs, np.empty((len(published.inputs), 0))))
    assert all(len(getattr(found, field.name)) == 0 for field in fields(found))


def test_line_alone_batch_and_portfolio_give_the_same_bits(published: PublishedStrategy) -> None:
    chance = np.random.default_rng(0)
    values = chance.uniform(0, 1, size=(len(published.inputs), 9_000))
    for name, scale in (("limit_cents", 2e6), ("balance_cents", 1e6), ("limit_before_reduction_cents", 4e6)):
        values[published.inputs.index(name)] = np.round(values[published.inputs.index(name)] * scale)
    values[chance.random(values.shape) < 0.15] = np.nan
    columns, before = Columns(published.inputs, values), chance.integers(0, 32, 9_000)
    whole = proposals_of(published, columns, before)
    for size in (1, 97):
        parts = [
            proposals_of(published, columns.part(k, min(k + size, 1_940)), before[k : min(k + size, 1_940)])
            for k in range(0, 1_940, size)
        ]
        for field in fields(whole):
            joined = np.concatenate([getattr(part, field.name) for part in parts])
            assert np.array_equal(joined, getattr(whole, field.name)[:1_940])
    assert set(whole.effects) >= {Action.NONE, Action.ALERT, Action.DECREASE, Action.RESTORE}


def test_trace_tells_each_rule_with_what_it_read(published: PublishedStrategy) -> None:
    row = {"pd": 0.17, "raroc": math.nan, "product_code": 0.0}
    hits = published.rules_hit(0b100, *(row[name] for name in published.strategy.names))
    traces = {trace["id"]: trace for trace in rule_traces(published, row, hits, 0b100)}
    assert list(traces) == [rule.id for rule in published.strategy.rules]
    assert traces["raised"] == {
        "id": "raised",
        "trigger": "declining_repayment_capacity",
        "action": "decrease",
        "severity": "mild",
        "hit": True,  # held by the last review: 0.17 has not fallen below the release at 0.15
        "hit_before": True,
        "when": "pd >= 0.2 and raroc < hurdle_rate",
        "release": "pd < 0.15",
        "values": {"pd": 0.17, "raroc": None},
        "parameters": {"hurdle_rate": 0.12},
    }
    assert (traces["watched"]["hit"], traces["high"]["hit"]) == (True, False)


def test_description_tells_every_rule_in_order(published: PublishedStrategy) -> None:
    page = strategy_description(published.strategy)
    places = [page.index(f"{number}. {rule.id}") for number, rule in enumerate(published.strategy.rules)]
    assert places == sorted(places)
    assert "pd < 0.15" in page
    assert published.strategy.hash in page


def test_generated_source_reads_like_the_rules(published: PublishedStrategy) -> None:
    assert "def on_cash(pd, product_code):" in published.source
    assert "return product_code == 1.0 and pd >= 0.3" in published.source
    assert "hurdle_rate = 0.12" in published.source

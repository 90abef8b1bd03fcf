"""Rules alone: 40 expressions over 30 columns of a million rows; ours against Polars and zen-engine."""

import datetime as dt
import json
import operator
import time
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import polars as pl

from limitkeeper.app.strategies import published_strategy
from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.kernel.parameters import Parameters
from limitkeeper.core.strategy.definition import strategy_from_document
from limitkeeper.core.strategy.proposals import PublishedStrategy, hits_of

ROWS, ZEN_ROWS, COLUMNS, EXPRESSIONS, REPEATS = 1_000_000, 1_000, 30, 40, 5
NAMES = [f"column_{k:02d}" for k in range(COLUMNS)]
Comparison = tuple[str, str, float, str | None]
SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    ">": operator.gt,
    ">=": operator.ge,
    "<=": operator.le,
}


def expressions() -> list[list[Comparison]]:
    """40 conjunctions of two to four comparisons of a column with a number, or with a share of a column."""
    chance = np.random.default_rng(0)
    found = []
    for k in range(EXPRESSIONS):
        columns = chance.permutation(COLUMNS)
        found.append(
            [
                (
                    NAMES[columns[j]],
                    str(chance.choice(list(SIGNS))),
                    round(float(chance.uniform(0.1, 0.9)), 3),
                    NAMES[columns[j + 4]] if (k + j) % 5 == 0 else None,
                )
                for j in range(2 + k % 3)
            ]
        )
    return found


def text_of(comparisons: list[Comparison]) -> str:
    """The expression as our language and zen's have it."""
    parts = [
        f"{name} {sign} {number} * {other}" if other else f"{name} {sign} {number}"
        for name, sign, number, other in comparisons
    ]
    return " and ".join(parts)


def polars_of(comparisons: list[Comparison]) -> pl.Expr:
    """The expression as Polars has it."""
    parts = [
        SIGNS[sign](pl.col(name), number * pl.col(other) if other else number)
        for name, sign, number, other in comparisons
    ]
    joined: pl.Expr = reduce(operator.and_, parts)
    return joined


def published(rules: list[list[Comparison]]) -> PublishedStrategy:
    """The expressions as a strategy."""
    told = {"description": "Measured.", "description_zh": "测量。"}
    used = {name for rule in rules for first, _, _, other in rule for name in (first, other)}
    document = {
        "name": "measured",
        "version": "1",
        **told,
        "products": ["purchase", "cash"],
        "markets": ["CN"],
        "precedence": ["alert"],
        "inputs": {name: {"unit": "share", **told} for name in NAMES if name in used},
        "rules": [
            {
                "id": f"rule_{k:02d}",
                "trigger": "abnormal_consumption",
                "when": text_of(rule),
                "action": "alert",
                "severity": "mild",
                "reasons": ["spending_unusual"],
                **told,
            }
            for k, rule in enumerate(rules)
        ],
        "steps": {
            "decrease": {},
            "rounding_cents": 1,
            "least_step_cents": 0,
            "floor_cents": {"purchase": 0, "cash": 0},
        },
        "cool_down_days": 0,
        "freeze_days": 0,
    }
    strategy, problems = strategy_from_document(document, {}, ["spending_unusual"])
    assert strategy is not None, problems
    return published_strategy(strategy, Parameters(dt.date(2026, 1, 1), {}, "sha256:none"))


def best_seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """The quickest of some runs, after one that does not count."""
    work()
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def zen_rate(rules: list[list[Comparison]], values: np.ndarray, expected: list[int]) -> float | None:
    """Rows a second of zen-engine at its quickest: one compiled decision table that collects the 40 rules."""
    try:
        import zen
    except ModuleNotFoundError:
        return None
    content = {
        "hitPolicy": "collect",
        "inputs": [{"id": "when", "name": "when"}],
        "outputs": [{"id": "rule", "name": "rule", "field": "rule"}],
        "rules": [{"_id": f"r{k}", "when": text_of(rule), "rule": str(k)} for k, rule in enumerate(rules)],
    }
    nodes = [
        {"id": "in", "name": "in", "type": "inputNode"},
        {"id": "table", "name": "table", "type": "decisionTableNode", "content": content},
        {"id": "out", "name": "out", "type": "outputNode"},
    ]
    edges = [
        {"id": "1", "sourceId": "in", "targetId": "table"},
        {"id": "2", "sourceId": "table", "targetId": "out"},
    ]
    compiled = zen.ZenDecisionContent(json.dumps({"nodes": nodes, "edges": edges}))
    engine = zen.ZenEngine({"loader": lambda _: compiled})
    contexts = [dict(zip(NAMES, row, strict=True)) for row in values[:, :ZEN_ROWS].T.tolist()]
    found = [engine.evaluate("table", context)["result"] for context in contexts]
    assert [sum(1 << hit["rule"] for hit in hits or []) for hits in found] == expected
    return ZEN_ROWS / best_seconds(lambda: [engine.evaluate("table", context) for context in contexts], 3)


def run() -> dict[str, Any]:
    """Rows a second of each, on the same rows with the same result."""
    rules = expressions()
    values = np.random.default_rng(1).random((COLUMNS, ROWS))
    columns, ready = Columns(tuple(NAMES), values), published(rules)
    hits = hits_of(ready, columns)
    ours = ROWS / best_seconds(lambda: hits_of(ready, columns))
    frame = pl.DataFrame(dict(zip(NAMES, values, strict=True)))
    peers = [polars_of(rule).alias(f"rule_{k}") for k, rule in enumerate(rules)]
    flags = frame.select(peers)
    mask = reduce(operator.or_, (flags[:, k].to_numpy().astype(np.int64) << k for k in range(EXPRESSIONS)))
    assert np.array_equal(mask, hits)
    polars = ROWS / best_seconds(lambda: frame.select(peers)) / pl.thread_pool_size()
    zen = zen_rate(rules, values, hits[:ZEN_ROWS].tolist())
    row = values[columns.rows(ready.strategy.names), 0].tolist()
    plain_us = best_seconds(lambda: [ready.rules_hit(0, *row) for _ in range(10_000)], 3) * 100
    polars_us = best_seconds(lambda: [frame[:1].select(peers) for _ in range(100)], 3) * 10_000
    rows: list[dict[str, Any]] = [
        {"what": "Limitkeeper, one core", "rate": ours, "unit": "rows/s", "ratio_to_ours": 1.0},
        {"what": "Polars, per core", "rate": polars, "unit": "rows/s", "ratio_to_ours": polars / ours},
        {"what": "zen-engine, one core", "rate": zen or "not installed", "unit": "rows/s",
         "ratio_to_ours": zen / ours if zen else ""},
        {"what": "Limitkeeper, one row, plain Python", "rate": plain_us, "unit": "us", "ratio_to_ours": 1.0},
        {"what": "Polars, one row", "rate": polars_us, "unit": "us", "ratio_to_ours": polars_us / plain_us},
    ]  # fmt: skip
    return {
        "name": "Rules alone: 40 expressions, 119 comparisons, 30 columns",
        "rows": rows,
        "notes": [
            f"{ROWS:,} rows in memory; zen-engine on {ZEN_ROWS:,} of them. All three give the same hits.",
            "Ours also gives the mask of hits and knows missing; in Polars NaN > 1 is true.",
            f"Polars ran on {pl.thread_pool_size()} threads; its rate is divided by them.",
        ],
    }

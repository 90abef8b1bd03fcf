"""Simulated accounts for tests and benchmarks of the whole decision path: every column, missing values included."""

import datetime as dt

import numpy as np
import polars as pl

from limitkeeper.app.policy import market_parameters
from limitkeeper.app.strategies import loaded_strategy, published_strategy, strategy_path
from limitkeeper.core.decision.assessment import Policy
from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.risk.scorecard import Characteristic, Scorecard
from limitkeeper.core.value.economics import terms_in_force
from limitkeeper.core.value.response import response_terms_in_force

DAY = dt.date(2026, 1, 1)


def simulated_scorecard(characteristics: int = 12, bins: int = 8) -> Scorecard:
    """A scorecard over ``x0, x1, ...``, each falling over its bins."""
    edges = tuple(float(edge) for edge in np.linspace(-1.5, 1.5, bins - 1))
    points = tuple(550 * place - 2_000 for place in range(bins))
    lines = (
        Characteristic(f"x{k}", f"x{k}", None, edges, (), points, -700, (), ())
        for k in range(characteristics)
    )
    return Scorecard(tuple(lines), base_points=54_000)


def simulated_policy(strategy: str = "standard", *, compiled: bool = True) -> Policy:
    """A shipped strategy with the simulated scorecard and the parameters of China."""
    parameters = market_parameters("CN", DAY)
    return Policy(
        simulated_scorecard(),
        published_strategy(loaded_strategy(strategy_path(strategy)), parameters, compiled=compiled),
        terms_in_force(parameters),
        response_terms_in_force(parameters),
    )


def simulated_columns(policy: Policy, accounts: int, seed: int = 0) -> tuple[Columns, Columns, np.ndarray]:
    """Features, characteristics and rules hit before, of simulated accounts."""
    chance = np.random.default_rng(seed)
    values = {name: chance.random(accounts) for name in policy.inputs}
    for name in policy.inputs:
        if name.startswith(("is_", "has_", "campaign_", "declined_auto")):
            values[name] = (chance.random(accounts) < 0.03).astype(float)
        elif name.endswith("_cents"):
            values[name] = np.round(chance.lognormal(12, 1.2, accounts))
        elif "days" in name:
            values[name] = np.floor(chance.exponential(60, accounts))
        elif "count" in name or name in {"bills_12", "on_time_streak"}:
            values[name] = np.floor(chance.random(accounts) * 13)
        elif "zscore" in name or "velocity" in name:
            values[name] = chance.normal(0, 2, accounts)
    values["product_code"] = (chance.random(accounts) < 0.3).astype(float)
    matrix = np.array([values[name] for name in policy.inputs])
    unknown = chance.random(matrix.shape) < 0.05
    unknown[policy.inputs.index("product_code")] = False
    matrix[unknown] = np.nan
    names = policy.scorecard.names
    characteristics = Columns(names, chance.normal(0, 1.2, (len(names), accounts)))
    characteristics.values[chance.random(characteristics.values.shape) < 0.05] = np.nan
    before = chance.integers(0, 2 ** len(policy.strategy.strategy.rules), accounts)
    return Columns(policy.inputs, matrix), characteristics, before


def campaign_rows(count: int = 4) -> pl.DataFrame:
    """Rows of a campaign that cuts a fifth of each of some accounts."""
    return pl.DataFrame({
        "account_id": [f"a{k:05}" for k in range(count)],
        "limit_before_cents": [100_000 + k for k in range(count)],
        "limit_after_cents": [80_000] * count,
        "segment": ["gold" if k % 2 else "plain" for k in range(count)],
    })  # fmt: skip

"""A small model made by hand, its vintages, and what monitoring says of them: for pages and commands."""

import datetime as dt
from typing import Any

import numpy as np
import polars as pl

from limitkeeper.app.human_rates import Month, judged_months
from limitkeeper.app.monitoring import monitored
from limitkeeper.app.monitoring_figures import Vintage
from limitkeeper.app.monitoring_policy import monitoring_terms
from limitkeeper.app.scoring import characteristic_columns
from limitkeeper.connectors.models import defined
from limitkeeper.core.drift.reference import reference_of
from limitkeeper.core.risk.model import InputColumn, Model
from limitkeeper.core.risk.scorecard import Characteristic, Scorecard
from limitkeeper.learn.validation import figures

HOSTILE = "<script>alert(1)</script>"
TERMS = monitoring_terms(dt.date(2026, 1, 1))
LINES = (
    Characteristic("late", HOSTILE, "late_recent", (1.0, 3.0), (), (1_500, -1_000, -3_000), -500, (), ()),
    Characteristic("job", "Job", None, (), (0, 1), (500, -500), 0, (), ()),
)
CARD = Scorecard(LINES, 54_000)


def accounts(rows: int, seed: int, late: float = 0.5) -> pl.DataFrame:
    """Accounts whose outcomes follow the scorecard, some of them not known yet."""
    draws = np.random.default_rng(seed)
    frame = pl.DataFrame({
        "account_id": np.arange(rows), "late": draws.poisson(late, rows).astype(float),
        "job": draws.choice(["clerk", "cook"], rows), "product": draws.choice(["purchase", "cash"], rows),
    })  # fmt: skip
    pd = CARD.scored(characteristic_columns(bare_model(), frame)).pd
    outcome = pl.Series("bad", (draws.random(rows) < pd).astype(int))
    known = draws.random(rows) < 0.9
    return frame.with_columns(pl.when(pl.Series(known)).then(outcome).alias("bad"))


def bare_model(card: dict[str, Any] | None = None) -> Model:
    inputs = (InputColumn("late", "number"), InputColumn("job", "text", ("clerk", "cook")))
    return Model("pd", "bad", "1", "a year", inputs, (), (), CARD, card=card or {})


def small_model() -> Model:
    """The model with what its training would have left in its card."""
    frame = accounts(3_000, 1)
    columns = characteristic_columns(bare_model(), frame)
    known = frame["bad"].is_not_null().to_numpy()
    pd, target = CARD.scored(columns).pd[known], frame["bad"].drop_nulls().to_numpy().astype(float)
    return bare_model(
        {"champion": figures(target, pd), "reference": reference_of(CARD, columns).to_document()}
    )


def monitoring_document() -> dict[str, Any]:
    """Three vintages, the last of them drifted, and four months of people."""
    vintages = [Vintage(HOSTILE, accounts(800, 2)), Vintage("b", accounts(800, 3).drop("bad")),
                Vintage("c", accounts(800, 4, late=2.0))]  # fmt: skip
    months = [Month(f"2026-0{k}", 100, 10 + 40 * (k == 4), 30, 6) for k in range(1, 5)]
    people = judged_months(months, TERMS)
    document = defined(monitored(small_model(), vintages, TERMS, segment="product", people=people))
    assert isinstance(document, dict)
    return document

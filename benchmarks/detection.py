"""How well the triggers find what simulated lives hide: precision, recall, time, exposure; with a picture.

SIMULATED: the lives come from ``limitkeeper simulate``, with a hidden state that is known. The model is trained on
one set of lives, and the server watches another. Alerts of the first 90 days are left out: no account has a
pattern yet.
"""

import datetime as dt
import os
import tempfile
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import polars as pl
import sqlalchemy as sa

from limitkeeper.app.simulation import labelled_portraits
from limitkeeper.app.training import trained_model
from limitkeeper.connectors.events import read_events
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.risk.model import Model
from limitkeeper.engines.embedded.findings import TRIGGERS
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.engines.embedded.settings import Settings
from limitkeeper.engines.embedded.start import Decisive, Place, running_engine
from limitkeeper.simulation.life import SimulatedLife, simulated_life
from limitkeeper.store.tables import alerts

ACCOUNTS = int(os.environ.get("BENCH_LIVES", "6000"))
DAYS = 360
WARM_DAYS = 90
BATCH_EVENTS = 16_384
SEVERE = ("severe", "critical")
"""Severities of alerts that stop a line at once; the others ask somebody to look."""

PICTURE = Path(__file__).parent / "results" / "detection.png"


def run() -> dict[str, Any]:
    """Train on one set of simulated lives, watch another, and compare alerts with what was hidden."""
    learned = simulated_life(ACCOUNTS, DAYS, seed=11)
    portraits = labelled_portraits(learned, learned.start + dt.timedelta(days=DAYS - 90), 60)
    model = trained_model(portraits, target="defaulted", drop=["account_id"])
    life = simulated_life(ACCOUNTS, DAYS, seed=12)
    found = _alerts(life, model)
    rows = [_row(trigger, life, found) for trigger in TRIGGERS[:3]]
    _draw(rows)
    notes = [
        f"SIMULATED: {ACCOUNTS:,} lives of {DAYS} days, seed 12; model trained on lives of seed 11; standard strategy",
        "An alert counts for a life from its onset on; healthy lives are salaried, seasonal and dormant ones.",
    ]
    return {"name": "detection", "rows": rows, "notes": notes}


def _alerts(life: SimulatedLife, model: Model) -> pl.DataFrame:
    """Every alert that a server raises over a life: account, trigger, when it was opened."""
    with tempfile.TemporaryDirectory(prefix="limitkeeper-bench-") as folder:
        now_us = int(life.end.timestamp()) * 1_000_000
        url, settings = f"sqlite:///{folder}/store.db", Settings(Path(folder), 0.0)
        engine = running_engine(Place(url, settings, Decisive(model=model)), lambda: now_us)
        engine.submit(Request("accounts", life.accounts)).result()
        for start in range(0, life.events.height, BATCH_EVENTS):
            read = read_events(life.events[start : start + BATCH_EVENTS])
            engine.submit(Request("events", read, BATCH_EVENTS)).result()
        names = ("account_id", "trigger", "severity", "opened_us", "seen_us")
        query = sa.select(*(alerts.c[name] for name in names))
        found = pl.DataFrame(engine.store.rows(query))
        engine.stop()
    return found


def _row(trigger: str, life: SimulatedLife, found: pl.DataFrame) -> dict[str, Any]:
    """Figures of one trigger."""
    start_us = int(life.start.timestamp()) * 1_000_000
    warm_us = start_us + WARM_DAYS * DAY_US
    truth = life.truth.with_columns(pl.col("onset_at").dt.epoch("us").alias("onset_us"))
    own = found.filter((pl.col("trigger") == trigger) & (pl.col("seen_us") >= warm_us))
    joined = own.join(truth, on="account_id")
    due = truth.filter((pl.col("trigger") == trigger) & (pl.col("onset_us") >= warm_us))
    hit = joined.filter((pl.col("trigger_right") == trigger) & (pl.col("seen_us") >= pl.col("onset_us")))
    first = hit.group_by("account_id").agg(pl.col("opened_us").min(), pl.col("onset_us").first())
    caught = first.join(due.select("account_id"), on="account_id")
    days = ((caught["opened_us"] - caught["onset_us"]) / DAY_US).clip(0.0).to_numpy()
    troubled = joined.filter(
        pl.col("trigger_right").is_not_null() & (pl.col("seen_us") >= pl.col("onset_us"))
    )
    severe = pl.col("severity").is_in(SEVERE)
    healthy = truth.filter(pl.col("trigger").is_null())
    false = joined.filter(pl.col("trigger_right").is_null())
    months = healthy.height * (DAYS - WARM_DAYS) / 30.0
    defaults = due.filter(pl.col("defaulted_at").is_not_null()).join(caught, on="account_id", how="left")
    early = defaults.filter(pl.col("opened_us") < pl.col("defaulted_at").dt.epoch("us"))
    loss, saved = float(defaults["loss_cents"].sum()), float(early["loss_cents"].sum())
    return {
        "what": trigger,
        "lives": due.height,
        "recall": round(caught.height / max(due.height, 1), 3),
        "precision": round(hit.height / max(own.height, 1), 3),
        "precision_any_trouble": round(troubled.height / max(own.height, 1), 3),
        "median_days_to_alert": round(float(np.median(days)), 1) if len(days) else None,
        "defaulted": defaults.height,
        "alerted_before_default": early.height,
        "share_of_loss_alerted_before_default": round(saved / loss, 3) if loss else None,
        "precision_of_severe": round(hit.filter(severe).height / max(own.filter(severe).height, 1), 3),
        "false_alerts_per_1000_healthy_account_months": round(1_000 * false.height / months, 2),
        "severe_ones_of_them": round(1_000 * false.filter(severe).height / months, 2),
    }


def _draw(rows: list[dict[str, Any]]) -> None:
    """Recall and precision by trigger, with the false alerts of healthy lives."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (shares, false) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    names = [row["what"].replace("_", "\n") for row in rows]
    places = np.arange(len(rows))
    shares.bar(places - 0.2, [row["recall"] for row in rows], 0.4, label="recall", color="#1c5d8c")
    shares.bar(places + 0.2, [row["precision"] for row in rows], 0.4, label="precision", color="#9db8cc")
    shares.set_xticks(places, names, fontsize=8)
    shares.set_ylim(0, 1)
    shares.set_title("What the alerts find (simulated lives)", fontsize=10)
    shares.legend(frameon=False, fontsize=8)
    false.bar(
        places, [row["false_alerts_per_1000_healthy_account_months"] for row in rows], 0.5, color="#b5651d"
    )
    false.set_xticks(places, names, fontsize=8)
    false.set_title("False alerts per 1,000 healthy account-months (simulated)", fontsize=10)
    for axes in (shares, false):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(PICTURE, dpi=120)
    plt.close(figure)

"""Simulated lives as vintages of a model, with a stated drift or none; and the model that they are held against."""

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from limitkeeper.app.scoring import characteristic_columns
from limitkeeper.app.simulation import TARGET, labelled_portraits
from limitkeeper.app.training import accepted_rows, assembled
from limitkeeper.core.drift.reference import reference_of
from limitkeeper.core.risk.model import Model
from limitkeeper.learn.preparation import encoded
from limitkeeper.learn.table import Learned, Table, champion_part
from limitkeeper.learn.validation import figures
from limitkeeper.simulation.life import START, simulated_life
from limitkeeper.simulation.mix import Mix

MIX = Mix(salaried=0.5, distressed=0.2, recovering=0.1)
WORSE_MIX = Mix(salaried=0.1, distressed=0.6, recovering=0.1)
READ = (
    "utilisation", "days_past_due_max_12", "on_time_streak", "paid_full_share_6", "cash_share_30d",
    "night_share_30d", "spend_mean_90d_cents",
)  # fmt: skip
DAYS, SEEN_DAYS, HORIZON_DAYS = 120, 80, 40


def portraits(accounts: int, seed: int, mix: Mix = MIX) -> pl.DataFrame:
    """What is known of simulated accounts on the 80th day, and who was 30 days late within 40 more."""
    life = simulated_life(accounts, DAYS, seed, mix=mix)
    found = labelled_portraits(life, START + dt.timedelta(days=SEEN_DAYS), HORIZON_DAYS)
    return found.select("account_id", *READ, TARGET)


def scorecard_model(frame: pl.DataFrame, others: pl.DataFrame, target: str = TARGET) -> Model:
    """A model with its scorecard alone; in its card the reference, and the figures on others: training, in short."""
    accepted = accepted_rows(frame, target, "pd", None, ["account_id"], [])
    inputs = accepted.preparation.inputs
    table = Table(encoded(accepted.frame, inputs), accepted.target, {}, np.empty(0))
    part = champion_part(table, np.arange(len(accepted.target)), 0)
    model = assembled("pd", target, accepted.positive, inputs, table, Learned(part, None, [], [], []))
    reference = reference_of(model.scorecard, characteristic_columns(model, frame)).to_document()
    held_out = figures(others[target].to_numpy().astype(float), pd_of(model, others))
    return replace(model, card={"champion": held_out, "reference": reference})


def pd_of(model: Model, frame: pl.DataFrame) -> NDArray[np.float64]:
    """The model's PD of each account."""
    return model.scorecard.scored(characteristic_columns(model, frame)).pd

"""Score a table with a model: raw columns in; PD, points and reasons out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.kernel.errors import InputError, ModelError, did_you_mean
from limitkeeper.core.risk.derivation import with_derived
from limitkeeper.core.risk.model import Model
from limitkeeper.core.risk.scorecard import REASONS, Scored
from limitkeeper.learn.preparation import check_fits, encoded, trimmed


@dataclass(frozen=True, slots=True)
class Scores:
    """Accepted rows with their scores, rejected rows with reasons, and what was noticed."""

    accepted: pl.DataFrame
    rejected: pl.DataFrame
    read: int
    notes: tuple[str, ...]


def characteristic_columns(model: Model, frame: pl.DataFrame) -> Columns:
    """The columns that the model's scorecard reads, raw and derived, ``(k, n)``.

    Raises
    ------
    ModelError
        When the table lacks a column that the model needs or holds another type.
    """
    return model.with_characteristics(encoded(trimmed_inputs(model, frame), model.inputs))


def challenger_pd(model: Model, frame: pl.DataFrame) -> NDArray[np.float64]:
    """The challenger's PD of every row, ``(n,)``.

    Raises
    ------
    ModelError
        When the model has no challenger, or the table does not fit.
    """
    # Here, because who decides by the scorecard alone, as a server does, has no use for what trains the other.
    from limitkeeper.learn.challenger import challenger_score

    if model.challenger is None:
        raise ModelError(f"A model of kind '{model.kind}' has no challenger.")
    columns = encoded(trimmed_inputs(model, frame), model.inputs)
    return challenger_score(model.challenger, with_derived(columns, model.derivations, model.missing_codes))


def trimmed_inputs(model: Model, frame: pl.DataFrame) -> pl.DataFrame:
    """The columns that the model reads, checked."""
    check_fits(frame, model.inputs)
    return trimmed(frame.select(model.columns_needed))


def scores(
    model: Model, frame: pl.DataFrame, *, keep: Sequence[str] = (), challenger: bool = False
) -> Scores:
    """Every row with its PD, points and reasons, in the table's order; rows with infinities rejected.

    Parameters
    ----------
    model
        What scores.
    frame
        The lender's table; columns that the model does not read are ignored.
    keep
        Columns carried through, such as the account's number.
    challenger
        Whether the challenger's PD is given too.

    Raises
    ------
    InputError
        When a column to keep is not there.
    ModelError
        When the table does not fit the model.
    """
    check_kept(model, frame, keep)
    inputs = trimmed_inputs(model, frame)
    faults = faulty_columns(inputs)
    faulty = np.array([bool(each) for each in faults], dtype=np.bool_)
    good = frame.filter(pl.Series(~faulty))
    columns = characteristic_columns(model, good)
    scored = model.scorecard.scored(columns)
    kept = frame.with_columns(row=pl.int_range(pl.len(), dtype=pl.Int64)).select(*keep, "row")
    result = kept.filter(pl.Series(~faulty)).with_columns(
        pl.Series(model.kind, scored.pd), pl.Series("points", scored.points)
    )
    if challenger:
        result = result.with_columns(challenger_pd=pl.Series(challenger_pd(model, good)))
    result = result.with_columns(reason_columns(model, scored))
    reasons = pl.Series("reason", [f"infinite_value: {each}" for each in faults if each], dtype=pl.String)
    rejected = kept.filter(pl.Series(faulty)).with_columns(reasons)
    return Scores(result, rejected, frame.height, unseen_words(model, inputs))


def check_kept(model: Model, frame: pl.DataFrame, keep: Sequence[str]) -> None:
    """Refuse to keep a column that is not there, or one that would cover a result."""
    for name in keep:
        if name not in frame.columns:
            raise InputError(
                f"There is no column '{name}' to keep.", advice=did_you_mean(name, frame.columns)
            )
        if name in ("row", "points", "challenger_pd", model.kind) or name.startswith("reason"):
            raise InputError(
                f"A column '{name}' cannot be kept: the scores have one of that name.", advice="Rename it."
            )


def faulty_columns(inputs: pl.DataFrame) -> list[str]:
    """For each row the columns that hold an infinity, comma-separated; empty where none does."""
    found = [""] * inputs.height
    for name, kind in inputs.schema.items():
        if kind.is_float():
            for row in np.flatnonzero(np.isinf(inputs[name].fill_null(0.0).to_numpy())):
                found[row] += f"{', ' if found[row] else ''}{name}"
    return found


def reason_columns(model: Model, scored: Scored) -> list[pl.Series]:
    """Up to four reasons: the characteristic, its points lost, and the code of its wording."""
    lines = model.scorecard.characteristics
    names = np.array([*(line.name for line in lines), None], dtype=object)
    codes = np.array([*(line.reason for line in lines), None], dtype=object)
    series = []
    for place in range(REASONS):
        which = scored.reasons[:, place]
        lost = np.where(which >= 0, scored.points_lost[:, place], np.nan)
        series += [
            pl.Series(f"reason_{place + 1}", names[which].tolist(), dtype=pl.String),
            pl.Series(f"reason_{place + 1}_code", codes[which].tolist(), dtype=pl.String),
            pl.Series(f"reason_{place + 1}_points_lost", lost, nan_to_null=True),
        ]
    return series


def unseen_words(model: Model, inputs: pl.DataFrame) -> tuple[str, ...]:
    """A note on each text column with words that the model does not know; they score as missing."""
    notes = []
    for column in model.inputs:
        if column.type == "text":
            known = inputs[column.name].drop_nulls().cast(pl.String)
            unseen = known.filter(~known.is_in(list(column.categories)))
            if len(unseen):
                notes.append(
                    f"{column.name}: {len(unseen)} rows hold a word the model does not know; read as missing."
                )
    return tuple(notes)

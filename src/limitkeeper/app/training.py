"""Train a model on a lender's table: read, refuse what cannot be learned from, fit, validate, describe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from limitkeeper.app.regulation_policy import shipped_register
from limitkeeper.core.drift.reference import reference_of
from limitkeeper.core.kernel.errors import InputError, did_you_mean
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.core.risk.model import KINDS, InputColumn, Model
from limitkeeper.learn.card import characteristics_of, group_figures, groups_of, score_histogram, validated
from limitkeeper.learn.card_page import card_page
from limitkeeper.learn.preparation import Preparation, encoded, preparation_of, target_of, trimmed
from limitkeeper.learn.severity import severity_learned, share_target_of
from limitkeeper.learn.table import FOLDS, Learned, Table, learned

ROWS_LEAST = 100
"""Fewer rows make no model."""

CLASS_LEAST = 30
"""Fewer bad, or fewer good, make no model: a fold would hold six."""

SUSPICIOUS_AUC = 0.98
"""A validation AUC above this more likely comes from a column that knows the outcome than from skill."""

HORIZON = "as the target defines it"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The rows that are learned from, how they are read, and what was left out."""

    frame: pl.DataFrame
    target: NDArray[np.float64]
    positive: str
    preparation: Preparation
    rejected: Mapping[str, int]
    notes: tuple[str, ...]


def trained_model(
    frame: pl.DataFrame,
    target: str,
    *,
    kind: str = "pd",
    positive: str | None = None,
    drop: Sequence[str] = (),
    protected: Sequence[str] = (),
    missing: Sequence[float] = (),
    seed: int = 0,
    progress: Progress = unseen,
) -> Model:
    """A model of a table, with its card.

    Parameters
    ----------
    frame
        One row an account.
    target
        The column to predict: an outcome for ``pd``; a share in [0, 1] for ``lgd`` and ``ccf``.
    kind
        ``pd``, ``lgd`` or ``ccf``.
    positive
        The target's value that means default; not needed for 0 and 1, or false and true.
    drop
        Columns not to be read.
    protected
        Columns that never reach the model: they are joined only to measure.
    missing
        Values of numbers that stand for missing; each gets a bin of its own.
    seed
        Of the folds and of the challenger.
    progress
        Told of each finished part.

    Raises
    ------
    InputError
        When the table, a column or the target cannot be learned from.
    """
    accepted = accepted_rows(frame, target, kind, positive, drop, protected)
    inputs = accepted.preparation.inputs
    table = Table(
        encoded(accepted.frame, inputs),
        accepted.target,
        {column.name: len(column.categories) for column in inputs if column.type == "text"},
        np.array(sorted(missing), dtype=np.float64),
        share=kind != "pd",
    )
    if kind == "pd":
        result = learned(table, seed, progress)
        card = pd_card(accepted, table, result, protected)
    else:
        result, card = severity_learned(table, seed, progress)
        words = {column.name: column.categories for column in inputs}
        card["characteristics"] = characteristics_of(table, result, words)
        card["notes"] = [*accepted.notes, *card["notes"]]
    model = assembled(kind, target, accepted.positive, inputs, table, result)
    card = {
        "kind": kind,
        "target": target,
        "positive": accepted.positive,
        "rows": {"read": frame.height, "accepted": len(accepted.target), "rejected": dict(accepted.rejected)},
        "inputs": list(model.columns_needed),
        "left_out": {"drop": list(drop), "protected": list(protected)},
        "missing_codes": list(model.missing_codes),
        "seed": seed,
        "model_hash": model.hash,
        "reference": reference_of(
            model.scorecard, model.with_characteristics(encoded(accepted.frame, model.inputs))
        ).to_document(),
        **card,
    }
    return replace(model, card=card)


def accepted_rows(
    frame: pl.DataFrame,
    target: str,
    kind: str,
    positive: str | None,
    drop: Sequence[str],
    protected: Sequence[str],
) -> Accepted:
    """The rows and columns that can be learned from; the others are counted by reason."""
    if kind not in KINDS:
        raise InputError("There is no such kind of model.", value=kind, allowed=", ".join(KINDS))
    check_columns(frame, target, drop, protected)
    read = trimmed(frame)
    if kind == "pd":
        outcome, named = target_of(read[target], positive)
        notes: tuple[str, ...] = ()
    else:
        outcome, notes = share_target_of(read[target])
        named = ""
    infinite = pl.any_horizontal(
        pl.lit(value=False),
        *(
            pl.col(name).is_infinite().fill_null(value=False)
            for name, type_ in read.schema.items()
            if type_.is_float()
        ),
    )
    faulty = read.select(infinite.alias("infinite"))["infinite"].to_numpy()
    unknown = np.isnan(outcome)
    keep = ~(unknown | faulty)
    rejected = {
        reason: int(count)
        for reason, count in (
            ("target_missing", unknown.sum()),
            ("infinite_value", (faulty & ~unknown).sum()),
        )
        if count
    }
    rows, kept = read.filter(pl.Series(keep)), outcome[keep]
    check_outcome(target, kept, kind)
    preparation = preparation_of(rows, {target, *drop, *protected})
    if not preparation.inputs:
        raise InputError(
            "No column is left to learn from.",
            value=" ".join(preparation.notes),
            advice="Drop fewer columns.",
        )
    return Accepted(rows, kept, named, preparation, rejected, (*preparation.notes, *notes))


def is_protected(name: str) -> bool:
    """Whether the register calls a column a protected attribute, however it is written."""
    known = shipped_register().found(name)
    return known is not None and known.sensitivity == "protected"


def check_columns(frame: pl.DataFrame, target: str, drop: Sequence[str], protected: Sequence[str]) -> None:
    """Refuse an empty table, names that are not there or there twice, and protected attributes that are not set apart."""
    if not frame.width or not frame.height:
        raise InputError("The table is empty.", value=f"{frame.height} rows, {frame.width} columns")
    doubled = [name for name in frame.columns if "_duplicated_" in name]
    if doubled:
        raise InputError(
            "The table has a column name twice.",
            value=", ".join(name.rsplit("_duplicated_", 1)[0] for name in doubled),
            advice="Rename one of them.",
        )
    for name, role in (
        (target, "target"),
        *((n, "drop") for n in drop),
        *((n, "protected") for n in protected),
    ):
        if name not in frame.columns:
            raise InputError(
                f"There is no column '{name}' ({role}).",
                allowed=", ".join(frame.columns[:40]),
                advice=did_you_mean(name, frame.columns),
            )
    if target in (*drop, *protected):
        raise InputError(f"The target '{target}' cannot be dropped or protected.")
    apart = {target, *drop, *protected}
    barred = [name for name in frame.columns if name not in apart and is_protected(name)]
    if barred:
        raise InputError(
            "A protected attribute cannot be learned from.",
            value=", ".join(barred),
            advice="Name it with --protected, so that fairness is measured by it, or with --drop.",
        )


def check_outcome(target: str, outcome: NDArray[np.float64], kind: str) -> None:
    """Refuse too few rows, and an outcome of one class or with too few of one."""
    if len(outcome) < ROWS_LEAST:
        raise InputError(
            "Too few rows have a known target.", value=len(outcome), allowed=f"{ROWS_LEAST} or more"
        )
    if kind != "pd":
        return
    bads = int(outcome.sum())
    if min(bads, len(outcome) - bads) == 0:
        raise InputError(
            f"The target '{target}' has one class only.",
            value=f"{bads} bad of {len(outcome)}",
            advice="Name the bad outcome with --positive.",
        )
    if min(bads, len(outcome) - bads) < CLASS_LEAST:
        raise InputError(
            f"The target '{target}' has too few of one class for {FOLDS} folds.",
            value=f"{bads} bad, {len(outcome) - bads} good",
            allowed=f"{CLASS_LEAST} or more of each",
        )


def assembled(
    kind: str, target: str, positive: str, inputs: Sequence[InputColumn], table: Table, result: Learned
) -> Model:
    """The model of the final fits, with the columns and derivations that they read and no others."""
    scorecard, challenger = result.champion.scorecard, result.challenger
    read = set(scorecard.names) | set(() if challenger is None else challenger.challenger.names)
    derivations = tuple(each for each in result.champion.derivations if each.name in read)
    needed = read | {name for each in derivations for name in each.inputs}
    return Model(
        kind=kind,
        target=target,
        positive=positive,
        horizon=HORIZON,
        inputs=tuple(column for column in inputs if column.name in needed),
        missing_codes=tuple(table.missing_codes.tolist()),
        derivations=derivations,
        scorecard=scorecard,
        challenger=None if challenger is None else challenger.challenger,
    )


def pd_card(accepted: Accepted, table: Table, result: Learned, protected: Sequence[str]) -> dict[str, Any]:
    """The card of a PD model."""
    target = table.target
    champion, champion_pd = validated(target, result.champion_folds, result.held_rows)
    challenger, challenger_pd = validated(target, result.challenger_folds, result.held_rows)
    words = {column.name: column.categories for column in accepted.preparation.inputs}
    notes = list(accepted.notes)
    if max(champion["auc"], challenger["auc"]) > SUSPICIOUS_AUC:
        notes.append(
            "The AUC is suspiciously high: does a column know the outcome? Leave it out with --drop."
        )
    groups = {}
    for name in protected:
        labels = groups_of(accepted.frame[name].to_list())
        groups[name] = {
            "champion": group_figures(target, champion_pd, labels),
            "challenger": group_figures(target, challenger_pd, labels),
        }
    return {
        "bad_rate": float(target.mean()),
        "bads": int(target.sum()),
        "validation": f"stratified {FOLDS}-fold; figures over all held-out rows together",
        "champion": {
            **champion,
            "characteristics": len(result.champion.scorecard.characteristics),
            "penalty": list(result.champion.champion.penalty),
            "score_histogram": score_histogram(result.champion.scorecard, champion_pd, target),
        },
        "challenger": challenger,
        "characteristics": characteristics_of(table, result, words),
        "groups": groups,
        "notes": notes,
    }


__all__ = ["Accepted", "accepted_rows", "card_page", "trained_model"]

"""Renew a model: a challenger trained on newer accounts, and how it differs from the one that decides now.

What is proposed is what was compared: the challenger is fitted on one part of the accounts, and both are judged on the
other. Nothing is replaced here; which model decides is a decision of people.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from limitkeeper.app.monitoring_figures import outcome_of
from limitkeeper.app.scoring import characteristic_columns, faulty_columns
from limitkeeper.app.training import check_columns, trained_model
from limitkeeper.core.compliance.shares import Z_95, ratio, wilson_interval
from limitkeeper.core.kernel.errors import InputError, ModelError, did_you_mean
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.core.review.risk_grid import RISK_GRADES
from limitkeeper.core.risk.model import Model
from limitkeeper.learn.card import group_figures, groups_of
from limitkeeper.learn.validation import (
    Interval,
    auc_difference_with_interval,
    figures,
    observed_to_expected,
)

COMPARED_SHARE = 0.30
"""Share of the accounts that are kept to compare, where no others are given."""

BADS_LEAST = 30
"""Bad, and good, accounts without which two models are not compared."""


def proposed_renewal(
    incumbent: Model,
    frame: pl.DataFrame,
    *,
    compare_on: pl.DataFrame | None = None,
    drop: Sequence[str] = (),
    protected: Sequence[str] = (),
    missing: Sequence[float] = (),
    seed: int = 0,
    progress: Progress = unseen,
) -> Model:
    """A challenger of a model, with the comparison in its card (``comparison``).

    Parameters
    ----------
    incumbent
        The model that decides now; of kind ``pd``.
    frame
        Newer accounts with the incumbent's columns and target.
    compare_on
        Accounts to compare on, best of a later time; None keeps 30 % of ``frame`` apart, by chance and outcome.
    drop, protected, missing, seed, progress
        As of :func:`limitkeeper.app.training.trained_model`.

    Raises
    ------
    ModelError
        When the incumbent is no PD model, or the accounts lack one of its columns.
    InputError
        When the accounts cannot be learned from, or are too few to compare on.
    """
    if incumbent.kind != "pd":
        raise ModelError("Only a PD model has a challenger.", value=incumbent.kind, allowed="pd")
    check_columns(frame, incumbent.target, drop, protected)
    if compare_on is not None:
        _check_named(compare_on, (incumbent.target, *protected))
    fitted, compared = _parts(frame, incumbent, seed) if compare_on is None else (frame, compare_on)
    _check_outcome(outcome_of(compared[incumbent.target], incumbent.positive), "to compare on")
    proposed = trained_model(
        fitted,
        incumbent.target,
        positive=incumbent.positive,
        drop=drop,
        protected=protected,
        missing=missing,
        seed=seed,
        progress=progress,
    )
    comparison = compared_models(incumbent, proposed, compared, protected)
    comparison["compared_on"] = "held_out_by_chance" if compare_on is None else "given"
    return replace(proposed, card={**proposed.card, "comparison": comparison})


def _parts(frame: pl.DataFrame, incumbent: Model, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The accounts to learn from, and those to compare on, with as many bad ones in proportion."""
    outcome = outcome_of(frame[incumbent.target], incumbent.positive)
    known = np.flatnonzero(~np.isnan(outcome))
    _check_outcome(outcome[known] if len(known) else outcome, "in all")
    learned, kept = train_test_split(
        known, test_size=COMPARED_SHARE, random_state=seed, stratify=outcome[known], shuffle=True
    )
    return frame[np.sort(learned).tolist()], frame[np.sort(kept).tolist()]


def _check_named(frame: pl.DataFrame, names: Sequence[str]) -> None:
    for name in names:
        if name not in frame.columns:
            raise InputError(
                f"The accounts to compare on have no column '{name}'.",
                advice=did_you_mean(name, frame.columns),
            )


def _check_outcome(outcome: NDArray[np.float64], where: str) -> None:
    bads, goods = int((outcome == 1.0).sum()), int((outcome == 0.0).sum())
    if min(bads, goods) < BADS_LEAST:
        raise InputError(
            f"Too few accounts to compare two models ({where}).",
            value=f"{bads} bad, {goods} good",
            allowed=f"{BADS_LEAST} or more of each",
        )


def compared_models(
    incumbent: Model, proposed: Model, frame: pl.DataFrame, protected: Sequence[str] = ()
) -> dict[str, Any]:
    """How two models differ on the same accounts, as a document.

    Parameters
    ----------
    incumbent, proposed
        The model that decides now, and its challenger; both by their scorecards, which are what decides.
    frame
        Accounts that the challenger was not fitted on; those without an outcome, or with an infinity, are left out.
    protected
        Columns by whose groups both are measured.

    Raises
    ------
    ModelError
        When the accounts lack a column of either.
    InputError
        When too few are left.
    """
    _check_named(frame, (incumbent.target, *protected))
    outcome = outcome_of(frame[incumbent.target], incumbent.positive)
    read = {*incumbent.columns_needed, *proposed.columns_needed} & set(frame.columns)
    faulty = np.array([bool(each) for each in faulty_columns(frame.select(sorted(read)))], np.bool_)
    keep = ~np.isnan(outcome) & ~faulty
    accounts, target = frame.filter(pl.Series(keep)), outcome[keep]
    _check_outcome(target, "to compare on")
    before, after = (
        model.scorecard.scored(characteristic_columns(model, accounts)).pd for model in (incumbent, proposed)
    )
    area = auc_difference_with_interval(target, after, before)
    names = set(incumbent.scorecard.names), set(proposed.scorecard.names)
    groups = {
        name: {
            "incumbent": group_figures(target, before, labels),
            "proposed": group_figures(target, after, labels),
        }
        for name in protected
        for labels in [groups_of(accounts[name].to_list())]
    }
    return {
        "incumbent_hash": incumbent.hash,
        "proposed_hash": proposed.hash,
        "accounts": len(target),
        "bads": int(target.sum()),
        "left_out": int((~keep).sum()),
        "incumbent": _figures_of(target, before),
        "proposed": _figures_of(target, after),
        "auc_difference": list(area),
        "brier_difference": list(_paired_mean((after - target) ** 2 - (before - target) ** 2)),
        "ranks": "better" if area.low > 0.0 else "worse" if area.high < 0.0 else "undecided",
        "grades": grade_changes(target, before, after),
        "characteristics_gone": sorted(names[0] - names[1]),
        "characteristics_new": sorted(names[1] - names[0]),
        "groups": groups,
    }


def _figures_of(target: NDArray[np.float64], pd: NDArray[np.float64]) -> dict[str, Any]:
    return {
        **figures(target, pd),
        "mean_pd": float(pd.mean()),
        "observed_to_expected": list(observed_to_expected(target, pd)),
    }


def _paired_mean(difference: NDArray[np.float64]) -> Interval:
    """The mean of a difference of the same accounts with its 95 % interval."""
    mean, half = float(difference.mean()), Z_95 * float(difference.std(ddof=1)) / len(difference) ** 0.5
    return Interval(mean, mean - half, mean + half)


def grade_changes(
    target: NDArray[np.float64], before: NDArray[np.float64], after: NDArray[np.float64]
) -> dict[str, Any]:
    """Who changes grade: from which to which, and how many of those defaulted.

    Parameters
    ----------
    target, before, after
        ``(n,)``; the outcome, and each model's PD.

    Examples
    --------
    >>> found = grade_changes(np.array([0.0, 1.0]), np.array([0.01, 0.04]), np.array([0.01, 0.30]))
    >>> found["worse"]["accounts"], found["worse"]["bad_rate"], found["same"]["accounts"]
    (1, 1.0, 1)
    """
    edges = np.array(RISK_GRADES[1:-1])
    was, now = (np.searchsorted(edges, pd, side="right") for pd in (before, after))
    counts = np.zeros((len(RISK_GRADES) - 1,) * 2, int)
    np.add.at(counts, (was, now), 1)
    found: dict[str, Any] = {"pd_edges": list(RISK_GRADES), "counts": counts.tolist()}
    for name, here in (("better", now < was), ("same", now == was), ("worse", now > was)):
        rows, bads = int(here.sum()), int(target[here].sum())
        found[name] = {
            "accounts": rows,
            "share": ratio(rows, len(target)),
            "bads": bads,
            "bad_rate": ratio(bads, rows),
            "bad_rate_interval": wilson_interval(bads, rows),
        }
    return found

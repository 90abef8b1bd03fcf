"""The search for a less discriminatory alternative: other numbers, a feature less, a fit under a constraint."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from limitkeeper.app.fairness import TOUCHED_SHARE, attributes_of, highest
from limitkeeper.app.review import Review
from limitkeeper.app.strategies import published_strategy
from limitkeeper.core.compliance.alternatives import (
    AS_IT_IS,
    CONSTRAINED,
    DROPPED,
    THRESHOLD,
    alternative,
    trade_off,
)
from limitkeeper.core.compliance.groups import Attribute
from limitkeeper.core.decision.assessment import Assessment, assess_into, empty_assessment
from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.hashing import content_hash
from limitkeeper.core.kernel.parameters import Parameters
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.core.review.outcome import ADVERSE
from limitkeeper.core.risk.model import Model
from limitkeeper.core.strategy.definition import Strategy
from limitkeeper.learn.champion import folds_of
from limitkeeper.learn.constrained import BOUNDS, constrained_scores, contributions
from limitkeeper.learn.preparation import encoded, target_of
from limitkeeper.learn.table import Table, champion_part
from limitkeeper.learn.validation import auc_with_interval

FACTORS = (0.8, 0.9, 1.1, 1.25)
"""By what a number of the strategy is multiplied."""

VARIANTS_MAX = 48
"""Strategies that are tried beside the one that stands."""

DROPPED_MAX = 6
"""Features that are left out, one at a time: those that best tell the group which is hit most."""

INTERPRETED_ACCOUNTS_MAX = 20_000
"""Portfolios up to this size are run without compiling each variant: compiling would take longer."""


def variants(strategy: Strategy, review: Review) -> Iterator[tuple[str, Strategy]]:
    """The strategy with one number changed at a time: numbers of rules that take something and that hit."""
    hits = review.reviewed.assessment.proposals.hits
    acting = [
        rule
        for bit, rule in enumerate(strategy.rules)
        if rule.action in ADVERSE and bool((hits >> bit & 1).any())
    ]
    read = {name for rule in acting for name in rule.names}
    for name, value in strategy.parameters.items():
        if name not in read:
            continue
        for factor in FACTORS:
            changed = round(value * factor, 6)
            if strategy.document["parameters"][name]["unit"] == "share":
                changed = min(changed, 1.0)
            if changed != value:
                numbers = {**strategy.parameters, name: changed}
                yield (
                    f"{name} {value:g} → {changed:g}",
                    replace(strategy, parameters=numbers, hash=content_hash([strategy.hash, name, changed])),
                )


def threshold_alternatives(
    review: Review,
    parameters: Parameters,
    policy: Parameters,
    *,
    progress: Progress = unseen,
) -> dict[str, Any]:
    """What a strategy would earn and whom it would hit with one of its numbers changed.

    Parameters
    ----------
    review
        Of the portfolio, which names protected columns.
    parameters
        The market's, of the review.
    policy
        The screens in force.
    progress
        Told of each variant that is done; there are at most ``VARIANTS_MAX``.

    Raises
    ------
    InputError
        When the portfolio names no protected column.
    """
    if review.portfolio.protected is None:
        raise InputError("The portfolio names no protected column.", value=review.portfolio.name)
    attributes, least = attributes_of(review.portfolio.protected), int(policy["group_accounts_least"])
    strategy = review.reviewed.policy.strategy.strategy
    tried = [_judged(AS_IT_IS, "", review.reviewed.assessment, attributes, least)]
    chosen = [each for each, _ in zip(variants(strategy, review), range(VARIANTS_MAX), strict=False)]
    for number, (name, variant) in enumerate(chosen, start=1):
        assessed = _assessed(review, variant, parameters)
        tried.append(_judged(THRESHOLD, name, assessed, attributes, least))
        progress("alternatives", number, len(chosen))
    return trade_off("economic_profit_cents", tried, policy["adverse_impact_ratio_least"])


def _assessed(review: Review, strategy: Strategy, parameters: Parameters) -> Assessment:
    reviewed = review.reviewed
    compiled = len(reviewed.features) > INTERPRETED_ACCOUNTS_MAX
    decides = replace(reviewed.policy, strategy=published_strategy(strategy, parameters, compiled=compiled))
    found, before = empty_assessment(len(reviewed.features)), np.array(reviewed.hits_before, np.int64)
    for part in reviewed.features.chunks():
        # The same accounts are held out by chance as in the strategy that stands.
        assess_into(
            found, reviewed.features, before, reviewed.characteristics, decides, part, None, reviewed.holdout
        )
    return found


def _judged(
    kind: str,
    name: str,
    assessed: Assessment,
    attributes: Sequence[Attribute],
    least: int,
) -> dict[str, Any]:
    touched = np.isin(assessed.proposals.effects, ADVERSE)
    profit = float(np.nansum(assessed.marginal_profit_cents))
    return alternative(kind, name, profit, touched, attributes, least)


def model_alternatives(
    frame: pl.DataFrame,
    model: Model,
    protected: Sequence[str],
    policy: Parameters,
    *,
    touched_share: float = TOUCHED_SHARE,
    seed: int = 0,
    progress: Progress = unseen,
) -> dict[str, Any]:
    """What a model would tell apart and whom it would hit with a feature less, or fitted under a constraint.

    Everything is fitted anew on two thirds of the table and judged on the third that it never saw, the model that
    stands too: its own fit may have seen the table.

    Parameters
    ----------
    frame
        With the model's columns, its target and the protected columns.
    model
        Whose columns and target are used.
    protected, policy, touched_share, seed
        As of :func:`limitkeeper.app.fairness.model_fairness`.
    progress
        Told of each fit.
    """
    outcome, _ = target_of(frame[model.target], model.positive or None)
    known = ~np.isnan(outcome)
    frame, outcome = frame.filter(pl.Series(known)), outcome[known]
    table = Table(
        encoded(frame, model.inputs), outcome,
        {column.name: len(column.categories) for column in model.inputs if column.type == "text"},
        np.array(sorted(model.missing_codes), dtype=np.float64),
    )  # fmt: skip
    fitted, held = folds_of(outcome, 3, seed)[0]
    everyone = attributes_of(frame.select(protected))
    attributes = [Attribute(each.name, each.groups, each.codes[held]) for each in everyone]
    least = int(policy["group_accounts_least"])

    def told(kind: str, name: str, score: NDArray[np.float64]) -> dict[str, Any]:
        area = auc_with_interval(outcome[held], score).value
        return alternative(kind, name, area, highest(score, touched_share), attributes, least)

    standing = champion_part(table, fitted, seed)
    tried = [told(AS_IT_IS, "", standing.pd[held])]
    worst = next((each for each in everyone if each.name == tried[0]["attribute"]), everyone[0])
    hit = worst.codes == (worst.groups.index(tried[0]["group"]) if tried[0]["group"] else 0)
    names = most_telling(table.columns, hit)
    total = len(names) + len(BOUNDS)
    for number, name in enumerate(names, start=1):
        without = champion_part(_without(table, name), fitted, seed)
        tried.append(told(DROPPED, name, without.pd[held]))
        progress("alternatives", number, total)
    material, _ = table.material(fitted)
    matrix = contributions(standing.champion, material.columns)
    scores = constrained_scores(matrix[fitted], outcome[fitted], worst.codes[fitted], matrix[held])
    for number, (bound, score) in enumerate(zip(BOUNDS, scores, strict=True), start=len(names) + 1):
        tried.append(told(CONSTRAINED, f"{worst.name} ≤ {bound:g}", score))
        progress("alternatives", number, total)
    return trade_off("auc", tried, policy["adverse_impact_ratio_least"])


def most_telling(columns: Columns, inside: NDArray[np.bool_]) -> list[str]:
    """The columns that by themselves best tell a group from the others, best first, at most ``DROPPED_MAX``."""
    areas = {}
    for name, column in zip(columns.names, columns.values, strict=True):
        area = auc_with_interval(inside.astype(np.float64), np.nan_to_num(column, nan=-np.inf)).value
        areas[name] = max(area, 1.0 - area)
    return sorted(areas, key=lambda name: -areas[name])[: min(DROPPED_MAX, len(areas) - 1)]


def _without(table: Table, name: str) -> Table:
    names = tuple(each for each in table.columns.names if each != name)
    columns = Columns(names, table.columns.values[table.columns.rows(names)])
    categories = {each: count for each, count in table.categories.items() if each != name}
    return replace(table, columns=columns, categories=categories)

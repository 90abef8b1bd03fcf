"""Fairness reports: of a model, of a strategy on a portfolio, and of what was decided; joined only to measure."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from limitkeeper import __version__
from limitkeeper.app.attributes import checked_people
from limitkeeper.app.review import Review
from limitkeeper.app.scoring import characteristic_columns
from limitkeeper.app.summary import decided_accounts
from limitkeeper.core.compliance.fairness import fairness_figures
from limitkeeper.core.compliance.groups import Attribute, Treated, attribute_of
from limitkeeper.core.compliance.screens import blocking, screened
from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.kernel.errors import InputError, did_you_mean
from limitkeeper.core.kernel.parameters import Parameters
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.core.review.outcome import ADVERSE
from limitkeeper.core.risk.model import Model
from limitkeeper.learn.card import groups_of
from limitkeeper.learn.preparation import target_of
from limitkeeper.learn.proxies import proxies

THREADS = 2
"""Threads of the bootstrap; its kernel runs without the interpreter's lock."""

TOUCHED_SHARE = 0.20
"""Of a model alone: the accounts with the highest PD that are taken as touched."""

ADVERSE_CODES = tuple(action.code for action in ADVERSE)


def attributes_of(protected: pl.DataFrame) -> list[Attribute]:
    """Protected columns as attributes; one of many numbers is put into bands of equal size.

    Raises
    ------
    InputError
        When one has too many groups.
    """
    found = []
    for name in protected.columns:
        words = groups_of(protected[name].to_list())
        found.append(attribute_of(name, [None if word == "missing" else word for word in words]))
    return found


def fairness_report(
    kind: str,
    subject: Mapping[str, Any],
    treated: Treated,
    attributes: Sequence[Attribute],
    policy: Parameters,
    *,
    features: Columns | None = None,
    notes: Sequence[Mapping[str, Any]] = (),
    seed: int = 0,
    progress: Progress = unseen,
) -> dict[str, Any]:
    """The report's document: every figure, the proxy test, and what the screens say of them.

    The document is a pure function of what is given: its content hash is its name.

    Parameters
    ----------
    kind
        model, strategy, campaign or period.
    subject
        What was measured: names and hashes.
    treated, attributes
        The accounts, as :func:`limitkeeper.core.compliance.fairness.fairness_figures` takes them.
    policy
        The screens in force.
    features
        What the model and the rules read, for the proxy test; None where that is not known.
    notes
        What a reader must know: ``code`` and its figures, worded in ``policy/wording/*/fairness.yaml``.
    seed
        Of the bootstrap and of the folds.
    progress
        Told of the work done.
    """
    least = int(policy["group_accounts_least"])
    with ThreadPoolExecutor(THREADS) as pool:
        figures = fairness_figures(
            treated, attributes, seed=seed, group_accounts_least=least, mapped=pool.map
        )
    progress("bootstrap", 1, 1)
    told = (
        [] if features is None
        else proxies(features, attributes, seed=seed, group_accounts_least=least, progress=progress)
    )  # fmt: skip
    codes = list(notes)
    if not figures["outcomes_known"]:
        codes.append({"code": "no_outcome"})
    if treated.pd is None:
        codes.append({"code": "no_score"})
    report = {
        "kind": kind,
        "subject": {**subject, "program": __version__},
        "notes": codes,
        **figures,
        "proxies": told,
        "policy": {"day": policy.day.isoformat(), "hash": policy.hash, "bounds": dict(policy.values)},
    }
    found = screened(report, policy)
    return {**report, "failed": list(blocking(found)), "findings": [each.to_document() for each in found]}


def strategy_fairness(
    review: Review,
    policy: Parameters,
    *,
    strategy: str,
    notes: Sequence[Mapping[str, Any]] = (),
    seed: int = 0,
    progress: Progress = unseen,
) -> dict[str, Any]:
    """The report of a strategy on a portfolio that was reviewed by it.

    Raises
    ------
    InputError
        When the portfolio names no protected column.
    """
    portfolio, reviewed = review.portfolio, review.reviewed
    if portfolio.protected is None:
        raise InputError(
            "The portfolio names no protected column.", value=portfolio.name,
            advice="Name them in its mapping: 'protected: [sex, age]'. They reach no score and no rule.",
        )  # fmt: skip
    # The figures do not follow from the law of the day: made again after it changed, they are the same.
    decided_by = reviewed.versions.to_document()
    del decided_by["regulation"]
    subject = {
        "name": f"{strategy} · {portfolio.name}", "market": portfolio.market,
        "as_of": portfolio.as_of.isoformat(), **decided_by,
    }  # fmt: skip
    if portfolio.content_hash is not None:
        subject["portfolio"] = portfolio.content_hash
    return fairness_report(
        "strategy", subject, treated_of_review(review), attributes_of(portfolio.protected), policy,
        features=features_of_review(review), notes=[{"code": "strategy_proposed"}, *notes], seed=seed,
        progress=progress,
    )  # fmt: skip


def treated_of_review(review: Review) -> Treated:
    """What a review proposes for each account, and what became of it."""
    outcome, accounts = review.portfolio.outcome, len(review.reviewed.account_ids)
    default = np.full(accounts, np.nan)
    if outcome is not None:
        default = outcome.cast(pl.Float64).fill_null(np.nan).to_numpy()
    decided = decided_accounts(review.reviewed, default)
    return Treated(decided.pd, decided.cut_share, decided.touched, default)


def features_of_review(review: Review) -> Columns:
    """What the model and the strategy's rules read of each account, each once."""
    reviewed = review.reviewed
    rules = [
        name
        for name in reviewed.policy.strategy.strategy.names
        if name in reviewed.features and name not in reviewed.characteristics
    ]
    names = (*reviewed.policy.scorecard.names, *rules)
    rows = [reviewed.characteristics[name] for name in reviewed.policy.scorecard.names]
    return Columns(names, np.stack([*rows, *(reviewed.features[name] for name in rules)]))


def model_fairness(
    frame: pl.DataFrame,
    model: Model,
    protected: Sequence[str],
    policy: Parameters,
    *,
    touched_share: float = TOUCHED_SHARE,
    seed: int = 0,
    progress: Progress = unseen,
) -> dict[str, Any]:
    """The report of a model on a table with its target.

    A model alone decides nothing: the accounts of the highest PD are taken as touched, a stated share of all.

    Parameters
    ----------
    frame
        Accounts that the model was not fitted on, with its target and the protected columns.
    model
        Of kind ``pd``.
    protected
        Columns of the table.
    policy
        The screens in force.
    touched_share
        Above 0 and below 1.

    Raises
    ------
    InputError
        When a column is not there, or the share is out of range.
    ModelError
        When the table does not fit the model.
    """
    for name in (model.target, *protected):
        if name not in frame.columns:
            raise InputError(
                f"The table has no column '{name}'.", allowed=", ".join(frame.columns[:40]),
                advice=did_you_mean(name, frame.columns),
            )  # fmt: skip
    if not 0.0 < touched_share < 1.0:
        raise InputError(
            "The share touched is out of range.", value=touched_share, allowed="above 0, below 1"
        )
    columns = characteristic_columns(model, frame)
    pd = model.scorecard.scored(columns).pd
    default, _ = target_of(frame[model.target], model.positive or None)
    touched = highest(pd, touched_share)
    needed = Columns(model.scorecard.names, np.stack([columns[name] for name in model.scorecard.names]))
    return fairness_report(
        "model", {"name": model.target, "model": model.hash},
        Treated(pd, touched.astype(np.float64), touched, default),
        attributes_of(frame.select(protected)), policy, features=needed,
        notes=[{"code": "model_cut_assumed", "share": touched_share}], seed=seed, progress=progress,
    )  # fmt: skip


def highest(pd: NDArray[np.float64], share: float) -> NDArray[np.bool_]:
    """Whether a PD is among the highest share of all; accounts of one PD are never parted."""
    return np.asarray(pd > np.quantile(pd, 1.0 - share, method="lower"), np.bool_)


def decided_fairness(
    kind: str,
    subject: Mapping[str, Any],
    decided: pl.DataFrame,
    people: pl.DataFrame,
    protected: Sequence[str],
    policy: Parameters,
    *,
    outcome: str | None = None,
    seed: int = 0,
    progress: Progress = unseen,
) -> dict[str, Any]:
    """The report of what was decided or done: of a campaign, or in a period.

    Parameters
    ----------
    kind
        campaign or period.
    subject
        What was measured.
    decided
        ``account_id``, ``touched``, ``cut_share`` and, where known, ``pd``: one row an account.
    people
        The whole portfolio: ``account_id``, the protected columns, and the outcome where it is known (1 or 0).
        Accounts of which nothing was decided were left alone.
    protected, outcome
        Columns of ``people``.

    Raises
    ------
    InputError
        When a column is not there, an account stands twice, or nobody of whom something was decided is known.
    """
    people = checked_people(people, [*protected, *([outcome] if outcome else [])])
    if people["account_id"].is_duplicated().any():
        raise InputError("The file of attributes names an account twice.", value=people.height)
    joined = people.join(decided, on="account_id", how="left", maintain_order="left")
    unknown = decided.height - joined["touched"].is_not_null().sum()
    if unknown == decided.height:
        raise InputError(
            "The file of attributes knows none of the accounts of which something was decided.",
            value=f"{decided.height} accounts",
            advice="Give it the account numbers of the store, in the column account_id.",
        )
    notes: list[dict[str, Any]] = [
        {"code": f"{kind}_joined", "accounts": joined.height, "unknown": int(unknown)}
    ]
    score = None
    if "pd" in joined.columns and joined["pd"].is_not_null().all():
        score = joined["pd"].to_numpy()
    default = np.full(joined.height, np.nan)
    if outcome:
        default = joined[outcome].cast(pl.Float64).fill_null(np.nan).to_numpy()
    treated = Treated(
        score,
        joined["cut_share"].fill_null(0.0).to_numpy(),
        joined["touched"].fill_null(value=False).to_numpy(),
        default,
    )
    return fairness_report(
        kind, subject, treated, attributes_of(joined.select(protected)), policy, notes=notes, seed=seed,
        progress=progress,
    )  # fmt: skip


def decided_rows(items: pl.DataFrame) -> pl.DataFrame:
    """What ``decided_fairness`` reads, from decisions of a review or items of a campaign.

    Parameters
    ----------
    items
        ``account_id``, ``action``, ``limit_before_cents``, ``limit_after_cents`` and, where known, ``pd``.

    Raises
    ------
    InputError
        When a column is not there.
    """
    for name in ("account_id", "action", "limit_before_cents", "limit_after_cents"):
        if name not in items.columns:
            raise InputError(
                f"The decisions have no column '{name}'.", allowed="a decisions.parquet of a review"
            )
    before, after = pl.col("limit_before_cents"), pl.col("limit_after_cents")
    share = pl.when(before > 0).then(1.0 - after / before).otherwise(0.0).clip(0.0, 1.0).fill_null(0.0)
    return items.select(
        pl.col("account_id").cast(pl.String),
        pl.col("action").is_in(ADVERSE_CODES).alias("touched"),
        share.alias("cut_share"),
        *(["pd"] if "pd" in items.columns else []),
    )

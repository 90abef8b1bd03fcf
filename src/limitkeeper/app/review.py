"""Review a portfolio: portrait, assessment, and decisions with their traces and reasons."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from limitkeeper import __version__
from limitkeeper.app.features import Portraits, portraits_of_accounts
from limitkeeper.app.policy import LANGUAGES, reason_wording
from limitkeeper.app.portfolio import Portfolio
from limitkeeper.app.regulation_policy import regulation_version
from limitkeeper.app.scoring import characteristic_columns, faulty_columns
from limitkeeper.app.strategies import published_strategy
from limitkeeper.core.decision.assessment import Policy, assess_into, empty_assessment
from limitkeeper.core.decision.trace import Reviewed, Versions, decision_trace
from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.parameters import Parameters
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.core.notice.reasons import (
    Reason,
    Wording,
    characteristic_reason,
    is_told_truly,
    principal_reasons,
    reason_texts,
)
from limitkeeper.core.risk.model import Model
from limitkeeper.core.strategy.account import PRODUCT_CODES
from limitkeeper.core.strategy.actions import Action
from limitkeeper.core.strategy.definition import Strategy
from limitkeeper.core.strategy.holdout import EXCLUSION_INPUTS, holdout_of, holdout_terms
from limitkeeper.core.value.economics import VALUE_NAMES, terms_in_force
from limitkeeper.core.value.response import response_terms_in_force

THREADS = 2
"""Threads of an assessment; kernels run without the interpreter's lock."""


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a review: PD, and LGD and CCF where the lender has them."""

    pd: Model
    lgd: Model | None = None
    ccf: Model | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """A review: what was found, the portfolio without the rows that could not be read, and its events.

    ``event_counts`` are ``read = accepted + rejected + duplicate``; both are None without events.
    """

    reviewed: Reviewed
    portfolio: Portfolio
    event_counts: Mapping[str, int] | None
    event_rejects: pl.DataFrame | None


def portrait(portfolio: Portfolio, progress: Progress = unseen) -> tuple[pl.DataFrame, Portraits | None]:
    """The accounts with their behaviour as of the review, in the portfolio's order, and what came of events.

    Where there are events, features are computed from them and replace columns of the same name; without,
    the accounts' own columns are the portrait. ``product_code`` and the customer's total are filled in.
    """
    accounts, found = portfolio.accounts, None
    if portfolio.events is not None:
        found = portraits_of_accounts(
            portfolio.events,
            accounts,
            as_of=portfolio.as_of,
            time_zone=portfolio.time_zone,
            progress=progress,
        )
        features = found.features.drop("account_id")
        accounts = accounts.drop(set(features.columns) & set(accounts.columns)).hstack(features)
    accounts = accounts.with_columns(pl.col("product").replace_strict(PRODUCT_CODES).alias("product_code"))
    if "customer_id" in accounts.columns and "customer_limit_total_cents" not in accounts.columns:
        total = pl.col("limit_cents").fill_nan(None).sum().over("customer_id")
        alone = pl.col("customer_id").is_null()
        accounts = accounts.with_columns(
            pl.when(alone).then(pl.col("limit_cents")).otherwise(total).alias("customer_limit_total_cents")
        )
    return accounts, found


def input_columns(frame: pl.DataFrame, names: Sequence[str]) -> Columns:
    """The named columns as numbers; missing, and what the portfolio does not have, is NaN.

    Raises
    ------
    InputError
        When a column holds something that is no number.
    """
    values = np.full((len(names), frame.height), np.nan)
    for row, name in enumerate(names):
        if name in frame.columns:
            column = frame[name]
            try:
                values[row] = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
            except pl.exceptions.PolarsError as error:
                raise InputError(
                    f"The column '{name}' of the accounts is no column of numbers.", value=column.dtype
                ) from error
    return Columns(tuple(names), values)


def estimates(frame: pl.DataFrame, models: Models, parameters: Parameters) -> dict[str, NDArray[np.float64]]:
    """LGD and CCF of each account: by the model where there is one, else the market's parameter."""
    found = {}
    for name, model in (("lgd", models.lgd), ("ccf", models.ccf)):
        if model is None:
            found[name] = np.full(frame.height, parameters[name])
        else:
            found[name] = model.scorecard.scored(characteristic_columns(model, frame)).pd
    return found


def reviewed_portfolio(
    portfolio: Portfolio,
    models: Models,
    strategy: Strategy,
    parameters: Parameters,
    *,
    previous: pl.DataFrame | None = None,
    progress: Progress = unseen,
) -> Review:
    """Every account of a portfolio assessed as of its time.

    Accounts that hold an infinity where a model reads a number are set aside, with their reason.

    Parameters
    ----------
    portfolio
        What is reviewed.
    models, strategy, parameters
        What decides.
    previous
        Decisions of the last review under the same strategy (``account_id``, ``hits``), for hysteresis.
    progress
        Told of each finished chunk.

    Raises
    ------
    ModelError
        When the portfolio lacks a column that a model reads.
    """
    frame, behaviour = portrait(portfolio, progress)
    portfolio, frame = _without_infinities(portfolio, frame, models)
    policy = Policy(
        models.pd.scorecard,
        published_strategy(strategy, parameters),
        terms_in_force(parameters),
        response_terms_in_force(parameters),
    )
    columns = input_columns(frame, policy.inputs)
    for name, values in estimates(frame, models, parameters).items():
        columns.values[columns.row(name)] = values
    characteristics = characteristic_columns(models.pd, frame)
    hits_before = _hits_before(frame, previous, strategy.hash)
    assessment = empty_assessment(len(columns))
    account_ids = tuple(frame["account_id"].to_list())
    holdout = holdout_of(account_ids, input_columns(frame, EXCLUSION_INPUTS), holdout_terms(parameters))
    parts = list(columns.chunks())
    with ThreadPoolExecutor(THREADS) as pool:
        tasks = [
            pool.submit(
                assess_into, assessment, columns, hits_before, characteristics, policy, part, None, holdout
            )
            for part in parts
        ]
        for done, task in enumerate(tasks, start=1):
            task.result()
            progress("assessment", done, len(parts))
    reviewed = Reviewed(
        account_ids=account_ids,
        features=columns,
        characteristics=characteristics,
        points_given=models.pd.scorecard.points_by_characteristic(characteristics),
        hits_before=tuple(hits_before.tolist()),
        assessment=assessment,
        policy=policy,
        versions=Versions(
            strategy.hash,
            models.pd.hash,
            parameters.hash,
            regulation_version(portfolio.market, parameters.day),
            __version__,
        ),
        as_of=portfolio.as_of,
        holdout=holdout,
        pd_bands=models.pd.pd_bands,
    )
    events = (behaviour.counts, behaviour.refused) if behaviour else (None, None)
    return Review(reviewed, portfolio, *events)


def _without_infinities(
    portfolio: Portfolio, frame: pl.DataFrame, models: Models
) -> tuple[Portfolio, pl.DataFrame]:
    """The portfolio and its portrait without accounts that no model can read, which join the rejects."""
    read = {name for model in (models.pd, models.lgd, models.ccf) if model for name in model.columns_needed}
    faults = faulty_columns(frame.select(name for name in frame.columns if name in read))
    if not any(faults):
        return portfolio, frame
    keep = pl.Series([not fault for fault in faults])
    reasons = pl.Series("reason", [f"infinite_value: {fault}" for fault in faults if fault])
    refused = portfolio.accounts.filter(~keep).with_columns(reasons)
    accounts = portfolio.accounts.filter(keep)
    if accounts.is_empty():
        raise InputError(
            "The portfolio has no account that the models can read.", value=reasons.to_list()[:3]
        )
    return replace(
        portfolio,
        accounts=accounts,
        outcome=None if portfolio.outcome is None else portfolio.outcome.filter(keep),
        protected=None if portfolio.protected is None else portfolio.protected.filter(keep),
        rejects=pl.concat([portfolio.rejects, refused], how="diagonal_relaxed"),
    ), frame.filter(keep)


def _hits_before(frame: pl.DataFrame, previous: pl.DataFrame | None, strategy_hash: str) -> NDArray[np.int64]:
    """The rules that hit at the last review; none where that was under another strategy."""
    if previous is None:
        return np.zeros(frame.height, np.int64)
    for name in ("account_id", "hits", "strategy_hash"):
        if name not in previous.columns:
            raise InputError(
                f"The previous decisions have no column '{name}'.", allowed="a decisions.parquet"
            )
    same = previous.filter(pl.col("strategy_hash") == strategy_hash)
    known = frame.select("account_id").join(
        same.select("account_id", "hits"), on="account_id", how="left", maintain_order="left"
    )
    return known["hits"].fill_null(0).cast(pl.Int64).to_numpy()


def trace_reasons(trace: dict[str, Any]) -> tuple[Reason, ...]:
    """The reasons of a decision, read from its trace; none where nothing is done."""
    rules = [rule for rule in trace["rules"] if rule["hit"]]
    rules.sort(key=lambda rule: rule["id"] != trace["action"]["rule"])
    if trace["action"]["taken"] == Action.NONE.code:
        return ()
    inputs = trace["inputs"]
    codes = [[code for code in rule["reasons"] if is_told_truly(code, inputs)] for rule in rules]
    if {"line_cap", "customer_total_cap"} & set(trace["action"]["constraints"]):
        codes.insert(0, ["regulatory_cap"])
    characteristics = [
        characteristic_reason(each["reason"], each["label"], inputs) for each in trace["score"]["lost_most"]
    ]
    return principal_reasons(codes, characteristics, score_used=any(rule["uses_score"] for rule in rules))


def explained_trace(
    reviewed: Reviewed, account: int, wording: Mapping[str, Mapping[str, Wording]]
) -> tuple[dict[str, Any], tuple[Reason, ...], dict[str, list[dict[str, str]]]]:
    """The trace of one account's decision with its reasons in each language; the reasons; their texts."""
    trace = decision_trace(reviewed, account)
    reasons = trace_reasons(trace)
    texts = {language: reason_texts(reasons, wording[language]) for language in LANGUAGES}
    trace["reasons"] = [
        {"code": en["code"], "en": en["text"], "zh": zh["text"], "help_en": en["help"], "help_zh": zh["help"]}
        for en, zh in zip(texts["en"], texts["zh"], strict=True)
    ]
    return trace, reasons, texts


def decisions(reviewed: Reviewed, progress: Progress = unseen) -> pl.DataFrame:
    """One row an account, in order: identity, score, action, limits, value, reasons, trace."""
    wording = {language: reason_wording(language) for language in LANGUAGES}
    found, count = reviewed.assessment, len(reviewed.account_ids)
    rows: dict[str, list[Any]] = {
        name: []
        for name in (
            "decision_id",
            "rule",
            "reason_codes",
            "reasons_en",
            "reasons_zh",
            "constraints",
            "trace",
        )
    }
    for account in range(count):
        trace, reasons, texts = explained_trace(reviewed, account, wording)
        rows["decision_id"].append(trace["decision_id"])
        rows["rule"].append(trace["action"]["rule"])
        rows["reason_codes"].append([reason.code for reason in reasons])
        rows["reasons_en"].append([text["text"] for text in texts["en"]])
        rows["reasons_zh"].append([text["text"] for text in texts["zh"]])
        rows["constraints"].append(trace["action"]["constraints"])
        rows["trace"].append(json.dumps(trace, ensure_ascii=False, allow_nan=False))
        if account % 500 == 499 or account == count - 1:  # noqa: PLR2004 - often enough to be seen moving
            progress("decisions", account + 1, count)
    proposals = found.proposals
    names = np.array([action.code for action in Action], dtype=object)
    unknown = proposals.limits_after_cents < 0
    held = reviewed.holdout
    shares = pl.Series([None] * count, dtype=pl.Float64)
    if held is not None:
        shares = pl.Series(np.where(held.possible, held.terms.share, np.nan), nan_to_null=True)
    values = {
        f"{name}_{when}": matrix[row]
        for when, matrix in (("before", found.value_before), ("after", found.value_after))
        for row, name in enumerate(VALUE_NAMES)
    }
    text_list = pl.List(pl.String)
    return pl.DataFrame(
        {
            "decision_id": rows["decision_id"],
            "account_id": list(reviewed.account_ids),
            "action": pl.Series(names[proposals.effects].tolist(), dtype=pl.String),
            "rule": pl.Series(rows["rule"], dtype=pl.String),
            "hits": proposals.hits,
            "strategy_hash": pl.Series([reviewed.versions.strategy] * count, dtype=pl.String),
            "model_hash": pl.Series([reviewed.versions.model] * count, dtype=pl.String),
            "limit_before_cents": pl.Series(reviewed.features["limit_cents"], nan_to_null=True).cast(
                pl.Int64
            ),
            "limit_after_cents": pl.Series(proposals.limits_after_cents).set(pl.Series(unknown), None),
            "balance_cents": pl.Series(reviewed.features["balance_cents"], nan_to_null=True).cast(pl.Int64),
            "drawing_stopped": proposals.drawing_stopped,
            "constraints": pl.Series(rows["constraints"], dtype=text_list),
            "holdout_share": shares,
            "points": found.points,
            "pd": found.pd,
            **{name: pl.Series(value, nan_to_null=True) for name, value in values.items()},
            "marginal_profit_cents": pl.Series(found.marginal_profit_cents, nan_to_null=True),
            "reason_codes": pl.Series(rows["reason_codes"], dtype=text_list),
            "reasons_en": pl.Series(rows["reasons_en"], dtype=text_list),
            "reasons_zh": pl.Series(rows["reasons_zh"], dtype=text_list),
            "trace": pl.Series(rows["trace"], dtype=pl.String),
        }
    )

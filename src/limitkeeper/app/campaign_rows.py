"""The rows of a campaign: read from a table, each taken, set aside or refused with a reason, and counted."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl

from limitkeeper.app.policy import LANGUAGES, reason_wording
from limitkeeper.core.kernel.errors import InputError, did_you_mean
from limitkeeper.core.limits.ledger import CLOSE, DECREASE, INCREASE
from limitkeeper.core.notice.reasons import REASONS_MAX, Reason, reason_texts

ACTIONS = (DECREASE, CLOSE, INCREASE)
"""What a campaign does. A freeze acts at once, and a restoration follows from a line's own history."""

IDLE_ACTIONS = ("none", "alert")
"""Of a review: nothing is to be done."""

ROWS_MAX = 5_000_000
"""Rows of one file."""

ACCOUNT_LETTERS_MAX = 200

TEXT_LETTERS_MAX = {"account_id": 200, "customer_id": 200, "segment": 200, "trigger": 200, "decision_id": 32}
"""Of each text of a row."""

AMOUNT_CENTS_MAX = 1_000_000_000_000
"""So that no sum over a whole file leaves 64 bits."""

REFUSALS = {
    "account_missing": "The row names no account, or one of more than 200 letters.",
    "account_repeated": "The account stands in an earlier row.",
    "action_unknown": "The action is none of decrease, close, increase.",
    "limit_unknown": "The limit before is neither in the row nor in the ledger.",
    "limit_missing": "The limit after is missing.",
    "limit_not_whole": "A limit is below 0, above ten thousand million, or no whole number of minor units.",
    "limit_not_changed": "The limit after does not lie where the action leads.",
    "text_too_long": "A text is too long, or has a letter that no text has.",
    "reason_unknown": "A reason has no wording, or there are more than four.",
}
"""Why a row is refused."""

STANDING_REASONS = {
    "nothing_to_do": "The review proposes nothing for the account.",
    "live_case": "The account has a case that waits.",
    "planned_change": "The account has a planned change.",
    "other_campaign": "The account is in another campaign.",
}
"""Why a row is set aside."""

COLUMNS: dict[str, pl.DataType] = {
    "account_id": pl.String(), "customer_id": pl.String(), "action": pl.String(), "limit_before_cents": pl.Int64(),
    "limit_after_cents": pl.Int64(), "exposure_cents": pl.Int64(), "segment": pl.String(), "trigger": pl.String(),
    "reasons": pl.String(), "decision_id": pl.String(), "loss_change_cents": pl.Float64(),
    "profit_change_cents": pl.Float64(), "capital_before_cents": pl.Float64(), "capital_after_cents": pl.Float64(),
    "return_before_cents": pl.Float64(), "return_after_cents": pl.Float64(),
}  # fmt: skip
"""Of an item of a campaign."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A campaign's rows: ``read = items + left out``.

    Parameters
    ----------
    items
        In order, with :data:`COLUMNS`.
    left_out
        ``row``, ``account_id``, ``kind`` (set_aside or refused) and ``reason``.
    read
        How many rows the table had.
    """

    items: pl.DataFrame
    left_out: pl.DataFrame
    read: int

    def counts(self) -> dict[str, Any]:
        """How many rows were read, taken, and left out for which reason."""
        by = {(row["kind"], row["reason"]): row["len"] for row in
              self.left_out.group_by("kind", "reason").len().sort("kind", "reason").iter_rows(named=True)}  # fmt: skip
        return {
            "read": self.read,
            "taken": self.items.height,
            "set_aside": {reason: count for (kind, reason), count in by.items() if kind == "set_aside"},
            "refused": {reason: count for (kind, reason), count in by.items() if kind == "refused"},
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """What the store knows of accounts: the limit in the ledger, and why some are set aside.

    Parameters
    ----------
    limits
        ``account_id``, ``ledger_cents``.
    busy
        ``account_id``, ``busy``: of :data:`STANDING_REASONS`.
    """

    limits: pl.DataFrame
    busy: pl.DataFrame


def accounts_named(frame: pl.DataFrame) -> pl.Series:
    """The accounts that a table names, row by row.

    Raises
    ------
    InputError
        When it names none, or is too long.
    """
    if "account_id" not in frame.columns:
        near = did_you_mean("account_id", frame.columns)
        raise InputError("The table names no accounts.", allowed="a column account_id", advice=near)
    if frame.height > ROWS_MAX:
        raise InputError("The table is too long.", value=frame.height, allowed=ROWS_MAX)
    return frame["account_id"].cast(pl.String)


def rows_taken(
    frame: pl.DataFrame, standing: Standing, action: str | None = None, reasons: Sequence[str] = ()
) -> Taken:
    """Each row of a table taken, set aside or refused.

    Parameters
    ----------
    frame
        ``account_id`` and ``limit_after_cents``; where they are there also ``action``, ``limit_before_cents``,
        ``customer_id``, ``balance_cents``, ``segment``, ``trigger``, ``reasons`` (codes with commas); or the
        decisions of a review.
    standing
        What the store knows of the accounts.
    action
        Of rows without one; without it, it is read from the limits.
    reasons
        Codes of rows without any.

    Raises
    ------
    InputError
        When the table has no account, is too long, or the action or a reason is unknown.
    """
    accounts_named(frame)
    if action is not None and action not in ACTIONS:
        raise InputError("A campaign does no such action.", value=action, allowed=", ".join(ACTIONS))
    known = set(reason_wording("en"))
    for code in reasons:
        if code not in known:
            allowed = ", ".join(sorted(known))
            raise InputError(
                "The reason is unknown.", value=code, allowed=allowed, advice=did_you_mean(code, known)
            )
    rows = _read(frame, action, reasons, known)
    rows = rows.join(standing.limits, on="account_id", how="left", maintain_order="left")
    rows = rows.join(standing.busy, on="account_id", how="left", maintain_order="left")
    # The ledger knows a limit better than a file that was written before.
    before = pl.coalesce("ledger_cents", "limit_before_cents")
    rows = rows.with_columns(before.alias("limit_before_cents"))
    after, before = pl.col("limit_after_cents"), pl.col("limit_before_cents")
    read_action = pl.when(after < before).then(pl.lit(DECREASE)).otherwise(pl.lit(INCREASE))
    rows = rows.with_columns(pl.coalesce("action", read_action).alias("action"))
    act = pl.col("action")
    rows = rows.with_columns(pl.when(act == CLOSE).then(0).otherwise(after).alias("limit_after_cents"))
    changes = (
        pl.when(act == INCREASE).then(after > before).when(act == CLOSE).then(True).otherwise(after < before)
    )
    verdict = (
        pl.when(act.is_in(IDLE_ACTIONS)).then(pl.lit("nothing_to_do"))
        .when(pl.col("account_id").is_null() | (pl.col("account_id") == "")
              | (pl.col("account_id").str.len_chars() > ACCOUNT_LETTERS_MAX)).then(pl.lit("account_missing"))
        .when(~pl.col("account_id").is_first_distinct()).then(pl.lit("account_repeated"))
        .when(~act.is_in(ACTIONS)).then(pl.lit("action_unknown"))
        .when(pl.col("is_faulty") | (before < 0)).then(pl.lit("limit_not_whole"))
        .when(before.is_null()).then(pl.lit("limit_unknown"))
        .when(after.is_null()).then(pl.lit("limit_missing"))
        .when(after < 0).then(pl.lit("limit_not_whole"))
        .when(~changes).then(pl.lit("limit_not_changed"))
        .when(_is_text_faulty()).then(pl.lit("text_too_long"))
        .when(~pl.col("reasons_known")).then(pl.lit("reason_unknown"))
        .otherwise(pl.col("busy"))
    )  # fmt: skip
    rows = rows.with_columns(verdict.alias("reason"))
    exposure = pl.max_horizontal("limit_before_cents", "balance_cents").fill_null(0)
    items = rows.filter(pl.col("reason").is_null()).with_columns(exposure.alias("exposure_cents"))
    left = rows.filter(pl.col("reason").is_not_null())
    kind = pl.when(pl.col("reason").is_in(list(STANDING_REASONS))).then(pl.lit("set_aside"))
    left = left.select("row", "account_id", kind.otherwise(pl.lit("refused")).alias("kind"), "reason")
    return Taken(items.select(*COLUMNS), left, frame.height)


def _read(frame: pl.DataFrame, action: str | None, reasons: Sequence[str], known: set[str]) -> pl.DataFrame:
    """The table under the names of items, as far as it says them, with whether amounts and reasons can be read."""
    names = set(frame.columns)
    text = {
        name: (pl.col(name).cast(pl.String) if name in names else pl.lit(None, pl.String)).alias(name)
        for name in ("account_id", "customer_id", "segment", "decision_id", "action")
    }
    if action is not None:
        text["action"] = text["action"].fill_null(action)
    amounts, faults = [], pl.lit(value=False)
    for name in ("limit_before_cents", "limit_after_cents", "balance_cents"):
        given = pl.col(name) if name in names else pl.lit(None, pl.Int64)
        number = given.cast(pl.Float64, strict=False)
        whole = number.cast(pl.Int64, strict=False)
        amounts.append(whole.alias(name))
        faults = faults | (
            given.is_not_null()
            & ((number != number.round()) | (whole > AMOUNT_CENTS_MAX) | whole.is_null()).fill_null(
                value=True
            )
        )
    default = json.dumps(list(reasons))
    codes = _reason_lists(frame)
    told = pl.Series("reasons", [default if found is None else json.dumps(found) for found in codes[0]])
    unknown = {
        json.dumps(found) for found in codes[0] if found and (len(found) > REASONS_MAX or set(found) - known)
    }
    unknown.add("[]")  # an adverse notice says why
    changes = [
        (pl.col(f"{theirs}_after") - pl.col(f"{theirs}_before") if f"{theirs}_after" in names else pl.lit(None))
        .cast(pl.Float64).alias(ours)
        for ours, theirs in (("loss_change_cents", "expected_loss_cents"),
                             ("profit_change_cents", "economic_profit_cents"))
    ]  # fmt: skip
    rows = frame.select(
        *text.values(),
        *amounts,
        *changes,
        *_capitals_and_returns(names),
        faults.alias("is_faulty"),
        _triggers(frame),
    )
    if codes[1] is not None:
        told = codes[1].replace_strict(list(range(len(codes[0]))), told.to_list(), return_dtype=pl.String)
    else:
        told = pl.Series([default] * frame.height, dtype=pl.String)
    rows = rows.with_columns(told.alias("reasons"))
    is_known = ~pl.col("reasons").is_in(list(unknown)) | (pl.col("action") == INCREASE)
    return rows.with_columns(is_known.fill_null(value=True).alias("reasons_known")).with_row_index(
        "row", offset=1
    )


def _capitals_and_returns(names: set[str]) -> list[pl.Expr]:
    """Economic capital and the return on it, before and after, of rows that tell them: their sums make a RAROC again."""
    found = []
    for when in ("before", "after"):
        theirs = [f"{name}_{when}" for name in ("economic_capital_cents", "raroc", "economic_profit_cents")]
        if set(theirs) <= names:
            capital, raroc, profit = (pl.col(name).cast(pl.Float64) for name in theirs)
            # Without capital there is no hurdle to earn: the profit is the return.
            earned = pl.when(capital > 0).then(raroc * capital).otherwise(profit)
        else:
            capital = earned = pl.lit(None, pl.Float64)
        found += [capital.alias(f"capital_{when}_cents"), earned.alias(f"return_{when}_cents")]
    return found


def _is_text_faulty() -> pl.Expr:
    return pl.any_horizontal(
        ((pl.col(name).str.len_chars() > letters) | pl.col(name).str.contains("\0", literal=True)).fill_null(
            value=False
        )
        for name, letters in TEXT_LETTERS_MAX.items()
    )


def _reason_lists(frame: pl.DataFrame) -> tuple[list[list[str] | None], pl.Series | None]:
    """The different lists of reasons that rows give, and which of them each gives; few where the rows are many."""
    if "reason_codes" in frame.columns:
        texts = frame["reason_codes"].list.join(",")
    elif "reasons" in frame.columns:
        texts = frame["reasons"].cast(pl.String)
    else:
        return [], None
    texts = texts.fill_null("")
    different = texts.unique(maintain_order=True)
    place = texts.replace_strict(different, list(range(len(different))), return_dtype=pl.Int64)
    lists = [[code.strip() for code in text.split(",") if code.strip()] or None for text in different]
    return lists, place


def _triggers(frame: pl.DataFrame) -> pl.Expr:
    """What led to each row: as it says, or as the rule of a review that decided it."""
    if "trigger" in frame.columns:
        return pl.col("trigger").cast(pl.String)
    if not {"rule", "trace"} <= set(frame.columns):
        return pl.lit(None, pl.String).alias("trigger")
    found: dict[str, str] = {}
    for rule, trace in frame.unique("rule").select("rule", "trace").iter_rows():
        rules = json.loads(trace).get("rules", []) if trace else []
        found.update((rule, each["trigger"]) for each in rules if rule and each.get("id") == rule)
    triggers = pl.col("rule").replace_strict(
        list(found), list(found.values()), default=None, return_dtype=pl.String
    )
    return triggers.alias("trigger")


@cache
def told_reasons(codes: str) -> list[dict[str, str]]:
    """Reasons as a trace has them, of a JSON list of codes."""
    reasons = [Reason(code) for code in json.loads(codes)]
    texts = [reason_texts(reasons, reason_wording(language)) for language in LANGUAGES]
    return [
        {"code": each[0]["code"]}
        | {language: text["text"] for language, text in zip(LANGUAGES, each, strict=True)}
        | {f"help_{language}": text["help"] for language, text in zip(LANGUAGES, each, strict=True)}
        for each in zip(*texts, strict=True)
    ]
